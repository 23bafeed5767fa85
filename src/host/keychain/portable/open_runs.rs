//! Which runs have a portable keychain open.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::json::{MAX_BESIDE, parse, to_json};
use crate::host::keychain::error::KeychainError;
use crate::host::keychain::path::KeychainPath;
use crate::host::owned_files;
use crate::host::run_id::RunId;
use crate::host::state_dir::StateDir;

/// Who has a keychain open.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenRuns {
    pub(super) open: Vec<OpenRun>,
}

/// A run that has a keychain open, and the state directory in which it is shown its identities: another run may have
/// another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub(super) struct OpenRun {
    run: RunId,
    until: Timestamp,
    state: StateDir,
}

/// How it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    run: RunId,
    until: Timestamp,
    directory: PathBuf,
}

/// The directory is deleted when the keychain closes, so no other than the run's own is accepted.
#[derive(Debug, thiserror::Error)]
#[error("{path} is not the directory of run {run}", path = directory.display())]
pub(super) struct OpenRunError {
    run: RunId,
    directory: PathBuf,
}

impl OpenRun {
    /// The run with its state directory.
    pub(super) fn new(run: RunId, until: Timestamp, state: StateDir) -> Self {
        Self { run, until, state }
    }

    /// The run.
    pub(super) fn run(&self) -> &RunId {
        &self.run
    }

    /// Where it is shown its identities.
    pub(super) fn directory(&self) -> PathBuf {
        self.state.open_run(&self.run)
    }
}

impl TryFrom<Fields> for OpenRun {
    type Error = OpenRunError;

    fn try_from(fields: Fields) -> Result<Self, OpenRunError> {
        let Fields {
            run,
            until,
            directory,
        } = fields;
        let state = directory.ancestors().nth(2);
        match state.and_then(|state| StateDir::new(state).ok()) {
            Some(state) if state.open_run(&run) == directory => Ok(Self { run, until, state }),
            _ => Err(OpenRunError { run, directory }),
        }
    }
}

impl From<OpenRun> for Fields {
    fn from(open: OpenRun) -> Self {
        Self {
            directory: open.directory(),
            run: open.run,
            until: open.until,
        }
    }
}

impl OpenRuns {
    /// Where the list lies.
    pub(super) fn path(keychain: &KeychainPath) -> PathBuf {
        keychain.with_suffix(".window.json")
    }

    /// The list; empty where there is none.
    pub(super) fn read(keychain: &KeychainPath) -> Result<Self, KeychainError> {
        let path = Self::path(keychain);
        match owned_files::read(&path, MAX_BESIDE) {
            Err(error) if error.is_not_found() => Ok(Self::default()),
            read => parse(&path, &read?),
        }
    }

    /// Writes the list, or removes it when it is empty.
    pub(super) fn write(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        let path = Self::path(keychain);
        if self.open.is_empty() {
            Ok(owned_files::remove(&path)?)
        } else {
            Ok(owned_files::replace(&path, &to_json(&path, self)?)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_runs_own_directory_is_accepted() {
        let run = "20260301T120000Z-9f86d081884c7d65";
        let read = |directory: &str| {
            let until = "2026-03-01T12:00:00Z";
            let json = serde_json::json!({"run": run, "until": until, "directory": directory});
            serde_json::from_value::<OpenRun>(json)
        };
        let own = format!("/s/open/{run}");
        let open = read(&own).unwrap();
        assert_eq!(open.directory(), PathBuf::from(&own));
        let written = serde_json::to_value(&open).unwrap();
        assert_eq!(written["directory"], own);
        for other in [
            "/home/ci",
            "/s/open",
            "open",
            &format!("s/open/{run}"),
            &format!("/s/open/{run}/.."),
            "/s/open/20260301T120000Z-0000000000000000",
        ] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
