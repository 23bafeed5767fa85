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
mod values;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::platform::Platform;
use super::product_type::{ProductKind, Provisioning};
use super::project::{Target, TargetClass, TargetIndex};
use super::settings::{Origin, ProjectSettings, Scope, Step};
use super::sources::Sources;
use crate::base::finding::{self, Code, Finding};
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
    let mut resolver = Resolver {
        settings,
        sources,
        entitlements: HashMap::new(),
        findings: Vec::new(),
    };
    let mut rows = Vec::new();
    resolver.check_configuration(selection);
    for (at, target) in settings.project().targets.iter().enumerate() {
        let selected = selection.targets.is_empty() || selection.targets.contains(&&*target.name);
        if selected && target.class == TargetClass::Native {
            resolver.target(TargetIndex(at), target, selection, &mut rows);
        }
    }
    resolver.check_shared_bundle_ids(&rows);
    let mut findings = settings.project().findings.clone();
    findings.extend(settings.findings().iter().cloned());
    findings.append(&mut resolver.findings);
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    SigningTargets { rows, findings }
}

struct Resolver<'r, 'p> {
    settings: &'r ProjectSettings<'p>,
    sources: &'r dyn Sources,
    /// Entitlements files as they were read, so that each is read once.
    entitlements: HashMap<PathBuf, Result<entitlements::File, String>>,
    findings: Vec<Finding>,
}

impl Resolver<'_, '_> {
    /// A configuration that nothing in the project has is a slip of the pen; `xcodebuild` refuses it.
    fn check_configuration(&mut self, selection: &Selection<'_>) {
        let project = self.settings.project();
        let Some(name) = selection.configuration else {
            return;
        };
        let all = || {
            std::iter::once(&project.configurations)
                .chain(project.targets.iter().map(|target| &target.configurations))
        };
        if all().any(|configurations| configurations.named(name).is_some()) {
            return;
        }
        let known: std::collections::BTreeSet<&str> = all()
            .flat_map(|configurations| &configurations.list)
            .map(|configuration| &*configuration.name)
            .collect();
        let known: Vec<_> = known.into_iter().collect();
        self.findings.push(
            Finding::block(
                Code::TargetNoConfiguration,
                "Nothing in this project has the configuration that was asked for",
            )
            .values(known.join(", "), name)
            .hint("Name one of the project's configurations")
            .in_file(&project.file),
        );
    }

    fn target(
        &mut self,
        index: TargetIndex,
        target: &Target,
        selection: &Selection<'_>,
        rows: &mut Vec<SigningTarget>,
    ) {
        let configurations: Vec<&str> = match selection.configuration {
            Some(name) => target
                .configurations
                .effective(name)
                .map(|_| name)
                .into_iter()
                .collect(),
            None => target
                .configurations
                .list
                .iter()
                .map(|configuration| &*configuration.name)
                .collect(),
        };
        if configurations.is_empty() {
            let finding = Finding::block(
                Code::TargetNoConfiguration,
                format!("Target {} has no build configuration", target.name),
            )
            .hint("Give it the project's configurations in Xcode, or remove the target");
            return self.complain_at_target(target, finding);
        }
        for configuration in configurations {
            if target.configurations.named(configuration).is_none() {
                self.note_other_configuration(target, configuration);
            }
            self.configuration(index, target, configuration, selection.platform, rows);
        }
    }

    fn note_other_configuration(&mut self, target: &Target, asked: &str) {
        let taken = target
            .configurations
            .effective(asked)
            .map_or("none", |configuration| &configuration.name);
        let finding = Finding::warn(
            Code::TargetNoConfiguration,
            format!(
                "Target {} has no configuration {asked}; Xcode builds it in another one",
                target.name
            ),
        )
        .values(asked, taken);
        self.complain_at_target(target, finding);
    }

    fn configuration(
        &mut self,
        index: TargetIndex,
        target: &Target,
        configuration: &str,
        only: Option<Platform>,
        rows: &mut Vec<SigningTarget>,
    ) {
        let project = self.settings.project();
        let (Ok(name), Ok(configuration_name)) = (target.name.parse(), configuration.parse())
        else {
            let finding = Finding::block(
                Code::ProjectInconsistent,
                "The name of a target or of its configuration is empty, too long, or holds control characters",
            );
            return self.complain_at_target(target, finding);
        };
        let name: TargetName = name;
        let configuration_name: ConfigurationName = configuration_name;
        let kind = target
            .product_type
            .as_deref()
            .map_or(ProductKind::Other, ProductKind::of);
        let platforms = match platforms::of(self.settings, index, configuration) {
            Ok(platforms) => platforms,
            Err(sdk) => {
                let finding = Finding::warn(
                    Code::SettingInvalid,
                    format!(
                        "SDKROOT of target {} names no platform that is signed for",
                        target.name
                    ),
                )
                .found(sdk);
                return self.complain_at_target(target, finding);
            }
        };
        let platforms: Vec<Platform> = match only {
            None => platforms,
            Some(only) => platforms
                .into_iter()
                .filter_map(|platform| platforms::narrowed(platform, only))
                .collect(),
        };
        for platform in platforms {
            let scope = self.settings.scope(index, configuration, Some(platform));
            let provisioning = kind.provisioning(platform);
            let signing_allowed = scope.is_yes("CODE_SIGNING_ALLOWED");
            // What nobody signs with a profile may say what it likes.
            let matters = signing_allowed
                && provisioning != Provisioning::Unsupported
                && kind != ProductKind::UnitTests;
            let mut reader = values::Reader::new(self.settings, &scope, target, matters);
            let bundle_id = reader.bundle_id(self.sources);
            let style = reader.style();
            let team = reader.team();
            let identity = reader.text("CODE_SIGN_IDENTITY");
            let specifier = reader.profile("PROVISIONING_PROFILE_SPECIFIER");
            let legacy_profile = reader.profile("PROVISIONING_PROFILE");
            let entitlements_path = reader.text("CODE_SIGN_ENTITLEMENTS");
            self.findings.append(&mut reader.into_findings());
            let entitlements = entitlements_path.and_then(|path| {
                let bundle_id = bundle_id.as_ref().map(|setting| setting.value.as_str());
                self.entitlements(target, &scope, path, bundle_id, matters)
            });
            let names = |indices: Vec<TargetIndex>| -> Vec<TargetName> {
                indices
                    .into_iter()
                    .filter_map(|index| project.target(index)?.name.parse().ok())
                    .collect()
            };
            rows.push(SigningTarget {
                project: Arc::clone(&project.bundle),
                target: name.clone(),
                index,
                line: target.line,
                configuration: configuration_name.clone(),
                platform,
                product_type: target.product_type.clone(),
                kind,
                provisioning,
                signing_allowed,
                bundle_id,
                style,
                team,
                identity,
                specifier,
                legacy_profile,
                entitlements,
                embedded_in: names(project.embedders(index).map(|(index, _)| index).collect()),
                host: names(hosts::application(project, index).into_iter().collect()).pop(),
                tests: names(target.attributes.test_target.into_iter().collect()).pop(),
            });
        }
    }

    fn entitlements(
        &mut self,
        target: &Target,
        scope: &Scope,
        path: Setting<Box<str>>,
        bundle_id: Option<&str>,
        matters: bool,
    ) -> Option<Entitlements> {
        let directory = &self.settings.project().directory;
        let file = super::sources::normalized(&directory.join(&*path.value));
        if !self.entitlements.contains_key(&file) {
            let read = entitlements::File::read(&file, self.sources);
            self.entitlements.insert(file.clone(), read);
        }
        match self.entitlements.get(&file)? {
            Ok(contents) => {
                let entitlements = contents.expand(&file, scope, bundle_id, path.origin);
                if matters {
                    let unknown = entitlements
                        .undefined
                        .iter()
                        .filter(|name| !self.settings.defines(name));
                    self.findings
                        .extend(unknown.map(|name| contents.undefined(&file, name)));
                }
                Some(entitlements)
            }
            Err(problem) if matters => {
                let finding = Finding::block(
                    Code::EntitlementsUnreadable,
                    format!(
                        "The entitlements of target {} cannot be read: {problem}",
                        target.name
                    ),
                )
                .found(file.display())
                .hint("Restore the file, or correct CODE_SIGN_ENTITLEMENTS")
                .of_target(&target.name);
                self.findings.push(values::at(finding, &path.origin));
                None
            }
            Err(_) => None,
        }
    }

    /// Two products with one bundle id cannot be installed side by side; in one application they cannot be installed
    /// at all.
    fn check_shared_bundle_ids(&mut self, rows: &[SigningTarget]) {
        let mut by_id: BTreeMap<_, Vec<&SigningTarget>> = BTreeMap::new();
        for row in rows.iter().filter(|row| {
            row.signing_allowed
                && row.provisioning != Provisioning::Unsupported
                && row.kind != ProductKind::UnitTests
        }) {
            if let Some(id) = &row.bundle_id {
                let key = (&row.configuration, row.platform, &id.value);
                by_id.entry(key).or_default().push(row);
            }
        }
        for ((configuration, _, id), sharing) in by_id {
            let [first, others @ ..] = sharing.as_slice() else {
                continue;
            };
            for other in others {
                let message = format!(
                    "Targets {} and {} have one bundle id in configuration {configuration}",
                    first.target, other.target
                );
                let finding = match hosts::in_one_application(first, other) {
                    true => Finding::block(Code::BundleIdShared, message)
                        .hint("They are parts of one application: give each its own bundle id"),
                    false => Finding::warn(Code::BundleIdShared, message).hint(
                        "Fine for variants of one application that are never installed together; otherwise give each \
                         its own",
                    ),
                }
                .found(id)
                .of_target(&other.target);
                let origin = other.bundle_id.as_ref().map(|setting| &setting.origin);
                self.findings.push(match origin {
                    Some(origin) => values::at(finding, origin),
                    None => finding,
                });
            }
        }
    }

    fn complain_at_target(&mut self, target: &Target, finding: Finding) {
        let mut finding = finding
            .in_file(&self.settings.project().file)
            .of_target(&target.name);
        finding.place.line = target.line;
        self.findings.push(finding);
    }
}

#[cfg(test)]
mod tests;
