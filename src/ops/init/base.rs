//! The folder in which policy and manifest lie, and how paths read from there.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::base::ids::ProfileUuid;
use crate::host::{directories, nearest, project_root};
use crate::ops::error::Error;
use crate::ops::world::{World, foreign_file};

/// The folder in which policy and manifest lie: the root of the repository, or the working directory without one.
pub(super) struct Base {
    /// As it is shown, from the working directory; empty if it is that.
    folder_shown: PathBuf,
    /// As it is read.
    pub(super) folder: PathBuf,
    absolute: PathBuf,
}

impl Base {
    pub(super) fn of(project: &Path, world: &World) -> Self {
        let here = project_root::absolute(Path::new("."));
        let root_here = project_root::find(&here.join("x"), world.home());
        let absolute = match project_root::absolute(project).starts_with(&root_here) {
            true => root_here,
            false => project_root::find(project, world.home()),
        };
        let folder_shown = match (here.strip_prefix(&absolute), absolute.strip_prefix(&here)) {
            (Ok(below), _) => below.components().map(|_| "..").collect(),
            (_, Ok(below)) => below.to_owned(),
            _ => absolute.clone(),
        };
        Self {
            folder: match folder_shown.as_os_str().is_empty() {
                true => PathBuf::from("."),
                false => folder_shown.clone(),
            },
            folder_shown,
            absolute,
        }
    }

    /// A path below the folder, from the working directory.
    pub(super) fn shown(&self, below: &Path) -> PathBuf {
        self.folder_shown.join(below)
    }

    /// A path from the working directory, below the folder; as it is if it is not.
    pub(super) fn below(&self, path: &Path) -> PathBuf {
        let absolute = project_root::absolute(path);
        let below = absolute.strip_prefix(&self.absolute);
        below.map_or_else(|_| path.to_owned(), Path::to_owned)
    }

    /// The same, absolute if it is not below the folder: from the folder it means what it means here.
    pub(super) fn in_workflow(&self, path: &Path) -> PathBuf {
        let absolute = project_root::absolute(path);
        match absolute.strip_prefix(&self.absolute) {
            Ok(here) if here.as_os_str().is_empty() => PathBuf::from("."),
            Ok(below) => below.to_owned(),
            Err(_) => absolute,
        }
    }

    /// Whether a profile can come with a checkout: it lies in the folder, and not where Xcode keeps profiles.
    pub(super) fn checks_out(&self, file: &Path, world: &World) -> bool {
        let absolute = project_root::absolute(file);
        let xcodes = directories::xcode_profiles(world.home().unwrap_or(Path::new("/")));
        absolute.starts_with(&self.absolute)
            && !xcodes.iter().any(|xcodes| absolute.starts_with(xcodes))
    }

    /// Where a file lies that somebody named, or that is at hand, or else where it will lie.
    pub(super) fn place(
        &self,
        named: Option<&Path>,
        name: &str,
        world: &World,
    ) -> Result<PathBuf, Error> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let found = nearest::find(Path::new("."), Path::new(name), world.home());
        let found = found.map_err(|foreign| foreign_file(&foreign, None))?;
        Ok(found.unwrap_or_else(|| self.shown(Path::new(name))))
    }

    /// The directories of the pinned profiles as a policy at `policy` names them; none if all lie where Xcode keeps them.
    pub(super) fn directories(
        &self,
        files: &[(ProfileUuid, PathBuf)],
        used: &BTreeSet<&ProfileUuid>,
        policy: &Path,
        world: &World,
    ) -> Vec<String> {
        let xcodes = directories::xcode_profiles(world.home().unwrap_or(Path::new("/")));
        let is_xcodes = |file: &Path| xcodes.iter().any(|xcodes| file.starts_with(xcodes));
        let up = self.up_from(policy);
        let mut needed = BTreeSet::new();
        for uuid in used {
            let mut of_it = files.iter().filter(|(of, _)| of == *uuid);
            if of_it.clone().any(|(_, file)| is_xcodes(file)) {
                continue;
            }
            if let Some(folder) = of_it.next().and_then(|(_, file)| file.parent()) {
                let absolute = project_root::absolute(folder);
                needed.insert(match (&up, absolute.strip_prefix(&self.absolute)) {
                    (Some(up), Ok(below)) => match up.join(below) {
                        here if here.as_os_str().is_empty() => ".".to_owned(),
                        below => below.display().to_string(),
                    },
                    _ => absolute.display().to_string(),
                });
            }
        }
        let is_mixed = used.iter().any(|uuid| {
            let mut of_it = files.iter().filter(|(of, _)| of == *uuid);
            of_it.any(|(_, file)| is_xcodes(file))
        });
        if is_mixed && !needed.is_empty() {
            needed.extend(xcodes.iter().map(|xcodes| xcodes.display().to_string()));
        }
        needed.into_iter().collect()
    }

    /// The way from the folder of the policy up to this one; none if the policy lies elsewhere.
    fn up_from(&self, policy: &Path) -> Option<PathBuf> {
        let absolute = project_root::absolute(policy);
        let below = absolute.strip_prefix(&self.absolute).ok()?.parent()?;
        let mut folders = below.components();
        let is_plain = folders.all(|part| matches!(part, Component::Normal(_)));
        is_plain.then(|| below.components().map(|_| "..").collect())
    }
}
