//! What the gate judges: the world as it was observed, as values.
//!
//! Gathering facts is `host/`'s work and judging them the gate's, so that the same judgement runs on a live signer, on
//! a laptop and on a planned state of next month. A group whose facts could not be had is [`Observation::Unobserved`],
//! which is not the same as "observed, and empty".

use std::path::PathBuf;

use jiff::Timestamp;

use crate::apple::profile::ProfileKind;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::ids::{
    BundlePattern, CertSha1, CertSha256, FileSha256, HostName, ProfileUuid, RegionName, TeamId,
};

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

/// Everything that is observed for one judgement.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The instant at which it is judged.
    pub now: Timestamp,
    /// This host.
    pub host: HostName,
    /// The region that was asked for (`--region`).
    pub region: Option<RegionName>,
    /// The manifest digest that was asked for, and the manifest's own in the same algorithm.
    pub expected_manifest: Option<ExpectedDigest>,
    /// The lowest revision that is acceptable (`--minimum-revision`).
    pub minimum_revision: Option<u64>,
    /// What lies in the profile directories.
    pub profiles: Observation<InstalledProfiles>,
    /// Private keys with their certificates.
    pub identities: Observation<Identities>,
    /// The identity digest that was asked for (`--expect-signing`).
    pub expected_signing: Option<Digest>,
    /// Findings about the targets of the projects that were named.
    pub targets: Observation<Vec<Finding>>,
}

/// A digest that was asked for beside what was found.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedDigest {
    /// Asked for.
    pub expected: Digest,
    /// Found, in the same algorithm.
    pub found: Digest,
}

/// What lies in the directories that Xcode takes profiles from.
#[derive(Debug, Clone, Default)]
pub struct InstalledProfiles {
    /// The directories, in the order in which they were looked at.
    pub directories: Vec<ProfileDirectory>,
    /// The files in them that are named like profiles.
    pub files: Vec<InstalledFile>,
}

/// A directory of profiles.
#[derive(Debug, Clone)]
pub struct ProfileDirectory {
    /// Where.
    pub path: PathBuf,
    /// Whether this user may write to it, where that could be told.
    pub writable: Option<bool>,
    /// Why what lies here may be wiped, if it may.
    pub wipeable: Option<String>,
}

/// A file that is named like a profile.
#[derive(Debug, Clone)]
pub struct InstalledFile {
    /// Where.
    pub path: PathBuf,
    /// What was found in it.
    pub content: InstalledContent,
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
        /// What it claims to be: not looked at for bytes that are pinned.
        claims: Option<InstalledClaims>,
        /// Why it was not proven, where signatures were proven again (`--prove`); empty where they held.
        proof: Option<Vec<Finding>>,
    },
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
