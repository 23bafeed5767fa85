//! `countersign envelope`: verify.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;
use super::input::input;
use super::report::{self, FAINT, GOOD, STRONG};
use crate::base::clock::parse_duration;
use crate::base::digest::Digest;
use crate::base::finding::Severity;
use crate::base::plain::plain;
use crate::ops::envelope::{self, EnvelopeVerifyDocument, VerifyRequest};
use crate::ops::error::Failure;
use crate::ops::world::World;

/// The subcommands of `envelope`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check who signed an envelope and what it states. Exit code 10 if it does not hold; one that is not signed never does.
    Verify(VerifyArguments),
}

/// What is asked of an envelope.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The envelope; `-` reads standard input.
    #[arg(value_name = "FILE|-")]
    pub envelope: PathBuf,
    /// The list of those who may sign, as `ssh-keygen -Y verify` reads it.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: PathBuf,
    /// This principal of the list must have signed [default: any of them].
    #[arg(long, value_name = "PRINCIPAL")]
    pub signer: Option<String>,
    /// The gate must have cleared the manifest with this digest: sha256:<64 hex> or 64 hex.
    #[arg(long, value_name = "DIGEST")]
    pub expect_manifest: Option<Digest>,
    /// The gate must have judged by the policy with this digest: sha256:<64 hex> or 64 hex.
    #[arg(long, value_name = "DIGEST")]
    pub expect_policy: Option<Digest>,
    /// The envelope must be about this product, as `run --product` left it; repeatable.
    #[arg(long = "product", value_name = "PATH")]
    pub products: Vec<PathBuf>,
    /// The verdict must not be older than this, as in 2h; a copy of an old envelope is signed as well as a new one.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub maximum_age: Option<SignedDuration>,
    /// Check as of this instant (RFC 3339) [default: now].
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<Timestamp>,
}

/// Runs the command.
///
/// # Errors
/// The envelope, the list or a product cannot be read, or the list cannot be used.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    let Command::Verify(arguments) = command;
    let request = VerifyRequest {
        envelope: input(arguments.envelope),
        allowed_signers: arguments.allowed_signers,
        signer: arguments.signer,
        expect_manifest: arguments.expect_manifest,
        expect_policy: arguments.expect_policy,
        products: arguments.products,
        maximum_age: arguments.maximum_age,
        at: arguments.at,
    };
    let document = envelope::verify(&request, world)?;
    let title = match document.holds {
        true => "countersign envelope verify: holds",
        false => "countersign envelope verify: does not hold",
    };
    Ok(Answer::report(title, document, |document, out, _| {
        show(document, out)
    }))
}

fn show(document: &EnvelopeVerifyDocument, out: &mut dyn Write) -> io::Result<()> {
    let (Some(signer), Some(statement)) = (&document.signer, &document.statement) else {
        let style = report::style(Severity::Block);
        let what = match document.signed {
            true => "DOES NOT HOLD",
            false => "NOT SIGNED",
        };
        return writeln!(out, "{style}{what}{style:#}");
    };
    let principals = plain(&signer.principals);
    writeln!(
        out,
        "{GOOD}holds{GOOD:#}  signed by {STRONG}{principals}{STRONG:#}"
    )?;
    let context = &statement.predicate;
    let mut row =
        |label: &str, value: &str| writeln!(out, "  {FAINT}{label:<10}{FAINT:#}{}", plain(value));
    row("key", &signer.key)?;
    row("manifest", &format!("revision {}", context.revision))?;
    row("digest", &context.manifest.to_string())?;
    row("policy", &context.policy.to_string())?;
    for product in statement.products() {
        for (algorithm, hex) in &product.digest {
            row("product", &format!("{}, {algorithm}:{hex}", product.name))?;
        }
    }
    let region = match &context.region {
        Some(region) => format!(", region {region}"),
        None => String::new(),
    };
    row("host", &format!("{}{region}", context.host))?;
    row("at", &context.judged_at.to_string())?;
    if !context.waived.is_empty() {
        let waived: Vec<&str> = context.waived.iter().map(|group| group.as_str()).collect();
        row("waived", &waived.join(", "))?;
    }
    row("audit", &context.audit)
}
