//! Every way of being wrong is refused, under its own code: what the forge can make, and what may become of it.

// Test support outside of #[test] functions panics as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use countersign::apple::anchors::{Anchors, certificates_from_pem};
use countersign::apple::profile::{self, Profile, Unproven};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::{Code, Severity};
use forge::flaw::{Flaw, Layer, Place};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec, Role, at};
use forge::key::Hash;
use forge::profile::{Kind, ProfileSpec};
use plist::Value;

fn verifier() -> Verifier {
    let pem = Hierarchy::acme().anchors_pem();
    Verifier::new(Anchors::with_extra(
        certificates_from_pem(pem.as_bytes()).unwrap(),
    ))
}

fn ios() -> ProfileSpec {
    ProfileSpec::ios(Kind::AppStore, "com.acme.rocket")
}

fn mac() -> ProfileSpec {
    ProfileSpec::mac(Kind::DeveloperId, "com.acme.rocket")
}

fn proven(spec: &ProfileSpec) -> Profile {
    profile::prove(&spec.mint(), &verifier())
        .unwrap_or_else(|unproven| panic!("{:#?}", unproven.findings))
}

fn refused(spec: &ProfileSpec) -> Unproven {
    match profile::prove(&spec.mint(), &verifier()) {
        Ok(profile) => panic!("proven: {:?}", profile.fields()),
        Err(unproven) => *unproven,
    }
}

/// The codes that block, each once.
fn blocking(unproven: &Unproven) -> Vec<Code> {
    let mut codes: Vec<Code> = unproven
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Block)
        .map(|finding| finding.code)
        .collect();
    codes.sort_by_key(|code| code.as_str());
    codes.dedup();
    codes
}

#[test]
fn every_kind_proves() {
    for kind in [
        Kind::Development,
        Kind::AdHoc,
        Kind::AppStore,
        Kind::Enterprise,
    ] {
        proven(&ProfileSpec::ios(kind, "com.acme.rocket"));
    }
    for kind in [Kind::Development, Kind::AppStore, Kind::DeveloperId] {
        proven(&ProfileSpec::mac(kind, "com.acme.rocket"));
    }
}

#[test]
fn what_is_odd_but_sound_proves() {
    let old_certificate = LeafSpec::new(LeafKind::IphoneDistribution)
        .valid("2010-01-01T00:00:00Z", "2011-01-01T00:00:00Z");
    let many: Vec<_> = (0..40)
        .map(|number| {
            LeafSpec::new(LeafKind::AppleDevelopment).valid(
                "2026-01-01T00:00:00Z",
                &format!("2027-01-01T00:00:{number:02}Z"),
            )
        })
        .enumerate()
        .map(|(number, mut leaf)| {
            leaf.holder = Some(format!("Engineer {number}"));
            Hierarchy::acme().developer(&leaf)
        })
        .collect();
    let mut teams = ios();
    teams.teams.push("ACME4CI002".to_owned());
    teams.prefixes.push("OLDPREFIX1".to_owned());
    for spec in [
        ios().with(Flaw::Ber(Layer::Outer, 1000)),
        ios().with(Flaw::Ber(Layer::Outer, 1)),
        ios().with(Flaw::Ber(Layer::Inner, 100)),
        ios().with(Flaw::Digest(Layer::Outer, Hash::Sha256)),
        ios().with(Flaw::Digest(Layer::Outer, Hash::Sha384)),
        ios().with(Flaw::SignedAs(Layer::Outer, Role::IosProfilesBefore2025)),
        ios().with(Flaw::DuplicatedKey("TeamName", "Acme Rockets, Inc".into())),
        ios().certificates(&[Hierarchy::acme().developer(&old_certificate)]),
        ios().valid("2026-01-01T00:00:00Z", "2056-01-01T00:00:00Z"),
        ios().team("ACME4CI001", "OLDPREFIX1"),
        ProfileSpec::ios(Kind::Development, "*")
            .devices(500)
            .certificates(&many),
        teams,
    ] {
        proven(&spec);
    }
}

#[test]
fn hundreds_of_devices_and_many_certificates_are_counted() {
    let profile = proven(&ProfileSpec::ios(Kind::AdHoc, "com.acme.*").devices(700));
    assert_eq!(profile.fields().device_count, Some(700));
}

#[test]
fn a_signer_that_is_not_apple_s_is_refused_in_either_layer() {
    for layer in [Layer::Outer, Layer::Inner] {
        for (flaw, code) in [
            (Flaw::Forged(layer), Code::ProfileNotTrusted),
            (Flaw::RoleSwapped(layer), Code::ProfileSignerRole),
            (Flaw::WrongAnchor(layer), Code::ProfileAnchorNotApple),
            (Flaw::Impostor(layer), Code::ProfileAnchorNotApple),
            (Flaw::SignerExpired(layer), Code::ProfileNotTrusted),
            (Flaw::SignerNotYetValid(layer), Code::ProfileNotTrusted),
            (Flaw::MissingIntermediate(layer), Code::ProfileNotTrusted),
            (Flaw::SignerNotBundled(layer), Code::ProfileNotTrusted),
            (Flaw::NoCertificates(layer), Code::ProfileNotTrusted),
            (
                Flaw::SigningTime(layer, at("2001-01-01T00:00:00Z")),
                Code::ProfileNotTrusted,
            ),
        ] {
            for spec in [ios(), mac()] {
                assert_eq!(
                    blocking(&refused(&spec.with(flaw.clone()))),
                    [code],
                    "{layer:?}"
                );
            }
        }
    }
}

#[test]
fn a_signer_of_another_role_is_refused() {
    for (spec, layer, role) in [
        (ios(), Layer::Outer, Role::InnerProfiles),
        (mac(), Layer::Outer, Role::InnerProfiles),
        (ios(), Layer::Inner, Role::IosProfiles),
        (mac(), Layer::Inner, Role::MacProfiles),
    ] {
        // With a digest that either layer accepts: it is the role alone that is wrong.
        let digest = Flaw::Digest(layer, Hash::Sha256);
        let unproven = refused(&spec.with(Flaw::SignedAs(layer, role)).with(digest));
        let codes = blocking(&unproven);
        let expected = [Code::ProfileSignerRole, Code::ProfileAnchorNotApple];
        assert!(
            codes.len() == 1 && expected.contains(&codes[0]),
            "{role:?}: {codes:?}"
        );
    }
}

#[test]
fn a_signature_that_is_not_in_order_is_refused_in_either_layer() {
    for layer in [Layer::Outer, Layer::Inner] {
        for flaw in [
            Flaw::NoSigningTime(layer),
            Flaw::MissingMessageDigest(layer),
            Flaw::WrongMessageDigest(layer),
            Flaw::WrongContentType(layer),
            Flaw::MissingContentType(layer),
            Flaw::ForeignContentType(layer),
            Flaw::NoSignedAttributes(layer),
            Flaw::NoSigner(layer),
            Flaw::TwoSigners(layer),
            Flaw::Tampered(layer, Place::MessageDigest),
            Flaw::Tampered(layer, Place::SigningTime),
            Flaw::Tampered(layer, Place::Signature),
            Flaw::Tampered(layer, Place::SignerKey),
            Flaw::Tampered(layer, Place::IntermediateKey),
        ] {
            assert_eq!(
                blocking(&refused(&ios().with(flaw))),
                [Code::ProfileSignatureInvalid],
                "{layer:?}"
            );
        }
    }
}

#[test]
fn sha1_is_refused_in_the_inner_layer() {
    let unproven = refused(&ios().with(Flaw::Digest(Layer::Inner, Hash::Sha1)));
    assert_eq!(blocking(&unproven), [Code::ProfileSignatureInvalid]);
}

#[test]
fn a_change_to_any_field_is_refused() {
    let keys = [
        "AppIDName",
        "ApplicationIdentifierPrefix",
        "CreationDate",
        "Platform",
        "DeveloperCertificates",
        "Entitlements",
        "ExpirationDate",
        "Name",
        "TeamIdentifier",
        "TeamName",
        "TimeToLive",
        "UUID",
        "Version",
    ];
    for layer in [Layer::Outer, Layer::Inner] {
        for key in keys {
            let unproven = refused(&ios().with(Flaw::Tampered(layer, Place::Key(key))));
            assert!(
                unproven
                    .findings
                    .iter()
                    .any(|finding| finding.code == Code::ProfileSignatureInvalid),
                "{layer:?} {key}: {:#?}",
                unproven.findings
            );
        }
    }
}

#[test]
fn a_change_to_any_byte_is_refused_or_changes_no_fact() {
    let verifier = verifier();
    let file = ios().mint();
    let honest = format!("{:?}", proven(&ios()).fields());
    let content = position(&file, b"<?xml")..position(&file, b"</plist>");
    for offset in (0..file.len()).step_by(7) {
        let mut damaged = file.clone();
        damaged[offset] ^= 0x10;
        // No signature covers the frame's list of digests, and a root that was pinned need not be bundled: where such a
        // byte changes, the facts are the honest ones.
        if let Ok(profile) = profile::prove(&damaged, &verifier) {
            assert_eq!(format!("{:?}", profile.fields()), honest, "byte {offset}");
            assert!(!content.contains(&offset), "byte {offset} of the content");
        }
    }
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    let mut windows = bytes.windows(part.len());
    windows.position(|window| window == part).unwrap()
}

#[test]
fn layers_that_disagree_are_refused() {
    let unproven = refused(&ios().with(Flaw::InnerOf(Box::new(ios().named("Another")))));
    assert_eq!(blocking(&unproven), [Code::ProfileLayersDisagree]);
    for (key, flaw) in Flaw::every_disagreement() {
        // The version of the format says nothing about signing; devices are compared where both layers tell of them.
        if ["Version", "ProvisionedDevices", "ProvisionsAllDevices"].contains(&key) {
            continue;
        }
        let unproven = refused(&ios().with(flaw));
        assert_eq!(blocking(&unproven), [Code::ProfileLayersDisagree], "{key}");
    }
}

#[test]
fn what_is_no_profile_is_unreadable() {
    for spec in [
        ios().with(Flaw::Truncated(Layer::Outer, 0)),
        ios().with(Flaw::Truncated(Layer::Outer, 1)),
        ios().with(Flaw::Truncated(Layer::Outer, 5000)),
        ios().with(Flaw::Truncated(Layer::Inner, 500)),
        ios().with(Flaw::Detached(Layer::Outer)),
        ios().with(Flaw::Trailing(Layer::Outer, b"more".to_vec())),
        ios().with(Flaw::OuterRaw("ExpirationDate", "<date>tomorrow</date>")),
        ios().with(Flaw::OuterLacks("ExpirationDate")),
        ios().with(Flaw::OuterLacks("UUID")),
        ios().with(Flaw::InnerDuplicates("Name", "Another".into())),
        ios().with(Flaw::InnerRaw(
            "ExpirationDate",
            forge::der::utf8("tomorrow"),
        )),
    ] {
        let unproven = refused(&spec);
        assert!(
            blocking(&unproven).contains(&Code::ProfileUnreadable),
            "{:#?}",
            unproven.findings
        );
    }
}

#[test]
fn a_key_that_stands_twice_with_two_values_is_told() {
    let mut spec = ios().with(Flaw::DuplicatedKey("Name", Value::from("Another Name")));
    spec.inner = false;
    let findings = match profile::prove(&spec.mint(), &verifier()) {
        Ok(profile) => profile.remarks().to_vec(),
        Err(unproven) => unproven.findings,
    };
    assert!(
        findings
            .iter()
            .any(|finding| finding.code == Code::ProfileDuplicateKey),
        "{findings:#?}"
    );
}
