//! Secrets: boxed, zeroed when dropped, without `Display`, without `Serialize`, and with a `Debug` that says nothing.
//!
//! A secret enters through `host::secret_source` (file, descriptor, environment variable or prompt), never as an
//! argument of a command line, and leaves only where the word `expose` stands, so that a review can grep for it.

use std::fmt;

use secrecy::{ExposeSecret, SecretBox};
use zeroize::Zeroize;

/// A password: UTF-8 text that must not outlive its use.
pub struct Password(SecretBox<str>);

impl Password {
    /// Takes over `text`; the caller's allocation becomes the secret's, so no copy is left behind.
    pub fn new(text: String) -> Self {
        Self(SecretBox::new(text.into_boxed_str()))
    }

    /// Reads a password from the bytes of a file: one trailing line end is not part of it.
    ///
    /// # Errors
    /// The bytes (zeroed) are not UTF-8.
    pub fn from_file_bytes(mut bytes: Vec<u8>) -> Result<Self, NotText> {
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => {
                let text = text.strip_suffix('\n').unwrap_or(text);
                Ok(Self::new(
                    text.strip_suffix('\r').unwrap_or(text).to_owned(),
                ))
            }
            Err(_) => Err(NotText),
        };
        bytes.zeroize();
        text
    }

    /// The password itself. Every call is a place where a secret leaves its box.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The bytes given as a password are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password is not UTF-8 text")]
pub struct NotText;

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing() {
        let password = Password::new("hunter2".into());
        assert_eq!(format!("{password:?}"), "Password(…)");
        assert_eq!(password.expose(), "hunter2");
    }

    #[test]
    fn one_line_end_is_not_part_of_a_password_file() {
        let read = |bytes: &[u8]| Password::from_file_bytes(bytes.to_vec()).unwrap();
        assert_eq!(read(b"a b\n").expose(), "a b");
        assert_eq!(read(b"a b\r\n").expose(), "a b");
        assert_eq!(read(b"a\n\n").expose(), "a\n");
        assert_eq!(Password::from_file_bytes(vec![0xff]).unwrap_err(), NotText);
    }
}
