//! Which projects, targets and configurations a command is about, and what they ask of signing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::world::{LoadedPolicy, World};
use crate::apple::profile::ProfileKind;
use crate::apple::signer::Verifier;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::ids::ConfigurationName;
use crate::context::gate::facts::{ObservedTargets, TargetSelection};
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};
use crate::context::plan::Request;
use crate::host::observation::projects::{self, ProjectError, ProjectRequest};
use crate::host::profile_store::{self, Examined};
use crate::host::sources::DiskSources;
use crate::xcode::platform::Platform;
use crate::xcode::targets::SigningTarget;

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

impl ProjectArguments {
    /// What is read.
    ///
    /// # Errors
    /// The SDK is unknown.
    pub fn request(&self) -> Result<ProjectRequest, Failure> {
        let platform = match &self.sdk {
            None => None,
            Some(sdk) => Some(Platform::of_sdk(sdk).ok_or_else(|| {
                Failure::usage(format!("unknown SDK {sdk:?}: write iphoneos, macosx, watchos, appletvos, xros, or a simulator"))
            })?),
        };
        Ok(ProjectRequest {
            projects: self.project.clone(),
            selection: TargetSelection {
                targets: self.target.clone(),
                configurations: self.configuration.clone(),
                platform,
            },
            captures: self.build_settings.clone(),
        })
    }
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
    let ObservedTargets {
        targets,
        mut findings,
        ..
    } = read(arguments)?;
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
pub fn read(arguments: &ProjectArguments) -> Result<ObservedTargets, Failure> {
    projects::read(&arguments.request()?, None).map_err(failure)
}

/// Projects that cannot be read, with how to find a target's name.
pub fn failure(error: ProjectError) -> Failure {
    match error {
        ProjectError::NoSuchTarget { .. } => {
            Failure::input(format!("{error}; `countersign targets show` lists them"))
        }
        _ => Failure::input(error),
    }
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
