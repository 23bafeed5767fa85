//! `countersign run`: a command while the CI keychain is open; and `keychain unlock`, the same without a command.
//!
//! Gate, clearance, window, command, lock, receipt. The receipt is written for every way out, a blocked gate included, so
//! that exit codes 10 to 13 of ours are told apart from a command's.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::gate::{self, GateArguments, Judged};
use super::password::KeychainPasswordArguments;
use super::report::Format;
use super::state::{self, Chosen, KeychainArguments};
use super::world::World;
use crate::base::clock::{Clock as _, SystemClock, parse_duration};
use crate::base::digest::Digest;
use crate::base::event::{Action, Checkpoint, Event, Outcome, Witness};
use crate::base::finding::{Group, Severity};
use crate::base::ids::HostName;
use crate::context::gate::Cleared;
use crate::context::manifest::Manifest;
use crate::context::plan;
use crate::context::policy::Policy;
use crate::context::policy::keychain::OnClosed;
use crate::host::keychain::{BackendKind, KeychainPath};
use crate::host::process::job::JobCommand;
use crate::host::process::{self, Bounds, Tool};
use crate::host::run_id::RunId;
use crate::host::session::{self, Ending, Order, Report, SessionError, Work};
use crate::host::window::OpenPermit;
use crate::host::{node, private, watchdog as host_watchdog};
use crate::ledger::audit::AuditLog;

/// What `run` is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Everything but the command.
    #[command(flatten)]
    pub guarded: Guarded,
    /// The command and its arguments; no shell reads them.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// A window behind a gate.
#[derive(Debug, Args)]
pub struct Guarded {
    /// What is judged.
    #[command(flatten)]
    pub gate: GateArguments,
    /// Which keychain.
    #[command(flatten)]
    pub keychain: KeychainArguments,
    /// Its password.
    #[command(flatten)]
    pub password: KeychainPasswordArguments,
    /// How long it may stay open at most, as in 20m; the policy may allow less.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Keychain")]
    pub window: Option<SignedDuration>,
    /// Write the JSON receipt here; the file must not exist [default: receipts/RUN.json in the state directory].
    #[arg(long, value_name = "FILE", help_heading = "Keychain")]
    pub receipt: Option<PathBuf>,
}

/// The `countersign.receipt.v1` document.
#[derive(Debug, Serialize)]
struct Receipt<'a> {
    schema: &'static str,
    run: &'a RunId,
    /// `cleared` or `blocked`.
    verdict: &'static str,
    /// The codes of the findings that block.
    blocked_by: Vec<&'static str>,
    waived: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<ManifestName>,
    host: &'a HostName,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    keychain: Option<&'a KeychainPath>,
    backend: Option<BackendKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    /// How the session ended; absent if nothing was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<Ending>,
    /// Why nothing was opened, or what failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// The exit code of countersign.
    exit: u8,
    /// Where the audit log stood: SEQ:sha256:HEX.
    audit: String,
}

#[derive(Debug, Serialize)]
struct ManifestName {
    digest: Digest,
    revision: u64,
    plan: Digest,
}

#[derive(Debug, Serialize)]
struct Window {
    opened: jiff::Timestamp,
    until: jiff::Timestamp,
    closed: jiff::Timestamp,
    /// Locked, and not left to other runs that have it open.
    locked: bool,
}

/// Runs the command.
pub fn run(arguments: Arguments, world: &World) -> Result<Exit, Failure> {
    let secrets = [
        arguments.guarded.gate.password.password_env.as_deref(),
        arguments.guarded.password.keychain_password_env.as_deref(),
    ];
    let environment = world.environment(&secrets);
    let mut words = arguments.command.into_iter();
    let name = words
        .next()
        .ok_or_else(|| Failure::usage("no command given"))?;
    let command = JobCommand {
        program: find(&name, &environment)?,
        arguments: words.collect(),
        environment,
    };
    guarded(arguments.guarded, Some(command), world)
}

/// The program that a shell would start.
fn find(name: &OsString, environment: &[(OsString, OsString)]) -> Result<PathBuf, Failure> {
    let named = Path::new(name);
    if named.components().count() > 1 {
        return Ok(named.to_owned());
    }
    let path = environment.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.clone()).unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(named))
        .find(|candidate| {
            candidate
                .metadata()
                .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        })
        .ok_or_else(|| {
            Failure::usage(format!(
                "there is no command {:?} on PATH; nothing was opened",
                named.display().to_string()
            ))
        })
}

/// Gate, window, work, lock, receipt; without a command the window is held until a signal comes or it ends.
pub(super) fn guarded(
    arguments: Guarded,
    command: Option<JobCommand>,
    world: &World,
) -> Result<Exit, Failure> {
    let host = node::host_name().map_err(Failure::input)?;
    let run = new_id(world)?;
    if let Some(path) = &arguments.receipt
        && path.symlink_metadata().is_ok()
    {
        return Err(Failure::usage(format!(
            "the receipt {} exists already, and receipts are never written over; nothing was opened",
            path.display()
        )));
    }
    // The log first: what cannot be recorded is not done. Then what dead runs left, before anything is judged.
    let log = state::audit_log(world, arguments.gate.region.clone())?;
    let state = state::directory(world)?;
    finish_dead_runs(&state, &log)?;
    let live = |policy: &Policy| {
        let chosen = arguments.keychain.choose(policy, world)?;
        chosen.identities().map(Some)
    };
    let mut judged = gate::judge(&arguments.gate, &host, world.now, &live, world)?;
    let checkpoint = log
        .record(&gate::event(&judged).of_run(&run))
        .map_err(Failure::input)?;
    gate::write_envelope(&arguments.gate, &judged, world.now, world)?;
    // The clearance is good for one window: from here on it is in nobody's hands but ours.
    let cleared = judged.verdict.cleared.take();
    let is_cleared = cleared.is_some();
    let receipt = |chosen: Option<&Chosen>, ended: Ended<'_>| {
        write_receipt(
            &arguments, &state, &run, &judged, is_cleared, &host, chosen, ended,
        )
    };
    let Some(cleared) = cleared else {
        let manifest = judged.judged.as_ref().map(|(_, manifest)| manifest);
        receipt(None, Ended::before(Exit::Blocked, None, checkpoint))?;
        // Standard output belongs to the command; a verdict that blocks is all that there is.
        return gate::tell(&judged.verdict, manifest, &host, world.now, false, world);
    };
    let Some((policy, manifest)) = &judged.judged else {
        return Err(Failure::unexpected("cleared without a policy"));
    };
    let chosen = arguments.keychain.choose(policy, world)?;
    let opened = open_and_work(
        &arguments, command, &chosen, policy, manifest, cleared, &host, &run, &log, world,
    );
    match opened {
        Ok(report) => {
            let exit = exit_of(report.ending);
            receipt(Some(&chosen), Ended::after(exit, &report))?;
            told(&report, world)?;
            Ok(exit)
        }
        Err(failed) => {
            let checkpoint = crate::ledger::audit::checkpoint(log.path()).unwrap_or(checkpoint);
            let written = receipt(
                Some(&chosen),
                Ended::before(failed.exit, Some(&failed.message), checkpoint),
            );
            if let Err(also) = written {
                writeln!(anstream::stderr().lock(), "{}", also.message)?;
            }
            if failed.exit == Exit::Keychain {
                page(policy, &run, &log, world)?;
            }
            Err(failed)
        }
    }
}

/// A name for this run.
pub(super) fn new_id(world: &World) -> Result<RunId, Failure> {
    RunId::new(world.now)
        .map_err(|error| Failure::keychain(format!("no randomness from the system: {error}")))
}

/// Finishes what runs left that were killed, and says so.
pub(super) fn finish_dead_runs(state: &Path, log: &AuditLog) -> Result<(), Failure> {
    for one in session::recover(state, log).map_err(failure)? {
        writeln!(
            anstream::stderr().lock(),
            "recovered run {}, which was killed: {} is closed",
            one.run,
            one.keychain
        )?;
    }
    Ok(())
}

#[allow(
    clippy::too_many_arguments,
    reason = "everything that was found out so far"
)]
fn open_and_work(
    arguments: &Guarded,
    command: Option<JobCommand>,
    chosen: &Chosen,
    policy: &Policy,
    manifest: &Manifest,
    cleared: Cleared,
    host: &HostName,
    run: &RunId,
    log: &AuditLog,
    world: &World,
) -> Result<Report, Failure> {
    let now = SystemClock.now();
    let plan = plan::digest(manifest.targets());
    let region = cleared.region().cloned();
    let permit = OpenPermit::from_clearance(cleared, host, plan, now).map_err(Failure::keychain)?;
    let window = window(policy, arguments.window, now)?;
    let password = chosen.password(&arguments.password)?;
    session::guard_memory().map_err(|error| {
        Failure::keychain(format!("cannot guard this process's memory: {error}"))
    })?;
    let names = [
        ("COUNTERSIGN_MANIFEST", manifest.digest().to_string()),
        ("COUNTERSIGN_REVISION", manifest.revision().to_string()),
        ("COUNTERSIGN_KEYCHAIN", chosen.path.to_string()),
        ("COUNTERSIGN_RUN_ID", run.to_string()),
    ];
    let order = Order {
        permit,
        undertaking: chosen.undertaking(run, log, region, world)?,
        password,
        window,
    };
    let mut announce = |access: &[(OsString, OsString)]| {
        let mut out = std::io::stdout().lock();
        for (name, value) in &names {
            writeln!(out, "{name}={value}")?;
        }
        for (name, value) in access {
            writeln!(out, "{}={}", name.display(), value.display())?;
        }
        out.flush()
    };
    let work = match command {
        Some(mut command) => {
            let ours = |name: &OsString| name.to_string_lossy().starts_with("COUNTERSIGN_");
            command.environment.retain(|(name, _)| !ours(name));
            for (name, value) in &names {
                command.environment.push((name.into(), value.into()));
            }
            Work::Run(command)
        }
        None => Work::Hold(&mut announce),
    };
    session::run(order, work).map_err(failure)
}

/// The shortest of what the policy allows, what is asked, and what is left of the allowed hours.
fn window(
    policy: &Policy,
    asked: Option<SignedDuration>,
    now: jiff::Timestamp,
) -> Result<Duration, Failure> {
    let mut window = policy.keychain.window();
    if let Some(asked) = asked {
        window = window.min(asked);
    }
    if let Some(closes) = policy.keychain.allowed.closes_at(now) {
        window = window.min(closes.duration_since(now));
    }
    match Duration::try_from(window) {
        Ok(window) if !window.is_zero() => Ok(window),
        _ => Err(Failure::usage(
            "the window is no time at all: ask for more with --window",
        )),
    }
}

/// Runs the policy's `on_closed` command: somebody is to know. The job is refused all the same.
fn page(policy: &Policy, run: &RunId, log: &AuditLog, world: &World) -> Result<(), Failure> {
    let OnClosed::Command(command) = &policy.keychain.on_closed else {
        return Ok(());
    };
    let event = |outcome| {
        Event::new(Action::Run, outcome)
            .of_run(run)
            .detail("on-closed", command.program.display())
    };
    log.record(&event(Outcome::Intended))
        .map_err(Failure::input)?;
    let tool = Tool::new(&command.program)
        .args(&command.arguments)
        .envs(&world.environment(&[]))
        .env("COUNTERSIGN_RUN_ID", run.as_str());
    let bounds = Bounds {
        time: Duration::from_secs(30),
        output: 1 << 20,
    };
    let (outcome, said) = match process::run(&tool, b"", bounds) {
        Ok(output) if output.exit == process::Exit::Code(0) => (Outcome::Done, None),
        Ok(output) => (Outcome::Failed, Some(output.exit.to_string())),
        Err(error) => (Outcome::Failed, Some(error.to_string())),
    };
    log.record(&event(outcome)).map_err(Failure::input)?;
    if let Some(said) = said {
        writeln!(
            anstream::stderr().lock(),
            "keychain.on_closed failed too: {said}"
        )?;
    }
    Ok(())
}

/// How it ended, for the receipt.
struct Ended<'a> {
    exit: Exit,
    error: Option<&'a str>,
    report: Option<&'a Report>,
    checkpoint: Checkpoint,
}

impl<'a> Ended<'a> {
    fn before(exit: Exit, error: Option<&'a str>, checkpoint: Checkpoint) -> Self {
        Self {
            exit,
            error,
            report: None,
            checkpoint,
        }
    }

    fn after(exit: Exit, report: &'a Report) -> Self {
        Self {
            exit,
            error: None,
            report: Some(report),
            checkpoint: report.checkpoint,
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "everything that a receipt says")]
fn write_receipt(
    arguments: &Guarded,
    state: &Path,
    run: &RunId,
    judged: &Judged,
    is_cleared: bool,
    host: &HostName,
    chosen: Option<&Chosen>,
    ended: Ended<'_>,
) -> Result<(), Failure> {
    let verdict = &judged.verdict;
    let receipt = Receipt {
        schema: "countersign.receipt.v1",
        run,
        verdict: if is_cleared { "cleared" } else { "blocked" },
        blocked_by: verdict
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Block)
            .map(|finding| finding.code.as_str())
            .collect(),
        waived: verdict.waived.iter().copied().collect(),
        manifest: judged.judged.as_ref().map(|(_, manifest)| ManifestName {
            digest: manifest.digest(),
            revision: manifest.revision(),
            plan: plan::digest(manifest.targets()),
        }),
        host,
        region: verdict.region.as_ref().map(ToString::to_string),
        keychain: chosen.map(|chosen| &chosen.path),
        backend: chosen.map(|chosen| chosen.choice.kind),
        window: ended.report.map(|report| Window {
            opened: report.opened,
            until: report.until,
            closed: report.closed,
            locked: report.is_locked,
        }),
        ending: ended.report.map(|report| report.ending),
        error: ended.error,
        exit: ended.exit.code(),
        audit: ended.checkpoint.to_string(),
    };
    let path = match &arguments.receipt {
        Some(path) => path.clone(),
        None => {
            let directory = state.join("receipts");
            private::directory(&directory).map_err(Failure::input)?;
            directory.join(format!("{run}.json"))
        }
    };
    let mut text = serde_json::to_vec_pretty(&receipt).map_err(Failure::unexpected)?;
    text.push(b'\n');
    private::create(&path, &text).map_err(Failure::input)
}

/// Says on standard error what the exit code alone does not say.
fn told(report: &Report, world: &World) -> Result<(), Failure> {
    let said = match report.ending {
        Ending::WindowEnded => {
            "the window ended and the command was stopped; the keychain is closed"
        }
        Ending::WatchdogLost => {
            "the watchdog was lost, so the keychain was closed and the command stopped"
        }
        Ending::Exited(_) | Ending::Interrupted(_) => return Ok(()),
    };
    let mut stderr = anstream::stderr().lock();
    match world.format() {
        Format::Github => writeln!(stderr, "::error title=countersign::{said}")?,
        Format::Human | Format::Json => writeln!(stderr, "{said}")?,
    }
    Ok(())
}

fn exit_of(ending: Ending) -> Exit {
    match ending {
        Ending::Exited(exit) => Exit::Child(exit.shell_code()),
        Ending::WindowEnded => Exit::WindowEnded,
        Ending::WatchdogLost => Exit::Keychain,
        Ending::Interrupted(signal) => Exit::Child(process::Exit::Signal(signal).shell_code()),
    }
}

/// A session's error with its exit code: what cannot be recorded or journaled is an output that cannot be written.
pub(super) fn failure(error: SessionError) -> Failure {
    match error {
        SessionError::Witness(_) | SessionError::Journal(_) => Failure::input(error),
        _ => Failure::keychain(error),
    }
}

/// `countersign watchdog`: what it is to do comes in on standard input.
pub(super) fn watchdog() -> Result<Exit, Failure> {
    host_watchdog::main(&|config| {
        let path = config.state.join("audit.jsonl");
        Box::new(state::audit_log_at(path, config.note.clone()))
    })
    .map(|()| Exit::Fine)
    .map_err(failure)
}
