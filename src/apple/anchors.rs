//! Trust anchors: two roots of Apple's, which are part of this program, and the roots that a rehearsal adds.
//!
//! A profile bundles a chain, but no signature covers the bundle: some files leave their root out, and files of 2015 to
//! 2017 hold a root of 2005 in its place. So the roots come from here. They are pinned twice: as certificates in `roots/`,
//! and by the fingerprints below.

use std::sync::{Arc, LazyLock};

use super::certificate::{Certificate, CertificateError};
use crate::base::digest::sha256;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::CertSha256;

/// Apple Root CA (RSA, 2006): ends the chain of every outer layer.
pub const APPLE_ROOT_CA: CertSha256 = CertSha256::from_bytes([
    0xb0, 0xb1, 0x73, 0x0e, 0xcb, 0xc7, 0xff, 0x45, 0x05, 0x14, 0x2c, 0x49, 0xf1, 0x29, 0x5e, 0x6e,
    0xda, 0x6b, 0xca, 0xed, 0x7e, 0x2c, 0x68, 0xc5, 0xbe, 0x91, 0xb5, 0xa1, 0x10, 0x01, 0xf0, 0x24,
]);

/// Apple Root CA - G3 (P-384, 2014): ends the chain of every inner layer.
pub const APPLE_ROOT_CA_G3: CertSha256 = CertSha256::from_bytes([
    0x63, 0x34, 0x3a, 0xbf, 0xb8, 0x9a, 0x6a, 0x03, 0xeb, 0xb5, 0x7e, 0x9b, 0x3f, 0x5f, 0xa7, 0xbe,
    0x7c, 0x4f, 0x5c, 0x75, 0x6f, 0x30, 0x17, 0xb3, 0xa8, 0xc4, 0x88, 0xc3, 0x65, 0x3e, 0x91, 0x79,
]);

/// The certificates of both, as <https://www.apple.com/certificateauthority/> publishes them.
static APPLE_ROOTS: LazyLock<Vec<Arc<Certificate>>> = LazyLock::new(|| {
    let ders: [&[u8]; 2] = [
        include_bytes!("roots/AppleIncRootCertificate.cer"),
        include_bytes!("roots/AppleRootCA-G3.cer"),
    ];
    // A test holds that both are read and have the fingerprints above.
    ders.into_iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .map(Arc::new)
        .collect()
});

/// Whose root a chain ended in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorOwner {
    /// Apple's, pinned in this program.
    Apple,
    /// One that the policy named: rehearsals. Always reported.
    Policy,
}

/// The roots that are believed.
#[derive(Debug, Clone)]
pub struct Anchors {
    extra: Vec<Arc<Certificate>>,
}

impl Anchors {
    /// Apple's roots alone.
    pub fn apple() -> Self {
        Self { extra: Vec::new() }
    }

    /// Apple's roots and these.
    pub fn with_extra(extra: impl IntoIterator<Item = Certificate>) -> Self {
        Self {
            extra: extra.into_iter().map(Arc::new).collect(),
        }
    }

    /// The roots that were added to Apple's.
    pub fn extra(&self) -> impl Iterator<Item = &Certificate> {
        self.extra.iter().map(AsRef::as_ref)
    }

    /// A digest of the set of roots that are believed: whatever was proven holds for equal digests alike.
    pub fn digest(&self) -> [u8; 32] {
        let roots = APPLE_ROOTS.iter().chain(&self.extra);
        let mut roots: Vec<CertSha256> = roots.map(|root| root.sha256).collect();
        roots.sort_unstable();
        roots.dedup();
        let bytes: Vec<[u8; 32]> = roots.iter().map(|root| *root.as_bytes()).collect();
        sha256(bytes.as_flattened())
    }

    /// Whose root this is, for chains that may end in these of Apple's roots; `None` where it is not believed.
    pub fn owner_of(&self, root: &CertSha256, apples: &[CertSha256]) -> Option<AnchorOwner> {
        if apples.contains(root) {
            Some(AnchorOwner::Apple)
        } else if self.extra.iter().any(|extra| extra.sha256 == *root) {
            Some(AnchorOwner::Policy)
        } else {
            None
        }
    }

    /// The certificates that are believed, for chains that may end in these of Apple's roots.
    pub fn roots(&self, apples: &[CertSha256]) -> impl Iterator<Item = &Arc<Certificate>> {
        APPLE_ROOTS
            .iter()
            .filter(|root| apples.contains(&root.sha256))
            .chain(&self.extra)
    }
}

/// Reads every certificate of a PEM text (RFC 7468), in order.
///
/// # Errors
/// There is none, or one is damaged; the error counts them from 1.
pub fn certificates_from_pem(text: &[u8]) -> Result<Vec<Certificate>, PemError> {
    let certificates: Vec<Certificate> = each_from_pem(text).collect::<Result<_, _>>()?;
    if certificates.is_empty() {
        Err(PemError::Empty)
    } else {
        Ok(certificates)
    }
}

/// The certificates of a PEM text (RFC 7468), in order, each as it can be read. Behind damaged armour nothing is found.
pub fn each_from_pem(text: &[u8]) -> impl Iterator<Item = Result<Certificate, PemError>> {
    let mut is_damaged = false;
    let blocks = x509_parser::pem::Pem::iter_from_buffer(text)
        .take_while(move |block| !std::mem::replace(&mut is_damaged, block.is_err()));
    blocks.zip(1..).map(|(block, number)| {
        let block = block.map_err(|error| PemError::Damaged {
            number,
            reason: error.to_string(),
        })?;
        if block.label != "CERTIFICATE" {
            return Err(PemError::Label {
                number,
                label: block.label,
            });
        }
        Certificate::from_der(&block.contents)
            .map_err(|error| PemError::Certificate { number, error })
    })
}

/// Why a PEM file gives no anchors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No block at all.
    #[error("the text has no `-----BEGIN CERTIFICATE-----`")]
    Empty,
    /// Base64 or armour is damaged.
    #[error("PEM block {number} is damaged: {reason}")]
    Damaged {
        /// Which block, from 1.
        number: usize,
        /// How.
        reason: String,
    },
    /// A block of another kind.
    #[error("PEM block {number} is a {label}, not a CERTIFICATE")]
    Label {
        /// Which block, from 1.
        number: usize,
        /// Its label.
        label: String,
    },
    /// The block holds no certificate.
    #[error("PEM block {number}: {error}")]
    Certificate {
        /// Which block, from 1.
        number: usize,
        /// Why not.
        error: CertificateError,
    },
}

impl Explain for PemError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Empty | Self::Label { .. } => "name a PEM file of certificates",
            Self::Damaged { .. } | Self::Certificate { .. } => "export the certificate again",
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_certificates_is_no_anchor_file() {
        let empty = certificates_from_pem(b"hello").unwrap_err();
        assert_eq!(empty, PemError::Empty);
        assert_eq!(empty.hint().unwrap(), "name a PEM file of certificates");
        let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(matches!(
            certificates_from_pem(key).unwrap_err(),
            PemError::Label { number: 1, .. }
        ));
        let junk = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(
            certificates_from_pem(junk).unwrap_err(),
            PemError::Certificate { number: 1, .. }
        ));
    }

    #[test]
    fn the_roots_in_the_program_have_the_pinned_fingerprints() {
        let found: Vec<CertSha256> = APPLE_ROOTS.iter().map(|root| root.sha256).collect();
        assert_eq!(found, [APPLE_ROOT_CA, APPLE_ROOT_CA_G3]);
        for root in APPLE_ROOTS.iter() {
            assert_eq!(CertSha256::of(&root.der), root.sha256);
            assert!(root.is_self_issued() && root.is_ca, "{root:?}");
            root.verify_issued_by(root).unwrap();
        }
    }

    #[test]
    fn a_chain_ends_only_in_the_roots_that_are_asked_for() {
        let anchors = Anchors::apple();
        assert_eq!(
            anchors.owner_of(&APPLE_ROOT_CA, &[APPLE_ROOT_CA]),
            Some(AnchorOwner::Apple)
        );
        assert_eq!(anchors.owner_of(&APPLE_ROOT_CA_G3, &[APPLE_ROOT_CA]), None);
        let roots: Vec<_> = anchors.roots(&[APPLE_ROOT_CA_G3]).collect();
        assert_eq!(roots.len(), 1);
        assert_eq!(roots[0].sha256, APPLE_ROOT_CA_G3);
    }
}
