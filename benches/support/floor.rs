//! The floor under proving: what no program that proves profiles can leave out.
//!
//! For each file: SHA-256 of its bytes; for each of its layers one digest of the content and one signature
//! verification over the signed attributes; one parse of the property list; the SHA-256 of each developer certificate
//! (the inner layer names them so). For all files together: each certificate of the signers' chains and each developer
//! certificate is parsed once, and each distinct link of a chain is verified once.
//!
//! All of it is laid out beforehand, so that what is timed is nothing but these primitives, called straight in the
//! libraries: no file is opened, no DER walked, nothing compared, kept or printed.

// A user takes what it needs and leaves the rest.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use countersign::apple::certificate::Certificate;
use countersign::apple::claims::OuterPlist;
use countersign::apple::cms::{self, SignedData, SignerId};
use countersign::apple::signature::PublicKey;
use plist::stream::{OwnedEvent, XmlReader};
use sha2::Digest as _;

/// What one profile costs at least.
pub struct Work {
    file: Vec<u8>,
    plist: Vec<u8>,
    certificates: Vec<Box<[u8]>>,
    layers: Vec<LayerWork>,
}

struct LayerWork {
    content: Vec<u8>,
    is_sha1: bool,
    verification: Verification,
}

/// One signature: by what, under which key, over what.
struct Verification {
    algorithm: &'static dyn VerificationAlgorithm,
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Verification {
    fn run(&self) {
        UnparsedPublicKey::new(self.algorithm, &self.key)
            .verify(&self.message, &self.signature)
            .expect("a corpus of good profiles");
    }
}

/// What many profiles cost at least.
#[derive(Default)]
pub struct Floor {
    profiles: Vec<Work>,
    /// Distinct certificates, by their bytes.
    certificates: BTreeMap<Vec<u8>, ()>,
    /// Distinct links of chains, by the bytes of issuer and subject.
    links: BTreeMap<(Vec<u8>, Vec<u8>), LinkWork>,
}

struct LinkWork {
    issuer: Certificate,
    subject: Certificate,
}

/// Which primitives to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Signature verifications.
    Signatures,
    /// Digests of files, contents and certificates.
    Digests,
    /// Property lists and certificates.
    Parses,
}

/// Every part.
pub const PARTS: [Part; 3] = [Part::Signatures, Part::Digests, Part::Parses];

impl Floor {
    /// Lays out the work for one more profile, which must be a good one.
    pub fn add(&mut self, file: Vec<u8>) {
        let outer = cms::parse(&file).expect("CMS");
        let content = outer.content.as_deref().expect("attached").to_vec();
        let plist = OuterPlist::read(&content).expect("a property list");
        let mut layers = vec![self.layer(&outer)];
        if let Some(inner) = &plist.inner {
            layers.push(self.layer(&cms::parse(inner).expect("inner CMS")));
        }
        for der in &plist.certificate_ders {
            self.certificates.insert(der.to_vec(), ());
        }
        self.profiles.push(Work {
            plist: content,
            certificates: plist.certificate_ders,
            layers,
            file,
        });
    }

    fn layer(&mut self, message: &SignedData<'_>) -> LayerWork {
        let bundle: Vec<Certificate> = message
            .certificates
            .iter()
            .map(|der| Certificate::from_der(der).expect("a certificate"))
            .collect();
        let info = message.signers.first().expect("a signer");
        let SignerId::IssuerAndSerial { issuer, serial } = &info.signer else {
            panic!("Apple names signers by issuer and serial number")
        };
        let signer = bundle
            .iter()
            .find(|c| c.issuer() == issuer.as_ref() && *c.serial == **serial)
            .expect("the signer is bundled");
        for subject in &bundle {
            self.certificates.insert(subject.der.to_vec(), ());
            let issuer = bundle.iter().find(|c| c.subject() == subject.issuer());
            if let Some(issuer) = issuer.filter(|issuer| issuer.sha256 != subject.sha256) {
                self.links
                    .entry((issuer.der.to_vec(), subject.der.to_vec()))
                    .or_insert_with(|| LinkWork {
                        issuer: issuer.clone(),
                        subject: subject.clone(),
                    });
            }
        }
        let is_sha1 = info.digest_algorithm.algorithm.0 == [0x2b, 0x0e, 0x03, 0x02, 0x1a];
        let (algorithm, key): (&'static dyn VerificationAlgorithm, _) = match &signer.public_key {
            Some(PublicKey::Rsa(key)) if is_sha1 => (
                &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                key,
            ),
            Some(PublicKey::Rsa(key)) => (&signature::RSA_PKCS1_2048_8192_SHA256, key),
            Some(PublicKey::P256(key)) => (&signature::ECDSA_P256_SHA256_ASN1, key),
            Some(PublicKey::P384(key)) => (&signature::ECDSA_P384_SHA256_ASN1, key),
            other => panic!("no key that Apple signs profiles with: {other:?}"),
        };
        let attributes = info.signed_attributes.as_ref().expect("signed attributes");
        LayerWork {
            content: message.content.as_deref().expect("attached").to_vec(),
            is_sha1,
            verification: Verification {
                algorithm,
                key: key.to_vec(),
                message: attributes.der.clone(),
                signature: info.signature.to_vec(),
            },
        }
    }

    /// Leaves out what is done once for all files, so that one file is left.
    pub fn forget_what_is_shared(&mut self) {
        self.certificates.clear();
        self.links.clear();
    }

    /// Does the work of one part; the number only keeps the compiler from leaving it out.
    pub fn run(&self, part: Part) -> usize {
        match part {
            Part::Signatures => {
                for link in self.links.values() {
                    link.subject
                        .verify_issued_by(&link.issuer)
                        .expect("a good link");
                }
                for layer in self.profiles.iter().flat_map(|work| &work.layers) {
                    layer.verification.run();
                }
                self.links.len()
            }
            Part::Digests => self
                .profiles
                .iter()
                .map(|work| {
                    let certificates = work.certificates.iter().map(|der| sha256(der));
                    let layers = work.layers.iter().map(|layer| match layer.is_sha1 {
                        true => usize::from(sha1::Sha1::digest(&layer.content)[0]),
                        false => sha256(&layer.content),
                    });
                    sha256(&work.file) + certificates.sum::<usize>() + layers.sum::<usize>()
                })
                .sum(),
            Part::Parses => {
                let certificates = self.certificates.keys().map(|der| {
                    use x509_parser::prelude::FromDer;
                    let parsed = x509_parser::certificate::X509Certificate::from_der(der);
                    usize::from(parsed.is_ok())
                });
                let lists = self.profiles.iter().map(|work| {
                    let events: Vec<OwnedEvent> = XmlReader::new(work.plist.as_slice())
                        .collect::<Result<_, _>>()
                        .expect("XML");
                    events.len()
                });
                certificates.sum::<usize>() + lists.sum::<usize>()
            }
        }
    }
}

fn sha256(bytes: &[u8]) -> usize {
    usize::from(sha2::Sha256::digest(bytes)[0])
}
