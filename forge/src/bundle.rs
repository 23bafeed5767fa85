//! Bundles in memory: files, links and folders by path, and the products that are made of them.
//!
//! [`Item`] says what is to be signed: layout, `Info.plist`, executable, profile, resources and what is nested in it.
//! [`Item::sign`] signs from the inside out and gives a [`Product`]: the bundle, and where each signed item is. [`ios_app`]
//! and [`mac_app`] make honest ones, which methods extend; `bundle_flaw` breaks them.

mod archive;
mod ios;
mod item;
mod large;
mod mac;
mod product;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use archive::{Archive, Quirk, ipa, xcarchive};
pub(crate) use ios::grant;
pub use ios::{ios_app, ios_app_with_everything};
pub use item::{Executable, Item, Layout, Nested, Sealing};
pub use large::write_large;
pub use mac::{mac_app, mac_app_with_everything, mac_tool};
pub use product::{Product, SignedItem};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File {
        /// Its contents.
        bytes: Vec<u8>,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link, by its target.
    Link(String),
    /// A folder, where nothing is in it.
    Directory,
    /// A socket: something that no bundle may hold.
    Socket,
}

impl Entry {
    /// A file that is not executable.
    pub fn file(bytes: impl Into<Vec<u8>>) -> Self {
        Self::File {
            bytes: bytes.into(),
            executable: false,
        }
    }

    /// A file that is executable.
    pub fn program(bytes: impl Into<Vec<u8>>) -> Self {
        Self::File {
            bytes: bytes.into(),
            executable: true,
        }
    }
}

/// A tree of entries with a name. Paths have `/` between their parts and none at the ends; folders exist by what is in
/// them. The path of the root is empty: a product that is one file stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The name of the root: `Rocket.app`.
    pub name: String,
    /// Everything below the root.
    pub entries: BTreeMap<String, Entry>,
}

impl Bundle {
    /// Nothing yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            entries: BTreeMap::new(),
        }
    }

    /// Puts an entry at a path.
    pub fn put(&mut self, path: &str, entry: Entry) {
        self.entries.insert(path.to_owned(), entry);
    }

    /// Puts all of another bundle at a path.
    pub fn graft(&mut self, path: &str, other: &Bundle) {
        for (below, entry) in &other.entries {
            self.entries.insert(joined(path, below), entry.clone());
        }
    }

    /// The contents of a file. Panics where there is none.
    pub fn file(&self, path: &str) -> &[u8] {
        match self.entries.get(path) {
            Some(Entry::File { bytes, .. }) => bytes,
            other => panic!("{path} is {other:?}"),
        }
    }

    /// The contents of a file, to be changed. Panics where there is none.
    pub fn file_mut(&mut self, path: &str) -> &mut Vec<u8> {
        match self.entries.get_mut(path) {
            Some(Entry::File { bytes, .. }) => bytes,
            other => panic!("{path} is {other:?}"),
        }
    }

    /// Removes what is at a path and below it. Panics where there is nothing.
    pub fn remove(&mut self, path: &str) -> BTreeMap<String, Entry> {
        let below = format!("{path}/");
        let (gone, kept) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|(known, _)| known == path || known.starts_with(&below));
        self.entries = kept;
        let gone: BTreeMap<String, Entry> = gone;
        assert!(!gone.is_empty(), "nothing is at {path}");
        gone
    }

    /// Moves what is at a path and below it.
    pub fn rename(&mut self, from: &str, to: &str) {
        for (path, entry) in self.remove(from) {
            self.entries
                .insert(format!("{to}{}", &path[from.len()..]), entry);
        }
    }

    /// What is below a path, by the rest of its path.
    pub fn below(&self, path: &str) -> BTreeMap<String, Entry> {
        let prefix = match path {
            "" => String::new(),
            path => format!("{path}/"),
        };
        let inside = self.entries.iter().filter_map(|(known, entry)| {
            let rest = known.strip_prefix(&prefix)?;
            Some((rest.to_owned(), entry.clone()))
        });
        inside.collect()
    }

    /// Writes the tree into a folder; returns the path of its root.
    pub fn write_to(&self, folder: &Path) -> io::Result<PathBuf> {
        let root = folder.join(&self.name);
        for (path, entry) in &self.entries {
            let at = match path.as_str() {
                "" => root.clone(),
                path => root.join(path),
            };
            if let Some(parent) = at.parent() {
                fs::create_dir_all(parent)?;
            }
            write(&at, entry)?;
        }
        Ok(root)
    }
}

#[cfg(unix)]
fn write(at: &Path, entry: &Entry) -> io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    match entry {
        Entry::File { bytes, executable } => {
            fs::write(at, bytes)?;
            let mode = if *executable { 0o755 } else { 0o644 };
            fs::set_permissions(at, fs::Permissions::from_mode(mode))
        }
        Entry::Link(target) => symlink(target, at),
        Entry::Directory => fs::create_dir_all(at),
        Entry::Socket => UnixListener::bind(at).map(drop),
    }
}

#[cfg(not(unix))]
fn write(at: &Path, entry: &Entry) -> io::Result<()> {
    match entry {
        Entry::File { bytes, .. } => fs::write(at, bytes),
        Entry::Directory => fs::create_dir_all(at),
        Entry::Link(_) | Entry::Socket => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// A path below another; either may be empty.
pub(crate) fn joined(base: &str, rest: &str) -> String {
    match (base, rest) {
        ("", rest) => rest.to_owned(),
        (base, "") => base.to_owned(),
        (base, rest) => format!("{base}/{rest}"),
    }
}
