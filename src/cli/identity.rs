//! `countersign identity`: list, digest.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::answer::Answer;
use super::input::input;
use super::password::PasswordArguments;
use super::report;
use super::selection::KeychainArguments;
use super::state;
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use crate::base::digest::Digest;
use crate::base::plain::plain;
use crate::ops::error::Failure;
use crate::ops::identity::digest::{self, DigestRequest};
use crate::ops::identity::list::{self, ContainerDocument};
use crate::ops::identity::source::{IdentityFile, Source};
use crate::ops::report::ShownIdentity;
use crate::ops::world::World;

/// The subcommands of `identity`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the identities with their fingerprints; what ends first comes first.
    List {
        /// Where they are read from.
        #[command(flatten)]
        source: SourceArguments,
        /// The columns, in this order.
        #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = COLUMNS)]
        columns: Vec<String>,
    },
    /// Print the digest of the set for --expect-signing.
    Digest {
        /// Where they are read from.
        #[command(flatten)]
        source: SourceArguments,
        /// Print the SHA-1 of the find-identity output, which `shasum` gives. It depends on order, locale and clock.
        #[arg(long)]
        compatible: bool,
    },
}

/// Where identities are read from.
#[derive(Debug, Args)]
pub struct SourceArguments {
    /// The output of `security find-identity -v -p codesigning`, a p12, the key that fastlane match stores as ID.p12 beside
    /// ID.cer, or a whole match repository; `-` reads standard input.
    #[arg(
        long,
        value_name = "FILE|-",
        required_unless_present = "keychain",
        conflicts_with = "keychain"
    )]
    pub identities: Option<PathBuf>,
    /// Where the p12's password comes from.
    #[command(flatten)]
    pub password: PasswordArguments,
    /// The keychain; it may be closed.
    #[command(flatten)]
    pub keychain: KeychainArguments,
}

impl From<SourceArguments> for Source {
    fn from(arguments: SourceArguments) -> Self {
        match arguments.identities.map(input) {
            Some(input) => Self::File(IdentityFile {
                password: arguments.password.source_of(&input.to_string()),
                input,
            }),
            None => Self::Keychain(arguments.keychain.into()),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// The identities cannot be read.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::List { source, columns } => show_list(&source.into(), columns, world),
        Command::Digest { source, compatible } => {
            let source = source.into();
            let document = digest::digest(&DigestRequest { source, compatible }, world)?;
            let line = format!("{}\n", document.digest);
            Ok(Answer::data("countersign identity digest", document, line))
        }
    }
}

fn show_list(
    source: &Source,
    columns: Vec<String>,
    world: &World,
) -> Result<Answer<'static>, Failure> {
    let now = world.now;
    let listing = list::list(source, world)?;
    let source = listing.source;
    Ok(Answer::report(
        "countersign identity list",
        listing.document,
        move |document, out, terminal| {
            show(out, &document.identities, &source, &columns, now, terminal)?;
            if !columns.is_empty() {
                return Ok(());
            }
            show_canonical(out, &document.identities, document.canonical)?;
            match &document.container {
                Some(container) => show_container(out, container, terminal),
                None => Ok(()),
            }
        },
    ))
}

/// The columns of a list of identities.
const COLUMNS: [&str; 5] = ["state", "sha-1", "name", "expires", "problem"];

/// A table of identities, or that `source` holds none; what ends first comes first.
pub(super) fn show(
    out: &mut dyn Write,
    identities: &[ShownIdentity],
    source: &str,
    columns: &[String],
    now: Timestamp,
    terminal: &Terminal,
) -> io::Result<()> {
    if identities.is_empty() {
        return writeln!(out, "no signing identity in {}", plain(source));
    }
    let mut identities: Vec<&ShownIdentity> = identities.iter().collect();
    identities.sort_by_key(|identity| identity.expires);
    let mut rows = Rows::new(&COLUMNS);
    for identity in identities {
        rows.add([
            state::cell(identity.state, identity.expires, now),
            Cell::new(&identity.sha1.to_string().to_ascii_uppercase()),
            Cell::new(&identity.label),
            state::day(identity.expires),
            Cell::new(identity.problem.as_deref().unwrap_or("")),
        ]);
    }
    rows.write(out, columns, terminal)
}

/// The digest of the whole set, as `--expect-signing` takes it.
pub(super) fn show_canonical(
    out: &mut dyn Write,
    identities: &[ShownIdentity],
    canonical: Option<Digest>,
) -> io::Result<()> {
    match canonical.filter(|_| !identities.is_empty()) {
        Some(canonical) => writeln!(out, "\n{canonical}"),
        None => Ok(()),
    }
}

fn show_container(
    out: &mut dyn Write,
    container: &ContainerDocument,
    terminal: &Terminal,
) -> io::Result<()> {
    writeln!(out, "\nencrypted with {}", container.algorithms)?;
    // As tables are: within a terminal, and in a pipe each line whole.
    let width = match terminal.draws_tables {
        true => terminal.width,
        false => usize::MAX,
    };
    for import in &container.import {
        let says = format!(
            "`security import` on macOS {}: {}",
            import.macos, import.says
        );
        report::prose(out, &says, width)?;
    }
    Ok(())
}
