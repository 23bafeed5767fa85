//! Why bytes are not a manifest.

use serde::Deserialize;

use super::content::{MAX_REVISION, SCHEMA};

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
    #[error(
        "it says schema {found:?}; this program reads {SCHEMA:?}: install the countersign that wrote it"
    )]
    Schema {
        /// What it says.
        found: String,
    },
    /// No `schema` at all: some other JSON.
    #[error("it has no \"schema\": {SCHEMA:?}, so it is no manifest of countersign's")]
    NoSchema,
    /// Profiles or targets stand twice or out of order.
    #[error(
        "{pointer}: {what} stands twice or out of order; write the file with `countersign manifest freeze`"
    )]
    Order {
        /// JSON pointer.
        pointer: String,
        /// Which.
        what: String,
    },
    /// A target is pinned to a profile that the manifest does not hold.
    #[error(
        "{pointer}: target {target} is pinned to profile {profile}, which the manifest does not hold"
    )]
    Dangling {
        /// JSON pointer.
        pointer: String,
        /// The target.
        target: String,
        /// The profile.
        profile: String,
    },
    /// Revisions count from 1, and every JSON reader must be able to tell one from the next.
    #[error("/revision: revisions count from 1 to {MAX_REVISION}, this one is {found}")]
    Revision {
        /// What it says.
        found: u64,
    },
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
            }) if found != SCHEMA => return ManifestError::Schema { found },
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
