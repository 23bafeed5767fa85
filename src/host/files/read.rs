//! Reading a file whole, within bounds, without ever waiting for it.
//!
//! The file is opened without blocking and asked what it is before it is read. So a FIFO that nobody writes to is an
//! error at once rather than a pipeline that hangs, and `/dev/zero` is an error rather than all of the memory. Symlinks
//! are followed: profile directories are full of them on hosts that share one store.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {kind}", path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub kind: ReadErrorKind,
}

impl ReadError {
    /// The error of `path` for `kind`.
    pub fn new(path: &Path, kind: ReadErrorKind) -> Self {
        Self {
            path: path.to_owned(),
            kind,
        }
    }
}

impl Explain for ReadError {
    fn code(&self) -> ErrorCode {
        match self.kind {
            ReadErrorKind::Missing
            | ReadErrorKind::DanglingLink(_)
            | ReadErrorKind::NotBelowDirectory => ErrorCode::FileMissing,
            _ => ErrorCode::FileUnreadable,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.kind {
            ReadErrorKind::Missing => "check the spelling and the working directory".into(),
            ReadErrorKind::DanglingLink(target) => {
                format!("restore {}, or remove the link", target.display())
            }
            ReadErrorKind::LinkLoop => "remove one of the links".into(),
            ReadErrorKind::NotBelowDirectory => {
                "check the spelling of each part of the path".into()
            }
            ReadErrorKind::Directory => "name a file inside it".into(),
            ReadErrorKind::NotDirectory => "name a directory".into(),
            ReadErrorKind::Pipe | ReadErrorKind::Socket | ReadErrorKind::Device => {
                "save the contents to a file and name that file".into()
            }
            ReadErrorKind::TooLarge { .. } => "check that this is the right file".into(),
            ReadErrorKind::Denied => {
                "grant it (chmod, chown), or run as a user who has the permission".into()
            }
            ReadErrorKind::Io(_) => "check the disk and the mount".into(),
        })
    }

    fn place(&self) -> Place {
        Place::file(&self.path)
    }
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadErrorKind {
    /// There is nothing of that name.
    #[error("it does not exist")]
    Missing,
    /// It is a symlink to something that does not exist.
    #[error("it is a symlink to {}, which does not exist", .0.display())]
    DanglingLink(PathBuf),
    /// Its symlinks lead in a circle.
    #[error("its symlinks form a circle")]
    LinkLoop,
    /// A part of the path is a file, so nothing can lie below it.
    #[error("a part of the path is not a directory")]
    NotBelowDirectory,
    /// It is a directory where a file should be.
    #[error("it is a directory")]
    Directory,
    /// It is something else where a directory should be.
    #[error("it is not a directory")]
    NotDirectory,
    /// It is a pipe.
    #[error("it is a pipe, not a file")]
    Pipe,
    /// It is a socket.
    #[error("it is a socket, not a file")]
    Socket,
    /// It is a device.
    #[error("it is a device, not a file")]
    Device,
    /// It is larger than what it should be can be.
    #[error("it has {} bytes, but at most {limit} are read here", .size.map_or_else(|| format!("over {limit}"), |size| size.to_string()))]
    TooLarge {
        /// The largest size that is read, in bytes.
        limit: usize,
        /// Its size, if known.
        size: Option<u64>,
    },
    /// This user may not read it.
    #[error("this user has no permission to read it")]
    Denied,
    /// Anything else the system says.
    #[error("{0}")]
    Io(#[source] io::Error),
}

impl ReadErrorKind {
    /// What the system's error for `path` means.
    pub fn of(path: &Path, error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::NOENT) => match std::fs::read_link(path) {
                Ok(target) => Self::DanglingLink(target),
                Err(_) => Self::Missing,
            },
            Some(Errno::LOOP) => Self::LinkLoop,
            Some(Errno::NOTDIR) => Self::NotBelowDirectory,
            Some(Errno::ISDIR) => Self::Directory,
            Some(Errno::ACCESS | Errno::PERM) => Self::Denied,
            // Opening a socket, or a device without a driver.
            Some(Errno::NXIO | Errno::OPNOTSUPP) => match std::fs::metadata(path) {
                Ok(metadata) if metadata.file_type().is_socket() => Self::Socket,
                _ => Self::Device,
            },
            _ => Self::Io(error),
        }
    }
}

/// Reads the regular file at `path` whole, if it has at most `limit` bytes. Symlinks are followed; nothing blocks.
///
/// # Errors
/// It is no regular file, is larger, or cannot be read; each has its own [`ReadErrorKind`].
pub fn read_bounded(path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
    read_file_bounded(open_unblocked(path)?, path, limit)
}

/// The same, into memory that is used again: afterwards `bytes` holds the file and nothing else.
///
/// # Errors
/// As [`read_bounded`].
pub fn read_bounded_into(bytes: &mut Vec<u8>, path: &Path, limit: usize) -> Result<(), ReadError> {
    read_file_bounded_into(bytes, open_unblocked(path)?, path, limit)
}

fn open_unblocked(path: &Path) -> Result<File, ReadError> {
    // NONBLOCK: opening a FIFO without a writer returns. NOCTTY: a terminal does not become ours. Neither changes how a
    // regular file is read.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|source| ReadError::new(path, ReadErrorKind::of(path, source)))
}

/// Reads a file that was opened without blocking, whole, if it is a regular one of at most `limit` bytes; `path` stands for
/// it in the error.
///
/// # Errors
/// As [`read_bounded`].
pub fn read_file_bounded(file: File, path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    read_file_bounded_into(&mut bytes, file, path, limit)?;
    Ok(bytes)
}

fn read_file_bounded_into(
    bytes: &mut Vec<u8>,
    file: File,
    path: &Path,
    limit: usize,
) -> Result<(), ReadError> {
    let error = |kind| ReadError::new(path, kind);
    let io_error = |source| error(ReadErrorKind::of(path, source));
    // Asked of the open file, not of the name: the name may mean something else by now.
    let metadata = file.metadata().map_err(io_error)?;
    let kind = metadata.file_type();
    if !kind.is_file() {
        return Err(error(if kind.is_dir() {
            ReadErrorKind::Directory
        } else if kind.is_fifo() {
            ReadErrorKind::Pipe
        } else if kind.is_socket() {
            ReadErrorKind::Socket
        } else {
            ReadErrorKind::Device
        }));
    }
    let too_large = |size| error(ReadErrorKind::TooLarge { limit, size });
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Err(too_large(Some(metadata.len())));
    }
    read_whole(bytes, file, size, limit).map_err(io_error)?;
    match bytes.len() > limit {
        // It has grown, or has no size, as files in /proc.
        true => Err(too_large(None)),
        false => Ok(()),
    }
}

/// Reads a regular file that has `size` bytes, as the system says, in one call: it asks for one byte more, so that an
/// answer of `size` bytes is also the end of the file. What has grown since is read on, to one byte beyond the limit.
fn read_whole(
    bytes: &mut Vec<u8>,
    mut file: impl Read,
    size: usize,
    limit: usize,
) -> io::Result<()> {
    let room = size.saturating_add(1);
    match bytes.capacity() < room {
        // Memory that is zero from the start need not be cleared.
        true => *bytes = vec![0; room],
        // Whatever stands there is written over or cut off.
        false => bytes.resize(room, 0),
    }
    let mut filled = 0;
    while filled <= limit {
        match file.read(bytes.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if filled == size {
            break;
        }
        if filled == bytes.len() {
            let room = filled.saturating_mul(2).max(4 * 1024);
            bytes.resize(room.min(limit.saturating_add(1)), 0);
        }
    }
    bytes.truncate(filled);
    Ok(())
}

/// Reads a stream (standard input, a descriptor) to its end, if it has at most `limit` bytes. Waits for whoever writes
/// it; `name` stands for it in the error.
///
/// # Errors
/// It is longer, or cannot be read.
pub fn read_stream_bounded(
    stream: impl Read,
    name: &str,
    limit: usize,
) -> Result<Vec<u8>, ReadError> {
    let error = |kind| ReadError::new(Path::new(name), kind);
    // Room for a short secret at once: a buffer that grows leaves copies of it behind in freed memory.
    let expected = limit.saturating_add(1).min(8 * 1024);
    read_at_most(stream, limit, expected)
        .map_err(|source| {
            error(match Errno::from_io_error(&source) {
                Some(Errno::ISDIR) => ReadErrorKind::Directory,
                _ => ReadErrorKind::Io(source),
            })
        })?
        .ok_or_else(|| error(ReadErrorKind::TooLarge { limit, size: None }))
}

/// The first bytes of a regular file, at most `most`; none where there is no such file.
///
/// # Errors
/// It is there and cannot be read.
pub fn beginning(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(bytes),
        Err(error) => return Err(error),
    }
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads `stream` to its end; `None` if it holds more than `limit` bytes. `expected` is how many are made room for.
///
/// # Errors
/// The system refuses.
pub fn read_at_most(
    stream: impl Read,
    limit: usize,
    expected: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(expected);
    // One byte beyond the limit is enough to know.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    stream.take(most).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn kind(path: &Path) -> ReadErrorKind {
        let error = read_bounded(path, 10).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&path.display().to_string()), "{said}");
        assert!(error.hint().is_some(), "{said}");
        assert_eq!(error.place(), Place::file(path));
        error.kind
    }

    #[test]
    fn a_file_within_bounds_is_read_whole_also_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"0123456789").unwrap();
        assert_eq!(read_bounded(&path, 10).unwrap(), b"0123456789");
        let link = dir.path().join("link");
        symlink("a", &link).unwrap();
        assert_eq!(read_bounded(&link, 10).unwrap(), b"0123456789");
        fs::write(&path, b"").unwrap();
        assert_eq!(read_bounded(&path, 0).unwrap(), b"");
    }

    /// Gives what each element holds, a call each, and counts the calls.
    struct Calls<'a>(Vec<&'a [u8]>, usize);

    impl Read for Calls<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            let Some(first) = self.0.first_mut() else {
                return Ok(0);
            };
            let count = first.read(buffer)?;
            if first.is_empty() {
                self.0.remove(0);
            }
            Ok(count)
        }
    }

    #[test]
    fn a_file_of_the_size_that_it_says_is_read_in_one_call() {
        let mut calls = Calls(vec![b"0123456789"], 0);
        let mut bytes = Vec::new();
        read_whole(&mut bytes, &mut calls, 10, 100).unwrap();
        assert_eq!(bytes, b"0123456789");
        assert_eq!(calls.1, 1);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_read_to_its_end_and_not_beyond_the_limit() {
        let whole = |parts: &[&'static [u8]], size, limit| {
            // What was read before is gone, whatever its length.
            let whole = [vec![b'x'; 12_000], vec![b'x'; 7], Vec::new()].map(|mut bytes| {
                let mut calls = Calls(parts.to_vec(), 0);
                read_whole(&mut bytes, &mut calls, size, limit).unwrap();
                bytes
            });
            assert_eq!(whole[0], whole[2]);
            assert_eq!(whole[1], whole[2]);
            whole.into_iter().next().unwrap()
        };
        // It grew; it does not tell its size, as in /proc; it comes in pieces; it shrank.
        assert_eq!(whole(&[b"0123456789"], 3, 100), b"0123456789");
        assert_eq!(whole(&[b"0123456789"], 0, 100), b"0123456789");
        assert_eq!(whole(&[b"0123", b"456789"], 10, 100), b"0123456789");
        assert_eq!(whole(&[b"0123", b"456789"], 20, 100), b"0123456789");
        // One byte beyond the limit is enough to know.
        assert_eq!(whole(&[b"0123456789"], 3, 6), b"0123456");
        let endless = [b"0123456789".as_slice(); 1_000];
        assert_eq!(whole(&endless, 0, 5_000).len(), 5_001);
        assert_eq!(whole(&[], 0, 100), b"");
    }

    #[test]
    fn a_larger_file_is_refused_without_reading_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zeros");
        // A hole of a terabyte: reading it would take all of the memory.
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        match kind(&path) {
            ReadErrorKind::TooLarge { limit: 10, size } => assert_eq!(size, Some(1 << 40)),
            other => panic!("{other:?}"),
        }
        fs::write(&path, b"01234567890").unwrap();
        let said = read_bounded(&path, 10).unwrap_err().to_string();
        assert!(said.contains("it has 11 bytes, but at most 10"), "{said}");
    }

    #[test]
    fn what_is_no_file_is_named_and_never_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(kind(dir.path()), ReadErrorKind::Directory));
        // A pipe whose writer is there and writes nothing: reading would wait for ever.
        let (reader, _writer) = io::pipe().unwrap();
        let fifo = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
        assert!(matches!(kind(&fifo), ReadErrorKind::Pipe));
        let socket = dir.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(matches!(kind(&socket), ReadErrorKind::Socket));
        assert!(matches!(
            kind(Path::new("/dev/zero")),
            ReadErrorKind::Device
        ));
    }

    // The library that makes FIFOs has no such call for macOS.
    #[cfg(not(target_os = "macos"))]
    #[test]
    fn a_fifo_that_nobody_writes_to_is_not_waited_for() {
        use rustix::fs::{CWD, Mode, mkfifoat};
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        assert!(matches!(kind(&fifo), ReadErrorKind::Pipe));
    }

    #[test]
    fn names_that_lead_nowhere_say_how() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(matches!(kind(&at("missing")), ReadErrorKind::Missing));
        assert!(matches!(kind(&at("missing/too")), ReadErrorKind::Missing));
        symlink("gone", at("dangling")).unwrap();
        match kind(&at("dangling")) {
            ReadErrorKind::DanglingLink(target) => assert_eq!(target, Path::new("gone")),
            other => panic!("{other:?}"),
        }
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        assert!(matches!(kind(&at("a")), ReadErrorKind::LinkLoop));
        fs::write(at("file"), b"").unwrap();
        assert!(matches!(
            kind(&at("file/below")),
            ReadErrorKind::NotBelowDirectory
        ));
        assert!(matches!(
            kind(Path::new("nul\0inside")),
            ReadErrorKind::Io(_)
        ));
    }

    #[test]
    fn names_that_are_not_utf_8_are_read() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(std::ffi::OsStr::from_bytes(b"odd-\xff"));
        // macOS refuses to create such a name; then it is only asked for.
        match fs::write(&path, b"x") {
            Ok(()) => assert_eq!(read_bounded(&path, 1).unwrap(), b"x"),
            Err(_) => assert!(read_bounded(&path, 1).is_err()),
        }
    }

    #[test]
    fn a_file_without_permission_is_denied() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, b"x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        if rustix::process::geteuid().is_root() {
            eprintln!("skipped: root may read everything");
            return;
        }
        assert!(matches!(kind(&path), ReadErrorKind::Denied));
    }

    #[test]
    fn streams_are_bounded_too() {
        let read = |bytes: &[u8]| read_stream_bounded(bytes, "standard input", 3);
        assert_eq!(read(b"abc").unwrap(), b"abc");
        let said = read(b"abcd").unwrap_err().to_string();
        assert!(
            said.contains("standard input") && said.contains("over 3"),
            "{said}"
        );
        let endless = read_stream_bounded(io::repeat(0), "standard input", 3);
        assert!(matches!(
            endless.unwrap_err().kind,
            ReadErrorKind::TooLarge {
                limit: 3,
                size: None
            }
        ));
    }
}
