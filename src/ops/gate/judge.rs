//! Looks at this machine, or plans a look, and judges.

use jiff::Timestamp;

use super::document::GateAnswer;
use super::question::Question;
use crate::apple::signed_message::Verifier;
use crate::base::error::ErrorCode;
use crate::base::finding::{Finding, Group};
use crate::base::ids::HostName;
use crate::context::gate::facts::Identities;
use crate::context::gate::{self, Asked, ExpectedManifest, Verdict};
use crate::context::manifest::Manifest;
use crate::context::policy::Policy;
use crate::host::observation::{self, ProfilePlaces, Request};
use crate::ops::error::{Error, Failure};
use crate::ops::identity::source;
use crate::ops::world::World;

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
        let is_cleared = self.verdict.cleared().is_some();
        let manifest = self.subject.as_ref().map(|(_, manifest)| manifest);
        GateAnswer::new(self.verdict.judgement(), manifest, is_cleared, false)
    }
}

/// Reads the identities of a keychain, where one is named and no file of identities is.
pub type KeychainIdentities<'a> = &'a dyn Fn(&Policy) -> Result<Option<Identities>, Failure>;

/// Looks at this machine, now, and judges it.
///
/// # Errors
/// Something that is judged cannot be read.
pub fn judge(
    question: &Question,
    keychain: KeychainIdentities<'_>,
    world: &World,
) -> Result<Judged, Failure> {
    let subject = match Subject::load(question, world)? {
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
    let subject = match Subject::load(question, world)? {
        Ok(subject) => subject,
        Err(findings) => {
            let facts = observation::plan::<Failure>(&Request::default(), host, at)?;
            let rehearsal = gate::rehearse_refusal(&facts, findings);
            return Ok(GateAnswer::new(rehearsal.judgement(), None, false, true));
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
        rehearsal.would_clear(),
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
    /// Reads the policy and the manifest; the findings of a policy that cannot be used are a verdict too.
    fn load(question: &Question, world: &World) -> Result<Result<Self, Vec<Finding>>, Failure> {
        let loaded = match world.policy() {
            Ok(loaded) => loaded,
            Err(Failure::Blocked(findings)) => return Ok(Err(findings)),
            Err(error) => return Err(error),
        };
        let (manifest, bytes) = world.manifest()?;
        for (group, is_named) in [
            (Group::Identities, question.identities.is_some()),
            (Group::Targets, !question.targets.projects.is_empty()),
        ] {
            if is_named && question.waived.contains(&group) {
                let message = format!("the {group} are named and also waived");
                return Err(Error::new(ErrorCode::Usage, message)
                    .hint("remove one of the two options")
                    .into());
            }
        }
        Ok(Ok(Self {
            policy: loaded.policy,
            asked: Asked {
                region: question.region.clone(),
                manifest: question
                    .expect_manifest
                    .map(|expected| ExpectedManifest::new(expected, &bytes)),
                minimum_revision: question.minimum_revision,
                signing: question.expect_signing,
                kind: question.targets.kind,
                waived: question.waived.clone(),
            },
            manifest,
            remarks: loaded.remarks,
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
        let verifier = Verifier::new(world.anchors(&self.policy)?);
        let identities = || match question.identity_file() {
            // What a capture shows is resolved by the gate, through the profiles that are proven.
            Some(file) => Ok(Some(source::read_file(&file, None, world)?)),
            None => keychain(&self.policy),
        };
        let projects = question.targets.request()?;
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
