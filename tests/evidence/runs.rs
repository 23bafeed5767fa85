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
    let receipt = workshop.path("receipt.json");
    if receipt.exists() {
        std::fs::remove_file(&receipt).unwrap();
    }
    workshop.run(&[
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
        "--",
        "/bin/sh",
        "-ec",
        script,
    ])
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
