//! Flaws of the CMS message: signed attributes, digests, certificates in it, timestamps.

use jiff::ToSpan;

use super::{Flaw, Means, edit_image, message, signed};
use crate::cms::{MessageDigest, SignedData, Signer, attribute};
use crate::code_directory::{CodeDirectory, HashType, slot};
use crate::code_signature::{Signing, SigningIdentity, digests_attribute, hashes_attribute};
use crate::der;
use crate::hierarchy::{Hierarchy, LeafKind};
use crate::key::Hash;
use crate::timestamp::Authority;

/// Where the signature's value begins in a message that is signed with 2048 bits: the first octet string of that length.
fn value_at(message: &[u8]) -> Option<usize> {
    let header = [0x04, 0x82, 0x01, 0x00];
    let place = message.windows(4).position(|window| window == header)?;
    Some(place + 4)
}

/// A CodeDirectory that no product has.
fn other() -> CodeDirectory {
    CodeDirectory::new(
        "com.acme.other",
        0x20400,
        HashType::Sha256,
        12,
        b"other code",
    )
}

/// Puts another attribute in the place of one of the two lists of hashes.
fn replace(message: &mut SignedData, oid: &str, with: Option<Vec<u8>>) {
    let attributes = &mut message.signers[0].more_attributes;
    let start = der::oid(oid);
    attributes.retain(|known| !known.windows(start.len()).any(|window| window == start));
    attributes.extend(with);
}

const PLIST: &str = "1.2.840.113635.100.9.1";
const DIGESTS: &str = "1.2.840.113635.100.9.2";

/// A flaw of the timestamp, which the product gets if it has none.
fn timestamp(name: &str, change: fn(&mut Authority, &SigningIdentity)) -> Flaw {
    Flaw::new(name, Means::Key, move |product| {
        let mut spec = product.spec.clone();
        let Signing::By(signer) = &mut spec.signature.signing else {
            return None;
        };
        let mut authority = Authority::new(Hierarchy::acme(), signer.time);
        change(&mut authority, signer);
        signer.timestamp = Some(authority);
        Some(spec.sign())
    })
}

pub(super) fn flaws() -> Vec<Flaw> {
    let mut flaws = attributes();
    flaws.extend(certificates());
    flaws.extend(timestamps());
    flaws
}

fn attributes() -> Vec<Flaw> {
    vec![
        edit_image("signature-value-changed", |file, item| {
            let at = item.blob_at(0, slot::SIGNATURE);
            let value = at + value_at(&file[at..])?;
            file[value + 100] ^= 1;
            Some(())
        }),
        message("message-digest-wrong", |message| {
            message.signers[0].message_digest = MessageDigest::Wrong;
        }),
        message("message-digest-missing", |message| {
            message.signers[0].message_digest = MessageDigest::Missing;
        }),
        message("message-about-another", |message| {
            message.content = other().to_bytes()
        }),
        message("content-type-missing", |message| {
            message.signers[0].content_type = None
        }),
        message("content-type-wrong", |message| {
            message.signers[0].content_type = Some("1.2.840.113549.1.7.2");
        }),
        message("signed-attributes-missing", |message| {
            message.signers[0].signed_attributes = false;
        }),
        message("signing-time-missing", |message| {
            message.signers[0].signing_time = None
        }),
        message("content-attached", |message| message.attached = true),
        message("content-attached-of-another", |message| {
            message.attached = true;
            message.content = other().to_bytes();
        }),
        message("hash-list-of-another", |message| {
            replace(message, PLIST, Some(hashes_attribute(&[other()])));
        }),
        message("hash-list-longer", |message| {
            let mut own = message.content.clone();
            own.truncate(44);
            let second = CodeDirectory::new("second", 0x20400, HashType::Sha384, 12, &own);
            replace(message, PLIST, Some(hashes_attribute(&[other(), second])));
        }),
        message("hash-list-empty", |message| {
            replace(message, PLIST, Some(hashes_attribute(&[])))
        }),
        message("hash-list-not-a-plist", |message| {
            let noise = attribute(PLIST, &[der::octets(b"<plist><dict>")]);
            replace(message, PLIST, Some(noise));
        }),
        message("hash-list-twice", |message| {
            let second = hashes_attribute(&[other()]);
            message.signers[0].more_attributes.push(second);
        }),
        message("digest-list-of-another", |message| {
            replace(message, DIGESTS, Some(digests_attribute(&[other()])));
        }),
        message("digest-list-empty", |message| {
            replace(message, DIGESTS, Some(attribute(DIGESTS, &[])))
        }),
        message("digest-list-twice", |message| {
            let second = digests_attribute(&[other()]);
            message.signers[0].more_attributes.push(second);
        }),
    ]
}

fn certificates() -> Vec<Flaw> {
    vec![
        message("signers-none", |message| message.signers.clear()),
        message("signers-two", |message| {
            let other = SigningIdentity::acme(LeafKind::AppleDevelopment);
            let mut second = Signer::new(other.identity.clone(), Hash::Sha256, other.time);
            second.profile_attributes = false;
            message.certificates.push(other.identity.der.to_vec());
            message.signers.push(second);
        }),
        message("certificates-none", |message| message.certificates.clear()),
        message("certificate-of-the-signer-missing", |message| {
            let own = message.signers[0].identity.der.to_vec();
            message.certificates.retain(|known| *known != own);
        }),
        message("certificate-of-the-issuer-missing", |message| {
            message.certificates.remove(1);
        }),
        message("certificates-by-the-hundred", |message| {
            let root = Hierarchy::acme().root.der.to_vec();
            message.certificates.resize(100, root);
        }),
    ]
}

fn timestamps() -> Vec<Flaw> {
    vec![
        timestamp("timestamp-of-another-signature", |authority, _| {
            authority.right_imprint = false
        }),
        timestamp("timestamp-by-a-rival", |authority, signer| {
            *authority = Authority::new(Hierarchy::rival(), signer.time);
        }),
        timestamp("timestamp-by-a-developer", |authority, signer| {
            authority.signer = signer.identity.clone();
            authority.issuers = signer.issuers.clone();
        }),
        timestamp("timestamp-before-the-certificate", |authority, signer| {
            authority.time = signer.identity.validity.0 - 24.hours();
        }),
        timestamp("timestamp-after-the-certificate", |authority, signer| {
            authority.time = signer.identity.validity.1 + 24.hours();
        }),
        signed("timestamp-missing", |item| {
            let Signing::By(signer) = &mut item.signature.signing else {
                return None;
            };
            signer.timestamp.take()?;
            Some(())
        })
        .in_context(),
    ]
}
