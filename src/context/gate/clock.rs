//! The clock of this machine, in the *node* group: does time run forward?
//!
//! Whoever sets the clock back makes an expired certificate valid and a closed hour open. The audit log remembers what time
//! it was, so a clock that is behind its last record blocks. The difference that time synchronisation corrects is allowed.

use jiff::Timestamp;

use crate::base::clock::{CLOCK_CORRECTION, show_duration};
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::gate::facts::{Observation, Observed};

/// Why there is no audit log to look at, where nothing says where it would lie.
pub const NO_STATE_DIRECTORY: &str =
    "the home directory is unknown, so there is no state directory";

/// Checks the clock against the last record of the audit log.
pub fn check(facts: &Observed) -> Option<Finding> {
    against(&facts.last_record, facts.now)
}

/// Checks a clock that says `now` against the latest time that the audit log knows of.
pub fn against(last_record: &Observation<Option<Timestamp>>, now: Timestamp) -> Option<Finding> {
    let last = match last_record {
        Observation::Observed(last) => (*last)?,
        Observation::Unobserved { why } => {
            let message = format!("the clock cannot be compared with the audit log: {why}");
            let finding = Finding::block(Code::RecordUnobserved, message);
            return Some(match why == NO_STATE_DIRECTORY {
                true => finding
                    .hint("set HOME, or name a state directory")
                    .remedy(Remedy::NameStateDirectory),
                false => finding
                    .hint("correct what is wrong with the audit log; a verification names it")
                    .remedy(Remedy::VerifyAuditLog),
            });
        }
    };
    let behind = last.duration_since(now);
    if behind <= CLOCK_CORRECTION {
        return None;
    }
    let message = format!(
        "the clock is {} behind the last record of the audit log",
        show_duration(behind)
    );
    let finding = Finding::block(Code::ClockBehindRecord, message);
    let hint = "set the clock; if it is right, it was ahead when the record was written: resume the audit log";
    Some(
        finding
            .values(format!("{last} or later"), now)
            .hint(hint)
            .remedy(Remedy::ResumeAuditLog),
    )
}
