//! The only maker of [`SignedMessage`].

use std::sync::Arc;

use jiff::Timestamp;

use super::certificate_cache::CertificateCache;
use super::chain::{self, Search};
use super::fault::Fault;
use super::requirements::{Content, MAX_CHAIN, Requirements, ValidAt};
use crate::apple::algorithm::AlgorithmIdentifier;
use crate::apple::anchors::{AnchorOwner, Anchors};
use crate::apple::certificate::{Certificate, CertificateError};
use crate::apple::cms::{SignedAttributes, SignedData, SignerId, SignerInfo};
use crate::apple::signature::{DigestAlgorithm, SignatureAlgorithm};
use crate::base::digest::hex;
use crate::base::ids::CertSha256;

/// Proof that a message was signed by someone in a role, with a chain to a believed root that was valid at an instant.
/// Only [`Verifier::verify`] makes one.
#[derive(Debug, Clone)]
pub struct SignedMessage<R> {
    role: R,
    signer: Arc<Certificate>,
    issuers: Vec<Arc<Certificate>>,
    signing_time: Option<Timestamp>,
    instant: Timestamp,
    anchor: CertSha256,
    owner: AnchorOwner,
}

impl<R: Copy> SignedMessage<R> {
    /// What the signer was issued for.
    pub fn role(&self) -> R {
        self.role
    }
}

impl<R> SignedMessage<R> {
    /// The certificate that signed.
    pub fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// The certificates above the signer's: its issuer first, the root last.
    pub fn issuers(&self) -> &[Arc<Certificate>] {
        &self.issuers
    }

    /// All certificates: the signer's first, the root last.
    pub fn chain(&self) -> Vec<Arc<Certificate>> {
        std::iter::once(&self.signer)
            .chain(&self.issuers)
            .map(Arc::clone)
            .collect()
    }

    /// When it was signed, by the signer's own account, if it gives one.
    pub fn signing_time(&self) -> Option<Timestamp> {
        self.signing_time
    }

    /// The instant at which every certificate of the chain was valid.
    pub fn instant(&self) -> Timestamp {
        self.instant
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

/// Verifies signed messages against believed roots, and remembers the certificates and links that it has seen.
#[derive(Debug)]
pub struct Verifier {
    anchors: Anchors,
    cache: CertificateCache,
}

impl Verifier {
    /// A verifier that believes these roots.
    pub fn new(anchors: Anchors) -> Self {
        Self {
            anchors,
            cache: CertificateCache::default(),
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
        self.cache.certificate(der)
    }

    /// Proves a message.
    ///
    /// # Errors
    /// It is not what `asked` wants; the fault says why.
    pub fn verify<R: Copy>(
        &self,
        message: &SignedData<'_>,
        asked: &Requirements<'_, R>,
    ) -> Result<SignedMessage<R>, Fault> {
        let [signer_info] = message.signers.as_slice() else {
            return Err(Fault::Signers(message.signers.len()));
        };
        let refused = message
            .extras
            .iter()
            .find(|extra| !asked.extras.contains(extra));
        if let Some(extra) = refused {
            return Err(Fault::Extra(*extra));
        }
        let content = content(message, asked.content)?;
        if message.content_type != asked.content_type {
            return Err(Fault::ContentType(message.content_type.to_string()));
        }
        let bundle = message
            .certificates
            .iter()
            .map(|der| self.certificate(der))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Fault::Certificate)?;
        let signer = find_signer(&bundle, &signer_info.signer).ok_or(Fault::SignerNotBundled)?;
        let digest = digest_algorithm(message, signer_info, asked.digests)?;
        let attributes = check_signature(signer_info, signer, digest, content, asked)?;
        let instant = match asked.valid_at {
            ValidAt::Instant(instant) => instant,
            ValidAt::SigningTime => attributes
                .signing_time
                .ok_or(Fault::NoAttribute("signing-time"))?,
        };
        let chain = self.chain(signer, &bundle, instant, asked)?;
        self.judge(chain, attributes.signing_time, instant, asked)
    }

    /// A chain in which everything above the signer holds, or else the one that shows what is wrong.
    fn chain<R>(
        &self,
        signer: &Arc<Certificate>,
        bundle: &[Arc<Certificate>],
        instant: Timestamp,
        asked: &Requirements<'_, R>,
    ) -> Result<Vec<Arc<Certificate>>, Fault> {
        if signer.is_self_issued() {
            return Err(Fault::SelfSigned(signer.common_name.clone()));
        }
        let search = Search {
            cache: &self.cache,
            roots: self.anchors.roots(asked.roots).collect(),
            bundle,
            roles: asked.roles,
            purpose: asked.purpose,
            longest: asked.longest_chain.min(MAX_CHAIN),
            instant,
            checks_left: Search::<R>::fresh_checks(),
        };
        match search.believed_chain(signer)? {
            Some(chain) => Ok(chain),
            None => search.chain_of_first_issuers(signer),
        }
    }

    /// Checks each certificate of a linked chain, its root and the signer's role.
    fn judge<R: Copy>(
        &self,
        chain: Vec<Arc<Certificate>>,
        signing_time: Option<Timestamp>,
        instant: Timestamp,
        asked: &Requirements<'_, R>,
    ) -> Result<SignedMessage<R>, Fault> {
        let [signer, issuers @ ..] = chain.as_slice() else {
            return Err(Fault::SignerNotBundled);
        };
        let wrong_role = || Fault::Role {
            subject: signer.common_name.clone(),
            markers: signer.markers(),
        };
        let (Some(issuer), Some(root)) = (issuers.first(), issuers.last()) else {
            return Err(Fault::Anchor {
                subject: signer.common_name.clone(),
                found: signer.sha256,
            });
        };
        if issuer.is_self_issued() {
            // A root that issues signers itself has no authority's marker: Apple's never do.
            return Err(wrong_role());
        }
        let below: Vec<&Arc<Certificate>> = chain.iter().collect();
        for (position, issuer) in (1..).zip(issuers) {
            if let Some(what) = chain::objection(
                issuer,
                below.get(..position).unwrap_or_default(),
                asked.purpose,
            ) {
                return Err(not_allowed(issuer, what));
            }
        }
        if !signer.may_sign_data {
            return Err(not_allowed(signer, "may not sign data".to_owned()));
        }
        if let Some(what) = asked.purpose.objection(signer) {
            return Err(not_allowed(signer, what.to_owned()));
        }
        for certificate in &chain {
            if let Some(what) = chain::reservation(certificate) {
                return Err(not_allowed(certificate, what));
            }
            if !certificate.validity.contains(instant) {
                return Err(Fault::NotValid {
                    subject: certificate.common_name.clone(),
                    validity: format!(
                        "{} to {}",
                        certificate.validity.not_before, certificate.validity.not_after
                    ),
                    instant,
                });
            }
        }
        // Only what names itself and its own key as its issuer, and signed itself, is a root: another anchor ends no chain.
        let owner = self
            .anchors
            .owner_of(&root.sha256, asked.roots)
            .filter(|_| root.names_as_issuer(root))
            .ok_or_else(|| Fault::Anchor {
                subject: root.common_name.clone(),
                found: root.sha256,
            })?;
        if !self.cache.is_issued_by(root, root) {
            let subject = root.common_name.clone();
            return Err(Fault::Link {
                issuer: subject.clone(),
                subject,
            });
        }
        let role = asked
            .roles
            .iter()
            .find(|role| role.fit(signer, issuer))
            .map(|role| role.role)
            .ok_or_else(wrong_role)?;
        Ok(SignedMessage {
            role,
            signer: Arc::clone(signer),
            signing_time,
            instant,
            anchor: root.sha256,
            owner,
            issuers: issuers.to_vec(),
        })
    }
}

fn not_allowed(certificate: &Certificate, what: String) -> Fault {
    Fault::NotAllowed {
        subject: certificate.common_name.clone(),
        what,
    }
}

/// The bytes that the signature is about.
fn content<'a>(message: &'a SignedData<'_>, asked: Content<'a>) -> Result<&'a [u8], Fault> {
    match (message.content.as_deref(), asked) {
        (Some(content), Content::Attached) => Ok(content),
        (None, Content::Attached) => Err(Fault::Detached),
        (None, Content::Detached(content)) => Ok(content),
        (Some(_), Content::Detached(_)) => Err(Fault::NotDetached),
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

/// The digest algorithm of a signer: one that suffices, and that the message announces. A reader in one pass computes only
/// those that are announced, so whoever is not among them has no digest (OpenSSL, Apple).
fn digest_algorithm(
    message: &SignedData<'_>,
    info: &SignerInfo<'_>,
    accepted: &[DigestAlgorithm],
) -> Result<DigestAlgorithm, Fault> {
    let known = |identifier: &AlgorithmIdentifier<'_>| {
        let oid = identifier.without_parameters();
        oid.and_then(DigestAlgorithm::from_oid).ok_or_else(|| {
            let parameters = if oid.is_none() {
                " with parameters"
            } else {
                ""
            };
            Fault::Algorithm(format!("digest {}{parameters}", identifier.algorithm))
        })
    };
    let digest = known(&info.digest_algorithm)?;
    let mut is_announced = false;
    for identifier in &message.digest_algorithms {
        is_announced |= known(identifier)? == digest;
    }
    if !is_announced {
        return Err(Fault::Algorithm(format!(
            "digest {digest}, which digestAlgorithms lack"
        )));
    }
    let is_accepted = accepted.contains(&digest);
    is_accepted
        .then_some(digest)
        .ok_or_else(|| Fault::Algorithm(format!("digest {}", info.digest_algorithm.algorithm)))
}

/// Checks digest and signature (RFC 5652 §5.4, §5.6) and gives the attributes that are signed. A message without signed
/// attributes is refused: nothing that Apple signs lacks them.
fn check_signature<'a, R>(
    info: &'a SignerInfo<'a>,
    signer: &Certificate,
    digest: DigestAlgorithm,
    content: &[u8],
    asked: &Requirements<'_, R>,
) -> Result<&'a SignedAttributes<'a>, Fault> {
    let algorithm = info.signature_algorithm;
    let SignatureAlgorithm { family, .. } = algorithm
        .without_parameters()
        .and_then(SignatureAlgorithm::from_oid)
        // One that names a digest names the one of the content, or OpenSSL and Apple disagree about what was signed.
        .filter(|named| named.digest.is_none_or(|named| named == digest))
        .ok_or_else(|| {
            Fault::Algorithm(format!("signature {} with {digest}", algorithm.algorithm))
        })?;
    let attributes = info
        .signed_attributes
        .as_ref()
        .ok_or(Fault::NoAttribute("signing-time"))?;
    if attributes
        .algorithms
        .is_some_and(|signed| signed != (info.digest_algorithm, algorithm))
    {
        return Err(Fault::Algorithm(format!(
            "{digest} and {}, but others were signed",
            algorithm.algorithm
        )));
    }
    match attributes.content_type {
        Some(named) if named == asked.content_type => {}
        Some(other) => return Err(Fault::ContentType(other.to_string())),
        None => return Err(Fault::NoAttribute("content-type")),
    }
    let signed = attributes
        .message_digest
        .as_deref()
        .ok_or(Fault::NoAttribute("message-digest"))?;
    let found = digest.digest(content);
    if *signed != *found {
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
    key.verify(family, digest, &attributes.der, &info.signature)
        .map_err(Fault::Signature)?;
    Ok(attributes)
}
