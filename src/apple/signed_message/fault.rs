//! Why a signed message proves nothing.

use jiff::Timestamp;

use crate::apple::certificate::CertificateError;
use crate::apple::cms::Extra;
use crate::apple::signature::SignatureError;
use crate::base::ids::CertSha256;

/// What is wrong with a signature or its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The message carries no content, and none was given beside it.
    Detached,
    /// The message carries content of its own beside the content that was given.
    NotDetached,
    /// Not exactly one signer.
    Signers(usize),
    /// The message holds something that nobody signed and that is not read, so it could say anything.
    Extra(Extra),
    /// The message or its signed attributes name another type of content than the one that is asked for, dotted.
    ContentType(String),
    /// A signed attribute that must be there is not.
    NoAttribute(&'static str),
    /// An algorithm that is not accepted here.
    Algorithm(String),
    /// The content is not what was signed: both digests, hex.
    Digest {
        /// The digest that was signed.
        signed: String,
        /// The digest of the content.
        found: String,
    },
    /// The signature is not over these attributes by this certificate.
    Signature(SignatureError),
    /// The signer's certificate is not bundled.
    SignerNotBundled,
    /// A bundled certificate cannot be read.
    Certificate(CertificateError),
    /// The signer issued its own certificate.
    SelfSigned(String),
    /// The issuer of a certificate is neither bundled nor a root that is believed.
    IssuerNotBundled {
        /// Whose issuer.
        subject: String,
        /// Its name.
        issuer: String,
    },
    /// A certificate was not signed by the one that its issuer field names.
    Link {
        /// The certificate.
        subject: String,
        /// The supposed issuer.
        issuer: String,
    },
    /// The bundle holds so many certificates of one name that the search for a chain was given up.
    TooManyCandidates,
    /// A certificate may not do what the chain needs of it.
    NotAllowed {
        /// The certificate.
        subject: String,
        /// What it may not do.
        what: String,
    },
    /// A certificate was not valid at the instant.
    NotValid {
        /// The certificate.
        subject: String,
        /// Its span.
        validity: String,
        /// The instant.
        instant: Timestamp,
    },
    /// The chain is in order but its root is not believed.
    Anchor {
        /// The root's name.
        subject: String,
        /// Its fingerprint.
        found: CertSha256,
    },
    /// Issued for something else than what is asked for.
    Role {
        /// The signer's name.
        subject: String,
        /// Its markers, dotted.
        markers: Vec<String>,
    },
}
