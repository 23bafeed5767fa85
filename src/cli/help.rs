//! Help topics, completions and man pages.

use std::path::Path;

use super::answer::Answer;
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
    let examples = examples(&command);
    let page = clap_mangen::Man::new(command);
    let mut text = Vec::new();
    page.render(&mut text)?;
    let mut more = Roff::new();
    more.control("SH", ["EXAMPLES"]);
    for example in examples {
        more.control("PP", []);
        more.control("nf", []);
        more.text([roman(example)]);
        more.control("fi", []);
    }
    more.control("SH", ["EXIT STATUS"]);
    for exit in Exit::ALL {
        more.control("TP", []);
        more.text([bold(exit.code().to_string())]);
        more.text([roman(exit.meaning())]);
    }
    for (section, entries) in [("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)] {
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

/// Commands that show how a command is called. Those without any of their own show the whole way.
fn examples(command: &clap::Command) -> Vec<&'static str> {
    let name = command.get_bin_name().unwrap_or("countersign");
    let begins = |example: &&&str| example.starts_with(name);
    let own: Vec<&str> = EXAMPLES.iter().filter(begins).copied().collect();
    match own.is_empty() {
        true => EXAMPLES.iter().take(3).copied().collect(),
        false => own,
    }
}

/// Calls, in the order in which they are needed.
const EXAMPLES: &[&str] = &[
    "countersign manifest freeze --project App.xcodeproj --scheme App",
    "countersign gate --project App.xcodeproj --scheme App --keychain ~/Library/Keychains/countersign-ci.keychain-db",
    "countersign run --project App.xcodeproj --scheme App -- xcodebuild archive -scheme App",
    "countersign profile list --columns state,name,expires",
    "countersign profile show App.mobileprovision",
    "countersign profile install profiles/",
    "countersign profile prune --unpinned --dry-run",
    "countersign manifest show",
    "countersign manifest digest",
    "countersign manifest diff old.json manifests/profiles.json",
    "countersign manifest verify",
    "countersign policy digest",
    "countersign targets show --project App.xcodeproj",
    "countersign targets check --project App.xcodeproj --scheme App",
    "countersign targets export --as export-options --project App.xcodeproj -o ExportOptions.plist",
    "countersign identity list --keychain ~/Library/Keychains/countersign-ci.keychain-db",
    "countersign keychain create",
    "countersign keychain import distribution.p12 --password-file password.txt",
    "countersign keychain status",
    "countersign envelope verify gate.json --allowed-signers signers",
    "countersign audit verify",
    "countersign explain profile-missing",
];

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
        "~/Library/Application Support/countersign",
        "The state directory on macOS: audit log, journals, locks, receipts. Elsewhere $XDG_STATE_HOME/countersign.",
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
        "HOME",
        "Where Xcode's profile directories and the state directory are.",
    ),
];
