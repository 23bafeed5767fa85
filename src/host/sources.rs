//! Project files on disk: only regular files, and only up to a limit.
//!
//! A project names files, and an attacker may have written the project: a name may lead to a device, a pipe without a
//! writer, or a disk image. Opening never blocks, only regular files are read, and reading stops at a limit.

use std::path::Path;
use std::sync::Arc;

use super::files::{ReadErrorKind, read_bounded};
use crate::xcode::sources::{SourceError, Sources};

/// The most that is read of one file, in bytes. The largest real project file known has 12 MB.
pub const DEFAULT_LIMIT: u64 = 64 << 20;

/// The files of this machine.
#[derive(Debug, Clone, Copy)]
pub struct DiskSources {
    limit: u64,
}

impl DiskSources {
    /// Reads files of at most `limit` bytes.
    pub fn with_limit(limit: u64) -> Self {
        Self { limit }
    }
}

impl Default for DiskSources {
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl Sources for DiskSources {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, SourceError> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        match read_bounded(path, limit) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => Err(match error.kind {
                ReadErrorKind::Missing
                | ReadErrorKind::DanglingLink(_)
                | ReadErrorKind::NotBelowDirectory => SourceError::Missing,
                ReadErrorKind::TooLarge { .. } => SourceError::TooLarge { limit: self.limit },
                kind => SourceError::Unreadable(kind.to_string().into()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_regular_files_up_to_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.xcconfig");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(&*DiskSources::with_limit(5).read(&path).unwrap(), b"12345");
        assert_eq!(
            DiskSources::with_limit(4).read(&path),
            Err(SourceError::TooLarge { limit: 4 })
        );
        assert_eq!(
            DiskSources::default().read(&directory.path().join("none")),
            Err(SourceError::Missing)
        );
        assert_eq!(
            DiskSources::default().read(&path.join("below-a-file")),
            Err(SourceError::Missing)
        );
        assert!(matches!(
            DiskSources::default().read(directory.path()),
            Err(SourceError::Unreadable(_))
        ));
    }

    // Making a pipe by name is not in rustix for Apple systems.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_that_nobody_writes_to_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(matches!(
            DiskSources::default().read(&path),
            Err(SourceError::Unreadable(_))
        ));
    }
}
