//! What is said when something that a verdict rests on is another when the command has ended.

use std::fmt;
use std::path::Path;

use super::Judgement;
use super::facts::{InstalledContent, InstalledFile};
use crate::base::finding::{Code, Finding, Severity};
use crate::context::manifest::Manifest;

/// A file that is not what it was when it was judged.
pub fn changed(file: &Path, was: impl fmt::Display, is: impl fmt::Display) -> Finding {
    let message = "a file that was judged changed before the command ended";
    let finding = Finding::block(Code::InputsChanged, message);
    finding.values(was, is).in_file(file).hint(HINT)
}

/// What blocks in `again`: the judgement of the profile directories as they are now and of everything else as it was. Nothing
/// blocked when the command began, and `first` lay there.
pub fn changed_profiles(
    again: &Judgement,
    manifest: &Manifest,
    first: &[InstalledFile],
) -> Vec<Finding> {
    let blocking = again.findings.iter();
    blocking
        .filter(|finding| finding.severity == Severity::Block)
        .map(|finding| {
            let mut place = finding.place.clone();
            if place.file.is_none() {
                let file = place_of_pinned(finding, manifest, first);
                place.file = file.map(|path| path.display().to_string());
                place.pointer = None;
            }
            Finding {
                code: Code::InputsChanged,
                message: format!(
                    "the installed profiles changed before the command ended: {}",
                    finding.message
                ),
                hint: Some(HINT.to_owned()),
                remedy: None,
                place,
                ..finding.clone()
            }
        })
        .collect()
}

/// Where the pinned profile lay that the finding is about.
fn place_of_pinned<'a>(
    finding: &Finding,
    manifest: &Manifest,
    first: &'a [InstalledFile],
) -> Option<&'a Path> {
    let uuid = finding.place.profile.as_deref()?.parse().ok()?;
    let (_, pinned) = manifest.profile(&uuid)?;
    let mut files = first.iter();
    let file = files.find(|file| match &file.content {
        InstalledContent::Read { sha256, .. } => *sha256 == pinned.sha256,
        InstalledContent::Unreadable { .. } => false,
    })?;
    Some(&file.path)
}

/// Nobody knows which of the two the command worked with.
const HINT: &str =
    "do not release what the command built; find out what changed this, and run the command again";
