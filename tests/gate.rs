//! The gate judges values: one world in which everything is right, and for each finding code the one change that brings it up.
//!
//! Findings are rehearsed: facts are built by hand, as a rehearsal of next month would build them, and nothing touches a
//! disk, a clock or a keychain. A clearance cannot be had that way, so what is said of clearances is shown on this machine,
//! looked at where a directory was built for it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign::apple::identity::digest::{canonical, compatible};
use countersign::apple::profile::Profile;
use countersign::base::clock::FixedClock;
use countersign::base::digest::Digest;
use countersign::base::finding::{Code, Finding, Group, Severity};
use countersign::base::ids::{CertSha1, CertSha256, FileSha256};
use countersign::base::remedy::Remedy;
use countersign::context::envelope;
use countersign::context::gate::facts::{
    Identities, Identity, InstalledClaims, InstalledContent, InstalledFile, InstalledProfiles,
    InstalledScope, Observation, Observed, ObservedTargets, PlannedFacts, ProfileDirectory,
    TargetSelection,
};
use countersign::context::gate::{
    Asked, Cleared, ExpectedManifest, Judgement, Rehearsal, Verdict, judge, refuse, rehearse,
};
use countersign::context::manifest::freeze::{freeze, ordered};
use countersign::context::manifest::{Manifest, PinnedProfile, PinnedTarget, ProfileState};
use countersign::context::plan;
use countersign::context::policy::Policy;
use countersign::host::node::host_name;
use countersign::host::observation::projects::ProjectRequest;
use countersign::host::observation::{
    ObservationError, ProfilePlace, ProfilePlaces, Request, observe,
};
use countersign::host::permit::{NotCleared, OpenPermit};
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::sources::InMemory;
use countersign::xcode::targets::{Selection, resolve};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use jiff::{SignedDuration, Timestamp};
use support::{ROCKET, blocking, proven, rocket};

/// A Monday, 10:15 in New York.
const NOW: &str = "2026-07-06T14:15:00Z";
const SIGNER: &str = "signer-01.acme.example";
const POLICY: &str = r#"version = 1
[topology]
kind = "dedicated-signer"
key_hosts = ["signer-01.acme.example", "signer-02.acme.example"]
regions = { us-east = ["signer-01.acme.example"], eu-west = ["signer-02.acme.example"] }
[profiles]
minimum_validity = "7d"
warn_before = "30d"
"#;

/// Everything that is judged, ready to be bent.
struct Scene {
    policy: String,
    pinned: Vec<(Profile, ProfileState)>,
    specs: Vec<ProfileSpec>,
    targets: Vec<PinnedTarget>,
    facts: Observed,
    asked: Asked,
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A file that lies where Xcode would find it.
fn installed(name: &str, content: InstalledContent) -> InstalledFile {
    InstalledFile {
        path: Path::new("/profiles").join(name),
        content,
    }
}

/// What is installed of a profile whose bytes are pinned: nothing but its digest is looked at.
fn pinned_bytes(profile: &Profile) -> InstalledContent {
    InstalledContent::Read {
        sha256: *profile.sha256(),
        claims: None,
        proof: None,
    }
}

/// What is installed of a profile that nobody pinned.
fn claims_of(profile: &Profile) -> InstalledContent {
    let fields = profile.fields();
    InstalledContent::Read {
        sha256: *profile.sha256(),
        claims: Some(InstalledClaims {
            uuid: Some(fields.uuid.clone()),
            name: Some(fields.name.clone()),
            signs: Some(InstalledScope {
                team_id: fields.team_id.clone(),
                bundle_id: fields.bundle_id.clone(),
                kind: fields.kind,
                family: countersign::context::gate::facts::Family::of(&fields.platforms),
                created: fields.created,
                expires: fields.expires,
            }),
        }),
        proof: None,
    }
}

fn identity(leaf: &LeafSpec) -> Identity {
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
fn project() -> ProjectSpec {
    ProjectSpec::new("Rocket").target(TargetSpec::new("Rocket", Product::App, ROCKET))
}

/// What the Release configuration of a project asks for.
fn targets_of(project: &ProjectSpec) -> ObservedTargets {
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
        sources: Arc::new(sources),
    }
}

fn distribution() -> LeafSpec {
    LeafSpec::new(LeafKind::AppleDistribution)
}

impl Scene {
    /// One pinned App Store profile, installed, with its identity, on the right host: cleared.
    fn new() -> Self {
        Self::pinning(&[(rocket(), ProfileState::Active)])
    }

    /// These profiles, all installed under their conventional names.
    fn pinning(specs: &[(ProfileSpec, ProfileState)]) -> Self {
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
            facts: Observed {
                now: instant(NOW),
                host: SIGNER.parse().unwrap(),
                profiles: Observation::Observed(InstalledProfiles {
                    directories: vec![ProfileDirectory {
                        path: PathBuf::from("/profiles"),
                        writable: Some(true),
                        ephemeral: None,
                    }],
                    files,
                }),
                identities: Observation::Observed(Identities {
                    source: "a capture".to_owned(),
                    identities: vec![identity(&distribution())],
                    compatible: Some(compatible(b"captured")),
                }),
                targets: Observation::Observed(targets_of(&project())),
            },
            asked: Asked::default(),
        }
    }

    fn manifest(&self) -> Manifest {
        let profiles = self
            .pinned
            .iter()
            .map(|(profile, state)| PinnedProfile::of(profile, *state));
        let content = freeze(ordered(profiles).unwrap(), Some(self.targets.clone()), None);
        Manifest::parse(&content.to_bytes()).unwrap()
    }

    fn policy(&self) -> Policy {
        Policy::parse(&self.policy, Path::new("signing.toml"), None)
            .unwrap_or_else(|findings| panic!("{findings:#?}"))
    }

    fn rehearse(&self) -> Rehearsal {
        let facts = PlannedFacts::new(self.facts.clone());
        rehearse(&self.policy(), &self.manifest(), &facts, &self.asked)
    }

    fn judge(&self) -> Judgement {
        self.rehearse().judgement().clone()
    }

    /// The same on this machine at the scene's instant: its profiles and its project are written where they are looked
    /// for, and the policy's first signer has this machine's name.
    fn judge_live(&self) -> Verdict {
        let directory = tempfile::tempdir().unwrap();
        for spec in &self.specs {
            std::fs::write(directory.path().join(spec.file_name()), spec.mint()).unwrap();
        }
        let policy = self.policy.replace(SIGNER, host_name().unwrap().as_str());
        let policy = Policy::parse(&policy, Path::new("signing.toml"), None).unwrap();
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
            manifest: Some(&manifest),
            profiles: Some(ProfilePlaces {
                directories: &[ProfilePlace {
                    path: directory.path().to_owned(),
                    must_exist: true,
                }],
                temporary: &[],
                checkouts: &[],
                prove: None,
            }),
            identities: Some(&identities),
            targets: Some(&projects),
        };
        let facts = observe(&request, &FixedClock(self.facts.now)).unwrap();
        judge(&policy, &manifest, &facts, &self.asked)
    }

    fn clear(&self) -> Cleared {
        let (judgement, cleared) = self.judge_live().into_parts();
        cleared.unwrap_or_else(|| panic!("{:#?}", judgement.findings))
    }

    fn installed(&mut self) -> &mut InstalledProfiles {
        match &mut self.facts.profiles {
            Observation::Observed(installed) => installed,
            Observation::Unobserved { .. } => {
                panic!("observed in every scene until a test says otherwise")
            }
        }
    }

    fn identities(&mut self) -> &mut Identities {
        match &mut self.facts.identities {
            Observation::Observed(identities) => identities,
            Observation::Unobserved { .. } => {
                panic!("observed in every scene until a test says otherwise")
            }
        }
    }

    fn observed_targets(&mut self) -> &mut ObservedTargets {
        match &mut self.facts.targets {
            Observation::Observed(targets) => targets,
            Observation::Unobserved { .. } => {
                panic!("observed in every scene until a test says otherwise")
            }
        }
    }

    /// A target that the one profile signs with a certificate.
    fn target(&mut self, certificate: CertSha256) {
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
    fn blocked_by(&self, code: Code) -> Finding {
        let rehearsal = self.rehearse();
        let judgement = rehearsal.judgement().clone();
        assert_eq!(
            blocking(&judgement.findings),
            [code.as_str()],
            "{:#?}",
            judgement.findings
        );
        assert!(!rehearsal.would_clear());
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
    fn cleared_with(&self, code: Code, severity: Severity) -> Finding {
        let rehearsal = self.rehearse();
        let verdict = rehearsal.judgement();
        assert!(rehearsal.would_clear(), "{:#?}", verdict.findings);
        let finding = verdict.findings.iter().find(|finding| finding.code == code);
        let finding = finding
            .unwrap_or_else(|| panic!("no {code}: {:#?}", verdict.findings))
            .clone();
        assert_eq!(finding.severity, severity);
        finding
    }
}

#[test]
fn a_world_in_which_all_is_right_is_cleared_without_a_word() {
    let rehearsal = Scene::new().rehearse();
    assert_eq!(rehearsal.judgement().findings, []);
    assert!(rehearsal.would_clear());
    let region = rehearsal.judgement().region.as_ref();
    assert_eq!(region.unwrap().as_str(), "us-east");
}

// manifest

#[test]
fn manifest_digest_mismatch_shows_both_digests() {
    let mut scene = Scene::new();
    let found = scene.manifest().digest();
    let expected = Digest::of(b"another manifest");
    let bytes = scene.manifest().content().to_bytes();
    scene.asked.manifest = Some(ExpectedManifest::new(expected, &bytes));
    let finding = scene.blocked_by(Code::ManifestDigestMismatch);
    assert_eq!(finding.expected, Some(expected.to_string()));
    assert_eq!(finding.found, Some(found.to_string()));
    scene.asked.manifest = Some(ExpectedManifest::new(found, &bytes));
    assert!(scene.rehearse().would_clear());
}

#[test]
fn manifest_stale_revision_blocks_only_below_the_minimum() {
    let mut scene = Scene::new();
    scene.asked.minimum_revision = Some(2);
    scene.blocked_by(Code::ManifestStaleRevision);
    scene.asked.minimum_revision = Some(1);
    assert!(scene.rehearse().would_clear());
}

// profiles

#[test]
fn profile_missing_names_file_and_digest() {
    let mut scene = Scene::new();
    scene.installed().files.clear();
    let finding = scene.blocked_by(Code::ProfileMissing);
    let expected = finding.expected.unwrap();
    assert!(
        expected.contains(&scene.pinned[0].0.sha256().to_string()),
        "{expected}"
    );
    assert!(finding.found.unwrap().contains("/profiles"));
}

#[test]
fn profile_bytes_differ_tells_both_digests_and_the_file() {
    let mut scene = Scene::new();
    let uuid = scene.pinned[0].0.fields().uuid.clone();
    let name = scene.pinned[0].0.fields().file_name();
    // Under the pinned UUID, whatever the file is called …
    scene.installed().files = vec![installed(
        "renamed.mobileprovision",
        InstalledContent::Read {
            sha256: FileSha256::of(b"other bytes"),
            claims: Some(InstalledClaims {
                uuid: Some(uuid),
                name: None,
                signs: None,
            }),
            proof: None,
        },
    )];
    let finding = scene.blocked_by(Code::ProfileBytesDiffer);
    assert_eq!(
        finding.expected,
        Some(format!("sha256:{}", scene.pinned[0].0.sha256()))
    );
    assert_eq!(
        finding.found,
        Some(format!("sha256:{}", FileSha256::of(b"other bytes")))
    );
    assert!(
        finding
            .place
            .file
            .unwrap()
            .ends_with("renamed.mobileprovision")
    );
    // … and under the pinned file name, whatever it claims to be.
    scene.installed().files = vec![installed(
        &name,
        InstalledContent::Read {
            sha256: FileSha256::of(b"rubbish"),
            claims: None,
            proof: None,
        },
    )];
    scene.blocked_by(Code::ProfileBytesDiffer);
}

#[test]
fn profile_unreadable_under_the_pinned_name_blocks() {
    let mut scene = Scene::new();
    let name = scene.pinned[0].0.fields().file_name();
    scene.installed().files = vec![installed(
        &name,
        InstalledContent::Unreadable {
            problem: "no permission".to_owned(),
        },
    )];
    scene.blocked_by(Code::ProfileUnreadable);
}

#[test]
fn an_unreadable_file_beside_the_good_ones_only_warns() {
    let mut scene = Scene::new();
    scene.installed().files.push(installed(
        "broken.mobileprovision",
        InstalledContent::Unreadable {
            problem: "a pipe".to_owned(),
        },
    ));
    scene.cleared_with(Code::ProfileUnreadable, Severity::Warn);
}

#[test]
fn a_signature_that_no_longer_holds_blocks_when_it_is_proven_again() {
    let mut scene = Scene::new();
    let fault = Finding::block(Code::ProfileNotTrusted, "the chain does not hold")
        .hint("download it again");
    if let InstalledContent::Read { proof, .. } = &mut scene.installed().files[0].content {
        *proof = Some(vec![fault]);
    }
    let finding = scene.blocked_by(Code::ProfileNotTrusted);
    assert!(finding.place.file.is_some() && finding.place.profile.is_some());
}

#[test]
fn profile_expired_blocks_from_the_instant_after_its_last() {
    let mut scene = Scene::pinning(&[(
        rocket().valid("2026-01-01T10:00:00Z", "2026-07-06T14:15:00Z"),
        ProfileState::Active,
    )]);
    scene.facts.now = instant("2026-07-06T14:15:01Z");
    scene.blocked_by(Code::ProfileExpired);
}

#[test]
fn profile_expires_soon_blocks_below_the_minimum_and_warns_before_it() {
    let expiring = |expires| {
        Scene::pinning(&[(
            rocket().valid("2026-01-01T10:00:00Z", expires),
            ProfileState::Active,
        )])
    };
    expiring("2026-07-13T14:14:59Z").blocked_by(Code::ProfileExpiresSoon);
    expiring("2026-07-13T14:15:00Z").cleared_with(Code::ProfileExpiresSoon, Severity::Warn);
    expiring("2026-08-05T14:14:59Z").cleared_with(Code::ProfileExpiresSoon, Severity::Warn);
    assert_eq!(expiring("2026-08-05T14:15:00Z").judge().findings, []);
}

#[test]
fn a_retiring_profile_may_expire() {
    let scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (
            rocket()
                .named("An Old One")
                .valid("2025-01-01T10:00:00Z", "2026-01-02T00:00:00Z"),
            ProfileState::Retiring,
        ),
    ]);
    scene.cleared_with(Code::ProfileExpired, Severity::Info);
}

#[test]
fn an_unpinned_profile_of_the_same_name_is_a_shadow() {
    let mut scene = Scene::new();
    // Another app's, of the same name: Xcode's specifier is a name.
    let mut older = ProfileSpec::ios(Kind::AdHoc, "com.acme.other")
        .valid("2025-01-01T10:00:00Z", "2045-01-01T00:00:00Z");
    older.name = rocket().name;
    let older = proven(&older);
    scene
        .installed()
        .files
        .push(installed("older.mobileprovision", claims_of(&older)));
    let finding = scene.blocked_by(Code::ProfileShadowed);
    assert!(
        finding.message.contains("an older profile"),
        "{}",
        finding.message
    );
    assert!(
        finding
            .place
            .file
            .unwrap()
            .ends_with("older.mobileprovision")
    );
}

#[test]
fn other_bytes_of_a_pinned_uuid_beside_the_pinned_ones_are_a_shadow() {
    let mut scene = Scene::new();
    let renewed = proven(&rocket().valid("2026-02-01T10:00:00Z", "2046-06-01T00:00:00Z"));
    assert_eq!(renewed.fields().uuid, scene.pinned[0].0.fields().uuid);
    scene
        .installed()
        .files
        .push(installed("renewed.mobileprovision", claims_of(&renewed)));
    let finding = scene.blocked_by(Code::ProfileShadowed);
    assert!(finding.message.contains("same UUID"), "{}", finding.message);
}

#[test]
fn an_unpinned_profile_of_the_same_team_bundle_id_and_kind_is_a_shadow() {
    let mut scene = Scene::new();
    let renamed = proven(
        &rocket()
            .named("Renamed")
            .valid("2026-02-01T10:00:00Z", "2046-01-01T00:00:00Z"),
    );
    scene
        .installed()
        .files
        .push(installed("renamed.mobileprovision", claims_of(&renamed)));
    let finding = scene.blocked_by(Code::ProfileShadowed);
    assert!(
        finding.message.contains("a newer profile"),
        "{}",
        finding.message
    );
}

#[test]
fn an_unpinned_profile_of_another_kind_team_or_bundle_id_is_no_shadow() {
    let mut scene = Scene::new();
    for other in [
        ProfileSpec::ios(Kind::AdHoc, ROCKET),
        ProfileSpec::ios(Kind::AppStore, "com.acme.other"),
        rocket()
            .named("Of Another Team")
            .team("OTHERTEAM1", "OTHERTEAM1"),
    ] {
        let other = proven(&other);
        scene
            .installed()
            .files
            .push(installed(&other.fields().file_name(), claims_of(&other)));
    }
    assert_eq!(scene.judge().findings, []);
}

#[test]
fn a_mac_profile_does_not_shadow_an_ios_one() {
    // One app in both stores: same team, bundle id and kind, and no build could take one for the other.
    let mut scene = Scene::new();
    let mac = proven(&ProfileSpec::mac(Kind::AppStore, ROCKET));
    scene
        .installed()
        .files
        .push(installed(&mac.fields().file_name(), claims_of(&mac)));
    assert_eq!(scene.judge().findings, []);
}

#[test]
fn pinned_profiles_of_one_name_are_a_parallel_window() {
    let mut next = rocket().valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    next.uuid = "11111111-2222-4333-8444-555555555555".to_owned();
    let scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (next, ProfileState::Incoming),
    ]);
    let finding = scene.cleared_with(Code::ProfileShadowed, Severity::Info);
    assert!(
        finding.message.contains("in parallel"),
        "{}",
        finding.message
    );
}

#[test]
fn pinned_profiles_of_one_scope_are_a_parallel_window_too() {
    let next = rocket()
        .named("The Next One")
        .valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z");
    let scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (next, ProfileState::Incoming),
    ]);
    scene.cleared_with(Code::ProfileShadowed, Severity::Info);
}

#[test]
fn the_same_bytes_twice_are_a_shadow_to_come() {
    let mut scene = Scene::new();
    let copy = installed(
        "copy of it.mobileprovision",
        pinned_bytes(&scene.pinned[0].0),
    );
    // Whatever is found first: the file of the conventional name is the one that stays.
    scene.installed().files.insert(0, copy);
    let finding = scene.cleared_with(Code::ProfileShadowed, Severity::Warn);
    assert!(
        finding
            .place
            .file
            .unwrap()
            .ends_with("copy of it.mobileprovision")
    );
}

#[test]
fn profile_in_wipeable_tree_warns() {
    let mut scene = Scene::new();
    scene.installed().directories[0].ephemeral = Some("/tmp: cleaned at every start".to_owned());
    scene.cleared_with(Code::ProfileInWipeableTree, Severity::Warn);
}

#[test]
fn profile_directory_writable_blocks_where_the_policy_says_read_only() {
    let mut scene = Scene::new();
    scene.policy.push_str("read_only = true\n");
    scene.blocked_by(Code::ProfileDirectoryWritable);
    scene.installed().directories[0].writable = Some(false);
    assert!(scene.rehearse().would_clear());
}

#[test]
fn profile_anchor_not_apple_warns_of_the_policy_that_names_it() {
    let mut scene = Scene::new();
    scene.policy.push_str("trust_anchors = [\"anchors.pem\"]\n");
    let finding = scene.cleared_with(Code::ProfileAnchorNotApple, Severity::Warn);
    assert_eq!(finding.place.file.as_deref(), Some("signing.toml"));
    assert_eq!(finding.place.line, Some(9));
}

// certificates

#[test]
fn certificate_not_in_profile_names_the_target() {
    let mut scene = Scene::new();
    scene.target(CertSha256::of(b"another certificate"));
    let finding = scene.blocked_by(Code::CertificateNotInProfile);
    assert_eq!(finding.place.target.as_deref(), Some("Rocket"));
    assert_eq!(
        finding.place.pointer.as_deref(),
        Some("/targets/0/certificate")
    );
}

#[test]
fn certificate_expired_and_expires_soon_follow_the_margins() {
    let ending = |expires: &str| {
        let leaf = distribution().valid("2026-01-01T00:00:00Z", expires);
        let spec = rocket().certificates(&[Hierarchy::acme().developer(&leaf)]);
        let mut scene = Scene::pinning(&[(spec, ProfileState::Active)]);
        scene.identities().identities = vec![identity(&leaf)];
        scene
    };
    ending("2026-07-01T00:00:00Z").blocked_by(Code::CertificateExpired);
    ending("2026-07-10T00:00:00Z").blocked_by(Code::CertificateExpiresSoon);
    ending("2026-07-20T00:00:00Z").cleared_with(Code::CertificateExpiresSoon, Severity::Warn);
}

#[test]
fn an_expired_certificate_beside_a_lasting_one_does_not_matter_until_a_target_is_pinned_to_it() {
    let old = distribution()
        .labelled("old")
        .valid("2025-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let acme = Hierarchy::acme();
    let minted = [acme.developer(&distribution()), acme.developer(&old)];
    let mut scene = Scene::pinning(&[(rocket().certificates(&minted), ProfileState::Active)]);
    assert_eq!(scene.judge().findings, []);
    scene.target(CertSha256::of(&minted[1].der));
    let verdict = scene.judge();
    assert!(
        blocking(&verdict.findings).contains(&"certificate-expired"),
        "{:#?}",
        verdict.findings
    );
}

#[test]
fn certificate_issuer_missing_names_the_issuer_to_install() {
    let mut scene = Scene::new();
    scene.identities().identities[0].problem = Some("CSSMERR_TP_NOT_TRUSTED".to_owned());
    let verdict = scene.judge();
    let finding = verdict
        .findings
        .iter()
        .find(|finding| finding.code == Code::CertificateIssuerMissing)
        .unwrap();
    assert_eq!(finding.severity, Severity::Block);
    assert!(
        finding.hint.as_deref().unwrap().contains("G3"),
        "{finding:?}"
    );
}

// identities

#[test]
fn identity_missing_tells_which_certificate_would_do() {
    let mut scene = Scene::new();
    scene.identities().identities.clear();
    let finding = scene.blocked_by(Code::IdentityMissing);
    assert!(
        finding
            .expected
            .unwrap()
            .contains("Apple Distribution: Acme Rockets, Inc")
    );
}

#[test]
fn identity_unexpected_is_sprawl_unless_the_policy_allows_it() {
    let mut scene = Scene::new();
    let stranger = identity(&LeafSpec::new(LeafKind::AppleDevelopment));
    scene.identities().identities.push(stranger.clone());
    scene.blocked_by(Code::IdentityUnexpected);
    let rules = format!("[identities]\nallow = [\"{}\"]\n", stranger.sha1);
    scene.policy.push_str(&rules);
    assert_eq!(scene.judge().findings, []);
}

#[test]
fn identity_ambiguous_is_two_usable_ones_of_one_name() {
    let renewed = distribution().labelled("renewed");
    let acme = Hierarchy::acme();
    let both = [acme.developer(&distribution()), acme.developer(&renewed)];
    let mut scene = Scene::pinning(&[(rocket().certificates(&both), ProfileState::Active)]);
    scene.identities().identities = vec![identity(&distribution()), identity(&renewed)];
    scene.blocked_by(Code::IdentityAmbiguous);
    // One that cannot sign is no rival.
    scene.identities().identities[1].problem = Some("CSSMERR_TP_CERT_EXPIRED".to_owned());
    assert!(!blocking(&scene.judge().findings).contains(&"identity-ambiguous"));
}

#[test]
fn identity_digest_mismatch_accepts_either_digest_of_the_set() {
    let mut scene = Scene::new();
    let sha256 = identity(&distribution()).sha256.unwrap();
    for right in [canonical([sha256]), compatible(b"captured")] {
        scene.asked.signing = Some(right);
        assert_eq!(scene.judge().findings, []);
    }
    for wrong in [canonical([]), compatible(b"captured another day")] {
        scene.asked.signing = Some(wrong);
        let finding = scene.blocked_by(Code::IdentityDigestMismatch);
        assert_eq!(finding.expected, Some(wrong.to_string()));
    }
}

#[test]
fn the_canonical_digest_does_not_know_order_or_number() {
    let [a, b, c] = ["a", "b", "c"].map(|text| CertSha256::of(text.as_bytes()));
    assert_eq!(canonical([a, b, c]), canonical([c, a, b, a]));
    assert_ne!(canonical([a, b]), canonical([a, c]));
    // Of the definition, by other means: the line, then the sorted raw fingerprints.
    let mut sorted = [a, b, c];
    sorted.sort();
    let bytes = [
        b"countersign identities v1\n".as_slice(),
        sorted[0].as_bytes(),
        sorted[1].as_bytes(),
        sorted[2].as_bytes(),
    ]
    .concat();
    assert_eq!(canonical([a, b, c]), Digest::of(&bytes));
}

#[test]
fn an_identity_known_by_sha_1_alone_leaves_no_canonical_digest() {
    let mut scene = Scene::new();
    scene.identities().identities[0].sha256 = None;
    let digests = scene.judge().identities;
    assert_eq!(digests.canonical, None);
    assert_eq!(digests.compatible, Some(compatible(b"captured")));
    scene.asked.signing = Some(canonical([]));
    let finding = scene.blocked_by(Code::IdentityDigestMismatch);
    assert!(finding.found.unwrap().contains("SHA-1 only"));
}

// node

#[test]
fn host_not_allowed_points_at_the_policy_s_line() {
    let mut scene = Scene::new();
    scene.facts.host = "laptop.acme.example".parse().unwrap();
    let finding = scene.blocked_by(Code::HostNotAllowed);
    assert_eq!(finding.place.line, Some(4));
}

#[test]
fn region_mismatch_is_a_known_region_elsewhere_or_an_unknown_one() {
    let mut scene = Scene::new();
    scene.asked.region = Some("eu-west".parse().unwrap());
    scene.blocked_by(Code::RegionMismatch);
    scene.asked.region = Some("us-eats".parse().unwrap());
    assert!(
        scene
            .blocked_by(Code::RegionMismatch)
            .hint
            .unwrap()
            .contains("us-east")
    );
    scene.asked.region = Some("us-east".parse().unwrap());
    assert!(scene.rehearse().would_clear());
}

/// Weekdays from six to ten, in New York.
const HOURS: &str = r#"
[[keychain.allowed]]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "06:00"
to = "22:00"
zone = "America/New_York"
"#;

#[test]
fn window_not_allowed_now_says_when_the_next_one_opens() {
    let mut scene = Scene::new();
    scene.policy.push_str(HOURS);
    assert!(scene.rehearse().would_clear());
    scene.facts.now = instant("2026-07-05T14:15:00Z");
    let finding = scene.blocked_by(Code::WindowNotAllowedNow);
    assert!(finding.hint.unwrap().contains("Mon 2026-07-06 06:00"));
}

// what was not observed, and what was waived

#[test]
fn what_was_not_observed_is_not_passed() {
    let why = || "nobody looked".to_owned();
    let mut scene = Scene::new();
    scene.facts.profiles = Observation::Unobserved { why: why() };
    scene.blocked_by(Code::ProfilesUnobserved);
    let mut scene = Scene::new();
    scene.facts.identities = Observation::Unobserved { why: why() };
    scene.blocked_by(Code::IdentitiesUnobserved);
    let mut scene = Scene::new();
    scene.facts.targets = Observation::Unobserved { why: why() };
    scene.blocked_by(Code::TargetsUnobserved);
}

#[test]
fn a_waived_group_is_not_judged_and_stands_in_the_verdict() {
    let why = || "nobody looked".to_owned();
    let mut scene = Scene::new();
    scene.facts.profiles = Observation::Unobserved { why: why() };
    scene.facts.identities = Observation::Unobserved { why: why() };
    scene.facts.targets = Observation::Unobserved { why: why() };
    scene.asked.waived = [Group::Profiles, Group::Identities, Group::Targets].into();
    let verdict = scene.judge();
    assert!(verdict.passes(), "{:#?}", verdict.findings);
    assert_eq!(verdict.waived, scene.asked.waived);
}

#[test]
fn a_waiver_of_one_group_waives_no_other() {
    let mut scene = Scene::new();
    scene.installed().files.clear();
    scene.asked.waived = [Group::Identities, Group::Targets].into();
    scene.blocked_by(Code::ProfileMissing);
}

// targets

#[test]
fn the_gate_itself_plans_what_the_targets_ask_for() {
    let mut scene = Scene::new();
    let another = TargetSpec::new("Rocket", Product::App, "com.acme.another");
    scene.facts.targets =
        Observation::Observed(targets_of(&ProjectSpec::new("Rocket").target(another)));
    let finding = scene.blocked_by(Code::TargetUnmapped);
    assert_eq!(finding.place.target.as_deref(), Some("Rocket"));
}

#[test]
fn the_kind_that_is_asked_for_is_planned_for() {
    let mut scene = Scene::new();
    scene.asked.kind = Some(countersign::apple::profile::ProfileKind::AdHoc);
    scene.blocked_by(Code::TargetUnmapped);
    scene.asked.kind = Some(countersign::apple::profile::ProfileKind::AppStore);
    assert!(scene.rehearse().would_clear());
}

#[test]
fn findings_of_projects_count_as_they_are() {
    let mut scene = Scene::new();
    let finding =
        Finding::block(Code::ProjectInconsistent, "a target stands twice").hint("remove one");
    scene.observed_targets().findings.push(finding);
    scene.blocked_by(Code::ProjectInconsistent);
}

#[test]
fn an_observation_without_targets_is_none() {
    let mut scene = Scene::new();
    scene.observed_targets().targets.clear();
    let finding = scene.blocked_by(Code::TargetsUnobserved);
    assert_eq!(finding.remedy, Some(Remedy::NameProject));
    // An empty workspace names no project either.
    scene.observed_targets().projects.clear();
    scene.blocked_by(Code::TargetsUnobserved);
    // Whoever selects nothing is told to select something else.
    scene.observed_targets().selection.platform =
        Some(countersign::xcode::platform::Platform::Tvos);
    let hint = scene.blocked_by(Code::TargetsUnobserved).hint.unwrap();
    assert!(hint.contains("select targets"), "{hint}");
}

#[test]
fn a_pinned_target_that_the_project_does_not_have_blocks() {
    let mut scene = Scene::new();
    scene.target(identity(&distribution()).sha256.unwrap());
    let mut removed = scene.targets[0].clone();
    removed.target = "Zeppelin".parse().unwrap();
    scene.targets.push(removed);
    let finding = scene.blocked_by(Code::TargetUnmapped);
    assert_eq!(finding.place.pointer.as_deref(), Some("/targets/1"));
    // Who selects targets by name wants those.
    scene.observed_targets().selection.targets = vec!["Rocket".to_owned()];
    scene.cleared_with(Code::TargetsUnobserved, Severity::Warn);
}

#[test]
fn a_pinned_project_that_nobody_named_blocks() {
    let mut scene = Scene::new();
    scene.target(identity(&distribution()).sha256.unwrap());
    let mut elsewhere = scene.targets[0].clone();
    elsewhere.project = "Zeppelin.xcodeproj".to_owned();
    scene.targets.push(elsewhere);
    let finding = scene.blocked_by(Code::TargetsUnobserved);
    assert!(
        finding.message.contains("Zeppelin.xcodeproj"),
        "{}",
        finding.message
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_reports() {
    let mut scene = Scene::new();
    scene.asked.minimum_revision = Some(9);
    scene.installed().files.clear();
    scene.identities().identities.clear();
    scene.facts.targets = Observation::Unobserved {
        why: "nobody looked".to_owned(),
    };
    scene.facts.host = "laptop.acme.example".parse().unwrap();
    assert_eq!(
        blocking(&scene.judge().findings),
        [
            "manifest-stale-revision",
            "profile-missing",
            "identity-missing",
            "targets-unobserved",
            "host-not-allowed"
        ]
    );
}

// the clearance

#[test]
fn a_clearance_names_what_was_judged() {
    let mut scene = Scene::new();
    scene.asked.region = Some("us-east".parse().unwrap());
    let cleared = scene.clear();
    assert_eq!(cleared.manifest(), scene.manifest().digest());
    assert_eq!(cleared.revision(), 1);
    assert_eq!(*cleared.host(), host_name().unwrap());
    assert_eq!(cleared.region().unwrap().as_str(), "us-east");
    assert_eq!(cleared.from(), scene.facts.now);
    let identities = [identity(&distribution()).sha1].into();
    assert_eq!(cleared.identities(), Some(&identities));
}

#[test]
fn a_live_judgement_and_a_rehearsed_one_of_the_same_facts_are_one() {
    let mut scene = Scene::new();
    scene.facts.host = host_name().unwrap();
    scene.policy = scene.policy.replace(SIGNER, scene.facts.host.as_str());
    for (spoiled, code) in [(false, None), (true, Some(Code::IdentityMissing))] {
        if spoiled {
            scene.identities().identities.clear();
        }
        let (live, cleared) = scene.judge_live().into_parts();
        let rehearsal = scene.rehearse();
        let codes = |judgement: &Judgement| blocking(&judgement.findings).join(",");
        assert_eq!(codes(&live), codes(rehearsal.judgement()));
        assert_eq!(codes(&live), code.map_or("", |code: Code| code.as_str()));
        assert_eq!(cleared.is_some(), rehearsal.would_clear());
        assert_eq!(cleared.map(|cleared| cleared.until()), rehearsal.until());
    }
}

#[test]
fn the_plan_digest_changes_with_the_targets_alone() {
    let mut scene = Scene::new();
    let plan = scene.clear().plan_digest();
    assert_eq!(scene.clear().plan_digest(), plan);
    scene.target(identity(&distribution()).sha256.unwrap());
    assert_ne!(scene.clear().plan_digest(), plan);
}

#[test]
fn a_clearance_does_not_last() {
    let scene = Scene::new();
    let cleared = scene.clear();
    assert_eq!(
        cleared.until().duration_since(scene.facts.now),
        SignedDuration::from_mins(5)
    );
}

#[test]
fn a_clearance_before_its_instant_is_refused() {
    // Next month, by a clock that says so.
    let mut scene = Scene::new();
    scene.facts.now = instant("2026-08-03T14:15:00Z");
    let host = host_name().unwrap();
    let plan = plan::digest(scene.manifest().targets());
    let from = scene.facts.now;
    for (now, is_good) in [
        (instant(NOW), false),
        (from - SignedDuration::from_nanos(1), false),
        (from, true),
        (from + SignedDuration::from_mins(5), true),
        (from + SignedDuration::from_secs(301), false),
    ] {
        let permit = OpenPermit::from_clearance(scene.clear(), &host, plan, now);
        match permit {
            Ok(_) => assert!(is_good, "{now}"),
            Err(NotCleared::NotYet { .. }) => assert!(!is_good && now < from, "{now}"),
            Err(NotCleared::Expired { .. }) => assert!(!is_good && now > from, "{now}"),
            Err(other) => panic!("{other}"),
        }
    }
    // A permit is asked again when its turn comes, and the clock may have been set back.
    let permit = OpenPermit::from_clearance(scene.clear(), &host, plan, from).unwrap();
    assert!(matches!(
        permit.check(instant(NOW)),
        Err(NotCleared::NotYet { .. })
    ));
}

#[test]
fn a_machine_that_is_looked_at_is_judged_at_the_second_of_its_clock() {
    let mut scene = Scene::new();
    scene.facts.now = instant("2026-07-06T14:15:00.987654321Z");
    assert_eq!(scene.clear().from(), instant(NOW));
}

#[test]
fn a_refusal_clears_nothing_whatever_it_says() {
    let facts =
        observe::<ObservationError>(&Request::default(), &FixedClock(instant(NOW))).unwrap();
    for findings in [
        Vec::new(),
        vec![Finding::block(Code::PolicyInvalid, "a typo").hint("mend it")],
    ] {
        let verdict = refuse(&facts, findings);
        assert!(verdict.cleared().is_none());
        assert_eq!(
            verdict.event().outcome,
            countersign::base::event::Outcome::Refused
        );
    }
}

#[test]
fn a_remark_that_blocks_takes_the_clearance_away() {
    let remark =
        |severity| vec![Finding::new(Code::PolicyDefault, severity, "no policy").hint("write one")];
    let scene = Scene::new();
    let informed = scene.judge_live().with_remarks(remark(Severity::Info));
    assert!(informed.cleared().is_some());
    let blocked = scene.judge_live().with_remarks(remark(Severity::Block));
    assert!(blocked.cleared().is_none());
    let rehearsed = scene.rehearse().with_remarks(remark(Severity::Block));
    assert!(!rehearsed.would_clear());
}

#[test]
fn only_a_cleared_verdict_on_this_manifest_has_an_envelope() {
    let mut scene = Scene::new();
    let audit: countersign::base::event::Checkpoint =
        format!("7:{}", Digest::of(b"a log")).parse().unwrap();
    let statement = |verdict: &Verdict, manifest: &Manifest| {
        envelope::statement(verdict, manifest, "profiles.json", audit)
    };
    let manifest = scene.manifest();
    let verdict = scene.judge_live();
    let stated = statement(&verdict, &manifest).unwrap();
    assert_eq!(stated.predicate.manifest, manifest.digest());
    assert_eq!(stated.predicate.judged_at, NOW);
    scene.target(identity(&distribution()).sha256.unwrap());
    assert_eq!(
        statement(&verdict, &scene.manifest()).unwrap_err(),
        envelope::NoStatement::OtherManifest {
            judged: manifest.digest(),
            here: scene.manifest().digest(),
        }
    );
    scene.identities().identities.clear();
    let refused = statement(&scene.judge_live(), &scene.manifest()).unwrap_err();
    assert_eq!(refused, envelope::NoStatement::NotCleared);
}

#[test]
fn a_clearance_ends_when_the_hours_do() {
    let mut scene = Scene::new();
    scene.policy.push_str(HOURS);
    scene.facts.now = instant("2026-07-07T01:58:00Z");
    assert_eq!(scene.clear().until(), instant("2026-07-07T02:00:00Z"));
}

#[test]
fn a_clearance_does_not_outlive_a_profile() {
    let spec = rocket().valid("2026-01-01T10:00:00Z", "2026-07-06T14:16:00Z");
    let mut scene = Scene::pinning(&[(spec, ProfileState::Active)]);
    scene.policy = scene
        .policy
        .replace("\"7d\"", "\"0d\"")
        .replace("\"30d\"", "\"0d\"");
    assert_eq!(scene.clear().until(), instant("2026-07-06T14:16:00Z"));
}

#[test]
fn nothing_overflows_at_the_end_of_time() {
    let mut scene = Scene::new();
    scene.facts.now = Timestamp::MAX;
    assert!(!scene.rehearse().would_clear());
    scene.facts.now = Timestamp::MIN;
    scene.judge();
}
