//! Help topics, completions and man pages.

use std::path::Path;

use super::answer::Answer;
use super::examples::examples;
use super::exit::Exit;
use crate::base::error::ErrorCode;
use crate::base::remedy::Remedy;
use crate::ops::error::{Error, Failure};
use crate::ops::output;
use anstream::ColorChoice;
use clap::builder::{PossibleValue, PossibleValuesParser, Resettable};
use clap_mangen::roff::{Roff, bold, roman};

/// Help on a command below `command`, or on a topic.
///
/// # Errors
/// There is no such command or topic.
pub fn topic(words: &[String], mut command: clap::Command) -> Result<Answer<'static>, Failure> {
    const TITLE: &str = "countersign help";
    if let [word] = words
        && word == "exit-codes"
    {
        return Ok(Answer::artifact(TITLE, Exit::table(), Vec::new()));
    }
    command.build();
    let mut command = &mut command;
    for word in words {
        command = command.find_subcommand_mut(word).ok_or_else(|| {
            let message = format!("there is no command or topic {word:?}");
            Error::new(ErrorCode::Usage, message)
                .hint("name a command, or the topic exit-codes")
                .remedy(Remedy::ListCommands)
        })?;
    }
    let help = command.render_long_help();
    let help = match anstream::stdout().current_choice() {
        ColorChoice::Never => help.to_string(),
        _ => help.ansi().to_string(),
    };
    Ok(Answer::artifact(TITLE, help, Vec::new()))
}

/// A completion script for `command`.
pub fn completions(shell: clap_complete::Shell, mut command: clap::Command) -> Answer<'static> {
    command.build();
    let mut command = without_descriptions(command);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "countersign", &mut script);
    Answer::artifact("countersign completions", script, Vec::new())
}

/// The command without what it says of itself: descriptions hold commands between backquotes and in `$(…)`, and fish runs what
/// stands so between double quotes.
fn without_descriptions(command: clap::Command) -> clap::Command {
    let quiet = |argument: clap::Arg| {
        let values = argument.get_possible_values().into_iter();
        let values: Vec<PossibleValue> = values.map(|it| it.help(Resettable::Reset)).collect();
        let argument = match values.is_empty() {
            true => argument,
            false => argument.value_parser(PossibleValuesParser::new(values)),
        };
        argument.help("").long_help("")
    };
    command
        .about("")
        .long_about("")
        .mut_args(quiet)
        .mut_subcommands(without_descriptions)
}

/// Writes a man page for every command below `command` into the directory.
///
/// # Errors
/// The directory cannot be made, or a page cannot be written.
pub fn man(directory: &Path, mut command: clap::Command) -> Result<Answer<'static>, Failure> {
    command.build();
    let mut pages = Vec::new();
    man_pages(command, &mut pages).map_err(Error::unexpected)?;
    output::write_into(directory, &pages)?;
    Ok(Answer::artifact("countersign man", Vec::new(), Vec::new()))
}

/// The pages of a command and of those below it.
fn man_pages(command: clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for below in command.get_subcommands() {
        if !below.is_hide_set() {
            man_pages(below.clone(), pages)?;
        }
    }
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    let words = name.trim_start_matches("countersign").trim_start();
    // They have a section of their own.
    let page = clap_mangen::Man::new(command.after_long_help(Resettable::Reset));
    let mut text = Vec::new();
    page.render(&mut text)?;
    let mut more = Roff::new();
    more.control("SH", ["EXAMPLES"]);
    for example in examples(words) {
        more.control("TP", []);
        more.text([roman(example.what)]);
        more.control("nf", []);
        more.text([roman(example.call)]);
        more.control("fi", []);
    }
    more.control("SH", ["EXIT STATUS"]);
    for exit in Exit::ALL {
        more.control("TP", []);
        more.text([bold(exit.code().to_string())]);
        more.text([roman(exit.meaning())]);
    }
    let variables = match words {
        "run" => [ENVIRONMENT, OF_JOBS].concat(),
        _ => ENVIRONMENT.to_vec(),
    };
    for (section, entries) in [("FILES", FILES), ("ENVIRONMENT", &variables)] {
        more.control("SH", [section]);
        for (name, meaning) in entries {
            more.control("TP", []);
            more.text([bold(*name)]);
            more.text([roman(*meaning)]);
        }
    }
    more.to_writer(&mut text)?;
    pages.push((page.get_filename(), text));
    Ok(())
}

/// The files that every command knows.
const FILES: &[(&str, &str)] = &[
    (
        "manifests/signing.toml",
        "The policy, here or above in the repository.",
    ),
    (
        "manifests/profiles.json",
        "The frozen manifest, here or above in the repository.",
    ),
    (
        "~/Library/Developer/Xcode/UserData/Provisioning Profiles",
        "The installed profiles, where the policy names no other directories. Xcode 15 and earlier use ~/Library/MobileDevice/Provisioning \
         Profiles, which is read as well.",
    ),
    (
        "~/Library/Keychains/countersign-ci.keychain-db",
        "The CI keychain on a Mac, unless the policy names another.",
    ),
    (
        "~/Library/Application Support/countersign",
        "The state directory on macOS: audit log, journals, locks, receipts. Elsewhere $XDG_STATE_HOME/countersign, which is \
         ~/.local/state/countersign if that variable is not set.",
    ),
];

/// The variables that every command knows.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "COUNTERSIGN_OPTION",
        "Every option that takes a value, in capitals and with underscores: COUNTERSIGN_STATE_DIR is --state-dir. Not those that weaken a \
         verdict. What is said by hand wins.",
    ),
    (
        "GITHUB_ACTIONS, GITLAB_CI",
        "Choose the format of commands whose result is a verdict.",
    ),
    (
        "GITHUB_STEP_SUMMARY",
        "The file that gets the summary with --format github.",
    ),
    (
        "NO_COLOR, CLICOLOR_FORCE",
        "Whether colours are used, with --color auto.",
    ),
    (
        "HOME, XDG_STATE_HOME",
        "Where Xcode's profile directories and the state directory are.",
    ),
    (
        "XCODE_XCCONFIG_FILE",
        "A configuration file that xcodebuild reads, and so do the commands that look at a project.",
    ),
    (
        "COUNTERSIGN_JOB, GITHUB_RUN_ID, CI_JOB_ID, BUILDKITE_JOB_ID, BUILD_TAG, CIRCLE_WORKFLOW_JOB_ID",
        "The job that records and receipts name: the first that is set.",
    ),
    (
        "SSH_AUTH_SOCK",
        "The agent that may hold the key of --sign-with.",
    ),
];

/// The variables that a run gives its command.
const OF_JOBS: &[(&str, &str)] = &[
    (
        "COUNTERSIGN_RUN_ID, COUNTERSIGN_RUN_MANIFEST_DIGEST, COUNTERSIGN_RUN_REVISION",
        "For the command: the name of this run, and the digest and the revision of the manifest that the gate cleared.",
    ),
    (
        "COUNTERSIGN_KEYCHAIN",
        "For the command: the path of the keychain that is open.",
    ),
    (
        "COUNTERSIGN_P12, COUNTERSIGN_P12_PASSWORD_FILE",
        "For the command, with a portable keychain: a p12 for one time, and the file with its password.",
    ),
];
