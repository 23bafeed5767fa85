//! A profile's signer: who may sign a provisioning profile.
//!
//! Apple signs a profile twice, and each [`Layer`] asks for another root, other digests and other roles. This module holds
//! those requirements; [`crate::apple::signed_message`] verifies a signature against them, at the signing time. What is
//! wrong with a layer is told as a finding.
//!
//! Without the role, every paying developer could make profiles: their certificates chain to the same roots.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::anchors::{APPLE_ROOT_CA, APPLE_ROOT_CA_G3, AnchorOwner};
use super::ber::Oid;
use super::certificate::Certificate;
use super::cms::{ID_DATA, SignedData};
use super::signature::DigestAlgorithm;
use super::signed_message::{
    Authority, Content, Fault, Purpose, Requirements, RoleMarkers, SignedMessage, ValidAt, Verifier,
};
use crate::base::finding::{Code, Finding};
use crate::base::ids::CertSha256;

/// The certificates in the chain of each layer: the signer's, its issuer's and the root's.
const CHAIN: usize = 3;

/// Which of a profile's two signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The CMS around the XML property list.
    Outer,
    /// The CMS in its `DER-Encoded-Profile`, which the OS reads (TN3125).
    Inner,
}

impl Layer {
    fn name(self) -> &'static str {
        match self {
            Self::Outer => "outer layer",
            Self::Inner => "inner layer (DER-Encoded-Profile)",
        }
    }

    /// The root that ends this layer's chain.
    fn pinned_root(self) -> &'static CertSha256 {
        match self {
            Self::Outer => &APPLE_ROOT_CA,
            Self::Inner => &APPLE_ROOT_CA_G3,
        }
    }

    /// SHA-1 is Apple's own choice for the outer layer and never for the inner one.
    fn digests(self) -> &'static [DigestAlgorithm] {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        match self {
            Self::Outer => &[Sha1, Sha256, Sha384, Sha512],
            Self::Inner => &[Sha256, Sha384, Sha512],
        }
    }

    fn roles(self) -> &'static [RoleMarkers<SignerRole>] {
        match self {
            Self::Outer => OUTER_ROLES,
            Self::Inner => INNER_ROLES,
        }
    }

    /// What this layer's signature must be.
    fn requirements(self) -> Requirements<'static, SignerRole> {
        Requirements {
            content: Content::Attached,
            content_type: ID_DATA,
            digests: self.digests(),
            roots: std::slice::from_ref(self.pinned_root()),
            longest_chain: CHAIN,
            roles: self.roles(),
            valid_at: ValidAt::SigningTime,
            purpose: Purpose::Code,
            extras: &[],
        }
    }
}

/// What Apple issued a profile signer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignerRole {
    /// "Apple iPhone OS Provisioning Profile Signing".
    IosProfileSigning,
    /// "Mac OS X Provisioning Profile Signing".
    MacProfileSigning,
    /// "WWDR Provisioning Profile Signing", of inner layers.
    WwdrProfileSigning,
}

/// Measured over 341 real profiles: no other combination occurs.
const OUTER_ROLES: &[RoleMarkers<SignerRole>] = &[
    // 1.2.840.113635.100.6.58, since 2026
    RoleMarkers {
        role: SignerRole::IosProfileSigning,
        leaf: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 58])),
        issuer: IPHONE_CA,
    },
    // 1.2.840.113635.100.6.2.2.1
    RoleMarkers {
        role: SignerRole::IosProfileSigning,
        leaf: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 2, 1])),
        issuer: IPHONE_CA,
    },
    // 1.2.840.113635.100.4.11
    RoleMarkers {
        role: SignerRole::MacProfileSigning,
        leaf: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 4, 11])),
        issuer: WWDR_CA,
    },
];

const INNER_ROLES: &[RoleMarkers<SignerRole>] = &[
    // 1.2.840.113635.100.12.19
    RoleMarkers {
        role: SignerRole::WwdrProfileSigning,
        leaf: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 12, 19])),
        issuer: SYSTEM_INTEGRATION_CA,
    },
];

/// `1.2.840.113635.100.6.2.18`: Apple iPhone Certification Authority.
const IPHONE_CA: Authority = Authority {
    marker: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 18])),
    common_name: "Apple iPhone Certification Authority",
};
/// `1.2.840.113635.100.6.2.1`: Apple Worldwide Developer Relations.
const WWDR_CA: Authority = Authority {
    marker: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 1])),
    common_name: "Apple Worldwide Developer Relations Certification Authority",
};
/// `1.2.840.113635.100.6.2.17`: Apple System Integration CA.
const SYSTEM_INTEGRATION_CA: Authority = Authority {
    marker: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 17])),
    common_name: "Apple System Integration CA 4",
};

/// Proof that one layer's signature holds, by whom, and when it was made. Only [`LayerProof::prove`] makes one.
#[derive(Debug, Clone)]
pub struct LayerProof(SignedMessage<SignerRole>);

impl LayerProof {
    /// Proves one layer.
    ///
    /// # Errors
    /// It is not proven; the fault says why.
    pub fn prove(
        message: &SignedData<'_>,
        layer: Layer,
        verifier: &Verifier,
    ) -> Result<Self, LayerFault> {
        verifier
            .verify(message, &layer.requirements())
            .map(Self)
            .map_err(|fault| LayerFault { layer, fault })
    }

    /// What the signer was issued for.
    pub fn role(&self) -> SignerRole {
        self.0.role()
    }

    /// The certificate that signed.
    pub fn signer(&self) -> &Certificate {
        self.0.signer()
    }

    /// When, by the signer's own account; every certificate of the chain was valid then.
    pub fn signing_time(&self) -> Timestamp {
        self.0.instant()
    }

    /// The root that the chain ended in.
    pub fn anchor(&self) -> &CertSha256 {
        self.0.anchor()
    }

    /// Whose root that is.
    pub fn anchor_owner(&self) -> AnchorOwner {
        self.0.anchor_owner()
    }
}

/// Why a layer is not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFault {
    /// Which layer.
    pub layer: Layer,
    /// What is wrong with it.
    pub fault: Fault,
}

impl LayerFault {
    /// The finding that tells a person.
    pub fn finding(&self) -> Finding {
        const DOWNLOAD: &str =
            "download the profile again from Apple's developer site; do not install this file";
        let layer = self.layer.name();
        match &self.fault {
            Fault::Detached => Finding::block(Code::ProfileUnreadable, format!("the {layer} has no content"))
                .hint("find the profile that belongs to it: this is a detached signature, not a profile"),
            Fault::NotDetached => {
                Finding::block(Code::ProfileSignatureInvalid, format!("the {layer} has its own content"))
                    .hint(DOWNLOAD)
            }
            Fault::Signers(count) => {
                Finding::block(Code::ProfileSignatureInvalid, format!("the {layer} does not have exactly one signer"))
                    .values("1 signer", format!("{count} signers"))
                    .hint(DOWNLOAD)
            }
            Fault::Extra(extra) => {
                Finding::block(Code::ProfileSignatureInvalid, format!("the {layer} holds {extra}, which nobody signed"))
                    .hint(DOWNLOAD)
            }
            Fault::ContentType(found) => Finding::block(
                Code::ProfileSignatureInvalid,
                format!("the {layer} was signed as another type of content"),
            )
            .values(ID_DATA, found)
            .hint(DOWNLOAD),
            Fault::NoAttribute(name) => {
                Finding::block(Code::ProfileSignatureInvalid, format!("the {layer} lacks the signed attribute {name}"))
                    .expected(name)
                    .hint(DOWNLOAD)
            }
            Fault::Algorithm(what) => Finding::block(
                Code::ProfileSignatureInvalid,
                format!("the {layer} is signed with an algorithm that is not accepted"),
            )
            .found(what)
            .hint(DOWNLOAD),
            Fault::Digest { signed, found } => Finding::block(
                Code::ProfileSignatureInvalid,
                format!("the {layer} was changed after it was signed: its content has another digest"),
            )
            .values(signed, found)
            .hint(DOWNLOAD),
            Fault::Signature(error) => {
                Finding::block(Code::ProfileSignatureInvalid, format!("the {layer}'s signature is not valid"))
                    .found(error)
                    .hint(DOWNLOAD)
            }
            Fault::SignerNotBundled => Finding::block(
                Code::ProfileNotTrusted,
                format!("the certificate that signed the {layer} is not in the file"),
            )
            .hint(DOWNLOAD),
            Fault::Certificate(error) => Finding::block(
                Code::ProfileSignatureInvalid,
                format!("a certificate bundled in the {layer} cannot be read"),
            )
            .found(error)
            .hint(DOWNLOAD),
            Fault::SelfSigned(subject) => Finding::block(
                Code::ProfileNotTrusted,
                format!("the {layer} is signed by a certificate that issued itself, so Apple did not sign it"),
            )
            .values("a certificate issued by Apple", format!("{subject}, issued by itself"))
            .hint(DOWNLOAD),
            Fault::IssuerNotBundled { subject, issuer } => Finding::block(
                Code::ProfileNotTrusted,
                format!("the {layer}'s certificate chain is incomplete: the issuer of {subject} is not in the file"),
            )
            .expected(issuer)
            .hint(DOWNLOAD),
            Fault::Link { subject, issuer } => Finding::block(
                Code::ProfileSignatureInvalid,
                format!("in the {layer}'s chain, {subject} was not signed by {issuer}"),
            )
            .hint(DOWNLOAD),
            Fault::TooManyCandidates => Finding::block(
                Code::ProfileNotTrusted,
                format!("the {layer} bundles so many certificates of one name that no chain was found"),
            )
            .hint(DOWNLOAD),
            Fault::NotAllowed { subject, what } => {
                Finding::block(Code::ProfileNotTrusted, format!("in the {layer}'s chain, {subject} {what}")).hint(DOWNLOAD)
            }
            Fault::NotValid { subject, validity, instant } => Finding::block(
                Code::ProfileNotTrusted,
                format!("in the {layer}'s chain, {subject} was not valid when the profile was signed"),
            )
            .values(validity, instant)
            .hint(DOWNLOAD),
            Fault::Anchor { subject, found } => Finding::block(
                Code::ProfileAnchorNotApple,
                format!("the {layer}'s chain ends in {subject}, which is not Apple's root"),
            )
            .values(self.layer.pinned_root(), found)
            .hint(
                "do not install this file; for a rehearsal with your own authority, name its root in the policy's \
                 profiles.trust_anchors",
            ),
            Fault::Role { subject, markers } => Finding::block(
                Code::ProfileSignerRole,
                format!("the {layer} is signed by {subject}, which Apple did not issue for signing profiles"),
            )
            .values(
                self.layer.roles().iter().filter_map(|r| r.leaf).map(|leaf| leaf.to_string()).collect::<Vec<_>>().join(" or "),
                if markers.is_empty() { "no marker from Apple".to_owned() } else { markers.join(", ") },
            )
            .hint("treat the file as forged: its signer's certificate is for something else"),
        }
    }
}
