//! Which projects, targets and configurations a verb is about, and what they ask of signing.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::{Error, Failure};
use super::identity::source::{self, IdentityFile};
use super::project_at_hand;
use super::prove::{self, Pinnable};
use super::world::World;
use crate::apple::profile::ProfileKind;
use crate::apple::signed_message::Verifier;
use crate::base::error::ErrorCode;
use crate::base::finding::{Finding, Severity};
use crate::base::ids::{CertSha1, ConfigurationName};
use crate::context::gate::Purpose;
use crate::context::gate::facts::{self, InstalledProfiles, ObservedTargets};
use crate::context::gate::pins::Pins;
use crate::context::manifest::{Manifest, PinnedProfile, ProfileState};
use crate::context::plan::{Judgement, Request, judge};
use crate::context::policy::Policy;
use crate::context::products::{self, ObservedProduct};
use crate::host::observation::{
    self,
    projects::{self, ProjectRequest},
};
use crate::host::profile_store::{self, Pinned};
use crate::xcode::platform::Platform;
use crate::xcode::settings::Overrides;
use crate::xcode::xcodebuild_command::XcodebuildCommand;

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
    /// The scheme that is archived; none: what is meant is told from the schemes that there are.
    pub scheme: Option<String>,
    /// `NAME=value` settings, as on the command line of `xcodebuild`.
    pub settings: Vec<String>,
    /// The file that `xcodebuild -xcconfig` gets.
    pub xcconfig: Option<PathBuf>,
    /// What `xcodebuild -showBuildSettings` printed: it counts where it speaks of a target.
    pub build_settings: Vec<PathBuf>,
    /// What the product is meant for.
    pub kind: Option<ProfileKind>,
    /// What `find-identity` printed, or a p12: the certificates that sign are chosen among those whose keys it tells of.
    pub identities: Option<IdentityFile>,
    /// Where no configuration is selected, all are meant, and not just the one that is archived.
    pub every_configuration: bool,
    /// The folders that project files may reach into; none: the repository of each project, or its folder.
    pub roots: Vec<PathBuf>,
}

/// What projects ask for, and what there is to sign with.
pub struct PlannedTargets {
    /// What the projects ask for.
    pub observed: ObservedTargets,
    /// What the products are signed with that the policy declares.
    pub observed_products: Vec<ObservedProduct>,
    /// What is not right with the profiles themselves.
    pub findings: Vec<Finding>,
    /// What there is to sign with.
    pub profiles: Vec<PinnedProfile>,
    /// The manifest that the profiles came from, if they did.
    pub manifest: Option<Manifest>,
    /// The policy in force.
    pub policy: Policy,
    /// Whether projects are judged: else the products of the policy are all that is.
    pub names_projects: bool,
    /// The projects that were read: those that were named, or the one at hand.
    pub projects: Vec<PathBuf>,
    kind: Option<ProfileKind>,
    identities: Option<HashSet<CertSha1>>,
    now: Timestamp,
}

impl TargetSelection {
    /// What is read of which projects.
    ///
    /// # Errors
    /// The SDK is not known, or a setting is none.
    pub fn request(&self, world: &World) -> Result<ProjectRequest, Error> {
        Ok(ProjectRequest {
            projects: self.projects.clone(),
            selection: facts::TargetSelection {
                targets: self.targets.clone(),
                configurations: self.configurations.clone(),
                platform: self.sdk.as_deref().map(platform).transpose()?,
                scheme: self.scheme.clone(),
            },
            every_configuration: self.every_configuration,
            captures: self.build_settings.clone(),
            roots: self.roots.clone(),
            home: world.home().map(Path::to_owned),
            overrides: self.overrides(world)?,
        })
    }

    /// The certificates whose private keys are at hand, where somebody says so.
    ///
    /// # Errors
    /// The file cannot be read, or its password is wrong.
    pub(super) fn usable_identities(
        &self,
        manifest: Option<&Manifest>,
        world: &World,
    ) -> Result<Option<HashSet<CertSha1>>, Error> {
        let Some(file) = &self.identities else {
            return Ok(None);
        };
        let found = source::read_file(file, manifest, None, world)?;
        Ok(Some(found.usable()))
    }

    /// What is said outside of the projects: here, and in the environment.
    pub(super) fn overrides(&self, world: &World) -> Result<Overrides, Error> {
        let settings = self.settings.iter().map(String::as_str);
        let variables = world.surroundings.variables.iter();
        let variables =
            variables.filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        let mut overrides = Overrides::default()
            .with_arguments(settings)?
            .with_environment(variables);
        if let Some(file) = &self.xcconfig {
            overrides = overrides.with_xcconfig(file);
        }
        let file = world.variable(XCCONFIG_VARIABLE);
        if let Some(file) = file.filter(|file| !file.is_empty()) {
            overrides = overrides.with_environment_xcconfig(file);
        }
        if let Some(sdk) = &self.sdk {
            // A name, or the path of an SDK.
            let name = Path::new(sdk).file_name().unwrap_or_default();
            let name = name.to_string_lossy().to_ascii_lowercase();
            overrides = overrides.with_sdk(name.strip_suffix(".sdk").unwrap_or(&name));
        }
        Ok(overrides)
    }

    /// Whether something is selected that only a project has.
    pub(super) fn selects_something(&self) -> bool {
        !(self.targets.is_empty()
            && self.configurations.is_empty()
            && self.settings.is_empty()
            && self.build_settings.is_empty())
            || self.sdk.is_some()
            || self.scheme.is_some()
            || self.xcconfig.is_some()
            || self.kind.is_some()
    }

    /// The same, of the project at hand.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub(super) fn of_project_at_hand(&self, world: &World) -> Result<Self, Error> {
        Ok(Self {
            projects: vec![project_at_hand::look(world)?],
            ..self.clone()
        })
    }

    /// Takes over what the command says that is about to build, as far as nobody said otherwise here. Its settings and its
    /// configuration file count in any case: they are what builds.
    ///
    /// # Errors
    /// The name of its configuration is none.
    pub fn take_over(&mut self, command: &XcodebuildCommand) -> Result<(), Error> {
        if self.projects.is_empty() {
            self.projects.extend(command.project.clone());
        }
        if self.configurations.is_empty()
            && let Some(name) = &command.configuration
        {
            self.configurations.push(name.parse()?);
        }
        if self.targets.is_empty() {
            self.targets.clone_from(&command.targets);
        }
        if self.sdk.is_none() {
            self.sdk.clone_from(&command.sdk);
        }
        if self.scheme.is_none() {
            self.scheme.clone_from(&command.scheme);
        }
        self.settings.extend(command.settings.iter().cloned());
        if command.xcconfig.is_some() {
            self.xcconfig.clone_from(&command.xcconfig);
        }
        Ok(())
    }
}

/// The variable that names a configuration file, which lies over all others.
const XCCONFIG_VARIABLE: &str = "XCODE_XCCONFIG_FILE";

fn platform(sdk: &str) -> Result<Platform, Error> {
    Platform::of_sdk(sdk).ok_or_else(|| {
        Error::new(ErrorCode::Usage, format!("the SDK {sdk:?} is not known"))
            .hint("write iphoneos, macosx, watchos, appletvos, xros or a simulator")
    })
}

impl PlannedTargets {
    /// What a plan is made from.
    pub fn request(&self) -> Request<'_> {
        Request {
            targets: &self.observed.targets,
            profiles: &self.profiles,
            pinned: self
                .manifest
                .as_ref()
                .map(Manifest::targets)
                .unwrap_or_default(),
            frozen_for: self.manifest.as_ref().and_then(Manifest::archive),
            overrides: &self.policy.targets,
            kind: self.kind,
            targets_were_named: !self.observed.selection.targets.is_empty(),
            scheme: self.observed.archive.scheme.as_ref(),
            products: &self.observed.archive.products,
            identities: self.identities.as_ref(),
            now: self.now,
            sources: &*self.observed.sources,
        }
    }

    /// The judgement of them. Where the products of the policy are all that is judged, it is empty.
    pub fn judgement(&self) -> Judgement<'_> {
        if !self.names_projects {
            return Judgement::default();
        }
        let request = self.request();
        let observed = &self.observed;
        judge(&request, &observed.looked_at(), &observed.findings)
    }
}

impl PlannedTargets {
    /// The judgement of the products that the policy declares.
    pub fn products(&self) -> products::Judgement {
        products::judge(&products::Request {
            products: &self.observed_products,
            policy: &self.policy,
            profiles: &self.profiles,
            pinned: self.manifest.as_ref().map(Manifest::products),
            identities: self.identities.as_ref(),
            now: self.now,
        })
    }
}

/// Whether targets of a project are judged: where neither the manifest nor the policy speaks of anything but products without
/// a project, these are all that is.
pub(super) fn needs_project(policy: &Policy, manifest: Option<&Manifest>) -> bool {
    policy.products.is_empty() || manifest.is_some_and(|it| !it.targets().is_empty())
}

/// Reads the selected projects, or else the one at hand; and the manifest or the profiles at hand.
///
/// # Errors
/// A project, the manifest or a directory of profiles cannot be read, or the policy cannot be used.
pub fn planned(selection: &TargetSelection, world: &World) -> Result<PlannedTargets, Failure> {
    let policy = world.policy_or_defaults()?;
    // What was named by hand counts: a manifest, else a directory, else the default manifest.
    let manifest = if world.places.manifest.is_none() && !world.places.profiles.is_empty() {
        None
    } else {
        world.manifest_if_any()?
    };
    let mut found = None;
    let mut selection = selection;
    if selection.projects.is_empty() && needs_project(&policy, manifest.as_ref()) {
        selection = found.insert(selection.of_project_at_hand(world)?);
    }
    let pinned_by = manifest.as_ref().filter(|_| !selection.every_configuration);
    let observed = projects::read(&selection.request(world)?, pinned_by)?;
    let mut findings = Vec::new();
    let profiles = match &manifest {
        Some(manifest) => pinned(manifest, &policy, world, &mut findings)?,
        None => at_hand(&policy, world, &mut findings)?,
    };
    let identities = selection.usable_identities(manifest.as_ref(), world)?;
    Ok(PlannedTargets {
        observed,
        observed_products: observation::products::read(&policy.products, None),
        findings,
        profiles,
        manifest,
        policy,
        names_projects: !selection.projects.is_empty(),
        projects: selection.projects.clone(),
        kind: selection.kind,
        identities,
        now: world.now,
    })
}

/// Reads the selected projects, to be signed with these profiles.
///
/// # Errors
/// A project or a file of identities cannot be read.
pub(super) fn planned_with(
    selection: &TargetSelection,
    profiles: Vec<PinnedProfile>,
    policy: Policy,
    world: &World,
) -> Result<PlannedTargets, Failure> {
    Ok(PlannedTargets {
        observed: projects::read(&selection.request(world)?, None)?,
        observed_products: observation::products::read(&policy.products, None),
        findings: Vec::new(),
        profiles,
        manifest: None,
        policy,
        names_projects: true,
        projects: selection.projects.clone(),
        kind: selection.kind,
        identities: selection.usable_identities(None, world)?,
        now: world.now,
    })
}

/// What the files of the pinned profiles say, as far as they are installed here; where they are not, what the manifest
/// says of them. Where the two say different things, that blocks.
fn pinned(
    manifest: &Manifest,
    policy: &Policy,
    world: &World,
    findings: &mut Vec<Finding>,
) -> Result<Vec<PinnedProfile>, Error> {
    let verifier = Verifier::new(world.anchors(policy)?);
    let installed = match world.installed_files(policy) {
        // Only who names a directory here says that it is there.
        Err(error)
            if error.code() == ErrorCode::FileMissing && world.places.profiles.is_empty() =>
        {
            Vec::new()
        }
        listed => listed?,
    };
    let looked_for = Pinned {
        manifest,
        verifier: &verifier,
        proofs: None,
    };
    let installed = InstalledProfiles {
        files: profile_store::observe(installed, Some(looked_for)),
        ..InstalledProfiles::default()
    };
    let pins = Pins::new(policy, manifest, Some(&installed));
    findings.extend(pins.check(Purpose::Verdict));
    findings.extend(pins.at_their_word());
    Ok(pins.profiles().to_vec())
}

/// The installed profiles that are proven; what is wrong with the others is a warning, because they sign nothing.
fn at_hand(
    policy: &Policy,
    world: &World,
    findings: &mut Vec<Finding>,
) -> Result<Vec<PinnedProfile>, Error> {
    let verifier = Verifier::new(world.anchors(policy)?);
    let installed = world.profile_files(policy)?;
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
