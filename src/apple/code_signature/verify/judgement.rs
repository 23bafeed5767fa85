//! What is found of the files of a bundle.

use super::Unsealed;
use crate::apple::code_signature::problem::Problems;

/// How many files of one bundle that no signature covers are told one by one.
pub(super) const MOST_UNSEALED: usize = 1000;

/// What is found of the files of a bundle.
pub(super) struct Judgement<'a> {
    pub(super) problems: &'a mut Problems,
    pub(super) unsealed: &'a mut UnsealedFiles,
    /// The positions of the pieces that the seal names as code of their own.
    pub(super) sealed_code: &'a mut Vec<usize>,
}

/// What no signature covers: the first of it, and a count of the rest.
#[derive(Debug, Default)]
pub(super) struct UnsealedFiles {
    told: Vec<Unsealed>,
    more: usize,
}

impl UnsealedFiles {
    /// Adds a file, or counts it.
    pub(super) fn push(&mut self, path: &str, what: &str) {
        if self.told.len() < MOST_UNSEALED {
            self.told.push(Unsealed {
                path: path.to_owned(),
                what: what.to_owned(),
            });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// What is told: where some were only counted, the last says how many.
    pub(super) fn into_told(mut self) -> Vec<Unsealed> {
        if let Some(last) = self.told.last_mut().filter(|_| self.more > 0) {
            last.what = format!("{} ({} more are not covered)", last.what, self.more);
        }
        self.told
    }
}
