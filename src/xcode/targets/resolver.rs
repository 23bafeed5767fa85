//! From a project's targets to rows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::entitlements::{self, Entitlements, Unreadable};
use super::hosts::{Applications, Carriers};
use super::info_plist::InfoPlists;
use super::place::{at_origin, only_xcode_knows};
use super::row::SigningTarget;
use super::selection::Selection;
use super::setting::Setting;
use super::{platforms, values};
use crate::base::finding::{Code, Finding};
use crate::base::ids::{ConfigurationName, TargetName};
use crate::xcode::archive::PartOf;
use crate::xcode::platform::Platform;
use crate::xcode::product_type::{ProductKind, Provisioning};
use crate::xcode::project::{Target, TargetClass, TargetIndex};
use crate::xcode::settings::{ProjectSettings, Scope, is_yes};
use crate::xcode::shortened::shortened;
use crate::xcode::sources::{Sources, normalized};

/// Resolves targets one by one; owns what is complained about on the way.
pub(super) struct Resolver<'r, 'p> {
    settings: &'r ProjectSettings<'p>,
    sources: &'r dyn Sources,
    carriers: Carriers,
    info_plists: InfoPlists<'r>,
    /// Entitlements files as they were read, so that each is read once.
    entitlements: HashMap<PathBuf, Result<entitlements::File, Unreadable>>,
    /// What was reported of each of them, so that nobody looks for the line of one reference many times.
    reported: HashMap<PathBuf, HashSet<Box<str>>>,
    findings: Vec<Finding>,
}

impl<'r, 'p> Resolver<'r, 'p> {
    pub(super) fn new(settings: &'r ProjectSettings<'p>, sources: &'r dyn Sources) -> Self {
        Self {
            settings,
            sources,
            carriers: Carriers::of(settings.project()),
            info_plists: InfoPlists::new(sources),
            entitlements: HashMap::new(),
            reported: HashMap::new(),
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
        let names: HashSet<&str> = selection.targets.iter().copied().collect();
        for (at, target) in self.settings.project().targets.iter().enumerate() {
            let selected = names.is_empty() || names.contains(&*target.name);
            if selected && target.class == TargetClass::Native {
                self.target(TargetIndex(at), target, selection, &mut rows);
            }
        }
        self.check_shared_bundle_ids(&rows);
        if self.settings.is_given_up() {
            self.findings.push(
                Finding::block(
                    Code::SettingInvalid,
                    "the build settings of this project take too much work to resolve, so resolving stopped",
                )
                .hint("look for settings that refer to each other many times or have many conditions")
                .in_file(&self.settings.project().file),
            );
        }
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
            .flat_map(|configurations| configurations.list())
            .map(|configuration| &*configuration.name)
            .collect();
        let known: Vec<_> = known.into_iter().collect();
        self.findings.push(
            Finding::block(
                Code::TargetNoConfiguration,
                "no target of this project has the requested configuration",
            )
            .values(known.join(", "), name)
            .hint("name one of the project's configurations")
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
                .list()
                .iter()
                .map(|configuration| &*configuration.name)
                .collect(),
        };
        if configurations.is_empty() {
            let finding = Finding::block(
                Code::TargetNoConfiguration,
                format!("target {} has no build configuration", target.name),
            )
            .hint("give it the project's configurations in Xcode, or remove the target");
            return self.complain_at_target(target, finding);
        }
        let Ok(name) = target.name.parse::<TargetName>() else {
            return self.complain_at_target(target, unusable_name());
        };
        let ties = self.ties(index, target);
        for configuration in configurations {
            if target.configurations.named(configuration).is_none() {
                self.note_other_configuration(target, configuration);
            }
            let subject = Subject {
                index,
                target,
                name: &name,
                ties: &ties,
            };
            self.configuration(&subject, configuration, selection.platform, rows);
        }
    }

    /// The targets that `target` belongs to, by their names.
    fn ties(&self, index: TargetIndex, target: &Target) -> Ties {
        let project = self.settings.project();
        let name =
            |index: TargetIndex| -> Option<TargetName> { project.target(index)?.name.parse().ok() };
        Ties {
            embedded_in: self
                .carriers
                .embedders(index)
                .iter()
                .filter_map(|embedder| name(*embedder))
                .collect(),
            host: self.carriers.application(index).and_then(name),
            tests: target.attributes.test_target.and_then(name),
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
                "target {} has no configuration {asked}; Xcode builds it in another one",
                target.name
            ),
        )
        .values(asked, taken);
        self.complain_at_target(target, finding);
    }

    fn configuration(
        &mut self,
        subject: &Subject<'_>,
        configuration: &str,
        only: Option<Platform>,
        rows: &mut Vec<SigningTarget>,
    ) {
        let project = self.settings.project();
        let (index, target, ties) = (subject.index, subject.target, subject.ties);
        let Ok(configuration_name) = configuration.parse::<ConfigurationName>() else {
            return self.complain_at_target(target, unusable_name());
        };
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
                        "SDKROOT of target {} names no platform that needs signing",
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
            let signing_allowed = is_signing_allowed(&scope);
            // What nobody signs with a profile may say what it likes.
            let matters = signing_allowed
                && provisioning != Provisioning::Unsupported
                && kind != ProductKind::UnitTests;
            let mut reader = values::Reader::new(self.settings, &scope, target, matters);
            let bundle_id = reader.bundle_id(&mut self.info_plists);
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
            rows.push(SigningTarget {
                project: Arc::clone(&project.bundle),
                target: subject.name.clone(),
                index,
                line: target.line,
                configuration: configuration_name.clone(),
                platform,
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
                embedded_in: Arc::clone(&ties.embedded_in),
                host: ties.host.clone(),
                tests: ties.tests.clone(),
                part_of: match kind.is_test() {
                    true => PartOf::from([]),
                    false => PartOf::from([0]),
                },
                lacks_settings: false,
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
                    let reported = self.reported.entry(file.clone()).or_default();
                    let unknown = entitlements.undefined.iter().filter(|name| {
                        reported.len() < entitlements::MAX_UNDEFINED
                            && !self.settings.defines(name)
                            && reported.insert((*name).clone())
                    });
                    self.findings
                        .extend(unknown.map(|name| contents.undefined(&file, name)));
                }
                Some(entitlements)
            }
            Err(problem) if matters => {
                let what = format!("the entitlements of target {}", target.name);
                let finding = match problem.is_out_of_reach() {
                    true => match only_xcode_knows(scope, "CODE_SIGN_ENTITLEMENTS") {
                        Some(setting) => Unreadable::Content(format!(
                            "their path depends on {setting}, which Xcode sets on the machine that builds"
                        ))
                        .finding(&what),
                        None => problem.finding(&what),
                    }
                    .found(shortened(&path.value, values::SHOWN)),
                    false => problem.finding(&what).found(file.display()),
                };
                let finding = finding.of_target(&target.name);
                self.findings.push(at_origin(finding, &path.origin));
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
        let mut applications = Applications::default();
        for ((configuration, _, id), sharing) in by_id {
            let [first, others @ ..] = sharing.as_slice() else {
                continue;
            };
            for other in others {
                let message = format!(
                    "targets {} and {} have the same bundle id in configuration {configuration}",
                    first.target, other.target
                );
                let finding = match applications.are_shared(first, other) {
                    true => Finding::block(Code::BundleIdShared, message)
                        .hint("give each its own bundle id: both are parts of one application"),
                    false => Finding::warn(Code::BundleIdShared, message).hint(
                        "give each its own bundle id, unless they are variants of one application that are never \
                         installed together",
                    ),
                }
                .found(id)
                .of_target(&other.target);
                let origin = other.bundle_id.as_ref().map(|setting| &setting.origin);
                self.findings.push(match origin {
                    Some(origin) => at_origin(finding, origin),
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

/// A target that is being resolved.
struct Subject<'t> {
    index: TargetIndex,
    target: &'t Target,
    name: &'t TargetName,
    ties: &'t Ties,
}

/// The targets that a target belongs to.
struct Ties {
    embedded_in: Arc<[TargetName]>,
    host: Option<TargetName>,
    tests: Option<TargetName>,
}

fn unusable_name() -> Finding {
    Finding::block(
        Code::ProjectInconsistent,
        "the name of a target or of its configuration is empty, too long, or holds control characters",
    )
    .hint("rename it in Xcode")
}

/// Whether Xcode signs the product. A setting that was not followed to its end counts as yes, so that nothing which may
/// be signed is passed over.
fn is_signing_allowed(scope: &Scope) -> bool {
    scope
        .evaluate("CODE_SIGNING_ALLOWED")
        .is_some_and(|resolved| resolved.cut || is_yes(&resolved.value))
}
