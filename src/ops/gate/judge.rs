//! Looks at this machine, or plans a look, and judges.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::basis::{Basis, ProfileSources};
use super::document::GateAnswer;
use super::question::Question;
use crate::apple::anchors::Anchors;
use crate::base::finding::{Finding, Group};
use crate::base::ids::HostName;
use crate::base::remedy::Remedy;
use crate::context::gate::facts::{Identities, Observation};
use crate::context::gate::{self, Asked, Cleared, ExpectedDigest, Purpose, Rehearsal, Verdict};
use crate::context::manifest::Manifest;
use crate::context::policy::Policy;
use crate::host::inputs::Inputs;
use crate::host::observation::{self, Request};
use crate::host::state_dir::StateDir;
use crate::ledger::audit;
use crate::ops::error::{Error, Failure};
use crate::ops::identity::source;
use crate::ops::project_at_hand;
use crate::ops::target_selection::needs_project;
use crate::ops::world::{LoadedPolicy, World};

/// A verdict, and what it was given on.
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on; absent if the policy is missing or could not be used.
    pub basis: Option<Basis>,
    /// The project that was found because nobody named one.
    pub found_project: Option<PathBuf>,
}

impl Judged {
    /// The verdict as it is shown.
    pub fn answer(&self) -> GateAnswer {
        let manifest = self.basis.as_ref().map(Basis::manifest);
        let until = self.verdict.cleared().map(Cleared::until);
        GateAnswer::new(self.verdict.judgement(), manifest, until, false)
            .with_found_project(self.found_project.as_deref())
    }
}

/// Reads the identities of a keychain, where one is named and no file of identities is.
pub type KeychainIdentities<'a> = &'a dyn Fn(&Policy) -> Result<Option<Identities>, Failure>;

/// The policy as [`World::policy_if_any`] found it: whoever asks reads it, once.
pub type FoundPolicy = Result<Option<LoadedPolicy>, Failure>;

/// Looks at this machine, now, and judges it by `policy`.
///
/// # Errors
/// Something that is judged cannot be read.
pub fn judge(
    question: &Question,
    purpose: Purpose,
    policy: FoundPolicy,
    keychain: KeychainIdentities<'_>,
    world: &World,
) -> Result<Judged, Failure> {
    let subject = match Subject::load(question, purpose, policy, world)? {
        Ok(subject) => subject,
        Err(findings) => {
            let facts = observation::observe::<Failure>(&of_process(world), &world.clock)?;
            return Ok(Judged {
                verdict: gate::refuse(&facts, findings),
                basis: None,
                found_project: None,
            });
        }
    };
    let last_record = last_record(world);
    // Whatever opens a keychain or is handed on rests on proofs of its own.
    let state = match purpose == Purpose::Verdict && !question.prove {
        true => world.state_directory().ok(),
        false => None,
    };
    let remembering = state.as_ref();
    let Looked {
        facts,
        profiles,
        found_project,
    } = subject.look(
        question,
        keychain,
        last_record,
        remembering,
        world,
        |request| observation::observe(request, &world.clock),
    )?;
    profiles.remember(&facts, &subject.manifest);
    let verdict = gate::judge(&subject.policy, &subject.manifest, &facts, &subject.asked)
        .with_remarks(subject.remarks);
    Ok(Judged {
        verdict,
        basis: Some(Basis {
            policy: subject.policy,
            manifest: subject.manifest,
            asked: subject.asked,
            facts,
            profiles,
            inputs: subject.inputs.unwrap_or_else(|| Arc::new(Inputs::here())),
        }),
        found_project,
    })
}

/// Looks at this machine as if it were `host` and as if it were `at`, and judges that. Without a host it is this one.
///
/// # Errors
/// As [`judge`].
pub(super) fn rehearse(
    question: &Question,
    keychain: KeychainIdentities<'_>,
    host: Option<&HostName>,
    at: Timestamp,
    world: &World,
) -> Result<GateAnswer, Failure> {
    let policy = world.policy_if_any();
    let subject = match Subject::load(question, Purpose::Verdict, policy, world)? {
        Ok(subject) => subject,
        Err(findings) => {
            let facts = observation::plan::<Failure>(&of_process(world), host, at)?;
            let rehearsal = gate::rehearse_refusal(&facts, findings);
            return Ok(GateAnswer::new(rehearsal.judgement(), None, None, true));
        }
    };
    // Another machine, or another time: what this one's log knows says nothing.
    let last_record = Observation::Observed(None);
    // A rehearsal leaves nothing behind, so it proves for itself.
    let looked = subject.look(question, keychain, last_record, None, world, |request| {
        observation::plan(request, host, at)
    })?;
    let facts = &looked.facts;
    let rehearsal = gate::rehearse(&subject.policy, &subject.manifest, facts, &subject.asked)
        .with_remarks(subject.remarks);
    let answer = GateAnswer::new(
        rehearsal.judgement(),
        Some(&subject.manifest),
        rehearsal.until(),
        true,
    );
    Ok(answer.with_found_project(looked.found_project.as_deref()))
}

/// Judges a policy and a manifest that are planned, on this machine, now, where nobody looks at identities.
///
/// # Errors
/// As [`judge`].
pub(in crate::ops) fn rehearse_planned(
    policy: Policy,
    manifest: Manifest,
    question: &Question,
    world: &World,
) -> Result<Rehearsal, Failure> {
    let subject = Subject {
        remarks: policy.remarks(),
        policy,
        manifest,
        asked: asked(question, Purpose::Verdict),
        inputs: None,
    };
    let nobody = |_: &Policy| Ok(None);
    let last_record = Observation::Observed(None);
    let looked = subject.look(question, &nobody, last_record, None, world, |request| {
        observation::plan(request, None, world.now)
    })?;
    let facts = &looked.facts;
    let rehearsal = gate::rehearse(&subject.policy, &subject.manifest, facts, &subject.asked);
    Ok(rehearsal.with_remarks(subject.remarks))
}

/// What is asked, without the digests that are expected of files.
fn asked(question: &Question, purpose: Purpose) -> Asked {
    Asked {
        purpose,
        region: question.region.clone(),
        policy: None,
        manifest: None,
        minimum_revision: question.minimum_revision,
        signing: question.expect_signing,
        kind: question.targets.kind,
        waived: question.waived.clone(),
    }
}

/// The latest time that the audit log knows of. A log that cannot be read is a fact for the gate, not an error.
pub(in crate::ops) fn last_record(world: &World) -> Observation<Option<Timestamp>> {
    let read = || -> Result<_, Error> {
        let state = world.state_directory()?;
        Ok(audit::standing(
            &state.audit_log(),
            Some(&state.receipts()),
        )?)
    };
    match read() {
        Ok(standing) => Observation::Observed(standing.latest),
        Err(error) => Observation::unobserved(error.to_string()),
    }
}

/// Looks at nothing but this process: there is no policy to judge more by.
fn of_process(world: &World) -> Request<'_, Failure> {
    Request {
        environment: &world.surroundings.variables,
        ..Request::default()
    }
}

/// What was looked at.
struct Looked<T> {
    facts: T,
    profiles: ProfileSources,
    /// The project that was found because nobody named one.
    found_project: Option<PathBuf>,
}

/// What is judged, with what was asked.
struct Subject {
    policy: Policy,
    manifest: Manifest,
    remarks: Vec<Finding>,
    asked: Asked,
    /// Where what is read is noted, if somebody will look again.
    inputs: Option<Arc<Inputs>>,
}

impl Subject {
    /// Takes the policy and reads the manifest. A policy that is missing or cannot be used is a verdict too: its findings.
    fn load(
        question: &Question,
        purpose: Purpose,
        policy: FoundPolicy,
        world: &World,
    ) -> Result<Result<Self, Vec<Finding>>, Failure> {
        let mut asked = asked(question, purpose);
        // Only a run has an end at which somebody looks again.
        let inputs = (purpose == Purpose::Run).then(|| Arc::new(Inputs::here()));
        let note = |path: &Path, bytes: &[u8]| {
            if let Some(inputs) = &inputs {
                inputs.note(path, bytes);
            }
        };
        let policy = match policy {
            Ok(Some(LoadedPolicy { policy, bytes })) => {
                note(world.policy_path(), &bytes);
                let expected = question.expect_policy;
                asked.policy = expected.map(|expected| ExpectedDigest::new(expected, &bytes));
                policy
            }
            Ok(None) if gate::policy::is_waived(&asked) => Policy::builtin(world.home()),
            Ok(None) => {
                let missing = gate::policy::missing(world.policy_path(), purpose);
                // Where no project is, there is nothing to set up either: somebody is in the wrong folder.
                let missing = match project_at_hand::is_none(world) {
                    true if question.targets.projects.is_empty() => missing
                        .hint("go to the folder of the app, or name its policy; no Xcode project is here")
                        .remedy(Remedy::FindPolicy),
                    _ => missing,
                };
                return Ok(Err(vec![missing]));
            }
            Err(Failure::Blocked(findings)) => return Ok(Err(findings)),
            Err(error) => return Err(error),
        };
        let (manifest, bytes) = world.manifest()?;
        note(world.manifest_path(), &bytes);
        let expected = question.expect_manifest;
        asked.manifest = expected.map(|expected| ExpectedDigest::new(expected, &bytes));
        Ok(Ok(Self {
            remarks: policy.remarks(),
            policy,
            asked,
            manifest,
            inputs,
        }))
    }

    /// Has `observe` look at all that is judged.
    fn look<T>(
        &self,
        question: &Question,
        keychain: KeychainIdentities<'_>,
        last_record: Observation<Option<Timestamp>>,
        remembering: Option<&StateDir>,
        world: &World,
        observe: impl FnOnce(&Request<'_, Failure>) -> Result<T, Failure>,
    ) -> Result<Looked<T>, Failure> {
        let inputs = self.inputs.as_ref();
        let noted = inputs.map(AsRef::as_ref);
        let is_judged = |group| !self.asked.waived.contains(&group);
        let directories = world.profile_directories(&self.policy);
        let anchors = match is_judged(Group::Profiles) {
            true => world.anchors_noting(&self.policy, noted)?,
            false => Anchors::apple(),
        };
        let profiles = ProfileSources::new(&self.policy, directories, anchors, remembering);
        let identities = || match question.identity_file() {
            // What a capture shows is resolved by the gate, through the profiles that are proven.
            Some(file) => Ok(Some(source::read_file(&file, None, noted, world)?)),
            None => keychain(&self.policy),
        };
        let mut projects = question.targets.request(world)?;
        let mut no_project = None;
        let mut found_project = None;
        if projects.projects.is_empty()
            && is_judged(Group::Targets)
            && needs_project(&self.policy, Some(&self.manifest))
        {
            match project_at_hand::look(world) {
                Ok(found) => {
                    projects.projects.push(found.clone());
                    found_project = Some(found);
                }
                Err(none) => no_project = Some(none.to_string()),
            }
        }
        let observed = observe(&Request {
            last_record,
            manifest: Some(&self.manifest),
            profiles: is_judged(Group::Profiles).then(|| profiles.places(world)),
            identities: is_judged(Group::Identities).then_some(&identities),
            targets: (!projects.projects.is_empty()).then_some(&projects),
            no_project,
            products: match is_judged(Group::Targets) {
                true => &self.policy.products,
                false => &[],
            },
            environment: &world.surroundings.variables,
            inputs,
        })?;
        Ok(Looked {
            facts: observed,
            profiles,
            found_project,
        })
    }
}
