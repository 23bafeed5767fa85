//! Claims about rules of the build engine that decide whether and how a target is signed.

use super::*;

#[test]
fn an_identity_is_unset_or_empty_or_ad_hoc_or_a_name() {
    let identity = |settings: &str| {
        let row = app(settings).all().rows[0].clone();
        let identity = row.identity.clone().unwrap();
        let is_written = row.written_identity().is_some();
        (
            identity.value.to_string(),
            identity.origin.layer,
            is_written,
        )
    };
    let unset = ("Apple Development".to_owned(), Layer::Default, false);
    assert_eq!(identity(""), unset);
    assert_eq!(
        identity("CODE_SIGN_IDENTITY = \"\";"),
        (String::new(), Layer::Target, false)
    );
    assert_eq!(
        identity("CODE_SIGN_IDENTITY = \"-\";"),
        ("-".to_owned(), Layer::Target, true)
    );
    // On the Mac it is ad hoc as long as there is no team.
    let on_the_mac = |settings: &str| {
        let row = mac(settings).all().rows[0].clone();
        row.identity.unwrap().value.to_string()
    };
    assert_eq!(on_the_mac(""), "-");
    assert_eq!(
        on_the_mac("DEVELOPMENT_TEAM = ABCDE12345;"),
        "Apple Development"
    );
}

#[test]
fn two_settings_say_whether_a_product_takes_a_profile() {
    let needs = |product_type: &str, settings: &str| {
        let settings = format!("PRODUCT_BUNDLE_IDENTIFIER = com.example.app; {settings}");
        let sketch =
            Sketch::default()
                .project("SDKROOT = iphoneos;")
                .target("App", product_type, &settings);
        sketch.all().rows[0].needs_profile()
    };
    assert!(needs("application", ""));
    assert!(!needs("application", "PROVISIONING_PROFILE_REQUIRED = NO;"));
    assert!(!needs("bundle", "PROVISIONING_PROFILE_SPECIFIER = Any;"));
    assert!(needs(
        "bundle",
        "PROVISIONING_PROFILE_SUPPORTED = YES; PROVISIONING_PROFILE_SPECIFIER = Any;"
    ));
}

#[test]
fn catalyst_is_built_from_the_macs_sdk_too() {
    let platforms = |sketch: &Sketch, only: Option<Platform>| -> Vec<Platform> {
        let selection = Selection {
            platform: only,
            ..Selection::default()
        };
        let rows = sketch.resolve(&selection).rows;
        rows.iter().map(|row| row.platform).collect()
    };
    let supports = "SUPPORTS_MACCATALYST = YES;";
    assert_eq!(
        platforms(&mac(supports), None),
        [Platform::Macos, Platform::MacCatalyst]
    );
    let ios = app(supports);
    assert_eq!(
        platforms(&ios, Some(Platform::Macos)),
        [Platform::MacCatalyst]
    );
    assert_eq!(platforms(&ios, Some(Platform::Ios)), [Platform::Ios]);
    let old_spelling = app("SUPPORTS_UIKITFORMAC = YES;");
    assert_eq!(platforms(&old_spelling, None), [Platform::Ios]);
}

/// The claims of the only target: key and value.
fn claims(found: &SigningTargets) -> Vec<(String, Value)> {
    let claimed = found.rows[0].entitlements.as_ref();
    let values = claimed.map(|claimed| claimed.with_prefixes("PREFIX", "TEAM"));
    values
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key.to_string(), value))
        .collect()
}

#[test]
fn claims_of_a_setting_count_over_those_of_the_file() {
    let contents = "CODE_SIGN_ENTITLEMENTS_CONTENTS = \"{ a = setting; c = setting; }\";";
    let only = app(contents).all();
    assert_eq!(complaints(&only), []);
    let setting = |key: &str| (key.to_owned(), Value::String("setting".into()));
    assert_eq!(claims(&only), [setting("a"), setting("c")]);
    let both = app(&format!(
        "CODE_SIGN_ENTITLEMENTS = A.entitlements; {contents}"
    ))
    .file("A.entitlements", "{ a = file; b = file; }")
    .all();
    let file = ("b".to_owned(), Value::String("file".into()));
    assert_eq!(claims(&both), [setting("a"), file, setting("c")]);
    let broken = app("CODE_SIGN_ENTITLEMENTS_CONTENTS = \"{ a = \";").all();
    assert_eq!(
        complaints(&broken),
        [(Severity::Block, Code::EntitlementsUnreadable)]
    );
}

#[test]
fn an_app_clip_claims_that_it_is_one() {
    let settings = "SDKROOT = iphoneos; PRODUCT_BUNDLE_IDENTIFIER = com.example.app.clip;";
    let product_type = "application.on-demand-install-capable";
    let clip =
        |more: &str| Sketch::default().target("Clip", product_type, &format!("{settings} {more}"));
    let key = "com.apple.developer.on-demand-install-capable";
    let implied = (key.to_owned(), Value::Boolean(true));
    assert_eq!(claims(&clip("").all()), std::slice::from_ref(&implied));
    let with_file = clip("CODE_SIGN_ENTITLEMENTS = A.entitlements;")
        .file("A.entitlements", "{ b = file; }")
        .all();
    let file = ("b".to_owned(), Value::String("file".into()));
    assert_eq!(claims(&with_file), [file, implied]);
    assert_eq!(claims(&app("").all()), []);
}

/// `supportsEntitlements` of PlanningOperation.swift
#[test]
fn claims_count_in_programs_and_not_in_what_they_load() {
    let claimed = |product_type: &str, settings: &str| {
        let settings = format!(
            "SDKROOT = macosx; PRODUCT_BUNDLE_IDENTIFIER = com.example.it; CODE_SIGN_ENTITLEMENTS = A.entitlements; {settings}"
        );
        let sketch = Sketch::default()
            .target("It", product_type, &settings)
            .file("A.entitlements", "{ a = file; }");
        claims(&sketch.all()).len()
    };
    for (product_type, number) in [
        ("application", 1),
        ("xpc-service", 1),
        ("tool", 1),
        ("bundle", 0),
        ("framework", 0),
        ("library.dynamic", 0),
        ("bundle.unit-test", 0),
        ("of-the-future", 1),
    ] {
        assert_eq!(claimed(product_type, ""), number, "{product_type}");
    }
    assert_eq!(claimed("bundle", "MACH_O_TYPE = mh_execute;"), 1);
}

/// `CODE_SIGNING_REQUIRED` of ProductTypes.xcspec
#[test]
fn an_empty_identity_keeps_frameworks_and_dynamic_libraries_from_being_signed() {
    let is_signed = |product_type: &str, settings: &str| {
        let settings = format!("SDKROOT = iphoneos; CODE_SIGN_IDENTITY = \"\"; {settings}");
        let sketch = Sketch::default().target("It", product_type, &settings);
        sketch.all().rows[0].is_signed()
    };
    assert!(!is_signed("framework", ""));
    assert!(!is_signed("library.dynamic", ""));
    assert!(is_signed("application", ""));
    assert!(is_signed("bundle", ""));
    assert!(is_signed("framework", "CODE_SIGNING_REQUIRED = YES;"));
}

#[test]
fn entitlements_that_the_build_makes_are_told_as_that_and_missing_ones_block() {
    for path in [
        "$(DERIVED_FILE_DIR)/App.entitlements",
        "$(BUILT_PRODUCTS_DIR)/App.entitlements",
        "$(CONFIGURATION_BUILD_DIR)/made/App.entitlements",
    ] {
        let found = app(&format!("CODE_SIGN_ENTITLEMENTS = \"{path}\";")).all();
        assert_eq!(
            complaints(&found),
            [(Severity::Warn, Code::EntitlementsMadeAtBuild)],
            "{path}"
        );
    }
    let missing = app("CODE_SIGN_ENTITLEMENTS = App.entitlements;").all();
    assert_eq!(
        complaints(&missing),
        [(Severity::Block, Code::EntitlementsUnreadable)]
    );
}

#[test]
fn quotes_around_a_value_are_told_at_its_line() {
    let sketch = app("\nDEVELOPMENT_TEAM = \"\\\"ABCDE12345\\\"\";");
    let found = sketch.all();
    assert_eq!(
        complaints(&found),
        [(Severity::Block, Code::SettingInvalid)]
    );
    let finding = &found.findings[0];
    assert_eq!(finding.place.line, sketch.line("DEVELOPMENT_TEAM"));
    assert!(
        finding
            .hint
            .as_deref()
            .unwrap()
            .starts_with("remove the quotes")
    );
    assert_eq!(complaints(&app("DEVELOPMENT_TEAM = ABCDE12345;").all()), []);
}
