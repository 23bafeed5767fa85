//! How a command is given a password: never as an argument.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use crate::base::secret::Password;
use crate::host::secret_source::SecretSource;

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

impl PasswordArguments {
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
