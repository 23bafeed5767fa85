//! A problem of a signature: our finding, and what `codesign` is predicted to say of the same.

use super::codesign::Predicted;
use crate::base::finding::Finding;

/// A problem of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What we say.
    pub finding: Finding,
    /// What `codesign` is predicted to say; `None` where it has nothing against it.
    pub codesign: Option<Predicted>,
}

impl Problem {
    /// One that `codesign` tells too.
    pub fn both(finding: Finding, codesign: Predicted) -> Self {
        Self {
            finding,
            codesign: Some(codesign),
        }
    }

    /// One that `codesign` has nothing against.
    pub fn ours(finding: Finding) -> Self {
        Self {
            finding,
            codesign: None,
        }
    }
}
