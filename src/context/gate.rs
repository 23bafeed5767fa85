//! The gate: may this host sign with this manifest, now?
//!
//! There is one judgement, a function of values, and there are two ways to ask for it. [`judge`] takes [`LiveFacts`],
//! which only `host::observation` makes, and gives a [`Verdict`]. If nothing blocks, the verdict holds a [`Cleared`],
//! which later opens a keychain. [`rehearse`] takes [`PlannedFacts`], which any caller can make, and gives a
//! [`Rehearsal`]: the same findings, and whether they would clear. A rehearsal cannot become a clearance, a record or
//! an envelope:
//!
//! ```compile_fail,E0308
//! # use std::path::Path;
//! # use countersign::context::gate::{self, Asked, Verdict, facts::PlannedFacts};
//! # use countersign::context::{manifest::Manifest, policy::Policy};
//! fn judge_a_plan(policy: &Policy, manifest: &Manifest, planned: &PlannedFacts) -> Verdict {
//!     gate::judge(policy, manifest, planned, &Asked::default())
//! }
//! ```
//!
//! ```compile_fail,E0599
//! # use countersign::context::gate::{Cleared, Rehearsal};
//! fn open_with_a_rehearsal(rehearsal: Rehearsal) -> Option<Cleared> {
//!     rehearsal.into_parts().1
//! }
//! ```
//!
//! ```compile_fail,E0599
//! # use countersign::base::event::Event;
//! # use countersign::context::gate::Rehearsal;
//! fn record_a_rehearsal(rehearsal: &Rehearsal) -> Event {
//!     rehearsal.event()
//! }
//! ```
//!
//! ```compile_fail,E0308
//! # use countersign::base::event::Checkpoint;
//! # use countersign::context::{envelope, gate::Rehearsal, manifest::Manifest};
//! fn hand_a_rehearsal_on(rehearsal: &Rehearsal, manifest: &Manifest, audit: Checkpoint) {
//!     let statement = envelope::statement(rehearsal, manifest, "profiles.json", audit, true);
//! }
//! ```
//!
//! A clearance is valid from the instant of the judgement and only for a short time. A build that starts an hour
//! after its gate must ask again. So must a build whose clock shows a time before the judgement.
//!
//! The gate passes only what was observed. A group without facts blocks, unless it was waived by name and the policy
//! allows that. The verdict, the receipt and the record name the waiver.
//!
//! Without a policy nothing is cleared. A verdict alone can be had without one, if somebody waives the policy by name: it
//! says what was found, and there is no [`Cleared`] in it.

mod asked;
pub mod certificates;
mod choices;
pub mod clock;
mod coverage;
pub mod expiry;
pub mod facts;
pub mod identities;
pub mod inputs;
mod installer;
pub mod manifest;
pub mod node;
pub mod pins;
pub mod policy;
pub mod process;
mod profile_directories;
pub mod profiles;
mod shadows;
pub mod targets;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

pub use asked::{Asked, ExpectedDigest, Purpose};
use facts::{Evidence, LiveFacts, Observation, Observed, PlannedFacts, TrustAnchor};
use identities::IdentityDigests;
use pins::Pins;

use super::manifest::Manifest;
use super::policy::Policy;
use crate::base::digest::Digest;
use crate::base::event::{Action, Event, Outcome};
use crate::base::finding::{self, Code, Finding, Group, Severity};
use crate::base::ids::{CertSha1, HostName, RegionName};

/// How long a clearance lasts: long enough to open the window that it was asked for, not to keep one in a drawer.
const CLEARANCE: SignedDuration = SignedDuration::from_mins(5);

/// Proof that the gate passed for this plan, on this host, from one instant until another. Only [`judge`] makes one.
///
/// It opens one window, so it cannot be copied:
///
/// ```compile_fail,E0599
/// # use countersign::context::gate::Cleared;
/// fn twice(cleared: Cleared) -> (Cleared, Cleared) {
///     (cleared.clone(), cleared)
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Cleared {
    purpose: Purpose,
    policy: Digest,
    manifest: Digest,
    revision: u64,
    plan: Digest,
    host: HostName,
    region: Option<RegionName>,
    identities: Option<BTreeSet<CertSha1>>,
    from: Timestamp,
    until: Timestamp,
}

impl Cleared {
    /// What it was given for: only one for a run opens a keychain.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Digest of the policy that was judged by.
    pub fn policy(&self) -> Digest {
        self.policy
    }

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

    /// The instant that was judged: the first at which it may be used.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// The last instant at which it may be used.
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

/// What was found, of whatever facts. It is for people and reports to read; by itself it permits nothing.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The host that was judged.
    pub host: HostName,
    /// The instant that was judged.
    pub at: Timestamp,
    /// Digest of the policy that was judged by; absent if there is none or it could not be used.
    pub policy: Option<Digest>,
    /// The manifest that was judged; absent if the policy could not be used.
    pub manifest: Option<JudgedManifest>,
    /// The directories of installed profiles that were looked at, with their links resolved.
    pub profile_directories: Vec<PathBuf>,
    /// The roots that are believed besides Apple's, by the word of the policy.
    pub trust_anchors: Vec<TrustAnchor>,
    /// Whether the signatures of some pinned profiles were verified by an earlier gate alone, over the same bytes.
    pub proofs_are_remembered: bool,
    /// Everything that was found, in the order of reports.
    pub findings: Vec<Finding>,
    /// The groups that were not judged because somebody waived them by name.
    pub waived: BTreeSet<Group>,
    /// The digests of the identities that were observed.
    pub identities: IdentityDigests,
    /// The region that the host was judged to be in.
    pub region: Option<RegionName>,
    /// What the kernel and the loader say of the process that looked.
    pub evidence: Evidence,
}

/// What names a manifest that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JudgedManifest {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Its revision.
    pub revision: u64,
    /// Digest of its plan.
    pub plan: Digest,
}

impl JudgedManifest {
    fn of(manifest: &Manifest) -> Self {
        Self {
            digest: manifest.digest(),
            revision: manifest.revision(),
            plan: manifest.plan_digest(),
        }
    }
}

impl Judgement {
    /// Whether something was judged and nothing blocks. It may still clear nothing: without a policy there is no clearance.
    pub fn passes(&self) -> bool {
        self.manifest.is_some() && !finding::any_blocks(&self.findings)
    }

    /// The codes of the findings of this severity, each once, in their order.
    pub fn codes(&self, severity: Severity) -> Vec<finding::Code> {
        let mut codes: Vec<finding::Code> = Vec::new();
        for finding in &self.findings {
            if finding.severity == severity && !codes.contains(&finding.code) {
                codes.push(finding.code);
            }
        }
        codes
    }

    /// A judgement of nothing but these findings: the policy could not be used.
    fn of_findings(facts: &Observed, mut findings: Vec<Finding>) -> Self {
        finding::sort(&mut findings);
        Self {
            host: facts.host.clone(),
            at: facts.now,
            policy: None,
            manifest: None,
            profile_directories: Vec::new(),
            trust_anchors: Vec::new(),
            proofs_are_remembered: false,
            findings,
            waived: BTreeSet::new(),
            identities: IdentityDigests::default(),
            region: None,
            evidence: facts.evidence.clone(),
        }
    }
}

/// What the gate says of this machine, now. Only [`judge`] and [`refuse`] make one.
#[derive(Debug)]
pub struct Verdict {
    judgement: Judgement,
    cleared: Option<Cleared>,
}

impl Verdict {
    /// What was found.
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// The clearance, unless something blocks or there is no policy.
    pub fn cleared(&self) -> Option<&Cleared> {
        self.cleared.as_ref()
    }

    /// What was found, and the clearance, to be used.
    pub fn into_parts(self) -> (Judgement, Option<Cleared>) {
        (self.judgement, self.cleared)
    }

    /// The same with remarks that were made before anything was judged. One that blocks takes the clearance away.
    #[must_use]
    pub fn with_remarks(mut self, remarks: Vec<Finding>) -> Self {
        self.judgement.findings.extend(remarks);
        self.cleared = self.cleared.filter(|_| self.judgement.passes());
        self
    }

    /// The verdict as the audit log remembers it.
    pub fn event(&self) -> Event {
        let judgement = &self.judgement;
        let outcome = match judgement.passes() {
            true => Outcome::Done,
            false => Outcome::Refused,
        };
        let mut event = Event::new(Action::Gate, outcome);
        if let Some(policy) = judgement.policy {
            event = event.detail("policy", policy);
        }
        if let Some(manifest) = &judgement.manifest {
            event = event
                .detail("manifest", manifest.digest)
                .detail("revision", manifest.revision);
        }
        if let Some(canonical) = judgement.identities.canonical {
            event = event.detail("identities", canonical);
        }
        if !judgement.waived.is_empty() {
            event = event.detail("waived", listed(&judgement.waived, |group| group.as_str()));
        }
        if !judgement.profile_directories.is_empty() {
            let directories = &judgement.profile_directories;
            let shown = listed(directories, |directory| directory.display());
            event = event.detail("profile-directories", shown);
        }
        if !judgement.trust_anchors.is_empty() {
            let anchors = listed(&judgement.trust_anchors, ToString::to_string);
            event = event.detail("trust-anchors", anchors);
        }
        if judgement.proofs_are_remembered {
            event = event.detail("proofs", "remembered");
        }
        let evidence = &judgement.evidence;
        let preloaded = evidence.preloaded.as_ref();
        let preloaded = preloaded.map_or("unknown".to_owned(), |found| match found.as_slice() {
            [] => "none".to_owned(),
            found => listed(found, String::as_str),
        });
        event = event
            .detail("host", evidence.host.as_str())
            .detail("user-namespace", evidence.user_namespace.as_str())
            .detail("uts-namespace", evidence.uts_namespace.as_str())
            .detail("preloaded", preloaded);
        for (severity, name) in [
            (Severity::Block, "blocked-by"),
            (Severity::Warn, "warnings"),
        ] {
            let codes = judgement.codes(severity);
            if !codes.is_empty() {
                event = event.detail(name, listed(&codes, |code| code.as_str()));
            }
        }
        event
    }
}

/// Many things as one detail of a record.
fn listed<'a, T: 'a, S: fmt::Display>(
    things: impl IntoIterator<Item = &'a T>,
    shown: impl Fn(&'a T) -> S,
) -> String {
    let shown: Vec<String> = things
        .into_iter()
        .map(|thing| shown(thing).to_string())
        .collect();
    shown.join(",")
}

/// What the gate would say of a planned state. It opens nothing, records nothing and hands nothing on.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    judgement: Judgement,
    until: Option<Timestamp>,
}

impl Rehearsal {
    /// What was found.
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// The last instant of the clearance that a machine in this state would get; `None` if it would get none.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// The same with remarks that were made before anything was judged.
    #[must_use]
    pub fn with_remarks(mut self, remarks: Vec<Finding>) -> Self {
        self.judgement.findings.extend(remarks);
        self.until = self.until.filter(|_| self.judgement.passes());
        self
    }
}

/// Judges this machine, and clears it if nothing blocks.
pub fn judge(policy: &Policy, manifest: &Manifest, facts: &LiveFacts, asked: &Asked) -> Verdict {
    let facts = facts.observed();
    let judged = JudgedManifest::of(manifest);
    let pins = pins_of(policy, manifest, facts, asked);
    let judgement = judgement(policy, manifest, judged, &pins, facts, asked);
    // Nobody answers for the built-in defaults: without a policy nothing is cleared, whatever passes.
    let by = policy.digest().filter(|_| judgement.passes());
    let cleared = by.map(|digest| Cleared {
        purpose: asked.purpose,
        policy: digest,
        manifest: judged.digest,
        revision: judged.revision,
        plan: judged.plan,
        host: facts.host.clone(),
        region: judgement.region.clone(),
        identities: match &facts.identities {
            Observation::Observed(seen) if !asked.waived.contains(&Group::Identities) => Some(
                seen.identities
                    .iter()
                    .map(|identity| identity.sha1)
                    .collect(),
            ),
            _ => None,
        },
        from: facts.now,
        until: until(policy, &pins, facts.now),
    });
    Verdict { judgement, cleared }
}

/// Refuses this machine because its policy cannot be used: nothing else is judged.
pub fn refuse(facts: &LiveFacts, findings: Vec<Finding>) -> Verdict {
    Verdict {
        judgement: Judgement::of_findings(facts.observed(), findings),
        cleared: None,
    }
}

/// Judges a planned state as [`judge`] would judge a machine in that state.
pub fn rehearse(
    policy: &Policy,
    manifest: &Manifest,
    facts: &PlannedFacts,
    asked: &Asked,
) -> Rehearsal {
    let facts = facts.observed();
    let judged = JudgedManifest::of(manifest);
    let pins = pins_of(policy, manifest, facts, asked);
    let judgement = judgement(policy, manifest, judged, &pins, facts, asked);
    let by = policy.digest().filter(|_| judgement.passes());
    let until = by.map(|_| until(policy, &pins, facts.now));
    Rehearsal { judgement, until }
}

/// What [`refuse`] would say of a machine in a planned state.
pub fn rehearse_refusal(facts: &PlannedFacts, findings: Vec<Finding>) -> Rehearsal {
    Rehearsal {
        judgement: Judgement::of_findings(facts.observed(), findings),
        until: None,
    }
}

fn pins_of<'a>(
    policy: &'a Policy,
    manifest: &'a Manifest,
    facts: &'a Observed,
    asked: &Asked,
) -> Pins<'a> {
    let installed = match &facts.profiles {
        Observation::Observed(installed) if !asked.waived.contains(&Group::Profiles) => {
            Some(installed)
        }
        _ => None,
    };
    Pins::new(policy, manifest, installed)
}

/// The one judgement: asks every group's check and collects all findings.
fn judgement(
    policy: &Policy,
    manifest: &Manifest,
    judged: JudgedManifest,
    pins: &Pins<'_>,
    facts: &Observed,
    asked: &Asked,
) -> Judgement {
    let is_judged = |group: Group| !asked.waived.contains(&group);
    let mut findings = policy::check(policy, asked);
    findings.extend(manifest::check(manifest, asked));
    findings.extend(pins.check(asked.purpose));
    findings.extend(profiles::check_pinned(policy, pins, facts));
    match is_judged(Group::Profiles) {
        true => findings.extend(profiles::check(policy, pins, facts)),
        false => findings.extend(pins.at_their_word()),
    }
    let pinned = certificates::by_sha1(pins);
    findings.extend(certificates::check(policy, pins, &pinned, facts));
    let mut identities = IdentityDigests::default();
    if is_judged(Group::Identities) {
        let (found, digests) = identities::check(policy, pins, &pinned, facts, asked.signing);
        findings.extend(found);
        findings.extend(installer::check(pins, facts, asked));
        identities = digests;
    }
    if is_judged(Group::Targets) {
        let mut found = targets::check(policy, pins, facts, asked);
        // A key that is missing is told once.
        let is_missing = |finding: &Finding| finding.code == Code::IdentityMissing;
        if findings.iter().any(is_missing) {
            found.retain(|finding| !is_missing(finding));
        }
        findings.extend(found);
    }
    let (found, region) = node::check(policy, &facts.host, asked.region.as_ref(), facts.now);
    findings.extend(found);
    findings.extend(clock::check(facts));
    findings.extend(process::check(policy, &facts.evidence));
    finding::sort(&mut findings);
    let installed = match &facts.profiles {
        Observation::Observed(installed) => Some(installed),
        Observation::Unobserved { .. } => None,
    };
    Judgement {
        host: facts.host.clone(),
        at: facts.now,
        policy: policy.digest(),
        manifest: Some(judged),
        profile_directories: installed.map_or(Vec::new(), |installed| {
            let directories = installed.directories.iter();
            directories
                .map(|directory| directory.resolved.clone())
                .collect()
        }),
        trust_anchors: installed.map_or(Vec::new(), |installed| installed.trust_anchors.clone()),
        proofs_are_remembered: pins.are_remembered(),
        findings,
        waived: asked.waived.clone(),
        identities,
        region,
        evidence: facts.evidence.clone(),
    }
}

/// The clearance ends with the first of: its own time, the hours in which unlocking is allowed, a profile's validity.
fn until(policy: &Policy, pins: &Pins<'_>, now: Timestamp) -> Timestamp {
    let own = now.checked_add(CLEARANCE).unwrap_or(now);
    let hours = policy.keychain.allowed.closes_at(now);
    pins.in_use()
        .map(|profile| profile.expires)
        .chain(hours)
        .fold(own, Timestamp::min)
}
