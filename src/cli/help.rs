//! Help topics, completions and man pages.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;

use super::Cli;
use super::exit::{Exit, Failure};
use crate::host::files;

/// Prints help on a command, or on a topic.
pub fn topic(words: &[String]) -> Result<Exit, Failure> {
    if let [word] = words
        && word == "exit-codes"
    {
        io::stdout().write_all(Exit::table().as_bytes())?;
        return Ok(Exit::Fine);
    }
    let mut command = Cli::command();
    command.build();
    let mut command = &mut command;
    for word in words {
        command = command
            .find_subcommand_mut(word)
            .ok_or_else(|| Failure::usage(format!("no command or topic {word:?}; topics: exit-codes")))?;
    }
    anstream::stdout().write_all(command.render_long_help().ansi().to_string().as_bytes())?;
    Ok(Exit::Fine)
}

/// Prints a completion script.
pub fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Exit::Fine)
}

/// Writes a man page for every command.
pub fn man(directory: &Path) -> Result<Exit, Failure> {
    files::create_directories(directory).map_err(Failure::input)?;
    let mut command = Cli::command();
    command.build();
    pages(&command, "countersign", directory)?;
    Ok(Exit::Fine)
}

fn pages(command: &clap::Command, name: &str, directory: &Path) -> Result<(), Failure> {
    // clap gives names a static life; a man page is written once in the life of a process.
    let page = clap_mangen::Man::new(command.clone().name(name.to_owned()));
    let mut text = Vec::new();
    page.render(&mut text)?;
    files::replace_atomically(&directory.join(format!("{name}.1")), &text, 0o644).map_err(Failure::input)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        pages(subcommand, &format!("{name}-{}", subcommand.get_name()), directory)?;
    }
    Ok(())
}
