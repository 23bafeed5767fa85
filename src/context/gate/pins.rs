//! What is judged of the manifest: its pins, and of each pinned profile what its file says.
//!
//! The manifest is the pin, the file is the fact. Every check of the gate takes what a decision rests on (expiry,
//! certificates, team, bundle id, kind, platforms, entitlements) from here, and here it comes from the proven file. Where
//! the manifest's entry says otherwise that blocks, and the checks go on with what the file says.
//!
//! An entry is taken at its word only where no proven file is at hand: where the profiles are waived, which the verdict
//! names; where the profile is missing or not proven, which blocks if anything is signed with it; and else for a profile
//! that is incoming or retiring. Nothing rests on the last kind: its certificates do not count as pinned.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::asked::Purpose;
use super::facts::{InstalledContent, InstalledFile, InstalledProfiles, ObservedClaims};
use crate::base::finding::{Code, Finding};
use crate::base::ids::{BundleId, CertSha256, FileSha256, ProfileUuid};
use crate::context::manifest::{
    Manifest, PinnedArchive, PinnedProduct, PinnedProfile, PinnedTarget, verify,
};
use crate::context::policy::Policy;

/// The manifest as it is judged.
pub struct Pins<'a> {
    manifest: &'a Manifest,
    /// As the files say; in the order of the manifest.
    profiles: Cow<'a, [PinnedProfile]>,
    /// What became of the file of each.
    files: Vec<File<'a>>,
    /// What is installed.
    installed: Installed<'a>,
    /// Profiles that the policy gives to targets by hand.
    given: HashSet<&'a ProfileUuid>,
}

/// What became of the file of a pinned profile.
#[derive(Debug, Clone, Copy)]
enum File<'a> {
    /// It is proven and says what the entry says; perhaps it was proven by an earlier look.
    AsPinned { is_remembered: bool },
    /// It is proven and says something else.
    Differs,
    /// It is there and not proven, for these reasons.
    Unproven(&'a InstalledFile, &'a [Finding]),
    /// It is there, and what it says is not known: it was looked at for another manifest.
    NotLookedAt(&'a InstalledFile),
    /// No file has these bytes.
    Absent,
    /// Nobody looked.
    Unobserved,
}

/// A target or a product, and what the manifest pins it to.
pub(super) struct Signed<'a> {
    /// `target` or `product`.
    pub(super) what: &'static str,
    /// Where it stands in its list.
    pub(super) index: usize,
    pub(super) name: &'a str,
    pub(super) bundle_id: &'a BundleId,
    pub(super) profile: &'a ProfileUuid,
    pub(super) certificate: CertSha256,
}

impl<'a> Pins<'a> {
    /// The pins of `manifest`, with what the files say that are installed; without these, with what the entries say.
    pub fn new(
        policy: &'a Policy,
        manifest: &'a Manifest,
        installed: Option<&'a InstalledProfiles>,
    ) -> Self {
        let mut profiles = Cow::Borrowed(manifest.profiles());
        let is_observed = installed.is_some();
        let installed = Installed::new(manifest, installed);
        let files = match is_observed {
            true => look(manifest, &installed, &mut profiles),
            false => vec![File::Unobserved; manifest.profiles().len()],
        };
        Self {
            manifest,
            profiles,
            files,
            installed,
            given: policy.targets.iter().map(|rule| &rule.profile).collect(),
        }
    }

    /// The pinned profiles, in the order of the manifest.
    pub fn profiles(&self) -> &[PinnedProfile] {
        &self.profiles
    }

    /// The pinned targets.
    pub fn targets(&self) -> &'a [PinnedTarget] {
        self.manifest.targets()
    }

    /// The pinned products without an Xcode project.
    pub fn products(&self) -> &'a [PinnedProduct] {
        self.manifest.products()
    }

    /// Everything that the manifest pins to a profile and one of its certificates: targets, then products.
    pub(super) fn signed(&self) -> impl Iterator<Item = Signed<'a>> {
        let targets = self.targets().iter().enumerate();
        let targets = targets.map(|(index, it)| Signed {
            what: "target",
            index,
            name: it.target.as_str(),
            bundle_id: &it.bundle_id,
            profile: &it.profile,
            certificate: it.certificate,
        });
        let products = self.products().iter().enumerate();
        let products = products.map(|(index, it)| Signed {
            what: "product",
            index,
            name: it.name.as_str(),
            bundle_id: &it.bundle_id,
            profile: &it.profile,
            certificate: it.certificate,
        });
        targets.chain(products)
    }

    /// What of the projects was judged when the targets were pinned, where the manifest says it.
    pub fn frozen_for(&self) -> Option<&'a PinnedArchive> {
        self.manifest.archive()
    }

    /// What the profile that the manifest calls by this UUID says, and its position.
    pub fn profile(&self, uuid: &ProfileUuid) -> Option<(usize, &PinnedProfile)> {
        let (index, _) = self.manifest.profile(uuid)?;
        Some((index, self.profiles.get(index)?))
    }

    /// Whether the profile at `index` signs anything: it is active, or a target gets it nevertheless.
    pub fn is_in_use(&self, index: usize) -> bool {
        self.manifest
            .profiles()
            .get(index)
            .is_some_and(|entry| self.manifest.is_in_use(entry) || self.given.contains(&entry.uuid))
    }

    /// The profiles that sign anything, in the order of the manifest.
    pub fn in_use(&self) -> impl Iterator<Item = &PinnedProfile> {
        let numbered = self.profiles.iter().enumerate();
        numbered.filter_map(|(index, profile)| self.is_in_use(index).then_some(profile))
    }

    /// Whether the certificates of the profile at `index` are pinned ones: not of a profile that nothing is signed with
    /// and whose file is not proven.
    pub fn counts(&self, index: usize) -> bool {
        match self.files.get(index) {
            Some(File::AsPinned { .. } | File::Differs | File::Unobserved) => true,
            Some(_) => self.is_in_use(index),
            None => false,
        }
    }

    /// Whether a file with these bytes is pinned.
    pub fn has_bytes(&self, sha256: &FileSha256) -> bool {
        self.manifest.has_bytes(sha256)
    }

    /// The installed files that have the bytes of the entry at `index`.
    pub fn copies(&self, index: usize) -> &[&'a InstalledFile] {
        self.installed.copies(index)
    }

    /// Whether bytes with this digest are installed.
    pub fn is_installed(&self, sha256: &FileSha256) -> bool {
        self.installed.has_bytes(sha256)
    }

    /// Where the manifest says something else than the files, and where that could not be told. Whoever opens a keychain
    /// does not rely on what was proven earlier.
    pub fn check(&self, purpose: Purpose) -> Vec<Finding> {
        let mut findings = Vec::new();
        let entries = self.manifest.profiles().iter().zip(self.profiles());
        for ((index, (entry, says)), file) in entries.enumerate().zip(&self.files) {
            match file {
                File::Differs => findings.extend(verify::entry_differs(entry, index, says)),
                File::NotLookedAt(file) => findings.push(
                    Finding::block(
                        Code::ProfilesUnobserved,
                        format!(
                            "what the file of profile {} says was not looked at",
                            entry.title()
                        ),
                    )
                    .in_file(&file.path)
                    .of_profile(&entry.uuid)
                    .hint("look at the installed profiles again for this manifest"),
                ),
                File::Unproven(file, faults) => findings.extend(faults.iter().map(|fault| {
                    let fault = fault.clone().in_file(&file.path);
                    fault.of_profile(&entry.uuid)
                })),
                File::AsPinned { .. } | File::Absent | File::Unobserved => {}
            }
        }
        if purpose == Purpose::Run && self.are_remembered() {
            findings.push(
                Finding::block(
                    Code::ProfilesUnobserved,
                    "profiles were not proven for this run: an earlier gate proved them",
                )
                .hint("prove the profiles again before the run"),
            );
        }
        findings
    }

    /// Whether some of the files were proven by an earlier look.
    pub fn are_remembered(&self) -> bool {
        let is_remembered = |file: &File<'_>| match file {
            File::AsPinned { is_remembered } => *is_remembered,
            _ => false,
        };
        self.files.iter().any(is_remembered)
    }

    /// That entries are taken at their word, because their files are not at hand, if some are.
    pub fn at_their_word(&self) -> Option<Finding> {
        let is_absent = |file: &&File<'_>| matches!(file, File::Absent | File::Unobserved);
        let count = self.files.iter().filter(is_absent).count();
        (count > 0).then(|| {
            Finding::warn(
                Code::ProfilesUnobserved,
                "the manifest is not compared with the files of all profiles that it pins",
            )
            .values(
                format!("{} pinned files", self.files.len()),
                format!("{count} of them not looked at"),
            )
            .hint("run this where the profiles are installed")
        })
    }
}

/// Installed files, as far as they could be read, by what they hold.
struct Installed<'a> {
    /// In the order of their digests.
    digests: Vec<&'a FileSha256>,
    /// The same; copies stand in the order in which they were found.
    files: Vec<&'a InstalledFile>,
    /// Which of them have the bytes of each entry of the manifest.
    copies: Vec<Range<usize>>,
}

impl<'a> Installed<'a> {
    fn new(manifest: &Manifest, installed: Option<&'a InstalledProfiles>) -> Self {
        let files = installed.map_or(&[][..], |installed| &installed.files);
        let read = files.iter().filter_map(|file| match &file.content {
            InstalledContent::Read { sha256, .. } => Some((sha256, file)),
            InstalledContent::Unreadable { .. } => None,
        });
        let mut read: Vec<_> = read.collect();
        read.sort_by_key(|(sha256, _)| *sha256);
        let (digests, files): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        // Both are in the order of digests, so that one walk finds all.
        let mut copies = vec![0..0; manifest.profiles().len()];
        let mut at = 0;
        for (sha256, index) in manifest.files() {
            let rest = digests.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|digest| **digest < sha256).count();
            let rest = digests.get(at..).unwrap_or_default();
            let count = rest.iter().take_while(|digest| **digest == sha256).count();
            if let Some(copies) = copies.get_mut(*index) {
                *copies = at..at + count;
            }
        }
        Self {
            digests,
            files,
            copies,
        }
    }

    fn copies(&self, index: usize) -> &[&'a InstalledFile] {
        let range = self.copies.get(index).cloned().unwrap_or_default();
        self.files.get(range).unwrap_or_default()
    }

    fn has_bytes(&self, sha256: &FileSha256) -> bool {
        self.digests.binary_search(&sha256).is_ok()
    }
}

/// Looks at the file of each pinned profile, and puts what differs into `profiles`.
fn look<'a>(
    manifest: &'a Manifest,
    installed: &Installed<'a>,
    profiles: &mut Cow<'a, [PinnedProfile]>,
) -> Vec<File<'a>> {
    let mut files = Vec::with_capacity(manifest.profiles().len());
    for (index, entry) in manifest.profiles().iter().enumerate() {
        // Copies say the same: any of them will do.
        let first = installed.copies(index).first().copied();
        let Some((file, claims)) = first.and_then(|file| Some((file, file.claims()?))) else {
            files.push(File::Absent);
            continue;
        };
        files.push(match claims {
            ObservedClaims::Proven(facts) if facts.are_those_of(manifest, index) => {
                File::AsPinned {
                    is_remembered: facts.is_remembered(),
                }
            }
            ObservedClaims::Proven(facts) => match facts.in_full() {
                Some(says) => {
                    if let Some(profile) = profiles.to_mut().get_mut(index) {
                        *profile = PinnedProfile {
                            state: entry.state,
                            ..says.clone()
                        };
                    }
                    File::Differs
                }
                None => File::NotLookedAt(file),
            },
            ObservedClaims::Unproven(faults) => File::Unproven(file, faults),
            ObservedClaims::Read(_) | ObservedClaims::Unreadable => File::NotLookedAt(file),
        });
    }
    files
}
