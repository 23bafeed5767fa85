//! What Linux says of this process: `/proc/self` (proc(5)) and the loader's own files (ld.so(8)).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::context::gate::facts::Namespace;
use crate::host::files::{ReadErrorKind, read_bounded};

/// The inodes that the kernel gives to the namespaces it begins with (`include/linux/proc_ns.h`).
const FIRST_USER: u64 = 0xEFFF_FFFD;
const FIRST_UTS: u64 = 0xEFFF_FFFE;

/// Libraries that every process of the system takes in.
const PRELOAD_FILE: &str = "/etc/ld.so.preload";

/// The most that is read of one of these files.
const LIMIT: usize = 8 << 20;

/// What this program is linked with: glibc or musl, their loader, and the compiler's unwinder. The names of the files begin so,
/// with `.`, `-` or nothing after it: `libc.so.6`, `libc-2.31.so`, `ld-musl-x86_64.so.1`.
const OWN_LIBRARIES: [&str; 7] = [
    "libc",
    "libm",
    "libgcc_s",
    "libpthread",
    "libdl",
    "librt",
    "ld",
];

/// Where the loader looks without being told; and the stores of systems that put each package into a directory of its own,
/// which nobody can write to.
const OWN_DIRECTORIES: [&str; 8] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/nix/store",
    "/gnu/store",
];

pub(super) fn user_namespace() -> Namespace {
    namespace("user", FIRST_USER)
}

pub(super) fn uts_namespace() -> Namespace {
    namespace("uts", FIRST_UTS)
}

fn namespace(kind: &str, first: u64) -> Namespace {
    match fs::read_link(Path::new("/proc/self/ns").join(kind)) {
        Ok(link) => of_link(link.as_os_str(), kind, first),
        Err(_) => Namespace::Unknown,
    }
}

/// The namespace of a link such as `user:[4026531837]`.
fn of_link(link: &OsStr, kind: &str, first: u64) -> Namespace {
    let number = link.to_str().and_then(|link| {
        let number = link.strip_prefix(kind)?.strip_prefix(":[")?;
        number.strip_suffix(']')?.parse::<u64>().ok()
    });
    match number {
        Some(number) if number == first => Namespace::First,
        Some(_) => Namespace::Other,
        None => Namespace::Unknown,
    }
}

/// The environment as the kernel was given it: what a library takes out of the environment that we are given still stands
/// there. It cannot always be read; then there is nothing to add.
pub(super) fn first_environment() -> Vec<(OsString, OsString)> {
    let bytes = read_bounded(Path::new("/proc/self/environ"), LIMIT).unwrap_or_default();
    bytes
        .split(|byte| *byte == 0)
        .filter_map(|entry| {
            let at = entry.iter().position(|byte| *byte == b'=')?;
            let (name, value) = entry.split_at_checked(at)?;
            let value = value.get(1..).unwrap_or_default();
            Some((
                OsString::from_vec(name.to_vec()),
                OsString::from_vec(value.to_vec()),
            ))
        })
        .collect()
}

pub(super) fn told_by_the_system() -> Vec<String> {
    match read_bounded(Path::new(PRELOAD_FILE), LIMIT) {
        Ok(bytes) => listed(&bytes)
            .into_iter()
            .map(|library| format!("{PRELOAD_FILE}: {library}"))
            .collect(),
        Err(error) if matches!(error.kind, ReadErrorKind::Missing) => Vec::new(),
        Err(error) => vec![format!("{PRELOAD_FILE}: {}", error.kind)],
    }
}

/// The libraries in a file that separates them by blanks, colons and lines, with comments.
fn listed(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines();
    let code = lines.map(|line| line.split('#').next().unwrap_or_default());
    code.flat_map(|line| line.split([' ', '\t', ':']))
        .filter(|library| !library.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Files that are mapped as code and are neither this program nor what it is linked with, from where the loader gets it.
pub(super) fn mapped() -> Option<Vec<String>> {
    let maps = read_bounded(Path::new("/proc/self/maps"), LIMIT);
    let (Ok(maps), Ok(program)) = (maps, fs::read_link("/proc/self/exe")) else {
        return unseen(cfg!(target_feature = "crt-static"));
    };
    let own = OWN_DIRECTORIES.map(PathBuf::from);
    let files = code_files(&maps).into_iter();
    let strangers: Vec<&Path> = files
        .filter(|file| *file != program && !is_linked(file, &own))
        .collect();
    if strangers.is_empty() {
        return Some(Vec::new());
    }
    // Most programs need nothing from where only the configuration of the loader leads.
    let configured = configured_directories();
    let strangers = strangers.into_iter();
    let strangers = strangers.filter(|file| !is_linked(file, &configured));
    Some(strangers.map(|file| file.display().to_string()).collect())
}

/// What is known where the kernel shows no map, as in a root directory without `/proc`: a static program is started without a
/// loader (elf(5), `PT_INTERP`), so nobody can have told one to take libraries in. Of any other program nothing is known.
fn unseen(is_static: bool) -> Option<Vec<String>> {
    is_static.then(Vec::new)
}

/// Whether a file is one that this program is linked with, in one of these directories or below.
fn is_linked(file: &Path, directories: &[PathBuf]) -> bool {
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let stem = name.split(['.', '-']).next().unwrap_or_default();
    OWN_LIBRARIES.contains(&stem) && directories.iter().any(|own| file.starts_with(own))
}

/// The files that are mapped with the right to be executed, of the text of `/proc/PID/maps`.
fn code_files(maps: &[u8]) -> Vec<&Path> {
    let lines = maps.split(|byte| *byte == b'\n');
    let mut files: Vec<&Path> = lines.filter_map(code_file).collect();
    files.dedup();
    files
}

/// `ADDRESSES RIGHTS OFFSET DEVICE INODE PATH`, of which the path may hold blanks.
fn code_file(line: &[u8]) -> Option<&Path> {
    let at = line.iter().position(|byte| *byte == b'/')?;
    let (head, path) = line.split_at_checked(at)?;
    let head = std::str::from_utf8(head).ok()?;
    let rights = head.split(' ').nth(1)?;
    rights
        .contains('x')
        .then_some(Path::new(OsStr::from_bytes(path)))
}

/// The directories that the loader is configured to search: `/etc/ld.so.conf` and the files beside it, with links resolved.
fn configured_directories() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/ld.so.conf")];
    let beside = fs::read_dir("/etc/ld.so.conf.d").into_iter().flatten();
    files.extend(beside.flatten().map(|entry| entry.path()));
    let read = |file: PathBuf| read_bounded(&file, LIMIT).unwrap_or_default();
    let texts = files.into_iter().map(read);
    texts
        .flat_map(|text| listed(&text))
        .filter(|directory| directory.starts_with('/'))
        .map(|directory| fs::canonicalize(&directory).unwrap_or_else(|_| directory.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_map_only_a_static_program_is_known_to_hold_no_libraries() {
        assert_eq!(unseen(true), Some(Vec::new()));
        assert_eq!(unseen(false), None);
    }

    #[test]
    fn a_namespace_is_told_by_its_number() {
        let of = |link: &str| of_link(OsStr::new(link), "uts", FIRST_UTS);
        assert_eq!(FIRST_USER, 4_026_531_837);
        assert_eq!(of("uts:[4026531838]"), Namespace::First);
        assert_eq!(of("uts:[4026532177]"), Namespace::Other);
        for other in [
            "",
            "uts:[]",
            "user:[4026531838]",
            "uts:[4026531838",
            "uts:[-1]",
        ] {
            assert_eq!(of(other), Namespace::Unknown, "{other:?}");
        }
    }

    #[test]
    fn only_files_with_code_are_told() {
        let maps = b"55d0-55d1 r--p 00000000 fe:00 12 /usr/bin/a program\n\
            55d1-55d2 r-xp 00001000 fe:00 12                         /usr/bin/a program\n\
            7f00-7f01 r-xp 00000000 fe:00 13 /tmp/x.so (deleted)\n\
            7f01-7f02 r--p 00000000 fe:00 14 /usr/lib/locale/C.utf8\n\
            7f02-7f03 r-xp 00000000 00:00 0\n\
            7ffd-7ffe r-xp 00000000 00:00 0 [vdso]\n\
            ffff-ffff --xp 00000000 00:00 0 [vsyscall]\n";
        assert_eq!(
            code_files(maps),
            [
                Path::new("/usr/bin/a program"),
                Path::new("/tmp/x.so (deleted)")
            ]
        );
    }

    #[test]
    fn what_the_program_is_linked_with_is_known_by_name_and_place() {
        let own = OWN_DIRECTORIES.map(PathBuf::from);
        for file in [
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "/lib/x86_64-linux-gnu/libc-2.31.so",
            "/usr/lib64/glibc-hwcaps/x86-64-v3/libm.so.6",
            "/usr/lib64/libgcc_s-8-20210514.so.1",
            "/lib/ld-musl-x86_64.so.1",
            "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "/nix/store/abc-glibc-2.40/lib/libc.so.6",
        ] {
            assert!(is_linked(Path::new(file), &own), "{file}");
        }
        for file in [
            "/tmp/libc.so.6",
            "/usr/local/lib/libc.so.6",
            "/usr/library/libc.so.6",
            "/usr/lib/libfaketime.so.1",
            "/usr/lib/x86_64-linux-gnu/libcx.so",
            "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
            "/usr/lib",
        ] {
            assert!(!is_linked(Path::new(file), &own), "{file}");
        }
    }

    #[test]
    fn lists_of_libraries_have_comments() {
        let text = b"# all\n/a.so:/b.so /c.so # /d.so\n\n";
        assert_eq!(listed(text), ["/a.so", "/b.so", "/c.so"]);
        assert!(listed(b" \n#\n").is_empty());
    }
}
