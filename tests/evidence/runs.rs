//! A run that holds what its command built against the manifest.

use forge::bundle::Product;
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop};

use crate::scene::{flawed, plans, store_app};

/// A workshop with a keychain, where a good and a stale build are ready to be copied.
fn signer(product: &Product) -> Workshop {
    let workshop = plans(product);
    workshop.allow_waivers();
    workshop
        .run(&["keychain", "create", "--keychain", "ci.p12"])
        .exits(0);
    let stale = flawed(product, "extension-with-a-stale-profile");
    for (folder, product) in [("good", product), ("stale", &stale)] {
        product.write_to(&workshop.path(folder)).unwrap();
    }
    workshop
}

/// Runs a script, and holds `Rocket.app` against the manifest.
fn run(workshop: &Workshop, script: &str) -> Ran {
    run_with(workshop, &[], script)
}

/// The same with more options.
fn run_with(workshop: &Workshop, more: &[&str], script: &str) -> Ran {
    let receipt = workshop.path("receipt.json");
    if receipt.exists() {
        std::fs::remove_file(&receipt).unwrap();
    }
    let options = [
        "run",
        "--without",
        "identities",
        "--without",
        "targets",
        "--keychain",
        "ci.p12",
        "--receipt",
        "receipt.json",
        "--product",
        "Rocket.app",
    ];
    workshop.run(&[&options, more, &["--", "/bin/sh", "-ec", script]].concat())
}

fn receipt(workshop: &Workshop) -> Json {
    serde_json::from_slice(&workshop.read("receipt.json")).unwrap()
}

#[test]
fn what_was_built_as_planned_is_in_the_receipt_with_its_digest_and_in_the_log() {
    let workshop = signer(&store_app());
    run(&workshop, "cp -R good/Rocket.app Rocket.app").exits(0);
    let receipt = receipt(&workshop);
    let product = &receipt["products"][0];
    assert_eq!(product["path"], "Rocket.app");
    assert_eq!(product["verdict"], "cleared");
    let checked = crate::scene::run(&workshop, "good/Rocket.app", &[]).json();
    assert_eq!(product["digest"], checked["products"][0]["digest"]);
    assert_eq!(receipt["exit"], 0);
    let log = workshop
        .run(&["audit", "show", "--format", "json"])
        .exits(0)
        .out;
    assert!(log.contains("product-check"), "{log}");
    assert!(log.contains(product["digest"].as_str().unwrap()), "{log}");
}

#[test]
fn a_product_that_blocks_turns_success_into_ten_and_the_receipt_says_why() {
    let workshop = signer(&store_app());
    run(&workshop, "cp -R stale/Rocket.app Rocket.app")
        .exits(10)
        .says(&["embedded-profile-not-pinned", "RocketWidget.appex"]);
    let receipt = receipt(&workshop);
    let product = &receipt["products"][0];
    assert_eq!(product["verdict"], "blocked");
    assert_eq!(product["blocked_by"][0], "embedded-profile-not-pinned");
    assert!(product["digest"].is_string());
    assert_eq!(receipt["exit"], 10);
    assert_eq!(receipt["window"]["locked"], true);
}

#[test]
fn a_command_that_fails_keeps_its_code_and_a_product_that_is_not_there_is_an_error() {
    let workshop = signer(&store_app());
    run(&workshop, "cp -R stale/Rocket.app Rocket.app; exit 7").exits(7);
    assert!(receipt(&workshop)["products"].is_null());
    std::fs::remove_dir_all(workshop.path("Rocket.app")).unwrap();
    let ran = run(&workshop, "true");
    assert!(ran.code != 0 && ran.code != 10, "{ran:?}");
    assert!(
        receipt(&workshop)["error"]
            .as_str()
            .unwrap()
            .contains("Rocket.app")
    );
}

/// The statement of the envelope `e.json`, which nobody signs.
fn statement(workshop: &Workshop) -> Json {
    serde_json::from_slice(&workshop.read("e.json")).unwrap()
}

#[test]
fn the_envelope_of_a_run_names_what_was_built_and_before_that_the_manifest_alone() {
    let workshop = signer(&store_app());
    let script = "cp e.json during.json; cp -R good/Rocket.app Rocket.app";
    run_with(&workshop, &["--envelope", "e.json"], script).exits(0);
    let during: Json = serde_json::from_slice(&workshop.read("during.json")).unwrap();
    assert_eq!(during["subject"].as_array().unwrap().len(), 1);
    let after = statement(&workshop);
    assert_eq!(after["subject"][0], during["subject"][0]);
    assert_eq!(after["predicate"], during["predicate"]);
    let receipt = receipt(&workshop);
    let digest = receipt["products"][0]["digest"].as_str().unwrap();
    assert_eq!(
        after["subject"][1],
        serde_json::json!({
            "name": "Rocket.app",
            "digest": { "countersignProductDigestV1": digest.strip_prefix("sha256:").unwrap() },
        })
    );
    assert_eq!(after["subject"].as_array().unwrap().len(), 2);
    assert_eq!(receipt["envelope"]["outcome"], "not-signed");
    // Both are in the log, the last one as it lies there.
    let log = workshop
        .run(&["audit", "show", "--format", "json"])
        .exits(0)
        .out;
    for name in ["during.json", "e.json"] {
        let digest = countersign::base::digest::Digest::of(&workshop.read(name)).to_string();
        assert!(log.contains(&digest), "{name}");
    }
}

#[test]
fn no_envelope_stays_for_a_product_that_blocks_or_is_not_there_or_for_a_command_that_fails() {
    let workshop = signer(&store_app());
    for (script, code) in [
        ("cp -R stale/Rocket.app Rocket.app", Some(10)),
        (
            "rm -r Rocket.app; cp -R good/Rocket.app Rocket.app; exit 7",
            Some(7),
        ),
        ("rm -r Rocket.app", None),
        (
            "cp -R good/Rocket.app Rocket.app; echo >> manifests/profiles.json",
            Some(10),
        ),
    ] {
        let script = format!("test -f e.json; {script}");
        let ran = run_with(&workshop, &["--envelope", "e.json"], &script);
        if let Some(code) = code {
            assert_eq!(ran.code, code, "{script}: {ran:?}");
        }
        assert!(!workshop.path("e.json").exists(), "{script}");
        let receipt = receipt(&workshop);
        assert_eq!(receipt["envelope"]["outcome"], "removed", "{script}");
    }
}
