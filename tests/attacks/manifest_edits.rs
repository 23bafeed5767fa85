//! A manifest in which one field was edited, and everything else is as freezing writes it.
//!
//! The table goes through a real entry as it is written, whatever fields it has: each of them is edited in turn, to
//! something that is as well-formed as what stood there. What a profile's file or a project can contradict blocks, however the
//! gate is asked: with proofs of its own, without what earlier gates proved, and with it. The others stand in
//! [`NOT_CONTRADICTED`], each with the reason. A new field that is in neither list fails the test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use countersign::apple::anchors::Anchors;
use countersign::apple::profile;
use countersign::apple::signed_message::Verifier;
use countersign::base::clock::FixedClock;
use countersign::base::finding::{Code, Finding, Group, Severity};
use countersign::context::gate::facts::Observation;
use countersign::context::gate::{self, Asked, Judgement};
use countersign::context::manifest::freeze::freeze;
use countersign::context::manifest::{Content, Manifest, PinnedProfile, ProfileState, Version};
use countersign::context::policy::Policy;
use countersign::host::observation::projects::ProjectRequest;
use countersign::host::observation::{
    ObservationError, ProfilePlace, ProfilePlaces, Request, observe,
};
use countersign::host::proofs::Proofs;
use countersign::host::state_dir::StateDir;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

/// The fields of an entry that the profile's file contradicts; `*` stands for a position in a list, and what ends in `**` for
/// all that is below.
const OF_PROFILES: &[&str] = &[
    "/uuid",
    "/filename",
    "/name",
    "/team_id",
    "/application_identifier",
    "/bundle_id",
    "/kind",
    "/platforms/*",
    "/created",
    "/expires",
    "/sha256",
    "/certificates/*/sha256",
    "/certificates/*/sha1",
    "/certificates/*/common_name",
    "/certificates/*/kind",
    "/certificates/*/serial",
    "/certificates/*/issuer",
    "/certificates/*/expires",
    "/entitlements/**",
    "/device_count",
];

/// The fields of a target that the project or the target's profile contradicts, with what the gate says.
const OF_TARGETS: &[(&str, Code)] = &[
    ("/project", Code::TargetUnmapped),
    ("/target", Code::TargetUnmapped),
    ("/configuration", Code::TargetUnmapped),
    ("/platform", Code::TargetUnmapped),
    ("/bundle_id", Code::TargetBundleMismatch),
    ("/profile", Code::TargetBundleMismatch),
    ("/certificate", Code::CertificateNotInProfile),
];

/// The fields that no file and no project can contradict, and why.
const NOT_CONTRADICTED: &[(&str, &str)] = &[
    (
        "/state",
        "where a profile stands in its rotation is decided by people; a retiring one signs nothing",
    ),
    (
        "/revision",
        "it counts the changes of the manifest; --minimum-revision and --expect-manifest say which one is meant",
    ),
    (
        "/schema",
        "it is the version of the format: it holds no more than the fields of its version, and an unknown one is refused",
    ),
    (
        "/archive",
        "which scheme and configuration are archived, and what may be without a profile, is decided by people",
    ),
];

/// What is judged, and how.
struct Scene {
    anchors: Anchors,
    profiles: PathBuf,
    project: Option<PathBuf>,
    now: Timestamp,
    content: Content,
}

/// How the gate is asked.
#[derive(Debug, Clone, Copy)]
enum Way {
    Afresh,
    ColdCache,
    WarmCache,
}

impl Scene {
    /// Judges a manifest as a gate does, in each way; what is remembered was proven for the manifest before the edit.
    fn judge(&self, edited: &Content) -> Vec<(Way, Judgement)> {
        let manifest = Manifest::parse(&edited.to_bytes()).unwrap();
        let ways = [Way::Afresh, Way::ColdCache, Way::WarmCache];
        let judged = ways.map(|way| {
            let directory = tempfile::tempdir().unwrap();
            let state = StateDir::new(directory.path().join("state")).unwrap();
            if let Way::WarmCache = way {
                let unedited = Manifest::parse(&self.content.to_bytes()).unwrap();
                let judgement = self.look(&unedited, Some(&state));
                assert!(!judgement.proofs_are_remembered);
                let again = self.look(&unedited, Some(&state));
                assert!(again.proofs_are_remembered);
            }
            let state = match way {
                Way::Afresh => None,
                Way::ColdCache | Way::WarmCache => Some(&state),
            };
            (way, self.look(&manifest, state))
        });
        judged.into()
    }

    fn look(&self, manifest: &Manifest, state: Option<&StateDir>) -> Judgement {
        let proofs = state.map(|state| Proofs::load(state, &self.anchors));
        let projects = ProjectRequest {
            projects: self.project.iter().cloned().collect(),
            ..ProjectRequest::default()
        };
        let request: Request<'_, ObservationError> = Request {
            manifest: Some(manifest),
            profiles: Some(ProfilePlaces {
                directories: &[ProfilePlace {
                    path: self.profiles.clone(),
                    must_exist: true,
                }],
                temporary: &[],
                checkouts: &[],
                with_access: false,
                verifier: &Verifier::new(self.anchors.clone()),
                proofs: proofs.as_ref(),
            }),
            targets: self.project.is_some().then_some(&projects),
            ..Request::default()
        };
        let facts = observe(&request, &FixedClock(self.now)).unwrap();
        if let (Some(proofs), Observation::Observed(installed)) =
            (&proofs, &facts.observed().profiles)
        {
            proofs.remember(installed, manifest).unwrap();
        }
        let mut waived = BTreeSet::from([Group::Identities]);
        if self.project.is_none() {
            waived.insert(Group::Targets);
        }
        let asked = Asked {
            waived,
            ..Asked::default()
        };
        let policy = Policy::parse("version = 1\n", Path::new("signing.toml"), None).unwrap();
        let (judgement, _) = gate::judge(&policy, manifest, &facts, &asked).into_parts();
        judgement
    }

    /// The manifest as it is frozen passes.
    fn passes(&self) {
        for (way, judgement) in self.judge(&self.content) {
            assert!(judgement.passes(), "{way:?}: {:#?}", judgement.findings);
        }
    }

    /// Every edit of every entry blocks.
    fn hold_the_table(&self) {
        let before = self.content.clone();
        for (index, profile) in before.profiles.iter().enumerate() {
            for (pointer, edited) in edits(profile) {
                if is_listed(NOT_CONTRADICTED.iter().map(|(field, _)| *field), &pointer) {
                    continue;
                }
                assert!(
                    is_listed(OF_PROFILES.iter().copied(), &pointer),
                    "{pointer} is in neither list"
                );
                let content = self.with_profile(index, &edited);
                let uuid = &content
                    .profiles
                    .iter()
                    .find(|other| !before.profiles.contains(other));
                let at = content
                    .profiles
                    .iter()
                    .position(|other| Some(&other) == uuid.as_ref());
                self.blocks(&content, &pointer, |finding| match pointer.as_str() {
                    // Without the pinned bytes there is no file to compare with.
                    "/sha256" => finding.code == Code::ProfileBytesDiffer,
                    _ => {
                        let expected = format!("/profiles/{}{pointer}", at.unwrap());
                        finding.code == Code::ManifestEntryDiffers
                            && finding.place.pointer == Some(expected)
                    }
                });
            }
        }
        for (index, target) in before.targets.iter().enumerate() {
            for (pointer, edited) in edits(target) {
                let listed = OF_TARGETS.iter().find(|(field, _)| *field == pointer);
                let (_, code) = listed.unwrap_or_else(|| panic!("{pointer} is in neither list"));
                let mut content = before.clone();
                content.targets[index] = serde_json::from_value(edited).unwrap();
                if pointer == "/profile" {
                    let others = before.targets.iter().map(|target| &target.profile);
                    let other = others
                        .clone()
                        .find(|uuid| **uuid != target.profile)
                        .unwrap();
                    content.targets[index].profile = other.clone();
                }
                content.targets.sort_by(|a, b| a.key().cmp(&b.key()));
                self.blocks(&content, &pointer, |finding| finding.code == *code);
            }
        }
    }

    /// The content in which the entry at `index` is another one, in the order of freezing; targets follow its UUID.
    fn with_profile(&self, index: usize, edited: &Json) -> Content {
        let mut content = self.content.clone();
        let edited: PinnedProfile = serde_json::from_value(edited.clone()).unwrap();
        for target in &mut content.targets {
            if target.profile == content.profiles[index].uuid {
                target.profile = edited.uuid.clone();
            }
        }
        content.profiles[index] = edited;
        content.profiles.sort_by(|a, b| a.uuid.cmp(&b.uuid));
        content
    }

    #[track_caller]
    fn blocks(&self, content: &Content, pointer: &str, is_it: impl Fn(&Finding) -> bool) {
        assert_ne!(content, &self.content, "{pointer} was edited");
        for (way, judgement) in self.judge(content) {
            let blocks = |finding: &&Finding| finding.severity == Severity::Block;
            let mut blocking = judgement.findings.iter().filter(blocks);
            assert!(
                blocking.any(&is_it),
                "{pointer}, {way:?}: {:#?}",
                judgement.findings
            );
        }
    }
}

/// Whether a pointer is one of these fields.
fn is_listed<'a>(fields: impl Iterator<Item = &'a str>, pointer: &str) -> bool {
    let parts: Vec<&str> = pointer.split('/').collect();
    fields.into_iter().any(|field| {
        if let Some(above) = field.strip_suffix("**") {
            return pointer.starts_with(above);
        }
        let expected: Vec<&str> = field.split('/').collect();
        expected.len() == parts.len()
            && expected.iter().zip(&parts).all(|(expected, part)| {
                expected == part || (*expected == "*" && part.parse::<usize>().is_ok())
            })
    })
}

/// Every field of what is written, by its pointer, with the whole in which it is edited.
fn edits(entry: &impl serde::Serialize) -> Vec<(String, Json)> {
    let written = serde_json::to_value(entry).unwrap();
    let mut pointers = Vec::new();
    leaves(&written, String::new(), &mut pointers);
    let edit = |pointer: String| {
        let mut edited = written.clone();
        let field = edited.pointer_mut(&pointer).unwrap();
        *field = other(&pointer, field);
        (pointer, edited)
    };
    pointers.into_iter().map(edit).collect()
}

/// The pointers of all that holds nothing else (RFC 6901).
fn leaves(value: &Json, pointer: String, found: &mut Vec<String>) {
    match value {
        Json::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(value, format!("{pointer}/{key}"), found);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, format!("{pointer}/{index}"), found);
            }
        }
        _ => found.push(pointer),
    }
}

/// Something else of the same form.
fn other(pointer: &str, value: &Json) -> Json {
    if pointer.starts_with("/entitlements/") {
        return match value {
            Json::Bool(flag) => json!(!flag),
            Json::Number(number) => json!(number.as_i64().unwrap() + 1),
            Json::String(text) => json!(format!("{text}x")),
            Json::Array(_) => json!(["x"]),
            Json::Object(_) => json!({"x": true}),
            Json::Null => panic!("{pointer} is null"),
        };
    }
    let last = pointer.rsplit('/').next().unwrap();
    let text = value.as_str().unwrap_or_default();
    let unlike = |one: &str, another: &str| json!(if text == one { another } else { one });
    match last {
        "created" | "expires" => json!("2099-01-01T00:00:00Z"),
        "sha256" | "sha1" | "serial" | "uuid" | "certificate" | "profile" => {
            let digit = if text.starts_with('f') { "e" } else { "f" };
            json!(format!("{digit}{}", &text[1..]))
        }
        "kind" if pointer == "/kind" => unlike("ad-hoc", "enterprise"),
        "kind" => unlike("developer-id-application", "apple-distribution"),
        "state" => unlike("incoming", "retiring"),
        "platform" => unlike("tvos", "visionos"),
        "configuration" => json!("Debug"),
        "device_count" => json!(value.as_u64().unwrap() + 1),
        "project" => json!("Other.xcodeproj"),
        _ => json!(format!("{text}x")),
    }
}

/// The bundled example.
fn example() -> Scene {
    let root = support::root();
    let manifest = Manifest::parse(&fs::read(root.join("manifests/profiles.json")).unwrap());
    let pem = fs::read(root.join("fixtures/acme/anchors.pem")).unwrap();
    let anchors = countersign::apple::anchors::certificates_from_pem(&pem).unwrap();
    Scene {
        anchors: Anchors::with_extra(anchors),
        profiles: root.join("fixtures/acme/profiles"),
        project: Some(root.join("fixtures/acme/Acme.xcodeproj")),
        now: "2026-07-06T14:15:00Z".parse().unwrap(),
        content: manifest.unwrap().content().clone(),
    }
}

/// A real profile alone, on the day after it was made.
fn real(file: &Path, directory: &Path) -> Scene {
    let anchors = Anchors::apple();
    let verifier = Verifier::new(anchors.clone());
    let profile = profile::prove(&fs::read(file).unwrap(), &verifier).unwrap();
    let name = profile.fields().file_name();
    fs::copy(file, directory.join(name)).unwrap();
    let pinned = PinnedProfile::of(&profile, ProfileState::Active);
    Scene {
        anchors,
        profiles: directory.to_owned(),
        project: None,
        now: pinned.created + SignedDuration::from_hours(24),
        content: freeze(vec![pinned], None, Vec::new(), None),
    }
}

#[test]
fn no_edit_of_the_example_s_manifest_passes_that_a_file_or_the_project_contradicts() {
    let scene = example();
    scene.passes();
    scene.hold_the_table();
}

#[test]
fn no_edit_of_a_real_profile_s_entry_passes_that_its_file_contradicts() {
    let Some(folder) = support::data("profiles/apple") else {
        return;
    };
    let files = support::profiles_below(&folder);
    assert!(!files.is_empty());
    std::thread::scope(|scope| {
        for files in files.chunks(files.len().div_ceil(4)) {
            scope.spawn(move || {
                for file in files {
                    println!("{}", file.display());
                    let directory = tempfile::tempdir().unwrap();
                    let scene = real(file, directory.path());
                    scene.passes();
                    scene.hold_the_table();
                }
            });
        }
    });
}

#[test]
fn what_was_proven_once_expires_all_the_same() {
    let mut scene = example();
    let directory = tempfile::tempdir().unwrap();
    let state = StateDir::new(directory.path().join("state")).unwrap();
    let manifest = Manifest::parse(&scene.content.to_bytes()).unwrap();
    assert!(scene.look(&manifest, Some(&state)).passes());
    assert!(scene.look(&manifest, Some(&state)).passes());
    let end = manifest.profiles()[0].expires;
    scene.now = end + SignedDuration::from_secs(1);
    let judgement = scene.look(&manifest, Some(&state));
    assert!(judgement.proofs_are_remembered);
    let codes = support::blocking(&judgement.findings);
    for code in [Code::ProfileExpired, Code::CertificateExpired] {
        assert!(codes.contains(&code.as_str()), "{codes:?}");
    }
}

#[test]
fn what_nothing_contradicts_passes_or_is_refused_for_the_reason_that_is_given() {
    let scene = example();
    let mut decided: BTreeSet<&str> = NOT_CONTRADICTED.iter().map(|(field, _)| *field).collect();
    assert!(decided.remove("/state"));
    let mut content = scene.content.clone();
    content.profiles[0].state = ProfileState::Incoming;
    for (way, judgement) in scene.judge(&content) {
        assert!(judgement.passes(), "{way:?}: {:#?}", judgement.findings);
    }
    assert!(decided.remove("/revision"));
    let mut content = scene.content.clone();
    content.revision += 1;
    for (way, judgement) in scene.judge(&content) {
        assert!(judgement.passes(), "{way:?}: {:#?}", judgement.findings);
    }
    assert!(decided.remove("/schema"));
    let mut content = scene.content.clone();
    content.version = Version::First;
    for (way, judgement) in scene.judge(&content) {
        assert!(judgement.passes(), "{way:?}: {:#?}", judgement.findings);
    }
    let text = String::from_utf8(scene.content.to_bytes()).unwrap();
    let unknown = text.replacen("manifest.v2", "manifest.v3", 1);
    Manifest::parse(unknown.as_bytes()).unwrap_err();
    assert!(decided.remove("/archive"));
    let mut content = scene.content.clone();
    let archive = content.archive.as_mut().unwrap();
    archive.scheme = Some("Widgets".to_owned());
    archive.unmapped = vec!["Anything".parse().unwrap()];
    for (way, judgement) in scene.judge(&content) {
        assert!(judgement.passes(), "{way:?}: {:#?}", judgement.findings);
    }
    assert!(decided.is_empty(), "{decided:?}");
    // The whole file has these fields and the lists.
    let written = serde_json::to_value(&scene.content).unwrap();
    let fields: Vec<&str> = written
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        fields,
        [
            "archive", "products", "profiles", "revision", "schema", "targets"
        ]
    );
}

#[test]
fn an_element_that_is_added_to_an_entry_or_taken_out_blocks_too() {
    let scene = example();
    let before = serde_json::to_value(&scene.content.profiles[0]).unwrap();
    let lists = [
        "/platforms",
        "/certificates",
        "/entitlements/keychain-access-groups",
    ];
    for pointer in lists {
        for is_added in [true, false] {
            let mut edited = before.clone();
            let list = edited.pointer_mut(pointer).unwrap().as_array_mut().unwrap();
            let first = list.remove(0);
            if is_added {
                list.extend([first.clone(), first]);
            }
            let content = scene.with_profile(0, &edited);
            scene.blocks(&content, pointer, |finding| {
                finding.code == Code::ManifestEntryDiffers
                    && finding.place.pointer.as_deref() == Some(&format!("/profiles/0{pointer}"))
            });
        }
    }
    for key in ["get-task-allow", "aps-environment"] {
        let mut edited = before.clone();
        let grants = edited["entitlements"].as_object_mut().unwrap();
        if grants.remove(key).is_none() {
            grants.insert(key.to_owned(), json!("production"));
        }
        let content = scene.with_profile(0, &edited);
        scene.blocks(&content, key, |finding| {
            let pointer = format!("/profiles/0/entitlements/{key}");
            finding.code == Code::ManifestEntryDiffers && finding.place.pointer == Some(pointer)
        });
    }
}
