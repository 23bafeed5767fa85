//! What a PKCS#12 file is protected with, read from its structure alone: no password is needed for it.
//!
//! This explains the error "MAC verification failed during PKCS12 import (wrong password?)". `security` prints it for
//! a wrong password and also for a MAC that it does not know. A wrong password needs another secret; an unknown MAC
//! needs only a conversion of the file.
//!
//! `structure` reads it from a file.

use std::fmt;

use serde::Serialize;

/// How a PKCS#12 file is protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Algorithms {
    /// The MAC over the whole; without one, nothing tells a wrong password from a damaged file.
    pub mac: Option<Mac>,
    /// Each encrypted part, in file order; parts that stand in clear are not listed.
    pub encryption: Vec<Encryption>,
}

/// The MAC of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mac {
    /// Its kind.
    pub kind: MacKind,
    /// Iterations of its key derivation.
    pub iterations: u64,
}

/// The kind of a MAC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MacKind {
    /// HMAC with SHA-1 and the key derivation of RFC 7292: what every release of macOS reads.
    HmacSha1,
    /// HMAC with SHA-256 and the same derivation: what OpenSSL 3 writes.
    HmacSha256,
    /// HMAC with another digest, by its usual name.
    HmacOther(&'static str),
    /// PBMAC1 (RFC 9579).
    Pbmac1,
    /// An algorithm that is not known here, by its OID.
    Unknown(String),
}

/// One encrypted part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Encryption {
    /// What is encrypted.
    pub part: Part,
    /// How.
    pub scheme: Scheme,
    /// Iterations of its key derivation; 0 when the parameters do not say.
    pub iterations: u64,
}

/// A part of the file that is encrypted on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// One private key (a shrouded key bag).
    Key,
    /// A whole safe: certificates as a rule, and whatever else; what is in it cannot be told without the password.
    Safe,
}

/// An encryption scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// `pbeWithSHAAnd3-KeyTripleDES-CBC`.
    PbeSha1TripleDes,
    /// `pbeWithSHAAnd40BitRC2-CBC`: what OpenSSL 1 and Keychain Access use for certificates.
    PbeSha1Rc2Of40,
    /// `pbeWithSHAAnd128BitRC2-CBC`.
    PbeSha1Rc2Of128,
    /// One of the other four schemes of RFC 7292 appendix C, by name.
    PbeSha1Other(&'static str),
    /// PBES2 (RFC 8018), as OpenSSL 3 uses it: PBKDF2 and AES in CBC mode.
    Pbes2 {
        /// Key derivation and its pseudo-random function.
        derivation: Derivation,
        /// Cipher, by its usual name or OID.
        cipher: String,
    },
    /// An algorithm that is not known here, by its OID.
    Unknown(String),
}

/// The key derivation of PBES2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Derivation {
    /// PBKDF2 with this pseudo-random function, by its usual name or OID.
    Pbkdf2(String),
    /// scrypt.
    Scrypt,
    /// Another, by its OID.
    Unknown(String),
}

/// Which releases of macOS read a file with `security import`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadableBy {
    /// Every one.
    EveryMac,
    /// macOS 15 and later, and only with `-f pkcs12`.
    MacOs15 {
        /// What older ones do not know.
        because: String,
    },
    /// None that is known.
    NoMac {
        /// What none of them knows.
        because: String,
    },
}

impl ReadableBy {
    /// Whether the given major release of macOS reads it (with `-f pkcs12`).
    pub fn includes(&self, macos_major: u32) -> bool {
        match self {
            Self::EveryMac => true,
            Self::MacOs15 { .. } => macos_major >= FIRST_MODERN_MACOS,
            Self::NoMac { .. } => false,
        }
    }

    /// The algorithm in the way, if there is one.
    pub fn because(&self) -> Option<&str> {
        match self {
            Self::EveryMac => None,
            Self::MacOs15 { because } | Self::NoMac { because } => Some(because),
        }
    }
}

/// `security import -f pkcs12` reads PBES2 and a SHA-256 MAC from this major release on.
pub const FIRST_MODERN_MACOS: u32 = 15;

impl Algorithms {
    /// Which releases of macOS read the file.
    pub fn readable_by(&self) -> ReadableBy {
        let mut modern = None;
        let parts = self
            .encryption
            .iter()
            .map(|part| (part.scheme.readable_by(), part.scheme.to_string()));
        let mac = match &self.mac {
            None => (Known::Never, "a file without a MAC".to_owned()),
            Some(mac) => (mac.kind.readable_by(), format!("{} as MAC", mac.kind)),
        };
        for (known, because) in std::iter::once(mac).chain(parts) {
            match known {
                Known::Always => {}
                Known::Modern => modern = modern.or(Some(because)),
                Known::Never => return ReadableBy::NoMac { because },
            }
        }
        match modern {
            Some(because) => ReadableBy::MacOs15 { because },
            None => ReadableBy::EveryMac,
        }
    }

    /// The first algorithm that this program cannot read, if there is one.
    pub(super) fn unsupported(&self) -> Option<String> {
        let mac = self.mac.as_ref().and_then(|mac| match &mac.kind {
            MacKind::Pbmac1 | MacKind::Unknown(_) => Some(mac.kind.to_string()),
            MacKind::HmacSha1 | MacKind::HmacSha256 | MacKind::HmacOther(_) => None,
        });
        mac.or_else(|| {
            self.encryption
                .iter()
                .find(|part| !part.scheme.is_supported())
                .map(|part| part.scheme.to_string())
        })
    }
}

/// `HMAC-SHA256 (2048 iterations); PBES2 … (2048 iterations)`
impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mac {
            Some(mac) => write!(f, "{} ({} iterations)", mac.kind, mac.iterations)?,
            None => f.write_str("no MAC")?,
        }
        let mut written: Vec<(&Scheme, u64)> = Vec::new();
        for part in &self.encryption {
            if !written.contains(&(&part.scheme, part.iterations)) {
                written.push((&part.scheme, part.iterations));
                write!(f, "; {} ({} iterations)", part.scheme, part.iterations)?;
            }
        }
        if self.encryption.is_empty() {
            f.write_str("; nothing encrypted")?;
        }
        Ok(())
    }
}

impl fmt::Display for MacKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HmacSha1 => f.write_str("HMAC-SHA1"),
            Self::HmacSha256 => f.write_str("HMAC-SHA256"),
            Self::HmacOther(digest) => write!(f, "HMAC-{digest}"),
            Self::Pbmac1 => f.write_str("PBMAC1"),
            Self::Unknown(oid) => write!(f, "MAC algorithm {oid}"),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PbeSha1TripleDes => f.write_str("PBE-SHA1-3DES"),
            Self::PbeSha1Rc2Of40 => f.write_str("PBE-SHA1-RC2-40"),
            Self::PbeSha1Rc2Of128 => f.write_str("PBE-SHA1-RC2-128"),
            Self::PbeSha1Other(name) => f.write_str(name),
            Self::Pbes2 { derivation, cipher } => match derivation {
                Derivation::Pbkdf2(prf) => write!(f, "PBES2 with PBKDF2-{prf} and {cipher}"),
                Derivation::Scrypt => write!(f, "PBES2 with scrypt and {cipher}"),
                Derivation::Unknown(oid) => write!(f, "PBES2 with {oid} and {cipher}"),
            },
            Self::Unknown(oid) => write!(f, "encryption algorithm {oid}"),
        }
    }
}

/// Since when `security import` knows an algorithm.
enum Known {
    Always,
    Modern,
    Never,
}

impl MacKind {
    fn readable_by(&self) -> Known {
        match self {
            Self::HmacSha1 => Known::Always,
            Self::HmacSha256 => Known::Modern,
            Self::HmacOther(_) | Self::Pbmac1 | Self::Unknown(_) => Known::Never,
        }
    }
}

impl Scheme {
    /// Whether this program decrypts it.
    fn is_supported(&self) -> bool {
        match self {
            Self::PbeSha1TripleDes | Self::PbeSha1Rc2Of40 => true,
            Self::Pbes2 { derivation, cipher } => {
                let named =
                    |text: &str| text.starts_with(|first: char| first.is_ascii_alphabetic());
                let derivation = match derivation {
                    Derivation::Pbkdf2(prf) => named(prf),
                    Derivation::Scrypt => true,
                    Derivation::Unknown(_) => false,
                };
                derivation && (cipher == TRIPLE_DES || named(cipher))
            }
            Self::PbeSha1Rc2Of128 | Self::PbeSha1Other(_) | Self::Unknown(_) => false,
        }
    }

    fn readable_by(&self) -> Known {
        match self {
            Self::PbeSha1TripleDes | Self::PbeSha1Rc2Of40 | Self::PbeSha1Rc2Of128 => Known::Always,
            Self::Pbes2 {
                derivation: Derivation::Pbkdf2(_),
                ..
            } => Known::Modern,
            Self::PbeSha1Other(_) | Self::Pbes2 { .. } | Self::Unknown(_) => Known::Never,
        }
    }
}

/// A cipher name that does not begin with a letter.
pub(super) const TRIPLE_DES: &str = "3DES-CBC";
