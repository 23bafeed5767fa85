//! Randomness, straight from the system's generator.
//!
//! Keychain passwords and one-time passwords must not be guessable, so they come from `/dev/urandom`, which Linux and
//! macOS both feed from the kernel's cryptographic generator; the generator of a library would be one more thing to
//! trust.

use std::fs::File;
use std::io::{self, Read};

use zeroize::Zeroize;

use crate::base::secret::Password;

/// Fills `bytes` from the system's generator.
///
/// # Errors
/// The device cannot be read: nothing that needs a secret may go on.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

/// A fresh password: 160 random bits as 32 characters of `a-z2-7`, which every tool on the way takes for what they are.
///
/// # Errors
/// The system's generator cannot be read.
pub fn password() -> io::Result<Password> {
    let mut bytes = [0; 20];
    fill(&mut bytes)?;
    let mut text = String::with_capacity(32);
    // Base32: five bytes are eight characters of five bits.
    for chunk in bytes.chunks_exact(5) {
        let bits = chunk
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for at in (0..8).rev() {
            let digit = u8::try_from(bits >> (5 * at) & 31).unwrap_or_default();
            text.push(char::from(match digit {
                0..26 => b'a' + digit,
                _ => b'2' + (digit - 26),
            }));
        }
    }
    bytes.zeroize();
    Ok(Password::new(text))
}

/// `2 × N` random hex digits, for names that must not collide.
///
/// # Errors
/// The system's generator cannot be read.
pub fn hex<const N: usize>() -> io::Result<String> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_plain_and_never_the_same() {
        let all: std::collections::BTreeSet<String> = (0..64)
            .map(|_| password().unwrap().expose().to_owned())
            .collect();
        assert_eq!(all.len(), 64);
        for text in &all {
            assert_eq!(text.len(), 32);
            assert!(text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')));
        }
        let used: std::collections::BTreeSet<char> = all.iter().flat_map(|t| t.chars()).collect();
        assert_eq!(used.len(), 32, "every digit occurs among 2,048");
    }
}
