//! A world in which all is right, to be put wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use countersign::apple::identity::digest::compatible;
use countersign::apple::profile::Profile;
use countersign::base::finding::{Code, Finding, Group, Severity};
use countersign::base::ids::{CertSha1, CertSha256};
use countersign::context::gate::facts::{
    Facts, Identities, Identity, InstalledContent, InstalledFile, InstalledProfiles, Observation,
    ProfileDirectory,
};
use countersign::context::gate::{Verdict, judge};
use countersign::context::manifest::freeze::{freeze, ordered};
use countersign::context::manifest::{Manifest, PinnedProfile, PinnedTarget, ProfileState};
use countersign::context::policy::Policy;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::ProfileSpec;
use jiff::Timestamp;
use support::{ROCKET, blocking, proven, rocket};

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
    pub(crate) targets: Vec<PinnedTarget>,
    pub(crate) facts: Facts,
    pub(crate) waived: BTreeSet<Group>,
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

/// What is installed of a profile whose bytes are pinned: nothing but its digest is looked at.
pub(crate) fn pinned_bytes(profile: &Profile) -> InstalledContent {
    InstalledContent::Read {
        sha256: *profile.sha256(),
        claims: None,
        proof: None,
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

pub(crate) fn distribution() -> LeafSpec {
    LeafSpec::new(LeafKind::AppleDistribution)
}

impl Scene {
    /// One pinned App Store profile, installed, with its identity, on the right host: cleared.
    pub(crate) fn new() -> Self {
        Self::pinning(&[(rocket(), ProfileState::Active)])
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
            targets: Vec::new(),
            facts: Facts {
                now: instant(NOW),
                host: SIGNER.parse().unwrap(),
                region: None,
                expected_manifest: None,
                minimum_revision: None,
                profiles: Observation::Observed(InstalledProfiles {
                    directories: vec![ProfileDirectory {
                        path: PathBuf::from("/profiles"),
                        writable: Some(true),
                        wipeable: None,
                    }],
                    files,
                }),
                identities: Observation::Observed(Identities {
                    source: "a capture".to_owned(),
                    identities: vec![identity(&distribution())],
                    compatible: Some(compatible(b"captured")),
                }),
                expected_signing: None,
                targets: Observation::Observed(Vec::new()),
            },
            waived: BTreeSet::new(),
        }
    }

    pub(crate) fn manifest(&self) -> Manifest {
        let profiles = self
            .pinned
            .iter()
            .map(|(profile, state)| PinnedProfile::of(profile, *state));
        let content = freeze(ordered(profiles).unwrap(), Some(self.targets.clone()), None);
        Manifest::parse(&content.to_bytes()).unwrap()
    }

    pub(crate) fn judge(&self) -> Verdict {
        let policy = Policy::parse(&self.policy, Path::new("signing.toml"), None)
            .unwrap_or_else(|findings| panic!("{findings:#?}"));
        judge(&policy, &self.manifest(), &self.facts, &self.waived)
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
        let verdict = self.judge();
        assert_eq!(
            blocking(&verdict.findings),
            [code.as_str()],
            "{:#?}",
            verdict.findings
        );
        assert!(verdict.cleared.is_none());
        let finding = verdict
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
        let verdict = self.judge();
        assert!(verdict.cleared.is_some(), "{:#?}", verdict.findings);
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
