//! A command runs while the CI keychain is open; or the keychain is held open and nothing runs.
//!
//! The steps are gate, clearance, window, command, lock, another look at what was judged, a look at what was built, receipt.
//! The receipt is written in every case, also after a blocked gate. It tells countersign's exit codes from those of the command.
//!
//! - `built`: the envelope, when it is known what was built
//! - `command`: the command, found as a shell would find it
//! - [`on_closed`]: the command of the policy that is told when the keychain stays closed
//! - [`receipt`]: what a run did
//! - [`request`]: what a run is asked, and what it answers

mod built;
mod command;
pub mod on_closed;
pub mod receipt;
pub mod request;

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::built::Handed;
use self::receipt::Receipt;
use self::request::{RunAnswer, RunRequest, Task};
use super::error::{Error, Failure};
use super::gate::basis::Basis;
use super::gate::document::GateAnswer;
use super::gate::envelope::{EnvelopeRequest, ReadyEnvelope};
use super::gate::judge::{self, FoundPolicy};
use super::gate::question::Question;
use super::keychain::selected::{self, SelectedKeychain, Selection};
use super::keychain::{dead_runs, served, work};
use super::notice::Notice;
use super::product::{self, ShownProduct};
use super::report::VerdictWord;
use super::world::World;
use super::{audit_log, password};
use crate::apple::code_signature::product_digest::ProductDigest;
use crate::base::clock::Clock as _;
use crate::base::error::ErrorCode;
use crate::base::event::{Action, Event, Outcome, Witness as _};
use crate::base::finding::Finding;
use crate::base::ids::HostName;
use crate::base::remedy::Remedy;
use crate::base::secret::Password;
use crate::context::gate::{Cleared, Purpose};
use crate::context::policy::Policy;
use crate::host::keychain::PasswordSource;
use crate::host::node;
use crate::host::password_service::Offer;
use crate::host::permit::OpenPermit;
use crate::host::run_id::RunId;
use crate::host::secret_source::SecretSource;
use crate::host::session::{self, Announce, Ending, SessionReport, SessionRequest};
use crate::host::state_dir::StateDir;
use crate::host::window::JobCommand;
use crate::ledger::audit::{self, AuditLog};

/// Judges, opens, works, closes, and writes the receipt.
///
/// # Errors
/// Something that is needed cannot be had, and nothing is opened; or the session failed, and the keychain is closed unless
/// the error says otherwise; or the receipt cannot be written.
pub fn run(request: RunRequest<'_>, world: &World) -> Result<RunAnswer, Failure> {
    let RunRequest {
        mut question,
        envelope,
        keychain,
        keychain_password,
        served,
        window,
        receipt,
        products,
        task,
        exit_code,
    } = request;
    command::take_over(&task, &mut question, world)?;
    work::prepare_process()?;
    password::keep_from_commands(Some(&question.identities_password))?;
    password::keep_from_commands(keychain_password.as_ref())?;
    let keychain = match &served {
        Some(offer) => served::select(&keychain, offer.terms())?,
        None => keychain,
    };
    let host = node::host_name()?;
    let run = work::new_run(world)?;
    // The log first: what cannot be recorded is not done. The receipt too has its place before anything is opened.
    let log = audit_log::open(world, question.region.clone())?;
    let state = world.state_directory()?;
    let session = Session {
        passwords: [
            Some(&question.identities_password),
            keychain_password.as_ref(),
        ],
        question: &question,
        envelope: envelope.as_ref(),
        keychain: &keychain,
        window,
        products: &products,
        host: &host,
        run: &run,
        log: &log,
        state: &state,
        world,
    };
    let reserved = Receipt::reserve(receipt.as_deref(), &state, &run, &host);
    let mut receipt = session.refusing(reserved.map_err(Failure::from))?;
    // Read once: what the command leaves at the policy's path says nothing about this run.
    let policy = world.policy_if_any();
    let on_closed = on_closed::of(&policy);
    let ended = session.attempt(task, policy, served, &mut receipt);
    if on_closed::is_due(ended.as_ref()) {
        on_closed::run_command(&on_closed, &run, &log, &session.environment(), world);
    }
    let written = receipt.write(
        exit_code(ended.as_ref()),
        ended.as_ref().err(),
        audit::standing(log.path(), Some(&state.receipts()))
            .ok()
            .map(|standing| standing.checkpoint)
            .or_else(|| log.last()),
    );
    // The run has ended, and what becomes of old receipts changes nothing about it.
    if let Err(error) = log.retire_receipts() {
        world.notify(&Notice::Failed(&Error::from(error)));
    }
    match (ended, written) {
        (ended, Ok(())) => ended,
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(failure), Err(error)) => {
            world.notify(&Notice::Failed(&error));
            Err(failure)
        }
    }
}

/// One run: what is asked, by whom, where it is remembered.
struct Session<'a> {
    question: &'a Question,
    envelope: Option<&'a EnvelopeRequest>,
    keychain: &'a Selection,
    /// Where the passwords of the p12 and of the keychain come from.
    passwords: [Option<&'a SecretSource>; 2],
    window: Option<SignedDuration>,
    /// The products that the command builds.
    products: &'a [PathBuf],
    host: &'a HostName,
    run: &'a RunId,
    log: &'a AuditLog,
    state: &'a StateDir,
    world: &'a World,
}

/// What the gate cleared.
struct Ready<'a> {
    cleared: Cleared,
    basis: Basis,
    selected: SelectedKeychain,
    /// The labels of the identities in the keychain, where it was looked into.
    identities: Vec<String>,
    /// The envelope of the clearance, where one was asked for.
    handed: Option<Handed<'a>>,
}

impl Session<'_> {
    fn attempt(
        &self,
        task: Task<'_>,
        policy: FoundPolicy,
        served: Option<Offer>,
        receipt: &mut Receipt,
    ) -> Result<RunAnswer, Failure> {
        let task = self.refusing(self.found(task))?;
        let mut ready = match self.refusing(self.prepare(policy, receipt))? {
            Ok(ready) => ready,
            Err(blocked) => return Ok(RunAnswer::Blocked(Box::new(blocked))),
        };
        let handed = ready.handed.take();
        let mut built = Vec::new();
        let ended = self.open(task, ready, served, receipt, &mut built);
        match handed {
            Some(handed) if !self.products.is_empty() => {
                self.settle(&handed, ended, &built, receipt)
            }
            _ => ended,
        }
    }

    /// Opens the keychain for what the gate cleared, and works. The digest of each product goes to `built`.
    fn open(
        &self,
        task: FoundTask<'_>,
        ready: Ready<'_>,
        served: Option<Offer>,
        receipt: &mut Receipt,
        built: &mut Vec<(String, ProductDigest)>,
    ) -> Result<RunAnswer, Failure> {
        let Ready {
            cleared,
            basis,
            selected,
            identities,
            ..
        } = ready;
        let obtained = self.password(served, &cleared, &selected);
        let (password, source) = self.refusing(obtained.map_err(Failure::from))?;
        receipt.obtained(source);
        let request = self.session_request(cleared, password, &basis, &selected);
        let request = self.refusing(request.map_err(Failure::from))?;
        let (ending, changes) =
            self.work(task, request, &basis, &selected, &identities, receipt)?;
        let products = match ending {
            Ending::Exited(exit) if exit.shell_code() == 0 => {
                self.look_at_products(&basis, receipt, built)?
            }
            // What a command left that failed is nothing that anybody hands on.
            _ => Vec::new(),
        };
        Ok(RunAnswer::Ended {
            ending,
            changes,
            products,
        })
    }

    /// Records it when nothing will be opened because something failed before.
    fn refusing<T>(&self, prepared: Result<T, Failure>) -> Result<T, Failure> {
        prepared.inspect_err(|failure| {
            let event = Event::new(Action::Run, Outcome::Refused).of_run(self.run);
            // Nothing was done, so nothing hangs on this record.
            let _ = self.log.record(&event.detail("error", failure));
        })
    }

    /// The environment that a command inherits: ours without the variables that passwords came in.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        self.world
            .variables_without(&self.passwords.map(password::variable))
    }

    fn found<'t>(&self, task: Task<'t>) -> Result<FoundTask<'t>, Failure> {
        Ok(match task {
            Task::Hold(announce) => FoundTask::Hold(announce),
            Task::Command(words) => {
                let takes_input = self.passwords.iter();
                let has_input = !takes_input.copied().any(password::is_standard_input);
                FoundTask::Run(command::find(words, self.environment(), has_input)?)
            }
        })
    }

    /// Judges. The answer of a gate that blocks is the inner error.
    fn prepare(
        &self,
        policy: FoundPolicy,
        receipt: &mut Receipt,
    ) -> Result<Result<Ready<'_>, GateAnswer>, Failure> {
        let world = self.world;
        self.question.check(self.envelope.is_some(), world)?;
        // What dead runs left, before anything is judged.
        let unfinished = dead_runs::finish(self.state, self.log, "run", world)?;
        let envelope = self
            .envelope
            .map(|request| ReadyEnvelope::new(request, &self.environment(), world));
        let envelope = envelope.transpose()?;
        let labels = RefCell::new(Vec::new());
        let identities = |policy: &Policy| {
            let selected = selected::select(self.keychain, policy, world)?;
            let found = selected.identities()?;
            let named = found.identities.iter().map(|it| it.label.clone());
            labels.replace(named.collect());
            Ok(Some(found))
        };
        let judged = judge::judge(self.question, Purpose::Run, policy, &identities, world)?;
        receipt.judged(&judged.verdict);
        let event = judged.verdict.event().of_run(self.run);
        let recorded = self.log.record(&event).inspect_err(|_| {
            envelope.iter().for_each(ReadyEnvelope::give_up);
        })?;
        let is_cleared = judged.verdict.cleared().is_some();
        let handed = match envelope {
            Some(envelope) if is_cleared => {
                let (document, statement) =
                    envelope.hand_on(&judged, recorded, self.log, Some(self.run))?;
                receipt.handed_on(document);
                Some(Handed {
                    envelope,
                    statement,
                })
            }
            Some(envelope) => {
                receipt.handed_on(envelope.withdraw()?);
                None
            }
            None => None,
        };
        let blocked = judged.answer().located(world);
        // The clearance is good for one window: from here on it is in nobody's hands but ours.
        let (Some(cleared), Some(basis)) = (judged.verdict.into_parts().1, judged.basis) else {
            return Ok(Err(blocked));
        };
        let selected = selected::select(self.keychain, basis.policy(), world)?;
        receipt.selected(&selected);
        dead_runs::refuse_unfinished(unfinished, &selected, world)?;
        Ok(Ok(Ready {
            cleared,
            basis,
            selected,
            identities: labels.into_inner(),
            handed,
        }))
    }

    /// The keychain's password, and where it came from. A helper gives it only to what is cleared.
    fn password(
        &self,
        served: Option<Offer>,
        cleared: &Cleared,
        selected: &SelectedKeychain,
    ) -> Result<(Password, PasswordSource), Error> {
        // Said before a password is asked for that nothing would be opened with.
        selected.backend.check(&selected.path)?;
        let [_, handed_in] = self.passwords;
        let Some(offer) = served else {
            return selected.password(handed_in, self.world);
        };
        let kept = selected.kept_password();
        if kept.is_kept() {
            self.world.notify(&Notice::Caution(&format!(
                "the password is also kept in {}, where every process of this user can read it: make the keychain again \
                 with a new password",
                kept.path.display()
            )));
        }
        Ok((offer.ask(self.run, cleared)?, PasswordSource::Served))
    }

    /// Everything that the session needs. The permit comes last: reading a password may take as long as a person takes.
    fn session_request<'a>(
        &'a self,
        cleared: Cleared,
        password: Password,
        basis: &Basis,
        selected: &'a SelectedKeychain,
    ) -> Result<SessionRequest<'a>, Error> {
        let region = cleared.region().cloned();
        // The gate was passed inside of the allowed hours, so they end; after that no clearance holds.
        let policy = basis.policy();
        let closes = policy.keychain.allowed.closes_at(cleared.from());
        let work = selected.work(self.run, self.log, region, self.world)?;
        let plan = basis.manifest().plan_digest();
        let now = self.world.clock.now();
        let permit = OpenPermit::from_clearance(cleared, self.host, plan, now)?;
        Ok(SessionRequest {
            permit,
            work,
            password,
            window: self.window(policy)?,
            on_stragglers: Some(policy.session.on_stragglers),
            closes,
        })
    }

    /// The shorter of what the policy allows and what is asked.
    fn window(&self, policy: &Policy) -> Result<Duration, Error> {
        let allowed = policy.keychain.window();
        let window = self.window.map_or(allowed, |asked| asked.min(allowed));
        match Duration::try_from(window) {
            Ok(window) if !window.is_zero() => Ok(window),
            _ => Err(
                Error::new(ErrorCode::Usage, "the length of the window is zero")
                    .hint("ask for a longer window")
                    .remedy(Remedy::LengthenWindow),
            ),
        }
    }

    fn work(
        &self,
        task: FoundTask<'_>,
        request: SessionRequest<'_>,
        basis: &Basis,
        selected: &SelectedKeychain,
        identities: &[String],
        receipt: &mut Receipt,
    ) -> Result<(Ending, Vec<Finding>), Failure> {
        let manifest = basis.manifest();
        let variables = [
            (
                "COUNTERSIGN_RUN_MANIFEST_DIGEST",
                manifest.digest().to_string(),
            ),
            ("COUNTERSIGN_RUN_REVISION", manifest.revision().to_string()),
            ("COUNTERSIGN_KEYCHAIN", selected.path.to_string()),
            ("COUNTERSIGN_RUN_ID", self.run.to_string()),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let is_held = matches!(task, FoundTask::Hold(_));
        let mut report = SessionReport::default();
        let opened = |until: Timestamp| {
            self.world.notify(&Notice::WindowOpened {
                until,
                length: until.duration_since(self.world.clock.now()),
                keychain: &selected.path,
                identities,
            });
        };
        let ended = match task {
            FoundTask::Run(mut command) => {
                command::name_context(&mut command, &variables);
                session::run(request, session::Task::Run(command), &mut report, &opened)
            }
            FoundTask::Hold(announce) => {
                let mut announce =
                    |access: &[(OsString, OsString)]| announce(&[&variables[..], access].concat());
                session::run(
                    request,
                    session::Task::Hold(&mut announce),
                    &mut report,
                    &opened,
                )
            }
        };
        receipt.session(&report);
        if let (Some((from, _)), Some((to, is_locked))) = (report.opened, report.closed) {
            self.world.notify(&Notice::WindowClosed {
                ending: report.ending,
                is_held,
                after: to.duration_since(from),
                is_locked,
                receipt: receipt.path(),
            });
        }
        // The keychain is closed: from here on nothing is signed any more, whatever else there is to do.
        let looked = report.opened.map(|_| self.look_again(basis, receipt));
        if let (Err(_), Some(Ok(changes))) = (&ended, &looked)
            && !changes.is_empty()
        {
            self.world.notify(&Notice::Caution(
                "what was judged changed before the command ended; the receipt names it",
            ));
        }
        let ending = ended?;
        Ok((ending, looked.transpose()?.unwrap_or_default()))
    }

    /// Holds what the command built against what was judged, for receipt and record. The digest of each goes to `built`.
    fn look_at_products(
        &self,
        basis: &Basis,
        receipt: &mut Receipt,
        built: &mut Vec<(String, ProductDigest)>,
    ) -> Result<Vec<Finding>, Failure> {
        let against = product::Built {
            manifest: basis.manifest(),
            policy: basis.policy(),
            configurations: &[],
            destination: self.question.targets.kind,
            now: self.world.clock.now(),
        };
        let mut findings = Vec::new();
        for path in self.products {
            let begun = Event::new(Action::ProductCheck, Outcome::Failed)
                .detail("product", path.display())
                .of_run(self.run);
            let checked =
                match product::check_built(std::slice::from_ref(path), &against, self.world) {
                    Ok(checked) => checked,
                    Err(failure) => {
                        self.log
                            .append(&begun.detail("error", &failure))
                            .map_err(Error::from)?;
                        return Err(failure);
                    }
                };
            receipt.product(&checked);
            built.extend(
                checked
                    .products
                    .iter()
                    .filter_map(ShownProduct::named_digest),
            );
            let is_cleared = checked.verdict == VerdictWord::Cleared;
            let event = match is_cleared {
                true => Event::new(Action::ProductCheck, Outcome::Done)
                    .detail("product", path.display())
                    .of_run(self.run),
                false => begun,
            };
            let digests = checked.products.iter().filter_map(|product| product.digest);
            let digests: Vec<String> = digests.map(|digest| digest.to_string()).collect();
            let event = event
                .detail("digest", digests.join(","))
                .detail("verdict", if is_cleared { "cleared" } else { "blocked" });
            self.log.append(&event).map_err(|error| {
                Error::from(error).preceded_by("what became of the product is not recorded")
            })?;
            findings.extend(checked.findings);
        }
        Ok(findings)
    }

    /// Compares what was judged with what is there now, for receipt and record.
    fn look_again(&self, basis: &Basis, receipt: &mut Receipt) -> Result<Vec<Finding>, Error> {
        let changes = basis.changes(self.world);
        receipt.inputs(&changes);
        let event = match changes.is_empty() {
            true => Event::new(Action::InputsCheck, Outcome::Done).detail("inputs", "unchanged"),
            false => {
                let places = changes.iter().map(|change| &change.place);
                let files: Vec<&str> = places.filter_map(|place| place.file.as_deref()).collect();
                Event::new(Action::InputsCheck, Outcome::Failed)
                    .detail("inputs", "changed")
                    .detail("changes", changes.len())
                    .detail("files", files.join(","))
            }
        };
        self.log.append(&event.of_run(self.run)).map_err(|error| {
            Error::from(error).preceded_by("whether what was judged changed is not recorded")
        })?;
        Ok(changes)
    }
}

/// A task whose command is found.
enum FoundTask<'a> {
    Run(JobCommand),
    Hold(&'a mut Announce<'a>),
}
