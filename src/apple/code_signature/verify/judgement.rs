//! What is found of the files of a bundle.

use super::Unsealed;
use crate::apple::code_signature::problem::Problem;

/// What is found of the files of a bundle.
pub(super) struct Judgement<'a> {
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) unsealed: &'a mut Vec<Unsealed>,
    /// The positions of the pieces that the seal names as code of their own.
    pub(super) sealed_code: &'a mut Vec<usize>,
}
