//! What other programs say of the forge's signatures: OpenSSL of messages and timestamps, `rcodesign` of the whole.

use std::process::{Command, Output};

use forge::bundle::{Product, ios_app, mac_app, mac_tool};
use forge::bundle_flaw::Flaw;
use forge::code_signature::Signing;
use forge::hierarchy::{Hierarchy, at};
use forge::key::Hash;

use super::reader::{blobs, slices};
use super::{developer_id, distribution};

/// None, with a word about it, where there is no such program.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Option<Output> {
    #[allow(
        clippy::disallowed_methods,
        reason = "a second opinion is another program's"
    )]
    let output = Command::new(name).args(arguments).output();
    if output.is_err() {
        eprintln!("skipped: no {name} on this machine");
    }
    output.ok()
}

/// A folder of files for OpenSSL.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.put("anchors", Hierarchy::acme().anchors_pem().as_bytes());
        desk
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, command: &str, more: &[&str]) -> Option<Result<(), String>> {
        let anchors = self.0.path().join("anchors");
        let time = at("2026-02-03T04:05:06Z").as_second().to_string();
        let common = [
            "-verify",
            "-CAfile",
            anchors.to_str().unwrap(),
            "-attime",
            &time,
        ];
        let output = program("openssl", &[&[command], &common[..], more].concat())?;
        Some(match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        })
    }

    /// What OpenSSL says of the message of a product's last slice over its first CodeDirectory; none where there is no OpenSSL.
    fn verify(&self, product: &Product) -> Option<Result<(), String>> {
        let file = product.bundle.file(&product.item("").executable);
        let all = slices(file);
        let blobs = blobs(all.last().unwrap());
        self.verify_message(&blobs[&0x10000][8..], blobs[&0])
    }

    fn verify_message(&self, message: &[u8], content: &[u8]) -> Option<Result<(), String>> {
        let (message, content) = (self.put("message", message), self.put("content", content));
        let arguments = [
            "-binary",
            "-ignore_critical",
            "-inform",
            "DER",
            "-purpose",
            "any",
            "-in",
            &message,
            "-content",
            &content,
            "-out",
            "/dev/null",
        ];
        self.run("cms", &arguments)
    }
}

#[test]
fn openssl_accepts_messages_of_every_kind() {
    let desk = Desk::new();
    for product in [
        mac_tool(&developer_id()).sign(),
        ios_app(&distribution()).sign(),
    ] {
        let Some(said) = desk.verify(&product) else {
            return;
        };
        said.unwrap();
    }
    let product = mac_app(&developer_id()).sign();
    for variation in forge::bundle_flaw::variations() {
        if let Some(other) = variation.apply(&product) {
            assert_eq!(desk.verify(&other), Some(Ok(())), "{}", variation.name);
        }
    }
}

#[test]
fn openssl_refuses_messages_that_are_not_sound() {
    let desk = Desk::new();
    let product = mac_app(&developer_id()).sign();
    for (name, why) in [
        ("message-digest-wrong", "verification failure"),
        ("message-about-another", "verification failure"),
        ("content-type-missing", "attribute error"),
        ("certificates-none", "signer certificate not found"),
        (
            "certificate-of-the-signer-missing",
            "signer certificate not found",
        ),
        (
            "certificate-of-the-issuer-missing",
            "unable to get local issuer certificate",
        ),
        ("signers-none", "no signers"),
        ("signer-under-another-root", "certificate verify error"),
        ("signer-under-apples-name", "certificate verify error"),
        ("signer-self-signed", "self-signed certificate"),
        ("signer-expired-when-it-signed", "certificate has expired"),
        (
            "signer-not-yet-valid-when-it-signed",
            "certificate is not yet valid",
        ),
        ("alternate-in-front", "verification failure"),
        ("turned-ad-hoc", "verification failure"),
    ] {
        let broken = Flaw::named(name).apply(&product).unwrap();
        let Some(said) = desk.verify(&broken) else {
            return;
        };
        let said = said.expect_err(name);
        assert!(said.contains(why), "{name}: {said}");
    }
}

#[test]
fn openssl_accepts_what_only_a_verifier_of_code_can_refuse() {
    let desk = Desk::new();
    let product = mac_app(&developer_id()).sign();
    for name in [
        "alternate-unbound",
        "content-type-wrong",
        "alternate-dropped",
        "hash-list-of-another",
        "hash-list-empty",
        "digest-list-empty",
        "code-slots-too-few",
        "entitlements-differ",
        "team-of-another",
        "rule-for-everything-missing",
        "entry-missing",
        "nested-removed",
        "signer-signs-profiles",
        "signed-for-development",
    ] {
        let nesting = mac_app(&developer_id()).with_framework("RocketKit");
        let broken = match name {
            "nested-removed" => Flaw::named(name).apply(&nesting.sign()).unwrap(),
            _ => Flaw::named(name).apply(&product).unwrap(),
        };
        let Some(said) = desk.verify(&broken) else {
            return;
        };
        assert_eq!(said, Ok(()), "{name}");
    }
}

#[test]
fn openssl_accepts_the_timestamp_and_for_its_signature_alone() {
    let desk = Desk::new();
    let signer = developer_id();
    let Signing::By(by) = mac_tool(&signer).signature.signing else {
        panic!("signed by nobody");
    };
    let value = signer.identity.key.sign(Hash::Sha256, b"any signature");
    let token = desk.put("token", &by.timestamp.as_ref().unwrap().token(&value));
    let verify = |data: &str| desk.run("ts", &["-token_in", "-in", &token, "-data", data]);
    let Some(said) = verify(&desk.put("value", &value)) else {
        return;
    };
    said.unwrap();
    verify(&desk.put("other", b"another value"))
        .unwrap()
        .unwrap_err();
}

#[test]
fn rcodesign_reads_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let products = [
        mac_app(&developer_id()).with_framework("RocketKit").sign(),
        ios_app(&distribution())
            .with_extension("RocketWidget")
            .sign(),
    ];
    for (name, product) in ["mac", "ios"].into_iter().zip(products) {
        let root = product.write_to(&folder.path().join(name)).unwrap();
        for item in &product.items {
            let path = root.join(&item.executable);
            let path = path.to_str().unwrap();
            let Some(output) = program("rcodesign", &["print-signature-info", path]) else {
                return;
            };
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let count = |text: &str| said.matches(text).count();
            let slices = item.slices.len();
            assert_eq!(count("team_name: ACME4CI001"), slices, "{path}: {said}");
            let directory = &item.slices[0].directories[0];
            assert_eq!(
                count(&format!("identifier: {}\n", directory.identifier)),
                slices
            );
            assert!(
                !said.contains("signature_verifies: false"),
                "{path}: {said}"
            );
            // The message, and the timestamp where there is one.
            let tokens = count("time_stamp_token:");
            assert_eq!(count("signature_verifies: true"), slices + tokens);
            for slice in &item.slices {
                let hash: String = slice.directories[0]
                    .digest()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                // As the blob's digest, as the message digest and in the list of digests.
                assert_eq!(count(&hash), 3, "{path}: {said}");
                for (special, digest) in &slice.directories[0].special {
                    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                    assert!(
                        count(&format!("({special}): {hex}")) >= 1,
                        "{path}: slot {special}"
                    );
                }
            }
        }
    }
}
