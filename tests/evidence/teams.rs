//! Code of other teams.

use crate::scene::{blocking, blocks, check, clears, developer_id_app, flawed, plans, store_app};

#[test]
fn a_nested_framework_of_another_team_is_named_unless_the_policy_names_the_team() {
    let product = developer_id_app();
    let workshop = plans(&product);
    let foreign = flawed(&product, "nested-built-in-of-another-team");
    let document = check(&workshop, &foreign, &[]).exits(10).json();
    let told = blocking(&document);
    let at = &told
        .iter()
        .find(|(code, _)| code == "team-not-planned")
        .unwrap()
        .1;
    assert!(at.starts_with("Rocket.app/Contents/"), "{told:?}");
    blocks(
        check(&workshop, &foreign, &[]),
        &[("signer-not-planned", at), ("team-not-planned", at)],
    );
    let policy =
        support::workshop::POLICY.to_owned() + "\n[evidence]\nnested_teams = [\"OTHER00001\"]\n";
    workshop.write("manifests/signing.toml", policy);
    clears(check(&workshop, &foreign, &[]));
}

#[test]
fn a_product_of_another_team_is_blocked_whatever_teams_may_be_nested() {
    let product = store_app();
    let workshop = plans(&product);
    let policy =
        support::workshop::POLICY.to_owned() + "\n[evidence]\nnested_teams = [\"OTHER00001\"]\n";
    workshop.write("manifests/signing.toml", policy);
    let foreign = flawed(&product, "signer-of-another-team");
    let told = blocking(&check(&workshop, &foreign, &[]).exits(10).json());
    assert!(
        told.contains(&("team-not-planned".to_owned(), "Rocket.app".to_owned())),
        "{told:?}"
    );
}
