//! How much of the files of projects is read: one budget for everything that a command reads of them.
//!
//! A single file is bounded where it is read, but a project names as many files as it likes, and configuration files include
//! each other again and again. So all projects of a command, all their files and all their targets spend from one stock.
//! An honest project uses a small part of it: the largest known has a project file of 12 MB and configuration files of less
//! than 1 MB. What was not read because the stock was spent is not judged: that is one finding, which blocks and names the
//! file at which the reading ended.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::base::finding::{Code, Finding};

/// How many files are read.
const MAX_FILES: u64 = 100_000;
/// How many bytes they may have together.
const MAX_BYTES: u64 = 256 << 20;
/// How many assignments and includes configuration files may hold.
const MAX_ASSIGNMENTS: u64 = 1_000_000;
/// How many bytes configuration files may have.
const MAX_CONFIGURATION: u64 = 32 << 20;

/// Something that files use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Files of any kind.
    Files,
    /// Their bytes.
    Bytes,
    /// Assignments and includes of configuration files: as they stand there, and again wherever they are included.
    Assignments,
    /// The bytes of configuration files: likewise.
    Configuration,
}

impl Share {
    /// How much of it there is.
    pub fn limit(self) -> u64 {
        match self {
            Self::Files => MAX_FILES,
            Self::Bytes => MAX_BYTES,
            Self::Assignments => MAX_ASSIGNMENTS,
            Self::Configuration => MAX_CONFIGURATION,
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit();
        match self {
            Self::Files => write!(f, "the projects name more than {limit} files"),
            Self::Bytes => {
                write!(f, "the files of the projects have more than {limit} bytes")
            }
            Self::Assignments => write!(
                f,
                "the configuration files have more than {limit} assignments and includes, included ones counted each time"
            ),
            Self::Configuration => write!(
                f,
                "the configuration files have more than {limit} bytes, included ones counted each time"
            ),
        }
    }
}

/// What may still be read; clones spend from one stock.
#[derive(Debug, Clone, Default)]
pub struct Budget(Arc<Stock>);

#[derive(Debug, Default)]
struct Stock {
    files: AtomicU64,
    bytes: AtomicU64,
    assignments: AtomicU64,
    configuration: AtomicU64,
    /// What was used up first, and at which file.
    spent: OnceLock<(Share, PathBuf)>,
}

impl Budget {
    fn used(&self, share: Share) -> &AtomicU64 {
        match share {
            Share::Files => &self.0.files,
            Share::Bytes => &self.0.bytes,
            Share::Assignments => &self.0.assignments,
            Share::Configuration => &self.0.configuration,
        }
    }

    /// How many bytes a file may have that is read next.
    pub fn bytes_left(&self) -> u64 {
        let used = self.used(Share::Bytes).load(Ordering::Relaxed);
        Share::Bytes.limit().saturating_sub(used)
    }

    /// Takes `count` of a share for the file at `path`.
    ///
    /// # Errors
    /// There is not as much left, or something else was used up before.
    pub fn take(&self, share: Share, count: usize, path: &Path) -> Result<(), Share> {
        if let Some((spent, _)) = self.0.spent.get() {
            return Err(*spent);
        }
        // More than all of it is more than is left, whatever was used; so the sum does not overflow.
        let count =
            u64::try_from(count).map_or(share.limit() + 1, |count| count.min(share.limit() + 1));
        let used = self.used(share).fetch_add(count, Ordering::Relaxed);
        match used.saturating_add(count) <= share.limit() {
            true => Ok(()),
            false => Err(self.spend(share, path)),
        }
    }

    /// Notes that nothing is left of a share for the file at `path`; gives what was used up first.
    pub fn spend(&self, share: Share, path: &Path) -> Share {
        let (spent, _) = self.0.spent.get_or_init(|| (share, path.to_owned()));
        *spent
    }

    /// The finding that not everything was read; none if everything was.
    pub fn finding(&self) -> Option<Finding> {
        let (share, path) = self.0.spent.get()?;
        let message =
            format!("the projects are too large, so they were not read to their end: {share}");
        Some(
            Finding::block(Code::ProjectTooLarge, message)
                .expected(format!("at most {}", share.limit()))
                .hint("remove what nobody needs from this file and those that it belongs to, or name fewer projects")
                .in_file(path),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_spend_from_one_stock_and_the_first_that_ends_is_told() {
        let budget = Budget::default();
        let (a, b) = (Path::new("a"), Path::new("b"));
        let limit = usize::try_from(Share::Assignments.limit()).unwrap();
        budget
            .clone()
            .take(Share::Assignments, limit - 1, a)
            .unwrap();
        budget.take(Share::Assignments, 1, a).unwrap();
        assert_eq!(budget.finding(), None);
        assert_eq!(
            budget.take(Share::Assignments, 1, b),
            Err(Share::Assignments)
        );
        // Whoever comes later hears the same, whatever they want.
        assert_eq!(
            budget.clone().take(Share::Files, 1, a),
            Err(Share::Assignments)
        );
        assert_eq!(budget.spend(Share::Bytes, a), Share::Assignments);
        let finding = budget.finding().unwrap();
        assert_eq!(finding.place.file.as_deref(), Some("b"));
        assert!(
            finding.message.contains("1000000 assignments"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn what_is_left_bounds_the_next_file() {
        let budget = Budget::default();
        assert_eq!(budget.bytes_left(), Share::Bytes.limit());
        budget.take(Share::Bytes, 1_000, Path::new("a")).unwrap();
        assert_eq!(budget.bytes_left(), Share::Bytes.limit() - 1_000);
    }
}
