//! Mach-O images that are as small as a loader's reader accepts: a header, load commands, `__TEXT` with content that
//! grows from a label, `__LINKEDIT`, and room for a signature at the end.
//!
//! The layout is that of linked files: the header and the load commands are the first bytes of `__TEXT`, `__LINKEDIT` is
//! the last segment and ends where the file ends, and the signature is the last part of `__LINKEDIT`, at a multiple of
//! 16. Names and numbers are those of `<mach-o/loader.h>`. Files of several slices are in [`fat`].

pub mod fat;

use super::stream;

/// A processor, as the headers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// 64-bit ARM: every device since 2013, and Macs since 2020.
    Arm64,
    /// The same with pointer authentication.
    Arm64e,
    /// 64-bit Intel.
    X86_64,
    /// 32-bit ARM: devices before iOS 11.
    Armv7,
    /// 32-bit Intel: Macs before macOS 10.15.
    I386,
}

impl Arch {
    /// `cputype` and `cpusubtype`.
    pub fn cpu(self) -> (u32, u32) {
        match self {
            Self::Arm64 => (0x0100_000c, 0),
            // CPU_SUBTYPE_PTRAUTH_ABI with version 0, and CPU_SUBTYPE_ARM64E.
            Self::Arm64e => (0x0100_000c, 0x8000_0002),
            Self::X86_64 => (0x0100_0007, 3),
            Self::Armv7 => (12, 9),
            Self::I386 => (7, 3),
        }
    }

    /// Whether headers and segments have their 64-bit form.
    pub fn is_64_bit(self) -> bool {
        matches!(self, Self::Arm64 | Self::Arm64e | Self::X86_64)
    }

    /// log2 of the size of its memory pages, to which segments are aligned and slices of fat files too.
    pub fn page_bits(self) -> u32 {
        match self {
            Self::Arm64 | Self::Arm64e | Self::Armv7 => 14,
            Self::X86_64 | Self::I386 => 12,
        }
    }
}

/// What an image is: `filetype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileType {
    /// `MH_EXECUTE`.
    Executable,
    /// `MH_DYLIB`.
    Dylib,
    /// `MH_BUNDLE`: a plug-in that is loaded by name.
    Bundle,
}

impl FileType {
    fn number(self) -> u32 {
        match self {
            Self::Executable => 2,
            Self::Dylib => 6,
            Self::Bundle => 8,
        }
    }
}

/// Which system an image is built for, and how it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `LC_BUILD_VERSION`: platform (1 macOS, 2 iOS, 4 watchOS, …), least version and SDK as `0x000f0000` for 15.0.
    Build(u32, u32, u32),
    /// `LC_VERSION_MIN_…`, as it was before 2018: the command, least version and SDK.
    VersionMin(u32, u32, u32),
    /// Nothing says it.
    Unsaid,
}

impl Target {
    /// macOS 13, SDK 15.
    pub const MACOS: Self = Self::Build(1, 0x000d_0000, 0x000f_0000);
    /// iOS 17, SDK 18.
    pub const IOS: Self = Self::Build(2, 0x0011_0000, 0x0012_0000);
    /// watchOS 10, SDK 11.
    pub const WATCHOS: Self = Self::Build(4, 0x000a_0000, 0x000b_0000);
}

/// An image to be made; every field is what an honest linker would decide.
#[derive(Clone, Debug)]
pub struct MachO {
    /// The processor.
    pub arch: Arch,
    /// What it is.
    pub file_type: FileType,
    /// The system.
    pub target: Target,
    /// The content grows from this, and so does the UUID.
    pub label: String,
    /// Bytes of content behind the load commands; the segment is filled up to a whole memory page with zeros.
    pub content: usize,
    /// The `__info_plist` section of `__TEXT`, where tools carry their `Info.plist`.
    pub info_plist: Option<Vec<u8>>,
    /// Whether it has an `LC_UUID`.
    pub uuid: bool,
    /// Bytes between the end of the signature and the end of the file that `__LINKEDIT` does not know of.
    pub trailing: usize,
}

/// What stands in `__LINKEDIT` before the signature: an empty symbol table and this much of its strings.
const STRINGS: usize = 40;

/// Where a finished image has its parts, counted from its own first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `filesize` of `__TEXT`, which begins at 0: what `execSegLimit` says.
    pub text: usize,
    /// `fileoff` of `__LINKEDIT`.
    pub linkedit: usize,
    /// `dataoff` of the signature: what the CodeDirectory's limit says.
    pub signature: usize,
}

impl MachO {
    /// An executable of three 4-KiB pages of content.
    pub fn executable(arch: Arch, target: Target, label: &str) -> Self {
        Self {
            arch,
            file_type: FileType::Executable,
            target,
            label: label.to_owned(),
            content: 3 * 4096,
            info_plist: None,
            uuid: true,
            trailing: 0,
        }
    }

    /// A dynamic library, as frameworks have one.
    pub fn dylib(arch: Arch, target: Target, label: &str) -> Self {
        Self {
            file_type: FileType::Dylib,
            content: 4096,
            ..Self::executable(arch, target, label)
        }
    }

    /// With so many bytes of content.
    pub fn content(mut self, bytes: usize) -> Self {
        self.content = bytes;
        self
    }

    /// With an `Info.plist` in its `__TEXT`.
    pub fn info_plist(mut self, bytes: &[u8]) -> Self {
        self.info_plist = Some(bytes.to_vec());
        self
    }

    /// Where its parts come to lie.
    pub fn layout(&self) -> Layout {
        let page = 1 << self.arch.page_bits();
        // Load commands have the first 4 KiB for themselves, so that a signer may add to them.
        let inside = self.content + self.info_plist.as_ref().map_or(0, Vec::len);
        let text = (4096 + inside).next_multiple_of(page);
        Layout {
            text,
            linkedit: text,
            signature: (text + STRINGS).next_multiple_of(16),
        }
    }

    /// The file without a signature.
    pub fn unsigned(&self) -> Vec<u8> {
        let mut image = self.image(None);
        image.truncate(self.layout().text + STRINGS);
        image.resize(image.len() + self.trailing, 0);
        image
    }

    /// All that is signed when the signature gets `reserved` bytes: the file up to it.
    pub fn signed_part(&self, reserved: usize) -> Vec<u8> {
        self.image(Some(reserved))
    }

    /// The file with that signature, filled up with zeros to the `reserved` bytes that [`MachO::signed_part`] was told.
    pub fn with_signature(&self, signature: &[u8], reserved: usize) -> Vec<u8> {
        assert!(signature.len() <= reserved, "the signature fits its room");
        let mut image = self.image(Some(reserved));
        image.extend_from_slice(signature);
        image.resize(self.layout().signature + reserved + self.trailing, 0);
        image
    }

    fn image(&self, reserved: Option<usize>) -> Vec<u8> {
        let layout = self.layout();
        let commands = self.commands(&layout, reserved);
        let mut image = Vec::new();
        let (cpu, subtype) = self.arch.cpu();
        let size: usize = commands.iter().map(Vec::len).sum();
        // MH_NOUNDEFS | MH_DYLDLINK | MH_TWOLEVEL, and MH_PIE for executables.
        let flags = match self.file_type {
            FileType::Executable => 0x0020_0085,
            FileType::Dylib | FileType::Bundle => 0x85,
        };
        let magic: u32 = match self.arch.is_64_bit() {
            true => 0xfeed_facf,
            false => 0xfeed_face,
        };
        for word in [
            magic,
            cpu,
            subtype,
            self.file_type.number(),
            commands.len() as u32,
            size as u32,
            flags,
        ] {
            image.extend(word.to_le_bytes());
        }
        if self.arch.is_64_bit() {
            image.extend([0; 4]);
        }
        image.extend(commands.concat());
        assert!(image.len() <= 4096, "the load commands fit");
        image.resize(4096, 0);
        image.extend(self.info_plist.iter().flatten());
        image.extend(stream::bytes(
            &format!("text of {}", self.label),
            self.content,
        ));
        image.resize(layout.text, 0);
        image.extend(b" \0_main\0__mh_execute_header\0");
        image.resize(layout.signature, 0);
        image
    }

    fn commands(&self, layout: &Layout, reserved: Option<usize>) -> Vec<Vec<u8>> {
        let wide = self.arch.is_64_bit();
        let page = 1u64 << self.arch.page_bits();
        // Executables begin behind a page zero of 4 GiB, or of one page where addresses have 32 bits.
        let zero: u64 = match (self.file_type, wide) {
            (FileType::Executable, true) => 1 << 32,
            (FileType::Executable, false) => page,
            _ => 0,
        };
        let text = layout.text as u64;
        let mut commands = Vec::new();
        if zero > 0 {
            commands.push(segment(wide, "__PAGEZERO", [0, zero, 0, 0], 0, &[]));
        }
        let mut sections = Vec::new();
        let mut at = 4096;
        if let Some(info) = &self.info_plist {
            sections.push(("__info_plist", at, info.len() as u64, 0));
            at += info.len() as u64;
        }
        // S_ATTR_PURE_INSTRUCTIONS | S_ATTR_SOME_INSTRUCTIONS.
        sections.push(("__text", at, self.content as u64, 0x8000_0400));
        commands.push(segment(wide, "__TEXT", [zero, text, 0, text], 5, &sections));
        let end = match reserved {
            Some(reserved) => layout.signature + reserved,
            None => layout.text + STRINGS,
        };
        let linkedit = (end - layout.linkedit) as u64;
        let sizes = [
            zero + text,
            linkedit.next_multiple_of(page),
            layout.linkedit as u64,
            linkedit,
        ];
        commands.push(segment(wide, "__LINKEDIT", sizes, 1, &[]));
        if self.file_type == FileType::Dylib {
            let name = format!("@rpath/{}", self.label);
            let mut name = name.into_bytes();
            name.resize((name.len() + 1).next_multiple_of(8), 0);
            // LC_ID_DYLIB: offset of the name, timestamp, current and compatible version.
            commands.push(
                [
                    words(&[0xd, 24 + name.len() as u32, 24, 1, 0x1_0000, 0x1_0000]),
                    name,
                ]
                .concat(),
            );
        }
        // LC_SYMTAB: no symbols, and their strings.
        let strings = layout.linkedit as u32;
        commands.push(words(&[0x2, 24, strings, 0, strings, STRINGS as u32]));
        if self.uuid {
            let uuid = stream::bytes(&format!("uuid of {} {:?}", self.label, self.arch), 16);
            commands.push([words(&[0x1b, 24]), uuid].concat());
        }
        match self.target {
            Target::Build(platform, least, sdk) => {
                commands.push(words(&[0x32, 24, platform, least, sdk, 0]));
            }
            Target::VersionMin(command, least, sdk) => {
                commands.push(words(&[command, 16, least, sdk]));
            }
            Target::Unsaid => {}
        }
        if let Some(reserved) = reserved {
            commands.push(words(&[0x1d, 16, layout.signature as u32, reserved as u32]));
        }
        commands
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// `LC_SEGMENT` or `LC_SEGMENT_64`: address, size in memory, offset and size in the file; then the sections with offset,
/// size and flags.
fn segment(
    wide: bool,
    name: &str,
    [address, memory, offset, size]: [u64; 4],
    protection: u32,
    sections: &[(&str, u64, u64, u32)],
) -> Vec<u8> {
    let number = |value: u64| match wide {
        true => value.to_le_bytes().to_vec(),
        false => (value as u32).to_le_bytes().to_vec(),
    };
    let (command, header, each) = match wide {
        true => (0x19, 72, 80),
        false => (0x1, 56, 68),
    };
    let mut out = words(&[command, header + each * sections.len() as u32]);
    out.extend(padded(name));
    for value in [address, memory, offset, size] {
        out.extend(number(value));
    }
    out.extend(words(&[protection, protection, sections.len() as u32, 0]));
    for (section, at, length, flags) in sections {
        out.extend(padded(section));
        out.extend(padded(name));
        out.extend(number(address + at));
        out.extend(number(*length));
        // offset, align, reloff, nreloc, flags, reserved.
        out.extend(words(&[*at as u32, 0, 0, 0, *flags, 0, 0]));
        if wide {
            out.extend([0; 4]);
        }
    }
    out
}

/// A name in its 16 bytes.
fn padded(name: &str) -> [u8; 16] {
    let mut out = [0; 16];
    out[..name.len()].copy_from_slice(name.as_bytes());
    out
}
