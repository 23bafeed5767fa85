//! When renewals begin and when old profiles go: `[rotation]`.

use jiff::SignedDuration;

use super::credentials::Credential;
use super::reader::{Reader, Table};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["lead", "grace", "credentials"];

/// When renewals begin, and when old profiles go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRules {
    /// How long before the gate begins to block a rotation must have begun.
    pub lead: SignedDuration,
    /// How long a replaced profile stays installed, so that a rollback needs no download.
    pub grace: SignedDuration,
    /// What else must be replaced in time, in the order of the file.
    pub credentials: Vec<Credential>,
}

impl Default for RotationRules {
    fn default() -> Self {
        Self {
            lead: SignedDuration::from_hours(7 * 24),
            grace: SignedDuration::from_hours(7 * 24),
            credentials: Vec::new(),
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
        let lead = duration("lead", default.lead);
        let grace = duration("grace", default.grace);
        let credentials = reader.get(section, "credentials");
        let credentials = credentials.and_then(|item| Credential::read_all(reader, &item));
        Self {
            lead,
            grace,
            credentials: credentials.unwrap_or_default(),
        }
    }
}
