//! What a run is asked, and what it answers.

use std::ffi::OsString;
use std::path::PathBuf;

use jiff::SignedDuration;

use crate::base::finding::Finding;
use crate::host::password_service::Offer;
use crate::host::secret_source::SecretSource;
use crate::host::session::{Announce, Ending};
use crate::ops::error::Failure;
use crate::ops::gate::document::GateAnswer;
use crate::ops::gate::envelope::EnvelopeRequest;
use crate::ops::gate::question::Question;
use crate::ops::keychain::selected::Selection;

/// What a run is asked.
pub struct RunRequest<'a> {
    /// What is judged before anything is opened.
    pub question: Question,
    /// The envelope that is written if the gate clears, before anything is opened.
    pub envelope: Option<EnvelopeRequest>,
    /// Which keychain.
    pub keychain: Selection,
    /// Its password; without it the kept one.
    pub keychain_password: Option<SecretSource>,
    /// The offer of the helper that holds the password, whose terms are those of the world; then no other is handed in.
    pub served: Option<Offer>,
    /// How long it may stay open at most; the policy may allow less.
    pub window: Option<SignedDuration>,
    /// Where the receipt is written; without it, in the state directory. The file must not exist.
    pub receipt: Option<PathBuf>,
    /// The products that the command builds: where it succeeds, they are held against the manifest before the run is over.
    pub products: Vec<PathBuf>,
    /// What is done while the keychain is open.
    pub task: Task<'a>,
    /// The exit code that the caller ends with, for the receipt.
    pub exit_code: fn(Result<&RunAnswer, &Failure>) -> u8,
}

/// What is done while the keychain is open.
pub enum Task<'a> {
    /// A command runs: a program and its arguments, which no shell reads.
    Command(Vec<OsString>),
    /// Nothing runs, and the keychain stays open until a signal comes or the window ends. What a command would get in its
    /// environment is announced.
    Hold(&'a mut Announce<'a>),
}

/// How a run came to its end.
#[derive(Debug)]
pub enum RunAnswer {
    /// The gate blocks, so nothing was opened.
    Blocked(Box<GateAnswer>),
    /// The keychain was open and is closed.
    Ended {
        /// How it ended.
        ending: Ending,
        /// What was judged and is another now.
        changes: Vec<Finding>,
        /// What is not right with the products that it built.
        products: Vec<Finding>,
    },
}
