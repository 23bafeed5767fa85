//! The envelope of a run that builds products: it is written when the gate clears, and again when it is known what was built.
//!
//! The first is about the manifest alone, and the command can hand it on. It is good for as long as nothing says otherwise: as
//! soon as the command has ended, an envelope that names each product takes its place, or none does, because a product blocks, the
//! command failed, or what was judged changed meanwhile.

use super::Session;
use super::receipt::Receipt;
use super::request::RunAnswer;
use crate::apple::code_signature::product_digest::ProductDigest;
use crate::base::finding;
use crate::context::envelope::Statement;
use crate::host::session::Ending;
use crate::ops::error::Failure;
use crate::ops::gate::envelope::ReadyEnvelope;

/// An envelope that was handed on, and what it states.
pub(super) struct Handed<'a> {
    pub(super) envelope: ReadyEnvelope<'a>,
    pub(super) statement: Statement,
}

impl Session<'_> {
    /// Hands the envelope on again, about the products too; or removes it, unless everything went well.
    ///
    /// # Errors
    /// That of the run; or the envelope cannot be signed, recorded or written, or the first one cannot be removed.
    pub(super) fn settle(
        &self,
        handed: &Handed<'_>,
        ended: Result<RunAnswer, Failure>,
        built: &[(String, ProductDigest)],
        receipt: &mut Receipt,
    ) -> Result<RunAnswer, Failure> {
        // Whatever fails from here on, the first envelope is not what the receipt is about.
        receipt.withdrawn();
        match ended {
            Ok(answer) if is_good(&answer) => {
                let statement = handed.statement.clone().about(built);
                let document =
                    handed
                        .envelope
                        .hand_on_statement(&statement, self.log, Some(self.run))?;
                receipt.handed_on(document);
                Ok(answer)
            }
            Ok(answer) => {
                receipt.handed_on(handed.envelope.withdraw()?);
                Ok(answer)
            }
            // The error that is the reason says more than one of this.
            Err(failure) => {
                if let Ok(document) = handed.envelope.withdraw() {
                    receipt.handed_on(document);
                }
                Err(failure)
            }
        }
    }
}

/// Whether the command succeeded, nothing that was judged changed, and no product blocks.
fn is_good(answer: &RunAnswer) -> bool {
    match answer {
        RunAnswer::Ended {
            ending: Ending::Exited(exit),
            changes,
            products,
        } => exit.shell_code() == 0 && changes.is_empty() && !finding::any_blocks(products),
        _ => false,
    }
}
