//! Which backend opens a keychain, as a value that a journal and a watchdog can carry.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::backend::KeychainBackend;
use super::error::KeychainError;
use super::kind::BackendKind;
use super::macos::{MacOsBackend, MacOsConfig};
use super::portable::PortableBackend;

/// Everything that is needed to make the same backend again in another process. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendChoice {
    /// Which one.
    pub kind: BackendKind,
    /// The directory with another `security` and `codesign` than Apple's: rehearsals.
    pub tools: Option<PathBuf>,
    /// The user's home directory, which Apple's tools are told.
    pub home: PathBuf,
    /// The user's login name, which Apple's tools are told.
    pub user: String,
}

impl BackendChoice {
    /// The backend, with its files below `state`. On a Mac with Apple's own tools, what needs no secret is asked of the
    /// Security framework.
    ///
    /// # Errors
    /// The framework does not promise to ask nobody anything.
    pub fn build(&self, state: &Path) -> Result<Box<dyn KeychainBackend>, KeychainError> {
        if self.kind == BackendKind::Portable {
            return Ok(Box::new(PortableBackend::new(state)));
        }
        let mut config = MacOsConfig::of_macos(&self.home, &self.user, state.to_owned());
        if let Some(tools) = &self.tools {
            config.security = tools.join("security");
            config.codesign = tools.join("codesign");
            return Ok(Box::new(MacOsBackend::new(config)));
        }
        #[cfg(target_os = "macos")]
        {
            let framework = super::macos::Framework::without_dialogs()?;
            Ok(Box::new(MacOsBackend::with_securityd(
                config,
                Box::new(framework),
            )))
        }
        #[cfg(not(target_os = "macos"))]
        Ok(Box::new(MacOsBackend::new(config)))
    }
}
