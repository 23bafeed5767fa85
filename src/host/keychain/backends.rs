//! The backends that this process can make, whatever it read of which kind one was.

use std::path::{Path, PathBuf};

use super::backend::KeychainBackend;
use super::error::KeychainError;
use super::kind::BackendKind;
use super::macos::{MacOsBackend, MacOsConfig};
use super::portable::PortableBackend;
use crate::base::error::{ErrorCode, Explain};
use crate::host::state_dir::StateDir;

/// What backends are made of. It is never written down: a journal says which kind a keychain is, and whoever reads the
/// journal uses its own tools, in its own user's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backends {
    tools: Option<PathBuf>,
    home: PathBuf,
    user: String,
}

/// No backend can be made of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendsError {
    /// Processes with other working directories must find the same files.
    #[error("{what} is not an absolute path: {path}", path = path.display())]
    NotAbsolute {
        /// Which directory.
        what: &'static str,
        /// Its path.
        path: PathBuf,
    },
    /// Apple's tools get the name in an environment variable.
    #[error("{0:?} is not a login name")]
    BadUser(String),
}

impl Explain for BackendsError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotAbsolute { .. } => Some("name the directory by an absolute path".into()),
            Self::BadUser(_) => Some("set USER to this user's login name".into()),
        }
    }
}

impl Backends {
    /// Those of the user with this home directory and login name, which Apple's tools get in their environment. `tools` is
    /// a directory with another `security` and `codesign` than Apple's: only a program made for development has one.
    ///
    /// # Errors
    /// A directory is not absolute, or the name is none.
    pub fn new(home: &Path, user: &str, tools: Option<PathBuf>) -> Result<Self, BackendsError> {
        let directories = [
            ("the directory of the tools", tools.as_deref()),
            ("the home directory", Some(home)),
        ];
        for (what, path) in directories {
            if let Some(path) = path.filter(|path| !path.is_absolute()) {
                let path = path.to_owned();
                return Err(BackendsError::NotAbsolute { what, path });
            }
        }
        if user.is_empty() || user.chars().any(char::is_control) {
            return Err(BackendsError::BadUser(user.to_owned()));
        }
        Ok(Self {
            tools,
            home: home.to_owned(),
            user: user.to_owned(),
        })
    }

    /// The backend of this kind, with its files below `state`. On a Mac with Apple's own tools, what needs no secret is
    /// asked of the Security framework.
    ///
    /// # Errors
    /// The framework does not promise to show no dialog.
    pub fn build(
        &self,
        kind: BackendKind,
        state: &StateDir,
    ) -> Result<Box<dyn KeychainBackend>, KeychainError> {
        if kind == BackendKind::Portable {
            return Ok(Box::new(PortableBackend::new(state)));
        }
        let config = self.macos_config(state);
        if self.tools.is_some() {
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

    /// What the backend for macOS works with: Apple's tools where macOS has them, or the other ones that were named.
    pub fn macos_config(&self, state: &StateDir) -> MacOsConfig {
        let mut config = MacOsConfig::with_apples_tools(&self.home, &self.user, state.clone());
        if let Some(tools) = &self.tools {
            config.security = tools.join("security");
            config.codesign = tools.join("codesign");
        }
        config
    }
}
