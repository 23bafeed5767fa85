//! The policy, as the command line uses it.

use std::fs;

use support::workshop::Workshop;

#[test]
fn a_typo_in_the_policy_is_shown_with_its_line_and_the_key_that_was_meant() {
    let workshop = Workshop::frozen();
    workshop.write(
        "manifests/signing.toml",
        "version = 1\n\n[profiles]\nminimum_validty = \"7d\"\n",
    );
    workshop
        .gate(&[])
        .exits(10)
        .says(&["policy-invalid", "signing.toml:4", "minimum_validity"]);
    let document = workshop.gate(&["--format", "json"]).exits(10).json();
    assert_eq!(document["verdict"], "blocked");
    assert_eq!(document["findings"][0]["place"]["line"], 4);
    workshop
        .run(&["profile", "list"])
        .exits(10)
        .says(&["signing.toml:4", "minimum_validity"]);
}

#[test]
fn without_a_policy_the_built_in_one_applies_and_is_said_to() {
    let workshop = Workshop::frozen();
    fs::remove_file(workshop.path("manifests/signing.toml")).unwrap();
    // Nothing believes the root of these profiles then.
    workshop
        .gate(&["--profiles", "profiles"])
        .exits(10)
        .says(&["policy-default", "profile-anchor-not-apple"]);
    // One that was named must be there.
    workshop
        .gate(&["--policy", "manifests/signing.toml"])
        .exits(11)
        .says(&["signing.toml", "does not exist"]);
}

#[test]
fn the_hosts_of_the_policy_are_held() {
    let workshop = Workshop::frozen();
    let policy = format!(
        "{}\n[topology]\nkind = \"dedicated-signer\"\nkey_hosts = [\"signer-01.acme.example\"]\n",
        support::workshop::POLICY
    );
    workshop.write("manifests/signing.toml", policy);
    workshop
        .gate(&["--host", "laptop.acme.example"])
        .exits(10)
        .says(&["host-not-allowed", "signing.toml:9"]);
    workshop
        .gate(&["--host", "signer-01.acme.example"])
        .exits(0);
}
