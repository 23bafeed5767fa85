//! From a signer's certificate to a root that is believed.
//!
//! Candidates for an issuer are the believed roots and the bundle. [`Search::believed_chain`] looks for a chain in which
//! everything holds: it goes through the certificates level by level, each certificate at most once, so that a wrong
//! candidate costs one signature check and never hides a right one. Where there is no such chain,
//! [`Search::chain_of_first_issuers`] follows the first issuer of each certificate, as a person would, and the caller says what is
//! wrong with that one.

use std::cell::Cell;
use std::sync::Arc;

use jiff::Timestamp;

use super::certificate_cache::CertificateCache;
use super::fault::Fault;
use super::requirements::{Purpose, RoleMarkers};
use crate::apple::certificate::Certificate;

/// How many times one search asks whether a certificate was signed by another: a real bundle needs two.
const MAX_CHECKS: usize = 128;

/// One search for a chain.
pub(super) struct Search<'a, R> {
    /// Links that were verified before.
    pub(super) cache: &'a CertificateCache,
    /// The roots that are believed; only self-issued ones of them end a chain.
    pub(super) roots: Vec<&'a Arc<Certificate>>,
    /// The bundled certificates.
    pub(super) bundle: &'a [Arc<Certificate>],
    /// The roles that are wanted.
    pub(super) roles: &'a [RoleMarkers<R>],
    /// What every certificate must serve for.
    pub(super) purpose: Purpose,
    /// The longest chain, in certificates.
    pub(super) longest: usize,
    /// When certificates must be valid.
    pub(super) instant: Timestamp,
    /// How many checks are left.
    pub(super) checks_left: Cell<usize>,
}

/// A certificate that was reached, and how.
struct Reached<'a> {
    certificate: &'a Arc<Certificate>,
    /// The position of the certificate that it issued; `None` for the signer.
    issued: Option<usize>,
    /// How many certificates the chain has up to here.
    length: usize,
}

impl<'a, R> Search<'a, R> {
    /// The checks that a new search may make.
    pub(super) fn fresh_checks() -> Cell<usize> {
        Cell::new(MAX_CHECKS)
    }

    /// The shortest chain from `signer` to a believed root in which every issuer may issue at the instant and the signer's
    /// own issuer fits a role; signer first. What the signer itself may do is not looked at.
    ///
    /// # Errors
    /// The bundle asks for more checks than are granted.
    pub(super) fn believed_chain(
        &self,
        signer: &'a Arc<Certificate>,
    ) -> Result<Option<Vec<Arc<Certificate>>>, Fault> {
        let mut reached = vec![Reached {
            certificate: signer,
            issued: None,
            length: 1,
        }];
        let mut position = 0;
        while let Some(&Reached {
            certificate: subject,
            length,
            ..
        }) = reached.get(position)
        {
            if length < self.longest {
                for issuer in self.candidates() {
                    let is_candidate = self.is_named_issuer(issuer, subject)
                        && !reached
                            .iter()
                            .any(|earlier| earlier.certificate.sha256 == issuer.sha256)
                        && issuer.validity.contains(self.instant)
                        && objection(issuer, &chain_up_to(&reached, position), self.purpose)
                            .is_none()
                        && (length > 1 || self.fits_a_role(signer, issuer));
                    if !is_candidate || !self.is_issued_by(subject, issuer)? {
                        continue;
                    }
                    reached.push(Reached {
                        certificate: issuer,
                        issued: Some(position),
                        length: length + 1,
                    });
                    if self.is_believed(issuer) {
                        let chain = chain_up_to(&reached, reached.len() - 1);
                        return Ok(Some(chain.into_iter().map(Arc::clone).collect()));
                    }
                }
            }
            position += 1;
        }
        Ok(None)
    }

    /// The chain that the first issuer of each certificate makes, whatever it may do: up to a root, believed or not, or to
    /// the longest length. The signer has not issued itself.
    ///
    /// # Errors
    /// A certificate has no issuer among the candidates.
    pub(super) fn chain_of_first_issuers(
        &self,
        signer: &'a Arc<Certificate>,
    ) -> Result<Vec<Arc<Certificate>>, Fault> {
        let mut chain = vec![signer];
        while let Some(&subject) = chain.last()
            && chain.len() < self.longest
            && !subject.is_self_issued()
        {
            chain.push(self.first_issuer(subject)?);
        }
        Ok(chain.into_iter().map(Arc::clone).collect())
    }

    fn first_issuer(&self, subject: &Certificate) -> Result<&'a Arc<Certificate>, Fault> {
        let mut is_named = false;
        for issuer in self.candidates() {
            if self.is_named_issuer(issuer, subject) {
                is_named = true;
                if self.is_issued_by(subject, issuer)? {
                    return Ok(issuer);
                }
            }
        }
        let (subject, issuer) = (subject.common_name.clone(), subject.issuer_name());
        Err(if is_named {
            Fault::Link { subject, issuer }
        } else {
            Fault::IssuerNotBundled { subject, issuer }
        })
    }

    /// Everything that could be an issuer, the believed roots first: the bundle's copy of one is the same certificate.
    fn candidates(&self) -> impl Iterator<Item = &'a Arc<Certificate>> {
        self.roots.iter().copied().chain(self.bundle)
    }

    /// Whether the signer and its own issuer, which is no root, have a role together.
    fn fits_a_role(&self, signer: &Certificate, issuer: &Certificate) -> bool {
        !issuer.is_self_issued() && self.roles.iter().any(|role| role.fit(signer, issuer))
    }

    fn is_named_issuer(&self, issuer: &Certificate, subject: &Certificate) -> bool {
        subject.names_as_issuer(issuer) && issuer.sha256 != subject.sha256
    }

    fn is_issued_by(&self, subject: &Certificate, issuer: &Certificate) -> Result<bool, Fault> {
        let left = self.checks_left.get().checked_sub(1);
        self.checks_left.set(left.ok_or(Fault::TooManyCandidates)?);
        Ok(self.cache.is_issued_by(subject, issuer))
    }

    /// Whether a chain may end here: in a root that is believed, names itself and its own key, and signed itself.
    fn is_believed(&self, root: &Certificate) -> bool {
        root.names_as_issuer(root)
            && self.roots.iter().any(|known| known.sha256 == root.sha256)
            && self.cache.is_issued_by(root, root)
    }
}

/// Why `issuer` may not stand above the certificates of a chain, the signer's first; `None` if it may. Its validity is the
/// caller's to judge.
pub(super) fn objection(
    issuer: &Certificate,
    below: &[&Arc<Certificate>],
    purpose: Purpose,
) -> Option<String> {
    let authorities = below.len().saturating_sub(1);
    if !issuer.is_ca || !issuer.may_sign_certificates {
        return Some("may not issue certificates".to_owned());
    }
    // RFC 5280 §4.2.1.9
    if let Some(most) = issuer.path_length
        && usize::try_from(most).is_ok_and(|most| authorities > most)
    {
        return Some(format!("may stand above {most} authorities at most"));
    }
    if let Some(what) = purpose.objection(issuer) {
        return Some(what.to_owned());
    }
    // RFC 5280 §6.1.4 (b): an authority may issue itself another certificate under any constraints.
    let mut constrained = below.iter().enumerate();
    let offender = constrained.find(|(position, certificate)| {
        let is_signer = *position == 0;
        (is_signer || !certificate.is_self_issued())
            && !issuer.allows_names_of(certificate, is_signer)
    });
    offender
        .map(|(_, certificate)| {
            format!(
                "has name constraints that exclude {}",
                certificate.common_name
            )
        })
        .or_else(|| reservation(issuer))
}

/// Why a certificate may not stand in a chain at all; `None` if it may.
pub(super) fn reservation(certificate: &Certificate) -> Option<String> {
    if !certificate.has_subject() {
        return Some("has no name".to_owned());
    }
    let unknown = certificate.unknown_critical_extension.as_ref();
    unknown.map(|oid| format!("has the unknown critical extension {oid}"))
}

/// The chain that leads to what was reached at `position`, signer first.
fn chain_up_to<'a>(reached: &[Reached<'a>], position: usize) -> Vec<&'a Arc<Certificate>> {
    let mut chain = Vec::new();
    let mut next = Some(position);
    while let Some(here) = next.and_then(|position| reached.get(position)) {
        chain.push(here.certificate);
        next = here.issued;
    }
    chain.reverse();
    chain
}
