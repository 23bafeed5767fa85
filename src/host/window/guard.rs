//! What closes an open keychain: a journal on the disk, a watchdog that is armed, and a [`Guard`] in this process, whose
//! drop closes what is still open.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags};

use super::closing::close;
use crate::base::clock::Clock;
use crate::base::event::{Action, Checkpoint, Event, Outcome, WitnessError};
use crate::host::journal::{JournalEntry, JournalError, Journals};
use crate::host::keychain::{KeychainBackend, KeychainPath};
use crate::host::lifeline::{ARMED, Message, WatchdogConfig};
use crate::host::owned_files::Lock;
use crate::host::permit::OpenPermit;
use crate::host::process::{ProcessGroup, is_ready_within, start};
use crate::host::run_id::RunId;
use crate::host::session::error::{SessionError, io_error};
use crate::host::session::request::KeychainWork;

/// Journal and watchdog of one piece of work on a keychain. Dropping it closes the keychain.
pub(in crate::host) struct Guard<'a> {
    work: KeychainWork<'a>,
    journals: Journals,
    watchdog: Child,
    lifeline: Option<ChildStdin>,
    watchdog_says: Option<ChildStdout>,
    _lease: File,
    /// The right to open and close, while we have it.
    lock: Option<Lock>,
    until: Timestamp,
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
        let journals = Journals::new(work.state);
        let lock = journals.lock_unless(stop)?.ok_or(SessionError::Stopped)?;
        let now = work.clock.now();
        let until = now.checked_add(time).unwrap_or(now);
        let until = closes.map_or(until, |closes| closes.min(until));
        let entry = JournalEntry {
            run: work.run.clone(),
            keychain: work.keychain.clone(),
            backend: work.backend.kind(),
            until,
        };
        let lease = journals.begin(&lock, &entry)?;
        match start_watchdog(&work, &lease, until, time) {
            Ok((watchdog, lifeline, watchdog_says)) => Ok(Self {
                work,
                journals,
                watchdog,
                lifeline: Some(lifeline),
                watchdog_says: Some(watchdog_says),
                _lease: lease,
                lock: Some(lock),
                until,
                closed: None,
                is_recorded: false,
            }),
            Err(error) => {
                let _ = journals.forget(&work.run);
                Err(error)
            }
        }
    }

    /// From now on the tools that are started hold the lock too: a closing after our death waits for them.
    pub(in crate::host) fn start_tools(&self) -> Result<(), SessionError> {
        match &self.lock {
            Some(lock) => Ok(lock.share_with_children().map_err(JournalError::from)?),
            None => Ok(()),
        }
    }

    /// Lets others open and close.
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

    /// The instant at which the keychain must be closed.
    pub(in crate::host) fn until(&self) -> Timestamp {
        self.until
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

    /// Closes the keychain and records it, as far as that is not done.
    pub(in crate::host) fn close(&mut self) -> Result<(), SessionError> {
        let (_, is_locked) = match self.closed {
            Some(closed) => closed,
            None => {
                // Closing takes the lock itself.
                self.release_lock();
                match close(&self.journals, self.backend(), self.keychain(), self.run()) {
                    Ok(is_locked) => *self.closed.insert((self.work.clock.now(), is_locked)),
                    Err(error) => {
                        let event = self.event(Action::KeychainLock, Outcome::Failed);
                        // That it may be open matters more than the record.
                        let _ = self.record(&event.detail("error", &error));
                        return Err(error);
                    }
                }
            }
        };
        if !self.is_recorded {
            let event = self.event(Action::KeychainLock, Outcome::Done);
            self.record(&event.detail("left-to-others", !is_locked))
                .map_err(SessionError::NotRecorded)?;
            self.is_recorded = true;
        }
        Ok(())
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

    /// The same before anything was opened.
    pub(in crate::host) fn cancel(mut self) -> Result<(), SessionError> {
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
            if !is_ready_within(watched, Duration::from_secs(5)).unwrap_or(false) {
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

    pub(in crate::host) fn is_watchdog_lost(&mut self) -> bool {
        matches!(self.watchdog.try_wait(), Ok(Some(_)) | Err(_))
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
        let _ = self.close();
        if self.closed.is_some() {
            self.dismiss();
        }
        if self.is_recorded {
            let _ = self.journals.forget(&self.work.run);
        }
    }
}

/// Starts the watchdog and waits until it says that it is ready.
fn start_watchdog(
    work: &KeychainWork<'_>,
    lease: &File,
    until: Timestamp,
    time: Duration,
) -> Result<(Child, ChildStdin, ChildStdout), SessionError> {
    let lease = lease.try_clone().map_err(io_error("share the lease"))?;
    let mut child = start(&work.watchdog, Stdio::piped(), Stdio::piped(), lease)?;
    let config = WatchdogConfig {
        run: work.run.clone(),
        keychain: work.keychain.clone(),
        backend: work.backend.kind(),
        state: work.state.clone(),
        until,
        seconds: time.as_secs() + GRACE.as_secs(),
        actor: work.actor.clone(),
    };
    let ready = wait_until_armed(&mut child, config);
    ready
        .map_err(|why| {
            let _ = child.kill();
            let _ = child.wait();
            SessionError::NoWatchdog(why)
        })
        .map(|(stdin, stdout)| (child, stdin, stdout))
}

fn wait_until_armed(
    child: &mut Child,
    config: WatchdogConfig,
) -> Result<(ChildStdin, ChildStdout), String> {
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it has no pipes".into());
    };
    Message::Config(Box::new(config))
        .write(&mut stdin)
        .map_err(|error| error.to_string())?;
    let mut word = [0; ARMED.len()];
    let watched = PollFd::new(&stdout, PollFlags::IN);
    match is_ready_within(watched, Duration::from_secs(20)) {
        Ok(true) => {}
        Ok(false) => return Err("it says nothing".into()),
        Err(error) => return Err(error.to_string()),
    }
    stdout
        .read_exact(&mut word)
        .map_err(|_| "it ended at once".to_owned())?;
    if word == ARMED {
        Ok((stdin, stdout))
    } else {
        Err("it says something unexpected".into())
    }
}
/// How much later than the session the watchdog acts on the end of the window.
pub(super) const GRACE: Duration = Duration::from_secs(12);
