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

use rustix::process::Signal;

use super::deadline::GRACE_OF_WATCHDOG;
use super::journal::Journals;
use super::keychain::{Backends, Closer};
use super::lifeline::{ARMED, LifelineReader, Message, WatchdogConfig};
use super::process::{
    Ending, ProcessGroup, end_orphans, keep_exit_statuses, protect_memory, survive_file_limit,
};
use super::session::error::{SessionError, io_error};
use super::session::recovery::{RecoveryRequest, recover};
use super::window::{OF_TOOLS, STRAGGLERS, close};
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
    survive_file_limit().map_err(io_error("handle signals"))?;
    let mut lifeline = LifelineReader::new().map_err(io_error("read what to close"))?;
    let Some(Message::Config(config)) = lifeline
        .next(&|| Duration::from_secs(60))
        .map_err(io_error("read what to close"))?
    else {
        return Ok(()); // the run ended before it opened anything
    };
    let backend = backends.build(config.backend, &config.state)?;
    // Everything that closing needs is there before anything is open.
    let watch = Watch {
        journals: Journals::new(&config.state, clock),
        witness: open_witness(&config),
        config: &config,
        backends,
        clock,
    };
    let closer = backend.closer(&config.keychain, &config.run)?;
    watch.witness.make_ready()?;
    let mut out = io::stdout();
    out.write_all(&ARMED)
        .and_then(|()| out.flush())
        .map_err(io_error("say that the watchdog is ready"))?;
    let mut job = None;
    loop {
        match lifeline.next(&|| config.deadline.left(clock, GRACE_OF_WATCHDOG)) {
            Ok(Some(Message::Done)) => return Ok(()),
            Ok(Some(Message::Job(mark))) => job = Some(mark),
            Ok(Some(Message::Config(_))) => {}
            // The end, the deadline, or a pipe that fails: all the same to a keychain.
            Ok(None) | Err(_) => break,
        }
    }
    watch.finish(closer, job)
}

/// What a watchdog has ready.
struct Watch<'a> {
    journals: Journals<'a>,
    witness: Box<dyn Witness>,
    config: &'a WatchdogConfig,
    backends: &'a Backends,
    clock: &'a dyn Clock,
}

impl Watch<'_> {
    fn finish(
        &self,
        mut closer: Box<dyn Closer + '_>,
        job: Option<ProcessGroup>,
    ) -> Result<(), SessionError> {
        let run = &self.config.run;
        let job = job.or_else(|| self.journals.job(run));
        let mut left = job.as_ref().map(|job| job.begin_to_end(STRAGGLERS));
        let mut end_what_is_left = || left.take().map(Ending::finish).unwrap_or_default();
        // A tool of the run may be opening the keychain just now; a run that is stopped is as good as dead.
        let session: Vec<_> = self.config.session.iter().collect();
        end_orphans(&self.config.state.tools(), &session, OF_TOOLS);
        let mut pause = Duration::from_secs(1);
        let start = Instant::now();
        let is_locked = loop {
            let closed = close(
                &self.journals,
                closer.as_mut(),
                &self.config.keychain,
                run,
                &mut end_what_is_left,
            );
            let error = match closed {
                Ok(is_locked) => break is_locked,
                Err(error) => error,
            };
            end_what_is_left();
            // Closing matters more than its record.
            let failed = self.event(Outcome::Failed).detail("error", &error);
            let _ = self.witness.record(&failed);
            if start.elapsed() >= GIVE_UP {
                return Err(error);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(60));
        };
        end_what_is_left();
        let done = self.event(Outcome::Done);
        self.witness
            .record(&done.detail("left-to-others", !is_locked))?;
        self.journals.forget(run)?;
        // Other runs that should have closed long ago. Whatever cannot be finished is the next recovery's.
        let overdue = RecoveryRequest {
            state: &self.config.state,
            backends: self.backends,
            witness: self.witness.as_ref(),
            clock: self.clock,
            by: "watchdog",
            only_overdue: true,
        };
        recover(&overdue).map(drop)
    }

    fn event(&self, outcome: Outcome) -> Event {
        Event::new(Action::KeychainLock, outcome)
            .of_run(&self.config.run)
            .detail("keychain", &self.config.keychain)
            .detail("by", "watchdog")
    }
}

/// How long a keychain that does not close is tried again; after that it is a recovery's.
const GIVE_UP: Duration = Duration::from_secs(600);
