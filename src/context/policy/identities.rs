//! Certificates allowed beyond those the manifest pins: `[identities]`.
//!
//! A private key that nobody pinned is sprawl and blocks. During a rotation, or on a host that serves another product
//! too, such a key is known and meant; here it is named, by fingerprint only: common names are not unique and serial
//! numbers are unique only within one issuer.

use std::fmt;
use std::str::FromStr;

use super::reader::{Reader, Table};
use crate::base::ids::{CertSha1, CertSha256, IdError};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["allow"];

/// A certificate's fingerprint in either of the two digests that tools print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fingerprint {
    /// SHA-256, as countersign and OpenSSL 3 print it.
    Sha256(CertSha256),
    /// SHA-1, as `security find-identity` and Xcode print it.
    Sha1(CertSha1),
}

impl Fingerprint {
    /// Whether it is the fingerprint of the certificate that has these two.
    pub fn names(&self, sha256: Option<&CertSha256>, sha1: &CertSha1) -> bool {
        match self {
            Self::Sha256(own) => sha256 == Some(own),
            Self::Sha1(own) => own == sha1,
        }
    }
}

impl FromStr for Fingerprint {
    type Err = IdError;

    /// 64 or 40 hex digits of either case, with or without the colons that OpenSSL prints; `sha256:` may stand before
    /// the 64.
    fn from_str(text: &str) -> Result<Self, IdError> {
        if let Some(hex) = text.strip_prefix("sha256:") {
            return hex.parse().map(Self::Sha256);
        }
        let digits = text.bytes().filter(|byte| *byte != b':').count();
        if digits == 40 {
            return text.parse().map(Self::Sha1);
        }
        text.parse().map(Self::Sha256).map_err(|error| IdError {
            what: "certificate fingerprint",
            rule: "64 hex digits (SHA-256) or 40 (SHA-1)",
            ..error
        })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(own) => own.fmt(f),
            Self::Sha1(own) => own.fmt(f),
        }
    }
}

/// Certificates allowed beyond those the manifest pins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityRules {
    /// Their fingerprints.
    pub allow: Vec<Fingerprint>,
}

impl IdentityRules {
    /// Whether the certificate with these fingerprints is allowed though not pinned. A captured `find-identity` shows
    /// SHA-1s alone: there a rule by SHA-256 does not help.
    pub fn allows(&self, sha256: Option<&CertSha256>, sha1: &CertSha1) -> bool {
        self.allow.iter().any(|known| known.names(sha256, sha1))
    }

    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        const FINGERPRINT: &str = "a certificate's SHA-256 or SHA-1 fingerprint, as text";
        let allow = reader.get(section, "allow").and_then(|item| {
            reader.parsed_list::<Fingerprint, _>(&item, FINGERPRINT, |fingerprint| *fingerprint)
        });
        Self {
            allow: allow.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_digest_names_its_certificate_and_no_other() {
        let (sha256, sha1) = (CertSha256::of(b"one"), CertSha1::of(b"one"));
        let (other256, other1) = (CertSha256::of(b"two"), CertSha1::of(b"two"));
        for spelling in [
            sha256.to_string(),
            format!("sha256:{sha256}"),
            sha1.to_string().to_ascii_uppercase(),
        ] {
            let fingerprint: Fingerprint = spelling.parse().unwrap();
            assert!(fingerprint.names(Some(&sha256), &sha1), "{spelling}");
            assert!(!fingerprint.names(Some(&other256), &other1), "{spelling}");
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_refused_with_the_rule() {
        for bad in ["", "Apple Distribution: Acme", "sha256:00", "zz", "sha1:00"] {
            let error = bad.parse::<Fingerprint>().unwrap_err().to_string();
            assert!(error.contains("hex digits"), "{error}");
        }
    }
}
