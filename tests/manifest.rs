//! The manifest: deterministic, ordered, strict; and its revision counts changes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::sync::{Arc, LazyLock};

use countersign::base::digest::Digest;
use countersign::base::error::Explain as _;
use countersign::base::ids::CertSha256;
use countersign::base::remedy::Remedy;
use countersign::context::manifest::diff::{ChangeKind, diff};
use countersign::context::manifest::freeze::{PinnedProjects, Previous, freeze, ordered};
use countersign::context::manifest::{
    Content, FactsDigest, MAX_REVISION, Manifest, ManifestError, PinnedArchive, PinnedProduct,
    PinnedProfile, PinnedTarget, ProfileState, Version,
};
use countersign::xcode::platform::Platform;
use forge::profile::{Kind, ProfileSpec};
use serde_json::{Value as Json, json};
use support::{ROCKET, proven, rocket};

/// What is pinned of five profiles, in no order.
fn pinned() -> Vec<PinnedProfile> {
    static PINNED: LazyLock<Vec<PinnedProfile>> = LazyLock::new(|| {
        let specs = [
            rocket(),
            ProfileSpec::ios(Kind::AdHoc, ROCKET),
            ProfileSpec::ios(Kind::Development, "com.acme.*"),
            ProfileSpec::mac(Kind::DeveloperId, ROCKET),
            ProfileSpec::mac(Kind::AppStore, ROCKET),
        ];
        let state = ProfileState::Active;
        specs
            .iter()
            .map(|spec| PinnedProfile::of(&proven(spec), state))
            .collect()
    });
    PINNED.clone()
}

fn target(name: &str, profile: &PinnedProfile) -> PinnedTarget {
    PinnedTarget {
        project: "Rocket.xcodeproj".to_owned(),
        target: name.parse().unwrap(),
        configuration: "Release".parse().unwrap(),
        platform: Platform::Ios,
        bundle_id: ROCKET.parse().unwrap(),
        profile: profile.uuid.clone(),
        certificate: profile.certificates[0].sha256,
    }
}

/// These targets, as the Release of scheme App.
fn pinned_in(targets: Vec<PinnedTarget>) -> PinnedProjects {
    let archive = PinnedArchive {
        scheme: Some("App".to_owned()),
        configurations: vec!["Release".parse().unwrap()],
        unmapped: Vec::new(),
    };
    PinnedProjects { archive, targets }
}

/// The five profiles and two targets, as a first revision.
fn content() -> Content {
    let profiles = ordered(pinned()).unwrap();
    let targets = vec![target("Widget", &profiles[1]), target("App", &profiles[0])];
    freeze(profiles, Some(pinned_in(targets)), Vec::new(), None)
}

fn json() -> Json {
    serde_json::from_slice(&content().to_bytes()).unwrap()
}

/// Why this JSON is no manifest.
fn refused(json: &Json) -> ManifestError {
    Manifest::parse(&serde_json::to_vec_pretty(json).unwrap()).unwrap_err()
}

/// The frozen text with one change.
fn edited(from: &str, to: &str) -> Result<Manifest, ManifestError> {
    let text = String::from_utf8(content().to_bytes()).unwrap();
    assert!(text.contains(from), "{from:?} stands in the manifest");
    Manifest::parse(text.replacen(from, to, 1).as_bytes())
}

#[test]
fn any_order_of_discovery_gives_the_same_bytes() {
    let bytes = content().to_bytes();
    let mut shuffled = pinned();
    for turn in 0..shuffled.len() {
        shuffled.rotate_left(1);
        if turn % 2 == 0 {
            shuffled.reverse();
        }
        let profiles = ordered(shuffled.clone()).unwrap();
        let targets = vec![target("App", &profiles[0]), target("Widget", &profiles[1])];
        let content = freeze(profiles, Some(pinned_in(targets)), Vec::new(), None);
        assert_eq!(content.to_bytes(), bytes);
    }
}

#[test]
fn equal_copies_are_one_profile() {
    let twice = [pinned(), pinned()].concat();
    assert_eq!(ordered(twice).unwrap(), ordered(pinned()).unwrap());
}

#[test]
fn two_files_of_one_uuid_clash_and_the_order_does_not_matter() {
    let mut other = pinned()[0].clone();
    other.sha256 = countersign::base::ids::FileSha256::of(b"other bytes");
    let mut both = vec![pinned()[0].clone(), other];
    let clashes = ordered(both.clone()).unwrap_err();
    both.reverse();
    assert_eq!(ordered(both).unwrap_err(), clashes);
    assert_eq!(clashes[0].uuid, pinned()[0].uuid);
}

#[test]
fn what_is_written_is_read_back() {
    let bytes = content().to_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let mut written = content();
    for profile in &mut written.profiles {
        // No manifest says whether Xcode made a profile.
        profile.xcode_managed = None;
    }
    assert_eq!(manifest.content(), &written);
    assert_eq!(manifest.digest(), Digest::of(&bytes));
    assert!(bytes.ends_with(b"}\n") && !bytes.ends_with(b"\n\n"));
    assert!(bytes.starts_with(
        b"{\n  \"schema\": \"countersign.manifest.v2\",\n  \"revision\": 1,\n  \"profiles\": ["
    ));
}

#[test]
fn what_freezing_does_not_write_is_refused_where_it_first_differs() {
    let text = String::from_utf8(content().to_bytes()).unwrap();
    let compact = serde_json::to_string(&json()).unwrap();
    let places = [
        // Compact, keys in another order.
        (compact, (1, 2), "line 1"),
        // A line feed more, and one less.
        (
            format!("{text}\n"),
            (text.lines().count() + 1, 1),
            "nothing",
        ),
        (
            text.trim_end().to_owned(),
            (text.lines().count(), 2),
            r#""}\n" here, but this file has "}""#,
        ),
        // Windows line ends.
        (text.replace('\n', "\r\n"), (1, 2), "\\r"),
        // The same values in other words.
        (
            text.replacen("\"revision\": 1", "\"revision\":  1", 1),
            (3, 15),
            "revision",
        ),
        (
            text.replacen("Rocket.xcodeproj", "\\u0052ocket.xcodeproj", 1),
            (0, 0),
            "u0052ocket",
        ),
        (text.replacen("00Z\",", "00.000Z\",", 1), (0, 0), ".000Z"),
        (text.replacen("00Z\",", "00+00:00\",", 1), (0, 0), "+00:00"),
    ];
    for (edited, (line, column), says) in places {
        let error = Manifest::parse(edited.as_bytes()).unwrap_err();
        let ManifestError::NotFrozen(difference) = &error else {
            panic!("{error}");
        };
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.place().line, Some(difference.line as u64));
        assert_eq!(error.remedy(), Some(Remedy::FreezeManifest));
        if line > 0 {
            assert_eq!(
                (difference.line, difference.column),
                (line, column),
                "{error}"
            );
        }
    }
    // Hex digits in the other case are the same digest.
    let sha256 = content().profiles[0].sha256.to_string();
    let error = edited(&sha256, &sha256.to_uppercase()).unwrap_err();
    assert!(matches!(error, ManifestError::NotFrozen(_)), "{error}");
}

#[test]
fn the_digest_of_an_entry_is_of_all_that_it_says_but_its_state() {
    let manifest = Manifest::parse(&content().to_bytes()).unwrap();
    let profile = &manifest.profiles()[0];
    let digest = FactsDigest::of(profile);
    for (index, profile) in manifest.profiles().iter().enumerate() {
        assert_eq!(manifest.facts(index), Some(FactsDigest::of(profile)));
        assert_eq!(index == 0, FactsDigest::of(profile) == digest);
    }
    assert_eq!(manifest.facts(manifest.profiles().len()), None);
    let mut retiring = profile.clone();
    retiring.state = ProfileState::Retiring;
    assert_eq!(FactsDigest::of(&retiring), digest);
    // Another spelling of the UUID is the same UUID, and other facts.
    let mut upper = profile.clone();
    upper.uuid = profile
        .uuid
        .to_string()
        .to_ascii_uppercase()
        .parse()
        .unwrap();
    assert_eq!(upper.uuid, profile.uuid);
    assert_ne!(FactsDigest::of(&upper), digest);
}

#[test]
fn nothing_of_a_device_stands_in_it() {
    let spec = ProfileSpec::ios(Kind::Development, ROCKET).devices(12);
    let profile = PinnedProfile::of(&proven(&spec), ProfileState::Active);
    let text = String::from_utf8(freeze(vec![profile], None, Vec::new(), None).to_bytes()).unwrap();
    assert!(text.contains("\"device_count\": 12"));
    for device in &spec.devices {
        assert!(!text.contains(device), "{device}");
    }
}

#[test]
fn the_first_version_is_read_and_judged_by_its_own_rules() {
    let mut first = content();
    first.version = Version::First;
    first.archive = None;
    let text = String::from_utf8(first.to_bytes()).unwrap();
    let manifest = Manifest::parse(text.as_bytes()).unwrap();
    assert_eq!(manifest.content().version, Version::First);
    assert_eq!(manifest.targets(), first.targets);
    assert!(manifest.archive().is_none() && manifest.products().is_empty());
    // What only the second version holds stands in no file of the first, and the other way round.
    let with = text.replacen("  \"targets\"", "  \"archive\": null,\n  \"targets\"", 1);
    let error = Manifest::parse(with.as_bytes()).unwrap_err();
    assert!(matches!(error, ManifestError::NotFrozen(_)), "{error}");
    for without in ["archive", "products"] {
        let mut json = json();
        json.as_object_mut().unwrap().remove(without);
        assert!(matches!(refused(&json), ManifestError::NotFrozen(_)));
    }
}

#[test]
fn freezing_over_the_first_version_writes_the_latest() {
    let mut first = content();
    first.version = Version::First;
    first.archive = None;
    let previous = Previous::from_bytes(&first.to_bytes()).unwrap();
    let profiles = ordered(pinned()).unwrap();
    let next = freeze(profiles, None, Vec::new(), Some(&previous));
    assert_eq!(next.version, Version::LATEST);
    assert_eq!((next.revision, &next.targets), (2, &first.targets));
    assert_eq!(next.archive, None);
    Manifest::parse(&next.to_bytes()).unwrap();
}

#[test]
fn what_the_targets_were_frozen_for_is_taken_over_with_them() {
    let previous = Previous::from_bytes(&content().to_bytes()).unwrap();
    assert_eq!(previous.scheme(), Some("App"));
    let profiles = ordered(pinned()).unwrap();
    let next = freeze(profiles, None, Vec::new(), Some(&previous));
    assert_eq!(next.archive, content().archive);
    let told = diff(
        &content(),
        &Content {
            archive: None,
            ..content()
        },
    );
    assert_eq!(
        (told[0].change, told[0].what),
        (ChangeKind::Removed, "archive")
    );
    assert_eq!(told[0].name, "App");
}

#[test]
fn products_are_written_by_name_and_each_is_signed_by_a_pinned_profile() {
    let profiles = ordered(pinned()).unwrap();
    let product = |name: &str| PinnedProduct {
        name: name.parse().unwrap(),
        bundle_id: ROCKET.parse().unwrap(),
        entitlements: "packaging/helper.entitlements".to_owned(),
        profile: profiles[0].uuid.clone(),
        certificate: profiles[0].certificates[0].sha256,
    };
    let both = vec![product("updater"), product("helper")];
    let frozen = freeze(profiles.clone(), None, both, None);
    let bytes = frozen.to_bytes();
    let manifest = Manifest::parse(&bytes).unwrap();
    let names = manifest.products().iter().map(|it| it.name.as_str());
    assert!(names.eq(["helper", "updater"]));
    let mut repeated = frozen.clone();
    repeated.products[1] = repeated.products[0].clone();
    let error = Manifest::parse(&repeated.to_bytes()).unwrap_err();
    assert!(error.to_string().contains("/products/1: helper"), "{error}");
    let mut dangling = frozen.clone();
    dangling.profiles.remove(0);
    let error = Manifest::parse(&dangling.to_bytes()).unwrap_err();
    assert!(error.to_string().contains("product helper"), "{error}");
    assert_eq!(
        error.place().pointer.as_deref(),
        Some("/products/0/profile")
    );
    // A profile that signs nothing else is in use by its product.
    let mut retiring = frozen;
    retiring.profiles[0].state = ProfileState::Retiring;
    let retiring = Manifest::parse(&retiring.to_bytes()).unwrap();
    assert!(retiring.is_in_use(&retiring.profiles()[0]));
}

#[test]
fn state_revision_and_targets_are_taken_over() {
    let mut old = content();
    old.revision = 41;
    old.profiles[2].state = ProfileState::Retiring;
    old.profiles[3].state = ProfileState::Incoming;
    let previous = Previous::from_bytes(&old.to_bytes()).unwrap();
    let profiles = pinned().into_iter().map(|mut profile| {
        profile.state = previous.state(&profile.uuid);
        profile
    });
    let new = freeze(
        ordered(profiles).unwrap(),
        None,
        Vec::new(),
        Some(&previous),
    );
    assert_eq!(new.revision, 42);
    assert_eq!(new.profiles, old.profiles);
    assert_eq!(new.targets, old.targets);
    let unknown = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    assert_eq!(previous.state(&unknown), ProfileState::Active);
}

#[test]
fn targets_whose_profile_is_gone_are_not_taken_over() {
    let previous = Previous::from_bytes(&content().to_bytes()).unwrap();
    let mut profiles = ordered(pinned()).unwrap();
    profiles.remove(0);
    let new = freeze(profiles, None, Vec::new(), Some(&previous));
    assert_eq!(new.targets.len(), 1);
    Manifest::parse(&new.to_bytes()).unwrap();
}

#[test]
fn a_manifest_of_another_version_is_never_continued() {
    let mut newer = json();
    newer["schema"] = json!("countersign.manifest.v3");
    assert!(Previous::from_bytes(&serde_json::to_vec(&newer).unwrap()).is_err());
}

#[test]
fn no_revision_follows_the_last_one() {
    let mut last = json();
    for (revision, is_manifest) in [
        (MAX_REVISION, true),
        (MAX_REVISION + 1, false),
        (u64::MAX, false),
    ] {
        last["revision"] = json!(revision);
        let bytes = serde_json::to_vec(&last).unwrap();
        assert!(Previous::from_bytes(&bytes).is_err(), "{revision}");
        let frozen = Content {
            revision,
            ..content()
        }
        .to_bytes();
        assert_eq!(Manifest::parse(&frozen).is_ok(), is_manifest, "{revision}");
    }
}

#[test]
fn what_is_no_json_is_refused_with_its_line() {
    let error = edited("\"revision\": 1,", "\"revision\": 1").unwrap_err();
    assert!(
        matches!(&error, ManifestError::Json { line: 4, .. }),
        "{error}"
    );
    for bytes in [&b""[..], b"{", b"\xff\xfe", b"null", b"[]", b"{}"] {
        Manifest::parse(bytes).unwrap_err();
    }
}

#[test]
fn merge_conflict_markers_are_refused_with_their_line() {
    let error = edited("  \"revision\": 1,\n", "<<<<<<< HEAD\n  \"revision\": 1,\n").unwrap_err();
    assert!(
        matches!(&error, ManifestError::Json { line: 3, .. }),
        "{error}"
    );
}

#[test]
fn unknown_keys_are_refused_with_name_and_line() {
    let error = edited(
        "  \"revision\": 1,",
        "  \"revison\": 2,\n  \"revision\": 1,",
    )
    .unwrap_err();
    assert!(
        matches!(&error, ManifestError::Json { line: 3, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("revison"), "{error}");
    for pointer in ["/profiles/0", "/profiles/0/certificates/0", "/targets/0"] {
        let mut json = json();
        json.pointer_mut(pointer).unwrap()["note"] = json!("hello");
        let error = refused(&json);
        assert!(error.to_string().contains("`note`"), "{pointer}: {error}");
    }
}

#[test]
fn repeated_keys_are_refused_with_name_and_line() {
    let error = edited(
        "  \"revision\": 1,",
        "  \"revision\": 2,\n  \"revision\": 1,",
    )
    .unwrap_err();
    assert!(
        matches!(&error, ManifestError::Json { line: 4, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("revision"), "{error}");
    // Inside a free-form dictionary too: a reviewer would read one of the values, the program the other.
    let error = edited(
        "\"keychain-access-groups\": [",
        "\"get-task-allow\": true,\n\"get-task-allow\": true,\n\"keychain-access-groups\": [",
    );
    let error = error.unwrap_err();
    assert!(error.to_string().contains("get-task-allow"), "{error}");
}

#[test]
fn missing_keys_and_wrong_types_are_refused() {
    for (pointer, key) in [
        ("", "revision"),
        ("", "targets"),
        ("/profiles/0", "sha256"),
        ("/profiles/0", "state"),
        ("/targets/0", "certificate"),
    ] {
        let mut json = json();
        json.pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(key);
        assert!(refused(&json).to_string().contains(key), "{pointer}/{key}");
    }
    for (pointer, value) in [
        ("/revision", json!("1")),
        ("/revision", json!(-1)),
        ("/revision", json!(1.5)),
        ("/profiles/0/sha256", json!("abc")),
        ("/profiles/0/expires", json!("tomorrow")),
        ("/profiles/0/kind", json!("appstore")),
        ("/profiles/0/uuid", json!("../../etc/passwd")),
        ("/targets/0/bundle_id", json!("")),
    ] {
        let mut json = json();
        *json.pointer_mut(pointer).unwrap() = value;
        let error = refused(&json);
        assert!(
            matches!(error, ManifestError::Json { .. }),
            "{pointer}: {error}"
        );
    }
}

#[test]
fn a_newer_version_is_told_as_such_and_not_by_its_unknown_keys() {
    let mut newer = json();
    newer["schema"] = json!("countersign.manifest.v3");
    newer["something-new"] = json!({"a": 1});
    let error = refused(&newer);
    assert_eq!(
        error,
        ManifestError::Schema {
            found: "countersign.manifest.v3".to_owned()
        }
    );
    assert!(
        error
            .hint()
            .unwrap()
            .contains("install the countersign that wrote"),
        "{error}"
    );
    let mut same_shape = json();
    same_shape["schema"] = json!("countersign.manifest.v3");
    assert!(matches!(refused(&same_shape), ManifestError::Schema { .. }));
}

#[test]
fn other_json_is_told_to_be_no_manifest() {
    assert_eq!(
        refused(&json!({"name": "package", "version": "1.0.0"})),
        ManifestError::NoSchema
    );
}

#[test]
fn what_is_out_of_order_or_twice_is_refused_with_its_pointer() {
    let mut json = json();
    json["profiles"].as_array_mut().unwrap().swap(1, 2);
    assert!(
        matches!(refused(&json), ManifestError::Order { pointer, .. } if pointer == "/profiles/2")
    );
    let mut json = self::json();
    let first = json["profiles"][0].clone();
    json["profiles"].as_array_mut().unwrap().insert(0, first);
    assert!(
        matches!(refused(&json), ManifestError::Order { pointer, .. } if pointer == "/profiles/1")
    );
    let mut json = self::json();
    json["targets"].as_array_mut().unwrap().swap(0, 1);
    assert!(
        matches!(refused(&json), ManifestError::Order { pointer, .. } if pointer == "/targets/1")
    );
}

#[test]
fn one_uuid_in_two_spellings_stands_twice() {
    let mut json = json();
    let mut twin = json["profiles"][0].clone();
    twin["uuid"] = json!(twin["uuid"].as_str().unwrap().to_ascii_uppercase());
    json["profiles"].as_array_mut().unwrap().insert(1, twin);
    assert!(matches!(refused(&json), ManifestError::Order { .. }));
}

#[test]
fn a_target_of_a_profile_that_is_not_there_is_refused() {
    let mut json = json();
    json["targets"][1]["profile"] = json!("00000000-0000-4000-8000-000000000000");
    let ManifestError::Dangling { pointer, what, .. } = refused(&json) else {
        panic!("{}", refused(&json));
    };
    assert_eq!(
        (pointer.as_str(), what.as_str()),
        ("/targets/1/profile", "target Widget")
    );
}

#[test]
fn revisions_count_from_one() {
    let mut json = json();
    json["revision"] = json!(0);
    assert_eq!(refused(&json), ManifestError::Revision { found: 0 });
}

#[test]
fn a_diff_of_equal_manifests_is_empty() {
    assert_eq!(diff(&content(), &content()), []);
}

#[test]
fn a_diff_says_once_what_came_went_and_changed() {
    let old = content();
    let mut new = content();
    new.profiles.remove(0);
    new.profiles[0].name = "Renamed".to_owned();
    new.profiles[0].entitlements = PinnedProfile::of(
        &proven(&rocket().entitled("aps/environment", "production")),
        ProfileState::Active,
    )
    .entitlements;
    new.targets[0].certificate = CertSha256::of(b"another");
    new.targets.push(target("Zoo", &new.profiles[0]));
    let changes = diff(&old, &new);
    let told: Vec<(&str, ChangeKind)> = changes
        .iter()
        .map(|change| (change.what, change.change))
        .collect();
    assert_eq!(
        told,
        [
            ("profile", ChangeKind::Removed),
            ("profile", ChangeKind::Changed),
            ("target", ChangeKind::Changed),
            ("target", ChangeKind::Added),
        ]
    );
    let renamed = changes[1]
        .fields
        .iter()
        .find(|field| field.pointer == "/name")
        .unwrap();
    assert_eq!(renamed.new, json!("Renamed"));
    // Keys are escaped as JSON pointers are (RFC 6901).
    let entitlement = changes[1]
        .fields
        .iter()
        .find(|field| field.pointer == "/entitlements/aps~1environment")
        .unwrap();
    assert_eq!(
        (&entitlement.old, &entitlement.new),
        (&Json::Null, &json!("production"))
    );
    assert_eq!(changes[2].fields[0].pointer, "/certificate");
    assert_eq!(changes[2].id, "Rocket.xcodeproj App Release ios");
}

/// Lists of one length are compared entry by entry; of others nobody can tell which entry became which.
#[test]
fn a_diff_of_lists_names_the_entry_where_there_are_as_many() {
    let old = content();
    let mut edited = old.clone();
    let certificate = Arc::make_mut(&mut edited.profiles[0].certificates[0]);
    certificate.common_name = "Renamed".to_owned();
    let mut shorter = old.clone();
    shorter.profiles[0].certificates.clear();
    for (new, pointer) in [
        (edited, "/certificates/0/common_name"),
        (shorter, "/certificates"),
    ] {
        let changes = diff(&old, &new);
        let [change] = changes.as_slice() else {
            panic!("{changes:#?}");
        };
        let pointers: Vec<&str> = change
            .fields
            .iter()
            .map(|field| field.pointer.as_str())
            .collect();
        assert_eq!(pointers, [pointer]);
    }
}

#[test]
fn a_target_that_stands_twice_is_refused() {
    let mut twice = json();
    let target = twice["targets"][0].clone();
    twice["targets"].as_array_mut().unwrap().insert(0, target);
    let error = refused(&twice);
    assert!(matches!(error, ManifestError::Order { .. }), "{error}");
    assert_eq!(error.place().pointer.as_deref(), Some("/targets/1"));
    assert_eq!(error.remedy(), Some(Remedy::FreezeManifest));
}

#[test]
fn what_was_written_for_another_program_is_not_frozen_again() {
    let newer = ManifestError::Schema {
        found: "countersign.manifest.v9".to_owned(),
    };
    assert_eq!(newer.remedy(), None);
    assert_eq!(ManifestError::NoSchema.remedy(), Some(Remedy::NameManifest));
}

#[test]
fn who_freezes_is_told_which_targets_have_lost_their_profile() {
    let mut old = content();
    old.revision = 41;
    let previous = Previous::from_bytes(&old.to_bytes()).unwrap();
    assert_eq!(previous.revision(), 41);
    let profiles = ordered(pinned()).unwrap();
    assert_eq!(previous.orphans(&profiles), []);
    let lost = &old.targets[0];
    let left: Vec<PinnedProfile> = profiles
        .into_iter()
        .filter(|profile| profile.uuid != lost.profile)
        .collect();
    let orphans = previous.orphans(&left);
    assert!(!orphans.is_empty());
    for orphan in orphans {
        assert_eq!(orphan.place.profile, Some(lost.profile.to_string()));
        assert_eq!(orphan.remedy, Some(Remedy::FreezeTargets));
        // A manifest without the target would let it through later.
        assert!(countersign::base::finding::blocks(&orphan));
    }
}

#[test]
fn a_pinned_profile_is_called_by_its_name_and_uuid_and_knows_its_system() {
    for profile in pinned() {
        let uuid = profile.uuid.as_str();
        assert_eq!(profile.title(), format!("{:?} ({uuid})", profile.name));
        let is_mac = profile.filename.ends_with(".provisionprofile");
        assert_eq!(profile.is_mac(), is_mac);
    }
    assert!(pinned().iter().any(PinnedProfile::is_mac));
}

#[test]
fn the_digest_of_an_entry_prints_as_hex() {
    let digest = FactsDigest::from_bytes([0xab; 32]);
    assert_eq!(format!("{digest:?}"), "ab".repeat(32));
}

#[test]
fn the_schema_names_what_a_manifest_holds() {
    for version in [Version::First, Version::Second] {
        let schema = countersign::context::manifest::json_schema(version);
        let named = schema["properties"].as_object().unwrap();
        let content = Content {
            version,
            ..content()
        };
        let written: Json = serde_json::from_slice(&content.to_bytes()).unwrap();
        assert!(named.keys().eq(written.as_object().unwrap().keys()));
    }
}

#[test]
fn control_characters_stand_in_no_text_however_many() {
    let name = format!("\"name\": {:?}", pinned()[0].name);
    for count in 1..=4 {
        let control = "\u{1}".repeat(count);
        let with = format!("\"name\": \"A{control}B\"");
        let error = edited(&name, &with).unwrap_err();
        assert!(matches!(error, ManifestError::Json { .. }), "{error}");
    }
}
