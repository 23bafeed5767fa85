//! What the gate may be asked to leave out, and what it blocks besides: `[gate]`.
//!
//! Whoever starts a job can waive a group by name. The people who own the keys say here which groups that may be: by
//! default identities and targets for a verdict alone, and none for a run, because a run opens the keychain.

use std::collections::BTreeSet;

use super::reader::{Item, Reader, Table};
use crate::base::finding::Group;

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["waivable", "run_waivable", "block_on"];

/// The groups that a job can waive, as the policy names them. The policy itself is none of them: no file allows to do
/// without it.
const GROUPS: [(&str, Group); 3] = [
    ("profiles", Group::Profiles),
    ("identities", Group::Identities),
    ("targets", Group::Targets),
];

/// Circumstances of the process that stand in verdict and record, and block where the policy asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockOn {
    /// The loader puts foreign libraries into programs (`LD_PRELOAD`, `DYLD_…`).
    Preload,
    /// The process is in a user or UTS namespace that is not the kernel's first.
    Namespace,
}

/// What the gate may be asked to leave out, and what it blocks besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateRules {
    /// The groups that may be waived for a verdict.
    pub waivable: BTreeSet<Group>,
    /// The groups that may be waived for a run.
    pub run_waivable: BTreeSet<Group>,
    /// What blocks.
    pub block_on: BTreeSet<BlockOn>,
}

impl Default for GateRules {
    fn default() -> Self {
        Self {
            waivable: BTreeSet::from([Group::Identities, Group::Targets]),
            run_waivable: BTreeSet::new(),
            block_on: BTreeSet::from([BlockOn::Preload]),
        }
    }
}

impl GateRules {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        let default = Self::default();
        let waivable = reader
            .get(section, "waivable")
            .and_then(|item| read_groups(reader, &item));
        let run_waivable = reader
            .get(section, "run_waivable")
            .and_then(|item| read_groups(reader, &item));
        let block_on = reader.get(section, "block_on").and_then(|item| {
            let words = [
                ("preload", BlockOn::Preload),
                ("namespace", BlockOn::Namespace),
            ];
            reader.words(
                &item,
                "a list, each \"preload\" or \"namespace\"",
                "preload or namespace",
                words,
            )
        });
        Self {
            waivable: waivable.unwrap_or(default.waivable),
            run_waivable: run_waivable.unwrap_or(default.run_waivable),
            block_on: block_on.unwrap_or(default.block_on),
        }
    }
}

fn read_groups(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<BTreeSet<Group>> {
    reader.words(
        item,
        "a list of groups, as in [\"identities\", \"targets\"]",
        "one of profiles, identities, targets",
        GROUPS,
    )
}
