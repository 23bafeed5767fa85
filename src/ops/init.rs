//! The first steps in a repository: what signs each target, what is missing, and the files that a gate needs.
//!
//! [`survey`] looks and decides, and writes nothing; [`write()`] writes the files of a survey. Nothing that is there is ever
//! replaced: what would change a file is written beside it, as `FILE.new`, and shown as a difference.
//!
//! - `ci`: the files for the CI that builds the repository
//! - [`document`]: what is shown
//! - `files`: the files that are written, or would be
//! - `rows`: one row for each target

mod ci;
pub mod document;
mod files;
mod rows;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::document::{InitDocument, Purpose};
use self::files::Planned;
use super::error::{Error, Failure};
use super::manifest::FreezeRequest;
use super::manifest::freeze::{self, Prepared};
use super::notice::Notice;
use super::project_at_hand;
use super::prove;
use super::target_selection::{TargetSelection, planned_with};
use super::world::{DEFAULT_MANIFEST, DEFAULT_POLICY, LoadedPolicy, World};
use crate::apple::signed_message::Verifier;
use crate::base::finding::{self, Code, Finding, Group, Place, Severity};
use crate::base::ids::ProfileUuid;
use crate::context::gate::facts::ObservedArchive;
use crate::context::manifest::ProfileState;
use crate::context::manifest::freeze::ordered;
use crate::context::policy::{Policy, starter};
use crate::host::ci_system::CiSystem;
use crate::host::folder_walk::{self, MAX_DEPTH};
use crate::host::{default_branch, directories, nearest, project_root};

/// What is set up.
#[derive(Debug, Clone, Default)]
pub struct InitRequest {
    /// The project, and what of it is meant; without one the project at hand.
    pub targets: TargetSelection,
    /// The CI system that a workflow is written for; none: the one that the repository's files tell of.
    pub ci: Option<CiSystem>,
}

/// What was found, and what would be written.
pub struct Survey {
    /// What is shown.
    pub document: InitDocument,
    planned: Vec<Planned>,
}

impl Survey {
    /// Whether there is anything to write.
    pub fn has_something_to_write(&self) -> bool {
        self.planned.iter().any(Planned::is_new)
    }
}

/// Looks at the project and the profiles at hand, and decides what would be written.
///
/// # Errors
/// There is no project, or there are several; the project, the policy or the manifest cannot be read; a directory that somebody
/// named cannot be listed.
pub fn survey(request: &InitRequest, world: &World) -> Result<Survey, Failure> {
    let is_named = !request.targets.projects.is_empty();
    let mut targets = request.targets.clone();
    if !is_named {
        targets.projects = vec![project_at_hand::look(world).map_err(Error::from)?];
    }
    let project = targets.projects.first().cloned().unwrap_or_default();
    let base = Base::of(&project, world);
    let loaded = world.policy_if_any()?;
    let has_policy = loaded.is_some();
    let policy = match loaded {
        Some(LoadedPolicy { policy, .. }) => policy,
        None => Policy::builtin(world.home()),
    };
    let manifest_path = base.place(world.places.manifest.as_deref(), DEFAULT_MANIFEST, world)?;
    let previous = freeze::previous(&manifest_path)?;

    let of_repository = match world.places.profiles.is_empty() {
        true => folder_walk::walk(&base.folder, MAX_DEPTH).profiles,
        false => Vec::new(),
    };
    let from_here = |path: PathBuf| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
    let mut files: BTreeSet<PathBuf> = of_repository.into_iter().map(from_here).collect();
    let named = files.len();
    if world.check_home_of_profiles(&policy).is_ok() {
        files.extend(world.profile_files(&policy)?);
    } else {
        world.notify(&Notice::Caution(
            "the home directory is unknown, so Xcode's directories of profiles are not looked into",
        ));
    }
    let files: Vec<PathBuf> = distinct(files);
    let verifier = Verifier::new(world.anchors(&policy)?);
    let state = |uuid: &ProfileUuid| {
        let previous = previous.as_ref();
        previous.map_or(ProfileState::Active, |previous| previous.state(uuid))
    };
    let mut pinnable = prove::pinnable(&files, &verifier, world, state);
    pinnable.skip_faults_besides(&[]);
    let at_hand = ordered(pinnable.profiles.iter().cloned()).unwrap_or_default();
    let profile_files: Vec<(ProfileUuid, PathBuf)> = {
        let uuids = pinnable.profiles.iter().map(|profile| profile.uuid.clone());
        uuids.zip(pinnable.files.iter().cloned()).collect()
    };
    let has_profiles = !at_hand.is_empty();

    let planned = planned_with(&targets, at_hand, policy.clone(), world)?;
    let judgement = planned.judgement();
    let freezing = FreezeRequest::default();
    let Prepared {
        content,
        left_out,
        findings,
        ..
    } = freeze::prepare(
        &freezing,
        &targets,
        pinnable,
        previous.as_ref(),
        &policy,
        world,
    )?;

    let pinned = content.iter().flat_map(|content| &content.profiles);
    let mut used: BTreeSet<&ProfileUuid> = pinned.map(|profile| &profile.uuid).collect();
    if used.is_empty() {
        // Nothing can be pinned yet. Those that will be renewed lie where these do.
        let rows = judgement.plan.with_rows(&planned.observed.targets);
        let choices = rows.filter_map(|(_, row)| row?.choice.as_ref());
        used.extend(choices.map(|choice| &choice.profile.uuid));
    }
    let directories = base.directories(&profile_files, &used, world);
    let mut written = Vec::new();
    let policy_path = base.place(world.places.policy.as_deref(), DEFAULT_POLICY, world)?;
    let (policy_below, manifest_below) = (base.below(&policy_path), base.below(&manifest_path));
    let policy_text = starter::text(&directories).into_bytes();
    written.push(Planned::new(Purpose::Policy, policy_path, policy_text)?);
    if let Some(mut content) = content {
        freeze::is_unchanged(&mut content, &manifest_path);
        let bytes = content.to_bytes();
        written.push(Planned::new(Purpose::Manifest, manifest_path, bytes)?);
    }
    let project_below = base.below(&project);
    let of_project = base
        .folder
        .join(project_below.parent().unwrap_or(Path::new("")));
    let ci = request.ci;
    let ci = ci.or_else(|| CiSystem::of_repository(&base.folder, &of_project));
    if let Some(ci) = ci {
        let branch = default_branch::of_repository(&base.folder);
        let named = ci::Named {
            project: &project_below,
            policy: &policy_below,
            manifest: &manifest_below,
            branch: branch.as_deref().unwrap_or("main"),
        };
        for workflow in ci::workflows(ci, &named) {
            let path = base.shown(&workflow.path);
            let planned = Planned::new(Purpose::Workflow, path, workflow.text.into_bytes())?;
            written.push(match workflow.is_program {
                true => planned.into_program(),
                false => planned,
            });
        }
    }
    let rows = rows::rows(&planned, &judgement, &findings, world);
    let document = InitDocument {
        schema: "countersign.init.v1",
        project: project.display().to_string(),
        found: !is_named,
        scheme: scheme(&planned.observed.archive),
        configurations: planned.observed.archive.configurations.clone(),
        teams: rows::teams(&rows),
        has_policy,
        profiles_at_hand: planned.profiles.len(),
        profiles_of_repository: named,
        targets: rows,
        left_out,
        ci,
        files: written.iter().map(Planned::shown).collect(),
        findings: told(findings, has_profiles),
    };
    Ok(Survey {
        document,
        planned: written,
    })
}

/// Writes the files of a survey, and says what became of each.
///
/// # Errors
/// A file cannot be written, or something has its name by now.
pub fn write(survey: Survey) -> Result<InitDocument, Failure> {
    let Survey {
        mut document,
        planned,
    } = survey;
    let written = planned.into_iter().map(Planned::write);
    document.files = written.collect::<Result<_, Error>>()?;
    Ok(document)
}

fn scheme(archive: &ObservedArchive) -> Option<String> {
    archive
        .scheme
        .as_ref()
        .map(|scheme| scheme.name.to_string())
}

/// The findings as they are told: with no profile at hand, that a target has none is told of all of them at once.
fn told(findings: Vec<Finding>, has_profiles: bool) -> Vec<Finding> {
    if has_profiles {
        return findings;
    }
    let (unmapped, mut others): (Vec<Finding>, Vec<Finding>) = findings
        .into_iter()
        .partition(|finding| finding.code == Code::TargetUnmapped);
    // Some are there, and cannot be used: they are told by themselves.
    let has_unusable = others
        .iter()
        .any(|it| it.code.group() == Group::Profiles && it.severity != Severity::Info);
    let (message, hint) = match has_unusable {
        true => (
            "no profile that is at hand can be used",
            "mend what is told of the profiles, and do this again",
        ),
        false => (
            "no profile is at hand: not in the repository, and none is installed",
            "download the profiles that the targets need from Apple's developer site into the repository or into Xcode's \
             directory, and do this again",
        ),
    };
    if let Some(first) = unmapped.into_iter().next() {
        others.push(Finding {
            message: message.to_owned(),
            hint: Some(hint.to_owned()),
            place: Place::default(),
            remedy: None,
            expected: None,
            found: None,
            ..first
        });
    }
    finding::sort(&mut others);
    others
}

/// Each file once, whatever it is called.
fn distinct(files: BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut known = BTreeSet::new();
    let files = files.into_iter();
    files
        .filter(|file| known.insert(project_root::absolute(file)))
        .collect()
}

/// The folder in which policy and manifest lie: the root of the repository, or the working directory without one.
struct Base {
    /// As it is shown, from the working directory; empty if it is that.
    folder_shown: PathBuf,
    /// As it is read.
    folder: PathBuf,
    absolute: PathBuf,
}

impl Base {
    fn of(project: &Path, world: &World) -> Self {
        let here = project_root::absolute(Path::new("."));
        let root_here = project_root::find(&here.join("x"), world.home());
        let absolute = match project_root::absolute(project).starts_with(&root_here) {
            true => root_here,
            false => project_root::find(project, world.home()),
        };
        let folder_shown = match (here.strip_prefix(&absolute), absolute.strip_prefix(&here)) {
            (Ok(below), _) => below.components().map(|_| "..").collect(),
            (_, Ok(below)) => below.to_owned(),
            _ => absolute.clone(),
        };
        Self {
            folder: match folder_shown.as_os_str().is_empty() {
                true => PathBuf::from("."),
                false => folder_shown.clone(),
            },
            folder_shown,
            absolute,
        }
    }

    /// A path below the folder, from the working directory.
    fn shown(&self, below: &Path) -> PathBuf {
        self.folder_shown.join(below)
    }

    /// A path from the working directory, below the folder; as it is if it is not.
    fn below(&self, path: &Path) -> PathBuf {
        let absolute = project_root::absolute(path);
        let below = absolute.strip_prefix(&self.absolute);
        below.map_or_else(|_| path.to_owned(), Path::to_owned)
    }

    /// Where a file lies that somebody named, or that is at hand, or else where it will lie.
    fn place(&self, named: Option<&Path>, name: &str, world: &World) -> Result<PathBuf, Error> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let found = nearest::find(Path::new("."), Path::new(name), world.home());
        let found = found.map_err(|foreign| super::world::foreign_file(&foreign, None))?;
        Ok(found.unwrap_or_else(|| self.shown(Path::new(name))))
    }

    /// The directories of the pinned profiles as the policy names them; none if all lie where Xcode keeps them.
    fn directories(
        &self,
        files: &[(ProfileUuid, PathBuf)],
        used: &BTreeSet<&ProfileUuid>,
        world: &World,
    ) -> Vec<String> {
        let xcodes = directories::xcode_profiles(world.home().unwrap_or(Path::new("/")));
        let is_xcodes = |file: &Path| xcodes.iter().any(|xcodes| file.starts_with(xcodes));
        let mut needed = BTreeSet::new();
        for uuid in used {
            let mut of_it = files.iter().filter(|(of, _)| of == *uuid);
            if of_it.clone().any(|(_, file)| is_xcodes(file)) {
                continue;
            }
            if let Some(folder) = of_it.next().and_then(|(_, file)| file.parent()) {
                let absolute = project_root::absolute(folder);
                needed.insert(match absolute.strip_prefix(&self.absolute) {
                    // The policy lies in a folder of its own.
                    Ok(below) => Path::new("..").join(below).display().to_string(),
                    Err(_) => absolute.display().to_string(),
                });
            }
        }
        let is_mixed = used.iter().any(|uuid| {
            let mut of_it = files.iter().filter(|(of, _)| of == *uuid);
            of_it.any(|(_, file)| is_xcodes(file))
        });
        if is_mixed && !needed.is_empty() {
            needed.extend(xcodes.iter().map(|xcodes| xcodes.display().to_string()));
        }
        needed.into_iter().collect()
    }
}
