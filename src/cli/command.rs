//! The command that `run` runs, found as a shell would find it.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::exit::Failure;
use crate::host::window::JobCommand;

/// The command that `words` name, with `environment`.
///
/// # Errors
/// There is no such program.
pub(super) fn find(
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    has_input: bool,
) -> Result<JobCommand, Failure> {
    let mut words = words.into_iter();
    let name = words
        .next()
        .ok_or_else(|| Failure::usage("no command given"))?;
    Ok(JobCommand {
        program: program(&name, &environment)?,
        arguments: words.collect(),
        environment,
        has_input,
    })
}

fn program(name: &OsString, environment: &[(OsString, OsString)]) -> Result<PathBuf, Failure> {
    let named = Path::new(name);
    if name.as_encoded_bytes().contains(&b'/') {
        return match is_program(named) {
            true => Ok(named.to_owned()),
            false => Err(Failure::usage(format!(
                "{} is not a program that can be run; nothing was opened",
                named.display()
            ))),
        };
    }
    let path = environment.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.clone()).unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(named))
        .find(|candidate| is_program(candidate))
        .ok_or_else(|| {
            Failure::usage(format!(
                "there is no command {:?} on PATH; nothing was opened",
                named.display().to_string()
            ))
        })
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
