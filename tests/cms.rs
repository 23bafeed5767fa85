//! CMS messages written out part by part: what is read of each, and what is refused. The honest one is at the top; each test
//! changes one part of it.

// Test support outside of #[test] functions panics as tests do.
#![allow(clippy::unwrap_used, clippy::panic)]

use countersign::apple::cms::{self, CmsError, ContentInfo, Extra, ID_DATA, SignerId};
use countersign::base::error::Explain;
use forge::der;

const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
const RSA: &str = "1.2.840.113549.1.1.1";

/// The parts of a SignedData. Nothing is signed: [`cms::parse`] looks at shapes alone.
struct Message {
    version: i64,
    digest_algorithms: usize,
    certificates: Vec<Vec<u8>>,
    revocations: Option<Vec<u8>>,
    signers: Vec<SignerParts>,
}

/// The parts of a SignerInfo.
#[derive(Clone)]
struct SignerParts {
    version: i64,
    attributes: Vec<Vec<u8>>,
    unsigned: Option<Vec<u8>>,
}

fn honest() -> Message {
    Message {
        version: 1,
        digest_algorithms: 1,
        certificates: vec![der::sequence([der::integer(7)])],
        revocations: None,
        signers: vec![signer()],
    }
}

fn signer() -> SignerParts {
    SignerParts {
        version: 1,
        attributes: vec![
            attribute("1.2.840.113549.1.9.3", der::oid("1.2.840.113549.1.7.1")),
            attribute("1.2.840.113549.1.9.4", der::octets([1, 2, 3])),
        ],
        unsigned: None,
    }
}

fn attribute(kind: &str, value: Vec<u8>) -> Vec<u8> {
    der::sequence([der::oid(kind), der::set_of([value])])
}

impl SignerParts {
    fn to_der(&self) -> Vec<u8> {
        let name = der::tlv(0x30, []);
        let mut parts = vec![
            der::integer(self.version),
            der::sequence([name, der::integer(7)]),
            der::algorithm(SHA_256),
            der::context(0, self.attributes.concat()),
            der::algorithm(RSA),
            der::octets([9]),
        ];
        parts.extend(self.unsigned.as_ref().map(|set| der::context(1, set)));
        der::sequence(parts)
    }
}

impl Message {
    fn to_der(&self) -> Vec<u8> {
        let algorithms = vec![der::algorithm(SHA_256); self.digest_algorithms];
        let content = der::context(0, der::octets(b"content"));
        let mut parts = vec![
            der::integer(self.version),
            der::set_of(algorithms),
            der::sequence([der::oid("1.2.840.113549.1.7.1"), content]),
            der::context(0, self.certificates.concat()),
        ];
        parts.extend(self.revocations.as_ref().map(|set| der::context(1, set)));
        let signers = self.signers.iter().map(SignerParts::to_der);
        parts.push(der::set_of(signers));
        signed_data(der::sequence(parts))
    }

    fn error(&self) -> CmsError {
        cms::parse(&self.to_der()).unwrap_err()
    }

    fn extras(&self) -> Vec<Extra> {
        cms::parse(&self.to_der()).unwrap().extras
    }
}

fn signed_data(inside: Vec<u8>) -> Vec<u8> {
    der::sequence([der::oid("1.2.840.113549.1.7.2"), der::context(0, inside)])
}

#[test]
fn every_part_of_a_message_is_read() {
    let der = honest().to_der();
    let message = cms::parse(&der).unwrap();
    assert_eq!(message.digest_algorithms.len(), 1);
    assert_eq!(message.content_type, ID_DATA);
    assert_eq!(message.content.as_deref(), Some(&b"content"[..]));
    assert_eq!(message.certificates, [honest().certificates[0].as_slice()]);
    assert!(message.extras.is_empty());
    let [signer] = message.signers.as_slice() else {
        panic!("one signer");
    };
    assert!(
        matches!(&signer.signer, SignerId::IssuerAndSerial { issuer, serial }
            if **issuer == [0x30, 0] && **serial == [7])
    );
    assert_eq!(*signer.signature, [9]);
    let attributes = signer.signed_attributes.as_ref().unwrap();
    assert_eq!(attributes.content_type, Some(ID_DATA));
    assert_eq!(attributes.message_digest.as_deref(), Some(&[1, 2, 3][..]));
    assert!(attributes.algorithms.is_none() && attributes.signing_time.is_none());
}

#[test]
fn the_algorithms_that_the_signer_protects_are_read() {
    let protected = der::sequence([der::algorithm(SHA_256), der::context(1, der::oid(RSA))]);
    let mut message = honest();
    let attribute = attribute("1.2.840.113549.1.9.52", protected);
    message.signers[0].attributes.push(attribute.clone());
    let bytes = message.to_der();
    let parsed = cms::parse(&bytes).unwrap();
    let attributes = parsed.signers[0].signed_attributes.as_ref().unwrap();
    let (digest, signature) = attributes.algorithms.unwrap();
    assert_eq!(digest.algorithm.to_string(), SHA_256);
    assert_eq!(signature.algorithm.to_string(), RSA);

    message.signers[0].attributes.push(attribute);
    assert_eq!(message.error(), CmsError::Attribute("algorithm-protection"));
}

#[test]
fn a_version_that_no_standard_knows_is_refused() {
    for version in [-1, 6] {
        let mut message = honest();
        message.version = version;
        let what = "SignedData";
        assert_eq!(message.error(), CmsError::Version { what, version });
        let mut message = honest();
        message.signers[0].version = version;
        let what = "SignerInfo";
        assert_eq!(message.error(), CmsError::Version { what, version });
    }
    for version in [0, 5] {
        let mut message = honest();
        message.version = version;
        message.signers[0].version = version;
        assert!(cms::parse(&message.to_der()).is_ok());
    }
}

/// Sixty-four of each are read, and no more: nobody makes us work without bounds.
#[test]
fn more_than_sixty_four_of_anything_are_refused() {
    /// Makes a message with so many of one kind.
    type Crowd = fn(&mut Message, usize);
    let crowds: [(Crowd, &'static str); 5] = [
        (
            |message, count| message.digest_algorithms = count,
            "digest algorithms",
        ),
        (
            |message, count| {
                message.certificates = vec![der::sequence([der::integer(7)]); count];
            },
            "certificates",
        ),
        (
            |message, count| {
                let other = der::context(1, der::integer(7));
                message.certificates = vec![other; count];
            },
            "certificates",
        ),
        (
            |message, count| message.signers = vec![signer(); count],
            "signers",
        ),
        (
            |message, count| {
                let kinds = (0..count).map(|kind| format!("1.2.3.{kind}"));
                let attributes = kinds.map(|kind| attribute(&kind, der::null()));
                message.signers[0].attributes = attributes.collect();
            },
            "signed attributes",
        ),
    ];
    for (crowd, what) in crowds {
        let mut message = honest();
        crowd(&mut message, 64);
        assert!(cms::parse(&message.to_der()).is_ok(), "{what}");
        crowd(&mut message, 65);
        assert_eq!(message.error(), CmsError::TooMany(what));
    }
    // Half of each kind of certificate are as many.
    let mut message = honest();
    message.certificates = [
        der::sequence([der::integer(7)]),
        der::context(1, der::integer(7)),
    ]
    .into_iter()
    .cycle()
    .take(65)
    .collect();
    assert_eq!(message.error(), CmsError::TooMany("certificates"));
}

#[test]
fn what_nobody_signed_is_told_apart_and_named() {
    assert_eq!(honest().extras(), []);
    for tag in 0..4 {
        let mut message = honest();
        let other = der::context(tag, der::integer(7));
        message.certificates.push(other);
        assert_eq!(message.extras(), [Extra::OtherCertificates], "[{tag}]");
        let bytes = message.to_der();
        assert_eq!(cms::parse(&bytes).unwrap().certificates.len(), 1);
    }
    let mut message = honest();
    message.certificates.push(der::context(4, der::integer(7)));
    assert!(matches!(message.error(), CmsError::Encoding(_)));
    let mut message = honest();
    message.certificates.push(der::context(0, [2, 0]));
    assert!(matches!(message.error(), CmsError::Encoding(_)));

    let mut message = honest();
    message.revocations = Some(Vec::new());
    assert_eq!(message.extras(), []);
    message.revocations = Some(der::sequence([der::integer(7)]));
    assert_eq!(message.extras(), [Extra::Revocations]);

    let mut message = honest();
    message.signers[0].unsigned = Some(Vec::new());
    assert_eq!(message.extras(), []);
    message.signers[0].unsigned = Some(attribute("1.2.3", der::null()));
    assert_eq!(message.extras(), [Extra::UnsignedAttributes]);

    let named = [
        (Extra::OtherCertificates, "certificates that are not X.509"),
        (Extra::Revocations, "revocation lists"),
        (Extra::UnsignedAttributes, "unsigned attributes"),
    ];
    for (extra, name) in named {
        assert_eq!(extra.to_string(), name);
    }
}

#[test]
fn content_that_is_not_signed_is_no_signed_data() {
    let data = der::sequence([
        der::oid("1.2.840.113549.1.7.1"),
        der::context(0, der::octets(b"hi")),
    ]);
    assert!(matches!(
        cms::parse_content_info(&data).unwrap(),
        ContentInfo::Data(Some(content)) if *content == *b"hi"
    ));
    let error = cms::parse(&data).unwrap_err();
    assert_eq!(
        error,
        CmsError::OtherContent("1.2.840.113549.1.7.1".to_owned())
    );
    let without = der::sequence([der::oid("1.2.840.113549.1.7.2")]);
    let error = cms::parse(&without).unwrap_err();
    assert_eq!(error, CmsError::NotCms("a ContentInfo without content"));
}

#[test]
fn a_file_that_is_no_message_is_refused_at_its_first_byte() {
    for (bytes, seems) in [
        (&b""[..], "the file is empty"),
        (b"\0hello", "the first byte is not that of a SEQUENCE"),
    ] {
        assert_eq!(cms::parse(bytes).unwrap_err(), CmsError::NotCms(seems));
    }
}

#[test]
fn a_message_whose_end_is_missing_says_so_and_others_do_not() {
    let whole = honest().to_der();
    let cut = cms::parse(&whole[..whole.len() - 1]).unwrap_err();
    assert!(cut.is_truncated());
    assert_eq!(cut.offset(), Some(0));
    let hint = "copy or download the file again: its end is missing";
    assert_eq!(cut.hint().unwrap(), hint);

    let trailing = cms::parse(&[&whole[..], b"x"].concat()).unwrap_err();
    assert_eq!(trailing.offset(), Some(whole.len()));
    assert!(!trailing.is_truncated() && trailing.hint().is_none());
    let empty = cms::parse(b"").unwrap_err();
    assert!(!empty.is_truncated());
    assert_eq!(empty.offset(), None);
}
