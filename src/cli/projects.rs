//! Which projects, targets and configurations a command is about, and what they ask of signing.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::report;
use super::world::{LoadedPolicy, World};
use crate::apple::profile::ProfileKind;
use crate::apple::signer::Verifier;
use crate::base::error::Explain;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::ConfigurationName;
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};
use crate::context::plan::{Observed, Request, plan, unobserved};
use crate::context::policy::Policy;
use crate::host::files;
use crate::host::profile_store::{self, Examined};
use crate::host::sources::DiskSources;
use crate::xcode::platform::Platform;
use crate::xcode::project::Project;
use crate::xcode::settings::{Overrides, ProjectSettings};
use crate::xcode::targets::{Selection, SigningTarget, resolve};
use crate::xcode::{show_build_settings, sources, workspace};

/// The settings of a large workspace's every target are 20 MB.
const MAX_CAPTURE: usize = 128 * 1024 * 1024;

/// Selects targets.
#[derive(Debug, Clone, Default, Args)]
pub struct ProjectArguments {
    /// The Xcode project or workspace; repeatable.
    #[arg(long, value_name = "X.xcodeproj")]
    pub project: Vec<PathBuf>,
    /// Only this target; repeatable.
    #[arg(long, value_name = "NAME")]
    pub target: Vec<String>,
    /// Only this build configuration; repeatable.
    #[arg(long, value_name = "NAME")]
    pub configuration: Vec<ConfigurationName>,
    /// Only this SDK, as in iphoneos (which takes watchos along: an iOS archive carries its watch app).
    #[arg(long, value_name = "SDK")]
    pub sdk: Option<String>,
    /// What `xcodebuild -showBuildSettings` (text or -json) printed: it counts where it speaks of a target, and
    /// differences to the project's files are reported; repeatable.
    #[arg(long, value_name = "FILE")]
    pub build_settings: Vec<PathBuf>,
    /// What the product is meant for; profiles of other kinds do not fit.
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<Kind>,
}

/// What a product is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Registered devices, with a debugger.
    Development,
    /// Registered devices.
    AdHoc,
    /// App Store, TestFlight, Mac App Store.
    AppStore,
    /// In-house.
    Enterprise,
    /// Outside the Mac App Store.
    DeveloperId,
}

impl From<Kind> for ProfileKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Development => Self::Development,
            Kind::AdHoc => Self::AdHoc,
            Kind::AppStore => Self::AppStore,
            Kind::Enterprise => Self::Enterprise,
            Kind::DeveloperId => Self::DeveloperId,
        }
    }
}

/// What projects ask for, and what there is to sign with.
pub struct Planned {
    /// The selected targets.
    pub targets: Vec<SigningTarget>,
    /// What is not right with the projects and the profiles themselves.
    pub findings: Vec<Finding>,
    /// What there is to sign with.
    pub profiles: Vec<PinnedProfile>,
    /// The manifest that the profiles came from, if they did.
    pub manifest: Option<Manifest>,
    /// The policy in force.
    pub policy: LoadedPolicy,
    kind: Option<ProfileKind>,
    targets_were_named: bool,
    sources: DiskSources,
}

impl Planned {
    /// What a plan is made from.
    pub fn request(&self) -> Request<'_> {
        Request {
            targets: &self.targets,
            profiles: &self.profiles,
            pinned: self
                .manifest
                .as_ref()
                .map(Manifest::targets)
                .unwrap_or_default(),
            overrides: &self.policy.policy.targets,
            kind: self.kind,
            targets_were_named: self.targets_were_named,
            must_be_mapped: false,
            sources: &self.sources,
        }
    }
}

/// The pinned findings of `projects` against `manifest`: what the gate's *targets* group judges. Without a configuration
/// on the command line those count that the manifest pins for the project.
///
/// # Errors
/// A project cannot be read.
pub fn against(
    manifest: &Manifest,
    policy: &Policy,
    arguments: &ProjectArguments,
) -> Result<Vec<Finding>, Failure> {
    let named: Vec<String> = projects(&arguments.project)?
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    let mut narrowed = arguments.clone();
    if narrowed.configuration.is_empty() {
        let pinned = manifest
            .targets()
            .iter()
            .filter(|target| named.contains(&target.project));
        narrowed.configuration = pinned.map(|target| target.configuration.clone()).collect();
        narrowed.configuration.sort();
        narrowed.configuration.dedup();
    }
    let (targets, mut findings) = read(&narrowed)?;
    let sources = DiskSources::default();
    let request = Request {
        targets: &targets,
        profiles: manifest.profiles(),
        pinned: manifest.targets(),
        overrides: &policy.targets,
        kind: arguments.kind.map(ProfileKind::from),
        targets_were_named: !arguments.target.is_empty(),
        must_be_mapped: true,
        sources: &sources,
    };
    findings.extend(plan(&request).findings);
    findings.extend(unobserved(
        manifest.targets(),
        &Observed {
            targets: &targets,
            projects: &named,
            is_selection: !arguments.target.is_empty()
                || !arguments.configuration.is_empty()
                || arguments.sdk.is_some(),
        },
    ));
    finding::distinct(&mut findings);
    Ok(findings)
}

/// Reads the selected projects, and the manifest or the profiles at hand.
///
/// # Errors
/// A project, the manifest or a directory of profiles cannot be read.
pub fn planned(arguments: &ProjectArguments, world: &World) -> Result<Planned, Failure> {
    if arguments.project.is_empty() {
        return Err(Failure::usage(
            "name the Xcode project or workspace with --project",
        ));
    }
    let policy = world.usable_policy()?;
    let (targets, mut findings) = read(arguments)?;
    // What was named on the command line counts: a manifest, else a directory, else the default manifest.
    let manifest = if world.global.manifest.is_none() && !world.global.profiles.is_empty() {
        None
    } else {
        world.manifest_if_any()?
    };
    let profiles = match &manifest {
        Some(manifest) => manifest.profiles().to_vec(),
        None => at_hand(&policy, world, &mut findings)?,
    };
    Ok(Planned {
        targets,
        findings,
        profiles,
        manifest,
        policy,
        kind: arguments.kind.map(ProfileKind::from),
        targets_were_named: !arguments.target.is_empty(),
        sources: DiskSources::default(),
    })
}

/// What the selected targets ask for, and what is not right with their projects.
///
/// # Errors
/// A project cannot be read at all, or no target is selected by a name that was given.
pub fn read(arguments: &ProjectArguments) -> Result<(Vec<SigningTarget>, Vec<Finding>), Failure> {
    let platform = match &arguments.sdk {
        None => None,
        Some(sdk) => Some(Platform::of_sdk(sdk).ok_or_else(|| {
            Failure::usage(format!("unknown SDK {sdk:?}: write iphoneos, macosx, watchos, appletvos, xros, or a simulator"))
        })?),
    };
    // An iOS archive carries its watch app.
    let platforms: &[Option<Platform>] = match platform {
        Some(Platform::Ios) => &[Some(Platform::Ios), Some(Platform::Watchos)],
        other => &[other],
    };
    let names: Vec<&str> = arguments.target.iter().map(String::as_str).collect();
    let mut targets = Vec::new();
    let mut findings = Vec::new();
    for path in projects(&arguments.project)? {
        let sources = DiskSources::default();
        let project = Project::open(&path, &sources).map_err(|error| unreadable(&error))?;
        let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
        let configurations: Vec<Option<&str>> = match arguments.configuration.as_slice() {
            [] => vec![None],
            some => some.iter().map(|name| Some(name.as_str())).collect(),
        };
        for configuration in configurations {
            for platform in platforms {
                let selection = Selection {
                    targets: &names,
                    configuration,
                    platform: *platform,
                };
                let resolved = resolve(&settings, &sources, &selection);
                targets.extend(resolved.rows);
                findings.extend(resolved.findings);
            }
        }
    }
    for path in &arguments.build_settings {
        let bytes = files::read_bounded(path, MAX_CAPTURE).map_err(Failure::input)?;
        let captured = show_build_settings::read(path, &sources::text(&bytes))
            .map_err(|error| unreadable(&error))?;
        findings.extend(show_build_settings::compare(&captured, &targets));
        for target in &mut targets {
            if let Some(capture) = captured.of(target).first() {
                capture.overrule(target);
            }
        }
    }
    for name in &names {
        if !targets.iter().any(|target| target.target.as_str() == *name) {
            return Err(Failure::input(format!(
                "no target {name:?} in {}; `countersign targets show` lists them",
                arguments
                    .project
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            )));
        }
    }
    finding::distinct(&mut findings);
    Ok((targets, findings))
}

fn unreadable(error: &impl Explain) -> Failure {
    let hint = error
        .hint()
        .map_or(String::new(), |hint| format!("; {hint}"));
    Failure::input(format!("{}: {error}{hint}", report::place(&error.place())))
}

/// Projects as they are, workspaces as the projects in them.
fn projects(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut projects: Vec<PathBuf> = Vec::new();
    for path in paths {
        let path = trimmed(path);
        match path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("xcworkspace") => {
                let found = workspace::projects(&path, &DiskSources::default())
                    .map_err(|error| unreadable(&error))?;
                projects.extend(found);
            }
            Some("xcodeproj") => projects.push(path),
            _ if path
                .file_name()
                .is_some_and(|name| name == "project.pbxproj") =>
            {
                projects.extend(path.parent().map(Path::to_owned));
            }
            _ => {
                return Err(Failure::input(format!(
                    "{}: neither an .xcodeproj nor an .xcworkspace",
                    path.display()
                )));
            }
        }
    }
    projects.dedup();
    Ok(projects)
}

/// `X.xcodeproj/` as completion leaves it, without its slash.
fn trimmed(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The installed profiles that are proven; the others are warnings, because they sign nothing.
fn at_hand(
    policy: &LoadedPolicy,
    world: &World,
    findings: &mut Vec<Finding>,
) -> Result<Vec<PinnedProfile>, Failure> {
    let verifier = Verifier::new(world.anchors(&policy.policy)?);
    let files = world.installed_files(&policy.policy)?;
    let results = profile_store::examine(
        &files,
        &verifier,
        |path, examined| match examined {
            Examined::Proven(profile) => Ok(PinnedProfile::of(&profile, ProfileState::Active)),
            Examined::Unproven(unproven) => Err(unproven
                .findings
                .into_iter()
                .map(|finding| Finding {
                    severity: Severity::Warn,
                    ..finding.in_file(path)
                })
                .collect::<Vec<_>>()),
            Examined::Unreadable(error) => Err(vec![
                Finding::warn(Code::ProfileUnreadable, error.to_string()).in_file(path),
            ]),
        },
        || {},
    );
    let mut profiles = Vec::new();
    for result in results {
        match result {
            Ok(profile) => profiles.push(profile),
            Err(faults) => findings.extend(faults),
        }
    }
    profiles.sort_by(|a: &PinnedProfile, b| a.uuid.cmp(&b.uuid));
    profiles.dedup_by(|a, b| a.uuid == b.uuid);
    Ok(profiles)
}
