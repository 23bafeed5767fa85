//! The *targets* group: do the projects ask for what was pinned?
//!
//! Projects are read and compared by [`crate::context::plan`]; here it is only seen to that they were.

use super::facts::{Facts, Observation};
use crate::base::finding::{Code, Finding};

/// Judges the targets.
pub fn check(facts: &Facts) -> Vec<Finding> {
    match &facts.targets {
        Observation::Observed(findings) => findings.clone(),
        Observation::Unobserved { why } => vec![
            Finding::block(Code::TargetsUnobserved, "the targets of the Xcode project were not looked at")
                .found(why)
                .hint("name the project with --project X.xcodeproj, or waive the group with --without targets"),
        ],
    }
}
