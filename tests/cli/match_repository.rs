//! What fastlane match stores, as `fixtures/match/make` had match's own code write it: read in clear and encrypted.

use std::fs;
use std::path::{Path, PathBuf};

use support::workshop::Workshop;

const TREES: [&str; 4] = ["plain", "v1-md5", "v1-sha256", "v2"];
const SECRET: &str = "rehearsal-only-no-secret";

fn fixture(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    root.join(name).to_str().unwrap().to_owned()
}

fn password() -> [String; 2] {
    [
        "--match-password-file".to_owned(),
        fixture("match/password"),
    ]
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A workshop without profiles of its own.
fn with(workshop: &Workshop, command: &[&str]) -> support::workshop::Ran {
    let ran = workshop.run(&[words(command), password().to_vec()].concat());
    assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET));
    ran
}

#[test]
fn a_key_that_match_stores_as_a_p12_is_an_identity_with_the_certificate_beside_it() {
    let workshop = Workshop::new();
    for key in ["distribution/ACMEDIST01", "development/TESTKEY001"] {
        let file = fixture(&format!("match/plain/certs/{key}.p12"));
        let listed = workshop.run(&[
            "identity",
            "list",
            "--format",
            "json",
            "--identities",
            &file,
        ]);
        let document = listed.exits(0).json();
        assert_eq!(document["identities"].as_array().unwrap().len(), 1, "{key}");
    }
    // The same certificate as in the PKCS#12 file that it was made of.
    let acme = fixture("acme/distribution.p12");
    let secret = fixture("acme/distribution.p12.password");
    let one = [
        "identity",
        "digest",
        "--identities",
        &acme,
        "--password-file",
        &secret,
    ];
    let other = fixture("match/plain/certs/distribution/ACMEDIST01.p12");
    let other = workshop.run(&["identity", "digest", "--identities", &other]);
    assert_eq!(other.exits(0).out, workshop.run(&one).exits(0).out);
}

#[test]
fn a_tree_of_every_version_holds_the_same_identities() {
    let workshop = Workshop::new();
    let digest = |tree: &str| {
        let directory = fixture(&format!("match/{tree}"));
        with(
            &workshop,
            &["identity", "digest", "--identities", &directory],
        )
        .exits(0)
        .out
    };
    let plain = digest("plain");
    for tree in TREES {
        assert_eq!(digest(tree), plain, "{tree}");
        let key = fixture(&format!("match/{tree}/certs/distribution/ACMEDIST01.p12"));
        let one = with(&workshop, &["identity", "list", "--identities", &key]).exits(0);
        assert!(one.out.contains("Apple Distribution"), "{}", one.out);
        // A real PKCS#12, which match imports with an empty password.
        if tree != "plain" {
            let key = fixture(&format!("match/{tree}/certs/enterprise/TESTKEY002.p12"));
            with(&workshop, &["identity", "list", "--identities", &key]).exits(0);
        }
    }
}

#[test]
fn freezing_a_tree_of_every_version_pins_what_the_installed_files_would() {
    let workshop = Workshop::new();
    let freeze = |source: &str, output: &str| {
        with(
            &workshop,
            &["manifest", "freeze", &fixture(source), "-o", output],
        )
        .exits(0);
        workshop.read(output)
    };
    let installed = freeze("acme/profiles", "installed.json");
    for tree in TREES {
        assert_eq!(
            freeze(&format!("match/{tree}"), &format!("{tree}.json")),
            installed
        );
        let listed = with(
            &workshop,
            &["profile", "list", &fixture(&format!("match/{tree}"))],
        );
        listed.exits(0).says(&["iOS App Store - App"]);
    }
}

/// The gate judges an identity of an encrypted repository.
#[test]
fn the_gate_takes_identities_of_an_encrypted_repository() {
    let workshop = Workshop::frozen();
    for tree in &TREES {
        let key = fixture(&format!("match/{tree}/certs/distribution/ACMEDIST01.p12"));
        let gate = ["gate", "--without", "targets", "--identities", &key];
        with(&workshop, &gate).exits(0);
        let mut command =
            workshop.command(&[&gate[..], &["--match-password-env", "SECRET"]].concat());
        let ran = support::workshop::ran(command.env("SECRET", SECRET));
        ran.exits(0);
    }
    let directory = fixture("match/v2");
    let gate = ["gate", "--without", "targets", "--identities", &directory];
    let ran = workshop.run(&gate);
    assert_ne!(ran.code, 0);
    ran.says(&[
        "encrypted as fastlane match does it",
        "--match-password-env",
    ]);
}

#[test]
fn encrypted_files_are_named_as_such_and_a_wrong_password_is_told() {
    let workshop = Workshop::new();
    workshop.write("wrong", "wrong\n");
    let wrong = ["--match-password-file", "wrong"];
    for tree in &TREES[1..] {
        let directory = fixture(&format!("match/{tree}"));
        let freeze = ["manifest", "freeze", &directory];
        let remedy = "--match-password-file";
        let ran = workshop.run(&freeze).exits(10);
        ran.says(&[
            "profile-unreadable",
            "encrypted as fastlane match does it",
            remedy,
        ]);
        let ran = workshop.run(&[&freeze[..], &wrong].concat()).exits(10);
        ran.says(&["profile-unreadable", "the match password is wrong", remedy]);

        let list = ["identity", "list", "--identities", &directory];
        let ran = workshop.run(&list);
        assert_ne!(ran.code, 0);
        ran.says(&["encrypted as fastlane match does it", remedy]);
        let ran = workshop.run(&[&list[..], &wrong].concat());
        assert_ne!(ran.code, 0);
        ran.says(&["the match password is wrong", ".p12", remedy]);
    }
    assert!(!workshop.path("manifests/profiles.json").exists());
}

#[test]
fn a_branch_without_files_and_a_key_without_a_certificate_are_told() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("checkout")).unwrap();
    workshop.write("checkout/match_version.txt", "2.228.0");
    let ran = workshop.run(&["manifest", "freeze", "checkout"]);
    assert_ne!(ran.code, 0);
    ran.says(&["on this branch", "git_branch"]);

    let key = fixture("match/plain/certs/development/TESTKEY001.p12");
    fs::copy(key, workshop.path("alone.p12")).unwrap();
    let list = ["identity", "list", "--identities", "alone.p12"];
    let ran = workshop.run(&list);
    assert_ne!(ran.code, 0);
    ran.says(&["no certificate alone.cer", "beside the key"]);
    let other = fixture("match/plain/certs/distribution/ACMEDIST01.cer");
    fs::copy(other, workshop.path("alone.cer")).unwrap();
    let ran = workshop.run(&list);
    assert_ne!(ran.code, 0);
    ran.says(&["alone.cer has another public key"]);
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn a_keychain_takes_the_keys_of_every_version_and_nothing_in_clear_touches_the_disk() {
    for tree in TREES {
        let workshop = Workshop::new();
        let keychain = workshop.path("ci.p12");
        let keychain = [
            "--keychain",
            keychain.to_str().unwrap(),
            "--backend",
            "portable",
        ];
        workshop
            .run(&[&["keychain", "create"][..], &keychain].concat())
            .exits(0);
        let directory = fixture(&format!("match/{tree}"));
        let import = [&["keychain", "import", &directory][..], &keychain].concat();
        with(&workshop, &import)
            .exits(0)
            .says(&["Apple Distribution"]);
        let status = workshop.run(&[&["keychain", "status"][..], &keychain].concat());
        status.exits(0).says(&[
            "Apple Distribution",
            "Countersign Test 1",
            "Countersign Test 2",
        ]);
        for file in files(&workshop.path("")) {
            let bytes = fs::read(&file).unwrap();
            let clear = memchr(&bytes, b"PRIVATE KEY-----") || memchr(&bytes, SECRET.as_bytes());
            assert!(!clear, "{tree}: {}", file.display());
        }
    }
}

fn memchr(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn every_command_that_reads_profiles_or_identities_takes_the_password_of_match() {
    let workshop = Workshop::new();
    forge::fixtures::project().write(&workshop.path(""));
    for tree in TREES {
        let folder = fixture(&format!("match/{tree}"));
        let here = workshop.path(tree);
        support::copy_folder(Path::new(&folder), &here);
        let tree = here.to_str().unwrap();
        let check = ["targets", "check", "--identities", tree, "--format", "json"];
        let document = with(&workshop, &[&check[..], &["--profiles", tree]].concat()).json();
        let targets = document["targets"].as_array().unwrap();
        assert!(
            targets.iter().any(|target| target["chosen"].is_object()),
            "{document:#}"
        );
        let report = ["report", "--identities", tree, "--format", "json"];
        let report = with(&workshop, &report).exits(0).json();
        assert!(!report.to_string().contains("match-password"), "{report:#}");
        let at_hand = with(&workshop, &["init", "--format", "json"]).json();
        assert!(
            at_hand["profiles_at_hand"].as_u64().unwrap() > 0,
            "{at_hand:#}"
        );
        fs::remove_dir_all(&here).unwrap();
    }
    // What reads none of them does not read the password either.
    let missing = ["--match-password-file", "missing"];
    workshop
        .run(&[&["policy", "digest"], &missing[..]].concat())
        .exits(0);
    workshop
        .run(&[&["doctor"], &missing[..]].concat())
        .exits(11)
        .says(&["missing"]);
}

#[test]
fn init_names_an_encrypted_repository_and_a_wrong_password() {
    let workshop = Workshop::new();
    forge::fixtures::project().write(&workshop.path(""));
    support::copy_folder(Path::new(&fixture("match/v2")), &workshop.path("match"));
    workshop.write("wrong", "wrong\n");
    workshop.run(&["init"]).exits(10).says(&[
        "encrypted as fastlane match does it (version 2)",
        "--match-password-file",
    ]);
    let wrong = ["init", "--yes", "--match-password-file", "wrong"];
    workshop
        .run(&wrong)
        .exits(10)
        .says(&["the match password is wrong"]);
    assert!(!workshop.path("manifests/profiles.json").exists());
    // No gate opens what match stores: it looks for the files where they are installed.
    let right = with(&workshop, &["init", "--yes"])
        .exits(10)
        .says(&["profile-missing"]);
    assert!(
        workshop.path("manifests/profiles.json").exists(),
        "{right:?}"
    );
}
