//! Notarization tickets, as the stapler leaves them in a bundle: `Contents/CodeResources`.
//!
//! The format is nobody's but Apple's. This is the shape of the ticket of a notarized app of 2025: a header, the signer's
//! certificates, a list of cdhashes with their hash type, and an ECDSA signature. What exactly Apple's signature is over is
//! not known; here it is the list.

use super::certificate::Identity;
use super::der;
use super::hierarchy::{Hierarchy, at};
use super::key::Hash;

/// A ticket to be written.
#[derive(Clone)]
pub struct Ticket {
    /// Who signs.
    pub signer: Identity,
    /// The certificate above it.
    pub issuer: Identity,
    /// When it was given.
    pub time: jiff::Timestamp,
    /// The cdhashes that it is for, each with its hash type.
    pub hashes: Vec<(u8, Vec<u8>)>,
}

impl Ticket {
    /// Acme's ticket for those.
    pub fn new(hashes: Vec<(u8, Vec<u8>)>) -> Self {
        let hierarchy = Hierarchy::acme();
        Self {
            signer: hierarchy.ticket_signer(),
            issuer: hierarchy.system_integration_authority.clone(),
            time: at("2026-02-03T04:15:00Z"),
            hashes,
        }
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let certificates = der::sequence([&self.signer.der, &self.issuer.der]);
        let mut list = b"g8tk".to_vec();
        // Version 2, hashes of 20 bytes.
        list.extend([2, 0, 20, 0]);
        list.extend((self.hashes.len() as u32).to_le_bytes());
        list.extend([0; 4]);
        list.extend(self.time.as_second().to_le_bytes());
        for (kind, hash) in &self.hashes {
            list.push(*kind);
            list.extend(hash);
        }
        let mut out = b"s8ch".to_vec();
        out.extend(1u32.to_le_bytes());
        out.extend((certificates.len() as u32).to_le_bytes());
        out.extend((list.len() as u32).to_le_bytes());
        out.extend(certificates);
        out.extend(&list);
        out.extend(self.signer.key.sign(Hash::Sha256, &list));
        out.push(0);
        out
    }
}
