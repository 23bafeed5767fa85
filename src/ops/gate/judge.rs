//! Looks at this machine, or plans a look, and judges.

use jiff::Timestamp;

use super::document::GateAnswer;
use super::question::Question;
use crate::apple::anchors::Anchors;
use crate::apple::signed_message::Verifier;
use crate::base::finding::{Finding, Group};
use crate::base::ids::HostName;
use crate::context::gate::facts::Identities;
use crate::context::gate::{self, Asked, Cleared, ExpectedDigest, Purpose, Verdict};
use crate::context::manifest::Manifest;
use crate::context::policy::Policy;
use crate::host::observation::{self, ProfilePlaces, Request};
use crate::ops::error::Failure;
use crate::ops::identity::source;
use crate::ops::world::{LoadedPolicy, World};

/// A verdict, and what it was given on.
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// The policy and the manifest; absent if the policy could not be used.
    pub subject: Option<(Policy, Manifest)>,
}

impl Judged {
    /// The verdict as it is shown.
    pub fn answer(&self) -> GateAnswer {
        let manifest = self.subject.as_ref().map(|(_, manifest)| manifest);
        let until = self.verdict.cleared().map(Cleared::until);
        GateAnswer::new(self.verdict.judgement(), manifest, until, false)
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
            let facts = observation::observe::<Failure>(&Request::default(), &world.clock)?;
            return Ok(Judged {
                verdict: gate::refuse(&facts, findings),
                subject: None,
            });
        }
    };
    let facts = subject.look(question, keychain, world, |request| {
        observation::observe(request, &world.clock)
    })?;
    let verdict = gate::judge(&subject.policy, &subject.manifest, &facts, &subject.asked)
        .with_remarks(subject.remarks);
    Ok(Judged {
        verdict,
        subject: Some((subject.policy, subject.manifest)),
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
            let facts = observation::plan::<Failure>(&Request::default(), host, at)?;
            let rehearsal = gate::rehearse_refusal(&facts, findings);
            return Ok(GateAnswer::new(rehearsal.judgement(), None, None, true));
        }
    };
    let facts = subject.look(question, keychain, world, |request| {
        observation::plan(request, host, at)
    })?;
    let rehearsal = gate::rehearse(&subject.policy, &subject.manifest, &facts, &subject.asked)
        .with_remarks(subject.remarks);
    Ok(GateAnswer::new(
        rehearsal.judgement(),
        Some(&subject.manifest),
        rehearsal.until(),
        true,
    ))
}

/// What is judged, with what was asked.
struct Subject {
    policy: Policy,
    manifest: Manifest,
    remarks: Vec<Finding>,
    asked: Asked,
}

impl Subject {
    /// Takes the policy and reads the manifest. A policy that is missing or cannot be used is a verdict too: its findings.
    fn load(
        question: &Question,
        purpose: Purpose,
        policy: FoundPolicy,
        world: &World,
    ) -> Result<Result<Self, Vec<Finding>>, Failure> {
        let mut asked = Asked {
            purpose,
            region: question.region.clone(),
            policy: None,
            manifest: None,
            minimum_revision: question.minimum_revision,
            signing: question.expect_signing,
            kind: question.targets.kind,
            waived: question.waived.clone(),
        };
        let policy = match policy {
            Ok(Some(LoadedPolicy { policy, bytes })) => {
                let expected = question.expect_policy;
                asked.policy = expected.map(|expected| ExpectedDigest::new(expected, &bytes));
                policy
            }
            Ok(None) if gate::policy::is_waived(&asked) => Policy::builtin(world.home()),
            Ok(None) => {
                let missing = gate::policy::missing(world.policy_path(), purpose);
                return Ok(Err(vec![missing]));
            }
            Err(Failure::Blocked(findings)) => return Ok(Err(findings)),
            Err(error) => return Err(error),
        };
        let (manifest, bytes) = world.manifest()?;
        let expected = question.expect_manifest;
        asked.manifest = expected.map(|expected| ExpectedDigest::new(expected, &bytes));
        Ok(Ok(Self {
            remarks: policy.remarks(),
            policy,
            asked,
            manifest,
        }))
    }

    /// Has `observe` look at all that is judged.
    fn look<T>(
        &self,
        question: &Question,
        keychain: KeychainIdentities<'_>,
        world: &World,
        observe: impl FnOnce(&Request<'_, Failure>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let is_judged = |group| !self.asked.waived.contains(&group);
        let directories = world.profile_directories(&self.policy);
        let anchors = match is_judged(Group::Profiles) {
            true => world.anchors(&self.policy)?,
            false => Anchors::apple(),
        };
        let verifier = Verifier::new(anchors);
        let identities = || match question.identity_file() {
            // What a capture shows is resolved by the gate, through the profiles that are proven.
            Some(file) => Ok(Some(source::read_file(&file, None, world)?)),
            None => keychain(&self.policy),
        };
        let projects = question.targets.request(world)?;
        observe(&Request {
            manifest: Some(&self.manifest),
            profiles: is_judged(Group::Profiles).then(|| ProfilePlaces {
                directories: &directories,
                temporary: &world.surroundings.temporary,
                checkouts: &world.surroundings.checkouts,
                verifier: &verifier,
            }),
            identities: is_judged(Group::Identities).then_some(&identities),
            targets: (!projects.projects.is_empty()).then_some(&projects),
        })
    }
}
