//! Build settings, resolved: for a target, a configuration and a platform, what a setting is and where that was said.
//!
//! Settings come in layers ([`Layer`]): a target's own over its `.xcconfig`, over the project's own, over the project's
//! `.xcconfig`, over Xcode's defaults; the command line and an `-xcconfig` file lie over all of them, which is how our
//! own exports are fed back. In each layer the last assignment whose conditions hold counts. A value refers to others
//! (`$(NAME)`) and to what lies below itself (`$(inherited)`), and both are followed as Xcode's build engine follows
//! them (swift-build, `MacroEvaluation*.swift`): a reference to a setting that is already being expanded means its next
//! lower value, so that a circle ends by itself; here it is reported as well.
//!
//! Every resolved value carries its origin (the assignment that counts) and its trail (every assignment that took
//! part). Expansion is bounded in depth, steps and size, whatever the files say.
//!
//! What it does not do: know the machine. `$(HOME)` or the SDK's version are Xcode's to tell; a reference to such a
//! setting expands to nothing and is noted as undefined.

mod allowance;
mod builtin;
mod c99;
mod expansion;
mod faults;
mod operator;
mod resolved;
mod scope;
mod specifications;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::assignment::{Assignment, Bindings, LeftSide, Table};
use super::platform::Platform;
use super::project::{Configuration, Project, Target, TargetIndex};
use super::sources::{SourceError, Sources};
use super::xcconfig::Loader;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::{Code, Finding};

use super::assignment::Layer;
pub use builtin::is_set_by_xcode;
pub use operator::c99_identifier;
pub use resolved::{Resolved, Step, Undefined};
pub use scope::Scope;

pub(crate) use scope::is_yes;

use allowance::Allowance;
use faults::Faults;

/// Settings from outside of the project, as `xcodebuild` ranks them (swift-build, `Settings.addOverrides`): its environment
/// below everything, its arguments over the project, the file of `-xcconfig` over those, and the file that the variable
/// `XCODE_XCCONFIG_FILE` names over all.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// With what stands before each `=`.
    arguments: Vec<(Box<str>, Assignment)>,
    xcconfig: Option<PathBuf>,
    environment_xcconfig: Option<PathBuf>,
    environment: Arc<Table>,
    /// The canonical name of the SDK that builds, with its version.
    sdk: Option<Box<str>>,
}

/// An argument is no `NAME=value`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{argument:?} is not a build setting: {problem}")]
pub struct ArgumentError {
    /// The argument, cut to a length that fits a message.
    pub argument: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Explain for ArgumentError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("write NAME=value".to_owned())
    }
}

impl Overrides {
    /// Adds `NAME=value` arguments as `xcodebuild` takes them, conditions in the name allowed.
    ///
    /// # Errors
    /// An argument is no such thing.
    pub fn with_arguments<'a>(
        mut self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ArgumentError> {
        for argument in arguments {
            let refuse = |problem| ArgumentError {
                // What stands behind the "=" is the value, which an error does not quote.
                argument: argument
                    .split('=')
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(80)
                    .collect(),
                problem,
            };
            let (side, rest) = LeftSide::parse(argument).map_err(refuse)?;
            let value = rest
                .strip_prefix('=')
                .ok_or_else(|| refuse("it has no \"=\""))?;
            let key = argument
                .get(..argument.len() - rest.len())
                .unwrap_or_default();
            let assignment = Assignment {
                conditions: side.conditions.into(),
                ..Assignment::plain(side.name, value)
            };
            self.arguments.push((key.trim_end().into(), assignment));
        }
        Ok(self)
    }

    /// Adds the file of `xcodebuild -xcconfig`.
    #[must_use]
    pub fn with_xcconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.xcconfig = Some(path.into());
        self
    }

    /// Adds the file that `XCODE_XCCONFIG_FILE` names.
    #[must_use]
    pub fn with_environment_xcconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.environment_xcconfig = Some(path.into());
        self
    }

    /// Adds the environment, of which settings are those variables whose names are names of settings. What Xcode sets itself
    /// on the machine that builds is left out: which machine that is, is not known.
    #[must_use]
    pub fn with_environment<'a>(
        mut self,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let assignments = variables
            .into_iter()
            .filter(|(name, _)| !is_set_by_xcode(name))
            .filter(|(name, _)| matches!(LeftSide::parse(name), Ok((_, ""))))
            .map(|(name, value)| Assignment::plain(name, value))
            .collect();
        self.environment = Arc::new(Table::new(assignments));
        self
    }

    /// Names the SDK that builds, as in `iphoneos18.2`: conditions may ask for its version.
    #[must_use]
    pub fn with_sdk(mut self, sdk: &str) -> Self {
        self.sdk = Some(sdk.into());
        self
    }

    /// The files that somebody named, which are no project's.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.xcconfig, &self.environment_xcconfig];
        files.into_iter().flatten().map(PathBuf::as_path)
    }

    /// The arguments, in the order in which Xcode takes the keys of a dictionary.
    fn command_line(&self) -> Table {
        let keyed = self.arguments.iter();
        Table::of_dictionary(
            keyed
                .map(|(key, assignment)| (&**key, assignment.clone()))
                .collect(),
        )
    }
}

/// What Xcode's defaults depend on besides the product: configuration and platform.
type DefaultsOf = (Box<str>, Option<Platform>);

/// All settings of a project, configuration files read.
#[derive(Debug)]
pub struct ProjectSettings<'p> {
    project: &'p Project,
    /// The tables of configuration files; none for a file that could not be read.
    bases: HashMap<Arc<Path>, Option<Arc<Table>>>,
    /// What is said outside of the project and lies over it, highest first.
    outside: Vec<(Layer, Arc<Table>)>,
    environment: Arc<Table>,
    sdk: Option<Box<str>>,
    /// Every name that is assigned anywhere; collected when it is asked for the first time.
    defined: OnceLock<HashSet<Box<str>>>,
    /// Xcode's defaults as they were made, by what they depend on.
    defaults: Mutex<HashMap<DefaultsOf, Arc<Table>>>,
    allowance: Allowance,
    /// What is not right with configuration files that the project names.
    faults: Faults,
    /// What is not right with those that somebody names besides.
    findings: Vec<Finding>,
}

impl<'p> ProjectSettings<'p> {
    /// Reads the configuration files that `project` and `overrides` name. A file that is missing costs what it would
    /// have said, and is a finding.
    pub fn load(project: &'p Project, sources: &dyn Sources, overrides: &Overrides) -> Self {
        Self::load_with(project, sources, sources, overrides)
    }

    /// The same, where the files of `overrides` come from `outside`: who names a file may name any, and a project only its
    /// own.
    pub fn load_with(
        project: &'p Project,
        sources: &dyn Sources,
        outside: &dyn Sources,
        overrides: &Overrides,
    ) -> Self {
        let mut loader = Loader::new(sources, &project.directory);
        let mut bases = HashMap::new();
        let mut positions: HashMap<Arc<Path>, usize> = HashMap::new();
        let mut faults = Faults::default();
        let mut findings = Vec::new();
        let of_project = project
            .configurations
            .list()
            .iter()
            .map(|configuration| (None, configuration));
        let of_targets = project.targets.iter().zip(0..).flat_map(|(target, at)| {
            target
                .configurations
                .list()
                .iter()
                .map(move |configuration| (Some((target, TargetIndex(at))), configuration))
        });
        for (target, configuration) in of_project.chain(of_targets) {
            let Some((path, line)) = &configuration.base else {
                continue;
            };
            let known = positions.get(path).copied();
            let owner = target.map(|(_, index)| index);
            let position = faults.based(owner, &configuration.name, path, known);
            let table = loader.load(path);
            if let (Err(problem), None) = (&table, known) {
                let target = target.map(|(target, _)| target);
                let finding = missing_base(project, target, path, *line, problem);
                faults.missing(finding, position);
            }
            positions.insert(Arc::clone(path), position);
            bases.entry(Arc::clone(path)).or_insert_with(|| table.ok());
        }
        faults.take(&mut loader);
        let mut loader = Loader::new(outside, &project.directory);
        let mut layers = Vec::new();
        for (layer, path) in [
            (Layer::EnvironmentXcconfig, &overrides.environment_xcconfig),
            (Layer::OverrideXcconfig, &overrides.xcconfig),
        ] {
            let Some(path) = path else {
                continue;
            };
            match loader.load(path) {
                Ok(table) => layers.push((layer, table)),
                Err(problem) => {
                    let what = format!("the configuration file of {layer}");
                    let finding = problem.finding(Code::XcconfigMissing, &what, problem.hint());
                    findings.push(finding.in_file(path));
                }
            }
        }
        layers.push((Layer::CommandLine, Arc::new(overrides.command_line())));
        findings.append(&mut loader.take_findings());
        let configurations = project
            .targets
            .iter()
            .map(|target| target.configurations.list().len())
            .sum();
        Self {
            project,
            bases,
            outside: layers,
            environment: Arc::clone(&overrides.environment),
            sdk: overrides.sdk.clone(),
            defined: OnceLock::new(),
            defaults: Mutex::default(),
            allowance: Allowance::of_project(configurations),
            faults,
            findings,
        }
    }

    /// The project.
    pub fn project(&self) -> &'p Project {
        self.project
    }

    /// What is not right with the configuration files, whoever is based on them.
    pub fn findings(&self) -> Vec<Finding> {
        self.faults.all().chain(&self.findings).cloned().collect()
    }

    /// What is not right with those that count where the configuration of this name is looked at; without a name all of it.
    pub fn findings_of(&self, configuration: Option<&str>) -> Vec<Finding> {
        let mut findings = self.faults.of(self.project, configuration);
        findings.extend(self.findings.iter().cloned());
        findings
    }

    /// The targets that miss settings because a file that they are based on, or that it includes, is missing.
    pub fn lacking(&self, configuration: Option<&str>) -> HashSet<&'p str> {
        self.faults.lacking(self.project, configuration)
    }

    /// Whether anything in the project, in whatever target and configuration, or outside of it assigns `name`.
    pub fn defines(&self, name: &str) -> bool {
        let defined = self.defined.get_or_init(|| {
            let configurations = self.project.configurations.list().iter().chain(
                self.project
                    .targets
                    .iter()
                    .flat_map(|target| target.configurations.list()),
            );
            configurations
                .map(|configuration| &configuration.settings)
                .chain(self.bases.values().flatten())
                .chain(self.outside.iter().map(|(_, table)| table))
                .flat_map(|table| table.assignments())
                .map(|assignment| assignment.name.clone())
                .collect()
        });
        defined.contains(name)
    }

    /// The settings of a target in one of its configurations, for `platform`; without a platform, what they are before
    /// Xcode has chosen one, which is how `SDKROOT` is read.
    ///
    /// The project's configuration of the same name goes below, or its default one if it has none of that name.
    pub fn scope(
        &self,
        target: TargetIndex,
        configuration: &str,
        platform: Option<Platform>,
    ) -> Scope {
        let project = self.project;
        let target = project.target(target);
        let of_target = target.and_then(|target| target.configurations.effective(configuration));
        let of_project = project.configurations.effective(configuration);
        let of_version = |sdk: &&str| {
            platform.is_some_and(|platform| {
                sdk.strip_prefix(platform.sdk_name())
                    .is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
            })
        };
        let sdk = self.sdk.as_deref().filter(of_version);
        let bindings = Bindings {
            is_sdk_version_known: platform.is_none() || sdk.is_some(),
            sdk: match (sdk, platform) {
                (Some(sdk), _) => sdk.into(),
                (None, Some(platform)) => format!("{}0.0", platform.sdk_name()).into(),
                (None, None) => Box::default(),
            },
            sdk_fallback: platform.and_then(Platform::condition_fallback),
            // A target that lacks the configuration is built in another one, and conditions mean that.
            configuration: of_target
                .or(of_project)
                .map_or(configuration, |used| &used.name)
                .into(),
            target: target.map(|target| target.name.clone()).unwrap_or_default(),
        };
        let mut layers = Vec::with_capacity(12);
        let mut push = |layer, table: &Arc<Table>| layers.push((layer, Arc::clone(table)));
        for (layer, table) in &self.outside {
            push(*layer, table);
        }
        if let Some(own) = of_target {
            push(Layer::Target, &own.settings);
            if let Some(base) = self.base(own) {
                push(Layer::TargetXcconfig, base);
            }
        }
        if let Some(target) = target {
            push(Layer::Default, &Arc::new(builtin::of_target(target)));
        }
        if let Some(own) = of_project {
            push(Layer::Project, &own.settings);
            if let Some(base) = self.base(own) {
                push(Layer::ProjectXcconfig, base);
            }
        }
        let product_type = target.and_then(|target| target.product_type.as_deref());
        push(Layer::Default, &specifications::of(product_type));
        push(Layer::Default, &self.defaults(configuration, platform));
        push(Layer::Environment, &self.environment);
        let mut scope = Scope {
            layers,
            bindings,
            allowance: self.allowance.clone(),
        };
        if let Some(platform) = platform {
            let derived = builtin::derived(platform, &scope);
            // Over the project, below what comes from outside.
            let outside = scope
                .layers
                .iter()
                .take_while(|(layer, _)| *layer > Layer::Derived)
                .count();
            scope
                .layers
                .insert(outside, (Layer::Derived, Arc::new(derived)));
        }
        scope
    }

    /// Whether resolving was given up, because the project causes more work than any honest one: what was resolved since
    /// is not what Xcode resolves.
    pub fn is_given_up(&self) -> bool {
        self.allowance.is_spent()
    }

    fn defaults(&self, configuration: &str, platform: Option<Platform>) -> Arc<Table> {
        let mut made = self.defaults.lock().unwrap_or_else(PoisonError::into_inner);
        let defaults = made
            .entry((configuration.into(), platform))
            .or_insert_with(|| {
                Arc::new(builtin::of_project(self.project, configuration, platform))
            });
        Arc::clone(defaults)
    }

    fn base(&self, configuration: &Configuration) -> Option<&Arc<Table>> {
        let (path, _) = configuration.base.as_ref()?;
        self.bases.get(path)?.as_ref()
    }
}

fn missing_base(
    project: &Project,
    target: Option<&Target>,
    path: &Path,
    line: Option<u64>,
    problem: &SourceError,
) -> Finding {
    let whose = target.map_or("the project", |target| &target.name);
    let what = format!("the base configuration file of {whose}");
    let mut finding = problem
        .finding(
            Code::XcconfigMissing,
            &what,
            "restore the file, or remove it from the configuration in Xcode (project, Info, Configurations)",
        )
        .found(path.display())
        .in_file(&project.file);
    finding.place.line = line;
    finding.place.target = target.map(|target| target.name.to_string());
    finding
}

#[cfg(test)]
mod tests;
