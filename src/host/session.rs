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

pub use self::recovery::{Recovered, Recovery, Unfinished, recover};
use self::signals::Signals;
use super::journal::JournalError;
use super::keychain::choice::BackendChoice;
use super::keychain::{KeychainBackend, KeychainError, KeychainPath};
use super::process::job::{Job, JobCommand};
use super::process::{Exit, ProcessError, wait_for};
use super::run_id::RunId;
use super::watchdog::{Message, Note};
use super::window::{Guard, NotCleared, OpenPermit, UnlockWindow, while_ending};
use crate::base::event::{Action, Event, Outcome, Witness, WitnessError};
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
    /// When the hours in which unlocking is allowed end.
    pub closes: Option<Timestamp>,
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
    /// The signal with this number came while nothing ran.
    Interrupted(i32),
}

/// What became of a session, as far as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// When the keychain was open, and when it had to be closed.
    pub opened: Option<(Timestamp, Timestamp)>,
    /// When it was closed, and whether it was locked and not left to other runs that have it open.
    pub closed: Option<(Timestamp, bool)>,
    /// How the session ended.
    pub ending: Option<Ending>,
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
    /// Something could not be recorded, and so was not begun.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// Something was done and the keychain is closed, but the record of that is missing.
    #[error("it is done and the keychain is closed, but not recorded ({cause}); the next run or `countersign keychain recover` records it", cause = .0.cause())]
    NotRecorded(#[source] WitnessError),
    /// The clearance expired while others had their turn.
    #[error(transparent)]
    NotCleared(#[from] NotCleared),
    /// A signal came while others had their turn.
    #[error("stopped while other runs had their turn; nothing was opened")]
    Stopped,
    /// The command could not be started. The keychain is closed.
    #[error("{0}; the keychain was opened for it and is closed again")]
    Command(#[source] ProcessError),
    /// The watchdog could not be started.
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

pub(super) fn io_error(doing: &'static str) -> impl FnOnce(io::Error) -> SessionError {
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

/// Opens the keychain, does the work, closes the keychain, and fills in the account as it goes.
///
/// # Errors
/// See [`SessionError`]. A command that fails is no error.
pub fn run(
    order: Order<'_>,
    work: Work<'_>,
    account: &mut Account,
) -> Result<Ending, SessionError> {
    // Before anything is opened, so that a signal is never the system's to act on.
    let mut signals = Signals::new().map_err(io_error("watch for signals"))?;
    let (witness, run) = (order.undertaking.witness, order.undertaking.run.clone());
    let event = |outcome| Event::new(Action::Run, outcome).of_run(&run);
    let mut came = None;
    let opened = UnlockWindow::open(order, &mut || {
        came = came.or_else(|| signals.next());
        came.is_some()
    });
    let (mut window, access) = match (opened, came) {
        (Ok(opened), _) => opened,
        (Err(SessionError::Stopped), Some(signal)) => {
            let ending = Ending::Interrupted(signal.as_raw());
            account.ending = Some(ending);
            witness.record(&event(Outcome::Refused).detail("ending", show(ending)))?;
            return Ok(ending);
        }
        (Err(error), _) => {
            // Nothing was done, so nothing hangs on this record.
            let _ = witness.record(&event(Outcome::Refused).detail("error", &error));
            return Err(error);
        }
    };
    account.opened = Some((window.opened(), window.until()));
    let ended = match work {
        Work::Hold(announce) => match announce(&access) {
            Ok(()) => wait(&mut window, &mut signals, None),
            Err(source) => Err(io_error("say where the identities are")(source)),
        },
        Work::Run(mut command) => {
            command.environment.extend(access);
            run_job(&mut window, &mut signals, &command)
        }
    };
    account.ending = ended.as_ref().ok().copied();
    // Whatever happened, the keychain closes, and how the work ended is recorded even if it does not.
    let closed = window.guard().close();
    account.closed = window.guard().closed();
    let event = event(outcome_of(&ended));
    let recorded = witness.record(&match &ended {
        Ok(ending) => event.detail("ending", show(*ending)),
        Err(error) => event.detail("error", error),
    });
    closed?;
    recorded.map_err(SessionError::NotRecorded)?;
    window.into_guard().finish()?;
    ended
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
    // A signal ends us here as it ends any tool, and the watchdog closes.
    let mut guard = Guard::stand(undertaking, time, None, &mut || false)?;
    let others = guard.others()?;
    if !others.is_empty() {
        let runs: Vec<&str> = others.iter().map(|other| other.run.as_str()).collect();
        let error = KeychainError::InUse {
            keychain: guard.keychain().clone(),
            runs: runs.join(", "),
        };
        guard.call_off()?;
        return Err(error.into());
    }
    guard.start_tools()?;
    let done = deed();
    guard.close()?;
    guard.finish()?;
    Ok(done?)
}

fn outcome_of(ended: &Result<Ending, SessionError>) -> Outcome {
    match ended {
        Ok(Ending::Exited(Exit::Code(0)) | Ending::Interrupted(_)) => Outcome::Done,
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
    window: &mut UnlockWindow<'_>,
    signals: &mut Signals,
    command: &JobCommand,
) -> Result<Ending, SessionError> {
    // A signal that came while the keychain was being opened means that nobody wants the command any more.
    if let Some(signal) = signals.next() {
        return Ok(Ending::Interrupted(signal.as_raw()));
    }
    let job = Job::start(window, command).map_err(SessionError::Command)?;
    // The watchdog first: it is there already when we are gone; the journal is for when both are.
    window.guard().tell(&Message::Job(job.mark().clone()));
    window.guard().note_job(job.mark())?;
    let ending = wait(window, signals, Some(&job));
    // Whatever the command left running is ended: none of it shall sign any more. A closing that failed is tried once
    // more, and told, by who called us.
    let _ = while_ending(Some(job.mark()), || window.guard().close());
    let exit = job
        .reap()
        .map_err(io_error("learn how the command ended"))?;
    Ok(match ending? {
        Ending::Exited(_) => Ending::Exited(exit),
        ending => ending,
    })
}

/// Waits for the end, whatever it is; a command that must not go on has been stopped when this returns.
fn wait(
    window: &mut UnlockWindow<'_>,
    signals: &mut Signals,
    job: Option<&Job>,
) -> Result<Ending, SessionError> {
    let mut stop_at: Option<Instant> = None;
    loop {
        // The watchdog acts when the window has ended and we did not (stopped, or on a machine that slept): what became
        // of the command then is its doing.
        if stop_at.is_none() && window.is_overdue() {
            return Ok(Ending::WindowEnded);
        }
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
        if window.guard().is_watchdog_lost() {
            return Ok(Ending::WatchdogLost);
        }
        let left = window.left();
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
        watched.extend(window.guard().watched());
        // A machine that slept is not told by `poll`; the wall clock is looked at every second.
        wait_for(&mut watched, pause.min(Duration::from_secs(1)))
            .map_err(|error| io_error("wait")(error.into()))?;
    }
}

/// How long a command is waited for between SIGTERM and SIGKILL when the window has ended.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what a command left running is waited for.
pub(super) const STRAGGLERS: Duration = Duration::from_secs(2);
