//! `countersign rotate`: plan, rehearse, stage, promote, retire, rollback, status, probe.

mod inventory;
pub mod rehearsal;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use super::answer::Answer;
use super::exit::Exit;
use super::input::input;
use super::page::written::written;
use super::password::PasswordArguments;
use super::report::{self, FAINT, GOOD, STRONG};
use super::state;
use super::table::{Cell, Rows};
use super::terminal::Terminal;
use crate::base::clock::{parse_duration, show_duration};
use crate::base::finding;
use crate::base::plain::plain;
use crate::ops::error::{Error, Failure};
use crate::ops::identity::source::IdentityFile;
use crate::ops::rotate::document::{OldName, StepDocument};
use crate::ops::rotate::{
    self, PlanDocument, PlanRequest, PlannedCause, PlannedRotation, ProbeRequest, PromoteRequest,
    RehearseRequest, RetireRequest, RollbackRequest, StageRequest, StatusDocument,
};
use crate::ops::world::World;

/// The subcommands of `rotate`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what ends when, what replaces it and in which order. Changes nothing. With --due exit code 10 if a rotation must begin.
    Plan {
        /// A successor, a directory of them, or a fastlane match repository; repeatable [default: the installed profiles].
        #[arg(long, value_name = "PATH")]
        successors: Vec<PathBuf>,
        /// What a machine holds, as `rotate probe` wrote it there, to tell which intermediates it lacks; repeatable.
        #[arg(long, value_name = "FILE")]
        probe: Vec<PathBuf>,
        /// Block if a rotation must begin within this time, as in 30d.
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        due: Option<SignedDuration>,
        /// Show how things stand at this instant (RFC 3339), as in 2027-01-15T08:00:00Z.
        #[arg(long, value_name = "INSTANT")]
        at: Option<Timestamp>,
    },
    /// Install successors on this machine, and pin them as incoming beside the active profiles.
    Stage {
        /// A successor, a directory of them, or a fastlane match repository; repeatable.
        #[arg(long, required = true, value_name = "PATH")]
        successors: Vec<PathBuf>,
        /// Show what would change, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Make the incoming profiles active, each product in one revision of the manifest.
    Promote {
        /// Only this product, by the bundle id of its app; repeatable.
        #[arg(long, value_name = "ID")]
        product: Vec<String>,
        /// What another machine holds, as `rotate probe` wrote it there; repeatable.
        #[arg(long, value_name = "FILE")]
        probe: Vec<PathBuf>,
        /// Show what would change, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove the old profiles from the manifest and from this machine, when every machine holds the new ones.
    Retire {
        /// What another machine holds, as `rotate probe` wrote it there; repeatable.
        #[arg(long, value_name = "FILE")]
        probe: Vec<PathBuf>,
        /// When the successors were promoted (RFC 3339), where this machine does not know.
        #[arg(long, value_name = "INSTANT")]
        promoted: Option<Timestamp>,
        /// Another manifest that builds on this machine use: what it pins stays installed; repeatable.
        #[arg(long, value_name = "MANIFEST")]
        keep_for: Vec<PathBuf>,
        /// Show what would change, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Put back what steps of this machine changed: profiles byte for byte, the manifest in all but its revision.
    Rollback {
        /// Back to what this revision of the manifest was [default: the one before the last step].
        #[arg(long, value_name = "REVISION")]
        to: Option<u64>,
        /// Show what would change, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show how far a rotation is, and what comes next. Changes nothing.
    Status {
        /// Show how things stand at this instant (RFC 3339), as in 2027-01-15T08:00:00Z.
        #[arg(long, value_name = "INSTANT")]
        at: Option<Timestamp>,
    },
    /// Rehearse the rotation on copies: the gate of every machine and branch at the instants to come, and with faults put in. Changes
    /// nothing. Exit code 10 if a build would pass the gate and fail, if a step would block builds, or if it could not be rolled back.
    Rehearse {
        /// Write the page, one self-contained HTML file, to this file; `-` prints it, and nothing else, on standard output.
        #[arg(short, long, value_name = "FILE.html|-")]
        output: Option<PathBuf>,
        /// A successor, a directory of them, or a fastlane match repository; repeatable [default: the incoming profiles].
        #[arg(long, value_name = "PATH")]
        successors: Vec<PathBuf>,
        /// What another machine holds, as `rotate probe` wrote it there; repeatable. One of this machine names its identities.
        #[arg(long, value_name = "FILE")]
        probe: Vec<PathBuf>,
        /// The manifest of another branch that is still released, as in 4.2=old.json; repeatable.
        #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
        manifest_at: Vec<(String, PathBuf)>,
        /// Another branch, tag or commit that is still released: git reads its manifest; repeatable.
        #[arg(long, value_name = "REF")]
        branch: Vec<String>,
        /// The Xcode project: how its targets choose profiles counts for every branch [default: any way is thought possible]; repeatable.
        #[arg(long, value_name = "X.xcodeproj")]
        project: Vec<PathBuf>,
        /// Rehearse from this instant on (RFC 3339), as in 2027-01-15T08:00:00Z.
        #[arg(long, value_name = "INSTANT")]
        at: Option<Timestamp>,
    },
    /// Print what this machine holds, for --probe on the machine on which the rotation is led.
    Probe {
        /// What `security find-identity -v -p codesigning` printed: note the certificates that there are keys for. `-` is standard input.
        #[arg(long, value_name = "FILE")]
        identities: Option<PathBuf>,
        /// The password of a p12 of identities.
        #[command(flatten)]
        password: PasswordArguments,
        /// The certificates of its keychains, as `security find-certificate -a -p` printed them, or a certificate's file: note the
        /// intermediates. Repeatable; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        certificates: Vec<PathBuf>,
        /// Write it to this file too.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

impl Command {
    /// The instant that is asked about.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Plan { at, .. } | Self::Rehearse { at, .. } | Self::Status { at } => *at,
            _ => None,
        }
    }

    /// Whether the result is a verdict.
    pub(super) fn is_verdict(&self) -> bool {
        matches!(
            self,
            Self::Plan { due: Some(_), .. } | Self::Rehearse { .. }
        )
    }
}

/// Runs the command.
///
/// # Errors
/// We could not look, or could not write.
pub fn run(command: Command, world: &World) -> Result<Answer<'static>, Failure> {
    match command {
        Command::Plan {
            successors,
            probe,
            due,
            ..
        } => {
            let request = PlanRequest {
                successors,
                probes: probe,
                due,
            };
            let document = rotate::plan(&request, world)?;
            let exit = Exit::of_verdict(!finding::any_blocks(&document.findings), false);
            let answer = Answer::report("countersign rotate plan", document, show_plan);
            Ok(answer.ending_in(exit))
        }
        Command::Stage {
            successors,
            dry_run,
        } => {
            let request = StageRequest {
                successors,
                dry_run,
            };
            Ok(stepped(
                "countersign rotate stage",
                rotate::stage(&request, world)?,
            ))
        }
        Command::Promote {
            product,
            probe,
            dry_run,
        } => {
            let request = PromoteRequest {
                products: product,
                probes: probe,
                dry_run,
            };
            let document = rotate::promote(&request, world)?;
            Ok(stepped("countersign rotate promote", document))
        }
        Command::Retire {
            probe,
            promoted,
            keep_for,
            dry_run,
        } => {
            let request = RetireRequest {
                probes: probe,
                promoted,
                keep_for,
                dry_run,
            };
            Ok(stepped(
                "countersign rotate retire",
                rotate::retire(&request, world)?,
            ))
        }
        Command::Rollback { to, dry_run } => {
            let document = rotate::rollback(&RollbackRequest { to, dry_run }, world)?;
            Ok(stepped("countersign rotate rollback", document))
        }
        Command::Status { .. } => {
            let document = rotate::status(world)?;
            Ok(Answer::report(
                "countersign rotate status",
                document,
                show_status,
            ))
        }
        Command::Rehearse {
            successors,
            probe,
            manifest_at,
            branch,
            project,
            output,
            at: _,
        } => {
            let title = "countersign rotate rehearse";
            let request = RehearseRequest {
                successors,
                probes: probe,
                manifests: manifest_at,
                branches: branch,
                projects: project,
            };
            let document = rotate::rehearse(&request, world)?;
            let exit = Exit::of_verdict(!finding::any_blocks(&document.findings), false);
            if let Some(file) = &output {
                let page = rehearsal::html::page(&document).map_err(Error::unexpected)?;
                if let Some(page) = written(file, page)? {
                    return Ok(Answer::artifact(title, page, document.findings).ending_in(exit));
                }
            }
            let form = move |document: &_, out: &mut dyn Write, terminal: &Terminal| {
                rehearsal::show(document, output.as_deref(), out, terminal)
            };
            Ok(Answer::report(title, document, form).ending_in(exit))
        }
        Command::Probe {
            identities,
            password,
            certificates,
            output,
        } => {
            let identities = identities.map(|file| IdentityFile {
                password: password.source_of(&file.display().to_string()),
                input: input(file),
            });
            let request = ProbeRequest {
                identities,
                certificates: certificates.into_iter().map(input).collect(),
                output,
            };
            let document = rotate::probe(&request, world)?;
            let text = serde_json::to_string_pretty(&document).map_err(Error::unexpected)?;
            Ok(Answer::data(
                "countersign rotate probe",
                document,
                text + "\n",
            ))
        }
    }
}

/// `NAME=FILE`.
fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(file)))
        }
        _ => Err("write it as NAME=FILE, as in 4.2=old.json".to_owned()),
    }
}

fn stepped(title: &'static str, document: StepDocument) -> Answer<'static> {
    let exit = Exit::of_verdict(!finding::any_blocks(&document.findings), false);
    Answer::report(title, document, show_step).ending_in(exit)
}

fn show_step(document: &StepDocument, out: &mut dyn Write, terminal: &Terminal) -> io::Result<()> {
    if let Some(finished) = document.finished {
        writeln!(
            out,
            "finished the step {} of a command that was killed",
            finished.as_str()
        )?;
    }
    if finding::any_blocks(&document.findings) {
        report::blocked(out, &document.head, &document.findings, terminal)?;
        return writeln!(out, "nothing is changed");
    }
    let (done, would) = match document.dry_run {
        true => ("would be", "would be "),
        false => ("is", ""),
    };
    for revision in &document.revisions {
        let product = revision.product.as_deref();
        let product = product.map(|product| format!(": {}", plain(product)));
        writeln!(
            out,
            "{GOOD}{}{GOOD:#}  {STRONG}revision {}{}{STRONG:#}",
            document.step.as_str(),
            revision.revision,
            product.unwrap_or_default()
        )?;
        for file in &revision.files {
            writeln!(out, "  {would}{:<9}  {}", file.outcome, plain(&file.file))?;
        }
        writeln!(
            out,
            "  {FAINT}the manifest's digest {done}{FAINT:#} {}",
            revision.digest
        )?;
    }
    show_old_names(out, &document.old_names)
}

fn show_old_names(out: &mut dyn Write, names: &[OldName]) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{STRONG}still to be changed in the repository{STRONG:#}"
    )?;
    for place in names {
        writeln!(
            out,
            "  {}:{}  {} {FAINT}becomes{FAINT:#} {}",
            plain(&place.file),
            place.line,
            plain(&place.name),
            plain(&place.instead)
        )?;
    }
    Ok(())
}

fn show_plan(document: &PlanDocument, out: &mut dyn Write, terminal: &Terminal) -> io::Result<()> {
    if finding::any_blocks(&document.findings) {
        report::blocked(out, &document.head, &document.findings, terminal)?;
        writeln!(out)?;
    }
    if document.rotations.is_empty() {
        return writeln!(out, "the manifest pins no active profile");
    }
    for rotation in &document.rotations {
        show_rotation(out, rotation, document.at, terminal)?;
    }
    if !document.order.is_empty() {
        writeln!(out, "{STRONG}order{STRONG:#}")?;
        for (number, product) in document.order.iter().enumerate() {
            let count = product.profiles.len();
            let noun = if count == 1 { "profile" } else { "profiles" };
            writeln!(
                out,
                "  {}. {}, {count} {noun}",
                number + 1,
                plain(&product.product)
            )?;
        }
        writeln!(out)?;
    }
    inventory::show(document, out, terminal)
}

const PROFILE_COLUMNS: [&str; 5] = ["profile", "bundle-id", "expires", "successor", "until"];

fn show_rotation(
    out: &mut dyn Write,
    rotation: &PlannedRotation,
    at: Timestamp,
    terminal: &Terminal,
) -> io::Result<()> {
    let what = match &rotation.cause {
        PlannedCause::Certificate { name, .. } => format!("certificate {}", plain(name)),
        PlannedCause::Profile => "profiles".to_owned(),
    };
    let left = rotation.begin_by.duration_since(at);
    let when = match left.is_positive() {
        true => format!("begin within {}", show_duration(left)),
        false => "begin now".to_owned(),
    };
    let day = |instant: Timestamp| instant.to_string().chars().take(10).collect::<String>();
    writeln!(
        out,
        "{STRONG}{what}{STRONG:#}: {when}; the gate blocks from {}, it ends on {}; {}",
        day(rotation.blocks_from),
        day(rotation.ends),
        rotation.state
    )?;
    if !rotation.breaks.is_empty() {
        let breaks: Vec<String> = rotation.breaks.iter().map(|name| plain(name)).collect();
        writeln!(out, "  {FAINT}breaks{FAINT:#} {}", breaks.join(", "))?;
    }
    let mut rows = Rows::new(&PROFILE_COLUMNS);
    for profile in &rotation.profiles {
        let successor = profile.successor.as_ref();
        rows.add([
            Cell::new(&profile.name),
            Cell::new(&profile.bundle_id),
            state::day(Some(profile.expires)),
            Cell::new(successor.map_or("-", |it| it.uuid.as_str())),
            state::day(successor.map(|it| it.expires)),
        ]);
    }
    rows.write(out, &PROFILE_COLUMNS.map(str::to_owned), terminal)?;
    for profile in &rotation.profiles {
        let Some(successor) = &profile.successor else {
            continue;
        };
        for (word, names) in [
            ("comes", &successor.certificates_come),
            ("goes", &successor.certificates_go),
            ("comes", &successor.entitlements_come),
        ] {
            for name in names {
                writeln!(
                    out,
                    "  {FAINT}{word}{FAINT:#} {} {FAINT}with{FAINT:#} {}",
                    plain(name),
                    successor.uuid
                )?;
            }
        }
    }
    writeln!(out)
}

const STATUS_COLUMNS: [&str; 5] = ["state", "profile", "bundle-id", "expires", "replaces"];
const STEP_COLUMNS: [&str; 5] = ["step", "begun", "revision", "files", "done"];

fn show_status(
    document: &StatusDocument,
    out: &mut dyn Write,
    terminal: &Terminal,
) -> io::Result<()> {
    let next = match (document.next_step, document.retire_from) {
        ("wait", Some(from)) => format!("wait until {from}, then retire the old profiles"),
        ("finish", _) => "run any step: it finishes the one that was killed".to_owned(),
        ("promote", _) => "promote the successors".to_owned(),
        ("retire", _) => "retire the old profiles".to_owned(),
        _ => "nothing: no rotation is under way".to_owned(),
    };
    writeln!(
        out,
        "{STRONG}revision {}{STRONG:#}  {}",
        document.manifest.revision, document.manifest.digest
    )?;
    writeln!(out, "{FAINT}next:{FAINT:#} {next}")?;
    if !document.profiles.is_empty() {
        writeln!(out)?;
        let mut rows = Rows::new(&STATUS_COLUMNS);
        for profile in &document.profiles {
            rows.add([
                Cell::new(&profile.state.to_string()),
                Cell::new(&profile.name),
                Cell::new(&profile.bundle_id),
                state::day(Some(profile.expires)),
                Cell::new(profile.replaces.as_ref().map_or("-", |uuid| uuid.as_str())),
            ]);
        }
        rows.write(out, &STATUS_COLUMNS.map(str::to_owned), terminal)?;
    }
    if !document.steps.is_empty() {
        writeln!(out)?;
        let mut rows = Rows::new(&STEP_COLUMNS);
        for step in &document.steps {
            rows.add([
                Cell::new(step.step.as_str()),
                Cell::new(&step.begun.to_string()),
                Cell::new(&format!("{} to {}", step.from, step.to)),
                Cell::new(&step.files.to_string()),
                Cell::new(if step.done { "yes" } else { "NOT FINISHED" }),
            ]);
        }
        rows.write(out, &STEP_COLUMNS.map(str::to_owned), terminal)?;
    }
    Ok(())
}
