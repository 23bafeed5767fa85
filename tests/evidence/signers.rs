//! The certificates that sign a product.

use forge::hierarchy::LeafKind;

use crate::scene::{blocking, blocks, check, clears, flawed, pins, plans, store_app};

#[test]
fn a_renewed_certificate_is_neither_in_the_profile_nor_planned() {
    let product = forge::bundle::ios_app(&forge::code_signature::SigningIdentity::acme(
        LeafKind::AppleDistribution,
    ))
    .sign();
    let renewed = flawed(&product, "signer-renewed");
    let expected = [
        ("signer-not-in-profile", "Rocket.app"),
        ("signer-not-planned", "Rocket.app"),
    ];
    blocks(check(&plans(&product), &renewed, &[]), &expected);
    blocks(check(&pins(&product), &renewed, &[]), &expected);
}

#[test]
fn nested_code_is_signed_with_the_certificate_of_what_is_around_it() {
    let product = store_app();
    let renewed = product.signed_again(|spec| {
        let leaf = forge::hierarchy::LeafSpec::new(LeafKind::AppleDistribution).labelled("leaf 2");
        let signer =
            forge::code_signature::SigningIdentity::of(forge::hierarchy::Hierarchy::acme(), &leaf);
        let item = spec.at_mut("Frameworks/RocketKit.framework");
        item.signature.signing = forge::code_signature::Signing::By(Box::new(signer));
    });
    let at = "Rocket.app/Frameworks/RocketKit.framework";
    blocks(
        check(&plans(&product), &renewed, &[]),
        &[("signer-not-planned", at)],
    );
}

#[test]
fn a_certificate_that_the_policy_allows_may_sign_what_has_no_plan() {
    let product = store_app();
    let leaf = forge::hierarchy::LeafSpec::new(LeafKind::AppleDistribution).labelled("leaf 2");
    let signer =
        forge::code_signature::SigningIdentity::of(forge::hierarchy::Hierarchy::acme(), &leaf);
    let sha256 = countersign::base::ids::CertSha256::of(&signer.identity.der);
    let renewed = product.signed_again(|spec| {
        let item = spec.at_mut("Frameworks/RocketKit.framework");
        item.signature.signing = forge::code_signature::Signing::By(Box::new(signer));
    });
    let workshop = plans(&product);
    let policy =
        support::workshop::POLICY.to_owned() + &format!("\n[identities]\nallow = [\"{sha256}\"]\n");
    workshop.write("manifests/signing.toml", policy);
    clears(check(&workshop, &renewed, &[]));
}

#[test]
fn nothing_nested_may_be_unsigned_or_ad_hoc() {
    let product = store_app();
    let workshop = plans(&product);
    for (flaw, code) in [
        ("nested-built-in-unsigned", "code-unsigned"),
        ("nested-built-in-ad-hoc", "code-ad-hoc"),
    ] {
        let document = check(&workshop, &flawed(&product, flaw), &[])
            .exits(10)
            .json();
        let told = blocking(&document);
        assert!(
            told.iter()
                .any(|(found, at)| found == code && at.starts_with("Rocket.app/")),
            "{flaw}: {told:?}"
        );
    }
}
