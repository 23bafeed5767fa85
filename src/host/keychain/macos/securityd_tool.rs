//! macOS's keychain service, asked through the `security` program.

use std::path::PathBuf;
use std::time::Duration;

use super::caller::{Caller, CommandOutcome, Word, line, text, too_long};
use super::securityd::{PreparedLock, Securityd};
use crate::apple::anchors::{PemError, certificates_from_pem};
use crate::apple::certificate::Certificate;
use crate::apple::identity::IdentityListing;
use crate::base::secret::Password;
use crate::host::keychain::error::KeychainError;
use crate::host::keychain::kind::LockState;
use crate::host::keychain::path::KeychainPath;
use crate::host::process::Standby;
use crate::host::random;

/// The service as the `security` program shows it.
#[derive(Debug, Clone)]
pub(super) struct SecuritydTool {
    pub(super) caller: Caller,
}

impl Securityd for SecuritydTool {
    /// `show-keychain-info` would try to unlock, with a dialog where there is a screen. `unlock-keychain` with a password
    /// never asks anybody, succeeds on an open keychain whatever the password, and on a closed one only with the right
    /// one: so a random password shows which it is.
    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError> {
        if !keychain.as_path().exists() {
            return Ok(LockState::Missing);
        }
        let wrong = random::password().map_err(KeychainError::Random)?;
        let said = self
            .caller
            .run_with_secrets(&status_words(&wrong, keychain))?;
        state(said.code).ok_or_else(|| said.failure())
    }

    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        let said = self
            .caller
            .run_plain(&["lock-keychain", keychain.as_str()])?;
        missing(&said, keychain)?;
        said.ok().map(drop)
    }

    fn prepare_lock(
        &self,
        keychain: &KeychainPath,
    ) -> Result<Box<dyn PreparedLock>, KeychainError> {
        let wrong = random::password().map_err(KeychainError::Random)?;
        let lines = [
            line(&[Word::Plain("lock-keychain"), Word::Plain(keychain.as_str())]),
            line(&status_words(&wrong, keychain)),
        ];
        let mut input = Vec::new();
        for line in lines {
            input.extend_from_slice(&line.ok_or_else(|| too_long("security -i"))?);
        }
        Ok(Box::new(WaitingTool {
            standby: Some(self.caller.standby()?),
            caller: self.caller.clone(),
            input,
        }))
    }

    fn delete(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        let said = self
            .caller
            .run_plain(&["delete-keychain", keychain.as_str()])?;
        missing(&said, keychain)?;
        said.ok().map(drop)
    }

    fn search_list(&self) -> Result<Vec<PathBuf>, KeychainError> {
        let said = self
            .caller
            .run_plain(&["list-keychains", "-d", "user"])?
            .ok()?;
        paths(&said)
    }

    fn set_search_list(&self, list: &[PathBuf]) -> Result<(), KeychainError> {
        let mut words = vec!["list-keychains", "-d", "user", "-s"];
        words.extend(list.iter().map(|path| text(path)));
        self.caller.run_plain(&words)?.ok().map(drop)
    }

    fn default_keychain(&self) -> Result<Option<PathBuf>, KeychainError> {
        let said = self.caller.run_plain(&["default-keychain", "-d", "user"])?;
        // 37: there is none; the command's own exit code is 1 for every failure.
        match said.code {
            0 => Ok(paths(&said)?.into_iter().next()),
            1 | NO_DEFAULT => Ok(None),
            _ => Err(said.failure()),
        }
    }

    fn identities(&self, keychain: &KeychainPath) -> Result<Vec<Certificate>, KeychainError> {
        if !keychain.as_path().exists() {
            return Err(KeychainError::Missing(keychain.clone()));
        }
        // Without `-v`, which would filter by the default search list; without a policy, or packages' signers were left out.
        let said = self
            .caller
            .run_plain(&["find-identity", keychain.as_str()])?
            .ok()?;
        let listing = IdentityListing::parse(&said.stdout)
            .map_err(|error| garbage(&said, error.to_string()))?;
        let rows = listing.matching.unwrap_or_default();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let said = self
            .caller
            .run_plain(&["find-certificate", "-a", "-p", keychain.as_str()])?
            .ok()?;
        let certificates = match certificates_from_pem(&said.stdout) {
            Ok(certificates) => certificates,
            Err(PemError::Empty) => Vec::new(),
            Err(error) => return Err(garbage(&said, error.to_string())),
        };
        let mut identities: Vec<Certificate> = Vec::with_capacity(rows.len());
        for row in rows {
            if identities.iter().any(|known| known.sha1 == row.sha1) {
                continue; // a real listing shows one identity up to four times
            }
            let certificate = certificates
                .iter()
                .find(|certificate| certificate.sha1 == row.sha1)
                .ok_or_else(|| {
                    garbage(&said, format!("the certificate {} is not in it", row.sha1))
                })?;
            identities.push(certificate.clone());
        }
        Ok(identities)
    }
}

/// Locks a keychain by a tool that was started before the keychain was opened.
struct WaitingTool {
    caller: Caller,
    standby: Option<Standby>,
    input: Vec<u8>,
}

impl PreparedLock for WaitingTool {
    fn lock(&mut self) -> Result<LockState, KeychainError> {
        let failed = |status: String| KeychainError::Tool {
            command: "security lock-keychain".into(),
            status,
            said: "the tool that was waiting did not lock".into(),
            hint: None,
        };
        let standby = self.standby.take();
        let standby = standby.ok_or_else(|| failed("it has been used".into()))?;
        let names = ["lock-keychain", "unlock-keychain"];
        let [locked, status] =
            self.caller
                .run_standby(standby, &self.input, names, OF_WAITING_TOOL)?;
        match (locked, state(status)) {
            (0 | NO_SUCH_KEYCHAIN, Some(state)) => Ok(state),
            (0 | NO_SUCH_KEYCHAIN, None) => Err(failed(format!("status {status}"))),
            (locked, _) => Err(failed(format!("status {locked}"))),
        }
    }
}

/// The command that shows by its status whether the keychain is open.
fn status_words<'a>(wrong: &'a Password, keychain: &'a KeychainPath) -> [Word<'a>; 4] {
    [
        Word::Plain("unlock-keychain"),
        Word::Plain("-p"),
        Word::Secret(wrong),
        Word::Plain(keychain.as_str()),
    ]
}

/// What that status means.
fn state(status: i32) -> Option<LockState> {
    match status {
        0 => Some(LockState::Unlocked),
        WRONG_PASSWORD => Some(LockState::Locked),
        NO_SUCH_KEYCHAIN => Some(LockState::Missing),
        _ => None,
    }
}

/// The paths of `list-keychains` and `default-keychain`: a line each, blanks, a quoted absolute path.
fn paths(said: &CommandOutcome) -> Result<Vec<PathBuf>, KeychainError> {
    let printed =
        std::str::from_utf8(&said.stdout).map_err(|_| garbage(said, "it is not UTF-8".into()))?;
    printed
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            line.trim()
                .strip_prefix('"')
                .and_then(|line| line.strip_suffix('"'))
                .filter(|path| path.starts_with('/'))
                .map(PathBuf::from)
                .ok_or_else(|| garbage(said, format!("{line:?} is not a quoted absolute path")))
        })
        .collect()
}

fn missing(said: &CommandOutcome, keychain: &KeychainPath) -> Result<(), KeychainError> {
    if said.code == NO_SUCH_KEYCHAIN {
        Err(KeychainError::Missing(keychain.clone()))
    } else {
        Ok(())
    }
}

pub(super) fn garbage(said: &CommandOutcome, why: String) -> KeychainError {
    KeychainError::Garbage {
        command: said.command.clone(),
        why,
    }
}

/// How long a tool that waited may take: locking takes less than a tenth of it, and one that somebody stopped locks never.
const OF_WAITING_TOOL: Duration = Duration::from_millis(500);

/// errSecAuthFailed (−25293), cut to eight bits.
pub(super) const WRONG_PASSWORD: i32 = 51;
/// errSecNoSuchKeychain (−25294).
pub(super) const NO_SUCH_KEYCHAIN: i32 = 50;
/// errSecNoDefaultKeychain (−25307).
const NO_DEFAULT: i32 = 37;
