//! What closes an open keychain: a journal on the disk, a watchdog that is armed, and a [`Guard`] in this process, whose
//! drop closes what is still open.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags};
use rustix::process::Pid;

use super::closing::{Unprepared, close};
use crate::base::clock::Clock;
use crate::base::event::{Action, Checkpoint, Event, Outcome, WitnessError};
use crate::host::deadline::Deadline;
use crate::host::journal::{JournalEntry, JournalError, Journals};
use crate::host::keychain::{Closer, KeychainBackend, KeychainPath};
use crate::host::lifeline::{ARMED, Message, WatchdogConfig};
use crate::host::owned_files::Lock;
use crate::host::permit::OpenPermit;
use crate::host::process::{
    KnownProcess, ProcessGroup, has_ended_or_stopped, is_ready_within, start,
};
use crate::host::run_id::RunId;
use crate::host::session::error::{SessionError, io_error};
use crate::host::session::request::KeychainWork;

/// Journal and watchdog of one piece of work on a keychain. Dropping it closes the keychain.
pub(in crate::host) struct Guard<'a> {
    work: KeychainWork<'a>,
    journals: Journals<'a>,
    closer: Box<dyn Closer + 'a>,
    watchdog: Child,
    lifeline: Option<ChildStdin>,
    watchdog_says: Option<ChildStdout>,
    _lease: File,
    /// The right to open, while we have it.
    lock: Option<Lock>,
    deadline: Deadline,
    closed: Option<(Timestamp, bool)>,
    /// Nothing is left to be recorded of the closing.
    is_recorded: bool,
}

impl<'a> Guard<'a> {
    /// Takes the lock for opening keychains, writes the journal and arms the watchdog, which acts when the window has
    /// ended although the run still lives: `time` from now, or when the allowed hours close. Nothing is opened yet.
    ///
    /// # Errors
    /// [`SessionError::Stopped`] if `stop` said so while other runs had the lock.
    pub(in crate::host) fn arm(
        work: KeychainWork<'a>,
        time: Duration,
        closes: Option<Timestamp>,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Self, SessionError> {
        let journals = Journals::new(work.state, work.clock);
        let lock = journals.lock_unless(stop)?.ok_or(SessionError::Stopped)?;
        let deadline = Deadline::after(work.clock, time, closes);
        let lease = journals.lease(&lock, &work.run)?;
        // The journal names it, so it is there first; it does nothing until it is told what to close.
        let watchdog = lease
            .try_clone()
            .map_err(io_error("share the lease"))
            .and_then(|lease| {
                Ok(start(
                    &work.watchdog,
                    Stdio::piped(),
                    Stdio::piped(),
                    lease,
                )?)
            });
        let mut watchdog = match watchdog {
            Ok(watchdog) => watchdog,
            Err(error) => {
                let _ = journals.forget(&work.run);
                return Err(error);
            }
        };
        let entry = JournalEntry {
            run: work.run.clone(),
            keychain: work.keychain.clone(),
            backend: work.backend.kind(),
            deadline: deadline.clone(),
            session: KnownProcess::this(),
            watchdog: KnownProcess::of(Pid::from_child(&watchdog)),
        };
        let begun = journals.begin(&lock, &entry).map_err(SessionError::from);
        // After that nobody closes the keychain, so nobody takes away what the closer holds.
        let closer = begun.and_then(|()| {
            work.witness.make_ready()?;
            Ok(work.backend.closer(&work.keychain, &work.run)?)
        });
        let closer = match closer {
            Ok(closer) => closer,
            Err(error) => {
                end(&mut watchdog);
                // Another run may have left the keychain to this one. What cannot be closed keeps its journal.
                let mut closer = Unprepared {
                    backend: work.backend,
                    keychain: &work.keychain,
                    run: &work.run,
                };
                let (keychain, run) = (&work.keychain, &work.run);
                if close(&journals, &mut closer, keychain, run, &mut || ()).is_ok() {
                    let _ = journals.forget(run);
                }
                return Err(error);
            }
        };
        let mut guard = Self {
            lifeline: watchdog.stdin.take(),
            watchdog_says: watchdog.stdout.take(),
            work,
            journals,
            closer,
            watchdog,
            _lease: lease,
            lock: Some(lock),
            deadline,
            closed: None,
            is_recorded: false,
        };
        if let Err(why) = guard.arm_watchdog() {
            end(&mut guard.watchdog);
            guard.cancel()?;
            return Err(SessionError::NoWatchdog(why));
        }
        Ok(guard)
    }

    /// Tells the watchdog what to close, and waits until it says that it is ready.
    fn arm_watchdog(&mut self) -> Result<(), String> {
        let (Some(stdin), Some(stdout)) = (&mut self.lifeline, &mut self.watchdog_says) else {
            return Err("it has no pipes".into());
        };
        let config = WatchdogConfig {
            run: self.work.run.clone(),
            keychain: self.work.keychain.clone(),
            backend: self.work.backend.kind(),
            state: self.work.state.clone(),
            deadline: self.deadline.clone(),
            session: KnownProcess::this(),
            actor: self.work.actor.clone(),
        };
        Message::Config(Box::new(config))
            .write(stdin)
            .map_err(|error| error.to_string())?;
        let mut word = [0; ARMED.len()];
        let watched = PollFd::new(&*stdout, PollFlags::IN);
        match is_ready_within(watched, Duration::from_secs(20)) {
            Ok(true) => {}
            Ok(false) => return Err("it says nothing".into()),
            Err(error) => return Err(error.to_string()),
        }
        stdout
            .read_exact(&mut word)
            .map_err(|_| "it ended at once".to_owned())?;
        match word == ARMED {
            true => Ok(()),
            false => Err("it says something unexpected".into()),
        }
    }

    /// From now on the tools that are started hold the lock too: whoever opens after our death waits for them.
    pub(in crate::host) fn start_tools(&self) -> Result<(), SessionError> {
        match &self.lock {
            Some(lock) => Ok(lock.share_with_children().map_err(JournalError::from)?),
            None => Ok(()),
        }
    }

    /// Lets others open.
    pub(in crate::host) fn release_lock(&mut self) {
        self.lock = None;
    }

    pub(in crate::host) fn run(&self) -> &RunId {
        &self.work.run
    }

    pub(in crate::host) fn keychain(&self) -> &KeychainPath {
        &self.work.keychain
    }

    pub(in crate::host) fn backend(&self) -> &'a dyn KeychainBackend {
        self.work.backend
    }

    /// What time it is.
    pub(in crate::host) fn clock(&self) -> &'a dyn Clock {
        self.work.clock
    }

    /// When the keychain must be closed.
    pub(in crate::host) fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// The journals of the other runs that have the keychain open.
    pub(in crate::host) fn others(&self) -> Result<Vec<JournalEntry>, SessionError> {
        Ok(self.journals.others(self.keychain(), self.run())?)
    }

    /// Whether what is in the keychain is what the gate judged; nobody can change it while we hold the lock.
    pub(in crate::host) fn check_identities(
        &self,
        permit: &OpenPermit,
    ) -> Result<(), SessionError> {
        if permit.is_for_identities() {
            let now = self.backend().identities(self.keychain())?;
            permit.check_identities(&now)?;
        }
        Ok(())
    }

    /// An event about the keychain.
    pub(in crate::host) fn event(&self, what: Action, outcome: Outcome) -> Event {
        Event::new(what, outcome)
            .of_run(self.run())
            .detail("keychain", self.keychain())
    }

    pub(in crate::host) fn record(&self, event: &Event) -> Result<Checkpoint, WitnessError> {
        self.work.witness.record(event)
    }

    /// Remembers the command's process group for a recovery, when this process and the watchdog are gone.
    pub(in crate::host) fn remember_job(&self, job: &ProcessGroup) -> Result<(), SessionError> {
        Ok(self.journals.remember_job(self.run(), job)?)
    }

    /// Closes the keychain and records it, as far as that is not done. `before_waiting` is called before anything that may
    /// take long.
    pub(in crate::host) fn close(
        &mut self,
        before_waiting: &mut dyn FnMut(),
    ) -> Result<(), SessionError> {
        let (_, is_locked) = match self.closed {
            Some(closed) => closed,
            None => {
                self.release_lock();
                match self.close_keychain(before_waiting) {
                    Ok(is_locked) => *self.closed.insert((self.work.clock.now(), is_locked)),
                    Err(error) => {
                        before_waiting();
                        let event = self.event(Action::KeychainLock, Outcome::Failed);
                        // That it may be open matters more than the record.
                        let _ = self.record(&event.detail("error", &error));
                        return Err(error);
                    }
                }
            }
        };
        if !self.is_recorded {
            before_waiting();
            let event = self.event(Action::KeychainLock, Outcome::Done);
            self.record(&event.detail("left-to-others", !is_locked))
                .map_err(SessionError::NotRecorded)?;
            self.is_recorded = true;
        }
        Ok(())
    }

    fn close_keychain(&mut self, before_waiting: &mut dyn FnMut()) -> Result<bool, SessionError> {
        close(
            &self.journals,
            self.closer.as_mut(),
            &self.work.keychain,
            &self.work.run,
            before_waiting,
        )
    }

    /// When it was closed and whether it was locked, if it was.
    pub(in crate::host) fn closed(&self) -> Option<(Timestamp, bool)> {
        self.closed
    }

    /// Lets the watchdog go and forgets the journal: everything is closed and recorded.
    pub(in crate::host) fn finish(mut self) -> Result<(), SessionError> {
        self.dismiss();
        Ok(self.journals.forget(&self.work.run)?)
    }

    /// The same before anything was opened. The keychain is closed all the same: another run may have left it to this one.
    pub(in crate::host) fn cancel(mut self) -> Result<(), SessionError> {
        self.close_keychain(&mut || ())?;
        self.closed = Some((self.work.clock.now(), false));
        self.is_recorded = true;
        self.finish()
    }

    /// Tells the watchdog that there is nothing left to do, and waits for its end, but not for ever.
    fn dismiss(&mut self) {
        self.send(&Message::Done);
        self.lifeline = None;
        if let Some(stdout) = self.watchdog_says.take() {
            let watched = PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN);
            if !is_ready_within(watched, Duration::from_secs(1)).unwrap_or(false) {
                let _ = self.watchdog.kill();
            }
            let _ = self.watchdog.wait();
        }
    }

    /// Sends `message` to the watchdog. One that does not take it is lost, and `is_watchdog_lost` finds that out.
    pub(in crate::host) fn send(&mut self, message: &Message) {
        if let Some(lifeline) = &mut self.lifeline {
            let _ = message.write(lifeline);
        }
    }

    /// The watchdog's process.
    pub(in crate::host) fn watchdog_id(&self) -> u32 {
        self.watchdog.id()
    }

    /// Whether the watchdog could not close any more: it has ended, or somebody has stopped it.
    pub(in crate::host) fn is_watchdog_lost(&self) -> bool {
        has_ended_or_stopped(&self.watchdog).unwrap_or(true)
    }

    /// What `poll` sees of the watchdog's end.
    pub(in crate::host) fn watched(&self) -> Option<PollFd<'_>> {
        let stdout = self.watchdog_says.as_ref()?;
        Some(PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN))
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.watchdog_says.is_none() {
            return; // finished
        }
        // A panic or an error. What is closed but not recorded keeps its journal; what is not closed keeps its watchdog
        // too: our end is the end of its lifeline, and it goes on trying.
        let _ = self.close(&mut || ());
        if self.closed.is_some() {
            self.dismiss();
        }
        if self.is_recorded {
            let _ = self.journals.forget(&self.work.run);
        }
    }
}

/// Ends a watchdog that was told nothing.
fn end(watchdog: &mut Child) {
    let _ = watchdog.kill();
    let _ = watchdog.wait();
}
