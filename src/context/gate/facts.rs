//! The facts that the gate judges, as plain values, and who made them.
//!
//! Observing is `host/`'s work and judging is the gate's, so that one judgement serves a live signer, a laptop and a
//! planned state of next month. What differs is what may follow from the judgement, so there are two types:
//!
//! - [`LiveFacts`] are this machine's, now. Only `host::observation` makes them, by looking. What the gate concludes from
//!   them can open a keychain, be recorded and be handed on.
//! - [`PlannedFacts`] are anything that a person or a test asks about. What the gate concludes from them is an answer and
//!   nothing else.
//!
//! [`Observed`] holds observations and no conclusions: targets as the projects describe them, not the findings about
//! them. A group that nobody could observe is [`Observation::Unobserved`], which is not the same as "observed, and empty".
//!
//! ```compile_fail,E0451
//! // Nobody declares facts to be live.
//! # use countersign::context::gate::facts::{LiveFacts, Observed};
//! fn forge(observed: Observed) -> LiveFacts {
//!     LiveFacts { observed }
//! }
//! ```
//!
//! ```compile_fail,E0624
//! # use countersign::context::gate::facts::{LiveFacts, Observed};
//! fn forge(observed: Observed) -> LiveFacts {
//!     LiveFacts::of_this_machine(observed)
//! }
//! ```
//!
//! ```compile_fail,E0308
//! # use countersign::context::gate::facts::{LiveFacts, PlannedFacts};
//! fn forge(planned: PlannedFacts) -> LiveFacts {
//!     planned
//! }
//! ```

mod evidence;

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apple::profile::ProfileKind;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::ids::{
    BundlePattern, CertSha1, CertSha256, ConfigurationName, FileSha256, HostName, ProfileUuid,
    TeamId,
};
use crate::context::manifest::{FactsDigest, Manifest, PinnedProfile};
use crate::context::plan::LookedAt;
use crate::context::products::ObservedProduct;
use crate::xcode::archive::{ArchivedProduct, ChosenScheme};
use crate::xcode::platform::Platform;
use crate::xcode::sources::Sources;
use crate::xcode::targets::SigningTarget;

/// Facts, or why there are none.
#[derive(Debug, Clone)]
pub enum Observation<T> {
    /// They were looked at.
    Observed(T),
    /// They could not be, or nobody asked for it.
    Unobserved {
        /// Why, and what to give so that they can.
        why: String,
    },
}

impl<T> Observation<T> {
    /// Nobody looked, and why.
    pub fn unobserved(why: impl Into<String>) -> Self {
        Self::Unobserved { why: why.into() }
    }
}

pub use self::evidence::{Evidence, HostEvidence, Namespace};

/// Everything that one judgement is about.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The host that is judged.
    pub host: HostName,
    /// The instant at which it is judged: when the looking began.
    pub now: Timestamp,
    /// The latest time that the audit log of this machine knows of; `None` if it has no records.
    pub last_record: Observation<Option<Timestamp>>,
    /// What the kernel and the loader say of the process that looked.
    pub evidence: Evidence,
    /// What lies in the profile directories.
    pub profiles: Observation<InstalledProfiles>,
    /// Private keys with their certificates.
    pub identities: Observation<Identities>,
    /// What the projects ask for.
    pub targets: Observation<Arc<ObservedTargets>>,
    /// What the products are signed with that the policy declares, in its order.
    pub products: Vec<ObservedProduct>,
}

/// What was observed of this machine by looking at it. Only `host::observation` makes them.
#[derive(Debug)]
pub struct LiveFacts {
    observed: Observed,
}

impl LiveFacts {
    /// Vouches that `observed` is what this machine is like at `observed.now`. The only caller is `host::observation`;
    /// `tests/architecture.rs` holds that.
    pub(crate) fn of_this_machine(observed: Observed) -> Self {
        Self { observed }
    }

    /// What was observed.
    pub fn observed(&self) -> &Observed {
        &self.observed
    }
}

/// What a rehearsal or a test asks about: any machine, at any instant, in any state.
#[derive(Debug, Clone)]
pub struct PlannedFacts {
    observed: Observed,
}

impl PlannedFacts {
    /// Asks about this state.
    pub fn new(observed: Observed) -> Self {
        Self { observed }
    }

    /// Asks about the same state at another instant, at which the audit log knows of this time.
    #[must_use]
    pub fn moved_to(mut self, now: Timestamp, last_record: Option<Timestamp>) -> Self {
        self.observed.now = now;
        self.observed.last_record = Observation::Observed(last_record);
        self
    }

    /// What is asked about.
    pub fn observed(&self) -> &Observed {
        &self.observed
    }
}

/// What the targets of the named projects ask of signing, as the projects say it.
#[derive(Clone)]
pub struct ObservedTargets {
    /// The projects that were read, by the names that a manifest calls them (`App.xcodeproj`).
    pub projects: Vec<String>,
    /// The selected targets.
    pub targets: Vec<SigningTarget>,
    /// What is not right with the projects themselves, whatever there is to sign with.
    pub findings: Vec<Finding>,
    /// What was selected.
    pub selection: TargetSelection,
    /// What is archived.
    pub archive: ObservedArchive,
    /// The files of the projects, to find the lines of claims in.
    pub sources: Arc<dyn Sources + Send + Sync>,
}

impl ObservedTargets {
    /// What was looked at, to be held against what should have been.
    pub fn looked_at(&self) -> LookedAt<'_> {
        LookedAt {
            targets: &self.targets,
            projects: &self.projects,
            is_selection: !self.selection.is_everything(),
            configurations: &self.archive.configurations,
        }
    }
}

impl fmt::Debug for ObservedTargets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedTargets")
            .field("projects", &self.projects)
            .field("targets", &self.targets)
            .field("findings", &self.findings)
            .field("selection", &self.selection)
            .field("archive", &self.archive)
            .finish_non_exhaustive()
    }
}

/// What is archived of the projects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedArchive {
    /// The scheme that says so; none if nothing tells which is meant.
    pub scheme: Option<ChosenScheme>,
    /// The products: what no other target holds.
    pub products: Vec<ArchivedProduct>,
    /// The configurations that were read; empty: all.
    pub configurations: Vec<ConfigurationName>,
}

/// Which of a project's targets are meant. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetSelection {
    /// Only targets with these names; empty: all.
    pub targets: Vec<String>,
    /// Only these build configurations; empty: all.
    pub configurations: Vec<ConfigurationName>,
    /// Only this platform.
    pub platform: Option<Platform>,
    /// What this scheme archives; none: what is meant is told from all of them.
    pub scheme: Option<String>,
}

impl TargetSelection {
    /// Whether it leaves no target and platform out of what is archived.
    pub fn is_everything(&self) -> bool {
        self.targets.is_empty() && self.platform.is_none()
    }
}

/// What lies in the directories that Xcode takes profiles from.
#[derive(Debug, Clone, Default)]
pub struct InstalledProfiles {
    /// The directories, in the order in which they were looked at.
    pub directories: Vec<ProfileDirectory>,
    /// The files in them that are named like profiles.
    pub files: Vec<InstalledFile>,
    /// The roots that are believed besides Apple's.
    pub trust_anchors: Vec<TrustAnchor>,
}

/// A root that is believed besides Apple's, because the policy names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrustAnchor {
    /// Whose it is: the common name of its certificate, which anybody can choose.
    pub name: String,
    /// SHA-256 of the certificate's DER encoding, hex.
    pub sha256: CertSha256,
}

impl fmt::Display for TrustAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.sha256)
    }
}

/// A directory of profiles.
#[derive(Debug, Clone)]
pub struct ProfileDirectory {
    /// Where, as somebody named it.
    pub path: PathBuf,
    /// Where, absolute and with its links resolved, as far as that could be told.
    pub resolved: PathBuf,
    /// What the user who signs may change of it, where somebody asked for that.
    pub access: Option<DirectoryAccess>,
    /// Why what lies here may be wiped, if it may.
    pub ephemeral: Option<String>,
}

/// What the user who signs may change of a directory of profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryAccess {
    /// That user is root, who may change everything: nothing else was looked at.
    pub is_root: bool,
    /// What they may change: the directory, files in it, what links in it lead to and through; or that it is not known.
    pub changes: Vec<Change>,
    /// Directories on the way, in which they may put something else in the place of the next one.
    pub replaceable: BTreeSet<PathBuf>,
}

/// Something that the user who signs may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub path: PathBuf,
    /// By which right.
    pub right: ChangeRight,
}

/// By which right somebody may change something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeRight {
    /// It belongs to them, so they may give themselves every permission.
    Owner,
    /// They may write to it.
    Write,
    /// It does not exist, and they may create it.
    Create,
    /// That could not be told.
    Unknown(String),
}

impl fmt::Display for ChangeRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("it belongs to this user"),
            Self::Write => f.write_str("this user may write to it"),
            Self::Create => f.write_str("it does not exist, and this user may create it"),
            Self::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}

/// A file that is named like a profile.
#[derive(Debug, Clone)]
pub struct InstalledFile {
    /// Where.
    pub path: PathBuf,
    /// What was found in it.
    pub content: InstalledContent,
}

impl InstalledFile {
    /// What was observed of its claims, if it could be read.
    pub fn claims(&self) -> Option<&ObservedClaims> {
        match &self.content {
            InstalledContent::Read { claims, .. } => Some(claims),
            InstalledContent::Unreadable { .. } => None,
        }
    }
}

/// What a file that is named like a profile holds.
#[derive(Debug, Clone)]
pub enum InstalledContent {
    /// It could not be read from the disk.
    Unreadable {
        /// Why.
        problem: String,
    },
    /// It was read.
    Read {
        /// SHA-256 of its bytes.
        sha256: FileSha256,
        /// What it says.
        claims: ObservedClaims,
    },
}

/// What was observed of an installed file's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObservedClaims {
    /// The manifest that was looked at pins these bytes, and both signatures hold: what the file says is a fact.
    Proven(FileFacts),
    /// The manifest that was looked at pins these bytes, and they are not proven: at least one finding that blocks.
    Unproven(Vec<Finding>),
    /// It cannot be read as a profile.
    Unreadable,
    /// This is what it claims.
    Read(InstalledClaims),
}

/// What a proven file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    digest: FactsDigest,
    /// The manifest that was looked at, if each of its entries for the file says just this.
    manifest: Option<Digest>,
    /// What it says, unless such an entry says it.
    differing: Option<Box<PinnedProfile>>,
    is_remembered: bool,
}

impl FileFacts {
    /// The file says what its entries say in the manifest with this digest.
    pub fn as_pinned(digest: FactsDigest, manifest: Digest) -> Self {
        Self {
            digest,
            manifest: Some(manifest),
            differing: None,
            is_remembered: false,
        }
    }

    /// The same by the word of an earlier look, which proved the same bytes.
    pub fn remembered(digest: FactsDigest, manifest: Digest) -> Self {
        Self {
            is_remembered: true,
            ..Self::as_pinned(digest, manifest)
        }
    }

    /// The file says this, as freezing would write it. Its state is not the file's.
    pub fn new(says: PinnedProfile) -> Self {
        Self {
            digest: FactsDigest::of(&says),
            manifest: None,
            differing: Some(Box::new(says)),
            is_remembered: false,
        }
    }

    /// Whether an earlier look proved it.
    pub fn is_remembered(&self) -> bool {
        self.is_remembered
    }

    /// The digest of what the file says.
    pub fn digest(&self) -> FactsDigest {
        self.digest
    }

    /// Whether that is what the entry at `index` of the manifest says, which is one for this file.
    pub fn are_those_of(&self, manifest: &Manifest, index: usize) -> bool {
        self.manifest == Some(manifest.digest()) || manifest.facts(index) == Some(self.digest)
    }

    /// What the file says, where that is known in full: always, if it is not what the manifest says that was looked at.
    pub fn in_full(&self) -> Option<&PinnedProfile> {
        self.differing.as_deref()
    }
}

/// What an installed file claims, proven or not: Xcode does not ask for proof when it chooses by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledClaims {
    /// `UUID`.
    pub uuid: Option<ProfileUuid>,
    /// `Name`.
    pub name: Option<String>,
    /// The rest, where the file is complete.
    pub signs: Option<InstalledScope>,
}

/// The systems that a profile is for, as far as they keep profiles apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// iOS, watchOS and visionOS, which share profiles.
    Ios,
    /// tvOS.
    Tvos,
    /// macOS and Catalyst.
    Mac,
}

impl Family {
    /// The family of a profile's `Platform` values.
    pub fn of(platforms: &[String]) -> Self {
        let has = |names: &[&str]| {
            platforms
                .iter()
                .any(|platform| names.contains(&platform.as_str()))
        };
        if has(&["OSX", "macOS"]) {
            Self::Mac
        } else if has(&["tvOS"]) && !has(&["iOS"]) {
            Self::Tvos
        } else {
            Self::Ios
        }
    }
}

/// What an installed profile would sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledScope {
    /// The team.
    pub team_id: TeamId,
    /// The bundle ids.
    pub bundle_id: BundlePattern,
    /// The kind.
    pub kind: ProfileKind,
    /// For which systems: profiles of different families never stand in for each other.
    pub family: Family,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
}

/// Private keys with their certificates, from a keychain, a captured `find-identity` or a p12.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    /// Where they were seen, for messages.
    pub source: String,
    /// Each once.
    pub identities: Vec<Identity>,
    /// SHA-1 of what `find-identity` printed, where that is the source.
    pub compatible: Option<Digest>,
}

impl Identities {
    /// The certificates that can sign here: those with a private key, of which the source says nothing bad.
    pub fn usable(&self) -> HashSet<CertSha1> {
        let usable = self.identities.iter();
        let usable = usable.filter(|identity| identity.problem.is_none());
        usable.map(|identity| identity.sha1).collect()
    }
}

/// One private key with its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// SHA-1 of the certificate.
    pub sha1: CertSha1,
    /// SHA-256 of the certificate, where its bytes or a pinned profile tell it.
    pub sha256: Option<CertSha256>,
    /// How the source names it: the common name.
    pub label: String,
    /// Why it cannot sign, if the source says so (`CSSMERR_TP_NOT_TRUSTED`, …).
    pub problem: Option<String>,
    /// When its certificate expires, where its bytes tell it.
    pub expires: Option<Timestamp>,
}
