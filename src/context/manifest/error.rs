//! Why bytes are not a manifest.

use serde::Deserialize;

use super::content::{Difference, MAX_REVISION};
use super::version::Version;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::remedy::Remedy;

/// Why bytes are not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or not of this shape: a typo, an unknown or a repeated key.
    #[error("line {line}, column {column}: {problem}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// Written by a later version of this program.
    #[error("its schema is {found:?}, but this program reads {:?}", Version::LATEST.schema())]
    Schema {
        /// What it says.
        found: String,
    },
    /// No `schema` at all: some other JSON.
    #[error("it has no \"schema\": {:?}, so it is not a manifest", Version::LATEST.schema())]
    NoSchema,
    /// Profiles, targets or products are repeated or out of order.
    #[error("{pointer}: {what} is repeated or out of order")]
    Order {
        /// JSON pointer.
        pointer: String,
        /// Which.
        what: String,
    },
    /// A target or a product is pinned to a profile that the manifest does not hold.
    #[error("{pointer}: {what} is pinned to profile {profile}, which is not in the manifest")]
    Dangling {
        /// JSON pointer.
        pointer: String,
        /// `target App`, or `product helper`.
        what: String,
        /// The profile.
        profile: String,
    },
    /// It reads as a manifest, but its bytes are not what freezing writes of it: somebody edited it.
    #[error("{0}")]
    NotFrozen(Difference),
    /// Revisions count from 1, and every JSON reader must be able to tell one from the next.
    #[error("/revision: a revision is a number from 1 to {MAX_REVISION}, but this one is {found}")]
    Revision {
        /// What it says.
        found: u64,
    },
}

impl Explain for ManifestError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Json { .. } => "restore the file from version control, or freeze it again",
            Self::Schema { .. } => "install the countersign that wrote the file",
            Self::NoSchema => "name the manifest's file",
            Self::Order { .. }
            | Self::Dangling { .. }
            | Self::Revision { .. }
            | Self::NotFrozen(_) => "freeze the manifest again instead of editing it",
        };
        Some(hint.to_owned())
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Schema { .. } => None,
            Self::NoSchema => Some(Remedy::NameManifest),
            _ => Some(Remedy::FreezeManifest),
        }
    }

    fn place(&self) -> Place {
        let (line, pointer) = match self {
            Self::Json { line, .. } | Self::NotFrozen(Difference { line, .. }) => {
                (u64::try_from(*line).ok(), None)
            }
            Self::Order { pointer, .. } | Self::Dangling { pointer, .. } => {
                (None, Some(pointer.clone()))
            }
            Self::Revision { .. } => (None, Some("/revision".to_owned())),
            Self::Schema { .. } | Self::NoSchema => (None, None),
        };
        Place {
            line,
            pointer,
            ..Place::default()
        }
    }
}

/// Turns a JSON error into ours; a file of another version is told as such and not by its unknown keys.
pub(super) fn explain(bytes: &[u8], error: &serde_json::Error) -> ManifestError {
    #[derive(Deserialize)]
    struct AnyVersion {
        schema: Option<String>,
    }
    if error.is_data() {
        match serde_json::from_slice::<AnyVersion>(bytes) {
            Ok(AnyVersion {
                schema: Some(found),
            }) if Version::of_schema(&found).is_none() => return ManifestError::Schema { found },
            Ok(AnyVersion { schema: None }) => return ManifestError::NoSchema,
            _ => {}
        }
    }
    let problem = error.to_string();
    let problem = problem
        .rsplit_once(" at line ")
        .map_or(problem.as_str(), |(problem, _)| problem)
        .to_owned();
    ManifestError::Json {
        line: error.line(),
        column: error.column(),
        problem,
    }
}
