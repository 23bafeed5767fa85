//! Freezing: proving profiles and writing the manifest that pins them.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Finding};
use crate::base::remedy::Remedy;
use crate::context::gate::facts::ObservedTargets;
use crate::context::manifest::freeze::{Clash, Previous, freeze as freeze_content, ordered};
use crate::context::manifest::{
    self, Content, Manifest, PinnedProfile, PinnedTarget, ProfileState,
};
use crate::context::plan::{Request, plan, withheld};
use crate::context::policy::Policy;
use crate::host::files::{self, FileMode, ReadErrorKind};
use crate::ops::error::{Error, Failure};
use crate::ops::prove::{self, Pinnable};
use crate::ops::report::Report;
use crate::ops::target_selection::{self, TargetSelection};
use crate::ops::world::World;

/// What is archived unless somebody says otherwise.
const DEFAULT_CONFIGURATION: &str = "Release";

/// What is frozen.
#[derive(Debug, Clone, Default)]
pub struct FreezeRequest {
    /// Profiles, or directories of them; none: the installed ones.
    pub paths: Vec<PathBuf>,
    /// The file to write; none: where the manifest lies.
    pub output: Option<PathBuf>,
    /// The projects whose targets are pinned too; none: the targets of the manifest before stay.
    pub targets: TargetSelection,
}

/// The `countersign.freeze.v1` document: what `manifest freeze` wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FreezeDocument {
    /// Always `countersign.freeze.v1`.
    #[schemars(extend("const" = "countersign.freeze.v1"))]
    pub schema: &'static str,
    /// The manifest as it is now; null if findings block, and then the file is unchanged.
    pub manifest: Option<FrozenManifest>,
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
    let targets = pinned_targets(&request.targets, &profiles, &policy, world, &mut findings)?;
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
        findings,
        has_unread,
    })
}

/// The targets of the projects that were named, with what signs them; `None` if none was named. A target that needs a
/// profile and has none blocks: a manifest that leaves it out would let it through later.
fn pinned_targets(
    selection: &TargetSelection,
    profiles: &[PinnedProfile],
    policy: &Policy,
    world: &World,
    findings: &mut Vec<Finding>,
) -> Result<Option<Vec<PinnedTarget>>, Error> {
    if selection.projects.is_empty() {
        return Ok(None);
    }
    let mut selection = selection.clone();
    if selection.configurations.is_empty() {
        let release = DEFAULT_CONFIGURATION.parse().map_err(Error::unexpected)?;
        selection.configurations = vec![release];
    }
    let ObservedTargets {
        targets,
        findings: of_projects,
        sources,
        ..
    } = target_selection::read(&selection, world)?;
    let plan = plan(&Request {
        targets: &targets,
        profiles,
        pinned: &[],
        overrides: &policy.targets,
        kind: selection.kind,
        targets_were_named: !selection.targets.is_empty(),
        must_be_mapped: false,
        sources: &*sources,
    });
    findings.extend(of_projects);
    findings.extend(plan.findings.iter().cloned());
    findings.extend(withheld(&targets));
    finding::distinct(findings);
    Ok(Some(plan.pinned_targets()))
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
