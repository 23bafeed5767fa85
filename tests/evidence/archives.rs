//! An `.ipa` and an `.xcarchive` are judged as the app in them.

use forge::bundle::{ios_app, ipa, xcarchive};
use forge::code_signature::SigningIdentity;
use forge::hierarchy::LeafKind;

use crate::scene::{ad_hoc_app, blocks, clears, flawed, plans, run, store_app};

#[test]
fn an_ipa_is_judged_where_it_lies() {
    let product = store_app();
    let workshop = plans(&product);
    let bytes = ipa(&product);
    workshop.write("Rocket.ipa", &bytes);
    let document = clears(run(&workshop, "Rocket.ipa", &["--for", "app-store"]));
    let sha256 = countersign::base::digest::Digest::of(&bytes).to_string();
    assert_eq!(document["products"][0]["digest"], sha256);
    workshop.write(
        "Stale.ipa",
        ipa(&flawed(&product, "extension-with-a-stale-profile")),
    );
    let at = "Stale.ipa/Payload/Rocket.app/PlugIns/RocketWidget.appex/embedded.mobileprovision";
    blocks(
        run(&workshop, "Stale.ipa", &[]),
        &[("embedded-profile-not-pinned", at)],
    );
}

#[test]
fn an_archive_goes_where_its_plan_says_and_symbols_are_ignored() {
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDevelopment)).sign();
    let workshop = plans(&product);
    xcarchive(&product).write_to(&workshop.path("")).unwrap();
    // Planned so; it is signed again when it is exported.
    let document = clears(run(&workshop, "Rocket.xcarchive", &["--for", "app-store"]));
    assert_eq!(document["products"][0]["destination"], "development");
    assert_eq!(
        document["products"][0]["items"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn an_ad_hoc_profile_in_an_archive_for_the_store_is_named() {
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDistribution)).sign();
    let workshop = plans(&product);
    xcarchive(&ad_hoc_app())
        .write_to(&workshop.path(""))
        .unwrap();
    let at = "Rocket.xcarchive/Products/Applications/Rocket.app/embedded.mobileprovision";
    blocks(
        run(&workshop, "Rocket.xcarchive", &[]),
        &[
            ("embedded-profile-kind", at),
            ("embedded-profile-not-pinned", at),
        ],
    );
}
