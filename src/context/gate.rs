//! The gate: may this host sign with this manifest, now?
//!
//! [`judge`] is a function of values. It asks every group's check, collects all findings, and only when none of them
//! blocks does it mint a [`Cleared`], which is what opens a keychain later. Nothing else mints one, and it does not
//! last: a build that starts an hour after its gate must ask again.
//!
//! What was not observed is not passed: a group without facts blocks, unless it was waived by name, and a waiver stands
//! in the verdict, the receipt and the record.

pub mod certificates;
pub mod expiry;
pub mod facts;
pub mod identities;
pub mod manifest;
pub mod node;
pub mod profiles;
pub mod targets;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

pub use facts::Facts;
pub use identities::IdentityDigests;

use super::manifest::Manifest;
use super::plan;
use super::policy::Policy;
use crate::base::digest::Digest;
use crate::base::finding::{self, Finding, Group};
use crate::base::ids::{CertSha1, HostName, RegionName};

/// How long a clearance lasts: long enough to open the window that it was asked for, not to keep one in a drawer.
const CLEARANCE: SignedDuration = SignedDuration::from_mins(5);

/// Proof that the gate passed for this plan, on this host, until an instant. Only [`judge`] makes one.
///
/// It opens one window, so it cannot be copied:
///
/// ```compile_fail
/// fn twice(cleared: &countersign::context::gate::Cleared) -> countersign::context::gate::Cleared {
///     cleared.clone()
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Cleared {
    manifest: Digest,
    revision: u64,
    plan: Digest,
    host: HostName,
    region: Option<RegionName>,
    identities: Option<BTreeSet<CertSha1>>,
    until: Timestamp,
}

impl Cleared {
    /// Digest of the manifest that was judged.
    pub fn manifest(&self) -> Digest {
        self.manifest
    }

    /// Revision of the manifest that was judged.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Digest of the plan: which target is signed by which profile and certificate.
    pub fn plan_digest(&self) -> Digest {
        self.plan
    }

    /// The host that it was given to.
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// The region, where the policy knows regions.
    pub fn region(&self) -> Option<&RegionName> {
        self.region.as_ref()
    }

    /// The identities that were judged, by their certificates; `None` if they were waived.
    pub fn identities(&self) -> Option<&BTreeSet<CertSha1>> {
        self.identities.as_ref()
    }

    /// The last instant at which it may be used.
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

/// What the gate says.
#[derive(Debug)]
pub struct Verdict {
    /// The clearance, unless something blocks.
    pub cleared: Option<Cleared>,
    /// Everything that was found, in the order of reports.
    pub findings: Vec<Finding>,
    /// The groups that were not judged because somebody waived them by name.
    pub waived: BTreeSet<Group>,
    /// The digests of the identities that were observed.
    pub identities: IdentityDigests,
    /// The region that this host was judged to be in.
    pub region: Option<RegionName>,
}

/// Judges everything, and clears if nothing blocks.
pub fn judge(
    policy: &Policy,
    manifest: &Manifest,
    facts: &Facts,
    waived: &BTreeSet<Group>,
) -> Verdict {
    let asked = |group: Group| !waived.contains(&group);
    let mut findings = manifest::check(manifest, facts);
    findings.extend(profiles::check_pinned(policy, manifest, facts));
    if asked(Group::Profiles) {
        findings.extend(profiles::check(policy, manifest, facts));
    }
    findings.extend(certificates::check(policy, manifest, facts));
    let mut identities = IdentityDigests::default();
    if asked(Group::Identities) {
        let (found, digests) = identities::check(policy, manifest, facts);
        findings.extend(found);
        identities = digests;
    }
    if asked(Group::Targets) {
        findings.extend(targets::check(facts));
    }
    let (found, region) = node::check(policy, &facts.host, facts.region.as_ref(), facts.now);
    findings.extend(found);
    finding::sort(&mut findings);
    let cleared = (!finding::any_blocks(&findings)).then(|| Cleared {
        manifest: manifest.digest(),
        revision: manifest.revision(),
        plan: plan::digest(manifest.targets()),
        host: facts.host.clone(),
        region: region.clone(),
        identities: match &facts.identities {
            facts::Observation::Observed(seen) if asked(Group::Identities) => {
                Some(seen.identities.iter().map(|one| one.sha1).collect())
            }
            _ => None,
        },
        until: until(policy, manifest, facts.now),
    });
    Verdict {
        cleared,
        findings,
        waived: waived.clone(),
        identities,
        region,
    }
}

/// The clearance ends with the first of: its own time, the hours in which unlocking is allowed, a profile's validity.
fn until(policy: &Policy, manifest: &Manifest, now: Timestamp) -> Timestamp {
    let own = now.checked_add(CLEARANCE).unwrap_or(now);
    let hours = policy.keychain.allowed.closes_at(now);
    let in_use = manifest
        .profiles()
        .iter()
        .filter(|profile| manifest.is_in_use(profile));
    in_use
        .map(|profile| profile.expires)
        .chain(hours)
        .fold(own, Timestamp::min)
}
