//! Signatures as `ssh-keygen -Y sign` makes them (OpenSSH, `PROTOCOL.sshsig`).
//!
//! What is signed is not the message but a structure of its hash, the namespace and the hash's name. So a signature that
//! somebody made over a commit or a file (`git`, `file`) is none in another namespace.

use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha256, Sha512};

use super::key::{KeyError, PublicKey};
use super::wire::{Reader, write_string};

/// How each signature, and what each signs, begins.
const MAGIC: &[u8] = b"SSHSIG";
/// The version that OpenSSH writes and reads.
const VERSION: u32 = 1;
/// The label of its armor.
const LABEL: &str = "SSH SIGNATURE";
/// How long the lines of its armor are.
const LINE: usize = 70;
/// More than the signature of the longest key takes.
const MAX_BYTES: usize = 64 * 1024;

/// A signature, whose key is known and which is not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    key: PublicKey,
    namespace: String,
    hash: Hash,
    value: Box<[u8]>,
    blob: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn of(word: &str) -> Option<Self> {
        match word {
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// Why bytes are no signature that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not between `-----BEGIN SSH SIGNATURE-----` and its end.
    #[error("it is not an armored SSH signature")]
    Armor,
    /// Not what is written between them.
    #[error("the SSH signature is damaged")]
    Damaged,
    /// Of a version that nobody has written yet.
    #[error("the SSH signature has version {0}, but only version {VERSION} is known")]
    Version(u32),
    /// With a hash that is not accepted.
    #[error("the SSH signature is over a hash {0:?}, but only sha256 and sha512 are accepted")]
    Hash(String),
    /// By a key that is not accepted.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Signature {
    /// Reads an armored signature; its lines may have any length, as long as they all have the same.
    ///
    /// # Errors
    /// It is none, or one that is not accepted.
    pub fn from_armor(armor: &[u8]) -> Result<Self, SignatureError> {
        if armor.len() > MAX_BYTES {
            return Err(SignatureError::Armor);
        }
        let mut decoder =
            pem_rfc7468::Decoder::new_detect_wrap(armor).map_err(|_| SignatureError::Armor)?;
        if decoder.type_label() != LABEL {
            return Err(SignatureError::Armor);
        }
        let mut blob = Vec::new();
        decoder
            .decode_to_end(&mut blob)
            .map_err(|_| SignatureError::Armor)?;
        Self::from_blob(&blob)
    }

    /// Reads an armored signature that must be exactly as [`armor`](Self::armor) writes it, so that nothing can be changed
    /// about it that is not a change of the signature.
    ///
    /// # Errors
    /// As [`from_armor`](Self::from_armor), or it is written in another way.
    pub fn from_canonical_armor(armor: &[u8]) -> Result<Self, SignatureError> {
        let signature = Self::from_armor(armor)?;
        match signature.armor().as_bytes() == armor {
            true => Ok(signature),
            false => Err(SignatureError::Armor),
        }
    }

    fn from_blob(blob: &[u8]) -> Result<Self, SignatureError> {
        let mut reader = Reader::new(blob);
        let damaged = || SignatureError::Damaged;
        if reader.bytes(MAGIC.len()).ok_or_else(damaged)? != MAGIC {
            return Err(damaged());
        }
        let version = reader.uint32().ok_or_else(damaged)?;
        if version != VERSION {
            return Err(SignatureError::Version(version));
        }
        let key = reader.string().ok_or_else(damaged)?;
        let namespace = reader.text().ok_or_else(damaged)?;
        // Room for what later versions of OpenSSH may say there: what is not understood is not accepted.
        let reserved = reader.string().ok_or_else(damaged)?;
        let hash = reader.text().ok_or_else(damaged)?;
        let value = reader.string().ok_or_else(damaged)?;
        reader.end().ok_or_else(damaged)?;
        if !reserved.is_empty() {
            return Err(damaged());
        }
        Ok(Self {
            key: PublicKey::from_blob(key)?,
            namespace: namespace.to_owned(),
            hash: Hash::of(hash)
                .ok_or_else(|| SignatureError::Hash(hash.chars().take(64).collect()))?,
            value: value.into(),
            blob: blob.into(),
        })
    }

    /// The signature as `ssh-keygen -Y sign` prints it.
    pub fn armor(&self) -> String {
        let mut armor = format!("-----BEGIN {LABEL}-----\n");
        let mut rest = Base64::encode_string(&self.blob);
        while !rest.is_empty() {
            let after = rest.split_off(rest.len().min(LINE));
            armor.push_str(&rest);
            armor.push('\n');
            rest = after;
        }
        armor.push_str(&format!("-----END {LABEL}-----\n"));
        armor
    }

    /// The key that it names.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What it says that it is for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether its key made it over `message`, for what its namespace says.
    pub fn holds_over(&self, message: &[u8]) -> bool {
        let mut signed = MAGIC.to_vec();
        write_string(&mut signed, self.namespace.as_bytes());
        write_string(&mut signed, b"");
        write_string(&mut signed, self.hash.as_str().as_bytes());
        write_string(&mut signed, &self.hash.digest(message));
        self.key.verifies(&signed, &self.value)
    }
}
