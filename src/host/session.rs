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
mod recovery;
mod signals;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

pub(crate) use self::closing::{close, end};
pub use self::recovery::{Recovered, recover};
use self::signals::Signals;
use super::journal::{Entry, JournalError, Journals};
use super::keychain::choice::BackendChoice;
use super::keychain::{KeychainBackend, KeychainError, KeychainPath, Opening};
use super::process::job::{Job, JobCommand};
use super::process::{Exit, ProcessError, Tool, start, wait_for};
use super::run_id::RunId;
use super::watchdog::{Config, Message, Note};
use super::window::OpenPermit;
use crate::base::clock::{Clock, SystemClock};
use crate::base::event::{Action, Checkpoint, Event, Outcome, Witness, WitnessError};
use crate::base::secret::Password;

/// Everything that a session needs; taken by value where it must not be used twice.
pub struct Order<'a> {
    /// Leave to open the keychain, once.
    pub permit: OpenPermit,
    /// The name of the run.
    pub run: RunId,
    /// The keychain.
    pub keychain: KeychainPath,
    /// Its backend.
    pub backend: &'a dyn KeychainBackend,
    /// The same for the watchdog and the journal.
    pub choice: BackendChoice,
    /// The keychain's password; dropped when the keychain is open.
    pub password: Password,
    /// How long the keychain may stay open.
    pub window: Duration,
    /// The state directory.
    pub state: &'a Path,
    /// In whose name the watchdog records.
    pub note: Note,
    /// Our own program, which is also the watchdog's.
    pub program: PathBuf,
    /// Who records.
    pub witness: &'a dyn Witness,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    let closed = open.close();
    let ending = ending?;
    let (closed, is_locked) = closed?;
    let event = Event::new(Action::Run, outcome_of(ending))
        .of_run(&open.run)
        .detail("ending", show(ending));
    let checkpoint = open.witness.record(&event)?;
    let report = Report {
        opened: open.opened,
        until: open.until,
        closed,
        is_locked,
        ending,
        checkpoint,
    };
    open.finish()?;
    Ok(report)
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
    open.tell(&Message::Job(job.mark().clone()));
    open.journals.note_job(&open.run, job.mark())?;
    let ending = wait(open, signals, Some(&job));
    // Closed first, then whatever the command left running is ended: none of it shall sign any more.
    let closed = open.close();
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
        if open.is_watchdog_lost() {
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
        if let Some(stdout) = &open.watchdog_says {
            watched.push(PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN));
        }
        // A machine that slept is not told by `poll`; the wall clock is looked at every second.
        wait_for(&mut watched, pause.min(Duration::from_secs(1)))
            .map_err(|error| io_error("wait")(error.into()))?;
    }
}

/// A keychain that is open, with everything that sees to its closing. Dropping it closes it.
struct Open<'a> {
    run: RunId,
    keychain: KeychainPath,
    backend: &'a dyn KeychainBackend,
    journals: Journals,
    witness: &'a dyn Witness,
    watchdog: Child,
    lifeline: Option<ChildStdin>,
    watchdog_says: Option<ChildStdout>,
    _lease: File,
    opened: Timestamp,
    until: Timestamp,
    ends: Instant,
    closed: Option<(Timestamp, bool)>,
}

impl<'a> Open<'a> {
    fn new(order: Order<'a>) -> Result<(Self, Vec<(OsString, OsString)>), SessionError> {
        let journals = Journals::new(order.state);
        let now = SystemClock.now();
        let until = now.checked_add(order.window).unwrap_or(now);
        let entry = Entry {
            run: order.run.clone(),
            keychain: order.keychain.clone(),
            backend: order.choice.clone(),
            until,
        };
        let lock = journals.lock()?;
        let lease = journals.begin(&lock, &entry)?;
        let armed = arm(&order, &lease, until);
        let (watchdog, lifeline, watchdog_says) = match armed {
            Ok(armed) => armed,
            Err(error) => {
                let _ = journals.forget(&order.run);
                return Err(error);
            }
        };
        let mut open = Self {
            run: order.run,
            keychain: order.keychain,
            backend: order.backend,
            journals,
            witness: order.witness,
            watchdog,
            lifeline: Some(lifeline),
            watchdog_says: Some(watchdog_says),
            _lease: lease,
            opened: now,
            until,
            ends: Instant::now() + order.window,
            closed: None,
        };
        let is_shared = open.journals.is_shared(&open.keychain, &open.run)?;
        open.witness.record(
            &open
                .event(Action::KeychainUnlock, Outcome::Intended)
                .detail("until", until)
                .detail("shared", is_shared),
        )?;
        let opening = Opening {
            run: &open.run,
            until,
            duration: order.window,
            shared: is_shared,
        };
        let access = open
            .backend
            .open(&order.permit, &open.keychain, &order.password, &opening);
        drop(order.password);
        let recorded = match &access {
            Ok(_) => open
                .witness
                .record(&open.event(Action::KeychainUnlock, Outcome::Done)),
            Err(error) => open.witness.record(
                &open
                    .event(Action::KeychainUnlock, Outcome::Failed)
                    .detail("error", error),
            ),
        };
        // Closing takes the lock itself.
        drop(lock);
        match (access, recorded) {
            (Ok(access), Ok(_)) => {
                open.opened = SystemClock.now();
                open.tell(&Message::Opened);
                Ok((open, access.environment))
            }
            (access, recorded) => {
                open.close()?;
                open.finish()?;
                access?;
                recorded?;
                Err(SessionError::NoWatchdog("nothing is open".into()))
            }
        }
    }

    fn event(&self, what: Action, outcome: Outcome) -> Event {
        Event::new(what, outcome)
            .of_run(&self.run)
            .detail("keychain", &self.keychain)
    }

    /// Closes the keychain, if that is not done, and records it.
    fn close(&mut self) -> Result<(Timestamp, bool), SessionError> {
        if let Some(closed) = self.closed {
            return Ok(closed);
        }
        let is_locked = close(&self.journals, self.backend, &self.keychain, &self.run)?;
        let closed = (SystemClock.now(), is_locked);
        self.closed = Some(closed);
        self.witness.record(
            &self
                .event(Action::KeychainLock, Outcome::Done)
                .detail("left-to-others", !is_locked),
        )?;
        Ok(closed)
    }

    /// Lets the watchdog go and forgets the journal: everything is closed and recorded.
    fn finish(mut self) -> Result<(), SessionError> {
        self.tell(&Message::Done);
        self.let_go();
        Ok(self.journals.forget(&self.run)?)
    }

    /// Ends the lifeline and waits for the watchdog, but not for ever.
    fn let_go(&mut self) {
        self.lifeline = None;
        if let Some(stdout) = self.watchdog_says.take() {
            let mut watched = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN)];
            let ended = wait_for(&mut watched, Duration::from_secs(5)).is_ok_and(|ready| ready > 0);
            if !ended {
                let _ = self.watchdog.kill();
            }
            let _ = self.watchdog.wait();
        }
    }

    /// A watchdog that cannot be told is lost, which the waiting finds out.
    fn tell(&mut self, message: &Message) {
        if let Some(lifeline) = &mut self.lifeline {
            let _ = message.write(lifeline);
        }
    }

    fn is_watchdog_lost(&mut self) -> bool {
        matches!(self.watchdog.try_wait(), Ok(Some(_)) | Err(_))
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

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.closed.is_none() {
            // A panic or an error: the watchdog stands by until this is done, and the journal stays for what fails.
            if self.close().is_ok() {
                let _ = self.journals.forget(&self.run);
            }
        }
        if self.closed.is_some() {
            self.tell(&Message::Done);
        }
        self.let_go();
    }
}

/// Starts the watchdog and waits until it says that it is ready.
fn arm(
    order: &Order<'_>,
    lease: &File,
    until: Timestamp,
) -> Result<(Child, ChildStdin, ChildStdout), SessionError> {
    let lease = lease.try_clone().map_err(io_error("share the lease"))?;
    let tool = Tool::new(&order.program).arg("watchdog");
    let mut child = start(&tool, Stdio::piped(), Stdio::piped(), lease)?;
    let config = Config {
        run: order.run.clone(),
        keychain: order.keychain.clone(),
        backend: order.choice.clone(),
        state: order.state.to_owned(),
        until,
        seconds: order.window.as_secs() + GRACE.as_secs(),
        note: order.note.clone(),
    };
    let ready = greet(&mut child, config);
    ready
        .map_err(|why| {
            let _ = child.kill();
            let _ = child.wait();
            SessionError::NoWatchdog(why)
        })
        .map(|(stdin, stdout)| (child, stdin, stdout))
}

fn greet(child: &mut Child, config: Config) -> Result<(ChildStdin, ChildStdout), String> {
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it has no pipes".into());
    };
    Message::Config(Box::new(config))
        .write(&mut stdin)
        .map_err(|error| error.to_string())?;
    let mut word = [0; ARMED.len()];
    let mut watched = [PollFd::new(&stdout, PollFlags::IN)];
    match wait_for(&mut watched, Duration::from_secs(20)) {
        Ok(0) => return Err("it says nothing".into()),
        Ok(_) => {}
        Err(error) => return Err(error.to_string()),
    }
    stdout
        .read_exact(&mut word)
        .map_err(|_| "it ended at once".to_owned())?;
    if word == ARMED {
        Ok((stdin, stdout))
    } else {
        Err("it says something else".into())
    }
}

impl Message {
    fn write(&self, pipe: &mut impl Write) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        pipe.write_all(&line)
    }
}

/// What a watchdog says when it is ready.
pub(super) const ARMED: [u8; 6] = *b"armed\n";
/// How long a command is waited for between SIGTERM and SIGKILL when the window has ended.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what a command left running is waited for.
pub(super) const STRAGGLERS: Duration = Duration::from_secs(2);
/// How much later than the session the watchdog acts on the end of the window.
const GRACE: Duration = Duration::from_secs(12);
