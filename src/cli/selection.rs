//! Arguments that say which keychain is meant, or which file of identities.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::input::input;
use super::password::PasswordArguments;
use crate::host::files::Input;
use crate::host::keychain::BackendKind;
use crate::host::secret_source::SecretSource;
use crate::ops::keychain::selected::Selection;

/// Which keychain is meant.
#[derive(Debug, Args)]
pub struct KeychainArguments {
    /// The keychain [default: the policy's `keychain.path`].
    #[arg(long, value_name = "PATH", help_heading = "Keychain")]
    pub keychain: Option<PathBuf>,
    /// The kind of the keychain [default: macos on a Mac, unless PATH ends in .p12; portable elsewhere].
    #[arg(long, value_enum, value_name = "KIND", help_heading = "Keychain")]
    pub backend: Option<Backend>,
}

/// Which file the identities are in.
#[derive(Debug, Args)]
pub struct IdentitiesArguments {
    /// The output of `security find-identity -v -p codesigning`, or a p12; `-` reads standard input.
    #[arg(long, value_name = "FILE|-")]
    pub identities: Option<PathBuf>,
    /// Where the p12's password comes from.
    #[command(flatten)]
    pub password: PasswordArguments,
}

impl IdentitiesArguments {
    /// The file, if one is named, and where its password comes from.
    pub fn parts(self) -> (Option<Input>, SecretSource) {
        let file = self.identities.map(input);
        let name = file.as_ref().map_or(String::new(), ToString::to_string);
        (file, self.password.source_of(&name))
    }
}

/// Kinds of keychains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// A macOS keychain, through Apple's `security`.
    Macos,
    /// A PKCS#12 file, on any system.
    Portable,
}

impl KeychainArguments {
    /// The selection, where a keychain is named.
    pub fn named(self) -> Option<Selection> {
        self.keychain.is_some().then(|| self.into())
    }
}

impl From<KeychainArguments> for Selection {
    fn from(arguments: KeychainArguments) -> Self {
        Self {
            path: arguments.keychain,
            backend: arguments.backend.map(|backend| match backend {
                Backend::Macos => BackendKind::MacOs,
                Backend::Portable => BackendKind::Portable,
            }),
        }
    }
}
