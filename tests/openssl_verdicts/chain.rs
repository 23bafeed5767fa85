//! A chain of three for both: a root, an office below it, and the notary that it issued.

use countersign::apple::anchors::Anchors;
use countersign::apple::ber::Oid;
use countersign::apple::certificate::Certificate;
use countersign::apple::cms::{self, ID_DATA};
use countersign::apple::signature::DigestAlgorithm;
use countersign::apple::signed_message::{
    Authority, Content, Purpose, Requirements, RoleMarkers, ValidAt, Verifier,
};
use forge::certificate::{CertificateSpec, Extension, Identity, Name, attribute, extension};
use forge::cms::{SignedData, Signer};
use forge::der;
use forge::hierarchy::at;
use forge::key::{Hash, Key};
use jiff::Timestamp;

use super::kind;

const NOTARY: &str = "1.2.840.113635.100.6.99";
const OFFICE: &str = "1.2.840.113635.100.6.2.99";
const ROLES: &[RoleMarkers<()>] = &[RoleMarkers {
    role: (),
    leaf: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 99])),
    issuer: Authority {
        marker: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 99])),
        common_name: "Office",
    },
}];

/// When everything was signed.
pub(crate) fn signed() -> Timestamp {
    at("2026-05-01T12:00:00Z")
}

/// The notary, the office and the root.
pub(crate) struct Chain(pub(crate) [Identity; 3]);

impl Chain {
    /// With keys from `key` and these extensions beside the usual ones, from the notary up.
    pub(crate) fn new(key: fn(&str) -> Key, more: [Vec<Extension>; 3]) -> Self {
        Self::named(key, |name| name, more)
    }

    /// The same with other names: `rename` gets one with a common name and an organization.
    pub(crate) fn named(
        key: fn(&str) -> Key,
        rename: fn(Name) -> Name,
        more: [Vec<Extension>; 3],
    ) -> Self {
        let [of_notary, of_office, of_root] = more;
        let authority = |name: Name, label: &str, own: Vec<Extension>, more: Vec<Extension>| {
            let usual = vec![
                extension::authority(None),
                extension::signs_certificates(),
                Extension::SubjectKey,
                Extension::AuthorityKey,
            ];
            spec(name, label, [usual, own, more].concat())
        };
        let named = |common_name: &str| {
            Name::new()
                .utf8(attribute::ORGANIZATION, "Acme")
                .utf8(attribute::COMMON_NAME, common_name)
        };
        let root = authority(named("Root"), "root", Vec::new(), of_root).self_sign(&key("root"));
        let marker = vec![extension::marker(OFFICE, false)];
        let office =
            authority(named("Office"), "office", marker, of_office).issue(&key("office"), &root);
        let usual = vec![
            extension::leaf(),
            extension::signs_data(),
            Extension::SubjectKey,
            Extension::AuthorityKey,
            extension::marker(NOTARY, false),
        ];
        let notary = spec(
            rename(named("Notary")),
            "notary",
            [usual, of_notary].concat(),
        )
        .issue(&key("notary"), &office);
        Self([notary, office, root])
    }

    /// The certificates.
    pub(crate) fn ders(&self) -> [Vec<u8>; 3] {
        self.0.each_ref().map(|identity| identity.der.to_vec())
    }

    /// Our verdict on these certificates in place of the chain's own.
    pub(crate) fn judge(&self, ders: &[Vec<u8>; 3]) -> Result<(), String> {
        let root = Certificate::from_der(&ders[2]).map_err(|_| "Certificate".to_owned())?;
        let verifier = Verifier::new(Anchors::with_extra([root]));
        let signer = Signer::new(self.0[0].clone(), Hash::Sha256, signed());
        let mut message = SignedData::new(b"content".to_vec(), signer, &[]);
        message.certificates = ders[..2].to_vec();
        let message = message.to_der();
        let message = cms::parse(&message).map_err(|error| kind(&error.to_string()))?;
        let asked = Requirements {
            content: Content::Attached,
            content_type: ID_DATA,
            digests: &[DigestAlgorithm::Sha256],
            roots: &[],
            longest_chain: 3,
            roles: ROLES,
            valid_at: ValidAt::SigningTime,
            purpose: Purpose::Code,
            extras: &[],
        };
        let proof = verifier.verify(&message, &asked);
        proof.map(drop).map_err(|fault| kind(&format!("{fault:?}")))
    }
}

fn spec(subject: Name, label: &str, extensions: Vec<Extension>) -> CertificateSpec {
    CertificateSpec {
        subject,
        serial: forge::certificate::serial(label, 8),
        validity: (at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z")),
        extensions,
        hash: Hash::Sha256,
    }
}

/// `[number]` of a general name that is text.
pub(crate) fn name(number: u8, text: &str) -> Vec<u8> {
    der::context_primitive(number, text)
}
