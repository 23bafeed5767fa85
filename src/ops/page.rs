//! `report`: the whole signing context on one page.
//!
//! A verdict answers one question for one job. Whoever looks after a fleet asks others: what expires next, what hangs on
//! this certificate, what did the gates say lately? [`report`] gathers the answers in one document. It judges nothing
//! itself: what is wrong is what a rehearsal of the gate finds, so nothing is recorded and nothing is opened.
//!
//! Whatever cannot be had does not hide the rest: it is named in [`ReportDocument::missing`], with what to do.
//!
//! - [`document`]: what the report holds
//! - `expiries`: everything that expires, in order
//! - `log`: the last gates and windows of the audit log
//! - `signing`: what signs each target, and what each certificate carries

pub mod document;
pub mod expiries;
mod log;
mod signing;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use self::document::{Limits, Missing, MissingPart, NamedFile, ReportDocument};
use super::error::{Error, Failure};
use super::gate::question::Question;
use super::gate::{self, RehearsalRequest};
use super::keychain::selected::Selection;
use super::prove;
use super::report::VerdictWord;
use super::target_selection::TargetSelection;
use super::targets;
use super::world::World;
use crate::apple::signed_message::Verifier;
use crate::base::clock::show_duration;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Finding};
use crate::base::ids::RegionName;
use crate::base::remedy::Remedy;
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};
use crate::context::policy::Policy;
use crate::host::files::Input;
use crate::host::node;
use crate::host::secret_source::SecretSource;

/// How far the report looks ahead, in days: a year, and time to renew what expires then.
pub const DAYS_AHEAD: i64 = 400;

/// What the report is about, beyond policy and manifest.
#[derive(Debug, Clone)]
pub struct ReportRequest {
    /// The Xcode projects, and which of their targets; none: the targets that the manifest pins.
    pub targets: TargetSelection,
    /// What `find-identity` printed, or a p12.
    pub identities: Option<Input>,
    /// Where the password of a p12 comes from.
    pub identities_password: SecretSource,
    /// The keychain whose identities are looked at.
    pub keychain: Option<Selection>,
    /// The region that is asked about.
    pub region: Option<RegionName>,
}

/// Gathers everything. Nothing is opened, recorded or changed.
///
/// # Errors
/// What was named contradicts itself. Whatever is missing or broken stands in the report.
pub fn report(request: &ReportRequest, world: &World) -> Result<ReportDocument, Failure> {
    let mut missing = Vec::new();
    let mut findings = Vec::new();
    let policy = policy(world, &mut missing, &mut findings);
    let manifest = manifest(world, &mut missing);
    let rules = policy
        .clone()
        .unwrap_or_else(|| Policy::builtin(world.home()));
    let profiles = match &manifest {
        Some(manifest) => manifest.profiles().to_vec(),
        None => at_hand(&rules, world, &mut missing),
    };
    let verdict = match &manifest {
        Some(_) => judged(request, world, &mut missing, &mut findings)?,
        None => None,
    };
    let signing = signing(
        request,
        manifest.as_ref(),
        world,
        &mut missing,
        &mut findings,
    );
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    let log = log::read(world, &mut missing);
    let now = world.now;
    let ahead = SignedDuration::from_hours(24 * DAYS_AHEAD);
    Ok(ReportDocument {
        schema: "countersign.report.v1",
        at: now,
        until: now.checked_add(ahead).unwrap_or(Timestamp::MAX),
        host: node::host_name().ok(),
        verdict,
        findings,
        missing,
        policy: policy.as_ref().and_then(|policy| {
            Some(NamedFile {
                file: world.policy_path().display().to_string(),
                digest: policy.digest()?,
                revision: None,
            })
        }),
        manifest: manifest.as_ref().map(|manifest| NamedFile {
            file: world.manifest_path().display().to_string(),
            digest: manifest.digest(),
            revision: Some(manifest.revision()),
        }),
        limits: limits(&rules, now),
        expiries: expiries::of(&profiles, &rules, now),
        certificates: signing::certificates(&profiles, &signing),
        profiles: signing::profiles(&profiles, manifest.is_some()),
        targets: signing.targets,
        products: signing.products,
        gates: log.gates,
        windows: log.windows,
    })
}

/// The policy; that it is missing or broken is noted.
fn policy(
    world: &World,
    missing: &mut Vec<Missing>,
    findings: &mut Vec<Finding>,
) -> Option<Policy> {
    match world.policy_if_any() {
        Ok(Some(loaded)) => return Some(loaded.policy),
        Ok(None) => missing.push(Missing {
            part: MissingPart::Policy,
            why: format!("there is no policy at {}", world.policy_path().display()),
            hint: Some("write a policy; until then the built-in limits are shown".to_owned()),
            remedy: Some(Remedy::SetUp),
        }),
        Err(Failure::Blocked(found)) => findings.extend(found),
        Err(Failure::Error(error)) => missing.push(Missing::of(MissingPart::Policy, &error)),
    }
    None
}

/// The manifest; that it is missing or broken is noted.
fn manifest(world: &World, missing: &mut Vec<Missing>) -> Option<Manifest> {
    match world.manifest() {
        Ok((manifest, _)) => Some(manifest),
        Err(error) => {
            missing.push(Missing::of(MissingPart::Manifest, &error));
            None
        }
    }
}

/// The installed profiles that are proven: where nothing is pinned, they are what there is.
fn at_hand(policy: &Policy, world: &World, missing: &mut Vec<Missing>) -> Vec<PinnedProfile> {
    let read = || -> Result<Vec<PinnedProfile>, Error> {
        let verifier = Verifier::new(world.anchors(policy)?);
        let installed = world.profile_files(policy)?;
        let state = |_: &_| ProfileState::Active;
        let mut profiles = prove::pinnable(&installed, &verifier, world, state).profiles;
        profiles.sort_by(|a, b| a.uuid.cmp(&b.uuid));
        profiles.dedup_by(|a, b| a.uuid == b.uuid);
        Ok(profiles)
    };
    let profiles = read().unwrap_or_else(|error| {
        missing.push(Missing::of(MissingPart::Profiles, &error));
        Vec::new()
    });
    if profiles.is_empty() && !missing.iter().any(|it| it.part == MissingPart::Profiles) {
        missing.push(Missing {
            part: MissingPart::Profiles,
            why: "no proven profile is pinned or installed here".to_owned(),
            hint: Some("install profiles, or name the directory that holds them".to_owned()),
            remedy: Some(Remedy::NameProfileDirectory),
        });
    }
    profiles
}

/// What a gate would say here and now. It is a rehearsal: nothing is recorded.
fn judged(
    request: &ReportRequest,
    world: &World,
    missing: &mut Vec<Missing>,
    findings: &mut Vec<Finding>,
) -> Result<Option<VerdictWord>, Failure> {
    let rehearsal = RehearsalRequest {
        question: Question {
            expect_policy: None,
            expect_manifest: None,
            minimum_revision: None,
            expect_signing: None,
            region: request.region.clone(),
            identities: request.identities.clone(),
            identities_password: request.identities_password.clone(),
            targets: request.targets.clone(),
            waived: BTreeSet::new(),
            prove: false,
        },
        keychain: request.keychain.clone(),
        host: None,
        at: None,
    };
    match gate::rehearse(&rehearsal, world) {
        Ok(answer) => {
            findings.extend(answer.document.findings);
            Ok(Some(answer.document.verdict))
        }
        Err(Failure::Blocked(found)) => {
            findings.extend(found);
            Ok(Some(VerdictWord::Blocked))
        }
        Err(Failure::Error(error)) if error.code() == ErrorCode::Usage => Err(error.into()),
        Err(Failure::Error(error)) => {
            missing.push(Missing::of(MissingPart::Verdict, &error));
            Ok(None)
        }
    }
}

/// What signs each target: of the named projects, or as the manifest pins it.
fn signing(
    request: &ReportRequest,
    manifest: Option<&Manifest>,
    world: &World,
    missing: &mut Vec<Missing>,
    findings: &mut Vec<Finding>,
) -> signing::Signing {
    let pinned = manifest.map(signing::pinned).unwrap_or_default();
    if request.targets.projects.is_empty() {
        if pinned.targets.is_empty() {
            missing.push(Missing {
                part: MissingPart::Targets,
                why: "no Xcode project is named, and the manifest pins no target".to_owned(),
                hint: Some("name the Xcode project or workspace".to_owned()),
                remedy: Some(Remedy::NameProject),
            });
        }
        return pinned;
    }
    match targets::check(&request.targets, world) {
        Ok(document) => {
            if manifest.is_none() {
                findings.extend(document.findings);
            }
            signing::planned(&document.targets, &document.products)
        }
        Err(Failure::Blocked(found)) => {
            findings.extend(found);
            pinned
        }
        Err(Failure::Error(error)) => {
            missing.push(Missing::of(MissingPart::Targets, &error));
            pinned
        }
    }
}

/// The policy's limits as instants: what expires before them.
fn limits(policy: &Policy, now: Timestamp) -> Limits {
    let after = |margin| now.checked_add(margin).unwrap_or(Timestamp::MAX);
    Limits {
        minimum_validity: show_duration(policy.profiles.minimum_validity),
        blocks_before: after(policy.profiles.minimum_validity),
        warn_before: show_duration(policy.profiles.warn_before),
        warns_before: after(policy.profiles.warn_before),
    }
}
