//! RFC 3161 timestamp tokens, as Apple's authority gives them to `codesign --timestamp`.
//!
//! The token is a CMS message of version 3 over a `TSTInfo`, with its signer, the authority above it and the root. It
//! says when the authority saw the hash of a signature.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::certificate::Identity;
use super::cms::{SignedData, Signer, attribute};
use super::hierarchy::Hierarchy;
use super::key::Hash;
use super::{der, stream};

/// `id-ct-TSTInfo`: the content type of tokens.
pub const TOKEN_INFO: &str = "1.2.840.113549.1.9.16.1.4";

/// Whoever gives out tokens, and what they say.
#[derive(Clone)]
pub struct Authority {
    /// Who signs.
    pub signer: Identity,
    /// The certificates above it.
    pub issuers: Vec<Identity>,
    /// What the token says the time is.
    pub time: Timestamp,
    /// Whether the token is about this signature; otherwise it is about another.
    pub right_imprint: bool,
}

impl Authority {
    /// The hierarchy's authority at that time.
    pub fn new(hierarchy: &Hierarchy, time: Timestamp) -> Self {
        Self {
            signer: hierarchy.timestamp_signer(hierarchy.spec.signers),
            issuers: vec![hierarchy.timestamp_authority(), hierarchy.root.clone()],
            time,
            right_imprint: true,
        }
    }

    /// The token over the value of a signature.
    pub fn token(&self, signature: &[u8]) -> Vec<u8> {
        let imprint = match self.right_imprint {
            true => Hash::Sha256.digest(signature),
            false => Hash::Sha256.digest(b"another signature"),
        };
        let label = format!("timestamp {imprint:02x?}");
        let time = self.time.to_zoned(TimeZone::UTC);
        let info = der::sequence([
            der::integer(1),
            der::oid("1.2.3.4.5.6"),
            der::sequence([
                der::algorithm_null(Hash::Sha256.oid()),
                der::octets(&imprint),
            ]),
            der::unsigned(&stream::serial(&label, 8)),
            der::tlv(0x18, time.strftime("%Y%m%d%H%M%SZ").to_string()),
            // Accuracy: one second.
            der::sequence([der::integer(1)]),
            // The nonce that the signer asked with.
            der::unsigned(&stream::serial(&format!("nonce of {label}"), 8)),
        ]);
        let mut signer = Signer::new(self.signer.clone(), Hash::Sha256, self.time);
        signer.content_type = Some(TOKEN_INFO);
        signer.profile_attributes = false;
        // ESSCertID (RFC 2634 §5.4): the SHA-1 of the signer's certificate.
        let certificate = der::octets(Hash::Sha1.digest(&self.signer.der));
        let list = der::sequence([der::sequence([der::sequence([certificate])])]);
        let signing_certificate = attribute("1.2.840.113549.1.9.16.2.12", &[list]);
        signer.more_attributes.push(signing_certificate);
        let mut message = SignedData::new(info, signer, &self.issuers);
        message.version = 3;
        message.content_type = TOKEN_INFO;
        message.to_der()
    }
}
