//! `rotate rehearse`: the rotation is walked through the calendar, on copies. Nothing on the disk changes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::probe;
use super::scene::{self, Scene};
use crate::apple::signed_message::Verifier;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::HostName;
use crate::context::gate::facts::ObservedTargets;
use crate::context::manifest::{self, Manifest, PinnedCertificate, ProfileState};
use crate::context::rotation::probe::{NodeProbe, newest};
use crate::context::rotation::rehearsal::{
    self, Branch, FailCause, Moment, Outcome, Rehearsed, RehearsedFault, RehearsedNode,
    RehearsedStep, THIS_CHECKOUT,
};
use crate::context::rotation::succession::{self, Succession};
use crate::context::rotation::{certificates, intermediate};
use crate::host::git::{self, GitError};
use crate::host::observation::projects;
use crate::ops::error::{Error, Failure};
use crate::ops::prove;
use crate::ops::report::{Head, ManifestName, Report};
use crate::ops::target_selection::TargetSelection;
use crate::ops::world::World;

/// What is rehearsed.
#[derive(Debug, Clone, Default)]
pub struct RehearseRequest {
    /// The successors: files, directories of profiles, or match repositories; none: those that are incoming.
    pub successors: Vec<PathBuf>,
    /// The probes of machines.
    pub probes: Vec<PathBuf>,
    /// Manifests of other branches that are still released: what each is called, and its file.
    pub manifests: Vec<(String, PathBuf)>,
    /// Other branches, tags or commits that are still released, read through git.
    pub branches: Vec<String>,
    /// The projects, to tell how Xcode comes to their profiles; none: any way is thought possible.
    pub projects: Vec<PathBuf>,
}

/// The `countersign.rehearsal.v1` document: what the gate says of a rotation at the instants to come, and with faults put in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RehearsalDocument {
    /// Always `countersign.rehearsal.v1`.
    #[schemars(extend("const" = "countersign.rehearsal.v1"))]
    pub schema: &'static str,
    /// The manifest at the start.
    pub manifest: ManifestName,
    /// The instant from which on it is rehearsed (RFC 3339, UTC).
    pub at: Timestamp,
    /// The steps, in their order.
    pub steps: Vec<RehearsedStep>,
    /// The instants, in their order.
    pub calendar: Vec<Moment>,
    /// How many later instants were left out.
    pub instants_left_out: usize,
    /// The machines, this one first.
    pub nodes: Vec<RehearsedNode>,
    /// The branches: this checkout, then the others.
    pub branches: Vec<RehearsedBranch>,
    /// What is not judged, in words.
    pub not_judged: Vec<String>,
    /// What is said of the builds, in the order of instants and branches.
    pub builds: Vec<ShownBuilds>,
    /// What came of each fault.
    pub faults: Vec<RehearsedFault>,
    /// What is not right.
    pub findings: Vec<Finding>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
}

impl RehearsalDocument {
    /// The place of an instant in the calendar.
    pub fn place_of(&self, at: Timestamp) -> Option<usize> {
        self.calendar
            .binary_search_by_key(&at, |moment| moment.at)
            .ok()
    }
}

impl Report for RehearsalDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

/// A branch that is rehearsed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RehearsedBranch {
    /// What it is called.
    pub name: String,
    /// Its manifest at the start.
    pub manifest: ManifestName,
}

/// What is said of the builds of one branch at one instant.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownBuilds {
    /// The instant (RFC 3339, UTC).
    pub at: Timestamp,
    /// The branch.
    pub branch: String,
    /// Machines of which the same is said, together.
    pub groups: Vec<ShownGroup>,
}

/// Machines of which the same is said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownGroup {
    /// What is said, in one word.
    pub outcome: Outcome,
    /// Why the build fails; absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fails: Option<FailCause>,
    /// What the gate blocks it by, each code once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<Code>,
    /// The machines.
    pub hosts: Vec<HostName>,
}

/// Rehearses the rotation of what the manifest pins.
///
/// # Errors
/// The policy, a manifest, a probe, a directory or a project cannot be read, git does not find a branch, or two branches have one name.
pub fn rehearse(request: &RehearseRequest, world: &World) -> Result<RehearsalDocument, Failure> {
    check_names(request)?;
    let scene = Scene::look(world)?;
    let mut findings: Vec<Finding> = scene.changed_since().into_iter().collect();
    let verifier = Verifier::new(world.anchors(&scene.policy)?);
    let pairs = pairs(request, &scene, &verifier, &mut findings, world)?;
    let installed = world.installed_files(&scene.policy)?;
    // What is wrong with an installed file is for the gate to say, not for a rehearsal.
    let known = prove::pinnable(&installed, &verifier, world, |_| ProfileState::Active);
    let others = scene::probes(&request.probes)?;
    let own = own_probe(&scene, &others, world)?;
    let branches = branches(request, &scene, world)?;
    let targets = targets(request, &scene.manifest, world)?;
    let mut retiring = scene.manifest.in_state(ProfileState::Retiring);
    if pairs.is_empty() && retiring.next().is_none() {
        without_rotation(&scene, &mut findings);
    }
    let rehearsed = rehearsal::rehearse(&rehearsal::Request {
        policy: &scene.policy,
        manifest: &scene.manifest,
        pairs: &pairs,
        own: &own,
        others: &others,
        branches: &branches,
        known: &known.profiles,
        targets: targets.as_ref(),
        from: world.now,
    })
    .map_err(Error::from)?;
    findings.extend(without_intermediates(
        &scene.manifest,
        &pairs,
        &others,
        world,
    ));
    let not_judged = not_judged(&rehearsed, &others, targets.is_some());
    Ok(document(
        &scene, &branches, rehearsed, findings, not_judged, world,
    ))
}

/// What replaces what: the successors at hand, and what is incoming already, which is what will be promoted.
fn pairs(
    request: &RehearseRequest,
    scene: &Scene,
    verifier: &Verifier,
    findings: &mut Vec<Finding>,
    world: &World,
) -> Result<Vec<Succession>, Failure> {
    let staged = succession::incoming(&scene.manifest, world.now);
    findings.extend(staged.findings);
    let mut pairs = staged.pairs;
    if !request.successors.is_empty() {
        let files = prove::named_files(&request.successors)?;
        let pinnable = scene::at_hand(&files, &request.successors, verifier, findings, world);
        let found = succession::find(&scene.manifest, &pinnable.profiles, world.now);
        findings.extend(found.findings);
        let is_open = |pair: &Succession| !pairs.iter().any(|it| it.old.uuid == pair.old.uuid);
        let open: Vec<Succession> = found.pairs.into_iter().filter(is_open).collect();
        pairs.extend(open);
        pairs.sort_by(|a, b| a.old.uuid.cmp(&b.old.uuid));
    }
    Ok(pairs)
}

/// What this machine holds; its identities, if one of the probes is of this machine.
fn own_probe(scene: &Scene, probes: &[NodeProbe], world: &World) -> Result<NodeProbe, Failure> {
    let mut own = probe::looked_at(&scene.policy, world)?;
    let of_own = probes.iter().filter(|it| it.host.same_as(&own.host));
    let newest = of_own.max_by_key(|it| it.time);
    own.identities = newest.and_then(|it| it.identities.clone());
    Ok(own)
}

/// Refuses a name that two branches would have: what is said of one could not be told from what is said of the other.
fn check_names(request: &RehearseRequest) -> Result<(), Error> {
    let named = request.manifests.iter().map(|(name, _)| name);
    let mut known = BTreeSet::from([THIS_CHECKOUT]);
    for name in named.chain(&request.branches) {
        if !known.insert(name) {
            let (message, hint) = match name == THIS_CHECKOUT {
                true => (
                    format!("{name:?} is the name of the branch that the rotation changes"),
                    "give the other branch another name",
                ),
                false => (
                    format!("two branches are called {name:?}"),
                    "name each branch once, and give each manifest a name of its own",
                ),
            };
            return Err(Error::new(ErrorCode::Usage, message).hint(hint));
        }
    }
    Ok(())
}

fn branches(request: &RehearseRequest, scene: &Scene, world: &World) -> Result<Vec<Branch>, Error> {
    let mut branches = Vec::new();
    for (name, file) in &request.manifests {
        branches.push(Branch {
            name: name.clone(),
            manifest: world.manifest_at(file)?.0,
        });
    }
    for reference in &request.branches {
        let variable = |name: &str| world.variable(name);
        let bytes = git::file_of(reference, &scene.file, manifest::MAX_BYTES, variable);
        let bytes = bytes.map_err(|error| of_git(error, reference))?;
        let manifest = Manifest::parse(&bytes).map_err(|error| {
            Error::from(error).preceded_by(&format!("the manifest of {reference}"))
        })?;
        branches.push(Branch {
            name: reference.clone(),
            manifest,
        });
    }
    Ok(branches)
}

fn of_git(error: GitError, reference: &str) -> Error {
    let hint = match &error {
        GitError::NoGit => "install git, or name the branch's manifest as NAME=FILE".to_owned(),
        GitError::NoName(_) => "name a branch, as in release/4.2".to_owned(),
        GitError::NotFound { .. } => format!(
            "fetch {reference} in the repository of the manifest, or name its manifest as NAME=FILE"
        ),
        GitError::Process(_) => {
            "run git there by hand, or name the branch's manifest as NAME=FILE".to_owned()
        }
    };
    Error::new(ErrorCode::FileUnreadable, error.to_string()).hint(hint)
}

fn targets(
    request: &RehearseRequest,
    manifest: &Manifest,
    world: &World,
) -> Result<Option<ObservedTargets>, Failure> {
    if request.projects.is_empty() {
        return Ok(None);
    }
    let selection = TargetSelection {
        projects: request.projects.clone(),
        ..TargetSelection::default()
    };
    Ok(Some(projects::read(
        &selection.request(world)?,
        Some(manifest),
    )?))
}

/// There is nothing to rehearse: because a step is not finished, because what is at hand was refused, or because nothing is at hand.
fn without_rotation(scene: &Scene, findings: &mut Vec<Finding>) {
    let is_unfinished = scene.steps.last().is_some_and(|step| !step.is_done);
    let mut told = findings.iter_mut();
    if let Some(told) = told.find(|it| is_unfinished && it.code == Code::RotationUnfinished) {
        told.severity = Severity::Block;
    } else if !finding::any_blocks(findings) {
        findings.push(nothing());
    }
}

fn nothing() -> Finding {
    Finding::block(
        Code::SuccessorMissing,
        "nothing is incoming or retiring, and no successor is at hand: there is no rotation to rehearse",
    )
    .values("a newer profile for one that the manifest pins", "none")
    .hint("make the profiles again at Apple's developer site, and name the new files as successors")
}

/// Machines that lack the intermediate of a certificate that signs. Where only the old one needs it, the rotation mends that.
fn without_intermediates(
    manifest: &Manifest,
    pairs: &[Succession],
    probes: &[NodeProbe],
    world: &World,
) -> Vec<Finding> {
    let next = certificates::signing_next(manifest, pairs, world.now);
    let is_old = |it: &&PinnedCertificate| !next.iter().any(|next| next.issuer == it.issuer);
    let old: Vec<&PinnedCertificate> = certificates::signing(manifest)
        .into_iter()
        .filter(is_old)
        .collect();
    let mut findings = intermediate::lacking(probes, next, Severity::Block, world.now);
    findings.extend(intermediate::lacking(
        probes,
        old,
        Severity::Warn,
        world.now,
    ));
    findings
}

/// What a rehearsal cannot know, in words.
fn not_judged(rehearsed: &Rehearsed, probes: &[NodeProbe], knows_projects: bool) -> Vec<String> {
    let mut words = vec![
        match knows_projects {
            true => "whether the project will ask for what the manifest of each step pins".to_owned(),
            false => "the targets of projects: no project is named, so any way to choose a profile is thought possible".to_owned(),
        },
        "the hour of a build: each instant stands for its day".to_owned(),
        "whether the policy lets anybody waive these".to_owned(),
    ];
    let machines = |count: usize| match count {
        1 => "1 machine".to_owned(),
        count => format!("{count} machines"),
    };
    let nodes = &rehearsed.nodes;
    let unknown = nodes.iter().filter(|it| !it.identities_known).count();
    if unknown > 0 {
        let machines = machines(unknown);
        words.push(format!(
            "the identities of {machines}, of which no probe names any"
        ));
    }
    let probes = newest(probes);
    let shows = |host: &HostName| {
        let mut probes = probes.iter().filter(|probe| probe.host.same_as(host));
        probes.any(|probe| probe.intermediates.is_some())
    };
    let unknown = nodes.iter().filter(|it| !shows(&it.host)).count();
    if unknown > 0 {
        let machines = machines(unknown);
        words.push(format!(
            "the intermediates of {machines}, of which no probe names any"
        ));
    }
    let files: usize = rehearsed.nodes.iter().map(|it| it.unknown_files).sum();
    if files > 0 {
        words.push(format!(
            "{files} installed files of other machines, whose profiles nobody here knows"
        ));
    }
    words
}

fn document(
    scene: &Scene,
    branches: &[Branch],
    rehearsed: Rehearsed,
    mut findings: Vec<Finding>,
    not_judged: Vec<String>,
    world: &World,
) -> RehearsalDocument {
    findings.extend(rehearsed.findings);
    let manifests = std::iter::once(&scene.manifest);
    let manifests = manifests.chain(branches.iter().map(|branch| &branch.manifest));
    let names = rehearsed.branches;
    let builds = rehearsed.builds.into_iter().filter_map(|builds| {
        let groups = builds.groups.into_iter().map(|group| ShownGroup {
            outcome: group.said.outcome,
            fails: group.said.fails,
            blocked_by: group.said.blocked_by,
            hosts: group
                .nodes
                .iter()
                .filter_map(|place| Some(rehearsed.nodes.get(*place)?.host.clone()))
                .collect(),
        });
        Some(ShownBuilds {
            at: rehearsed.calendar.get(builds.moment)?.at,
            branch: names.get(builds.branch)?.clone(),
            groups: groups.collect(),
        })
    });
    let builds = builds.collect();
    RehearsalDocument {
        schema: "countersign.rehearsal.v1",
        manifest: (&scene.manifest).into(),
        at: world.now,
        steps: rehearsed.steps,
        instants_left_out: rehearsed.left_out,
        builds,
        branches: names
            .into_iter()
            .zip(manifests)
            .map(|(name, manifest)| RehearsedBranch {
                name,
                manifest: manifest.into(),
            })
            .collect(),
        calendar: rehearsed.calendar,
        nodes: rehearsed.nodes,
        not_judged,
        faults: rehearsed.faults,
        findings,
        head: Head::default(),
    }
}
