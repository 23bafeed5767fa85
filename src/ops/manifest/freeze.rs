//! Freezing: proving profiles and writing the manifest that pins them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::{CertSha1, ProfileUuid, TargetName};
use crate::base::remedy::Remedy;
use crate::context::gate::expiry::Margins;
use crate::context::manifest::freeze::{
    Clash, PinnedProjects, Previous, freeze as freeze_content, ordered,
};
use crate::context::manifest::used::{LeftOut, Rules, Split};
use crate::context::manifest::{self, Content, Manifest, PinnedArchive, PinnedProfile};
use crate::context::plan::{Plan, Request, judge, withheld};
use crate::context::policy::Policy;
use crate::context::products;
use crate::host::files::{self, ReadErrorKind};
use crate::host::observation::{self, projects};
use crate::ops::error::{Error, Failure};
use crate::ops::prove::{self, Pinnable};
use crate::ops::report::{Head, Report};
use crate::ops::rotate::carry_out;
use crate::ops::target_selection::TargetSelection;
use crate::ops::targets::ShownArchive;
use crate::ops::world::World;

/// What is frozen.
#[derive(Debug, Clone, Default)]
pub struct FreezeRequest {
    /// Profiles, or directories of them; none: the installed ones.
    pub paths: Vec<PathBuf>,
    /// The file to write; none: where the manifest lies.
    pub output: Option<PathBuf>,
    /// The projects whose targets are pinned too; none: the targets of the manifest before stay.
    pub targets: TargetSelection,
    /// Targets that need a profile and may be without one: they are not pinned, and do not block.
    pub allow_unmapped: Vec<TargetName>,
    /// Also profiles that nothing is signed with are pinned. Where no project is frozen, they are in any case.
    pub all: bool,
    /// Also profiles that have expired are pinned.
    pub allow_expired: bool,
}

/// The `countersign.freeze.v1` document: what `manifest freeze` wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FreezeDocument {
    /// Always `countersign.freeze.v1`.
    #[schemars(extend("const" = "countersign.freeze.v1"))]
    pub schema: &'static str,
    /// The manifest as it is now; null if findings block, and then the file is unchanged.
    pub manifest: Option<FrozenManifest>,
    /// What of the projects was judged and pinned; absent if no project was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ShownArchive>,
    /// The Xcode project or workspace, where nobody named one and it was found; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_project: Option<String>,
    /// The profiles at hand that are not pinned, each with the reason; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// The findings about the profiles and targets.
    pub findings: Vec<Finding>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
    /// A file could not even be read: an error rather than a verdict. It is not part of the document.
    #[serde(skip)]
    pub has_unread: bool,
}

impl Report for FreezeDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

/// A manifest that was frozen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FrozenManifest {
    /// The file, as the command line or the default names it.
    pub file: String,
    /// SHA-256 of the file's bytes: `sha256:` and 64 hex digits.
    pub digest: Digest,
    /// Its revision: from 1, one more for each change.
    pub revision: u64,
    /// Whether the file was written; if not, it already held exactly this.
    pub changed: bool,
    /// How many profiles it pins.
    pub profiles: usize,
    /// How many targets it pins.
    pub targets: usize,
    /// How many products without an Xcode project it pins.
    pub products: usize,
}

/// Proves profiles and writes the manifest that pins them; nothing is written if a finding blocks.
///
/// # Errors
/// The policy cannot be used, a project or the manifest before cannot be read, or the manifest cannot be written.
pub fn freeze(request: &FreezeRequest, world: &World) -> Result<FreezeDocument, Failure> {
    let output = request.output.as_deref().unwrap_or(world.manifest_path());
    // What a killed command began with this manifest is finished first: afterwards it could not be.
    let finished = match output == world.manifest_path() {
        true => carry_out::finish_where_known(world)?,
        false => None,
    };
    let previous = previous(output)?;
    let (policy, verifier) = prove::verifier(world)?;
    // Whoever says which targets are meant means those of a project; who says nothing of them freezes profiles.
    let is_found = request.targets.projects.is_empty() && request.targets.selects_something();
    let targets = match is_found {
        true => Cow::Owned(request.targets.of_project_at_hand(world)?),
        false => Cow::Borrowed(&request.targets),
    };
    let has_projects = !targets.projects.is_empty();
    // Where a project is frozen, what its targets need and nobody has is told of each of them; some need no profile.
    let files = match request.paths.is_empty() && has_projects {
        true => world.profile_files(&policy)?,
        false => prove::named_or_installed(&request.paths, &policy, world)?,
    };
    let state = Previous::states(previous.as_ref());
    let mut pinnable = prove::pinnable(&files, &verifier, world, state);
    if has_projects || request.all {
        pinnable.skip_faults_besides(&request.paths);
    }
    let mut prepared = prepare(
        request,
        &targets,
        pinnable,
        previous.as_ref(),
        &policy,
        world,
    )?;
    prepared.findings.extend(finished.map(|step| {
        Finding::warn(
            Code::RotationUnfinished,
            format!(
                "the step {} of a rotation was not finished, and is finished first",
                step.kind.as_str()
            ),
        )
        .hint("look at how far the rotation is")
    }));
    let manifest = match prepared.content {
        None => None,
        Some(content) => Some(write(content, output)?),
    };
    Ok(FreezeDocument {
        schema: "countersign.freeze.v1",
        manifest,
        archive: prepared.archive,
        found_project: match (is_found, targets.projects.first()) {
            (true, Some(found)) => Some(found.display().to_string()),
            _ => None,
        },
        left_out: prepared.left_out,
        findings: prepared.findings,
        head: Head::default(),
        has_unread: prepared.has_unread,
    })
}

/// What freezing comes to, before anything is written.
pub(in crate::ops) struct Prepared {
    /// What the manifest would hold; `None` if findings block.
    pub(in crate::ops) content: Option<Content>,
    /// What of the projects was judged, where there are any.
    pub(in crate::ops) archive: Option<ShownArchive>,
    /// The profiles that are not pinned.
    pub(in crate::ops) left_out: Vec<LeftOut>,
    /// What is not right.
    pub(in crate::ops) findings: Vec<Finding>,
    /// A file could not even be read.
    pub(in crate::ops) has_unread: bool,
}

/// Decides what is pinned of the profiles at hand for the targets of these projects. Writes nothing.
///
/// # Errors
/// A project or a file of identities cannot be read.
pub(in crate::ops) fn prepare(
    request: &FreezeRequest,
    targets: &TargetSelection,
    pinnable: Pinnable,
    previous: Option<&Previous>,
    policy: &Policy,
    world: &World,
) -> Result<Prepared, Failure> {
    let Pinnable {
        profiles,
        mut findings,
        has_unread,
        ..
    } = pinnable;
    let profiles = ordered(profiles).unwrap_or_else(|clashes| {
        findings.extend(clashes.iter().map(Clash::finding));
        Vec::new()
    });
    let freezing = Freezing {
        request,
        targets,
        profiles: &profiles,
        policy,
        identities: targets.usable_identities(None, world)?,
        scheme_before: previous.and_then(Previous::scheme),
        world,
    };
    let pinned = freezing.projects(&mut findings)?;
    let products = freezing.products();
    findings.extend(products.findings);
    let (projects, archive, lost) = match pinned {
        Some(Pinned {
            projects,
            archive,
            lost,
        }) => (Some(projects), Some(archive), lost),
        None => (None, None, BTreeMap::new()),
    };
    let of_targets = projects.iter().flat_map(|projects| &projects.targets);
    let of_targets = of_targets.map(|target| target.profile.clone());
    let of_products = products.planned.iter();
    let of_products = of_products.map(|product| product.profile.clone());
    let rules = Rules {
        used: of_targets.chain(of_products).collect(),
        // Without a project nothing tells which are used.
        keeps_unused: request.all || projects.is_none(),
        keeps_expired: request.allow_expired,
        lost,
        now: world.now,
    };
    findings.extend(shared_names(&profiles, &rules));
    let Split {
        kept: profiles,
        left_out,
        findings: of_split,
    } = rules.split(profiles);
    findings.extend(of_split);
    findings.extend(lifetimes(&profiles, policy, world.now));
    if let (None, Some(previous)) = (&projects, previous) {
        findings.extend(previous.orphans(&profiles));
    }
    finding::sort(&mut findings);
    let content = (!finding::any_blocks(&findings))
        .then(|| freeze_content(profiles, projects, products.planned, previous));
    Ok(Prepared {
        content,
        archive,
        left_out,
        findings,
        has_unread,
    })
}

/// What of the projects is pinned, and with what.
struct Pinned {
    projects: PinnedProjects,
    archive: ShownArchive,
    /// Why profiles that fit a target are not planned for it.
    lost: BTreeMap<ProfileUuid, String>,
}

/// What is frozen, and with what.
struct Freezing<'a> {
    request: &'a FreezeRequest,
    /// The projects whose targets are pinned.
    targets: &'a TargetSelection,
    profiles: &'a [PinnedProfile],
    policy: &'a Policy,
    /// The certificates whose private keys are at hand, where somebody looked.
    identities: Option<HashSet<CertSha1>>,
    /// The scheme that the manifest before was frozen for.
    scheme_before: Option<&'a str>,
    world: &'a World,
}

impl Freezing<'_> {
    /// The targets of the projects that were named, with what signs them; `None` if none was named. A target that needs a
    /// profile and has none blocks: a manifest that leaves it out would let it through later.
    fn projects(&self, findings: &mut Vec<Finding>) -> Result<Option<Pinned>, Failure> {
        let selection = self.targets;
        if selection.projects.is_empty() {
            return Ok(None);
        }
        let observed = projects::read(&selection.request(self.world)?, None)?;
        // Whoever names no scheme is told where another one is taken than before.
        let before = self.scheme_before.filter(|_| selection.scheme.is_none());
        let let_be = PinnedArchive {
            scheme: before.map(str::to_owned),
            configurations: Vec::new(),
            unmapped: self.request.allow_unmapped.clone(),
        };
        let plannable = Request {
            targets: &observed.targets,
            profiles: self.profiles,
            pinned: &[],
            frozen_for: Some(&let_be),
            overrides: &self.policy.targets,
            kind: selection.kind,
            targets_were_named: !selection.targets.is_empty(),
            identities: self.identities.as_ref(),
            now: self.world.now,
            scheme: observed.archive.scheme.as_ref(),
            products: &observed.archive.products,
            sources: &*observed.sources,
        };
        let judgement = judge(&plannable, &observed.looked_at(), &observed.findings);
        findings.extend(judgement.findings.iter().cloned());
        findings.extend(withheld(&observed.targets));
        finding::distinct(findings);
        let archive = &observed.archive;
        let scheme = archive.scheme.as_ref();
        let is_unmapped = |name: &TargetName| {
            let mut findings = judgement.findings.iter();
            findings.any(|it| {
                it.code == Code::TargetUnmapped && it.place.target.as_deref() == Some(name.as_str())
            })
        };
        let unmapped = self.request.allow_unmapped.iter();
        let projects = PinnedProjects {
            archive: PinnedArchive {
                scheme: scheme.map(|scheme| scheme.name.to_string()),
                configurations: archive.configurations.clone(),
                unmapped: unmapped.filter(|name| is_unmapped(name)).cloned().collect(),
            },
            targets: judgement.plan.pinned_targets(),
        };
        Ok(Some(Pinned {
            projects,
            archive: ShownArchive::of(archive),
            lost: lost(&judgement.plan),
        }))
    }

    /// The products that the policy declares, with what signs them.
    fn products(&self) -> products::Judgement {
        products::judge(&products::Request {
            products: &observation::products::read(&self.policy.products, None),
            policy: self.policy,
            profiles: self.profiles,
            pinned: None,
            identities: self.identities.as_ref(),
            now: self.world.now,
        })
    }
}

/// What has expired or soon will of what is pinned. It warns: a manifest may hold it, but the gate lets nobody sign with it.
fn lifetimes(profiles: &[PinnedProfile], policy: &Policy, now: Timestamp) -> Vec<Finding> {
    let margins = Margins::of(policy);
    let codes = (Code::ProfileExpired, Code::ProfileExpiresSoon);
    let near = profiles.iter().filter_map(|profile| {
        let message = |state: &str| format!("profile {} is pinned, but {state}", profile.title());
        let finding = margins.finding(codes, profile.expires, now, message)?;
        Some(Finding {
            severity: Severity::Warn,
            ..finding
                .of_profile(&profile.uuid)
                .hint("renew it at Apple's developer site, and leave the old file out")
        })
    });
    near.collect()
}

/// Why profiles that fit a judged target are not planned for it: the first reason of each.
fn lost(plan: &Plan<'_>) -> BTreeMap<ProfileUuid, String> {
    let mut lost = BTreeMap::new();
    for row in plan.rows.iter().filter(|row| row.is_judged) {
        for discarded in &row.discarded {
            let why = || format!("not for {}: {}", row.target.target, discarded.why);
            lost.entry(discarded.profile.uuid.clone())
                .or_insert_with(why);
        }
    }
    lost
}

/// Profiles that share a name with one that is pinned: a project that asks for one by name gets whichever Xcode finds.
fn shared_names(profiles: &[PinnedProfile], rules: &Rules) -> Vec<Finding> {
    let mut by_name: BTreeMap<&str, Vec<&PinnedProfile>> = BTreeMap::new();
    for profile in profiles {
        by_name.entry(&profile.name).or_default().push(profile);
    }
    let shared = by_name.into_iter().filter(|(_, of)| of.len() > 1);
    shared
        .filter_map(|(name, of)| {
            let pinned = of.iter().filter(|profile| rules.keeps(profile)).count();
            let message = match (pinned, of.len()) {
                (0, _) => return None,
                (pinned, all) if pinned == all => {
                    format!("{all} pinned profiles have the name {name:?}")
                }
                (pinned, all) => {
                    format!("{all} profiles have the name {name:?}, and {pinned} of them is pinned")
                }
            };
            let uuids: Vec<String> = of.iter().map(|profile| profile.uuid.to_string()).collect();
            let finding = Finding::warn(Code::ProfileShadowed, message);
            let finding = finding.values("one profile of this name", uuids.join(", "));
            Some(finding.hint("remove the old file, or have targets ask for their profile by UUID"))
        })
        .collect()
}

/// What the manifest at `output` hands on, if there is one.
pub(in crate::ops) fn previous(output: &Path) -> Result<Option<Previous>, Error> {
    let bytes = match files::read_bounded(output, manifest::MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind, ReadErrorKind::Missing) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let previous = Previous::from_bytes(&bytes).map_err(|error| {
        // Reading all of it says precisely what is wrong; what is no manifest of ours is not overwritten.
        let reason = match Manifest::parse(&bytes) {
            Err(error) => error.to_string(),
            Ok(_) => error.to_string(),
        };
        let message = format!("{}: {reason}; the file is unchanged", output.display());
        Error::new(ErrorCode::FileMalformed, message)
            .hint("move the file away, or write to another file")
            .remedy(Remedy::NameOutput)
            .in_file(output)
    })?;
    Ok(Some(previous))
}

/// Writes the manifest, unless the file holds just this already.
fn write(mut content: Content, output: &Path) -> Result<FrozenManifest, Error> {
    let changed = !is_unchanged(&mut content, output);
    let bytes = content.to_bytes();
    if changed {
        files::create_directories(files::directory_of(output))?;
        crate::ops::output::write(output, &bytes)?;
    }
    Ok(FrozenManifest {
        file: output.display().to_string(),
        digest: Digest::of(&bytes),
        revision: content.revision,
        changed,
        profiles: content.profiles.len(),
        targets: content.targets.len(),
        products: content.products.len(),
    })
}

/// Whether the file already holds this content, of its own revision; if so `content` is put back to that revision.
pub(in crate::ops) fn is_unchanged(content: &mut Content, output: &Path) -> bool {
    if content.revision <= 1 {
        return false;
    }
    content.revision -= 1;
    let same = files::read_bounded(output, manifest::MAX_BYTES)
        .is_ok_and(|bytes| content.equals_bytes(&bytes));
    if !same {
        content.revision += 1;
    }
    same
}
