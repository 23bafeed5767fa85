//! `doctor`: what this machine is to countersign, and what would fail next.
//!
//! Whoever sets a signer up, or looks for the reason why a job was refused, asks what countersign sees: which home, which
//! directories, which keychain, which name, which time. [`doctor`] answers with all of it at once. It judges nothing itself:
//! its findings are those of a rehearsed gate, without the groups that only a job can show (its project, its identities).
//! Nothing is opened, closed, recorded or changed.
//!
//! - [`document`]: what is told

pub mod document;

use std::path::Path;

use jiff::Timestamp;

use self::document::{
    ClockDocument, DirectoryUse, DoctorDocument, HostDocument, KeychainSeen, MacDocument,
    NextFailure, ShownDirectory, ShownXcode,
};
use super::error::Failure;
use super::gate::judge;
use super::keychain::selected::{self, SelectedKeychain, Selection};
use super::page::document::{Missing, MissingPart, ReportDocument};
use super::page::expiries::{Expiring, Expiry, Standing};
use super::page::{self, ReportRequest};
use super::target_selection::TargetSelection;
use super::world::World;
use crate::base::finding::{self, Code, Finding, Group};
use crate::context::gate::clock;
use crate::context::gate::facts::Observation;
use crate::context::policy::Policy;
use crate::host::keychain::LockState;
use crate::host::mac;
use crate::host::node::{OsFamily, User};
use crate::host::secret_source::SecretSource;

/// Looks at this machine.
///
/// # Errors
/// What was named contradicts itself. Whatever is missing or broken stands in the answer.
pub fn doctor(world: &World) -> Result<DoctorDocument, Failure> {
    let loaded = world.policy_if_any();
    let policy = match loaded {
        Ok(Some(loaded)) => Some(loaded.policy),
        Ok(None) | Err(_) => None,
    };
    let rules = policy
        .clone()
        .unwrap_or_else(|| Policy::builtin(world.home()));
    let mut missing = Vec::new();
    let (keychain, selection) = keychain(&rules, world, &mut missing);
    let report = page::report(
        &ReportRequest {
            targets: TargetSelection::default(),
            identities: None,
            // Nothing is read that has a password.
            identities_password: SecretSource::Prompt(String::new()),
            keychain: selection,
            region: None,
        },
        world,
    )?;
    let last_record = judge::last_record(world);
    let ReportDocument {
        host,
        findings,
        missing: of_report,
        expiries,
        ..
    } = report;
    missing.extend(of_report);
    // Only a job names a project.
    missing.retain(|it| it.part != MissingPart::Targets);
    let mut findings: Vec<Finding> = findings
        .into_iter()
        .filter(|it| !is_of_a_job(it.code))
        .chain(clock::against(&last_record, world.now))
        .collect();
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    let parts = [
        MissingPart::Policy,
        MissingPart::Manifest,
        MissingPart::Verdict,
    ];
    let is_incomplete = missing.iter().any(|it| parts.contains(&it.part));
    Ok(DoctorDocument {
        schema: "countersign.doctor.v1",
        at: world.now,
        would_block: is_incomplete || finding::any_blocks(&findings),
        findings,
        missing,
        host: HostDocument {
            may_hold_keys: match (&host, &policy) {
                (Some(host), Some(policy)) => Some(policy.topology.may_hold_keys(host)),
                _ => None,
            },
            key_hosts: rules.topology.key_hosts.clone(),
            name: host,
            user: User::current(world.surroundings.login_name.as_deref()).to_string(),
            system: OsFamily::current().as_str(),
        },
        directories: directories(&rules, world),
        mac: mac_document(),
        keychain,
        clock: ClockDocument {
            last_record: match last_record {
                Observation::Observed(last) => last,
                Observation::Unobserved { .. } => None,
            },
        },
        next: next(&expiries, &rules),
        expiries,
    })
}

/// The policy's keychain, and that it is to be looked into, if it is there.
fn keychain(
    policy: &Policy,
    world: &World,
    missing: &mut Vec<Missing>,
) -> (Option<KeychainSeen>, Option<Selection>) {
    let look = || {
        let selected: SelectedKeychain = selected::select(&Selection::default(), policy, world)?;
        let state = selected.backend.status(&selected.path)?;
        let identities = match state {
            LockState::Missing => 0,
            LockState::Locked | LockState::Unlocked => selected.identities()?.identities.len(),
        };
        Ok::<_, super::error::Error>(KeychainSeen {
            keychain: selected.path.clone(),
            backend: selected.backend.kind(),
            state,
            identities,
            password_is_kept: selected.kept_password().is_kept(),
        })
    };
    match look() {
        Ok(seen) => {
            let selection = (seen.state != LockState::Missing).then(|| Selection {
                path: Some(Path::new(seen.keychain.as_str()).to_owned()),
                backend: Some(seen.backend),
            });
            (Some(seen), selection)
        }
        Err(error) => {
            missing.push(Missing::of(MissingPart::Keychain, &error));
            (None, None)
        }
    }
}

/// Where countersign looks, in the order in which people look for a mistake.
fn directories(policy: &Policy, world: &World) -> Vec<ShownDirectory> {
    let shown = |used_for, path: &Path| ShownDirectory {
        used_for,
        path: path.display().to_string(),
        state: mac::look_at(path).into(),
    };
    let mut directories = Vec::new();
    directories.extend(world.home().map(|home| shown(DirectoryUse::Home, home)));
    for place in world.profile_directories(policy) {
        directories.push(shown(DirectoryUse::Profiles, &place.path));
    }
    if let Ok(state) = world.state_directory() {
        directories.push(shown(DirectoryUse::State, state.path()));
    }
    directories
}

/// What only a Mac has.
fn mac_document() -> Option<MacDocument> {
    if OsFamily::current() != OsFamily::MacOs {
        return None;
    }
    let xcodes = mac::xcodes(Path::new(mac::APPLICATIONS)).unwrap_or_default();
    let selected = mac::selected(Path::new(mac::SELECTED));
    Some(MacDocument {
        xcodes: xcodes
            .into_iter()
            .map(|xcode| ShownXcode {
                is_selected: selected
                    .as_ref()
                    .is_some_and(|it| it.starts_with(&xcode.path)),
                path: xcode.path.display().to_string(),
                version: xcode.version,
                build: xcode.build,
            })
            .collect(),
        session: mac::session(),
    })
}

/// What would make a gate block next, if nobody does anything: the first thing that comes within the policy's
/// `minimum_validity`. An intermediate is known by its name alone, so no verdict rests on it.
fn next(expiries: &[Expiry], policy: &Policy) -> Option<NextFailure> {
    let is_ahead = |it: &&Expiry| {
        it.what != Expiring::Intermediate && matches!(it.standing, Standing::Soon | Standing::Ok)
    };
    let first = expiries.iter().find(is_ahead)?;
    let minimum = policy.profiles.minimum_validity;
    Some(NextFailure {
        blocks_from: first.expires.checked_sub(minimum).unwrap_or(Timestamp::MIN),
        expiry: first.clone(),
    })
}

/// Whether a finding is about a job, and not about the machine: about its project, or that nobody showed its identities. What
/// the policy declares of products is no matter of a project.
fn is_of_a_job(code: Code) -> bool {
    let is_of_project = code.group() == Group::Targets && code != Code::ProductDiffers;
    is_of_project || code == Code::IdentitiesUnobserved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(expires: &str, standing: Standing) -> Expiry {
        Expiry {
            what: Expiring::Profile,
            name: "Rocket".to_owned(),
            id: expires.to_owned(),
            expires: expires.parse().unwrap(),
            days_left: 0,
            standing,
        }
    }

    #[test]
    fn the_next_failure_is_the_first_that_does_not_block_yet() {
        let expiries = [
            expiry("2026-01-01T00:00:00Z", Standing::Expired),
            expiry("2026-03-03T00:00:00Z", Standing::BelowMinimum),
            expiry("2026-03-20T00:00:00Z", Standing::Soon),
            expiry("2026-09-01T00:00:00Z", Standing::Ok),
        ];
        let next = next(&expiries, &Policy::builtin(None)).unwrap();
        assert_eq!(next.expiry.id, "2026-03-20T00:00:00Z");
        // The built-in minimum is seven days.
        assert_eq!(next.blocks_from.to_string(), "2026-03-13T00:00:00Z");
    }

    #[test]
    fn no_gate_blocks_because_of_an_intermediate() {
        let mut intermediate = expiry("2026-03-20T00:00:00Z", Standing::Soon);
        intermediate.what = Expiring::Intermediate;
        let expiries = [intermediate, expiry("2026-09-01T00:00:00Z", Standing::Ok)];
        let next = next(&expiries, &Policy::builtin(None)).unwrap();
        assert_eq!(next.expiry.what, Expiring::Profile);
    }
}
