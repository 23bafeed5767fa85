//! What `CODE_SIGN_IDENTITY` holds: nothing written, an empty value, ad hoc, another kind. All four are different things.

use forge::fixtures::products;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::Value as Json;
use support::workshop::codes;

use crate::scene::{SPECIFIER, blocked, profile, rocket, scene, targets, unasked};

/// Checks `project`: the findings of this code.
fn told(project: &ProjectSpec, profiles: &[ProfileSpec], exit: i32, code: &str) -> Vec<Json> {
    let workshop = scene(project, profiles);
    let check = targets(&workshop, "check", &["--format", "json"]);
    let document = check.exits(exit).json();
    let findings = document["findings"].as_array().unwrap().iter();
    findings.filter(|it| it["code"] == code).cloned().collect()
}

fn developer_id(bundle_id: &str) -> ProfileSpec {
    let leaf = LeafSpec::new(LeafKind::DeveloperIdApplication);
    let mut profile = ProfileSpec::mac(Kind::DeveloperId, bundle_id)
        .named("Rocket for the Mac")
        .entitled(
            "com.apple.developer.networking.networkextension",
            plist_array(),
        );
    profile = profile.certificates(&[Hierarchy::acme().developer(&leaf)]);
    profile
}

fn plist_array() -> plist::Value {
    plist::Value::Array(vec!["packet-tunnel-provider".into()])
}

fn mac(target: TargetSpec) -> ProjectSpec {
    ProjectSpec::new("Acme")
        .with("SDKROOT", "macosx")
        .with("CODE_SIGN_STYLE", "Manual")
        .target(target)
}

#[test]
fn an_empty_identity_of_a_product_that_must_be_signed_blocks_at_its_line() {
    let project = rocket().change("Share", |share| share.release("CODE_SIGN_IDENTITY", ""));
    let workshop = scene(&project, &products());
    let line = "CODE_SIGN_IDENTITY = \"\"";
    let told = blocked(&workshop, &[], "identity-not-allowed", "Share", line);
    assert!(told.message().contains("empty"), "{}", told.message());
    // The export writes the planned certificate.
    targets(&workshop, "export", &["--as", "xcargs"]).exits(0);
}

#[test]
fn an_ad_hoc_identity_blocks_on_devices() {
    let project = rocket().change("Share", |share| share.release("CODE_SIGN_IDENTITY", "-"));
    let workshop = scene(&project, &products());
    let line = "CODE_SIGN_IDENTITY = -";
    let told = blocked(
        &workshop,
        &[],
        "identity-not-allowed",
        "Share",
        "CODE_SIGN_IDENTITY",
    );
    assert!(
        told.message().contains("ad hoc"),
        "{} {line}",
        told.message()
    );
}

/// SettingsTests.signingBasicErrorsForPlatformsAdhocIphoneos
#[test]
fn an_ad_hoc_framework_blocks_on_devices_unless_the_project_allows_it() {
    let kit = || {
        TargetSpec::new("Kit", Product::Framework, "com.acme.kit")
            .with("DEVELOPMENT_TEAM", "")
            .with("CODE_SIGN_IDENTITY", "-")
    };
    let of = |kit: TargetSpec| {
        rocket()
            .target(kit)
            .change("Rocket", |rocket| rocket.embedding(&["Kit"]))
    };
    let workshop = scene(&of(kit()), &products());
    let told_at = blocked(
        &workshop,
        &[],
        "identity-not-allowed",
        "Kit",
        "CODE_SIGN_IDENTITY",
    );
    assert!(
        told_at.message().contains("devices"),
        "{}",
        told_at.message()
    );
    let automatic = of(kit().with("CODE_SIGN_STYLE", "Automatic"));
    let workshop = scene(&automatic, &products());
    let check = targets(&workshop, "check", &["--format", "json"]).json();
    let findings = check["findings"].as_array().unwrap();
    let severity = findings
        .iter()
        .find(|it| it["code"] == "identity-not-allowed")
        .map(|it| it["severity"].clone());
    assert_eq!(severity, Some("warn".into()));
    let allowed = of(kit().with("AD_HOC_CODE_SIGNING_ALLOWED", "YES"));
    assert!(told(&allowed, &products(), 0, "identity-not-allowed").is_empty());
}

#[test]
fn an_ad_hoc_identity_on_the_mac_blocks_with_claims_and_warns_with_a_profile_alone() {
    let bundle_id = "com.acme.rocket";
    let app = || {
        TargetSpec::new("Rocket", Product::App, bundle_id)
            .with("CODE_SIGN_IDENTITY", "-")
            .with(SPECIFIER, "Rocket for the Mac")
    };
    let claiming = app().claiming(
        "com.apple.developer.networking.networkextension",
        plist_array(),
    );
    let workshop = scene(&mac(claiming), &[developer_id(bundle_id)]);
    blocked(
        &workshop,
        &[],
        "identity-not-allowed",
        "Rocket",
        "CODE_SIGN_IDENTITY",
    );
    let warned = told(
        &mac(app()),
        &[developer_id(bundle_id)],
        0,
        "identity-not-allowed",
    );
    assert_eq!(warned[0]["severity"], "warn");
    // Without a profile and without a claim, ad hoc is how a Mac product that stays here is signed.
    let plain = TargetSpec::new("Rocket", Product::App, bundle_id).with("CODE_SIGN_IDENTITY", "-");
    assert!(told(&mac(plain), &[], 0, "identity-not-allowed").is_empty());
}

#[test]
fn an_empty_identity_where_nothing_is_required_is_no_mistake() {
    let kit = TargetSpec::new("Kit", Product::Framework, "com.acme.kit")
        .with("CODE_SIGN_IDENTITY", "")
        .with("DEVELOPMENT_TEAM", "");
    let project = rocket()
        .target(kit)
        .change("Rocket", |rocket| rocket.embedding(&["Kit"]));
    assert!(told(&project, &products(), 0, "identity-not-allowed").is_empty());
    let unsigned = rocket()
        .change_all(|target| target.release("CODE_SIGN_IDENTITY", ""))
        .release("CODE_SIGNING_REQUIRED", "NO");
    assert!(told(&unsigned, &products(), 0, "identity-not-allowed").is_empty());
}

#[test]
fn an_identity_that_nobody_wrote_beside_a_profile_for_distribution_is_one_finding() {
    let unwritten = || rocket().change_all(|target| target.without("CODE_SIGN_IDENTITY"));
    let blocked = told(&unwritten(), &products(), 10, "identity-profile-conflict");
    assert_eq!(blocked.len(), 1, "{blocked:#?}");
    assert_eq!(blocked[0]["severity"], "block");
    let message = blocked[0]["message"].as_str().unwrap();
    for part in ["Rocket, Share", "Apple Development"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(told(&rocket(), &products(), 0, "identity-profile-conflict").is_empty());
    // Who gives the profile in the policy hands it to the build.
    let workshop = scene(&unwritten(), &products());
    let assigned = products()
        .iter()
        .zip(["Rocket", "Share", "Widgets", "Watch"])
        .map(|(profile, target)| {
            format!(
                "[[targets]]\ntarget = \"{target}\"\nconfiguration = \"Release\"\nprofile = \"{}\"\n",
                profile.uuid
            )
        })
        .collect::<String>();
    let policy = format!("{}\n{assigned}", support::workshop::POLICY);
    workshop.write("manifests/signing.toml", policy);
    let check = targets(&workshop, "check", &["--format", "json"]);
    assert!(codes(&check.exits(0).json()).contains(&"identity-profile-conflict".to_owned()));
    // A profile for development is what that default is for.
    let development =
        ProfileSpec::ios(Kind::Development, "com.acme.rocket").named("Rocket at home");
    let app = TargetSpec::new("Rocket", Product::App, "com.acme.rocket")
        .with(SPECIFIER, "Rocket at home");
    let project = ProjectSpec::new("Acme")
        .with("CODE_SIGN_STYLE", "Manual")
        .target(app);
    assert!(told(&project, &[development], 0, "identity-profile-conflict").is_empty());
}

#[test]
fn manual_signing_without_a_specifier_is_one_warning() {
    let warned = told(&unasked(), &products(), 0, "specifier-missing");
    assert_eq!(warned.len(), 1, "{warned:#?}");
    let warned = &warned[0];
    assert_eq!(warned["severity"], "warn");
    assert!(
        warned["message"]
            .as_str()
            .unwrap()
            .contains("Rocket, Share"),
        "{warned:#}"
    );
    assert!(told(&rocket(), &products(), 0, "specifier-missing").is_empty());
    // Automatic signing needs none.
    let automatic =
        ProjectSpec::new("Acme").target(TargetSpec::new("Rocket", Product::App, "com.acme.rocket"));
    let development = ProfileSpec::ios(Kind::Development, "com.acme.rocket");
    assert!(told(&automatic, &[development], 0, "specifier-missing").is_empty());
    // Whoever froze the project hands the pinned profile to the build.
    let workshop = crate::scene::frozen(&unasked(), &products());
    let document = crate::scene::gate(&workshop).exits(0).json();
    assert!(!codes(&document).contains(&"specifier-missing".to_owned()));
    // What the export says counts.
    let workshop = scene(&unasked(), &products());
    targets(
        &workshop,
        "export",
        &["--as", "xcconfig", "-o", "Signing.xcconfig"],
    )
    .exits(0);
    let check = targets(
        &workshop,
        "check",
        &["--xcconfig", "Signing.xcconfig", "--format", "json"],
    );
    let codes = codes(&check.exits(0).json());
    assert!(
        !codes.contains(&"specifier-missing".to_owned()),
        "{codes:?}"
    );
}

#[test]
fn the_development_side_of_icloud_in_a_product_for_distribution_is_a_warning() {
    const ENVIRONMENT: &str = "com.apple.developer.icloud-container-environment";
    let granting = |key: &str| {
        let mut profiles = crate::scene::without("com.acme.rocket");
        profiles.push(profile("com.acme.rocket").entitled(key, "Production"));
        profiles
    };
    let claiming =
        |value: &str| rocket().change("Rocket", |rocket| rocket.claiming(ENVIRONMENT, value));
    let code = "environment-for-development";
    let warned = told(&claiming("Development"), &granting(ENVIRONMENT), 0, code);
    assert_eq!(warned.len(), 1, "{warned:#?}");
    assert_eq!(warned[0]["severity"], "warn");
    assert_eq!(warned[0]["place"]["pointer"], format!("/{ENVIRONMENT}"));
    assert!(warned[0]["place"]["line"].is_u64());
    assert!(told(&claiming("Production"), &granting(ENVIRONMENT), 0, code).is_empty());
}

#[test]
fn the_development_side_of_push_is_no_mistake_because_xcode_replaces_it() {
    let claiming =
        |value: &str| rocket().change("Rocket", |rocket| rocket.claiming("aps-environment", value));
    for value in ["development", "production"] {
        let workshop = scene(&claiming(value), &products());
        let document = targets(&workshop, "check", &["--format", "json"])
            .exits(0)
            .json();
        let mut codes = codes(&document);
        codes.retain(|code| code != "profile-anchor-not-apple");
        assert_eq!(codes, Vec::<String>::new(), "{value}");
    }
    // But the profile must take part in push.
    let share = rocket().change("Share", |share| {
        share.claiming("aps-environment", "development")
    });
    let workshop = scene(&share, &products());
    blocked(
        &workshop,
        &[],
        "entitlement-not-granted",
        "Share",
        "aps-environment",
    );
}

#[test]
fn an_identity_that_is_written_for_the_sdk_of_the_application_alone_is_none_for_its_watch_app() {
    let of_the_phone = || {
        rocket()
            .change_all(|target| target.without("CODE_SIGN_IDENTITY"))
            .with("CODE_SIGN_IDENTITY[sdk=iphoneos*]", "Apple Distribution")
    };
    let workshop = scene(&of_the_phone(), &products());
    crate::scene::blocked(
        &workshop,
        &[],
        "identity-profile-conflict",
        "Watch",
        SPECIFIER,
    );
    let of_both = of_the_phone().with("CODE_SIGN_IDENTITY[sdk=watchos*]", "Apple Distribution");
    assert!(told(&of_both, &products(), 0, "identity-profile-conflict").is_empty());
}
