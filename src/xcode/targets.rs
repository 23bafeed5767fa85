//! What each target asks of signing: one row for each target, configuration and platform.
//!
//! A row says what is built (product type, bundle id, the application that carries it) and what its settings ask for
//! (style, team, identity, profile, entitlements), each value with the place it came from. It does not say which
//! profile is right; that is decided from rows and profiles together (`context::plan`).
//!
//! Rows are made for every target that Xcode signs, frameworks included, because a specifier on one of those is a
//! mistake too; [`SigningTarget::needs_profile`] tells them apart. Simulators have no rows unless one is asked for.

mod entitlements;
mod hosts;
mod platforms;
mod resolver;
mod values;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::platform::Platform;
use super::product_type::{ProductKind, Provisioning};
use super::project::{Project, TargetIndex};
use super::settings::{Origin, ProjectSettings, Step};
use super::sources::Sources;
use crate::base::finding::{self, Finding};
use crate::base::ids::{BundleId, ConfigurationName, ProfileUuid, TargetName, TeamId};

pub use entitlements::{APP_IDENTIFIER_PREFIX, Entitlements, TEAM_IDENTIFIER_PREFIX};

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// The assignment that counts.
    pub origin: Origin,
    /// Every assignment that took part in it.
    pub trail: Vec<Step>,
}

/// Who chooses the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SigningStyle {
    /// Xcode does.
    Automatic,
    /// The project does.
    Manual,
}

impl SigningStyle {
    /// The style that a value of `CODE_SIGN_STYLE` means.
    pub fn of(value: &str) -> Option<Self> {
        [Self::Automatic, Self::Manual]
            .into_iter()
            .find(|style| value.eq_ignore_ascii_case(style.as_str()))
    }

    /// The word of `CODE_SIGN_STYLE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "Automatic",
            Self::Manual => "Manual",
        }
    }
}

impl std::fmt::Display for SigningStyle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a target names the profile it wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileRequest {
    /// By UUID.
    Uuid(ProfileUuid),
    /// By name.
    Name {
        /// The profile's name.
        name: Box<str>,
        /// The team, in the spelling `TEAM/name` of Xcode 8.
        team: Option<TeamId>,
    },
}

impl ProfileRequest {
    /// Reads what `PROVISIONING_PROFILE_SPECIFIER` or `PROVISIONING_PROFILE` holds; nothing if that is blank.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if let Ok(uuid) = text.parse() {
            return Some(Self::Uuid(uuid));
        }
        // Profile names may hold slashes too; a team id is ten capitals and digits.
        let team = text.split_once('/').and_then(|(team, name)| {
            let shaped = team.len() == 10
                && team
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            Some((team.parse().ok().filter(|_| shaped)?, name))
        });
        Some(match team {
            Some((team, name)) => match name.parse() {
                Ok(uuid) => Self::Uuid(uuid),
                Err(_) => Self::Name {
                    name: name.into(),
                    team: Some(team),
                },
            },
            None => Self::Name {
                name: text.into(),
                team: None,
            },
        })
    }
}

impl std::fmt::Display for ProfileRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.fmt(f),
            Self::Name { name, .. } => f.pad(name),
        }
    }
}

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
    /// The product type's identifier, if it has one.
    pub product_type: Option<Box<str>>,
    /// What that is.
    pub kind: ProductKind,
    /// What such a product has to do with profiles on this platform.
    pub provisioning: Provisioning,
    /// Whether Xcode signs it at all (`CODE_SIGNING_ALLOWED`).
    pub signing_allowed: bool,
    /// The bundle id that is signed; for UI tests that of their runner (`….xctrunner`).
    pub bundle_id: Option<Setting<BundleId>>,
    /// `CODE_SIGN_STYLE`, or what the target's attributes say, or automatic.
    pub style: Setting<SigningStyle>,
    /// `DEVELOPMENT_TEAM`, or what the target's attributes say.
    pub team: Option<Setting<TeamId>>,
    /// `CODE_SIGN_IDENTITY`, if it is set to anything.
    pub identity: Option<Setting<Box<str>>>,
    /// `PROVISIONING_PROFILE_SPECIFIER`, if it is set to anything.
    pub specifier: Option<Setting<ProfileRequest>>,
    /// `PROVISIONING_PROFILE`, its predecessor, if it is set to anything; counts where there is no specifier.
    pub legacy_profile: Option<Setting<ProfileRequest>>,
    /// What it claims, if it names an entitlements file that could be read.
    pub entitlements: Option<Entitlements>,
    /// Targets whose products its product is copied into.
    pub embedded_in: Vec<TargetName>,
    /// The nearest application that carries it, however many products lie between.
    pub host: Option<TargetName>,
    /// The application that a test bundle tests.
    pub tests: Option<TargetName>,
}

impl SigningTarget {
    /// The profile that its settings ask for: the specifier, or else its predecessor.
    pub fn requested_profile(&self) -> Option<&Setting<ProfileRequest>> {
        self.specifier.as_ref().or(self.legacy_profile.as_ref())
    }

    /// Whether it has to be signed with a profile: because its product type demands one, or because it may carry one
    /// and is told to, or claims what only a profile grants. Unit tests run in their host's process, under its profile.
    pub fn needs_profile(&self) -> bool {
        if !self.signing_allowed {
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

/// What to resolve.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Only targets with these names; empty: all.
    pub targets: &'a [&'a str],
    /// Only this configuration. A target that has none of this name is resolved in its default one, as Xcode would
    /// build it.
    pub configuration: Option<&'a str>,
    /// Only this platform, which may be a simulator.
    pub platform: Option<Platform>,
}

/// Rows, and what is not right with them.
#[derive(Debug, Clone, Default)]
pub struct SigningTargets {
    /// The rows, by target in the project's order, then configuration, then platform.
    pub rows: Vec<SigningTarget>,
    /// What is not right with the project, its configuration files, and the selected targets.
    pub findings: Vec<Finding>,
}

/// Resolves the selected targets of a project. What is wrong with one target is a finding and leaves the others as they
/// are.
pub fn resolve(
    settings: &ProjectSettings<'_>,
    sources: &dyn Sources,
    selection: &Selection<'_>,
) -> SigningTargets {
    let (rows, mut complaints) = resolver::Resolver::new(settings, sources).resolve(selection);
    let mut findings = settings.project().findings.clone();
    findings.extend(settings.findings().iter().cloned());
    findings.append(&mut complaints);
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    SigningTargets { rows, findings }
}

/// Completes `host` and `embedded_in` where an application of one project carries a product of another. `projects` are
/// all that the rows come from, a workspace's for example; paths must be named alike in all of them.
pub fn link_projects(projects: &[Project], rows: &mut [SigningTarget]) {
    hosts::across(projects, rows);
}

#[cfg(test)]
mod tests;
