//! Identities.

use countersign::apple::identity::digest::{canonical, compatible};
use countersign::apple::profile::ProfileKind;
use countersign::base::digest::Digest;
use countersign::base::finding::{Code, Severity};
use countersign::base::ids::CertSha256;
use countersign::context::gate::facts::Observation;
use countersign::context::manifest::ProfileState;
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use forge::project::{Product, ProjectSpec, TargetSpec};
use support::{blocking, rocket};

use crate::scene::{Scene, distribution, identity, targets_of};

#[test]
fn identity_missing_tells_which_certificate_would_do() {
    let mut scene = Scene::new();
    scene.identities().identities.clear();
    let finding = scene.blocked_by(Code::IdentityMissing);
    assert!(
        finding
            .expected
            .unwrap()
            .contains("Apple Distribution: Acme Rockets, Inc")
    );
}

#[test]
fn the_identity_is_the_one_of_the_certificate_that_a_target_is_pinned_to() {
    let renewed = distribution().labelled("renewed");
    let acme = Hierarchy::acme();
    let minted = [acme.developer(&distribution()), acme.developer(&renewed)];
    let spec = rocket().certificates(&minted);
    let mut scene = Scene::pinning(&[(spec, ProfileState::Active)]);
    // Without a target, either does.
    assert_eq!(scene.judge().findings, []);
    scene.target(CertSha256::of(&minted[1].der));
    scene.blocked_by(Code::IdentityMissing);
    scene.targets[0].certificate = CertSha256::of(&minted[0].der);
    assert_eq!(scene.judge().findings, []);
}

#[test]
fn a_retiring_profile_needs_no_identity() {
    let replaced = distribution().labelled("replaced");
    let replaced = rocket().certificates(&[Hierarchy::acme().developer(&replaced)]);
    let mut scene = Scene::with_retiring(replaced);
    assert!(!blocking(&scene.judge().findings).contains(&"identity-missing"));
    scene.pinned[1].1 = ProfileState::Active;
    assert!(blocking(&scene.judge().findings).contains(&"identity-missing"));
}

#[test]
fn identity_unexpected_is_sprawl_unless_the_policy_allows_it() {
    let mut scene = Scene::new();
    let stranger = identity(&LeafSpec::new(LeafKind::AppleDevelopment));
    scene.identities().identities.push(stranger.clone());
    scene.blocked_by(Code::IdentityUnexpected);
    let rules = format!("[identities]\nallow = [\"{}\"]\n", stranger.sha1);
    scene.policy.push_str(&rules);
    assert_eq!(scene.judge().findings, []);
}

/// Nothing rests on the word of an entry whose file nobody proved.
#[test]
fn the_identity_of_a_retiring_profile_is_expected_only_where_its_file_is_proven() {
    let old = distribution().labelled("replaced");
    let replaced = rocket().certificates(&[Hierarchy::acme().developer(&old)]);
    let mut scene = Scene::with_retiring(replaced);
    scene.identities().identities.push(identity(&old));
    assert!(!blocking(&scene.judge().findings).contains(&"identity-unexpected"));
    let name = scene.pinned[1].0.fields().file_name();
    let files = &mut scene.installed().files;
    files.retain(|file| !file.path.ends_with(&name));
    assert!(blocking(&scene.judge().findings).contains(&"identity-unexpected"));
}

#[test]
fn identity_ambiguous_is_two_usable_ones_of_one_name() {
    let renewed = distribution().labelled("renewed");
    let acme = Hierarchy::acme();
    let both = [acme.developer(&distribution()), acme.developer(&renewed)];
    let mut scene = Scene::pinning(&[(rocket().certificates(&both), ProfileState::Active)]);
    scene.identities().identities = vec![identity(&distribution()), identity(&renewed)];
    scene.blocked_by(Code::IdentityAmbiguous);
    // One that cannot sign is no rival.
    scene.identities().identities[1].problem = Some("CSSMERR_TP_CERT_EXPIRED".to_owned());
    assert!(!blocking(&scene.judge().findings).contains(&"identity-ambiguous"));
}

#[test]
fn identity_digest_mismatch_accepts_either_digest_of_the_set() {
    let mut scene = Scene::new();
    let sha256 = identity(&distribution()).sha256.unwrap();
    for right in [canonical([sha256]), compatible(b"captured")] {
        scene.asked.signing = Some(right);
        assert_eq!(scene.judge().findings, []);
    }
    for wrong in [canonical([]), compatible(b"captured another day")] {
        scene.asked.signing = Some(wrong);
        let finding = scene.blocked_by(Code::IdentityDigestMismatch);
        assert_eq!(finding.expected, Some(wrong.to_string()));
    }
}

#[test]
fn the_canonical_digest_does_not_know_order_or_number() {
    let [a, b, c] = ["a", "b", "c"].map(|text| CertSha256::of(text.as_bytes()));
    assert_eq!(canonical([a, b, c]), canonical([c, a, b, a]));
    assert_ne!(canonical([a, b]), canonical([a, c]));
    // Of the definition, by other means: the line, then the sorted raw fingerprints.
    let mut sorted = [a, b, c];
    sorted.sort();
    let bytes = [
        b"countersign identities v1\n".as_slice(),
        sorted[0].as_bytes(),
        sorted[1].as_bytes(),
        sorted[2].as_bytes(),
    ]
    .concat();
    assert_eq!(canonical([a, b, c]), Digest::of(&bytes));
}

#[test]
fn an_identity_known_by_sha_1_alone_is_the_certificate_that_a_proven_profile_embeds() {
    let mut scene = Scene::new();
    let sha256 = identity(&distribution()).sha256.unwrap();
    scene.identities().identities[0].sha256 = None;
    assert_eq!(
        scene.judge().identities.canonical,
        Some(canonical([sha256]))
    );
}

#[test]
fn an_identity_known_by_sha_1_alone_leaves_no_canonical_digest_where_no_profile_embeds_it() {
    let mut scene = Scene::new();
    let stranger = identity(&LeafSpec::new(LeafKind::AppleDevelopment));
    let rules = format!("[identities]\nallow = [\"{}\"]\n", stranger.sha1);
    scene.policy.push_str(&rules);
    scene.identities().identities.push(stranger);
    scene.identities().identities[1].sha256 = None;
    let digests = scene.judge().identities;
    assert_eq!(digests.canonical, None);
    assert_eq!(digests.compatible, Some(compatible(b"captured")));
    scene.asked.signing = Some(canonical([]));
    let finding = scene.blocked_by(Code::IdentityDigestMismatch);
    assert!(finding.found.unwrap().contains("SHA-1 only"));
}

/// A product for the Mac App Store, with its profile and its identity.
fn for_the_mac_app_store() -> Scene {
    let spec = ProfileSpec::mac(Kind::AppStore, "com.acme.rocket");
    let project = ProjectSpec::new("Rocket")
        .with("SDKROOT", "macosx")
        .with("CODE_SIGN_STYLE", "Manual")
        .target(
            TargetSpec::new("Rocket", Product::App, "com.acme.rocket")
                .with("CODE_SIGN_IDENTITY", "Apple Distribution")
                .with("PROVISIONING_PROFILE_SPECIFIER", &spec.name),
        );
    let leaf = LeafSpec::new(spec.kind.certificate(spec.family));
    let mut scene = Scene::pinning(&[(spec, ProfileState::Active)]);
    scene.facts.targets = Observation::Observed(targets_of(&project).into());
    scene.identities().identities = vec![identity(&leaf)];
    scene
}

#[test]
fn a_product_for_the_mac_app_store_asks_for_an_installer_identity_and_never_blocks_without_one() {
    let code = Code::InstallerIdentityUnobserved;
    let mut scene = for_the_mac_app_store();
    scene.cleared_with(code, Severity::Info);
    scene.asked.kind = Some(ProfileKind::AppStore);
    let finding = scene.cleared_with(code, Severity::Warn);
    assert!(finding.hint.unwrap().contains("identities.allow"));
    // Whoever has it, and says so in the policy, is asked no more.
    let installer = identity(&LeafSpec::new(LeafKind::MacInstallerDistribution));
    scene.policy += &format!("\n[identities]\nallow = [\"{}\"]\n", installer.sha1);
    scene.identities().identities.push(installer);
    assert_eq!(scene.judge().findings, []);
}

#[test]
fn what_is_not_for_the_mac_app_store_needs_no_installer_identity() {
    assert_eq!(Scene::new().judge().findings, []);
    // The iOS half of a product is judged, and the profile of the Mac is pinned beside it.
    let mut scene = Scene::pinning(&[
        (rocket(), ProfileState::Active),
        (
            ProfileSpec::mac(Kind::AppStore, "com.acme.rocket")
                .certificates(&[Hierarchy::acme().developer(&distribution())]),
            ProfileState::Active,
        ),
    ]);
    scene.asked.kind = Some(ProfileKind::AppStore);
    let codes: Vec<Code> = scene.judge().findings.iter().map(|it| it.code).collect();
    assert!(
        !codes.contains(&Code::InstallerIdentityUnobserved),
        "{codes:?}"
    );
}
