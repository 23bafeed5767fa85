//! Which passwords a keychain can have.

use super::error::KeychainError;
use crate::base::secret::Password;

/// Checks that every tool on the way takes `password` for what it is.
pub(crate) fn check_password(password: &Password, what: &'static str) -> Result<(), KeychainError> {
    let text = password.expose();
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain && (1..=512).contains(&text.len()) {
        Ok(())
    } else {
        Err(KeychainError::BadPassword { what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_ascii_and_not_empty() {
        let check = |text: &str| check_password(&Password::new(text.into()), "x").is_ok();
        assert!(check("a b\"\\'"));
        for bad in ["", "pässword", "a\nb", "a\tb", &"x".repeat(513)] {
            assert!(!check(bad), "{bad:?}");
        }
    }
}
