//! Platforms and the SDKs that settings are conditioned on.
//!
//! A signing plan has a row for each platform a target is built for, because the settings may differ on each. Mac
//! Catalyst is a platform of its own here, although to conditions it is `macosx`: it has its own bundle id, profile and
//! entitlements.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apple::entitlements::grant::PlatformFamily;
use crate::base::error::{ErrorCode, Explain};

/// What a target is built for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// iOS and iPadOS.
    Ios,
    /// An iOS product on the Mac.
    MacCatalyst,
    /// macOS.
    Macos,
    /// tvOS.
    Tvos,
    /// watchOS.
    Watchos,
    /// visionOS.
    Visionos,
    /// Drivers.
    Driverkit,
    /// iOS simulator; nothing in it needs a profile.
    IosSimulator,
    /// tvOS simulator; nothing in it needs a profile.
    TvosSimulator,
    /// watchOS simulator; nothing in it needs a profile.
    WatchosSimulator,
    /// visionOS simulator; nothing in it needs a profile.
    VisionosSimulator,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 11] = [
        Self::Ios,
        Self::MacCatalyst,
        Self::Macos,
        Self::Tvos,
        Self::Watchos,
        Self::Visionos,
        Self::Driverkit,
        Self::IosSimulator,
        Self::TvosSimulator,
        Self::WatchosSimulator,
        Self::VisionosSimulator,
    ];

    /// The word of reports and of JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::MacCatalyst => "mac-catalyst",
            Self::Macos => "macos",
            Self::Tvos => "tvos",
            Self::Watchos => "watchos",
            Self::Visionos => "visionos",
            Self::Driverkit => "driverkit",
            Self::IosSimulator => "ios-simulator",
            Self::TvosSimulator => "tvos-simulator",
            Self::WatchosSimulator => "watchos-simulator",
            Self::VisionosSimulator => "visionos-simulator",
        }
    }

    /// `PLATFORM_NAME`, which is also how SDKs and conditions begin: `iphoneos`, `macosx`.
    pub fn sdk_name(self) -> &'static str {
        match self {
            Self::Ios => "iphoneos",
            Self::Macos | Self::MacCatalyst => "macosx",
            Self::Tvos => "appletvos",
            Self::Watchos => "watchos",
            Self::Visionos => "xros",
            Self::Driverkit => "driverkit",
            Self::IosSimulator => "iphonesimulator",
            Self::TvosSimulator => "appletvsimulator",
            Self::WatchosSimulator => "watchsimulator",
            Self::VisionosSimulator => "xrsimulator",
        }
    }

    /// Whether an application for it may hold a product for `inner`: one for the same platform, or an iPhone app its watch app.
    pub fn may_hold(self, inner: Self) -> bool {
        self == inner || (self == Self::Ios && inner == Self::Watchos)
    }

    /// How a filter of a build file calls it (`platformFilter` of a `PBXBuildFile`): `ios`, `maccatalyst`.
    pub fn filter_name(self) -> &'static str {
        match self {
            Self::Ios | Self::IosSimulator => "ios",
            Self::MacCatalyst => "maccatalyst",
            Self::Macos => "macos",
            Self::Tvos | Self::TvosSimulator => "tvos",
            Self::Watchos | Self::WatchosSimulator => "watchos",
            Self::Visionos | Self::VisionosSimulator => "xros",
            Self::Driverkit => "driverkit",
        }
    }

    /// The platform of an SDK's name or path: `iphoneos`, `iphoneos18.2`, `watchos.internal`, `…/MacOSX15.0.sdk`.
    /// The Mac's is [`Platform::Macos`]; Catalyst has no SDK of its own.
    pub fn of_sdk(sdk: &str) -> Option<Self> {
        let name = sdk.rsplit('/').next().unwrap_or(sdk).to_ascii_lowercase();
        let letters = name
            .find(|c: char| !c.is_ascii_lowercase())
            .and_then(|end| name.get(..end))
            .unwrap_or(&name);
        Self::ALL
            .into_iter()
            .filter(|platform| *platform != Self::MacCatalyst)
            .find(|platform| platform.sdk_name() == letters)
    }

    /// Whether it is a simulator.
    pub fn is_simulator(self) -> bool {
        matches!(
            self,
            Self::IosSimulator
                | Self::TvosSimulator
                | Self::WatchosSimulator
                | Self::VisionosSimulator
        )
    }

    /// What a simulator stands for; any other platform itself.
    pub fn device(self) -> Self {
        match self {
            Self::IosSimulator => Self::Ios,
            Self::TvosSimulator => Self::Tvos,
            Self::WatchosSimulator => Self::Watchos,
            Self::VisionosSimulator => Self::Visionos,
            device => device,
        }
    }

    /// Whether products run on a Mac under the Mac's rules: a profile is needed only for what Apple restricts.
    pub fn is_mac(self) -> bool {
        matches!(self, Self::Macos | Self::MacCatalyst)
    }

    /// What the `Platform` key of a profile may hold for products of this platform to be signed with it. Apple writes `OSX`
    /// for macOS and Catalyst; watch products are signed with iOS profiles, tvOS ones never are (Xcode: "has platforms iOS,
    /// which does not match the current platform tvOS"), and visionOS ones with profiles that name it or its first name,
    /// `xrOS`.
    pub fn names_in_profiles(self) -> &'static [&'static str] {
        match self {
            Self::Ios | Self::IosSimulator => &["iOS"],
            Self::Watchos | Self::WatchosSimulator => &["iOS", "watchOS"],
            Self::Tvos | Self::TvosSimulator => &["tvOS"],
            Self::Visionos | Self::VisionosSimulator => &["visionOS", "xrOS"],
            Self::Macos | Self::MacCatalyst | Self::Driverkit => &["OSX", "macOS"],
        }
    }

    /// Whose rules say which claims a profile must grant.
    pub fn family(self) -> PlatformFamily {
        match self.is_mac() {
            true => PlatformFamily::Mac,
            false => PlatformFamily::Ios,
        }
    }

    /// `EFFECTIVE_PLATFORM_NAME`.
    pub(crate) fn effective_name(self) -> String {
        match self {
            Self::Macos => String::new(),
            Self::MacCatalyst => "-maccatalyst".to_owned(),
            other => format!("-{}", other.sdk_name()),
        }
    }

    /// `PLATFORM_FAMILY_NAME`.
    pub(crate) fn family_name(self) -> &'static str {
        match self {
            Self::Ios | Self::IosSimulator => "iOS",
            Self::Macos | Self::MacCatalyst => "macOS",
            Self::Tvos | Self::TvosSimulator => "tvOS",
            Self::Watchos | Self::WatchosSimulator => "watchOS",
            Self::Visionos | Self::VisionosSimulator => "visionOS",
            Self::Driverkit => "DriverKit",
        }
    }

    /// `PLATFORM_DISPLAY_NAME`.
    pub(crate) fn display_name(self) -> String {
        match self.is_simulator() {
            true => format!("{} Simulator", self.family_name()),
            false => self.family_name().to_owned(),
        }
    }

    /// `EFFECTIVE_PLATFORM_SUFFIX`.
    pub(crate) fn suffix(self) -> &'static str {
        match self.is_simulator() {
            true => "simulator",
            false => "os",
        }
    }

    /// `DEPLOYMENT_TARGET_SETTING_NAME`: the setting that holds the oldest version it runs on.
    pub(crate) fn deployment_target(self) -> &'static str {
        match self {
            Self::Ios | Self::IosSimulator | Self::MacCatalyst => "IPHONEOS_DEPLOYMENT_TARGET",
            Self::Macos => "MACOSX_DEPLOYMENT_TARGET",
            Self::Tvos | Self::TvosSimulator => "TVOS_DEPLOYMENT_TARGET",
            Self::Watchos | Self::WatchosSimulator => "WATCHOS_DEPLOYMENT_TARGET",
            Self::Visionos | Self::VisionosSimulator => "XROS_DEPLOYMENT_TARGET",
            Self::Driverkit => "DRIVERKIT_DEPLOYMENT_TARGET",
        }
    }

    /// The system and the environment of its triples, the latter with its dash: what bundles look like depends on them.
    pub(crate) fn triple(self) -> (&'static str, &'static str) {
        let system = match self {
            Self::Ios | Self::IosSimulator | Self::MacCatalyst => "ios",
            Self::Macos => "macos",
            Self::Tvos | Self::TvosSimulator => "tvos",
            Self::Watchos | Self::WatchosSimulator => "watchos",
            Self::Visionos | Self::VisionosSimulator => "xros",
            Self::Driverkit => "driverkit",
        };
        let environment = match self {
            Self::MacCatalyst => "-macabi",
            simulator if simulator.is_simulator() => "-simulator",
            _ => "",
        };
        (system, environment)
    }

    /// The second name that conditions know its SDK by (`PropertyConditionFallbackNames` of its SDKSettings).
    pub(crate) fn condition_fallback(self) -> Option<&'static str> {
        match self {
            Self::Macos | Self::MacCatalyst | Self::Driverkit => None,
            platform if platform.is_simulator() => Some("embeddedsimulator"),
            _ => Some("embedded"),
        }
    }

    /// `SUPPORTED_PLATFORMS` of a target that says nothing about it.
    pub(crate) fn default_supported(self) -> &'static str {
        match self {
            Self::Ios | Self::IosSimulator => "iphoneos iphonesimulator",
            Self::Tvos | Self::TvosSimulator => "appletvos appletvsimulator",
            Self::Watchos | Self::WatchosSimulator => "watchos watchsimulator",
            Self::Visionos | Self::VisionosSimulator => "xros xrsimulator",
            Self::Macos | Self::MacCatalyst => "macosx",
            Self::Driverkit => "driverkit",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a platform")]
pub struct UnknownPlatform(String);

impl Explain for UnknownPlatform {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }

    fn hint(&self) -> Option<String> {
        let words = Platform::ALL.map(Platform::as_str).join(", ");
        Some(format!(
            "write one of {words}, or an SDK's name such as iphoneos"
        ))
    }
}

impl FromStr for Platform {
    type Err = UnknownPlatform;

    /// Our word (`ios`), or an SDK's name (`iphoneos`, `iphoneos18.2`).
    fn from_str(text: &str) -> Result<Self, UnknownPlatform> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.as_str() == text)
            .or_else(|| Self::of_sdk(text))
            .ok_or_else(|| UnknownPlatform(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sdks_are_known_by_name_version_and_path() {
        for (sdk, platform) in [
            ("iphoneos", Some(Platform::Ios)),
            ("iphoneos18.2", Some(Platform::Ios)),
            ("iphonesimulator18.2", Some(Platform::IosSimulator)),
            ("watchos.internal", Some(Platform::Watchos)),
            (
                "/Applications/Xcode.app/Contents/Developer/Platforms/MacOSX.platform/SDKs/MacOSX15.0.sdk",
                Some(Platform::Macos),
            ),
            ("xros2.0", Some(Platform::Visionos)),
            ("auto", None),
            ("", None),
        ] {
            assert_eq!(Platform::of_sdk(sdk), platform, "{sdk}");
        }
    }

    #[test]
    fn words_round_trip_in_text_and_json() {
        for platform in Platform::ALL {
            assert_eq!(platform.to_string().parse::<Platform>(), Ok(platform));
            let json = serde_json::to_string(&platform).unwrap();
            assert_eq!(json, format!("\"{platform}\""));
        }
        assert_eq!("iphoneos".parse::<Platform>(), Ok(Platform::Ios));
        assert!("windows".parse::<Platform>().is_err());
    }
}
