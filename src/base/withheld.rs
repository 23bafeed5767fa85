//! Texts that may decide and are not shown.
//!
//! A project may refer to the environment: `$(PROFILE_NAME)` means a variable of whoever builds. Such a value decides which
//! profile signs, and yet whoever writes the project may name any variable, `$(DEPLOY_TOKEN)` too, and read the report. So
//! what came out of the environment is withheld: a [`Text`] of it compares by its value, and everything that is printed,
//! stored or handed on says where it came from instead. [`Text::revealed`] is for comparisons alone.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A text, and what is shown in its stead if it is withheld.
#[derive(Clone)]
pub struct Text {
    value: Box<str>,
    shown: Option<Box<str>>,
}

impl Text {
    /// A text that is shown as `shown`.
    pub fn withheld(value: &str, shown: &str) -> Self {
        Self {
            value: value.into(),
            shown: Some(shown.into()),
        }
    }

    /// What may be printed, stored and handed on.
    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.value)
    }

    /// What decides. It goes into comparisons and nowhere else.
    pub fn revealed(&self) -> &str {
        &self.value
    }

    /// Whether it is withheld.
    pub fn is_withheld(&self) -> bool {
        self.shown.is_some()
    }
}

/// A text that may be shown.
impl From<&str> for Text {
    fn from(value: &str) -> Self {
        Self {
            value: value.into(),
            shown: None,
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.shown())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.shown(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_withheld_compares_and_is_not_shown() {
        let text = Text::withheld("s3cret", "$(TOKEN) from the environment");
        assert_eq!(text, Text::from("s3cret"));
        assert_ne!(text, Text::from(text.shown()));
        assert_eq!(text.to_string(), "$(TOKEN) from the environment");
        assert!(!format!("{text:?}").contains("s3cret"));
        assert!(text.is_withheld() && !Text::from("s3cret").is_withheld());
    }
}
