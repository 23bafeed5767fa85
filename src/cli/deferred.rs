//! Arguments of a subcommand that are described only when it is called: a start describes one command, not all of them.

use super::examples;
use clap::builder::Resettable;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Id, Subcommand};

/// The arguments `T`, described late.
#[derive(Debug)]
pub(super) struct Deferred<T>(pub(super) Box<T>);

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(|arguments| Self(Box::new(arguments)))
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(|arguments| Self(Box::new(arguments)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(|command| described(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        T::augment_args_for_update(command)
    }
}

impl<T: Subcommand> Subcommand for Deferred<T> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(|command| described(command, T::augment_subcommands))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        T::augment_subcommands_for_update(command)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

/// Describes the arguments, as if that had been done at once: what the command says of itself counts, not what the type of
/// its arguments says; and global options, which are there already, come last in the help.
fn described(command: Command, describe: fn(Command) -> Command) -> Command {
    let about = command.get_about().cloned();
    let long_about = command.get_long_about().cloned();
    let globals: Vec<Id> = command
        .get_arguments()
        .map(|argument| argument.get_id().clone())
        .collect();
    let words = command.get_name().to_owned();
    let mut command = examples::shown_below(describe(command), &words);
    if let Some(about) = about {
        command = command.about(about);
    }
    command = match long_about {
        Some(long_about) => command.long_about(long_about),
        None => command.long_about(Resettable::Reset),
    };
    for global in globals {
        // Changing an argument moves it to the end.
        command = command.mut_arg(global, |argument| argument);
    }
    command
}
