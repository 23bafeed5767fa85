//! What a profile layer's signature is worth.
//!
//! A layer is proven when all of this holds, and [`LayerProof`] is made nowhere else:
//!
//! 1. there is one signer, its digest is over the content, and its signature over the signed attributes;
//! 2. its certificate, the intermediate that issued it and the root that issued that one are bundled, each signed by
//!    the next, and valid **at the signing time**: profiles outlive the certificates that signed them, and a check
//!    against today's date refuses a third of the good ones;
//! 3. the root is pinned by fingerprint;
//! 4. the signer has the **role**: Apple's marker extensions say that this certificate signs profiles. Every developer
//!    certificate chains to the same roots, so without this any paying developer could mint profiles.
//!
//! The signing time is the signer's own claim. That is enough here: who holds the key of a profile signer needs no
//! clock tricks. Revocation is not looked up; gates run offline.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::anchors::{APPLE_ROOT_CA, APPLE_ROOT_CA_G3, AnchorOwner, Anchors};
use super::ber::Oid;
use super::certificate::{Certificate, CertificateError};
use super::cms::{ID_DATA, SignedData, SignerId, SignerInfo};
use super::signature::{DigestAlgorithm, SignatureAlgorithm, SignatureError};
use crate::base::finding::{Code, Finding};
use crate::base::ids::CertSha256;

/// How many certificates and links a [`Verifier`] remembers: Apple has a dozen; the bound is for hostile input.
const CACHE_LIMIT: usize = 4096;

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
    fn accepts(self, digest: DigestAlgorithm) -> bool {
        self == Self::Outer || digest != DigestAlgorithm::Sha1
    }

    fn roles(self) -> &'static [RoleMarkers] {
        match self {
            Self::Outer => OUTER_ROLES,
            Self::Inner => INNER_ROLES,
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

/// A role and what proves it: the marker on the signer, and the authority that issues such signers.
struct RoleMarkers {
    role: SignerRole,
    leaf: Oid<'static>,
    intermediate: Authority,
}

/// An intermediate certificate authority of Apple's.
struct Authority {
    marker: Oid<'static>,
    /// Its name. The generation of 2007 has no marker; under a pinned root its name is Apple's own word.
    common_name: &'static str,
}

impl Authority {
    fn is(&self, certificate: &Certificate) -> bool {
        certificate.has_marker(self.marker)
            || (certificate.markers().is_empty() && certificate.common_name == self.common_name)
    }
}

/// Measured over 341 real profiles: no other combination occurs.
const OUTER_ROLES: &[RoleMarkers] = &[
    // 1.2.840.113635.100.6.58, since 2026
    RoleMarkers {
        role: SignerRole::IosProfileSigning,
        leaf: Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 58]),
        intermediate: IPHONE_CA,
    },
    // 1.2.840.113635.100.6.2.2.1
    RoleMarkers {
        role: SignerRole::IosProfileSigning,
        leaf: Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 2, 1]),
        intermediate: IPHONE_CA,
    },
    // 1.2.840.113635.100.4.11
    RoleMarkers {
        role: SignerRole::MacProfileSigning,
        leaf: Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 4, 11]),
        intermediate: WWDR_CA,
    },
];

const INNER_ROLES: &[RoleMarkers] = &[
    // 1.2.840.113635.100.12.19
    RoleMarkers {
        role: SignerRole::WwdrProfileSigning,
        leaf: Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 12, 19]),
        intermediate: SYSTEM_INTEGRATION_CA,
    },
];

/// `1.2.840.113635.100.6.2.18`: Apple iPhone Certification Authority.
const IPHONE_CA: Authority = Authority {
    marker: Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 18]),
    common_name: "Apple iPhone Certification Authority",
};
/// `1.2.840.113635.100.6.2.1`: Apple Worldwide Developer Relations.
const WWDR_CA: Authority = Authority {
    marker: Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 1]),
    common_name: "Apple Worldwide Developer Relations Certification Authority",
};
/// `1.2.840.113635.100.6.2.17`: Apple System Integration CA.
const SYSTEM_INTEGRATION_CA: Authority = Authority {
    marker: Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 17]),
    common_name: "Apple System Integration CA 4",
};

/// Proof that one layer's signature holds, by whom, and when it was made. Only [`Verifier::verify`] makes one.
#[derive(Debug, Clone)]
pub struct LayerProof {
    role: SignerRole,
    signer: Arc<Certificate>,
    signing_time: Timestamp,
    anchor: CertSha256,
    owner: AnchorOwner,
}

impl LayerProof {
    /// What the signer was issued for.
    pub fn role(&self) -> SignerRole {
        self.role
    }

    /// The certificate that signed.
    pub fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// When, by the signer's own account.
    pub fn signing_time(&self) -> Timestamp {
        self.signing_time
    }

    /// The root that the chain ended in.
    pub fn anchor(&self) -> &CertSha256 {
        &self.anchor
    }

    /// Whose root that is.
    pub fn anchor_owner(&self) -> AnchorOwner {
        self.owner
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

/// What is wrong with a signature or its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The message carries no content.
    Detached,
    /// Not exactly one signer.
    Signers(usize),
    /// The content is not plain data, or the attributes name another type than the message.
    ContentType(String),
    /// A signed attribute that must be there is not.
    NoAttribute(&'static str),
    /// An algorithm that is not accepted in this layer.
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
    /// The issuer of a certificate is not bundled.
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
    /// A certificate may not do what the chain needs of it.
    NotAllowed {
        /// The certificate.
        subject: String,
        /// What it may not do.
        what: String,
    },
    /// A certificate was not valid at the signing time.
    NotValid {
        /// The certificate.
        subject: String,
        /// Its span.
        validity: String,
        /// The instant.
        signing_time: Timestamp,
    },
    /// The chain is in order but its root is not pinned.
    Anchor {
        /// The root's name.
        subject: String,
        /// Its fingerprint.
        found: CertSha256,
        /// The fingerprint it should have.
        pinned: CertSha256,
    },
    /// Issued for something else than signing profiles.
    Role {
        /// The signer's name.
        subject: String,
        /// Its markers, dotted.
        markers: Vec<String>,
    },
}

impl LayerFault {
    /// The finding that tells a person.
    pub fn finding(&self) -> Finding {
        const DOWNLOAD: &str =
            "download the profile again from Apple's developer site; do not install this file";
        let layer = self.layer.name();
        match &self.fault {
            Fault::Detached => Finding::block(Code::ProfileUnreadable, format!("the {layer} carries no content"))
                .hint("this is a detached signature, not a profile; find the profile it belongs to"),
            Fault::Signers(count) => {
                Finding::block(Code::ProfileSignatureInvalid, format!("the {layer} does not have exactly one signer"))
                    .values("1 signer", format!("{count} signers"))
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
                format!("the {layer} was altered after it was signed: its content has another digest"),
            )
            .values(signed, found)
            .hint(DOWNLOAD),
            Fault::Signature(error) => {
                Finding::block(Code::ProfileSignatureInvalid, format!("the {layer}'s signature does not hold"))
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
                format!("the {layer} is signed by a certificate that issued itself; whatever it is named, it is not Apple's"),
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
            Fault::NotAllowed { subject, what } => {
                Finding::block(Code::ProfileNotTrusted, format!("in the {layer}'s chain, {subject} {what}")).hint(DOWNLOAD)
            }
            Fault::NotValid { subject, validity, signing_time } => Finding::block(
                Code::ProfileNotTrusted,
                format!("in the {layer}'s chain, {subject} was not valid when the profile was signed"),
            )
            .values(validity, signing_time)
            .hint(DOWNLOAD),
            Fault::Anchor { subject, found, pinned } => Finding::block(
                Code::ProfileAnchorNotApple,
                format!("the {layer}'s chain ends in {subject}, which is not Apple's root"),
            )
            .values(pinned, found)
            .hint(
                "if this is a rehearsal with an authority of your own, name its root in the policy's \
                 profiles.trust_anchors; else do not install this file",
            ),
            Fault::Role { subject, markers } => Finding::block(
                Code::ProfileSignerRole,
                format!("the {layer} is signed by {subject}, which Apple did not issue for signing profiles"),
            )
            .values(
                self.layer.roles().iter().map(|r| r.leaf.to_string()).collect::<Vec<_>>().join(" or "),
                if markers.is_empty() { "no marker of Apple's".to_owned() } else { markers.join(", ") },
            )
            .hint("a developer certificate was used to sign it: treat the file as forged"),
        }
    }
}

/// Verifies layers against pinned anchors, and remembers what it verified: profiles share their signer chains, so in a
/// directory of a thousand there are a handful of distinct certificates.
#[derive(Debug)]
pub struct Verifier {
    anchors: Anchors,
    certificates: RwLock<HashMap<CertSha256, Arc<Certificate>>>,
    links: RwLock<HashMap<(CertSha256, CertSha256), bool>>,
}

impl Verifier {
    /// A verifier that believes these roots.
    pub fn new(anchors: Anchors) -> Self {
        Self {
            anchors,
            certificates: RwLock::default(),
            links: RwLock::default(),
        }
    }

    /// The roots it believes.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Reads a certificate, or finds it among those read before.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn certificate(&self, der: &[u8]) -> Result<Arc<Certificate>, CertificateError> {
        let key = CertSha256::of(der);
        if let Some(known) = recall(&self.certificates, &key) {
            return Ok(known);
        }
        let certificate = Arc::new(Certificate::from_der(der)?);
        remember(&self.certificates, key, Arc::clone(&certificate));
        Ok(certificate)
    }

    /// Proves one layer.
    ///
    /// # Errors
    /// It is not proven; the fault says why.
    pub fn verify(&self, message: &SignedData<'_>, layer: Layer) -> Result<LayerProof, LayerFault> {
        self.prove(message, layer)
            .map_err(|fault| LayerFault { layer, fault })
    }

    fn prove(&self, message: &SignedData<'_>, layer: Layer) -> Result<LayerProof, Fault> {
        let [signer_info] = message.signers.as_slice() else {
            return Err(Fault::Signers(message.signers.len()));
        };
        let content = message.content.as_deref().ok_or(Fault::Detached)?;
        if message.content_type != ID_DATA {
            return Err(Fault::ContentType(message.content_type.to_string()));
        }
        let bundle = message
            .certificates
            .iter()
            .map(|der| self.certificate(der))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Fault::Certificate)?;
        let signer = find_signer(&bundle, &signer_info.signer).ok_or(Fault::SignerNotBundled)?;
        let signing_time = check_signature(signer_info, signer, content, layer)?;
        let (intermediate, root) = self.chain(signer, &bundle)?;
        if !intermediate.is_ca
            || !intermediate.may_sign_certificates
            || !root.is_ca
            || !root.may_sign_certificates
        {
            let at_fault = if intermediate.is_ca && intermediate.may_sign_certificates {
                &root
            } else {
                &intermediate
            };
            return Err(Fault::NotAllowed {
                subject: at_fault.common_name.clone(),
                what: "may not issue certificates".to_owned(),
            });
        }
        if !signer.may_sign_data {
            return Err(Fault::NotAllowed {
                subject: signer.common_name.clone(),
                what: "may not sign data".to_owned(),
            });
        }
        for certificate in [signer, &intermediate, &root] {
            if let Some(oid) = &certificate.unknown_critical_extension {
                return Err(Fault::NotAllowed {
                    subject: certificate.common_name.clone(),
                    what: format!("has the unknown critical extension {oid}"),
                });
            }
            if !certificate.validity.contains(signing_time) {
                return Err(Fault::NotValid {
                    subject: certificate.common_name.clone(),
                    validity: format!(
                        "{} to {}",
                        certificate.validity.not_before, certificate.validity.not_after
                    ),
                    signing_time,
                });
            }
        }
        let pinned = layer.pinned_root();
        let owner = self
            .anchors
            .owner_of(&root.sha256, pinned)
            .ok_or_else(|| Fault::Anchor {
                subject: root.common_name.clone(),
                found: root.sha256,
                pinned: *pinned,
            })?;
        let role = layer
            .roles()
            .iter()
            .find(|markers| {
                signer.has_marker(markers.leaf) && markers.intermediate.is(&intermediate)
            })
            .map(|markers| markers.role)
            .ok_or_else(|| Fault::Role {
                subject: signer.common_name.clone(),
                markers: signer.markers(),
            })?;
        Ok(LayerProof {
            role,
            signer: Arc::clone(signer),
            signing_time,
            anchor: root.sha256,
            owner,
        })
    }

    /// The chain above `signer`, which has exactly two more certificates in every layer that Apple signs.
    fn chain(
        &self,
        signer: &Arc<Certificate>,
        bundle: &[Arc<Certificate>],
    ) -> Result<(Arc<Certificate>, Arc<Certificate>), Fault> {
        if signer.is_self_issued() {
            return Err(Fault::SelfSigned(signer.common_name.clone()));
        }
        let intermediate = self.issuer(signer, bundle)?;
        if intermediate.is_self_issued() {
            // A root that signs profiles itself has no intermediate with the marker: Apple's never do.
            return Err(Fault::Role {
                subject: signer.common_name.clone(),
                markers: signer.markers(),
            });
        }
        let root = self.issuer(&intermediate, bundle)?;
        Ok((intermediate, root))
    }

    fn issuer(
        &self,
        subject: &Certificate,
        bundle: &[Arc<Certificate>],
    ) -> Result<Arc<Certificate>, Fault> {
        let mut named = false;
        for candidate in bundle.iter().chain(self.anchors.extra()) {
            if candidate.subject() != subject.issuer() || candidate.sha256 == subject.sha256 {
                continue;
            }
            named = true;
            if self.issued(candidate, subject) {
                return Ok(Arc::clone(candidate));
            }
        }
        let (subject, issuer) = (subject.common_name.clone(), subject.issuer_name());
        Err(if named {
            Fault::Link { subject, issuer }
        } else {
            Fault::IssuerNotBundled { subject, issuer }
        })
    }

    /// Whether `issuer` signed `subject`: computed once for each pair.
    fn issued(&self, issuer: &Certificate, subject: &Certificate) -> bool {
        let key = (issuer.sha256, subject.sha256);
        if let Some(known) = recall(&self.links, &key) {
            return known;
        }
        let holds = subject.verify_issued_by(issuer).is_ok();
        remember(&self.links, key, holds);
        holds
    }
}

fn recall<K: Eq + Hash, V: Clone>(cache: &RwLock<HashMap<K, V>>, key: &K) -> Option<V> {
    // A poisoned cache still holds only finished entries.
    cache
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(key)
        .cloned()
}

fn remember<K: Eq + Hash, V>(cache: &RwLock<HashMap<K, V>>, key: K, value: V) {
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    if cache.len() < CACHE_LIMIT {
        cache.insert(key, value);
    }
}

fn find_signer<'a>(
    bundle: &'a [Arc<Certificate>],
    id: &SignerId<'_>,
) -> Option<&'a Arc<Certificate>> {
    bundle.iter().find(|certificate| match id {
        SignerId::IssuerAndSerial { issuer, serial } => {
            certificate.issuer() == issuer.as_ref() && *certificate.serial == **serial
        }
        SignerId::SubjectKeyId(id) => certificate.subject_key_id() == Some(id),
    })
}

/// Checks digest and signature (RFC 5652 §5.4, §5.6) and gives the signing time.
fn check_signature(
    info: &SignerInfo<'_>,
    signer: &Certificate,
    content: &[u8],
    layer: Layer,
) -> Result<Timestamp, Fault> {
    let digest = DigestAlgorithm::from_oid(info.digest_algorithm)
        .filter(|digest| layer.accepts(*digest))
        .ok_or_else(|| Fault::Algorithm(format!("digest {}", info.digest_algorithm)))?;
    let signature_digest = match SignatureAlgorithm::from_oid(info.signature_algorithm) {
        Some(SignatureAlgorithm::KeyOnly) => digest,
        Some(SignatureAlgorithm::With(named)) if layer.accepts(named) => named,
        _ => {
            return Err(Fault::Algorithm(format!(
                "signature {}",
                info.signature_algorithm
            )));
        }
    };
    let attributes = info
        .signed_attributes
        .as_ref()
        .ok_or(Fault::NoAttribute("signing-time"))?;
    match attributes.content_type {
        Some(ID_DATA) => {}
        Some(other) => return Err(Fault::ContentType(other.to_string())),
        None => return Err(Fault::NoAttribute("content-type")),
    }
    let signed = attributes
        .message_digest
        .as_deref()
        .ok_or(Fault::NoAttribute("message-digest"))?;
    let found = digest.digest(content);
    if *signed != *found {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        return Err(Fault::Digest {
            signed: hex(signed),
            found: hex(&found),
        });
    }
    let key = signer.public_key.as_ref().ok_or_else(|| {
        Fault::Algorithm(format!(
            "a public key of {} that is neither RSA nor ECDSA",
            signer.common_name
        ))
    })?;
    key.verify(signature_digest, &attributes.der, &info.signature)
        .map_err(Fault::Signature)?;
    attributes
        .signing_time
        .ok_or(Fault::NoAttribute("signing-time"))
}
