//! A throw-away identity, as the machine's own `openssl` makes it.
//!
//! macOS brings LibreSSL, Linux OpenSSL. The words here are those that both know. The certificate says that it signs code, and
//! nothing else: keyUsage `digitalSignature`, extendedKeyUsage `codeSigning`. It signs itself, so no Mac trusts it, and
//! `codesign` signs with it all the same: trust is asked for when a signature is verified.

use std::path::{Path, PathBuf};

use crate::base::secret::Password;
use crate::host::owned_files::{self, OwnedFileError};
use crate::host::process::Tool;

/// The subject of the certificate.
pub const COMMON_NAME: &str = "countersign contract (throw-away)";

/// A certificate request for a self-signed certificate (req(1), x509v3_config(5)).
const CONFIGURATION: &str = "\
[req]
distinguished_name = subject
x509_extensions = extensions
prompt = no

[subject]
CN = countersign contract (throw-away)

[extensions]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,codeSigning
";

/// How long the certificate is good, in days: the suite takes a minute, and a clock may be a zone off.
const DAYS: &str = "2";

/// Where the files of one identity are.
#[derive(Debug, Clone)]
pub struct IdentityFiles {
    directory: PathBuf,
}

impl IdentityFiles {
    /// Writes what `openssl` is told into `directory`: the configuration, and the password that the p12 gets.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn prepare(directory: &Path, password: &Password) -> Result<Self, OwnedFileError> {
        let files = Self {
            directory: directory.to_owned(),
        };
        owned_files::create_unsynced(&files.path("openssl.cnf"), CONFIGURATION.as_bytes())?;
        owned_files::create_unsynced(&files.password(), password.expose().as_bytes())?;
        Ok(files)
    }

    /// The p12.
    pub fn p12(&self) -> PathBuf {
        self.path("identity.p12")
    }

    /// The file with its password.
    pub fn password(&self) -> PathBuf {
        self.path("identity.p12.password")
    }

    /// Makes the key and the certificate. The key lies in a file without a password until [`forget_key`](Self::forget_key);
    /// nobody but this user can look into the directory.
    pub fn certificate(&self, openssl: &Path) -> Tool {
        self.tool(openssl)
            .args(["req", "-x509", "-sha256", "-newkey", "rsa:2048", "-nodes"])
            .args(["-days", DAYS, "-config"])
            .arg(self.path("openssl.cnf"))
            .arg("-keyout")
            .arg(self.path("key.pem"))
            .arg("-out")
            .arg(self.path("certificate.pem"))
    }

    /// Puts both into the p12. The password comes from its file: arguments can be read by every process of the user.
    pub fn export(&self, openssl: &Path) -> Tool {
        let mut source = std::ffi::OsString::from("file:");
        source.push(self.password());
        self.tool(openssl)
            .args(["pkcs12", "-export", "-inkey"])
            .arg(self.path("key.pem"))
            .arg("-in")
            .arg(self.path("certificate.pem"))
            .args(["-name", COMMON_NAME, "-out"])
            .arg(self.p12())
            .arg("-passout")
            .arg(source)
    }

    /// Removes the key that is in the p12 now.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget_key(&self) -> Result<(), OwnedFileError> {
        owned_files::remove(&self.path("key.pem"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// `openssl` keeps the state of its random generator in the home directory: here that is the throw-away one.
    fn tool(&self, openssl: &Path) -> Tool {
        Tool::new(openssl)
            .env("HOME", &self.directory)
            .env("LC_ALL", "C")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_the_p12_is_in_no_argument() {
        let directory = tempfile::tempdir().unwrap();
        let password = Password::new("correct horse".to_owned());
        let files = IdentityFiles::prepare(directory.path(), &password).unwrap();
        let openssl = Path::new("/usr/bin/openssl");
        for tool in [files.certificate(openssl), files.export(openssl)] {
            assert!(!tool.to_string().contains("horse"), "{tool}");
        }
        assert!(CONFIGURATION.contains(COMMON_NAME));
        assert!(files.forget_key().is_ok());
    }
}
