//! A session: a command runs while a keychain is open, and the keychain closes in every case.
//!
//! The order of the steps makes it safe. The session first recovers killed runs. Before it opens anything, the
//! journal is on the disk and the watchdog is ready. It records each step before it takes it. It wipes the password
//! before the command starts. Then one `poll` waits for the first of these: the end of the command, a signal, the
//! deadline (by a clock that stops while the machine sleeps and by one that does not), or the loss of the watchdog.
//!
//! | what happens | who closes |
//! |---|---|
//! | the command ends, the window ends, SIGINT, SIGTERM, SIGHUP | the session, in order |
//! | an error or a panic of ours | the session's guard |
//! | SIGKILL of the session | the [watchdog](super::watchdog), which sees its lifeline end |
//! | SIGKILL of the watchdog | the session, at once; the command is ended |
//! | SIGKILL of both, or the machine goes down | [`recover`], which every run does first; until then the keychain's own idle timeout |

pub(in crate::host) mod error;
pub(in crate::host) mod recovery;
mod report;
pub(in crate::host) mod request;
mod signals;
mod task;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;

pub use self::error::SessionError;
use self::error::io_error;
pub use self::recovery::{Recovered, Recovery, RecoveryRequest, Unfinished, recover};
pub use self::report::{Ending, SessionReport};
pub use self::request::{KeychainWork, SessionRequest};
use self::signals::Signals;
pub use self::task::{Announce, Task};
use super::keychain::KeychainError;
use super::lifeline::Message;
use super::process::{
    Ending as EndingOfProcesses, Exit, Straggler, adopt_orphans, reap_orphans, settle, wait_for,
};
use super::window::{Guard, Job, JobCommand, STRAGGLERS, UnlockWindow};
use crate::base::event::{Action, Event, Outcome};
use crate::context::policy::OnStragglers;

/// Opens the keychain, does the work, closes the keychain, and fills in the report as it goes. `opened` hears until when the
/// keychain is open, once it is.
///
/// # Errors
/// See [`SessionError`]. A command that fails is no error.
pub fn run(
    request: SessionRequest<'_>,
    task: Task<'_>,
    report: &mut SessionReport,
    opened: &dyn Fn(Timestamp),
) -> Result<Ending, SessionError> {
    // Before anything is opened, so that a signal is never the system's to act on.
    let mut signals = Signals::new().map_err(io_error("watch for signals"))?;
    let (witness, run) = (request.work.witness, request.work.run.clone());
    let on_stragglers = request.on_stragglers;
    let event = |outcome| Event::new(Action::Run, outcome).of_run(&run);
    let mut came = None;
    let window = UnlockWindow::open(request, &mut || {
        came = came.or_else(|| signals.next());
        came.is_some()
    });
    let (mut window, access) = match (window, came) {
        (Ok(opened), _) => opened,
        (Err(SessionError::Stopped), Some(signal)) => {
            let ending = Ending::Interrupted(signal.as_raw());
            report.ending = Some(ending);
            witness.record(&event(Outcome::Refused).detail("ending", describe(ending)))?;
            return Ok(ending);
        }
        (Err(error), _) => {
            // Nothing was done, so nothing hangs on this record.
            let _ = witness.record(&event(Outcome::Refused).detail("error", &error));
            return Err(error);
        }
    };
    report.opened = Some((window.opened(), window.until()));
    opened(window.until());
    let ended = match task {
        Task::Hold(announce) => match announce(&access) {
            Ok(()) => wait(&mut window, &mut signals, None, false),
            Err(source) => Err(io_error("name the identities")(source)),
        },
        Task::Run(mut command) => {
            command.environment.extend(access);
            run_job(&mut window, &mut signals, &command, on_stragglers, report)
        }
    };
    report.ending = ended.as_ref().ok().copied();
    // Whatever happened, the keychain closes, and how the work ended is recorded even if it does not.
    let closed = window.guard().close(&mut || ());
    report.closed = window.guard().closed();
    let event = with_stragglers(event(outcome_of(&ended)), &report.stragglers);
    let recorded = witness.record(&match &ended {
        Ok(ending) => event.detail("ending", describe(*ending)),
        Err(error) => event.detail("error", error),
    });
    closed?;
    recorded.map_err(SessionError::NotRecorded)?;
    window.into_guard().finish()?;
    ended
}

/// Works on a keychain that no run has open, and keeps runs from opening it meanwhile. It has the same journal and
/// watchdog as a window, because making a keychain and importing into one open it for a moment; `time` is the most that
/// may take.
///
/// # Errors
/// Runs have it open, the deed failed, or the keychain could not be closed.
pub fn exclusively<T>(
    work: KeychainWork<'_>,
    time: Duration,
    deed: impl FnOnce() -> Result<T, KeychainError>,
) -> Result<T, SessionError> {
    // A signal ends us here as it ends any tool, and the watchdog closes.
    let mut guard = Guard::arm(work, time, None, &mut || false)?;
    let others = guard.others()?;
    if !others.is_empty() {
        let runs: Vec<&str> = others.iter().map(|other| other.run.as_str()).collect();
        let error = KeychainError::InUse {
            keychain: guard.keychain().clone(),
            runs: runs.join(", "),
        };
        guard.cancel()?;
        return Err(error.into());
    }
    guard.start_tools()?;
    let done = deed();
    guard.close(&mut || ())?;
    guard.finish()?;
    Ok(done?)
}

fn outcome_of(ended: &Result<Ending, SessionError>) -> Outcome {
    match ended {
        Ok(Ending::Exited(Exit::Code(0)) | Ending::Interrupted(_)) => Outcome::Done,
        _ => Outcome::Failed,
    }
}

fn describe(ending: Ending) -> String {
    match ending {
        Ending::Exited(exit) => exit.to_string(),
        Ending::WindowEnded => "window ended".into(),
        Ending::WatchdogLost => "watchdog lost".into(),
        Ending::Interrupted(signal) => format!("interrupted by signal {signal}"),
    }
}

/// Names what the command left running.
fn with_stragglers(event: Event, stragglers: &[Straggler]) -> Event {
    if stragglers.is_empty() {
        return event;
    }
    let names = |ended| {
        let of_kind = stragglers.iter().filter(|one| one.ended == ended);
        let names: Vec<String> = of_kind.map(ToString::to_string).collect();
        names.join(", ")
    };
    event
        .detail("stragglers-ended", names(true))
        .detail("stragglers-left", names(false))
}

fn run_job(
    window: &mut UnlockWindow<'_>,
    signals: &mut Signals,
    command: &JobCommand,
    on_stragglers: Option<OnStragglers>,
    report: &mut SessionReport,
) -> Result<Ending, SessionError> {
    // A signal that came while the keychain was being opened means that nobody wants the command any more.
    if let Some(signal) = signals.next() {
        return Ok(Ending::Interrupted(signal.as_raw()));
    }
    // Somebody may have stopped this process until now, and others have closed.
    if window.left().is_zero() {
        return Ok(Ending::WindowEnded);
    }
    // What leaves the command's process group stays below this process.
    if on_stragglers.is_some() {
        adopt_orphans().map_err(io_error("adopt what the command leaves behind"))?;
    }
    let job = Job::start(window, command).map_err(SessionError::Command)?;
    if let Some(group) = job.group() {
        // The watchdog first: it is there already when we are gone; the journal is for when both are.
        window.guard().send(&Message::Job(group.clone()));
        window.guard().remember_job(group)?;
    }
    let ending = wait(window, signals, Some(&job), on_stragglers.is_some());
    // Whatever the command left running is ended: none of it shall sign any more. The caller tries a failed closing
    // once more, and reports it.
    let mut left = Some(job.begin_to_end(STRAGGLERS));
    let mut end_what_is_left = || {
        left.take()
            .map(EndingOfProcesses::finish)
            .unwrap_or_default()
    };
    let _ = window.guard().close(&mut end_what_is_left);
    end_what_is_left();
    drop(left);
    let known = [window.guard().watchdog_id()];
    if let Some(on_stragglers) = on_stragglers {
        let ends = on_stragglers == OnStragglers::End;
        report.stragglers = settle(&known, window.guard().run().as_str(), ends, STRAGGLERS);
    }
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
    adopts: bool,
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
        if let Some(job) = job.filter(|_| adopts) {
            reap_orphans(&[job.id(), window.guard().watchdog_id()]);
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
        // `poll` does not notice that the machine slept, so the wall clock is read every second.
        wait_for(&mut watched, pause.min(Duration::from_secs(1)))
            .map_err(|error| io_error("wait")(error.into()))?;
    }
}

/// How long a command is waited for between SIGTERM and SIGKILL when the window has ended.
const PATIENCE: Duration = Duration::from_secs(10);
