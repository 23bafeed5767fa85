//! A bundle or a program as it lies on disk.
//!
//! The listing follows no link, so that nothing outside of the product is read. Whatever is opened is opened without
//! waiting and looked at again: between listing and reading a file may become a pipe, which would block for ever.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::apple::code_signature::product::{
    Contents, Entry, EntryKind, MAX_DEPTH, MAX_ENTRIES, Product, ReadError, Tree, TreeError, join,
};
use crate::base::error::{ErrorCode, Explain};

/// A product on disk.
#[derive(Debug, Clone)]
pub struct FolderProduct {
    root: PathBuf,
    tree: Tree,
    is_folder: bool,
}

/// Why a path holds no product that can be looked at.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be listed.
    #[error("{path} cannot be read: {error}")]
    Read {
        /// The path.
        path: String,
        /// In the words of the system.
        error: io::Error,
    },
    /// A name in it that is not UTF-8.
    #[error("{path} has a name that is not UTF-8, which no seal can hold")]
    Name {
        /// The path, with replacement characters.
        path: String,
    },
    /// It is too large or too deep.
    #[error("{path} is no product that can be verified: {error}")]
    Tree {
        /// The path.
        path: String,
        /// Why.
        error: TreeError,
    },
}

impl Explain for FolderError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Read { .. } => ErrorCode::FileUnreadable,
            Self::Name { .. } | Self::Tree { .. } => ErrorCode::FileMalformed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { .. } => "name a bundle or program that this user may read",
            Self::Name { .. } => "build the product with names in UTF-8",
            Self::Tree {
                error: TreeError::TooDeep(_),
                ..
            } => "remove what lies so deep, or name the product itself",
            Self::Tree { .. } => "name the product itself, not the folder around it",
        };
        Some(hint.to_owned())
    }
}

impl FolderProduct {
    /// Lists the product at `path`: a folder with all that is in it, or one file.
    ///
    /// # Errors
    /// It cannot be listed, is larger than any product, or has names that are not UTF-8.
    pub fn list(path: &Path) -> Result<Self, FolderError> {
        let shown = || path.display().to_string();
        let read = |error| FolderError::Read {
            path: shown(),
            error,
        };
        let root = path.canonicalize().map_err(read)?;
        let metadata = root.symlink_metadata().map_err(read)?;
        let mut entries = Vec::new();
        let root = if metadata.is_dir() {
            list(&root, "", 0, &mut entries)?;
            root
        } else {
            let name = root.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| FolderError::Name { path: shown() })?;
            entries.push(Entry {
                path: name.into(),
                kind: kind(&root, &metadata),
            });
            root.parent().unwrap_or(&root).to_owned()
        };
        let tree = Tree::new(entries).map_err(|error| FolderError::Tree {
            path: shown(),
            error,
        })?;
        Ok(Self {
            root,
            tree,
            is_folder: metadata.is_dir(),
        })
    }
}

impl FolderProduct {
    /// The name of the file that it is; `None` if it is a folder.
    pub fn file(&self) -> Option<&str> {
        match self.tree.entries() {
            [only] if !self.is_folder => Some(&only.path),
            _ => None,
        }
    }
}

fn list(
    folder: &Path,
    path: &str,
    depth: usize,
    entries: &mut Vec<Entry>,
) -> Result<(), FolderError> {
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if path.is_empty() => {
            return Err(FolderError::Read {
                path: folder.display().to_string(),
                error,
            });
        }
        Err(error) => {
            entries.push(Entry {
                path: path.into(),
                kind: EntryKind::Unreadable(error.to_string().into()),
            });
            return Ok(());
        }
    };
    if !path.is_empty() {
        entries.push(Entry {
            path: path.into(),
            kind: EntryKind::Folder,
        });
    }
    for entry in listed {
        let entry = entry.map_err(|error| FolderError::Read {
            path: folder.display().to_string(),
            error,
        })?;
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| FolderError::Name {
            path: entry.path().display().to_string(),
        })?;
        let below = join(path, name);
        // Said before the whole of it is listed.
        let exceeded = if depth >= MAX_DEPTH {
            Some(TreeError::TooDeep(below.clone()))
        } else if entries.len() > MAX_ENTRIES {
            Some(TreeError::TooMany)
        } else {
            None
        };
        if let Some(error) = exceeded {
            let path = folder.display().to_string();
            return Err(FolderError::Tree { path, error });
        }
        match entry.path().symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => list(&entry.path(), &below, depth + 1, entries)?,
            Ok(metadata) => entries.push(Entry {
                path: below.into(),
                kind: kind(&entry.path(), &metadata),
            }),
            Err(error) => entries.push(Entry {
                path: below.into(),
                kind: EntryKind::Unreadable(error.to_string().into()),
            }),
        }
    }
    Ok(())
}

fn kind(path: &Path, metadata: &std::fs::Metadata) -> EntryKind {
    let file_type = metadata.file_type();
    if file_type.is_file() {
        return EntryKind::File {
            size: metadata.len(),
            is_executable: metadata.mode() & 0o111 != 0,
        };
    }
    if file_type.is_symlink() {
        let target = std::fs::read_link(path);
        return match target.as_deref().map(Path::to_str) {
            Ok(Some(target)) => EntryKind::Link {
                target: target.into(),
            },
            Ok(None) => EntryKind::Unreadable("its target is not UTF-8".into()),
            Err(error) => EntryKind::Unreadable(error.to_string().into()),
        };
    }
    EntryKind::Special(if file_type.is_fifo() {
        "a pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    })
}

impl Product for FolderProduct {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn open(&self, path: &str) -> Result<Box<dyn Contents + '_>, ReadError> {
        let failed = |error: io::Error| ReadError {
            reason: error.to_string(),
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(self.root.join(path), flags, Mode::empty());
        let file = File::from(file.map_err(|error| failed(error.into()))?);
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(ReadError {
                reason: "it is no regular file any more".to_owned(),
            });
        }
        Ok(Box::new(OpenFile {
            size: metadata.len(),
            file,
        }))
    }
}

struct OpenFile {
    file: File,
    size: u64,
}

impl Contents for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    return read.map_err(|error| ReadError {
                        reason: error.to_string(),
                    });
                }
            }
        }
    }
}
