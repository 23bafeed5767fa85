//! What of the projects was judged when the manifest was frozen: later commands judge the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::ids::{ConfigurationName, TargetName};

/// What of the projects was judged. The order of fields here is their order in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedArchive {
    /// The scheme that was archived; null if nothing told which is meant.
    pub scheme: Option<String>,
    /// The configurations that were pinned, sorted; empty: all of them.
    pub configurations: Vec<ConfigurationName>,
    /// The targets that need a profile and may be without one, because whoever froze named them, sorted.
    pub unmapped: Vec<TargetName>,
}

impl PinnedArchive {
    /// The same in the order in which it is written, each name once.
    #[must_use]
    pub(super) fn ordered(mut self) -> Self {
        self.configurations.sort();
        self.configurations.dedup();
        self.unmapped.sort();
        self.unmapped.dedup();
        self
    }
}
