//! The command that a run runs.

use std::ffi::{OsStr, OsString};

use crate::base::error::ErrorCode;
use crate::base::finding::Group;
use crate::host::process::find_program;
use crate::host::window::JobCommand;
use crate::ops::error::Error;
use crate::ops::gate::question::Question;
use crate::ops::notice::Notice;
use crate::ops::run::request::Task;
use crate::ops::world::World;
use crate::xcode::xcodebuild_command::XcodebuildCommand;

/// The command that `words` name, found as a shell would find it in `environment`.
///
/// # Errors
/// There is no such program.
pub(super) fn find(
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    has_input: bool,
) -> Result<JobCommand, Error> {
    let mut words = words.into_iter();
    let name = words
        .next()
        .ok_or_else(|| Error::new(ErrorCode::Usage, "no command is given"))?;
    let search = environment.iter().find(|(name, _)| name == "PATH");
    let search = search.map_or(OsStr::new(""), |(_, value)| value);
    let program = find_program(&name, search).ok_or_else(|| {
        let (name, is_path) = (name.display(), name.as_encoded_bytes().contains(&b'/'));
        let message = match is_path {
            true => format!("{name} is not an executable program; nothing was opened"),
            false => format!("there is no command {name} on PATH; nothing was opened"),
        };
        Error::new(ErrorCode::Usage, message)
    })?;
    Ok(JobCommand {
        program,
        arguments: words.collect(),
        environment,
        has_input,
    })
}

/// Takes over what the command says about the project, if it is `xcodebuild`, and says that it did. What nobody judges needs
/// no project.
///
/// # Errors
/// The command names a configuration that cannot be one.
pub(super) fn take_over(
    task: &Task<'_>,
    question: &mut Question,
    world: &World,
) -> Result<(), Error> {
    let Task::Command(words) = task else {
        return Ok(());
    };
    let is_judged = !question.waived.contains(&Group::Targets);
    let command = XcodebuildCommand::read(words).filter(|_| is_judged);
    let Some(command) = command else {
        return Ok(());
    };
    let summary = command.summary();
    if summary.is_empty() {
        return Ok(());
    }
    question.targets.take_over(&command)?;
    world.notify(&Notice::Understood(&format!(
        "read from the xcodebuild command: {summary}"
    )));
    Ok(())
}

/// How the variables begin that a run gives its command. Others of ours are options that somebody set for every command.
const OF_RUNS: &[&str] = &[
    "COUNTERSIGN_RUN_",
    "COUNTERSIGN_KEYCHAIN",
    "COUNTERSIGN_P12",
];

/// Puts the variables that name the signing context into the command's environment, in the place of all that are called like
/// them.
pub(super) fn name_context(command: &mut JobCommand, variables: &[(OsString, OsString)]) {
    let is_ours = |name: &OsString| {
        let name = name.to_string_lossy();
        OF_RUNS.iter().any(|begin| name.starts_with(begin))
    };
    command.environment.retain(|(name, _)| !is_ours(name));
    command.environment.extend_from_slice(variables);
}
