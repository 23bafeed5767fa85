//! The structure of a PKCS#12 file, as far as it can be read without the password.
//!
//! ```text
//! PFX  ::= SEQUENCE { version 3, authSafe ContentInfo, macData OPTIONAL }            RFC 7292 §4
//!          authSafe → OCTET STRING → SEQUENCE OF ContentInfo
//!            data          → OCTET STRING → SEQUENCE OF SafeBag (keys shrouded one by one)
//!            encryptedData → AlgorithmIdentifier, ciphertext      (certificates, as a rule)
//! ```
//!
//! A bounded reader of definite-length DER: every error knows its offset in the file, nothing is allocated by a length that
//! the file states, and there is no recursion. It is also the gate before any cryptography: the iterations that a file asks
//! for are bounded here, before a key is derived.

use std::ops::Range;

use super::algorithms::{
    Algorithms, Derivation, Encryption, Mac, MacKind, Part, Scheme, TRIPLE_DES,
};
use super::error::Pkcs12Error;
use super::limits::{MAX_FILE, MAX_ITERATIONS, MAX_PARTS, MAX_SCRYPT_MEMORY, MAX_TOTAL_ITERATIONS};
use crate::apple::file_type::{FileType, Wanted};

impl Algorithms {
    /// Reads them from a file, without its password.
    ///
    /// # Errors
    /// The file is not PKCS#12, is cut, or asks for more work than is granted.
    pub fn read(bytes: &[u8]) -> Result<Self, Pkcs12Error> {
        if bytes.len() > MAX_FILE {
            return Err(Pkcs12Error::TooLarge { size: bytes.len() });
        }
        if let Some(error) = something_else(bytes) {
            return Err(error);
        }
        let algorithms = walk(bytes).map_err(|error| {
            FileType::copied_as_text(bytes).map_or(error, |found| not_pkcs12(&found))
        })?;
        algorithms.bound_work()?;
        Ok(algorithms)
    }

    /// Refuses a file that asks for more work than is granted.
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

/// The error that names what the bytes are, when they are plainly something else that people hand in.
fn something_else(bytes: &[u8]) -> Option<Pkcs12Error> {
    let found = FileType::of(bytes);
    (!found.may_be(Wanted::Pkcs12)).then(|| not_pkcs12(&found))
}

fn not_pkcs12(found: &FileType) -> Pkcs12Error {
    Pkcs12Error::NotPkcs12 {
        found: found.to_string(),
        remedy: Some(found.remedy(Wanted::Pkcs12)),
    }
}

/// The error for DER that is no PKCS#12.
fn other_der(found: &str) -> Pkcs12Error {
    Pkcs12Error::NotPkcs12 {
        found: found.to_owned(),
        remedy: None,
    }
}

/// Reads how a file is protected.
fn walk(bytes: &[u8]) -> Result<Algorithms, Pkcs12Error> {
    let mut file = Reader::new(bytes);
    let mut pfx = file.expect(SEQUENCE, "PFX")?;
    file.finish("the PFX")?;

    let (tag, version) = pfx.next("the version")?;
    match (tag, version.bytes()) {
        (INTEGER, [3]) => {}
        (INTEGER, _) => {
            return Err(other_der(
                "DER of another version or kind (a private key on its own?)",
            ));
        }
        (SEQUENCE, _) => return Err(other_der("a certificate or other signed DER")),
        (OID, _) => return Err(other_der("CMS (PKCS#7), not PKCS#12")),
        _ => return Err(other_der("some other DER")),
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
        let malformed = |offset, problem: String| Pkcs12Error::Malformed { offset, problem };
        let tag = self.byte(what)?;
        if tag & 0x1f == 0x1f {
            return Err(malformed(
                start,
                format!("an unknown tag where {what} should be"),
            ));
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
                        .ok_or_else(|| {
                            malformed(start, format!("the length of {what} is impossible"))
                        })?;
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
            return Err(malformed(
                start,
                format!("{what} is longer than the element that holds it"),
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
