//! Help topics, completions and man pages.

use std::path::Path;

use anstream::ColorChoice;
use clap::CommandFactory;

use super::Cli;
use super::answer::Answer;
use super::exit::Exit;
use crate::base::error::ErrorCode;
use crate::base::remedy::Remedy;
use crate::ops::error::{Error, Failure};
use crate::ops::output;

/// Help on a command, or on a topic.
///
/// # Errors
/// There is no such command or topic.
pub fn topic(words: &[String]) -> Result<Answer<'static>, Failure> {
    const TITLE: &str = "countersign help";
    if let [word] = words
        && word == "exit-codes"
    {
        return Ok(Answer::artifact(TITLE, Exit::table(), Vec::new()));
    }
    let mut command = Cli::command();
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

/// A completion script.
pub fn completions(shell: clap_complete::Shell) -> Answer<'static> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
    Answer::artifact("countersign completions", script, Vec::new())
}

/// Writes a man page for every command into the directory.
///
/// # Errors
/// The directory cannot be made, or a page cannot be written.
pub fn man(directory: &Path) -> Result<Answer<'static>, Failure> {
    let mut command = Cli::command();
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
    let page = clap_mangen::Man::new(command);
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.push((page.get_filename(), text));
    Ok(())
}
