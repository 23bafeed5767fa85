//! Installed profiles that hide from the gate and not from Xcode.
//!
//! Each scene has Acme's profiles pinned and installed, and one file more beside them that nobody pinned. What the gate cannot
//! read may be anything, so it blocks, and the hint moves the file away.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use forge::flaw::{Flaw, Layer};
use forge::profile::{Kind, ProfileSpec};
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, codes, fifo};
use support::{ROCKET, rocket};

/// A profile that Xcode could choose instead of the pinned one of Acme's app, under another name and UUID.
fn shadow() -> ProfileSpec {
    rocket().named("Another Name")
}

/// The gate's document.
fn gate(workshop: &Workshop) -> (Ran, Json) {
    let ran = workshop.gate(&["--format", "json"]);
    let document = ran.json();
    (ran, document)
}

/// Blocked for this code alone, which points at this file and says the command that moves it away; that command does it.
#[track_caller]
fn blocked_until_moved_away(workshop: &Workshop, code: &str, file: &str) {
    let (ran, document) = gate(workshop);
    ran.exits(10);
    let findings = document["findings"].as_array().unwrap().iter();
    let blocking: Vec<&Json> = findings
        .filter(|finding| finding["severity"] == "block")
        .collect();
    assert_eq!(blocking.len(), 1, "{blocking:#?}");
    assert_eq!(blocking[0]["code"], code, "{blocking:#?}");
    let place = blocking[0]["place"]["file"].as_str().unwrap();
    assert!(place.ends_with(file), "{blocking:#?}");
    let hint = blocking[0]["hint"].as_str().unwrap();
    let (_, command) = hint.split_once('`').unwrap_or_else(|| panic!("{hint}"));
    let (command, _) = command.split_once('`').unwrap();
    let moved = Command::new("bash")
        .args(["-c", command])
        .current_dir(workshop.path(""))
        .status()
        .unwrap();
    assert!(moved.success(), "{command}");
    let (ran, document) = gate(workshop);
    ran.exits(0);
    assert!(!codes(&document).contains(&code.to_owned()), "{document:#}");
}

/// Whether OpenSSL accepts the outer layer's signature; says so where there is no OpenSSL.
fn is_valid_to_openssl(workshop: &Workshop, file: &str) -> bool {
    let verified = Command::new("openssl")
        .args(["cms", "-verify", "-inform", "DER", "-noverify", "-out"])
        .arg("/dev/null")
        .arg("-in")
        .arg(workshop.path(file))
        .output();
    match verified {
        Ok(output) => output.status.success(),
        Err(_) => {
            eprintln!("skipped: there is no openssl on this machine");
            true
        }
    }
}

#[test]
fn a_profile_with_a_large_attribute_is_invisible_to_us_and_valid_to_openssl() {
    let workshop = Workshop::frozen();
    let large = shadow().with(Flaw::UnsignedAttribute(Layer::Outer, 8 * 1024 * 1024));
    workshop.write("profiles/large.mobileprovision", large.mint());
    assert!(is_valid_to_openssl(
        &workshop,
        "profiles/large.mobileprovision"
    ));
    blocked_until_moved_away(&workshop, "profile-unreadable", "large.mobileprovision");
}

#[test]
fn a_profile_with_many_certificates_is_invisible_to_us_and_valid_to_openssl() {
    for layer in [Layer::Outer, Layer::Inner] {
        let workshop = Workshop::frozen();
        // In chunks, so that no property list can be picked out of the file either.
        let many = shadow()
            .with(Flaw::Certificates(layer, 65))
            .with(Flaw::Ber(Layer::Outer, 100));
        workshop.write("profiles/many.mobileprovision", many.mint());
        assert!(is_valid_to_openssl(
            &workshop,
            "profiles/many.mobileprovision"
        ));
        blocked_until_moved_away(&workshop, "profile-unreadable", "many.mobileprovision");
    }
}

#[test]
fn a_profile_whose_text_is_a_decoy_is_not_judged_by_the_decoy() {
    // What is picked out of bytes that cannot be read says nothing of what another reader finds there.
    let workshop = Workshop::frozen();
    let decoy = ProfileSpec::ios(Kind::AppStore, "com.acme.other")
        .with(Flaw::Certificates(Layer::Outer, 65));
    workshop.write("profiles/decoy.mobileprovision", decoy.mint());
    blocked_until_moved_away(&workshop, "profile-unreadable", "decoy.mobileprovision");
}

#[test]
fn a_profile_that_lacks_what_we_need_may_be_enough_for_xcode() {
    for key in ["Name", "CreationDate", "Entitlements", "TeamIdentifier"] {
        let workshop = Workshop::frozen();
        let mut lacking = shadow().with(Flaw::OuterLacks(key));
        if key == "TeamIdentifier" {
            lacking.teams = vec!["no team".to_owned()];
            lacking = lacking.with(Flaw::OuterRaw(
                "TeamIdentifier",
                "<array><string>no team</string></array>",
            ));
        }
        workshop.write("profiles/lacking.mobileprovision", lacking.mint());
        blocked_until_moved_away(&workshop, "profile-unreadable", "lacking.mobileprovision");
    }
}

#[test]
fn rubbish_under_a_profiles_name_blocks() {
    for name in [
        "x.mobileprovision",
        "x.provisionprofile",
        "x.MOBILEPROVISION",
        "x.MobileProvision",
        "x.ProvisionProfile",
        ".mobileprovision",
        "._x.mobileprovision",
        "it's; touch pwned; `touch pwned` $(touch pwned) \"x\n\u{1b}[31m.mobileprovision",
        "-rf.mobileprovision",
    ] {
        let workshop = Workshop::frozen();
        workshop.write(format!("profiles/{name}"), "rubbish");
        let (_, document) = gate(&workshop);
        assert_eq!(document["verdict"], "blocked", "{name}");
        let end = name.rsplit('"').next().unwrap();
        blocked_until_moved_away(&workshop, "profile-unreadable", end);
        assert!(!workshop.path("pwned").exists());
    }
}

#[test]
fn a_name_that_is_no_text_is_moved_away_too() {
    use std::os::unix::ffi::OsStrExt as _;
    let workshop = Workshop::frozen();
    let name = std::ffi::OsStr::from_bytes(b"x\xff.mobileprovision");
    workshop.write(std::path::Path::new("profiles").join(name), "rubbish");
    blocked_until_moved_away(&workshop, "profile-unreadable", "\u{fffd}.mobileprovision");
}

#[test]
fn what_is_no_file_under_a_profiles_name_blocks() {
    let make = |workshop: &Workshop, what: &str| {
        let path = workshop.path("profiles/x.mobileprovision");
        match what {
            "directory" => fs::create_dir(path).unwrap(),
            // Whoever may write there puts a profile there once the gate has looked.
            "link to nothing" => symlink("/tmp/not-there-yet/x.mobileprovision", path).unwrap(),
            "link to itself" => symlink("x.mobileprovision", path).unwrap(),
            "link to a device" => symlink("/dev/zero", path).unwrap(),
            _ => fifo(&path),
        }
    };
    for what in [
        "directory",
        "link to nothing",
        "link to itself",
        "link to a device",
        "pipe",
    ] {
        let workshop = Workshop::frozen();
        make(&workshop, what);
        blocked_until_moved_away(&workshop, "profile-unreadable", "x.mobileprovision");
    }
}

#[test]
fn a_link_to_a_profile_is_judged_as_the_profile() {
    let workshop = Workshop::frozen();
    workshop.write("elsewhere", shadow().mint());
    symlink("../elsewhere", workshop.path("profiles/x.mobileprovision")).unwrap();
    let (ran, document) = gate(&workshop);
    ran.exits(10);
    assert_eq!(codes(&document)[0], "profile-shadowed");
}

/// Whether the gate blocks where this profile is pinned and that one only installed; without targets, or with Acme's app.
#[track_caller]
fn is_shadow(pinned: &ProfileSpec, installed: &ProfileSpec) -> bool {
    let workshop = Workshop::new();
    workshop.write(format!("profiles/{}", pinned.file_name()), pinned.mint());
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop.write("profiles/other.mobileprovision", installed.mint());
    let (_, document) = gate(&workshop);
    codes(&document).contains(&"profile-shadowed".to_owned())
}

#[test]
fn an_explicit_profile_shadows_a_pinned_wildcard_and_the_other_way() {
    let of = |pattern: &str| ProfileSpec::ios(Kind::AdHoc, pattern);
    let pairs = [
        ("com.acme.*", ROCKET),
        ("com.acme.*", "com.acme.*"),
        ("*", ROCKET),
        ("*", "com.acme.*"),
        ("com.acme.rocket.*", "com.acme.*"),
    ];
    for (one, other) in pairs {
        let other = of(other).named("Another Name");
        assert!(is_shadow(&of(one), &other), "{one}: {}", other.name);
        assert!(is_shadow(&other, &of(one)), "{}: {one}", other.name);
    }
    for (one, other) in [
        ("com.acme.rocket.*", ROCKET),
        ("com.acme.*", "com.acme2.rocket"),
        ("com.acme.*", "com.other.*"),
        (ROCKET, "com.acme.other"),
        ("com.acme.*", "com.acme"),
    ] {
        let other = of(other).named("Another Name");
        assert!(!is_shadow(&of(one), &other), "{one}: {}", other.name);
        assert!(!is_shadow(&other, &of(one)), "{}: {one}", other.name);
    }
    // Another kind never stands in.
    let store = ProfileSpec::ios(Kind::AppStore, ROCKET);
    assert!(!is_shadow(&of("com.acme.*"), &store));
}

#[test]
fn an_observation_of_nothing_clears_nothing() {
    let workshop = Workshop::new();
    forge::fixtures::project().write(&workshop.path(""));
    for spec in forge::fixtures::products() {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    let projects = workshop.path("Empty.xcworkspace");
    fs::create_dir(&projects).unwrap();
    workshop.write(
        "Empty.xcworkspace/contents.xcworkspacedata",
        "<Workspace></Workspace>",
    );
    forge::project::ProjectSpec::new("Bare").write(&workshop.path(""));
    let unsigned = forge::fixtures::project().with("CODE_SIGNING_ALLOWED", "NO");
    let mut unsigned = unsigned;
    unsigned.name = "Unsigned".to_owned();
    unsigned.write(&workshop.path(""));
    workshop.run(&["manifest", "freeze"]).exits(0);
    for selection in [
        &["--project", "Acme.xcodeproj", "--sdk", "appletvos"][..],
        // Simulators take whatever is signed with nothing.
        &["--project", "Acme.xcodeproj", "--sdk", "iphonesimulator"],
        &["--project", "Empty.xcworkspace"],
        &["--project", "Bare.xcodeproj"],
        &["--project", "Unsigned.xcodeproj"],
    ] {
        for verb in [
            &["gate", "--identities", "identities.txt"][..],
            &["targets", "check"],
            &["targets", "export", "--as", "json"],
            &["manifest", "freeze", "-o", "frozen.json"],
        ] {
            let words = [verb, selection, &["--format", "json"]].concat();
            let ran = workshop.run(&words);
            let text = ran.text();
            assert!(text.contains("targets-unobserved"), "{words:?}: {text}");
            if verb == ["targets", "check"] && selection.contains(&"Unsigned.xcodeproj") {
                // A build that signs nothing on purpose is told as that: it is no mistake, and no clearance.
                let document = ran.exits(0).json();
                assert_eq!(document["verdict"], "unsigned");
                continue;
            }
            ran.exits(10);
            assert!(!workshop.path("frozen.json").exists(), "{words:?}");
        }
    }
}

#[test]
fn a_project_that_no_longer_signs_what_is_pinned_is_not_cleared() {
    let workshop = Workshop::new();
    let project = forge::fixtures::project();
    project.write(&workshop.path(""));
    for spec in forge::fixtures::products() {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    let named = ["--project", "Acme.xcodeproj"];
    workshop
        .run(&[&["manifest", "freeze"], &named[..]].concat())
        .exits(0);
    let gate = [
        &["gate", "--identities", "identities.txt", "--format", "json"],
        &named[..],
    ]
    .concat();
    workshop.run(&gate).exits(0);
    // Nobody judges the new bundle id of a product that is not signed here, and an export signs it all the same.
    project
        .change("Share", |target| {
            target
                .with("CODE_SIGNING_ALLOWED", "NO")
                .with("PRODUCT_BUNDLE_IDENTIFIER", "com.acme.rocket.other")
        })
        .write(&workshop.path(""));
    let document = workshop.run(&gate).exits(10).json();
    let finding = &document["findings"][0];
    assert_eq!(finding["code"], "target-unsigned", "{document:#}");
    assert_eq!(finding["place"]["target"], "Share");
}
