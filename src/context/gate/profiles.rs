//! The *profiles* group: are the pinned profiles installed, unchanged and valid, and is there no other profile that
//! Xcode could choose instead?

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::expiry::Margins;
use super::facts::{
    Family, InstalledContent, InstalledFile, InstalledProfiles, Observation, Observed,
    ObservedClaims,
};
use super::pins::Pins;
use super::profile_directories;
use super::shadows::Shadows;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::manifest::{PinnedProfile, ProfileState};
use crate::context::policy::Policy;

/// Judges the installed profiles against the pinned ones.
pub fn check(policy: &Policy, pins: &Pins<'_>, facts: &Observed) -> Vec<Finding> {
    match &facts.profiles {
        Observation::Observed(installed) => {
            let view = View::new(pins, installed);
            let mut findings = profile_directories::check(policy, installed);
            let (of_pinned, reported) = view.pinned();
            findings.extend(of_pinned);
            // On most machines everything is pinned, and nothing can shadow anything.
            if !view.unpinned.is_empty() {
                let shadows = Shadows::new(pins, facts, reported);
                let unpinned = view.unpinned.iter();
                findings.extend(unpinned.filter_map(|file| shadows.check(file)));
            }
            findings.extend(parallel(pins));
            findings
        }
        Observation::Unobserved { why } => {
            vec![
                Finding::block(
                    Code::ProfilesUnobserved,
                    "the installed profiles were not looked at",
                )
                .found(why)
                .hint("name the directory of the installed profiles, or waive the group if the policy allows that")
                .remedy(Remedy::NameProfileDirectory),
            ]
        }
    }
}

/// Judges what is said of pinned profiles, whether or not their files were looked at: no waiver reaches it.
pub fn check_pinned(policy: &Policy, pins: &Pins<'_>, facts: &Observed) -> Vec<Finding> {
    let mut findings = validity(policy, pins, facts);
    if !policy.profiles.trust_anchors.is_empty() {
        findings.push(
            policy.at_rule(
                "profiles.trust_anchors",
                Finding::warn(
                    Code::ProfileAnchorNotApple,
                    "the policy trusts roots that are not Apple's, which is only for rehearsals",
                )
                .hint("remove profiles.trust_anchors from the policy before signing a release"),
            ),
        );
    }
    findings
}

/// Expiry of what is pinned.
fn validity(policy: &Policy, pins: &Pins<'_>, facts: &Observed) -> Vec<Finding> {
    let margins = Margins::of(policy);
    let mut findings = Vec::new();
    for (index, profile) in pins.profiles().iter().enumerate() {
        let near_end = margins.finding(
            (Code::ProfileExpired, Code::ProfileExpiresSoon),
            profile.expires,
            facts.now,
            |state| format!("profile {} {state}", profile.title()),
        );
        let Some(mut finding) = near_end else {
            continue;
        };
        if !pins.is_in_use(index) {
            finding.severity = match profile.state {
                // What comes in soon should not end before it signs.
                ProfileState::Incoming => Severity::Warn,
                // What is retiring no longer signs: its end is the plan.
                _ => Severity::Info,
            };
        }
        findings.push(
            finding
                .of_profile(&profile.uuid)
                .at_pointer(format!("/profiles/{index}/expires"))
                .hint("renew it at Apple's developer site, install the new file and freeze the manifest again")
                .remedy(Remedy::RenewProfile),
        );
    }
    findings
}

/// What a profile signs: two profiles of one scope can stand in for each other.
type Scope<'a> = (&'a str, &'a str, ProfileKind, Family);

fn scope_of(profile: &PinnedProfile) -> Scope<'_> {
    (
        profile.team_id.as_str(),
        profile.bundle_id.as_str(),
        profile.kind,
        Family::of(&profile.platforms),
    )
}

/// Pinned profiles that could stand in for each other: normal while old and new run in parallel.
fn parallel(pins: &Pins<'_>) -> Vec<Finding> {
    let count = pins.profiles().len();
    let mut first_by_name: HashMap<&str, &PinnedProfile> = HashMap::with_capacity(count);
    let mut first_by_scope: HashMap<Scope<'_>, &PinnedProfile> = HashMap::with_capacity(count);
    let mut findings = Vec::new();
    for profile in pins.profiles() {
        let same_name: &PinnedProfile = first_by_name.entry(&profile.name).or_insert(profile);
        let scope = first_by_scope.entry(scope_of(profile));
        let same_scope: &PinnedProfile = scope.or_insert(profile);
        let is_earlier = |first: &&PinnedProfile| !std::ptr::eq(*first, profile);
        let same_name = Some(same_name).filter(is_earlier);
        let same_scope = Some(same_scope).filter(is_earlier);
        let (first, message) = match (same_name, same_scope) {
            (Some(first), _) => (
                first,
                format!(
                    "two pinned profiles are named {:?}: the old one and the new one, in parallel",
                    profile.name
                ),
            ),
            (None, Some(first)) => (
                first,
                format!(
                    "two pinned {} profiles cover {}: the old one and the new one, in parallel",
                    profile.kind, profile.bundle_id
                ),
            ),
            (None, None) => continue,
        };
        findings.push(
            Finding::info(Code::ProfileShadowed, message)
                .values(
                    format!("{} ({})", first.uuid, first.state),
                    format!("{} ({})", profile.uuid, profile.state),
                )
                .of_profile(&profile.uuid)
                .hint("select the profile by UUID, not by name, until one of them is retired"),
        );
    }
    findings
}

/// Pins and disk, held against each other.
struct View<'a> {
    pins: &'a Pins<'a>,
    installed: &'a InstalledProfiles,
    /// Files whose bytes are not pinned, or are not known.
    unpinned: Vec<&'a InstalledFile>,
}

impl<'a> View<'a> {
    fn new(pins: &'a Pins<'a>, installed: &'a InstalledProfiles) -> Self {
        let files = installed.files.iter();
        let is_unpinned = |file: &&InstalledFile| match &file.content {
            InstalledContent::Read { sha256, .. } => !pins.has_bytes(sha256),
            InstalledContent::Unreadable { .. } => true,
        };
        Self {
            pins,
            installed,
            unpinned: files.filter(is_unpinned).collect(),
        }
    }

    /// Each pinned profile: installed, once, with the pinned bytes. Besides, the files that are told because one in use is not.
    fn pinned(&self) -> (Vec<Finding>, HashSet<&'a Path>) {
        let mut findings = Vec::new();
        let mut reported = HashSet::new();
        // By what they could be mistaken for.
        let mut strangers: HashMap<String, Vec<&'a InstalledFile>> = HashMap::new();
        for file in &self.unpinned {
            let mut keys = vec![file_name(&file.path).to_ascii_lowercase()];
            if let Some(ObservedClaims::Read(claims)) = file.claims() {
                let uuid = claims.uuid.iter();
                keys.extend(uuid.map(|uuid| uuid.as_str().to_ascii_lowercase()));
            }
            keys.dedup();
            for key in keys {
                strangers.entry(key).or_default().push(file);
            }
        }
        for (index, profile) in self.pins.profiles().iter().enumerate() {
            let copies = self.pins.copies(index);
            if copies.is_empty() {
                let uuid = profile.uuid.as_str().to_ascii_lowercase();
                let suspects = strangers
                    .get(&uuid)
                    .or_else(|| strangers.get(&profile.filename.to_ascii_lowercase()));
                let suspect = suspects.and_then(|files| files.first()).copied();
                if self.pins.is_in_use(index) {
                    reported.extend(suspect.map(|file| file.path.as_path()));
                }
                findings.push(absent(profile, index, suspect, self));
            } else {
                findings.extend(copies_beside(profile, copies));
            }
        }
        (findings, reported)
    }
}

/// A pinned profile without a file of its bytes.
fn absent(
    profile: &PinnedProfile,
    index: usize,
    suspect: Option<&InstalledFile>,
    view: &View<'_>,
) -> Finding {
    let finding = match suspect {
        Some(InstalledFile { path, content: InstalledContent::Read { sha256, .. } }) => {
            Finding::block(Code::ProfileBytesDiffer, format!("the installed profile {} differs from the pinned one", profile.title()))
                .values(format!("sha256:{}", profile.sha256), format!("sha256:{sha256}"))
                .in_file(path)
                .hint(
                    "install the pinned file again; if Apple issued a new one under this UUID, review it and freeze \
                     the manifest again",
                )
                .remedy(Remedy::InstallProfile)
        }
        Some(InstalledFile { path, content: InstalledContent::Unreadable { problem } }) => {
            Finding::block(Code::ProfileUnreadable, format!("the installed profile {} cannot be read", profile.title()))
                .found(problem)
                .in_file(path)
                .hint("repair its permissions, or install it again")
                .remedy(Remedy::InstallProfile)
        }
        None => {
            let looked_in: Vec<String> =
                view.installed.directories.iter().map(|directory| directory.path.display().to_string()).collect();
            let (hint, remedy) = match looked_in.is_empty() {
                // Xcode's directories lie below the home directory: nobody named others.
                true => ("set HOME, or name the directory of the installed profiles", Remedy::NameProfileDirectory),
                false => ("install it on this machine", Remedy::InstallProfile),
            };
            Finding::block(Code::ProfileMissing, format!("profile {} is not installed", profile.title()))
                .values(
                    format!("{} with sha256:{}", profile.filename, profile.sha256),
                    if looked_in.is_empty() { "no profile directory: the home directory is unknown".to_owned() } else { format!("nothing in {}", looked_in.join(", ")) },
                )
                .hint(hint)
                .remedy(remedy)
        }
    };
    let mut finding = finding.of_profile(&profile.uuid);
    if finding.place.file.is_none() {
        // Only the manifest can be pointed at.
        finding = finding.at_pointer(format!("/profiles/{index}"));
    }
    if !view.pins.is_in_use(index) {
        finding.severity = Severity::Warn;
    }
    finding
}

/// The same bytes a second time: harmless today, a shadow after the next rotation.
fn copies_beside<'a>(
    profile: &'a PinnedProfile,
    copies: &'a [&InstalledFile],
) -> impl Iterator<Item = Finding> + 'a {
    // The copy under the conventional name is the one that stays.
    let keeper = copies
        .iter()
        .position(|copy| file_name(&copy.path).eq_ignore_ascii_case(&profile.filename))
        .unwrap_or(0);
    copies
        .iter()
        .enumerate()
        .filter(move |(index, _)| *index != keeper)
        .map(move |(_, copy)| {
            let same_name = file_name(&copy.path).eq_ignore_ascii_case(&profile.filename);
            // Xcode 15 and 16 have a directory each; the same file in both is how both are served.
            let severity = if same_name {
                Severity::Info
            } else {
                Severity::Warn
            };
            Finding::new(
                Code::ProfileShadowed,
                severity,
                format!(
                    "profile {} is installed twice; Xcode could later choose the copy instead of its successor",
                    profile.title()
                ),
            )
            .values(
                format!(
                    "only {}",
                    copies
                        .get(keeper)
                        .map_or(profile.filename.clone(), |copy| copy
                            .path
                            .display()
                            .to_string())
                ),
                copy.path.display(),
            )
            .in_file(&copy.path)
            .of_profile(&profile.uuid)
            .hint("remove the copy")
        })
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
