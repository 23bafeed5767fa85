//! The nearest file of a name: in the working directory, or above it up to the root of its repository.
//!
//! Whoever stands in a subdirectory of a repository means its policy and manifest. Above the repository nothing is looked
//! for, and without a repository only the working directory counts: what lies in `/tmp` or `/` is nobody's.
//!
//! A file that somebody else owns is not taken, as git takes no repository of somebody else: another user could have put it
//! there. Root may own it, and root takes what belongs to the owner of the repository, whose checkout a container mounts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::project_root;

/// A file that was found and belongs to another user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: it belongs to user {owner}, so it counts only if it is named", path.display())]
pub struct Foreign {
    /// The file.
    pub path: PathBuf,
    /// The user id of its owner.
    pub owner: u32,
}

/// The nearest file `name` at `start` or above it, as a path from there; none if there is none. `home` is the user's home
/// directory.
///
/// # Errors
/// It belongs to another user.
pub fn find(start: &Path, name: &Path, home: Option<&Path>) -> Result<Option<PathBuf>, Foreign> {
    let owner_of = |path: &Path| fs::metadata(path).map(|found| found.uid()).ok();
    let us = rustix::process::geteuid().as_raw();
    let take = |path: PathBuf, root: &Path| match owner_of(&start.join(&path)) {
        None => Ok(None),
        Some(owner) if owner == us || owner == 0 => Ok(Some(path)),
        Some(owner) if us == 0 && owner_of(root) == Some(owner) => Ok(Some(path)),
        Some(owner) => Err(Foreign { path, owner }),
    };
    // Most stand where it lies.
    if start.join(name).exists() {
        return take(name.to_owned(), start);
    }
    let upward = project_root::upward(start, home);
    let mut above = upward.folders.iter().skip(1);
    match above.find(|(folder, _)| folder.join(name).exists()) {
        Some((_, from_start)) => take(from_start.join(name), &upward.root),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(files: &[&str]) -> tempfile::TempDir {
        let disk = tempfile::tempdir().unwrap();
        for file in files {
            let path = disk.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        disk
    }

    fn found(disk: &tempfile::TempDir, start: &str) -> Option<PathBuf> {
        let start = disk.path().join(start);
        fs::create_dir_all(&start).unwrap();
        find(&start, Path::new("manifests/signing.toml"), None).unwrap()
    }

    #[test]
    fn the_nearest_one_up_to_the_root_of_the_repository_is_found() {
        let disk = disk(&[
            "repository/.git/HEAD",
            "repository/manifests/signing.toml",
            "repository/ios/manifests/signing.toml",
        ]);
        let is = |path: &str| Some(PathBuf::from(path));
        assert_eq!(found(&disk, "repository"), is("manifests/signing.toml"));
        assert_eq!(found(&disk, "repository/ios"), is("manifests/signing.toml"));
        let two_up = is("../../manifests/signing.toml");
        assert_eq!(found(&disk, "repository/ios/App/Sources"), two_up);
        assert_eq!(found(&disk, "repository/mac/App"), two_up);
    }

    #[test]
    fn nothing_is_looked_for_above_a_repository_or_without_one() {
        let disk = disk(&["manifests/signing.toml", "repository/.git/HEAD"]);
        assert_eq!(found(&disk, "repository/ios"), None);
        assert_eq!(found(&disk, "elsewhere/ios"), None);
    }

    #[test]
    fn a_file_that_somebody_else_owns_is_not_taken() {
        let disk = disk(&["repository/.git/HEAD", "repository/manifests/signing.toml"]);
        let file = disk.path().join("repository/manifests/signing.toml");
        let is_root = rustix::process::geteuid().is_root();
        if !is_root {
            println!("skipped: only root can give files away");
            return;
        }
        std::os::unix::fs::chown(&file, Some(4711), None).unwrap();
        let below = disk.path().join("repository/ios");
        fs::create_dir(&below).unwrap();
        let name = Path::new("manifests/signing.toml");
        let foreign = find(&below, name, None).unwrap_err();
        assert_eq!(foreign.owner, 4711);
        assert!(foreign.to_string().contains("../manifests/signing.toml"));
        // A checkout of one user, in a container as root.
        for path in ["repository", "repository/.git"] {
            std::os::unix::fs::chown(disk.path().join(path), Some(4711), None).unwrap();
        }
        std::os::unix::fs::chown(&below, Some(4711), None).unwrap();
        assert!(find(&below, name, None).unwrap().is_some());
    }
}
