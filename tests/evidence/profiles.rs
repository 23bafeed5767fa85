//! The profiles in a product.

use support::workshop::codes;

use crate::scene::{blocks, check, clears, developer_id_app, flawed, pins, plans, store_app};

#[test]
fn a_product_that_was_built_as_planned_is_cleared_with_its_digest_and_targets() {
    for (product, destination) in [
        (store_app(), "app-store"),
        (developer_id_app(), "developer-id"),
    ] {
        let workshop = plans(&product);
        let document = clears(check(&workshop, &product, &[]));
        let shown = &document["products"][0];
        assert_eq!(shown["destination"], destination);
        assert!(shown["digest"].as_str().unwrap().starts_with("sha256:"));
        assert_eq!(shown["items"][0]["target"], "Rocket");
        assert!(document["manifest"]["digest"].is_string());
        clears(check(&workshop, &product, &["--for", destination]));
    }
}

#[test]
fn a_stale_extension_profile_is_named_at_its_path() {
    let product = store_app();
    let stale = flawed(&product, "extension-with-a-stale-profile");
    let at = "Rocket.app/PlugIns/RocketWidget.appex/embedded.mobileprovision";
    blocks(
        check(&plans(&product), &stale, &[]),
        &[("embedded-profile-not-pinned", at)],
    );
    // Without a plan the pin alone tells.
    blocks(
        check(&pins(&product), &stale, &[]),
        &[("embedded-profile-not-pinned", at)],
    );
}

#[test]
fn a_pinned_profile_in_the_wrong_place_is_named() {
    let product = store_app();
    let swapped = flawed(&product, "extension-with-the-profile-of-the-app");
    let appex = "Rocket.app/PlugIns/RocketWidget.appex";
    let at = format!("{appex}/embedded.mobileprovision");
    blocks(
        check(&plans(&product), &swapped, &[]),
        &[("embedded-profile-not-planned", &at)],
    );
}

#[test]
fn a_missing_profile_is_named_with_and_without_a_plan() {
    let product = store_app();
    let missing = flawed(&product, "profile-missing");
    let expected = [("embedded-profile-missing", "Rocket.app")];
    blocks(check(&plans(&product), &missing, &[]), &expected);
    blocks(check(&pins(&product), &missing, &[]), &expected);
}

#[test]
fn profiles_that_are_not_proven_are_refused_as_everywhere() {
    let product = store_app();
    let workshop = plans(&product);
    for flaw in ["profile-forged", "profile-of-noise"] {
        let document = check(&workshop, &flawed(&product, flaw), &[])
            .exits(10)
            .json();
        let codes = codes(&document);
        assert!(
            codes.iter().any(|code| code.starts_with("profile-")),
            "{flaw}: {codes:?}"
        );
        assert!(
            codes.contains(&"embedded-profile-not-pinned".to_owned()),
            "{flaw}: {codes:?}"
        );
    }
}

#[test]
fn what_the_verifier_blocks_is_blocked_and_the_context_is_told_beside_it() {
    let product = store_app();
    let stale = flawed(&product, "extension-with-a-stale-profile");
    let broken = stale.edited(|bundle| bundle.file_mut("Assets.car").push(b'\n'));
    blocks(
        check(&plans(&product), &broken, &[]),
        &[
            ("resource-changed", "Rocket.app/Assets.car"),
            (
                "embedded-profile-not-pinned",
                "Rocket.app/PlugIns/RocketWidget.appex/embedded.mobileprovision",
            ),
        ],
    );
}

#[test]
fn a_retiring_profile_signs_nothing_any_more() {
    use countersign::context::manifest::ProfileState;
    let product = store_app();
    let workshop = pins(&product);
    workshop.edit_manifest(|content| {
        for profile in &mut content.profiles {
            if profile.bundle_id.as_str() == "com.acme.rocket" {
                profile.state = ProfileState::Retiring;
            }
        }
    });
    let document = check(&workshop, &product, &[]).exits(10).json();
    assert!(
        codes(&document).contains(&"embedded-profile-not-planned".to_owned()),
        "{document:#}"
    );
}
