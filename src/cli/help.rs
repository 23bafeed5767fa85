//! Help topics, completions and man pages.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;

use super::Cli;
use super::exit::{Exit, Failure};

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
        command = command.find_subcommand_mut(word).ok_or_else(|| {
            Failure::usage(format!(
                "no command or topic {word:?}; `countersign --help` lists the commands, the only topic is exit-codes"
            ))
        })?;
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
    std::fs::create_dir_all(directory)
        .map_err(|error| Failure::input(format!("{}: {error}", directory.display())))?;
    let in_directory = |error| Failure::input(format!("{}: {error}", directory.display()));
    clap_mangen::generate_to(Cli::command(), directory).map_err(in_directory)?;
    Ok(Exit::Fine)
}
