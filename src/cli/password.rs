//! Arguments that say where a password comes from. The password itself is never an argument.

use std::path::PathBuf;

use clap::Args;

use crate::host::secret_source::SecretSource;
use crate::ops::keychain::served::{PasswordSocket, Role};

/// Where a password comes from.
#[derive(Debug, Args)]
pub struct PasswordArguments {
    /// Read the password from the first line of a file.
    #[arg(long, value_name = "FILE", group = "password")]
    pub password_file: Option<PathBuf>,
    /// Read the password from an open file descriptor.
    #[arg(long, value_name = "N", group = "password")]
    pub password_fd: Option<u32>,
    /// Read the password from an environment variable.
    #[arg(long, value_name = "NAME", group = "password")]
    pub password_env: Option<String>,
}

/// Where the keychain's own password comes from.
#[derive(Debug, Args)]
pub struct KeychainPasswordArguments {
    /// Read the keychain's password from the first line of a file [default: where `keychain create` keeps it].
    #[arg(long, value_name = "FILE", group = "keychain_password")]
    pub keychain_password_file: Option<PathBuf>,
    /// Read the keychain's password from an open file descriptor.
    #[arg(long, value_name = "N", group = "keychain_password")]
    pub keychain_password_fd: Option<u32>,
    /// Read the keychain's password from an environment variable.
    #[arg(long, value_name = "NAME", group = "keychain_password")]
    pub keychain_password_env: Option<String>,
}

/// Where the password of a match repository comes from, for every command that reads profiles or identities.
#[derive(Debug, Clone, Default, Args)]
pub struct MatchPasswordArguments {
    /// Read the password of the fastlane match repositories that are read from the first line of a file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with_all = ["match_password_fd", "match_password_env"],
        help_heading = "Global options"
    )]
    pub match_password_file: Option<PathBuf>,
    /// Read it from an open file descriptor.
    #[arg(
        long,
        global = true,
        value_name = "N",
        conflicts_with_all = ["match_password_file", "match_password_env"],
        help_heading = "Global options"
    )]
    pub match_password_fd: Option<u32>,
    /// Read it from an environment variable. Match itself uses MATCH_PASSWORD.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        conflicts_with_all = ["match_password_file", "match_password_fd"],
        help_heading = "Global options"
    )]
    pub match_password_env: Option<String>,
}

impl MatchPasswordArguments {
    /// The source that is named, if one is.
    pub fn source(&self) -> Option<SecretSource> {
        named(
            self.match_password_file.clone(),
            self.match_password_fd,
            self.match_password_env.clone(),
        )
    }
}

/// Who holds the keychain's password, where it is neither kept nor handed in.
#[derive(Debug, Args)]
pub struct PasswordSocketArguments {
    /// Ask the helper that listens at this socket for the keychain's password [default: /run/countersign/UID.sock if it
    /// exists and countersign is set-group-ID].
    #[arg(
        long,
        value_name = "SOCKET",
        group = "keychain_password",
        help_heading = "Keychain"
    )]
    pub keychain_password_socket: Option<PathBuf>,
}

impl PasswordSocketArguments {
    /// The helper is asked there.
    pub(super) fn role(&self) -> Role {
        Role::Ask(match &self.keychain_password_socket {
            Some(socket) => PasswordSocket::Named(socket.clone()),
            None => PasswordSocket::Usual,
        })
    }
}

impl PasswordArguments {
    /// The source that is named, or a terminal, where the password of `what` is asked for.
    pub fn source_of(self, what: &str) -> SecretSource {
        named(self.password_file, self.password_fd, self.password_env)
            .unwrap_or_else(|| SecretSource::Prompt(format!("password of {what}: ")))
    }
}

impl KeychainPasswordArguments {
    /// Whether a source is named.
    pub(super) fn is_named(&self) -> bool {
        self.keychain_password_file.is_some()
            || self.keychain_password_fd.is_some()
            || self.keychain_password_env.is_some()
    }

    /// The source that is named, or a terminal, where the password of `what` is asked for.
    pub fn source_of(self, what: &str) -> SecretSource {
        self.source()
            .unwrap_or_else(|| SecretSource::Prompt(format!("password of {what}: ")))
    }

    /// The source that is named, if one is.
    pub fn source(self) -> Option<SecretSource> {
        named(
            self.keychain_password_file,
            self.keychain_password_fd,
            self.keychain_password_env,
        )
    }
}

fn named(
    file: Option<PathBuf>,
    descriptor: Option<u32>,
    variable: Option<String>,
) -> Option<SecretSource> {
    file.map(SecretSource::File)
        .or(descriptor.map(SecretSource::Descriptor))
        .or(variable.map(SecretSource::Environment))
}
