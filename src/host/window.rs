//! The unlock window: how long a keychain may be open, on whose word, and who closes it.
//!
//! An [`OpenPermit`] is what every backend's `open` asks for, and takes. It is minted here and nowhere else, out of a
//! gate's clearance that is for this host, for this plan, and still good; each is taken by value, so that one clearance
//! makes one permit and one permit opens once. It ages: by the time that a run has its turn, the clearance behind the
//! permit may have expired, and then nothing is opened; nor is anything if the keychain holds an identity by then that the
//! gate did not judge.
//!
//! An [`UnlockWindow`] is an open keychain that somebody owns the closing of: a journal is on the disk, a watchdog is
//! armed, and dropping the value closes. A [`Job`](super::process::job::Job) starts only with one.
//!
//! ```compile_fail,E0451
//! // Nobody makes a permit out of nothing.
//! # use countersign::host::window::OpenPermit;
//! let permit = OpenPermit { from: jiff::Timestamp::MIN, until: jiff::Timestamp::MAX, identities: None };
//! ```
//!
//! ```compile_fail,E0308
//! // What a rehearsal says opens nothing.
//! # use countersign::{base::{digest::Digest, ids::HostName}, context::gate::Rehearsal, host::window::OpenPermit};
//! fn open_on_a_rehearsal(rehearsal: Rehearsal, host: &HostName, plan: Digest, now: jiff::Timestamp) {
//!     let permit = OpenPermit::from_clearance(rehearsal, host, plan, now);
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use countersign::{base::{digest::Digest, ids::HostName}, context::gate::Cleared, host::window::OpenPermit};
//! fn two_permits_of_one_clearance(cleared: Cleared, host: &HostName, plan: Digest, now: jiff::Timestamp) {
//!     let one = OpenPermit::from_clearance(cleared, host, plan, now);
//!     let two = OpenPermit::from_clearance(cleared, host, plan, now);
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use countersign::{base::secret::Password, host::window::OpenPermit};
//! # use countersign::host::keychain::{KeychainBackend, KeychainPath, Opening};
//! fn open_twice(
//!     backend: &dyn KeychainBackend, permit: OpenPermit, keychain: &KeychainPath, password: &Password,
//!     opening: &Opening<'_>,
//! ) {
//!     let one = backend.open(permit, keychain, password, opening);
//!     let two = backend.open(permit, keychain, password, opening);
//! }
//! ```
//!
//! ```compile_fail,E0061
//! // No job without a window.
//! # use countersign::host::process::job::{Job, JobCommand};
//! fn start(command: &JobCommand) {
//!     let job = Job::start(command);
//! }
//! ```

mod closing;
mod guard;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub(super) use self::closing::{close, close_in_turn, while_ending};
use self::guard::GRACE;
pub(super) use self::guard::{ARMED, Guard};
use super::keychain::{ChildAccess, Opening};
use super::session::{Order, SessionError};
use crate::apple::certificate::Certificate;
use crate::base::clock::{Clock, SystemClock};
use crate::base::digest::Digest;
use crate::base::event::{Action, Event, Outcome};
use crate::base::ids::{CertSha1, HostName};
use crate::context::gate::Cleared;

/// Leave to open a keychain, once, while the clearance behind it holds.
#[derive(Debug)]
pub struct OpenPermit {
    from: Timestamp,
    until: Timestamp,
    identities: Option<BTreeSet<CertSha1>>,
}

impl OpenPermit {
    /// Turns a clearance into leave to open a keychain on `host` for the plan with digest `plan` at `now`.
    ///
    /// # Errors
    /// The clearance does not hold yet or any more, or was given to another host or for another plan.
    pub fn from_clearance(
        cleared: Cleared,
        host: &HostName,
        plan: Digest,
        now: Timestamp,
    ) -> Result<Self, NotCleared> {
        if !cleared.host().same_as(host) {
            return Err(NotCleared::OtherHost {
                cleared: cleared.host().clone(),
                here: host.clone(),
            });
        }
        if cleared.plan_digest() != plan {
            return Err(NotCleared::OtherPlan {
                cleared: cleared.plan_digest(),
                here: plan,
            });
        }
        let permit = Self {
            from: cleared.from(),
            until: cleared.until(),
            identities: cleared.identities().cloned(),
        };
        permit.check(now).map(|()| permit)
    }

    /// Whether it is still good at `now`.
    ///
    /// # Errors
    /// It has expired, or `now` lies before the instant that the gate judged: the gate must judge again.
    pub fn check(&self, now: Timestamp) -> Result<(), NotCleared> {
        if now < self.from {
            return Err(NotCleared::NotYet {
                from: self.from,
                now,
            });
        }
        if now > self.until {
            return Err(NotCleared::Expired {
                until: self.until,
                now,
            });
        }
        Ok(())
    }

    /// Whether the gate judged identities at all.
    pub fn is_for_identities(&self) -> bool {
        self.identities.is_some()
    }

    /// Whether the gate judged every identity that is `now` in the keychain: somebody may have imported another since, or
    /// it judged a capture.
    ///
    /// # Errors
    /// It did not see this one.
    pub fn check_identities(&self, now: &[Certificate]) -> Result<(), NotCleared> {
        // Waived ones are waived, by name and in every record.
        let Some(judged) = &self.identities else {
            return Ok(());
        };
        match now.iter().find(|one| !judged.contains(&one.sha1)) {
            Some(one) => Err(NotCleared::OtherIdentity {
                certificate: one.sha1,
                name: one.common_name.clone(),
            }),
            None => Ok(()),
        }
    }
}

/// Why a clearance opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCleared {
    /// Too early: the gate judged an instant that is still to come, or the clock was set back since.
    #[error(
        "the gate's clearance is good from {from} on, it is {now}: check this machine's clock and run the gate again"
    )]
    NotYet {
        /// The instant that was judged.
        from: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Too late.
    #[error("the gate's clearance was good until {until}, it is {now}: run the gate again")]
    Expired {
        /// Its last instant.
        until: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// An identity that the gate did not see.
    #[error(
        "{name} ({certificate}) is in the keychain, but the gate did not see it: run again without --identities, so that the \
         keychain itself is judged"
    )]
    OtherIdentity {
        /// Its certificate.
        certificate: CertSha1,
        /// The certificate's common name.
        name: String,
    },
    /// Another machine's.
    #[error("the gate cleared host {cleared}, this is {here}: run the gate here")]
    OtherHost {
        /// The host it was given to.
        cleared: HostName,
        /// This host.
        here: HostName,
    },
    /// Another plan's.
    #[error("the gate cleared plan {cleared}, this one is {here}: run the gate on this plan")]
    OtherPlan {
        /// The plan that was judged.
        cleared: Digest,
        /// The plan at hand.
        here: Digest,
    },
}

/// A keychain that is open, with everything that sees to its closing. Dropping it closes the keychain.
pub struct UnlockWindow<'a> {
    guard: Guard<'a>,
    opened: Timestamp,
    until: Timestamp,
    ends: Instant,
}

impl<'a> UnlockWindow<'a> {
    /// Opens, and says which variables the command is to be given.
    ///
    /// # Errors
    /// [`SessionError::Stopped`] if `stop` said so before anything was opened; and whatever else keeps it closed.
    pub(super) fn open(
        order: Order<'a>,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<(Self, Vec<(OsString, OsString)>), SessionError> {
        let undertaking = order.undertaking;
        // What is not ours to open is not ours to close either, so nothing stands behind it yet.
        undertaking.backend.check(&undertaking.keychain)?;
        let guard = Guard::stand(undertaking, order.window, order.closes, stop)?;
        if stop() {
            guard.call_off()?;
            return Err(SessionError::Stopped);
        }
        // Others may have had their turn for minutes before us.
        let now = SystemClock.now();
        if let Err(expired) = order.permit.check(now) {
            guard.call_off()?;
            return Err(expired.into());
        }
        guard.start_tools()?;
        if let Err(error) = guard.check_identities(&order.permit) {
            guard.call_off()?;
            return Err(error);
        }
        let mut window = Self {
            opened: now,
            until: guard.until(),
            ends: Instant::now() + order.window,
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
        // The idle timeout is the keychain's, not the run's: nobody's may become shorter by our opening.
        let last = others.iter().map(|other| other.until).max();
        let last = last.map_or(window.until, |last| last.max(window.until));
        let run = window.guard.run().clone();
        let opening = Opening {
            run: &run,
            until: window.until,
            idle_timeout: Duration::try_from(last.duration_since(now)).unwrap_or(order.window),
            shared,
        };
        let access = window.guard.backend().open(
            order.permit,
            window.guard.keychain(),
            &order.password,
            &opening,
        );
        drop(order.password);
        let recorded = match &access {
            Ok(_) => window.guard.record(&window.event(Outcome::Done)),
            Err(error) => window
                .guard
                .record(&window.event(Outcome::Failed).detail("error", error)),
        };
        window.guard.end_turn();
        match access.map_err(SessionError::from).and_then(|access| {
            recorded?;
            Ok(access)
        }) {
            Ok(ChildAccess { environment }) => {
                window.opened = SystemClock.now();
                Ok((window, environment))
            }
            Err(error) => {
                window.guard.close()?;
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
    pub(super) fn left(&self) -> Duration {
        let by_calendar = self.until.duration_since(SystemClock.now());
        let by_calendar = Duration::try_from(by_calendar).unwrap_or(Duration::ZERO);
        self.ends
            .saturating_duration_since(Instant::now())
            .min(by_calendar)
    }

    /// Whether the window ended so long ago that the watchdog has acted.
    pub(super) fn is_overdue(&self) -> bool {
        let by_calendar = SystemClock.now().duration_since(self.until);
        self.ends.elapsed() >= GRACE
            || Duration::try_from(by_calendar).is_ok_and(|overdue| overdue >= GRACE)
    }

    pub(super) fn guard(&mut self) -> &mut Guard<'a> {
        &mut self.guard
    }

    pub(super) fn into_guard(self) -> Guard<'a> {
        self.guard
    }
}
