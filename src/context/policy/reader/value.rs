//! Values of a TOML file, each with the key path that leads to it and the offset at which it is written.

use toml::de::{DeTable, DeValue};

/// A table of the file with the key path that leads to it. One that is not written reads as an empty one, so that its
/// keys take their defaults.
#[derive(Clone)]
pub(crate) struct Table<'v> {
    pub(super) path: String,
    pub(super) at: usize,
    pub(super) entries: Option<&'v DeTable<'v>>,
}

/// A value of the file with the key path that leads to it.
#[derive(Clone)]
pub(crate) struct Item<'v> {
    pub(super) path: String,
    pub(super) at: usize,
    pub(super) value: &'v DeValue<'v>,
}

impl Item<'_> {
    /// The key path, as in `keychain.allowed[0].zone`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is written as `[]`.
    pub(crate) fn is_empty_list(&self) -> bool {
        matches!(self.value, DeValue::Array(values) if values.is_empty())
    }

    /// The value as a finding shows it.
    pub(crate) fn shown(&self) -> String {
        match self.value {
            DeValue::String(text) => format!("{:?}", shortened(text)),
            DeValue::Integer(integer) => shortened(&integer.to_string()),
            DeValue::Float(float) => shortened(&float.to_string()),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(datetime) => datetime.to_string(),
            DeValue::Array(values) if values.is_empty() => "an empty list".to_owned(),
            DeValue::Array(values) => format!("a list of {}", values.len()),
            DeValue::Table(_) => "a section".to_owned(),
        }
    }

    /// The value of `true` or `false`.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether it is this text.
    pub(crate) fn is_text(&self, text: &str) -> bool {
        matches!(self.value, DeValue::String(found) if found == text)
    }

    /// Whether it is a list of anything.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }
}

/// `parent.key`, with the key quoted where TOML would want quotes.
pub(super) fn joined(parent: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let key = if bare {
        key.to_owned()
    } else {
        format!("{:?}", shortened(key))
    };
    if parent.is_empty() {
        key
    } else {
        format!("{parent}.{key}")
    }
}

/// Text cut to a length that fits a message.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut chars = text.chars();
    let mut short: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
