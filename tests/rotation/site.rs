//! Acme's repository with its product, and successors for its profiles.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::base::clock::FixedClock;
use countersign::base::finding::Finding;
use countersign::base::ids::HostName;
use countersign::context::gate::facts::{Observation, PlannedFacts};
use countersign::context::gate::{Asked, rehearse};
use countersign::context::manifest::Manifest;
use countersign::context::policy::Policy;
use countersign::host::observation::projects::ProjectRequest;
use countersign::host::observation::{
    self, ObservationError, ProfilePlace, ProfilePlaces, Request,
};
use countersign::ops::manifest::{FreezeRequest, freeze};
use countersign::ops::notice::{Deaf, Listener, Notice};
use countersign::ops::rotate::document::StepDocument;
use countersign::ops::rotate::{self, PromoteRequest, StageRequest};
use countersign::ops::target_selection::TargetSelection;
use countersign::ops::world::{Places, Surroundings, World};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::ProjectSpec;
use jiff::Timestamp;
use support::workshop::ran;
use support::{start, verifier};

pub(crate) const NOW: &str = "2026-07-06T14:15:00Z";

/// A day after the grace of what is promoted at [`NOW`].
pub(crate) const LATER: &str = "2026-07-14T14:15:00Z";

/// The bundle ids of Acme's product: the app, and what it holds.
pub(crate) const IDS: [&str; 4] = [
    "com.acme.rocket",
    "com.acme.rocket.share",
    "com.acme.rocket.watchkitapp",
    "com.acme.rocket.widgets",
];

pub(crate) fn old(id: &str) -> ProfileSpec {
    granting(ProfileSpec::ios(Kind::AppStore, id))
}

/// What Apple makes of it when it is renewed.
pub(crate) fn successor(id: &str) -> ProfileSpec {
    let name = format!("{} 2047", old(id).name);
    old(id)
        .named(&name)
        .valid("2026-06-01T10:00:00Z", "2047-01-01T00:00:00Z")
}

/// With what Acme's targets claim.
fn granting(spec: ProfileSpec) -> ProfileSpec {
    let strings =
        |texts: &[&str]| plist::Value::Array(texts.iter().map(|text| (*text).into()).collect());
    spec.entitled(
        "com.apple.security.application-groups",
        strings(&["group.com.acme.rocket"]),
    )
    .entitled("aps-environment", "production")
    .entitled("com.apple.developer.associated-domains", "*")
}

/// A repository on one machine.
pub(crate) struct Site {
    root: PathBuf,
    /// Removes it in the end, unless it is somebody else's.
    _directory: Option<tempfile::TempDir>,
}

/// The bytes of every file of a site, by path.
pub(crate) type Snapshot = BTreeMap<PathBuf, Vec<u8>>;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files_below(&path, found),
            false => found.push(path),
        }
    }
}

/// Everything that a rotation may change: the manifest without its revision, and the installed profiles by name.
pub(crate) type Picture = (String, BTreeMap<String, Vec<u8>>);

impl Site {
    /// Frozen, with successors at hand. The targets select their profiles by UUID.
    pub(crate) fn new() -> Self {
        Self::of(&IDS.map(|id| (old(id), successor(id))))
    }

    /// The same with these profiles and their successors; among them those of the product.
    pub(crate) fn of(pairs: &[(ProfileSpec, ProfileSpec)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let site = Self {
            root: directory.path().canonicalize().unwrap(),
            _directory: Some(directory),
        };
        for folder in [".git", "manifests", "profiles", "successors"] {
            fs::create_dir(site.path(folder)).unwrap();
        }
        site.write(
            "manifests/signing.toml",
            "version = 1\n[profiles]\ndirectories = [\"../profiles\"]\ntrust_anchors = [\"../anchors.pem\"]\n\
             [gate]\nwaivable = [\"identities\"]\n",
        );
        site.write("anchors.pem", Hierarchy::acme().anchors_pem());
        for (old, new) in pairs {
            site.write(&format!("profiles/{}", old.file_name()), old.mint());
            site.write(&format!("successors/{}", new.file_name()), new.mint());
        }
        let uuid_of = |id: &str| {
            let mut pairs = pairs.iter();
            let pair = pairs.find(|(old, _)| old.bundle_pattern == id);
            pair.unwrap().0.uuid.clone()
        };
        ProjectSpec::rocket(uuid_of).write(&site.root);
        let request = FreezeRequest {
            targets: TargetSelection {
                projects: vec![site.path("Acme.xcodeproj")],
                configurations: vec!["Release".parse().unwrap()],
                ..TargetSelection::default()
            },
            // Also what no target uses.
            all: true,
            ..FreezeRequest::default()
        };
        let frozen = freeze(&request, &site.world(NOW)).unwrap();
        assert!(frozen.manifest.is_some(), "{:#?}", frozen.findings);
        site
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// The one that another process made.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self {
            root,
            _directory: None,
        }
    }

    /// Runs git in it, which must succeed. Nothing of this machine's configuration counts.
    pub(crate) fn git(&self, words: &[&str]) {
        git_in(&self.root, words);
    }

    /// Everything that is there.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut files = Vec::new();
        files_below(&self.root, &mut files);
        let files = files.into_iter();
        files
            .map(|path| {
                let bytes = fs::read(&path).unwrap();
                (path, bytes)
            })
            .collect()
    }

    /// Makes everything as it was.
    pub(crate) fn restore(&self, snapshot: &Snapshot) {
        let mut files = Vec::new();
        files_below(&self.root, &mut files);
        for path in files {
            if !snapshot.contains_key(&path) {
                fs::remove_file(path).unwrap();
            }
        }
        for (path, bytes) in snapshot {
            if fs::read(path).ok().as_ref() != Some(bytes) {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn world(&self, now: &str) -> World {
        self.world_with(now, Box::new(Deaf))
    }

    pub(crate) fn world_with(&self, now: &str, listener: Box<dyn Listener>) -> World {
        let places = Places {
            policy: Some(self.path("manifests/signing.toml")),
            manifest: Some(self.path("manifests/profiles.json")),
            state_dir: Some(self.path("state")),
            ..Places::default()
        };
        let clock = FixedClock(now.parse().unwrap());
        World::new(places, Surroundings::default(), Arc::new(clock), listener)
    }

    pub(crate) fn manifest(&self) -> Manifest {
        Manifest::parse(&fs::read(self.path("manifests/profiles.json")).unwrap()).unwrap()
    }

    pub(crate) fn policy(&self) -> Policy {
        let file = self.path("manifests/signing.toml");
        let text = fs::read_to_string(&file).unwrap();
        Policy::parse(&text, &file, None).unwrap()
    }

    pub(crate) fn picture(&self) -> Picture {
        let mut manifest = self.manifest().content().clone();
        manifest.revision = 0;
        let entries = fs::read_dir(self.path("profiles")).unwrap();
        let files = entries.map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        });
        (
            String::from_utf8(manifest.to_bytes()).unwrap(),
            files.collect(),
        )
    }

    pub(crate) fn stage(&self) -> StageRequest {
        StageRequest {
            successors: vec![self.path("successors")],
            dry_run: false,
        }
    }

    /// Staged and promoted at [`NOW`].
    pub(crate) fn promoted() -> Self {
        let site = Self::new();
        done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
        done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
        site
    }

    /// What the gate says of this machine, the identities being waived; the project's specifiers are those of a state.
    pub(crate) fn gate(
        &self,
        manifest: &Manifest,
        specifier: impl Fn(&str) -> String,
    ) -> Vec<Finding> {
        let checkout = tempfile::tempdir().unwrap();
        let projects = ProjectRequest {
            projects: vec![ProjectSpec::rocket(specifier).write(checkout.path())],
            ..ProjectRequest::default()
        };
        let verifier = verifier();
        let request: Request<'_, ObservationError> = Request {
            manifest: Some(manifest),
            profiles: Some(ProfilePlaces {
                directories: &[ProfilePlace {
                    path: self.path("profiles"),
                    must_exist: true,
                }],
                temporary: &[],
                checkouts: &[],
                with_access: false,
                verifier: &verifier,
                proofs: None,
            }),
            targets: Some(&projects),
            last_record: Observation::Observed(None),
            ..Request::default()
        };
        let host: HostName = "signer-01.acme.example".parse().unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        let facts: PlannedFacts = observation::plan(&request, Some(&host), now).unwrap();
        let asked = Asked {
            waived: [countersign::base::finding::Group::Identities].into(),
            ..Asked::default()
        };
        let judged = rehearse(&self.policy(), manifest, &facts, &asked);
        let findings = judged.judgement().findings.clone();
        findings
            .into_iter()
            .filter(countersign::base::finding::blocks)
            .collect()
    }

    /// On which side each target is: whether it is pinned to its successor.
    pub(crate) fn sides(manifest: &Manifest) -> Vec<bool> {
        let targets = manifest.targets().iter();
        let is_new = |id: &str, uuid: &str| successor(id).uuid == uuid;
        targets
            .map(|target| is_new(target.bundle_id.as_str(), target.profile.as_str()))
            .collect()
    }
}

/// Runs git in a folder, which must succeed. Nothing of this machine's configuration counts.
pub(crate) fn git_in(folder: &Path, words: &[&str]) {
    let mut command = start::command("git", Path::new("/nonexistent"));
    command
        .current_dir(folder)
        .env("PATH", start::PATH)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=acme", "-c", "user.email=ci@acme.example"])
        .args(words);
    ran(&mut command).exits(0);
}

/// The profiles that the targets of this manifest are pinned to, for a project that is changed with it.
pub(crate) fn specifiers(manifest: &Manifest) -> impl Fn(&str) -> String {
    let pinned: BTreeMap<String, String> = manifest
        .targets()
        .iter()
        .map(|it| (it.bundle_id.to_string(), it.profile.to_string()))
        .collect();
    move |id| pinned.get(id).cloned().unwrap_or_default()
}

/// Nothing blocked.
#[track_caller]
pub(crate) fn done(document: StepDocument) -> StepDocument {
    let blocks = document
        .findings
        .iter()
        .any(countersign::base::finding::blocks);
    assert!(!blocks, "{:#?}", document.findings);
    document
}

/// A listener that kills the command when it comes to its journaled point number `at`, from 0.
pub(crate) struct Killer {
    at: usize,
    come: AtomicUsize,
    die: fn() -> !,
}

impl Killer {
    pub(crate) fn at(at: usize) -> Box<Self> {
        Box::new(Self {
            at,
            come: AtomicUsize::new(0),
            // What is on the disk stays; the locks of a process end with it.
            die: || std::panic::resume_unwind(Box::new("killed")),
        })
    }

    /// One that ends the process, as SIGKILL does: nothing is cleared away.
    pub(crate) fn of_the_process(at: usize) -> Box<Self> {
        Box::new(Self {
            at,
            come: AtomicUsize::new(0),
            die: || std::process::abort(),
        })
    }
}

impl Listener for Killer {
    fn hear(&self, notice: &Notice<'_>) {
        if matches!(notice, Notice::StepOfRotation { .. })
            && self.come.fetch_add(1, Ordering::Relaxed) == self.at
        {
            (self.die)()
        }
    }
}

/// A distribution certificate that comes next year.
pub(crate) fn next_certificate() -> LeafSpec {
    LeafSpec::new(LeafKind::AppleDistribution)
        .labelled("Apple Distribution 2047")
        .valid("2026-06-01T10:00:00Z", "2047-06-01T10:00:00Z")
}

/// A successor that embeds it.
pub(crate) fn renewed(id: &str) -> ProfileSpec {
    let certificate = Hierarchy::acme().developer(&next_certificate());
    successor(id).certificates(&[certificate])
}

/// The successors are signed with another certificate than the old profiles.
pub(crate) fn with_a_new_certificate() -> Site {
    let site = Site::new();
    for id in IDS {
        let new = renewed(id);
        site.write(&format!("successors/{}", new.file_name()), new.mint());
    }
    site
}

/// The same, frozen without a project: nothing is pinned to a profile.
pub(crate) fn without_targets(site: &Site) {
    let mut content = site.manifest().content().clone();
    content.archive = None;
    content.targets.clear();
    site.write("manifests/profiles.json", content.to_bytes());
}
