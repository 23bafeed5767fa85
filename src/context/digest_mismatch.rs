//! A digest that is not the one that was expected, as a finding.
//!
//! Pipelines compute the expected digest of a protected branch: `git show origin/main:FILE | shasum`. Where git fails, as in a
//! shallow checkout that holds no other branch, shasum reads nothing and prints the digest of nothing, and a shell without
//! `pipefail` goes on with it. Such a digest fits no file, and what is wrong is neither file nor commit but the step of the
//! pipeline: so the finding says that.

use std::fmt;

use crate::base::digest::Digest;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;

/// What a step does that gets the digest of a file out of git.
pub(crate) const OF_FILE: &str = "run `git fetch --depth=1 origin main` first and hash `git show FETCH_HEAD:FILE`: a shallow checkout \
     lacks other branches, and git prints nothing where it fails; begin the step with `set -euo pipefail`, so that it ends there";

/// What a step does that gets the digest of a capture of identities.
pub(crate) const OF_CAPTURE: &str = "run `security find-identity -v -p codesigning` alone to see why it prints nothing; begin the \
     step with `set -euo pipefail`, so that it ends where the command fails";

/// Whether `found` is what was expected. Nothing is the digest of nothing: an empty capture is no set of identities.
pub(crate) fn is_expected(expected: Digest, found: Option<Digest>) -> bool {
    found == Some(expected) && !expected.is_of_nothing()
}

/// Another digest than the one that was expected: `other` says what that means and `review` and `remedy` what to do, unless the
/// expected digest is that of nothing; then `step` says how the pipeline gets the right one.
pub(crate) fn mismatch(
    code: Code,
    other: &str,
    expected: Digest,
    found: impl fmt::Display,
    review: (&str, Option<Remedy>),
    step: &str,
) -> Finding {
    let (hint, remedy) = review;
    let (message, hint, remedy) = match expected.is_of_nothing() {
        true => (
            "the expected digest is the digest of nothing: the command that made it got no input",
            step,
            None,
        ),
        false => (other, hint, remedy),
    };
    let finding = Finding::block(code, message)
        .values(expected, found)
        .hint(hint);
    match remedy {
        Some(remedy) => finding.remedy(remedy),
        None => finding,
    }
}
