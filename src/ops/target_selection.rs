//! Which projects, targets and configurations a verb is about, and what they ask of signing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::error::{Error, Failure};
use super::prove::{self, Pinnable};
use super::world::{LoadedPolicy, World};
use crate::apple::profile::ProfileKind;
use crate::apple::signer::Verifier;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Finding, Severity};
use crate::base::ids::ConfigurationName;
use crate::base::remedy::Remedy;
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};
use crate::context::plan::Request;
use crate::context::policy::Policy;
use crate::host::files;
use crate::host::sources::DiskSources;
use crate::xcode::platform::Platform;
use crate::xcode::project::Project;
use crate::xcode::settings::{Overrides, ProjectSettings};
use crate::xcode::targets::{Selection, SigningTarget, resolve};
use crate::xcode::{show_build_settings, sources, workspace};

/// The settings of a large workspace's every target are 20 MB.
const MAX_CAPTURE: usize = 128 * 1024 * 1024;

/// Which targets.
#[derive(Debug, Clone, Default)]
pub struct TargetSelection {
    /// The Xcode projects and workspaces.
    pub projects: Vec<PathBuf>,
    /// Only these targets; none: all.
    pub targets: Vec<String>,
    /// Only these build configurations; none: all.
    pub configurations: Vec<ConfigurationName>,
    /// Only this SDK, as in `iphoneos`, which takes `watchos` along: an iOS archive carries its watch app.
    pub sdk: Option<String>,
    /// What `xcodebuild -showBuildSettings` printed: it counts where it speaks of a target.
    pub build_settings: Vec<PathBuf>,
    /// What the product is meant for.
    pub kind: Option<ProfileKind>,
}

/// What projects ask for, and what there is to sign with.
pub struct PlannedTargets {
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

impl PlannedTargets {
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

/// Reads the selected projects, and the manifest or the profiles at hand.
///
/// # Errors
/// A project, the manifest or a directory of profiles cannot be read, or the policy cannot be used.
pub fn planned(selection: &TargetSelection, world: &World) -> Result<PlannedTargets, Failure> {
    if selection.projects.is_empty() {
        let error = Error::new(ErrorCode::Usage, "no Xcode project is named");
        return Err(error
            .hint("name the Xcode project or workspace")
            .remedy(Remedy::NameProject)
            .into());
    }
    let policy = world.policy()?;
    let (targets, mut findings) = read(selection)?;
    // What was named by hand counts: a manifest, else a directory, else the default manifest.
    let manifest = if world.places.manifest.is_none() && !world.places.profiles.is_empty() {
        None
    } else {
        world.manifest_if_any()?
    };
    let profiles = match &manifest {
        Some(manifest) => manifest.profiles().to_vec(),
        None => at_hand(&policy.policy, world, &mut findings)?,
    };
    Ok(PlannedTargets {
        targets,
        findings,
        profiles,
        manifest,
        policy,
        kind: selection.kind,
        targets_were_named: !selection.targets.is_empty(),
        sources: DiskSources::default(),
    })
}

/// What the selected targets ask for, and what is not right with their projects.
///
/// # Errors
/// A project cannot be read at all, or no target has a name that was given.
pub fn read(selection: &TargetSelection) -> Result<(Vec<SigningTarget>, Vec<Finding>), Error> {
    let platforms = platforms(selection.sdk.as_deref())?;
    let names: Vec<&str> = selection.targets.iter().map(String::as_str).collect();
    let configurations: Vec<Option<&str>> = match selection.configurations.as_slice() {
        [] => vec![None],
        some => some.iter().map(|name| Some(name.as_str())).collect(),
    };
    let mut targets = Vec::new();
    let mut findings = Vec::new();
    for path in projects(&selection.projects)? {
        let sources = DiskSources::default();
        let project = Project::open(&path, &sources)?;
        let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
        for configuration in &configurations {
            for platform in &platforms {
                let selection = Selection {
                    targets: &names,
                    configuration: *configuration,
                    platform: *platform,
                };
                let resolved = resolve(&settings, &sources, &selection);
                targets.extend(resolved.rows);
                findings.extend(resolved.findings);
            }
        }
    }
    for path in &selection.build_settings {
        findings.extend(overruled(path, &mut targets)?);
    }
    for name in &names {
        if !targets.iter().any(|target| target.target.as_str() == *name) {
            return Err(no_such_target(name, &selection.projects));
        }
    }
    finding::distinct(&mut findings);
    Ok((targets, findings))
}

/// The platforms of an SDK; of none, whichever a target has.
fn platforms(sdk: Option<&str>) -> Result<Vec<Option<Platform>>, Error> {
    let Some(sdk) = sdk else {
        return Ok(vec![None]);
    };
    match Platform::of_sdk(sdk) {
        // An iOS archive carries its watch app.
        Some(Platform::Ios) => Ok(vec![Some(Platform::Ios), Some(Platform::Watchos)]),
        Some(other) => Ok(vec![Some(other)]),
        None => {
            let error = Error::new(ErrorCode::Usage, format!("the SDK {sdk:?} is not known"));
            Err(error.hint("write iphoneos, macosx, watchos, appletvos, xros or a simulator"))
        }
    }
}

/// Lets a capture of Xcode's own settings overrule what was read; where the two differ is a finding.
fn overruled(path: &Path, targets: &mut [SigningTarget]) -> Result<Vec<Finding>, Error> {
    let bytes = files::read_bounded(path, MAX_CAPTURE)?;
    let captured = show_build_settings::read(path, &sources::text(&bytes))?;
    let findings = show_build_settings::compare(&captured, targets);
    for target in targets {
        if let Some(capture) = captured.iter().find(|capture| capture.speaks_of(target)) {
            capture.overrule(target);
        }
    }
    Ok(findings)
}

fn no_such_target(name: &str, projects: &[PathBuf]) -> Error {
    let projects: Vec<String> = projects
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let message = format!("there is no target {name:?} in {}", projects.join(", "));
    Error::new(ErrorCode::FileMalformed, message)
        .hint("check the spelling against the list of targets")
        .remedy(Remedy::ShowTargets)
}

/// Projects as they are, workspaces as the projects in them.
///
/// # Errors
/// A workspace cannot be read, or a path is neither.
pub fn projects(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut projects: Vec<PathBuf> = Vec::new();
    for path in paths {
        // `X.xcodeproj/` as completion leaves it, without its slash.
        let path: PathBuf = path.components().collect();
        match path.extension().and_then(OsStr::to_str) {
            Some("xcworkspace") => {
                projects.extend(workspace::projects(&path, &DiskSources::default())?);
            }
            Some("xcodeproj") => projects.push(path),
            _ if path.ends_with("project.pbxproj") => {
                projects.extend(path.parent().map(Path::to_owned));
            }
            _ => {
                let message = format!(
                    "{}: this is neither an .xcodeproj nor an .xcworkspace",
                    path.display()
                );
                return Err(Error::new(ErrorCode::FileMalformed, message)
                    .hint("name an Xcode project or workspace")
                    .in_file(&path));
            }
        }
    }
    projects.dedup();
    Ok(projects)
}

/// The installed profiles that are proven; what is wrong with the others is a warning, because they sign nothing.
fn at_hand(
    policy: &Policy,
    world: &World,
    findings: &mut Vec<Finding>,
) -> Result<Vec<PinnedProfile>, Error> {
    let verifier = Verifier::new(world.anchors(policy)?);
    let installed = world.installed_files(policy)?;
    let Pinnable {
        mut profiles,
        findings: faults,
        ..
    } = prove::pinnable(&installed, &verifier, world, |_| ProfileState::Active);
    findings.extend(faults.into_iter().map(|finding| Finding {
        severity: finding.severity.max(Severity::Warn),
        ..finding
    }));
    profiles.sort_by(|a, b| a.uuid.cmp(&b.uuid));
    profiles.dedup_by(|a, b| a.uuid == b.uuid);
    Ok(profiles)
}
