//! A session: a command runs while a keychain is open, and the keychain closes on every way out.
//!
//! The order is what makes it safe. Dead runs are finished first. The journal is on the disk and the watchdog armed
//! before anything is opened, and each step is recorded before it is taken. The password is gone before the command
//! starts. From then on one `poll` waits for whatever comes first: the command's end, a signal, the deadline (by the
//! clock that a sleeping machine stops and by the one that it does not), or the loss of the watchdog.
//!
//! | what happens | who closes |
//! |---|---|
//! | the command ends, the window ends, SIGINT, SIGTERM, SIGHUP | the session, in order |
//! | an error or a panic of ours | the session's guard |
//! | SIGKILL of the session | the [watchdog](super::watchdog), which sees its lifeline end |
//! | SIGKILL of the watchdog | the session, at once; the command is ended |
//! | SIGKILL of both, or the machine goes down | [`recover`], which every run does first; until then the keychain's own idle timeout |

mod closing;
mod guard;
mod recovery;
mod signals;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::closing::{close, end};
pub(super) use self::guard::ARMED;
use self::guard::Guard;
pub use self::recovery::{Recovered, recover};
use self::signals::Signals;
use super::journal::JournalError;
use super::keychain::choice::BackendChoice;
use super::keychain::{KeychainBackend, KeychainError, KeychainPath, Opening};
use super::process::job::{Job, JobCommand};
use super::process::{Exit, ProcessError, wait_for};
use super::run_id::RunId;
use super::watchdog::{Message, Note};
use super::window::OpenPermit;
use crate::base::clock::{Clock, SystemClock};
use crate::base::event::{Action, Checkpoint, Event, Outcome, Witness, WitnessError};
use crate::base::secret::Password;

/// What is done with which keychain, in whose name, and who sees to its closing.
pub struct Undertaking<'a> {
    /// The name of the run.
    pub run: RunId,
    /// The keychain.
    pub keychain: KeychainPath,
    /// Its backend.
    pub backend: &'a dyn KeychainBackend,
    /// The same for the watchdog and the journal.
    pub choice: BackendChoice,
    /// The state directory.
    pub state: &'a Path,
    /// In whose name the watchdog records.
    pub note: Note,
    /// Our own program, which is also the watchdog's.
    pub program: PathBuf,
    /// Who records.
    pub witness: &'a dyn Witness,
}

/// Everything that a session needs; taken by value where it must not be used twice.
pub struct Order<'a> {
    /// Leave to open the keychain, once.
    pub permit: OpenPermit,
    /// With what and in whose name.
    pub undertaking: Undertaking<'a>,
    /// The keychain's password; dropped when the keychain is open.
    pub password: Password,
    /// How long the keychain may stay open.
    pub window: Duration,
}

/// What is done while the keychain is open.
pub enum Work<'a> {
    /// A command runs, with what the keychain shows it added to its environment.
    Run(JobCommand),
    /// Nothing: somebody else uses it until a signal comes or the window ends. Called with what the keychain shows.
    Hold(&'a mut Announce<'a>),
}

/// Says to somebody what an open keychain shows: variables and their values.
pub type Announce<'a> = dyn FnMut(&[(OsString, OsString)]) -> io::Result<()> + 'a;

/// How a session came to its end. The keychain is closed in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The command ended by itself, or of a signal that was passed on to it.
    Exited(Exit),
    /// The window ended and the command was stopped.
    WindowEnded,
    /// The watchdog was lost, so nobody would have closed the keychain for us, and the command was stopped.
    WatchdogLost,
    /// A signal came while nothing ran.
    Interrupted(i32),
}

/// What a session did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When the keychain was open.
    pub opened: Timestamp,
    /// When it had to be closed.
    pub until: Timestamp,
    /// When it was closed.
    pub closed: Timestamp,
    /// It was locked, and not left to other runs that have it open.
    pub is_locked: bool,
    /// How it ended.
    pub ending: Ending,
    /// Where the audit log stood after the last record.
    pub checkpoint: Checkpoint,
}

/// Why a session did not do what was asked. The keychain is closed, unless the error says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The keychain could not be opened or closed.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The journal could not be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Something could not be recorded.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The command or the watchdog could not be started.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The watchdog did not get ready.
    #[error("the watchdog did not get ready ({0}), so nothing was opened")]
    NoWatchdog(String),
    /// The system failed us.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

fn io_error(doing: &'static str) -> impl FnOnce(io::Error) -> SessionError {
    move |source| SessionError::Io { doing, source }
}

/// No memory of this process may end up in a file or be read by another process of the same user.
///
/// # Errors
/// The system does not allow it.
pub fn guard_memory() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // The soft limit alone: a command that wants core files of its own may raise it again.
    let limit = getrlimit(Resource::Core);
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            ..limit
        },
    )?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Opens the keychain, does the work, and closes it.
///
/// # Errors
/// See [`SessionError`]. A command that fails is no error.
pub fn run(order: Order<'_>, work: Work<'_>) -> Result<Report, SessionError> {
    // Before anything is opened, so that a signal is never the system's to act on.
    let mut signals = Signals::new().map_err(io_error("watch for signals"))?;
    let (mut open, access) = Open::new(order)?;
    let ending = match work {
        Work::Hold(announce) => match announce(&access) {
            Ok(()) => wait(&mut open, &mut signals, None),
            Err(source) => Err(io_error("say where the identities are")(source)),
        },
        Work::Run(mut command) => {
            command.environment.extend(access);
            run_job(&mut open, &mut signals, &command)
        }
    };
    // Whatever happened, the keychain closes; the first error is told.
    let closed = open.guard.close();
    let ending = ending?;
    let (closed, is_locked) = closed?;
    let event = Event::new(Action::Run, outcome_of(ending))
        .of_run(open.guard.run())
        .detail("ending", show(ending));
    let checkpoint = open.guard.record(&event)?;
    let report = Report {
        opened: open.opened,
        until: open.until,
        closed,
        is_locked,
        ending,
        checkpoint,
    };
    open.guard.finish()?;
    Ok(report)
}

/// Works on a keychain that nobody has open, and keeps others from opening it meanwhile. Behind it stand the same
/// journal and watchdog as behind a window, because making a keychain and importing into one open it for a moment;
/// `time` is the most that may take.
///
/// # Errors
/// Runs have it open, the deed failed, or the keychain could not be closed.
pub fn exclusively<T>(
    undertaking: Undertaking<'_>,
    time: Duration,
    deed: impl FnOnce() -> Result<T, KeychainError>,
) -> Result<T, SessionError> {
    let until = SystemClock.now();
    let until = until.checked_add(time).unwrap_or(until);
    let mut guard = Guard::stand(undertaking, until, time)?;
    let others = guard.others()?;
    if !others.is_empty() {
        let runs: Vec<&str> = others.iter().map(RunId::as_str).collect();
        let error = KeychainError::InUse {
            keychain: guard.keychain().clone(),
            runs: runs.join(", "),
        };
        guard.close()?;
        guard.finish()?;
        return Err(error.into());
    }
    guard.start_tools()?;
    let done = deed();
    guard.close()?;
    guard.finish()?;
    Ok(done?)
}

fn outcome_of(ending: Ending) -> Outcome {
    match ending {
        Ending::Exited(Exit::Code(0)) | Ending::Interrupted(_) => Outcome::Done,
        _ => Outcome::Failed,
    }
}

fn show(ending: Ending) -> String {
    match ending {
        Ending::Exited(exit) => exit.to_string(),
        Ending::WindowEnded => "window ended".into(),
        Ending::WatchdogLost => "watchdog lost".into(),
        Ending::Interrupted(signal) => format!("interrupted by signal {signal}"),
    }
}

fn run_job(
    open: &mut Open<'_>,
    signals: &mut Signals,
    command: &JobCommand,
) -> Result<Ending, SessionError> {
    // A signal that came while the keychain was being opened means that nobody wants the command any more.
    if let Some(signal) = signals.next() {
        return Ok(Ending::Interrupted(signal.as_raw()));
    }
    let job = Job::start(command)?;
    // The watchdog first: it is there already when we are gone; the journal is for when both are.
    open.guard.tell(&Message::Job(job.mark().clone()));
    open.guard.note_job(job.mark())?;
    let ending = wait(open, signals, Some(&job));
    // Closed first, then whatever the command left running is ended: none of it shall sign any more.
    let closed = open.guard.close();
    end(job.mark(), STRAGGLERS);
    let exit = job
        .reap()
        .map_err(io_error("learn how the command ended"))?;
    closed?;
    Ok(match ending? {
        Ending::Exited(_) => Ending::Exited(exit),
        ending => ending,
    })
}

/// Waits for the end, whatever it is; a command that must not go on has been stopped when this returns.
fn wait(
    open: &mut Open<'_>,
    signals: &mut Signals,
    job: Option<&Job>,
) -> Result<Ending, SessionError> {
    let mut stop_at: Option<Instant> = None;
    loop {
        if let Some(job) = job
            && let Some(exit) = job.exited().map_err(io_error("watch the command"))?
        {
            return Ok(match stop_at {
                Some(_) => Ending::WindowEnded,
                None => Ending::Exited(exit),
            });
        }
        while let Some(signal) = signals.next() {
            match job {
                Some(job) => job.signal(signal),
                None => return Ok(Ending::Interrupted(signal.as_raw())),
            }
        }
        if open.guard.is_watchdog_lost() {
            return Ok(Ending::WatchdogLost);
        }
        let left = open.left();
        let pause = match (stop_at, job) {
            (None, None) if left.is_zero() => return Ok(Ending::WindowEnded),
            (None, Some(job)) if left.is_zero() => {
                job.signal(Signal::TERM);
                stop_at = Some(Instant::now() + PATIENCE);
                PATIENCE
            }
            (None, _) => left,
            (Some(at), Some(job)) if Instant::now() >= at => {
                job.signal(Signal::KILL);
                return Ok(Ending::WindowEnded);
            }
            (Some(at), _) => at.saturating_duration_since(Instant::now()),
        };
        let mut watched = signals.watched();
        watched.extend(open.guard.watched());
        // A machine that slept is not told by `poll`; the wall clock is looked at every second.
        wait_for(&mut watched, pause.min(Duration::from_secs(1)))
            .map_err(|error| io_error("wait")(error.into()))?;
    }
}

/// A keychain that is open.
struct Open<'a> {
    guard: Guard<'a>,
    opened: Timestamp,
    until: Timestamp,
    ends: Instant,
}

impl<'a> Open<'a> {
    fn new(order: Order<'a>) -> Result<(Self, Vec<(OsString, OsString)>), SessionError> {
        let Undertaking {
            backend, witness, ..
        } = order.undertaking;
        if let Err(error) = backend.check(&order.undertaking.keychain) {
            // Not ours: nothing of it is opened, and nothing of it is closed.
            let event = Event::new(Action::KeychainUnlock, Outcome::Refused)
                .of_run(&order.undertaking.run)
                .detail("keychain", &order.undertaking.keychain)
                .detail("error", &error);
            witness.record(&event)?;
            return Err(error.into());
        }
        let now = SystemClock.now();
        let until = now.checked_add(order.window).unwrap_or(now);
        let guard = Guard::stand(order.undertaking, until, order.window)?;
        let mut open = Self {
            guard,
            opened: now,
            until,
            ends: Instant::now() + order.window,
        };
        let shared = !open.guard.others()?.is_empty();
        let event = |open: &Self, outcome| open.guard.event(Action::KeychainUnlock, outcome);
        open.guard.record(
            &event(&open, Outcome::Intended)
                .detail("until", until)
                .detail("shared", shared),
        )?;
        open.guard.start_tools()?;
        let run = open.guard.run().clone();
        let opening = Opening {
            run: &run,
            until,
            duration: order.window,
            shared,
        };
        let access = open.guard.backend().open(
            &order.permit,
            open.guard.keychain(),
            &order.password,
            &opening,
        );
        drop(order.password);
        let recorded = match &access {
            Ok(_) => open.guard.record(&event(&open, Outcome::Done)),
            Err(error) => open
                .guard
                .record(&event(&open, Outcome::Failed).detail("error", error)),
        };
        open.guard.end_turn();
        match (access, recorded) {
            (Ok(access), Ok(_)) => {
                open.opened = SystemClock.now();
                Ok((open, access.environment))
            }
            (access, recorded) => {
                open.guard.close()?;
                open.guard.finish()?;
                access?;
                recorded?;
                Err(SessionError::NoWatchdog("nothing is open".into()))
            }
        }
    }

    /// What is left of the window by whichever clock says less.
    fn left(&self) -> Duration {
        let by_calendar = self.until.duration_since(SystemClock.now());
        let by_calendar = Duration::try_from(by_calendar).unwrap_or(Duration::ZERO);
        self.ends
            .saturating_duration_since(Instant::now())
            .min(by_calendar)
    }
}

/// How long a command is waited for between SIGTERM and SIGKILL when the window has ended.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what a command left running is waited for.
pub(super) const STRAGGLERS: Duration = Duration::from_secs(2);
