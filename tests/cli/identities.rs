//! Identities, from captures, p12s and pipes.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use countersign::apple::pkcs12::{self, Form};
use countersign::base::digest::{Digest, sha1};
use countersign::base::secret::Password;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::p12::P12Spec;
use support::workshop::Workshop;

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
        "encrypted with HMAC-SHA256",
        "`security import` on macOS 14: the password is right, but macOS 14 does not read",
        "`security import` on macOS 15: the file, the password and the algorithms are right",
    ]);
    list("wrong").exits(11).says(&["the password is wrong"]);
}

#[test]
fn the_state_of_a_keychain_tells_its_identities_and_their_digest() {
    let workshop = Workshop::frozen();
    let distribution = Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution));
    workshop.write(
        "identity.p12",
        P12Spec::new("correct horse", &distribution).write(),
    );
    workshop.write("password", "correct horse\n");
    let keychain = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        workshop
            .run(&[&["keychain"], &words[..], &["--keychain", "ci.p12"]].concat())
            .exits(0)
            .out
    };
    keychain("create");
    keychain("import identity.p12 --password-file password");
    let digest = workshop
        .run(&["identity", "digest", "--identities", "identities.txt"])
        .exits(0)
        .out;
    let status = keychain("status");
    assert!(status.contains(digest.trim()), "{status}");
}

#[test]
fn text_that_is_no_listing_is_named_and_nothing_of_it_is_shown() {
    // Whoever names the file of the password by mistake must not find it in the log.
    let workshop = Workshop::new();
    workshop.write("secret.txt", "correct horse battery staple\n");
    for words in [
        &["identity", "list", "--identities", "secret.txt"][..],
        &["identity", "digest", "--identities", "secret.txt"],
    ] {
        let ran = workshop
            .run(words)
            .exits(11)
            .says(&["found some other text"]);
        assert!(!ran.text().contains("battery"), "{words:?}");
    }
    // Of a listing with something else before it the line is shown: that is what has to go.
    let listing = String::from_utf8(workshop.read("identities.txt")).unwrap();
    workshop.write("noisy.txt", format!("warning: noise\n{listing}"));
    let words = ["identity", "list", "--identities", "noisy.txt"];
    workshop.run(&words).exits(11).says(&["warning: noise"]);
}
