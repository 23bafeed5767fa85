//! Options that stand in the environment: `COUNTERSIGN_STATE_DIR=DIR` is `--state-dir DIR`, for every option that takes a value.
//!
//! What is said by hand wins: a variable counts only where its option is not given, and nothing is given that the option
//! conflicts with. What would weaken a verdict is said by hand or not at all ([`BY_HAND`]): a variable is inherited by jobs
//! whose authors never see it.
//!
//! The variables become words of the command line before it is read, so they are checked as those are.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// How the names of the variables begin.
const PREFIX: &str = "COUNTERSIGN_";

/// The options that no variable gives, by how they begin: those that waive, that let through, that confirm, that widen what a
/// project may read, and that judge another machine or instant than this one.
const BY_HAND: &[&str] = &["without", "allow-", "yes", "root", "host", "at"];

/// The options that demand something, by how they begin. A variable that a pipeline computed and that came out empty would take the
/// demand away in silence; of them it is passed on, and refused as the empty value that it is.
const DEMANDS: &[&str] = &["expect-", "minimum-revision", "region"];

/// The words with the options of variables in them; unchanged if no variable is one of ours.
pub(super) fn completed(
    words: Vec<OsString>,
    describe: impl FnOnce() -> Command,
    variables: &[(OsString, OsString)],
) -> Vec<OsString> {
    let ours: Vec<(String, &OsString)> = variables
        .iter()
        .filter_map(|(name, value)| Some((option(name)?, value)))
        .filter(|(option, value)| !value.is_empty() || is_demand(option))
        .collect();
    if ours.is_empty() {
        return words;
    }
    let mut command = describe().ignore_errors(true);
    let Ok(matches) = command.try_get_matches_from_mut(&words) else {
        return words;
    };
    let added = added(&command, &matches, &ours);
    let end = words.iter().position(|word| word == "--");
    let end = end.unwrap_or(words.len());
    let (before, behind) = words.split_at_checked(end).unwrap_or((&words, &[]));
    [before, &added, behind].concat()
}

/// The option that a variable is for, if it is called like one of ours.
fn option(variable: &OsStr) -> Option<String> {
    let name = variable.to_str()?.strip_prefix(PREFIX)?;
    let option = name.to_ascii_lowercase().replace('_', "-");
    let is_by_hand = BY_HAND
        .iter()
        .any(|by_hand| match by_hand.strip_suffix('-') {
            Some(_) => option.starts_with(by_hand),
            None => option == *by_hand,
        });
    (!is_by_hand).then_some(option)
}

/// Whether an option demands something.
fn is_demand(option: &str) -> bool {
    DEMANDS.iter().any(|demand| option.starts_with(demand))
}

/// `--option=value` for each option of the command that was called which a variable gives and nobody said.
fn added(command: &Command, matches: &ArgMatches, ours: &[(String, &OsString)]) -> Vec<OsString> {
    let (mut command, mut matches) = (command, matches);
    while let Some((name, below)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else {
            break;
        };
        (command, matches) = (found, below);
    }
    let is_said = |argument: &Arg| {
        let id = argument.get_id().as_str();
        matches.try_contains_id(id).unwrap_or_default()
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let arguments = command.get_arguments();
    let options = arguments.filter(|argument| argument.get_action().takes_values());
    options
        .filter_map(|argument| {
            let long = argument.get_long()?;
            let (_, value) = ours.iter().find(|(option, _)| option == long)?;
            // A conflict is declared on either of the two.
            let excludes = |one: &Arg, other: &Arg| {
                let mut excluded = command.get_arg_conflicts_with(one).into_iter();
                excluded.any(|excluded| excluded.get_id() == other.get_id())
            };
            let mut said = command.get_arguments().filter(|other| is_said(other));
            let is_excluded =
                said.any(|other| excludes(argument, other) || excludes(other, argument));
            if is_said(argument) || is_excluded {
                return None;
            }
            let mut word = OsString::from(format!("--{long}="));
            word.push(value);
            Some(word)
        })
        .collect()
}
