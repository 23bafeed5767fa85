//! Findings about what is pinned, with the line of the manifest that they speak of.
//!
//! A check knows the JSON pointer or the profile; people, editors and CI systems want a file and a line.

use std::path::Path;

use crate::base::digest::Digest;
use crate::base::finding::{Finding, Severity};
use crate::context::manifest::{MAX_BYTES, lines::Lines};
use crate::host::files;

/// Gives each finding that points into the manifest, or speaks of a pinned profile, and names no file its file and line. The
/// file is read once more: if it is no longer the one that was judged, no line is told.
pub(in crate::ops) fn in_manifest(findings: &mut [Finding], manifest: &Path, judged: Digest) {
    let lacks = |finding: &&mut Finding| {
        let place = &finding.place;
        let is_pinned = place.pointer.is_some() || place.profile.is_some();
        finding.severity != Severity::Info && place.file.is_none() && is_pinned
    };
    let lacking: Vec<&mut Finding> = findings.iter_mut().filter(lacks).collect();
    if lacking.is_empty() {
        return;
    }
    let Ok(bytes) = files::read_bounded(manifest, MAX_BYTES) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return;
    };
    if Digest::of(&bytes) != judged {
        return;
    }
    let lines = Lines::new(text);
    for finding in lacking {
        let place = &mut finding.place;
        let pointer = place.pointer.as_deref();
        let pointed = pointer.and_then(|pointer| lines.of_pointer(pointer));
        let named = || lines.of_profile(place.profile.as_deref()?);
        if let Some(line) = pointed.or_else(named) {
            place.file = Some(manifest.display().to_string());
            place.line = Some(line);
        }
    }
}
