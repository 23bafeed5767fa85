//! `countersign profile`: show, list, check, install, prune.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::answer::Answer;
use super::exit::Exit;
use super::projects::Kind;
use super::report::{self, FAINT, GOOD, STRONG};
use super::state;
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use crate::apple::profile::{KindSource, ProfileKind};
use crate::base::clock::show_duration;
use crate::base::finding::{self, Finding, Severity};
use crate::base::ids::BundleId;
use crate::base::plain::plain;
use crate::context::profile_check::CertificateName;
use crate::host::profile_store::PruneRules;
use crate::ops::error::Failure;
use crate::ops::profile::{self, CheckRequest, ProfilesDocument, PruneRequest, ShownProfile};
use crate::ops::report::VerdictWord;
use crate::ops::world::World;

/// The subcommands of `profile`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show and verify profiles: both signature layers, the chain, the signer's role.
    Show {
        /// The profiles, directories of profiles, or fastlane match repositories.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// List the installed profiles, or others, one on each line; what ends first comes first.
    List {
        /// The profiles, directories of profiles, or fastlane match repositories [default: the installed profiles].
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The columns, in this order.
        #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = COLUMNS)]
        columns: Vec<String>,
    },
    /// Check that a profile lets a product run that is signed with these entitlements. Needs no Xcode project. Exit code 10
    /// if findings block.
    Check(CheckArguments),
    /// Install proven profiles under the names that Xcode gives them.
    Install {
        /// The profiles.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Remove installed profiles: those that have expired, those that are not pinned, or both. Pinned profiles always stay.
    Prune {
        /// Remove expired profiles.
        #[arg(long)]
        expired: bool,
        /// Remove profiles that the manifest does not pin.
        #[arg(long)]
        unpinned: bool,
        /// List what would be removed, and remove nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// A profile and the product that it is asked about.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The profile.
    #[arg(value_name = "FILE")]
    pub profile: PathBuf,
    /// The .entitlements file that the product is signed with.
    #[arg(long, value_name = "FILE")]
    pub entitlements: PathBuf,
    /// The product's bundle id.
    #[arg(long, value_name = "ID")]
    pub bundle_id: Option<BundleId>,
    /// The certificate that signs the product: SHA-1 or SHA-256 of its DER encoding, in hex.
    #[arg(long, value_name = "FINGERPRINT", value_parser = certificate_name)]
    pub certificate: Option<CertificateName>,
    /// How the product is distributed.
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<Kind>,
}

/// A certificate by its fingerprint.
pub(super) fn certificate_name(text: &str) -> Result<CertificateName, String> {
    let sha1 = text.parse().map(CertificateName::Sha1);
    let name = sha1.or_else(|_| text.parse().map(CertificateName::Sha256));
    name.map_err(|_| "write the 40 or 64 hex digits of its SHA-1 or SHA-256".to_owned())
}

/// Runs the command.
///
/// # Errors
/// We could not look, or could not act.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Show { files, .. } => show(profile::show(&files, world)?, world.now),
        Command::List { paths, columns, .. } => {
            let now = world.now;
            let document = profile::list(&paths, world)?;
            let answer = Answer::report(
                "countersign profile list",
                document,
                move |document, out, terminal| list(out, document, &columns, now, terminal),
            );
            // A list is no verdict.
            Ok(answer.ending_in(Exit::Fine))
        }
        Command::Check(arguments) => check(arguments, world),
        Command::Install { files } => {
            let document = profile::install(&files, world)?;
            Ok(Answer::report(
                "countersign profile install",
                document,
                |document, out, _| {
                    let done = document.files.iter().map(|it| (it.outcome, &*it.file));
                    show_done(out, done, &document.findings)
                },
            ))
        }
        Command::Prune {
            expired,
            unpinned,
            dry_run,
        } => {
            let rules = PruneRules { expired, unpinned };
            let document = profile::prune(&PruneRequest { rules, dry_run }, world)?;
            Ok(Answer::report(
                "countersign profile prune",
                document,
                |document, out, _| {
                    let done = document.files.iter().map(|it| (it.outcome, &*it.file));
                    show_done(out, done, &document.findings)
                },
            ))
        }
    }
}

fn check(arguments: CheckArguments, world: &World) -> Result<Answer<'static>, Failure> {
    let request = CheckRequest {
        profile: arguments.profile,
        entitlements: arguments.entitlements,
        bundle_id: arguments.bundle_id,
        certificate: arguments.certificate,
        kind: arguments.kind.map(ProfileKind::from),
    };
    let document = profile::check(&request, world)?;
    let exit = Exit::of_verdict(
        document.verdict == VerdictWord::Cleared,
        document.has_unread,
    );
    let title = "countersign profile check";
    let answer = Answer::report(title, document, |document, out, terminal| {
        match document.verdict {
            VerdictWord::Blocked => {
                report::blocked(out, &document.head, &document.findings, terminal)
            }
            VerdictWord::Cleared => writeln!(out, "{GOOD}cleared{GOOD:#}"),
        }
    });
    Ok(answer.ending_in(exit))
}

fn show(document: ProfilesDocument, now: Timestamp) -> Result<Answer<'static>, Failure> {
    let exit = if document.profiles.iter().all(|profile| profile.proven) {
        Exit::Fine
    } else {
        Exit::of_verdict(false, document.has_unread)
    };
    let answer = Answer::report(
        "countersign profile show",
        document,
        move |document, out, _| {
            let mut profiles = document.profiles.iter();
            profiles.try_for_each(|profile| show_profile(out, profile, now))
        },
    );
    Ok(answer.ending_in(exit))
}

fn show_profile(out: &mut dyn Write, profile: &ShownProfile, now: Timestamp) -> io::Result<()> {
    let name = plain(
        profile
            .name
            .as_deref()
            .unwrap_or("(the name cannot be read)"),
    );
    if profile.proven {
        writeln!(out, "{GOOD}proven{GOOD:#}      {STRONG}{name}{STRONG:#}")?;
    } else {
        let style = report::style(Severity::Block);
        writeln!(out, "{style}NOT PROVEN{style:#}  {STRONG}{name}{STRONG:#}")?;
    }
    let mut row = |label: &str, value: String| {
        writeln!(out, "  {FAINT}{label:<13}{FAINT:#}{}", plain(&value))
    };
    row("file", profile.file.clone())?;
    if let Some(uuid) = &profile.uuid {
        row("UUID", uuid.clone())?;
    }
    if let Some(team) = &profile.team_id {
        row(
            "team",
            format!(
                "{team}  {}",
                profile.team_name.as_deref().unwrap_or_default()
            ),
        )?;
    }
    if let Some(bundle) = &profile.bundle_id {
        row("bundle id", bundle.clone())?;
    }
    if let Some(kind) = profile.kind {
        let source = match profile.kind_source {
            Some(KindSource::DistributionType) => "from the inner layer",
            _ => "derived from devices and entitlements",
        };
        let devices = match profile.device_count {
            None | Some(0) => String::new(),
            Some(count) => format!(", {count} devices"),
        };
        row("kind", format!("{kind}{devices} ({source})"))?;
    }
    if let Some(platforms) = &profile.platforms {
        row("platforms", platforms.join(", "))?;
    }
    if let (Some(created), Some(expires)) = (profile.created, profile.expires) {
        row(
            "valid",
            format!("{created} to {expires} ({})", life(expires, now)),
        )?;
    }
    for certificate in profile.certificates.as_deref().unwrap_or_default() {
        row(
            "certificate",
            format!("{} ({})", certificate.common_name, certificate.kind),
        )?;
        row(
            "",
            format!(
                "SHA-1 {}",
                certificate.sha1.to_string().to_ascii_uppercase()
            ),
        )?;
    }
    if let Some(layers) = &profile.layers {
        row(
            "outer layer",
            format!("{}, {}", layers.outer.signer, layers.outer.signed),
        )?;
        match &layers.inner {
            Some(inner) => row("inner layer", format!("{}, {}", inner.signer, inner.signed))?,
            None => row("inner layer", "none".to_owned())?,
        }
    }
    if let Some(sha256) = &profile.sha256 {
        row("sha256", sha256.to_string())?;
    }
    writeln!(out)
}

/// `41d 3h left` or `expired 3d ago`.
fn life(expires: Timestamp, now: Timestamp) -> String {
    let left = expires.duration_since(now);
    if left.is_negative() {
        format!("expired {} ago", show_duration(left))
    } else {
        format!("{} left", show_duration(left))
    }
}

/// The columns of a list of profiles.
const COLUMNS: [&str; 8] = [
    "state",
    "name",
    "bundle-id",
    "kind",
    "expires",
    "team",
    "uuid",
    "file",
];

/// Those that are shown unless somebody says which.
const SHOWN: [&str; 6] = ["state", "name", "bundle-id", "kind", "expires", "uuid"];

fn list(
    out: &mut dyn Write,
    document: &ProfilesDocument,
    columns: &[String],
    now: Timestamp,
    terminal: &Terminal,
) -> io::Result<()> {
    if document.profiles.is_empty() {
        return writeln!(out, "no profiles installed");
    }
    let mut profiles: Vec<&ShownProfile> = document.profiles.iter().collect();
    profiles.sort_by_key(|profile| profile.expires);
    let mut rows = Rows::new(&COLUMNS);
    for profile in profiles {
        rows.add([
            state::cell(profile.state, profile.expires, now),
            Cell::new(profile.name.as_deref().unwrap_or(&profile.file)),
            Cell::new(profile.bundle_id.as_deref().unwrap_or("-")),
            Cell::new(&profile.kind.map_or("-".to_owned(), |kind| kind.to_string())),
            state::day(profile.expires),
            Cell::new(profile.team_id.as_deref().unwrap_or("-")),
            Cell::beginning(profile.uuid.as_deref().unwrap_or("-"), 8),
            Cell::new(&profile.file),
        ]);
    }
    if !columns.is_empty() {
        return rows.write(out, columns, terminal);
    }
    rows.write(out, &SHOWN.map(str::to_owned), terminal)?;
    let profiles = document.profiles.iter();
    match profiles.filter(|profile| !profile.proven).count() {
        0 => Ok(()),
        unproven => writeln!(out, "\n{unproven} not proven"),
    }
}

/// What was done: each outcome with its file.
fn show_done<'d>(
    out: &mut dyn Write,
    done: impl ExactSizeIterator<Item = (&'static str, &'d str)>,
    findings: &[Finding],
) -> io::Result<()> {
    let is_idle = done.len() == 0;
    for (outcome, file) in done {
        writeln!(out, "{outcome}: {}", plain(file))?;
    }
    if finding::any_blocks(findings) {
        writeln!(out, "nothing was installed")
    } else if is_idle {
        writeln!(out, "nothing to do")
    } else {
        Ok(())
    }
}
