//! The folder that the files of a project may reach into, found on the disk.
//!
//! It is the repository that holds the project: the nearest folder above the project that holds `.git`, a directory or, in
//! linked worktrees and submodules, a file. Without one it is the folder of the project or workspace. Looked for is above the
//! project as somebody names it: a link inside of a repository moves the project out of it, not the repository.
//!
//! Two repositories hold no project. One of a home directory, or above it, is how people keep their settings, and all their
//! keys lie in it. And one that belongs to somebody else than the project's folder or this user was put there by somebody
//! else, as git itself suspects (`safe.directory`, CVE-2022-24765): whoever may write to `/tmp` could widen the reach of every
//! project below it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::xcode::sources::normalized;

/// The root of the project or workspace at `path`, as an absolute path in the spelling of `path`; `home` is the user's home
/// directory.
pub fn find(path: &Path, home: Option<&Path>) -> PathBuf {
    let folder = folder_of(&absolute(path));
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    let is_root = |candidate: &&Path| holds_repository(candidate, &folder, home.as_deref());
    let root = folder.ancestors().find(is_root).map(Path::to_owned);
    root.unwrap_or(folder)
}

/// The way from a folder up to the root that a project in it would have.
#[derive(Debug)]
pub struct Upward {
    /// The root.
    pub root: PathBuf,
    /// Each folder on the way, the first one first, absolute, and as a path from there: empty, `..`, `../..`, …
    pub folders: Vec<(PathBuf, PathBuf)>,
}

/// The way up from `start`; `home` is the user's home directory.
pub fn upward(start: &Path, home: Option<&Path>) -> Upward {
    let start = absolute(start);
    // Asked as for a project that lies here.
    let root = find(&start.join("x"), home);
    let folders = start.ancestors().zip(0_usize..);
    let folders = folders.take_while(|(folder, _)| folder.starts_with(&root));
    let folders = folders.map(|(folder, steps)| {
        let from_start = std::iter::repeat_n("..", steps).collect();
        (folder.to_owned(), from_start)
    });
    Upward {
        folders: folders.collect(),
        root,
    }
}

/// `path` from the root directory on, without `.` and `..`.
pub fn absolute(path: &Path) -> PathBuf {
    // It fails for an empty path, and where the working directory is gone.
    normalized(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// What `path` will lead to once the folders are made that it leads through: `manifests/../profiles` is `profiles`, also before there
/// is a folder `manifests`. What is there already is meant as it stands.
pub fn once_made(path: &Path) -> PathBuf {
    if path.exists() {
        return path.to_owned();
    }
    let mut direct = PathBuf::new();
    for component in path.components() {
        match (component, direct.components().next_back()) {
            (Component::ParentDir, Some(Component::Normal(_))) => {
                direct.pop();
            }
            (component, _) => direct.push(component),
        }
    }
    direct
}

/// The folder in which the outermost bundle of `path` lies: a workspace may lie inside of a project.
fn folder_of(path: &Path) -> PathBuf {
    let is_bundle = |path: &&Path| {
        let extension = path.extension().unwrap_or_default();
        extension == "xcodeproj" || extension == "xcworkspace"
    };
    let bundle = path.ancestors().filter(is_bundle).last().unwrap_or(path);
    bundle.parent().unwrap_or(Path::new("/")).to_owned()
}

/// Whether `candidate` is the working directory of a repository that may hold a project in `folder`.
fn holds_repository(candidate: &Path, folder: &Path, home: Option<&Path>) -> bool {
    let Ok(git) = fs::symlink_metadata(candidate.join(".git")) else {
        return false;
    };
    let is_ours = git.uid() == rustix::process::geteuid().as_raw();
    let is_projects = || fs::metadata(folder).is_ok_and(|folder| folder.uid() == git.uid());
    let is_above_home = || match (home, fs::canonicalize(candidate)) {
        (Some(home), Ok(candidate)) => home.starts_with(candidate),
        _ => false,
    };
    candidate.parent().is_some() && (is_ours || is_projects()) && !is_above_home()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory with these folders in it.
    fn disk(folders: &[&str]) -> tempfile::TempDir {
        let disk = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(disk.path().join(folder)).unwrap();
        }
        disk
    }

    #[test]
    fn the_repository_that_holds_the_project_is_the_root() {
        let disk = disk(&["a/.git", "a/b/c/App.xcodeproj/project.xcworkspace", "a/sub"]);
        fs::write(
            disk.path().join("a/sub/.git"),
            "gitdir: ../.git/modules/sub\n",
        )
        .unwrap();
        let root = |path: &str| find(&disk.path().join(path), None);
        for path in [
            "a/b/c/App.xcodeproj",
            "a/b/c/App.xcodeproj/project.pbxproj",
            "a/b/c/App.xcodeproj/project.xcworkspace",
            "a/./b/../b/none.xcodeproj",
        ] {
            assert_eq!(root(path), disk.path().join("a"), "{path}");
        }
        assert_eq!(root("a/sub/x/App.xcodeproj"), disk.path().join("a/sub"));
    }

    #[test]
    fn without_a_repository_the_folder_of_the_project_is_the_root() {
        let disk = disk(&["a/b"]);
        // The temporary directory lies in no repository.
        let root = |path: &str| find(&disk.path().join(path), None);
        assert_eq!(root("a/b/App.xcodeproj"), disk.path().join("a/b"));
        assert_eq!(
            root("a/b/App.xcodeproj/project.xcworkspace"),
            disk.path().join("a/b")
        );
        assert_eq!(root("a/b/../App.xcworkspace"), disk.path().join("a"));
        assert_eq!(find(Path::new("/App.xcodeproj"), None), Path::new("/"));
    }

    #[test]
    fn a_link_to_another_repository_does_not_lead_there() {
        let disk = disk(&["ours/.git", "theirs/.git", "theirs/ios"]);
        symlink("../theirs/ios", disk.path().join("ours/ios")).unwrap();
        let root = find(&disk.path().join("ours/ios/App.xcodeproj"), None);
        assert_eq!(root, disk.path().join("ours"));
    }

    #[test]
    fn the_repository_of_a_home_directory_holds_no_project() {
        let disk = disk(&["home/.git", "home/work/app", ".git"]);
        let home = disk.path().join("home");
        let project = home.join("work/app/App.xcodeproj");
        assert_eq!(find(&project, Some(&home)), home.join("work/app"));
        assert_eq!(find(&project, None), home);
        // A repository below home is one.
        fs::create_dir(home.join("work/.git")).unwrap();
        assert_eq!(find(&project, Some(&home)), home.join("work"));
    }
}
