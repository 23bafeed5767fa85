//! Words of App Store Connect: types of profiles and of certificates, and what each says about signing.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apple::profile::ProfileKind;

/// Declares a closed list of words that may grow at Apple: variant and word. A word that is not in it is kept.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(from = "String", into = "String")]
        #[schemars(with = "String")]
        pub enum $name {
            $($(#[$word_doc])* $variant,)*
            /// One that this version does not know.
            Unknown(Box<str>),
        }

        impl $name {
            /// Apple's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Unknown(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)*
                    _ => Self::Unknown(word.into()),
                }
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// `profileType`: for which platform and which way of distribution a profile is.
    ProfileType {
        /// iOS, debugging.
        IosDevelopment = "IOS_APP_DEVELOPMENT",
        /// iOS, App Store and TestFlight.
        IosStore = "IOS_APP_STORE",
        /// iOS, listed devices.
        IosAdHoc = "IOS_APP_ADHOC",
        /// iOS, the devices of an enterprise.
        IosInHouse = "IOS_APP_INHOUSE",
        /// macOS, debugging.
        MacDevelopment = "MAC_APP_DEVELOPMENT",
        /// macOS, App Store.
        MacStore = "MAC_APP_STORE",
        /// macOS, outside the store.
        MacDirect = "MAC_APP_DIRECT",
        /// tvOS, debugging.
        TvDevelopment = "TVOS_APP_DEVELOPMENT",
        /// tvOS, App Store and TestFlight.
        TvStore = "TVOS_APP_STORE",
        /// tvOS, listed devices.
        TvAdHoc = "TVOS_APP_ADHOC",
        /// tvOS, the devices of an enterprise.
        TvInHouse = "TVOS_APP_INHOUSE",
        /// Mac Catalyst, debugging.
        CatalystDevelopment = "MAC_CATALYST_APP_DEVELOPMENT",
        /// Mac Catalyst, App Store.
        CatalystStore = "MAC_CATALYST_APP_STORE",
        /// Mac Catalyst, outside the store.
        CatalystDirect = "MAC_CATALYST_APP_DIRECT",
    }
}

impl ProfileType {
    /// What the profile is for; none of a type that is not known.
    pub fn kind(&self) -> Option<ProfileKind> {
        Some(match self {
            Self::IosDevelopment
            | Self::MacDevelopment
            | Self::TvDevelopment
            | Self::CatalystDevelopment => ProfileKind::Development,
            Self::IosAdHoc | Self::TvAdHoc => ProfileKind::AdHoc,
            Self::IosStore | Self::MacStore | Self::TvStore | Self::CatalystStore => {
                ProfileKind::AppStore
            }
            Self::IosInHouse | Self::TvInHouse => ProfileKind::Enterprise,
            Self::MacDirect | Self::CatalystDirect => ProfileKind::DeveloperId,
            Self::Unknown(_) => return None,
        })
    }

    /// Whether the profile lists devices.
    pub fn lists_devices(&self) -> bool {
        matches!(
            self.kind(),
            Some(ProfileKind::Development | ProfileKind::AdHoc)
        )
    }

    /// Whether a device of this class can be in such a profile. fastlane's `devices_for_platform` takes the same classes:
    /// every Mac for macOS and Catalyst, every Apple TV for tvOS, the others for iOS.
    pub fn takes_device(&self, class: &str) -> bool {
        match self {
            Self::MacDevelopment | Self::CatalystDevelopment => class == "MAC",
            Self::TvDevelopment | Self::TvAdHoc => class == "APPLE_TV",
            Self::IosDevelopment | Self::IosAdHoc => matches!(
                class,
                "IPHONE" | "IPAD" | "IPOD" | "APPLE_WATCH" | "APPLE_VISION_PRO"
            ),
            _ => false,
        }
    }
}

words! {
    /// `certificateType`: what Apple issues a certificate for. Types that sign no code are not told apart.
    CertificateType {
        /// Debugging, every platform.
        Development = "DEVELOPMENT",
        /// Distribution, every platform.
        Distribution = "DISTRIBUTION",
        /// Debugging, iOS.
        IosDevelopment = "IOS_DEVELOPMENT",
        /// Distribution, iOS.
        IosDistribution = "IOS_DISTRIBUTION",
        /// Debugging, macOS.
        MacDevelopment = "MAC_APP_DEVELOPMENT",
        /// Mac App Store.
        MacDistribution = "MAC_APP_DISTRIBUTION",
        /// The installer package for the Mac App Store.
        MacInstaller = "MAC_INSTALLER_DISTRIBUTION",
        /// macOS outside the store.
        DeveloperId = "DEVELOPER_ID_APPLICATION",
        /// The same of the second generation.
        DeveloperIdSecond = "DEVELOPER_ID_APPLICATION_G2",
    }
}

impl CertificateType {
    /// Whether such a certificate signs with profiles of this kind. Apple tells platforms apart too and refuses what does
    /// not fit; here a certificate is sorted out only if it cannot fit on any platform.
    pub fn signs(&self, kind: ProfileKind) -> bool {
        match self {
            Self::Development | Self::IosDevelopment | Self::MacDevelopment => {
                kind == ProfileKind::Development
            }
            Self::Distribution | Self::IosDistribution | Self::MacDistribution => matches!(
                kind,
                ProfileKind::AppStore | ProfileKind::AdHoc | ProfileKind::Enterprise
            ),
            Self::DeveloperId | Self::DeveloperIdSecond => kind == ProfileKind::DeveloperId,
            Self::MacInstaller | Self::Unknown(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_not_known_is_kept_and_decides_nothing() {
        let new = ProfileType::from("XROS_APP_STORE".to_owned());
        assert_eq!(new.as_str(), "XROS_APP_STORE");
        assert_eq!(new.kind(), None);
        assert!(!new.lists_devices() && !new.takes_device("IPHONE"));
        let new = CertificateType::from("PASS_TYPE_ID".to_owned());
        assert!(!new.signs(ProfileKind::AppStore));
    }

    #[test]
    fn a_store_certificate_signs_no_development_profile() {
        let distribution = CertificateType::from("DISTRIBUTION".to_owned());
        assert!(distribution.signs(ProfileKind::AppStore));
        assert!(!distribution.signs(ProfileKind::Development));
        assert!(!distribution.signs(ProfileKind::DeveloperId));
    }
}
