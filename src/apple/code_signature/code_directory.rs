//! The CodeDirectory: a table of hashes over a program and all that is sealed with it (`codedirectory.h`).
//!
//! The versions from 0x20001 to 0x20600 are read, and later ones up to 0x2F000 as Apple's reader takes them: the fields
//! that are known, and nothing of the others. Every offset is checked when it is parsed, so that reading a slot later
//! cannot fail: an absent slot is told apart from one that is there.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::hash_type::HashType;
use super::super_blob::{self, BlobError};
use super::words::{size, text_at, u8_at, u32_at, u64_at};

/// `earliestVersion`.
const EARLIEST: u32 = 0x2_0001;
/// `compatibilityLimit`.
const LATEST: u32 = 0x2_f000;
/// `supportsScatter`.
const SCATTER: u32 = 0x2_0100;
/// `supportsTeamID`.
const TEAM: u32 = 0x2_0200;
/// `supportsCodeLimit64`.
const LONG_CODE: u32 = 0x2_0300;
/// `supportsExecSegment`.
const EXECUTABLE_SEGMENT: u32 = 0x2_0400;
/// `supportsPreEncrypt`, and the version of the runtime.
const RUNTIME: u32 = 0x2_0500;
/// `supportsLinkage` (XNU's cs_blobs.h).
const LINKAGE: u32 = 0x2_0600;

/// The largest CodeDirectory that is read, in bytes: SHA-384 over 2 GiB in pages of 4 KiB takes 24 MiB.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The largest exponent of a page size: XNU and the verifier shift an `int` by it.
const MAX_PAGE_SHIFT: u8 = 30;

/// Why bytes are not a CodeDirectory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeDirectoryError {
    /// Not even a blob of that kind.
    #[error("the CodeDirectory cannot be read: {0}")]
    Blob(#[from] BlobError),
    /// More than [`MAX_BYTES`].
    #[error("a CodeDirectory of {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// A version that is older or newer than any system reads.
    #[error("a CodeDirectory of version {0:#x}; versions {EARLIEST:#x} to {LATEST:#x} are known")]
    Version(u32),
    /// A hash type that no system knows, or a hash of another length than its type has.
    #[error("hash type {kind} with {length} bytes is not known")]
    HashType {
        /// The number of the type.
        kind: u8,
        /// The length of a hash, in bytes.
        length: u8,
    },
    /// A part that does not lie within.
    #[error("the {0} of the CodeDirectory reaches beyond its end")]
    Extent(&'static str),
    /// An identifier or team that is not UTF-8.
    #[error("the {0} of the CodeDirectory is not UTF-8")]
    Text(&'static str),
    /// The number of code slots does not fit the length of the code.
    #[error(
        "the CodeDirectory has {found} code slots, but {limit} bytes in pages of {page} need {expected}"
    )]
    CodeSlots {
        /// How many are needed.
        expected: u64,
        /// How many there are.
        found: u32,
        /// Bytes of code.
        limit: u64,
        /// The size of a page; 0 is one page for all.
        page: u64,
    },
    /// Pages of a size that no system takes.
    #[error("the CodeDirectory has pages of 2^{0} bytes")]
    PageSize(u8),
    /// A feature that only kernels of long ago used, and that the verifier does not honour.
    #[error("the CodeDirectory scatters its pages, which is not supported")]
    Scatter {
        /// Whether the table of places fits the code slots, which is all that Apple's verifier asks of it.
        fits: bool,
    },
}

/// The flags of a CodeDirectory (`kSecCodeSignature…` in CSCommon.h).
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Flags(pub u32);

impl Flags {
    /// The signature has no signer.
    pub const ADHOC: u32 = 0x2;
    /// An expired signer is not tolerated.
    pub const EXPIRES: u32 = 0x400;
    /// The hardened runtime.
    pub const RUNTIME: u32 = 0x1_0000;
    /// The linker made the signature.
    pub const LINKER_SIGNED: u32 = 0x2_0000;

    /// Whether a flag is set.
    pub fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }
}

impl fmt::Display for Flags {
    /// As `codesign -dvvv` prints them: `0x10000(runtime)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(u32, &str); 12] = [
            (0x1, "host"),
            (Flags::ADHOC, "adhoc"),
            (0x4, "get-task-allow"),
            (0x100, "hard"),
            (0x200, "kill"),
            (Flags::EXPIRES, "expires"),
            (0x800, "restrict"),
            (0x1000, "enforcement"),
            (0x2000, "library-validation"),
            (Flags::RUNTIME, "runtime"),
            (Flags::LINKER_SIGNED, "linker-signed"),
            (0x4_0000, "no-launch-constraints"),
        ];
        write!(f, "{:#x}", self.0)?;
        let mut names: Vec<String> = NAMES
            .iter()
            .filter(|(flag, _)| self.has(*flag))
            .map(|(_, name)| (*name).to_owned())
            .collect();
        let known = NAMES.iter().fold(0, |all, (flag, _)| all | flag);
        if self.0 & !known != 0 {
            names.push(format!("{:#x}", self.0 & !known));
        }
        write!(
            f,
            "({})",
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(",")
            }
        )
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the executable segment lies, and what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutableSegment {
    /// Offset of the segment in the slice, in bytes.
    pub base: u64,
    /// Length of the segment, in bytes.
    pub limit: u64,
    /// 1 main program, 0x10 allow unsigned, 0x20 debugger, 0x40 JIT, 0x80 skip library validation.
    pub flags: u64,
}

/// A CodeDirectory as its bytes tell it.
#[derive(Clone)]
pub struct CodeDirectory {
    bytes: Box<[u8]>,
    /// Its version: 0x20500 is written `2.5`.
    pub version: u32,
    /// Its flags.
    pub flags: Flags,
    /// How its slots are hashed.
    pub hash_type: HashType,
    /// The signing identifier: what requirements call `identifier`.
    pub identifier: String,
    /// The team, where it names one.
    pub team: Option<String>,
    /// The platform identifier; not 0 in parts of the system alone.
    pub platform: u8,
    /// How many bytes of code are hashed.
    pub code_limit: u64,
    /// How many code slots there are.
    pub code_slots: u32,
    /// How many special slots there are.
    pub special_slots: u32,
    /// The executable segment, from version 0x20400 on.
    pub executable_segment: Option<ExecutableSegment>,
    /// The version of the hardened runtime, as `major << 16 | minor << 8 | patch`; 0 is none.
    pub runtime: u32,
    page_shift: u8,
    hash_offset: usize,
}

impl CodeDirectory {
    /// Reads a CodeDirectory from a blob that fills `bytes`.
    ///
    /// # Errors
    /// It is damaged, too new or too old, or its numbers do not fit each other (`checkIntegrity`).
    pub fn parse(bytes: &[u8]) -> Result<Self, CodeDirectoryError> {
        use CodeDirectoryError as Error;
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLarge(bytes.len()));
        }
        super_blob::payload(bytes, super_blob::CODE_DIRECTORY)?;
        let word = |offset, what| u32_at(bytes, offset).ok_or(Error::Extent(what));
        let long = |offset, what| u64_at(bytes, offset).ok_or(Error::Extent(what));
        let byte = |offset| u8_at(bytes, offset).ok_or(Error::Extent("header"));
        let version = word(8, "header")?;
        if !(EARLIEST..=LATEST).contains(&version) {
            return Err(Error::Version(version));
        }
        let (hash_size, hash_number) = (byte(36)?, byte(37)?);
        let hash_type = HashType::from_number(hash_number)
            .filter(|kind| kind.length() == usize::from(hash_size))
            .ok_or(Error::HashType {
                kind: hash_number,
                length: hash_size,
            })?;
        let page_shift = byte(39)?;
        if page_shift > MAX_PAGE_SHIFT {
            return Err(Error::PageSize(page_shift));
        }
        if version >= SCATTER {
            let offset = word(44, "header")?;
            if offset != 0 {
                let fits = scatter_fits(bytes, size(offset), word(28, "header")?);
                return Err(Error::Scatter { fits });
            }
        }
        let team_offset = if version >= TEAM {
            word(48, "header")?
        } else {
            0
        };
        let code_limit = match version >= LONG_CODE {
            true => Some(long(56, "header")?).filter(|limit| *limit != 0),
            false => None,
        };
        let code_limit = match code_limit {
            Some(limit) => limit,
            None => u64::from(word(32, "header")?),
        };
        let executable_segment = match version >= EXECUTABLE_SEGMENT {
            true => Some(ExecutableSegment {
                base: long(64, "header")?,
                limit: long(72, "header")?,
                flags: long(80, "header")?,
            }),
            false => None,
        };
        let (runtime, before_encryption) = match version >= RUNTIME {
            true => (word(88, "header")?, size(word(92, "header")?)),
            false => (0, 0),
        };
        if version >= LINKAGE {
            let (offset, length) = (size(word(100, "header")?), size(word(104, "header")?));
            let end = offset.checked_add(length);
            if offset != 0 && end.is_none_or(|end| end > bytes.len()) {
                return Err(Error::Extent("linkage"));
            }
        }
        let (hash_offset, special_slots, code_slots) = (
            size(word(16, "header")?),
            word(24, "header")?,
            word(28, "header")?,
        );
        let holds = |start: Option<usize>, slots: u32| {
            let end = size(slots)
                .checked_mul(hash_type.length())
                .and_then(|length| start?.checked_add(length));
            end.is_some_and(|end| end <= bytes.len())
        };
        let special = size(special_slots).checked_mul(hash_type.length());
        let start = special.and_then(|special| hash_offset.checked_sub(special));
        if start.is_none_or(|start| start < super_blob::HEADER)
            || !holds(Some(hash_offset), code_slots)
        {
            return Err(Error::Extent("table of hashes"));
        }
        if before_encryption != 0 && !holds(Some(before_encryption), code_slots) {
            return Err(Error::Extent("table of hashes before encryption"));
        }
        let text = |offset: u32, what| {
            let bytes = text_at(bytes, size(offset)).ok_or(Error::Extent(what))?;
            String::from_utf8(bytes.to_vec()).map_err(|_| Error::Text(what))
        };
        let identifier = text(word(20, "header")?, "identifier")?;
        let team = match team_offset {
            0 => None,
            offset => Some(text(offset, "team")?),
        };
        let page = if page_shift == 0 {
            0
        } else {
            1u64 << page_shift
        };
        let expected = match page {
            0 => u64::from(code_limit > 0),
            page => code_limit.div_ceil(page),
        };
        if expected != u64::from(code_slots) || (page != 0 && code_limit == 0) {
            return Err(Error::CodeSlots {
                expected,
                found: code_slots,
                limit: code_limit,
                page,
            });
        }
        Ok(Self {
            version,
            flags: Flags(word(12, "header")?),
            hash_type,
            identifier,
            team,
            platform: byte(38)?,
            code_limit,
            code_slots,
            special_slots,
            executable_segment,
            runtime,
            page_shift,
            hash_offset,
            bytes: bytes.into(),
        })
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The size of a page in bytes; `None` where all code is one page.
    pub fn page_size(&self) -> Option<u64> {
        (self.page_shift != 0).then(|| 1 << self.page_shift)
    }

    /// The hash of the code page with this number, from 0.
    pub fn page(&self, number: u32) -> Option<&[u8]> {
        let number = Some(number).filter(|number| *number < self.code_slots)?;
        let start = size(number).checked_mul(self.hash_type.length())?;
        let start = self.hash_offset.checked_add(start)?;
        self.bytes.get(start..start + self.hash_type.length())
    }

    /// The hash of a special slot; `None` where it is not there or all zero, which says that there is no such component.
    pub fn special(&self, slot: u32) -> Option<&[u8]> {
        let slot = Some(slot).filter(|slot| (1..=self.special_slots).contains(slot))?;
        let start = size(slot).checked_mul(self.hash_type.length())?;
        let start = self.hash_offset.checked_sub(start)?;
        let hash = self.bytes.get(start..start + self.hash_type.length())?;
        hash.iter().any(|byte| *byte != 0).then_some(hash)
    }

    /// Its own hash, of its own type and whole.
    pub fn whole_hash(&self) -> Vec<u8> {
        self.hash_type.whole_hash(&self.bytes)
    }

    /// The cdhash: the first 20 bytes of its own hash, by which systems name the code.
    pub fn cdhash(&self) -> [u8; 20] {
        let mut cdhash = [0; 20];
        for (byte, found) in cdhash.iter_mut().zip(self.whole_hash()) {
            *byte = found;
        }
        cdhash
    }
}

/// Whether a table of scattered pages, which ends with a count of zero, lies within and names no more pages than there are.
fn scatter_fits(bytes: &[u8], offset: usize, code_slots: u32) -> bool {
    const ENTRY: usize = 24;
    let table = bytes.get(offset..).unwrap_or_default();
    let mut pages = 0u64;
    for entry in table.chunks_exact(ENTRY) {
        match u32_at(entry, 0) {
            Some(0) => return pages <= u64::from(code_slots),
            count => pages = pages.saturating_add(count.unwrap_or_default().into()),
        }
    }
    false
}

impl fmt::Debug for CodeDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CodeDirectory({:?} {} {})",
            self.identifier, self.hash_type, self.flags
        )
    }
}
