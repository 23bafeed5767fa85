//! The files of a first setup: what is there, and what becomes of each.
//!
//! What people changed is theirs: a new version lies beside it. What is there just as countersign wrote it is replaced, in one
//! step, and only if it is still that when it is written.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::document::{InitFile, Outcome, Purpose};
use crate::base::error::ErrorCode;
use crate::context::manifest;
use crate::host::files::{self, FileMode, ReadErrorKind};
use crate::ops::error::Error;

/// So many new versions of a file may lie beside it.
const MOST_BESIDE: usize = 20;

/// A file that is to be written.
pub(super) struct Planned {
    purpose: Purpose,
    path: PathBuf,
    bytes: Vec<u8>,
    mode: FileMode,
    outcome: Outcome,
    difference: Option<String>,
    /// The bytes of the file that is replaced.
    replaces: Option<Vec<u8>>,
    /// The file that it lies beside.
    beside: Option<PathBuf>,
}

impl Planned {
    /// Compares what is to be written to what is at `path`; `is_untouched` says of that whether we wrote it and nobody changed it.
    ///
    /// # Errors
    /// What is there cannot be read, or too many new versions of it lie beside it.
    pub(super) fn new(
        purpose: Purpose,
        path: PathBuf,
        bytes: Vec<u8>,
        is_untouched: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Self, Error> {
        let planned = Self {
            purpose,
            path,
            bytes,
            mode: FileMode::Keep,
            outcome: Outcome::ToWrite,
            difference: None,
            replaces: None,
            beside: None,
        };
        let Some(there) = read(&planned.path)? else {
            return Ok(planned);
        };
        if there == planned.bytes {
            return Ok(Self {
                outcome: Outcome::Unchanged,
                ..planned
            });
        }
        if is_untouched(&there) {
            let path = &planned.path;
            return Ok(Self {
                outcome: Outcome::ToReplace,
                difference: Some(difference(path, &there, path, &planned.bytes)),
                replaces: Some(there),
                ..planned
            });
        }
        let (new, is_there) = beside(&planned.path, &planned.bytes)?;
        Ok(Self {
            difference: Some(difference(&planned.path, &there, &new, &planned.bytes)),
            outcome: match is_there {
                true => Outcome::Unchanged,
                false => Outcome::ToWriteBeside,
            },
            beside: Some(planned.path),
            path: new,
            ..planned
        })
    }

    /// Whether it has its own name after this, and not that of a new version beside it.
    pub(super) fn takes_its_place(&self) -> bool {
        self.beside.is_none()
    }

    /// The same, as a file that can be started as a program.
    pub(super) fn into_program(self) -> Self {
        let mode = FileMode::Exactly(0o755);
        Self { mode, ..self }
    }

    /// Whether it is still to be written.
    pub(super) fn is_new(&self) -> bool {
        self.outcome != Outcome::Unchanged
    }

    /// As it is shown.
    pub(super) fn shown(&self) -> InitFile {
        InitFile {
            file: self.path.display().to_string(),
            purpose: self.purpose,
            outcome: self.outcome,
            beside: self.beside.as_ref().map(|it| it.display().to_string()),
            difference: self.difference.clone(),
        }
    }

    /// Writes it, where nothing has its name, or in the place of what is still as it was.
    ///
    /// # Errors
    /// It cannot be written, or something has its name by now, or somebody changed what it replaces.
    pub(super) fn write(mut self) -> Result<InitFile, Error> {
        self.outcome = match self.outcome {
            Outcome::ToWrite => Outcome::Written,
            Outcome::ToReplace => Outcome::Replaced,
            Outcome::ToWriteBeside => Outcome::WrittenBeside,
            outcome => outcome,
        };
        if self.outcome == Outcome::Replaced {
            if read(&self.path)? != self.replaces {
                let message = format!("{}: somebody changed it meanwhile", self.path.display());
                return Err(Error::new(ErrorCode::OutputNotWritten, message)
                    .hint("do this again")
                    .in_file(&self.path));
            }
            files::replace_atomically(&self.path, &self.bytes, self.mode)?;
        }
        if matches!(self.outcome, Outcome::Written | Outcome::WrittenBeside) {
            files::create_directories(files::directory_of(&self.path))?;
            files::create_atomically(&self.path, &self.bytes, self.mode)?;
        }
        Ok(self.shown())
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match files::read_bounded(path, manifest::MAX_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind, ReadErrorKind::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Where the new version of a file lies: `FILE.new`, or if another one is there `FILE.new2` and so on; and whether it is there.
fn beside(path: &Path, bytes: &[u8]) -> Result<(PathBuf, bool), Error> {
    for number in 1..=MOST_BESIDE {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        if number > 1 {
            name.push(number.to_string());
        }
        let beside = PathBuf::from(name);
        match read(&beside)? {
            None => return Ok((beside, false)),
            Some(there) if there == bytes => return Ok((beside, true)),
            Some(_) => {}
        }
    }
    let message = format!("{}: too many new versions lie beside it", path.display());
    Err(Error::new(ErrorCode::OutputNotWritten, message)
        .hint("remove those that are not needed")
        .in_file(path))
}

fn difference(old: &Path, before: &[u8], new: &Path, after: &[u8]) -> String {
    let before = String::from_utf8_lossy(before);
    let after = String::from_utf8_lossy(after);
    let (old, new) = (old.display().to_string(), new.display().to_string());
    let compared = TextDiff::from_lines(before.as_ref(), after.as_ref());
    let mut shown = compared.unified_diff();
    shown.context_radius(2).header(&old, &new).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn planned(path: &Path, text: &str) -> Planned {
        Planned::new(Purpose::Workflow, path.to_owned(), text.into(), |_| false).unwrap()
    }

    #[test]
    fn a_file_that_nobody_changed_is_replaced_unless_somebody_does_meanwhile() {
        let disk = tempfile::tempdir().unwrap();
        let path = disk.path().join("b.yml");
        fs::write(&path, "ours\n").unwrap();
        let plan = || {
            let is_ours = |there: &[u8]| there == b"ours\n";
            Planned::new(Purpose::Workflow, path.clone(), b"new\n".to_vec(), is_ours).unwrap()
        };
        let late = plan();
        assert_eq!(late.shown().outcome, Outcome::ToReplace);
        let written = plan().write().unwrap();
        assert_eq!(written.outcome, Outcome::Replaced);
        assert!(written.difference.unwrap().contains("-ours\n+new\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");

        fs::write(&path, "theirs\n").unwrap();
        assert!(
            late.write()
                .is_err_and(|it| it.code() == ErrorCode::OutputNotWritten)
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs\n");
    }

    #[test]
    fn a_file_that_people_changed_is_never_replaced() {
        let disk = tempfile::tempdir().unwrap();
        let path = disk.path().join("a/b.yml");
        let written = planned(&path, "one\n").write().unwrap();
        assert_eq!(written.outcome, Outcome::Written);
        assert!(!planned(&path, "one\n").is_new());

        let other = planned(&path, "two\n").write().unwrap();
        assert_eq!(other.outcome, Outcome::WrittenBeside);
        let difference = other.difference.unwrap();
        assert!(difference.contains("-one\n+two\n"), "{difference}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
        assert!(!planned(&path, "two\n").is_new());

        let third = planned(&path, "three\n").write().unwrap();
        assert!(third.file.ends_with("b.yml.new2"));
        let beside = disk.path().join("a/b.yml.new");
        assert_eq!(fs::read_to_string(beside).unwrap(), "two\n");
    }

    #[test]
    fn new_versions_do_not_pile_up_without_end() {
        let disk = tempfile::tempdir().unwrap();
        let path = disk.path().join("b.yml");
        for number in 0..=MOST_BESIDE {
            planned(&path, &format!("{number}\n")).write().unwrap();
        }
        let error = Planned::new(Purpose::Workflow, path, b"another\n".to_vec(), |_| false);
        assert!(error.is_err_and(|it| it.code() == ErrorCode::OutputNotWritten));
    }
}
