//! What code says of itself.

use forge::bundle::{ios_app, mac_app};
use forge::code_signature::SigningIdentity;
use forge::hierarchy::LeafKind;
use forge::profile::{ACME_TEAM, Family, Kind, entitlements};

use crate::scene::{blocks, check, clears, flawed, plans};

#[test]
fn claims_beyond_the_profile_are_named() {
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDistribution)).sign();
    let workshop = plans(&product);
    clears(check(&workshop, &product, &[]));
    blocks(
        check(&workshop, &flawed(&product, "entitlement-not-granted"), &[]),
        &[("claim-not-granted", "Rocket.app")],
    );
    let document = check(&workshop, &flawed(&product, "debuggable"), &[])
        .exits(10)
        .json();
    let told = crate::scene::blocking(&document);
    assert!(
        told.contains(&("product-debuggable".to_owned(), "Rocket.app".to_owned())),
        "{told:?}"
    );
}

#[test]
fn another_identifier_than_the_bundle_id_is_named() {
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDistribution)).sign();
    let workshop = plans(&product);
    let other =
        product.signed_again(|spec| spec.signature.identifier = "com.acme.other".to_owned());
    blocks(
        check(&workshop, &other, &[]),
        &[("signing-identifier-mismatch", "Rocket.app")],
    );
}

#[test]
fn slices_may_have_other_identifiers_and_no_other_claims() {
    let product = mac_app(&SigningIdentity::acme(LeafKind::DeveloperIdApplication)).sign();
    let workshop = plans(&product);
    let changed = |change: &dyn Fn(&mut forge::code_signature::CodeSignature)| {
        product.signed_again(|spec| {
            let mut signature = spec.signature.clone();
            change(&mut signature);
            spec.executable.signatures.insert(0, signature);
        })
    };
    let renamed = changed(&|signature| signature.identifier = "com.acme.rocket-x86".to_owned());
    clears(check(&workshop, &renamed, &[]));
    let claiming = changed(&|signature| {
        let mut values = plist::Dictionary::new();
        values.insert(
            "com.apple.security.cs.disable-library-validation".to_owned(),
            true.into(),
        );
        *signature = signature.clone().entitled(&values);
    });
    blocks(
        check(&workshop, &claiming, &[]),
        &[("code-slices-differ", "Rocket.app/Contents/MacOS/Rocket")],
    );
}

#[test]
fn the_application_identifier_is_that_of_the_profile_and_the_bundle_id() {
    let product = ios_app(&SigningIdentity::acme(LeafKind::AppleDistribution)).sign();
    let workshop = plans(&product);
    clears(check(&workshop, &product, &[]));
    let own = "com.acme.rocket";
    let granted = entitlements(Family::Ios, Kind::AppStore, ACME_TEAM, ACME_TEAM, own);
    for claimed in [
        Some("com.acme.rocket"),
        Some("ACME4CI001.com.acme.other"),
        Some("OTHER00001.com.acme.rocket"),
        None,
    ] {
        let changed = product.signed_again(|spec| {
            let mut values = granted.clone();
            match claimed {
                Some(claimed) => values.insert("application-identifier".to_owned(), claimed.into()),
                None => values.remove("application-identifier"),
            };
            spec.signature = spec.signature.clone().entitled(&values);
        });
        let document = check(&workshop, &changed, &[]).exits(10).json();
        let told = crate::scene::blocking(&document);
        let mismatch = (
            "application-identifier-mismatch".to_owned(),
            "Rocket.app".to_owned(),
        );
        assert!(told.contains(&mismatch), "{claimed:?}: {told:?}");
    }
}
