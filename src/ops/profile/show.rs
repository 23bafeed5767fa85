//! Files that somebody named, and the installed ones.

use std::path::PathBuf;

use super::document::{ProfilesDocument, ShownProfile};
use crate::context::policy::Policy;
use crate::ops::error::Failure;
use crate::ops::prove;
use crate::ops::world::World;

/// What the files hold: named as they are, directories as the profiles in them. A file that cannot be read does not hide
/// the others.
///
/// # Errors
/// The policy cannot be used, or a directory cannot be listed.
pub fn show(paths: &[PathBuf], world: &World) -> Result<ProfilesDocument, Failure> {
    let files = prove::named_files(paths)?;
    let (policy, verifier) = prove::verifier(world)?;
    let shown = prove::prove(&files, &verifier, world, ShownProfile::of);
    Ok(standing(ProfilesDocument::of(shown), &policy, world))
}

/// A manifest that cannot be used does not hide the profiles: others say so.
fn standing(document: ProfilesDocument, policy: &Policy, world: &World) -> ProfilesDocument {
    let manifest = world.manifest_if_any().ok().flatten();
    document.standing(manifest.as_ref(), policy.profiles.warn_before, world.now)
}

/// What the files hold, as [`show`] reads them; without any the installed files.
///
/// # Errors
/// The policy cannot be used, or a directory cannot be listed.
pub fn list(paths: &[PathBuf], world: &World) -> Result<ProfilesDocument, Failure> {
    let (policy, verifier) = prove::verifier(world)?;
    let files = match paths.is_empty() {
        true => world.installed_files(&policy)?,
        false => prove::named_files(paths)?,
    };
    let shown = prove::prove(&files, &verifier, world, ShownProfile::of);
    Ok(standing(ProfilesDocument::of(shown), &policy, world))
}
