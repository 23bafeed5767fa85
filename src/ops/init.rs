//! The first steps in a repository: what signs each target, what is missing, and the files that a gate needs.
//!
//! [`survey`] looks and decides, and writes nothing; [`write()`] writes the files of a survey. What people changed is never
//! replaced: what would change it is written beside it, as `FILE.new`, and shown as a difference. A file that is there just as
//! it was written here is replaced. What the gate will say of all this, the gate itself is asked (`rehearsal`).
//!
//! - `base`: the folder in which policy and manifest lie
//! - `ci`: the files for the CI that builds the repository
//! - [`document`]: what is shown
//! - `files`: the files that are written, or would be
//! - `notes`: what is to be done besides
//! - `rehearsal`: what the gate will say
//! - `rows`: one row for each target
//! - [`selected`]: what the workflow asks of the project

mod base;
mod ci;
pub mod document;
mod files;
mod notes;
mod rehearsal;
mod rows;
pub mod selected;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::base::Base;
use self::document::{InitDocument, Purpose};
use self::files::Planned;
use self::notes::Notable;
use self::rehearsal::Rehearsed;
use self::selected::Selected;
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
use crate::context::manifest::freeze::{Previous, ordered};
use crate::context::manifest::{Content, Manifest, used};
use crate::context::policy::{Policy, starter};
use crate::host::ci_system::CiSystem;
use crate::host::folder_walk::{self, MAX_DEPTH};
use crate::host::{default_branch, project_root};

/// What is set up.
#[derive(Debug, Clone, Default)]
pub struct InitRequest {
    /// The project, and what of it is meant; without one the project at hand.
    pub targets: TargetSelection,
    /// The same as options of the gate, for the workflow; the project is not among them, nor are build settings.
    pub selected: Vec<Selected>,
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
    let state = Previous::states(previous.as_ref());
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
    let freezing = FreezeRequest {
        // Whoever froze it said so, and the gate takes it.
        allow_unmapped: previous
            .iter()
            .flat_map(Previous::unmapped)
            .cloned()
            .collect(),
        ..FreezeRequest::default()
    };
    let Prepared {
        content,
        left_out,
        mut findings,
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
    let mut written = Vec::new();
    let policy_path = base.place(world.places.policy.as_deref(), DEFAULT_POLICY, world)?;
    let (policy_below, manifest_below) = (base.below(&policy_path), base.below(&manifest_path));
    let policy_text = starter::text(&base.directories(&profile_files, &used, &policy_path, world));
    let planned_policy = Planned::new(
        Purpose::Policy,
        policy_path.clone(),
        policy_text.clone().into_bytes(),
        |there| std::str::from_utf8(there).is_ok_and(starter::is_untouched),
    )?;
    // By this one everything will be judged.
    let is_generated = planned_policy.takes_its_place();
    let policy = match is_generated {
        true => {
            Policy::parse(&policy_text, &policy_path, world.home()).map_err(Failure::Blocked)?
        }
        false => policy,
    };
    written.push(planned_policy);
    let mut rehearsed = None;
    if let Some(content) = &content {
        let said = rehearsal::rehearse(policy, content, &targets, world)?;
        rehearsal::merge(&mut findings, &said.blocking);
        rehearsed = Some(said);
    }
    let pinned: Vec<ProfileUuid> = {
        let pinned = content.iter().flat_map(|content| &content.profiles);
        pinned.map(|profile| profile.uuid.clone()).collect()
    };
    if let Some(mut content) = content {
        freeze::is_unchanged(&mut content, &manifest_path);
        let bytes = content.to_bytes();
        let is_untouched = |there: &[u8]| pins_alike(there, &content);
        let planned = Planned::new(Purpose::Manifest, manifest_path, bytes, is_untouched)?;
        written.push(planned);
    }
    let project_below = base.below(&project);
    let of_project = base
        .folder
        .join(project_below.parent().unwrap_or(Path::new("")));
    let ci = request.ci;
    let ci = ci.or_else(|| CiSystem::of_repository(&base.folder, &of_project));
    if let Some(ci) = ci {
        let branch = default_branch::of_repository(&base.folder);
        let mut selected = request.selected.clone();
        if is_generated {
            // The generated policy names them.
            selected.retain(|it| !it.names_profiles);
        }
        let selected = selected::words(&selected, &base);
        let named = ci::Named {
            project: &project_below,
            policy: &policy_below,
            manifest: &manifest_below,
            branch: branch.as_deref().unwrap_or("main"),
            selected: &selected,
        };
        for workflow in ci::workflows(ci, &named) {
            let path = base.shown(&workflow.path);
            let text = workflow.text.into_bytes();
            let planned = Planned::new(Purpose::Workflow, path, text, ci::is_untouched)?;
            written.push(match workflow.is_program {
                true => planned.into_program(),
                false => planned,
            });
        }
    }
    let rows = rows::rows(&planned, &judgement, &findings, world);
    let allows_waiver = rehearsed
        .as_ref()
        .is_none_or(|it: &Rehearsed| it.allows_waiver);
    let notable = Notable {
        ci,
        pinned: &pinned,
        files: &profile_files,
        allows_waiver,
        has_settings: !targets.settings.is_empty(),
    };
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
        notes: notable.notes(&base, world),
        findings: told(findings, has_profiles),
        allows_waiver,
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

/// Whether the manifest with these bytes pins what freezing pins by itself, for the archive of `content`: somebody froze it, and
/// chose nothing that would be lost with it.
fn pins_alike(bytes: &[u8], content: &Content) -> bool {
    Manifest::parse(bytes).is_ok_and(|there| {
        used::holds_no_choice(&there) && there.archive() == content.archive.as_ref()
    })
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
