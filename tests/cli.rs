//! The program as people meet it: built, run in a directory of its own, with an environment in which nothing stands but
//! a home.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use countersign::apple::pkcs12::{self, Form};
use countersign::base::digest::{Digest, sha1};
use countersign::base::ids::FileSha256;
use countersign::base::secret::Password;
use forge::flaw::{Flaw, Layer};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::p12::P12Spec;
use forge::profile::{Kind, ProfileSpec};
use serde_json::{Value as Json, json};
use support::workshop::{Workshop, codes, ran, stock};

// freezing

#[test]
fn freezing_twice_gives_the_same_bytes_and_touches_nothing_else() {
    let workshop = Workshop::stocked();
    let before = workshop.list("profiles");
    workshop
        .run(&["manifest", "freeze"])
        .exits(0)
        .says(&["frozen", "revision 1, 3 profiles"]);
    let first = workshop.read("manifests/profiles.json");
    workshop
        .run(&["manifest", "freeze"])
        .exits(0)
        .says(&["unchanged", "revision 1"]);
    assert_eq!(workshop.read("manifests/profiles.json"), first);
    assert_eq!(workshop.list("profiles"), before);
    assert_eq!(
        workshop.list("manifests"),
        ["profiles.json", "signing.toml"]
    );
}

#[test]
fn a_shuffled_and_renamed_copy_freezes_to_the_same_bytes() {
    let workshop = Workshop::frozen();
    fs::create_dir(workshop.path("copy")).unwrap();
    for (number, name) in workshop.list("profiles").iter().rev().enumerate() {
        let extension = Path::new(name).extension().unwrap().to_str().unwrap();
        workshop.write(
            format!("copy/{number}.{extension}"),
            workshop.read(format!("profiles/{name}")),
        );
    }
    workshop
        .run(&["manifest", "freeze", "copy", "-o", "copy.json"])
        .exits(0);
    assert_eq!(
        workshop.read("copy.json"),
        workshop.read("manifests/profiles.json")
    );
}

#[test]
fn the_revision_rises_by_one_when_the_content_changes() {
    let workshop = Workshop::frozen();
    let revision = || -> Json {
        let json: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
        json["revision"].clone()
    };
    assert_eq!(revision(), 1);
    let more = ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket");
    workshop.write(format!("profiles/{}", more.file_name()), more.mint());
    workshop.run(&["manifest", "freeze"]).exits(0);
    assert_eq!(revision(), 2);
    workshop.run(&["manifest", "freeze"]).exits(0);
    assert_eq!(revision(), 2);
    fs::remove_file(workshop.path(format!("profiles/{}", more.file_name()))).unwrap();
    workshop.run(&["manifest", "freeze"]).exits(0);
    assert_eq!(revision(), 3);
}

#[test]
fn one_unproven_profile_stops_freezing_and_leaves_the_old_manifest() {
    let workshop = Workshop::frozen();
    let before = workshop.read("manifests/profiles.json");
    let forged = ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket").with(Flaw::Forged(Layer::Outer));
    workshop.write("profiles/forged.mobileprovision", forged.mint());
    workshop.run(&["manifest", "freeze"]).exits(10).says(&[
        "not frozen",
        "profile-not-trusted",
        "forged.mobileprovision",
    ]);
    assert_eq!(workshop.read("manifests/profiles.json"), before);
}

#[test]
fn verify_compares_the_manifest_with_the_files() {
    let workshop = Workshop::frozen();
    workshop
        .run(&["manifest", "verify"])
        .exits(0)
        .says(&["verified"]);
    let text = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    workshop.write(
        "manifests/profiles.json",
        text.replacen("iOS App Store com.acme.rocket", "Another Name", 1),
    );
    workshop
        .run(&["manifest", "verify"])
        .exits(10)
        .says(&["manifest-not-canonical", "/name"]);
}

#[test]
fn diff_says_what_changed_and_insists_on_a_higher_revision() {
    let workshop = Workshop::frozen();
    let old = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    let changed = old.replacen("\"state\": \"active\"", "\"state\": \"retiring\"", 1);
    workshop.write("old.json", &old);
    workshop.write(
        "new.json",
        changed.replacen("\"revision\": 1", "\"revision\": 2", 1),
    );
    workshop.write("stale.json", &changed);
    workshop
        .run(&["manifest", "diff", "old.json", "old.json"])
        .exits(0)
        .says(&["nothing changed"]);
    workshop
        .run(&["manifest", "diff", "old.json", "new.json"])
        .exits(0)
        .says(&["1 change", "/state"]);
    workshop
        .run(&["manifest", "diff", "old.json", "stale.json"])
        .exits(10)
        .says(&["manifest-stale-revision"]);
}

// the gate

#[test]
fn the_gate_takes_every_spelling_of_the_digest() {
    let workshop = Workshop::frozen();
    let bytes = workshop.read("manifests/profiles.json");
    let sha256 = Digest::of(&bytes).to_string();
    let sha1 = Digest::Sha1(sha1(&bytes)).to_string();
    for spelling in [
        &sha256,
        sha256.trim_start_matches("sha256:"),
        &sha1,
        &sha1.to_uppercase(),
    ] {
        workshop
            .gate(&["--expect-manifest", spelling])
            .exits(0)
            .says(&["cleared"]);
    }
    let printed = workshop.run(&["manifest", "digest"]).exits(0).out;
    assert_eq!(printed.trim(), sha256);
    let printed = workshop.run(&["manifest", "digest", "--sha1"]).exits(0).out;
    assert_eq!(printed.trim(), sha1);
    let other = format!("sha256:{}", "0".repeat(64));
    workshop
        .gate(&["--expect-manifest", &other])
        .exits(10)
        .says(&["manifest-digest-mismatch", &sha256, &other]);
}

#[test]
fn one_flipped_byte_blocks_and_is_explained() {
    let workshop = Workshop::frozen();
    let spec = &stock()[0];
    let file = format!("profiles/{}", spec.file_name());
    let mut bytes = workshop.read(&file);
    let pinned = FileSha256::of(&bytes).to_string();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    workshop.write(&file, &bytes);
    let found = FileSha256::of(&bytes).to_string();
    workshop.gate(&[]).exits(10).says(&[
        "BLOCKED",
        "profile-bytes-differ",
        &spec.name,
        &spec.uuid,
        &pinned,
        &found,
        "install the pinned file again",
    ]);
}

#[test]
fn what_nobody_looked_at_blocks_and_the_remedy_names_the_option() {
    let workshop = Workshop::frozen();
    workshop.run(&["gate"]).exits(10).says(&[
        "identities-unobserved",
        "--identities",
        "targets-unobserved",
        "--without targets",
    ]);
    workshop
        .run(&["gate", "--without", "identities,targets"])
        .exits(0)
        .says(&["waived", "identities, targets"]);
    workshop.gate(&["--without", "identities"]).exits(2);
}

#[test]
fn copies_and_older_profiles_of_one_name_are_shadows() {
    let workshop = Workshop::frozen();
    let spec = &stock()[0];
    workshop.write("profiles/copy.mobileprovision", spec.mint());
    workshop
        .gate(&[])
        .exits(0)
        .says(&["profile-shadowed", "copy.mobileprovision"]);
    fs::remove_file(workshop.path("profiles/copy.mobileprovision")).unwrap();
    let mut older = spec
        .clone()
        .valid("2025-01-01T10:00:00Z", "2045-01-01T00:00:00Z");
    older.uuid = "11111111-2222-4333-8444-555555555555".to_owned();
    workshop.write("profiles/older.mobileprovision", older.mint());
    workshop.gate(&[]).exits(10).says(&[
        "profile-shadowed",
        "older",
        "older.mobileprovision",
        "profile prune",
    ]);
}

#[test]
fn proving_again_finds_nothing_more_where_the_bytes_are_pinned() {
    let workshop = Workshop::frozen();
    workshop.gate(&["--prove"]).exits(0);
}

#[test]
fn a_rehearsal_judges_another_host_and_instant_and_says_so() {
    let workshop = Workshop::frozen();
    let gate = workshop
        .gate(&[
            "--host",
            "signer-09.acme.example",
            "--at",
            "2045-12-30T00:00:00Z",
        ])
        .exits(10);
    let gate = gate.says(&[
        "a rehearsal",
        "signer-09.acme.example",
        "profile-expires-soon",
    ]);
    assert!(gate.out.contains("2045-12-30T00:00:00Z"));
}

#[test]
fn the_gate_s_json_is_as_promised() {
    let workshop = Workshop::frozen();
    let document = workshop.gate(&["--format", "json"]).exits(0).json();
    assert_eq!(document["schema"], "countersign.gate.v1");
    assert_eq!(document["verdict"], "cleared");
    assert_eq!(document["waived"], json!(["targets"]));
    assert_eq!(document["manifest"]["revision"], 1);
    assert!(
        document["manifest"]["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    assert!(
        document["identities"]["canonical"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    assert_eq!(
        document["identities"]["compatible"].as_str().unwrap().len(),
        40
    );
    assert_eq!(document["rehearsal"], false);
    assert_eq!(document["region"], Json::Null);

    fs::remove_file(workshop.path(format!("profiles/{}", stock()[0].file_name()))).unwrap();
    let document = workshop.gate(&["--format", "json"]).exits(10).json();
    assert_eq!(document["verdict"], "blocked");
    let finding = &document["findings"][0];
    assert_eq!(finding["code"], "profile-missing");
    assert_eq!(finding["severity"], "block");
    assert_eq!(finding["place"]["profile"], stock()[0].uuid);
    for key in ["message", "expected", "found", "hint"] {
        assert!(finding[key].is_string(), "{key}");
    }
}

#[test]
fn github_gets_annotations_and_a_summary() {
    let workshop = Workshop::frozen();
    fs::remove_file(workshop.path(format!("profiles/{}", stock()[0].file_name()))).unwrap();
    let arguments = [
        "gate",
        "--format",
        "github",
        "--without",
        "targets,identities",
    ];
    let mut command = workshop.command(&arguments);
    command.env("GITHUB_STEP_SUMMARY", workshop.path("summary.md"));
    let gate = ran(&mut command).exits(10);
    // The report is text for the log; a line that the runner would act on is an annotation and nothing else.
    let commands = gate
        .out
        .lines()
        .filter(|line| line.trim_start().starts_with("::"));
    for line in commands {
        let is_annotation = ["::error ", "::warning ", "::notice "]
            .iter()
            .any(|start| line.starts_with(start));
        assert!(is_annotation, "{line}");
    }
    assert!(
        gate.out.contains("::error title=profile-missing"),
        "{}",
        gate.out
    );
    let summary = String::from_utf8(workshop.read("summary.md")).unwrap();
    assert!(
        summary.starts_with("### countersign gate: blocked\n"),
        "{summary}"
    );
    assert!(
        summary.contains("| block | `profile-missing` |"),
        "{summary}"
    );
}

#[test]
fn an_envelope_is_written_only_when_cleared() {
    let workshop = Workshop::frozen();
    workshop.gate(&["--envelope", "envelope.json"]).exits(0);
    let statement: Json = serde_json::from_slice(&workshop.read("envelope.json")).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(
        statement["predicateType"],
        "urn:countersign:signing-context:v1"
    );
    let digest = Digest::of(&workshop.read("manifests/profiles.json")).to_string();
    assert_eq!(statement["subject"][0]["name"], "profiles.json");
    assert_eq!(
        format!(
            "sha256:{}",
            statement["subject"][0]["digest"]["sha256"]
                .as_str()
                .unwrap()
        ),
        digest
    );
    assert_eq!(statement["predicate"]["manifest"], digest);
    // No fingerprint of a private key leaves.
    let text = String::from_utf8(workshop.read("envelope.json")).unwrap();
    let distribution = Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution));
    assert!(
        !text
            .to_uppercase()
            .contains(&distribution.sha1_hex().to_uppercase())
    );

    fs::remove_file(workshop.path("envelope.json")).unwrap();
    fs::remove_file(workshop.path(format!("profiles/{}", stock()[0].file_name()))).unwrap();
    workshop.gate(&["--envelope", "envelope.json"]).exits(10);
    assert!(!workshop.path("envelope.json").exists());
}

// profiles

#[test]
fn show_decodes_and_verifies() {
    let workshop = Workshop::stocked();
    let spec = &stock()[0];
    let file = format!("profiles/{}", spec.file_name());
    workshop.run(&["profile", "show", &file]).exits(0).says(&[
        "proven",
        &spec.name,
        &spec.uuid,
        "app-store",
    ]);
    let document = workshop
        .run(&["profile", "show", "--format", "json", &file])
        .exits(0)
        .json();
    assert_eq!(document["schema"], "countersign.profiles.v1");
    let profile = &document["profiles"][0];
    assert_eq!(profile["proven"], true);
    assert_eq!(profile["uuid"], spec.uuid);
    assert_eq!(profile["kind"], "app-store");
    assert_eq!(profile["kind_source"], "distribution-type");
    assert_eq!(profile["bundle_id"], "com.acme.rocket");
}

#[test]
fn a_bad_file_does_not_hide_the_good_ones() {
    let workshop = Workshop::stocked();
    workshop.write("profiles/aaa.mobileprovision", "rubbish");
    workshop.write("profiles/readme.txt", "no profile, and not named like one");
    let document = workshop
        .run(&["profile", "list", "--format", "json"])
        .exits(0)
        .json();
    let profiles = document["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 4);
    assert_eq!(
        profiles
            .iter()
            .filter(|profile| profile["proven"] == true)
            .count(),
        3
    );
    workshop
        .run(&["profile", "list"])
        .exits(0)
        .says(&["1 not proven"]);
    let document = workshop
        .run(&["profile", "show", "profiles", "--format", "json"])
        .exits(10)
        .json();
    assert_eq!(codes(&document["profiles"][0]), ["profile-unreadable"]);
}

#[test]
fn installing_is_idempotent_and_under_the_conventional_name() {
    let workshop = Workshop::new();
    let spec = &stock()[0];
    workshop.write("downloaded (1).mobileprovision", spec.mint());
    let install = ["profile", "install", "downloaded (1).mobileprovision"];
    workshop.run(&install).exits(0).says(&["installed: "]);
    assert_eq!(workshop.list("profiles"), [spec.file_name()]);
    workshop
        .run(&install)
        .exits(0)
        .says(&["already installed: "]);
    workshop.write(format!("profiles/{}", spec.file_name()), "damaged");
    workshop.run(&install).exits(0).says(&["replaced: "]);
    assert_eq!(
        workshop.read(format!("profiles/{}", spec.file_name())),
        spec.mint()
    );
    assert_eq!(workshop.list("profiles"), [spec.file_name()]);
}

#[test]
fn one_unproven_file_keeps_all_from_being_installed() {
    let workshop = Workshop::new();
    workshop.write("good.mobileprovision", stock()[0].mint());
    let forged = stock()[1].clone().with(Flaw::Impostor(Layer::Outer));
    workshop.write("forged.mobileprovision", forged.mint());
    workshop
        .run(&[
            "profile",
            "install",
            "good.mobileprovision",
            "forged.mobileprovision",
        ])
        .exits(10)
        .says(&[
            "nothing was installed",
            "profile-anchor-not-apple",
            "forged.mobileprovision",
        ]);
    assert!(workshop.list("profiles").is_empty());
}

#[test]
fn pruning_says_first_then_does_and_never_takes_a_pinned_one() {
    let workshop = Workshop::frozen();
    let pinned = workshop.list("profiles");
    let expired = ProfileSpec::ios(Kind::AdHoc, "com.acme.old")
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let unpinned = ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket");
    for spec in [&expired, &unpinned] {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop.write("profiles/notes.txt", "not ours");
    let all = workshop.list("profiles");
    workshop
        .run(&["profile", "prune", "--unpinned", "--dry-run"])
        .exits(0)
        .says(&[
            "would be removed: not pinned",
            &unpinned.file_name(),
            &expired.file_name(),
        ]);
    assert_eq!(workshop.list("profiles"), all);
    workshop
        .run(&["profile", "prune", "--expired"])
        .exits(0)
        .says(&["removed: expired", &expired.file_name()]);
    assert!(
        !workshop
            .path(format!("profiles/{}", expired.file_name()))
            .exists()
    );
    assert!(
        workshop
            .path(format!("profiles/{}", unpinned.file_name()))
            .exists()
    );
    workshop.run(&["profile", "prune", "--unpinned"]).exits(0);
    let mut left = pinned;
    left.push("notes.txt".to_owned());
    left.sort();
    assert_eq!(workshop.list("profiles"), left);
    workshop
        .run(&["profile", "prune", "--unpinned"])
        .exits(0)
        .says(&["nothing to do"]);
    workshop.run(&["profile", "prune"]).exits(2);
}

#[test]
fn pruning_keeps_a_pinned_one_that_has_expired() {
    let workshop = Workshop::new();
    let expired = ProfileSpec::ios(Kind::AppStore, "com.acme.old")
        .valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    workshop.write(format!("profiles/{}", expired.file_name()), expired.mint());
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop
        .run(&["profile", "prune", "--expired", "--unpinned"])
        .exits(0)
        .says(&["nothing to do"]);
    assert_eq!(workshop.list("profiles"), [expired.file_name()]);
}

#[test]
fn without_a_manifest_nothing_is_pruned_as_unpinned() {
    let workshop = Workshop::stocked();
    workshop
        .run(&["profile", "prune", "--unpinned"])
        .exits(11)
        .says(&["there is no manifest", "--manifest"]);
    assert_eq!(workshop.list("profiles").len(), 3);
}

// identities

#[test]
fn a_capture_and_a_p12_of_the_same_key_have_one_canonical_digest() {
    let workshop = Workshop::frozen();
    let distribution = Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution));
    workshop.write(
        "identity.p12",
        P12Spec::new("correct horse", &distribution).write(),
    );
    workshop.write("password", "correct horse\n");
    let capture = workshop
        .run(&["identity", "digest", "--identities", "identities.txt"])
        .exits(0)
        .out;
    let p12 = [
        "identity",
        "digest",
        "--identities",
        "identity.p12",
        "--password-file",
        "password",
    ];
    assert_eq!(workshop.run(&p12).exits(0).out, capture);
    workshop
        .gate(&["--expect-signing", capture.trim()])
        .exits(0);
    let compatible = workshop
        .run(&[
            "identity",
            "digest",
            "--compatible",
            "--identities",
            "identities.txt",
        ])
        .exits(0)
        .out;
    assert_eq!(
        compatible.trim(),
        Digest::Sha1(sha1(&workshop.read("identities.txt"))).to_string()
    );
    workshop
        .gate(&["--expect-signing", compatible.trim()])
        .exits(0);
    let other = "0".repeat(40);
    workshop
        .gate(&["--expect-signing", &other])
        .exits(10)
        .says(&["identity-digest-mismatch"]);
    let gate = [
        "gate",
        "--without",
        "targets",
        "--identities",
        "identity.p12",
        "--password-file",
        "password",
    ];
    workshop.run(&gate).exits(0);
    let list = [
        "identity",
        "list",
        "--identities",
        "identity.p12",
        "--password-file",
        "password",
    ];
    workshop.run(&list).exits(0).says(&[
        &distribution.sha1_hex().to_uppercase(),
        "Apple Distribution",
    ]);
}

#[test]
fn identities_come_through_a_pipe_too() {
    let workshop = Workshop::frozen();
    let mut child = workshop
        .command(&["gate", "--identities", "-", "--without", "targets"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&workshop.read("identities.txt"))
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn a_key_that_nobody_pinned_is_sprawl() {
    let workshop = Workshop::frozen();
    let acme = Hierarchy::acme();
    let both = [
        LeafKind::AppleDistribution,
        LeafKind::DeveloperIdApplication,
    ]
    .map(|kind| acme.developer(&LeafSpec::new(kind)));
    workshop.write(
        "identities.txt",
        forge::find_identity::valid(&[&both[0], &both[1]]),
    );
    workshop.gate(&[]).exits(10).says(&[
        "identity-unexpected",
        "Developer ID Application: Acme",
        "identities.allow",
    ]);
}

// policies

#[test]
fn a_typo_in_the_policy_is_shown_with_its_line_and_the_key_that_was_meant() {
    let workshop = Workshop::frozen();
    workshop.write(
        "manifests/signing.toml",
        "version = 1\n\n[profiles]\nminimum_validty = \"7d\"\n",
    );
    workshop
        .gate(&[])
        .exits(10)
        .says(&["policy-invalid", "signing.toml:4", "minimum_validity"]);
    let document = workshop.gate(&["--format", "json"]).exits(10).json();
    assert_eq!(document["verdict"], "blocked");
    assert_eq!(document["findings"][0]["place"]["line"], 4);
    workshop
        .run(&["profile", "list"])
        .exits(10)
        .says(&["signing.toml:4", "minimum_validity"]);
}

#[test]
fn without_a_policy_the_built_in_one_applies_and_is_said_to() {
    let workshop = Workshop::frozen();
    fs::remove_file(workshop.path("manifests/signing.toml")).unwrap();
    workshop
        .gate(&["--profiles", "profiles"])
        .exits(0)
        .says(&["policy-default"]);
    // One that was named must be there.
    workshop
        .gate(&["--policy", "manifests/signing.toml"])
        .exits(11)
        .says(&["signing.toml", "does not exist"]);
}

#[test]
fn the_hosts_of_the_policy_are_held() {
    let workshop = Workshop::frozen();
    let policy = format!(
        "{}\n[topology]\nkind = \"dedicated-signer\"\nkey_hosts = [\"signer-01.acme.example\"]\n",
        support::workshop::POLICY
    );
    workshop.write("manifests/signing.toml", policy);
    workshop
        .gate(&["--host", "laptop.acme.example"])
        .exits(10)
        .says(&["host-not-allowed", "signing.toml:9"]);
    workshop
        .gate(&["--host", "signer-01.acme.example"])
        .exits(0);
}

// talk

#[test]
fn results_go_to_stdout_and_errors_to_stderr() {
    let workshop = Workshop::frozen();
    let digest = workshop.run(&["manifest", "digest"]).exits(0);
    assert!(digest.err.is_empty(), "{}", digest.err);
    let error = workshop
        .run(&["manifest", "digest", "--manifest", "missing.json"])
        .exits(11);
    assert!(error.out.is_empty(), "{}", error.out);
    assert!(error.err.starts_with("error: "), "{}", error.err);
    let error = workshop
        .run(&[
            "manifest",
            "digest",
            "--manifest",
            "missing.json",
            "--format",
            "json",
        ])
        .exits(11);
    let document: Json = serde_json::from_str(&error.err).unwrap();
    assert_eq!(document["schema"], "countersign.error.v2");
    assert_eq!(document["exit"], 11);
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let workshop = Workshop::frozen();
    let gate = ["gate", "--without", "targets,identities"];
    let has_colour = |command: &mut std::process::Command| ran(command).out.contains('\u{1b}');
    assert!(!has_colour(&mut workshop.command(&gate)));
    assert!(has_colour(workshop.command(&gate).arg("--color=always")));
    assert!(has_colour(
        workshop.command(&gate).env("CLICOLOR_FORCE", "1")
    ));
    assert!(!has_colour(
        workshop
            .command(&gate)
            .env("CLICOLOR_FORCE", "1")
            .env("NO_COLOR", "1")
    ));
    assert!(!has_colour(
        workshop
            .command(&gate)
            .arg("--color=never")
            .env("CLICOLOR_FORCE", "1")
    ));
}

#[test]
fn reports_fit_eighty_columns() {
    let workshop = Workshop::frozen();
    fs::remove_file(workshop.path(format!("profiles/{}", stock()[0].file_name()))).unwrap();
    for arguments in [
        &["gate"][..],
        &["profile", "list"],
        &["identity", "list", "--identities", "identities.txt"],
    ] {
        for line in workshop.run(arguments).out.lines() {
            // Digests and paths stand whole: people copy them.
            let is_whole_word = line.split_whitespace().any(|word| word.len() > 60);
            assert!(
                line.chars().count() <= 80 || is_whole_word,
                "{arguments:?}: {line}"
            );
        }
    }
}

#[test]
fn quiet_says_only_what_blocks() {
    let workshop = Workshop::frozen();
    let loud = workshop.gate(&[]).exits(0).text();
    assert!(loud.contains("profile-anchor-not-apple"));
    let quiet = workshop.gate(&["--quiet"]).exits(0).text();
    assert!(!quiet.contains("profile-anchor-not-apple"), "{quiet}");
}

#[test]
fn the_exit_codes_are_told() {
    let workshop = Workshop::new();
    let help = workshop.run(&["help", "exit-codes"]).exits(0).out;
    let codes: Vec<&str> = help
        .lines()
        .filter_map(|line| {
            line.split_whitespace()
                .next()?
                .parse::<u8>()
                .ok()
                .map(|_| line.split_whitespace().next().unwrap())
        })
        .collect();
    assert_eq!(codes, ["0", "1", "2", "10", "11", "12", "13", "14"]);
    workshop
        .run(&["help", "nonsense"])
        .exits(2)
        .says(&["exit-codes"]);
    workshop.run(&["nonsense"]).exits(2);
    workshop.run(&["gate", "--nonsense"]).exits(2);
    workshop
        .run(&["--version"])
        .exits(0)
        .says(&[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn shells_get_completions_and_people_get_man_pages() {
    let workshop = Workshop::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            workshop
                .run(&["completions", shell])
                .exits(0)
                .out
                .contains("countersign"),
            "{shell}"
        );
    }
    workshop.run(&["man", "man/man1"]).exits(0);
    let pages = workshop.list("man/man1");
    for page in [
        "countersign.1",
        "countersign-gate.1",
        "countersign-manifest-freeze.1",
    ] {
        assert!(pages.iter().any(|name| name == page), "{page} in {pages:?}");
    }
}

#[test]
fn help_says_what_it_said_when_it_was_last_reviewed() {
    let workshop = Workshop::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/help");
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let mut pending: Vec<Vec<String>> = vec![Vec::new()];
    let mut expected = Vec::new();
    while let Some(words) = pending.pop() {
        let mut arguments = words.clone();
        arguments.push("--help".to_owned());
        let help = workshop.run(&arguments).exits(0).out;
        let mut lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        while let Some(name) = lines.next().filter(|line| line.starts_with("  ")) {
            // Further lines of a description are indented deeper.
            if let Some(name) = name
                .strip_prefix("  ")
                .filter(|name| !name.starts_with(' '))
            {
                let name = name.split_whitespace().next().unwrap().to_owned();
                pending.push([words.clone(), vec![name]].concat());
            }
        }
        let name = format!(
            "{}.txt",
            [vec!["countersign".to_owned()], words.clone()]
                .concat()
                .join("-")
        );
        let path = folder.join(&name);
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &help).unwrap();
        }
        let reviewed = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            help, reviewed,
            "{name}: if this is meant, run the test with UPDATE_SNAPSHOTS=1 and review"
        );
        expected.push(name);
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !expected.contains(&name) {
            assert!(
                update,
                "{name} is of a command that is no more: run with UPDATE_SNAPSHOTS=1"
            );
            fs::remove_file(entry.path()).unwrap();
        }
    }
    assert!(expected.len() > 15, "{expected:?}");
}

#[test]
fn a_p12_that_older_macs_refuse_says_so_although_its_password_is_right() {
    let workshop = Workshop::new();
    let password = |text: &str| Password::new(text.into());
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/keychain/identity-1.p12"
    );
    let contents = pkcs12::read(&fs::read(fixture).unwrap(), &password("fixture")).unwrap();
    let modern = contents.convert(&password("right"), Form::Modern).unwrap();
    workshop.write("modern.p12", modern);
    workshop.write("right", "right");
    workshop.write("wrong", "wrong");
    let list = |password: &str| {
        workshop.run(&[
            "identity",
            "list",
            "--identities",
            "modern.p12",
            "--password-file",
            password,
        ])
    };
    list("right").exits(0).says(&[
        "sealed with HMAC-SHA256",
        "`security import` on macOS 14: the password is right, but macOS 14 does not read",
        "`security import` on macOS 15: file, password and algorithms are in order",
    ]);
    list("wrong").exits(11).says(&["the password is wrong"]);
}
