//! The backend for macOS keychains: the steps of each operation, and what is read back after each.

use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::caller::{Caller, TOOL_TIME, Word, readable, text};
use super::known_errors;
use super::search_list::{OF_CLOSING, OF_OPENING, SearchList};
use super::securityd::{PreparedLock, Securityd};
use super::securityd_tool::{NO_SUCH_KEYCHAIN, SecuritydTool, WRONG_PASSWORD};
use crate::apple::certificate::Certificate;
use crate::apple::pkcs12::{Form, Pkcs12, Pkcs12Identity};
use crate::base::ids::CertSha1;
use crate::base::secret::Password;
use crate::host::keychain::backend::{ChildAccess, Closer, KeychainBackend, Opening, Settings};
use crate::host::keychain::error::KeychainError;
use crate::host::keychain::imported::read_identities;
use crate::host::keychain::kind::{BackendKind, LockState};
use crate::host::keychain::password::check_password;
use crate::host::keychain::path::KeychainPath;
use crate::host::owned_files::{self, FileStep, OwnedFileError};
use crate::host::permit::OpenPermit;
use crate::host::process::{Bounds, Exit, Tool, run};
use crate::host::random;
use crate::host::run_id::RunId;
use crate::host::state_dir::StateDir;

/// The backend for macOS keychains.
pub struct MacOsBackend {
    caller: Caller,
    securityd: Box<dyn Securityd>,
    search_list: SearchList,
    codesign: PathBuf,
    state: StateDir,
}

/// Where the tools are and what they are given.
#[derive(Debug, Clone)]
pub struct MacOsConfig {
    /// `/usr/bin/security`, or a stand-in.
    pub security: PathBuf,
    /// `/usr/bin/codesign`, or a stand-in: imported keys are tried with it.
    pub codesign: PathBuf,
    /// The environment of both: `HOME` and `USER`, and nothing else that they need.
    pub environment: Vec<(OsString, OsString)>,
    /// The state directory: the search list's lock and markers, and files that live for a moment.
    pub state: StateDir,
    /// How long one call may take.
    pub time: Duration,
}

impl MacOsConfig {
    /// Apple's tools where macOS has them.
    pub fn with_apples_tools(home: &Path, user: &str, state: StateDir) -> Self {
        Self {
            security: "/usr/bin/security".into(),
            codesign: "/usr/bin/codesign".into(),
            environment: vec![
                ("HOME".into(), home.into()),
                ("USER".into(), user.into()),
                ("LOGNAME".into(), user.into()),
                // What the tools say is shown to people and searched for sentences: both want one language.
                ("LC_ALL".into(), "C".into()),
            ],
            state,
            time: TOOL_TIME,
        }
    }
}

impl MacOsBackend {
    /// Asks everything of the program.
    pub fn new(config: MacOsConfig) -> Self {
        let caller = caller_of(&config);
        Self::with_securityd(config, Box::new(SecuritydTool { caller }))
    }

    /// Asks `securityd` what needs no secret.
    pub fn with_securityd(config: MacOsConfig, securityd: Box<dyn Securityd>) -> Self {
        Self {
            caller: caller_of(&config),
            securityd,
            search_list: SearchList::new(config.state.clone()),
            codesign: config.codesign,
            state: config.state,
        }
    }

    /// Keychains are open or closed in one security session: the system's own session does not find a keychain of ours.
    fn check_session(&self) -> Result<(), KeychainError> {
        match self.securityd.session()? {
            Some(session) if session.is_root => Err(KeychainError::RootSession),
            _ => Ok(()),
        }
    }

    fn check_not_default(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        match self.securityd.default_keychain()? {
            Some(default) if keychain.is(&default) => {
                Err(KeychainError::IsDefault(keychain.clone()))
            }
            _ => Ok(()),
        }
    }

    fn unlock(&self, keychain: &KeychainPath, password: &Password) -> Result<(), KeychainError> {
        let said = self.caller.run_opening(&[
            Word::Plain("unlock-keychain"),
            Word::Plain("-p"),
            Word::Secret(password),
            Word::Plain(keychain.as_str()),
        ])?;
        match said.code {
            0 => self.read_back("unlock-keychain", keychain, LockState::Unlocked),
            WRONG_PASSWORD => Err(KeychainError::WrongPassword(keychain.clone())),
            NO_SUCH_KEYCHAIN => Err(KeychainError::Missing(keychain.clone())),
            _ => Err(said.failure()),
        }
    }

    fn close(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        match self.securityd.lock(keychain) {
            Err(KeychainError::Missing(_)) => return Ok(()),
            locked => locked?,
        }
        match self.securityd.status(keychain)? {
            LockState::Unlocked => Err(not_done(
                "lock-keychain",
                keychain,
                LockState::Locked,
                LockState::Unlocked,
            )),
            LockState::Locked | LockState::Missing => Ok(()),
        }
    }

    fn detach(&self, keychain: &KeychainPath, patience: Duration) -> Result<(), KeychainError> {
        let securityd = self.securityd.as_ref();
        self.search_list.detach(securityd, keychain, patience)
    }

    fn read_back(
        &self,
        step: &'static str,
        keychain: &KeychainPath,
        expected: LockState,
    ) -> Result<(), KeychainError> {
        let found = self.securityd.status(keychain)?;
        if found == expected {
            Ok(())
        } else {
            Err(not_done(step, keychain, expected, found))
        }
    }

    /// Sets the idle timeout and locking on sleep; the keychain must be open, or the tool would ask for its password.
    fn set(&self, keychain: &KeychainPath, settings: Settings) -> Result<(), KeychainError> {
        let seconds = settings.idle_timeout.as_secs().max(1).to_string();
        let set = [
            "set-keychain-settings",
            "-l",
            "-u",
            "-t",
            &seconds,
            keychain.as_str(),
        ];
        // `Keychain "PATH" lock-on-sleep timeout=300s`, on standard error.
        let said = self
            .caller
            .run_two(&set, &["show-keychain-info", keychain.as_str()])?;
        let expected = format!("lock-on-sleep timeout={seconds}s");
        let after_path = said.stderr.rsplit_once('"').map_or("", |(_, after)| after);
        let words: Vec<&str> = after_path.split_whitespace().collect();
        let kept = words.contains(&"lock-on-sleep")
            && words.contains(&format!("timeout={seconds}s").as_str());
        if kept {
            Ok(())
        } else {
            Err(not_done(
                "set-keychain-settings",
                keychain,
                expected,
                after_path.trim(),
            ))
        }
    }

    fn create_open(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        settings: Settings,
    ) -> Result<(), KeychainError> {
        let said = self.caller.run_opening(&[
            Word::Plain("create-keychain"),
            Word::Plain("-p"),
            Word::Secret(password),
            Word::Plain(keychain.as_str()),
        ])?;
        match said.code {
            0 => {}
            DUPLICATE_KEYCHAIN => return Err(KeychainError::Exists(keychain.clone())),
            _ => return Err(said.failure()),
        }
        close_to_others(keychain.as_path())?;
        self.set(keychain, settings)?;
        // A keychain is open after it was made, and an open one takes any password for the right one.
        self.close(keychain)?;
        self.unlock(keychain, password)
    }

    fn import_open(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        mut contents: Pkcs12,
    ) -> Result<Vec<Certificate>, KeychainError> {
        self.unlock(keychain, password)?;
        let wanted: Vec<CertSha1> = contents
            .identities
            .iter()
            .map(Pkcs12Identity::sha1)
            .collect();
        let here = self.securityd.identities(keychain)?;
        contents.identities.retain(|identity| {
            let sha256 = identity.sha256();
            here.iter().all(|certificate| certificate.sha256 != sha256)
        });
        let refused = match self.import_contents(keychain, &contents) {
            // What is in the keychain in the end decides whether that is an error.
            Err(refused @ KeychainError::Duplicate { .. }) => Some(refused),
            imported => {
                imported?;
                None
            }
        };
        // Prints every attribute of every key on standard output, which nobody reads; without `-s` it would try public
        // keys too and fail.
        self.caller
            .run_with_secrets(&[
                Word::Plain("set-key-partition-list"),
                Word::Plain("-S"),
                Word::Plain("apple-tool:,apple:"),
                Word::Plain("-s"),
                Word::Plain("-k"),
                Word::Secret(password),
                Word::Plain(keychain.as_str()),
            ])?
            .ok()?;
        let now = self.securityd.identities(keychain)?;
        for sha1 in wanted {
            let Some(certificate) = now.iter().find(|certificate| certificate.sha1 == sha1) else {
                return Err(refused.unwrap_or_else(|| {
                    not_done("import", keychain, format!("identity {sha1}"), "none")
                }));
            };
            if certificate.kind.signs_code() || certificate.kind == OTHER_KIND {
                self.probe(keychain, certificate)?;
            }
        }
        Ok(now)
    }

    fn import_contents(
        &self,
        keychain: &KeychainPath,
        contents: &Pkcs12,
    ) -> Result<(), KeychainError> {
        if contents.identities.is_empty() {
            return Ok(());
        }
        let one_time = random::password().map_err(KeychainError::Random)?;
        let bytes = contents
            .convert(&one_time, Form::EveryMac)
            .map_err(|error| KeychainError::Pkcs12(error.to_string()))?;
        let directory = Temporary::new(&self.state)?;
        let file = directory.path.join("identities.p12");
        owned_files::create_unsynced(&file, &bytes)?;
        self.import_file(keychain, &file, &one_time)
    }

    fn import_file(
        &self,
        keychain: &KeychainPath,
        file: &Path,
        password: &Password,
    ) -> Result<(), KeychainError> {
        // The file must be the first argument. `-x`: not extractable. Never `-A`, which lets every program use the key.
        let mut words = vec![
            Word::Plain("import"),
            Word::Plain(text(file)),
            Word::Plain("-k"),
            Word::Plain(keychain.as_str()),
            Word::Plain("-P"),
            Word::Secret(password),
            Word::Plain("-x"),
        ];
        for tool in TRUSTED_TOOLS {
            words.extend([Word::Plain("-T"), Word::Plain(tool)]);
        }
        let said = self.caller.run_with_secrets(&words)?;
        if said.code == 0 {
            Ok(())
        } else if said.code == DUPLICATE_ITEM || said.stderr.contains("already exists") {
            Err(KeychainError::Duplicate {
                keychain: keychain.clone(),
            })
        } else {
            Err(said.failure())
        }
    }

    /// Signs a file with the key: whether the access list and the partition list let codesign use it, only codesign
    /// knows.
    fn probe(
        &self,
        keychain: &KeychainPath,
        certificate: &Certificate,
    ) -> Result<(), KeychainError> {
        let directory = Temporary::new(&self.state)?;
        let file = directory.path.join("probe");
        owned_files::create_unsynced(&file, b"signed to see whether the key signs\n")?;
        let tool = Tool::new(&self.codesign)
            .args(["--force", "--timestamp=none", "--sign"])
            .arg(certificate.sha1.to_string().to_ascii_uppercase())
            .arg("--keychain")
            .arg(keychain.as_path())
            .arg(&file)
            .envs(&self.caller.environment)
            .record_in(&self.caller.records);
        let output = run(&tool, b"", self.caller.bounds)?;
        if output.exit == Exit::Code(0) {
            return Ok(());
        }
        let (said, hint) = known_errors::with_cause(&readable(&output.stderr, &[]));
        let said = format!("{said} ({})", output.exit);
        // codesign says that there is no chain, not what is missing in it.
        let missing = self.missing_issuer(certificate).unwrap_or(None);
        Err(KeychainError::DoesNotSign {
            certificate: certificate.sha1,
            said: missing.map_or(said.clone(), |missing| format!("{missing}; {said}")),
            hint,
        })
    }

    fn missing_issuer(&self, certificate: &Certificate) -> Result<Option<String>, KeychainError> {
        let missing = self.securityd.missing_issuer(certificate)?;
        Ok(missing.map(|issuer| {
            format!(
                "no chain: the certificate of {issuer} is not on this machine; install it from \
                 https://www.apple.com/certificateauthority/"
            )
        }))
    }
}

impl KeychainBackend for MacOsBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::MacOs
    }

    fn check(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        match owned_files::check_file(keychain.as_path()) {
            Err(error) if error.is_not_found() => {
                return Err(KeychainError::Missing(keychain.clone()));
            }
            checked => checked?,
        }
        self.check_session()?;
        self.check_not_default(keychain)
    }

    fn create(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        settings: Settings,
    ) -> Result<(), KeychainError> {
        check_password(password, "the keychain")?;
        if keychain.as_path().symlink_metadata().is_ok() {
            return Err(KeychainError::Exists(keychain.clone()));
        }
        self.check_session()?;
        self.check_not_default(keychain)?;
        owned_files::make_directory(self.state.path())?;
        let created = self
            .create_open(keychain, password, settings)
            .and_then(|()| self.close(keychain));
        if created.is_err() && !matches!(created, Err(KeychainError::Exists(_))) {
            // Half a keychain would be found by the next create and refused there.
            let _ = self.destroy(keychain);
        }
        created
    }

    fn import(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        file: &[u8],
        file_password: &Password,
    ) -> Result<Vec<Certificate>, KeychainError> {
        check_password(password, "the keychain")?;
        // The file is read first: our errors about it are clearer than those of `security`.
        let contents = read_identities(file, file_password)?;
        owned_files::make_directory(self.state.path())?;
        self.check(keychain)?;
        self.close(keychain)?;
        // codesign finds an issuer's certificate only through the search list.
        let imported = self
            .search_list
            .attach(self.securityd.as_ref(), keychain)
            .and_then(|()| self.import_open(keychain, password, contents));
        let closed = self.close(keychain);
        let detached = self.detach(keychain, OF_OPENING);
        let now = imported?;
        closed.and(detached)?;
        close_to_others(keychain.as_path())?;
        Ok(now)
    }

    fn open(
        &self,
        _permit: OpenPermit,
        keychain: &KeychainPath,
        password: &Password,
        opening: &Opening<'_>,
    ) -> Result<ChildAccess, KeychainError> {
        check_password(password, "the keychain")?;
        self.check(keychain)?;
        if !opening.shared {
            self.close(keychain)?;
        }
        self.unlock(keychain, password)?;
        self.set(
            keychain,
            Settings {
                idle_timeout: opening.idle_timeout,
            },
        )?;
        self.search_list.attach(self.securityd.as_ref(), keychain)?;
        Ok(ChildAccess::default())
    }

    fn closer(
        &self,
        keychain: &KeychainPath,
        _run: &RunId,
    ) -> Result<Box<dyn Closer + '_>, KeychainError> {
        Ok(Box::new(MacOsCloser {
            backend: self,
            keychain: keychain.clone(),
            prepared: self.securityd.prepare_lock(keychain)?,
        }))
    }

    fn release(&self, _keychain: &KeychainPath, _run: &RunId) -> Result<(), KeychainError> {
        Ok(()) // nothing here is one run's alone
    }

    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        let closed = self.close(keychain);
        let detached = self.detach(keychain, OF_CLOSING);
        closed.and(detached)
    }

    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError> {
        self.securityd.status(keychain)
    }

    fn identities(&self, keychain: &KeychainPath) -> Result<Vec<Certificate>, KeychainError> {
        self.securityd.identities(keychain)
    }

    fn problem(&self, certificate: &Certificate) -> Result<Option<String>, KeychainError> {
        self.missing_issuer(certificate)
    }

    fn destroy(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        self.check_not_default(keychain)?;
        // One that cannot be deleted shall not be open at least; one that is gone in the end need not have been locked.
        let _ = self.close(keychain);
        let detached = self.detach(keychain, OF_OPENING);
        let deleted = match self.securityd.delete(keychain) {
            Err(KeychainError::Missing(_)) => Ok(()),
            deleted => deleted,
        };
        let left = match keychain.as_path().symlink_metadata() {
            Ok(_) if deleted.is_ok() => {
                Err(not_done("delete-keychain", keychain, "no file", "one"))
            }
            _ => Ok(()),
        };
        deleted.and(left).and(detached)
    }
}

/// Closes one keychain by what was ready before it was opened, and by a tool that is started now only if that fails.
struct MacOsCloser<'a> {
    backend: &'a MacOsBackend,
    keychain: KeychainPath,
    prepared: Box<dyn PreparedLock>,
}

impl Closer for MacOsCloser<'_> {
    fn close(
        &mut self,
        shared: bool,
        before_waiting: &mut dyn FnMut(),
    ) -> Result<(), KeychainError> {
        if shared {
            return Ok(()); // nothing here is one run's alone
        }
        let prepared = self.prepared.lock();
        before_waiting();
        match prepared {
            Ok(LockState::Locked | LockState::Missing) => {}
            Ok(LockState::Unlocked) | Err(_) => self.backend.close(&self.keychain)?,
        }
        self.backend
            .detach(&self.keychain, OF_CLOSING)
            .map_err(|error| KeychainError::LeftInSearchList {
                keychain: self.keychain.clone(),
                cause: Box::new(error),
            })
    }
}

/// A directory that lives for a moment.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn new(state: &StateDir) -> Result<Self, KeychainError> {
        let name = random::hex::<8>().map_err(KeychainError::Random)?;
        let path = state.temporary(&name);
        owned_files::make_directory(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed now, recovery finds by its name.
        let _ = owned_files::remove_directory(&self.path);
    }
}

pub(super) fn caller_of(config: &MacOsConfig) -> Caller {
    let mut caller = Caller::new(
        config.security.clone(),
        config.environment.clone(),
        config.state.tools(),
    );
    caller.bounds = Bounds {
        time: config.time,
        ..caller.bounds
    };
    caller
}

/// `security` makes keychains with the user's umask.
fn close_to_others(path: &Path) -> Result<(), KeychainError> {
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
        .map_err(OwnedFileError::of(FileStep::SetPermissions, path))?;
    Ok(owned_files::check_file(path)?)
}

fn not_done(
    step: &'static str,
    keychain: &KeychainPath,
    expected: impl ToString,
    found: impl ToString,
) -> KeychainError {
    KeychainError::NotDone {
        step,
        keychain: keychain.clone(),
        expected: expected.to_string(),
        found: found.to_string(),
    }
}

/// Who may use an imported key without anybody being asked.
const TRUSTED_TOOLS: &[&str] = &[
    "/usr/bin/codesign",
    "/usr/bin/productbuild",
    "/usr/bin/productsign",
    "/usr/bin/security",
];

/// Certificates that Apple did not mark sign code too, in rehearsals.
const OTHER_KIND: crate::apple::certificate::CertificateKind =
    crate::apple::certificate::CertificateKind::Other;

/// errSecDuplicateKeychain (−25296), cut to eight bits.
const DUPLICATE_KEYCHAIN: i32 = 48;
/// errSecDuplicateItem (−25299).
const DUPLICATE_ITEM: i32 = 45;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Explain as _;
    use crate::host::keychain::macos::securityd::Session;

    /// A service that knows sessions and chains, as the framework does.
    struct Knowing {
        is_root: bool,
    }

    impl Securityd for Knowing {
        fn status(&self, _: &KeychainPath) -> Result<LockState, KeychainError> {
            Ok(LockState::Locked)
        }
        fn lock(&self, _: &KeychainPath) -> Result<(), KeychainError> {
            Ok(())
        }
        fn prepare_lock(
            &self,
            keychain: &KeychainPath,
        ) -> Result<Box<dyn PreparedLock>, KeychainError> {
            Err(KeychainError::Missing(keychain.clone()))
        }
        fn delete(&self, _: &KeychainPath) -> Result<(), KeychainError> {
            Ok(())
        }
        fn search_list(&self) -> Result<Vec<PathBuf>, KeychainError> {
            Ok(Vec::new())
        }
        fn set_search_list(&self, _: &[PathBuf]) -> Result<(), KeychainError> {
            Ok(())
        }
        fn default_keychain(&self) -> Result<Option<PathBuf>, KeychainError> {
            Ok(None)
        }
        fn identities(&self, _: &KeychainPath) -> Result<Vec<Certificate>, KeychainError> {
            Ok(Vec::new())
        }
        fn missing_issuer(&self, _: &Certificate) -> Result<Option<String>, KeychainError> {
            Ok(Some("Apple Worldwide Developer Relations CA G3".into()))
        }
        fn session(&self) -> Result<Option<Session>, KeychainError> {
            Ok(Some(Session {
                id: 1,
                is_root: self.is_root,
                has_graphics: false,
                has_terminal: false,
                is_remote: false,
            }))
        }
    }

    fn backend(directory: &Path, is_root: bool) -> MacOsBackend {
        let config = MacOsConfig::with_apples_tools(
            directory,
            "ci",
            StateDir::new(directory.join("state")).unwrap(),
        );
        MacOsBackend::with_securityd(config, Box::new(Knowing { is_root }))
    }

    #[test]
    fn in_the_systems_own_session_nothing_is_made_or_opened() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ci.keychain-db");
        owned_files::create(&path, b"kych").unwrap();
        let keychain = KeychainPath::new(&path).unwrap();
        assert!(backend(directory.path(), false).check(&keychain).is_ok());
        let root = backend(directory.path(), true);
        let settings = Settings {
            idle_timeout: Duration::from_secs(60),
        };
        let other = KeychainPath::new(&directory.path().join("new.keychain-db")).unwrap();
        for refused in [
            root.check(&keychain),
            root.create(&other, &Password::new("x".into()), settings),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, KeychainError::RootSession), "{error}");
            assert!(error.hint().unwrap().contains("SessionCreate"));
        }
    }

    #[test]
    fn a_chain_that_misses_an_issuer_is_a_problem_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = include_bytes!("../../../../fixtures/keychain/identity-1.p12");
        let contents = crate::apple::pkcs12::read(file, &Password::new("fixture".into())).unwrap();
        let der = &contents.identities[0].certificate_der;
        let certificate = Certificate::from_der(der).unwrap();
        let problem = backend(directory.path(), false).problem(&certificate);
        let problem = problem.unwrap().unwrap();
        assert!(problem.contains("Developer Relations CA G3"), "{problem}");
        assert!(problem.contains("certificateauthority"), "{problem}");
        // The word by which the gate tells a missing issuer.
        assert!(problem.contains("chain"), "{problem}");
    }
}
