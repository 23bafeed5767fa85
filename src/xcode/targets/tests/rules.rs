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
