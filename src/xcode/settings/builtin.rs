//! What Xcode sets itself, as far as signing settings refer to it.
//!
//! Names and layering follow swift-build (`Settings.swift`, the product specifications): the project's facts and the
//! product type's defaults lie below everything, the target's name between the project's settings and the target's,
//! and what follows from the platform over the target.

use std::path::Path;

use super::scope::Scope;
use crate::xcode::assignment::{Assignment, Table};
use crate::xcode::platform::Platform;
use crate::xcode::product_type::ProductKind;
use crate::xcode::project::{Project, Target};

/// Defaults that lie below the project.
pub(super) fn of_project(
    project: &Project,
    configuration: &str,
    kind: ProductKind,
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
    table.set("SYMROOT", "build");
    table.set("BUILD_DIR", "$(SYMROOT)");
    table.set(
        "CONFIGURATION_BUILD_DIR",
        "$(BUILD_DIR)/$(CONFIGURATION)$(EFFECTIVE_PLATFORM_NAME)",
    );
    table.set("BUILT_PRODUCTS_DIR", "$(CONFIGURATION_BUILD_DIR)");
    table.set("TARGET_BUILD_DIR", "$(CONFIGURATION_BUILD_DIR)");
    table.set("PRODUCT_NAME", "$(TARGET_NAME)");
    table.set("PRODUCT_MODULE_NAME", "$(PRODUCT_NAME:c99extidentifier)");
    table.set("EXECUTABLE_NAME", "$(PRODUCT_NAME)");
    table.set("WRAPPER_SUFFIX", ".$(WRAPPER_EXTENSION)");
    table.set("WRAPPER_NAME", "$(PRODUCT_NAME)$(WRAPPER_SUFFIX)");
    table.set("FULL_PRODUCT_NAME", "$(WRAPPER_NAME)");
    table.set("WRAPPER_EXTENSION", wrapper_extension(kind));
    let is_signed = !matches!(kind, ProductKind::Library);
    table.set("CODE_SIGNING_ALLOWED", if is_signed { "YES" } else { "NO" });
    if kind == ProductKind::UiTests {
        table.set("USES_XCTRUNNER", "YES");
    }
    table.set("SDKROOT", "macosx");
    if let Some(platform) = platform {
        table.set("PLATFORM_NAME", platform.sdk_name());
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
    let derives = [
        "DERIVE_MACCATALYST_PRODUCT_BUNDLE_IDENTIFIER",
        "DERIVE_UIKITFORMAC_PRODUCT_BUNDLE_IDENTIFIER",
    ];
    if platform == Platform::MacCatalyst && derives.iter().any(|name| scope.is_yes(name)) {
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
        "PLATFORM_DISPLAY_NAME",
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
