//! The policy, as the command line uses it.

use std::fs;

use support::workshop::{Workshop, codes};

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

/// A workshop whose policy somebody removed.
fn without_policy() -> Workshop {
    let workshop = Workshop::frozen();
    fs::remove_file(workshop.path("manifests/signing.toml")).unwrap();
    workshop
}

#[test]
fn a_policy_that_was_named_must_be_there() {
    without_policy()
        .gate(&["--policy", "manifests/signing.toml"])
        .exits(11)
        .says(&["signing.toml", "does not exist"]);
}

#[test]
fn a_verb_that_decides_nothing_about_signing_goes_on_without_a_policy_and_says_so() {
    let workshop = without_policy();
    for words in [
        &["profile", "list", "--profiles", "profiles"][..],
        &["profile", "show", "profiles"],
        &["manifest", "verify", "profiles"],
        &["manifest", "freeze", "profiles"],
        &["keychain", "status"],
    ] {
        let ran = workshop.run(words);
        let said: Vec<&str> = ran.err.split_whitespace().collect();
        let said = said.join(" ");
        assert!(
            said.contains(
                "there is no policy at manifests/signing.toml, so the built-in defaults apply"
            ),
            "{words:?}: {ran:?}"
        );
        assert!(!ran.out.contains("there is no policy"), "{ran:?}");
        let quiet = workshop.run(&[words, &["--quiet"]].concat());
        assert!(!quiet.err.contains("there is no policy"), "{quiet:?}");
    }
}

#[test]
fn a_verdict_without_a_policy_is_waived_by_name_and_ends_well() {
    let workshop = without_policy();
    forge::fixtures::project().write(&workshop.path(""));
    let empty = support::machine::manifest_bytes();
    workshop.write("empty.json", empty);
    let gate = |waived: &str| {
        workshop.run(&[
            "gate",
            "--manifest",
            "empty.json",
            "--without",
            waived,
            "--format",
            "json",
        ])
    };
    let blocked = gate("identities,targets").exits(10).json();
    assert_eq!(codes(&blocked), ["policy-missing"]);
    assert_eq!(blocked["next"], "countersign --manifest empty.json init");
    let passed = gate("identities,targets,policy").exits(0).json();
    assert_eq!(passed["verdict"], "cleared");
    assert_eq!(passed["cleared_until"], serde_json::Value::Null);
    assert_eq!(passed["findings"][0]["code"], "policy-missing");
    assert_eq!(passed["findings"][0]["severity"], "warn");
    // Nobody allowed to waive the profiles.
    let blocked = gate("profiles,identities,targets,policy").exits(10).json();
    assert_eq!(codes(&blocked)[0], "waiver-not-allowed");
}

#[test]
fn nothing_is_deleted_by_a_default() {
    let workshop = without_policy();
    let prune = ["profile", "prune", "--unpinned", "--manifest", "empty.json"];
    let empty = support::machine::manifest_bytes();
    workshop.write("empty.json", empty);
    let installed = "home/Library/Developer/Xcode/UserData/Provisioning Profiles";
    fs::create_dir_all(workshop.path(installed)).unwrap();
    let profile = workshop.list("profiles").remove(0);
    workshop.write(
        format!("{installed}/{profile}"),
        workshop.read(format!("profiles/{profile}")),
    );
    workshop.run(&prune).exits(2).says(&[
        "no policy names the directories of profiles, so nothing is deleted",
        "--profiles DIR",
    ]);
    assert_eq!(workshop.list(installed), [profile.as_str()]);
    let dry = [&prune[..], &["--dry-run"]].concat();
    workshop.run(&dry).exits(0).says(&["would be removed"]);
    let named = [&prune[..], &["--profiles", "profiles"]].concat();
    workshop.run(&named).exits(0);
    assert!(workshop.list("profiles").is_empty());

    let keychain = [
        "--keychain",
        "home/Library/Keychains/countersign-ci.keychain-db",
    ];
    let create = [&["keychain", "create"], &keychain[..]].concat();
    workshop.run(&create).exits(0);
    workshop
        .run(&["keychain", "destroy", "--yes"])
        .exits(2)
        .says(&["no policy names the keychain", "--keychain PATH"]);
    assert!(workshop.path(keychain[1]).exists());
    let named = [&["keychain", "destroy", "--yes"], &keychain[..]].concat();
    workshop.run(&named).exits(0);
    assert!(!workshop.path(keychain[1]).exists());
}

#[test]
fn the_digest_of_the_policy_is_what_the_gate_expects() {
    let workshop = Workshop::frozen();
    let digest = workshop.run(&["policy", "digest"]).exits(0).out;
    let digest = digest.trim();
    assert!(
        digest.starts_with("sha256:") && digest.len() == 71,
        "{digest}"
    );
    let sha1 = workshop.run(&["policy", "digest", "--sha1"]).exits(0).out;
    let sha1 = sha1.trim();
    assert_eq!(sha1.len(), 40);
    let bare = digest.strip_prefix("sha256:").unwrap();
    for spelling in [digest, bare, sha1] {
        let gate = workshop.gate(&["--expect-policy", spelling, "--format", "json"]);
        assert_eq!(gate.exits(0).json()["policy"]["digest"], digest);
    }
    // People read it in the report of the gate, too.
    workshop.gate(&[]).exits(0).says(&["policy", bare]);
    for nonsense in ["", "sha256:00", "0b2e", "sha1:00"] {
        workshop.gate(&["--expect-policy", nonsense]).exits(2);
    }

    workshop.write("manifests/signing.toml", "version = 1\ntypo = 1\n");
    workshop
        .run(&["policy", "digest"])
        .exits(10)
        .says(&["policy-invalid", "typo"]);
    fs::remove_file(workshop.path("manifests/signing.toml")).unwrap();
    workshop
        .run(&["policy", "digest"])
        .exits(11)
        .says(&["there is no policy", "--policy FILE"]);
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
