//! What Apple issued a certificate for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::APPLE_ARC;

/// What Apple issued a certificate for, by its marker extensions.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// Apple Development: markers `…100.6.1.2` and `….12`.
    AppleDevelopment,
    /// iPhone Developer: marker `…100.6.1.2`.
    IphoneDevelopment,
    /// Mac Developer: marker `…100.6.1.12`.
    MacDevelopment,
    /// Apple Distribution: markers `…100.6.1.4` and `….7`.
    AppleDistribution,
    /// iPhone Distribution: marker `…100.6.1.4`.
    IphoneDistribution,
    /// 3rd Party Mac Developer Application: marker `…100.6.1.7`.
    MacAppDistribution,
    /// 3rd Party Mac Developer Installer: marker `…100.6.1.8`.
    MacInstallerDistribution,
    /// Developer ID Application: marker `…100.6.1.13`.
    DeveloperIdApplication,
    /// Developer ID Installer: marker `…100.6.1.14`.
    DeveloperIdInstaller,
    /// Anything else.
    Other,
}

impl CertificateKind {
    /// Whether certificates of this kind sign code (installers sign packages).
    pub fn signs_code(self) -> bool {
        !matches!(
            self,
            Self::MacInstallerDistribution | Self::DeveloperIdInstaller | Self::Other
        )
    }

    /// Whether Xcode takes a certificate of the one kind where one of the other signed before: Apple Distribution follows iPhone
    /// Distribution and 3rd Party Mac Developer Application, Apple Development follows iPhone Developer and Mac Developer.
    pub fn stands_in_for(self, other: Self) -> bool {
        use CertificateKind::{
            AppleDevelopment, AppleDistribution, IphoneDevelopment, IphoneDistribution,
            MacAppDistribution, MacDevelopment,
        };
        self == other
            || matches!(
                (self, other),
                (AppleDistribution, IphoneDistribution | MacAppDistribution)
                    | (AppleDevelopment, IphoneDevelopment | MacDevelopment)
                    | (IphoneDistribution | MacAppDistribution, AppleDistribution)
                    | (IphoneDevelopment | MacDevelopment, AppleDevelopment)
            )
    }

    pub(super) fn from_markers(markers: &[Box<[u8]>]) -> Self {
        // 1.2.840.113635.100.6.1.x
        let has = |arc: u8| {
            markers
                .iter()
                .any(|m| m.strip_prefix(APPLE_ARC) == Some(&[6, 1, arc]))
        };
        if has(13) {
            Self::DeveloperIdApplication
        } else if has(14) {
            Self::DeveloperIdInstaller
        } else if has(4) && has(7) {
            Self::AppleDistribution
        } else if has(4) {
            Self::IphoneDistribution
        } else if has(7) {
            Self::MacAppDistribution
        } else if has(8) {
            Self::MacInstallerDistribution
        } else if has(2) && has(12) {
            Self::AppleDevelopment
        } else if has(2) {
            Self::IphoneDevelopment
        } else if has(12) {
            Self::MacDevelopment
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for CertificateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AppleDevelopment => "apple-development",
            Self::IphoneDevelopment => "iphone-development",
            Self::MacDevelopment => "mac-development",
            Self::AppleDistribution => "apple-distribution",
            Self::IphoneDistribution => "iphone-distribution",
            Self::MacAppDistribution => "mac-app-distribution",
            Self::MacInstallerDistribution => "mac-installer-distribution",
            Self::DeveloperIdApplication => "developer-id-application",
            Self::DeveloperIdInstaller => "developer-id-installer",
            Self::Other => "other",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_from_markers_and_the_modern_ones_carry_two() {
        let kind = |arcs: &[u8]| {
            let markers: Vec<Box<[u8]>> = arcs
                .iter()
                .map(|arc| [APPLE_ARC, &[6, 1, *arc]].concat().into())
                .collect();
            CertificateKind::from_markers(&markers)
        };
        assert_eq!(kind(&[4, 7]), CertificateKind::AppleDistribution);
        assert_eq!(kind(&[4]), CertificateKind::IphoneDistribution);
        assert_eq!(kind(&[2, 12]), CertificateKind::AppleDevelopment);
        assert_eq!(kind(&[13]), CertificateKind::DeveloperIdApplication);
        assert_eq!(kind(&[8]), CertificateKind::MacInstallerDistribution);
        assert_eq!(kind(&[]), CertificateKind::Other);
        assert!(!kind(&[14]).signs_code());
    }
}
