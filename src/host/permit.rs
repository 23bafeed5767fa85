//! The permit to open a keychain.
//!
//! Every backend's `open` takes an [`OpenPermit`]. Only this module makes one, from a gate's clearance that is for
//! a run on this host with this plan and is still valid. Clearance and permit are taken by value, so one clearance makes one
//! permit, and one permit opens once. A permit opens nothing after the clearance has expired, for example while a run
//! waits for the lock. It opens nothing before the instant of the judgement. It opens nothing if the keychain holds
//! an identity that the gate did not judge.
//!
//! ```compile_fail,E0451
//! // Nobody makes a permit out of nothing.
//! # use countersign::host::permit::OpenPermit;
//! let permit = OpenPermit { from: jiff::Timestamp::MIN, until: jiff::Timestamp::MAX, identities: None };
//! ```
//!
//! ```compile_fail,E0308
//! // What a rehearsal says opens nothing.
//! # use countersign::{base::{digest::Digest, ids::HostName}, context::gate::Rehearsal, host::permit::OpenPermit};
//! fn open_on_a_rehearsal(rehearsal: Rehearsal, host: &HostName, plan: Digest, now: jiff::Timestamp) {
//!     let permit = OpenPermit::from_clearance(rehearsal, host, plan, now);
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use countersign::{base::{digest::Digest, ids::HostName}, context::gate::Cleared, host::permit::OpenPermit};
//! fn two_permits_of_one_clearance(cleared: Cleared, host: &HostName, plan: Digest, now: jiff::Timestamp) {
//!     let one = OpenPermit::from_clearance(cleared, host, plan, now);
//!     let two = OpenPermit::from_clearance(cleared, host, plan, now);
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use countersign::{base::secret::Password, host::permit::OpenPermit};
//! # use countersign::host::keychain::{KeychainBackend, KeychainPath, Opening};
//! fn open_twice(
//!     backend: &dyn KeychainBackend, permit: OpenPermit, keychain: &KeychainPath, password: &Password,
//!     opening: &Opening<'_>,
//! ) {
//!     let one = backend.open(permit, keychain, password, opening);
//!     let two = backend.open(permit, keychain, password, opening);
//! }
//! ```

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::apple::certificate::Certificate;
use crate::base::digest::Digest;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::{CertSha1, HostName};
use crate::base::remedy::Remedy;
use crate::context::gate::{Cleared, Purpose};

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
    /// The clearance does not hold yet or any more, or was given to another host, for another plan, or for a verdict alone.
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
        if cleared.purpose() != Purpose::Run {
            return Err(NotCleared::ForVerdict);
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
    #[error("the gate's clearance begins at {from}, but it is {now}")]
    NotYet {
        /// The instant that was judged.
        from: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Too late.
    #[error("the gate's clearance ended at {until}, and it is {now}")]
    Expired {
        /// Its last instant.
        until: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// An identity that the gate did not see.
    #[error("{name} ({certificate}) is in the keychain, but the gate did not see it")]
    OtherIdentity {
        /// Its certificate.
        certificate: CertSha1,
        /// The certificate's common name.
        name: String,
    },
    /// Another machine's.
    #[error("the gate cleared host {cleared}, but this is {here}")]
    OtherHost {
        /// The host it was given to.
        cleared: HostName,
        /// This host.
        here: HostName,
    },
    /// One for a verdict alone, which may waive more than a run.
    #[error("the gate judged for a verdict alone, not for a run")]
    ForVerdict,
    /// Another plan's.
    #[error("the gate cleared plan {cleared}, but this one is {here}")]
    OtherPlan {
        /// The plan that was judged.
        cleared: Digest,
        /// The plan at hand.
        here: Digest,
    },
}

impl Explain for NotCleared {
    fn code(&self) -> ErrorCode {
        ErrorCode::ClearanceRefused
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotYet { .. } => "check this machine's clock, then run the gate again",
            Self::Expired { .. } => "run the gate again",
            Self::OtherIdentity { .. } => "run the gate with the identities of the keychain itself",
            Self::ForVerdict => "ask the gate for a run",
            Self::OtherHost { .. } => "run the gate on this host",
            Self::OtherPlan { .. } => "run the gate on this plan",
        };
        Some(hint.to_owned())
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::OtherIdentity { .. } => Some(Remedy::JudgeKeychain),
            _ => None,
        }
    }
}
