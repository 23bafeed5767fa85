//! The manifest.

use countersign::base::digest::Digest;
use countersign::base::finding::Code;
use countersign::context::gate::facts::ExpectedDigest;

use crate::scene::Scene;

#[test]
fn manifest_digest_mismatch_shows_both_digests() {
    let mut scene = Scene::new();
    let found = scene.manifest().digest();
    let expected = Digest::of(b"another manifest");
    scene.facts.expected_manifest = Some(ExpectedDigest { expected, found });
    let finding = scene.blocked_by(Code::ManifestDigestMismatch);
    assert_eq!(finding.expected, Some(expected.to_string()));
    assert_eq!(finding.found, Some(found.to_string()));
    scene.facts.expected_manifest = Some(ExpectedDigest {
        expected: found,
        found,
    });
    assert!(scene.judge().cleared.is_some());
}

#[test]
fn manifest_stale_revision_blocks_only_below_the_minimum() {
    let mut scene = Scene::new();
    scene.facts.minimum_revision = Some(2);
    scene.blocked_by(Code::ManifestStaleRevision);
    scene.facts.minimum_revision = Some(1);
    assert!(scene.judge().cleared.is_some());
}
