//! A problem of a signature: our finding, and what `codesign` is predicted to say of the same.

use std::collections::HashMap;

use super::codesign::Predicted;
use crate::base::finding::{Code, Finding};

/// How many problems of one kind in one bundle are told one by one. Whoever damages a million files should not fill the memory, and
/// nobody reads more.
pub const MOST_OF_A_KIND: usize = 100;

/// A problem of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What we say.
    pub finding: Finding,
    /// What `codesign` is predicted to say; `None` where it has nothing against it.
    pub codesign: Option<Predicted>,
}

impl Problem {
    /// One that `codesign` tells too.
    pub fn both(finding: Finding, codesign: Predicted) -> Self {
        Self {
            finding,
            codesign: Some(codesign),
        }
    }

    /// One that `codesign` has nothing against.
    pub fn ours(finding: Finding) -> Self {
        Self {
            finding,
            codesign: None,
        }
    }
}

/// The problems of one bundle: of each kind the first, and a count of the others. A kind is a code and what `codesign` says of it.
#[derive(Debug, Default)]
pub struct Problems {
    told: Vec<Problem>,
    counts: HashMap<(Code, Option<Predicted>), usize>,
}

impl Problems {
    /// Adds a problem, or counts it.
    pub fn push(&mut self, problem: Problem) {
        let kind = (problem.finding.code, problem.codesign);
        let count = self.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        if *count <= MOST_OF_A_KIND {
            self.told.push(problem);
        }
    }

    /// What is told: where some were only counted, the first of their kind says how many.
    pub fn into_told(mut self) -> Vec<Problem> {
        for ((code, codesign), count) in self.counts {
            let more = count.saturating_sub(MOST_OF_A_KIND);
            let mut told = self.told.iter_mut();
            let first = told.find(|it| it.finding.code == code && it.codesign == codesign);
            if let Some(first) = first.filter(|_| more > 0) {
                let unnamed = format!(" ({more} more like this are not named)");
                first.finding.message.push_str(&unnamed);
            }
        }
        self.told
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }
}
