//! Each check of `context/plan/check`: what it blocks, and what looks alike and is right.

use forge::certificate::Identity;
use forge::find_identity;
use forge::fixtures::{distribution, products};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::Value as Json;
use support::workshop::{Ran, codes};

use crate::scene::{SHARE, SPECIFIER, blocked, blocking, profile, rocket, scene, targets, unasked};

/// The codes of what is told of the targets, `profile-expires-soon` and the like left out.
fn told(project: &ProjectSpec, profiles: &[ProfileSpec], code: i32) -> (Vec<String>, Json) {
    let workshop = scene(project, profiles);
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(code)
        .json();
    (codes_of_targets(&document), document)
}

/// Without what is told of the forged profiles themselves.
fn codes_of_targets(document: &Json) -> Vec<String> {
    let mut codes = codes(document);
    codes.retain(|code| code != "profile-anchor-not-apple");
    codes
}

#[track_caller]
fn cleared(project: &ProjectSpec, profiles: &[ProfileSpec]) {
    let (codes, document) = told(project, profiles, 0);
    assert!(codes.is_empty(), "{document:#}");
}

/// A Mac project with one target, signed as Developer ID.
fn mac(target: TargetSpec) -> ProjectSpec {
    ProjectSpec::new("Acme")
        .with("SDKROOT", "macosx")
        .with("CODE_SIGN_STYLE", "Manual")
        .with("CODE_SIGN_IDENTITY", "Developer ID Application")
        .target(target)
}

fn finding<'d>(document: &'d Json, code: &str) -> &'d Json {
    let findings = document["findings"].as_array().unwrap();
    let mut of_code = findings.iter().filter(|finding| finding["code"] == code);
    of_code.next().unwrap_or_else(|| panic!("{document:#}"))
}

fn with_kit(kit: impl Fn(TargetSpec) -> TargetSpec) -> ProjectSpec {
    let framework = TargetSpec::new("Kit", Product::Framework, "com.acme.kit");
    rocket()
        .target(kit(framework))
        .change("Rocket", |rocket| rocket.embedding(&["Kit"]))
}

// A specifier that a product takes none of.

#[test]
fn a_specifier_of_a_framework_blocks_at_its_line() {
    let project = with_kit(|kit| kit.release(SPECIFIER, "iOS App Store - App"));
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "specifier-not-supported", "Kit", SPECIFIER);
    assert!(told.message().contains("Kit"), "{}", told.message());
}

#[test]
fn a_specifier_of_the_project_is_told_once_for_all_that_take_none() {
    let project = ProjectSpec::new("Acme")
        .release("CODE_SIGN_STYLE", "Manual")
        .release("CODE_SIGN_IDENTITY", "Apple Distribution")
        .release(SPECIFIER, "iOS App Store - App")
        .target(TargetSpec::new("Rocket", Product::App, "com.acme.rocket"))
        .target(TargetSpec::new("Kit", Product::Framework, "com.acme.kit"))
        .target(TargetSpec::new(
            "Strings",
            Product::Resources,
            "com.acme.strings",
        ))
        .target(TargetSpec::new(
            "Engine",
            Product::StaticLibrary,
            "com.acme.engine",
        ));
    let workshop = scene(&project, &products());
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(10)
        .json();
    let told = blocking(&workshop, &document);
    assert_eq!(told.len(), 1, "{document:#}");
    assert_eq!(told[0].code(), "specifier-not-supported");
    assert!(told[0].line.contains(SPECIFIER), "{}", told[0].line);
    assert!(
        told[0].message().contains("Kit, Strings"),
        "{}",
        told[0].message()
    );
    // A static library is not signed, so only older Xcodes complain of its specifier.
    let findings = document["findings"].as_array().unwrap();
    let is_warned =
        |it: &&Json| it["code"] == "specifier-not-supported" && it["severity"] == "warn";
    let warned = findings.iter().find(is_warned).unwrap();
    assert!(
        warned["message"].as_str().unwrap().contains("Engine"),
        "{warned:#}"
    );
}

#[test]
fn frameworks_and_unsigned_bundles_without_a_specifier_of_their_own_are_cleared() {
    cleared(&with_kit(|kit| kit), &products());
    // Pods that are not signed may get whatever the project says.
    let pods = with_kit(|kit| {
        kit.with(SPECIFIER, "any")
            .with("CODE_SIGNING_ALLOWED", "NO")
    });
    cleared(&pods, &products());
}

// Automatic signing beside a distribution identity.

fn automatic(identity: &str) -> ProjectSpec {
    ProjectSpec::new("Acme").target(
        TargetSpec::new("Rocket", Product::App, "com.acme.rocket")
            .with("CODE_SIGN_IDENTITY[sdk=iphoneos*]", identity),
    )
}

fn development() -> ProfileSpec {
    ProfileSpec::ios(Kind::Development, "com.acme.rocket")
}

#[test]
fn a_distribution_identity_in_automatic_signing_blocks() {
    for identity in [
        "Apple Distribution",
        "iPhone Distribution: Acme Rockets, Inc (ACME4CI001)",
    ] {
        let workshop = scene(&automatic(identity), &[development()]);
        let all = targets(&workshop, "check", &["--format", "json"])
            .exits(10)
            .json();
        let told = blocking(&workshop, &all);
        let told = told
            .iter()
            .find(|it| it.code() == "identity-style-conflict")
            .unwrap();
        assert!(told.line.contains(identity), "{} {identity}", told.line);
    }
}

#[test]
fn a_development_identity_in_automatic_signing_is_cleared() {
    cleared(&automatic("Apple Development"), &[development()]);
    cleared(&automatic("iPhone Developer"), &[development()]);
}

#[test]
fn an_automatic_debug_configuration_beside_a_manual_release_is_cleared() {
    let workshop = scene(&rocket(), &products());
    targets(&workshop, "check", &["--target", "Rocket"]).exits(0);
    cleared(&rocket(), &products());
}

// Automatic signing without anything that it takes.

#[test]
fn a_distribution_profile_alone_does_not_serve_automatic_signing() {
    let project =
        ProjectSpec::new("Acme").target(TargetSpec::new("Rocket", Product::App, "com.acme.rocket"));
    let workshop = scene(&project, &products());
    let told = blocked(
        &workshop,
        &[],
        "automatic-signing-unusable",
        "Rocket",
        "CODE_SIGN_STYLE = Automatic",
    );
    assert!(told.finding["hint"].as_str().unwrap().contains("Manual"));
    // The exported settings make it manual, so the export mends it.
    targets(&workshop, "export", &["--as", "xcargs"]).exits(0);
    cleared(&project, &[development()]);
}

// No development team.

#[test]
fn a_target_without_a_team_blocks_and_the_team_of_its_profile_is_named() {
    let project = rocket().change("Share", |share| share.with("DEVELOPMENT_TEAM", ""));
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "development-team-missing", "Share", "Share");
    let hint = told.finding["hint"].as_str().unwrap();
    assert!(hint.contains("DEVELOPMENT_TEAM to ACME4CI001"), "{hint}");
}

#[test]
fn a_framework_and_a_resource_bundle_without_a_team_block_together() {
    let project = with_kit(|kit| kit.with("DEVELOPMENT_TEAM", "")).target(
        TargetSpec::new("Strings", Product::Resources, "com.acme.strings")
            .with("DEVELOPMENT_TEAM", ""),
    );
    let workshop = scene(&project, &products());
    let told = blocked(&workshop, &[], "development-team-missing", "Kit", "Kit");
    assert!(
        told.message().contains("Kit, Strings"),
        "{}",
        told.message()
    );
}

#[test]
fn what_is_not_signed_with_a_certificate_of_apples_needs_no_team() {
    let bare = |target: TargetSpec| target.with("DEVELOPMENT_TEAM", "");
    let rocket = TargetSpec::new("Rocket", Product::App, "com.acme.rocket");
    for (identity, blocks) in [
        ("-", false),
        ("Acme Self-Signed", false),
        ("Developer ID Application", true),
        ("Apple Development", true),
    ] {
        let target = bare(rocket.clone()).with("CODE_SIGN_IDENTITY", identity);
        let (codes, document) = told(&mac(target), &[], if blocks { 10 } else { 0 });
        assert_eq!(
            codes.contains(&"development-team-missing".to_owned()),
            blocks,
            "{document:#}"
        );
    }
    // As CocoaPods writes them: frameworks without an identity, bundles without a signature, static libraries.
    let pods = with_kit(|kit| bare(kit).with("CODE_SIGN_IDENTITY[sdk=iphoneos*]", ""))
        .target(
            bare(TargetSpec::new(
                "Strings",
                Product::Resources,
                "com.acme.strings",
            ))
            .with("CODE_SIGNING_ALLOWED", "NO"),
        )
        .target(bare(TargetSpec::new(
            "Engine",
            Product::StaticLibrary,
            "com.acme.engine",
        )));
    cleared(&pods, &products());
    // The specifier names the team.
    let named = crate::scene::rocket().change("Share", |share| {
        bare(share).release(SPECIFIER, "ACME4CI001/iOS App Store - Extensions-Share")
    });
    cleared(&named, &products());
}

// Profiles that Xcode manages.

fn managed() -> ProfileSpec {
    let mut managed =
        profile(SHARE).named("iOS Team Store Provisioning Profile: com.acme.rocket.share");
    managed.xcode_managed = Some(true);
    managed
}

#[test]
fn a_profile_that_xcode_manages_blocks_in_manual_signing() {
    let mut profiles = crate::scene::without(SHARE);
    profiles.push(managed());
    let asking = rocket().change("Share", |share| share.release(SPECIFIER, &managed().name));
    for project in [
        asking,
        rocket().change("Share", |share| share.without(SPECIFIER)),
    ] {
        let workshop = scene(&project, &profiles);
        blocked(&workshop, &[], "profile-xcode-managed", "Share", "");
    }
}

#[test]
fn a_profile_that_a_person_made_is_preferred_to_one_that_xcode_manages() {
    // The managed one is newer.
    let managed = managed().valid("2026-03-01T10:00:00Z", "2046-03-01T00:00:00Z");
    let profiles = [products(), vec![managed]].concat();
    let project = unasked();
    let workshop = scene(&project, &profiles);
    targets(&workshop, "check", &[]).exits(0);
    let share = crate::scene::shown(&workshop, "Share", &[]);
    assert_eq!(share["chosen"]["profile"], profile(SHARE).uuid);
    let why = share["discarded"][0]["why"].as_str().unwrap();
    assert!(why.contains("Xcode manages it"), "{why}");
}

// Embedded products.

#[test]
fn an_extension_whose_id_does_not_begin_with_its_hosts_blocks() {
    let id = "com.vendor.share";
    let project = rocket().change("Share", |share| {
        share
            .with("PRODUCT_BUNDLE_IDENTIFIER", id)
            .release(SPECIFIER, "Vendor Share")
    });
    let groups = crate::scene::groups();
    let vendor = ProfileSpec::ios(Kind::AppStore, id)
        .named("Vendor Share")
        .entitled("com.apple.security.application-groups", groups);
    let workshop = scene(&project, &[products(), vec![vendor]].concat());
    let told = blocked(&workshop, &[], "bundle-id-not-prefixed", "Share", id);
    assert!(told.message().contains("Rocket"), "{}", told.message());
    // A prefix ends at a dot.
    let near = rocket().change("Share", |share| {
        share
            .with("PRODUCT_BUNDLE_IDENTIFIER", "com.acme.rocketshare")
            .without(SPECIFIER)
    });
    let groups = crate::scene::groups();
    let near_profile = ProfileSpec::ios(Kind::AppStore, "com.acme.rocketshare")
        .entitled("com.apple.security.application-groups", groups);
    let (codes, _) = told_codes(&near, &[products(), vec![near_profile]].concat());
    assert!(
        codes.contains(&"bundle-id-not-prefixed".to_owned()),
        "{codes:?}"
    );
}

fn told_codes(project: &ProjectSpec, profiles: &[ProfileSpec]) -> (Vec<String>, Json) {
    told(project, profiles, 10)
}

#[test]
fn extensions_and_frameworks_that_fit_one_of_their_hosts_are_cleared() {
    // Two applications embed one extension, and a framework is called what it likes.
    let project = with_kit(|kit| kit).target(
        TargetSpec::new("Lite", Product::App, "com.acme.lite")
            .release("CODE_SIGN_IDENTITY", "Apple Distribution")
            .release(SPECIFIER, "Lite")
            .embedding(&["Share"]),
    );
    let lite = ProfileSpec::ios(Kind::AppStore, "com.acme.lite").named("Lite");
    cleared(&project, &[products(), vec![lite]].concat());
}

// Platforms.

#[test]
fn an_ios_profile_signs_watchos_and_not_tvos() {
    let project = ProjectSpec::new("Acme")
        .with("CODE_SIGN_STYLE", "Manual")
        .with("CODE_SIGN_IDENTITY", "Apple Distribution")
        .with("SDKROOT", "appletvos")
        .target(
            TargetSpec::new("Rocket", Product::App, "com.acme.rocket")
                .with(SPECIFIER, "iOS App Store - App"),
        );
    let workshop = scene(&project, &products());
    blocked(
        &workshop,
        &[],
        "target-platform-mismatch",
        "Rocket",
        SPECIFIER,
    );
    let mut tv = profile("com.acme.rocket");
    tv.platforms = Some(vec!["tvOS".to_owned()]);
    cleared(&project, &[tv]);
    // The watch app of Acme's product has an iOS profile.
    cleared(&rocket(), &products());
}

// What is not signed.

#[test]
fn a_build_that_is_not_signed_is_said_to_be_that() {
    let project = ProjectSpec::new("Acme")
        .with("CODE_SIGN_STYLE", "Manual")
        .target(
            TargetSpec::new("Rocket", Product::App, "com.acme.rocket")
                .with("CODE_SIGN_IDENTITY", "")
                .with("CODE_SIGNING_REQUIRED", "NO"),
        );
    let (codes, document) = told(&project, &products(), 0);
    // Nothing is cleared, and nothing mismatches either.
    assert_eq!(document["verdict"], "unsigned");
    for code in ["targets-unobserved", "target-unsigned"] {
        assert!(codes.contains(&code.to_owned()), "{document:#}");
    }
    assert!(
        !codes
            .iter()
            .any(|it| it.contains("mismatch") || it == "target-unmapped")
    );
    let unsigned = finding(&document, "target-unsigned");
    assert_eq!(unsigned["severity"], "info");
    let message = unsigned["message"].as_str().unwrap();
    assert!(message.contains("CODE_SIGNING_REQUIRED is NO"), "{message}");
    // An identity that is required and empty is no decision to sign nothing.
    let required = ProjectSpec::new("Acme")
        .with("CODE_SIGN_STYLE", "Manual")
        .target(
            TargetSpec::new("Rocket", Product::App, "com.acme.rocket")
                .with("CODE_SIGN_IDENTITY", ""),
        );
    let workshop = scene(&required, &products());
    let shown = crate::scene::shown(&workshop, "Rocket", &[]);
    assert_eq!(shown["needs_profile"], true);
}

#[test]
fn one_target_of_a_product_may_be_unsigned_unless_it_is_pinned() {
    let unsigned = rocket().change("Share", |share| share.with("CODE_SIGNING_ALLOWED", "NO"));
    let workshop = scene(&unsigned, &products());
    let document = targets(&workshop, "check", &["--format", "json"])
        .exits(0)
        .json();
    assert_eq!(codes_of_targets(&document), ["target-unsigned"]);
    let workshop = crate::scene::frozen(&rocket(), &products());
    unsigned.write(&workshop.path(""));
    let check = [
        "targets",
        "check",
        "--project",
        "Acme.xcodeproj",
        "--configuration",
        "Release",
        "--format",
        "json",
    ];
    for verb in [
        &check[..],
        &[
            "gate",
            "--identities",
            "identities.txt",
            "--project",
            "Acme.xcodeproj",
            "--format",
            "json",
        ],
    ] {
        let document = workshop.run(verb).exits(10).json();
        let told = blocking(&workshop, &document);
        assert_eq!(told.len(), 1, "{document:#}");
        assert_eq!(
            (told[0].code(), told[0].target()),
            ("target-unsigned", "Share")
        );
        assert!(
            told[0].line.contains("CODE_SIGNING_ALLOWED"),
            "{}",
            told[0].line
        );
    }
}

// Entitlements.

#[test]
fn get_task_allow_in_a_distribution_build_is_no_capability() {
    let project = rocket().change("Share", |share| share.claiming("get-task-allow", true));
    let workshop = scene(&project, &products());
    let told = blocked(
        &workshop,
        &[],
        "entitlement-not-granted",
        "Share",
        "get-task-allow",
    );
    let hint = told.finding["hint"].as_str().unwrap();
    assert!(
        hint.contains("debuggers") && !hint.contains("capability"),
        "{hint}"
    );
    let other = rocket().change("Share", |share| {
        share.claiming("com.apple.developer.healthkit", true)
    });
    let workshop = scene(&other, &products());
    let told = blocked(
        &workshop,
        &[],
        "entitlement-not-granted",
        "Share",
        "healthkit",
    );
    assert!(
        told.finding["hint"]
            .as_str()
            .unwrap()
            .contains("capability")
    );
}

#[test]
fn the_claim_that_makes_a_profile_necessary_on_the_mac_is_named() {
    let groups = || plist::Value::Array(vec!["$(AppIdentifierPrefix)com.acme.rocket".into()]);
    let rocket = TargetSpec::new("Rocket", Product::App, "com.acme.rocket");
    let project = mac(rocket.clone().claiming("keychain-access-groups", groups()));
    let workshop = scene(&project, &[]);
    let told = blocked(
        &workshop,
        &[],
        "target-unmapped",
        "Rocket",
        "keychain-access-groups",
    );
    assert!(
        told.message().contains("keychain-access-groups"),
        "{}",
        told.message()
    );
    // The sandbox and the hardened runtime need no grant: Developer ID without a profile is how most ship.
    cleared(
        &mac(rocket.claiming("com.apple.security.app-sandbox", true)),
        &[],
    );
}

#[test]
fn a_tool_with_a_restricted_entitlement_blocks() {
    let tool = TargetSpec::new("rocketctl", Product::Tool, "com.acme.rocketctl");
    let project = mac(tool
        .clone()
        .claiming("com.apple.developer.endpoint-security.client", true));
    let workshop = scene(&project, &[]);
    blocked(
        &workshop,
        &[],
        "entitlement-needs-profile",
        "rocketctl",
        "endpoint-security",
    );
    cleared(
        &mac(tool.claiming("com.apple.security.cs.allow-jit", true)),
        &[],
    );
}

#[test]
fn an_app_group_of_ios_on_the_mac_without_a_profile_is_a_warning() {
    let claiming = |group: &str| {
        mac(
            TargetSpec::new("Rocket", Product::App, "com.acme.rocket").claiming(
                "com.apple.security.application-groups",
                plist::Value::Array(vec![group.into()]),
            ),
        )
    };
    let (_, document) = told(&claiming("group.com.acme.rocket"), &[], 0);
    let warned = finding(&document, "app-group-not-provisioned");
    assert_eq!(warned["severity"], "warn");
    assert!(warned["place"]["line"].is_u64(), "{warned:#}");
    cleared(&claiming("$(TeamIdentifierPrefix)com.acme.rocket"), &[]);
    // On iOS every group is provisioned.
    cleared(&rocket(), &products());
}

#[test]
fn debugging_in_a_mac_product_for_distribution_is_a_warning() {
    let rocket = TargetSpec::new("Rocket", Product::App, "com.acme.rocket")
        .claiming("com.apple.security.get-task-allow", true);
    let (_, document) = told(&mac(rocket.clone()), &[], 0);
    assert_eq!(finding(&document, "debugging-allowed")["severity"], "warn");
    cleared(
        &mac(rocket.with("CODE_SIGN_IDENTITY", "Apple Development")),
        &[],
    );
}

// Expired profiles.

#[test]
fn an_expired_profile_is_planned_only_where_nothing_else_fits_and_is_never_exported() {
    let expired = profile(SHARE)
        .named("Share of long ago")
        .valid("2020-01-01T10:00:00Z", "2021-01-01T00:00:00Z");
    let project = rocket().change("Share", |share| share.without(SPECIFIER));
    let both = [products(), vec![expired.clone()]].concat();
    targets(&scene(&project, &both), "check", &[]).exits(0);
    let mut alone = crate::scene::without(SHARE);
    alone.push(expired);
    let workshop = scene(&project, &alone);
    let document = targets(&workshop, "check", &["--format", "json"]).json();
    finding(&document, "profile-expired");
    for form in ["xcargs", "xcconfig", "export-options", "json"] {
        let refused = targets(&workshop, "export", &["--as", form]).exits(10);
        assert_eq!(refused.out, "");
    }
}

// The certificates of what is embedded.

/// An Apple Distribution certificate of Acme besides the one of its profiles: the renewed one.
fn renewed() -> Identity {
    let leaf = LeafSpec::new(LeafKind::AppleDistribution).labelled("renewed");
    Hierarchy::acme().developer(&leaf)
}

/// Acme's profiles, the one for Share with these certificates.
fn share_with(certificates: &[Identity]) -> Vec<ProfileSpec> {
    let mut profiles = crate::scene::without(SHARE);
    profiles.push(profile(SHARE).certificates(certificates));
    profiles
}

const DIFFERS: &str = "embedded-certificate-differs";

#[test]
fn an_extension_whose_profile_has_no_certificate_of_its_apps_profile_blocks() {
    let workshop = scene(&rocket(), &share_with(&[renewed()]));
    let told = blocked(&workshop, &[], DIFFERS, "Share", SPECIFIER);
    assert!(told.message().contains("Rocket"), "{}", told.message());
    // Both have one name, so the serials tell them apart.
    let (expected, found) = (&told.finding["expected"], &told.finding["found"]);
    assert_ne!(expected, found);
    for value in [expected, found] {
        assert!(value.as_str().unwrap().contains("serial …"), "{value}");
    }
}

#[test]
fn one_certificate_in_common_is_enough() {
    let both = [renewed(), distribution()];
    let workshop = scene(&rocket(), &share_with(&both));
    targets(&workshop, "check", &[]).exits(0);
    // Unless its private key is elsewhere, or the target asks for the other one.
    workshop.write("keys.txt", find_identity::valid(&[&renewed()]));
    let document = targets(
        &workshop,
        "check",
        &["--format", "json", "--identities", "keys.txt"],
    );
    let codes = codes_of_targets(&document.exits(10).json());
    assert!(codes.iter().all(|code| code != DIFFERS), "{codes:?}");
    workshop.write("keys.txt", find_identity::valid(&both.each_ref()));
    targets(&workshop, "check", &["--identities", "keys.txt"]).exits(0);
    let sha1 = renewed().sha1_hex().to_ascii_uppercase();
    let asking = rocket().change("Share", |it| it.release("CODE_SIGN_IDENTITY", &sha1));
    let workshop = scene(&asking, &share_with(&both));
    blocked(&workshop, &[], DIFFERS, "Share", SPECIFIER);
}

/// The codes of Acme's project where Share has another certificate than its app, and its project file is changed.
fn differing(change: impl Fn(String) -> String) -> Vec<String> {
    let workshop = scene(&rocket(), &share_with(&[renewed()]));
    let changed = change(crate::scene::pbxproj(&workshop));
    workshop.write("Acme.xcodeproj/project.pbxproj", changed);
    let document = targets(&workshop, "check", &["--format", "json"]).json();
    codes_of_targets(&document)
}

#[test]
fn an_extension_keeps_its_certificate_whatever_the_copied_file_says_of_signing() {
    let plain = "(RemoveHeadersOnCopy, )";
    let codes = differing(|text| {
        assert!(text.contains(plain));
        text.replace(plain, "(CodeSignOnCopy, RemoveHeadersOnCopy, )")
    });
    assert!(codes.iter().any(|code| code == DIFFERS), "{codes:?}");
}

#[test]
fn what_is_copied_for_another_platform_is_not_held_against_this_one() {
    let settings = "settings = {ATTRIBUTES = (RemoveHeadersOnCopy, ); };";
    let filtered = |filter: &str| {
        differing(|text| {
            assert!(text.contains(settings));
            text.replace(settings, &format!("{settings} {filter}"))
        })
    };
    for here in [
        "platformFilter = ios;",
        "platformFilters = (ios, maccatalyst, );",
        "platformFilters = ();",
    ] {
        let codes = filtered(here);
        assert!(codes.iter().any(|code| code == DIFFERS), "{here} {codes:?}");
    }
    for elsewhere in [
        "platformFilter = maccatalyst;",
        "platformFilters = (macos, tvos, );",
        "platformFilter = unheard;",
    ] {
        let codes = filtered(elsewhere);
        assert!(
            codes.iter().all(|code| code != DIFFERS),
            "{elsewhere} {codes:?}"
        );
    }
}

#[test]
fn a_product_among_the_resources_is_not_held_against_its_app() {
    let codes = differing(|text| {
        let copies = "isa = PBXCopyFilesBuildPhase;";
        assert!(text.contains(copies));
        text.replace(copies, "isa = PBXResourcesBuildPhase;")
    });
    assert!(codes.iter().all(|code| code != DIFFERS), "{codes:?}");
}

#[test]
fn where_xcode_could_choose_another_profile_nothing_is_sure() {
    // Nobody names a profile: the one that is planned is our choice.
    let unnamed = rocket().change("Share", |share| share.without(SPECIFIER));
    let both = [
        share_with(&[renewed()]),
        vec![profile(SHARE).named("Other")],
    ]
    .concat();
    // Two profiles have the name that is asked for.
    let again = profile(SHARE).valid("2026-02-01T10:00:00Z", "2046-02-01T00:00:00Z");
    let named = [share_with(&[renewed()]), vec![again]].concat();
    for (project, profiles) in [(unnamed, both), (rocket(), named)] {
        let workshop = scene(&project, &profiles);
        let document = targets(&workshop, "check", &["--format", "json"]).json();
        let codes = codes_of_targets(&document);
        assert!(codes.iter().all(|code| code != DIFFERS), "{document:#}");
    }
}

#[test]
fn an_extension_of_two_apps_fits_if_it_fits_one() {
    let beta = "com.acme.beta";
    let app = TargetSpec::new("Beta", Product::App, beta)
        .release(SPECIFIER, "Beta")
        .embedding(&["Share"]);
    let project = rocket().target(app);
    let of_beta = |certificate: Identity| {
        let profile = ProfileSpec::ios(Kind::AppStore, beta).named("Beta");
        profile.certificates(&[certificate])
    };
    let codes = |profiles: &[Vec<ProfileSpec>]| {
        let workshop = scene(&project, &profiles.concat());
        let document = targets(&workshop, "check", &["--format", "json"]).json();
        codes_of_targets(&document)
    };
    let one = codes(&[products(), vec![of_beta(renewed())]]);
    assert!(one.iter().all(|code| code != DIFFERS), "{one:?}");
    let none = codes(&[share_with(&[renewed()]), vec![of_beta(distribution())]]);
    assert!(none.iter().any(|code| code == DIFFERS), "{none:?}");
}

#[test]
fn a_framework_is_signed_by_its_app_whatever_certificate_others_have() {
    let project = with_kit(|kit| kit);
    let workshop = scene(&project, &products());
    targets(&workshop, "check", &[]).exits(0);
}

#[test]
fn the_app_of_an_extension_may_be_for_another_platform_alone() {
    // The host has no row for the Mac, so nothing there embeds the extension.
    let project = rocket().change("Share", |share| {
        share.with("SUPPORTED_PLATFORMS", "macosx iphoneos")
    });
    let workshop = scene(&project, &products());
    let document = targets(&workshop, "check", &["--format", "json"]);
    let codes = codes_of_targets(&document.json());
    assert!(codes.iter().all(|code| code != DIFFERS), "{codes:?}");
}

// The keys at hand.

#[test]
fn of_two_certificates_the_one_whose_key_is_here_is_planned() {
    let authority = Hierarchy::acme();
    let [old, new] = ["2027-01-01T00:00:00Z", "2045-01-01T00:00:00Z"].map(|until| {
        let leaf = LeafSpec::new(LeafKind::AppleDistribution);
        authority.developer(&leaf.valid("2026-01-01T00:00:00Z", until).labelled(until))
    });
    let both = profile(SHARE).certificates(&[old.clone(), new.clone()]);
    let project = rocket().change("Share", |share| share.without(SPECIFIER));
    let mut profiles = crate::scene::without(SHARE);
    profiles.push(both);
    let workshop = scene(&project, &profiles);
    let planned = |at_hand: &[&Identity]| {
        workshop.write("keys.txt", find_identity::valid(at_hand));
        let arguments = ["--target", "Share", "--identities", "keys.txt"];
        let share = ["--format", "json"].iter().chain(&arguments);
        let share: Vec<&str> = share.copied().collect();
        targets(&workshop, "check", &share)
    };
    let certificate = |ran: Ran| ran.exits(0).json()["targets"][0]["chosen"]["certificate"].clone();
    let first = certificate(planned(&[&old]));
    let second = certificate(planned(&[&new]));
    assert_ne!(first, second);
    let stranger = authority.developer(&LeafSpec::new(LeafKind::AppleDevelopment));
    let document = planned(&[&stranger]).exits(10).json();
    let missing = finding(&document, "identity-missing");
    assert!(
        missing["message"].as_str().unwrap().contains("private key"),
        "{missing:#}"
    );
}
