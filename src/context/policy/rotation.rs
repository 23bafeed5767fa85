//! When renewals begin and when old profiles go: `[rotation]`.

use jiff::SignedDuration;

use super::reader::{Reader, Table};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["lead", "grace"];

/// When renewals begin, and when old profiles go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRules {
    /// How long before the gate begins to block a rotation must have begun.
    pub lead: SignedDuration,
    /// How long a replaced profile stays installed, so that a rollback needs no download.
    pub grace: SignedDuration,
}

impl Default for RotationRules {
    fn default() -> Self {
        Self {
            lead: SignedDuration::from_hours(7 * 24),
            grace: SignedDuration::from_hours(7 * 24),
        }
    }
}

impl RotationRules {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        let default = Self::default();
        let mut duration = |key: &str, default: SignedDuration| {
            let item = reader.get(section, key);
            item.and_then(|item| reader.duration(&item))
                .unwrap_or(default)
        };
        Self {
            lead: duration("lead", default.lead),
            grace: duration("grace", default.grace),
        }
    }
}
