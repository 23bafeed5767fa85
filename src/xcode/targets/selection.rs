//! Which rows are asked for, and what comes back.

use super::row::SigningTarget;
use crate::base::finding::Finding;
use crate::xcode::platform::Platform;

/// What to resolve.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Only targets with these names; empty: all.
    pub targets: &'a [&'a str],
    /// Only this configuration. A target that has none of this name is resolved in its default one, as Xcode would
    /// build it.
    pub configuration: Option<&'a str>,
    /// Only this platform, which may be a simulator.
    pub platform: Option<Platform>,
}

/// Rows, and what is not right with them.
#[derive(Debug, Clone, Default)]
pub struct SigningTargets {
    /// The rows, by target in the project's order, then configuration, then platform.
    pub rows: Vec<SigningTarget>,
    /// What is not right with the project, its configuration files, and the selected targets.
    pub findings: Vec<Finding>,
}
