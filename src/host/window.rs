//! The unlock window: how long a keychain may be open, and on whose word.
//!
//! An [`OpenPermit`] is what every backend's `open` asks for. It is minted here and nowhere else, out of a gate's
//! clearance that is for this host, for this plan, and still good; taking the clearance by value makes it good for one
//! window.

use crate::base::digest::Digest;
use crate::base::ids::HostName;
use crate::context::gate::Cleared;

/// Leave to open a keychain once.
#[derive(Debug)]
pub struct OpenPermit(());

impl OpenPermit {
    /// Turns a clearance into leave to open a keychain on `host` for the plan with digest `plan` at `now`.
    ///
    /// # Errors
    /// The clearance has expired, or was given to another host or for another plan.
    pub fn from_clearance(
        cleared: Cleared,
        host: &HostName,
        plan: Digest,
        now: jiff::Timestamp,
    ) -> Result<Self, NotCleared> {
        if now > cleared.until() {
            return Err(NotCleared::Expired {
                until: cleared.until(),
                now,
            });
        }
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
        Ok(Self(()))
    }
}

/// Why a clearance opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCleared {
    /// Too late.
    #[error("the gate's clearance was good until {until}, it is {now}: run the gate again")]
    Expired {
        /// Its last instant.
        until: jiff::Timestamp,
        /// Now.
        now: jiff::Timestamp,
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
