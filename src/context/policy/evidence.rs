//! What a built product may hold beyond what is planned: `[evidence]`.

use super::reader::{Reader, Table};
use crate::base::ids::TeamId;

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["nested_teams"];

/// What a built product may hold beyond what is planned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EvidenceRules {
    /// The teams whose code may be nested in a product: makers of helpers that stay signed by them.
    pub nested_teams: Vec<TeamId>,
}

impl EvidenceRules {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        const TEAM: &str = "a team id of ten letters and digits, as text";
        let teams = reader.get(section, "nested_teams").and_then(|item| {
            reader.parsed_list::<TeamId, _>(&item, TEAM, |team| team.as_str().to_owned())
        });
        Self {
            nested_teams: teams.unwrap_or_default(),
        }
    }
}
