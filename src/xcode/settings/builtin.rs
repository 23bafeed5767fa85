//! What Xcode sets itself, as far as signing settings refer to it.
//!
//! Names and layering follow swift-build (`Settings.swift`, the product specifications): the project's facts and the
//! product type's defaults lie below everything, the target's name between the project's settings and the target's,
//! and what follows from the platform over the target.

use std::path::Path;

use super::scope::Scope;
use crate::xcode::assignment::{Assignment, Table};
use crate::xcode::platform::Platform;
use crate::xcode::project::{Project, Target};

/// Defaults that lie below the project, in a configuration, for a platform once that is decided.
pub(super) fn of_project(
    project: &Project,
    configuration: &str,
    platform: Option<Platform>,
) -> Table {
    let source_root = source_root(project);
    let mut table = Collected::default();
    table.set("PROJECT_NAME", &project.name);
    table.set("PROJECT", "$(PROJECT_NAME)");
    table.set("SRCROOT", &source_root);
    table.set("SOURCE_ROOT", "$(SRCROOT)");
    table.set("PROJECT_DIR", &source_root);
    table.set(
        "PROJECT_FILE_PATH",
        &format!("{source_root}/{}.xcodeproj", project.name),
    );
    table.set("CONFIGURATION", configuration);
    table.set("BUILD_STYLE", "$(CONFIGURATION)");
    // Declared, and nothing as long as nobody writes them (CoreBuildSystem.xcspec): the environment does not reach through.
    for name in [
        "CODE_SIGN_ENTITLEMENTS",
        "CODE_SIGN_STYLE",
        "DEVELOPMENT_TEAM",
        "PRODUCT_BUNDLE_IDENTIFIER",
        "PROVISIONING_PROFILE_SPECIFIER",
    ] {
        table.set(name, "");
    }
    table.set("SYMROOT", "build");
    table.set("BUILD_DIR", "$(SYMROOT)");
    table.set(
        "CONFIGURATION_BUILD_DIR",
        "$(BUILD_DIR)/$(CONFIGURATION)$(EFFECTIVE_PLATFORM_NAME)",
    );
    table.set("BUILT_PRODUCTS_DIR", "$(CONFIGURATION_BUILD_DIR)");
    table.set("TARGET_BUILD_DIR", "$(CONFIGURATION_BUILD_DIR)");
    for (name, value) in BUILD_SYSTEM {
        table.set(name, value);
    }
    table.set("AVAILABLE_PLATFORMS", AVAILABLE_PLATFORMS);
    table.set("SDKROOT", "macosx");
    if let Some(platform) = platform {
        table.set("PLATFORM_NAME", platform.sdk_name());
        table.set("PLATFORM_FAMILY_NAME", platform.family_name());
        table.set("PLATFORM_DISPLAY_NAME", &platform.display_name());
        table.set("EFFECTIVE_PLATFORM_SUFFIX", platform.suffix());
        table.set(
            "DEPLOYMENT_TARGET_SETTING_NAME",
            platform.deployment_target(),
        );
        let (system, environment) = platform.triple();
        table.set("SWIFT_PLATFORM_TARGET_PREFIX", system);
        table.set("LLVM_TARGET_TRIPLE_SUFFIX", environment);
        identity(&mut table, platform);
        table.set("SUPPORTED_PLATFORMS", platform.default_supported());
        table.set("EFFECTIVE_PLATFORM_NAME", &platform.effective_name());
        if platform == Platform::MacCatalyst {
            table.set("IS_MACCATALYST", "YES");
            table.set("SDK_VARIANT", "iosmac");
        } else if platform == Platform::Macos {
            table.set("SDK_VARIANT", "macos");
        }
    }
    table.into_table()
}

/// The platforms of an Xcode with everything installed.
const AVAILABLE_PLATFORMS: &str = "appletvos appletvsimulator driverkit iphoneos iphonesimulator macosx watchos watchsimulator \
     xros xrsimulator";

/// What the build system sets whatever is built (`CoreBuildSystem.xcspec`, `NativeBuildSystem.xcspec`, and
/// `CoreSettings.computeUniversalDefaults`), as far as names, places and signing settings refer to it.
///
/// `PRODUCT_NAME` has no default there; templates write it. Where nobody does, we take what every template writes.
const BUILD_SYSTEM: &[(&str, &str)] = &[
    ("PRODUCT_NAME", "$(TARGET_NAME)"),
    ("PRODUCT_MODULE_NAME", "$(PRODUCT_NAME:c99extidentifier)"),
    ("CODE_SIGNING_ALLOWED", "NO"),
    ("CODE_SIGN_INJECT_BASE_ENTITLEMENTS", "YES"),
    (
        "CODESIGNING_FOLDER_PATH",
        "$(TARGET_BUILD_DIR)/$(FULL_PRODUCT_NAME)",
    ),
    (
        "XPCSERVICES_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH)/XPCServices",
    ),
    ("DWARF_DSYM_FILE_NAME", "$(FULL_PRODUCT_NAME).dSYM"),
    ("DWARF_DSYM_FOLDER_PATH", "$(CONFIGURATION_BUILD_DIR)"),
    ("FRAMEWORK_VERSION", "A"),
    ("SHALLOW_BUNDLE", "NO"),
    ("CREATE_INFOPLIST_SECTION_IN_BINARY", "NO"),
    ("DONT_GENERATE_INFOPLIST_FILE", "NO"),
    ("GENERATE_INFOPLIST_FILE", "NO"),
    ("GENERATE_PKGINFO_FILE", "NO"),
    ("INFOPLIST_EXPAND_BUILD_SETTINGS", "YES"),
    ("INFOPLIST_OUTPUT_FORMAT", "same-as-input"),
    ("INFOPLIST_PREPROCESS", "NO"),
    ("DEPLOYMENT_LOCATION", "NO"),
    ("DEPLOYMENT_POSTPROCESSING", "NO"),
    ("ENABLE_TESTABILITY", "NO"),
    ("ONLY_ACTIVE_ARCH", "NO"),
    ("AUTOMATION_APPLE_EVENTS", "NO"),
    ("ENABLE_APP_SANDBOX", "NO"),
    ("ENABLE_HARDENED_RUNTIME", "NO"),
    ("ENABLE_INCOMING_NETWORK_CONNECTIONS", "NO"),
    ("ENABLE_OUTGOING_NETWORK_CONNECTIONS", "NO"),
    ("ENABLE_RESOURCE_ACCESS_AUDIO_INPUT", "NO"),
    ("ENABLE_RESOURCE_ACCESS_BLUETOOTH", "NO"),
    ("ENABLE_RESOURCE_ACCESS_CALENDARS", "NO"),
    ("ENABLE_RESOURCE_ACCESS_CAMERA", "NO"),
    ("ENABLE_RESOURCE_ACCESS_CONTACTS", "NO"),
    ("ENABLE_RESOURCE_ACCESS_LOCATION", "NO"),
    ("ENABLE_RESOURCE_ACCESS_PHOTO_LIBRARY", "NO"),
    ("ENABLE_RESOURCE_ACCESS_PRINTING", "NO"),
    ("ENABLE_RESOURCE_ACCESS_USB", "NO"),
    ("RUNTIME_EXCEPTION_ALLOW_DYLD_ENVIRONMENT_VARIABLES", "NO"),
    ("RUNTIME_EXCEPTION_ALLOW_JIT", "NO"),
    ("RUNTIME_EXCEPTION_ALLOW_UNSIGNED_EXECUTABLE_MEMORY", "NO"),
    ("RUNTIME_EXCEPTION_DEBUGGING_TOOL", "NO"),
    ("RUNTIME_EXCEPTION_DISABLE_EXECUTABLE_PAGE_PROTECTION", "NO"),
    ("RUNTIME_EXCEPTION_DISABLE_LIBRARY_VALIDATION", "NO"),
    ("OS", "MACOS"),
    ("variant", "normal"),
    ("BUILD_VARIANTS", "normal"),
    ("CURRENT_VARIANT", "$(variant)"),
    ("LOCAL_ADMIN_APPS_DIR", "/Applications/Utilities"),
    ("LOCAL_APPS_DIR", "/Applications"),
    ("LOCAL_DEVELOPER_DIR", "/Library/Developer"),
    ("LOCAL_LIBRARY_DIR", "/Library"),
    ("SYSTEM_ADMIN_APPS_DIR", "/Applications/Utilities"),
    ("SYSTEM_APPS_DIR", "/Applications"),
    ("SYSTEM_CORE_SERVICES_DIR", "/System/Library/CoreServices"),
    ("SYSTEM_LIBRARY_DIR", "/System/Library"),
    ("USER_APPS_DIR", "$(HOME)/Applications"),
    ("USER_LIBRARY_DIR", "$(HOME)/Library"),
];

/// The `CODE_SIGN_IDENTITY` of the SDKs (SettingsTests.signingDefaults): ad hoc in simulators, and on the Mac as long as there is
/// no team.
fn identity(table: &mut Collected, platform: Platform) {
    match platform {
        simulator if simulator.is_simulator() => table.set("CODE_SIGN_IDENTITY", "-"),
        Platform::Macos => {
            table.set(
                "CODE_SIGN_IDENTITY",
                "$(CODE_SIGN_IDENTITY_$(_DEVELOPMENT_TEAM_IS_EMPTY))",
            );
            table.set("CODE_SIGN_IDENTITY_", "Apple Development");
            table.set("CODE_SIGN_IDENTITY_YES", "-");
            table.set(
                "_DEVELOPMENT_TEAM_IS_EMPTY",
                "$(_IS_EMPTY_$(DEVELOPMENT_TEAM:c99extidentifier))",
            );
            table.set("_IS_EMPTY_", "YES");
        }
        _ => table.set("CODE_SIGN_IDENTITY", "Apple Development"),
    }
}

/// Whether Xcode declares the setting as a text. All that it does not declare is a list.
pub(super) fn is_text(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "AD_HOC_CODE_SIGNING_ALLOWED",
        "BUILD_DIR",
        "BUILD_STYLE",
        "BUILT_PRODUCTS_DIR",
        "CODESIGNING_FOLDER_PATH",
        "CODE_SIGNING_ALLOWED",
        "CODE_SIGNING_REQUIRED",
        "CODE_SIGNING_REQUIRES_TEAM",
        "CODE_SIGN_ENTITLEMENTS",
        "CODE_SIGN_ENTITLEMENTS_CONTENTS",
        "CODE_SIGN_IDENTITY",
        "CODE_SIGN_INJECT_BASE_ENTITLEMENTS",
        "CODE_SIGN_KEYCHAIN",
        "CODE_SIGN_STYLE",
        "CONFIGURATION",
        "CONFIGURATION_BUILD_DIR",
        "CONTENTS_FOLDER_PATH",
        "CURRENT_PROJECT_VERSION",
        "CURRENT_VARIANT",
        "DEPLOYMENT_TARGET_SETTING_NAME",
        "DERIVE_MACCATALYST_PRODUCT_BUNDLE_IDENTIFIER",
        "DEVELOPMENT_LANGUAGE",
        "DEVELOPMENT_TEAM",
        "DSTROOT",
        "DWARF_DSYM_FILE_NAME",
        "EFFECTIVE_PLATFORM_NAME",
        "ENABLE_APP_SANDBOX",
        "ENABLE_HARDENED_RUNTIME",
        "ENABLE_TESTABILITY",
        "ENTITLEMENTS_ALLOWED",
        "ENTITLEMENTS_DESTINATION",
        "ENTITLEMENTS_REQUIRED",
        "EXECUTABLE_FOLDER_PATH",
        "EXECUTABLE_NAME",
        "EXECUTABLE_PATH",
        "EXECUTABLE_SUFFIX",
        "FRAMEWORKS_FOLDER_PATH",
        "FRAMEWORK_VERSION",
        "FULL_PRODUCT_NAME",
        "GENERATE_INFOPLIST_FILE",
        "INFOPLIST_FILE",
        "INFOPLIST_KEY_CFBundleDisplayName",
        "INFOPLIST_PATH",
        "INSTALL_PATH",
        "IPHONEOS_DEPLOYMENT_TARGET",
        "IS_MACCATALYST",
        "LLVM_TARGET_TRIPLE_SUFFIX",
        "LOCAL_LIBRARY_DIR",
        "MACH_O_TYPE",
        "MACOSX_DEPLOYMENT_TARGET",
        "MARKETING_VERSION",
        "MODULES_FOLDER_PATH",
        "OBJROOT",
        "ONLY_ACTIVE_ARCH",
        "OS",
        "PKGINFO_PATH",
        "PLATFORM_DISPLAY_NAME",
        "PLATFORM_FAMILY_NAME",
        "PLATFORM_NAME",
        "PLUGINS_FOLDER_PATH",
        "PRODUCT_BUNDLE_IDENTIFIER",
        "PRODUCT_BUNDLE_PACKAGE_TYPE",
        "PRODUCT_MODULE_NAME",
        "PRODUCT_NAME",
        "PRODUCT_TYPE",
        "PROJECT",
        "PROJECT_DIR",
        "PROJECT_FILE_PATH",
        "PROJECT_NAME",
        "PROVISIONING_PROFILE",
        "PROVISIONING_PROFILE_REQUIRED",
        "PROVISIONING_PROFILE_SPECIFIER",
        "PROVISIONING_PROFILE_SUPPORTED",
        "PUBLIC_HEADERS_FOLDER_PATH",
        "SDKROOT",
        "SDK_VARIANT",
        "SHALLOW_BUNDLE",
        "SKIP_INSTALL",
        "SRCROOT",
        "SUPPORTS_MACCATALYST",
        "SWIFT_PLATFORM_TARGET_PREFIX",
        "SYMROOT",
        "TARGETED_DEVICE_FAMILY",
        "TARGETNAME",
        "TARGET_BUILD_DIR",
        "TARGET_NAME",
        "TEST_HOST",
        "UNLOCALIZED_RESOURCES_FOLDER_PATH",
        "USES_XCTRUNNER",
        "VERSIONING_SYSTEM",
        "VERSIONPLIST_PATH",
        "WRAPPER_EXTENSION",
        "WRAPPER_NAME",
        "arch",
        "variant",
    ];
    NAMES.binary_search(&name).is_ok()
}

/// Defaults that lie between the project and the target.
pub(super) fn of_target(target: &Target) -> Table {
    let mut table = Collected::default();
    table.set("TARGET_NAME", &target.name);
    table.set("TARGETNAME", "$(TARGET_NAME)");
    if let Some(product_type) = &target.product_type {
        table.set("PRODUCT_TYPE", product_type);
    }
    table.into_table()
}

/// What the platform brings about over the target's own settings; `scope` is the scope without it.
pub(super) fn derived(platform: Platform, scope: &Scope) -> Table {
    let mut table = Collected::default();
    table.set("SDKROOT", platform.sdk_name());
    let derives = "DERIVE_MACCATALYST_PRODUCT_BUNDLE_IDENTIFIER";
    if platform == Platform::MacCatalyst && scope.is_yes(derives) {
        table.set("PRODUCT_BUNDLE_IDENTIFIER", "maccatalyst.$(inherited)");
    }
    table.into_table()
}

/// `SRCROOT`. Relative paths in settings count from it, so where the project was named relatively it is simply here.
fn source_root(project: &Project) -> String {
    match project.directory.is_absolute() {
        true => project.directory.display().to_string(),
        false => Path::new(".").display().to_string(),
    }
}

/// Whether Xcode sets `name` on the machine that builds, to something that cannot be known here.
pub fn is_set_by_xcode(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "ACTION",
        "ALTERNATE_OWNER",
        "ARCHS",
        "ARCHS_STANDARD",
        "ARCHIVE_PATH",
        "CACHE_ROOT",
        "CURRENT_ARCH",
        "DERIVED_DATA_DIR",
        "DERIVED_FILE_DIR",
        "DERIVED_SOURCES_DIR",
        "DEVELOPER_DIR",
        "DEVELOPER_FRAMEWORKS_DIR",
        "DSTROOT",
        "GID",
        "GROUP",
        "HOME",
        "INSTALL_DIR",
        "INSTALL_ROOT",
        "LANG",
        "MAC_OS_X_PRODUCT_BUILD_VERSION",
        "MAC_OS_X_VERSION_ACTUAL",
        "MAC_OS_X_VERSION_MAJOR",
        "NATIVE_ARCH",
        "OBJROOT",
        "PATH",
        "PLATFORM_DIR",
        "PROJECT_GUID",
        "PROJECT_TEMP_DIR",
        "SDK_DIR",
        "SDK_NAME",
        "SDK_VERSION",
        "SDK_VERSION_ACTUAL",
        "SDK_VERSION_MAJOR",
        "TARGET_TEMP_DIR",
        "TEMP_DIR",
        "TOOLCHAIN_DIR",
        "UID",
        "USER",
        "VERSION_INFO_STRING",
        "WORKSPACE_DIR",
        "XCODE_APP_SUPPORT_DIR",
        "XCODE_PRODUCT_BUILD_VERSION",
        "XCODE_VERSION_ACTUAL",
        "XCODE_VERSION_MAJOR",
        "XCODE_VERSION_MINOR",
    ];
    NAMES.contains(&name)
}

#[derive(Default)]
struct Collected(Vec<Assignment>);

impl Collected {
    fn set(&mut self, name: &str, value: &str) {
        self.0.push(Assignment::plain(name, value));
    }

    fn into_table(self) -> Table {
        Table::new(self.0)
    }
}
