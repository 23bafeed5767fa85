//! One row: what one target asks of signing, in one configuration, on one platform.

use std::path::Path;
use std::sync::Arc;

use super::entitlements::Entitlements;
use super::setting::{ProfileRequest, Setting, SigningStyle};
use crate::base::ids::{BundleId, ConfigurationName, TargetName, TeamId};
use crate::base::withheld::Text;
use crate::xcode::archive::PartOf;
use crate::xcode::assignment::{Layer, Origin};
use crate::xcode::platform::Platform;
use crate::xcode::product_type::{ProductKind, Provisioning};
use crate::xcode::project::TargetIndex;

/// What one target asks of signing, in one configuration, on one platform.
#[derive(Debug, Clone)]
pub struct SigningTarget {
    /// The project's `.xcodeproj`.
    pub project: Arc<Path>,
    /// The target.
    pub target: TargetName,
    /// Its place in the project.
    pub index: TargetIndex,
    /// The line of the target in the project file.
    pub line: Option<u64>,
    /// The configuration.
    pub configuration: ConfigurationName,
    /// The platform.
    pub platform: Platform,
    /// What kind of product it makes.
    pub kind: ProductKind,
    /// What such a product has to do with profiles on this platform.
    pub provisioning: Provisioning,
    /// Whether Xcode signs it at all (`CODE_SIGNING_ALLOWED`).
    pub signing_allowed: bool,
    /// Why it is not signed although products of its type are; none where it is.
    pub unsigned_by: Option<Unsigned>,
    /// The bundle id that is signed; for UI tests that of their runner (`….xctrunner`).
    pub bundle_id: Option<Setting<BundleId>>,
    /// `CODE_SIGN_STYLE`, or what the target's attributes say, or that nobody wrote one.
    pub style: Setting<SigningStyle>,
    /// `DEVELOPMENT_TEAM`. What the target's attributes say is for Xcode's editor alone.
    pub team: Option<Setting<TeamId>>,
    /// `CODE_SIGN_IDENTITY`: what is written, be it empty, or else the default of the SDK (its layer is
    /// [`Layer::Default`]). Ad hoc is `-`, as everything in a simulator is.
    pub identity: Option<Setting<Box<str>>>,
    /// What `CODE_SIGN_IDENTITY` is where the environment took part: `identity` then holds what is shown of it.
    pub withheld_identity: Option<Text>,
    /// `PROVISIONING_PROFILE_SPECIFIER`, if it is set to anything.
    pub specifier: Option<Setting<ProfileRequest>>,
    /// `PROVISIONING_PROFILE`, its predecessor, if it is set to anything; counts where there is no specifier.
    pub legacy_profile: Option<Setting<ProfileRequest>>,
    /// What it claims, if it names an entitlements file that could be read.
    pub entitlements: Option<Entitlements>,
    /// Targets whose products its product is copied into.
    pub embedded_in: Arc<[Embedder]>,
    /// The nearest application that carries it, however many products lie between.
    pub host: Option<TargetName>,
    /// The application that a test bundle tests.
    pub tests: Option<TargetName>,
    /// The products of the archive that it is part of; none: no archive holds it. Until somebody says what is archived
    /// ([`Archive`](crate::xcode::archive::Archive)), everything is one product but tests.
    pub part_of: PartOf,
    /// Whether its product may be signed ad hoc (`AD_HOC_CODE_SIGNING_ALLOWED`, which the SDKs of devices forbid).
    pub ad_hoc_allowed: bool,
    /// Whether its settings are not known, because a configuration file is missing that would say them. That file is what is
    /// told; what follows from it is for information.
    pub lacks_settings: bool,
}

/// A target that copies the product of another one into its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Embedder {
    /// Its project's `.xcodeproj`.
    pub project: Arc<Path>,
    /// The target.
    pub target: TargetName,
    /// Whether a phase copies it that Xcode validates: one of files, not one of resources.
    pub is_copied: bool,
    /// The platforms for which it does, as Xcode calls them; none: for all.
    pub platform_filters: Arc<[Box<str>]>,
}

impl Embedder {
    /// Whether it copies the product where it is built for this platform.
    pub fn is_for(&self, platform: Platform) -> bool {
        let mut filters = self.platform_filters.iter();
        self.platform_filters.is_empty() || filters.any(|it| &**it == platform.filter_name())
    }
}

/// What keeps a product from being signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// The settings that do, in words.
    pub why: &'static str,
    /// The assignment that counts.
    pub origin: Origin,
}

impl SigningTarget {
    /// Whether its product is signed at all.
    pub fn is_signed(&self) -> bool {
        self.signing_allowed && self.unsigned_by.is_none()
    }

    /// What somebody wrote that signs, for comparisons alone: where it comes from the environment, it is not shown.
    pub fn asked_identity(&self) -> Option<&str> {
        let written = self.written_identity()?;
        let withheld = self.withheld_identity.as_ref();
        Some(withheld.map_or(written.value.trim(), |text| text.revealed().trim()))
    }

    /// The identity that somebody wrote, if it names anything: no default, and not an empty one.
    pub fn written_identity(&self) -> Option<&Setting<Box<str>>> {
        self.identity.as_ref().filter(|identity| {
            identity.origin.layer != Layer::Default && !identity.value.trim().is_empty()
        })
    }

    /// The profile that its settings ask for: the specifier, or else its predecessor.
    pub fn requested_profile(&self) -> Option<&Setting<ProfileRequest>> {
        self.specifier.as_ref().or(self.legacy_profile.as_ref())
    }

    /// Where its settings come from.
    pub(super) fn origins(&self) -> impl Iterator<Item = &Origin> {
        let bundle_id = self.bundle_id.as_ref().map(|setting| &setting.origin);
        let team = self.team.as_ref().map(|setting| &setting.origin);
        let identity = self.identity.as_ref().map(|setting| &setting.origin);
        let profile = self.requested_profile().map(|setting| &setting.origin);
        [bundle_id, team, identity, profile].into_iter().flatten()
    }

    /// Whether it has to be signed with a profile: because its product type demands one, or because it may carry one
    /// and is told to, or claims what only a profile grants. Unit tests run in their host's process, under its profile.
    pub fn needs_profile(&self) -> bool {
        if !self.is_signed() {
            return false;
        }
        match self.provisioning {
            Provisioning::Required => true,
            Provisioning::Unsupported => false,
            Provisioning::Optional if self.kind == ProductKind::UnitTests => false,
            Provisioning::Optional => {
                self.requested_profile().is_some()
                    || self
                        .entitlements
                        .as_ref()
                        .is_some_and(Entitlements::claims_restricted)
            }
        }
    }
}
