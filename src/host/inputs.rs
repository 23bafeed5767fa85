//! The files that a verdict rests on, as they were read, to be read again when the command has ended.
//!
//! Between the verdict and the end of a command lie minutes, and the command runs as the same user. So what was judged
//! is remembered by path and digest, while it is read and of the bytes that were read, and compared later. Nothing here
//! keeps the bytes.
//!
//! A file that is not there counts too: an optional configuration file that appears changes what Xcode builds. Of an
//! Info.plist only the bundle id counts, because the gate asks for nothing else and many builds write their number into it.
//!
//! The comparison cannot see what was changed and put back in between. Only permissions keep a command from that.

use std::collections::{BTreeMap, btree_map};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::files;
use super::sources::{DEFAULT_LIMIT, DiskSources, source_error};
use crate::base::digest::Digest;
use crate::base::parallel;
use crate::xcode::budget::Budget;
use crate::xcode::sources::{SourceError, Sources};
use crate::xcode::targets::written_bundle_id;

/// What of a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// All of its bytes.
    Whole,
    /// The bundle id of an Info.plist.
    BundleId,
}

/// What was seen of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The digest of its bytes.
    Bytes(Digest),
    /// The bundle id that an Info.plist says, if it says one.
    BundleId(Option<String>),
    /// It could not be read.
    Nothing(SourceError),
    /// Two different things, while it was judged.
    Unsteady,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(digest) => digest.fmt(f),
            Self::BundleId(Some(id)) => write!(f, "the bundle id {id}"),
            Self::BundleId(None) => f.write_str("no bundle id"),
            Self::Nothing(error) => error.fmt(f),
            Self::Unsteady => f.write_str("different contents while it was judged"),
        }
    }
}

/// A file as it was read.
#[derive(Debug)]
struct Entry {
    /// How many bytes are read of it at most.
    limit: u64,
    /// As what it is read: a file of a project, or one that somebody named.
    sources: Option<DiskSources>,
    seen: Seen,
}

impl Entry {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, SourceError> {
        match &self.sources {
            Some(sources) => sources.reopened(self.limit).read(path),
            None => {
                let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
                match files::read_bounded(path, limit) {
                    Ok(bytes) => Ok(bytes.into()),
                    Err(error) => Err(source_error(error.kind, self.limit)),
                }
            }
        }
    }
}

/// A file that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// The file.
    pub path: PathBuf,
    /// What was judged.
    pub was: Seen,
    /// What is there now.
    pub is: Seen,
}

/// The files that a verdict rests on. Whoever reads one notes it here; several threads may.
#[derive(Debug)]
pub struct Inputs {
    base: PathBuf,
    entries: Mutex<BTreeMap<(PathBuf, Part), Entry>>,
}

impl Inputs {
    /// None yet. Relative paths are those of the working directory, by the name that it has now: whoever moves it away and
    /// puts another in its place changes every file in it.
    pub fn here() -> Self {
        Self {
            base: std::path::absolute(".").unwrap_or_default(),
            entries: Mutex::default(),
        }
    }

    /// The absolute path of what `path` named when the files were read.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Remembers the file at `path`, of which these bytes were read.
    pub fn note(&self, path: &Path, bytes: &[u8]) {
        let entry = Entry {
            limit: length(bytes),
            sources: None,
            seen: Seen::Bytes(Digest::of(bytes)),
        };
        self.insert(path, Part::Whole, entry);
    }

    /// Every file that is not what it was, by path. What has grown is not read to its end, and nothing is waited for.
    pub fn changed(&self) -> Vec<ChangedFile> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entries: Vec<_> = entries.iter().collect();
        let changed = parallel::map(entries, 1, |((path, part), entry)| {
            let is = seen(*part, &entry.read(&self.absolute(path)));
            (is != entry.seen).then(|| ChangedFile {
                path: path.clone(),
                was: entry.seen.clone(),
                is,
            })
        });
        changed.into_iter().flatten().collect()
    }

    fn insert(&self, path: &Path, part: Part, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.entry((path.to_owned(), part)) {
            btree_map::Entry::Vacant(vacant) => {
                vacant.insert(entry);
            }
            btree_map::Entry::Occupied(mut earlier) => {
                if earlier.get().seen != entry.seen {
                    earlier.get_mut().seen = Seen::Unsteady;
                }
            }
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn seen(part: Part, read: &Result<Arc<[u8]>, SourceError>) -> Seen {
    match (read, part) {
        (Ok(bytes), Part::Whole) => Seen::Bytes(Digest::of(bytes)),
        (Ok(bytes), Part::BundleId) => Seen::BundleId(written_bundle_id(bytes)),
        (Err(error), _) => Seen::Nothing(error.clone()),
    }
}

/// The files of projects, each noted as it is read.
#[derive(Debug, Clone)]
pub struct NotingSources {
    /// Where they are noted; nowhere if nobody will look again.
    pub inputs: Option<Arc<Inputs>>,
    /// What reads them.
    pub disk: DiskSources,
}

impl NotingSources {
    fn noted(&self, path: &Path, part: Part) -> Result<Arc<[u8]>, SourceError> {
        let read = self.disk.read(path);
        if let Some(inputs) = &self.inputs {
            let entry = Entry {
                limit: match (&read, part) {
                    (Ok(bytes), Part::Whole) => length(bytes),
                    _ => DEFAULT_LIMIT,
                },
                sources: Some(self.disk.clone()),
                seen: seen(part, &read),
            };
            inputs.insert(path, part, entry);
        }
        read
    }
}

impl Sources for NotingSources {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, SourceError> {
        self.noted(path, Part::Whole)
    }

    fn read_info_plist(&self, path: &Path) -> Result<Arc<[u8]>, SourceError> {
        self.noted(path, Part::BundleId)
    }

    fn list(&self, path: &Path) -> Result<Vec<OsString>, SourceError> {
        self.disk.list(path)
    }

    fn budget(&self) -> &Budget {
        self.disk.budget()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn noting(inputs: &Arc<Inputs>, directory: &Path) -> NotingSources {
        NotingSources {
            inputs: Some(Arc::clone(inputs)),
            disk: DiskSources::of_folders(&[directory.to_owned()]).unwrap(),
        }
    }

    #[test]
    fn what_is_read_is_noted_and_what_differs_is_told_by_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("b"), "two").unwrap();
        fs::write(path("a"), "one").unwrap();
        let inputs = Arc::new(Inputs::here());
        let sources = noting(&inputs, directory.path());
        for name in ["a", "b", "missing"] {
            let _ = sources.read(&path(name));
        }
        inputs.note(&path("policy"), b"version = 1\n");
        fs::write(path("policy"), "version = 1\n").unwrap();
        assert_eq!(inputs.changed(), []);
        fs::write(path("b"), "too").unwrap();
        fs::write(path("a"), "one more").unwrap();
        fs::write(path("missing"), "").unwrap();
        fs::remove_file(path("policy")).unwrap();
        let changed = inputs.changed();
        let told: Vec<_> = changed
            .iter()
            .map(|file| {
                let name = file.path.file_name().unwrap().to_str().unwrap();
                (name, file.was.to_string(), file.is.to_string())
            })
            .collect();
        let digest = |bytes: &[u8]| Digest::of(bytes).to_string();
        let gone = || "there is no such file".to_owned();
        assert_eq!(
            told,
            [
                ("a", digest(b"one"), "it is larger than 3 bytes".to_owned()),
                ("b", digest(b"two"), digest(b"too")),
                ("missing", gone(), digest(b"")),
                ("policy", digest(b"version = 1\n"), gone()),
            ]
        );
    }

    #[test]
    fn a_file_that_was_read_twice_and_differed_is_never_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("App.xcconfig");
        let inputs = Arc::new(Inputs::here());
        let sources = noting(&inputs, directory.path());
        for text in ["A = 1", "A = 2", "A = 1"] {
            fs::write(&path, text).unwrap();
            sources.read(&path).unwrap();
        }
        let changed = inputs.changed();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].was, Seen::Unsteady);
    }

    #[test]
    fn of_an_info_plist_the_bundle_id_alone_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("Info.plist");
        let write = |id: &str, version: &str| {
            let text = format!(
                "<plist><dict><key>CFBundleIdentifier</key><string>{id}</string>\
                 <key>CFBundleVersion</key><string>{version}</string></dict></plist>"
            );
            fs::write(&path, text).unwrap();
        };
        write("com.example.app", "1");
        let inputs = Arc::new(Inputs::here());
        noting(&inputs, directory.path())
            .read_info_plist(&path)
            .unwrap();
        write("com.example.app", "20260706.1415");
        assert_eq!(inputs.changed(), []);
        write("com.example.other", "1");
        assert_eq!(
            inputs.changed()[0].is.to_string(),
            "the bundle id com.example.other"
        );
        fs::write(&path, "rubbish").unwrap();
        assert_eq!(inputs.changed()[0].is, Seen::BundleId(None));
        // Where the same file is also read whole, as entitlements for example, all of it counts.
        write("com.example.app", "1");
        noting(&inputs, directory.path()).read(&path).unwrap();
        write("com.example.app", "2");
        assert_eq!(inputs.changed().len(), 1);
    }

    #[test]
    fn where_nobody_looks_again_nothing_is_noted() {
        let directory = tempfile::tempdir().unwrap();
        let sources = NotingSources {
            inputs: None,
            ..noting(&Arc::new(Inputs::here()), directory.path())
        };
        let missing = directory.path().join("none");
        assert_eq!(sources.read(&missing), Err(SourceError::Missing));
    }
}
