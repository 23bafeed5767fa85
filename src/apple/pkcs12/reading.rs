//! A PKCS#12 file and its password into what is inside.

use p12_keystore::Pkcs12Archive;

use super::algorithms::Algorithms;
use super::contents::Pkcs12;
use super::error::Pkcs12Error;
use super::limits::MAX_ENTRIES;
use super::matching;
use crate::base::secret::Password;

/// Opens a PKCS#12 file and lists what is inside. A file without a MAC is read too; nothing but its content vouches for it.
///
/// # Errors
/// [`Pkcs12Error`]. That there is no identity, or several, is not an error here.
pub fn read(bytes: &[u8], password: &Password) -> Result<Pkcs12, Pkcs12Error> {
    let algorithms = Algorithms::read(bytes)?;
    if let Some(unsupported) = algorithms.unsupported() {
        return Err(Pkcs12Error::Unsupported(unsupported));
    }
    if !is_bmp(password.expose()) {
        return Err(Pkcs12Error::PasswordNotBmp);
    }
    let archive =
        Pkcs12Archive::from_pkcs12(bytes, password.expose()).map_err(
            |error| match opening_error(error, &algorithms) {
                Pkcs12Error::WrongPassword { algorithms } if password.expose().is_empty() => {
                    Pkcs12Error::EmptyDoesNotOpen { algorithms }
                }
                error => error,
            },
        )?;
    if archive.keys.len() > MAX_ENTRIES || archive.certs.len() > MAX_ENTRIES {
        return Err(Pkcs12Error::TooManyParts);
    }
    matching::assemble(archive, algorithms)
}

/// Why a file does not open, in our words.
fn opening_error(error: p12_keystore::error::Error, algorithms: &Algorithms) -> Pkcs12Error {
    use p12_keystore::error::Error;
    match error {
        Error::MacError(_) => wrong_password(algorithms),
        // Without a MAC the padding and the first decoded bytes are all that a wrong password shows in.
        Error::UnpadError
        | Error::Pkcs5Error(_)
        | Error::DerError(_)
        | Error::InvalidPrivateKey
            if algorithms.mac.is_none() =>
        {
            wrong_password(algorithms)
        }
        Error::UnpadError | Error::Pkcs5Error(_) => Pkcs12Error::Content(format!(
            "a part of it cannot be decrypted ({error}): it has another password or is damaged"
        )),
        Error::InvalidParameters => Pkcs12Error::Content(
            "an encrypted part inside another needs too many iterations, or does not say how many"
                .to_owned(),
        ),
        Error::UnsupportedEncryptionScheme
        | Error::UnsupportedMacAlgorithm
        | Error::UnsupportedContentType
        | Error::UnsupportedCertificateType => Pkcs12Error::Unsupported(error.to_string()),
        other => Pkcs12Error::Content(format!("its content is malformed ({other})")),
    }
}

fn wrong_password(algorithms: &Algorithms) -> Pkcs12Error {
    Pkcs12Error::WrongPassword {
        algorithms: algorithms.to_string(),
    }
}

/// Whether the text can be a BMPString, which is what PKCS#12 derives keys from and writes names in.
pub(super) fn is_bmp(text: &str) -> bool {
    text.chars().all(|letter| u32::from(letter) <= 0xffff)
}
