//! A built product: a tree of files that can be listed and read, wherever it lies.
//!
//! A folder and an archive are both one. Verifying asks nothing else of the world, so that it is pure: the same tree gives the
//! same verdict. Whoever lists a tree keeps these promises, which [`Tree::new`] checks: paths are relative, in UTF-8, with
//! single slashes, without `.` and `..`, and none stands twice.

use std::fmt;

/// The most entries of one product. Xcode, the largest one that people install, has 400,000.
pub const MAX_ENTRIES: usize = 500_000;

/// The longest path in a product, in bytes (`PATH_MAX`).
pub const MAX_PATH: usize = 1024;

/// The most bytes of all files of one product together: 64 GiB. Xcode, the largest one that people install, has 12 GB.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// The deepest path in a product.
pub const MAX_DEPTH: usize = 64;

/// The most links on the way of one path (`SYMLOOP_MAX` of macOS).
const MOST_LINKS: usize = 32;

/// Something in a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path from the product's root, without a slash at either end.
    pub path: Box<str>,
    /// What it is.
    pub kind: EntryKind,
}

/// What something in a product is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File {
        /// How many bytes it has.
        size: u64,
        /// Whether anybody may execute it.
        is_executable: bool,
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as it stands there.
        target: Box<str>,
    },
    /// A folder.
    Folder,
    /// Something that no product has: a device, a socket, a pipe. What it is, in words.
    Special(&'static str),
    /// It cannot be looked at: why.
    Unreadable(Box<str>),
}

/// Why something cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// In the words of the system.
    pub reason: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it cannot be read: {}", self.reason)
    }
}

impl std::error::Error for ReadError {}

/// A file of a product, open for reading.
pub trait Contents {
    /// How many bytes it has.
    fn size(&self) -> u64;

    /// Reads bytes from `offset` on; 0 at the end. Reading forwards is cheap, going back may not be.
    ///
    /// # Errors
    /// They cannot be read.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError>;
}

impl Contents for &[u8] {
    fn size(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..));
        let found = rest.unwrap_or_default();
        let length = found.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(found) {
            *to = *from;
        }
        Ok(length)
    }
}

/// Where the files of a product are.
pub trait Product: Sync {
    /// Everything in it.
    fn tree(&self) -> &Tree;

    /// Opens a file. The tree says that it is one; it may have become something else since.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, path: &str) -> Result<Box<dyn Contents + '_>, ReadError>;
}

/// Why a list of paths is no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// More than [`MAX_ENTRIES`].
    #[error("more than {MAX_ENTRIES} files and folders")]
    TooMany,
    /// A path that is deeper than [`MAX_DEPTH`].
    #[error("the path {0:?} is more than {MAX_DEPTH} folders deep")]
    TooDeep(String),
    /// The files have more bytes together than [`MAX_BYTES`].
    #[error("its files have more than {MAX_BYTES} bytes together")]
    TooLarge,
    /// A path that is absolute, climbs out or is too long.
    #[error("the path {0:?} is not one of a product")]
    Path(String),
    /// A path that stands twice.
    #[error("the path {0:?} stands twice")]
    Repeated(String),
    /// A path below something that is no folder.
    #[error("the path {0:?} lies below something that is no folder")]
    BelowFile(String),
}

/// The entries of a product, sorted so that each folder's own follow it.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    entries: Vec<Entry>,
}

impl Tree {
    /// Makes a tree from entries in any order. Folders that only their contents tell of are added, as archives leave them
    /// out.
    ///
    /// # Errors
    /// The paths are not those of a tree.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, TreeError> {
        for entry in &entries {
            if !is_path(&entry.path) {
                return Err(TreeError::Path(entry.path.to_string()));
            }
            if entry.path.split('/').count() > MAX_DEPTH {
                return Err(TreeError::TooDeep(entry.path.to_string()));
            }
        }
        let sizes = entries.iter().map(|entry| match entry.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        });
        if sizes.fold(0, u64::saturating_add) > MAX_BYTES {
            return Err(TreeError::TooLarge);
        }
        entries.sort_by(|one, other| order(&one.path, &other.path));
        let mut pairs = entries.iter().zip(entries.iter().skip(1));
        if let Some((one, _)) = pairs.find(|(one, other)| one.path == other.path) {
            return Err(TreeError::Repeated(one.path.to_string()));
        }
        let mut whole: Vec<Entry> = Vec::with_capacity(entries.len());
        // The folders that are open around the entry that comes.
        let mut open: Vec<Box<str>> = Vec::new();
        for entry in entries {
            while open
                .last()
                .is_some_and(|folder| !is_below(&entry.path, folder))
            {
                open.pop();
            }
            let known = open.last().map_or(0, |folder| folder.len() + 1);
            let slashes = entry.path.match_indices('/').map(|(at, _)| at);
            for at in slashes.filter(|at| *at >= known) {
                let folder: Box<str> = entry.path.get(..at).unwrap_or_default().into();
                if whole.last().is_some_and(|last| last.path == folder) {
                    return Err(TreeError::BelowFile(entry.path.to_string()));
                }
                whole.push(Entry {
                    path: folder.clone(),
                    kind: EntryKind::Folder,
                });
                open.push(folder);
            }
            if entry.kind == EntryKind::Folder {
                open.push(entry.path.clone());
            }
            whole.push(entry);
            if whole.len() > MAX_ENTRIES {
                return Err(TreeError::TooMany);
            }
        }
        Ok(Self { entries: whole })
    }

    /// Everything, each folder before what it holds.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What lies at a path; the root, `""`, is no entry.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        let position = self
            .entries
            .binary_search_by(|entry| order(&entry.path, path))
            .ok()?;
        self.entries.get(position)
    }

    /// Whether there is a folder at a path. The root is one.
    pub fn is_folder(&self, path: &str) -> bool {
        path.is_empty()
            || self
                .get(path)
                .is_some_and(|entry| entry.kind == EntryKind::Folder)
    }

    /// How many bytes the file at a path has; `None` if there is none.
    pub fn size(&self, path: &str) -> Option<u64> {
        match self.get(path)?.kind {
            EntryKind::File { size, .. } => Some(size),
            _ => None,
        }
    }

    /// Whether there is a file at a path.
    pub fn is_file(&self, path: &str) -> bool {
        self.get(path)
            .is_some_and(|entry| matches!(entry.kind, EntryKind::File { .. }))
    }

    /// Everything below a folder, at any depth.
    pub fn below(&self, folder: &str) -> &[Entry] {
        if folder.is_empty() {
            return &self.entries;
        }
        let start = self
            .entries
            .partition_point(|entry| order(&entry.path, folder).is_le());
        let rest = self.entries.get(start..).unwrap_or_default();
        let length = rest.partition_point(|entry| is_below(&entry.path, folder));
        rest.get(..length).unwrap_or_default()
    }

    /// What a folder holds itself, by name.
    pub fn children<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let start = if folder.is_empty() {
            0
        } else {
            folder.len() + 1
        };
        self.below(folder).iter().filter_map(move |entry| {
            let name = entry.path.get(start..)?;
            (!name.contains('/')).then_some((name, entry))
        })
    }

    /// Where a path leads when every link on the way is followed. `None` if that is nowhere in the product, or if it takes
    /// more links than any system follows.
    pub fn resolve(&self, path: &str) -> Option<String> {
        let mut links = 0;
        let mut rest: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut resolved: Vec<String> = Vec::new();
        while let Some(name) = rest.pop() {
            match &*name {
                "" | "." => continue,
                ".." => {
                    resolved.pop()?;
                    continue;
                }
                _ => resolved.push(name),
            }
            let here = resolved.join("/");
            match &self.get(&here)?.kind {
                EntryKind::Link { target } => {
                    links += 1;
                    if links > MOST_LINKS || target.starts_with('/') {
                        return None;
                    }
                    resolved.pop();
                    rest.extend(target.split('/').rev().map(str::to_owned));
                }
                EntryKind::Folder => {}
                _ if rest.iter().all(|name| name.is_empty()) => {}
                _ => return None,
            }
        }
        Some(resolved.join("/"))
    }
}

/// A path and a name in it.
pub fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// The last name of a path.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The folder that a path lies in.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether `path` lies below `folder`, at any depth.
pub fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// `path` as it is told from `folder`; `None` if it does not lie below it.
pub fn relative<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    match folder {
        "" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

fn is_path(path: &str) -> bool {
    path.len() <= MAX_PATH
        && path.split('/').all(|name| !matches!(name, "" | "." | ".."))
        && !path.contains('\0')
}

/// The order in which what a folder holds follows it: a slash comes before every other letter.
fn order(one: &str, other: &str) -> std::cmp::Ordering {
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    one.bytes().map(rank).cmp(other.bytes().map(rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Entry {
        Entry {
            path: path.into(),
            kind: EntryKind::File {
                size: 1,
                is_executable: false,
            },
        }
    }

    fn link(path: &str, target: &str) -> Entry {
        Entry {
            path: path.into(),
            kind: EntryKind::Link {
                target: target.into(),
            },
        }
    }

    #[test]
    fn folders_come_before_what_they_hold_and_are_added_where_they_are_missing() {
        let tree = Tree::new(vec![
            file("a.b/c"),
            file("a/b/c"),
            file("a/d"),
            file("a.txt"),
        ])
        .unwrap();
        let paths: Vec<&str> = tree.entries().iter().map(|entry| &*entry.path).collect();
        assert_eq!(paths, ["a", "a/b", "a/b/c", "a/d", "a.b", "a.b/c", "a.txt"]);
        assert!(tree.is_folder("a/b") && tree.is_file("a/d") && tree.is_folder(""));
        assert_eq!(tree.below("a").len(), 3);
        let children: Vec<&str> = tree.children("a").map(|(name, _)| name).collect();
        assert_eq!(children, ["b", "d"]);
        assert_eq!(tree.children("").count(), 3);
        assert!(tree.get("x").is_none());
    }

    #[test]
    fn paths_that_are_not_those_of_a_tree_are_refused() {
        for path in ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\0b"] {
            assert!(Tree::new(vec![file(path)]).is_err(), "{path:?}");
        }
        let twice = Tree::new(vec![file("a"), file("a")]);
        assert_eq!(twice.unwrap_err(), TreeError::Repeated("a".to_owned()));
        let below = Tree::new(vec![file("a"), file("a/b")]);
        assert_eq!(below.unwrap_err(), TreeError::BelowFile("a/b".to_owned()));
    }

    #[test]
    fn each_bound_of_a_tree_is_held_and_named() {
        let deepest = vec!["a"; MAX_DEPTH].join("/");
        Tree::new(vec![file(&deepest)]).unwrap();
        let deeper = format!("{deepest}/a");
        let error = Tree::new(vec![file(&deeper)]).unwrap_err();
        assert_eq!(error, TreeError::TooDeep(deeper));
        assert!(error.to_string().contains("64 folders deep"), "{error}");
        let large = |path: &str, size| Entry {
            kind: EntryKind::File {
                size,
                is_executable: false,
            },
            ..file(path)
        };
        Tree::new(vec![large("a", MAX_BYTES - 1), large("b", 1)]).unwrap();
        let error = Tree::new(vec![large("a", MAX_BYTES), large("b", 1)]).unwrap_err();
        assert_eq!(error, TreeError::TooLarge);
        let error = Tree::new(vec![large("a", u64::MAX), large("b", u64::MAX)]).unwrap_err();
        assert_eq!(error, TreeError::TooLarge);
    }

    #[test]
    fn links_are_followed_inside_of_the_product_only() {
        let tree = Tree::new(vec![
            file("F/Versions/A/F"),
            link("F/Versions/Current", "A"),
            link("F/F", "Versions/Current/F"),
            link("out", "../x"),
            link("root", "/etc"),
            link("loop", "loop"),
            link("gone", "nothing"),
        ])
        .unwrap();
        assert_eq!(tree.resolve("F/F").as_deref(), Some("F/Versions/A/F"));
        assert_eq!(
            tree.resolve("F/Versions/Current").as_deref(),
            Some("F/Versions/A")
        );
        assert_eq!(
            tree.resolve("F/./Versions/../F").as_deref(),
            Some("F/Versions/A/F")
        );
        for path in ["out", "root", "loop", "gone", "F/F/x", "F/../../x"] {
            assert_eq!(tree.resolve(path), None, "{path}");
        }
    }
}
