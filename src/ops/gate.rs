//! The gate: may this machine sign with this manifest, now?
//!
//! [`gate`] judges this machine, and its verdict is recorded and can be handed on. [`rehearse`] judges it as if it were
//! another host or another instant: nothing is recorded and nothing handed on. A [`run`](super::run) asks the same question
//! before it opens anything.
//!
//! - [`basis`]: what a verdict rests on, to be looked at again
//! - [`document`]: what a judgement looks like
//! - [`envelope`]: the statement that hands a clearance on
//! - [`judge`]: looks, and judges
//! - [`question`]: what is asked

pub mod basis;
pub mod document;
pub mod envelope;
pub mod judge;
pub mod question;

use std::path::PathBuf;

use jiff::Timestamp;

use self::document::GateAnswer;
use self::question::Question;
use super::audit_log;
use super::error::Failure;
use super::identity::source;
use super::keychain::dead_runs;
use super::keychain::selected::Selection;
use super::notice::Notice;
use super::world::World;
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
    /// Where the hand-off statement is written if the gate clears. An earlier one is removed first.
    pub envelope: Option<PathBuf>,
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
/// Something that is judged cannot be read; the envelope cannot be written, or the verdict that it would hand on cannot be
/// recorded. That a verdict alone cannot be recorded is only said: a gate on a read-only disk must still say no.
pub fn gate(request: &GateRequest, world: &World) -> Result<GateAnswer, Failure> {
    request.question.check(request.envelope.is_some(), world)?;
    if let Some(path) = &request.envelope {
        envelope::remove_earlier(path)?;
    }
    let named = |_: &Policy| identities_of(request.keychain.as_ref(), world);
    close_overdue(world);
    let policy = world.policy_if_any();
    let judged = judge::judge(&request.question, Purpose::Verdict, policy, &named, world)?;
    let region = judged.verdict.judgement().region.clone();
    let log = audit_log::open(world, region);
    let event = judged.verdict.event();
    match &request.envelope {
        // Handing something on is an action; without a record it does not happen.
        Some(path) => envelope::write(path, &judged, log?.record(&event)?, world)?,
        None => {
            let recorded = log.and_then(|log| Ok(log.append(&event)?));
            if let Err(error) = recorded {
                let error = error.preceded_by("the verdict is not recorded");
                world.notify(&Notice::Failed(&error));
            }
        }
    }
    Ok(judged.answer())
}

/// Closes what should have been closed long ago. Where no run is, that costs one look at a directory.
fn close_overdue(world: &World) {
    let Ok(state) = world.state_directory() else {
        return;
    };
    let journals = Journals::new(&state, world.clock.as_ref());
    // Whoever cannot write the log is told so when the verdict is recorded.
    if let Ok(true) = journals.has_overdue()
        && let Ok(log) = audit_log::open(world, None)
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
    judge::rehearse(&request.question, &named, request.host.as_ref(), at, world)
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
