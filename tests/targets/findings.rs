//! What does not fit is told at the line that says it.

use std::fs;

use forge::fixtures::products;
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use support::workshop::codes;

use crate::scene::{
    SHARE, SPECIFIER, blocked, frozen, groups, profile, rocket, scene, targets, unasked, without,
};

#[test]
fn a_project_in_which_everything_fits_is_cleared_without_a_word() {
    let workshop = scene(&rocket(), &products());
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(0)
        .json();
    assert_eq!(document["verdict"], "cleared");
    assert_eq!(
        codes(&document)
            .iter()
            .filter(|code| !code.starts_with("profile-"))
            .count(),
        0,
        "{:#}",
        document["findings"]
    );
    let shown = document["targets"].as_array().unwrap();
    assert_eq!(shown.len(), 4);
    for target in shown {
        let bundle_id = target["bundle_id"]["value"].as_str().unwrap();
        assert_eq!(target["chosen"]["profile"], profile(bundle_id).uuid);
        assert_eq!(target["chosen"]["why"], "requested");
    }
}

#[test]
fn an_extension_left_behind_is_named_when_its_host_moved_on() {
    let renewed: Vec<ProfileSpec> = products()
        .into_iter()
        .map(|spec| {
            let name = format!("{} 2027", spec.name);
            spec.named(&name)
        })
        .collect();
    let uuid = |bundle_id: &str| {
        let of = if bundle_id == SHARE {
            products()
        } else {
            renewed.clone()
        };
        let spec = of.into_iter().find(|it| it.bundle_pattern == bundle_id);
        spec.unwrap().uuid
    };
    let workshop = scene(&ProjectSpec::rocket(uuid), &renewed);
    let told = blocked(
        &workshop,
        &[],
        "target-profile-stale",
        "Share",
        &uuid(SHARE),
    );
    assert!(
        told.message().contains("Rocket"),
        "names the host: {}",
        told.message()
    );
    let hint = told.finding["hint"].as_str().unwrap();
    assert!(
        hint.contains("iOS App Store - Extensions-Share 2027"),
        "{hint}"
    );
}

#[test]
fn a_specifier_given_once_for_all_is_told_once() {
    let project = unasked().release(SPECIFIER, "iOS App Store - App");
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "specifier-shared", "Rocket", SPECIFIER);
    for name in ["Rocket", "Share", "Widgets", "Watch"] {
        assert!(told.message().contains(name), "{}", told.message());
    }
    assert!(
        told.finding["place"]["file"]
            .as_str()
            .unwrap()
            .ends_with("project.pbxproj")
    );
}

#[test]
fn a_specifier_given_once_in_a_configuration_file_is_told_there() {
    let line = "PROVISIONING_PROFILE_SPECIFIER[config=Release] = iOS App Store - App";
    let project = unasked().based_on("Signing.xcconfig").file(
        "Signing.xcconfig",
        &format!("// Signing\n{line} // all of them\n"),
    );
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "specifier-shared", "Rocket", line);
    assert_eq!(told.finding["place"]["line"], 2);
    assert_eq!(told.finding["place"]["file"], "Signing.xcconfig");
}

#[test]
fn a_specifier_that_names_the_target_is_not_shared() {
    let project = unasked().based_on("Signing.xcconfig").file(
        "Signing.xcconfig",
        "PROVISIONING_PROFILE_SPECIFIER[config=Release] = Acme $(TARGET_NAME)\n",
    );
    let names = ["Rocket", "Share", "Widgets", "Watch"];
    let profiles: Vec<ProfileSpec> = products()
        .into_iter()
        .zip(names)
        .map(|(spec, target)| spec.named(&format!("Acme {target}")))
        .collect();
    let workshop = scene(&project, &profiles);
    targets(&workshop, "check", &[]).exits(0);
}

#[test]
fn a_test_bundle_beside_the_archive_blocks_nothing() {
    let tests = |bundle_id| TargetSpec::new("RocketUITests", Product::UiTests, bundle_id);
    let only_app = |mut project: ProjectSpec| {
        project.targets.truncate(1);
        project.targets[0].embeds.clear();
        project.target(tests("com.acme.rocket.uitests"))
    };
    // One specifier for the app and its tests: the archive holds the app alone …
    let project = only_app(unasked().release(SPECIFIER, "iOS App Store - App"));
    targets(&scene(&project, &products()), "check", &[]).exits(0);
    // … and tests that are signed manually do not make an automatic app a mixture.
    let manual = |target: TargetSpec| target.release("CODE_SIGN_STYLE", "Manual");
    let unasked = unasked().change_all(|target| target.without("CODE_SIGN_IDENTITY"));
    let project =
        only_app(unasked.release("CODE_SIGN_STYLE", "Automatic")).change("RocketUITests", manual);
    let workshop = scene(&project, &[]);
    let document = targets(&workshop, "check", &["--format", "json"]).json();
    assert!(
        !codes(&document).contains(&"signing-style-mixed".to_owned()),
        "{document:#}"
    );
    // Named, it is what is asked about.
    targets(&workshop, "check", &["--target", "RocketUITests"])
        .exits(10)
        .says(&["target-unmapped", "com.acme.rocket.uitests.xctrunner"]);
}

#[test]
fn a_catalyst_app_shares_its_specifier_with_nobody() {
    let project = rocket().change("Rocket", |target| {
        target.with("SUPPORTS_MACCATALYST", "YES")
    });
    let workshop = scene(&project, &products());
    let told = blocked(
        &workshop,
        &[],
        "target-platform-mismatch",
        "Rocket",
        SPECIFIER,
    );
    assert!(
        told.message().contains("mac-catalyst"),
        "{}",
        told.message()
    );
    targets(&workshop, "check", &["--sdk", "iphoneos"]).exits(0);
}

#[test]
fn one_automatic_target_among_manual_ones_is_told_at_its_style() {
    let automatic = |target: TargetSpec| target.release("CODE_SIGN_STYLE", "Automatic");
    let style = "CODE_SIGN_STYLE = Automatic;";
    // With a specifier, which Xcode calls conflicting provisioning settings …
    let workshop = scene(&rocket().change("Widgets", automatic), &products());
    blocked(&workshop, &[], "signing-style-mixed", "Widgets", style);
    // … and without, where it would make a profile of its own.
    let unasked = |target: TargetSpec| automatic(target).without(SPECIFIER);
    let workshop = scene(&rocket().change("Widgets", unasked), &products());
    blocked(&workshop, &[], "signing-style-mixed", "Widgets", style);
}

#[test]
fn a_project_that_xcode_signs_itself_has_no_profiles_on_a_build_machine() {
    let project = unasked()
        .release("CODE_SIGN_STYLE", "Automatic")
        .change_all(|target| target.without("CODE_SIGN_IDENTITY"));
    let document = targets(&scene(&project, &[]), "check", &["--format", "json"])
        .exits(10)
        .json();
    let unmapped = codes(&document);
    let unmapped = unmapped.iter().filter(|code| *code == "target-unmapped");
    assert_eq!(unmapped.count(), 4, "{document:#}");
}

#[test]
fn an_ad_hoc_profile_in_an_app_store_plan_is_told_whether_or_not_there_is_another() {
    let ad_hoc = ProfileSpec::ios(Kind::AdHoc, SHARE)
        .named("Ad Hoc Share")
        .entitled("com.apple.security.application-groups", groups());
    let project = rocket().change("Share", |target| target.release(SPECIFIER, "Ad Hoc Share"));
    for others in [products(), without(SHARE)] {
        let workshop = scene(&project, &[others, vec![ad_hoc.clone()]].concat());
        let kind = ["--kind", "app-store"];
        let told = blocked(
            &workshop,
            &kind,
            "target-kind-mismatch",
            "Share",
            "Ad Hoc Share",
        );
        assert_eq!(told.finding["expected"], "app-store");
        assert_eq!(told.finding["found"], "ad-hoc");
        // Nothing is exported that would take the other's profile.
        for form in ["xcargs", "xcconfig", "export-options", "json"] {
            let refused =
                targets(&workshop, "export", &["--as", form, "--kind", "app-store"]).exits(10);
            assert_eq!(refused.out, "");
        }
    }
}

#[test]
fn an_archive_and_an_ad_hoc_export_do_not_share_their_options() {
    // Nobody says what it is for: three App Store profiles and an ad-hoc one do not make one export.
    let ad_hoc = ProfileSpec::ios(Kind::AdHoc, SHARE)
        .named("Ad Hoc Share")
        .entitled("com.apple.security.application-groups", groups());
    let project = rocket().change("Share", |target| target.release(SPECIFIER, "Ad Hoc Share"));
    let workshop = scene(&project, &[without(SHARE), vec![ad_hoc]].concat());
    targets(&workshop, "export", &["--as", "export-options"])
        .exits(10)
        .says(&["app-store", "ad-hoc", "select one kind"]);
}

#[test]
fn a_development_identity_beside_a_store_profile_is_told_at_the_identity() {
    let project = rocket().change("Share", |target| {
        target.release("CODE_SIGN_IDENTITY", "Apple Development")
    });
    let development = ProfileSpec::ios(Kind::Development, SHARE)
        .entitled("com.apple.security.application-groups", groups());
    // Whether or not there is a profile that the identity would fit.
    for more in [vec![], vec![development]] {
        let workshop = scene(&project, &[products(), more].concat());
        let line = "CODE_SIGN_IDENTITY = \"Apple Development\";";
        blocked(&workshop, &[], "target-kind-mismatch", "Share", line);
    }
}

#[test]
fn another_team_is_told_at_the_team() {
    let project = rocket().change("Share", |target| {
        target.with("DEVELOPMENT_TEAM", "RIVAL4CI02")
    });
    let workshop = scene(&project, &products());
    let line = "DEVELOPMENT_TEAM = RIVAL4CI02;";
    let told = blocked(&workshop, &[], "target-team-mismatch", "Share", line);
    assert_eq!(told.finding["expected"], "team ACME4CI001");
}

#[test]
fn a_profile_of_another_bundle_id_is_told_at_the_specifier() {
    let other = "iOS App Store - Extensions-Widgets";
    let project = rocket().change("Share", |target| target.release(SPECIFIER, other));
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "target-bundle-mismatch", "Share", other);
    assert!(told.finding["expected"].as_str().unwrap().contains(SHARE));
    assert!(
        told.finding["found"]
            .as_str()
            .unwrap()
            .contains("com.acme.rocket.widgets")
    );
}

#[test]
fn a_target_that_nothing_covers_is_told_at_its_bundle_id_or_at_what_it_asks_for() {
    let workshop = scene(&unasked(), &without(SHARE));
    blocked(&workshop, &[], "target-unmapped", "Share", SHARE);
    let workshop = scene(&rocket(), &without(SHARE));
    blocked(
        &workshop,
        &[],
        "target-unmapped",
        "Share",
        "iOS App Store - Extensions-Share",
    );
}

#[test]
fn a_claim_that_is_not_granted_is_told_at_its_line() {
    let project = rocket().change("Share", |target| {
        target.claiming("aps-environment", "production")
    });
    let workshop = scene(&project, &products());
    let told = blocked(
        &workshop,
        &[],
        "entitlement-not-granted",
        "Share",
        "<key>aps-environment</key>",
    );
    assert_eq!(told.finding["place"]["file"], "Share/Share.entitlements");
    assert_eq!(told.finding["place"]["pointer"], "/aps-environment");
}

#[test]
fn a_selection_that_selects_nothing_and_an_empty_workspace_are_not_observed() {
    let workshop = frozen(&rocket(), &products());
    let judged = |project: &str, arguments: &[&str]| {
        let fixed = ["gate", "--identities", "identities.txt", "--format", "json"];
        let document = workshop
            .run(&[&fixed[..], &["--project", project], arguments].concat())
            .exits(10)
            .json();
        let findings = document["findings"].as_array().unwrap().clone();
        let blocking = findings.into_iter().find(|it| it["severity"] == "block");
        blocking.unwrap()
    };
    let finding = judged("Acme.xcodeproj", &["--sdk", "appletvos"]);
    assert_eq!(finding["code"], "targets-unobserved");
    assert_eq!(finding["found"], "none in Acme.xcodeproj");
    fs::create_dir(workshop.path("Empty.xcworkspace")).unwrap();
    workshop.write(
        "Empty.xcworkspace/contents.xcworkspacedata",
        "<?xml version=\"1.0\"?><Workspace version = \"1.0\"></Workspace>",
    );
    let finding = judged("Empty.xcworkspace", &[]);
    assert_eq!(finding["code"], "targets-unobserved");
    assert_eq!(finding["found"], "no project");
}
