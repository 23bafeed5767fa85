//! A manifest that says what the proven file does not say.
//!
//! Whoever can change the manifest can write anything into an entry and keep the file as it is, or keep the entry and
//! change the file. What the gate decides rests on the proven file alone: a manifest that says otherwise blocks.

use std::fs;
use std::sync::Arc;

use countersign::apple::identity::digest::canonical;
use countersign::base::ids::{CertSha1, CertSha256, FileSha256};
use countersign::context::manifest::ProfileState;
use forge::flaw::{Flaw, Layer};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use support::workshop::{Ran, Workshop, codes, stock};

/// A profile that expired long ago, and whose manifest is as freezing writes it.
fn expired() -> Workshop {
    let workshop = Workshop::new();
    let spec = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket")
        .valid("2022-01-01T00:00:00Z", "2023-01-01T00:00:00Z");
    workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    workshop
        .run(&["manifest", "freeze", "--allow-expired"])
        .exits(0);
    workshop
}

/// Replaces a text in the manifest, everywhere.
fn edit(workshop: &Workshop, from: &str, to: &str) {
    let text = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    assert!(text.contains(from), "{from} stands in the manifest");
    workshop.write("manifests/profiles.json", text.replace(from, to));
}

/// Every way to ask: the second plain one may use what the first one proved.
fn in_every_way(workshop: &Workshop, claim: impl Fn(Ran)) {
    for arguments in [
        &[][..],
        &[],
        &["--prove"],
        &["--envelope", "envelope.json"],
        &["--prove", "--envelope", "envelope.json"],
        &["--host", "signer-01.acme.example"],
    ] {
        claim(workshop.gate(&[&["--format", "json"], arguments].concat()));
        assert!(!workshop.path("envelope.json").exists(), "{arguments:?}");
    }
}

/// Blocked, and the entry's field is named.
#[track_caller]
fn names_the_field(ran: Ran, pointer: &str) {
    let document = ran.exits(10).json();
    let finding = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["code"] == "manifest-entry-differs")
        .unwrap_or_else(|| panic!("{document:#}"));
    assert_eq!(finding["severity"], "block");
    assert_eq!(finding["place"]["pointer"], pointer, "{finding:#}");
    for key in ["message", "expected", "found", "hint"] {
        assert!(finding[key].is_string(), "{key}: {finding:#}");
    }
}

#[test]
fn an_expiry_that_is_edited_to_2099_does_not_revive_an_expired_profile() {
    let workshop = expired();
    edit(&workshop, "2023-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    in_every_way(&workshop, |ran| {
        assert!(codes(&ran.json()).contains(&"profile-expired".to_owned()));
        names_the_field(ran, "/profiles/0/expires");
    });
}

#[test]
fn an_expiry_that_is_edited_to_2099_does_not_revive_a_real_profile() {
    let Some(folder) = support::data("profiles/apple") else {
        return;
    };
    let workshop = Workshop::new();
    workshop.write(
        "manifests/signing.toml",
        "version = 1\n[profiles]\ndirectories = [\"../profiles\"]\n",
    );
    // The first one that expired in 2023.
    let file = support::profiles_below(&folder)
        .into_iter()
        .find(|file| {
            fs::copy(
                file,
                workshop.path("profiles").join(file.file_name().unwrap()),
            )
            .unwrap();
            workshop
                .run(&["manifest", "freeze", "--allow-expired"])
                .exits(0);
            let text = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
            let expires = text
                .lines()
                .find(|line| line.starts_with("      \"expires\": \"2023-"));
            if expires.is_none() {
                fs::remove_file(workshop.path("profiles").join(file.file_name().unwrap())).unwrap();
            }
            expires.is_some()
        })
        .expect("one of them expired in 2023");
    println!("{}", file.display());
    let mut text = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    for year in 2000..2040 {
        text = text.replace(&format!("\"expires\": \"{year}-"), "\"expires\": \"2099-");
    }
    workshop.write("manifests/profiles.json", text);
    let gate = [
        "gate",
        "--without",
        "identities,targets",
        "--format",
        "json",
    ];
    for more in [&[][..], &["--prove", "--envelope", "envelope.json"]] {
        let ran = workshop.run(&[&gate, more].concat());
        assert!(codes(&ran.json()).contains(&"profile-expired".to_owned()));
        names_the_field(ran, "/profiles/0/certificates/0/expires");
        assert!(!workshop.path("envelope.json").exists());
    }
}

#[test]
fn a_certificate_whose_fingerprint_is_replaced_by_another_is_not_pinned() {
    let workshop = Workshop::frozen();
    let acme = Hierarchy::acme();
    let pinned = acme.developer(&LeafSpec::new(LeafKind::AppleDistribution));
    let another = acme.developer(&LeafSpec::new(LeafKind::AppleDistribution).labelled("another"));
    let sha1 = |minted: &forge::certificate::Identity| minted.sha1_hex().to_lowercase();
    edit(&workshop, &sha1(&pinned), &sha1(&another));
    workshop.write("identities.txt", forge::find_identity::valid(&[&another]));
    in_every_way(&workshop, |ran| {
        assert!(codes(&ran.json()).contains(&"identity-unexpected".to_owned()));
        names_the_field(ran, "/profiles/0/certificates/0/sha1");
    });
}

#[test]
fn a_tampered_file_is_refused_although_its_digest_is_pinned() {
    let workshop = Workshop::frozen();
    let spec = &stock()[0];
    let file = format!("profiles/{}", spec.file_name());
    let pinned = FileSha256::of(&workshop.read(&file));
    let forged = spec.clone().with(Flaw::Forged(Layer::Outer)).mint();
    workshop.write(&file, &forged);
    edit(
        &workshop,
        &pinned.to_string(),
        &FileSha256::of(&forged).to_string(),
    );
    in_every_way(&workshop, |ran| {
        assert!(codes(&ran.exits(10).json()).contains(&"profile-not-trusted".to_owned()));
    });
}

#[test]
fn compact_json_is_no_manifest() {
    let workshop = Workshop::frozen();
    let json: serde_json::Value =
        serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    workshop.write(
        "manifests/profiles.json",
        serde_json::to_vec(&json).unwrap(),
    );
    for command in [
        &["gate", "--without", "identities,targets"][..],
        &["gate", "--without", "identities,targets,profiles"],
        &["gate", "--host", "signer-01.acme.example"],
        &["manifest", "digest"],
        &["manifest", "verify"],
        &[
            "manifest",
            "diff",
            "manifests/profiles.json",
            "manifests/profiles.json",
        ],
        &["profile", "prune", "--unpinned"],
    ] {
        workshop.run(command).exits(11).says(&[
            "manifests/profiles.json",
            "line 1",
            "manifest freeze",
        ]);
    }
    // Freezing is what mends it.
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop.run(&["manifest", "verify"]).exits(0);
}

#[test]
fn a_second_entry_for_a_file_says_what_the_file_says_or_blocks() {
    let workshop = Workshop::frozen();
    workshop.edit_manifest(|content| {
        // A UUID behind all others, so that the order holds.
        let mut twin = content.profiles[0].clone();
        twin.uuid = "ffffffff-2222-4333-8444-555555555555".parse().unwrap();
        content.profiles.push(twin);
    });
    in_every_way(&workshop, |ran| names_the_field(ran, "/profiles/3/uuid"));
}

#[test]
fn a_retiring_profile_that_is_not_installed_pins_no_certificate() {
    let workshop = Workshop::frozen();
    let acme = Hierarchy::acme();
    let pinned = acme.developer(&LeafSpec::new(LeafKind::AppleDistribution));
    let another = acme.developer(&LeafSpec::new(LeafKind::AppleDistribution).labelled("another"));
    let both = forge::find_identity::valid(&[&pinned, &another]);
    workshop.write("identities.txt", both);
    workshop.edit_manifest(|content| {
        let mut invented = content.profiles[0].clone();
        invented.uuid = "ffffffff-2222-4333-8444-555555555555".parse().unwrap();
        invented.filename = format!("{}.mobileprovision", invented.uuid);
        invented.sha256 = FileSha256::of(b"a file that is nowhere");
        invented.state = ProfileState::Retiring;
        Arc::make_mut(&mut invented.certificates[0]).sha1 = CertSha1::of(&another.der);
        // If that were believed, the two identities would have the digest of the reviewed one alone.
        Arc::make_mut(&mut invented.certificates[0]).sha256 = CertSha256::of(&pinned.der);
        content.profiles.push(invented);
    });
    let reviewed = canonical([CertSha256::of(&pinned.der)]).to_string();
    for arguments in [&[][..], &["--expect-signing", &reviewed]] {
        let document = workshop
            .gate(&[&["--format", "json"], arguments].concat())
            .exits(10)
            .json();
        assert!(codes(&document).contains(&"identity-unexpected".to_owned()));
        assert_eq!(document["identities"]["canonical"], serde_json::Value::Null);
    }
}

#[test]
fn a_plan_is_not_exported_where_the_manifest_says_what_the_files_do_not_say() {
    let workshop = Workshop::frozen();
    let project = ProjectSpec::new("Rocket").target(TargetSpec::new(
        "Rocket",
        Product::App,
        "com.acme.rocket",
    ));
    project.write(&workshop.path(""));
    let export = |form| {
        [
            "targets",
            "export",
            "--project",
            "Rocket.xcodeproj",
            "--as",
            form,
        ]
    };
    let select = ["--configuration", "Release", "--sdk", "iphoneos"];
    let forms = ["xcargs", "xcconfig", "export-options", "json"];
    for form in forms {
        workshop
            .run(&[&export(form)[..], &select].concat())
            .exits(0);
    }
    workshop.edit_manifest(|content| {
        for profile in &mut content.profiles {
            Arc::make_mut(&mut profile.certificates[0]).sha1 = CertSha1::of(b"another certificate");
        }
    });
    for form in forms {
        let ran = workshop
            .run(&[&export(form)[..], &select].concat())
            .exits(10);
        assert_eq!(ran.out, "");
        ran.says(&["manifest-entry-differs", "certificates/0/sha1"]);
    }
    workshop
        .run(&[
            "targets",
            "check",
            "--project",
            "Rocket.xcodeproj",
            "--configuration",
            "Release",
        ])
        .exits(10)
        .says(&["manifest-entry-differs", "/profiles/0/certificates/0/sha1"]);
    // Where the files are not at hand, that is said.
    fs::remove_dir_all(workshop.path("profiles")).unwrap();
    workshop
        .run(&[&export("xcargs")[..], &select].concat())
        .exits(0)
        .says(&["profiles-unobserved", "3 of them not looked at"]);
}
