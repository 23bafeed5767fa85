//! Whether a keychain is there, whether it is open, and what is in it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::dead_runs;
use super::selected::{self, SelectedKeychain, Selection};
use super::served;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::host::journal::Journals;
use crate::host::keychain::{BackendKind, KeychainPath, LockState, PasswordSource};
use crate::host::password_service::Offer;
use crate::host::run_id::RunId;
use crate::host::session::Recovered;
use crate::ops::audit_log;
use crate::ops::error::{Error, Failure};
use crate::ops::report::{Report, ShownIdentity};
use crate::ops::world::World;

/// The `countersign.keychain.v1` document: what `keychain status` found, and how things are after every command that changes
/// a keychain.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KeychainDocument {
    /// Always `countersign.keychain.v1`.
    #[schemars(extend("const" = "countersign.keychain.v1"))]
    pub schema: &'static str,
    /// The keychain's absolute path.
    pub keychain: KeychainPath,
    /// What kind of keychain it is.
    pub backend: BackendKind,
    /// Whether it exists and is open.
    pub state: LockState,
    /// The running runs that have it open.
    pub open_for: Vec<OpenFor>,
    /// The runs whose windows had ended long before and that nobody had closed; they are closed now.
    pub overdue: Vec<Recovered>,
    /// The identities in it; also empty if the keychain is missing.
    pub identities: Vec<ShownIdentity>,
    /// Where its password comes from if nobody hands it in; null if no process of this user can have it without that.
    pub password_source: Option<PasswordSource>,
    /// What this way does not protect from, for people.
    pub password_limits: Option<&'static str>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// A run that has a keychain open.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OpenFor {
    /// The run, as `COUNTERSIGN_RUN_ID` names it.
    pub run: RunId,
    /// When it will be closed at the latest (RFC 3339, UTC).
    pub until: Timestamp,
}

impl Report for KeychainDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// How a keychain is now. Nothing is opened for that, and a helper that holds its password is not asked for it; what should
/// have been closed long ago is closed.
///
/// # Errors
/// That cannot be told, or it should have been closed long ago and cannot be closed.
pub fn status(
    selection: &Selection,
    served: Option<&Offer>,
    world: &World,
) -> Result<KeychainDocument, Failure> {
    let selection = match served {
        Some(offer) => served::select(selection, offer.terms())?,
        None => selection.clone(),
    };
    let selected = selected::select_without_policy(&selection, world)?;
    let mut overdue = close_overdue(&selected, world)?;
    let mut document = describe(&selected, world)?;
    if is_left_open(&document) {
        // A window may have become overdue between both looks.
        let since = close_overdue(&selected, world)?;
        if !since.is_empty() {
            overdue.extend(since);
            document = describe(&selected, world)?;
        }
    }
    // A kept one can be read, whoever else holds it.
    if document.password_source.is_none() && served.is_some() {
        document.password_source = Some(PasswordSource::Served);
        document.password_limits = Some(PasswordSource::Served.limits());
    }
    let mut findings: Vec<Finding> = overdue.iter().map(window_overdue).collect();
    if is_left_open(&document) {
        findings.push(keychain_left_open(&document.keychain));
    }
    Ok(KeychainDocument {
        overdue,
        findings,
        ..document
    })
}

/// Whether it is open, and no living run has it open.
fn is_left_open(document: &KeychainDocument) -> bool {
    document.state == LockState::Unlocked && document.open_for.is_empty()
}

fn close_overdue(selected: &SelectedKeychain, world: &World) -> Result<Vec<Recovered>, Error> {
    if !Journals::new(&selected.state, world.clock.as_ref()).has_overdue()? {
        return Ok(Vec::new());
    }
    let log = audit_log::open_to_close(world)?;
    let found = dead_runs::recover(&selected.state, &log, "status", true, world)?;
    dead_runs::refuse_unfinished(found.unfinished, selected, world)?;
    Ok(found.finished)
}

fn window_overdue(run: &Recovered) -> Finding {
    let Recovered { run, keychain, .. } = run;
    let message = format!(
        "run {run} should have closed {keychain} long ago, and did not; the keychain is closed now"
    );
    Finding::block(Code::WindowOverdue, message)
        .hint("look in the audit log at what that run did, and find out who stopped it or kept its lock")
        .in_file(keychain.as_path())
}

fn keychain_left_open(keychain: &KeychainPath) -> Finding {
    let message = format!("{keychain} is open, and no living run has it open");
    Finding::block(Code::KeychainLeftOpen, message)
        .hint("finish the killed runs; if it is open then, lock it")
        .remedy(Remedy::RecoverKeychains)
        .in_file(keychain.as_path())
}

/// How a selected keychain is now.
///
/// # Errors
/// As [`status`].
pub fn describe(selected: &SelectedKeychain, world: &World) -> Result<KeychainDocument, Error> {
    let state = selected.backend.status(&selected.path)?;
    let identities = match state {
        LockState::Missing => Vec::new(),
        LockState::Locked | LockState::Unlocked => selected.identities()?.identities,
    };
    let warn_before = world.warn_before();
    let journals = Journals::new(&selected.state, world.clock.as_ref());
    let holders = journals.holders(&selected.path)?;
    let open_for = holders.into_iter().map(|holder| OpenFor {
        run: holder.run,
        until: holder.deadline.until,
    });
    Ok(KeychainDocument {
        state,
        open_for: open_for.collect(),
        identities: identities
            .iter()
            .map(|it| ShownIdentity::of(it, world.now, warn_before))
            .collect(),
        ..locked(selected)
    })
}

/// A locked keychain of which nothing else is known.
pub(super) fn locked(selected: &SelectedKeychain) -> KeychainDocument {
    let kept = selected.kept_password().is_kept();
    let source = kept.then_some(PasswordSource::KeptFile);
    KeychainDocument {
        schema: "countersign.keychain.v1",
        keychain: selected.path.clone(),
        backend: selected.backend.kind(),
        state: LockState::Locked,
        open_for: Vec::new(),
        overdue: Vec::new(),
        identities: Vec::new(),
        password_source: source,
        password_limits: source.map(PasswordSource::limits),
        findings: Vec::new(),
    }
}
