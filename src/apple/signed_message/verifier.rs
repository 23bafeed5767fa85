//! The only maker of [`SignedMessage`].

use std::sync::Arc;

use jiff::Timestamp;

use super::certificate_cache::CertificateCache;
use super::chain::{self, Search};
use super::fault::Fault;
use super::requirements::{Content, MAX_CHAIN, Requirements, ValidAt};
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
        let attributes = check_signature(signer_info, signer, content, asked)?;
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
        for (authorities_below, issuer) in issuers.iter().enumerate() {
            let may_issue = chain::may_issue(issuer)
                && chain::allows_authorities_below(issuer, authorities_below);
            if !may_issue {
                return Err(not_allowed(issuer, "may not issue certificates".to_owned()));
            }
        }
        if !signer.may_sign_data {
            return Err(not_allowed(signer, "may not sign data".to_owned()));
        }
        for certificate in &chain {
            if let Some(oid) = &certificate.unknown_critical_extension {
                let what = format!("has the unknown critical extension {oid}");
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
        let owner = self
            .anchors
            .owner_of(&root.sha256, asked.roots)
            .ok_or_else(|| Fault::Anchor {
                subject: root.common_name.clone(),
                found: root.sha256,
            })?;
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

/// Checks digest and signature (RFC 5652 §5.4, §5.6) and gives the attributes that are signed. A message without signed
/// attributes is refused: nothing that Apple signs lacks them.
fn check_signature<'a, R>(
    info: &'a SignerInfo<'a>,
    signer: &Certificate,
    content: &[u8],
    asked: &Requirements<'_, R>,
) -> Result<&'a SignedAttributes<'a>, Fault> {
    let is_accepted = |digest: &DigestAlgorithm| asked.digests.contains(digest);
    let digest = DigestAlgorithm::from_oid(info.digest_algorithm)
        .filter(is_accepted)
        .ok_or_else(|| Fault::Algorithm(format!("digest {}", info.digest_algorithm)))?;
    let signature_digest = match SignatureAlgorithm::from_oid(info.signature_algorithm) {
        Some(SignatureAlgorithm::KeyOnly) => Some(digest),
        Some(SignatureAlgorithm::With(named)) => Some(named).filter(is_accepted),
        None => None,
    }
    .ok_or_else(|| Fault::Algorithm(format!("signature {}", info.signature_algorithm)))?;
    let attributes = info
        .signed_attributes
        .as_ref()
        .ok_or(Fault::NoAttribute("signing-time"))?;
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
    key.verify(signature_digest, &attributes.der, &info.signature)
        .map_err(Fault::Signature)?;
    Ok(attributes)
}
