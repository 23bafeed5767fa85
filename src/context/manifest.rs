//! The frozen manifest, `profiles.json`: what the signing context is pinned to.
//!
//! `manifest freeze` writes it, people review and commit it, the gate compares the world with it. It is deterministic:
//! the same profiles give the same bytes on any machine at any time, in any order of discovery, because nothing in it
//! comes from a clock, a host or a directory listing. Its digest is therefore a name for a whole signing context, and a
//! diff of two manifests is what changed between them.
//!
//! A [`Manifest`] exists only after [`Manifest::parse`]: well-formed, complete in itself (each target's profile is
//! there), unique and in order. Unknown and repeated keys are errors, so that nothing which a reviewer reads is
//! silently ignored. Whether its *bytes* are the ones freezing writes is a separate question
//! ([`Manifest::is_canonical`]), because a reviewer's editor may have touched white space without changing the meaning;
//! whoever pins the digest pins the bytes anyway.

pub mod diff;
pub mod entry;
pub mod freeze;
pub mod verify;

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use entry::{PinnedCertificate, PinnedProfile, PinnedTarget, ProfileState};

use crate::base::digest::Digest;
use crate::base::ids::{FileSha256, ProfileUuid};

/// The `schema` word of the version that this program writes and reads.
pub const SCHEMA: &str = "countersign.manifest.v1";

/// The largest manifest that is read: twenty thousand profiles with long entitlements.
pub const MAX_BYTES: usize = 128 * 1024 * 1024;

/// The last revision: the largest integer that every JSON reader holds exactly (RFC 8259, section 6).
pub const MAX_REVISION: u64 = (1 << 53) - 1;

/// What the file holds, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Always `countersign.manifest.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// Rises by one exactly when anything else in the file changes.
    pub revision: u64,
    /// Every pinned profile, by UUID.
    pub profiles: Vec<PinnedProfile>,
    /// Every target of every project, by (project, target, configuration, platform).
    pub targets: Vec<PinnedTarget>,
}

/// A manifest that is well-formed, complete and in order. Only [`Manifest::parse`] makes one.
#[derive(Debug, Clone)]
pub struct Manifest {
    content: Content,
    digest: Digest,
    by_uuid: HashMap<ProfileUuid, usize>,
    files: HashSet<FileSha256>,
    /// The profiles that targets are pinned to.
    signing: HashSet<ProfileUuid>,
}

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

impl Manifest {
    /// Reads a manifest from its bytes.
    ///
    /// # Errors
    /// They are no manifest that this version can use; the error names the line or the JSON pointer.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let content: Content =
            serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
        if content.schema != SCHEMA {
            return Err(ManifestError::Schema {
                found: content.schema,
            });
        }
        if !(1..=MAX_REVISION).contains(&content.revision) {
            return Err(ManifestError::Revision {
                found: content.revision,
            });
        }
        in_order(
            &content.profiles,
            "profiles",
            |a, b| a.uuid < b.uuid,
            |profile| profile.uuid.to_string(),
        )?;
        in_order(
            &content.targets,
            "targets",
            |a, b| a.key() < b.key(),
            |target| target.target.to_string(),
        )?;
        let by_uuid: HashMap<_, _> = content
            .profiles
            .iter()
            .enumerate()
            .map(|(index, profile)| (profile.uuid.clone(), index))
            .collect();
        for (index, target) in content.targets.iter().enumerate() {
            if !by_uuid.contains_key(&target.profile) {
                return Err(ManifestError::Dangling {
                    pointer: format!("/targets/{index}/profile"),
                    target: target.target.to_string(),
                    profile: target.profile.to_string(),
                });
            }
        }
        let files = content
            .profiles
            .iter()
            .map(|profile| profile.sha256)
            .collect();
        let signing = content
            .targets
            .iter()
            .map(|target| target.profile.clone())
            .collect();
        Ok(Self {
            content,
            digest: Digest::of(bytes),
            by_uuid,
            files,
            signing,
        })
    }

    /// What it holds.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The pinned profiles, by UUID.
    pub fn profiles(&self) -> &[PinnedProfile] {
        &self.content.profiles
    }

    /// The pinned targets.
    pub fn targets(&self) -> &[PinnedTarget] {
        &self.content.targets
    }

    /// Its revision.
    pub fn revision(&self) -> u64 {
        self.content.revision
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The pinned profile with this UUID and its position.
    pub fn profile(&self, uuid: &ProfileUuid) -> Option<(usize, &PinnedProfile)> {
        let index = *self.by_uuid.get(uuid)?;
        Some((index, self.content.profiles.get(index)?))
    }

    /// Whether a profile signs anything: it is not retiring, or a target is pinned to it nevertheless.
    pub fn is_in_use(&self, profile: &PinnedProfile) -> bool {
        profile.state != ProfileState::Retiring || self.signing.contains(&profile.uuid)
    }

    /// Whether a file with this digest is pinned.
    pub fn has_bytes(&self, sha256: &FileSha256) -> bool {
        self.files.contains(sha256)
    }

    /// Whether `bytes`, from which this was parsed, are what freezing writes.
    pub fn is_canonical(&self, bytes: &[u8]) -> bool {
        self.content.equals_bytes(bytes)
    }
}

impl Content {
    /// Writes the file: two-space JSON, keys in schema order, a final newline.
    ///
    /// # Errors
    /// `out` fails.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut out, self)?;
        out.write_all(b"\n")
    }

    /// Whether `bytes` are what [`Content::write`] writes, without holding a second copy of them.
    pub fn equals_bytes(&self, bytes: &[u8]) -> bool {
        let mut comparison = Comparison { rest: bytes };
        self.write(&mut comparison).is_ok() && comparison.rest.is_empty()
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory cannot fail, and every type in here serializes.
        self.write(&mut bytes).unwrap_or_default();
        bytes
    }
}

/// Swallows what is written as long as it equals what is expected.
struct Comparison<'a> {
    rest: &'a [u8],
}

impl Write for Comparison<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        match self.rest.strip_prefix(written) {
            Some(rest) => {
                self.rest = rest;
                Ok(written.len())
            }
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The JSON Schema (2020-12) of the manifest, generated from its types.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Content).to_value()
}

fn in_order<T>(
    items: &[T],
    list: &str,
    precedes: impl Fn(&T, &T) -> bool,
    name: impl Fn(&T) -> String,
) -> Result<(), ManifestError> {
    for (index, pair) in items.windows(2).enumerate() {
        if let [before, after] = pair
            && !precedes(before, after)
        {
            return Err(ManifestError::Order {
                pointer: format!("/{list}/{}", index + 1),
                what: name(after),
            });
        }
    }
    Ok(())
}

/// Turns a JSON error into ours; a file of another version is told as such and not by its unknown keys.
fn explain(bytes: &[u8], error: &serde_json::Error) -> ManifestError {
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

/// An instant as the manifest writes it: RFC 3339 in UTC, whole seconds.
pub(crate) mod instant {
    use super::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        instant: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(instant)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            serde::de::Error::custom(format_args!(
                "{text:?} is no instant, as in 2026-09-29T14:12:26Z"
            ))
        })
    }
}
