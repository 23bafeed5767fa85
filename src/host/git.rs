//! A file as a branch of the repository holds it, read through `git`.
//!
//! Nothing is checked out and nothing is fetched. `git cat-file` prints the bytes that are stored: no filter and no driver runs that the
//! repository's configuration could name, no terminal is asked, no object stands in for another (git-replace(1)), and a clone without
//! all objects fetches none. What looks like a repository of its own without being named as one is not asked: a checkout can hold such a
//! folder, and its configuration is whatever somebody committed (`safe.bareRepository`, git-config(1)).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::{self, Bounds, Exit, ProcessError, Tool, find_program};

/// How long `git` may take for one file.
const TIME: Duration = Duration::from_secs(30);

/// Why a file of a branch could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git`.
    #[error("git is not on PATH, so no branch can be read")]
    NoGit,
    /// The name is none of a branch, tag or commit.
    #[error("{0:?} is no name of a branch, tag or commit")]
    NoName(String),
    /// Git does not find it.
    #[error("git does not find {file} in {reference}: {said}", file = file.display())]
    NotFound {
        /// The branch, tag or commit.
        reference: String,
        /// The file.
        file: PathBuf,
        /// What git said, on one line.
        said: String,
    },
    /// It could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// The bytes of `file`, absolute, as `reference` holds them: a branch, a tag or a commit. They are at most `most`. `environment` is
/// asked for `PATH` and `HOME` alone.
///
/// # Errors
/// There is no `git`, the reference or the file is not there, or `git` takes too long or prints more.
pub fn file_of(
    reference: &str,
    file: &Path,
    most: usize,
    environment: impl Fn(&str) -> Option<std::ffi::OsString>,
) -> Result<Vec<u8>, GitError> {
    // What begins with a dash is an option, and a colon begins a path.
    let is_name = !reference.starts_with('-')
        && !reference.is_empty()
        && !reference.contains([':', '\0', '\n']);
    if !is_name {
        return Err(GitError::NoName(reference.to_owned()));
    }
    let search = environment("PATH").unwrap_or_default();
    let git = find_program(OsStr::new("git"), &search);
    let git = git.and_then(|git| std::path::absolute(git).ok());
    let git = git.ok_or(GitError::NoGit)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    let name = file.file_name().unwrap_or_default();
    let mut object = std::ffi::OsString::from(format!("{reference}:./"));
    object.push(name);
    let mut tool = Tool::new(git)
        .args(["-c", "safe.bareRepository=explicit", "-C"])
        .arg(folder)
        .args(["cat-file", "blob"])
        .arg(&object)
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        // Before git 2.45 nothing knows that one, and this name is none of a protocol.
        .env("GIT_ALLOW_PROTOCOL", "none");
    if let Some(home) = environment("HOME") {
        tool = tool.env("HOME", home);
    }
    let bounds = Bounds {
        time: TIME,
        output: most,
    };
    let output = process::run(&tool, b"", bounds)?;
    match output.exit {
        Exit::Code(0) => Ok(output.stdout),
        _ => Err(GitError::NotFound {
            reference: reference.to_owned(),
            file: file.to_owned(),
            said: String::from_utf8_lossy(&output.stderr)
                .lines()
                .next()
                .unwrap_or("nothing")
                .to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_no_name_and_without_git_nothing_is_read() {
        let none = |_: &str| None;
        for name in ["--upload-pack=x", "", "main:other", "a\nb"] {
            let error = file_of(name, Path::new("/x/y"), 10, none).unwrap_err();
            assert!(matches!(error, GitError::NoName(_)), "{error}");
        }
        let error = file_of("main", Path::new("/x/y"), 10, none).unwrap_err();
        assert!(matches!(error, GitError::NoGit), "{error}");
    }
}
