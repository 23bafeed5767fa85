//! `countersign policy`: digest.

use clap::Subcommand;

use super::answer::Answer;
use crate::ops::error::Failure;
use crate::ops::policy;
use crate::ops::world::World;

/// The subcommands of `policy`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the policy, and print its digest for --expect-policy.
    Digest {
        /// Print the SHA-1 digest, which `shasum` prints.
        #[arg(long)]
        sha1: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// There is no policy, or it cannot be used.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Digest { sha1 } => {
            let document = policy::digest(sha1, world)?;
            let line = format!("{}\n", document.digest);
            Ok(Answer::data("countersign policy digest", document, line))
        }
    }
}
