//! What a stored file is, and whether its bytes are that.

use std::path::Path;

use crate::apple::certificate::Certificate;
use crate::apple::pkcs12::algorithms::Algorithms;
use crate::apple::{anchors, cms, pkcs12};

/// What a file of a match repository is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A provisioning profile.
    Profile,
    /// A certificate.
    Certificate,
    /// A private key.
    Key,
}

impl Content {
    /// What the ending of a name says, in whatever case. `None`: match stores no such file.
    pub fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "mobileprovision" | "provisionprofile" => Self::Profile,
            "cer" => Self::Certificate,
            "p12" => Self::Key,
            _ => return None,
        })
    }

    /// Its name with an article.
    pub fn described(self) -> &'static str {
        match self {
            Self::Profile => "a provisioning profile",
            Self::Certificate => "a certificate",
            Self::Key => "a private key",
        }
    }

    /// Whether `bytes` read as this: what tells the right password from a wrong one where nothing else does.
    pub(super) fn reads(self, bytes: &[u8]) -> bool {
        match self {
            Self::Profile => cms::parse(bytes).is_ok(),
            Self::Certificate => certificate(bytes).is_some(),
            Self::Key => pkcs12::is_pem_key(bytes) || Algorithms::read(bytes).is_ok(),
        }
    }
}

/// The certificate in a `.cer` file: DER, or the first of a PEM text. `None`: it is none.
pub fn certificate(bytes: &[u8]) -> Option<Certificate> {
    match Certificate::from_der(bytes) {
        Ok(certificate) => Some(certificate),
        Err(_) => anchors::certificates_from_pem(bytes)
            .ok()?
            .into_iter()
            .next(),
    }
}
