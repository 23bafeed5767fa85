//! Rehearsal: a rotation is walked through the calendar before it is taken.
//!
//! The plan of a rotation is a list of steps: the manifest after each, and what lies on each machine. The calendar has the instants at
//! which something changes: now, the day on which the rotation must begin, each step, each expiry and the day after it. At each of them
//! every build is judged twice: each branch that is still released, on each machine.
//!
//! - The *real* gate judges it ([`gate::rehearse`]), with the files and identities that the machine will have by then.
//! - A small account of its own (`build`) says whether Xcode would fail. It shares no check with the gate, so the two can be
//!   compared. A build that would pass the gate and fail is what a rehearsal looks for.
//!
//! Then faults are put in (`faults`): a machine that was forgotten, a clock that is wrong, a certificate that is revoked, an old branch, a
//! crash between two files, half of a product, and successors that Apple never made.
//!
//! What a rehearsal cannot know is not judged, and the result says so: the targets of the projects at another instant; the identities of
//! a machine whose probe names none; the hour of a day, because each instant stands for its day. Who may waive these groups is no matter
//! here: nothing that a rehearsal says opens anything.
//!
//! What is planned for a machine is that somebody does what the guide says: installs the successors and imports the identity of a new
//! certificate with the first step, and removes both of the old ones when they retire. [`RehearsedNode`] counts what that is.
//!
//! The same values give the same result: there is no clock here, and no chance.

mod build;
mod calendar;
mod faults;
mod fleet;
mod holding;
mod plan;
mod walk;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::probe::NodeProbe;
use super::succession::Succession;
use crate::base::finding::{Code, Finding};
use crate::base::ids::HostName;
#[cfg(doc)]
use crate::context::gate;
use crate::context::gate::facts::ObservedTargets;
use crate::context::manifest::{Manifest, ManifestError, PinnedProfile};
use crate::context::policy::Policy;

/// So many instants are walked to; later ones are counted and left out.
pub const MOST_INSTANTS: usize = 400;

/// The name of the branch that the rotation changes. No other may have it.
pub const THIS_CHECKOUT: &str = "this checkout";

/// What is rehearsed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// The manifest at the start.
    pub manifest: &'a Manifest,
    /// What replaces what.
    pub pairs: &'a [Succession],
    /// What this machine holds: the one that the rotation is led from.
    pub own: &'a NodeProbe,
    /// What other machines hold; of each its newest probe counts.
    pub others: &'a [NodeProbe],
    /// The other branches that are still released.
    pub branches: &'a [Branch],
    /// Profiles that are known besides those of the manifests and the successors: what a file on a machine says is told by them.
    pub known: &'a [PinnedProfile],
    /// What the targets of the project at hand ask for: how Xcode comes to their profiles. Without them any way is thought possible.
    pub targets: Option<&'a ObservedTargets>,
    /// The instant from which on it is rehearsed.
    pub from: Timestamp,
}

/// A branch that is still released, by the manifest that it holds. No step of the rotation changes it.
#[derive(Debug, Clone)]
pub struct Branch {
    /// What somebody calls it.
    pub name: String,
    /// Its manifest.
    pub manifest: Manifest,
}

/// What came of a rehearsal.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// The steps, in their order.
    pub steps: Vec<RehearsedStep>,
    /// The instants, in their order.
    pub calendar: Vec<Moment>,
    /// How many later instants were left out.
    pub left_out: usize,
    /// The machines, this one first.
    pub nodes: Vec<RehearsedNode>,
    /// The branches: this checkout, which the rotation changes, then the others.
    pub branches: Vec<String>,
    /// What is said of the builds, in the order of instants and branches.
    pub builds: Vec<Builds>,
    /// What came of each fault.
    pub faults: Vec<RehearsedFault>,
    /// What is not right.
    pub findings: Vec<Finding>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedKind {
    /// Successors come in beside the active profiles.
    Stage,
    /// The successors of one product become active.
    Promote,
    /// The old profiles go.
    Retire,
}

impl PlannedKind {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Promote => "promote",
            Self::Retire => "retire",
        }
    }
}

/// A step of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RehearsedStep {
    /// What it does.
    pub step: PlannedKind,
    /// The product that changes sides; absent if the step is not about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// When it is taken in the plan (RFC 3339, UTC).
    pub at: Timestamp,
    /// The revision of the manifest afterwards.
    pub revision: u64,
    /// What taking it back comes to.
    pub rollback: Rollback,
}

impl RehearsedStep {
    /// The step, and its product if it has one.
    pub fn title(&self) -> String {
        match &self.product {
            Some(product) => format!("{} {product}", self.step.as_str()),
            None => self.step.as_str().to_owned(),
        }
    }
}

/// What a rollback comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rollback {
    /// Every build passes the gate again that passed it before.
    Restores,
    /// One that passed before is blocked now.
    DoesNotRestore,
    /// There is nothing to take back, or what is wrong is not in a file that a rollback writes.
    DoesNotApply,
}

impl Rollback {
    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restores => "restores a passing state",
            Self::DoesNotRestore => "DOES NOT RESTORE a passing state",
            Self::DoesNotApply => "does not apply",
        }
    }
}

/// An instant of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Moment {
    /// When (RFC 3339, UTC).
    pub at: Timestamp,
    /// What happens then.
    pub events: Vec<Event>,
    /// How many steps are taken by then.
    pub steps: usize,
}

impl Moment {
    /// What happens then, in words.
    pub fn title(&self) -> String {
        let events: Vec<String> = self.events.iter().map(Event::title).collect();
        events.join(", ")
    }
}

/// Something that happens at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Event {
    /// What.
    pub what: EventKind,
    /// To what: a few names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// To how many more.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Event {
    /// What happens, in words.
    pub fn title(&self) -> String {
        let word = self.what.as_str();
        let more = match self.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match self.names.is_empty() {
            true => word.to_owned(),
            false => format!("{word} {}{more}", self.names.join(", ")),
        }
    }
}

/// What happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The rehearsal begins.
    Now,
    /// A rotation must begin.
    BeginBy,
    /// The step `stage` is taken.
    Stage,
    /// The step `promote` is taken.
    Promote,
    /// The step `retire` is taken.
    Retire,
    /// The last instant at which a profile is valid.
    ProfileEnds,
    /// The last instant at which a certificate is valid.
    CertificateEnds,
    /// A day after something expired.
    DayAfter,
}

impl EventKind {
    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::BeginBy => "begin by",
            Self::Stage => "stage",
            Self::Promote => "promote",
            Self::Retire => "retire",
            Self::ProfileEnds => "end of profile",
            Self::CertificateEnds => "end of certificate",
            Self::DayAfter => "the day after",
        }
    }
}

/// A machine of the rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RehearsedNode {
    /// Its name.
    pub host: HostName,
    /// Whether it is the one that the rotation is led from.
    pub own: bool,
    /// How many successors are to be installed on it.
    pub installs: usize,
    /// The certificates, by common name and last six serial digits, whose identities are to be imported on it.
    pub imports: Vec<String>,
    /// Whether its identities are known: if not, they are not judged.
    pub identities_known: bool,
    /// How many installed files are of profiles that nobody here knows: they are not judged.
    pub unknown_files: usize,
}

/// What the gate and the account of the build say of one build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It passes the gate and builds.
    Passes,
    /// The gate blocks it, and it would fail.
    BlockedRightly,
    /// The gate blocks it, and it would build: by a margin or rule of the policy, or because something lies there that does no harm yet.
    BlockedThoughItWouldBuild,
    /// It passes the gate and fails.
    PassesThoughItWouldFail,
}

impl Outcome {
    /// The outcome of a build.
    pub fn of(is_blocked: bool, fails: bool) -> Self {
        match (is_blocked, fails) {
            (false, false) => Self::Passes,
            (true, true) => Self::BlockedRightly,
            (true, false) => Self::BlockedThoughItWouldBuild,
            (false, true) => Self::PassesThoughItWouldFail,
        }
    }

    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::BlockedRightly => "blocked rightly",
            Self::BlockedThoughItWouldBuild => "blocked though it would build",
            Self::PassesThoughItWouldFail => "passes though it would fail",
        }
    }
}

/// Why a build fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailCause {
    /// A profile that signs is not installed.
    ProfileAbsent,
    /// A profile that signs has expired.
    ProfileExpired,
    /// A certificate that signs has expired.
    CertificateExpired,
    /// The profile does not embed the certificate that signs.
    CertificateNotEmbedded,
    /// The private key of the certificate that signs is not there.
    IdentityAbsent,
    /// Xcode could choose another installed profile, which nobody pinned.
    OtherProfile,
    /// An extension and its app are signed with different certificates.
    CertificatesDiffer,
}

impl FailCause {
    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProfileAbsent => "a profile is not installed",
            Self::ProfileExpired => "a profile has expired",
            Self::CertificateExpired => "a certificate has expired",
            Self::CertificateNotEmbedded => "a profile does not embed its certificate",
            Self::IdentityAbsent => "a private key is not there",
            Self::OtherProfile => "Xcode could choose another profile",
            Self::CertificatesDiffer => "an extension has another certificate than its app",
        }
    }
}

/// What is said of the builds of one branch at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builds {
    /// The instant, by its place in the calendar.
    pub moment: usize,
    /// The branch, by its place.
    pub branch: usize,
    /// Machines of which the same is said, together.
    pub groups: Vec<SameBuilds>,
}

/// Machines of which the same is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameBuilds {
    /// What is said.
    pub said: Said,
    /// The machines, by their places.
    pub nodes: Vec<usize>,
}

/// What is said of one build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// In one word.
    pub outcome: Outcome,
    /// Why it fails, if it does.
    pub fails: Option<FailCause>,
    /// What the gate blocks it by, each code once.
    pub blocked_by: Vec<Code>,
}

impl Said {
    /// Whether the gate lets it start.
    pub fn passes(&self) -> bool {
        self.blocked_by.is_empty()
    }
}

/// A fault that is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A machine does not get the successors.
    NodeWithoutSuccessors,
    /// The clock of a machine is two days behind or ahead.
    SkewedClock,
    /// A certificate that signs is revoked, and its identity removed.
    CertificateRevoked,
    /// A branch keeps the manifest of the start.
    OldBranch,
    /// The command is killed between two files.
    CrashBetweenFiles,
    /// Only a part of a product is promoted.
    HalfOfAProduct,
    /// App Store Connect fails after the old profiles are deleted and before the successors are made: nothing is rotated.
    NoSuccessors,
}

impl FaultKind {
    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NodeWithoutSuccessors => "a machine does not get the successors",
            Self::SkewedClock => "a clock is two days behind or ahead",
            Self::CertificateRevoked => "a certificate is revoked",
            Self::OldBranch => "a branch keeps the old manifest",
            Self::CrashBetweenFiles => "the command is killed between two files",
            Self::HalfOfAProduct => "only a part of a product is promoted",
            Self::NoSuccessors => "the successors are never made",
        }
    }
}

/// What comes of a fault, over all machines and steps to which it can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RehearsedFault {
    /// The fault.
    pub fault: FaultKind,
    /// How many builds were rehearsed with it.
    pub builds: usize,
    /// How many of them pass the gate and build.
    pub pass: usize,
    /// How many the gate blocks, and they would fail.
    pub blocked_rightly: usize,
    /// How many the gate blocks, and they would build.
    pub blocked_though_they_would_build: usize,
    /// How many pass the gate and fail.
    pub pass_though_they_would_fail: usize,
    /// Why builds fail, each cause once.
    pub causes: Vec<FailCause>,
    /// What the gate blocks by, each code once.
    pub blocked_by: Vec<Code>,
    /// What a rollback comes to.
    pub rollback: Rollback,
    /// What keeps it from happening, where a gate sees it only if it reads the project; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prevented_by: Option<&'static str>,
}

/// Walks through a rotation.
///
/// # Errors
/// A step would make a manifest that cannot be used, as one with too high a revision.
pub fn rehearse(request: &Request<'_>) -> Result<Rehearsed, ManifestError> {
    walk::walk(request)
}
