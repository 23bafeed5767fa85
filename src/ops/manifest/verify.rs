//! The manifest against the profiles that it pins.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::finding::{self, Finding};
use crate::context::manifest::{ProfileState, verify as judge};
use crate::ops::error::Failure;
use crate::ops::prove::{self, Pinnable};
use crate::ops::report::{Head, ManifestName, Report, VerdictWord};
use crate::ops::world::World;

/// The `countersign.manifest-verify.v1` document: what `manifest verify` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifyDocument {
    /// Always `countersign.manifest-verify.v1`.
    #[schemars(extend("const" = "countersign.manifest-verify.v1"))]
    pub schema: &'static str,
    /// Whether the manifest says what the profiles say.
    pub verdict: VerdictWord,
    /// The manifest that was verified.
    pub manifest: ManifestName,
    /// The findings about the manifest and the profiles.
    pub findings: Vec<Finding>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
    /// How many profiles the manifest pins. It is not part of the document.
    #[serde(skip)]
    pub profile_count: usize,
    /// A file could not even be read: an error rather than a verdict. It is not part of the document.
    #[serde(skip)]
    pub has_unread: bool,
}

impl Report for VerifyDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

/// Whether the manifest says what the profiles say: bytes, signatures, every field. `paths` are profiles or directories of
/// them; none: the installed ones.
///
/// # Errors
/// The manifest cannot be read, the policy cannot be used, or a directory cannot be listed.
pub fn verify(paths: &[PathBuf], world: &World) -> Result<VerifyDocument, Failure> {
    let (manifest, _) = world.manifest()?;
    let (policy, verifier) = prove::verifier(world)?;
    let files = prove::named_or_installed(paths, &policy, world)?;
    let state = |uuid: &_| {
        let pinned = manifest.profile(uuid);
        pinned.map_or(ProfileState::Active, |(_, pinned)| pinned.state)
    };
    let Pinnable {
        profiles,
        mut findings,
        has_unread,
        ..
    } = prove::pinnable(&files, &verifier, world, state);
    findings.extend(judge::against(&manifest, &profiles));
    finding::sort(&mut findings);
    Ok(VerifyDocument {
        schema: "countersign.manifest-verify.v1",
        verdict: VerdictWord::of(!finding::any_blocks(&findings)),
        manifest: (&manifest).into(),
        findings,
        head: Head::default(),
        profile_count: manifest.profiles().len(),
        has_unread,
    })
}
