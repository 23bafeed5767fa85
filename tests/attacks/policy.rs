//! A policy that is missing, another one, or waived.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use countersign::base::digest::Digest;
use serde_json::{Value as Json, json};
use support::workshop::ran;

use crate::signer::{POLICY, Signer, codes};

/// Flags with which somebody would want to do without a policy.
const WAYS: &[&[&str]] = &[
    &[],
    &["--without", "policy"],
    &["--without", "policy,identities"],
    &["--profiles", "profiles"],
];

#[test]
fn a_job_that_hides_the_policy_opens_nothing() {
    let signer = Signer::new();
    fs::rename(
        signer.path("manifests/signing.toml"),
        signer.path("manifests/gone.toml"),
    )
    .unwrap();
    for flags in WAYS {
        let mut run = signer.run_with(&[flags, &["--keychain", "ci.p12"][..]].concat());
        ran(run.args(["touch", "ran"]))
            .exits(10)
            .says(&["policy-missing", "manifests/signing.toml"]);
        assert_eq!(signer.receipt()["blocked_by"], json!(["policy-missing"]));
        let unlock = ["keychain", "unlock", "--project", "Acme.xcodeproj"];
        let unlock = [&unlock[..], flags, &["--keychain", "ci.p12"]].concat();
        signer.call(&unlock).exits(10).says(&["policy-missing"]);
    }
    assert!(!signer.path("ran").exists());
    signer.was_never_opened();
    for record in signer.records("gate") {
        assert_eq!(record["outcome"], "refused", "{record}");
        assert_eq!(record["details"]["blocked-by"], "policy-missing");
    }
}

#[test]
fn a_job_that_runs_elsewhere_finds_no_policy_and_opens_nothing() {
    let signer = Signer::new();
    fs::create_dir(signer.path("elsewhere")).unwrap();
    let mut run = signer.command(&["run", "--manifest", "../manifests/profiles.json"]);
    run.args(["--project", "../Acme.xcodeproj", "--keychain", "../ci.p12"])
        .args(["--profiles", "../profiles", "--", "touch", "ran"])
        .current_dir(signer.path("elsewhere"));
    ran(&mut run).exits(10).says(&["policy-missing"]);
    assert!(!signer.path("elsewhere/ran").exists());
}

#[test]
fn a_missing_policy_is_no_verdict_and_a_waiver_of_it_signs_and_hands_on_nothing() {
    let signer = Signer::new();
    fs::remove_file(signer.path("manifests/signing.toml")).unwrap();
    // The example's profiles are not Apple's, which a policy would have to allow: what is left of them is waived elsewhere.
    let json = ["--format", "json", "--profiles", "profiles"];
    let gate = |flags: &[&str]| signer.gate(&[&json, flags].concat());

    let blocked = gate(&[]).exits(10).json();
    assert_eq!(blocked["verdict"], "blocked");
    assert_eq!(codes(&blocked), ["policy-missing"]);
    assert!(blocked.get("policy").is_none(), "{blocked:#}");

    signer.write("envelope.json", "an earlier envelope");
    gate(&["--without", "policy", "--envelope", "envelope.json"]).exits(2);
    let envelope = fs::read_to_string(signer.path("envelope.json")).unwrap();
    assert_eq!(envelope, "an earlier envelope", "nothing was done");

    let passed = gate(&["--without", "policy"]).json();
    assert_eq!(passed["waived"], json!(["policy"]));
    assert_eq!(passed["cleared_until"], Json::Null);
    assert!(codes(&passed).contains(&"policy-missing"));
    let record = signer.records("gate").pop().unwrap();
    assert_eq!(record["details"]["waived"], "policy");
    assert!(record["details"].get("policy").is_none(), "{record}");
    let warnings = record["details"]["warnings"].as_str().unwrap();
    assert!(warnings.contains("policy-missing"), "{record}");
    // As a rehearsal, too.
    gate(&["--host", "signer-01.acme.example"]).exits(10);
}

#[test]
fn a_policy_that_is_there_is_not_switched_off() {
    let signer = Signer::new();
    signer.gate(&[]).exits(0);
    for flags in [
        &["--without", "policy"][..],
        &["--without", "policy", "--host", "signer-01.acme.example"],
    ] {
        let blocked = signer.gate(&[flags, &["--format", "json"]].concat());
        let blocked = blocked.exits(10).json();
        let first = &blocked["findings"][0];
        assert_eq!(first["code"], "waiver-not-allowed", "{blocked:#}");
        assert_eq!(first["found"], "policy");
    }
    let mut run = signer.run_with(&["--without", "policy"]);
    ran(run.args(["touch", "ran"]))
        .exits(10)
        .says(&["waiver-not-allowed"]);
    // No policy can allow it.
    for key in ["waivable", "run_waivable"] {
        let policy = format!("{POLICY}[gate]\n{key} = [\"policy\"]\n");
        signer.write("manifests/signing.toml", &policy);
        signer
            .gate(&["--without", "policy"])
            .exits(10)
            .says(&["policy-invalid", "profiles, identities, targets"]);
    }
    signer.was_never_opened();
}

/// What is at the policy's path is no policy; nor is it missing.
#[test]
fn a_policy_that_cannot_be_read_is_not_a_missing_one() {
    let signer = Signer::new();
    let path = signer.path("manifests/signing.toml");
    let blocks = |what: &str, code: i32| {
        for flags in WAYS {
            let mut run = signer.run_with(flags);
            ran(run.args(["touch", "ran"])).exits(code);
            let gate = signer.gate(flags);
            assert_eq!(gate.code, code, "{what}: {gate:?}");
        }
        signer.was_never_opened();
    };
    fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    blocks("a link that leads nowhere", 11);
    fs::remove_file(&path).unwrap();
    symlink("signing.toml", &path).unwrap();
    blocks("a link that leads to itself", 11);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    blocks("a directory", 11);
    fs::remove_dir(&path).unwrap();
    let mkfifo = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(mkfifo.success());
    blocks("a pipe that nobody writes to", 11);
    fs::remove_file(&path).unwrap();
    symlink("/dev/null", &path).unwrap();
    blocks("a device", 11);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "").unwrap();
    blocks("an empty file", 10);
    assert!(!signer.path("ran").exists());
}

/// Puts another policy in the place of the reviewed one; the digests of that one.
fn replace_policy(signer: &Signer) -> [String; 2] {
    let reviewed = Digest::of(POLICY.as_bytes()).to_string();
    let sha1 = countersign::base::digest::sha1(POLICY.as_bytes());
    signer.write("manifests/signing.toml", &format!("{POLICY}# any host\n"));
    [reviewed, Digest::Sha1(sha1).to_string()]
}

#[test]
fn another_policy_than_the_reviewed_one_blocks_gate_and_run() {
    let signer = Signer::new();
    for expected in replace_policy(&signer) {
        let flags = ["--expect-policy", &expected];
        signer
            .gate(&flags)
            .exits(10)
            .says(&["policy-digest-mismatch", &expected]);
        let mut run = signer.run_with(&flags);
        ran(run.args(["touch", "ran"]))
            .exits(10)
            .says(&["policy-digest-mismatch"]);
        let receipt = signer.receipt();
        assert_eq!(receipt["blocked_by"], json!(["policy-digest-mismatch"]));
        // Nor one that is named in its place, nor none.
        let named = [&flags[..], &["--policy", "manifests/signing.toml"]].concat();
        signer
            .gate(&named)
            .exits(10)
            .says(&["policy-digest-mismatch"]);
        let waived = [&flags[..], &["--without", "policy"]].concat();
        signer.gate(&waived).exits(2);
    }
    fs::remove_file(signer.path("manifests/signing.toml")).unwrap();
    let expected = Digest::of(POLICY.as_bytes()).to_string();
    let gate = signer.gate(&["--expect-policy", &expected]);
    gate.exits(10).says(&["policy-missing"]);
    signer.was_never_opened();
    signer.write("manifests/signing.toml", POLICY);
    signer.gate(&["--expect-policy", &expected]).exits(0);
    let mut run = signer.run_with(&["--expect-policy", &expected]);
    ran(run.arg("true")).exits(0);
}

#[test]
fn a_run_waives_nothing_that_the_policy_does_not_name() {
    let signer = Signer::new();
    let run = |waived: &str| {
        // Without a project: nobody may wonder whether targets were judged all the same.
        let mut run = signer.command(&["run", "--without", waived, "--", "touch", "ran"]);
        ran(&mut run)
    };
    for waived in ["identities", "targets", "profiles", "identities,targets"] {
        run(waived).exits(10).says(&["waiver-not-allowed"]);
        let receipt = signer.receipt();
        let blocked_by = receipt["blocked_by"].as_array().unwrap();
        assert!(blocked_by.contains(&json!("waiver-not-allowed")));
        let record = signer.records("gate").pop().unwrap();
        let blocked_by = record["details"]["blocked-by"].as_str().unwrap();
        assert!(blocked_by.contains("waiver-not-allowed"), "{record}");
        assert_eq!(record["details"]["waived"], waived);
    }
    assert!(!signer.path("ran").exists());
    signer.was_never_opened();
    let waived = [
        "gate",
        "--keychain",
        "ci.p12",
        "--project",
        "Acme.xcodeproj",
        "--without",
        "profiles",
    ];
    signer
        .call(&waived)
        .exits(10)
        .says(&["waiver-not-allowed", "gate.waivable"]);

    let policy = format!("{POLICY}[gate]\nrun_waivable = [\"targets\"]\n");
    signer.write("manifests/signing.toml", &policy);
    run("targets").exits(0);
    assert!(signer.path("ran").exists());
    assert_eq!(signer.receipt()["waived"], json!(["targets"]));
    run("identities,targets")
        .exits(10)
        .says(&["waiver-not-allowed", "found identities"]);
}

#[test]
fn no_variable_of_ours_weakens_a_verdict() {
    let signer = Signer::new();
    // All of this blocks: another host, nothing to judge the targets by.
    let strict = format!(
        "{POLICY}[topology]\nkind = \"dedicated-signer\"\nkey_hosts = [\"signer-01.acme.example\"]\n"
    );
    signer.write("manifests/signing.toml", &strict);
    let words = [
        "gate",
        "--prove",
        "--keychain",
        "ci.p12",
        "--format",
        "json",
    ];
    let plain = signer.call(&words).exits(10).json();
    let mut command = signer.command(&words);
    for (name, value) in [
        ("WITHOUT", "policy,profiles,identities,targets"),
        ("HOST", "signer-01.acme.example"),
        ("AT", "2027-01-15T08:00:00Z"),
        ("ROOT", "/"),
        ("ALLOW_UNMAPPED", "Rocket"),
        ("YES", "true"),
        // What nobody says is nothing that is said.
        ("KIND", ""),
        ("SCHEME", ""),
        // These are no options of a gate.
        ("WINDOW", "24h"),
        ("TRUST_ANCHORS", "anchors.pem"),
        ("BLOCK_ON", ""),
        // What is said by hand wins.
        ("KEYCHAIN", "other.p12"),
        ("FORMAT", "human"),
    ] {
        command.env(format!("COUNTERSIGN_{name}"), value);
    }
    let mut with_variables = ran(&mut command).exits(10).json();
    with_variables["judged_at"] = plain["judged_at"].clone();
    assert_eq!(with_variables, plain);
    // Whoever names another policy in a variable is judged by it as if it were named by hand, and the pin tells.
    signer.write("loose.toml", &POLICY.replace("../", ""));
    let by_hand = [&words[..], &["--policy", "loose.toml"]].concat();
    let by_hand = signer.call(&by_hand).json();
    let mut command = signer.command(&words);
    command.env("COUNTERSIGN_POLICY", "loose.toml");
    let by_variable = ran(&mut command).json();
    for said in ["policy", "verdict"] {
        assert_eq!(by_variable[said], by_hand[said]);
    }
    let digest = plain["policy"]["digest"].as_str().unwrap();
    let mut command = signer.command(&[&words[..], &["--expect-policy", digest]].concat());
    command.env("COUNTERSIGN_POLICY", "loose.toml");
    let pinned = ran(&mut command).exits(10).json();
    assert!(codes(&pinned).contains(&"policy-digest-mismatch"));
}

#[test]
fn by_what_rules_it_was_judged_stands_in_verdict_envelope_receipt_and_record() {
    let signer = Signer::new();
    let policy = format!("{POLICY}[gate]\nrun_waivable = [\"targets\"]\n");
    signer.write("manifests/signing.toml", &policy);
    let digest = Digest::of(policy.as_bytes()).to_string();
    let waiver = ["--without", "targets"];
    let gate = [
        "gate",
        "--keychain",
        "ci.p12",
        "--format",
        "json",
        "--envelope",
        "envelope.json",
    ];
    let gate = signer.call(&[&gate[..], &waiver].concat()).exits(0).json();
    let mut run = signer.command(&["run", "--without", "targets", "--", "true"]);
    ran(&mut run).exits(0);
    let envelope = fs::read(signer.path("envelope.json")).unwrap();
    let envelope: Json = serde_json::from_slice(&envelope).unwrap();
    let receipt = signer.receipt();
    let directory = fs::canonicalize(signer.path("profiles")).unwrap();
    let anchors = gate["trust_anchors"].as_array().unwrap();
    assert_eq!(anchors.len(), 2, "{gate:#}");
    for anchor in anchors {
        let name = anchor["name"].as_str().unwrap();
        assert!(name.starts_with("Acme Rehearsal Root CA"), "{anchor}");
    }
    for document in [&gate, &envelope["predicate"], &receipt] {
        assert_eq!(document["profile_directories"], json!([directory]));
        assert_eq!(document["trust_anchors"], gate["trust_anchors"]);
        assert_eq!(document["waived"], json!(["targets"]));
    }
    assert_eq!(gate["policy"]["digest"], digest);
    assert_eq!(receipt["policy"]["digest"], digest);
    assert_eq!(envelope["predicate"]["policy"], digest);
    let warnings: Vec<&Json> = gate["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "warn")
        .map(|finding| &finding["code"])
        .collect();
    assert!(warnings.contains(&&json!("profile-anchor-not-apple")));
    for document in [&envelope["predicate"], &receipt] {
        assert_eq!(document["warnings"], json!(warnings));
    }
    for record in signer.records("gate") {
        let details = &record["details"];
        assert_eq!(details["policy"], digest, "{record}");
        assert_eq!(details["waived"], "targets");
        for warning in &warnings {
            let listed = details["warnings"].as_str().unwrap();
            assert!(listed.contains(warning.as_str().unwrap()), "{record}");
        }
        assert_eq!(
            details["profile-directories"].as_str().map(Path::new),
            Some(directory.as_path())
        );
        let listed = details["trust-anchors"].as_str().unwrap();
        for anchor in anchors {
            assert!(listed.contains(anchor["sha256"].as_str().unwrap()));
            assert!(listed.contains(anchor["name"].as_str().unwrap()));
        }
    }
}

/// The directories that a job names in the place of the policy's are not kept quiet.
#[test]
fn profile_directories_that_a_job_names_stand_in_the_receipt() {
    let signer = Signer::new();
    let own = signer.path("own");
    support::copy_folder(&signer.path("profiles"), &own);
    let mut run = signer.run_with(&["--profiles", "own"]);
    ran(run.arg("true")).exits(0);
    let named = fs::canonicalize(own).unwrap();
    assert_eq!(signer.receipt()["profile_directories"], json!([named]));
}

/// The policy is read once: what a command leaves in its place says nothing about the run that started it.
#[cfg(target_os = "linux")]
#[test]
fn a_command_that_replaces_the_policy_chooses_no_program_for_countersign() {
    use rustix::process::Signal;
    use support::site::{kill, until, watchdog_of};

    let signer = Signer::new();
    for (policy, mark) in [("signing", "paged"), ("theirs", "taken")] {
        let mark = signer.path(mark);
        let touch = format!("on_closed = [\"/usr/bin/touch\", \"{}\"]\n", mark.display());
        let policy = format!("manifests/{policy}.toml");
        signer.write(&policy, &format!("{POLICY}{touch}"));
    }
    let script = "cp manifests/theirs.toml manifests/signing.toml; touch ready; sleep 600";
    let mut run = signer.run_with(&[]);
    let mut run = run.args(["sh", "-c", script]).spawn().unwrap();
    until("the policy is replaced", || signer.path("ready").exists());
    kill(watchdog_of(run.id()).unwrap(), Signal::KILL);
    assert_eq!(run.wait().unwrap().code(), Some(12));
    assert!(
        !signer.path("taken").exists(),
        "the job's own program was run"
    );
    assert!(signer.path("paged").exists());
}
