//! The envelope of a clearance, and what becomes of an earlier one.
//!
//! Before anything is judged it is known that the file can be written and that the signer is there; nothing is changed. As
//! soon as there is a verdict, no envelope of an earlier verdict stays at the path: a clearance replaces it, and if the gate
//! blocks or the new one cannot be signed or written, it is removed. If there is no verdict, because the gate could not look,
//! everything stays as it was. A run that holds what it built against the manifest hands the statement on a second time, about
//! the products too.

use std::ffi::OsString;
use std::path::PathBuf;

use super::document::{EnvelopeDocument, EnvelopeOutcome};
use super::judge::Judged;
use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::event::{Action, Checkpoint, Event, Witness};
use crate::context::envelope::{self, Statement, dsse};
use crate::context::ssh::signature::Signature;
use crate::host::files::{FileKind, RecognisedFile};
use crate::host::run_id::RunId;
use crate::host::signer::{ReadySigner, Signer};
use crate::ops::audit_log;
use crate::ops::error::{Error, Failure};
use crate::ops::world::World;

/// The envelope that somebody asks for.
#[derive(Debug, Clone)]
pub struct EnvelopeRequest {
    /// Where it is written if the gate clears. An earlier envelope there is replaced or removed; another file is not.
    pub file: PathBuf,
    /// Who signs it; without a signer it says that it is not signed.
    pub signer: Option<Signer>,
}

/// An envelope that can be written and signed.
pub struct ReadyEnvelope<'a> {
    place: RecognisedFile,
    signer: Option<ReadySigner>,
    world: &'a World,
}

/// What may be replaced by an envelope.
const ENVELOPE: FileKind = FileKind {
    name: "an envelope",
    recognises: dsse::is_envelope,
    limit: dsse::MAX_BYTES,
};

impl<'a> ReadyEnvelope<'a> {
    /// Looks whether the envelope can be written and signed, and changes nothing. `environment` is what a command that signs
    /// gets.
    ///
    /// # Errors
    /// Something else is in its place, or the signer is not there.
    pub fn new(
        request: &EnvelopeRequest,
        environment: &[(OsString, OsString)],
        world: &'a World,
    ) -> Result<Self, Error> {
        let signer = request.signer.as_ref();
        let signer = signer.map(|signer| signer.ready(dsse::NAMESPACE, environment));
        Ok(Self {
            place: RecognisedFile::new(&request.file, ENVELOPE)?,
            signer: signer.transpose()?,
            world,
        })
    }

    /// Removes that of an earlier verdict, because the gate blocks.
    ///
    /// # Errors
    /// It cannot be removed, and stays.
    pub fn withdraw(&self) -> Result<EnvelopeDocument, Error> {
        let removed = self.place.remove().map_err(|error| {
            Error::from(error).preceded_by("an envelope of an earlier verdict stays")
        })?;
        Ok(self.document(match removed {
            true => EnvelopeOutcome::Removed,
            false => EnvelopeOutcome::NotWritten,
        }))
    }

    /// Signs and writes the envelope of a verdict that is cleared, which belongs to `run` if there is one. `recorded` is
    /// where the audit log stood when the verdict was recorded. Also gives what was stated.
    ///
    /// # Errors
    /// It cannot be signed, recorded or written; then that of an earlier verdict is removed.
    pub fn hand_on(
        &self,
        judged: &Judged,
        recorded: Checkpoint,
        log: &dyn Witness,
        run: Option<&RunId>,
    ) -> Result<(EnvelopeDocument, Statement), Failure> {
        let statement = self.statement(judged, recorded);
        let statement = statement.inspect_err(|_| self.give_up())?;
        let document = self.hand_on_statement(&statement, log, run)?;
        Ok((document, statement))
    }

    /// Signs and writes a statement in the place of an earlier one.
    ///
    /// # Errors
    /// It cannot be signed, recorded or written; then the earlier one is removed.
    pub fn hand_on_statement(
        &self,
        statement: &Statement,
        log: &dyn Witness,
        run: Option<&RunId>,
    ) -> Result<EnvelopeDocument, Failure> {
        let handed = self.try_hand_on(statement, log, run);
        if handed.is_err() {
            self.give_up();
        }
        Ok(handed?)
    }

    /// Removes that of an earlier verdict because there will be none of this one. The error that is the reason says more than
    /// one of this.
    pub fn give_up(&self) {
        let _ = self.place.remove();
    }

    fn statement(&self, judged: &Judged, recorded: Checkpoint) -> Result<Statement, Error> {
        let Some(basis) = &judged.basis else {
            return Err(Error::unexpected("a clearance that rests on nothing"));
        };
        let name = self.world.manifest_path().file_name();
        let name = name.map_or_else(
            || "profiles.json".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        let signed = self.signer.is_some();
        let statement =
            envelope::statement(&judged.verdict, basis.manifest(), &name, recorded, signed);
        statement.map_err(Error::unexpected)
    }

    fn try_hand_on(
        &self,
        statement: &Statement,
        log: &dyn Witness,
        run: Option<&RunId>,
    ) -> Result<EnvelopeDocument, Error> {
        let payload = statement.to_bytes().map_err(Error::unexpected)?;
        let (bytes, signer) = match &self.signer {
            None => (payload, None),
            Some(signer) => {
                let signature = signature_of(signer, &payload)?;
                let bytes = dsse::write_signed(&payload, &signature);
                let key = signature.key().fingerprint();
                (bytes.map_err(Error::unexpected)?, Some(key))
            }
        };
        let event = |outcome| {
            let event = Event::new(Action::Emit, outcome)
                .detail("file", self.place.path().display())
                .detail("envelope", Digest::of(&bytes))
                .detail("signer", signer.as_deref().unwrap_or("nobody"));
            match run {
                Some(run) => event.of_run(run),
                None => event,
            }
        };
        audit_log::recorded(log, event, || Ok(self.place.write(&bytes)?))?;
        Ok(EnvelopeDocument {
            signer: signer.clone(),
            ..self.document(match signer {
                Some(_) => EnvelopeOutcome::Signed,
                None => EnvelopeOutcome::NotSigned,
            })
        })
    }

    fn document(&self, outcome: EnvelopeOutcome) -> EnvelopeDocument {
        EnvelopeDocument {
            file: self.place.path().display().to_string(),
            outcome,
            signer: None,
        }
    }
}

/// The signature over a payload. What the signer gives is verified before anybody sees it: that it is a signature, for
/// envelopes, and over this payload.
fn signature_of(signer: &ReadySigner, payload: &[u8]) -> Result<Signature, Error> {
    let message = dsse::message(dsse::PAYLOAD_TYPE, payload);
    let armor = signer.sign(&message)?;
    let failed = |why: String| {
        let message = format!("the envelope cannot be signed: {why}");
        Error::new(ErrorCode::SigningFailed, message).hint(format!(
            "have the command write what `ssh-keygen -Y sign -n {} -f KEY` writes",
            dsse::NAMESPACE
        ))
    };
    let signature = Signature::from_armor(&armor);
    let signature = signature
        .map_err(|error| failed(format!("what the signer wrote is no signature: {error}")))?;
    if signature.namespace() != dsse::NAMESPACE {
        return Err(failed(format!(
            "the signature is in the namespace {:?}",
            signature.namespace()
        )));
    }
    match signature.holds_over(&message) {
        true => Ok(signature),
        false => Err(failed(
            "the signature does not belong to the envelope".to_owned(),
        )),
    }
}
