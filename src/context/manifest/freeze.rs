//! Freezing: from proven profiles to the manifest's content.
//!
//! Pure and deterministic. The previous manifest is an input like the others: it gives the revision to continue, the
//! rotation state of profiles that stay, and the targets when no project was named. Whatever its version is, the new one has
//! the latest.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use serde::de::Error;

use super::archive::PinnedArchive;
use super::content::{Content, MAX_REVISION};
use super::entry::{PinnedProfile, PinnedTarget, ProfileState};
use super::product::PinnedProduct;
use super::version::Version;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{ProfileUuid, TargetName};
use crate::base::remedy::Remedy;

/// What a new manifest takes over from the one before.
#[derive(Debug, Clone, Default)]
pub struct Previous {
    revision: u64,
    states: HashMap<ProfileUuid, ProfileState>,
    archive: Option<PinnedArchive>,
    targets: Vec<PinnedTarget>,
}

/// What of the projects is pinned.
#[derive(Debug, Clone, Default)]
pub struct PinnedProjects {
    /// What of them was judged.
    pub archive: PinnedArchive,
    /// The targets, in any order.
    pub targets: Vec<PinnedTarget>,
}

impl Previous {
    /// Reads of a manifest just what freezing takes over, so that a large one is not held in memory twice. The caller
    /// has validated it, or accepts that a damaged one is replaced.
    ///
    /// # Errors
    /// It is not even JSON of that shape, it is of another version, or no revision can follow its own: it must not be
    /// replaced.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Light {
            schema: String,
            revision: u64,
            profiles: Vec<LightProfile>,
            #[serde(default)]
            archive: Option<PinnedArchive>,
            targets: Vec<PinnedTarget>,
        }
        #[derive(Deserialize)]
        struct LightProfile {
            uuid: ProfileUuid,
            state: ProfileState,
        }
        let light: Light = serde_json::from_slice(bytes)?;
        if Version::of_schema(&light.schema).is_none() {
            return Err(Error::custom(format_args!("schema {:?}", light.schema)));
        }
        if !(1..MAX_REVISION).contains(&light.revision) {
            return Err(Error::custom(format_args!(
                "{} is the last possible revision",
                light.revision
            )));
        }
        Ok(Self {
            revision: light.revision,
            states: light
                .profiles
                .into_iter()
                .map(|profile| (profile.uuid, profile.state))
                .collect(),
            archive: light.archive,
            targets: light.targets,
        })
    }

    /// A finding for each target whose profile is not among `profiles`: it is not taken over.
    pub fn orphans(&self, profiles: &[PinnedProfile]) -> Vec<Finding> {
        let known = uuids(profiles);
        let orphans = self.targets.iter();
        orphans
            .filter(|target| !known.contains(&target.profile))
            .map(|target| {
                // A manifest without it would let the target through later.
                Finding::block(
                    Code::TargetUnmapped,
                    format!(
                        "target {} would no longer be pinned, because its profile {} is missing",
                        target.target, target.profile
                    ),
                )
                .of_target(&target.target)
                .of_profile(&target.profile)
                .hint("freeze with the project, to pin this target to its new profile")
                .remedy(Remedy::FreezeTargets)
            })
            .collect()
    }

    /// The revision of the manifest before.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The scheme that it was frozen for, if it says one.
    pub fn scheme(&self) -> Option<&str> {
        self.archive.as_ref()?.scheme.as_deref()
    }

    /// The targets that may be without a profile, because whoever froze it named them.
    pub fn unmapped(&self) -> &[TargetName] {
        let archive = self.archive.as_ref();
        archive.map_or(&[], |archive| archive.unmapped.as_slice())
    }

    /// What [`Previous::state`] says, where there is a manifest before; else `active`.
    pub fn states(previous: Option<&Self>) -> impl Fn(&ProfileUuid) -> ProfileState + Sync {
        move |uuid| previous.map_or(ProfileState::Active, |previous| previous.state(uuid))
    }

    /// The state that a profile had; `active` if it is new.
    pub fn state(&self, uuid: &ProfileUuid) -> ProfileState {
        self.states.get(uuid).copied().unwrap_or_default()
    }
}

/// Two files claim one UUID with different bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The UUID.
    pub uuid: ProfileUuid,
    /// SHA-256 of both files.
    pub sha256: [crate::base::ids::FileSha256; 2],
}

impl Clash {
    /// What is not right, and what to do about it.
    pub fn finding(&self) -> Finding {
        let [first, second] = &self.sha256;
        Finding::block(
            Code::ProfileBytesDiffer,
            format!("two different files have the UUID {}", self.uuid),
        )
        .values(format!("sha256:{first}"), format!("sha256:{second}"))
        .of_profile(&self.uuid)
        .hint("keep the one that Apple issued last and freeze again")
        .remedy(Remedy::FreezeManifest)
    }
}

/// Puts profiles in order, once each. Equal copies are one profile.
///
/// # Errors
/// Two different files have one UUID: which is meant, only a person can say.
pub fn ordered(
    profiles: impl IntoIterator<Item = PinnedProfile>,
) -> Result<Vec<PinnedProfile>, Vec<Clash>> {
    let mut by_uuid: BTreeMap<ProfileUuid, PinnedProfile> = BTreeMap::new();
    let mut clashes = Vec::new();
    for profile in profiles {
        match by_uuid.get(&profile.uuid) {
            Some(known) if known.sha256 != profile.sha256 => {
                let mut sha256 = [known.sha256, profile.sha256];
                sha256.sort();
                clashes.push(Clash {
                    uuid: profile.uuid,
                    sha256,
                });
            }
            Some(_) => {}
            None => {
                by_uuid.insert(profile.uuid.clone(), profile);
            }
        }
    }
    if clashes.is_empty() {
        Ok(by_uuid.into_values().collect())
    } else {
        Err(clashes)
    }
}

/// The content of a new manifest, of the revision after `previous`. Targets that are not given anew are taken over as
/// far as their profiles are still pinned. Products are what the policy declares, each time.
pub fn freeze(
    profiles: Vec<PinnedProfile>,
    projects: Option<PinnedProjects>,
    mut products: Vec<PinnedProduct>,
    previous: Option<&Previous>,
) -> Content {
    let (archive, mut targets) = match projects {
        Some(projects) => (Some(projects.archive.ordered()), projects.targets),
        None => {
            let pinned = uuids(&profiles);
            let known = previous.iter().flat_map(|previous| &previous.targets);
            let kept = known.filter(|target| pinned.contains(&target.profile));
            let archive = previous.and_then(|previous| previous.archive.clone());
            (archive, kept.cloned().collect())
        }
    };
    targets.sort_by(|a, b| a.key().cmp(&b.key()));
    products.sort_by(|a, b| a.name.cmp(&b.name));
    Content {
        version: Version::LATEST,
        revision: previous.map_or(1, |previous| previous.revision.saturating_add(1)),
        profiles,
        archive,
        targets,
        products,
    }
}

fn uuids(profiles: &[PinnedProfile]) -> HashSet<&ProfileUuid> {
    profiles.iter().map(|profile| &profile.uuid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_revision_is_one_and_each_next_one_higher() {
        let first = freeze(Vec::new(), None, Vec::new(), None);
        assert_eq!(first.revision, 1);
        let previous = Previous::from_bytes(&first.to_bytes()).unwrap();
        let second = freeze(Vec::new(), None, Vec::new(), Some(&previous));
        assert_eq!(second.revision, 2);
    }
}
