//! An open keychain, together with everything that closes it.

use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;

use super::guard::Guard;
use crate::base::event::{Action, Event, Outcome};
use crate::host::deadline::GRACE_OF_WATCHDOG;
use crate::host::keychain::{ChildAccess, Opening};
use crate::host::session::error::SessionError;
use crate::host::session::request::SessionRequest;

/// A keychain that is open, with everything that sees to its closing. Dropping it closes the keychain.
pub struct UnlockWindow<'a> {
    guard: Guard<'a>,
    opened: Timestamp,
    until: Timestamp,
}

impl<'a> UnlockWindow<'a> {
    /// Opens, and says which variables the command is to be given.
    ///
    /// # Errors
    /// [`SessionError::Stopped`] if `stop` said so before anything was opened; and whatever else keeps it closed.
    pub(in crate::host) fn open(
        request: SessionRequest<'a>,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<(Self, Vec<(OsString, OsString)>), SessionError> {
        let work = request.work;
        // The guard closes the keychain, so there is none until this has passed.
        work.backend.check(&work.keychain)?;
        let guard = Guard::arm(work, request.window, request.closes, stop)?;
        if stop() {
            guard.cancel()?;
            return Err(SessionError::Stopped);
        }
        // Waiting for the lock may have taken minutes.
        let now = guard.clock().now();
        if let Err(expired) = request.permit.check(now) {
            guard.cancel()?;
            return Err(expired.into());
        }
        guard.start_tools()?;
        if let Err(error) = guard.check_identities(&request.permit) {
            guard.cancel()?;
            return Err(error);
        }
        let mut window = Self {
            opened: now,
            until: guard.deadline().until,
            guard,
        };
        let others = window.guard.others()?;
        let shared = !others.is_empty();
        window.guard.record(
            &window
                .event(Outcome::Intended)
                .detail("until", window.until)
                .detail("shared", shared),
        )?;
        // The idle timeout is the keychain's, not the run's: opening it here must not shorten that of another run.
        let last = others.iter().map(|other| other.deadline.until).max();
        let last = last.map_or(window.until, |last| last.max(window.until));
        let run = window.guard.run().clone();
        let opening = Opening {
            run: &run,
            until: window.until,
            idle_timeout: Duration::try_from(last.duration_since(now)).unwrap_or(request.window),
            shared,
        };
        let access = window.guard.backend().open(
            request.permit,
            window.guard.keychain(),
            &request.password,
            &opening,
        );
        drop(request.password);
        let recorded = match &access {
            Ok(_) => window.guard.record(&window.event(Outcome::Done)),
            Err(error) => window
                .guard
                .record(&window.event(Outcome::Failed).detail("error", error)),
        };
        window.guard.release_lock();
        match access.map_err(SessionError::from).and_then(|access| {
            recorded?;
            Ok(access)
        }) {
            Ok(ChildAccess { environment }) => {
                window.opened = window.guard.clock().now();
                Ok((window, environment))
            }
            Err(error) => {
                window.guard.close(&mut || ())?;
                window.guard.finish()?;
                Err(error)
            }
        }
    }

    fn event(&self, outcome: Outcome) -> Event {
        self.guard.event(Action::KeychainUnlock, outcome)
    }

    /// When the keychain was open.
    pub fn opened(&self) -> Timestamp {
        self.opened
    }

    /// When it must be closed.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// What is left of the window by whichever clock says less.
    pub(in crate::host) fn left(&self) -> Duration {
        let deadline = self.guard.deadline();
        deadline.left(self.guard.clock(), Duration::ZERO)
    }

    /// Whether the window ended so long ago that the watchdog has acted.
    pub(in crate::host) fn is_overdue(&self) -> bool {
        let deadline = self.guard.deadline();
        deadline.is_past(self.guard.clock(), GRACE_OF_WATCHDOG)
    }

    pub(in crate::host) fn guard(&mut self) -> &mut Guard<'a> {
        &mut self.guard
    }

    pub(in crate::host) fn into_guard(self) -> Guard<'a> {
        self.guard
    }
}
