//! A world in which all is right, to be put wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign::apple::identity::digest::compatible;
use countersign::apple::profile::Profile;
use countersign::base::clock::FixedClock;
use countersign::base::finding::{Code, Finding, Severity};
use countersign::base::ids::{CertSha1, CertSha256};
use countersign::context::gate::facts::{
    FileFacts, Identities, Identity, InstalledContent, InstalledFile, InstalledProfiles,
    Observation, Observed, ObservedArchive, ObservedClaims, ObservedTargets, PlannedFacts,
    ProfileDirectory, TargetSelection,
};
use countersign::context::gate::{Asked, Cleared, Judgement, Rehearsal, Verdict, judge, rehearse};
use countersign::context::manifest::freeze::{PinnedProjects, Previous, freeze, ordered};
use countersign::context::manifest::{Manifest, PinnedProfile, PinnedTarget, ProfileState};
use countersign::context::policy::Policy;
use countersign::host::node::host_name;
use countersign::host::observation::projects::ProjectRequest;
use countersign::host::observation::{
    ObservationError, ProfilePlace, ProfilePlaces, Request, observe,
};
use countersign::host::proofs::Proofs;
use countersign::host::state_dir::StateDir;
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::sources::InMemory;
use countersign::xcode::targets::{Selection, resolve};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::ProfileSpec;
use forge::project::{Product, ProjectSpec, TargetSpec};
use jiff::Timestamp;
use support::{ROCKET, blocking, proven, rocket, verifier};

/// A Monday, 10:15 in New York.
pub(crate) const NOW: &str = "2026-07-06T14:15:00Z";

pub(crate) const SIGNER: &str = "signer-01.acme.example";

pub(crate) const POLICY: &str = r#"version = 1
[topology]
kind = "dedicated-signer"
key_hosts = ["signer-01.acme.example", "signer-02.acme.example"]
regions = { us-east = ["signer-01.acme.example"], eu-west = ["signer-02.acme.example"] }
[profiles]
minimum_validity = "7d"
warn_before = "30d"
"#;

/// Everything that is judged, ready to be bent.
pub(crate) struct Scene {
    pub(crate) policy: String,
    pub(crate) pinned: Vec<(Profile, ProfileState)>,
    pub(crate) specs: Vec<ProfileSpec>,
    pub(crate) targets: Vec<PinnedTarget>,
    /// The manifest before this one, if there was one.
    pub(crate) previous: Option<Previous>,
    pub(crate) facts: Observed,
    pub(crate) asked: Asked,
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A file that lies where Xcode would find it.
pub(crate) fn installed(name: &str, content: InstalledContent) -> InstalledFile {
    InstalledFile {
        path: Path::new("/profiles").join(name),
        content,
    }
}

/// What is installed of a profile whose bytes are pinned: it is proven.
pub(crate) fn pinned_bytes(profile: &Profile) -> InstalledContent {
    let says = PinnedProfile::of(profile, ProfileState::Active);
    InstalledContent::Read {
        sha256: *profile.sha256(),
        claims: ObservedClaims::Proven(FileFacts::new(says)),
    }
}

pub(crate) fn identity(leaf: &LeafSpec) -> Identity {
    let minted = Hierarchy::acme().developer(leaf);
    Identity {
        sha1: CertSha1::of(&minted.der),
        sha256: Some(CertSha256::of(&minted.der)),
        label: minted.common_name().to_owned(),
        problem: None,
        expires: None,
    }
}

/// A project with the one target that the profile of every scene is for.
pub(crate) fn project() -> ProjectSpec {
    ProjectSpec::new("Rocket")
        .with("CODE_SIGN_STYLE", "Manual")
        .target(
            TargetSpec::new("Rocket", Product::App, ROCKET)
                .with("CODE_SIGN_IDENTITY", "Apple Distribution")
                .with("PROVISIONING_PROFILE_SPECIFIER", &rocket().name),
        )
}

/// What the Release configuration of a project asks for.
pub(crate) fn targets_of(project: &ProjectSpec) -> ObservedTargets {
    let sources = project
        .files()
        .into_iter()
        .fold(InMemory::new(), |sources, (path, bytes)| {
            sources.with(path, bytes)
        });
    let path = PathBuf::from(format!("{}.xcodeproj", project.name));
    let opened = Project::open(&path, &sources).unwrap();
    let settings = ProjectSettings::load(&opened, &sources, &Overrides::default());
    let selection = Selection {
        configuration: Some("Release"),
        ..Selection::default()
    };
    let resolved = resolve(&settings, &sources, &selection);
    ObservedTargets {
        projects: vec![format!("{}.xcodeproj", project.name)],
        targets: resolved.rows,
        findings: resolved.findings,
        selection: TargetSelection::default(),
        archive: ObservedArchive::default(),
        sources: Arc::new(sources),
    }
}

pub(crate) fn distribution() -> LeafSpec {
    LeafSpec::new(LeafKind::AppleDistribution)
}

impl Scene {
    /// One pinned App Store profile, installed, with its identity, on the right host: cleared.
    pub(crate) fn new() -> Self {
        Self::pinning(&[(rocket(), ProfileState::Active)])
    }

    /// The same beside this profile, which it replaced.
    pub(crate) fn with_retiring(mut replaced: ProfileSpec) -> Self {
        replaced.uuid = "5f2c1f0b-7c1e-4a6e-9a54-0d7b8a3f1c22".to_owned();
        Self::pinning(&[
            (rocket(), ProfileState::Active),
            (replaced, ProfileState::Retiring),
        ])
    }

    /// These profiles, all installed under their conventional names.
    pub(crate) fn pinning(specs: &[(ProfileSpec, ProfileState)]) -> Self {
        let pinned: Vec<(Profile, ProfileState)> = specs
            .iter()
            .map(|(spec, state)| (proven(spec), *state))
            .collect();
        let files = pinned
            .iter()
            .map(|(profile, _)| installed(&profile.fields().file_name(), pinned_bytes(profile)))
            .collect();
        Self {
            policy: POLICY.to_owned(),
            pinned,
            specs: specs.iter().map(|(spec, _)| spec.clone()).collect(),
            targets: Vec::new(),
            previous: None,
            facts: Observed {
                now: instant(NOW),
                last_record: Observation::Observed(None),
                host: SIGNER.parse().unwrap(),
                evidence: support::evidence(),
                profiles: Observation::Observed(InstalledProfiles {
                    directories: vec![ProfileDirectory {
                        path: PathBuf::from("/profiles"),
                        resolved: PathBuf::from("/profiles"),
                        access: None,
                        ephemeral: None,
                    }],
                    files,
                    trust_anchors: Vec::new(),
                }),
                identities: Observation::Observed(Identities {
                    source: "a capture".to_owned(),
                    identities: vec![identity(&distribution())],
                    compatible: Some(compatible(b"captured")),
                }),
                targets: Observation::Observed(targets_of(&project()).into()),
                products: Vec::new(),
            },
            asked: Asked::default(),
        }
    }

    pub(crate) fn manifest(&self) -> Manifest {
        let profiles = self
            .pinned
            .iter()
            .map(|(profile, state)| PinnedProfile::of(profile, *state));
        let projects = PinnedProjects {
            targets: self.targets.clone(),
            ..PinnedProjects::default()
        };
        let content = freeze(
            ordered(profiles).unwrap(),
            Some(projects),
            Vec::new(),
            self.previous.as_ref(),
        );
        Manifest::parse(&content.to_bytes()).unwrap()
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy::parse(&self.policy, Path::new("signing.toml"), None)
            .unwrap_or_else(|findings| panic!("{findings:#?}"))
    }

    pub(crate) fn rehearse(&self) -> Rehearsal {
        let facts = PlannedFacts::new(self.facts.clone());
        rehearse(&self.policy(), &self.manifest(), &facts, &self.asked)
    }

    pub(crate) fn judge(&self) -> Judgement {
        self.rehearse().judgement().clone()
    }

    /// The scene's policy, in which the first signer has this machine's name.
    pub(crate) fn live_policy(&self) -> Policy {
        let policy = self.policy.replace(SIGNER, host_name().unwrap().as_str());
        Policy::parse(&policy, Path::new("signing.toml"), None).unwrap()
    }

    /// The same on this machine at the scene's instant, by [`Scene::live_policy`]: its profiles and its project are written
    /// where they are looked for.
    pub(crate) fn judge_live(&self) -> Verdict {
        self.judge_live_after(None)
    }

    /// The same where what earlier looks proved counts, if they had this state directory.
    pub(crate) fn judge_live_after(&self, state: Option<&StateDir>) -> Verdict {
        let verifier = verifier();
        let proofs = state.map(|state| Proofs::load(state, verifier.anchors()));
        let directory = tempfile::tempdir().unwrap();
        for spec in &self.specs {
            std::fs::write(directory.path().join(spec.file_name()), spec.mint()).unwrap();
        }
        let policy = self.live_policy();
        let manifest = self.manifest();
        let projects = ProjectRequest {
            projects: vec![project().write(directory.path())],
            ..ProjectRequest::default()
        };
        let identities = || match &self.facts.identities {
            Observation::Observed(identities) => Ok(Some(identities.clone())),
            Observation::Unobserved { .. } => Ok(None),
        };
        let request: Request<'_, ObservationError> = Request {
            last_record: self.facts.last_record.clone(),
            manifest: Some(&manifest),
            profiles: Some(ProfilePlaces {
                directories: &[ProfilePlace {
                    path: directory.path().to_owned(),
                    must_exist: true,
                }],
                temporary: &[],
                checkouts: &[],
                with_access: false,
                verifier: &verifier,
                proofs: proofs.as_ref(),
            }),
            identities: Some(&identities),
            targets: Some(&projects),
            ..Request::default()
        };
        let facts = observe(&request, &FixedClock(self.facts.now)).unwrap();
        if let (Some(proofs), Observation::Observed(installed)) =
            (&proofs, &facts.observed().profiles)
        {
            proofs.remember(installed, &manifest).unwrap();
        }
        judge(&policy, &manifest, &facts, &self.asked)
    }

    pub(crate) fn clear(&self) -> Cleared {
        let (judgement, cleared) = self.judge_live().into_parts();
        cleared.unwrap_or_else(|| panic!("{:#?}", judgement.findings))
    }

    pub(crate) fn installed(&mut self) -> &mut InstalledProfiles {
        match &mut self.facts.profiles {
            Observation::Observed(installed) => installed,
            Observation::Unobserved { .. } => {
                panic!("observed in every scene until a test says otherwise")
            }
        }
    }

    pub(crate) fn identities(&mut self) -> &mut Identities {
        match &mut self.facts.identities {
            Observation::Observed(identities) => identities,
            Observation::Unobserved { .. } => {
                panic!("observed in every scene until a test says otherwise")
            }
        }
    }

    pub(crate) fn observed_targets(&mut self) -> &mut ObservedTargets {
        match &mut self.facts.targets {
            Observation::Observed(targets) => Arc::make_mut(targets),
            Observation::Unobserved { .. } => {
                panic!("observed in every scene until a test says otherwise")
            }
        }
    }

    /// A target that the one profile signs with a certificate.
    pub(crate) fn target(&mut self, certificate: CertSha256) {
        self.targets.push(PinnedTarget {
            project: "Rocket.xcodeproj".to_owned(),
            target: "Rocket".parse().unwrap(),
            configuration: "Release".parse().unwrap(),
            platform: countersign::xcode::platform::Platform::Ios,
            bundle_id: ROCKET.parse().unwrap(),
            profile: self.pinned[0].0.fields().uuid.clone(),
            certificate,
        });
    }

    /// Blocked, and for this reason alone; the finding has a remedy.
    #[track_caller]
    pub(crate) fn blocked_by(&self, code: Code) -> Finding {
        let rehearsal = self.rehearse();
        let judgement = rehearsal.judgement().clone();
        assert_eq!(
            blocking(&judgement.findings),
            [code.as_str()],
            "{:#?}",
            judgement.findings
        );
        assert!(rehearsal.until().is_none());
        let finding = judgement
            .findings
            .into_iter()
            .find(|finding| finding.code == code)
            .unwrap();
        assert!(finding.hint.is_some(), "no remedy: {finding:?}");
        finding
    }

    /// Cleared, with this finding of less weight.
    #[track_caller]
    pub(crate) fn cleared_with(&self, code: Code, severity: Severity) -> Finding {
        let rehearsal = self.rehearse();
        let verdict = rehearsal.judgement();
        assert!(rehearsal.until().is_some(), "{:#?}", verdict.findings);
        let finding = verdict.findings.iter().find(|finding| finding.code == code);
        let finding = finding
            .unwrap_or_else(|| panic!("no {code}: {:#?}", verdict.findings))
            .clone();
        assert_eq!(finding.severity, severity);
        finding
    }
}

/// Weekdays from six to ten, in New York.
pub(crate) const HOURS: &str = r#"
[[keychain.allowed]]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "06:00"
to = "22:00"
zone = "America/New_York"
"#;
