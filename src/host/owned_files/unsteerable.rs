//! Files and directories that another user cannot change: neither their content nor what their path leads to.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::{FileStep, OwnedFileError};

/// Checks that `user` cannot change what `path` leads to: it and every directory above it, links resolved, belongs to root or
/// to this user, and nobody else may write there. A directory in which everybody may write and only owners may rename
/// (`/tmp`) is fine above what belongs to neither of them.
///
/// # Errors
/// It is not so; the first place from the root that is wrong is named.
pub fn check_unsteerable(path: &Path, user: u32) -> Result<(), OwnedFileError> {
    let path = fs::canonicalize(path).map_err(OwnedFileError::of(FileStep::Inspect, path))?;
    let us = rustix::process::geteuid().as_raw();
    let places: Vec<&Path> = path.ancestors().collect();
    for place in places.into_iter().rev() {
        let metadata =
            fs::symlink_metadata(place).map_err(OwnedFileError::of(FileStep::Inspect, place))?;
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        let is_shared = metadata.is_dir() && place != path && mode & 0o1000 != 0;
        let why = if owner == user || owner != 0 && owner != us {
            format!("belongs to user {owner}, who may change it")
        } else if mode & 0o022 != 0 && !is_shared {
            format!("can be changed by others (mode {mode:04o})")
        } else {
            continue;
        };
        return Err(OwnedFileError::NotOurs {
            path: place.to_owned(),
            why,
            user: us,
            mode: match metadata.is_dir() {
                true => "755",
                false => "644",
            },
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::base::error::Explain as _;

    #[test]
    fn what_others_may_change_is_named_from_the_root_on() {
        let directory = tempfile::tempdir().unwrap();
        let us = rustix::process::geteuid().as_raw();
        let (inner, file) = (
            directory.path().join("a"),
            directory.path().join("a/policy"),
        );
        fs::create_dir(&inner).unwrap();
        fs::write(&file, "").unwrap();
        let set =
            |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        set(&inner, 0o755);
        set(&file, 0o644);
        let other = us + 1;
        check_unsteerable(&file, other).unwrap();
        assert!(
            check_unsteerable(&file, us).is_err() || us == 0,
            "its owner's"
        );
        set(&file, 0o664);
        let error = check_unsteerable(&file, other).unwrap_err();
        assert!(
            error.to_string().contains("policy can be changed"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("chmod 644"), "{error}");
        set(&inner, 0o777);
        let error = check_unsteerable(&file, other).unwrap_err();
        assert!(error.hint().unwrap().contains("chmod 755"), "{error}");
        set(&file, 0o644);
        set(&inner, 0o1777);
        check_unsteerable(&file, other).unwrap();
        // A socket made there could be one of anybody.
        assert!(check_unsteerable(&inner, other).is_err());
        // Through a link it is the target that counts.
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        set(&file, 0o666);
        assert!(check_unsteerable(&link, other).is_err());
        assert!(check_unsteerable(&directory.path().join("missing"), other).is_err());
    }
}
