//! How a command is given a password: never as an argument.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use crate::base::secret::Password;
use crate::host::secret_source::{self, SecretSource};

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

impl KeychainPasswordArguments {
    /// Whether the password comes in on standard input, which is then nobody else's to read.
    pub fn is_standard_input(&self) -> bool {
        self.sources().is_standard_input()
    }

    /// As [`PasswordArguments::keep_from_commands`].
    ///
    /// # Errors
    /// As there.
    pub fn keep_from_commands(&self) -> Result<(), Failure> {
        self.sources().keep_from_commands()
    }

    fn sources(&self) -> PasswordArguments {
        PasswordArguments {
            password_file: self.keychain_password_file.clone(),
            password_fd: self.keychain_password_fd,
            password_env: self.keychain_password_env.clone(),
        }
    }

    /// The password that was handed in, if one was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> Result<Option<Password>, Failure> {
        let handed_in = self.sources();
        let PasswordArguments {
            password_file: None,
            password_fd: None,
            password_env: None,
        } = handed_in
        else {
            return handed_in.read("password of the keychain").map(Some);
        };
        Ok(None)
    }
}

impl PasswordArguments {
    /// Whether the password comes in on standard input, which is then nobody else's to read.
    pub fn is_standard_input(&self) -> bool {
        self.descriptor() == Some(0)
    }

    /// Sees to it that no process that is started finds the descriptor that the password comes in on, whether or not it
    /// will be read. To be called before anything is started.
    ///
    /// # Errors
    /// Nothing is open there.
    pub fn keep_from_commands(&self) -> Result<(), Failure> {
        match self.descriptor() {
            Some(number) => secret_source::keep_from_commands(number).map_err(Failure::usage),
            None => Ok(()),
        }
    }

    fn descriptor(&self) -> Option<u32> {
        match (&self.password_file, self.password_fd) {
            (Some(file), _) => secret_source::descriptor_named(file),
            (None, descriptor) => descriptor,
        }
    }

    /// Reads the password, or asks for it on a terminal.
    ///
    /// # Errors
    /// It cannot be read, or nothing was given and there is no terminal to ask on.
    #[allow(
        clippy::disallowed_methods,
        reason = "the named variable is read here and nowhere else"
    )]
    pub fn read(&self, what: &str) -> Result<Password, Failure> {
        let source = if let Some(file) = &self.password_file {
            SecretSource::File(file.clone())
        } else if let Some(descriptor) = self.password_fd {
            SecretSource::Descriptor(descriptor)
        } else if let Some(name) = &self.password_env {
            SecretSource::Environment(name.clone())
        } else {
            SecretSource::Prompt(format!("{what}: "))
        };
        let obtained = source
            .read(|name| std::env::var_os(name))
            .map_err(Failure::input)?;
        if let Some(caution) = obtained.caution {
            writeln!(anstream::stderr().lock(), "caution: {caution}")?;
        }
        Ok(obtained.password)
    }
}
