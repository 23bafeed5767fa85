//! From a project's targets to rows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::{
    Entitlements, Selection, Setting, SigningTarget, entitlements, hosts, platforms, values,
};
use crate::base::finding::{Code, Finding};
use crate::base::ids::{ConfigurationName, TargetName};
use crate::xcode::platform::Platform;
use crate::xcode::product_type::{ProductKind, Provisioning};
use crate::xcode::project::{Target, TargetClass, TargetIndex};
use crate::xcode::settings::{ProjectSettings, Scope};
use crate::xcode::sources::{Sources, normalized};

/// Resolves targets one by one; owns what is complained about on the way.
pub(super) struct Resolver<'r, 'p> {
    settings: &'r ProjectSettings<'p>,
    sources: &'r dyn Sources,
    /// Entitlements files as they were read, so that each is read once.
    entitlements: HashMap<PathBuf, Result<entitlements::File, String>>,
    /// What was said of each of them, so that nobody looks for the line of one reference many times.
    told: HashMap<PathBuf, HashSet<Box<str>>>,
    findings: Vec<Finding>,
}

impl<'r, 'p> Resolver<'r, 'p> {
    pub(super) fn new(settings: &'r ProjectSettings<'p>, sources: &'r dyn Sources) -> Self {
        Self {
            settings,
            sources,
            entitlements: HashMap::new(),
            told: HashMap::new(),
            findings: Vec::new(),
        }
    }

    /// The rows of the selected targets, and what is not right with them.
    pub(super) fn resolve(
        mut self,
        selection: &Selection<'_>,
    ) -> (Vec<SigningTarget>, Vec<Finding>) {
        let mut rows = Vec::new();
        self.check_configuration(selection);
        for (at, target) in self.settings.project().targets.iter().enumerate() {
            let selected =
                selection.targets.is_empty() || selection.targets.contains(&&*target.name);
            if selected && target.class == TargetClass::Native {
                self.target(TargetIndex(at), target, selection, &mut rows);
            }
        }
        self.check_shared_bundle_ids(&rows);
        (rows, self.findings)
    }

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
        let known: BTreeSet<&str> = all()
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
        let file = normalized(&directory.join(&*path.value));
        if !self.entitlements.contains_key(&file) {
            let read = entitlements::File::read(&file, self.sources);
            self.entitlements.insert(file.clone(), read);
        }
        match self.entitlements.get(&file)? {
            Ok(contents) => {
                let entitlements = contents.expand(&file, scope, bundle_id, path.origin);
                if matters {
                    let told = self.told.entry(file.clone()).or_default();
                    let unknown = entitlements.undefined.iter().filter(|name| {
                        !self.settings.defines(name) && told.insert((*name).clone())
                    });
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
