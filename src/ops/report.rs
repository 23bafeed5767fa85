//! Words that several documents share, and where a document's findings stand.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::ids::{CertSha1, CertSha256};
use crate::context::gate::facts::Identity;
use crate::context::manifest::Manifest;
use crate::context::state::State;

/// A document that a verb answers with. Whoever shows it takes the findings from it, so that every form of the answer
/// says the same.
pub trait Report: Serialize {
    /// Every finding in it, in the order in which it is shown.
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        Vec::new()
    }

    /// Where its headline goes, if it has one: whoever shows the document writes it, for only that knows commands.
    fn head_mut(&mut self) -> Option<&mut Head> {
        None
    }
}

/// What a report begins with, where something blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Head {
    /// The first problem, in words; absent if nothing blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// What comes next: a command that can be pasted as it stands, or what to do in words; absent if nothing blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A verdict, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictWord {
    /// No finding blocks.
    Cleared,
    /// At least one finding blocks.
    Blocked,
}

impl VerdictWord {
    /// The word for whether it is cleared.
    pub fn of(is_cleared: bool) -> Self {
        if is_cleared {
            Self::Cleared
        } else {
            Self::Blocked
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Blocked => "blocked",
        }
    }
}

/// A manifest by digest and revision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ManifestName {
    /// SHA-256 of the file's bytes: `sha256:` and 64 hex digits.
    pub digest: Digest,
    /// Its revision: from 1, one more for each change.
    pub revision: u64,
}

impl From<&Manifest> for ManifestName {
    fn from(manifest: &Manifest) -> Self {
        Self {
            digest: manifest.digest(),
            revision: manifest.revision(),
        }
    }
}

/// A policy by its digest.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyName {
    /// SHA-256 of the file's bytes: `sha256:` and 64 hex digits.
    pub digest: Digest,
}

impl From<Digest> for PolicyName {
    fn from(digest: Digest) -> Self {
        Self { digest }
    }
}

/// Paths as a document shows them. A name that is not UTF-8 is shown with replacement characters.
pub fn shown_paths(paths: &[PathBuf]) -> Vec<String> {
    let paths = paths.iter();
    paths.map(|path| path.display().to_string()).collect()
}

/// A private key with its certificate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownIdentity {
    /// SHA-1 of the certificate's DER encoding, hex.
    pub sha1: CertSha1,
    /// SHA-256 of the certificate's DER encoding, hex; absent if neither its bytes nor a pinned profile tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<CertSha256>,
    /// How the source names it: the certificate's common name; not unique.
    pub label: String,
    /// Why it cannot sign, if the source says so (`CSSMERR_TP_NOT_TRUSTED`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When its certificate expires (RFC 3339, UTC), where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// How it stands, in one word.
    pub state: State,
}

impl ShownIdentity {
    /// An identity, and how it stands at `now`, where somebody wants to know of an end `warn_before` it.
    pub fn of(identity: &Identity, now: Timestamp, warn_before: SignedDuration) -> Self {
        let by_end = State::of_end(identity.expires, now, warn_before);
        Self {
            state: match identity.problem {
                Some(_) if by_end != State::Expired => State::NotProven,
                _ => by_end,
            },
            sha1: identity.sha1,
            sha256: identity.sha256,
            label: identity.label.clone(),
            problem: identity.problem.clone(),
            expires: identity.expires,
        }
    }
}

/// The `countersign.findings.v1` document: why a command could not even begin.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingsDocument {
    /// Always `countersign.findings.v1`.
    #[schemars(extend("const" = "countersign.findings.v1"))]
    pub schema: &'static str,
    /// The findings; at least one blocks.
    pub findings: Vec<Finding>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
}

impl Report for FindingsDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

impl From<Vec<Finding>> for FindingsDocument {
    fn from(findings: Vec<Finding>) -> Self {
        Self {
            schema: "countersign.findings.v1",
            findings,
            head: Head::default(),
        }
    }
}
