//! The program signs, writes, withdraws and verifies.

use std::fs;
use std::path::{Path, PathBuf};

use countersign::base::digest::Digest;
use countersign::ledger::audit;
use forge::ssh::NAMESPACE;
use serde_json::Value as Json;
use support::start;
use support::workshop::{Ran, Workshop, codes, ran, stock};

use super::ssh_keygen::{allowed, generate, ssh_keygen};

/// A frozen workshop with a key, and the list that lets it sign.
fn workshop() -> Option<(Workshop, PathBuf)> {
    let workshop = Workshop::frozen();
    let key = generate(&workshop.path("home"), &["ed25519"])?;
    workshop.write("allowed_signers", allowed(&key, "ci@acme.example", ""));
    Some((workshop, key))
}

fn gate(workshop: &Workshop, more: &[&str]) -> Ran {
    workshop.gate(&[&["--envelope", "e.json", "--format", "json"], more].concat())
}

fn verify(workshop: &Workshop, more: &[&str]) -> Ran {
    let verify = ["envelope", "verify", "e.json", "--format", "json"];
    let list = ["--allowed-signers", "allowed_signers"];
    workshop.run(&[&verify[..], &list, more].concat())
}

/// A program that signs, or does not, as these words of a shell say. Another process writes it: a file that this one has open
/// for writing could not be started while a test beside this one starts something.
fn script(workshop: &Workshop, words: &str) -> PathBuf {
    let path = workshop.path("sign.sh");
    let mut shell = start::command("sh", &workshop.path("home"));
    shell
        .args([
            "-euc",
            "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\"; chmod 755 \"$2\"",
            "sh",
        ])
        .arg(words)
        .arg(&path)
        .env("PATH", start::PATH);
    assert!(shell.status().unwrap().success());
    path
}

fn records(log: &Path) -> Vec<Json> {
    assert!(audit::verify(log, &[]).unwrap().holds());
    let text = fs::read_to_string(log).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn default_log(workshop: &Workshop) -> PathBuf {
    let state = match cfg!(target_os = "macos") {
        true => "home/Library/Application Support/countersign",
        false => "home/.local/state/countersign",
    };
    workshop.path(state).join("audit.jsonl")
}

#[test]
fn an_envelope_that_a_key_signs_holds() {
    let Some((workshop, key)) = workshop() else {
        return;
    };
    let document = gate(&workshop, &["--sign-with", key.to_str().unwrap()])
        .exits(0)
        .json();
    let signer = document["envelope"]["signer"].as_str().unwrap().to_owned();
    assert_eq!(document["envelope"]["outcome"], "signed");
    assert_eq!(document["envelope"]["file"], "e.json");
    let manifest = document["manifest"]["digest"].as_str().unwrap().to_owned();
    let verified = verify(
        &workshop,
        &[
            "--expect-manifest",
            &manifest,
            "--signer",
            "ci@acme.example",
        ],
    )
    .exits(0)
    .json();
    assert_eq!(verified["holds"], true);
    assert_eq!(verified["signed"], true);
    assert_eq!(verified["signer"]["key"], signer);
    assert_eq!(verified["signer"]["principals"], "ci@acme.example");
    assert_eq!(verified["statement"]["predicate"]["manifest"], manifest);
    assert_eq!(verified["statement"]["predicate"]["signed"], true);
    // What was handed on is in the log: the file's digest, and who signed it.
    let records = records(&default_log(&workshop));
    let words: Vec<String> = records
        .iter()
        .map(|record| {
            format!(
                "{} {}",
                record["what"].as_str().unwrap(),
                record["outcome"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(words, ["gate done", "emit intended", "emit done"]);
    let details = &records[2]["details"];
    let digest = Digest::of(&workshop.read("e.json")).to_string();
    assert_eq!(details["envelope"], digest);
    assert_eq!(details["signer"], signer);
    // The statement's checkpoint is that of the verdict.
    let at = verified["statement"]["predicate"]["audit"]
        .as_str()
        .unwrap();
    assert!(at.starts_with("1:sha256:"), "{at}");
    verify(
        &workshop,
        &["--maximum-age", "0s", "--at", "2099-01-01T00:00:00Z"],
    )
    .exits(10);
}

#[test]
fn openssh_verifies_an_envelope_as_the_documentation_says() {
    let Some((workshop, key)) = workshop() else {
        return;
    };
    gate(&workshop, &["--sign-with", key.to_str().unwrap()]).exits(0);
    let text = fs::read_to_string(support::root().join("docs/envelope.md")).unwrap();
    let (_, recipe) = text.split_once("```sh verify-by-hand\n").unwrap();
    let (recipe, _) = recipe.split_once("```").unwrap();
    for tool in ["jq", "base64"] {
        let mut which = start::command("sh", &workshop.path("home"));
        which
            .args(["-c", &format!("command -v {tool}")])
            .env("PATH", start::PATH);
        if !which.output().unwrap().status.success() {
            return eprintln!("skipped: there is no {tool}");
        }
    }
    let by_hand = || {
        let mut shell = start::command("sh", &workshop.path("home"));
        shell
            .args(["-euc", recipe])
            .env("PATH", start::PATH)
            .env("FILE", "e.json")
            .env("SIGNER", "ci@acme.example")
            .env("ALLOWED_SIGNERS", "allowed_signers")
            .current_dir(workshop.path(""));
        ran(&mut shell)
    };
    by_hand().exits(0).says(&["Good", NAMESPACE]);
    let forged = String::from_utf8(workshop.read("e.json")).unwrap();
    workshop.write(
        "e.json",
        forged.replacen("\"payload\": \"e", "\"payload\": \"f", 1),
    );
    assert_ne!(by_hand().code, 0);
}

#[test]
fn the_agent_signs_for_a_public_key() {
    let Some((workshop, key)) = workshop() else {
        return;
    };
    let mut agent = start::command("ssh-agent", &workshop.path("home"));
    let gate = workshop.gate_command(&["--envelope", "e.json", "--sign-with"]);
    agent
        .args([
            "sh",
            "-c",
            "ssh-add -q \"$0\" && rm \"$0\" && exec \"$@\" \"$0.pub\"",
        ])
        .arg(&key)
        .arg(gate.get_program())
        .args(gate.get_args())
        .env("PATH", start::PATH)
        .current_dir(workshop.path(""));
    ran(&mut agent).exits(0).says(&["signed by SHA256:"]);
    assert!(!key.exists());
    verify(&workshop, &[]).exits(0);
    // Without the agent nobody has the key.
    let public = key.with_extension("pub");
    gate_fails(
        &workshop,
        &["--sign-with", public.to_str().unwrap()],
        "signing-failed",
    );
}

/// The gate clears and the envelope fails, with an error of this code.
#[track_caller]
fn gate_fails(workshop: &Workshop, more: &[&str], code: &str) -> Json {
    let error = gate(workshop, more).exits(11).error_json();
    assert_eq!(error["code"], code, "{error:#}");
    error
}

#[test]
fn a_key_with_a_passphrase_asks_the_program_that_asks_and_no_terminal() {
    let Some((workshop, key)) = workshop() else {
        return;
    };
    let changed = ssh_keygen()
        .unwrap()
        .args(["-q", "-p", "-N", "a passphrase", "-P", "", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(changed.success());
    let key = key.to_str().unwrap();
    let error = gate_fails(&workshop, &["--sign-with", key], "signing-failed");
    assert!(
        error["hint"].as_str().unwrap().contains("passphrase"),
        "{error:#}"
    );
    assert!(!workshop.path("e.json").exists());
    let ask = script(&workshop, "echo a passphrase");
    let mut command = workshop.gate_command(&["--envelope", "e.json", "--sign-with", key]);
    ran(command.env("SSH_ASKPASS", ask)).exits(0);
    verify(&workshop, &[]).exits(0);
}

#[test]
fn a_command_signs_what_it_reads() {
    let Some((workshop, key)) = workshop() else {
        return;
    };
    let sign = format!(
        "exec /usr/bin/ssh-keygen -q -Y sign -n {NAMESPACE} -f '{}'",
        key.display()
    );
    let program = script(&workshop, &format!("test $# = 0 && {sign}"));
    let document = gate(&workshop, &["--sign-with-command", "./sign.sh"])
        .exits(0)
        .json();
    assert_eq!(document["envelope"]["outcome"], "signed");
    verify(&workshop, &[]).exits(0);
    // It may break its lines where it wants; the envelope has one form.
    let other_lines = format!(
        "echo '-----BEGIN SSH SIGNATURE-----'\n{sign} | sed /^-/d | tr -d '\\n' | fold -w 64\necho\necho '-----END SSH SIGNATURE-----'"
    );
    script(&workshop, &other_lines.replace("exec ", ""));
    let mut command = workshop.command(&["gate"]);
    command
        .args(["--identities", "identities.txt", "--without", "targets"])
        .args(["--envelope", "e.json", "--sign-with-command"])
        .arg(&program)
        .env("PATH", start::PATH);
    ran(&mut command).exits(0);
    verify(&workshop, &[]).exits(0);
    // By its name it is looked for as a shell would.
    let mut command =
        workshop.gate_command(&["--envelope", "e.json", "--sign-with-command", "sign.sh"]);
    script(&workshop, &sign);
    command.env("PATH", start::PATH);
    ran(&mut command).exits(11).says(&["no program sign.sh"]);
    ran(command.env("PATH", workshop.path(""))).exits(0);
    verify(&workshop, &[]).exits(0);
}

#[test]
fn a_command_that_does_not_sign_leaves_no_envelope() {
    let Some((workshop, key)) = workshop() else {
        return;
    };
    let sign = |more: &str| {
        format!(
            "/usr/bin/ssh-keygen -q -Y sign -f '{}' {more}",
            key.display()
        )
    };
    let other_namespace = sign("-n git");
    let other_message = format!("echo other | {}", sign(&format!("-n {NAMESPACE}")));
    for (words, says) in [
        ("exit 3", "ended with exit code 3"),
        ("kill -9 $$", "ended with signal 9"),
        ("cat", "no signature"),
        ("true", "no signature"),
        ("yes", "printed more than"),
        (&other_namespace, "namespace"),
        (&other_message, "does not belong"),
    ] {
        gate(&workshop, &["--sign-with", key.to_str().unwrap()]).exits(0);
        script(&workshop, words);
        let error = gate_fails(
            &workshop,
            &["--sign-with-command", "./sign.sh"],
            "signing-failed",
        );
        assert!(
            error["message"].as_str().unwrap().contains(says),
            "{words}: {error:#}"
        );
        // There is a verdict, so no envelope of an earlier one is left to be taken for that of this one.
        assert!(!workshop.path("e.json").exists(), "{words}");
    }
    gate_fails(
        &workshop,
        &["--sign-with-command", "./missing"],
        "file-missing",
    );
    gate_fails(&workshop, &["--sign-with", "missing"], "file-missing");
    let words: Vec<String> = records(&default_log(&workshop))
        .iter()
        .map(|record| record["what"].as_str().unwrap().to_owned())
        .collect();
    // Seven clearances were handed on and seven were not.
    assert_eq!(words.iter().filter(|what| *what == "gate").count(), 14);
    assert_eq!(words.iter().filter(|what| *what == "emit").count(), 14);
}

#[test]
fn an_envelope_that_nobody_signs_says_so_everywhere() {
    let workshop = Workshop::frozen();
    workshop.write("allowed_signers", "");
    let document = gate(&workshop, &[]).exits(0).json();
    assert_eq!(document["envelope"]["outcome"], "not-signed");
    assert!(document["envelope"].get("signer").is_none());
    workshop
        .gate(&["--envelope", "e.json"])
        .exits(0)
        .says(&["NOT SIGNED: it proves nothing"]);
    let statement: Json = serde_json::from_slice(&workshop.read("e.json")).unwrap();
    assert_eq!(statement["predicate"]["signed"], false);
    let verified = verify(&workshop, &[]).exits(10).json();
    assert_eq!(codes(&verified), ["envelope-unsigned"]);
    assert_eq!(verified["holds"], false);
    assert_eq!(verified["signed"], false);
    assert_eq!(verified["statement"], Json::Null);
    let human = [
        "envelope",
        "verify",
        "e.json",
        "--allowed-signers",
        "allowed_signers",
    ];
    let said = workshop.run(&human).exits(10).text();
    assert!(
        said.contains("NOT SIGNED") && !said.contains("holds"),
        "{said}"
    );
}

#[test]
fn a_gate_that_blocks_withdraws_the_earlier_envelope() {
    let workshop = Workshop::frozen();
    gate(&workshop, &[]).exits(0);
    fs::remove_file(workshop.path(format!("profiles/{}", stock()[0].file_name()))).unwrap();
    let document = gate(&workshop, &[]).exits(10).json();
    assert_eq!(document["envelope"]["outcome"], "removed");
    assert!(!workshop.path("e.json").exists());
    let document = gate(&workshop, &[]).exits(10).json();
    assert_eq!(document["envelope"]["outcome"], "not-written");
    let document = workshop.gate(&["--format", "json"]).exits(10).json();
    assert_eq!(document["envelope"], Json::Null);
}

#[test]
fn a_signer_needs_an_envelope_and_is_one() {
    let workshop = Workshop::frozen();
    workshop
        .gate(&["--sign-with", "k"])
        .exits(2)
        .says(&["--envelope"]);
    workshop
        .gate(&["--sign-with-command", "k"])
        .exits(2)
        .says(&["--envelope"]);
    gate(&workshop, &["--sign-with", "k", "--sign-with-command", "k"]).exits(2);
}

#[test]
fn what_cannot_be_verified_is_an_error_and_no_verdict() {
    let workshop = Workshop::frozen();
    gate(&workshop, &[]).exits(0);
    workshop.write(
        "allowed_signers",
        "\nci valid-after=\"20260101\" ssh-ed25519 AAAA\n",
    );
    let error = verify(&workshop, &[]).exits(11).error_json();
    assert_eq!(error["code"], "file-malformed");
    assert_eq!(error["place"]["line"], 2);
    assert_eq!(error["place"]["file"], "allowed_signers");
    workshop.write("allowed_signers", "");
    let sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    verify(&workshop, &["--expect-manifest", sha1])
        .exits(2)
        .says(&["SHA-1", "countersign manifest digest"]);
    fs::remove_file(workshop.path("e.json")).unwrap();
    let error = verify(&workshop, &[]).exits(11).error_json();
    assert_eq!(error["code"], "file-missing");
    workshop.write("e.json", "no envelope");
    let document = verify(&workshop, &[]).exits(10).json();
    assert_eq!(codes(&document), ["envelope-malformed"]);
    assert_eq!(document["findings"][0]["place"]["file"], "e.json");
    fs::remove_file(workshop.path("allowed_signers")).unwrap();
    verify(&workshop, &[]).exits(11);
    workshop
        .run(&["envelope", "verify", "e.json"])
        .exits(2)
        .says(&["--allowed-signers"]);
}

/// The site of a run is built for Linux alone.
#[cfg(target_os = "linux")]
mod runs {
    use support::machine::Kind;
    use support::site::{self, Site};

    use super::*;

    #[test]
    fn a_run_hands_its_envelope_on_before_anything_is_opened_and_says_so_in_its_receipt() {
        let site = Site::new(Kind::Portable);
        let Some(key) = generate(&site.path("home"), &["ed25519"]) else {
            return;
        };
        let key = key.to_str().unwrap();
        let envelope = site.path("e.json");
        let envelope = envelope.to_str().unwrap();
        let flags = ["--envelope", envelope, "--sign-with", key];
        let mut run = site.run_with(&flags);
        run.args([
            "/bin/cp",
            envelope,
            site.path("seen.json").to_str().unwrap(),
        ]);
        let output = run.output().unwrap();
        assert!(output.status.success(), "{}", site::text(&output.stderr));
        // The command found it.
        let bytes = fs::read(envelope).unwrap();
        assert_eq!(fs::read(site.path("seen.json")).unwrap(), bytes);
        let [receipt] = site.receipts().try_into().unwrap();
        assert_eq!(receipt["envelope"]["outcome"], "signed");
        assert_eq!(receipt["envelope"]["file"], envelope);
        let records = records(&site.path("state/audit.jsonl"));
        let emitted: Vec<&Json> = records
            .iter()
            .filter(|record| record["what"] == "emit")
            .collect();
        assert_eq!(emitted.len(), 2);
        assert_eq!(emitted[1]["run"], receipt["run"]);
        assert_eq!(
            emitted[1]["details"]["envelope"],
            Digest::of(&bytes).to_string()
        );
        let unlocked = records
            .iter()
            .position(|record| record["what"] == "keychain-unlock");
        let done = records.iter().position(|record| record == emitted[1]);
        assert!(done.unwrap() < unlocked.unwrap());
    }

    #[test]
    fn a_run_whose_envelope_cannot_be_signed_opens_nothing() {
        let site = Site::new(Kind::Portable);
        let envelope = site.path("e.json");
        let flags = [
            "--envelope",
            envelope.to_str().unwrap(),
            "--sign-with-command",
            "/bin/false",
        ];
        let mark = site.path("mark");
        let mut run = site.run_with(&flags);
        let output = run
            .args(["/usr/bin/touch", mark.to_str().unwrap()])
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(11),
            "{}",
            site::text(&output.stderr)
        );
        assert!(!mark.exists() && !envelope.exists());
        let [receipt] = site.receipts().try_into().unwrap();
        assert!(receipt.get("window").is_none() && receipt.get("envelope").is_none());
        site.assert_all_is_well("nothing was opened");
    }

    #[test]
    fn a_signing_command_does_not_get_the_variable_that_the_password_came_in() {
        let site = Site::new(Kind::Portable);
        let words = "env > \"$HOME/seen\"";
        let sign = site.path("sign.sh");
        let mut shell = start::command("sh", &site.path("home"));
        shell
            .args([
                "-euc",
                "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\"; chmod 755 \"$2\"",
                "sh",
                words,
            ])
            .arg(&sign)
            .env("PATH", start::PATH);
        assert!(shell.status().unwrap().success());
        let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
        run.arg("--keychain")
            .arg(site.machine.keychain().as_path())
            .args([
                "--backend",
                "portable",
                "--keychain-password-env",
                "CI_SECRET",
            ])
            .arg("--envelope")
            .arg(site.path("e.json"))
            .arg("--sign-with-command")
            .arg(&sign)
            .args(["--", "/bin/true"])
            .env("CI_SECRET", site::SECRET)
            .env("OTHER", "known");
        assert_eq!(run.output().unwrap().status.code(), Some(11));
        let seen = fs::read(site.path("home/seen")).unwrap();
        assert!(site::holds(&seen, b"OTHER=known"));
        assert!(!site::holds(&seen, site::SECRET.as_bytes()));
        assert!(!site::holds(&seen, b"CI_SECRET"));
    }
}
