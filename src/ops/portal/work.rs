//! Making what is planned.

use jiff::Timestamp;

use super::document::{Outcome, RenewDocument, RenewedCertificate, RenewedProfile};
use crate::apple::app_store_connect::document::ApiError;
use crate::apple::app_store_connect::resource::{PortalCertificate, PortalProfile, ResourceId};
use crate::apple::app_store_connect::signing_request::SigningRequest;
use crate::apple::app_store_connect::words::CertificateType;
use crate::base::event::{Action, Event, Outcome as Reached};
use crate::base::finding::{self, Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::portal::snapshot::Snapshot;
use crate::context::portal::succession::name_taken;
use crate::context::portal::successor::Successor;
use crate::host::app_store_connect::client::Client;
use crate::host::app_store_connect::error::PortalError;
use crate::host::app_store_connect::renewal_journal::{Renewal, RenewalJournal};
use crate::host::owned_files::Lock;
use crate::ledger::audit::AuditLog;
use crate::ops::audit_log::{self, recorded};
use crate::ops::error::Error;
use crate::ops::world::World;

/// What the work is done with.
pub(super) struct Work<'a> {
    pub(super) client: &'a Client<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) signing_request: Option<&'a SigningRequest>,
    pub(super) journal: &'a RenewalJournal,
    pub(super) lock: &'a Lock,
    pub(super) world: &'a World,
}

/// What would be done, and what of it is there.
pub(super) fn show(
    renewal: &Renewal,
    snapshot: &Snapshot,
    signing_request: Option<&SigningRequest>,
    now: Timestamp,
    document: &mut RenewDocument,
) {
    let made = signing_request.and_then(|request| answer_to(request, renewal, snapshot, now));
    if let Some(certificate_type) = &renewal.certificate {
        document.certificate = Some(shown_certificate(certificate_type, Outcome::Planned, made));
    }
    for successor in &renewal.successors {
        let successor = successor.clone().with_certificate(made.map(|it| &it.id));
        let mut shown = RenewedProfile::of(&successor, Outcome::Planned);
        let mut profiles = snapshot.profiles.iter();
        if let Some(found) = profiles.find(|it| is_it(&successor, it, now)) {
            shown = there(shown, found, Outcome::AlreadyThere);
        }
        document.successors.push(shown);
    }
}

impl Work<'_> {
    /// Makes what of `renewal` is not there.
    ///
    /// # Errors
    /// There is no answer, or something cannot be recorded. What was made by then is there.
    pub(super) fn run(
        &self,
        mut renewal: Renewal,
        document: &mut RenewDocument,
    ) -> Result<(), Error> {
        document.done = true;
        if renewal.successors.is_empty() {
            document.finished = true;
            return Ok(());
        }
        let log = audit_log::open(self.world, None)?;
        if document.resumed.is_none() {
            self.journal.write(self.lock, &renewal)?;
        }
        let made = match &renewal.certificate {
            Some(certificate_type) => {
                let certificate = self.certificate(certificate_type, &renewal, &log)?;
                let made = certificate.0.id.clone();
                document.certificate = Some(shown_certificate(
                    certificate_type,
                    certificate.1,
                    Some(&certificate.0),
                ));
                Some(made)
            }
            None => None,
        };
        let total = renewal.successors.len();
        for successor in &renewal.successors {
            let successor = successor.clone().with_certificate(made.as_ref());
            let shown = self.profile(&successor, &log, &mut document.findings);
            let shown = shown.map_err(|error| {
                let there = document.successors.iter().filter(|it| it.uuid.is_some());
                error.preceded_by(&format!(
                    "{} of {total} successors are there",
                    there.count()
                ))
            })?;
            document.successors.push(shown);
        }
        document.finished = !finding::any_blocks(&document.findings);
        if document.finished {
            let uuids = document.successors.iter().filter_map(|it| it.uuid.clone());
            renewal.made = uuids.collect();
            renewal.finished = Some(self.world.clock.now());
            self.journal.write(self.lock, &renewal)?;
        }
        Ok(())
    }

    /// The certificate that is made of the signing request, or was.
    fn certificate(
        &self,
        certificate_type: &CertificateType,
        renewal: &Renewal,
        log: &AuditLog,
    ) -> Result<(PortalCertificate, Outcome), Error> {
        let request = self.signing_request.ok_or_else(|| {
            Error::unexpected("a certificate is planned, and there is no signing request")
        })?;
        let now = self.world.now;
        if let Some(found) = answer_to(request, renewal, self.snapshot, now) {
            return Ok((found.clone(), Outcome::AlreadyThere));
        }
        let find = || -> Result<Option<PortalCertificate>, PortalError> {
            let snapshot = Snapshot {
                certificates: self.client.certificates()?,
                ..Snapshot::default()
            };
            Ok(answer_to(request, renewal, &snapshot, now).cloned())
        };
        let event = |reached| {
            Event::new(Action::PortalCertificateCreate, reached).detail("type", certificate_type)
        };
        let made = recorded(log, event, || {
            match self.client.create_certificate(certificate_type, request) {
                Err(error) if error.is_ambiguous() => match find() {
                    Ok(Some(made)) => Ok(made),
                    _ => Err(error.into()),
                },
                Err(error) if error.refusal().is_some() => {
                    Err(self.certificate_refused(certificate_type, error))
                }
                made => Ok(made?),
            }
        })?;
        Ok((made, Outcome::Created))
    }

    /// The team may have too many certificates, or one that is asked for twice.
    fn certificate_refused(&self, certificate_type: &CertificateType, error: PortalError) -> Error {
        let certificates = self.snapshot.certificates.iter();
        let alike = certificates.filter(|it| it.certificate_type == *certificate_type);
        let hint = format!(
            "the team has {} certificates of the type {certificate_type}, and Apple allows few: use one of them, or find out what hangs on one and revoke it",
            alike.count()
        );
        Error::from(error)
            .hint(hint)
            .remedy(Remedy::NameSigningCertificate)
    }

    /// Makes a successor that is not there.
    fn profile(
        &self,
        successor: &Successor,
        log: &AuditLog,
        findings: &mut Vec<Finding>,
    ) -> Result<RenewedProfile, Error> {
        let now = self.world.now;
        let shown = |outcome| RenewedProfile::of(successor, outcome);
        let known = self.snapshot.profiles.iter();
        let known: Vec<&PortalProfile> = known.filter(|it| it.name == successor.name).collect();
        // What was there before is looked at as it was; what is not, may have been made since.
        let looked;
        let named: Vec<&PortalProfile> = match known.is_empty() {
            false => known,
            true => {
                looked = self.client.profiles_named(&successor.name)?;
                looked.iter().collect()
            }
        };
        if let Some(found) = named.iter().find(|it| is_it(successor, it, now)) {
            return Ok(there(
                shown(Outcome::AlreadyThere),
                found,
                Outcome::AlreadyThere,
            ));
        }
        if let Some(taken) = named.iter().find_map(|it| name_taken(successor, it, now)) {
            findings.push(taken);
            return Ok(shown(Outcome::Refused));
        }
        let new = successor
            .to_request()
            .ok_or_else(|| Error::unexpected("a successor is to be made before its certificate"))?;
        let event = |reached: Reached| {
            Event::new(Action::PortalProfileCreate, reached)
                .detail("name", &successor.name)
                .detail("profile_type", &successor.profile_type)
                .detail("bundle_id", &successor.bundle_identifier)
                .detail("successor_of", &successor.of)
        };
        let mut refusal = None;
        let made = recorded(log, event, || match self.client.create_profile(new) {
            // Nobody knows whether it was made, until it is looked for.
            Err(error) if error.is_ambiguous() => {
                let found = self
                    .client
                    .profiles_named(&successor.name)
                    .unwrap_or_default();
                let mut found = found.into_iter();
                let made = found.find(|it| is_it(successor, it, now));
                made.ok_or_else(|| error.into())
            }
            Err(error) => {
                refusal = error.refusal().map(|it| refused(successor, it));
                Err(error.into())
            }
            Ok(made) => Ok(made),
        });
        match (made, refusal) {
            (Ok(made), _) => Ok(there(shown(Outcome::Created), &made, Outcome::Created)),
            (Err(_), Some(refusal)) => {
                findings.push(refusal);
                Ok(shown(Outcome::Refused))
            }
            (Err(error), None) => Err(error),
        }
    }
}

/// Whether a profile is what was planned.
fn is_it(successor: &Successor, profile: &PortalProfile, now: Timestamp) -> bool {
    profile.name == successor.name && successor.difference(profile, now).is_none()
}

/// The certificate that came of a signing request. One that is due itself came of the same request earlier, when somebody
/// used it before.
fn answer_to<'s>(
    request: &SigningRequest,
    renewal: &Renewal,
    snapshot: &'s Snapshot,
    now: Timestamp,
) -> Option<&'s PortalCertificate> {
    let replaced: Vec<&ResourceId> = renewal.replaced.iter().collect();
    let mut certificates = snapshot.certificates.iter();
    certificates
        .find(|it| it.expires >= now && !replaced.contains(&&it.id) && request.is_answered_by(it))
}

fn refused(successor: &Successor, errors: &[ApiError]) -> Finding {
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let message = format!(
        "App Store Connect refuses the successor {:?}: {}",
        successor.name,
        said.join("; ")
    );
    Finding::block(Code::SuccessorRefused, message)
        .of_profile(&successor.of)
        .hint("correct what Apple names, and run the same command again")
}

fn there(shown: RenewedProfile, profile: &PortalProfile, outcome: Outcome) -> RenewedProfile {
    RenewedProfile {
        outcome,
        uuid: Some(profile.uuid.clone()),
        expires: Some(profile.expires),
        ..shown
    }
}

fn shown_certificate(
    certificate_type: &CertificateType,
    outcome: Outcome,
    made: Option<&PortalCertificate>,
) -> RenewedCertificate {
    RenewedCertificate {
        certificate_type: certificate_type.clone(),
        outcome: match (outcome, made) {
            (Outcome::Planned, Some(_)) => Outcome::AlreadyThere,
            _ => outcome,
        },
        sha1: made.and_then(PortalCertificate::sha1),
        sha256: made.and_then(PortalCertificate::sha256),
        expires: made.map(|it| it.expires),
    }
}
