//! Shadows: installed profiles that nobody pinned and that Xcode could choose instead of a pinned one.
//!
//! Xcode chooses by UUID, by name, or by what covers a target's bundle id ([`choices`](super::choices)), and asks nobody
//! whether a file is pinned. So each unpinned file is held against every pinned profile, in the ways in which a planned target
//! could come to it. A file that cannot be read as a profile may still be one to Xcode or to
//! the tools that sign: what was not observed is not passed, and the hint moves the file away.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::choices::Choices;
use super::coverage::Coverage;
use super::facts::{
    InstalledClaims, InstalledContent, InstalledFile, Observation, Observed, ObservedClaims,
};
use super::pins::Pins;
use crate::base::finding::{Code, Finding};
use crate::base::ids::BundleId;
use crate::base::remedy::Remedy;
use crate::base::shell;
use crate::context::manifest::PinnedProfile;

/// What the pinned profiles are held against.
pub(super) struct Shadows<'a> {
    pins: &'a Pins<'a>,
    by_name: HashMap<&'a str, &'a PinnedProfile>,
    coverage: Coverage<'a>,
    /// Files that were reported already: they stand where a pinned profile is missing.
    reported: HashSet<&'a Path>,
}

impl<'a> Shadows<'a> {
    /// Holds files against what is pinned. `reported` are the files that were reported already.
    pub(super) fn new(
        pins: &'a Pins<'a>,
        facts: &'a Observed,
        reported: HashSet<&'a Path>,
    ) -> Self {
        let choices = Choices::new(pins, facts);
        let mut by_name: HashMap<&str, &PinnedProfile> = HashMap::new();
        let mut by_coverage = Vec::new();
        for profile in pins.profiles() {
            let choice = choices.of(&profile.uuid, profile.state);
            if choice.by_name {
                by_name.entry(&profile.name).or_insert(profile);
            }
            if choice.by_coverage {
                by_coverage.push(profile);
            }
        }
        Self {
            pins,
            by_name,
            coverage: Coverage::new(by_coverage, &bundle_ids(pins, facts)),
            reported,
        }
    }

    /// What is wrong with an installed file.
    pub(super) fn check(&self, file: &InstalledFile) -> Option<Finding> {
        let (sha256, claims) = match &file.content {
            InstalledContent::Read { sha256, claims } => (sha256, claims),
            InstalledContent::Unreadable { problem } => {
                return self.unreadable(file).map(|finding| finding.found(problem));
            }
        };
        if self.pins.has_bytes(sha256) {
            return None;
        }
        let claims = match claims {
            ObservedClaims::Read(claims) => claims,
            ObservedClaims::Unreadable => return self.unreadable(file),
            ObservedClaims::Proven(_) | ObservedClaims::Unproven(_) => {
                return Some(
                    Finding::block(
                        Code::ProfilesUnobserved,
                        "the claims of an installed file were not looked at: another manifest pins it",
                    )
                    .in_file(&file.path)
                    .hint("look at the installed profiles again for this manifest"),
                );
            }
        };
        let same_uuid = claims
            .uuid
            .as_ref()
            .and_then(|uuid| self.pins.profile(uuid));
        if let Some((_, pinned)) = same_uuid
            && self.pins.is_installed(&pinned.sha256)
        {
            return Some(shadow(file, claims, pinned, "has the same UUID as"));
        }
        // It stands in the place of a pinned profile that is nowhere.
        if self.reported.contains(file.path.as_path()) {
            return None;
        }
        let Some(scope) = &claims.signs else {
            return self.unreadable(file);
        };
        let same_name = claims.name.as_deref();
        if let Some(pinned) = same_name.and_then(|name| self.by_name.get(name)) {
            return Some(shadow(file, claims, pinned, "has the same name as"));
        }
        let overlap = self.coverage.overlap(scope)?;
        let relation = match scope.bundle_id == overlap.pinned.bundle_id {
            true => "has the same team, bundle id and kind as".to_owned(),
            false => format!("covers {} with the same team and kind as", overlap.both),
        };
        Some(shadow(file, claims, overlap.pinned, &relation))
    }

    /// What cannot be read may be anything, and is told once.
    fn unreadable(&self, file: &InstalledFile) -> Option<Finding> {
        let is_told = self.reported.contains(file.path.as_path());
        (!is_told).then(|| {
            Finding::block(
                Code::ProfileUnreadable,
                "an installed file that is not pinned cannot be read as a profile, and Xcode could read it as one",
            )
            .in_file(&file.path)
            .hint(format!("move it away: `{}`", away(&file.path)))
        })
    }
}

/// The command that gives a file a name which is not a profile's.
fn away(path: &Path) -> String {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".aside");
    let aside = PathBuf::from(aside);
    format!("mv -- {} {}", shell::word(path), shell::word(&aside))
}

/// The bundle ids that are signed: of the pinned targets and products, and of those that the projects have.
fn bundle_ids<'a>(pins: &'a Pins<'a>, facts: &'a Observed) -> BTreeSet<&'a BundleId> {
    let observed = match &facts.targets {
        Observation::Observed(observed) => observed.targets.as_slice(),
        Observation::Unobserved { .. } => &[],
    };
    let observed = observed.iter().filter(|target| target.needs_profile());
    let observed = observed.filter_map(|target| Some(&target.bundle_id.as_ref()?.value));
    let pinned = pins.signed().map(|signed| signed.bundle_id);
    pinned.chain(observed).collect()
}

fn shadow(
    file: &InstalledFile,
    claims: &InstalledClaims,
    pinned: &PinnedProfile,
    relation: &str,
) -> Finding {
    let uuid = claims
        .uuid
        .as_ref()
        .map_or("no UUID".to_owned(), ToString::to_string);
    let age = match &claims.signs {
        Some(scope) if scope.created < pinned.created => "an older profile",
        Some(scope) if scope.created > pinned.created => "a newer profile",
        _ => "another profile",
    };
    let finding = Finding::block(
        Code::ProfileShadowed,
        format!(
            "{age} that is not pinned {relation} {}: Xcode could choose it instead",
            pinned.title()
        ),
    )
    .values(
        format!("only {} ({})", pinned.uuid, pinned.name),
        format!("{uuid} ({})", claims.name.as_deref().unwrap_or("no name")),
    )
    .in_file(&file.path)
    .of_profile(&pinned.uuid);
    if claims.uuid.as_ref() == Some(&pinned.uuid) {
        finding.hint("remove the file by hand, because pruning keeps files with a pinned UUID")
    } else {
        finding
            .hint("remove it, or pin it by freezing the manifest again")
            .remedy(Remedy::PruneProfiles)
    }
}
