//! What the gate will say of what is set up: `init` asks it, and concludes nothing by itself.
//!
//! The gate judges more than freezing does: what else lies in the directories that the policy names, and how long what is
//! pinned stays valid. So the planned policy and the planned manifest are rehearsed, on this machine, with the command that
//! the workflow runs. Left out is what says nothing of the files: which host this is, and whether its keys are there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::finding::{self, Code, Finding, Group, Severity};
use crate::context::manifest::{Content, Manifest};
use crate::context::policy::Policy;
use crate::host::project_root;
use crate::host::secret_source::SecretSource;
use crate::ops::error::{Error, Failure};
use crate::ops::gate::judge;
use crate::ops::gate::question::Question;
use crate::ops::target_selection::TargetSelection;
use crate::ops::world::World;

/// What the gate will say.
#[derive(Debug, Default)]
pub(super) struct Rehearsed {
    /// What will block.
    pub(super) blocking: Vec<Finding>,
    /// Whether the policy allows a gate without identities.
    pub(super) allows_waiver: bool,
}

/// Rehearses the gate on `policy` and a manifest of this content.
///
/// # Errors
/// Something that is judged cannot be read.
pub(super) fn rehearse(
    mut policy: Policy,
    content: &Content,
    targets: &TargetSelection,
    world: &World,
) -> Result<Rehearsed, Failure> {
    // The policy's paths are relative to its folder, which may not be there yet.
    let profiles = &mut policy.profiles;
    for path in profiles
        .directories
        .iter_mut()
        .chain(&mut profiles.trust_anchors)
    {
        *path = project_root::once_made(path);
    }
    let manifest = Manifest::parse(&content.to_bytes()).map_err(Error::from)?;
    let question = Question {
        expect_policy: None,
        expect_manifest: None,
        minimum_revision: None,
        expect_signing: None,
        region: None,
        identities: None,
        identities_password: SecretSource::Prompt(String::new()),
        targets: targets.clone(),
        waived: BTreeSet::from([Group::Identities]),
        prove: false,
    };
    let rehearsal = judge::rehearse_planned(policy, manifest, &question, world)?;
    let findings = rehearsal.judgement().findings.iter();
    let (waivers, others): (Vec<&Finding>, Vec<&Finding>) = findings
        .filter(|finding| finding.severity == Severity::Block)
        .partition(|finding| finding.code == Code::WaiverNotAllowed);
    let of_files = others.into_iter().filter(|finding| {
        let group = finding.code.group();
        !matches!(group, Group::Identities | Group::Node)
    });
    Ok(Rehearsed {
        blocking: of_files.cloned().collect(),
        allows_waiver: waivers.is_empty(),
    })
}

/// The file that a finding is about, whatever it is called.
fn file_of(finding: &Finding) -> Option<PathBuf> {
    let file = finding.place.file.as_deref();
    file.map(|file| project_root::absolute(Path::new(file)))
}

/// Adds what the gate will say to what freezing says. Of one thing the gate's word counts: it is the one that blocks.
pub(super) fn merge(findings: &mut Vec<Finding>, rehearsed: &[Finding]) {
    for finding in rehearsed {
        let is_same = |known: &Finding| {
            known.code == finding.code
                && file_of(known) == file_of(finding)
                && known.place.profile == finding.place.profile
                && known.place.target == finding.place.target
        };
        findings.retain(|known| !(known.severity != Severity::Block && is_same(known)));
        if !findings.iter().any(is_same) {
            findings.push(finding.clone());
        }
    }
    finding::sort(findings);
}
