//! A product against the plan of its Xcode project.

use forge::bundle::{Item, Product, ios_app};
use forge::code_signature::SigningIdentity;
use forge::fixtures::{distribution, products, project};
use forge::hierarchy::LeafKind;
use support::workshop::{Workshop, codes};

use crate::scene::{blocking, check, clears, pins};

/// Acme's product, each part with its profile of the fixtures.
fn rocket() -> Item {
    let mut signer = SigningIdentity::acme(LeafKind::AppleDistribution);
    signer.identity = distribution();
    let mut app = ios_app(&signer)
        .with_extension("Share")
        .with_extension("Widgets")
        .with_watch_app("RocketWatch");
    let watch = app.at_mut("Watch/RocketWatch.app");
    let identifier = "com.acme.rocket.watchkitapp";
    watch.signature.identifier = identifier.to_owned();
    watch
        .info
        .insert("CFBundleIdentifier".to_owned(), identifier.into());
    let team = forge::profile::ACME_TEAM;
    let claims = forge::profile::entitlements(
        forge::profile::Family::Ios,
        forge::profile::Kind::AppStore,
        team,
        team,
        identifier,
    );
    watch.signature = watch.signature.clone().entitled(&claims);
    for path in [
        "",
        "PlugIns/Share.appex",
        "PlugIns/Widgets.appex",
        "Watch/RocketWatch.app",
    ] {
        let item = app.at_mut(path);
        let mut profiles = products().into_iter();
        let profile = profiles.find(|it| it.bundle_pattern == item.signature.identifier);
        item.profile = Some(profile.unwrap().mint());
    }
    app
}

fn workshop(product: &Product) -> Workshop {
    let workshop = pins(product);
    project().write(&workshop.path(""));
    workshop
}

const PROJECT: [&str; 4] = ["--project", "Acme.xcodeproj", "--configuration", "Release"];

#[test]
fn the_projects_plan_tells_what_belongs_into_the_product() {
    let product = rocket().sign();
    let workshop = workshop(&product);
    let document = clears(check(&workshop, &product, &PROJECT));
    assert!(!codes(&document).contains(&"product-plan-missing".to_owned()));
    let items = document["products"][0]["items"].as_array().unwrap();
    let planned = items.iter().filter(|item| item["target"].is_string());
    assert_eq!(planned.count(), 4, "{document:#}");

    let mut without = rocket();
    without
        .nested
        .retain(|nested| nested.item.name != "Share.appex");
    let told = blocking(&check(&workshop, &without.sign(), &PROJECT).exits(10).json());
    let missing = ("planned-target-missing".to_owned(), "Rocket.app".to_owned());
    assert_eq!(told, [missing]);
}

#[test]
fn a_manifest_that_was_frozen_with_the_project_plans_the_same() {
    let product = rocket().sign();
    let workshop = workshop(&product);
    workshop
        .run(&[&["manifest", "freeze"], &PROJECT[..]].concat())
        .exits(0);
    let document = clears(check(&workshop, &product, &[]));
    assert!(!codes(&document).contains(&"product-plan-missing".to_owned()));
    let mut without = rocket();
    without
        .nested
        .retain(|nested| nested.item.name != "RocketWatch.app");
    let told = blocking(&check(&workshop, &without.sign(), &[]).exits(10).json());
    let missing = ("planned-target-missing".to_owned(), "Rocket.app".to_owned());
    assert_eq!(told, [missing]);
}
