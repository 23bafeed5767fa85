//! The gate: may this machine sign with this manifest, now?
//!
//! [`gate`] judges this machine, and its verdict is recorded and can be handed on. [`rehearse`] judges it as if it were
//! another host or another instant: nothing is recorded and nothing handed on. A [`run`](super::run) asks the same question
//! before it opens anything.
//!
//! - [`basis`]: what a verdict rests on, to be looked at again
//! - [`document`]: what a judgement looks like
//! - [`envelope`]: the envelope of a clearance, and what becomes of an earlier one
//! - [`judge`]: looks, and judges
//! - [`question`]: what is asked

pub mod basis;
pub mod document;
pub mod envelope;
pub mod judge;
pub mod question;

use std::mem::ManuallyDrop;

use jiff::Timestamp;

use self::document::{EnvelopeDocument, GateAnswer};
use self::envelope::{EnvelopeRequest, ReadyEnvelope};
use self::judge::Judged;
use self::question::Question;
use super::error::{Error, Failure};
use super::identity::source;
use super::keychain::dead_runs;
use super::keychain::selected::Selection;
use super::notice::Notice;
use super::world::World;
use super::{audit_log, password};
use crate::base::event::Witness as _;
use crate::base::ids::HostName;
use crate::context::gate::Purpose;
use crate::context::gate::facts::Identities;
use crate::context::policy::Policy;
use crate::host::journal::Journals;

/// What this machine is asked.
#[derive(Debug, Clone)]
pub struct GateRequest {
    /// What is judged.
    pub question: Question,
    /// The keychain whose identities are judged, if one is named and no file of identities is; it need not be open.
    pub keychain: Option<Selection>,
    /// The envelope that is written if the gate clears.
    pub envelope: Option<EnvelopeRequest>,
}

/// What a rehearsal asks.
#[derive(Debug, Clone)]
pub struct RehearsalRequest {
    /// What is judged.
    pub question: Question,
    /// The keychain whose identities are judged, if one is named and no file of identities is; it need not be open.
    pub keychain: Option<Selection>,
    /// As if this were the host.
    pub host: Option<HostName>,
    /// As if it were this instant.
    pub at: Option<Timestamp>,
}

/// Judges this machine, records the verdict, and writes the envelope if one is asked for.
///
/// # Errors
/// Something that is judged cannot be read; the envelope cannot be written or signed, or that of an earlier verdict cannot be
/// removed; the verdict that it would hand on cannot be recorded. That another verdict cannot be recorded is only said: a
/// gate on a read-only disk must still say no.
pub fn gate(request: &GateRequest, world: &World) -> Result<GateAnswer, Failure> {
    request.question.check(request.envelope.is_some(), world)?;
    let secret = password::variable(Some(&request.question.identities_password));
    let variables = world.variables_without(&[secret]);
    let envelope = request.envelope.as_ref();
    let envelope = envelope
        .map(|request| ReadyEnvelope::new(request, &variables, world))
        .transpose()?;
    let named = |_: &Policy| identities_of(request.keychain.as_ref(), world);
    close_overdue(world);
    let policy = world.policy_if_any();
    // What is handed on is proven for it.
    let question = Question {
        prove: request.question.prove || request.envelope.is_some(),
        ..request.question.clone()
    };
    // What a verdict rests on is many thousand small pieces. To give each of them back, wiped, takes a tenth of the time that a
    // gate has; the program ends now, and gives all back at once.
    let judged = judge::judge(&question, Purpose::Verdict, policy, &named, world)?;
    let judged = ManuallyDrop::new(judged);
    let is_cleared = judged.verdict.cleared().is_some();
    let envelope = match &envelope {
        Some(envelope) if is_cleared => Some(recorded_and_handed_on(envelope, &judged, world)?),
        Some(envelope) => {
            let withdrawn = envelope.withdraw();
            record(&judged, world);
            Some(withdrawn?)
        }
        None => {
            record(&judged, world);
            None
        }
    };
    Ok(judged.answer().with_envelope(envelope).located(world))
}

/// Records a verdict that hands nothing on. It stands whether or not it is recorded.
fn record(judged: &Judged, world: &World) {
    let region = judged.verdict.judgement().region.clone();
    let log = audit_log::open(world, region);
    let recorded = log.and_then(|log| Ok(log.append(&judged.verdict.event())?));
    if let Err(error) = recorded {
        let error = error.preceded_by("the verdict is not recorded");
        world.notify(&Notice::Failed(&error));
    }
}

/// Records a clearance and hands it on. Handing something on is an action; without a record it does not happen.
fn recorded_and_handed_on(
    envelope: &ReadyEnvelope<'_>,
    judged: &Judged,
    world: &World,
) -> Result<EnvelopeDocument, Failure> {
    let region = judged.verdict.judgement().region.clone();
    let recorded = audit_log::open(world, region).and_then(|log| {
        let recorded = log.record(&judged.verdict.event())?;
        Ok((log, recorded))
    });
    match recorded {
        Ok((log, recorded)) => Ok(envelope.hand_on(judged, recorded, &log, None)?.0),
        Err(error) => {
            envelope.give_up();
            Err(Error::into(error))
        }
    }
}

/// Closes what should have been closed long ago. Where no run is, that costs one look at a directory.
fn close_overdue(world: &World) {
    let Ok(state) = world.state_directory() else {
        return;
    };
    let journals = Journals::new(&state, world.clock.as_ref());
    // Whoever cannot write the log is told so when the verdict is recorded.
    if let Ok(true) = journals.has_overdue()
        && let Ok(log) = audit_log::open_to_close(world)
    {
        dead_runs::mention_overdue(&state, &log, "gate", world);
    }
}

/// Judges this machine as if it were another host, or as if it were another instant.
///
/// # Errors
/// Something that is judged cannot be read.
pub fn rehearse(request: &RehearsalRequest, world: &World) -> Result<GateAnswer, Failure> {
    request.question.check(false, world)?;
    let named = |_: &Policy| identities_of(request.keychain.as_ref(), world);
    let at = request.at.unwrap_or(world.now);
    let host = request.host.as_ref();
    let answer = judge::rehearse(&request.question, &named, host, at, world)?;
    Ok(answer.located(world))
}

fn identities_of(
    keychain: Option<&Selection>,
    world: &World,
) -> Result<Option<Identities>, Failure> {
    let Some(selection) = keychain else {
        return Ok(None);
    };
    Ok(Some(source::of_keychain(selection, world)?))
}
