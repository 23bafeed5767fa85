//! The two containers that fastlane match encrypts files in [fastlane, `match/lib/match/encryption/encryption.rb`].
//!
//! Both are base64 text in lines:
//!
//! - **Version 1**: `Salted__`, 8 bytes of salt, AES-256-CBC with PKCS#7 padding; key and IV come from the password by OpenSSL's
//!   `EVP_BytesToKey` with one round. Its digest is MD5, or SHA-256 where an old match called the `openssl` of 1.1 or later; the
//!   file does not say which. Nothing vouches for the result: one wrong key in 256 leaves a padding that looks right. So a result
//!   counts only if it reads as what the name of the file says, and each digest is tried
//!   [fastlane issue 21663](https://github.com/fastlane/fastlane/issues/21663).
//! - **Version 2**: `match_encrypted_v2__`, 8 bytes of salt, 16 of tag, AES-256-GCM; key (32 bytes), IV (12) and additional data
//!   (24) come from the password by PBKDF2-HMAC-SHA256 with 10,000 rounds. The tag vouches for the result.
//!
//! What is decrypted stays in memory, in a box that is wiped.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use base64ct::{Base64, Encoding as _};
use md5::Md5;
use sha2::Sha256;
use sha2::digest::Digest;
use zeroize::Zeroizing;

use super::content::Content;
use super::error::DecryptError;
use super::version::Version;
use crate::base::secret::Password;

/// A decrypted file, wiped when it is dropped; its `Debug` says nothing.
pub struct Decrypted(Zeroizing<Vec<u8>>);

impl Decrypted {
    /// The content. Every call is a place where a secret leaves its box.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decrypted(…)")
    }
}

const V1: &[u8] = b"Salted__";
const V2: &[u8] = b"match_encrypted_v2__";
/// What every version since the second begins with.
const ANY: &[u8] = b"match_encrypted_v";
const SALT: usize = 8;
const TAG: usize = 16;
const BLOCK: usize = 16;
const KEY: usize = 32;
const NONCE: usize = 12;
/// Key, IV and additional data of version 2.
const DERIVED: usize = 68;
/// Rounds of version 2.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);

/// Which container `bytes` are, by their beginning; `None` if they are none of match's.
///
/// # Errors
/// It is one of a version that is not known.
pub fn version(bytes: &[u8]) -> Result<Option<Version>, DecryptError> {
    // Base64 of the longest beginning; nothing is decoded of a file that begins otherwise.
    let start: Vec<u8> = letters(bytes).take(HEAD).collect();
    let whole = start.len() / 4 * 4;
    let Some(head) = start
        .get(..whole)
        .and_then(|start| std::str::from_utf8(start).ok())
        .and_then(|start| Base64::decode_vec(start).ok())
    else {
        return Ok(None);
    };
    if head.starts_with(V2) {
        Ok(Some(Version::V2))
    } else if let Some(rest) = head.strip_prefix(ANY) {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
        let digits: String = digits.map(|byte| char::from(*byte)).collect();
        match digits.is_empty() {
            true => Ok(None),
            false => Err(DecryptError::UnknownVersion(digits)),
        }
    } else if head.starts_with(V1) {
        Ok(Some(Version::V1))
    } else {
        Ok(None)
    }
}

/// Letters of base64 that hold the beginning of any container.
const HEAD: usize = 32;

fn letters(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let bytes = bytes.iter().copied();
    bytes.filter(|byte| !byte.is_ascii_whitespace())
}

/// Opens a file that is [`version`]'s; `expected` is what its name says.
///
/// # Errors
/// The password is wrong or missing, the file is damaged or of a version that is not known, or it is not encrypted.
pub fn decrypt(
    bytes: &[u8],
    expected: Content,
    password: Option<&Password>,
) -> Result<Option<Decrypted>, DecryptError> {
    let Some(version) = version(bytes)? else {
        return Ok(None);
    };
    let password = password.ok_or(DecryptError::NoPassword(version))?;
    let damaged = |problem| DecryptError::Damaged { version, problem };
    let text = String::from_utf8(letters(bytes).collect());
    let container = text.ok().and_then(|text| Base64::decode_vec(&text).ok());
    let container = container.ok_or_else(|| damaged("it is not base64 throughout"))?;
    let opened = match version {
        Version::V1 => {
            let sealed = container.get(V1.len()..).unwrap_or_default();
            let (salt, sealed) = sealed
                .split_first_chunk::<SALT>()
                .filter(|(_, sealed)| !sealed.is_empty() && sealed.len() % BLOCK == 0)
                .ok_or_else(|| damaged("its end is missing"))?;
            let mut ways = [open_v1::<Md5>, open_v1::<Sha256>].into_iter();
            ways.find_map(|open| open(salt, sealed, password).filter(|it| expected.reads(it)))
                .ok_or(DecryptError::NothingReads { version, expected })?
        }
        Version::V2 => {
            let sealed = container.get(V2.len()..).unwrap_or_default();
            let (salt, sealed) = sealed
                .split_first_chunk::<SALT>()
                .ok_or_else(|| damaged("its end is missing"))?;
            let (tag, sealed) = sealed
                .split_first_chunk::<TAG>()
                .ok_or_else(|| damaged("its end is missing"))?;
            open_v2(salt, tag, sealed, password).ok_or(DecryptError::WrongPassword(version))?
        }
    };
    Ok(Some(Decrypted(opened)))
}

/// `None`: the padding is wrong.
fn open_v1<D: Digest>(
    salt: &[u8; SALT],
    sealed: &[u8],
    password: &Password,
) -> Option<Zeroizing<Vec<u8>>> {
    let derived = bytes_to_key::<D>(salt, password);
    let (key, rest) = derived.split_first_chunk::<KEY>()?;
    let iv = rest.first_chunk::<BLOCK>()?;
    let key = UnboundCipherKey::new(&AES_256, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut opened = Zeroizing::new(sealed.to_vec());
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let length = key.decrypt(&mut opened, context).ok()?.len();
    opened.truncate(length);
    Some(opened)
}

/// OpenSSL's `EVP_BytesToKey` with one round: `D(i) = H(D(i-1) ‖ password ‖ salt)`, one behind the other.
fn bytes_to_key<D: Digest>(salt: &[u8; SALT], password: &Password) -> Zeroizing<Vec<u8>> {
    let mut derived = Zeroizing::new(Vec::with_capacity(KEY + BLOCK + 32));
    let mut last = 0;
    while derived.len() < KEY + BLOCK {
        let mut digest = D::new();
        digest.update(derived.get(last..).unwrap_or_default());
        digest.update(password.expose());
        digest.update(salt);
        last = derived.len();
        derived.extend_from_slice(&digest.finalize());
    }
    derived
}

/// `None`: the tag does not fit.
fn open_v2(
    salt: &[u8; SALT],
    tag: &[u8; TAG],
    sealed: &[u8],
    password: &Password,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut derived = Zeroizing::new([0; DERIVED]);
    let secret = password.expose().as_bytes();
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ROUNDS,
        salt,
        secret,
        &mut *derived,
    );
    let (key, rest) = derived.split_first_chunk::<KEY>()?;
    let (nonce, additional) = rest.split_first_chunk::<NONCE>()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut opened = Zeroizing::new([sealed, tag].concat());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key
        .open_in_place(nonce, Aad::from(additional), &mut opened)
        .ok()?
        .len();
    opened.truncate(length);
    Some(opened)
}
