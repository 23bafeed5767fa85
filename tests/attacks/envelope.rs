//! An envelope that somebody else wrote, changed or put in place of another file.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use countersign::base::digest::Digest;
use forge::ssh::{STATEMENT, SshKey, SshSignature, envelope};
use serde_json::{Value as Json, json};
use support::start;
use support::workshop::{Ran, Workshop, codes, stock};

/// A workshop with an honest envelope, which the forge signs as a signing host would, and the list that allows its key.
fn signed() -> (Workshop, SshKey) {
    let workshop = Workshop::frozen();
    workshop.gate(&["--envelope", "e.json"]).exits(0);
    let mut statement: Json = serde_json::from_slice(&workshop.read("e.json")).unwrap();
    statement["predicate"]["signed"] = json!(true);
    let key = SshKey::ed25519("signer-01");
    workshop.write("e.json", sealed(&statement, &key));
    workshop.write("allowed_signers", key.allowed("signer-01.acme.example", ""));
    verify(&workshop, &[]).exits(0);
    (workshop, key)
}

fn sealed(statement: &Json, key: &SshKey) -> String {
    let payload = serde_json::to_vec_pretty(statement).unwrap();
    envelope(STATEMENT, &payload, key, &SshSignature::default())
}

fn verify(workshop: &Workshop, more: &[&str]) -> Ran {
    let digest = Digest::of(&workshop.read("manifests/profiles.json")).to_string();
    let words = [
        "envelope",
        "verify",
        "e.json",
        "--allowed-signers",
        "allowed_signers",
        "--expect-manifest",
        &digest,
        "--format",
        "json",
    ];
    workshop.run(&[&words[..], more].concat())
}

/// It does not hold, for this reason, and nothing of what it says is shown.
#[track_caller]
fn refused(workshop: &Workshop, more: &[&str], code: &str) {
    let document = verify(workshop, more).exits(10).json();
    assert_eq!(codes(&document), [code]);
    assert_eq!(document["holds"], false);
    assert_eq!(document["statement"], Json::Null);
}

fn payload(workshop: &Workshop) -> Json {
    let file: Json = serde_json::from_slice(&workshop.read("e.json")).unwrap();
    let mut decode = start::command("base64", &workshop.path("home"));
    let encoded = workshop.write("encoded", file["payload"].as_str().unwrap());
    let output = decode
        .arg("-d")
        .arg(encoded)
        .env("PATH", start::PATH)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_statement_that_somebody_wrote_down_proves_nothing() {
    let (workshop, _) = signed();
    let statement = payload(&workshop);
    // With and without the word that it is signed.
    workshop.write("e.json", statement.to_string());
    refused(&workshop, &[], "envelope-unsigned");
    let mut honest = statement;
    honest["predicate"]["signed"] = json!(false);
    workshop.write("e.json", honest.to_string());
    refused(&workshop, &[], "envelope-unsigned");
}

#[test]
fn an_envelope_that_a_strangers_key_signs_is_refused() {
    let (workshop, _) = signed();
    let statement = payload(&workshop);
    let stranger = SshKey::ed25519("a stranger");
    workshop.write("e.json", sealed(&statement, &stranger));
    refused(&workshop, &[], "envelope-signer-not-allowed");
}

#[test]
fn an_envelope_of_another_manifest_under_an_honest_signature_is_refused() {
    let (workshop, key) = signed();
    let mut statement = payload(&workshop);
    let other = Digest::of(b"another manifest").to_string();
    statement["predicate"]["manifest"] = json!(other);
    statement["subject"][0]["digest"]["sha256"] = json!(other.strip_prefix("sha256:"));
    workshop.write("e.json", sealed(&statement, &key));
    refused(&workshop, &[], "manifest-digest-mismatch");
    // A subject that is expected, about a manifest that is not.
    let mut statement = payload(&workshop);
    let digest = Digest::of(&workshop.read("manifests/profiles.json")).to_string();
    statement["subject"][0]["digest"]["sha256"] = json!(digest.strip_prefix("sha256:"));
    workshop.write("e.json", sealed(&statement, &key));
    refused(&workshop, &[], "envelope-malformed");
}

#[test]
fn a_waiver_that_was_taken_out_of_a_signed_envelope_is_missed() {
    let (workshop, key) = signed();
    let honest = String::from_utf8(workshop.read("e.json")).unwrap();
    let mut statement = payload(&workshop);
    assert_eq!(statement["predicate"]["waived"], json!(["targets"]));
    statement["predicate"]["waived"] = json!([]);
    let whitewashed: Json = serde_json::from_str(&sealed(&statement, &key)).unwrap();
    let mut forged: Json = serde_json::from_str(&honest).unwrap();
    forged["payload"] = whitewashed["payload"].clone();
    workshop.write("e.json", forged.to_string());
    refused(&workshop, &[], "envelope-signature-invalid");
}

#[test]
fn a_copy_of_an_old_envelope_is_told_from_a_new_one() {
    let (workshop, _) = signed();
    verify(&workshop, &["--maximum-age", "1h"]).exits(0);
    let later = ["--maximum-age", "1h", "--at", "2099-01-01T00:00:00Z"];
    refused(&workshop, &later, "envelope-not-current");
}

#[test]
fn a_host_that_may_sign_does_not_sign_for_another() {
    let (workshop, key) = signed();
    let other = SshKey::ed25519("signer-02");
    let list =
        key.allowed("signer-01.acme.example", "") + &other.allowed("signer-02.acme.example", "");
    workshop.write("allowed_signers", list);
    let signer = ["--signer", "signer-01.acme.example"];
    verify(&workshop, &signer).exits(0);
    let statement = payload(&workshop);
    workshop.write("e.json", sealed(&statement, &other));
    refused(&workshop, &signer, "envelope-signer-not-allowed");
}

#[test]
fn a_signature_under_a_commit_is_no_signature_under_an_envelope() {
    let (workshop, key) = signed();
    let payload = serde_json::to_vec_pretty(&payload(&workshop)).unwrap();
    // Who can make the signing host sign a commit makes it sign these bytes.
    let commit = SshSignature::in_namespace("git");
    workshop.write("e.json", envelope(STATEMENT, &payload, &key, &commit));
    refused(&workshop, &[], "envelope-signature-invalid");
}

#[test]
fn an_envelope_never_takes_the_place_of_a_file_that_is_none() {
    let workshop = Workshop::frozen();
    workshop.write("notes.txt", "what a person wrote");
    workshop.write("empty", "");
    workshop.write(
        "other.json",
        r#"{"_type":"https://in-toto.io/Statement/v1"}"#,
    );
    fs::create_dir(workshop.path("folder")).unwrap();
    symlink("notes.txt", workshop.path("link")).unwrap();
    let before = workshop.read("manifests/profiles.json");
    for name in [
        "notes.txt",
        "empty",
        "other.json",
        "folder",
        "link",
        "manifests/profiles.json",
        "manifests/signing.toml",
    ] {
        workshop.gate(&["--envelope", name]).exits(11).says(&[name]);
    }
    assert_eq!(workshop.read("notes.txt"), b"what a person wrote");
    assert_eq!(workshop.read("empty"), b"");
    assert_eq!(workshop.read("manifests/profiles.json"), before);
    assert!(workshop.path("link").is_symlink() && workshop.path("folder").is_dir());
}

#[test]
fn a_blocked_gate_removes_no_file_that_is_no_envelope() {
    let workshop = Workshop::frozen();
    workshop.write("notes.txt", "what a person wrote");
    fs::remove_file(workshop.path(format!("profiles/{}", stock()[0].file_name()))).unwrap();
    workshop.gate(&["--envelope", "notes.txt"]).exits(11);
    assert_eq!(workshop.read("notes.txt"), b"what a person wrote");
}

#[test]
fn an_envelope_is_not_written_through_a_link_to_an_envelope() {
    let workshop = Workshop::frozen();
    workshop.gate(&["--envelope", "e.json"]).exits(0);
    let earlier = workshop.read("e.json");
    symlink("e.json", workshop.path("link")).unwrap();
    workshop
        .gate(&["--envelope", "link"])
        .exits(11)
        .says(&["symlink to e.json"]);
    assert_eq!(workshop.read("e.json"), earlier);
    assert!(workshop.path("link").is_symlink());
}

#[test]
fn an_envelope_of_another_user_stays() {
    let workshop = Workshop::frozen();
    workshop.gate(&["--envelope", "e.json"]).exits(0);
    let earlier = workshop.read("e.json");
    if chown(workshop.path("e.json"), Some(65_534), None).is_err() {
        return eprintln!("skipped: only root gives files away");
    }
    workshop
        .gate(&["--envelope", "e.json"])
        .exits(11)
        .says(&["belongs to user 65534"]);
    assert_eq!(workshop.read("e.json"), earlier);
}

// The library that makes FIFOs has no such call for macOS.
#[cfg(target_os = "linux")]
#[test]
fn nobody_waits_for_a_pipe_in_the_place_of_an_envelope() {
    use rustix::fs::{CWD, Mode, mkfifoat};
    let workshop = Workshop::frozen();
    mkfifoat(CWD, workshop.path("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
    workshop
        .gate(&["--envelope", "pipe"])
        .exits(11)
        .says(&["pipe"]);
}

/// The signer runs between the verdict and the writing, so it stands for whoever is quick enough.
#[test]
fn a_file_that_comes_while_the_gate_works_is_not_replaced() {
    let workshop = Workshop::frozen();
    let key = Path::new("/usr/bin/ssh-keygen");
    if !key.exists() {
        return eprintln!("skipped: there is no {}", key.display());
    }
    let words = r#"set -e
printf 'what a person wrote' > notes.txt
ln -f notes.txt e.json
test -f k || ssh-keygen -q -t ed25519 -N '' -f k
exec ssh-keygen -q -Y sign -n countersign-envelope -f k
"#;
    let mut shell = start::command("sh", &workshop.path("home"));
    let script = workshop.path("sign.sh");
    shell
        .args([
            "-euc",
            "printf '#!/bin/sh\\n%s' \"$1\" > \"$2\"; chmod 755 \"$2\"",
            "sh",
            words,
        ])
        .arg(&script)
        .env("PATH", start::PATH);
    assert!(shell.status().unwrap().success());
    for is_first in [true, false] {
        if !is_first {
            fs::remove_file(workshop.path("e.json")).unwrap();
            workshop.gate(&["--envelope", "e.json"]).exits(0);
        }
        let mut command = workshop.command(&["gate", "--identities", "identities.txt"]);
        command
            .args(["--without", "targets", "--envelope", "e.json"])
            .arg("--sign-with-command")
            .arg(&script)
            .env("PATH", start::PATH);
        support::workshop::ran(&mut command)
            .exits(11)
            .says(&["not an envelope"]);
        assert_eq!(workshop.read("e.json"), b"what a person wrote");
    }
}

#[test]
fn nothing_is_deleted_before_there_is_a_verdict() {
    let workshop = Workshop::frozen();
    workshop.gate(&["--envelope", "e.json"]).exits(0);
    let earlier = workshop.read("e.json");
    // The gate cannot look: that is no verdict.
    let gate = ["gate", "--without", "targets", "--envelope", "e.json"];
    workshop
        .run(&[&gate[..], &["--identities", "missing.txt"]].concat())
        .exits(11);
    // Nobody can sign: there was no question.
    workshop
        .gate(&["--envelope", "e.json", "--sign-with", "missing"])
        .exits(11);
    workshop
        .gate(&["--envelope", "e.json", "--sign-with-command", "./missing"])
        .exits(11);
    assert_eq!(workshop.read("e.json"), earlier);
}

#[test]
fn after_a_verdict_no_envelope_of_an_earlier_one_is_left() {
    let workshop = Workshop::frozen();
    let written = || {
        workshop.gate(&["--envelope", "e.json"]).exits(0);
        assert!(workshop.path("e.json").exists());
    };
    written();
    // It clears, and cannot be signed.
    workshop
        .gate(&["--envelope", "e.json", "--sign-with-command", "/bin/cat"])
        .exits(11);
    assert!(!workshop.path("e.json").exists());
    // It clears, and cannot be recorded.
    written();
    fs::create_dir(workshop.path("open")).unwrap();
    workshop
        .gate(&["--envelope", "e.json", "--state-dir", "open"])
        .exits(11)
        .says(&["chmod 700"]);
    assert!(!workshop.path("e.json").exists());
    // It blocks, recorded or not.
    let profile = format!("profiles/{}", stock()[0].file_name());
    let bytes = workshop.read(&profile);
    for state in ["closed", "open"] {
        workshop.write(&profile, &bytes);
        written();
        fs::remove_file(workshop.path(&profile)).unwrap();
        workshop
            .gate(&["--envelope", "e.json", "--state-dir", state])
            .exits(10);
        assert!(!workshop.path("e.json").exists());
    }
}
