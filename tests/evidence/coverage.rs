//! Everything that is planned is there, and nothing else.

use support::workshop::codes;

use crate::scene::{blocking, blocks, check, clears, flawed, pins, plans, store_app};

#[test]
fn a_planned_extension_that_is_missing_is_named() {
    let product = store_app();
    let without = flawed(&product, "extension-missing");
    blocks(
        check(&plans(&product), &without, &[]),
        &[("planned-target-missing", "Rocket.app")],
    );
    clears(check(&plans(&without), &without, &[]));
}

#[test]
fn other_apps_and_other_configurations_of_the_manifest_are_not_missed() {
    let product = store_app();
    let workshop = plans(&product);
    workshop.edit_manifest(|content| {
        let mut others: Vec<_> = content.targets.clone();
        for target in &mut others {
            target.target = format!("Other{}", target.target).parse().unwrap();
            target.bundle_id = target
                .bundle_id
                .as_str()
                .replace("rocket", "rocketpro")
                .parse()
                .unwrap();
        }
        let mut debug = content.targets.clone();
        for target in &mut debug {
            target.configuration = "Debug".parse().unwrap();
        }
        let mut tv = content.targets[0].clone();
        tv.platform = countersign::xcode::platform::Platform::Tvos;
        tv.bundle_id = "com.acme.rocket.tv".parse().unwrap();
        tv.target = "TopShelf".parse().unwrap();
        content.targets.extend(others);
        content.targets.extend(debug);
        content.targets.push(tv);
        content.targets.sort_by(|a, b| a.key().cmp(&b.key()));
    });
    clears(check(&workshop, &product, &[]));
    clears(check(&workshop, &product, &["--configuration", "Release"]));
}

#[test]
fn an_extension_that_nobody_planned_is_named() {
    let product = store_app();
    let more = flawed(&product, "extension-not-planned");
    let told = blocking(&check(&plans(&product), &more, &[]).exits(10).json());
    let at = "Rocket.app/PlugIns/Surprise.appex".to_owned();
    assert!(
        told.contains(&("item-not-planned".to_owned(), at)),
        "{told:?}"
    );
    clears(check(&plans(&more), &more, &[]));
}

#[test]
fn without_a_plan_that_is_said_and_the_profiles_alone_count() {
    let product = store_app();
    let document = clears(check(&pins(&product), &product, &[]));
    assert!(codes(&document).contains(&"product-plan-missing".to_owned()));
}

/// Two apps whose ids begin alike, as a beta beside the app has it.
#[test]
fn another_app_whose_id_begins_with_that_of_this_one_is_not_missed_and_that_is_said() {
    let product = store_app();
    let workshop = plans(&product);
    workshop.edit_manifest(|content| {
        let mut beta: Vec<_> = content.targets.clone();
        for target in &mut beta {
            target.target = format!("Beta{}", target.target).parse().unwrap();
            let id = target.bundle_id.as_str();
            target.bundle_id = id
                .replace("com.acme.rocket", "com.acme.rocket.beta")
                .parse()
                .unwrap();
        }
        content.targets.extend(beta);
        content.targets.sort_by(|a, b| a.key().cmp(&b.key()));
    });
    let document = clears(check(&workshop, &product, &[]));
    let told = document["findings"].as_array().unwrap();
    let of_beta: Vec<_> = told
        .iter()
        .filter(|finding| finding["code"] == "planned-target-missing")
        .collect();
    assert_eq!(of_beta.len(), 1, "{of_beta:#?}");
    assert_eq!(of_beta[0]["expected"], "com.acme.rocket.beta");
    assert_eq!(of_beta[0]["severity"], "warn");
    // An extension of this app is missed all the same.
    let without = flawed(&product, "extension-missing");
    blocks(
        check(&workshop, &without, &[]),
        &[("planned-target-missing", "Rocket.app")],
    );
}
