//! What a PKCS#12 file is protected with, read from its structure alone: no password is needed for it.
//!
//! This is what makes "MAC verification failed during PKCS12 import (wrong password?)" answerable. `security` says that
//! sentence for a wrong password and for a MAC it does not know, and the difference is a rotated secret or a one-line
//! conversion.
//!
//! ```text
//! PFX  ::= SEQUENCE { version 3, authSafe ContentInfo, macData OPTIONAL }            RFC 7292 §4
//!          authSafe → OCTET STRING → SEQUENCE OF ContentInfo
//!            data          → OCTET STRING → SEQUENCE OF SafeBag (keys shrouded one by one)
//!            encryptedData → AlgorithmIdentifier, ciphertext      (certificates, as a rule)
//! ```
//!
//! The walk is a bounded reader of definite-length DER. It is also the gate before any cryptography: the iteration counts
//! that a file asks for are bounded here, before a key is derived.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::{MAX_FILE, Pkcs12Error};

/// The most iterations of one key derivation that are granted: ten times what the strictest recommendation of today asks.
pub const MAX_ITERATIONS: u64 = 1_000_000;

/// The most iterations of all visible key derivations together: about three seconds of one core.
pub const MAX_TOTAL_ITERATIONS: u64 = 8_000_000;

/// The most memory that a scrypt derivation may ask for, in bytes.
const MAX_SCRYPT_MEMORY: u64 = 64 * 1024 * 1024;

/// The most protected parts that are looked at: a keychain of a hundred identities exports two hundred.
const MAX_PARTS: usize = 1024;

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
    pub fn on(&self, macos_major: u32) -> bool {
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
    /// Reads them from a file, without its password.
    ///
    /// # Errors
    /// The file is not PKCS#12, is cut, or asks for more work than is granted.
    pub fn read(bytes: &[u8]) -> Result<Self, Pkcs12Error> {
        if bytes.len() > MAX_FILE {
            return Err(Pkcs12Error::TooLarge { size: bytes.len() });
        }
        if let Some(found) = something_else(bytes) {
            return Err(Pkcs12Error::NotPkcs12(found));
        }
        let algorithms = walk(bytes)?;
        algorithms.bound_work()?;
        Ok(algorithms)
    }

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

    fn bound_work(&self) -> Result<(), Pkcs12Error> {
        let each = self
            .mac
            .iter()
            .map(|mac| mac.iterations)
            .chain(self.encryption.iter().map(|part| part.iterations));
        let mut total: u64 = 0;
        for iterations in each {
            total = total.saturating_add(iterations);
            if iterations > MAX_ITERATIONS || total > MAX_TOTAL_ITERATIONS {
                return Err(Pkcs12Error::TooMuchWork {
                    asked: format!("{} iterations", iterations.max(total)),
                });
            }
        }
        Ok(())
    }
}

/// `HMAC-SHA256 (2048 iterations); PBES2 … (2048 iterations)`
impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mac {
            Some(mac) => write!(f, "{} ({} iterations)", mac.kind, mac.iterations)?,
            None => f.write_str("no MAC")?,
        }
        let mut said: Vec<(&Scheme, u64)> = Vec::new();
        for part in &self.encryption {
            if !said.contains(&(&part.scheme, part.iterations)) {
                said.push((&part.scheme, part.iterations));
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

/// What the bytes are, when they are plainly something else that people hand in.
fn something_else(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii_start();
    let found = match text {
        [] => "an empty file",
        _ if text.starts_with(b"-----BEGIN ") => {
            "PEM text: make a .p12 of it with `openssl pkcs12 -export`"
        }
        _ if text.starts_with(b"<?xml")
            || text.starts_with(b"<plist")
            || text.starts_with(b"<!") =>
        {
            "XML"
        }
        _ if text.starts_with(b"bplist") => "a binary property list",
        // What CI systems hold in a secret: `MI` is how any DER of that size begins.
        _ if text.starts_with(b"MI")
            && text
                .iter()
                .take(64)
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte)) =>
        {
            "base64 text: decode it first (`base64 --decode`)"
        }
        [0xfe, 0xed, 0xfe, 0xed, ..] => {
            "a Java keystore: convert it with `keytool -importkeystore -deststoretype pkcs12`"
        }
        [b'k', b'y', b'c', b'h', ..] => "a keychain",
        [0x30, ..] => return None,
        _ => "something else",
    };
    Some(found)
}

fn walk(bytes: &[u8]) -> Result<Algorithms, Pkcs12Error> {
    let mut file = Reader::new(bytes);
    let mut pfx = file.expect(SEQUENCE, "PFX")?;
    file.finish("the PFX")?;

    let (tag, version) = pfx.next("the version")?;
    match (tag, version.bytes()) {
        (INTEGER, [3]) => {}
        (INTEGER, _) => {
            return Err(Pkcs12Error::NotPkcs12(
                "DER of another version or kind (a private key on its own?)",
            ));
        }
        (SEQUENCE, _) => return Err(Pkcs12Error::NotPkcs12("a certificate or other signed DER")),
        (OID, _) => return Err(Pkcs12Error::NotPkcs12("CMS (PKCS#7), not PKCS#12")),
        _ => return Err(Pkcs12Error::NotPkcs12("some other DER")),
    }

    let mut auth_safe = pfx.expect(SEQUENCE, "authSafe")?;
    let kind = auth_safe.expect(OID, "the type of authSafe")?;
    if kind.bytes() != OID_DATA {
        return Err(Pkcs12Error::Unsupported(
            "a PKCS#12 file that is signed with a key instead of a password".to_owned(),
        ));
    }
    let mut safes = auth_safe
        .expect(EXPLICIT_0, "the content of authSafe")?
        .expect(OCTET_STRING, "the content of authSafe")?
        .expect(SEQUENCE, "the safes")?;

    let mut encryption = Vec::new();
    while !safes.is_empty() {
        if encryption.len() > MAX_PARTS {
            return Err(Pkcs12Error::TooManyParts);
        }
        safe(safes.expect(SEQUENCE, "a safe")?, &mut encryption)?;
    }

    let mac = if pfx.is_empty() {
        None
    } else {
        Some(mac(pfx.expect(SEQUENCE, "macData")?)?)
    };
    pfx.finish("macData")?;
    Ok(Algorithms { mac, encryption })
}

fn safe(mut safe: Reader<'_>, encryption: &mut Vec<Encryption>) -> Result<(), Pkcs12Error> {
    let kind = safe.expect(OID, "the type of a safe")?;
    let mut content = safe.expect(EXPLICIT_0, "the content of a safe")?;
    if kind.bytes() == OID_DATA {
        let mut bags = content
            .expect(OCTET_STRING, "the content of a safe")?
            .expect(SEQUENCE, "the bags of a safe")?;
        while !bags.is_empty() {
            let mut bag = bags.expect(SEQUENCE, "a bag")?;
            let kind = bag.expect(OID, "the type of a bag")?;
            if kind.bytes() != OID_SHROUDED_KEY_BAG {
                continue;
            }
            let mut key = bag
                .expect(EXPLICIT_0, "the content of a key bag")?
                .expect(SEQUENCE, "an encrypted key")?;
            let (scheme, iterations) =
                scheme(key.expect(SEQUENCE, "the algorithm of an encrypted key")?)?;
            encryption.push(Encryption {
                part: Part::Key,
                scheme,
                iterations,
            });
            if encryption.len() > MAX_PARTS {
                return Err(Pkcs12Error::TooManyParts);
            }
        }
        return Ok(());
    }
    if kind.bytes() != OID_ENCRYPTED_DATA {
        return Err(Pkcs12Error::Unsupported(format!(
            "a safe of type {} (encrypted for a certificate instead of a password?)",
            dotted(kind.bytes())
        )));
    }
    let mut encrypted = content.expect(SEQUENCE, "encryptedData")?;
    encrypted.expect(INTEGER, "the version of encryptedData")?;
    let mut info = encrypted.expect(SEQUENCE, "encryptedContentInfo")?;
    info.expect(OID, "the type of the encrypted content")?;
    let (scheme, iterations) =
        scheme(info.expect(SEQUENCE, "the algorithm of the encrypted content")?)?;
    encryption.push(Encryption {
        part: Part::Safe,
        scheme,
        iterations,
    });
    Ok(())
}

fn mac(mut data: Reader<'_>) -> Result<Mac, Pkcs12Error> {
    let mut algorithm = data
        .expect(SEQUENCE, "the MAC's digest")?
        .expect(SEQUENCE, "the MAC's algorithm")?;
    let oid = algorithm.expect(OID, "the MAC's algorithm")?;
    data.expect(OCTET_STRING, "the MAC's salt")?;
    // INTEGER DEFAULT 1
    let iterations = if data.is_empty() {
        1
    } else {
        data.expect(INTEGER, "the MAC's iterations")?.positive()?
    };
    let kind = match oid.bytes() {
        OID_SHA1 => MacKind::HmacSha1,
        OID_PBMAC1 => MacKind::Pbmac1,
        other => match (other.strip_prefix(OID_NIST_HASHES), other) {
            (Some([1]), _) => MacKind::HmacSha256,
            (Some([2]), _) => MacKind::HmacOther("SHA384"),
            (Some([3]), _) => MacKind::HmacOther("SHA512"),
            (Some([4]), _) => MacKind::HmacOther("SHA224"),
            (Some([5]), _) => MacKind::HmacOther("SHA512-224"),
            (Some([6]), _) => MacKind::HmacOther("SHA512-256"),
            _ => MacKind::Unknown(dotted(other)),
        },
    };
    Ok(Mac { kind, iterations })
}

fn scheme(mut algorithm: Reader<'_>) -> Result<(Scheme, u64), Pkcs12Error> {
    let oid = algorithm.expect(OID, "an algorithm")?;
    if oid.bytes() == OID_PBES2 {
        return pbes2(algorithm.expect(SEQUENCE, "the parameters of PBES2")?);
    }
    let scheme = match oid.bytes().strip_prefix(OID_PKCS12_PBE) {
        Some([1]) => Scheme::PbeSha1Other("PBE-SHA1-RC4-128"),
        Some([2]) => Scheme::PbeSha1Other("PBE-SHA1-RC4-40"),
        Some([3]) => Scheme::PbeSha1TripleDes,
        Some([4]) => Scheme::PbeSha1Other("PBE-SHA1-2DES"),
        Some([5]) => Scheme::PbeSha1Rc2Of128,
        Some([6]) => Scheme::PbeSha1Rc2Of40,
        _ => return Ok((Scheme::Unknown(dotted(oid.bytes())), 0)),
    };
    let mut parameters = algorithm.expect(SEQUENCE, "the parameters of a PBE")?;
    parameters.expect(OCTET_STRING, "the salt of a PBE")?;
    let iterations = parameters
        .expect(INTEGER, "the iterations of a PBE")?
        .positive()?;
    Ok((scheme, iterations))
}

fn pbes2(mut parameters: Reader<'_>) -> Result<(Scheme, u64), Pkcs12Error> {
    let mut kdf = parameters.expect(SEQUENCE, "the key derivation of PBES2")?;
    let mut encryption = parameters.expect(SEQUENCE, "the cipher of PBES2")?;
    let cipher = encryption.expect(OID, "the cipher of PBES2")?;
    let cipher = match cipher.bytes() {
        OID_AES_128_CBC => "AES-128-CBC".to_owned(),
        OID_AES_192_CBC => "AES-192-CBC".to_owned(),
        OID_AES_256_CBC => "AES-256-CBC".to_owned(),
        OID_DES_EDE3_CBC => TRIPLE_DES.to_owned(),
        other => dotted(other),
    };
    let oid = kdf.expect(OID, "the key derivation of PBES2")?;
    let (derivation, iterations) = match oid.bytes() {
        OID_PBKDF2 => pbkdf2(kdf.expect(SEQUENCE, "the parameters of PBKDF2")?)?,
        OID_SCRYPT => {
            bound_scrypt(kdf.expect(SEQUENCE, "the parameters of scrypt")?)?;
            (Derivation::Scrypt, 0)
        }
        other => (Derivation::Unknown(dotted(other)), 0),
    };
    Ok((Scheme::Pbes2 { derivation, cipher }, iterations))
}

fn pbkdf2(mut parameters: Reader<'_>) -> Result<(Derivation, u64), Pkcs12Error> {
    parameters.expect(OCTET_STRING, "the salt of PBKDF2")?;
    let iterations = parameters
        .expect(INTEGER, "the iterations of PBKDF2")?
        .positive()?;
    // keyLength INTEGER OPTIONAL, prf AlgorithmIdentifier DEFAULT hmacWithSHA1
    let mut prf = "HMAC-SHA1".to_owned();
    while !parameters.is_empty() {
        let (tag, mut value) = parameters.next("the parameters of PBKDF2")?;
        if tag == SEQUENCE {
            let oid = value.expect(OID, "the pseudo-random function of PBKDF2")?;
            prf = match oid.bytes().strip_prefix(OID_RSADSI_DIGESTS) {
                Some([7]) => "HMAC-SHA1".to_owned(),
                Some([8]) => "HMAC-SHA224".to_owned(),
                Some([9]) => "HMAC-SHA256".to_owned(),
                Some([10]) => "HMAC-SHA384".to_owned(),
                Some([11]) => "HMAC-SHA512".to_owned(),
                _ => dotted(oid.bytes()),
            };
        }
    }
    Ok((Derivation::Pbkdf2(prf), iterations))
}

fn bound_scrypt(mut parameters: Reader<'_>) -> Result<(), Pkcs12Error> {
    parameters.expect(OCTET_STRING, "the salt of scrypt")?;
    let mut number = || {
        parameters
            .expect(INTEGER, "a parameter of scrypt")?
            .positive()
    };
    let (cost, block, parallel) = (number()?, number()?, number()?);
    let memory = 128_u64
        .checked_mul(cost)
        .and_then(|memory| memory.checked_mul(block));
    match memory {
        Some(memory) if memory <= MAX_SCRYPT_MEMORY && parallel <= 16 => Ok(()),
        _ => Err(Pkcs12Error::TooMuchWork {
            asked: format!("scrypt with N = {cost}, r = {block}, p = {parallel}"),
        }),
    }
}

/// A reader of definite-length DER within a range of the file, so that every error knows its offset in the file.
#[derive(Clone)]
struct Reader<'a> {
    file: &'a [u8],
    range: Range<usize>,
    /// Whether this is the file itself: only there is a missing end a cut, inside lengths contradict each other.
    whole: bool,
}

impl<'a> Reader<'a> {
    fn new(file: &'a [u8]) -> Self {
        Self {
            file,
            range: 0..file.len(),
            whole: true,
        }
    }

    fn bytes(&self) -> &'a [u8] {
        self.file.get(self.range.clone()).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    fn malformed(&self, problem: impl Into<String>) -> Pkcs12Error {
        Pkcs12Error::Malformed {
            offset: self.range.start,
            problem: problem.into(),
        }
    }

    fn finish(&self, what: &str) -> Result<(), Pkcs12Error> {
        if self.is_empty() {
            return Ok(());
        }
        Err(self.malformed(format!(
            "{} bytes follow {what}: the file was appended to",
            self.range.len()
        )))
    }

    fn byte(&mut self, what: &str) -> Result<u8, Pkcs12Error> {
        match self.bytes().first() {
            Some(byte) => {
                self.range.start += 1;
                Ok(*byte)
            }
            None if self.whole => Err(Pkcs12Error::Truncated {
                size: self.file.len(),
                missing: 1,
            }),
            None => Err(self.malformed(format!("{what} is missing"))),
        }
    }

    /// The next element: its tag and a reader of its content.
    fn next(&mut self, what: &str) -> Result<(u8, Reader<'a>), Pkcs12Error> {
        let start = self.range.start;
        let at = |offset, problem: String| Pkcs12Error::Malformed { offset, problem };
        let tag = self.byte(what)?;
        if tag & 0x1f == 0x1f {
            return Err(at(start, format!("an unknown tag where {what} should be")));
        }
        let length = match self.byte(what)? {
            0x80 => return Err(Pkcs12Error::Ber { offset: start }),
            short @ 0..=0x7f => usize::from(short),
            long => {
                let mut length: usize = 0;
                for _ in 0..long & 0x7f {
                    let byte = self.byte(what)?;
                    length = length
                        .checked_mul(256)
                        .and_then(|length| length.checked_add(usize::from(byte)))
                        .ok_or_else(|| at(start, format!("the length of {what} is absurd")))?;
                }
                length
            }
        };
        let content = self.range.start;
        let available = self.range.len();
        if length > available {
            if self.whole {
                return Err(Pkcs12Error::Truncated {
                    size: self.file.len(),
                    missing: length - available,
                });
            }
            return Err(at(
                start,
                format!("{what} is longer than what it stands in"),
            ));
        }
        let end = content + length;
        self.range.start = end;
        Ok((
            tag,
            Reader {
                file: self.file,
                range: content..end,
                whole: false,
            },
        ))
    }

    fn expect(&mut self, tag: u8, what: &str) -> Result<Reader<'a>, Pkcs12Error> {
        let offset = self.range.start;
        let (found, content) = self.next(what)?;
        if found == tag {
            return Ok(content);
        }
        // A constructed string: legal BER, never DER.
        if found == tag | 0x20 {
            return Err(Pkcs12Error::Ber { offset });
        }
        Err(Pkcs12Error::Malformed {
            offset,
            problem: format!("expected {what} (tag {tag:#04x}), found tag {found:#04x}"),
        })
    }

    /// An INTEGER's content as a positive number.
    fn positive(&self) -> Result<u64, Pkcs12Error> {
        let bytes = self.bytes();
        let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
        let negative = self.bytes().first().is_none_or(|first| first & 0x80 != 0);
        let number = bytes
            .iter()
            .try_fold(0_u64, |number, byte| {
                number.checked_mul(256)?.checked_add(u64::from(*byte))
            })
            .filter(|number| *number > 0 && !negative);
        match number {
            Some(number) => Ok(number),
            None if bytes.len() > 8 => Err(Pkcs12Error::TooMuchWork {
                asked: format!("a count of {} bytes", bytes.len()),
            }),
            None => Err(self.malformed("a count that is not positive")),
        }
    }
}

/// An OID's content in dotted form; `?` marks what is too large to be one.
fn dotted(content: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc: u64 = 0;
    for byte in content.iter().take(64) {
        arc = (arc << 7) | u64::from(byte & 0x7f);
        if arc > u64::from(u32::MAX) {
            return "?".to_owned();
        }
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - first * 40]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    let arcs: Vec<String> = arcs.iter().map(u64::to_string).collect();
    arcs.join(".")
}

const TRIPLE_DES: &str = "3DES-CBC";

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;

/// 1.2.840.113549.1.7.1
const OID_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// 1.2.840.113549.1.7.6
const OID_ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
/// 1.2.840.113549.1.12.10.1.2
const OID_SHROUDED_KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 2];
/// 1.2.840.113549.1.12.1: the schemes of RFC 7292 appendix C
const OID_PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1];
/// 1.2.840.113549.1.5.12
const OID_PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
/// 1.2.840.113549.1.5.13
const OID_PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
/// 1.2.840.113549.1.5.14
const OID_PBMAC1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 14];
/// 1.2.840.113549.2: digests and HMACs
const OID_RSADSI_DIGESTS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2];
/// 1.2.840.113549.3.7
const OID_DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7];
/// 1.3.6.1.4.1.11591.4.11
const OID_SCRYPT: &[u8] = &[0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 11];
/// 1.3.14.3.2.26
const OID_SHA1: &[u8] = &[0x2b, 14, 3, 2, 26];
/// 2.16.840.1.101.3.4.2
const OID_NIST_HASHES: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];
/// 2.16.840.1.101.3.4.1.2
const OID_AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2];
/// 2.16.840.1.101.3.4.1.22
const OID_AES_192_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 22];
/// 2.16.840.1.101.3.4.1.42
const OID_AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
