//! What other manifests pin on this machine: one machine may sign for several repositories, and they may share profiles.
//!
//! A machine knows of a manifest if a step of a rotation was taken with it here, or if somebody names it. It knows of no other: a
//! repository that was only cloned here, and one with another state directory.

use std::path::{Path, PathBuf};

use super::scene::Scene;
use crate::base::error::ErrorCode;
use crate::base::finding::{Code, Finding};
use crate::base::ids::FileSha256;
use crate::context::manifest::{Manifest, PinnedProfile};
use crate::host::transaction;
use crate::ops::error::Error;
use crate::ops::world::World;

/// The other manifests that are known on this machine.
pub(super) struct Elsewhere {
    manifests: Vec<(PathBuf, Manifest)>,
}

impl Elsewhere {
    /// Those of which this machine has a log, and the `named` ones.
    ///
    /// # Errors
    /// One cannot be read: what it pins is then not known.
    pub(super) fn look(scene: &Scene, named: &[PathBuf], world: &World) -> Result<Self, Error> {
        let mut manifests: Vec<(PathBuf, Manifest)> =
            logged(scene, world)?.collect::<Result<_, Error>>()?;
        for file in named {
            manifests.push((file.clone(), world.manifest_at(file)?.0));
        }
        Ok(Self { manifests })
    }

    /// Those of which this machine has a log, and that can be read: nothing of another repository stops a step that is urgent.
    ///
    /// # Errors
    /// The logs cannot be listed.
    pub(super) fn readable(scene: &Scene, world: &World) -> Result<Self, Error> {
        let manifests = logged(scene, world)?.filter_map(Result::ok).collect();
        Ok(Self { manifests })
    }

    /// The file of a manifest that pins these bytes.
    pub(super) fn pinning(&self, sha256: &FileSha256) -> Option<&Path> {
        let mut manifests = self.manifests.iter();
        let (file, _) = manifests.find(|(_, manifest)| manifest.has_bytes(sha256))?;
        Some(file)
    }
}

/// The other manifests of which this machine has a log. One that is gone pins nothing.
fn logged<'a>(
    scene: &'a Scene,
    world: &'a World,
) -> Result<impl Iterator<Item = Result<(PathBuf, Manifest), Error>> + 'a, Error> {
    let files = transaction::manifests(&world.state_directory()?)?;
    Ok(files.into_iter().filter_map(|file| {
        let file = match file {
            Ok(file) if file == scene.file => return None,
            Ok(file) => file,
            Err(error) => return Some(Err(error.into())),
        };
        match world.manifest_at(&file) {
            Err(error) if error.code() == ErrorCode::FileMissing => None,
            read => Some(read.map(|(manifest, _)| (file, manifest))),
        }
    }))
}

/// That a profile stays installed because the manifest in `file` pins it.
pub(super) fn stays(profile: &PinnedProfile, file: &Path) -> Finding {
    Finding::warn(
        Code::ProfilePinnedElsewhere,
        format!(
            "profile {} stays installed: another manifest on this machine pins it",
            profile.title()
        ),
    )
    .values(
        "a profile that nothing needs any more",
        "one that is pinned",
    )
    .in_file(file)
    .of_profile(&profile.uuid)
    .hint("retire it there too; targets that choose their profile by name could get it until then")
}
