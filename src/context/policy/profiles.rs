//! Rules for provisioning profiles: `[profiles]`.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::reader::{Item, Reader, Table};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &[
    "directories",
    "minimum_validity",
    "warn_before",
    "read_only",
    "trust_anchors",
];

/// What is asked of the directories of installed profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadOnly {
    /// Nothing: the user who signs may write there.
    #[default]
    No,
    /// They belong to another user, and the user who signs may write nothing there.
    Yes,
    /// Besides, the user who signs may rename no directory on the way to them.
    Strict,
}

/// What provisioning profiles must fulfil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRules {
    /// Where installed profiles lie, resolved. Empty: both directories of Xcode
    /// (`host::directories::xcode_profiles`).
    pub directories: Vec<PathBuf>,
    /// A pinned profile or certificate with less validity left than this blocks.
    pub minimum_validity: SignedDuration,
    /// One with less validity left than this is warned about.
    pub warn_before: SignedDuration,
    /// What is asked of the profile directories.
    pub read_only: ReadOnly,
    /// Further PEM files with trust anchors, for rehearsals. Whatever they prove is reported as not Apple's.
    pub trust_anchors: Vec<PathBuf>,
}

impl Default for ProfileRules {
    fn default() -> Self {
        Self {
            directories: Vec::new(),
            minimum_validity: SignedDuration::from_hours(7 * 24),
            warn_before: SignedDuration::from_hours(30 * 24),
            read_only: ReadOnly::No,
            trust_anchors: Vec::new(),
        }
    }
}

impl ProfileRules {
    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        let default = Self::default();
        let mut paths = |key: &str| {
            let item = reader.get(section, key)?;
            read_paths(reader, &item)
        };
        let directories = paths("directories").unwrap_or_default();
        let trust_anchors = paths("trust_anchors").unwrap_or_default();
        let mut duration = |key: &str, default: SignedDuration| {
            let item = reader.get(section, key);
            item.and_then(|item| reader.duration(&item))
                .unwrap_or(default)
        };
        let minimum_validity = duration("minimum_validity", default.minimum_validity);
        let warn_before = duration("warn_before", default.warn_before);
        let read_only = reader
            .get(section, "read_only")
            .and_then(|item| read_read_only(reader, &item));
        Self {
            directories,
            minimum_validity,
            warn_before,
            read_only: read_only.unwrap_or(default.read_only),
            trust_anchors,
        }
    }
}

fn read_read_only(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<ReadOnly> {
    const EXPECTED: &str = "true, false or \"strict\"";
    match item.boolean() {
        Some(true) => Some(ReadOnly::Yes),
        Some(false) => Some(ReadOnly::No),
        None if item.is_text("strict") => Some(ReadOnly::Strict),
        None => reader.refuse(
            item,
            format!("`{}` is not {EXPECTED}", item.path()),
            EXPECTED,
            item.shown(),
            Some("write true and false without quotes"),
        ),
    }
}

fn read_paths(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Vec<PathBuf>> {
    let items = reader.list(item, "a list of paths")?;
    let read = items
        .iter()
        .filter_map(|item| Some((reader.path(item)?, item)))
        .collect();
    Some(reader.distinct(read, PathBuf::clone))
}
