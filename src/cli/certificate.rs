//! `countersign certificate`: show.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;

use super::answer::Answer;
use super::input::input;
use super::report::{FAINT, STRONG};
use crate::base::ids::{CertSha1, CertSha256};
use crate::base::plain::plain;
use crate::ops::certificate::{self, CertificateDocument, ShowRequest, Uses, Which};
use crate::ops::error::Failure;
use crate::ops::world::World;

/// The subcommands of `certificate`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what a certificate is, and what hangs on it: the question before a revocation.
    Show {
        /// Its file (DER or PEM; `-` reads standard input), or its SHA-256 or SHA-1 fingerprint.
        #[arg(value_name = "FILE|FINGERPRINT")]
        which: String,
        /// Tell which pinned profiles, targets and products hang on it, which runs, and what of these products it signed.
        #[arg(long, value_name = "PATH", num_args = 0..)]
        uses: Option<Vec<PathBuf>>,
    },
}

/// Runs the command.
///
/// # Errors
/// We could not look.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    let Command::Show { which, uses } = command;
    let request = ShowRequest {
        which: named(&which),
        uses,
    };
    let document = certificate::show(&request, world)?;
    Ok(Answer::report(
        "countersign certificate show",
        document,
        |document, out, _| show(out, document),
    ))
}

/// A fingerprint, or else a file: a file that is called like one is named with its folder, `./`.
fn named(which: &str) -> Which {
    if let Ok(sha256) = which.parse::<CertSha256>() {
        return Which::Sha256(sha256);
    }
    match which.parse::<CertSha1>() {
        Ok(sha1) => Which::Sha1(sha1),
        Err(_) => Which::File(input(PathBuf::from(which))),
    }
}

fn row(out: &mut dyn Write, label: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {FAINT}{label:<12}{FAINT:#}{}", plain(value))
}

fn show(out: &mut dyn Write, document: &CertificateDocument) -> io::Result<()> {
    let certificate = &document.certificate;
    writeln!(out, "{STRONG}{}{STRONG:#}", plain(&certificate.common_name))?;
    row(out, "kind", &certificate.kind.to_string())?;
    if let Some(team) = &certificate.team_id {
        row(out, "team", &team.to_string())?;
    }
    row(out, "issuer", &certificate.issuer)?;
    row(out, "serial", &format!("…{}", certificate.serial))?;
    if let Some(not_before) = certificate.not_before {
        row(out, "valid from", &not_before.to_string())?;
    }
    let expires = match certificate.expired {
        true => format!("{} (EXPIRED)", certificate.expires),
        false => certificate.expires.to_string(),
    };
    row(out, "expires", &expires)?;
    row(out, "SHA-256", &certificate.sha256.to_string())?;
    row(out, "SHA-1", &certificate.sha1.to_string())?;
    match &document.uses {
        Some(uses) => show_uses(out, uses),
        None => Ok(()),
    }
}

fn show_uses(out: &mut dyn Write, uses: &Uses) -> io::Result<()> {
    writeln!(out)?;
    if uses.is_empty() {
        writeln!(out, "nothing that was looked at hangs on it")?;
    }
    for profile in &uses.profiles {
        let only = match profile.only_certificate {
            true => ", which has no other certificate",
            false => "",
        };
        let said = format!("{} ({}){only}", profile.name, profile.uuid);
        row(out, "profile", &said)?;
    }
    for target in &uses.targets {
        let said = format!(
            "{} {} in {}",
            target.target, target.configuration, target.project
        );
        row(out, "target", &said)?;
    }
    for product in &uses.products {
        row(out, "product", &product.name)?;
    }
    for code in &uses.code {
        let proven = match code.proven {
            true => "",
            false => ", whose signature is not proven",
        };
        row(out, "signed", &format!("{}{proven}", code.path))?;
    }
    for run in &uses.runs {
        let job = run
            .job
            .as_ref()
            .map_or(String::new(), |job| format!(", {job}"));
        row(
            out,
            "run",
            &format!("{} at {} on {}{job}", run.run, run.at, run.host),
        )?;
    }
    if uses.runs_of_other_manifests > 0 {
        let said = format!(
            "{} runs were cleared by another manifest; the log does not tell whether that pinned the certificate",
            uses.runs_of_other_manifests
        );
        row(out, "not known", &said)?;
    }
    for missing in &uses.missing {
        row(
            out,
            "not seen",
            &format!("{}: {}", missing.part.as_str(), missing.why),
        )?;
    }
    Ok(())
}
