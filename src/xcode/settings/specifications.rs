//! What Xcode's specifications say of a product, as settings.
//!
//! A product type has a package type, which is its shape on disk. Either may be based on another one, and what it says itself
//! counts over that (swift-build: `ProductTypes.xcspec`, `DarwinProductTypes.xcspec`, `macOSProductTypes.xcspec`,
//! `WatchKit1ProductTypes.xcspec`, `MetalProductTypes.xcspec`, `InstrumentsPackage.xcspec`, and the `…PackageTypes.xcspec` beside
//! them). Kept is what names, places and signs a product; what compilers and linkers are told is not.
//!
//! Whether a product is signed and takes a profile is decided here and nowhere else: `CODE_SIGNING_ALLOWED`,
//! `PROVISIONING_PROFILE_SUPPORTED` and `PROVISIONING_PROFILE_REQUIRED` are settings like all others. On the Mac nothing but a driver
//! requires a profile: an application needs one only when it claims what Apple restricts, or when it is told to use one.

use std::sync::{Arc, OnceLock};

use crate::xcode::assignment::{Assignment, Table};

type Settings = &'static [(&'static str, &'static str)];

/// What a type says, and the type that it is based on.
struct Package {
    name: &'static str,
    based_on: Option<&'static str>,
    settings: Settings,
}

/// The same of a product, whose package is that of the product it is based on unless it has its own.
struct Product {
    name: &'static str,
    based_on: Option<&'static str>,
    package: Option<&'static str>,
    settings: Settings,
}

/// The settings of products of the type with this identifier, below those of the project. What is unknown is taken for the
/// family that its name begins or ends with, and else for a bundle that is signed, so that it is not passed over.
pub(super) fn of(product_type: Option<&str>) -> Arc<Table> {
    static TABLES: [OnceLock<Arc<Table>>; PRODUCTS.len()] =
        [const { OnceLock::new() }; PRODUCTS.len()];
    let known = product_type.and_then(known).or_else(|| index("bundle"));
    let table = known.and_then(|at| Some((TABLES.get(at)?, PRODUCTS.get(at)?)));
    match table {
        Some((table, product)) => Arc::clone(table.get_or_init(|| Arc::new(table_of(product)))),
        None => Arc::default(),
    }
}

/// The place in [`PRODUCTS`] of what is known of this type.
fn known(identifier: &str) -> Option<usize> {
    if let Some(name) = identifier.strip_prefix("org.swift.product-type.") {
        // Parts of packages, none of which is signed.
        return match name {
            "library.object" | "common.object" | "library.static" => index("objfile"),
            _ => None,
        };
    }
    let mut name = identifier.strip_prefix("com.apple.product-type.")?;
    let mut family = std::iter::from_fn(|| {
        let found = name;
        name = found.rsplit_once('.').map_or("", |(family, _)| family);
        (!found.is_empty()).then_some(found)
    });
    let is_extension = identifier.ends_with("-extension");
    let by_family = family.find_map(index);
    by_family.or_else(|| index("app-extension").filter(|_| is_extension))
}

fn index(name: &str) -> Option<usize> {
    PRODUCTS.iter().position(|product| product.name == name)
}

/// The package's settings under the product's, each over what it is based on.
fn table_of(product: &'static Product) -> Table {
    let products = chain(product, |product| {
        let base = product.based_on?;
        PRODUCTS.iter().find(|it| it.name == base)
    });
    let package = products.iter().find_map(|product| product.package);
    let package = package.and_then(|name| PACKAGES.iter().find(|it| it.name == name));
    let packages = package.map_or_else(Vec::new, |package| {
        chain(package, |package| {
            let base = package.based_on?;
            PACKAGES.iter().find(|it| it.name == base)
        })
    });
    let mut settings: Vec<(&str, &str)> = Vec::new();
    let said = packages
        .iter()
        .rev()
        .map(|package| package.settings)
        .chain(products.iter().rev().map(|product| product.settings));
    for (name, value) in said.flatten() {
        // What a type says stands in the place of what it is based on says, and inherits nothing from it.
        match settings.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => settings.push((name, value)),
        }
    }
    let assignments = settings.into_iter();
    Table::new(
        assignments
            .map(|(name, value)| Assignment::plain(name, value))
            .collect(),
    )
}

/// `first` and what it is based on, itself first.
fn chain<T>(first: &'static T, base: impl Fn(&T) -> Option<&'static T>) -> Vec<&'static T> {
    std::iter::successors(Some(first), |it| base(it)).collect()
}

const fn package(
    name: &'static str,
    based_on: Option<&'static str>,
    settings: Settings,
) -> Package {
    Package {
        name,
        based_on,
        settings,
    }
}

const fn product(
    name: &'static str,
    based_on: Option<&'static str>,
    package: Option<&'static str>,
    settings: Settings,
) -> Product {
    Product {
        name,
        based_on,
        package,
        settings,
    }
}

/// One file.
const FILE: Settings = &[
    ("EXECUTABLE_PREFIX", ""),
    ("EXECUTABLE_SUFFIX", ""),
    (
        "EXECUTABLE_NAME",
        "$(EXECUTABLE_PREFIX)$(PRODUCT_NAME)$(EXECUTABLE_VARIANT_SUFFIX)$(EXECUTABLE_SUFFIX)",
    ),
    ("EXECUTABLE_PATH", "$(EXECUTABLE_NAME)"),
];

/// A folder that looks like a file: deep on the Mac, flat elsewhere.
const WRAPPER: Settings = &[
    ("PRODUCT_BUNDLE_PACKAGE_TYPE", "BNDL"),
    ("WRAPPER_PREFIX", ""),
    ("WRAPPER_SUFFIX", ".bundle"),
    (
        "WRAPPER_NAME",
        "$(WRAPPER_PREFIX)$(PRODUCT_NAME)$(WRAPPER_SUFFIX)",
    ),
    (
        "CONTENTS_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH_SHALLOW_BUNDLE_$(SHALLOW_BUNDLE))",
    ),
    ("EXECUTABLE_PREFIX", ""),
    ("EXECUTABLE_SUFFIX", ""),
    (
        "EXECUTABLE_NAME",
        "$(EXECUTABLE_PREFIX)$(PRODUCT_NAME)$(EXECUTABLE_VARIANT_SUFFIX)$(EXECUTABLE_SUFFIX)",
    ),
    (
        "EXECUTABLE_FOLDER_PATH",
        "$(EXECUTABLE_FOLDER_PATH_SHALLOW_BUNDLE_$(SHALLOW_BUNDLE))",
    ),
    (
        "EXECUTABLE_PATH",
        "$(EXECUTABLE_FOLDER_PATH)/$(EXECUTABLE_NAME)",
    ),
    ("INFOPLIST_PATH", "$(CONTENTS_FOLDER_PATH)/Info.plist"),
    ("PKGINFO_PATH", "$(CONTENTS_FOLDER_PATH)/PkgInfo"),
    ("VERSIONPLIST_PATH", "$(CONTENTS_FOLDER_PATH)/version.plist"),
    (
        "PUBLIC_HEADERS_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH)/Headers",
    ),
    (
        "PRIVATE_HEADERS_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH)/PrivateHeaders",
    ),
    (
        "EXECUTABLES_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH)/Executables",
    ),
    (
        "FRAMEWORKS_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH)/Frameworks",
    ),
    (
        "SHARED_FRAMEWORKS_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH)/SharedFrameworks",
    ),
    (
        "SHARED_SUPPORT_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH)/SharedSupport",
    ),
    (
        "UNLOCALIZED_RESOURCES_FOLDER_PATH",
        "$(UNLOCALIZED_RESOURCES_FOLDER_PATH_SHALLOW_BUNDLE_$(SHALLOW_BUNDLE))",
    ),
    (
        "EXTENSIONS_FOLDER_PATH",
        "$(CONTENTS_FOLDER_PATH)/Extensions",
    ),
    ("MODULES_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)/Modules"),
    ("PLUGINS_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)/PlugIns"),
    (
        "SCRIPTS_FOLDER_PATH",
        "$(UNLOCALIZED_RESOURCES_FOLDER_PATH)/Scripts",
    ),
    (
        "SYSTEM_EXTENSIONS_FOLDER_PATH",
        "$(SYSTEM_EXTENSIONS_FOLDER_PATH_SHALLOW_BUNDLE_$(SHALLOW_BUNDLE))",
    ),
    (
        "CONTENTS_FOLDER_PATH_SHALLOW_BUNDLE_NO",
        "$(WRAPPER_NAME)/Contents",
    ),
    (
        "EXECUTABLE_FOLDER_PATH_SHALLOW_BUNDLE_NO",
        "$(CONTENTS_FOLDER_PATH)/MacOS",
    ),
    (
        "SYSTEM_EXTENSIONS_FOLDER_PATH_SHALLOW_BUNDLE_NO",
        "$(CONTENTS_FOLDER_PATH)/Library/SystemExtensions",
    ),
    (
        "UNLOCALIZED_RESOURCES_FOLDER_PATH_SHALLOW_BUNDLE_NO",
        "$(CONTENTS_FOLDER_PATH)/Resources",
    ),
    ("CONTENTS_FOLDER_PATH_SHALLOW_BUNDLE_YES", "$(WRAPPER_NAME)"),
    (
        "EXECUTABLE_FOLDER_PATH_SHALLOW_BUNDLE_YES",
        "$(CONTENTS_FOLDER_PATH)",
    ),
    (
        "SYSTEM_EXTENSIONS_FOLDER_PATH_SHALLOW_BUNDLE_YES",
        "$(CONTENTS_FOLDER_PATH)/SystemExtensions",
    ),
    (
        "UNLOCALIZED_RESOURCES_FOLDER_PATH_SHALLOW_BUNDLE_YES",
        "$(CONTENTS_FOLDER_PATH)",
    ),
    ("SHALLOW_BUNDLE_macos", "NO"),
    ("SHALLOW_BUNDLE_ios_macabi", "NO"),
    (
        "SHALLOW_BUNDLE_TRIPLE",
        "$(SWIFT_PLATFORM_TARGET_PREFIX)$(LLVM_TARGET_TRIPLE_SUFFIX)",
    ),
    (
        "SHALLOW_BUNDLE_PLATFORM",
        "$(SHALLOW_BUNDLE_$(SHALLOW_BUNDLE_TRIPLE:identifier))",
    ),
    ("SHALLOW_BUNDLE", "$(SHALLOW_BUNDLE_PLATFORM:default=YES)"),
];

const FRAMEWORK: Settings = &[
    ("PRODUCT_BUNDLE_PACKAGE_TYPE", "FMWK"),
    ("WRAPPER_SUFFIX", ".framework"),
    (
        "VERSIONS_FOLDER_PATH",
        "$(VERSIONS_FOLDER_PATH_SHALLOW_BUNDLE_$(SHALLOW_BUNDLE))",
    ),
    ("CURRENT_VERSION", "Current"),
    (
        "INFOPLIST_PATH",
        "$(UNLOCALIZED_RESOURCES_FOLDER_PATH)/Info.plist",
    ),
    ("PKGINFO_PATH", "$(WRAPPER_NAME)/PkgInfo"),
    (
        "VERSIONPLIST_PATH",
        "$(UNLOCALIZED_RESOURCES_FOLDER_PATH)/version.plist",
    ),
    (
        "SHARED_SUPPORT_FOLDER_PATH",
        "$(UNLOCALIZED_RESOURCES_FOLDER_PATH)",
    ),
    (
        "CODESIGNING_FOLDER_PATH",
        "$(TARGET_BUILD_DIR)/$(CONTENTS_FOLDER_PATH)",
    ),
    (
        "VERSIONS_FOLDER_PATH_SHALLOW_BUNDLE_NO",
        "$(WRAPPER_NAME)/Versions",
    ),
    (
        "CONTENTS_FOLDER_PATH_SHALLOW_BUNDLE_NO",
        "$(VERSIONS_FOLDER_PATH)/$(FRAMEWORK_VERSION)",
    ),
    (
        "EXECUTABLE_FOLDER_PATH_SHALLOW_BUNDLE_NO",
        "$(CONTENTS_FOLDER_PATH)",
    ),
    ("VERSIONS_FOLDER_PATH_SHALLOW_BUNDLE_YES", "$(WRAPPER_NAME)"),
];

const PACKAGES: [Package; 17] = [
    package("file", None, FILE),
    package(
        "static-library",
        Some("file"),
        &[("EXECUTABLE_PREFIX", "lib"), ("EXECUTABLE_SUFFIX", ".a")],
    ),
    package(
        "metal-library",
        Some("file"),
        &[(
            "EXECUTABLE_NAME",
            "$(EXECUTABLE_PREFIX)$(METAL_LIBRARY_FILE_BASE)$(EXECUTABLE_VARIANT_SUFFIX)$(EXECUTABLE_SUFFIX)",
        )],
    ),
    package("jarfile", Some("file"), &[("EXECUTABLE_SUFFIX", ".jar")]),
    package("wrapper", None, WRAPPER),
    package("wrapper.framework", Some("wrapper"), FRAMEWORK),
    package(
        "wrapper.application",
        Some("wrapper"),
        &[
            ("PRODUCT_BUNDLE_PACKAGE_TYPE", "APPL"),
            ("GENERATE_PKGINFO_FILE", "YES"),
        ],
    ),
    package(
        "bundle.unit-test",
        Some("wrapper"),
        &[("WRAPPER_SUFFIX", "xctest")],
    ),
    package(
        "bundle.ocunit-test",
        Some("wrapper"),
        &[("WRAPPER_SUFFIX", "octest")],
    ),
    package(
        "bundle.external-test",
        Some("wrapper"),
        &[("WRAPPER_SUFFIX", "externaltest")],
    ),
    package(
        "wrapper.system-extension",
        Some("wrapper"),
        &[("PRODUCT_BUNDLE_PACKAGE_TYPE", "SYSX")],
    ),
    package(
        "wrapper.driver-extension",
        Some("wrapper.system-extension"),
        &[("PRODUCT_BUNDLE_PACKAGE_TYPE", "DEXT")],
    ),
    package(
        "in-app-purchase-content",
        Some("wrapper"),
        &[
            ("PRODUCT_BUNDLE_PACKAGE_TYPE", ""),
            ("WRAPPER_SUFFIX", ""),
            ("EXECUTABLE_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            ("INFOPLIST_PATH", "$(WRAPPER_NAME)/ContentInfo.plist"),
            ("CONTENTS_FOLDER_PATH", "$(WRAPPER_NAME)/Contents"),
            ("PUBLIC_HEADERS_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            ("PRIVATE_HEADERS_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            ("EXECUTABLES_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            ("FRAMEWORKS_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            ("SHARED_FRAMEWORKS_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            ("SHARED_SUPPORT_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            (
                "UNLOCALIZED_RESOURCES_FOLDER_PATH",
                "$(CONTENTS_FOLDER_PATH)",
            ),
            ("MODULES_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            ("PLUGINS_FOLDER_PATH", "$(CONTENTS_FOLDER_PATH)"),
            (
                "SCRIPTS_FOLDER_PATH",
                "$(UNLOCALIZED_RESOURCES_FOLDER_PATH)",
            ),
        ],
    ),
    package(
        "xpc-service",
        Some("wrapper"),
        &[
            ("PRODUCT_BUNDLE_PACKAGE_TYPE", "XPC!"),
            ("WRAPPER_SUFFIX", ".xpc"),
        ],
    ),
    package(
        "pluginkit-plugin",
        Some("xpc-service"),
        &[("WRAPPER_SUFFIX", ".pluginkit")],
    ),
    package(
        "app-extension",
        Some("pluginkit-plugin"),
        &[("WRAPPER_SUFFIX", ".appex")],
    ),
    package("extensionkit-extension", Some("pluginkit-plugin"), &[]),
];

const PRODUCTS: [Product; 29] = [
    product(
        "tool",
        None,
        Some("file"),
        &[
            ("FULL_PRODUCT_NAME", "$(EXECUTABLE_NAME)"),
            ("MACH_O_TYPE", "mh_execute"),
            ("INSTALL_PATH", "/usr/local/bin"),
            ("CODE_SIGNING_ALLOWED", "YES"),
            ("ENTITLEMENTS_ALLOWED", "YES"),
        ],
    ),
    product(
        "tool.java",
        None,
        Some("jarfile"),
        &[
            ("FULL_PRODUCT_NAME", "$(EXECUTABLE_NAME)"),
            ("INSTALL_PATH", "/usr/local/bin"),
        ],
    ),
    product(
        "library.dynamic",
        None,
        Some("file"),
        &[
            ("FULL_PRODUCT_NAME", "$(EXECUTABLE_NAME)"),
            ("MACH_O_TYPE", "mh_dylib"),
            ("EXECUTABLE_SUFFIX", ".$(EXECUTABLE_EXTENSION)"),
            (
                "EXECUTABLE_EXTENSION",
                "$(DYNAMIC_LIBRARY_EXTENSION:default=dylib)",
            ),
            ("PUBLIC_HEADERS_FOLDER_PATH", "/usr/local/include"),
            ("PRIVATE_HEADERS_FOLDER_PATH", "/usr/local/include"),
            ("INSTALL_PATH", "/usr/local/lib"),
            ("CODE_SIGNING_ALLOWED", "YES"),
            ("CODE_SIGNING_REQUIRED", "NO"),
        ],
    ),
    product(
        "library.static",
        None,
        Some("static-library"),
        &[
            ("FULL_PRODUCT_NAME", "$(EXECUTABLE_NAME)"),
            ("MACH_O_TYPE", "staticlib"),
            ("EXECUTABLE_PREFIX", "lib"),
            ("EXECUTABLE_SUFFIX", ".$(EXECUTABLE_EXTENSION)"),
            ("EXECUTABLE_EXTENSION", "a"),
            ("PUBLIC_HEADERS_FOLDER_PATH", "/usr/local/include"),
            ("PRIVATE_HEADERS_FOLDER_PATH", "/usr/local/include"),
            ("INSTALL_PATH", "/usr/local/lib"),
            ("CODE_SIGNING_ALLOWED", "NO"),
        ],
    ),
    product(
        "library.java.archive",
        None,
        Some("jarfile"),
        &[
            ("FULL_PRODUCT_NAME", "$(PRODUCT_NAME)"),
            ("INSTALL_PATH", "/usr/local/lib"),
        ],
    ),
    product(
        "objfile",
        None,
        Some("file"),
        &[
            ("FULL_PRODUCT_NAME", "$(EXECUTABLE_NAME)"),
            ("MACH_O_TYPE", "mh_object"),
            ("EXECUTABLE_SUFFIX", ".$(EXECUTABLE_EXTENSION)"),
            ("EXECUTABLE_EXTENSION", "o"),
            ("PUBLIC_HEADERS_FOLDER_PATH", "/usr/local/include"),
            ("PRIVATE_HEADERS_FOLDER_PATH", "/usr/local/include"),
            ("INSTALL_PATH", "$(HOME)/Objects"),
        ],
    ),
    product(
        "metal-library",
        None,
        Some("metal-library"),
        &[
            ("FULL_PRODUCT_NAME", "$(EXECUTABLE_NAME)"),
            ("EXECUTABLE_SUFFIX", ".$(EXECUTABLE_EXTENSION)"),
            ("EXECUTABLE_EXTENSION", "metallib"),
            ("METAL_LIBRARY_FILE_BASE", "$(PRODUCT_NAME)"),
            ("PUBLIC_HEADERS_FOLDER_PATH", "/usr/local/include"),
            ("PRIVATE_HEADERS_FOLDER_PATH", "/usr/local/include"),
            ("INSTALL_PATH", "$(HOME)/Metal"),
        ],
    ),
    product(
        "instruments-package",
        None,
        Some("file"),
        &[
            ("FULL_PRODUCT_NAME", "$(EXECUTABLE_NAME)"),
            ("EXECUTABLE_SUFFIX", ".$(EXECUTABLE_EXTENSION)"),
            ("EXECUTABLE_EXTENSION", "instrdst"),
            ("INSTALL_PATH", "$(LOCAL_LIBRARY_DIR)/Instruments/Packages"),
            ("CODE_SIGNING_ALLOWED", "NO"),
        ],
    ),
    product(
        "in-app-purchase-content",
        None,
        Some("in-app-purchase-content"),
        &[
            ("FULL_PRODUCT_NAME", "$(WRAPPER_NAME)"),
            ("CODE_SIGNING_ALLOWED", "NO"),
        ],
    ),
    product(
        "bundle",
        None,
        Some("wrapper"),
        &[
            ("FULL_PRODUCT_NAME", "$(WRAPPER_NAME)"),
            ("MACH_O_TYPE", "mh_bundle"),
            ("WRAPPER_PREFIX", ""),
            ("WRAPPER_SUFFIX", ".$(WRAPPER_EXTENSION)"),
            ("WRAPPER_EXTENSION", "bundle"),
            (
                "WRAPPER_NAME",
                "$(WRAPPER_PREFIX)$(PRODUCT_NAME)$(WRAPPER_SUFFIX)",
            ),
            ("CODE_SIGNING_ALLOWED", "YES"),
            ("ENTITLEMENTS_REQUIRED", "NO"),
        ],
    ),
    product("spotlight-importer", Some("bundle"), None, &[]),
    // Of these two Apple publishes no specification.
    product(
        "kernel-extension",
        Some("bundle"),
        None,
        &[("WRAPPER_EXTENSION", "kext")],
    ),
    product(
        "xcframework",
        Some("bundle"),
        None,
        &[("WRAPPER_EXTENSION", "xcframework")],
    ),
    product(
        "framework",
        Some("bundle"),
        Some("wrapper.framework"),
        &[
            ("MACH_O_TYPE", "mh_dylib"),
            ("FRAMEWORK_VERSION", "A"),
            ("WRAPPER_EXTENSION", "framework"),
            ("INSTALL_PATH", "$(LOCAL_LIBRARY_DIR)/Frameworks"),
            ("CODE_SIGNING_REQUIRED", "NO"),
            ("CODE_SIGNING_REQUIRES_TEAM", "YES"),
        ],
    ),
    product(
        "framework.static",
        Some("framework"),
        None,
        &[("MACH_O_TYPE", "staticlib")],
    ),
    product(
        "bundle.external-test",
        Some("bundle"),
        Some("bundle.external-test"),
        &[("WRAPPER_EXTENSION", "externaltest")],
    ),
    product(
        "bundle.ocunit-test",
        Some("bundle"),
        Some("bundle.ocunit-test"),
        &[("WRAPPER_EXTENSION", "octest")],
    ),
    product(
        "bundle.unit-test",
        Some("bundle"),
        Some("bundle.unit-test"),
        &[
            ("WRAPPER_EXTENSION", "xctest"),
            ("PROVISIONING_PROFILE_SUPPORTED", "YES"),
            ("PROVISIONING_PROFILE_REQUIRED", "NO"),
        ],
    ),
    product(
        "bundle.ui-testing",
        Some("bundle.unit-test"),
        None,
        &[
            ("USES_XCTRUNNER", "YES"),
            ("PROVISIONING_PROFILE_REQUIRED", "$(__IS_NOT_MACOS)"),
            (
                "__IS_NOT_MACOS",
                "$(__IS_NOT_MACOS_$(PLATFORM_NAME):default=YES)",
            ),
            ("__IS_NOT_MACOS_macosx", "NO"),
        ],
    ),
    product(
        "application",
        Some("bundle"),
        Some("wrapper.application"),
        &[
            ("MACH_O_TYPE", "mh_execute"),
            ("WRAPPER_EXTENSION", "app"),
            ("INSTALL_PATH", "$(LOCAL_APPS_DIR)"),
            ("SUPPORTS_MACCATALYST", "NO"),
            ("ENTITLEMENTS_ALLOWED", "$(__IS_NOT_SIMULATOR)"),
            ("PROVISIONING_PROFILE_SUPPORTED", "YES"),
            (
                "PROVISIONING_PROFILE_REQUIRED",
                "$(PROVISIONING_PROFILE_REQUIRED_$(__IS_NOT_SIMULATOR)_$(__IS_NOT_MACOS):default=NO)",
            ),
            ("PROVISIONING_PROFILE_REQUIRED_YES_YES", "YES"),
            (
                "__IS_NOT_SIMULATOR",
                "$(__IS_NOT_SIMULATOR$(LLVM_TARGET_TRIPLE_SUFFIX:identifier):default=YES)",
            ),
            ("__IS_NOT_SIMULATOR_simulator", "NO"),
            (
                "__IS_NOT_MACOS",
                "$(__IS_NOT_MACOS_$(PLATFORM_NAME):default=YES)",
            ),
            ("__IS_NOT_MACOS_macosx", "NO"),
        ],
    ),
    product(
        "application.watchapp2-container",
        Some("application"),
        None,
        &[("GENERATE_INFOPLIST_FILE", "YES")],
    ),
    product(
        "application.java",
        Some("application"),
        None,
        &[("INFOPLIST_PATH", ""), ("PKGINFO_PATH", "")],
    ),
    product(
        "xpc-service",
        Some("bundle"),
        Some("xpc-service"),
        &[
            ("MACH_O_TYPE", "mh_execute"),
            ("WRAPPER_EXTENSION", "xpc"),
            ("PROVISIONING_PROFILE_SUPPORTED", "YES"),
            ("PROVISIONING_PROFILE_REQUIRED", "$(__IS_NOT_MACOS)"),
            (
                "__IS_NOT_MACOS",
                "$(__IS_NOT_MACOS_$(PLATFORM_NAME):default=YES)",
            ),
            ("__IS_NOT_MACOS_macosx", "NO"),
        ],
    ),
    product(
        "pluginkit-plugin",
        Some("xpc-service"),
        Some("pluginkit-plugin"),
        &[("WRAPPER_EXTENSION", "pluginkit")],
    ),
    product(
        "app-extension",
        Some("pluginkit-plugin"),
        Some("app-extension"),
        &[
            ("WRAPPER_EXTENSION", "appex"),
            ("SUPPORTS_MACCATALYST", "NO"),
        ],
    ),
    product(
        "extensionkit-extension",
        Some("app-extension"),
        Some("extensionkit-extension"),
        &[],
    ),
    product(
        "xcode-extension",
        Some("app-extension"),
        None,
        &[("PROVISIONING_PROFILE_REQUIRED", "NO")],
    ),
    product(
        "system-extension",
        Some("bundle"),
        Some("wrapper.system-extension"),
        &[
            ("MACH_O_TYPE", "mh_execute"),
            ("WRAPPER_EXTENSION", "systemextension"),
            ("PRODUCT_NAME", "$(PRODUCT_BUNDLE_IDENTIFIER)"),
            ("PROVISIONING_PROFILE_SUPPORTED", "YES"),
            ("PROVISIONING_PROFILE_REQUIRED", "NO"),
        ],
    ),
    product(
        "driver-extension",
        Some("system-extension"),
        Some("wrapper.driver-extension"),
        &[
            ("PROVISIONING_PROFILE_REQUIRED", "YES"),
            ("WRAPPER_EXTENSION", "dext"),
            ("INSTALL_PATH", "/System/Library/DriverExtensions"),
        ],
    ),
];
