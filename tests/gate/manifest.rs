//! The manifest.

use countersign::base::digest::Digest;
use countersign::base::finding::Code;
use countersign::context::gate::ExpectedDigest;

use crate::scene::Scene;

#[test]
fn manifest_digest_mismatch_shows_both_digests() {
    let mut scene = Scene::new();
    let found = scene.manifest().digest();
    let expected = Digest::of(b"another manifest");
    let bytes = scene.manifest().content().to_bytes();
    scene.asked.manifest = Some(ExpectedDigest::new(expected, &bytes));
    let finding = scene.blocked_by(Code::ManifestDigestMismatch);
    assert_eq!(finding.expected, Some(expected.to_string()));
    assert_eq!(finding.found, Some(found.to_string()));
    scene.asked.manifest = Some(ExpectedDigest::new(found, &bytes));
    assert!(scene.rehearse().until().is_some());
}

#[test]
fn manifest_stale_revision_blocks_only_below_the_minimum() {
    let mut scene = Scene::new();
    scene.asked.minimum_revision = Some(2);
    scene.blocked_by(Code::ManifestStaleRevision);
    scene.asked.minimum_revision = Some(1);
    assert!(scene.rehearse().until().is_some());
}
