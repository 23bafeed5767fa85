//! Removing installed profiles.
//!
//! A profile that the manifest pins always stays. Without a manifest, only what has expired is removed: what is not pinned is
//! not known. Each file that is removed stands in the audit log before.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::ErrorCode;
use crate::base::event::{Action, Event};
use crate::base::finding::Finding;
use crate::base::ids::{FileSha256, ProfileUuid};
use crate::base::remedy::Remedy;
use crate::context::gate::facts::InstalledContent;
use crate::host::files;
use crate::host::profile_store::{self, PruneReason, PruneRules, Pruning};
use crate::ledger::audit::AuditLog;
use crate::ops::audit_log;
use crate::ops::error::{Error, Failure};
use crate::ops::report::Report;
use crate::ops::world::World;

/// Which files are removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct PruneRequest {
    /// Which may be.
    pub rules: PruneRules,
    /// Only say which they are.
    pub dry_run: bool,
}

/// The `countersign.profile-prune.v1` document: what `profile prune` did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PruneDocument {
    /// Always `countersign.profile-prune.v1`.
    #[schemars(extend("const" = "countersign.profile-prune.v1"))]
    pub schema: &'static str,
    /// The removed profiles; with `--dry-run` those that would be removed.
    pub files: Vec<PrunedFile>,
    /// Always empty: a file that cannot be read stays, without a finding.
    pub findings: Vec<Finding>,
}

impl Report for PruneDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// A removed profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PrunedFile {
    /// The file's path; with `--dry-run` the file is still there.
    pub file: String,
    /// Whether it was removed, and why.
    #[schemars(extend("enum" = [
        "removed: expired",
        "removed: not pinned",
        "would be removed: expired",
        "would be removed: not pinned",
    ]))]
    pub outcome: &'static str,
}

/// Removes installed profiles.
///
/// # Errors
/// Nobody chose which; the policy cannot be used, or there is none and nobody named the directories; there is no manifest to tell what is not pinned, a directory cannot be listed, a file cannot be removed, or what is
/// going to be done cannot be recorded.
pub fn prune(request: &PruneRequest, world: &World) -> Result<PruneDocument, Failure> {
    if !request.rules.expired && !request.rules.unpinned {
        let message = "nothing says which installed profiles are removed";
        return Err(Error::new(ErrorCode::Usage, message)
            .hint("choose those that have expired, those that the manifest does not pin, or both")
            .remedy(Remedy::ChoosePrunedProfiles)
            .into());
    }
    let is_named = request.dry_run || !world.places.profiles.is_empty();
    let what = "the directories of profiles";
    let policy = world.policy_for_deleting(is_named, what, Remedy::NameProfileDirectory)?;
    let manifest = match world.manifest_if_any()? {
        // What has expired signs nothing, pinned or not.
        None if request.rules.unpinned => return Err(no_manifest(world).into()),
        manifest => manifest,
    };
    let pinned_uuids: BTreeSet<ProfileUuid> = manifest
        .iter()
        .flat_map(|manifest| manifest.profiles())
        .map(|profile| profile.uuid.clone())
        .collect();
    let is_pinned = |sha256: &FileSha256| {
        let manifest = manifest.as_ref();
        manifest.is_some_and(|manifest| manifest.has_bytes(sha256))
    };
    let mut log: Option<AuditLog> = None;
    let mut pruned = Vec::new();
    for file in profile_store::observe(world.installed_files(&policy)?, None) {
        let pruning =
            profile_store::pruning(&file, request.rules, is_pinned, &pinned_uuids, world.now);
        let Pruning::Remove(reason) = pruning else {
            continue;
        };
        if !request.dry_run {
            let log = match &mut log {
                Some(log) => log,
                none => none.insert(audit_log::open(world, None)?),
            };
            let event = |reached| {
                let event = Event::new(Action::ProfileRemove, reached)
                    .detail("file", file.path.display())
                    .detail("reason", reason.as_str());
                match &file.content {
                    InstalledContent::Read { sha256, .. } => event.detail("sha256", sha256),
                    InstalledContent::Unreadable { .. } => event,
                }
            };
            audit_log::recorded(log, event, || Ok(files::remove(&file.path)?))?;
        }
        pruned.push(PrunedFile {
            file: file.path.display().to_string(),
            outcome: outcome(reason, request.dry_run),
        });
    }
    Ok(PruneDocument {
        schema: "countersign.profile-prune.v1",
        files: pruned,
        findings: Vec::new(),
    })
}

/// Without a manifest nobody knows what is not pinned.
fn no_manifest(world: &World) -> Error {
    let path = world.manifest_path();
    Error::new(
        ErrorCode::FileMissing,
        format!(
            "{}: there is no manifest, so the pinned profiles are unknown and must stay",
            path.display()
        ),
    )
    .hint("name the manifest")
    .remedy(Remedy::NameManifest)
    .in_file(path)
}

fn outcome(reason: PruneReason, dry_run: bool) -> &'static str {
    match (reason, dry_run) {
        (PruneReason::Expired, true) => "would be removed: expired",
        (PruneReason::Expired, false) => "removed: expired",
        (PruneReason::Unpinned, true) => "would be removed: not pinned",
        (PruneReason::Unpinned, false) => "removed: not pinned",
    }
}
