//! Reading Xcode projects: what the targets of the named projects and workspaces ask of signing.

mod absent;
mod opened;
mod schemes;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use self::opened::Opened;
use self::schemes::Schemes;
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::{self, Code, Finding, Place, Severity};
use crate::base::ids::ConfigurationName;
use crate::base::remedy::Remedy;
use crate::context::gate::facts::{ObservedArchive, ObservedTargets, TargetSelection};
use crate::context::gate::targets::{frozen_for, pinned_configurations};
use crate::context::manifest::Manifest;
use crate::host::files::{self, ReadError};
use crate::host::inputs::{Inputs, NotingSources};
use crate::host::sources::DiskSources;
use crate::xcode::archive::{Archive, NoSuchScheme};
use crate::xcode::budget::Budget;
use crate::xcode::platform::Platform;
use crate::xcode::project::{Project, TargetIndex};
use crate::xcode::scheme::DEFAULT_CONFIGURATION;
use crate::xcode::settings::{Overrides, ProjectSettings};
use crate::xcode::show_build_settings::{self, CaptureError};
use crate::xcode::sources;
use crate::xcode::targets::{Selection, SigningTarget, link_projects, resolve};
use crate::xcode::workspace::WorkspaceError;

/// The settings of a large workspace's every target are 20 MB.
const MAX_CAPTURE: usize = 64 * 1024 * 1024;

/// Which projects are read, and what of them is meant.
#[derive(Debug, Clone, Default)]
pub struct ProjectRequest {
    /// Projects (`.xcodeproj`, or the `project.pbxproj` inside) and workspaces (`.xcworkspace`).
    pub projects: Vec<PathBuf>,
    /// What of them is meant.
    pub selection: TargetSelection,
    /// Where nobody selects a configuration, all are read, and not just the one that is archived.
    pub every_configuration: bool,
    /// Files with what `xcodebuild -showBuildSettings` printed: it counts where it speaks of a target.
    pub captures: Vec<PathBuf>,
    /// The folders that project files may reach into, where somebody declares them; none: the repository of each project, or
    /// its folder.
    pub roots: Vec<PathBuf>,
    /// The user's home directory, whose repository holds no project.
    pub home: Option<PathBuf>,
    /// What is said outside of the projects.
    pub overrides: Overrides,
}

/// Why projects could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The path is neither a project nor a workspace.
    #[error("{}: this is neither an .xcodeproj nor an .xcworkspace", .0.display())]
    Kind(PathBuf),
    /// A workspace cannot be read.
    #[error("{}{}: {error}", path.display(), line(error))]
    Workspace {
        /// The workspace.
        path: PathBuf,
        /// Why not.
        #[source]
        error: WorkspaceError,
    },
    /// A project cannot be read.
    #[error("{}{}: {error}", path.join("project.pbxproj").display(), line(error))]
    Project {
        /// The project.
        path: PathBuf,
        /// Why not.
        #[source]
        error: crate::xcode::project::ProjectError,
    },
    /// A captured output of `xcodebuild` cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// A file is no output of `xcodebuild -showBuildSettings`.
    #[error("{}: {_0}", .0.file.display())]
    Capture(#[from] CaptureError),
    /// A target was selected by a name that no project has.
    #[error("there is no target {name:?} in {projects}")]
    NoSuchTarget {
        /// The name.
        name: String,
        /// Where it was looked for.
        projects: String,
    },
    /// A scheme was named that there is not.
    #[error("there is no scheme {:?}; there are {}", .0.name, listed(&.0.known))]
    NoSuchScheme(NoSuchScheme),
}

fn listed(known: &[String]) -> String {
    match known {
        [] => "none".to_owned(),
        known => known.join(", "),
    }
}

impl Explain for ProjectError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Kind(_) | Self::NoSuchTarget { .. } | Self::NoSuchScheme(_) => {
                ErrorCode::FileMalformed
            }
            Self::Workspace { error, .. } => error.code(),
            Self::Project { error, .. } => error.code(),
            Self::Unreadable(error) => error.code(),
            Self::Capture(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Kind(_) => Some("name an Xcode project or workspace".to_owned()),
            Self::NoSuchTarget { .. } => {
                Some("check the spelling against the list of targets".to_owned())
            }
            Self::NoSuchScheme(_) => {
                Some("name a scheme that the project or workspace has, or a target".to_owned())
            }
            Self::Workspace { error, .. } => error.hint(),
            Self::Project { error, .. } => error.hint(),
            Self::Unreadable(error) => error.hint(),
            Self::Capture(error) => error.hint(),
        }
    }

    fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::NoSuchTarget { .. } => Some(Remedy::ShowTargets),
            _ => None,
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::Kind(path) => Place::file(path),
            Self::Workspace { error, .. } => error.place(),
            Self::Project { error, .. } => error.place(),
            Self::Unreadable(error) => error.place(),
            Self::Capture(error) => error.place(),
            Self::NoSuchTarget { .. } | Self::NoSuchScheme(_) => Place::default(),
        }
    }
}

fn line(error: &impl Explain) -> String {
    let line = error.place().line;
    line.map_or(String::new(), |line| format!(":{line}"))
}

/// What the selected targets ask for, and what is not right with their projects. Where no configuration is selected and
/// `pinned` pins targets of these projects, only the configurations are read that it pins.
///
/// # Errors
/// A project, a workspace or a capture cannot be read, or no target has a name that was selected.
pub fn read(
    request: &ProjectRequest,
    pinned: Option<&Manifest>,
) -> Result<ObservedTargets, ProjectError> {
    read_noting(request, pinned, None)
}

/// As [`read`], and notes every file that is read.
///
/// # Errors
/// As there.
pub fn read_noting(
    request: &ProjectRequest,
    pinned: Option<&Manifest>,
    inputs: Option<&Arc<Inputs>>,
) -> Result<ObservedTargets, ProjectError> {
    let mut opened = Opened::default();
    let declared = match request.roots.as_slice() {
        [] => None,
        folders => Some(DiskSources::of_folders(folders)?),
    };
    let budget = Budget::default();
    let outside = of_overrides(&request.overrides)?.with_budget(budget.clone());
    for path in &request.projects {
        let disk = match &declared {
            Some(declared) => declared.clone(),
            None => DiskSources::of_project(path, request.home.as_deref()),
        };
        let disk = disk.with_budget(budget.clone());
        let inputs = inputs.cloned();
        opened.open(path, &NotingSources { inputs, disk })?;
    }
    opened.nested()?;
    let names: Vec<String> = opened
        .projects
        .iter()
        .filter_map(|(project, _)| Some(project.bundle.file_name()?.to_str()?.to_owned()))
        .collect();
    let mut findings = std::mem::take(&mut opened.findings);
    let is_partial = !findings.is_empty() || !opened.absent.is_empty();
    let frozen_for = pinned.and_then(|manifest| frozen_for(manifest, &names));
    let frozen_for = frozen_for.and_then(|archive| archive.scheme.as_deref());
    let named = request.selection.scheme.as_deref();
    let archive = archive(&opened, named, frozen_for, &mut findings)?;
    findings.extend(opened.absence(&archive));
    let configurations = configurations(request, &opened, &archive, pinned, &names);
    let read: Vec<Option<&str>> = match configurations.as_slice() {
        [] => vec![None],
        some => some.iter().map(|name| Some(name.as_str())).collect(),
    };
    // An iOS archive carries its watch app. (Catalyst is built with the Mac's SDK, which the resolver knows.)
    let platforms: &[Option<Platform>] = match request.selection.platform {
        Some(Platform::Ios) => &[Some(Platform::Ios), Some(Platform::Watchos)],
        other => &[other],
    };
    let selected: Vec<&str> = request
        .selection
        .targets
        .iter()
        .map(String::as_str)
        .collect();
    let mut targets = Vec::new();
    for (position, (project, sources)) in opened.projects.iter().enumerate() {
        let part_of: Vec<_> = (0..project.targets.len())
            .map(|target| archive.part_of(position, TargetIndex(target)))
            .collect();
        // Of a project that others refer to only what they need counts, or what somebody names.
        let is_nested = position >= opened.named;
        if is_nested && selected.is_empty() && part_of.iter().all(|of| of.is_empty()) {
            continue;
        }
        let outside = NotingSources {
            inputs: inputs.cloned(),
            disk: outside.clone().joined(sources.disk.clone()),
        };
        let settings = ProjectSettings::load_with(project, sources, &outside, &request.overrides);
        // Of a project that others refer to only what they need counts, or what somebody names.
        let is_nested = position >= opened.named;
        if is_nested && selected.is_empty() && part_of.iter().all(|of| of.is_empty()) {
            continue;
        }
        for configuration in &read {
            for platform in platforms {
                let selection = Selection {
                    targets: &selected,
                    configuration: *configuration,
                    platform: *platform,
                };
                let mut resolved = resolve(&settings, sources, &selection);
                for row in &mut resolved.rows {
                    row.part_of = part_of.get(row.index.0).cloned().unwrap_or_default();
                }
                if is_nested && selected.is_empty() {
                    resolved.rows.retain(|row| !row.part_of.is_empty());
                }
                if selected.is_empty() {
                    let is_archived = |at: usize| part_of.get(at).is_some_and(|of| !of.is_empty());
                    weaken(&mut resolved.findings, project, is_archived);
                }
                targets.extend(resolved.rows);
                findings.extend(resolved.findings);
            }
        }
    }
    let (projects, sources): (Vec<Project>, Vec<NotingSources>) =
        opened.projects.into_iter().unzip();
    link_projects(&projects, &mut targets);
    for path in &request.captures {
        let bytes = files::read_bounded(path, MAX_CAPTURE)?;
        if let Some(inputs) = inputs {
            inputs.note(path, &bytes);
        }
        let captured = show_build_settings::read(path, &sources::text(&bytes))?;
        findings.extend(show_build_settings::compare(&captured, &targets));
        for target in &mut targets {
            if let Some(capture) = captured.of(target).first() {
                capture.overrule(target);
            }
        }
    }
    if !request.captures.is_empty() {
        // That we cannot resolve a bundle id does not matter where Xcode did.
        findings.retain(|finding| {
            let is_of_row =
                |row: &SigningTarget| finding.place.target.as_deref() == Some(row.target.as_str());
            finding.code != Code::BundleIdUnresolved
                || (targets.iter()).any(|row| is_of_row(row) && row.bundle_id.is_none())
        });
    }
    // A target that is not there may be one of a project that nobody looked at.
    for name in selected.into_iter().filter(|_| !is_partial) {
        if !targets.iter().any(|target| target.target.as_str() == name) {
            let projects: Vec<String> = request
                .projects
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            return Err(ProjectError::NoSuchTarget {
                name: name.to_owned(),
                projects: projects.join(", "),
            });
        }
    }
    finding::distinct(&mut findings);
    Ok(ObservedTargets {
        projects: names,
        targets,
        findings,
        selection: request.selection.clone(),
        archive: ObservedArchive {
            scheme: archive.scheme,
            products: archive.products,
            configurations,
        },
        sources: Arc::new(sources.into_iter().map(|sources| sources.disk).fold(
            DiskSources::default().with_budget(budget),
            DiskSources::joined,
        )),
    })
}

/// What is archived of the projects that were opened: by the scheme called `name`; without one by the scheme that the
/// manifest was frozen for, if that is still there.
fn archive(
    opened: &Opened,
    name: Option<&str>,
    frozen_for: Option<&str>,
    findings: &mut Vec<Finding>,
) -> Result<Archive, ProjectError> {
    let mut schemes = Schemes::default();
    for (holder, sources) in &opened.workspaces {
        schemes.add(holder, sources);
    }
    for (project, sources) in opened.projects.iter().take(opened.named) {
        schemes.add(&project.bundle, sources);
    }
    findings.append(&mut schemes.findings);
    let projects: Vec<&Project> = opened.projects.iter().map(|(project, _)| project).collect();
    let named = opened.named;
    let all = |name| Archive::of(&projects, named, &schemes.readable, name, &opened.absent);
    let fault = |name: &str| {
        let mut faults = schemes.faults.iter();
        faults.find(|(known, _)| &**known == name)
    };
    let is_readable = |name: &str| {
        let mut readable = schemes.readable.iter();
        readable.any(|held| &*held.scheme.name == name)
    };
    // What a scheme that cannot be read would say is not known, so everything is judged; and that it is not known blocks.
    let broken = name.filter(|name| !is_readable(name)).and_then(fault);
    findings.extend(broken.map(|(_, finding)| Finding {
        severity: Severity::Block,
        ..finding.clone()
    }));
    let readable_name = name.filter(|_| broken.is_none());
    let frozen_for = frozen_for.filter(|_| name.is_none());
    let frozen_for = frozen_for.and_then(|frozen_for| all(Some(frozen_for)).ok());
    let mut archive = match frozen_for {
        Some(mut archive) => {
            // Nobody named it now, so what the manifest pins counts beside it.
            if let Some(scheme) = &mut archive.scheme {
                scheme.is_named = false;
            }
            archive
        }
        None => all(readable_name).map_err(ProjectError::NoSuchScheme)?,
    };
    findings.append(&mut archive.findings);
    if name.is_none() {
        findings.extend(schemes.faults.into_iter().map(|(_, finding)| finding));
    }
    Ok(archive)
}

/// The configurations that are judged: those that somebody selects; else the one of a scheme that somebody names; else
/// those that the manifest pins; else the one that is archived. Empty: all of them.
fn configurations(
    request: &ProjectRequest,
    opened: &Opened,
    archive: &Archive,
    pinned: Option<&Manifest>,
    names: &[String],
) -> Vec<ConfigurationName> {
    if !request.selection.configurations.is_empty() {
        return request.selection.configurations.clone();
    }
    let of_scheme = |is_named: bool| {
        let scheme = archive.scheme.as_ref();
        let scheme = scheme.filter(|scheme| scheme.is_named == is_named)?;
        let configuration = scheme.configuration.as_deref()?.parse().ok()?;
        Some(vec![configuration])
    };
    if let Some(named) = of_scheme(true) {
        return named;
    }
    let pinned = pinned.map(|manifest| pinned_configurations(manifest, names));
    if let Some(pinned) = pinned.filter(|pinned| !pinned.is_empty()) {
        return pinned;
    }
    if request.every_configuration {
        return Vec::new();
    }
    let release = || {
        let named = opened.projects.iter().take(opened.named);
        let mut lists = named.flat_map(|(project, _)| {
            let of_targets = project.targets.iter().map(|target| &target.configurations);
            of_targets.chain([&project.configurations])
        });
        let has_release = lists.any(|list| list.named(DEFAULT_CONFIGURATION).is_some());
        let release = DEFAULT_CONFIGURATION.parse().ok()?;
        has_release.then(|| vec![release])
    };
    of_scheme(false).or_else(release).unwrap_or_default()
}

/// What is not right with targets that no archive holds is for information.
fn weaken(findings: &mut [Finding], project: &Project, is_archived: impl Fn(usize) -> bool) {
    let numbered = || project.targets.iter().enumerate();
    let archived: BTreeSet<&str> = numbered()
        .filter(|(at, _)| is_archived(*at))
        .map(|(_, target)| &*target.name)
        .collect();
    let beside: BTreeSet<&str> = numbered()
        .map(|(_, target)| &*target.name)
        .filter(|name| !archived.contains(name))
        .collect();
    for finding in findings {
        let target = finding.place.target.as_deref();
        if target.is_some_and(|target| beside.contains(target)) {
            finding.severity = Severity::Info;
        }
    }
}

/// The folders of the configuration files that somebody named: those files may lie anywhere, and what they include lies
/// beside them or belongs to the project.
fn of_overrides(overrides: &Overrides) -> Result<DiskSources, ReadError> {
    let folders: Vec<PathBuf> = overrides
        .files()
        .map(|file| match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        })
        .collect();
    DiskSources::of_folders(&folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_carries_the_product_of_another_project() {
        let outer = "{ objects = { P = {isa = PBXProject; targets = (T); buildConfigurationList = L; }; \
             T = {isa = PBXNativeTarget; name = App; buildPhases = (C); buildConfigurationList = L; \
             productType = \"com.apple.product-type.application\"; }; C = {isa = PBXCopyFilesBuildPhase; files = (F); }; \
             F = {isa = PBXBuildFile; fileRef = R; }; R = {isa = PBXReferenceProxy; remoteRef = X; }; \
             X = {isa = PBXContainerItemProxy; containerPortal = S; remoteGlobalIDString = E; }; \
             S = {isa = PBXFileReference; path = Inner.xcodeproj; sourceTree = SOURCE_ROOT; }; \
             L = {isa = XCConfigurationList; buildConfigurations = (B); }; \
             B = {isa = XCBuildConfiguration; name = Release; buildSettings = {SDKROOT = iphoneos; \
             PRODUCT_BUNDLE_IDENTIFIER = com.example.app; }; }; }; rootObject = P; }";
        let inner = "{ objects = { P = {isa = PBXProject; targets = (T); buildConfigurationList = L; }; \
             T = {isa = PBXNativeTarget; name = Share; buildConfigurationList = L; productReference = E; \
             productType = \"com.apple.product-type.app-extension\"; }; E = {isa = PBXFileReference; path = Share.appex; }; \
             L = {isa = XCConfigurationList; buildConfigurations = (B); }; \
             B = {isa = XCBuildConfiguration; name = Release; buildSettings = {SDKROOT = iphoneos; \
             PRODUCT_BUNDLE_IDENTIFIER = com.example.app.share; }; }; }; rootObject = P; }";
        let folder = tempfile::tempdir().unwrap();
        let mut projects = Vec::new();
        for (name, text) in [("Outer.xcodeproj", outer), ("Inner.xcodeproj", inner)] {
            let project = folder.path().join(name);
            std::fs::create_dir(&project).unwrap();
            std::fs::write(project.join("project.pbxproj"), text).unwrap();
            projects.push(project);
        }
        let request = ProjectRequest {
            projects,
            ..ProjectRequest::default()
        };
        let observed = read(&request, None).unwrap();
        let mut rows = observed.targets.iter();
        let share = rows.find(|row| row.target.as_str() == "Share").unwrap();
        assert_eq!(share.host.as_ref().map(|host| host.as_str()), Some("App"));
    }
}
