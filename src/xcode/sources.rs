//! Where the text of project files comes from.
//!
//! Everything in this room is a function of text. A project names other files (base configurations, what those
//! include, entitlements, Info.plists), and which ones is known only while it is read; so the room asks for them
//! through [`Sources`] and never opens one itself. The disk answers in production (`host::sources`), a map in tests
//! ([`InMemory`]), and nothing else can tell the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::budget::{Budget, Share};
use crate::base::error::ErrorCode;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;

/// Something that has the contents of files.
pub trait Sources {
    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// There is no such file, it is larger than this source hands out, or it cannot be read.
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, SourceError>;

    /// The names in the folder at `path`, in order.
    ///
    /// # Errors
    /// There is no such folder, it holds more names than this source hands out, or it cannot be listed.
    fn list(&self, path: &Path) -> Result<Vec<OsString>, SourceError>;

    /// How much may still be read, by whoever reads from these files.
    fn budget(&self) -> &Budget;

    /// The same of an Info.plist, of which nothing but the bundle id counts.
    ///
    /// # Errors
    /// As [`Sources::read`].
    fn read_info_plist(&self, path: &Path) -> Result<Arc<[u8]>, SourceError> {
        self.read(path)
    }
}

/// Why a file's contents could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No file has this name.
    #[error("there is no such file")]
    Missing,
    /// The file is larger than any honest one.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The file is there but cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(Box<str>),
    /// So much was read of the projects that it was not.
    #[error("{0}")]
    OverBudget(Share),
    /// Project files may not reach it, so nobody looked whether it is there.
    #[error("{0}")]
    OutOfReach(Box<str>),
}

impl SourceError {
    /// What kind of error it is.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Missing => ErrorCode::FileMissing,
            Self::TooLarge { .. }
            | Self::Unreadable(_)
            | Self::OverBudget(_)
            | Self::OutOfReach(_) => ErrorCode::FileUnreadable,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing => "check the path",
            Self::TooLarge { .. } => "check that this is the right file",
            Self::Unreadable(_) => "check the permissions of the file",
            Self::OverBudget(_) => "remove what nobody needs, or name fewer projects",
            Self::OutOfReach(_) => {
                "move it into the repository, or declare a folder that holds both as the root"
            }
        }
    }

    /// Whether project files may not reach the file.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::OutOfReach(_))
    }

    /// The finding that `what`, which a project names, was not read. It has this code and this hint, unless project files may
    /// not reach it: that has its own.
    pub fn finding(&self, code: Code, what: &str, hint: &str) -> Finding {
        match self {
            Self::OutOfReach(why) => Finding::block(
                Code::ProjectFileOutsideRoot,
                format!("{what} was not read: {why}"),
            )
            .hint(self.hint())
            .remedy(Remedy::NameRoot),
            Self::OverBudget(_) => Finding::block(
                Code::ProjectTooLarge,
                format!("{what} was not read: {self}"),
            )
            .hint(self.hint()),
            problem => Finding::block(code, format!("{what} cannot be read: {problem}")).hint(hint),
        }
    }
}

/// Files that live in memory: for tests, and for projects that arrive in one piece.
#[derive(Debug, Clone, Default)]
pub struct InMemory {
    files: BTreeMap<PathBuf, Arc<[u8]>>,
    budget: Budget,
}

impl InMemory {
    /// No files at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one file more (or another text for one).
    #[must_use]
    pub fn with(mut self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) -> Self {
        self.files
            .insert(normalized(path.as_ref()), text.as_ref().into());
        self
    }
}

impl Sources for InMemory {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, SourceError> {
        self.files
            .get(&normalized(path))
            .cloned()
            .ok_or(SourceError::Missing)
    }

    fn list(&self, path: &Path) -> Result<Vec<OsString>, SourceError> {
        let folder = normalized(path);
        let below = self.files.keys().filter_map(|file| {
            let mut rest = file.strip_prefix(&folder).ok()?.components();
            Some(rest.next()?.as_os_str().to_owned())
        });
        let names: BTreeSet<OsString> = below.collect();
        match names.is_empty() {
            true => Err(SourceError::Missing),
            false => Ok(names.into_iter().collect()),
        }
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }
}

/// `path` without `.` and, as far as possible, without `..`: by its words alone, as Xcode does it, so that one file
/// has one name in messages and in the search for include cycles.
pub fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir) => {}
                _ => out.push(".."),
            },
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() {
        out.push(".");
    }
    out
}

/// The text of `bytes`: UTF-8, a byte-order mark dropped, what is not UTF-8 replaced, because one odd byte in a
/// comment must not hide a whole project.
pub fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_name() {
        let name = |path: &str| normalized(Path::new(path)).display().to_string();
        assert_eq!(name("/a/./b/../c"), "/a/c");
        assert_eq!(name("a/../../b"), "../b");
        assert_eq!(name("/../x"), "/x");
        assert_eq!(name("./."), ".");
    }

    #[test]
    fn memory_answers_for_every_spelling_of_a_path() {
        let sources = InMemory::new().with("/p/x.xcconfig", "A = 1");
        assert_eq!(
            &*sources.read(Path::new("/p/q/../x.xcconfig")).unwrap(),
            b"A = 1"
        );
        assert_eq!(sources.read(Path::new("/p/y")), Err(SourceError::Missing));
    }
}
