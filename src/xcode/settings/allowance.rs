//! How much work the settings of one project may cause.
//!
//! One expansion is bounded, but a project has tens of thousands of them, and a hostile one lets each go to its bound. So
//! all scopes of a project spend from one allowance, which grows with the project: an honest one uses a small part of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a small project may spend: some hundred expansions that go to their bounds.
const BASE: u64 = 100_000_000;
/// What each configuration of each target adds.
const PER_CONFIGURATION: u64 = 5_000;

/// What is left to spend, in assignments looked at and bytes written; clones spend from one stock.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// The allowance of a scope that belongs to no project.
    pub(super) fn of_scope() -> Self {
        Self(Arc::new(AtomicU64::new(BASE)))
    }

    /// The allowance of a project whose targets have this many configurations in all.
    pub(super) fn of_project(configurations: usize) -> Self {
        let configurations = u64::try_from(configurations).unwrap_or(u64::MAX);
        let allowed = BASE.saturating_add(configurations.saturating_mul(PER_CONFIGURATION));
        Self(Arc::new(AtomicU64::new(allowed)))
    }

    /// Whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Takes `work` from what is left.
    pub(super) fn spend(&self, work: usize) {
        let work = u64::try_from(work).unwrap_or(u64::MAX);
        let left = self.0.load(Ordering::Relaxed);
        // Rows are resolved one after the other; were they not, an imprecise sum would do as well.
        self.0.store(left.saturating_sub(work), Ordering::Relaxed);
    }
}
