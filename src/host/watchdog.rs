//! The watchdog: a process of our own program that closes the keychain when the run cannot.
//!
//! It reads what to close from its standard input, before anything is opened, and that pipe is also the run's [lifeline](super::lifeline): whichever way the run ends, the kernel closes the pipe, and the watchdog reads its end. A line `Done` before
//! it says that there is nothing left to do. Standard error is the run's lease (see [`journal`](super::journal)), which
//! thus outlives the run for exactly as long as the watchdog does.
//!
//! A keychain that does not close is tried again for ten minutes: a `security` that hangs now may not hang for ever.
//!
//! It has its own process group and ignores SIGINT, SIGTERM and SIGHUP: a pipeline that cancels a job sends these
//! signals to every process, and the watchdog must survive. It knows no password.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;

use super::journal::Journals;
use super::keychain::{Backends, KeychainBackend};
use super::lifeline::{ARMED, LifelineReader, Message, WatchdogConfig};
use super::process::{ProcessGroup, keep_exit_statuses, protect_memory};
use super::session::error::{SessionError, io_error};
use super::window::{close, while_ending};
use crate::base::clock::Clock;
use crate::base::event::{Action, Event, Outcome, Witness};

/// Runs a watchdog to its end, in a process of its own; its standard input is the lifeline.
///
/// # Errors
/// The keychain may still be open, or its closing could not be recorded; the journal stays, for a recovery.
pub fn main(
    clock: &dyn Clock,
    backends: &Backends,
    open_witness: &dyn Fn(&WatchdogConfig) -> Box<dyn Witness>,
) -> Result<(), SessionError> {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        // A handler that sets a flag nobody reads: the signal ends nobody.
        signal_hook::flag::register(signal.as_raw(), Arc::new(AtomicBool::new(false)))
            .map_err(io_error("handle signals"))?;
    }
    protect_memory().map_err(io_error("protect the memory of this process"))?;
    keep_exit_statuses().map_err(io_error("keep the exit statuses of children"))?;
    let mut lifeline = LifelineReader::default();
    let Some(Message::Config(config)) = lifeline
        .next(&|| Duration::from_secs(60))
        .map_err(io_error("read what to close"))?
    else {
        return Ok(()); // the run ended before it opened anything
    };
    let backend = backends.build(config.backend, &config.state)?;
    let mut out = io::stdout();
    out.write_all(&ARMED)
        .and_then(|()| out.flush())
        .map_err(io_error("say that the watchdog is ready"))?;
    let deadline = Deadline {
        at: Instant::now() + Duration::from_secs(config.seconds),
        until: config
            .until
            .checked_add(Duration::from_secs(12))
            .unwrap_or(config.until),
        clock,
    };
    let mut job = None;
    loop {
        match lifeline.next(&|| deadline.left()) {
            Ok(Some(Message::Done)) => return Ok(()),
            Ok(Some(Message::Job(mark))) => job = Some(mark),
            Ok(Some(Message::Config(_))) => {}
            // The end, the deadline, or a pipe that fails: all the same to a keychain.
            Ok(None) | Err(_) => break,
        }
    }
    finish(&config, backend.as_ref(), job, open_witness)
}

fn finish(
    config: &WatchdogConfig,
    backend: &dyn KeychainBackend,
    job: Option<ProcessGroup>,
    open_witness: &dyn Fn(&WatchdogConfig) -> Box<dyn Witness>,
) -> Result<(), SessionError> {
    let journals = Journals::new(&config.state);
    let witness = open_witness(config);
    let event = |outcome| {
        Event::new(Action::KeychainLock, outcome)
            .of_run(&config.run)
            .detail("keychain", &config.keychain)
            .detail("by", "watchdog")
    };
    let job = job.or_else(|| journals.job(&config.run));
    // A tool of the dead run that still works shares its lock, so this waits until the tool has ended.
    let mut closed = while_ending(job.as_ref(), || {
        close(&journals, backend, &config.keychain, &config.run)
    });
    let mut pause = Duration::from_secs(1);
    let start = Instant::now();
    while let Err(error) = &closed {
        // Closing matters more than its record.
        let _ = witness.record(&event(Outcome::Failed).detail("error", error));
        if start.elapsed() >= GIVE_UP {
            break;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(60));
        closed = close(&journals, backend, &config.keychain, &config.run);
    }
    let is_locked = closed?;
    witness.record(&event(Outcome::Done).detail("left-to-others", !is_locked))?;
    journals.forget(&config.run)?;
    Ok(journals.sweep_if_free()?)
}

/// When the watchdog acts although the run still lives: whichever comes first of an instant that a sleeping machine delays
/// and one of the calendar.
struct Deadline<'a> {
    at: Instant,
    until: Timestamp,
    clock: &'a dyn Clock,
}

impl Deadline<'_> {
    fn left(&self) -> Duration {
        let by_calendar = self.until.duration_since(self.clock.now());
        let by_calendar = Duration::try_from(by_calendar).unwrap_or(Duration::ZERO);
        self.at
            .saturating_duration_since(Instant::now())
            .min(by_calendar)
    }
}

/// How long a keychain that does not close is tried again; after that it is a recovery's.
const GIVE_UP: Duration = Duration::from_secs(600);
