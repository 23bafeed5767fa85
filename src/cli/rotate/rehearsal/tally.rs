//! Tallies: how many builds come to each outcome, and the sign, the words and the meaning of that outcome.

use crate::context::rotation::rehearsal::Outcome;
use crate::ops::rotate::ShownBuilds;

/// How many builds come to each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    passes: usize,
    blocked_rightly: usize,
    blocked_though_they_would_build: usize,
    pass_though_they_would_fail: usize,
}

/// The outcomes, in the order in which they are shown.
pub(super) const OUTCOMES: [Outcome; 4] = [
    Outcome::Passes,
    Outcome::BlockedRightly,
    Outcome::BlockedThoughItWouldBuild,
    Outcome::PassesThoughItWouldFail,
];

impl Tally {
    /// Of the builds of one branch at one instant.
    pub(super) fn of(builds: &ShownBuilds) -> Self {
        let mut tally = Self::default();
        for group in &builds.groups {
            tally.add(group.outcome, group.hosts.len());
        }
        tally
    }

    pub(super) fn add(&mut self, outcome: Outcome, builds: usize) {
        *match outcome {
            Outcome::Passes => &mut self.passes,
            Outcome::BlockedRightly => &mut self.blocked_rightly,
            Outcome::BlockedThoughItWouldBuild => &mut self.blocked_though_they_would_build,
            Outcome::PassesThoughItWouldFail => &mut self.pass_though_they_would_fail,
        } += builds;
    }

    /// With those of another.
    pub(super) fn with(mut self, other: Self) -> Self {
        for outcome in OUTCOMES {
            self.add(outcome, other.count(outcome));
        }
        self
    }

    pub(super) fn count(&self, outcome: Outcome) -> usize {
        match outcome {
            Outcome::Passes => self.passes,
            Outcome::BlockedRightly => self.blocked_rightly,
            Outcome::BlockedThoughItWouldBuild => self.blocked_though_they_would_build,
            Outcome::PassesThoughItWouldFail => self.pass_though_they_would_fail,
        }
    }

    /// All of them.
    pub(super) fn builds(&self) -> usize {
        OUTCOMES.iter().map(|outcome| self.count(*outcome)).sum()
    }

    /// `2 pass, 1 is blocked rightly`: what there is any of.
    pub(super) fn in_words(&self) -> String {
        let told = OUTCOMES.into_iter().filter_map(|outcome| {
            let count = self.count(outcome);
            (count > 0).then(|| format!("{count} {}", of_many(outcome)))
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

/// The sign of an outcome: who does not see its colour sees that.
pub(super) fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passes => "✓",
        Outcome::BlockedRightly => "■",
        Outcome::BlockedThoughItWouldBuild => "□",
        Outcome::PassesThoughItWouldFail => "✗",
    }
}

/// The class of an outcome, in the page's style sheet.
pub(super) fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passes => "pass",
        Outcome::BlockedRightly => "right",
        Outcome::BlockedThoughItWouldBuild => "would",
        Outcome::PassesThoughItWouldFail => "miss",
    }
}

/// A word for where there is no room for more.
pub(super) fn short(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passes => "passes",
        Outcome::BlockedRightly | Outcome::BlockedThoughItWouldBuild => "blocked",
        Outcome::PassesThoughItWouldFail => "would fail",
    }
}

/// The words for many builds, behind their number.
pub(super) fn of_many(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passes => "pass",
        Outcome::BlockedRightly => "blocked rightly",
        Outcome::BlockedThoughItWouldBuild => "blocked though they would build",
        Outcome::PassesThoughItWouldFail => "pass though they would fail",
    }
}

/// What an outcome means.
pub(super) fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passes => "The gate lets them start, and they build.",
        Outcome::BlockedRightly => "The gate stops them, and they would fail.",
        Outcome::BlockedThoughItWouldBuild => {
            "The gate stops them, and they would build. Mostly a margin of the policy is why."
        }
        Outcome::PassesThoughItWouldFail => {
            "The gate lets them start, and they fail. A rehearsal looks for these."
        }
    }
}
