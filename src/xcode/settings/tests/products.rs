//! Claims about what product types and platforms set (swift-build, `…ProductTypes.xcspec`, `…PackageTypes.xcspec`).

use super::*;

/// What the setting is for a product of this type, named `N`, where nobody says anything about it; nothing where nothing sets it.
fn default_of(product_type: &str, platform: Platform, name: &str) -> Option<String> {
    let text = format!(
        "{{ objects = {{
P = {{isa = PBXProject; targets = (T); buildConfigurationList = PL; mainGroup = G; }};
PL = {{isa = XCConfigurationList; buildConfigurations = (PR); }};
PR = {{isa = XCBuildConfiguration; name = Release; buildSettings = {{ PRODUCT_NAME = N; }}; }};
T = {{isa = PBXNativeTarget; name = T; buildConfigurationList = TL; productType = \"{product_type}\"; }};
TL = {{isa = XCConfigurationList; buildConfigurations = (TR); }};
TR = {{isa = XCBuildConfiguration; name = Release; buildSettings = {{ PRODUCT_BUNDLE_IDENTIFIER = com.example; }}; }};
}}; rootObject = P; }}"
    );
    let project = Project::parse(Path::new("/src/App.xcodeproj"), &text).unwrap();
    let settings = ProjectSettings::load(&project, &InMemory::new(), &Overrides::default());
    let scope = settings.scope(TargetIndex(0), "Release", Some(platform));
    scope.evaluate(name).map(|resolved| resolved.value)
}

fn apples(name: &str) -> String {
    format!("com.apple.product-type.{name}")
}

#[test]
fn a_product_is_named_and_laid_out_as_its_package_type_says() {
    let (ios, mac) = (Platform::Ios, Platform::Macos);
    for (product, platform, setting, expected) in [
        ("application", ios, "CONTENTS_FOLDER_PATH", "N.app"),
        ("application", mac, "CONTENTS_FOLDER_PATH", "N.app/Contents"),
        (
            "application",
            Platform::MacCatalyst,
            "INFOPLIST_PATH",
            "N.app/Contents/Info.plist",
        ),
        ("application", ios, "INFOPLIST_PATH", "N.app/Info.plist"),
        (
            "application",
            mac,
            "EXECUTABLE_PATH",
            "N.app/Contents/MacOS/N",
        ),
        (
            "application",
            Platform::Visionos,
            "EXECUTABLE_PATH",
            "N.app/N",
        ),
        (
            "application",
            mac,
            "XPCSERVICES_FOLDER_PATH",
            "N.app/Contents/XPCServices",
        ),
        ("application", ios, "DWARF_DSYM_FILE_NAME", "N.app.dSYM"),
        ("framework", ios, "INFOPLIST_PATH", "N.framework/Info.plist"),
        (
            "framework",
            mac,
            "EXECUTABLE_PATH",
            "N.framework/Versions/A/N",
        ),
        ("app-extension", ios, "WRAPPER_NAME", "N.appex"),
        (
            "extensionkit-extension",
            ios,
            "FULL_PRODUCT_NAME",
            "N.appex",
        ),
        ("pluginkit-plugin", mac, "FULL_PRODUCT_NAME", "N.pluginkit"),
        (
            "watchkit2-extension",
            Platform::Watchos,
            "FULL_PRODUCT_NAME",
            "N.appex",
        ),
        (
            "application.watchapp2",
            Platform::Watchos,
            "FULL_PRODUCT_NAME",
            "N.app",
        ),
        (
            "driver-extension",
            Platform::Driverkit,
            "WRAPPER_NAME",
            "N.dext",
        ),
        ("kernel-extension.iokit", mac, "WRAPPER_NAME", "N.kext"),
        ("bundle.ocunit-test", mac, "WRAPPER_NAME", "N.octest"),
        ("tool", mac, "FULL_PRODUCT_NAME", "N"),
        ("library.static", ios, "FULL_PRODUCT_NAME", "libN.a"),
        ("library.dynamic", mac, "FULL_PRODUCT_NAME", "N.dylib"),
        ("metal-library", ios, "FULL_PRODUCT_NAME", "N.metallib"),
        ("application", ios, "PRODUCT_BUNDLE_PACKAGE_TYPE", "APPL"),
        ("xpc-service", mac, "PRODUCT_BUNDLE_PACKAGE_TYPE", "XPC!"),
        ("framework", mac, "PRODUCT_BUNDLE_PACKAGE_TYPE", "FMWK"),
        (
            "driver-extension",
            Platform::Driverkit,
            "PRODUCT_BUNDLE_PACKAGE_TYPE",
            "DEXT",
        ),
        ("bundle.ui-testing", ios, "USES_XCTRUNNER", "YES"),
        ("framework", ios, "CODE_SIGNING_REQUIRED", "NO"),
        ("framework", ios, "CODE_SIGNING_REQUIRES_TEAM", "YES"),
    ] {
        let found = default_of(&apples(product), platform, setting);
        assert_eq!(
            found.as_deref(),
            Some(expected),
            "{product} {platform} {setting}"
        );
    }
    assert_eq!(default_of(&apples("tool"), mac, "WRAPPER_NAME"), None);
}

#[test]
fn products_are_signed_but_for_archives_and_parts_of_others() {
    let signed = |product: &str| default_of(product, Platform::Ios, "CODE_SIGNING_ALLOWED");
    for product in [
        "application",
        "tool",
        "bundle",
        "framework.static",
        "library.dynamic",
        "of-the-future",
    ] {
        assert_eq!(
            signed(&apples(product)).as_deref(),
            Some("YES"),
            "{product}"
        );
    }
    for product in [
        "library.static",
        "objfile",
        "metal-library",
        "in-app-purchase-content",
        "instruments-package",
        "tool.java",
        "library.java.archive",
    ] {
        assert_eq!(signed(&apples(product)).as_deref(), Some("NO"), "{product}");
    }
    assert_eq!(
        signed("org.swift.product-type.common.object").as_deref(),
        Some("NO")
    );
    assert_eq!(signed("org.example.thing").as_deref(), Some("YES"));
}

#[test]
fn profiles_are_required_off_the_mac_and_by_drivers() {
    let (ios, mac) = (Platform::Ios, Platform::Macos);
    let says = |product: &str, platform| {
        let says = |name| default_of(&apples(product), platform, name).as_deref() == Some("YES");
        (
            says("PROVISIONING_PROFILE_SUPPORTED"),
            says("PROVISIONING_PROFILE_REQUIRED"),
        )
    };
    for (product, platform, expected) in [
        ("application", ios, (true, true)),
        ("application", mac, (true, false)),
        ("application", Platform::MacCatalyst, (true, false)),
        ("application", Platform::IosSimulator, (true, false)),
        ("application.on-demand-install-capable", ios, (true, true)),
        ("app-extension", Platform::Tvos, (true, true)),
        ("app-extension", Platform::MacCatalyst, (true, false)),
        ("tv-app-extension", Platform::Tvos, (true, true)),
        ("xcode-extension", mac, (true, false)),
        ("bundle.ui-testing", Platform::Visionos, (true, true)),
        ("bundle.ui-testing", mac, (true, false)),
        ("bundle.unit-test", ios, (true, false)),
        ("bundle.ocunit-test", ios, (false, false)),
        ("system-extension", mac, (true, false)),
        ("driver-extension", Platform::Driverkit, (true, true)),
        ("framework", ios, (false, false)),
        ("bundle", ios, (false, false)),
        ("tool", mac, (false, false)),
    ] {
        assert_eq!(says(product, platform), expected, "{product} {platform}");
    }
}

#[test]
fn a_platform_says_what_it_is() {
    for (platform, setting, expected) in [
        (
            Platform::Ios,
            "DEPLOYMENT_TARGET_SETTING_NAME",
            "IPHONEOS_DEPLOYMENT_TARGET",
        ),
        (
            Platform::Visionos,
            "DEPLOYMENT_TARGET_SETTING_NAME",
            "XROS_DEPLOYMENT_TARGET",
        ),
        (Platform::Ios, "EFFECTIVE_PLATFORM_SUFFIX", "os"),
        (
            Platform::TvosSimulator,
            "EFFECTIVE_PLATFORM_SUFFIX",
            "simulator",
        ),
        (
            Platform::IosSimulator,
            "PLATFORM_DISPLAY_NAME",
            "iOS Simulator",
        ),
        (
            Platform::MacCatalyst,
            "LLVM_TARGET_TRIPLE_SUFFIX",
            "-macabi",
        ),
        (Platform::Macos, "LOCAL_LIBRARY_DIR", "/Library"),
        (Platform::Ios, "CURRENT_VARIANT", "normal"),
    ] {
        let found = default_of(&apples("application"), platform, setting);
        assert_eq!(found.as_deref(), Some(expected), "{platform} {setting}");
    }
}
