//! Mach-O files: where the slices of a program lie, and where each keeps its signature (`mach-o/loader.h`, `fat.h`).
//!
//! The file is never held: the header and the load commands of a slice are read, the rest is reached by offset. The
//! `object` crate reads the structures; what the code-signing library of Apple makes of them (a slice that is hidden behind
//! the last one of a fat file, padding that must be zero) is decided here, as `macho++.cpp` does.

use std::ops::Range;

use object::Endianness;
use object::macho;
use object::read::macho::{LoadCommandVariant, MachHeader, Section as _};
use schemars::JsonSchema;
use serde::Serialize;

use super::product::{Contents, ReadError};

/// The most slices of one file (`MAX_ARCH_COUNT`).
pub const MAX_SLICES: u32 = 100;

/// The most load commands of one slice, in bytes: those of Xcode's largest binaries have 16 KiB.
pub const MAX_COMMANDS: u32 = 4 * 1024 * 1024;

/// The largest alignment of a slice, as an exponent of two (`MAX_ALIGN`).
const MAX_ALIGN: u32 = 30;

/// How many bytes of padding are looked at together.
const CHUNK: usize = 64 * 1024;

/// Why a file is no Mach-O file that can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachOError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It ends before something that it says it has.
    #[error("the Mach-O file ends before its {0}")]
    Truncated(&'static str),
    /// More slices than any file has, or none.
    #[error("a fat file of {0} slices; 1 to {MAX_SLICES} are read")]
    Slices(u32),
    /// More load commands than any program has.
    #[error("{0} bytes of load commands; at most {MAX_COMMANDS} are read")]
    Commands(u32),
    /// A structure is damaged.
    #[error("the Mach-O file is damaged: {0}")]
    Malformed(&'static str),
    /// Slices that share bytes: each would be read, as often as the index says.
    #[error("the slices of the fat file overlap")]
    Overlap,
    /// A slice that is no Mach-O file, or of another kind than the first one.
    #[error("the slices of the fat file are not all programs of one kind")]
    Mixed,
}

/// A Mach-O file that may hold a signature.
#[derive(Debug, Clone)]
pub struct MachO {
    /// Its slices, in the order of the file's index.
    pub slices: Vec<Slice>,
    /// Whether it is a fat file.
    pub is_fat: bool,
    /// What the strict check objects to: bytes between and behind slices (`isSuspicious`).
    pub irregularity: Option<String>,
    /// What the index of a fat file and its slices say differently, so that two readers take different slices.
    pub contradiction: Option<String>,
}

/// One program for one kind of processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The processor, as Apple's tools write it.
    pub architecture: String,
    /// Where it lies in the file, in bytes.
    pub place: Range<u64>,
    /// What kind of program it is.
    pub kind: FileKind,
    /// Where its signature lies, from the beginning of the slice; `None` if it has none.
    pub signature: Option<Range<u64>>,
    /// Where `__TEXT,__info_plist` lies, from the beginning of the slice.
    pub info_plist: Option<Range<u64>>,
    /// Where the segment `__TEXT` lies, from the beginning of the slice.
    pub text_segment: Option<Range<u64>>,
    /// `PLATFORM_…` of the build version, where it says so: 1 macOS, 2 iOS, …
    pub platform: Option<u32>,
    /// The SDK it was built with, as `major << 16 | minor << 8 | patch`.
    pub sdk: Option<u32>,
    /// Where the segment `__LINKEDIT` ends, or the table of strings where that comes first, from the beginning of the slice:
    /// the end of all that the linker made.
    pub linked_end: Option<u64>,
    /// Whether the store has encrypted its code.
    pub is_encrypted: bool,
    /// Whether a second load command names a signature, which no system reads.
    pub has_second_signature: bool,
}

/// What kind of program a Mach-O file is (`MH_…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// `MH_EXECUTE`: a program; the only kind whose entitlements count.
    Executable,
    /// `MH_DYLIB`: a library.
    Library,
    /// `MH_BUNDLE`: code that is loaded at run time.
    Bundle,
    /// `MH_DYLINKER`, `MH_KEXT_BUNDLE`, `MH_PRELOAD`.
    Other,
}

impl FileKind {
    /// The kind, if files of it are signed (`MachORep::candidate`): object files and debug symbols are not.
    fn of(kind: macho::FileType) -> Option<Self> {
        Some(match kind {
            macho::MH_EXECUTE => Self::Executable,
            macho::MH_DYLIB => Self::Library,
            macho::MH_BUNDLE => Self::Bundle,
            macho::MH_DYLINKER | macho::MH_KEXT_BUNDLE | macho::MH_PRELOAD => Self::Other,
            _ => return None,
        })
    }
}

/// Whether a file with these first four bytes may be a Mach-O file.
pub fn may_be(magic: [u8; 4]) -> bool {
    let number = u32::from_be_bytes(magic);
    [number, number.swap_bytes()]
        .iter()
        .any(|number| [macho::MH_MAGIC, macho::MH_MAGIC_64, macho::FAT_MAGIC].contains(number))
}

impl MachO {
    /// Reads where the slices of a file lie. `None` if it is no Mach-O file of a kind that is signed: another file, an object
    /// file, debug symbols, or a class of Java's, which begins as a fat file does.
    ///
    /// # Errors
    /// It is one, and damaged.
    pub fn read(file: &mut dyn Contents) -> Result<Option<Self>, MachOError> {
        let mut head = [0; 8];
        if read_up_to(file, 0, &mut head)? < head.len() {
            return Ok(None);
        }
        let [a, b, c, d, count @ ..] = head;
        if !may_be([a, b, c, d]) {
            return Ok(None);
        }
        if u32::from_be_bytes([a, b, c, d]) != macho::FAT_MAGIC {
            let size = file.size();
            let slice = Slice::read(file, 0..size)?;
            return Ok(slice.map(|slice| Self {
                slices: vec![slice],
                is_fat: false,
                irregularity: None,
                contradiction: None,
            }));
        }
        let count = u32::from_be_bytes(count);
        // The classes of Java begin so too; the number of slices is their version there, which is at least 43.
        if count > 42 {
            return Ok(None);
        }
        Self::read_fat(file, count)
    }

    fn read_fat(file: &mut dyn Contents, count: u32) -> Result<Option<Self>, MachOError> {
        const ENTRY: usize = 20;
        if !(1..=MAX_SLICES).contains(&count) {
            return Err(MachOError::Slices(count));
        }
        // One more is read: an older linker kept the slice for arm64 out of the count (`Universal::Universal`).
        let wanted = (super::words::size(count) + 1) * ENTRY;
        let mut bytes = vec![0; wanted];
        let found = read_up_to(file, 8, &mut bytes)?;
        let mut index = Vec::new();
        for entry in bytes.get(..found).unwrap_or_default().chunks_exact(ENTRY) {
            let (entry, _) = object::pod::from_bytes::<macho::FatArch32>(entry)
                .map_err(|()| MachOError::Malformed("its index of slices"))?;
            let is_counted = index.len() < super::words::size(count);
            if is_counted || entry.cputype.get(object::BigEndian) == macho::CPU_TYPE_ARM64 {
                index.push(*entry);
            }
        }
        if index.len() < super::words::size(count) {
            return Err(MachOError::Truncated("index of slices"));
        }
        let mut places: Vec<(u64, u64)> = index
            .iter()
            .map(|entry| {
                let offset = u64::from(entry.offset.get(object::BigEndian));
                (
                    offset,
                    offset + u64::from(entry.size.get(object::BigEndian)),
                )
            })
            .collect();
        places.sort_unstable();
        let mut pairs = places.iter().zip(places.iter().skip(1));
        if pairs.any(|(one, other)| one.1 > other.0) {
            return Err(MachOError::Overlap);
        }
        let mut slices = Vec::new();
        for entry in &index {
            let offset = u64::from(entry.offset.get(object::BigEndian));
            let end = offset + u64::from(entry.size.get(object::BigEndian));
            if end > file.size() {
                return Err(MachOError::Truncated("last slice"));
            }
            match Slice::read(file, offset..end)? {
                Some(slice) => slices.push(slice),
                // A fat file of object files is a library for the linker, which is not signed.
                None if slices.is_empty() => return Ok(None),
                None => return Err(MachOError::Mixed),
            }
        }
        if slices
            .iter()
            .any(|slice| Some(slice.kind) != slices.first().map(|first| first.kind))
        {
            return Err(MachOError::Mixed);
        }
        let header_end = 8 + 20 * u64::try_from(index.len()).unwrap_or(u64::MAX);
        let aligns: Vec<(Range<u64>, u32)> = slices
            .iter()
            .zip(&index)
            .map(|(slice, entry)| (slice.place.clone(), entry.align.get(object::BigEndian)))
            .collect();
        let contradiction = contradiction(&slices, &index);
        Ok(Some(Self {
            slices,
            is_fat: true,
            contradiction,
            irregularity: irregularity(file, header_end, aligns)?,
        }))
    }

    /// The slice that a Mac of today runs: the one for arm64e, then arm64, then the first.
    pub fn native(&self) -> Option<&Slice> {
        let named = |name: &str| self.slices.iter().find(|slice| slice.architecture == name);
        named("arm64e")
            .or_else(|| named("arm64"))
            .or_else(|| self.slices.first())
    }
}

/// A slice for another processor than the index says, or two for one.
fn contradiction(slices: &[Slice], index: &[macho::FatArch32]) -> Option<String> {
    let named: Vec<String> = index
        .iter()
        .map(|entry| {
            architecture(
                entry.cputype.get(object::BigEndian),
                entry.cpusubtype.get(object::BigEndian),
            )
        })
        .collect();
    let lies = slices
        .iter()
        .zip(&named)
        .find(|(slice, named)| slice.architecture != **named);
    if let Some((slice, named)) = lies {
        return Some(format!(
            "the index says {named}, and the slice is for {}",
            slice.architecture
        ));
    }
    let twice = named
        .iter()
        .enumerate()
        .find(|(position, name)| named.iter().skip(position + 1).any(|other| other == *name));
    twice.map(|(_, name)| format!("two slices are for {name}"))
}

/// What the strict check objects to in a fat file: overlapping slices, padding that is not zero or too long, and bytes behind
/// the last slice.
fn irregularity(
    file: &mut dyn Contents,
    header_end: u64,
    mut slices: Vec<(Range<u64>, u32)>,
) -> Result<Option<String>, ReadError> {
    slices.sort_by_key(|(place, _)| place.start);
    let mut end = header_end;
    for (place, align) in slices {
        let Some(gap) = place.start.checked_sub(end) else {
            return Ok(Some("two slices overlap".to_owned()));
        };
        if end != header_end && (align > MAX_ALIGN || gap >= 1 << align) {
            return Ok(Some(
                "the padding between two slices is longer than their alignment".to_owned(),
            ));
        }
        if !is_zero(file, end..place.start)? {
            return Ok(Some("the padding before a slice is not zero".to_owned()));
        }
        end = place.end;
    }
    Ok((end != file.size()).then(|| "bytes follow the last slice".to_owned()))
}

fn is_zero(file: &mut dyn Contents, place: Range<u64>) -> Result<bool, ReadError> {
    let mut buffer = vec![0; CHUNK];
    let mut at = place.start;
    while at < place.end {
        let length = usize::try_from(place.end - at).unwrap_or(CHUNK).min(CHUNK);
        let chunk = buffer.get_mut(..length).unwrap_or_default();
        let found = read_up_to(file, at, chunk)?;
        if found == 0 || chunk.iter().take(found).any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += u64::try_from(found).unwrap_or(u64::MAX);
    }
    Ok(true)
}

/// Fills the buffer, or as much of it as the file has.
fn read_up_to(file: &mut dyn Contents, offset: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match file.read_at(at, rest)? {
            0 => break,
            found => filled += found,
        }
    }
    Ok(filled)
}

/// The bytes of a place in a file.
///
/// # Errors
/// It cannot be read, or ends before.
pub fn bytes_at(file: &mut dyn Contents, place: Range<u64>) -> Result<Vec<u8>, MachOError> {
    let length = usize::try_from(place.end.saturating_sub(place.start))
        .map_err(|_| MachOError::Truncated("contents"))?;
    if place.end > file.size() {
        return Err(MachOError::Truncated("contents"));
    }
    let mut bytes = vec![0; length];
    match read_up_to(file, place.start, &mut bytes)? == length {
        true => Ok(bytes),
        false => Err(MachOError::Truncated("contents")),
    }
}

impl Slice {
    fn read(file: &mut dyn Contents, place: Range<u64>) -> Result<Option<Self>, MachOError> {
        let header_size = 32.min(place.end - place.start);
        let mut bytes = bytes_at(file, place.start..place.start + header_size)?;
        let Some(magic) = bytes.first_chunk::<4>() else {
            return Err(MachOError::Truncated("header"));
        };
        let number = u32::from_be_bytes(*magic);
        let is_64 = [number, number.swap_bytes()].contains(&macho::MH_MAGIC_64);
        let is_32 = [number, number.swap_bytes()].contains(&macho::MH_MAGIC);
        let commands = match (is_64, is_32) {
            (true, _) => commands_size::<macho::MachHeader64<Endianness>>(&bytes)?,
            (_, true) => commands_size::<macho::MachHeader32<Endianness>>(&bytes)?,
            _ => return Ok(None),
        };
        if commands > MAX_COMMANDS {
            return Err(MachOError::Commands(commands));
        }
        let end = place.start + 32 + u64::from(commands);
        bytes = bytes_at(file, place.start..end.min(place.end))?;
        match is_64 {
            true => Self::of::<macho::MachHeader64<Endianness>>(&bytes, place),
            false => Self::of::<macho::MachHeader32<Endianness>>(&bytes, place),
        }
    }

    fn of<H: MachHeader<Endian = Endianness>>(
        bytes: &[u8],
        place: Range<u64>,
    ) -> Result<Option<Self>, MachOError> {
        const COMMANDS: MachOError = MachOError::Malformed("its load commands");
        let header = H::parse(bytes, 0).map_err(|_| MachOError::Malformed("its header"))?;
        let endian = header
            .endian()
            .map_err(|_| MachOError::Malformed("its header"))?;
        let Some(kind) = FileKind::of(header.filetype(endian)) else {
            return Ok(None);
        };
        let length = place.end - place.start;
        let mut slice = Self {
            architecture: architecture(header.cputype(endian), header.cpusubtype(endian)),
            place,
            kind,
            signature: None,
            info_plist: None,
            text_segment: None,
            platform: None,
            sdk: None,
            linked_end: None,
            is_encrypted: false,
            has_second_signature: false,
        };
        let within = |offset: u64, size: u64, what| match offset.checked_add(size) {
            Some(end) if end <= length => Ok(offset..end),
            _ => Err(MachOError::Truncated(what)),
        };
        let mut commands = header
            .load_commands(endian, bytes, 0)
            .map_err(|_| COMMANDS)?;
        while let Some(command) = commands.next().map_err(|_| COMMANDS)? {
            match command.variant().map_err(|_| COMMANDS)? {
                LoadCommandVariant::LinkeditData(data)
                    if command.cmd() == macho::LC_CODE_SIGNATURE =>
                {
                    let (offset, size) = (data.dataoff.get(endian), data.datasize.get(endian));
                    let found = within(offset.into(), size.into(), "signature")?;
                    slice.has_second_signature |= slice.signature.is_some();
                    slice.signature.get_or_insert(found);
                }
                LoadCommandVariant::Segment64(segment, sections) => {
                    slice.segment(segment, sections, endian, &within)?;
                }
                LoadCommandVariant::Segment32(segment, sections) => {
                    slice.segment(segment, sections, endian, &within)?;
                }
                LoadCommandVariant::Symtab(table) => {
                    let end =
                        u64::from(table.stroff.get(endian)) + u64::from(table.strsize.get(endian));
                    slice.linked_end.get_or_insert(end);
                }
                LoadCommandVariant::BuildVersion(version, _) => {
                    slice.platform.get_or_insert(version.platform.get(endian).0);
                    slice.sdk.get_or_insert(version.sdk.get(endian).0);
                }
                LoadCommandVariant::VersionMin(version) => {
                    let platform = match command.cmd() {
                        macho::LC_VERSION_MIN_MACOSX => 1,
                        macho::LC_VERSION_MIN_IPHONEOS => 2,
                        macho::LC_VERSION_MIN_TVOS => 3,
                        _ => 4,
                    };
                    slice.platform.get_or_insert(platform);
                    slice.sdk.get_or_insert(version.sdk.get(endian).0);
                }
                LoadCommandVariant::EncryptionInfo32(info) => {
                    slice.is_encrypted |= info.cryptid.get(endian) != 0;
                }
                LoadCommandVariant::EncryptionInfo64(info) => {
                    slice.is_encrypted |= info.cryptid.get(endian) != 0;
                }
                _ => {}
            }
        }
        Ok(Some(slice))
    }

    /// Takes from a segment what a signature speaks of.
    fn segment<S: object::read::macho::Segment<Endian = Endianness>>(
        &mut self,
        segment: &S,
        sections: &[u8],
        endian: Endianness,
        within: &dyn Fn(u64, u64, &'static str) -> Result<Range<u64>, MachOError>,
    ) -> Result<(), MachOError> {
        if segment.name() == b"__LINKEDIT" {
            let (offset, size) = segment.file_range(endian);
            self.linked_end.get_or_insert(offset.saturating_add(size));
        }
        if segment.name() != b"__TEXT" || self.text_segment.is_some() {
            return Ok(());
        }
        let (offset, size) = segment.file_range(endian);
        self.text_segment = Some(within(offset, size, "text segment")?);
        let sections = segment
            .sections(endian, sections)
            .map_err(|_| MachOError::Malformed("its sections"))?;
        let info = sections
            .iter()
            .find(|section| section.name() == b"__info_plist");
        let place =
            info.and_then(|section| section.file_range(endian, section.offset(endian).into()));
        if let Some((offset, size)) = place {
            self.info_plist = Some(within(offset, size, "Info.plist")?);
        }
        Ok(())
    }
}

fn commands_size<H: MachHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<u32, MachOError> {
    let header = H::parse(bytes, 0).map_err(|_| MachOError::Truncated("header"))?;
    let endian = header
        .endian()
        .map_err(|_| MachOError::Malformed("its header"))?;
    Ok(header.sizeofcmds(endian))
}

/// The processor as `lipo` and `codesign` write it.
fn architecture(kind: macho::CpuType, subtype: macho::CpuSubtype) -> String {
    // The highest byte holds capabilities (CPU_SUBTYPE_MASK).
    let subtype = subtype.0 & 0x00ff_ffff;
    let name = match (kind, subtype) {
        (macho::CPU_TYPE_ARM64, 2) => "arm64e",
        (macho::CPU_TYPE_ARM64, _) => "arm64",
        (macho::CPU_TYPE_ARM64_32, _) => "arm64_32",
        (macho::CPU_TYPE_X86_64, 8) => "x86_64h",
        (macho::CPU_TYPE_X86_64, _) => "x86_64",
        (macho::CPU_TYPE_X86, _) => "i386",
        (macho::CPU_TYPE_ARM, 6) => "armv6",
        (macho::CPU_TYPE_ARM, 9) => "armv7",
        (macho::CPU_TYPE_ARM, 11) => "armv7s",
        (macho::CPU_TYPE_ARM, 12) => "armv7k",
        (macho::CPU_TYPE_ARM, _) => "arm",
        (macho::CPU_TYPE_POWERPC, _) => "ppc",
        (macho::CPU_TYPE_POWERPC64, _) => "ppc64",
        (kind, subtype) => return format!("processor {} type {subtype}", kind.0),
    };
    name.to_owned()
}
