//! `countersign run`: a command while the CI keychain is open; and `keychain unlock`, the same without a command.
//!
//! Gate, clearance, window, command, lock, receipt. The receipt is written for every way out, a blocked gate included, so
//! that exit codes 10 to 13 of ours are told apart from a command's.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;

use super::command;
use super::exit::{Exit, Failure};
use super::gate::{self, GateArguments};
use super::password::KeychainPasswordArguments;
use super::receipt::Receipt;
use super::report::Format;
use super::state::{self, Chosen, KeychainArguments};
use super::world::World;
use crate::base::clock::{Clock as _, SystemClock, parse_duration};
use crate::base::event::{Action, Event, Outcome, Witness};
use crate::base::finding::Code;
use crate::base::ids::HostName;
use crate::context::gate::Cleared;
use crate::context::manifest::Manifest;
use crate::context::plan;
use crate::context::policy::Policy;
use crate::context::policy::keychain::OnClosed;
use crate::host::permit::OpenPermit;
use crate::host::process::{self, Bounds, Tool};
use crate::host::run_id::RunId;
use crate::host::session::{
    self, Ending, SessionError, SessionReport, SessionRequest, Task, Unfinished,
};
use crate::host::state_dir::StateDir;
use crate::host::window::JobCommand;
use crate::host::{node, watchdog as host_watchdog};
use crate::ledger::audit::{self, AuditLog};

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

/// Runs the command.
pub fn run(arguments: Arguments, world: &World) -> Result<Exit, Failure> {
    guarded(arguments.guarded, Some(arguments.command), world)
}

impl Guarded {
    /// The environment that the command inherits: ours without the variables that passwords came in.
    fn environment(&self, world: &World) -> Vec<(OsString, OsString)> {
        world.environment(&[
            self.gate.password.password_env.as_deref(),
            self.password.keychain_password_env.as_deref(),
        ])
    }

    fn takes_secrets_from_input(&self) -> bool {
        self.gate.password.is_standard_input() || self.password.is_standard_input()
    }
}

/// Gate, window, work, lock, receipt; without a command the window is held until a signal comes or it ends.
pub(super) fn guarded(
    arguments: Guarded,
    words: Option<Vec<OsString>>,
    world: &World,
) -> Result<Exit, Failure> {
    prepare_process()?;
    arguments.gate.password.keep_from_commands()?;
    arguments.password.keep_from_commands()?;
    let host = node::host_name().map_err(Failure::input)?;
    let run = new_id(world)?;
    // The log first: what cannot be recorded is not done. The receipt too has its place before anything is opened.
    let log = state::audit_log(world, arguments.gate.region.clone())?;
    let state = state::directory(world)?;
    let case = Case {
        arguments: &arguments,
        host: &host,
        run: &run,
        log: &log,
        state: &state,
        world,
    };
    let place = Receipt::reserve(arguments.receipt.as_deref(), &state, &run, &host);
    let mut receipt = case.refusing(place)?;
    let ended = case.try_to_open(words, &mut receipt);
    if let Err(failed) = &ended {
        receipt.error = Some(failed.message.clone());
    }
    let exit = ended
        .as_ref()
        .map_or_else(|failed| failed.exit, |exit| *exit);
    if exit == Exit::Keychain
        || (exit == Exit::Blocked && receipt.is_blocked_by(Code::WindowNotAllowedNow))
    {
        case.page();
    }
    let written = receipt.write(exit, audit::checkpoint(log.path()).ok());
    match (ended, written) {
        (Ok(exit), Ok(())) => Ok(exit),
        (Ok(_), Err(failed)) => Err(failed),
        (Err(failed), Ok(())) => Err(failed),
        (Err(failed), Err(also)) => {
            writeln!(anstream::stderr().lock(), "{}", also.message)?;
            Err(failed)
        }
    }
}

/// One run: what is asked, by whom, where it is remembered.
struct Case<'a> {
    arguments: &'a Guarded,
    host: &'a HostName,
    run: &'a RunId,
    log: &'a AuditLog,
    state: &'a StateDir,
    world: &'a World,
}

/// What the gate cleared.
struct Ready {
    cleared: Cleared,
    policy: Policy,
    manifest: Manifest,
    chosen: Chosen,
}

impl Case<'_> {
    fn try_to_open(
        &self,
        words: Option<Vec<OsString>>,
        receipt: &mut Receipt,
    ) -> Result<Exit, Failure> {
        let command = words.map(|words| {
            let has_input = !self.arguments.takes_secrets_from_input();
            command::find(words, self.arguments.environment(self.world), has_input)
        });
        let command = self.refusing(command.transpose())?;
        let ready = match self.refusing(self.prepare(receipt))? {
            Ok(ready) => ready,
            Err(exit) => return Ok(exit),
        };
        let Ready {
            cleared,
            policy,
            manifest,
            chosen,
        } = ready;
        let request = self.refusing(self.request(cleared, &policy, &manifest, &chosen))?;
        self.work(command, request, &manifest, &chosen, receipt)
    }

    /// Records it when nothing will be opened because something failed before.
    fn refusing<T>(&self, prepared: Result<T, Failure>) -> Result<T, Failure> {
        prepared.inspect_err(|failed| {
            let event = Event::new(Action::Run, Outcome::Refused).of_run(self.run);
            // Nothing was done, so nothing hangs on this record.
            let _ = self.log.record(&event.detail("error", &failed.message));
        })
    }

    /// Judges. What is not cleared has been told when this returns with its exit code.
    fn prepare(&self, receipt: &mut Receipt) -> Result<Result<Ready, Exit>, Failure> {
        let (arguments, world) = (self.arguments, self.world);
        // What dead runs left, before anything is judged.
        let unfinished = finish_dead_runs(self.state, self.log)?;
        let live = |policy: &Policy| {
            let chosen = arguments.keychain.choose(policy, world)?;
            chosen.identities().map(Some)
        };
        let judged = gate::judge(&arguments.gate, &live, world)?;
        receipt.judged(&judged);
        let checkpoint = self
            .log
            .record(&judged.verdict.event().of_run(self.run))
            .map_err(Failure::input)?;
        gate::write_envelope(&arguments.gate, &judged, Some(checkpoint), world)?;
        let gate::Judged { verdict, judged } = judged;
        let (judgement, cleared) = verdict.into_parts();
        // The clearance is good for one window: from here on it is in nobody's hands but ours.
        let (cleared, policy, manifest) = match (cleared, judged) {
            (Some(cleared), Some((policy, manifest))) => (cleared, policy, manifest),
            (_, judged) => {
                let manifest = judged.as_ref().map(|(_, manifest)| manifest);
                // Standard output belongs to the command; a verdict that blocks is all that there is.
                return gate::print(&judgement, false, manifest, false, world).map(Err);
            }
        };
        let chosen = arguments.keychain.choose(&policy, world)?;
        receipt.chosen(&chosen);
        refuse_unfinished(&unfinished, &chosen)?;
        Ok(Ok(Ready {
            cleared,
            policy,
            manifest,
            chosen,
        }))
    }

    /// Everything that the session needs. The permit comes last: reading a password may take as long as a person takes.
    fn request<'a>(
        &'a self,
        cleared: Cleared,
        policy: &Policy,
        manifest: &Manifest,
        chosen: &'a Chosen,
    ) -> Result<SessionRequest<'a>, Failure> {
        // Told before a password is asked for that nothing would be opened with.
        chosen
            .backend
            .check(&chosen.path)
            .map_err(Failure::keychain)?;
        let password = chosen.password(&self.arguments.password)?;
        let region = cleared.region().cloned();
        // The gate was passed inside of the allowed hours, so they end; after that no clearance holds.
        let closes = policy.keychain.allowed.closes_at(cleared.from());
        let work = chosen.work(self.run, self.log, region, self.world)?;
        let plan = plan::digest(manifest.targets());
        let permit = OpenPermit::from_clearance(cleared, self.host, plan, SystemClock.now())
            .map_err(Failure::keychain)?;
        Ok(SessionRequest {
            permit,
            work,
            password,
            window: window(policy, self.arguments.window)?,
            closes,
        })
    }

    fn work(
        &self,
        command: Option<JobCommand>,
        request: SessionRequest<'_>,
        manifest: &Manifest,
        chosen: &Chosen,
        receipt: &mut Receipt,
    ) -> Result<Exit, Failure> {
        let names = [
            ("COUNTERSIGN_MANIFEST", manifest.digest().to_string()),
            ("COUNTERSIGN_REVISION", manifest.revision().to_string()),
            ("COUNTERSIGN_KEYCHAIN", chosen.path.to_string()),
            ("COUNTERSIGN_RUN_ID", self.run.to_string()),
        ];
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
        let task = match command {
            Some(mut command) => {
                let ours = |name: &OsString| name.to_string_lossy().starts_with("COUNTERSIGN_");
                command.environment.retain(|(name, _)| !ours(name));
                for (name, value) in &names {
                    command.environment.push((name.into(), value.into()));
                }
                Task::Run(command)
            }
            None => Task::Hold(&mut announce),
        };
        let is_held = matches!(task, Task::Hold(_));
        let mut report = SessionReport::default();
        let ended = session::run(request, task, &mut report);
        receipt.session(&report);
        let ending = ended.map_err(failure)?;
        self.tell(ending, is_held)?;
        Ok(exit_of(ending))
    }

    /// Says on standard error what the exit code alone does not say.
    fn tell(&self, ending: Ending, is_held: bool) -> Result<(), Failure> {
        let said = match ending {
            Ending::WindowEnded if is_held => "the window ended; the keychain is closed",
            Ending::WatchdogLost if is_held => "the watchdog was lost, so the keychain was closed",
            Ending::WindowEnded => {
                "the window ended and the command was stopped; the keychain is closed"
            }
            Ending::WatchdogLost => {
                "the watchdog was lost, so the keychain was closed and the command stopped"
            }
            Ending::Exited(_) | Ending::Interrupted(_) => return Ok(()),
        };
        let mut stderr = anstream::stderr().lock();
        match self.world.format() {
            Format::Github => writeln!(stderr, "::error title=countersign::{said}")?,
            Format::Human | Format::Json => writeln!(stderr, "{said}")?,
        }
        Ok(())
    }

    /// Runs the policy's `on_closed` command: somebody is to know. The job is refused all the same, and for the reason
    /// that it was refused for, whatever becomes of this.
    fn page(&self) {
        let Ok(loaded) = self.world.usable_policy() else {
            return;
        };
        let OnClosed::Command(command) = &loaded.policy.keychain.on_closed else {
            return;
        };
        let event = |outcome| {
            Event::new(Action::Notify, outcome)
                .of_run(self.run)
                .detail("command", command.program.display())
        };
        let caution = |said: &dyn std::fmt::Display| {
            let _ = writeln!(
                anstream::stderr().lock(),
                "keychain.on_closed failed too: {said}"
            );
        };
        if let Err(error) = self.log.record(&event(Outcome::Intended)) {
            return caution(&error);
        }
        let tool = Tool::new(&command.program)
            .args(&command.arguments)
            .envs(&self.arguments.environment(self.world))
            .env("COUNTERSIGN_RUN_ID", self.run.as_str());
        let bounds = Bounds {
            time: Duration::from_secs(30),
            output: 1 << 20,
        };
        let outcome = match process::run(&tool, b"", bounds) {
            Ok(output) if output.exit == process::Exit::Code(0) => Outcome::Done,
            Ok(output) => {
                caution(&output.exit);
                Outcome::Failed
            }
            Err(error) => {
                caution(&error);
                Outcome::Failed
            }
        };
        if let Err(error) = self.log.record(&event(outcome)) {
            caution(&error);
        }
    }
}

/// From here on nobody reads the secrets in this process's memory, and its tools can be waited for.
pub(super) fn prepare_process() -> Result<(), Failure> {
    process::keep_exit_statuses().map_err(Failure::keychain)?;
    process::protect_memory()
        .map_err(|error| Failure::keychain(format!("cannot guard this process's memory: {error}")))
}

/// A name for this run.
pub(super) fn new_id(world: &World) -> Result<RunId, Failure> {
    RunId::new(world.now)
        .map_err(|error| Failure::keychain(format!("no randomness from the system: {error}")))
}

/// Finishes what runs left that were killed, and says so. Returns what could not be finished.
pub(super) fn finish_dead_runs(
    state: &StateDir,
    log: &AuditLog,
) -> Result<Vec<Unfinished>, Failure> {
    let recovery = session::recover(state, log).map_err(failure)?;
    let mut stderr = anstream::stderr().lock();
    for one in &recovery.finished {
        writeln!(
            stderr,
            "recovered run {}, which was killed: {} is closed",
            one.run, one.keychain
        )?;
    }
    Ok(recovery.unfinished)
}

/// Refuses a keychain that a dead run left open; that others are is only said.
pub(super) fn refuse_unfinished(unfinished: &[Unfinished], chosen: &Chosen) -> Result<(), Failure> {
    for one in unfinished {
        if one.keychain().is_none_or(|path| *path == chosen.path) {
            return Err(unfinished_failure(one));
        }
        writeln!(anstream::stderr().lock(), "caution: {one}")?;
    }
    Ok(())
}

/// A keychain that may be open, or one that is closed and whose closing cannot be recorded.
pub(super) fn unfinished_failure(one: &Unfinished) -> Failure {
    match one.is_closed {
        true => Failure::input(one),
        false => Failure::keychain(one),
    }
}

/// The shorter of what the policy allows and what is asked.
fn window(policy: &Policy, asked: Option<SignedDuration>) -> Result<Duration, Failure> {
    let window = policy.keychain.window();
    let window = asked.map_or(window, |asked| asked.min(window));
    match Duration::try_from(window) {
        Ok(window) if !window.is_zero() => Ok(window),
        _ => Err(Failure::usage(
            "the window is no time at all: ask for more with --window",
        )),
    }
}

fn exit_of(ending: Ending) -> Exit {
    match ending {
        Ending::Exited(exit) => Exit::Child(exit.shell_code()),
        Ending::WindowEnded => Exit::WindowEnded,
        Ending::WatchdogLost => Exit::Keychain,
        Ending::Interrupted(signal) => Exit::Child(process::Exit::Signal(signal).shell_code()),
    }
}

/// A session's error with its exit code: what cannot be recorded or journaled is an output that cannot be written, and a
/// command that cannot be started ends as in a shell.
pub(super) fn failure(error: SessionError) -> Failure {
    match error {
        SessionError::Witness(_) | SessionError::NotRecorded(_) | SessionError::Journal(_) => {
            Failure::input(error)
        }
        SessionError::Command(_) => Failure {
            exit: Exit::Child(CANNOT_EXECUTE),
            message: error.to_string(),
        },
        _ => Failure::keychain(error),
    }
}

/// `countersign watchdog`: what it is to do comes in on standard input.
pub(super) fn watchdog() -> Result<Exit, Failure> {
    host_watchdog::main(&SystemClock, &|config| {
        let path = config.state.audit_log();
        Box::new(state::audit_log_at(path, config.actor.clone()))
    })
    .map(|()| Exit::Fine)
    .map_err(failure)
}

/// What shells give for a command that is there and cannot be started (POSIX, `sh`, 2.8.2).
const CANNOT_EXECUTE: u8 = 126;
