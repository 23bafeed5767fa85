//! Successors of profiles that end.
//!
//! What is made is planned whole, from what App Store Connect holds; unless somebody says that it is to be done, the plan is
//! all there is. Then the plan is journaled, and made one profile after the other. Whatever stops it, the same command goes
//! on: what is there by its name is not made again.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::access::{self, KeyRequest};
use super::document::{RenewDocument, SucceededProfile};
use super::work;
use crate::apple::app_store_connect::resource::ResourceId;
use crate::apple::app_store_connect::signing_request::SigningRequest;
use crate::apple::app_store_connect::words::CertificateType;
use crate::apple::certificate;
use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::finding;
use crate::base::remedy::Remedy;
use crate::context::manifest::Manifest;
use crate::context::portal::request::{CertificateChoice, DeviceChoice, RenewalRequest};
use crate::context::portal::selection::{self, Basis, Selection};
use crate::context::portal::snapshot::Snapshot;
use crate::context::portal::succession;
use crate::context::profile_check::CertificateName;
use crate::host::app_store_connect::client::Client;
use crate::host::app_store_connect::renewal_journal::{Renewal, RenewalJournal};
use crate::host::files::Input;
use crate::ops::error::{Error, Failure};
use crate::ops::world::World;

/// What is to be renewed, and how.
#[derive(Debug, Clone, Default)]
pub struct RenewRequest {
    /// The key of the team.
    pub key: KeyRequest,
    /// The profiles, by name or UUID; none: those that the manifest pins and that are due.
    pub profiles: Vec<String>,
    /// How long before its end a profile is due; none: the policy's `warn_before`.
    pub due: Option<SignedDuration>,
    /// The certificate that takes the place of the old ones.
    pub certificate: Option<CertificateName>,
    /// The file of a certificate signing request: a new certificate is made of it.
    pub signing_request: Option<PathBuf>,
    /// What that is issued for; none if the old certificates tell.
    pub certificate_type: Option<CertificateType>,
    /// Which devices successors list.
    pub devices: DeviceChoice,
    /// What is added to the old names; none: the day.
    pub suffix: Option<String>,
    /// Do it. Without it nothing changes.
    pub yes: bool,
    /// Forget an unfinished renewal, and plan anew.
    pub abandon: bool,
}

/// Plans successors and, if somebody says so, makes them. Nothing is deleted or revoked, and no private key is made.
///
/// # Errors
/// The key, the policy, the manifest or the signing request cannot be used; another renewal is not finished; there is no
/// answer; or something that was going to be done cannot be recorded. What was made by then is there, and the same request
/// goes on after it.
pub fn renew(request: &RenewRequest, world: &World) -> Result<RenewDocument, Failure> {
    let key = request.key.read()?;
    let (asked, signing_request) = asked(request)?;
    let journal = RenewalJournal::new(world.state_directory()?, key.issuer().clone());
    let lock = match request.yes {
        true => Some(journal.lock()?),
        false => None,
    };
    let client = access::client(&key, world)?;
    let unfinished = match request.abandon {
        true => None,
        false => journal.read()?.filter(|it| it.finished.is_none()),
    };
    let mut document = RenewDocument {
        schema: "countersign.portal-renew.v1",
        done: false,
        finished: false,
        resumed: unfinished.as_ref().map(|it| it.begun),
        certificate: None,
        successors: Vec::new(),
        succeeded: Vec::new(),
        findings: Vec::new(),
    };
    let snapshot;
    let renewal = match unfinished {
        Some(unfinished) if unfinished.request == asked => {
            snapshot = access::snapshot(&client)?;
            unfinished
        }
        Some(unfinished) => return Err(other_unfinished(&unfinished).into()),
        None => {
            let basis = basis(&asked, world)?;
            snapshot = access::snapshot(&client)?;
            planned(asked, &snapshot, basis, &client, world, &mut document)?
        }
    };
    if let (Some(lock), false) = (lock, finding::any_blocks(&document.findings)) {
        let work = work::Work {
            client: &client,
            snapshot: &snapshot,
            signing_request: signing_request.as_ref(),
            journal: &journal,
            lock: &lock,
            world,
        };
        work.run(renewal, &mut document)?;
    } else {
        work::show(
            &renewal,
            &snapshot,
            signing_request.as_ref(),
            world.now,
            &mut document,
        );
    }
    Ok(document)
}

/// What is asked for, as the journal keeps it, and the signing request.
fn asked(request: &RenewRequest) -> Result<(RenewalRequest, Option<SigningRequest>), Error> {
    let mut certificate = request.certificate.map(|name| match name {
        CertificateName::Sha1(sha1) => CertificateChoice::Sha1(sha1),
        CertificateName::Sha256(sha256) => CertificateChoice::Sha256(sha256),
    });
    let mut signing_request = None;
    if let Some(path) = &request.signing_request {
        let input = Input::File(path.clone());
        let bytes = input.read(certificate::MAX_BYTES)?;
        let parsed = SigningRequest::parse(&bytes);
        signing_request = Some(parsed.map_err(|error| Error::of_input(error, &input))?);
        certificate = Some(CertificateChoice::New {
            signing_request: Digest::of(&bytes),
            certificate_type: request.certificate_type.clone(),
        });
    }
    let suffix = request.suffix.as_deref();
    if suffix.is_some_and(|it| it.trim() != it || it.is_empty() || it.chars().any(char::is_control))
    {
        let message = "what is added to a name is empty, or begins or ends with a blank";
        return Err(Error::new(ErrorCode::Usage, message).remedy(Remedy::NameSuccessors));
    }
    let asked = RenewalRequest {
        profiles: request.profiles.clone(),
        due: request.due,
        certificate,
        devices: request.devices,
        suffix: request.suffix.clone(),
    };
    Ok((asked, signing_request))
}

/// What the selection is made by besides what App Store Connect holds.
struct Standing {
    manifest: Option<Manifest>,
    due: SignedDuration,
}

/// # Errors
/// The policy or the manifest cannot be used; or nobody says which profiles, and there is no manifest that does.
fn basis(asked: &RenewalRequest, world: &World) -> Result<Standing, Failure> {
    let manifest = match asked.profiles.is_empty() {
        true => Some(world.manifest()?.0),
        false => None,
    };
    let due = match asked.due {
        Some(due) => due,
        None => world.policy_or_defaults()?.profiles.warn_before,
    };
    Ok(Standing { manifest, due })
}

fn planned(
    asked: RenewalRequest,
    snapshot: &Snapshot,
    standing: Standing,
    client: &Client<'_>,
    world: &World,
    document: &mut RenewDocument,
) -> Result<Renewal, Failure> {
    let basis = Basis {
        snapshot,
        manifest: standing.manifest.as_ref(),
        due: standing.due,
        now: world.now,
    };
    let Selection {
        profiles,
        succeeded,
        findings,
    } = selection::select(&asked, basis);
    if profiles.len() > MOST_SUCCESSORS {
        let message = format!(
            "{} profiles would be renewed, and one renewal is of at most {MOST_SUCCESSORS}",
            profiles.len()
        );
        return Err(Error::new(ErrorCode::Usage, message)
            .hint("name some of the profiles")
            .into());
    }
    let selected = profiles.into_iter().cloned();
    let selected: Vec<_> = selected
        .map(|it| client.completed(it))
        .collect::<Result<_, _>>()?;
    let plan = succession::plan(&asked, &selected, snapshot, world.now);
    document.findings.extend(findings);
    document.findings.extend(plan.findings);
    document.succeeded = succeeded
        .into_iter()
        .map(|(old, successor)| SucceededProfile {
            uuid: old.uuid.clone(),
            name: old.name.clone(),
            successor: successor.uuid.clone(),
            successor_name: successor.name.clone(),
        })
        .collect();
    // The certificates whose place is taken: none of them is what comes of the signing request.
    let held = selected.iter().flat_map(|it| &it.certificates.ids);
    let mut replaced: Vec<ResourceId> = held.cloned().collect();
    replaced.sort();
    replaced.dedup();
    Ok(Renewal {
        begun: world.now,
        request: asked,
        certificate: plan.certificate.filter(|_| !plan.successors.is_empty()),
        replaced,
        successors: plan.successors,
        finished: None,
        made: Vec::new(),
    })
}

/// Another renewal is not finished.
fn other_unfinished(unfinished: &Renewal) -> Error {
    let message = format!(
        "a renewal of {} profiles that began {} is not finished, and it was asked for otherwise",
        unfinished.successors.len(),
        unfinished.begun
    );
    Error::new(ErrorCode::RenewalUnfinished, message)
        .hint("run the command again that began it; or forget it, which deletes nothing at App Store Connect")
        .remedy(Remedy::AbandonRenewal)
}

/// How many successors one renewal makes: each takes two of some 3,500 requests of an hour.
const MOST_SUCCESSORS: usize = 1_000;
