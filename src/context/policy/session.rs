//! What happens around the command of a run: `[session]`.

use super::reader::{Reader, Table};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["on_stragglers"];

/// What becomes of processes that a command leaves running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStragglers {
    /// They are ended.
    #[default]
    End,
    /// They are named in the receipt and the record, and go on.
    Report,
}

/// What happens around the command of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionRules {
    /// What becomes of processes that the command leaves running.
    pub on_stragglers: OnStragglers,
}

impl SessionRules {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        let on_stragglers = reader.get(section, "on_stragglers").and_then(|item| {
            let words = [("end", OnStragglers::End), ("report", OnStragglers::Report)];
            reader.word(&item, "\"end\" or \"report\"", words)
        });
        Self {
            on_stragglers: on_stragglers.unwrap_or_default(),
        }
    }
}
