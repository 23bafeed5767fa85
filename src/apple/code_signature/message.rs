//! The CMS message of a signature: who signed the CodeDirectories.
//!
//! Its content is the CodeDirectory in slot 0, which stands beside it. Two signed attributes of Apple's name every
//! CodeDirectory by its hash, so that an alternate cannot be put in place of another (`verifySignature` in StaticCode.cpp).
//! Apple takes a message without these attributes; then nothing binds the alternates, and the best of them is the one that a
//! system believes. Here an alternate that is not bound is refused.

use std::sync::Arc;

use jiff::Timestamp;

use super::code_directory::CodeDirectory;
use super::hash_type::HashType;
use super::signer::{CHAIN, DIGESTS, ROLES, ROOTS, SignerRole};
use super::timestamp::{self, TimestampFault};
use crate::apple::ber::{BerError, Oid, Tag};
use crate::apple::certificate::Certificate;
use crate::apple::cms::{self, Attribute, CmsError, Extra, ID_DATA, SignedData};
use crate::apple::property_list;
use crate::apple::signature::DigestAlgorithm;
use crate::apple::signed_message::{
    Content, Fault, Purpose, Requirements, SignedMessage, ValidAt, Verifier,
};
use crate::apple::value::Value;

/// `1.2.840.113635.100.9.1`: the cdhashes of every CodeDirectory, in a property list.
const CDHASHES: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 9, 1]);
/// `1.2.840.113635.100.9.2`: the hash of every CodeDirectory, by the OID of its hash type.
const HASHES: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 9, 2]);

/// The largest property list of cdhashes that is read, in bytes. Real ones have 400.
const MAX_CDHASHES: usize = 64 * 1024;

/// Who signed, and what that proves.
#[derive(Debug, Clone)]
pub struct Signer {
    /// What Apple issued the certificate for; `None` if the chain or the role does not hold.
    pub proof: Result<SignedMessage<SignerRole>, Fault>,
    /// When it was signed, by the signer's own account.
    pub signed_time: Option<Timestamp>,
    /// When an authority saw the signature, if it has a secure timestamp; or why that proves nothing.
    pub timestamp: Option<Result<Timestamp, TimestampFault>>,
    /// The chain as the message bundles it, the signer's first, for showing alone.
    pub bundled: Vec<Arc<Certificate>>,
    /// How many certificates the message bundles that are not part of the proven chain.
    pub strays: usize,
    /// What is wrong with how the message names the CodeDirectories; `None` if each is bound.
    pub binding: Option<BindingFault>,
}

/// What is wrong with how a message names the CodeDirectories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindingFault {
    /// There are alternates, and no attribute names them: Apple's verifier takes that.
    Unbound,
    /// An attribute names other CodeDirectories: the type of the attribute, dotted.
    Other(String),
    /// An attribute cannot be read.
    Malformed(String),
}

/// Judges the message of a signature over its CodeDirectories, the one of slot 0 first.
///
/// # Errors
/// The bytes are no CMS SignedData.
pub fn judge(
    bytes: &[u8],
    directories: &[CodeDirectory],
    verifier: &Verifier,
    now: Timestamp,
) -> Result<Signer, CmsError> {
    let message = cms::parse(bytes)?;
    let info = message.signers.first();
    let attributes = info.and_then(|info| info.signed_attributes.as_ref());
    let signed_time = attributes.and_then(|attributes| attributes.signing_time);
    let timestamp = info.and_then(|info| {
        let mut tokens = info.unsigned_attributes.iter();
        let token = tokens.find(|attribute| attribute.kind == timestamp::TOKEN)?;
        Some(timestamp::verify(token, &info.signature, verifier))
    });
    // A secure timestamp says when that was. Without one the signer's own word counts: an expired certificate is
    // tolerated, as Apple does unless the code forbids it; who signs may lie about the time and gains nothing by it.
    let valid_at = match (&timestamp, signed_time) {
        (Some(Ok(time)), _) => *time,
        (_, Some(time)) => time,
        (_, None) => now,
    };
    let content = directories
        .first()
        .map(CodeDirectory::bytes)
        .unwrap_or_default();
    let asked = Requirements {
        content: Content::Detached(content),
        content_type: ID_DATA,
        digests: DIGESTS,
        roots: ROOTS,
        longest_chain: CHAIN,
        roles: ROLES,
        valid_at: ValidAt::Instant(valid_at),
        purpose: Purpose::Code,
        extras: &[Extra::UnsignedAttributes],
    };
    let others = attributes.map_or(&[][..], |attributes| &attributes.others);
    let proof = verifier.verify(&message, &asked);
    let chain = proof.as_ref().map(SignedMessage::chain).unwrap_or_default();
    let is_stray = |der: &[u8]| chain.iter().all(|known| *known.der != *der);
    Ok(Signer {
        strays: message
            .certificates
            .iter()
            .filter(|der| is_stray(der))
            .count(),
        proof,
        signed_time,
        timestamp,
        bundled: bundled(&message, verifier),
        binding: binding(others, directories),
    })
}

/// The certificates of the message in the order of the chain, as far as they make one.
fn bundled(message: &SignedData<'_>, verifier: &Verifier) -> Vec<Arc<Certificate>> {
    let all: Vec<Arc<Certificate>> = message
        .certificates
        .iter()
        .filter_map(|der| verifier.certificate(der).ok())
        .collect();
    let issues = |issuer: &Certificate| {
        let mut others = all.iter();
        others.any(|other| other.sha256 != issuer.sha256 && other.issuer() == issuer.subject())
    };
    let Some(leaf) = all.iter().find(|certificate| !issues(certificate)) else {
        return Vec::new();
    };
    let mut chain = vec![Arc::clone(leaf)];
    while let Some(last) = chain.last()
        && !last.is_self_issued()
        && let Some(issuer) = all.iter().find(|issuer| issuer.subject() == last.issuer())
        && chain.len() < all.len()
    {
        chain.push(Arc::clone(issuer));
    }
    chain
}

fn binding(attributes: &[Attribute<'_>], directories: &[CodeDirectory]) -> Option<BindingFault> {
    let find = |kind| attributes.iter().find(|attribute| attribute.kind == kind);
    let (cdhashes, hashes) = (find(CDHASHES), find(HASHES));
    if cdhashes.is_none() && hashes.is_none() {
        return (directories.len() > 1).then_some(BindingFault::Unbound);
    }
    if let Some(attribute) = cdhashes {
        match named_cdhashes(attribute) {
            Err(reason) => return Some(BindingFault::Malformed(reason)),
            Ok(named) if named != sorted_cdhashes(directories) => {
                return Some(BindingFault::Other(CDHASHES.to_string()));
            }
            Ok(_) => {}
        }
    }
    if let Some(attribute) = hashes {
        match named_hashes(attribute) {
            Err(error) => return Some(BindingFault::Malformed(error.to_string())),
            Ok(named) if !names_all(&named, directories) => {
                return Some(BindingFault::Other(HASHES.to_string()));
            }
            Ok(_) => {}
        }
    }
    None
}

/// The cdhashes in the order of their hash types, as Apple's map of CodeDirectories has them.
fn sorted_cdhashes(directories: &[CodeDirectory]) -> Vec<Box<[u8]>> {
    let mut sorted: Vec<&CodeDirectory> = directories.iter().collect();
    sorted.sort_by_key(|directory| directory.hash_type.number());
    sorted
        .iter()
        .map(|directory| directory.cdhash().into())
        .collect()
}

/// `cdhashes` of the property list: 20 bytes each, whatever the type.
fn named_cdhashes(attribute: &Attribute<'_>) -> Result<Vec<Box<[u8]>>, String> {
    let octets = || {
        let mut values = attribute.values.reader()?;
        let value = values.any("a property list")?;
        values.end("the property list")?;
        value.string(Tag::OCTET_STRING, "a property list")
    };
    let list = octets().map_err(|error: BerError| error.to_string())?;
    let list = property_list::read(&list, MAX_CDHASHES).map_err(|error| error.to_string())?;
    let Value::Dictionary(mut values) = list else {
        return Err("the property list of cdhashes is no dictionary".to_owned());
    };
    let Some(Value::Array(hashes)) = values.remove("cdhashes") else {
        return Err("the property list has no cdhashes".to_owned());
    };
    let hashes = hashes.into_iter().map(|hash| match hash {
        Value::Data(hash) => Ok(hash),
        _ => Err("a cdhash is no data".to_owned()),
    });
    hashes.collect()
}

/// The pairs of a hash type's OID and a hash.
fn named_hashes<'a>(attribute: &Attribute<'a>) -> Result<Vec<(Oid<'a>, &'a [u8])>, BerError> {
    let mut values = attribute.values.reader()?;
    let mut named = Vec::new();
    while let Some(value) = values.next()? {
        let mut fields = value
            .expect(Tag::SEQUENCE, "a hash with its type")?
            .reader()?;
        let kind = fields.any("a hash type")?.oid()?;
        let hash = fields.read(Tag::OCTET_STRING, "a hash")?.contents;
        fields.end("the hash")?;
        named.push((kind, hash));
    }
    Ok(named)
}

/// Whether as many hashes are named as there are CodeDirectories, and that of each is.
fn names_all(named: &[(Oid<'_>, &[u8])], directories: &[CodeDirectory]) -> bool {
    named.len() == directories.len()
        && directories.iter().all(|directory| {
            let hash = directory.whole_hash();
            let wanted = match directory.hash_type {
                HashType::Sha1 => DigestAlgorithm::Sha1,
                HashType::Sha256 | HashType::Sha256Truncated => DigestAlgorithm::Sha256,
                HashType::Sha384 => DigestAlgorithm::Sha384,
            };
            let mut named = named.iter();
            named.any(|(kind, found)| {
                DigestAlgorithm::from_oid(*kind) == Some(wanted) && *found == hash
            })
        })
}
