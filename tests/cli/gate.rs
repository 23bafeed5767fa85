//! The gate.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use countersign::base::digest::{Digest, sha1};
use countersign::base::ids::FileSha256;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use serde_json::{Value as Json, json};
use support::workshop::{Workshop, ran, stock};

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

/// What `… | shasum` and `… | shasum -a 256` print where the command before them printed nothing.
const OF_NOTHING: [&str; 2] = [
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

#[test]
fn the_digest_of_nothing_is_told_as_that_with_what_makes_it() {
    let workshop = Workshop::frozen();
    for (option, code, tool) in [
        ("--expect-manifest", "manifest-digest-mismatch", "git fetch"),
        ("--expect-policy", "policy-digest-mismatch", "git fetch"),
        (
            "--expect-signing",
            "identity-digest-mismatch",
            "security find-identity",
        ),
    ] {
        for digest in OF_NOTHING {
            workshop.gate(&[option, digest]).exits(10).says(&[
                code,
                "the digest of nothing",
                tool,
                "set -euo pipefail",
            ]);
        }
        // Any other wrong digest is only that.
        let other = workshop.gate(&[option, &"0".repeat(64)]).exits(10);
        assert!(!other.text().contains("digest of nothing"), "{other:?}");
    }
}

#[test]
fn a_digest_that_a_pipeline_did_not_make_is_told_with_the_reason() {
    let workshop = Workshop::frozen();
    let named = format!("{}  -", OF_NOTHING[0]);
    for option in ["--expect-manifest", "--expect-policy", "--expect-signing"] {
        let empty = format!("{option}=");
        workshop
            .gate(&[&empty])
            .exits(2)
            .says(&[option, "the digest is empty"]);
        workshop
            .gate(&[option, &named])
            .exits(2)
            .says(&[option, "cut -d' ' -f1"]);
    }
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
        "--project X.xcodeproj",
        "waive the group if the policy allows that",
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

/// A verdict stands whether or not it is recorded; what to do about the log is said all the same. A log that cannot be read
/// tells nothing of the clock, so it is a finding too.
#[test]
fn a_verdict_that_cannot_be_recorded_says_what_to_do() {
    let workshop = Workshop::frozen();
    fs::create_dir(workshop.path("state")).unwrap();
    fs::set_permissions(workshop.path("state"), Permissions::from_mode(0o700)).unwrap();
    let log = workshop.write("state/audit.jsonl", "no record\n");
    fs::set_permissions(log, Permissions::from_mode(0o600)).unwrap();
    for format in ["human", "json", "github"] {
        let ran = workshop
            .gate(&["--state-dir", "state", "--format", format])
            .exits(10)
            .says(&[
                "record-unobserved",
                "caution: the verdict is not recorded",
                "countersign audit verify",
            ]);
        // The verdict is there: nothing was kept from beginning.
        assert!(!ran.text().contains("not begun"), "{}", ran.err);
    }
}
