//! What Xcode sets itself, as far as signing settings refer to it.
//!
//! Names and layering follow swift-build (`Settings.swift`, the product specifications): the project's facts and the
//! product type's defaults lie below everything, the target's name between the project's settings and the target's,
//! and what follows from the platform over the target.

use std::path::Path;

use super::scope::Scope;
use crate::xcode::assignment::{Assignment, Table};
use crate::xcode::platform::Platform;
use crate::xcode::product_type::{ProductKind, Provisioning};
use crate::xcode::project::{Project, Target};

/// What Xcode's defaults depend on, besides the project.
pub(super) struct Facts<'f> {
    /// The name of the configuration.
    pub(super) configuration: &'f str,
    /// What the target builds.
    pub(super) kind: ProductKind,
    /// Whether products of its type are signed.
    pub(super) is_signed: bool,
    /// What it is built for, once that is decided.
    pub(super) platform: Option<Platform>,
}

/// Defaults that lie below the project.
pub(super) fn of_project(project: &Project, facts: &Facts<'_>) -> Table {
    let Facts {
        configuration,
        kind,
        is_signed,
        platform,
    } = *facts;
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
    table.set("PRODUCT_NAME", product_name(kind));
    table.set("PRODUCT_MODULE_NAME", "$(PRODUCT_NAME:c99extidentifier)");
    table.set("EXECUTABLE_NAME", "$(PRODUCT_NAME)");
    table.set("WRAPPER_SUFFIX", ".$(WRAPPER_EXTENSION)");
    table.set("WRAPPER_NAME", "$(PRODUCT_NAME)$(WRAPPER_SUFFIX)");
    table.set("FULL_PRODUCT_NAME", "$(WRAPPER_NAME)");
    table.set("WRAPPER_EXTENSION", wrapper_extension(kind));
    if let Some(package_type) = package_type(kind) {
        table.set("PRODUCT_BUNDLE_PACKAGE_TYPE", package_type);
    }
    table.set("CODE_SIGNING_ALLOWED", yes_or_no(is_signed));
    table.set("AVAILABLE_PLATFORMS", AVAILABLE_PLATFORMS);
    if kind == ProductKind::UiTests {
        table.set("USES_XCTRUNNER", "YES");
    }
    table.set("SDKROOT", "macosx");
    if let Some(platform) = platform {
        table.set("PLATFORM_NAME", platform.sdk_name());
        table.set("PLATFORM_FAMILY_NAME", platform.family_name());
        if !platform.is_simulator() {
            table.set("PLATFORM_DISPLAY_NAME", platform.family_name());
        }
        signing(&mut table, kind, platform);
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

/// `PRODUCT_NAME`, which templates write and the engine has a default for in drivers and system extensions alone
/// (`DarwinProductTypes.xcspec`). Where nobody writes it, we take what every template writes.
fn product_name(kind: ProductKind) -> &'static str {
    match kind {
        ProductKind::SystemExtension | ProductKind::DriverExtension => {
            "$(PRODUCT_BUNDLE_IDENTIFIER)"
        }
        _ => "$(TARGET_NAME)",
    }
}

/// `PRODUCT_BUNDLE_PACKAGE_TYPE` of the package specifications.
fn package_type(kind: ProductKind) -> Option<&'static str> {
    match kind {
        ProductKind::Application | ProductKind::AppClip => Some("APPL"),
        ProductKind::AppExtension | ProductKind::XpcService => Some("XPC!"),
        ProductKind::SystemExtension => Some("SYSX"),
        ProductKind::DriverExtension => Some("DEXT"),
        ProductKind::Framework => Some("FMWK"),
        ProductKind::UiTests | ProductKind::UnitTests | ProductKind::Bundle => Some("BNDL"),
        ProductKind::Library | ProductKind::Tool | ProductKind::Other => None,
    }
}

/// The signing settings of the SDKs and of the product specifications.
fn signing(table: &mut Collected, kind: ProductKind, platform: Platform) {
    // SettingsTests.signingDefaults: ad hoc in simulators, and on the Mac as long as there is no team.
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
    // A product of a simulator may carry a profile, as its device's does, and never has to.
    let provisioning = kind.provisioning(platform.device());
    let is_required = provisioning == Provisioning::Required && !platform.is_simulator();
    table.set(
        "PROVISIONING_PROFILE_SUPPORTED",
        yes_or_no(provisioning != Provisioning::Unsupported),
    );
    table.set("PROVISIONING_PROFILE_REQUIRED", yes_or_no(is_required));
    match kind {
        ProductKind::Application | ProductKind::AppClip => {
            table.set("ENTITLEMENTS_ALLOWED", yes_or_no(!platform.is_simulator()))
        }
        ProductKind::Tool => table.set("ENTITLEMENTS_ALLOWED", "YES"),
        _ => {}
    }
}

fn yes_or_no(yes: bool) -> &'static str {
    match yes {
        true => "YES",
        false => "NO",
    }
}

/// Whether Xcode declares the setting as a text. All that it does not declare is a list.
pub(super) fn is_text(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "CODE_SIGN_ENTITLEMENTS",
        "CODE_SIGN_ENTITLEMENTS_CONTENTS",
        "CODE_SIGN_IDENTITY",
        "CODE_SIGN_STYLE",
        "CODE_SIGNING_ALLOWED",
        "CODE_SIGNING_REQUIRED",
        "CONFIGURATION",
        "DEVELOPMENT_TEAM",
        "EFFECTIVE_PLATFORM_NAME",
        "EXECUTABLE_NAME",
        "FULL_PRODUCT_NAME",
        "INFOPLIST_FILE",
        "PLATFORM_NAME",
        "PRODUCT_BUNDLE_IDENTIFIER",
        "PRODUCT_MODULE_NAME",
        "PRODUCT_NAME",
        "PRODUCT_TYPE",
        "PROJECT_DIR",
        "PROJECT_NAME",
        "PROVISIONING_PROFILE",
        "PROVISIONING_PROFILE_SPECIFIER",
        "SDKROOT",
        "SRCROOT",
        "TARGET_NAME",
        "WRAPPER_EXTENSION",
        "WRAPPER_NAME",
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

fn wrapper_extension(kind: ProductKind) -> &'static str {
    match kind {
        ProductKind::Application | ProductKind::AppClip => "app",
        ProductKind::AppExtension => "appex",
        ProductKind::XpcService => "xpc",
        ProductKind::SystemExtension => "systemextension",
        ProductKind::DriverExtension => "dext",
        ProductKind::UiTests | ProductKind::UnitTests => "xctest",
        ProductKind::Framework => "framework",
        _ => "bundle",
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
        "CURRENT_VARIANT",
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
        "LOCAL_APPS_DIR",
        "LOCAL_LIBRARY_DIR",
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
