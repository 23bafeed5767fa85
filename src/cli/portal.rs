//! `countersign portal`: list, renew, fetch.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;
use super::exit::Exit;
use super::profile::certificate_name;
use super::report::{self, GOOD, STRONG};
use super::state;
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use crate::apple::app_store_connect::words::CertificateType;
use crate::base::clock::parse_duration;
use crate::base::finding::{self, Severity};
use crate::base::ids::{ApiKeyId, IssuerId};
use crate::base::plain::plain;
use crate::context::portal::request::DeviceChoice;
use crate::context::portal::standing::PortalState;
use crate::context::profile_check::CertificateName;
use crate::context::state::State;
use crate::ops::error::Failure;
use crate::ops::portal::access::KeyRequest;
use crate::ops::portal::document::{Outcome, RenewDocument};
use crate::ops::portal::fetch::{self, FetchDocument, FetchRequest};
use crate::ops::portal::list::{self, PortalListDocument};
use crate::ops::portal::renew::{self, RenewRequest};
use crate::ops::world::World;

/// The subcommands of `portal`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what App Store Connect holds: profiles, certificates, devices and bundle ids, beside manifest and machine.
    List {
        /// The key of the team.
        #[command(flatten)]
        key: KeyArguments,
        /// Only these.
        #[arg(value_enum, value_name = "WHAT")]
        what: Vec<What>,
    },
    /// Create successors of profiles that end, under new names. Shows what would be created; with --yes creates it. Deletes and
    /// revokes nothing.
    Renew(RenewArguments),
    /// Fetch profiles, prove them, and write them into a directory. Installs nothing.
    Fetch {
        /// The key of the team.
        #[command(flatten)]
        key: KeyArguments,
        /// The profiles, by name or UUID.
        #[arg(value_name = "PROFILE", required_unless_present = "renewed")]
        named: Vec<String>,
        /// Fetch those that the last renewal created.
        #[arg(long)]
        renewed: bool,
        /// The directory; it is created if it does not exist.
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
    },
}

/// Where the API key of the team is.
#[derive(Debug, Args)]
pub struct KeyArguments {
    /// The .p8 file of a team key. It must be readable by this user alone.
    #[arg(long, value_name = "FILE", help_heading = "App Store Connect")]
    pub key_file: Option<PathBuf>,
    /// The id of the key [default: that in the file's name, AuthKey_ID.p8].
    #[arg(long, value_name = "ID", help_heading = "App Store Connect")]
    pub key_id: Option<ApiKeyId>,
    /// The id of the issuer, which stands beside the team's keys.
    #[arg(long, value_name = "UUID", help_heading = "App Store Connect")]
    pub issuer_id: Option<IssuerId>,
}

impl From<KeyArguments> for KeyRequest {
    fn from(arguments: KeyArguments) -> Self {
        Self {
            key_id: arguments.key_id,
            issuer_id: arguments.issuer_id,
            key_file: arguments.key_file,
        }
    }
}

/// What of App Store Connect is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// The profiles.
    Profiles,
    /// The certificates.
    Certificates,
    /// The devices.
    Devices,
    /// The bundle ids.
    BundleIds,
}

/// Which devices a successor lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Devices {
    /// Those of the old profile that are enabled.
    Same,
    /// Every enabled device of the team that fits.
    All,
}

/// What is renewed, and how.
#[derive(Debug, Args)]
pub struct RenewArguments {
    #[command(flatten)]
    key: KeyArguments,
    /// The profiles, by name or UUID [default: those that the manifest pins and that are due].
    #[arg(value_name = "PROFILE")]
    named: Vec<String>,
    /// How long before its end a profile is due [default: the policy's `warn_before`].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "named")]
    due: Option<SignedDuration>,
    /// The certificate that takes the place of the old ones: SHA-1 or SHA-256 of its DER encoding, in hex.
    #[arg(long, value_name = "FINGERPRINT", value_parser = certificate_name, conflicts_with = "csr")]
    certificate: Option<CertificateName>,
    /// Create a certificate of this certificate signing request, and use it.
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// What that certificate is issued for [default: what the old ones were].
    #[arg(long, value_name = "TYPE", requires = "csr", value_parser = PossibleValuesParser::new(CERTIFICATE_TYPES))]
    certificate_type: Option<String>,
    /// Which devices the successors list, if they list any.
    #[arg(long, value_enum, value_name = "WHICH", default_value = "same")]
    devices: Devices,
    /// What is added to the old name [default: today, as in 2026-03-01].
    #[arg(long, value_name = "TEXT")]
    suffix: Option<String>,
    /// Create them.
    #[arg(long)]
    yes: bool,
    /// Forget a renewal that is not finished, and plan anew. Deletes nothing at App Store Connect.
    #[arg(long)]
    abandon: bool,
}

/// The types of certificates that sign code, in Apple's words.
const CERTIFICATE_TYPES: [&str; 8] = [
    "DEVELOPMENT",
    "DISTRIBUTION",
    "IOS_DEVELOPMENT",
    "IOS_DISTRIBUTION",
    "MAC_APP_DEVELOPMENT",
    "MAC_APP_DISTRIBUTION",
    "DEVELOPER_ID_APPLICATION",
    "DEVELOPER_ID_APPLICATION_G2",
];

/// Runs the command.
///
/// # Errors
/// We could not look, or could not act.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    let now = world.now;
    match command {
        Command::List { key, what } => {
            let document = list::list(&key.into(), world)?;
            let title = "countersign portal list";
            let answer = Answer::report(title, document, move |document, out, terminal| {
                show_list(out, document, &what, now, terminal)
            });
            // A list is no verdict.
            Ok(answer.ending_in(Exit::Fine))
        }
        Command::Renew(arguments) => {
            let document = renew::renew(&arguments.into(), world)?;
            let title = "countersign portal renew";
            Ok(Answer::report(title, document, show_renewal))
        }
        Command::Fetch {
            key,
            named,
            renewed,
            into,
        } => {
            let request = FetchRequest {
                key: key.into(),
                profiles: named,
                renewed,
                into,
            };
            let document = fetch::fetch(&request, world)?;
            let title = "countersign portal fetch";
            Ok(Answer::report(title, document, |document, out, _| {
                show_fetched(out, document)
            }))
        }
    }
}

impl From<RenewArguments> for RenewRequest {
    fn from(arguments: RenewArguments) -> Self {
        Self {
            key: arguments.key.into(),
            profiles: arguments.named,
            due: arguments.due,
            certificate: arguments.certificate,
            signing_request: arguments.csr,
            certificate_type: arguments.certificate_type.map(CertificateType::from),
            devices: match arguments.devices {
                Devices::Same => DeviceChoice::Same,
                Devices::All => DeviceChoice::All,
            },
            suffix: arguments.suffix,
            yes: arguments.yes,
            abandon: arguments.abandon,
        }
    }
}

fn show_list(
    out: &mut dyn Write,
    document: &PortalListDocument,
    what: &[What],
    now: Timestamp,
    terminal: &Terminal,
) -> io::Result<()> {
    let is_shown = |it| what.is_empty() || what.contains(&it);
    let mut is_first = true;
    let mut begin = |out: &mut dyn Write, heading: &str, count: usize| {
        if !std::mem::take(&mut is_first) {
            writeln!(out)?;
        }
        writeln!(out, "{STRONG}{heading}{STRONG:#} ({count})")
    };
    if is_shown(What::Profiles) {
        begin(out, "profiles", document.profiles.len())?;
        profiles(document, now).write(out, &[], terminal)?;
        for profile in &document.not_listed {
            let (name, uuid) = (plain(&profile.name), &profile.uuid);
            writeln!(out, "not listed: {name} ({uuid}), which the manifest pins")?;
        }
    }
    if is_shown(What::Certificates) {
        begin(out, "certificates", document.certificates.len())?;
        certificates(document, now).write(out, &[], terminal)?;
    }
    if is_shown(What::Devices) {
        begin(out, "devices", document.devices.len())?;
        devices(document).write(out, &[], terminal)?;
    }
    if is_shown(What::BundleIds) {
        begin(out, "bundle ids", document.bundle_ids.len())?;
        bundle_ids(document).write(out, &[], terminal)?;
    }
    Ok(())
}

/// How a profile stands, as a person reads it.
fn portal_state(state: PortalState, expires: Timestamp, now: Timestamp) -> Cell {
    match state {
        PortalState::Invalid => Cell::new("INVALID").styled(report::style(Severity::Block)),
        PortalState::Unclear => Cell::new("unclear").styled(report::style(Severity::Warn)),
        PortalState::Expired => state::cell(State::Expired, Some(expires), now),
        PortalState::ExpiresSoon => state::cell(State::ExpiresSoon, Some(expires), now),
        PortalState::Active => Cell::new("active").styled(GOOD),
    }
}

/// Where something of App Store Connect is known.
fn known(pinned: bool, installed: bool) -> Cell {
    Cell::new(match (pinned, installed) {
        (true, true) => "pinned, installed",
        (true, false) => "pinned",
        (false, true) => "installed",
        (false, false) => "unknown",
    })
}

fn profiles(document: &PortalListDocument, now: Timestamp) -> Rows {
    let mut rows = Rows::new(&[
        "state",
        "here",
        "name",
        "bundle-id",
        "type",
        "expires",
        "devices",
        "uuid",
    ]);
    for profile in &document.profiles {
        rows.add([
            portal_state(profile.state, profile.expires, now),
            known(profile.pinned, profile.installed),
            Cell::new(&profile.name),
            Cell::new(profile.bundle_id.as_deref().unwrap_or("-")),
            Cell::new(profile.profile_type.as_str()),
            state::day(Some(profile.expires)),
            Cell::new(&profile.device_count.to_string()),
            Cell::beginning(profile.uuid.as_str(), 8),
        ]);
    }
    rows
}

fn certificates(document: &PortalListDocument, now: Timestamp) -> Rows {
    let mut rows = Rows::new(&[
        "state", "here", "name", "type", "expires", "profiles", "sha-1",
    ]);
    for certificate in &document.certificates {
        let sha1 = certificate
            .sha1
            .map(|it| it.to_string().to_ascii_uppercase());
        rows.add([
            state::cell(certificate.state, Some(certificate.expires), now),
            known(certificate.pinned, false),
            Cell::new(&certificate.name),
            Cell::new(certificate.certificate_type.as_str()),
            state::day(Some(certificate.expires)),
            Cell::new(&certificate.profile_count.to_string()),
            Cell::new(sha1.as_deref().unwrap_or("-")),
        ]);
    }
    rows
}

fn devices(document: &PortalListDocument) -> Rows {
    let mut rows = Rows::new(&["state", "class", "name", "model", "added"]);
    for device in &document.devices {
        rows.add([
            Cell::new(if device.enabled {
                "enabled"
            } else {
                "disabled"
            }),
            Cell::new(&device.class),
            Cell::new(&device.name),
            Cell::new(device.model.as_deref().unwrap_or("-")),
            state::day(device.added),
        ]);
    }
    rows
}

fn bundle_ids(document: &PortalListDocument) -> Rows {
    let mut rows = Rows::new(&["bundle-id", "name", "prefix", "profiles"]);
    for bundle in &document.bundle_ids {
        rows.add([
            Cell::new(&bundle.identifier),
            Cell::new(&bundle.name),
            Cell::new(bundle.prefix.as_deref().unwrap_or("-")),
            Cell::new(&bundle.profile_count.to_string()),
        ]);
    }
    rows
}

fn outcome(outcome: Outcome) -> Cell {
    Cell::new(outcome.as_str()).styled(match outcome {
        Outcome::Planned => report::style(Severity::Info),
        Outcome::Created | Outcome::AlreadyThere => GOOD,
        Outcome::Refused => report::style(Severity::Block),
    })
}

fn show_renewal(
    document: &RenewDocument,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    if let Some(begun) = document.resumed {
        writeln!(out, "goes on with the renewal that began {begun}")?;
    }
    for profile in &document.succeeded {
        let (name, successor) = (plain(&profile.name), plain(&profile.successor_name));
        writeln!(
            out,
            "has a successor: {name} -> {successor} ({})",
            profile.successor
        )?;
    }
    if let Some(certificate) = &document.certificate {
        let word = certificate.outcome.as_str();
        write!(
            out,
            "{word}: a certificate of the type {}",
            plain(certificate.certificate_type.as_str())
        )?;
        match certificate.sha1 {
            Some(sha1) => writeln!(out, ", SHA-1 {}", sha1.to_string().to_ascii_uppercase())?,
            None => writeln!(out)?,
        }
    }
    if !document.successors.is_empty() {
        let mut rows = Rows::new(&[
            "outcome",
            "of",
            "name",
            "bundle-id",
            "type",
            "devices",
            "expires",
            "uuid",
        ]);
        for successor in &document.successors {
            let devices = match successor.devices_left_out {
                0 => successor.device_count.to_string(),
                left_out => format!("{} ({left_out} left out)", successor.device_count),
            };
            rows.add([
                outcome(successor.outcome),
                Cell::new(&successor.of_name),
                Cell::new(&successor.name),
                Cell::new(&successor.bundle_id),
                Cell::new(successor.profile_type.as_str()),
                Cell::new(&devices),
                state::day(successor.expires),
                Cell::new(successor.uuid.as_ref().map_or("-", |uuid| uuid.as_str())),
            ]);
        }
        rows.write(out, &[], terminal)?;
    }
    let is_blocked = finding::any_blocks(&document.findings);
    match (document.done, is_blocked, document.successors.is_empty()) {
        (false, true, _) => writeln!(out, "nothing was created"),
        (_, false, true) => writeln!(out, "no profile is due"),
        (false, false, false) => writeln!(out, "nothing was created: add --yes to create them"),
        (true, true, _) => writeln!(out, "not finished: the same command goes on"),
        (true, false, false) => writeln!(
            out,
            "fetch them with `countersign portal fetch --renewed --into DIR`"
        ),
    }
}

fn show_fetched(out: &mut dyn Write, document: &FetchDocument) -> io::Result<()> {
    for file in &document.files {
        writeln!(
            out,
            "{}: {} ({})",
            file.outcome,
            plain(&file.file),
            plain(&file.name)
        )?;
    }
    match document.files.is_empty() {
        true => writeln!(out, "nothing was fetched"),
        false => Ok(()),
    }
}
