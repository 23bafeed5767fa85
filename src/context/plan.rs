//! The plan: which profile and which certificate sign each target, in each configuration, on each platform.
//!
//! The project says what every target asks for ([`SigningTarget`](crate::xcode::targets::SigningTarget)), the manifest (or a directory of profiles) says
//! what there is, and the plan brings them together: exact bundle ids before wildcards, longer prefixes before
//! shorter, active profiles before incoming ones, kind and team as asked. What a target asks for by name or UUID must
//! agree with that. The plan lists every profile that could have been chosen, with the reason why it was not
//! ([`Discarded`]).
//!
//! Pure: rows and profiles in, choices and findings out. Each finding points at the line of the project or of the
//! configuration file that caused it.

mod available;
mod check;
mod choose;
pub mod expiry;
pub mod export;
mod fit;
mod judged;
mod judgement;
mod options;
mod pinned;
mod profiles;
mod request;
mod row;
mod unobserved;
mod withheld;

use crate::base::finding;

pub use judgement::{Judgement, judge};
pub use pinned::{PinnedTargets, project_name};
pub use request::Request;
pub use row::{Choice, Discarded, Plan, Row, Why};
pub use unobserved::LookedAt;
pub use withheld::withheld;

use available::Available;
use judged::Judged;

/// Makes the plan.
pub fn plan<'a>(request: &Request<'a>) -> Plan<'a> {
    plan_by(request, &Available::new(request)).0
}

/// The plan, and which of the targets are judged.
fn plan_by<'a>(request: &Request<'a>, available: &Available<'a>) -> (Plan<'a>, Judged) {
    let mut rows: Vec<Row<'a>> = request
        .targets
        .iter()
        .filter(|target| target.needs_profile())
        .map(|target| choose::choose(target, available))
        .collect();
    let judged = Judged::of(&rows, request, available);
    for row in &mut rows {
        row.is_judged = judged.has(row.target, available);
    }
    let mut findings = check::check(&rows, request, available, &judged);
    finding::sort(&mut findings);
    (Plan { rows, findings }, judged)
}
