//! Freezing: proving profiles and writing the manifest that pins them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::TargetName;
use crate::base::remedy::Remedy;
use crate::context::gate::expiry::Margins;
use crate::context::manifest::freeze::{Clash, Previous, freeze as freeze_content, ordered};
use crate::context::manifest::{
    self, Content, Manifest, PinnedProfile, PinnedTarget, ProfileState,
};
use crate::context::plan::{Request, judge, withheld};
use crate::context::policy::Policy;
use crate::host::files::{self, FileMode, ReadErrorKind};
use crate::host::observation::projects;
use crate::ops::error::{Error, Failure};
use crate::ops::prove::{self, Pinnable};
use crate::ops::report::Report;
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
    /// The findings about the profiles and targets.
    pub findings: Vec<Finding>,
    /// A file could not even be read: an error rather than a verdict. It is not part of the document.
    #[serde(skip)]
    pub has_unread: bool,
}

impl Report for FreezeDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
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
}

/// Proves profiles and writes the manifest that pins them; nothing is written if a finding blocks.
///
/// # Errors
/// The policy cannot be used, a project or the manifest before cannot be read, or the manifest cannot be written.
pub fn freeze(request: &FreezeRequest, world: &World) -> Result<FreezeDocument, Failure> {
    let output = request.output.as_deref().unwrap_or(world.manifest_path());
    let previous = previous(output)?;
    let (policy, verifier) = prove::verifier(world)?;
    let files = prove::named_or_installed(&request.paths, &policy, world)?;
    let state = |uuid: &_| {
        let previous = previous.as_ref();
        previous.map_or(ProfileState::Active, |previous| previous.state(uuid))
    };
    let Pinnable {
        profiles,
        mut findings,
        has_unread,
    } = prove::pinnable(&files, &verifier, world, state);
    let profiles = ordered(profiles).unwrap_or_else(|clashes| {
        findings.extend(clashes.iter().map(Clash::finding));
        Vec::new()
    });
    findings.extend(lifetimes(&profiles, &policy, world.now));
    findings.extend(shared_names(&profiles));
    let pinned = pinned_targets(request, &profiles, &policy, world, &mut findings)?;
    let (targets, archive) = pinned.unzip();
    if let (None, Some(previous)) = (&targets, &previous) {
        findings.extend(previous.orphans(&profiles));
    }
    finding::sort(&mut findings);
    let manifest = match finding::any_blocks(&findings) {
        true => None,
        false => {
            let content = freeze_content(profiles, targets, previous.as_ref());
            Some(write(content, output)?)
        }
    };
    Ok(FreezeDocument {
        schema: "countersign.freeze.v1",
        manifest,
        archive,
        findings,
        has_unread,
    })
}

/// The targets of the projects that were named, with what signs them; `None` if none was named. A target that needs a
/// profile and has none blocks: a manifest that leaves it out would let it through later.
fn pinned_targets(
    request: &FreezeRequest,
    profiles: &[PinnedProfile],
    policy: &Policy,
    world: &World,
    findings: &mut Vec<Finding>,
) -> Result<Option<(Vec<PinnedTarget>, ShownArchive)>, Error> {
    let selection = &request.targets;
    if selection.projects.is_empty() {
        return Ok(None);
    }
    let observed = projects::read(&selection.request(world)?, None)?;
    let identities = selection.usable_identities(None, world)?;
    let plannable = Request {
        targets: &observed.targets,
        profiles,
        pinned: &[],
        overrides: &policy.targets,
        kind: selection.kind,
        targets_were_named: !selection.targets.is_empty(),
        identities: identities.as_ref(),
        now: world.now,
        scheme: observed.archive.scheme.as_ref(),
        products: &observed.archive.products,
        sources: &*observed.sources,
    };
    let mut judgement = judge(&plannable, &observed.looked_at(), &observed.findings);
    for finding in &mut judgement.findings {
        let target = finding.place.target.as_deref();
        let is_allowed = request
            .allow_unmapped
            .iter()
            .any(|name| Some(name.as_str()) == target);
        if finding.code == Code::TargetUnmapped && is_allowed {
            finding.severity = finding.severity.max(Severity::Warn);
        }
    }
    findings.extend(judgement.findings);
    findings.extend(withheld(&observed.targets));
    finding::distinct(findings);
    let archive = ShownArchive::of(&observed.archive);
    Ok(Some((judgement.plan.pinned_targets(), archive)))
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

/// Profiles that share a name: a project that asks for one by name gets whichever Xcode finds.
fn shared_names(profiles: &[PinnedProfile]) -> Vec<Finding> {
    let mut by_name: BTreeMap<&str, Vec<&PinnedProfile>> = BTreeMap::new();
    for profile in profiles {
        by_name.entry(&profile.name).or_default().push(profile);
    }
    let shared = by_name.into_iter().filter(|(_, of)| of.len() > 1);
    shared
        .map(|(name, of)| {
            let uuids: Vec<String> = of.iter().map(|profile| profile.uuid.to_string()).collect();
            Finding::warn(
                Code::ProfileShadowed,
                format!("{} pinned profiles have the name {name:?}", of.len()),
            )
            .values("one profile of this name", uuids.join(", "))
            .hint("leave the old file out, or have targets ask for their profile by UUID")
        })
        .collect()
}

/// What the manifest at `output` hands on, if there is one.
fn previous(output: &Path) -> Result<Option<Previous>, Error> {
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
        files::replace_atomically(output, &bytes, FileMode::Keep)?;
    }
    Ok(FrozenManifest {
        file: output.display().to_string(),
        digest: Digest::of(&bytes),
        revision: content.revision,
        changed,
        profiles: content.profiles.len(),
        targets: content.targets.len(),
    })
}

/// Whether the file already holds this content, of its own revision; if so `content` is put back to that revision.
fn is_unchanged(content: &mut Content, output: &Path) -> bool {
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
