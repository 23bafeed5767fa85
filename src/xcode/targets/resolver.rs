//! From a project's targets to rows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entitlements::{self, Entitlements, Unreadable};
use super::hosts::{Applications, Carriers};
use super::info_plist::InfoPlists;
use super::place::{at_origin, made_by_the_build, only_xcode_knows, path_from_environment};
use super::row::{Embedder, SigningTarget};
use super::selection::Selection;
use super::setting::Setting;
use super::values::Contents;
use super::{platforms, unsigned, values};
use crate::base::finding::{Code, Finding};
use crate::base::ids::{BundleId, ConfigurationName, TargetName};
use crate::base::withheld::Text;
use crate::xcode::archive::PartOf;
use crate::xcode::assignment::{Layer, Origin};
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
                .filter_map(|embedding| {
                    Some(Embedder {
                        project: Arc::clone(&project.bundle),
                        target: name(embedding.outer)?,
                        is_copied: embedding.is_copied,
                        platform_filters: Arc::clone(&embedding.platform_filters),
                    })
                })
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
            let provisioning = provisioning(&scope, platform);
            let signing_allowed = is_signing_allowed(&scope);
            let unsigned_by = unsigned::unsigned_by(&scope, platform);
            // What nobody signs with a profile may say what it likes.
            let matters = signing_allowed
                && unsigned_by.is_none()
                && provisioning != Provisioning::Unsupported
                && kind != ProductKind::UnitTests;
            let mut reader = values::Reader::new(self.settings, &scope, target, matters);
            let bundle_id = reader.bundle_id(&mut self.info_plists);
            let style = reader.style();
            let team = reader.team();
            let (identity, withheld_identity) = reader.identity(platform);
            let specifier = reader.profile("PROVISIONING_PROFILE_SPECIFIER");
            let legacy_profile = reader.profile("PROVISIONING_PROFILE");
            let entitlements_path = reader.text("CODE_SIGN_ENTITLEMENTS");
            let contents = reader.contents_of_entitlements();
            self.findings.append(&mut reader.into_findings());
            let claimant = Claimant {
                target,
                scope: &scope,
                kind,
                bundle_id: bundle_id.as_ref().map(|setting| &setting.value),
                matters,
            };
            let entitlements = match carries_claims(&scope, kind) {
                true => self.entitlements(&claimant, entitlements_path, contents),
                false => None,
            };
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
                unsigned_by,
                bundle_id,
                style,
                team,
                identity,
                withheld_identity,
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
                ad_hoc_allowed: unsigned::is_ad_hoc_allowed(&scope, platform),
                lacks_settings: false,
            });
        }
    }

    /// What a target claims: the file, over what its product type claims, under what a setting holds.
    fn entitlements(
        &mut self,
        claimant: &Claimant<'_>,
        path: Option<Setting<Text>>,
        contents: Option<Setting<Contents>>,
    ) -> Option<Entitlements> {
        let project = self.settings.project();
        let own = entitlements::File::of_product_type(claimant.kind);
        let mut claims = own.map(|own| {
            let mut origin = Origin::layer(Layer::Default);
            origin.line = claimant.target.line;
            (own, Arc::clone(&project.file), origin)
        });
        if let Some(path) = path.and_then(|path| self.of_project(claimant, path)) {
            let file = normalized(&project.directory.join(path.value.shown()));
            if !self.entitlements.contains_key(&file) {
                let read = entitlements::File::read(&file, self.sources);
                self.entitlements.insert(file.clone(), read);
            }
            match self.entitlements.get(&file)? {
                Ok(written) => {
                    let implied = claims.take();
                    let written = match (implied, contents.is_some()) {
                        (None, false) => {
                            return self.claimed(claimant, &file, path.origin);
                        }
                        (Some((implied, ..)), _) => implied.under(written),
                        (None, true) => entitlements::File::none().under(written),
                    };
                    claims = Some((written, file.into(), path.origin));
                }
                Err(problem) if claimant.matters => {
                    let finding = unreadable(claimant, problem, &path, &file);
                    self.findings.push(at_origin(finding, &path.origin));
                }
                Err(_) => {}
            }
        }
        if let Some(contents) = contents {
            match contents.value {
                Contents::Read(written) => {
                    let (file, origin) = match &claims {
                        Some((_, file, origin)) if origin.layer != Layer::Default => {
                            (Arc::clone(file), origin.clone())
                        }
                        _ => {
                            let file = contents.origin.file.as_ref().unwrap_or(&project.file);
                            (Arc::clone(file), contents.origin.clone())
                        }
                    };
                    let below = claims.map(|(below, ..)| below);
                    let below = below.unwrap_or_else(entitlements::File::none);
                    claims = Some((below.under(&written), file, origin));
                }
                Contents::Unreadable(problem) if claimant.matters => {
                    let what = format!(
                        "CODE_SIGN_ENTITLEMENTS_CONTENTS of target {}",
                        claimant.target.name
                    );
                    let finding = problem.finding(&what).of_target(&claimant.target.name);
                    self.findings.push(at_origin(finding, &contents.origin));
                }
                Contents::Unreadable(_) => {}
            }
        }
        let (claims, file, origin) = claims?;
        Some(claims.expand(&file, claimant.scope, claimant.bundle_id, origin))
    }

    /// `path`, unless the environment took part in it: such a file is not read, because its name would be shown.
    fn of_project(
        &mut self,
        claimant: &Claimant<'_>,
        path: Setting<Text>,
    ) -> Option<Setting<Text>> {
        if !path.value.is_withheld() {
            return Some(path);
        }
        if claimant.matters {
            let finding = path_from_environment("CODE_SIGN_ENTITLEMENTS", claimant.target, &path);
            self.findings.push(finding);
        }
        None
    }

    /// The claims of a file that was read, and what is not right with them.
    fn claimed(
        &mut self,
        claimant: &Claimant<'_>,
        file: &Path,
        origin: Origin,
    ) -> Option<Entitlements> {
        let Some(Ok(contents)) = self.entitlements.get(file) else {
            return None;
        };
        let entitlements = contents.expand(file, claimant.scope, claimant.bundle_id, origin);
        if claimant.matters {
            let reported = self.reported.entry(file.to_owned()).or_default();
            let unknown = entitlements.undefined.iter().filter(|name| {
                reported.len() < entitlements::MAX_UNDEFINED
                    && !self.settings.defines(name)
                    && reported.insert((*name).clone())
            });
            self.findings
                .extend(unknown.map(|name| contents.undefined(file, name)));
        }
        Some(entitlements)
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

/// Whose claims are read.
struct Claimant<'t> {
    target: &'t Target,
    scope: &'t Scope,
    kind: ProductKind,
    bundle_id: Option<&'t BundleId>,
    /// Whether complaints are worth making.
    matters: bool,
}

/// The finding that an entitlements file cannot be read; where the build makes it, that it does.
fn unreadable(
    claimant: &Claimant<'_>,
    problem: &Unreadable,
    path: &Setting<Text>,
    file: &Path,
) -> Finding {
    const NAME: &str = "CODE_SIGN_ENTITLEMENTS";
    let target = &claimant.target.name;
    let what = format!("the entitlements of target {target}");
    let shown = shortened(path.value.shown(), values::SHOWN);
    let may_be_made = problem.is_out_of_reach() || problem.is_missing();
    let made_in = may_be_made
        .then(|| made_by_the_build(claimant.scope, NAME))
        .flatten();
    let finding = match made_in {
        Some(folder) => Finding::warn(
            Code::EntitlementsMadeAtBuild,
            format!(
                "{what} are made by the build, in $({folder}), so what they claim is not judged"
            ),
        )
        .hint("check the signed product, or let CODE_SIGN_ENTITLEMENTS name a file of the project")
        .found(shown),
        None if problem.is_out_of_reach() => match only_xcode_knows(claimant.scope, NAME) {
            Some(setting) => Unreadable::Content(format!(
                "their path depends on {setting}, which Xcode sets on the machine that builds"
            ))
            .finding(&what),
            None => problem.finding(&what),
        }
        .found(shown),
        None => problem.finding(&what).found(file.display()),
    };
    finding.of_target(target)
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
    embedded_in: Arc<[Embedder]>,
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

/// Whether Xcode signs the product.
fn is_signing_allowed(scope: &Scope) -> bool {
    may_be_yes(scope, "CODE_SIGNING_ALLOWED")
}

/// Whether claims of the product count: they stand in the signature of a program, and a library or a plug-in is none (swift-build,
/// `supportsEntitlements` of `PlanningOperation.swift`). Tests of the interface are wrapped into one, and what is unknown may be one.
fn carries_claims(scope: &Scope, kind: ProductKind) -> bool {
    let is_loaded = matches!(
        kind,
        ProductKind::Framework
            | ProductKind::Library
            | ProductKind::Bundle
            | ProductKind::UnitTests
    );
    let machine_type = scope.evaluate("MACH_O_TYPE").filter(|_| is_loaded);
    machine_type.is_none_or(|it| it.value == "mh_execute")
}

/// What the product has to do with profiles: two settings say it, which product types set and projects may change
/// (swift-build, `PlanningOperation.swift`). In a simulator nothing needs one.
fn provisioning(scope: &Scope, platform: Platform) -> Provisioning {
    if platform.is_simulator() {
        Provisioning::Unsupported
    } else if may_be_yes(scope, "PROVISIONING_PROFILE_REQUIRED") {
        Provisioning::Required
    } else if may_be_yes(scope, "PROVISIONING_PROFILE_SUPPORTED") {
        Provisioning::Optional
    } else {
        Provisioning::Unsupported
    }
}

/// A setting as a truth value. One that was not followed to its end counts as yes, so that nothing which may be signed is
/// passed over.
fn may_be_yes(scope: &Scope, name: &str) -> bool {
    scope
        .evaluate(name)
        .is_some_and(|resolved| resolved.cut || is_yes(&resolved.value))
}
