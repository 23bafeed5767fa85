//! The *manifest* group: is this the manifest that was reviewed?

use super::asked::Asked;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::digest_mismatch::{OF_FILE, is_expected, mismatch};
use crate::context::manifest::Manifest;

/// Judges the manifest itself.
pub fn check(manifest: &Manifest, asked: &Asked) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(digest) = &asked.manifest
        && !is_expected(digest.expected(), Some(digest.found()))
    {
        findings.push(mismatch(
            Code::ManifestDigestMismatch,
            "the manifest is not the one that was expected",
            digest.expected(),
            digest.found(),
            (
                "check out the commit of the expected digest, or review this manifest and expect its digest",
                Some(Remedy::ShowManifestDigest),
            ),
            OF_FILE,
        ));
    }
    if let Some(minimum) = asked.minimum_revision
        && manifest.revision() < minimum
    {
        findings.push(
            Finding::block(
                Code::ManifestStaleRevision,
                "the manifest is older than the required revision",
            )
            .values(
                format!("revision {minimum} or later"),
                format!("revision {}", manifest.revision()),
            )
            .at_pointer("/revision")
            .hint("update the checkout to get a newer manifest"),
        );
    }
    findings
}
