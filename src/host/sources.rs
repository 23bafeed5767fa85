//! Project files on disk: only below their root, only regular files, and only up to a limit.
//!
//! A project names files, and an attacker may have written the project: a name may lead to any file of the machine, to a
//! device, a pipe without a writer, or a disk image. [`crate::xcode::reach`] decides which steps a name may take, and here
//! each of them is taken from a folder that is already open, through no symbolic link that was not asked about: whoever
//! swaps a folder for a link meanwhile gains nothing. Opening never blocks, only regular files are read, and reading stops at
//! a limit.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;

use super::files::{ReadError, ReadErrorKind, read_file_bounded};
use super::project_root::{self, absolute};
use crate::xcode::budget::{Budget, Share};
use crate::xcode::reach::{Reach, Step, Stop};
use crate::xcode::sources::{SourceError, Sources};

/// The most that is read of one file, in bytes. The largest real project file known has 12 MB.
pub const DEFAULT_LIMIT: u64 = 64 << 20;

/// How many names of one folder are listed: schemes lie in folders of their own.
const MAX_LISTED: u64 = 1_000;

/// The files of this machine that projects may reach.
#[derive(Debug, Clone)]
pub struct DiskSources {
    limit: u64,
    budget: Budget,
    roots: Vec<Arc<Root>>,
}

/// No files at all.
impl Default for DiskSources {
    fn default() -> Self {
        Self::below(Vec::new())
    }
}

/// A folder that project files may reach into.
#[derive(Debug)]
struct Root {
    path: PathBuf,
    reach: Reach,
    folder: Result<OwnedFd, SourceError>,
}

impl DiskSources {
    /// What the project or workspace at `path` may reach: the repository that holds it, or the folder that it lies in
    /// ([`project_root::find`]). If that is not there, neither is any file.
    pub fn of_project(path: &Path, home: Option<&Path>) -> Self {
        let path = project_root::find(path, home);
        let folder = open_root(&path).map_err(|error| source_error(error.kind, 0));
        Self::below(vec![Root::new(path, folder)])
    }

    /// What lies in these folders.
    ///
    /// # Errors
    /// One of them is not there, is no directory, or may not be listed.
    pub fn of_folders(folders: &[PathBuf]) -> Result<Self, ReadError> {
        let roots = folders
            .iter()
            .map(|folder| Ok(Root::new(absolute(folder), Ok(open_root(folder)?))));
        Ok(Self::below(roots.collect::<Result<_, _>>()?))
    }

    fn below(roots: Vec<Root>) -> Self {
        Self {
            limit: DEFAULT_LIMIT,
            budget: Budget::default(),
            roots: roots.into_iter().map(Arc::new).collect(),
        }
    }

    /// The same, which spend from this budget.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// What lies in the folders of either; the smaller limit counts, and the budget is this one's.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        for root in other.roots {
            if !self.roots.iter().any(|known| known.path == root.path) {
                self.roots.push(root);
            }
        }
        self.limit = self.limit.min(other.limit);
        self
    }

    /// The same folders, each opened anew by its name, and files of at most `limit` bytes: what lies there now, also if
    /// somebody put another folder in its place.
    #[must_use]
    pub fn reopened(&self, limit: u64) -> Self {
        let roots = self.roots.iter().map(|root| {
            let folder = open_root(&root.path).map_err(|error| source_error(error.kind, limit));
            Root::new(root.path.clone(), folder)
        });
        Self {
            limit,
            ..Self::below(roots.collect())
        }
    }

    fn outside(&self) -> SourceError {
        let roots: Vec<String> = self
            .roots
            .iter()
            .map(|root| root.path.display().to_string())
            .collect();
        SourceError::OutOfReach(match roots.as_slice() {
            [] => "it belongs to no project".into(),
            roots => format!("it lies outside of {}", roots.join(" and ")).into(),
        })
    }
}

impl Sources for DiskSources {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, SourceError> {
        let path = absolute(path);
        let over = |share| SourceError::OverBudget(share);
        self.budget.take(Share::Files, 1, &path).map_err(over)?;
        let left = self.budget.bytes_left();
        let limit = self.limit.min(left);
        let read = self.first(&path, limit, |folder, name| match name {
            Some(name) => read_file(folder, name, &path, limit),
            None => Err(source_error(ReadErrorKind::Directory, limit)),
        });
        match read {
            Ok(bytes) => {
                let taken = self.budget.take(Share::Bytes, bytes.len(), &path);
                taken.map(|()| bytes).map_err(over)
            }
            Err(SourceError::TooLarge { .. }) if left < self.limit => {
                Err(over(self.budget.spend(Share::Bytes, &path)))
            }
            Err(error) => Err(error),
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<OsString>, SourceError> {
        let path = absolute(path);
        let over = |share| SourceError::OverBudget(share);
        self.budget.take(Share::Files, 1, &path).map_err(over)?;
        self.first(&path, MAX_LISTED, list_folder)
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl DiskSources {
    /// What `take` takes in the first of the roots that `path` lies in; it gets the folder and the last name of the path.
    fn first<T>(
        &self,
        path: &Path,
        limit: u64,
        take: impl Fn(&OwnedFd, Option<&OsStr>) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        let mut problem = self.outside();
        for root in &self.roots {
            match root.walk_to(path, limit, &take) {
                Some(Ok(taken)) => return Ok(taken),
                Some(Err(Problem::Stopped(Stop::Outside))) | None => {}
                Some(Err(Problem::Stopped(Stop::Git))) => {
                    problem = SourceError::OutOfReach("it is one of git's own files".into());
                }
                Some(Err(Problem::Stopped(Stop::Links))) => {
                    return Err(source_error(ReadErrorKind::LinkLoop, self.limit));
                }
                Some(Err(Problem::Source(error))) => return Err(error),
            }
        }
        Err(problem)
    }
}

/// Why a root does not give a file.
enum Problem {
    /// The way to it leads where nobody may go.
    Stopped(Stop),
    /// It cannot be had.
    Source(SourceError),
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl Root {
    fn new(path: PathBuf, folder: Result<OwnedFd, SourceError>) -> Self {
        let resolved = fs::canonicalize(&path).ok();
        Self {
            reach: Reach::new([path.clone()].into_iter().chain(resolved)),
            path,
            folder,
        }
    }

    /// What `take` takes at the absolute `path`: it gets the folder that the way ends in, and the last name, if there is
    /// one. `None` if the path does not begin with this root.
    fn walk_to<T>(
        &self,
        path: &Path,
        limit: u64,
        take: impl Fn(&OwnedFd, Option<&OsStr>) -> Result<T, SourceError>,
    ) -> Option<Result<T, Problem>> {
        let mut walk = self.reach.walk(path)?;
        Some((|| {
            let root = self
                .folder
                .as_ref()
                .map_err(|error| Problem::Source(error.clone()))?;
            let failed = |errno| Problem::Source(source_error(kind(errno), limit));
            // The folders from the root to here; the root itself is not among them.
            let mut folders: Vec<OwnedFd> = Vec::new();
            while let Some(step) = walk.step()? {
                match step {
                    Step::ToRoot => folders.clear(),
                    Step::Up => drop(folders.pop()),
                    Step::To { name, is_last } => {
                        let here = folders.last().unwrap_or(root);
                        if let Some(target) = link(here, &name).map_err(failed)? {
                            walk.follow(&target)?;
                        } else if is_last {
                            return take(here, Some(&name)).map_err(Problem::Source);
                        } else {
                            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                            let folder = openat(here, &name, flags, Mode::empty());
                            folders.push(folder.map_err(failed)?);
                            walk.enter();
                        }
                    }
                }
            }
            take(folders.last().unwrap_or(root), None).map_err(Problem::Source)
        })())
    }
}

/// What the symbolic link `name` in `folder` names; `None` if it is no link.
fn link(folder: &OwnedFd, name: &OsStr) -> Result<Option<PathBuf>, Errno> {
    match readlinkat(folder, name, Vec::new()) {
        Ok(target) => Ok(Some(OsStr::from_bytes(target.as_bytes()).into())),
        Err(Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The file `name` in `folder`, which is no link.
fn read_file(
    folder: &OwnedFd,
    name: &OsStr,
    path: &Path,
    limit: u64,
) -> Result<Arc<[u8]>, SourceError> {
    // As files::read_bounded opens: nothing blocks, and no terminal becomes ours.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty())
        .map_err(|errno| source_error(kind(errno), limit))?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    match read_file_bounded(File::from(file), path, most) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(source_error(error.kind, limit)),
    }
}

/// The names in the folder `name` of `folder`, which is no link; without a name in `folder` itself.
fn list_folder(folder: &OwnedFd, name: Option<&OsStr>) -> Result<Vec<OsString>, SourceError> {
    let failed = |errno| source_error(kind(errno), MAX_LISTED);
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let name = name.unwrap_or(OsStr::new("."));
    let folder = openat(folder, name, flags, Mode::empty()).map_err(failed)?;
    let mut names = Vec::new();
    for entry in Dir::read_from(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        if names.len() as u64 >= MAX_LISTED {
            return Err(SourceError::Unreadable(
                format!("it holds more than {MAX_LISTED} names").into(),
            ));
        }
        names.push(name.to_owned());
    }
    names.sort();
    Ok(names)
}

/// A root is opened as its name says, through links as well: somebody named it, or what it holds.
fn open_root(path: &Path) -> Result<OwnedFd, ReadError> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty()).map_err(|errno| {
        let kind = match errno {
            Errno::NOTDIR => ReadErrorKind::NotDirectory,
            errno => kind(errno),
        };
        ReadError::new(path, kind)
    })
}

/// What the system's error means, without asking it more: names below a folder are not for it to follow.
fn kind(errno: Errno) -> ReadErrorKind {
    match errno {
        Errno::NOENT => ReadErrorKind::Missing,
        Errno::NOTDIR => ReadErrorKind::NotBelowDirectory,
        Errno::LOOP => ReadErrorKind::LinkLoop,
        Errno::ACCESS | Errno::PERM => ReadErrorKind::Denied,
        Errno::NXIO | Errno::OPNOTSUPP => ReadErrorKind::Device,
        errno => ReadErrorKind::Io(io::Error::from(errno)),
    }
}

/// What the reading of a file of a project says where reading a file says `kind`.
pub(super) fn source_error(kind: ReadErrorKind, limit: u64) -> SourceError {
    match kind {
        ReadErrorKind::Missing
        | ReadErrorKind::DanglingLink(_)
        | ReadErrorKind::NotBelowDirectory => SourceError::Missing,
        ReadErrorKind::TooLarge { .. } => SourceError::TooLarge { limit },
        kind => SourceError::Unreadable(kind.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// What lies in a directory for tests.
    fn below(directory: &Path) -> DiskSources {
        DiskSources::of_folders(&[directory.to_owned()]).unwrap()
    }

    #[test]
    fn reads_regular_files_up_to_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.xcconfig");
        fs::write(&path, b"12345").unwrap();
        let sources = below(directory.path());
        let of_limit = |limit| DiskSources {
            limit,
            ..sources.clone()
        };
        assert_eq!(&*of_limit(5).read(&path).unwrap(), b"12345");
        assert_eq!(
            of_limit(4).read(&path),
            Err(SourceError::TooLarge { limit: 4 })
        );
        assert_eq!(
            sources.read(&directory.path().join("none")),
            Err(SourceError::Missing)
        );
        assert_eq!(
            sources.read(&path.join("below-a-file")),
            Err(SourceError::Missing)
        );
        for path in [directory.path(), &directory.path().join("sub")] {
            fs::create_dir_all(path).unwrap();
            assert!(matches!(
                sources.read(path),
                Err(SourceError::Unreadable(_))
            ));
        }
    }

    // Making a pipe by name is not in rustix for Apple systems.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_that_nobody_writes_to_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        rustix::fs::mknodat(
            CWD,
            &path,
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let read = below(directory.path()).read(&path);
        assert!(matches!(read, Err(SourceError::Unreadable(_))), "{read:?}");
    }

    #[test]
    fn links_lead_below_the_roots_and_nowhere_else() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for folder in ["one/a", "two"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("secret"), "secret").unwrap();
        fs::write(at("one/a/file"), "one").unwrap();
        fs::write(at("two/file"), "two").unwrap();
        symlink("../secret", at("one/out")).unwrap();
        symlink(at("two"), at("one/other")).unwrap();
        symlink(at("one/a"), at("one/in")).unwrap();
        symlink("none", at("one/dangling")).unwrap();
        let one = DiskSources::of_folders(&[at("one")]).unwrap();
        assert_eq!(&*one.read(&at("one/in/file")).unwrap(), b"one");
        assert_eq!(one.read(&at("one/dangling")), Err(SourceError::Missing));
        for path in ["one/out", "one/other/file", "two/file", "one/../secret"] {
            let error = one.read(&at(path)).unwrap_err();
            assert!(error.is_out_of_reach(), "{path}: {error}");
            let root = at("one").display().to_string();
            assert!(error.to_string().contains(&root), "{error}");
        }
        let both = one.joined(DiskSources::of_folders(&[at("two")]).unwrap());
        assert_eq!(&*both.read(&at("two/file")).unwrap(), b"two");
        assert!(both.read(&at("secret")).unwrap_err().is_out_of_reach());
    }

    #[test]
    fn names_of_a_folder_are_listed_up_to_a_limit_and_through_no_link_outside() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for folder in ["root/few", "root/many", "outside"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for name in ["b", "a"] {
            fs::write(at("root/few").join(name), "").unwrap();
        }
        symlink("few", at("root/link")).unwrap();
        symlink("../outside", at("root/out")).unwrap();
        let sources = below(&at("root"));
        assert_eq!(sources.list(&at("root/few")).unwrap(), ["a", "b"]);
        assert_eq!(sources.list(&at("root/link")).unwrap(), ["a", "b"]);
        assert_eq!(
            sources.list(&at("root")).unwrap(),
            ["few", "link", "many", "out"]
        );
        assert_eq!(sources.list(&at("root/none")), Err(SourceError::Missing));
        assert_eq!(sources.list(&at("root/few/a")), Err(SourceError::Missing));
        let outside = sources.list(&at("root/out")).unwrap_err();
        assert!(outside.is_out_of_reach(), "{outside}");
        for number in 0..MAX_LISTED {
            fs::write(at("root/many").join(number.to_string()), "").unwrap();
        }
        assert_eq!(
            sources.list(&at("root/many")).unwrap().len() as u64,
            MAX_LISTED
        );
        fs::write(at("root/many/more"), "").unwrap();
        let many = sources.list(&at("root/many")).unwrap_err();
        assert!(many.to_string().contains("1000 names"), "{many}");
    }

    #[test]
    fn a_root_that_is_not_there_is_an_error_only_if_somebody_declared_it() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("none");
        let error = DiskSources::of_folders(std::slice::from_ref(&missing)).unwrap_err();
        assert!(matches!(error.kind, ReadErrorKind::Missing));
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DiskSources::of_folders(&[file]).unwrap_err();
        assert!(matches!(error.kind, ReadErrorKind::NotDirectory));
        let project = missing.join("App.xcodeproj");
        let sources = DiskSources::of_project(&project, None);
        assert_eq!(
            sources.read(&project.join("project.pbxproj")),
            Err(SourceError::Missing)
        );
    }

    #[test]
    fn a_root_is_known_by_the_name_that_somebody_gave_it() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("real");
        fs::create_dir(&real).unwrap();
        fs::write(real.join("file"), "1").unwrap();
        let link = directory.path().join("link");
        symlink("real", &link).unwrap();
        let sources = DiskSources::of_project(&link.join("App.xcodeproj"), None);
        assert_eq!(&*sources.read(&link.join("file")).unwrap(), b"1");
        let resolved = fs::canonicalize(&real).unwrap();
        assert_eq!(&*sources.read(&resolved.join("file")).unwrap(), b"1");
    }
}
