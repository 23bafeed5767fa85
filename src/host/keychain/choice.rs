//! Which backend opens a keychain, as a value that a journal and a watchdog can carry.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::backend::KeychainBackend;
use super::error::KeychainError;
use super::kind::BackendKind;
use super::macos::{MacOsBackend, MacOsConfig};
use super::portable::PortableBackend;
use crate::base::error::{ErrorCode, Explain};
use crate::host::state_dir::StateDir;

/// Everything that is needed to make the same backend again in another process. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct BackendChoice {
    kind: BackendKind,
    tools: Option<PathBuf>,
    home: PathBuf,
    user: String,
}

/// How a choice is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: BackendKind,
    tools: Option<PathBuf>,
    home: PathBuf,
    user: String,
}

/// A choice that no backend can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendChoiceError {
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

impl Explain for BackendChoiceError {
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

impl BackendChoice {
    /// A backend of this kind. `tools` is a directory with another `security` and `codesign` than Apple's (rehearsals);
    /// `home` and `user` are the user's home directory and login name, which Apple's tools get in their environment.
    ///
    /// # Errors
    /// A directory is not absolute, or the name is none.
    pub fn new(
        kind: BackendKind,
        tools: Option<PathBuf>,
        home: PathBuf,
        user: &str,
    ) -> Result<Self, BackendChoiceError> {
        let directories = [
            ("the directory of the tools", tools.as_ref()),
            ("the home directory", Some(&home)),
        ];
        for (what, path) in directories {
            if let Some(path) = path.filter(|path| !path.is_absolute()) {
                let path = path.clone();
                return Err(BackendChoiceError::NotAbsolute { what, path });
            }
        }
        if user.is_empty() || user.chars().any(char::is_control) {
            return Err(BackendChoiceError::BadUser(user.to_owned()));
        }
        Ok(Self {
            kind,
            tools,
            home,
            user: user.to_owned(),
        })
    }

    /// Which kind.
    pub fn kind(&self) -> BackendKind {
        self.kind
    }

    /// The backend, with its files below `state`. On a Mac with Apple's own tools, what needs no secret is asked of the
    /// Security framework.
    ///
    /// # Errors
    /// The framework does not promise to show no dialog.
    pub fn build(&self, state: &StateDir) -> Result<Box<dyn KeychainBackend>, KeychainError> {
        if self.kind == BackendKind::Portable {
            return Ok(Box::new(PortableBackend::new(state)));
        }
        let mut config = MacOsConfig::with_apples_tools(&self.home, &self.user, state.clone());
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

impl TryFrom<Fields> for BackendChoice {
    type Error = BackendChoiceError;

    fn try_from(fields: Fields) -> Result<Self, BackendChoiceError> {
        Self::new(fields.kind, fields.tools, fields.home, &fields.user)
    }
}

impl From<BackendChoice> for Fields {
    fn from(choice: BackendChoice) -> Self {
        Self {
            kind: choice.kind,
            tools: choice.tools,
            home: choice.home,
            user: choice.user,
        }
    }
}
