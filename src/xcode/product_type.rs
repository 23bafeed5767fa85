//! Product types: what a target builds.
//!
//! Whether such a product is signed and carries a provisioning profile is said by settings, which product specifications set
//! and projects may change: `CODE_SIGNING_ALLOWED`, `PROVISIONING_PROFILE_REQUIRED`, `PROVISIONING_PROFILE_SUPPORTED`.

use std::fmt;

/// What a target builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProductKind {
    /// An application, watch applications of every generation and message applications included.
    Application,
    /// An App Clip.
    AppClip,
    /// An application extension of any kind, ExtensionKit, watch and message extensions included.
    AppExtension,
    /// An XPC service.
    XpcService,
    /// A system extension.
    SystemExtension,
    /// A DriverKit driver.
    DriverExtension,
    /// A UI-test bundle, which Xcode wraps into a runner application.
    UiTests,
    /// A unit-test bundle.
    UnitTests,
    /// A framework, dynamic or static.
    Framework,
    /// A library or object file.
    Library,
    /// A command-line tool.
    Tool,
    /// A bundle of resources or a plug-in that is none of the above.
    Bundle,
    /// A type that this code does not know, or none.
    Other,
}

impl ProductKind {
    /// The kind of a product type's identifier. What is unknown is told by the family that its name begins with:
    /// Apple derives new types from old ones, and their names too.
    pub fn of(identifier: &str) -> Self {
        let Some(name) = identifier.strip_prefix("com.apple.product-type.") else {
            return Self::Other;
        };
        match name {
            "application.on-demand-install-capable" => Self::AppClip,
            "xpc-service" | "pluginkit-plugin" => Self::XpcService,
            "system-extension" => Self::SystemExtension,
            "driver-extension" => Self::DriverExtension,
            "kernel-extension" | "kernel-extension.iokit" => Self::Bundle,
            "bundle.ui-testing" => Self::UiTests,
            "bundle.unit-test" | "bundle.ocunit-test" => Self::UnitTests,
            _ if is_or_below(name, "application") => Self::Application,
            _ if is_or_below(name, "framework") || is_or_below(name, "xcframework") => {
                Self::Framework
            }
            _ if is_or_below(name, "library") || is_or_below(name, "objfile") => Self::Library,
            _ if is_or_below(name, "metal-library") => Self::Library,
            _ if is_or_below(name, "tool") => Self::Tool,
            _ if is_or_below(name, "bundle") => Self::Bundle,
            // app-extension(.…), extensionkit-extension, watchkit-extension, watchkit2-extension, tv-app-extension,
            // xcode-extension
            _ if is_or_below(name, "app-extension") || name.ends_with("-extension") => {
                Self::AppExtension
            }
            _ => Self::Other,
        }
    }

    /// Whether it is a test bundle: built for testing on devices, and never archived.
    pub fn is_test(self) -> bool {
        matches!(self, Self::UiTests | Self::UnitTests)
    }

    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::AppClip => "app clip",
            Self::AppExtension => "app extension",
            Self::XpcService => "XPC service",
            Self::SystemExtension => "system extension",
            Self::DriverExtension => "driver extension",
            Self::UiTests => "UI tests",
            Self::UnitTests => "unit tests",
            Self::Framework => "framework",
            Self::Library => "library",
            Self::Tool => "tool",
            Self::Bundle => "bundle",
            Self::Other => "other",
        }
    }

    /// Whether it reaches its users inside of an application.
    pub fn is_carried_by_applications(self) -> bool {
        matches!(
            self,
            Self::AppClip
                | Self::AppExtension
                | Self::XpcService
                | Self::SystemExtension
                | Self::DriverExtension
        )
    }
}

impl fmt::Display for ProductKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a product has to do with provisioning profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provisioning {
    /// It cannot be signed without one.
    Required,
    /// It carries one if it is told to, or claims what only a profile can grant.
    Optional,
    /// It carries none; Xcode refuses to build it with one specified.
    Unsupported,
}

fn is_or_below(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_xcode_knows_has_its_kind() {
        for (name, kind) in [
            ("application", ProductKind::Application),
            ("application.watchapp", ProductKind::Application),
            ("application.watchapp2", ProductKind::Application),
            ("application.watchapp2-container", ProductKind::Application),
            ("application.messages", ProductKind::Application),
            (
                "application.on-demand-install-capable",
                ProductKind::AppClip,
            ),
            ("app-extension", ProductKind::AppExtension),
            ("app-extension.messages", ProductKind::AppExtension),
            (
                "app-extension.messages-sticker-pack",
                ProductKind::AppExtension,
            ),
            ("app-extension.intents-service", ProductKind::AppExtension),
            ("extensionkit-extension", ProductKind::AppExtension),
            ("tv-app-extension", ProductKind::AppExtension),
            ("tv-broadcast-extension", ProductKind::AppExtension),
            ("watchkit-extension", ProductKind::AppExtension),
            ("watchkit2-extension", ProductKind::AppExtension),
            ("xcode-extension", ProductKind::AppExtension),
            ("xpc-service", ProductKind::XpcService),
            ("system-extension", ProductKind::SystemExtension),
            ("driver-extension", ProductKind::DriverExtension),
            ("kernel-extension", ProductKind::Bundle),
            ("bundle", ProductKind::Bundle),
            ("bundle.unit-test", ProductKind::UnitTests),
            ("bundle.ui-testing", ProductKind::UiTests),
            ("framework", ProductKind::Framework),
            ("framework.static", ProductKind::Framework),
            ("library.static", ProductKind::Library),
            ("library.dynamic", ProductKind::Library),
            ("tool", ProductKind::Tool),
            ("in-app-purchase-content", ProductKind::Other),
        ] {
            let identifier = format!("com.apple.product-type.{name}");
            assert_eq!(ProductKind::of(&identifier), kind, "{identifier}");
        }
        assert_eq!(ProductKind::of("org.example.thing"), ProductKind::Other);
    }
}
