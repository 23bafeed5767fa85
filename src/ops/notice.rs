//! Notices: what a verb reports while it works.
//!
//! A verb returns its answer at its end. What a person must hear before that goes to the listener that came with the
//! [`World`](super::world::World): how far it is with many files, that a killed run was finished, that a password came in by
//! a way that is not safe. A notice decides nothing.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::contract::document::StepDocument;
use super::error::Error;
use crate::host::keychain::KeychainPath;
use crate::host::session::{Ending, Recovered};

/// Something worth hearing before the answer.
#[derive(Debug)]
pub enum Notice<'a> {
    /// There is no policy, and the verb goes on by the built-in defaults: it decides nothing about signing.
    NoPolicy {
        /// Where a policy was looked for.
        looked_for: &'a Path,
    },
    /// Work on so many files begins.
    Begun {
        /// What is done with them, as in "proving".
        what: &'static str,
        /// How many there are.
        files: usize,
    },
    /// One more file is done. It comes from any thread.
    FileDone,
    /// The files are done.
    Ended,
    /// A run that could not finish itself is finished now: its keychain is closed.
    Recovered(&'a Recovered),
    /// Something failed, and the work goes on. The error says what, and what to do.
    Failed(&'a Error),
    /// The window of a session is open.
    WindowOpened {
        /// When it ends.
        until: Timestamp,
        /// How long that is.
        length: SignedDuration,
        /// Which keychain is open.
        keychain: &'a KeychainPath,
        /// The identities in it, by their labels; none where others were judged.
        identities: &'a [String],
    },
    /// The window of a session is closed.
    WindowClosed {
        /// How the session ended; none if it failed.
        ending: Option<Ending>,
        /// No command ran: the keychain was held open.
        is_held: bool,
        /// How long the keychain was open.
        after: SignedDuration,
        /// False if it is left open for another run.
        is_locked: bool,
        /// Where the receipt is written.
        receipt: &'a Path,
    },
    /// A step of the contract suite is done.
    ContractStep {
        /// How it went.
        step: &'a StepDocument,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// A step of a rotation comes to this file; to its manifest also before it begins, before its end is recorded, and after that.
    StepOfRotation {
        /// The file.
        file: &'a Path,
    },
    /// Something that was understood, and that somebody may want to correct. One sentence.
    Understood(&'a str),
    /// Something is not as it should be, and the work goes on. One sentence.
    Caution(&'a str),
}

/// Who hears notices.
pub trait Listener: Send + Sync {
    /// Hears one.
    fn hear(&self, notice: &Notice<'_>);
}

/// Hears nothing: tests, and programs that only want the answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deaf;

impl Listener for Deaf {
    fn hear(&self, _: &Notice<'_>) {}
}
