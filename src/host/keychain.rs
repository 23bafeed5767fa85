//! Keychains: where private keys lie, and who may open them.
//!
//! A [`KeychainBackend`] makes a keychain, puts identities in, opens it for one run, closes it and says whether it is
//! open. There are two:
//!
//! - [`security_tool`]: macOS keychains, driven through Apple's own `security` program, because a key that another program
//!   imports carries that program's partition and codesign is refused. What can be had without a secret (status, locking,
//!   the search list, the certificates) it asks of a [`Securityd`](security_tool::Securityd): the tool again, or
//!   `framework` on a Mac, which never prompts.
//! - [`portable`]: a PKCS#12 file under the keychain's password, on any system: for rehearsals, and for signing on Linux.
//!
//! Three rules hold for both, and one suite of contract tests runs over both. *Opening takes proof*: [`OpenPermit`] is
//! minted only from a gate's clearance. *Every step is read back*, because the tools lie with exit code 0. *Closing asks
//! for nothing*: no password, no permit, no open keychain; it can be repeated, and it goes on after a failed part, so
//! that a watchdog, a recovery or a signal handler can always do it.

pub mod choice;
#[cfg(target_os = "macos")]
pub mod framework;
pub mod portable;
pub mod search_list;
pub mod security_tool;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apple::certificate::Certificate;
use crate::base::ids::CertSha1;
use crate::base::secret::Password;
use crate::host::private::PrivateError;
use crate::host::process::ProcessError;
use crate::host::run_id::RunId;
use crate::host::window::OpenPermit;

/// Where a keychain lies: an absolute path that every tool on the way takes for the same file, and that is the same
/// whichever links it was reached through, because journals tell keychains apart by it.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline)]
pub struct KeychainPath(PathBuf);

impl KeychainPath {
    /// Checks `path`, and resolves the links in it as far as it is there.
    ///
    /// # Errors
    /// It is not absolute or not plain UTF-8, goes through `..`, or is called after the login keychain or the system's:
    /// those are not ours and never touched.
    pub fn new(path: &Path) -> Result<Self, KeychainError> {
        let bad = |why| KeychainError::BadPath {
            path: path.to_owned(),
            why,
        };
        if !path.is_absolute() {
            return Err(bad("is not absolute"));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(bad("goes through `..`"));
        }
        let resolved = resolved(path);
        let text = resolved.to_str().ok_or_else(|| bad("is not UTF-8"))?;
        let name = resolved
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| bad("names no file"))?;
        if text.chars().any(|c| c.is_control() || c == '"') {
            // `security` prints paths between quotes and does not escape them.
            return Err(bad("holds a quote or a control character"));
        }
        // macOS's disks ignore case, so `Login.keychain-db` is the person's own too.
        let name = name.to_lowercase();
        if name.contains("login.keychain") || name.contains("system.keychain") {
            return Err(bad(
                "is called after a keychain that is not ours; give the CI keychain a name of its own",
            ));
        }
        // macOS keeps such a keychain in a file with `-db` at its end, whatever it is called by.
        if text.contains("/Library/Keychains/") && !text.ends_with("-db") {
            return Ok(Self(format!("{text}-db").into()));
        }
        Ok(Self(resolved))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The same path with `suffix` at its end: the files that lie beside a keychain.
    pub fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut path = self.0.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Whether `other`, as a tool printed it, names this keychain: macOS adds `-db` to some names, resolves links and
    /// ignores case. Two names of one file are one keychain; where there is no file, the names decide.
    pub fn is(&self, other: &Path) -> bool {
        fn plain(path: &Path) -> PathBuf {
            let path = resolved(path);
            match path.to_str().and_then(|text| text.strip_suffix("-db")) {
                Some(text) => PathBuf::from(text),
                None => path,
            }
        }
        // A file that is replaced between the two looks is another one by then, so that proves nothing against them.
        let file = |path: &Path| std::fs::metadata(path).ok().map(|at| (at.dev(), at.ino()));
        self.0 == other
            || plain(&self.0) == plain(other)
            || file(&self.0).is_some_and(|ours| file(other) == Some(ours))
    }
}

/// The path without links, as far down as it is there; the rest, when it is made, is made without any. A link in the
/// file's own place stays one: it is not ours to follow, and refused where the file is believed.
fn resolved(path: &Path) -> PathBuf {
    path.ancestors()
        .skip(usize::from(path.is_symlink()))
        .find_map(|above| {
            let rest = path.strip_prefix(above).ok()?;
            let above = above.canonicalize().ok()?;
            // Joining nothing would put a slash at the end.
            match rest.as_os_str().is_empty() {
                true => Some(above),
                false => Some(above.join(rest)),
            }
        })
        .unwrap_or_else(|| path.to_owned())
}

impl fmt::Display for KeychainPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which backend a keychain needs; written into journals, so that a recovery knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackendKind {
    /// A macOS keychain.
    SecurityTool,
    /// A PKCS#12 file.
    Portable,
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SecurityTool => "security-tool",
            Self::Portable => "portable",
        })
    }
}

/// Whether a keychain is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockState {
    /// There is none.
    Missing,
    /// Closed.
    Locked,
    /// Open: its keys sign.
    Unlocked,
}

impl fmt::Display for LockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missing => "missing",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
        })
    }
}

/// What a keychain does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// It locks when it has not been used for so long: the net under the watchdog.
    pub idle_timeout: Duration,
}

/// For which run a keychain is opened, and until when.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The instant at which it must be closed again.
    pub until: Timestamp,
    /// After how long without use the keychain may lock by itself: no sooner than the last of all windows that it is
    /// open for ends.
    pub idle_timeout: Duration,
    /// Other runs have it open already, so it must not be locked to prove the password.
    pub shared: bool,
}

/// What the child gets to see of an open keychain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChildAccess {
    /// Variables that name where the identities are. No secret is among them.
    pub environment: Vec<(OsString, OsString)>,
}

/// A store of identities that can be opened and closed.
pub trait KeychainBackend: Send + Sync {
    /// Which one it is.
    fn kind(&self) -> BackendKind;

    /// Believes a keychain: it is there, this user's alone, made to be a keychain of ours, and not the person's own.
    ///
    /// # Errors
    /// It is not so; then it is not ours to open, and not ours to close either.
    fn check(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;

    /// Makes a keychain, locked, under `password`.
    ///
    /// # Errors
    /// There is one already, or a step failed or could not be read back; then none is left.
    fn create(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        settings: Settings,
    ) -> Result<(), KeychainError>;

    /// Puts the identities of a PKCS#12 file in, proves that their keys sign, and returns what is in the keychain now.
    /// The keychain is locked afterwards, whatever happens.
    ///
    /// Identities that it holds already stay, and have their keys proven as the others': an import that failed half way,
    /// or was killed, is finished by repeating it, and one that was done is done again without harm.
    ///
    /// # Errors
    /// The file or the keychain cannot be opened, holds nothing to import, or a step failed or could not be read back.
    fn import(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        file: &[u8],
        file_password: &Password,
    ) -> Result<Vec<Certificate>, KeychainError>;

    /// Opens it for a run.
    ///
    /// # Errors
    /// The password is wrong, the keychain is not ours alone, or a step failed or could not be read back. The caller
    /// closes what may be half open, with [`release`](Self::release) and [`lock`](Self::lock).
    fn open(
        &self,
        permit: OpenPermit,
        keychain: &KeychainPath,
        password: &Password,
        opening: &Opening<'_>,
    ) -> Result<ChildAccess, KeychainError>;

    /// Takes back what was made for one run; the keychain may stay open for others.
    ///
    /// # Errors
    /// Something is left.
    fn release(&self, keychain: &KeychainPath, run: &RunId) -> Result<(), KeychainError>;

    /// Closes it and takes back everything that any run was given; one that is closed or missing is closed already.
    ///
    /// # Errors
    /// It may still be open, or something is left.
    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;

    /// Whether it is open. Never prompts.
    ///
    /// # Errors
    /// That cannot be told.
    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError>;

    /// The certificates that have their private key in it, in the keychain's own order; it need not be open.
    ///
    /// # Errors
    /// It is missing or cannot be read.
    fn identities(&self, keychain: &KeychainPath) -> Result<Vec<Certificate>, KeychainError>;

    /// Why codesign could not use an identity although its key is there: its chain misses an issuer. `None`: nothing is
    /// known against it.
    ///
    /// # Errors
    /// The system's service refused to look.
    fn problem(&self, _certificate: &Certificate) -> Result<Option<String>, KeychainError> {
        Ok(None)
    }

    /// Deletes it with all that is in it; one that is missing is deleted already, but for what it may have left.
    ///
    /// # Errors
    /// It is not [believed](Self::check), and is left as it is; or something is left.
    fn destroy(&self, keychain: &KeychainPath) -> Result<(), KeychainError>;
}

/// Why a keychain did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeychainError {
    /// The path cannot name a keychain of ours.
    #[error("the keychain path {path} {why}", path = path.display())]
    BadPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is none.
    #[error(
        "there is no keychain at {0}: make one with `countersign keychain create`, or mend `keychain.path` in the policy"
    )]
    Missing(KeychainPath),
    /// There is one.
    #[error(
        "there is a keychain at {0} already: use it, or remove it with `countersign keychain destroy`"
    )]
    Exists(KeychainPath),
    /// It is a file of somebody else's making.
    #[error(
        "{keychain} is no keychain that countersign made ({why}), so it is left as it is: make one at another path with `countersign keychain create`, and put the identities of a p12 into it with `countersign keychain import`"
    )]
    NotMadeHere {
        /// The file.
        keychain: KeychainPath,
        /// How that is known.
        why: String,
    },
    /// The list that the gate judged is not of what is in it.
    #[error(
        "{0} holds other identities than its list says, so it is not opened: an import into it was cut short; finish it with `countersign keychain import`"
    )]
    NotAsListed(KeychainPath),
    /// It is the person's default keychain.
    #[error(
        "{0} is the default keychain of this user, which is never touched: give CI a keychain of its own"
    )]
    IsDefault(KeychainPath),
    /// The password does not open it.
    #[error(
        "the password does not open {0}: the stored one is out of date, or belongs to another keychain"
    )]
    WrongPassword(KeychainPath),
    /// A password that the tools cannot take.
    #[error(
        "the password of {what} cannot be used: it must be 1 to 512 printable ASCII characters, because `security` takes no others"
    )]
    BadPassword {
        /// Whose password.
        what: &'static str,
    },
    /// It is open, and no run of ours has opened it.
    #[error("{0} is open: wait for who uses it, or close it with `countersign keychain lock`")]
    IsOpen(KeychainPath),
    /// It is open in windows that are not ours to close.
    #[error("{keychain} is open for other runs ({runs}): wait for them, or stop their jobs")]
    InUse {
        /// The keychain.
        keychain: KeychainPath,
        /// The runs.
        runs: String,
    },
    /// The system wanted to ask a person.
    #[error(
        "the system wanted to ask a person and could not (`{command}`, errSecInteractionNotAllowed): if the keychain was locked meanwhile, do it again; if another program put a key into it, whose access list does not name this one, make it anew with `countersign keychain destroy`, `create` and `import`"
    )]
    InteractionNotAllowed {
        /// What was run.
        command: String,
    },
    /// This process is in the security session of the system.
    #[error(
        "this process is in the system's own security session, which sees only System.keychain: set SessionCreate to true in \
         the property list of its LaunchDaemon, or run it as a LaunchAgent"
    )]
    RootSession,
    /// The PKCS#12 file cannot be used.
    #[error("cannot import the PKCS#12 file: {0}")]
    Pkcs12(String),
    /// The system takes a key only once, and has it already, but not with the certificate that it comes with.
    #[error(
        "{keychain} holds one of these keys already, with another certificate or none, and `security` does not take it twice: make the keychain anew with `countersign keychain destroy` and `create`, and import everything that it shall hold"
    )]
    Duplicate {
        /// The keychain.
        keychain: KeychainPath,
    },
    /// A key is in the keychain but does not sign.
    #[error(
        "the key of {certificate} is in the keychain but does not sign: {said}; when that is mended, import again"
    )]
    DoesNotSign {
        /// The certificate.
        certificate: CertSha1,
        /// Why, as far as it is known.
        said: String,
    },
    /// A tool failed.
    #[error("`{command}` failed ({status}): {said}")]
    Tool {
        /// What was run, without its secrets.
        command: String,
        /// How it ended.
        status: String,
        /// What it said, shortened and without secrets, with the known cause if there is one.
        said: String,
    },
    /// A step said that it succeeded, and what it should have done is not there.
    #[error(
        "{step} on {keychain} reported success, but {expected} was expected and {found} found: do not trust this machine's `security` until that is explained"
    )]
    NotDone {
        /// The step.
        step: &'static str,
        /// The keychain.
        keychain: KeychainPath,
        /// What should be there.
        expected: String,
        /// What is.
        found: String,
    },
    /// A tool said what it never says.
    #[error("cannot understand what `{command}` printed: {why}")]
    Garbage {
        /// What was run.
        command: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tool could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file or directory.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The system's random generator failed.
    #[error("no randomness from the system: {0}")]
    Random(#[source] io::Error),
}

/// How long one of `security`'s commands may take: deriving a key takes half a second on an old Mac, a hung dialog for
/// ever.
pub const TOOL_TIME: Duration = Duration::from_secs(30);

/// Checks that every tool on the way takes `password` for what it is.
pub(crate) fn check_password(password: &Password, what: &'static str) -> Result<(), KeychainError> {
    let text = password.expose();
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain && (1..=512).contains(&text.len()) {
        Ok(())
    } else {
        Err(KeychainError::BadPassword { what })
    }
}

/// Does both, and returns the first error: closing goes on after a failed part.
pub(crate) fn both<E>(first: Result<(), E>, second: Result<(), E>) -> Result<(), E> {
    first.and(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_tools_would_misread_or_that_are_not_ours_are_refused() {
        for bad in [
            "relative.keychain",
            "/",
            "/tmp/../etc/x",
            "/tmp/a\nb.keychain",
            "/tmp/a\"b.keychain",
            "/Users/ci/Library/Keychains/login.keychain-db",
            "/Users/ci/Library/Keychains/Login.Keychain-db",
            "/Library/Keychains/System.keychain",
            "/Library/Keychains/system.KEYCHAIN",
        ] {
            let error = KeychainPath::new(Path::new(bad)).unwrap_err();
            assert!(matches!(error, KeychainError::BadPath { .. }), "{bad}");
        }
        let path = |text: &str| KeychainPath::new(Path::new(text)).unwrap().to_string();
        assert_eq!(
            path("/k/my keychains/ci.keychain"),
            "/k/my keychains/ci.keychain"
        );
        assert_eq!(
            path("/Users/ci/Library/Keychains/ci.keychain"),
            "/Users/ci/Library/Keychains/ci.keychain-db"
        );
    }

    #[test]
    fn a_keychain_is_recognised_under_the_names_that_macos_gives_it() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        let real = directory.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let keychain = KeychainPath::new(&link.join("ci.keychain")).unwrap();
        assert!(keychain.is(&link.join("ci.keychain")));
        assert!(keychain.is(&real.join("ci.keychain-db")));
        assert!(!keychain.is(&real.join("other.keychain-db")));
        // A disk that ignores case shows one file under several names, as a hard link does.
        let (name, other) = (real.join("ci.keychain"), real.join("CI.keychain"));
        std::fs::write(&name, b"").unwrap();
        assert!(!keychain.is(&other));
        std::fs::hard_link(&name, &other).unwrap();
        assert!(keychain.is(&other));
        let elsewhere = directory.path().join("elsewhere");
        std::os::unix::fs::symlink(&name, &elsewhere).unwrap();
        assert!(keychain.is(&elsewhere));
    }

    #[test]
    fn a_keychain_has_one_path_through_whichever_links_and_before_it_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let (link, real) = (directory.path().join("link"), directory.path().join("real"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let path = |below: &Path| KeychainPath::new(&below.join("new/ci.p12")).unwrap();
        assert_eq!(path(&link), path(&real));
        let before = path(&link);
        std::fs::create_dir(real.join("new")).unwrap();
        assert_eq!(path(&link), before);
        std::fs::write(before.as_path(), b"").unwrap();
        assert_eq!(path(&link), before);
        let real = real.canonicalize().unwrap();
        assert_eq!(before.as_path(), real.join("new/ci.p12"));
        // A link in the keychain's place is not taken for what it leads to.
        let stray = real.join("stray.p12");
        std::os::unix::fs::symlink(before.as_path(), &stray).unwrap();
        assert_eq!(KeychainPath::new(&stray).unwrap().as_path(), stray);
    }

    #[test]
    fn passwords_are_ascii_and_not_empty() {
        let check = |text: &str| check_password(&Password::new(text.into()), "x").is_ok();
        assert!(check("a b\"\\'"));
        for bad in ["", "pässword", "a\nb", "a\tb", &"x".repeat(513)] {
            assert!(!check(bad), "{bad:?}");
        }
    }
}
