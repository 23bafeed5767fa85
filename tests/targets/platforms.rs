//! Platforms and product types with rules of their own: visionOS, Mac Catalyst, app clips.

use forge::fixtures::{distribution, products};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use support::workshop::codes;

use crate::scene::{SPECIFIER, blocked, blocking, groups, rocket, scene, targets};

const CLIP: &str = "com.acme.rocket.Clip";
const IS_CLIP: &str = "com.apple.developer.on-demand-install-capable";

#[test]
fn an_ios_profile_signs_visionos_only_if_it_says_so() {
    let project = ProjectSpec::new("Acme")
        .with("CODE_SIGN_STYLE", "Manual")
        .with("CODE_SIGN_IDENTITY", "Apple Distribution")
        .with("SDKROOT", "xros")
        .target(
            TargetSpec::new("Rocket", Product::App, "com.acme.rocket")
                .with(SPECIFIER, "iOS App Store - App"),
        );
    let on = |platforms: &[&str]| {
        let mut profile = crate::scene::profile("com.acme.rocket");
        profile.platforms = Some(platforms.iter().map(|&name| name.to_owned()).collect());
        scene(&project, &[profile])
    };
    blocked(
        &on(&["iOS"]),
        &[],
        "target-platform-mismatch",
        "Rocket",
        SPECIFIER,
    );
    for platforms in [&["iOS", "xrOS", "visionOS"][..], &["visionOS"]] {
        targets(&on(platforms), "check", &[]).exits(0);
    }
}

/// Acme's app with an app clip, whose profile grants it this.
fn with_clip(bundle_id: &str, grants: &[&str]) -> (ProjectSpec, Vec<ProfileSpec>) {
    let clip = TargetSpec::new("Clip", Product::AppClip, bundle_id)
        .release("CODE_SIGN_IDENTITY", "Apple Distribution")
        .release(SPECIFIER, "iOS App Store - Clip");
    let project = rocket()
        .target(clip)
        .change("Rocket", |rocket| rocket.embedding(&["Clip"]));
    let profile = ProfileSpec::ios(Kind::AppStore, bundle_id)
        .named("iOS App Store - Clip")
        .certificates(&[distribution()]);
    let profile = grants
        .iter()
        .fold(profile, |profile, key| profile.entitled(key, true));
    (project, [products(), vec![profile]].concat())
}

#[test]
fn an_app_clip_needs_a_profile_that_says_that_it_is_one() {
    let (project, profiles) = with_clip(CLIP, &[IS_CLIP]);
    targets(&scene(&project, &profiles), "check", &[]).exits(0);
    // Nobody wrote the claim: its product type makes it.
    let (project, profiles) = with_clip(CLIP, &[]);
    let workshop = scene(&project, &profiles);
    let told = blocked(&workshop, &[], "entitlement-not-granted", "Clip", "");
    assert!(told.message().contains(IS_CLIP), "{}", told.message());
    assert!(
        told.finding["place"]["file"].is_string(),
        "{:#}",
        told.finding
    );
}

#[test]
fn an_app_clip_has_an_id_that_begins_with_its_applications() {
    let (project, profiles) = with_clip("com.acme.clip", &[IS_CLIP]);
    let workshop = scene(&project, &profiles);
    blocked(
        &workshop,
        &[],
        "bundle-id-not-prefixed",
        "Clip",
        "com.acme.clip",
    );
}

#[test]
fn on_the_mac_the_derived_id_of_a_catalyst_app_is_the_prefix() {
    const DERIVE: &str = "DERIVE_MACCATALYST_PRODUCT_BUNDLE_IDENTIFIER";
    let project = |derived: &[&str]| {
        let mut project = rocket();
        for name in ["Rocket", "Share"] {
            let derive = if derived.contains(&name) { "YES" } else { "NO" };
            project = project.change(name, |target| {
                target
                    .with("SUPPORTS_MACCATALYST", "YES")
                    .with(DERIVE, derive)
                    .without(SPECIFIER)
            });
        }
        project
    };
    let mac = |bundle_id: &str| {
        ProfileSpec::mac(Kind::AppStore, bundle_id)
            .certificates(&[distribution()])
            .entitled("com.apple.security.application-groups", groups())
            .entitled("com.apple.developer.aps-environment", "production")
            .entitled("com.apple.developer.associated-domains", "*")
    };
    let ids = ["com.acme.rocket", "com.acme.rocket.share"];
    let on_the_mac = ids.map(|id| mac(&format!("maccatalyst.{id}")));
    let profiles = [products(), ids.map(mac).to_vec(), on_the_mac.to_vec()].concat();
    for (derived, blocks) in [
        (&["Rocket", "Share"][..], false),
        (&[], false),
        (&["Rocket"], true),
    ] {
        let workshop = scene(&project(derived), &profiles);
        let document = targets(&workshop, "check", &["--format", "json"])
            .exits(if blocks { 10 } else { 0 })
            .json();
        let prefix = blocking(&workshop, &document);
        let prefix: Vec<&str> = prefix.iter().map(crate::scene::Told::code).collect();
        let expected: &[&str] = if blocks {
            &["bundle-id-not-prefixed"]
        } else {
            &[]
        };
        assert_eq!(prefix, expected, "{derived:?}");
    }
}

#[test]
fn a_claim_in_a_setting_counts_as_one_in_the_file() {
    let contents = "{ \"com.apple.developer.healthkit\" = YES; }";
    let claiming = |contents: &str| {
        rocket().change("Share", |share| {
            share.with("CODE_SIGN_ENTITLEMENTS_CONTENTS", contents)
        })
    };
    let workshop = scene(&claiming(contents), &products());
    let told = blocked(&workshop, &[], "entitlement-not-granted", "Share", "");
    assert!(told.message().contains("healthkit"), "{}", told.message());
    // What the setting says counts over the file, and what the profile grants may be claimed in either.
    let granted = "{ \"com.apple.security.application-groups\" = ( \"group.com.acme.rocket\" ); }";
    let workshop = scene(&claiming(granted), &products());
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(0)
        .json();
    assert!(!codes(&document).contains(&"entitlement-not-granted".to_owned()));
}

#[test]
fn a_target_of_two_platforms_that_ships_on_one_is_told_to_name_its_sdk() {
    let project = rocket().change("Rocket", |rocket| {
        rocket
            .with("SUPPORTED_PLATFORMS", "iphoneos macosx")
            .with("SDKROOT", "auto")
    });
    let workshop = scene(&project, &products());
    let told = blocked(
        &workshop,
        &[],
        "target-platform-mismatch",
        "Rocket",
        SPECIFIER,
    );
    let hint = told.finding["hint"].as_str().unwrap();
    assert!(hint.contains("--sdk iphoneos"), "{hint}");
    targets(&workshop, "check", &["--sdk", "iphoneos"]).exits(0);
}
