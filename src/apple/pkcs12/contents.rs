//! What a PKCS#12 file holds: identities, further certificates, stray keys.

use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::algorithms::Algorithms;
use super::error::Pkcs12Error;
use super::private_key::PrivateKey;
use crate::base::ids::{CertSha1, CertSha256};

/// What a PKCS#12 file holds.
#[derive(Debug, Clone)]
pub struct Pkcs12 {
    /// Each certificate whose private key is in the file, in file order of the certificates.
    pub identities: Vec<Pkcs12Identity>,
    /// DER of the certificates that belong to no identity and to no identity's chain, each once, in file order.
    pub other_certificates: Vec<Vec<u8>>,
    /// Private keys without a certificate.
    pub lone_keys: Vec<LoneKey>,
    /// How the file was protected.
    pub algorithms: Algorithms,
}

/// A certificate with its private key.
#[derive(Debug, Clone)]
pub struct Pkcs12Identity {
    /// DER of the certificate.
    pub certificate_der: Vec<u8>,
    /// The name that the file gives to the key, or else to the certificate.
    pub friendly_name: Option<String>,
    /// DER of the issuers as far as the file has them, the leaf's own issuer first. Linked by name and key identifier; no
    /// signature is checked here.
    pub chain: Vec<Vec<u8>>,
    /// The key.
    pub key: PrivateKey,
}

/// A private key for which the file has no certificate.
#[derive(Debug, Clone)]
pub struct LoneKey {
    /// The name that the file gives to the key.
    pub friendly_name: Option<String>,
    /// OID of the key's algorithm, dotted.
    pub algorithm: String,
    /// Why it stands alone.
    pub why: LoneKeyReason,
}

/// Why a key has no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoneKeyReason {
    /// No certificate of the file has its public key.
    NoCertificate,
    /// The key is damaged, or of a kind that signs no code, so that its public key is not known.
    NotUsable,
}

impl Pkcs12Identity {
    /// SHA-256 of the certificate: its name here.
    pub fn sha256(&self) -> CertSha256 {
        CertSha256::of(&self.certificate_der)
    }

    /// SHA-1 of the certificate: its name in `security find-identity`.
    pub fn sha1(&self) -> CertSha1 {
        CertSha1::of(&self.certificate_der)
    }

    /// The certificate's common name, or the friendly name, or the fingerprint: for people to read.
    pub fn label(&self) -> String {
        common_name(&self.certificate_der)
            .or_else(|| self.friendly_name.clone())
            .unwrap_or_else(|| self.sha1().to_string())
    }
}

impl Pkcs12 {
    /// The identity whose certificate has this SHA-256 fingerprint.
    ///
    /// # Errors
    /// It is not there.
    pub fn identity(&self, wanted: CertSha256) -> Result<&Pkcs12Identity, Pkcs12Error> {
        self.identities
            .iter()
            .find(|identity| identity.sha256() == wanted)
            .ok_or_else(|| self.not_there(wanted.to_string()))
    }

    /// The error that it holds no identity, with what it holds instead.
    pub fn no_identity(&self) -> Pkcs12Error {
        Pkcs12Error::NoIdentity {
            certificates: self.other_certificates.len(),
            lone_keys: self.lone_keys.len(),
        }
    }

    fn not_there(&self, wanted: String) -> Pkcs12Error {
        Pkcs12Error::NotThere {
            wanted,
            labels: self.labels(),
        }
    }

    fn labels(&self) -> Vec<String> {
        self.identities
            .iter()
            .map(|identity| format!("{} {:?}", identity.sha1(), identity.label()))
            .collect()
    }
}

fn common_name(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}
