//! What a caller asks of a signed message.

use jiff::Timestamp;

use crate::apple::ber::Oid;
use crate::apple::certificate::Certificate;
use crate::apple::cms::Extra;
use crate::apple::signature::DigestAlgorithm;
use crate::base::ids::CertSha256;

/// The longest chain that is followed, in certificates, the signer's and the root's included. Apple's chains have three.
pub const MAX_CHAIN: usize = 8;

/// What a signed message must be, so that it proves something.
#[derive(Debug, Clone, Copy)]
pub struct Requirements<'a, R> {
    /// Where the content is.
    pub content: Content<'a>,
    /// The type of the content, in the message and in its signed attributes (RFC 5652 §11.1).
    pub content_type: Oid<'a>,
    /// The digest algorithms that suffice, for the content and under the signature.
    pub digests: &'a [DigestAlgorithm],
    /// Which of Apple's roots end the chain; the roots that a policy adds always do.
    pub roots: &'a [CertSha256],
    /// The longest chain that is accepted, in certificates, the signer's and the root's included; never more than
    /// [`MAX_CHAIN`].
    pub longest_chain: usize,
    /// The roles that are wanted: the signer must have one of them.
    pub roles: &'a [RoleMarkers<R>],
    /// The instant at which every certificate of the chain must be valid.
    pub valid_at: ValidAt,
    /// What every certificate of the chain must serve for.
    pub purpose: Purpose,
    /// What the message may hold although nobody signed it: the caller knows what it makes of that.
    pub extras: &'a [Extra],
}

/// What a certificate serves for (ExtendedKeyUsage).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing code, and profiles.
    Code,
    /// Making timestamps. The signer must serve for nothing else (RFC 3161 §2.3).
    Timestamps,
}

impl Purpose {
    /// Why a certificate may not stand in a chain that serves for this; `None` if it may.
    pub(super) fn objection(self, certificate: &Certificate) -> Option<&'static str> {
        match self {
            Self::Code => {
                (!certificate.may_sign_code).then_some("may not be used for signing code")
            }
            Self::Timestamps => {
                (!certificate.may_make_timestamps).then_some("may not be used for timestamps")
            }
        }
    }
}

/// Where the content of a signed message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// In the message.
    Attached,
    /// These bytes; the message must carry none of its own.
    Detached(&'a [u8]),
}

/// The instant at which certificates must be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValidAt {
    /// The time in the message's `signing-time` attribute, which must be there.
    SigningTime,
    /// This one, whatever the message says.
    Instant(Timestamp),
}

/// A role and what proves it: the marker on the signer, and the authority that issues such signers.
#[derive(Debug, Clone, Copy)]
pub struct RoleMarkers<R> {
    /// The role.
    pub role: R,
    /// The marker extension on the signer's certificate; `None` where its purpose alone tells.
    pub leaf: Option<Oid<'static>>,
    /// Who issues the signer's certificate.
    pub issuer: Authority,
}

impl<R> RoleMarkers<R> {
    /// Whether `signer`, issued by `issuer`, has the role.
    pub(super) fn fit(&self, signer: &Certificate, issuer: &Certificate) -> bool {
        self.leaf.is_none_or(|leaf| signer.has_marker(leaf)) && self.issuer.is(issuer)
    }
}

/// An intermediate certificate authority of Apple's.
#[derive(Debug, Clone, Copy)]
pub struct Authority {
    /// The marker extension on its certificate; `None` for an authority that never has one.
    pub marker: Option<Oid<'static>>,
    /// Its common name. The generation of 2007 has no marker; under a believed root its name is Apple's own word.
    pub common_name: &'static str,
}

impl Authority {
    /// Whether `certificate` is this authority's.
    fn is(&self, certificate: &Certificate) -> bool {
        let has_marker = self
            .marker
            .is_some_and(|marker| certificate.has_marker(marker));
        let may_lack_it = self.marker.is_none() || certificate.markers().is_empty();
        has_marker || (may_lack_it && certificate.common_name == self.common_name)
    }
}
