//! `certificate show`: what a certificate is, and what stops working when it is revoked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

use countersign::base::digest::Digest;
use forge::bundle::ios_app;
use forge::certificate::Identity;
use forge::code_signature::SigningIdentity;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use serde_json::Value as Json;
use support::workshop::Workshop;

fn distribution() -> Identity {
    Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution))
}

/// A workshop with the certificate of its profiles, and another one of the same kind that nobody uses.
fn workshop() -> Workshop {
    let workshop = Workshop::frozen();
    workshop.write("signer.cer", &*distribution().der);
    let other = LeafSpec::new(LeafKind::AppleDistribution).labelled("nobody's");
    workshop.write("other.pem", Hierarchy::acme().developer(&other).pem());
    workshop
}

fn shown(workshop: &Workshop, words: &[&str]) -> Json {
    let command = [&["--format", "json", "certificate", "show"], words].concat();
    workshop.run(&command).exits(0).json()
}

fn length(list: &Json) -> usize {
    list.as_array().unwrap().len()
}

#[test]
fn a_file_tells_what_its_certificate_is() {
    let workshop = workshop();
    let document = shown(&workshop, &["signer.cer"]);
    let certificate = &document["certificate"];
    assert_eq!(certificate["kind"], "apple-distribution");
    assert_eq!(certificate["team_id"], "ACME4CI001");
    let sha256 = Digest::of(&distribution().der).to_string();
    assert!(sha256.ends_with(certificate["sha256"].as_str().unwrap()));
    let issuer = certificate["issuer"].as_str().unwrap();
    assert!(issuer.contains("Worldwide Developer Relations"), "{issuer}");
    assert!(document.get("uses").is_none(), "nobody asked");
    let pem = workshop.write("signer.pem", distribution().pem());
    let same = shown(&workshop, &[pem.to_str().unwrap()]);
    assert_eq!(same, document);
}

#[test]
fn a_fingerprint_finds_what_the_manifest_pins() {
    let workshop = workshop();
    let from_file = shown(&workshop, &["signer.cer"]);
    for name in ["sha256", "sha1"] {
        let fingerprint = from_file["certificate"][name].as_str().unwrap();
        let found = shown(&workshop, &[fingerprint]);
        for same in [
            "sha256",
            "sha1",
            "common_name",
            "expires",
            "serial",
            "issuer",
        ] {
            assert_eq!(found["certificate"][same], from_file["certificate"][same]);
        }
    }
    workshop
        .run(&["certificate", "show", &"ab".repeat(32)])
        .exits(11)
        .says(&[
            "no profile that the manifest pins",
            "name the certificate's file",
        ]);
}

#[test]
fn profiles_and_products_that_hang_on_it_are_told() {
    let workshop = workshop();
    let signer = SigningIdentity::acme(LeafKind::AppleDistribution);
    let app = ios_app(&signer).with_extension("RocketWidget").sign();
    app.bundle.write_to(&workshop.path("")).unwrap();
    let uses = &shown(&workshop, &["signer.cer", "--uses", "Rocket.app"])["uses"];
    assert_eq!(length(&uses["profiles"]), 3);
    assert_eq!(uses["profiles"][0]["only_certificate"], true);
    assert_eq!(length(&uses["code"]), 2, "{uses:#}");
    assert_eq!(
        uses["code"][1]["path"],
        "Rocket.app/PlugIns/RocketWidget.appex"
    );
    assert_eq!(uses["code"][1]["proven"], true);
    // Nobody uses the other one, of the same name and team.
    let uses = &shown(&workshop, &["other.pem", "--uses", "Rocket.app"])["uses"];
    for list in ["profiles", "targets", "products", "code", "runs"] {
        assert_eq!(length(&uses[list]), 0, "{list}");
    }
    workshop
        .run(&["certificate", "show", "other.pem", "--uses", "Rocket.app"])
        .exits(0)
        .says(&["nothing that was looked at hangs on it"]);
}

#[test]
fn a_fingerprint_finds_the_signer_of_a_product() {
    let workshop = Workshop::new();
    let signer = SigningIdentity::acme(LeafKind::DeveloperIdApplication);
    let app = ios_app(&signer).sign();
    app.bundle.write_to(&workshop.path("")).unwrap();
    let sha1 = signer.identity.sha1_hex();
    let document = shown(&workshop, &[&sha1, "--uses", "Rocket.app"]);
    assert_eq!(document["certificate"]["kind"], "developer-id-application");
    assert_eq!(length(&document["uses"]["code"]), 1);
    // What was not there to be looked at is told: it is not unused.
    assert_eq!(document["uses"]["missing"][0]["part"], "manifest");
}

#[test]
fn runs_that_the_gate_cleared_by_this_manifest_are_told() {
    let workshop = workshop();
    workshop.allow_waivers();
    // What the gate said counts, and whatever came after it: the keychain is not there, and nothing is opened.
    let run = ["run", "--without", "identities,targets", "--", "/bin/true"];
    workshop.run(&run).exits(12);
    let uses = &shown(&workshop, &["signer.cer", "--uses"])["uses"];
    assert_eq!(length(&uses["runs"]), 1, "{uses:#}");
    assert_eq!(uses["runs_of_other_manifests"], 0);
    let other = &shown(&workshop, &["other.pem", "--uses"])["uses"];
    assert_eq!(length(&other["runs"]), 0);
    // The manifest moves on: of the run before it is known only that there was one.
    workshop.edit_manifest(|content| content.revision += 1);
    let uses = &shown(&workshop, &["signer.cer", "--uses"])["uses"];
    assert_eq!(length(&uses["runs"]), 0);
    assert_eq!(uses["runs_of_other_manifests"], 1);
}

#[test]
fn what_is_no_certificate_is_refused_with_its_name() {
    let workshop = workshop();
    for (name, bytes) in [("junk.cer", &b"junk"[..]), ("empty.cer", b"")] {
        workshop.write(name, bytes);
        workshop
            .run(&["certificate", "show", name])
            .exits(11)
            .says(&[name]);
    }
    workshop
        .run(&["certificate", "show", "missing.cer"])
        .exits(11)
        .says(&["missing.cer"]);
}
