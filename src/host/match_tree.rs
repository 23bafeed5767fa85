//! The files of a match repository on disk: a checkout, or what match decrypted.
//!
//! A directory is one if it holds a folder `certs` or `profiles`, directly or below a folder that is called like a team's id.
//! Only regular files of the folders and of one level below them are listed: match writes `certs/TYPE/FILE`, and a link leads
//! out of what somebody named.

use std::fs;
use std::path::{Path, PathBuf};

use crate::apple::match_repository::Content;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;

use super::profile_store::DirectoryError;

/// The most names that are looked at in one repository: a thousand apps with their profiles take a twentieth.
const MOST_NAMES: usize = 100_000;

/// The files of a match repository, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchTree {
    /// Provisioning profiles.
    pub profiles: Vec<PathBuf>,
    /// Certificates.
    pub certificates: Vec<PathBuf>,
    /// Private keys.
    pub keys: Vec<PathBuf>,
}

/// Why a match repository cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum MatchTreeError {
    /// A directory of it cannot be listed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// It holds more than any has.
    #[error("{}: the match repository holds more than {MOST_NAMES} names", .0.display())]
    TooMany(PathBuf),
    /// A clone without files.
    #[error("{}: this is a git repository without a checkout", .0.display())]
    Bare(PathBuf),
    /// A branch on which match stored nothing.
    #[error("{}: the match repository holds no certificate and no profile on this branch", .0.display())]
    NothingStored(PathBuf),
}

impl Explain for MatchTreeError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Directory(error) => error.code(),
            Self::TooMany(_) => ErrorCode::FileMalformed,
            Self::Bare(_) | Self::NothingStored(_) => ErrorCode::FileMissing,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Directory(error) => return error.hint(),
            Self::TooMany(_) => "name the folder of one team inside it".into(),
            Self::Bare(_) => {
                "clone the branch that the Matchfile names: `git clone -b BRANCH --single-branch URL DIRECTORY`".into()
            }
            Self::NothingStored(_) => {
                "check out the branch that the Matchfile names as git_branch: `git checkout BRANCH`".into()
            }
        })
    }

    fn place(&self) -> Place {
        match self {
            Self::Directory(error) => error.place(),
            Self::TooMany(path) | Self::Bare(path) | Self::NothingStored(path) => Place::file(path),
        }
    }
}

impl MatchTree {
    /// The match repository at `directory`; `None` if it is none, or no directory.
    ///
    /// # Errors
    /// It cannot be listed, or it is one that holds nothing.
    pub fn find(directory: &Path) -> Result<Option<Self>, MatchTreeError> {
        if !directory.is_dir() {
            return Ok(None);
        }
        let mut roots = vec![directory.to_owned()];
        roots.extend(folders(directory)?.into_iter().filter(|folder| {
            let name = folder.file_name().and_then(|name| name.to_str());
            name.is_some_and(is_team)
        }));
        let parts = roots
            .iter()
            .flat_map(|root| PARTS.map(|part| root.join(part)));
        let parts: Vec<PathBuf> = parts.filter(|part| is_folder(part)).collect();
        if parts.is_empty() {
            return match directory {
                bare if bare.join("HEAD").is_file() && is_folder(&bare.join("objects")) => {
                    Err(MatchTreeError::Bare(directory.to_owned()))
                }
                empty if empty.join(VERSION_FILE).is_file() => {
                    Err(MatchTreeError::NothingStored(directory.to_owned()))
                }
                _ => Ok(None),
            };
        }
        let mut tree = Self::default();
        let mut left = MOST_NAMES;
        for part in parts {
            for folder in [vec![part.clone()], folders(&part)?].concat() {
                tree.take(&folder, &mut left, directory)?;
            }
        }
        Ok(Some(tree))
    }

    fn take(
        &mut self,
        folder: &Path,
        left: &mut usize,
        directory: &Path,
    ) -> Result<(), MatchTreeError> {
        let failed = |error| DirectoryError {
            path: folder.to_owned(),
            error,
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            *left = left
                .checked_sub(1)
                .ok_or_else(|| MatchTreeError::TooMany(directory.to_owned()))?;
            if entry.file_type().map_err(failed)?.is_file() {
                paths.push(entry.path());
            }
        }
        paths.sort_unstable();
        for path in paths {
            match Content::of_name(&path) {
                Some(Content::Profile) => self.profiles.push(path),
                Some(Content::Certificate) => self.certificates.push(path),
                Some(Content::Key) => self.keys.push(path),
                None => {}
            }
        }
        Ok(())
    }
}

/// The two folders of a match repository.
const PARTS: [&str; 2] = ["certs", "profiles"];
/// The file that match writes beside them.
const VERSION_FILE: &str = "match_version.txt";

/// Whether a name is shaped like a team's id at Apple: ten capitals and digits.
fn is_team(name: &str) -> bool {
    let mut letters = name.bytes();
    name.len() == 10 && letters.all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
}

/// Whether a folder is there, and no link.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// The folders in a directory, which are no links, by name.
fn folders(directory: &Path) -> Result<Vec<PathBuf>, MatchTreeError> {
    let failed = |error| DirectoryError {
        path: directory.to_owned(),
        error,
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            if folders.len() >= MOST_NAMES {
                return Err(MatchTreeError::TooMany(directory.to_owned()));
            }
            folders.push(entry.path());
        }
    }
    folders.sort_unstable();
    Ok(folders)
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

    fn names(disk: &tempfile::TempDir, paths: &[PathBuf]) -> Vec<String> {
        let below = |path: &PathBuf| path.strip_prefix(disk.path()).unwrap().to_owned();
        let paths = paths.iter().map(below);
        paths
            .map(|path| path.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_files_of_a_tree_are_listed_by_what_their_names_say() {
        let disk = disk(&[
            "README.md",
            "certs/distribution/A.cer",
            "certs/distribution/A.p12",
            "certs/B.CER",
            "certs/distribution/deeper/C.cer",
            "profiles/appstore/AppStore_a.mobileprovision",
            "profiles/developer_id/Direct_a.provisionprofile",
            "profiles/appstore/notes.txt",
            "TEAM123456/profiles/adhoc/AdHoc_a.mobileprovision",
            "other/profiles/adhoc/AdHoc_b.mobileprovision",
        ]);
        let link = disk.path().join("certs/distribution/linked.cer");
        std::os::unix::fs::symlink("/etc/passwd", link).unwrap();
        let tree = MatchTree::find(disk.path()).unwrap().unwrap();
        assert_eq!(
            names(&disk, &tree.certificates),
            ["certs/B.CER", "certs/distribution/A.cer"]
        );
        assert_eq!(names(&disk, &tree.keys), ["certs/distribution/A.p12"]);
        let profiles = [
            "profiles/appstore/AppStore_a.mobileprovision",
            "profiles/developer_id/Direct_a.provisionprofile",
            "TEAM123456/profiles/adhoc/AdHoc_a.mobileprovision",
        ];
        assert_eq!(names(&disk, &tree.profiles), profiles);
    }

    #[test]
    fn what_is_no_match_repository_is_none_and_an_empty_branch_is_told() {
        let is_none = |files: &[&str]| MatchTree::find(disk(files).path()).unwrap().is_none();
        assert!(is_none(&[]));
        assert!(is_none(&["a.mobileprovision", "sub/b.mobileprovision"]));
        assert!(MatchTree::find(Path::new("/dev/null")).unwrap().is_none());
        let error = |files: &[&str]| MatchTree::find(disk(files).path()).unwrap_err();
        let branch = error(&["match_version.txt", "README.md"]);
        assert!(branch.to_string().contains("on this branch"), "{branch}");
        assert!(branch.hint().unwrap().contains("git_branch"));
        let bare = error(&["HEAD", "objects/pack/a"]);
        assert!(bare.to_string().contains("without a checkout"), "{bare}");
    }

    #[test]
    fn a_tree_of_too_many_names_is_refused() {
        let disk = disk(&["certs/a/1.cer", "certs/a/2.cer"]);
        let folder = disk.path().join("certs/a");
        let mut tree = MatchTree::default();
        let error = tree.take(&folder, &mut 1, disk.path()).unwrap_err();
        assert!(matches!(error, MatchTreeError::TooMany(_)), "{error}");
    }
}
