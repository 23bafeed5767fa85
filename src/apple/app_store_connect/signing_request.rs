//! The certificate signing request (PKCS#10) that somebody made beside their private key. The key stays where it is: what
//! holds one is refused, so that none is ever sent.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use super::resource::PortalCertificate;
use crate::apple::certificate::{Certificate, MAX_BYTES};
use crate::apple::signature::PublicKey;
use crate::base::error::{ErrorCode, Explain};

/// A certificate signing request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    pem: String,
    key: Vec<u8>,
}

/// Why a file is no certificate signing request that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningRequestError {
    /// A private key beside it, or in its place.
    #[error("the file holds a private key")]
    PrivateKey,
    /// Not PEM of one certificate signing request.
    #[error("the file is not a certificate signing request in PEM")]
    Form,
    /// Longer than any.
    #[error("the file is too long for a certificate signing request")]
    TooLong,
    /// The key is of another kind than Apple certifies.
    #[error("the key of the certificate signing request is not RSA")]
    NotRsa,
}

impl Explain for SigningRequestError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::PrivateKey => {
                "keep the private key where it is, and name a file that holds the request alone"
            }
            Self::Form | Self::TooLong => {
                "make one with Keychain Access or with `openssl req -new -newkey rsa:2048`, and name its file"
            }
            Self::NotRsa => "make the request for an RSA key of 2,048 bits",
        };
        Some(hint.to_owned())
    }
}

impl SigningRequest {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// They are no request, or hold a private key.
    pub fn parse(bytes: &[u8]) -> Result<Self, SigningRequestError> {
        if bytes.len() > MAX_BYTES {
            return Err(SigningRequestError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| SigningRequestError::Form)?;
        if text.contains("PRIVATE KEY-----") {
            return Err(SigningRequestError::PrivateKey);
        }
        let trimmed = text.trim();
        let (label, der) =
            pem_rfc7468::decode_vec(trimmed.as_bytes()).map_err(|_| SigningRequestError::Form)?;
        // Older tools write NEW before it.
        if !matches!(label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") {
            return Err(SigningRequestError::Form);
        }
        let parsed = X509CertificationRequest::from_der(&der);
        let (rest, request) = parsed.map_err(|_| SigningRequestError::Form)?;
        if !rest.is_empty() {
            return Err(SigningRequestError::Form);
        }
        let info = &request.certification_request_info.subject_pki;
        if info.algorithm.algorithm.to_id_string() != RSA {
            return Err(SigningRequestError::NotRsa);
        }
        Ok(Self {
            pem: format!("{trimmed}\n"),
            key: info.subject_public_key.data.to_vec(),
        })
    }

    /// Its PEM text.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Whether a certificate is about its key: then it is what came of this request.
    pub fn is_answered_by(&self, certificate: &PortalCertificate) -> bool {
        let der = certificate.der.as_deref();
        let parsed = der.and_then(|der| Certificate::from_der(der).ok());
        let key = parsed.and_then(|parsed| parsed.public_key);
        key.is_some_and(|key| matches!(&key, PublicKey::Rsa(bytes) if **bytes == *self.key))
    }
}

/// rsaEncryption (RFC 8017).
const RSA: &str = "1.2.840.113549.1.1.1";
