//! The versions of the manifest's format.

/// A version of the format. Freezing writes the latest; the earlier ones stay readable, each by its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Profiles and targets.
    First,
    /// Beside them what of the projects was judged, and products without an Xcode project.
    Second,
}

impl Version {
    /// The version that freezing writes.
    pub const LATEST: Self = Self::Second;

    /// The `schema` word of a file of this version.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::First => "countersign.manifest.v1",
            Self::Second => "countersign.manifest.v2",
        }
    }

    /// The version of a file with this `schema` word, if this program reads it.
    pub fn of_schema(word: &str) -> Option<Self> {
        let mut known = [Self::First, Self::Second].into_iter();
        known.find(|version| version.schema() == word)
    }
}
