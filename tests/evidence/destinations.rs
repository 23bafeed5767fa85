//! Where a product goes, and what kinds of certificates and profiles go there.

use forge::bundle::{ios_app, mac_app, mac_tool};
use forge::code_signature::SigningIdentity;
use forge::hierarchy::LeafKind;

use crate::scene::{ad_hoc_app, blocks, check, clears, developer_id_app, flawed, pins, plans};

#[test]
fn an_ad_hoc_profile_in_a_product_for_the_store_is_named() {
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDistribution)).sign();
    let ad_hoc = ad_hoc_app();
    let at = "Rocket.app/embedded.mobileprovision";
    blocks(
        check(&plans(&product), &ad_hoc, &[]),
        &[
            ("embedded-profile-not-pinned", at),
            ("embedded-profile-kind", at),
        ],
    );
    // Both are pinned, and the one for the store is planned.
    let workshop = plans(&product);
    let targets = {
        let manifest = workshop.read("manifests/profiles.json");
        let manifest = countersign::context::manifest::Manifest::parse(&manifest).unwrap();
        manifest.targets().to_vec()
    };
    workshop.write(
        "profiles/ad-hoc.mobileprovision",
        ad_hoc.spec.profile.as_ref().unwrap(),
    );
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop.edit_manifest(|content| content.targets = targets);
    blocks(
        check(&workshop, &ad_hoc, &[]),
        &[
            ("embedded-profile-not-planned", at),
            ("embedded-profile-kind", at),
        ],
    );
    // Somebody exports it for registered devices and says so.
    clears(check(&workshop, &ad_hoc, &["--for", "ad-hoc"]));
    blocks(
        check(&workshop, &product, &["--for", "ad-hoc"]),
        &[
            ("embedded-profile-not-planned", at),
            ("embedded-profile-kind", at),
        ],
    );
}

#[test]
fn a_planned_profile_of_another_kind_than_is_asked_for_is_told_as_that() {
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDistribution)).sign();
    let document = check(&plans(&product), &product, &["--for", "ad-hoc"]);
    let document = document.exits(10).json();
    let findings = document["findings"].as_array().unwrap();
    let told = findings
        .iter()
        .find(|it| it["code"] == "embedded-profile-not-planned");
    let told = told.unwrap_or_else(|| panic!("{document:#}"));
    assert_ne!(told["expected"], told["found"], "{told:#}");
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("is planned for it, and no profile of the kind"));
}

#[test]
fn apple_distribution_outside_of_the_store_is_named_at_every_path() {
    let product = mac_app(&SigningIdentity::acme(LeafKind::DeveloperIdApplication))
        .with_framework("RocketKit")
        .sign();
    let workshop = plans(&product);
    let wrong = product.signed_again(|spec| {
        let signer = SigningIdentity::acme(LeafKind::AppleDistribution);
        spec.at_mut("Contents/Frameworks/RocketKit.framework")
            .signature
            .signing = forge::code_signature::Signing::By(Box::new(signer));
    });
    let at = "Rocket.app/Contents/Frameworks/RocketKit.framework";
    blocks(
        check(&workshop, &wrong, &[]),
        &[
            ("secure-timestamp-missing", at),
            ("signer-kind-mismatch", at),
            ("signer-not-planned", at),
        ],
    );
}

#[test]
fn a_command_line_tool_without_a_profile_is_judged_too() {
    let app = developer_id_app();
    let workshop = pins(&app);
    let tool = mac_tool(&SigningIdentity::acme(LeafKind::DeveloperIdApplication)).sign();
    clears(check(&workshop, &tool, &[]));
    clears(check(&workshop, &tool, &["--for", "developer-id"]));
    for kind in [LeafKind::AppleDistribution, LeafKind::AppleDevelopment] {
        let wrong = mac_tool(&SigningIdentity::acme(kind)).sign();
        let document = check(&workshop, &wrong, &["--for", "developer-id"])
            .exits(10)
            .json();
        let codes = support::workshop::codes(&document);
        assert!(
            codes.contains(&"signer-kind-mismatch".to_owned()),
            "{kind:?}: {codes:?}"
        );
    }
}

#[test]
fn development_in_a_build_for_the_store_is_named() {
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDevelopment)).sign();
    let workshop = plans(&product);
    // Planned for development, it is cleared as such.
    clears(check(&workshop, &product, &[]));
    let document = check(&workshop, &product, &["--for", "app-store"])
        .exits(10)
        .json();
    let told = crate::scene::blocking(&document);
    for expected in [
        (
            "embedded-profile-kind",
            "Rocket.app/embedded.mobileprovision",
        ),
        ("signer-kind-mismatch", "Rocket.app"),
        ("product-debuggable", "Rocket.app"),
    ] {
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert!(told.contains(&expected), "{told:?}");
    }
}

#[test]
fn developer_id_asks_for_the_hardened_runtime_and_a_secure_timestamp() {
    let product = mac_app(&SigningIdentity::acme(LeafKind::DeveloperIdApplication)).sign();
    let workshop = plans(&product);
    for (flaw, code) in [
        ("runtime-missing", "hardened-runtime-missing"),
        ("slice-without-runtime", "hardened-runtime-missing"),
        ("timestamp-missing", "secure-timestamp-missing"),
    ] {
        blocks(
            check(&workshop, &flawed(&product, flaw), &[]),
            &[(code, "Rocket.app")],
        );
    }
}
