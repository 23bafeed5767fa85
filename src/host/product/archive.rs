//! An `.ipa`: a product in a zip archive, read where it lies and never unpacked to disk.
//!
//! What an archive says of itself is not believed: names that climb out or stand twice, entries that share bytes, sizes that
//! no product has, and links and folders in disguise are refused before anything is read. An entry is unpacked in a stream,
//! and no further than the size that its index promises. At its end its checksum must be the one in the index, because a device
//! refuses an archive where it is another, whatever signatures say.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use rustix::fs::{Mode, OFlags};
use zip::CompressionMethod;
use zip::read::{ArchiveOffset, Config};
use zip::unstable::read::ZipIterable;

use crate::apple::code_signature::product::{
    Contents, Entry, EntryKind, MAX_ENTRIES, Product, ReadError, Tree, TreeError,
};
use crate::base::error::{ErrorCode, Explain};

/// The most bytes that an archive may unpack to. The store takes apps of 4 GB.
pub const MAX_UNPACKED: u64 = 16 * 1024 * 1024 * 1024;

/// Below this an archive may unpack to whatever it likes; above it to [`MAX_EXPANSION`] times its own size.
const FREE_UNPACKED: u64 = 256 * 1024 * 1024;

/// How many times its own size an archive may unpack to.
pub const MAX_EXPANSION: u64 = 100;

/// The longest target of a link, in bytes.
const MAX_LINK: u64 = 1024;

/// A product in a zip archive.
#[derive(Debug)]
pub struct ArchiveProduct {
    file: Arc<File>,
    tree: Tree,
    /// Where each file's bytes lie, by path, sorted.
    packed: Vec<(Box<str>, Packed)>,
}

/// Where the bytes of an entry lie, and how they are packed.
#[derive(Debug, Clone, Copy)]
struct Packed {
    start: u64,
    length: u64,
    size: u64,
    /// CRC-32 of the unpacked bytes (APPNOTE 4.4.7).
    checksum: u32,
    is_deflated: bool,
}

/// Why a file is no archive that can be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("{path} cannot be read: {error}")]
    Read {
        /// The path.
        path: String,
        /// In the words of the system.
        error: io::Error,
    },
    /// It is no zip archive, or a damaged one.
    #[error("{path} is no archive that can be read: {reason}")]
    Malformed {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// An entry that no product has.
    #[error("{path} holds {name:?}, {what}")]
    Entry {
        /// The path of the archive.
        path: String,
        /// The name of the entry.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It unpacks to more than any product has.
    #[error("{path} unpacks to {size} bytes; at most {limit} are read of it")]
    TooLarge {
        /// The path.
        path: String,
        /// What its index says.
        size: u64,
        /// The most.
        limit: u64,
    },
    /// It does not hold one app in its folder `Payload`.
    #[error("{path} holds {apps} apps in its folder Payload, and an .ipa holds one")]
    Apps {
        /// The path.
        path: String,
        /// How many there are.
        apps: usize,
    },
    /// Its paths are not those of a product.
    #[error("{path} is no product that can be verified: {error}")]
    Tree {
        /// The path.
        path: String,
        /// Why.
        error: TreeError,
    },
}

impl Explain for ArchiveError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Read { .. } => ErrorCode::FileUnreadable,
            _ => ErrorCode::FileMalformed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { .. } => "name a file that this user may read",
            Self::Malformed { .. } => "export or download the .ipa again",
            Self::Entry { .. } | Self::TooLarge { .. } | Self::Apps { .. } | Self::Tree { .. } => {
                "export the .ipa again with Xcode; do not install this one"
            }
        };
        Some(hint.to_owned())
    }
}

/// Whether a file begins as a zip archive does.
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

impl ArchiveProduct {
    /// Lists the archive at `path`.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or holds what no product does.
    pub fn list(path: &Path) -> Result<Self, ArchiveError> {
        let shown = path.display().to_string();
        let read = |error| ArchiveError::Read {
            path: shown.clone(),
            error,
        };
        let malformed = |error: &dyn std::fmt::Display| ArchiveError::Malformed {
            path: shown.clone(),
            reason: error.to_string(),
        };
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty());
        let file = File::from(file.map_err(|error| read(error.into()))?);
        let metadata = file.metadata().map_err(read)?;
        if !metadata.is_file() {
            return Err(malformed(&"it is no regular file"));
        }
        let length = metadata.len();
        let file = Arc::new(file);
        let section = Section {
            file: Arc::clone(&file),
            start: 0,
            length,
            at: 0,
        };
        let Some(index) = index_start(&mut section.clone()).map_err(read)? else {
            return Err(malformed(&"bytes follow its index, or it has none"));
        };
        let config = Config {
            archive_offset: ArchiveOffset::Known(0),
        };
        let archive = ZipIterable::try_new(section.clone(), config);
        let archive = archive.map_err(|error| malformed(&error))?;
        if archive.len() > MAX_ENTRIES {
            return Err(ArchiveError::Tree {
                path: shown,
                error: TreeError::TooMany,
            });
        }
        let mut archive = archive.enforce_header_consistency(true);
        let mut listing = Listing {
            shown: shown.clone(),
            section,
            entries: Vec::new(),
            packed: Vec::new(),
            spans: Vec::new(),
            unpacked: 0,
            limit: MAX_UNPACKED.min(FREE_UNPACKED.max(length.saturating_mul(MAX_EXPANSION))),
        };
        for entry in archive.files().map_err(|error| malformed(&error))? {
            listing.add(entry.map_err(|error| malformed(&error))?)?;
        }
        listing.refuse_gaps(index)?;
        let Listing {
            entries,
            mut packed,
            ..
        } = listing;
        packed.sort_by(|one, other| one.0.cmp(&other.0));
        let tree = Tree::new(entries).map_err(|error| ArchiveError::Tree {
            path: shown.clone(),
            error,
        })?;
        let apps = tree
            .children("Payload")
            .filter(|(name, _)| name.ends_with(".app"))
            .count();
        if apps != 1 {
            return Err(ArchiveError::Apps { path: shown, apps });
        }
        Ok(Self { file, tree, packed })
    }
}

/// What is known of an archive while its index is read.
struct Listing {
    shown: String,
    section: Section,
    entries: Vec<Entry>,
    packed: Vec<(Box<str>, Packed)>,
    /// Where each entry begins and ends, header included, and its name.
    spans: Vec<(u64, u64, Box<str>)>,
    unpacked: u64,
    limit: u64,
}

impl Listing {
    fn add(&mut self, entry: zip::read::ZipFileEntry<'_>) -> Result<(), ArchiveError> {
        let raw = entry.name_raw().to_vec();
        let name = String::from_utf8_lossy(&raw).into_owned();
        let refuse = |what| ArchiveError::Entry {
            path: self.shown.clone(),
            name: name.clone(),
            what,
        };
        if str::from_utf8(&raw).is_err() {
            return Err(refuse("whose name is not UTF-8"));
        }
        if entry.encrypted() {
            return Err(refuse("which is encrypted"));
        }
        if name.contains('\\') {
            return Err(refuse("whose name has a backslash"));
        }
        let is_deflated = match entry.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            _ => return Err(refuse("which is packed in a way that no .ipa uses")),
        };
        let start = entry.header_start();
        let Ok(local) = local_header_length(&mut self.section.clone(), start) else {
            return Err(refuse("whose own header cannot be read"));
        };
        let end = start
            .saturating_add(local)
            .saturating_add(entry.compressed_size());
        self.spans.push((start, end, name.as_str().into()));
        // The upper bits of the mode say what it is (stat.h): 0 where the tool that packed it did not care.
        let mode = entry.unix_mode().unwrap_or_default();
        let is_folder_by_name = name.ends_with('/');
        let path: Box<str> = name.strip_suffix('/').unwrap_or(&name).into();
        let kind = match mode & 0o170_000 {
            0o040_000 | 0 if is_folder_by_name => EntryKind::Folder,
            _ if is_folder_by_name => {
                return Err(refuse("which is named like a folder and is none"));
            }
            0o040_000 => EntryKind::Folder,
            0o120_000 => self
                .link(entry, is_deflated)
                .map_err(|what| self.refused(&name, what))?,
            0o100_000 | 0 => {
                let packed = self
                    .place(entry, is_deflated)
                    .map_err(|what| self.refused(&name, what))?;
                self.unpacked = self.unpacked.saturating_add(packed.size);
                if self.unpacked > self.limit {
                    return Err(ArchiveError::TooLarge {
                        path: self.shown.clone(),
                        size: self.unpacked,
                        limit: self.limit,
                    });
                }
                self.packed.push((path.clone(), packed));
                EntryKind::File {
                    size: packed.size,
                    is_executable: mode & 0o111 != 0,
                }
            }
            _ => EntryKind::Special("a device or pipe"),
        };
        self.entries.push(Entry { path, kind });
        Ok(())
    }

    fn refused(&self, name: &str, what: &'static str) -> ArchiveError {
        ArchiveError::Entry {
            path: self.shown.clone(),
            name: name.to_owned(),
            what,
        }
    }

    /// Where the bytes of an entry lie.
    fn place(
        &mut self,
        entry: zip::read::ZipFileEntry<'_>,
        is_deflated: bool,
    ) -> Result<Packed, &'static str> {
        let (length, size) = (entry.compressed_size(), entry.size());
        if !is_deflated && length != size {
            return Err("whose two sizes contradict each other");
        }
        let start = entry.header_start();
        let local = local_header_length(&mut self.section, start)
            .map_err(|_| "whose own header cannot be read")?;
        Ok(Packed {
            start: start.saturating_add(local),
            length,
            size,
            checksum: entry.crc32(),
            is_deflated,
        })
    }

    fn link(
        &mut self,
        entry: zip::read::ZipFileEntry<'_>,
        is_deflated: bool,
    ) -> Result<EntryKind, &'static str> {
        let packed = self.place(entry, is_deflated)?;
        if packed.size > MAX_LINK {
            return Err("a link with a target that is too long");
        }
        let mut target = String::new();
        let read = unpacked(&self.section.file, packed).read_to_string(&mut target);
        read.map_err(|_| "a link whose target cannot be read")?;
        // It is counted like a file, so that no other entry shares its bytes.
        self.packed.push(("".into(), packed));
        Ok(EntryKind::Link {
            target: target.into(),
        })
    }

    /// The entries lie side by side, from the beginning of the file on: none shares bytes with another, which is how a small
    /// archive unpacks to a huge one, and none lies between them that the index does not name. A reader that unpacks while
    /// it receives, as a device does, would see that one.
    fn refuse_gaps(&mut self, index: u64) -> Result<(), ArchiveError> {
        // What may follow the bytes of an entry: nothing, or its sizes and checksum (APPNOTE 4.3.9).
        const DESCRIPTORS: [u64; 5] = [0, 12, 16, 20, 24];
        self.spans.sort_unstable();
        let mut end = None;
        for (start, next, name) in &self.spans {
            let gap = match end {
                None => Some(*start).filter(|start| *start == 0),
                Some(end) => start
                    .checked_sub(end)
                    .filter(|gap| DESCRIPTORS.contains(gap)),
            };
            if gap.is_none() {
                let what = "which does not lie directly behind the entry before it";
                return Err(self.refused(name, what));
            }
            end = Some(*next);
        }
        let gap = end.and_then(|end| index.checked_sub(end));
        if index != 0 && gap.is_none_or(|gap| !DESCRIPTORS.contains(&gap)) {
            return Err(ArchiveError::Malformed {
                path: self.shown.clone(),
                reason: "something lies before its index that it does not name".to_owned(),
            });
        }
        self.packed.retain(|(path, _)| !path.is_empty());
        Ok(())
    }
}

/// Where the index begins; `None` unless the record that ends it ends the file too, its comment included (APPNOTE 4.3.16). Of
/// a large archive another record tells where: then 0.
fn index_start(section: &mut Section) -> io::Result<Option<u64>> {
    const RECORD: usize = 22;
    let longest = u64::try_from(RECORD + usize::from(u16::MAX)).unwrap_or(u64::MAX);
    let start = section.length.saturating_sub(longest);
    section.seek(SeekFrom::Start(start))?;
    let mut end = Vec::new();
    section.take(longest).read_to_end(&mut end)?;
    let word = |at: usize| {
        let bytes = end.get(at..)?.first_chunk::<4>()?;
        Some(u64::from(u32::from_le_bytes(*bytes)))
    };
    let mut records = memchr::memmem::rfind_iter(&end, b"PK\x05\x06");
    Ok(records.find_map(|at| {
        let comment = end
            .get(at + RECORD - 2..)
            .and_then(<[u8]>::first_chunk)
            .map(|length| usize::from(u16::from_le_bytes(*length)));
        comment.filter(|comment| at + RECORD + comment == end.len())?;
        let (size, offset) = (word(at + 12)?, word(at + 16)?);
        if [size, offset].contains(&u64::from(u32::MAX)) {
            return Some(0);
        }
        let position = start.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        (size + offset == position).then_some(offset)
    }))
}

/// The length of the header before an entry's bytes: 30 bytes, its name, and its extra field (APPNOTE 4.3.7).
fn local_header_length(section: &mut Section, start: u64) -> io::Result<u64> {
    let mut header = [0; 30];
    section.seek(SeekFrom::Start(start))?;
    section.read_exact(&mut header)?;
    let [.., name_low, name_high, extra_low, extra_high] = header;
    let name = u16::from_le_bytes([name_low, name_high]);
    let extra = u16::from_le_bytes([extra_low, extra_high]);
    Ok(30 + u64::from(name) + u64::from(extra))
}

/// The bytes of an entry, unpacked.
fn unpacked(file: &Arc<File>, packed: Packed) -> Unpacked {
    let section = Section {
        file: Arc::clone(file),
        start: packed.start,
        length: packed.length,
        at: 0,
    };
    Unpacked {
        left: packed.size,
        found: Crc::new(),
        checksum: packed.checksum,
        stream: match packed.is_deflated {
            true => Box::new(DeflateDecoder::new(section)),
            false => Box::new(section),
        },
    }
}

/// A stream that ends where the index says, with the checksum that it says. One that goes on would give another reader another
/// file.
struct Unpacked {
    left: u64,
    /// The checksum of what was read so far.
    found: Crc,
    checksum: u32,
    stream: Box<dyn Read>,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(most);
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        let found = match wanted {
            0 => 0,
            _ => self.stream.read(buffer)?,
        };
        self.found.update(buffer.get(..found).unwrap_or_default());
        self.left -= u64::try_from(found).unwrap_or_default();
        if self.left > 0 {
            return match found {
                0 => Err(io::Error::other(
                    "it is shorter than the index of the archive says",
                )),
                _ => Ok(found),
            };
        }
        if self.stream.read(&mut [0])? != 0 {
            return Err(io::Error::other(
                "it is longer than the index of the archive says",
            ));
        }
        if self.found.sum() != self.checksum {
            return Err(io::Error::other(format!(
                "its checksum (CRC-32) is {:08x}, and the index of the archive says {:08x}",
                self.found.sum(),
                self.checksum
            )));
        }
        Ok(found)
    }
}

impl Product for ArchiveProduct {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn open(&self, path: &str) -> Result<Box<dyn Contents + '_>, ReadError> {
        let position = self
            .packed
            .binary_search_by(|(packed, _)| (**packed).cmp(path));
        let packed = position.ok().and_then(|position| self.packed.get(position));
        let Some((_, packed)) = packed else {
            return Err(ReadError {
                reason: "the archive has no such file".to_owned(),
            });
        };
        Ok(Box::new(Unpacking {
            file: Arc::clone(&self.file),
            packed: *packed,
            stream: unpacked(&self.file, *packed),
            at: 0,
        }))
    }
}

/// A file that is unpacked while it is read. Going back means beginning again.
struct Unpacking {
    file: Arc<File>,
    packed: Packed,
    stream: Unpacked,
    at: u64,
}

impl Contents for Unpacking {
    fn size(&self) -> u64 {
        self.packed.size
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        // An empty file has a checksum too.
        if offset >= self.packed.size.max(1) {
            return Ok(0);
        }
        if offset < self.at {
            self.stream = unpacked(&self.file, self.packed);
            self.at = 0;
        }
        let failed = |error: io::Error| ReadError {
            reason: format!("it cannot be unpacked: {error}"),
        };
        let skipped = io::copy(
            &mut (&mut self.stream).take(offset - self.at),
            &mut io::sink(),
        )
        .map_err(failed)?;
        self.at += skipped;
        if self.at < offset {
            return Err(ReadError {
                reason: "it is shorter than the index of the archive says".to_owned(),
            });
        }
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
                Ok(found) => {
                    self.at += u64::try_from(found).unwrap_or_default();
                    return Ok(found);
                }
            }
        }
    }
}

/// A part of a file that is read without moving anybody else's place in it.
#[derive(Debug, Clone)]
struct Section {
    file: Arc<File>,
    start: u64,
    length: u64,
    at: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        let found = self
            .file
            .read_at(buffer, self.start.saturating_add(self.at))?;
        self.at += u64::try_from(found).unwrap_or_default();
        Ok(found)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
