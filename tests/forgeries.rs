//! Fakes, minted and made from real profiles: each is refused for the one thing that is wrong with it, and for nothing
//! else.
//!
//! `tests/refusals.rs` asks whether the right code is among the findings; here it must be the only one, because a report that
//! names three reasons for one fault sends people to the wrong place. A code is a contract: pipelines match on it, so it
//! is the code that is asserted, not the sentence.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;
use std::path::PathBuf;

use countersign::apple::anchors::Anchors;
use countersign::apple::cms;
use countersign::apple::profile::{self, KindSource, ProfileKind};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::Severity;
use forge::cms::{SignedData, Signer};
use forge::flaw::{Flaw, Layer, Place};
use forge::hierarchy::{Hierarchy, HierarchySpec, LeafKind, LeafSpec, Role, at};
use forge::key::Hash;
use forge::profile::{Distribution, Family, Kind, ProfileSpec};
use plist::Value;
use support::{ROCKET, blocking, data, proven, rocket, verifier, verifier_of};

/// Both layers, for flaws that either can have.
const LAYERS: [Layer; 2] = [Layer::Outer, Layer::Inner];

/// The codes for which bytes are refused by a verifier; empty if they prove.
fn codes(bytes: &[u8], verifier: &Verifier) -> Vec<&'static str> {
    match profile::prove(bytes, verifier) {
        Ok(_) => Vec::new(),
        Err(unproven) => {
            for finding in &unproven.findings {
                assert!(finding.hint.is_some(), "no remedy: {finding:?}");
            }
            blocking(&unproven.findings)
        }
    }
}

/// A profile with this flaw is refused for this one reason and no other.
#[track_caller]
fn refused(flaw: Flaw, code: &str) {
    refused_spec(&rocket().with(flaw), code);
}

#[track_caller]
fn refused_spec(spec: &ProfileSpec, code: &str) {
    assert_eq!(codes(&spec.mint(), &verifier()), [code]);
}

#[test]
fn a_self_signed_certificate_with_apple_s_name_is_not_trusted() {
    for layer in LAYERS {
        refused(Flaw::Forged(layer), "profile-not-trusted");
    }
}

#[test]
fn a_complete_chain_to_another_root_names_the_anchor() {
    for layer in LAYERS {
        refused(Flaw::WrongAnchor(layer), "profile-anchor-not-apple");
        refused(Flaw::Impostor(layer), "profile-anchor-not-apple");
    }
}

#[test]
fn without_extra_anchors_acme_s_own_profiles_are_refused_by_their_anchor() {
    let apple_alone = Verifier::new(Anchors::apple());
    assert_eq!(
        codes(&rocket().mint(), &apple_alone),
        ["profile-anchor-not-apple"]
    );
}

#[test]
fn an_extra_anchor_is_told_as_a_warning_never_silently() {
    let profile = proven(&rocket());
    let warning = profile
        .remarks()
        .iter()
        .find(|remark| remark.code.as_str() == "profile-anchor-not-apple")
        .unwrap();
    assert_eq!(warning.severity, Severity::Warn);
}

#[test]
fn a_developer_certificate_may_not_sign_profiles() {
    for layer in LAYERS {
        refused(Flaw::RoleSwapped(layer), "profile-signer-role");
    }
}

#[test]
fn the_signer_of_the_other_layer_may_not_sign_this_one() {
    // With a digest that either layer accepts, so that the role is all that is wrong.
    let outer = rocket()
        .with(Flaw::SignedAs(Layer::Outer, Role::InnerProfiles))
        .with(Flaw::Digest(Layer::Outer, Hash::Sha256));
    refused_spec(&outer, "profile-signer-role");
    for role in [Role::IosProfiles, Role::MacProfiles] {
        refused(Flaw::SignedAs(Layer::Inner, role), "profile-signer-role");
    }
}

#[test]
fn signers_that_were_not_valid_when_they_signed_are_not_trusted() {
    for layer in LAYERS {
        refused(Flaw::SignerExpired(layer), "profile-not-trusted");
        refused(Flaw::SignerNotYetValid(layer), "profile-not-trusted");
    }
}

#[test]
fn incomplete_chains_are_not_trusted() {
    for layer in LAYERS {
        refused(Flaw::MissingIntermediate(layer), "profile-not-trusted");
        refused(Flaw::SignerNotBundled(layer), "profile-not-trusted");
        refused(Flaw::NoCertificates(layer), "profile-not-trusted");
    }
}

#[test]
fn attributes_that_are_missing_or_wrong_break_the_signature() {
    for layer in LAYERS {
        for flaw in [
            Flaw::NoSigningTime(layer),
            Flaw::MissingMessageDigest(layer),
            Flaw::WrongMessageDigest(layer),
            Flaw::MissingContentType(layer),
            Flaw::WrongContentType(layer),
            Flaw::ForeignContentType(layer),
            Flaw::NoSignedAttributes(layer),
            Flaw::NoSigner(layer),
            Flaw::TwoSigners(layer),
        ] {
            refused(flaw, "profile-signature-invalid");
        }
    }
}

#[test]
fn a_changed_byte_in_any_signed_place_breaks_the_signature() {
    for layer in LAYERS {
        for place in [
            Place::MessageDigest,
            Place::SigningTime,
            Place::Signature,
            Place::SignerKey,
            Place::IntermediateKey,
        ] {
            let file = rocket().with(Flaw::Tampered(layer, place)).mint();
            assert_eq!(
                codes(&file, &verifier()),
                ["profile-signature-invalid"],
                "{layer:?} {place:?}"
            );
        }
    }
}

#[test]
fn the_inner_layer_of_another_profile_disagrees() {
    let other = ProfileSpec::ios(Kind::AppStore, "com.acme.other");
    refused(Flaw::InnerOf(Box::new(other)), "profile-layers-disagree");
}

#[test]
fn every_field_that_the_layers_tell_differently_is_named() {
    for (key, flaw) in Flaw::every_disagreement() {
        let spec = ProfileSpec::ios(Kind::Development, ROCKET).with(flaw);
        let outer_has_it = spec.fields().iter().any(|(known, _)| known == key);
        // Which version of the encoding a layer has is no fact about the profile.
        if key == "Version" {
            continue;
        }
        let Err(unproven) = profile::prove(&spec.mint(), &verifier()) else {
            // What only one layer has is no disagreement: old outer layers lack what new inner ones carry.
            assert!(!outer_has_it, "{key}: accepted");
            continue;
        };
        assert_eq!(
            blocking(&unproven.findings),
            ["profile-layers-disagree"],
            "{key}"
        );
        let finding = unproven
            .findings
            .iter()
            .find(|finding| finding.code.as_str() == "profile-layers-disagree")
            .unwrap();
        let pointer = finding.place.pointer.clone().unwrap();
        assert!(pointer.starts_with(&format!("/{key}")), "{key}: {pointer}");
        assert!(
            finding.expected.is_some() && finding.found.is_some(),
            "{key}: both values"
        );
    }
}

#[test]
fn fields_that_every_inner_layer_has_may_not_be_missing_from_it() {
    for key in [
        "UUID",
        "Name",
        "CreationDate",
        "ExpirationDate",
        "DeveloperCertificates",
        "Entitlements",
    ] {
        let codes = codes(&rocket().with(Flaw::InnerLacks(key)).mint(), &verifier());
        assert_eq!(codes, ["profile-layers-disagree"], "{key}");
    }
}

#[test]
fn fields_that_every_profile_has_may_not_be_missing_from_the_outer_layer() {
    for key in [
        "UUID",
        "Name",
        "CreationDate",
        "ExpirationDate",
        "Entitlements",
    ] {
        let codes = codes(&rocket().with(Flaw::OuterLacks(key)).mint(), &verifier());
        assert!(!codes.is_empty(), "{key}: accepted");
    }
}

#[test]
fn what_is_no_whole_message_is_unreadable() {
    let whole = rocket().mint();
    for length in [0, 1, 2, 20, 500, whole.len() / 2, whole.len() - 1] {
        refused(Flaw::Truncated(Layer::Outer, length), "profile-unreadable");
    }
    refused(Flaw::Truncated(Layer::Inner, 100), "profile-unreadable");
    refused(
        Flaw::Trailing(Layer::Outer, b"more".to_vec()),
        "profile-unreadable",
    );
    refused(Flaw::Detached(Layer::Outer), "profile-unreadable");
    refused(Flaw::Detached(Layer::Inner), "profile-unreadable");
}

#[test]
fn what_is_no_message_at_all_is_unreadable() {
    let xml = rocket().plist().into_bytes();
    for bytes in [&b""[..], b"\0", b"hello", &[0u8; 4096], &[0x30, 0x80], &xml] {
        assert_eq!(codes(bytes, &verifier()), ["profile-unreadable"]);
    }
}

#[test]
fn bare_xml_is_shown_as_far_as_it_could_be_read_and_still_refused() {
    let unproven = profile::prove(rocket().plist().as_bytes(), &verifier()).unwrap_err();
    assert_eq!(
        unproven.claims.unwrap().name.as_deref(),
        Some(rocket().name.as_str())
    );
}

#[test]
fn dates_that_are_none_are_unreadable() {
    for raw in ["<date>yesterday</date>", "<date></date>", "<true/>"] {
        let codes = codes(
            &rocket().with(Flaw::OuterRaw("ExpirationDate", raw)).mint(),
            &verifier(),
        );
        assert_eq!(codes, ["profile-unreadable"], "{raw}");
    }
}

#[test]
fn several_faults_are_all_told() {
    let file = rocket()
        .with(Flaw::Forged(Layer::Outer))
        .with(Flaw::RoleSwapped(Layer::Inner))
        .with(Flaw::InnerSays("Name", "Another Name".into()))
        .mint();
    assert_eq!(
        codes(&file, &verifier()),
        [
            "profile-not-trusted",
            "profile-signer-role",
            "profile-layers-disagree"
        ]
    );
}

#[test]
fn ber_with_indefinite_lengths_proves() {
    for layer in LAYERS {
        proven(&rocket().with(Flaw::Ber(layer, 1000)));
        proven(&rocket().with(Flaw::BerThroughout(layer, 77)));
    }
}

#[test]
fn a_pinned_root_need_not_be_bundled() {
    for layer in LAYERS {
        proven(&rocket().with(Flaw::MissingRoot(layer)));
    }
}

#[test]
fn sha_256_in_the_outer_layer_proves() {
    proven(&rocket().with(Flaw::Digest(Layer::Outer, Hash::Sha256)));
}

#[test]
fn a_profile_without_platform_is_for_ios() {
    let mut spec = rocket();
    spec.platforms = None;
    assert_eq!(proven(&spec).fields().platforms, ["iOS"]);
}

#[test]
fn several_team_ids_and_prefixes_prove_and_the_first_counts() {
    let mut spec = rocket();
    spec.teams.push("SECOND0001".to_owned());
    spec.prefixes.push("LEGACY0001".to_owned());
    let profile = proven(&spec);
    assert_eq!(profile.fields().team_id.as_str(), "ACME4CI001");
    assert_eq!(profile.fields().bundle_id.as_str(), ROCKET);
}

#[test]
fn a_prefix_that_is_not_the_team_proves() {
    let profile = proven(&rocket().team("ACME4CI001", "OLDPREFIX1"));
    assert_eq!(profile.fields().team_id.as_str(), "ACME4CI001");
    assert_eq!(
        profile.fields().application_identifier,
        "OLDPREFIX1.com.acme.rocket"
    );
    assert_eq!(profile.fields().bundle_id.as_str(), ROCKET);
}

#[test]
fn hundreds_of_devices_and_many_certificates_prove() {
    let acme = Hierarchy::acme();
    let certificates: Vec<_> = (0..40)
        .map(|serial| {
            let mut leaf = LeafSpec::new(LeafKind::AppleDevelopment);
            leaf.holder_id = Some(format!("PERSON{serial:04}"));
            acme.developer(&leaf)
        })
        .collect();
    let spec = ProfileSpec::ios(Kind::Development, ROCKET)
        .devices(900)
        .certificates(&certificates);
    let profile = proven(&spec);
    assert_eq!(profile.fields().device_count, Some(900));
    assert_eq!(profile.certificates().len(), 40);
}

#[test]
fn a_key_that_stands_twice_is_a_warning_and_the_last_value_counts() {
    let mut spec = rocket();
    spec.inner = false;
    let profile = proven(&spec.with(Flaw::DuplicatedKey("Name", "The Last One".into())));
    assert_eq!(profile.fields().name, "The Last One");
    let remark = profile
        .remarks()
        .iter()
        .find(|remark| remark.code.as_str() == "profile-duplicate-key")
        .unwrap();
    assert_eq!(remark.severity, Severity::Warn);
}

#[test]
fn a_key_that_stands_twice_cannot_hide_from_the_inner_layer() {
    refused(
        Flaw::DuplicatedKey("Name", "The Last One".into()),
        "profile-layers-disagree",
    );
}

#[test]
fn a_profile_without_inner_layer_proves_and_says_so() {
    let mut spec = rocket();
    spec.inner = false;
    let profile = proven(&spec);
    assert!(profile.inner().is_none());
    let remark = profile
        .remarks()
        .iter()
        .find(|remark| remark.code.as_str() == "profile-no-inner-layer")
        .unwrap();
    assert_eq!(remark.severity, Severity::Info);
}

#[test]
fn a_signer_that_has_expired_since_does_not_matter() {
    // Everything about this one ended years ago; it was all valid when it was signed, which is what counts.
    let mut old = HierarchySpec::new("acme of old", "Acme Rehearsal");
    old.signers = (at("2012-01-01T00:00:00Z"), at("2019-02-01T00:00:00Z"));
    old.intermediates = (at("2010-01-01T00:00:00Z"), at("2020-01-01T00:00:00Z"));
    let old = Hierarchy::new(old);
    let mut spec = rocket()
        .signed_by(&old)
        .valid("2014-05-01T10:00:00Z", "2015-05-01T10:00:00Z");
    spec.certificates = Vec::new();
    let proof = profile::prove(&spec.mint(), &verifier_of(&[&old]));
    let profile = proof.unwrap_or_else(|unproven| panic!("{:#?}", unproven.findings));
    assert_eq!(profile.outer().signing_time(), at("2014-05-01T10:00:00Z"));
}

#[test]
fn every_kind_is_told_with_and_without_the_inner_layer() {
    let cases = [
        (Family::Ios, Kind::Development, ProfileKind::Development),
        (Family::Ios, Kind::AdHoc, ProfileKind::AdHoc),
        (Family::Ios, Kind::AppStore, ProfileKind::AppStore),
        (Family::Ios, Kind::Enterprise, ProfileKind::Enterprise),
        (Family::Mac, Kind::Development, ProfileKind::Development),
        (Family::Mac, Kind::AppStore, ProfileKind::AppStore),
        (Family::Mac, Kind::DeveloperId, ProfileKind::DeveloperId),
    ];
    for (family, kind, expected) in cases {
        let spec = match family {
            Family::Ios => ProfileSpec::ios(kind, ROCKET),
            Family::Mac => ProfileSpec::mac(kind, ROCKET),
        };
        let with_inner = proven(&spec);
        assert_eq!(with_inner.fields().kind, expected, "{family:?}");
        // The in-house word has not been seen: enterprise profiles fall to the rules even with an inner layer.
        let source = match kind {
            Kind::Enterprise => KindSource::Rules,
            _ => KindSource::DistributionType,
        };
        assert_eq!(
            with_inner.fields().kind_source,
            source,
            "{family:?} {kind:?}"
        );
        let mut bare = spec.clone();
        bare.inner = false;
        let bare = proven(&bare);
        assert_eq!(
            bare.fields().kind,
            expected,
            "{family:?} without inner layer"
        );
        assert_eq!(bare.fields().kind_source, KindSource::Rules);
        assert_eq!(bare.fields().file_name(), spec.file_name());
    }
}

#[test]
fn an_unknown_distribution_type_falls_to_the_rules() {
    let mut spec = rocket();
    spec.distribution = Distribution::Says("SOMETHING-NEW".to_owned());
    let profile = proven(&spec);
    assert_eq!(profile.fields().kind, ProfileKind::AppStore);
    assert_eq!(profile.fields().kind_source, KindSource::Rules);
}

/// Real Apple-signed profiles with both layers, by path; none where they are not at hand.
fn real_profiles() -> Vec<(PathBuf, Vec<u8>)> {
    let Some(folder) = data("profiles/apple") else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|e| e == "mobileprovision" || e == "provisionprofile")
        })
        .collect();
    files.sort();
    let whole = files.into_iter().map(|path| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    });
    whole
        .filter(|(_, bytes)| {
            bytes
                .windows(19)
                .any(|window| window == b"DER-Encoded-Profile")
        })
        .collect()
}

/// The property list that a profile signs.
fn content_of(bytes: &[u8]) -> Vec<u8> {
    cms::parse(bytes).unwrap().content.unwrap().to_vec()
}

/// A property list signed anew by the right role of a hierarchy.
fn signed_anew(content: Vec<u8>, hierarchy: &Hierarchy) -> Vec<u8> {
    let role = Role::IosProfiles;
    let signer = Signer::new(
        hierarchy.signer(role),
        Hash::Sha1,
        at("2026-01-01T10:00:00Z"),
    );
    SignedData::new(content, signer, &hierarchy.issuers(role)).to_der()
}

#[test]
fn real_profiles_signed_anew_are_refused_and_say_why() {
    let apple_alone = Verifier::new(Anchors::apple());
    for (path, bytes) in real_profiles().iter().step_by(29) {
        let content = content_of(bytes);
        let anew = signed_anew(content.clone(), Hierarchy::impostor());
        assert_eq!(
            codes(&anew, &apple_alone),
            ["profile-anchor-not-apple"],
            "{}",
            path.display()
        );

        let forger = Hierarchy::impostor().self_signed(Role::IosProfiles);
        let mut forged = SignedData::new(
            content.clone(),
            Signer::new(forger.clone(), Hash::Sha1, at("2026-01-01T10:00:00Z")),
            &[],
        );
        forged.certificates = vec![forger.der.to_vec()];
        assert_eq!(
            codes(&forged.to_der(), &apple_alone),
            ["profile-not-trusted"],
            "{}",
            path.display()
        );

        let acme = Hierarchy::acme();
        let leaf = acme.developer(&LeafSpec::new(LeafKind::AppleDistribution));
        let signer = Signer::new(leaf, Hash::Sha1, at("2026-06-01T10:00:00Z"));
        let swapped =
            SignedData::new(content, signer, &[acme.wwdr_g3.clone(), acme.root.clone()]).to_der();
        assert_eq!(
            codes(&swapped, &verifier()),
            ["profile-signer-role"],
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_inner_layer_of_one_real_profile_in_another_disagrees() {
    let profiles: Vec<_> = real_profiles().into_iter().step_by(17).collect();
    for pair in profiles.windows(2) {
        let [(_, lender), (path, borrower)] = pair else {
            continue;
        };
        let read = |bytes: &[u8]| {
            Value::from_reader_xml(content_of(bytes).as_slice())
                .unwrap()
                .into_dictionary()
                .unwrap()
        };
        let mut plist = read(borrower);
        let mut content = Vec::new();
        Value::Dictionary(plist.clone())
            .to_writer_xml(&mut content)
            .unwrap();
        // Signed anew as it is, it proves: what is refused below is the swap, nothing else.
        assert_eq!(
            codes(&signed_anew(content, Hierarchy::acme()), &verifier()),
            Vec::<&str>::new(),
            "{}",
            path.display()
        );
        plist.insert(
            "DER-Encoded-Profile".to_owned(),
            read(lender)["DER-Encoded-Profile"].clone(),
        );
        let mut content = Vec::new();
        Value::Dictionary(plist)
            .to_writer_xml(&mut content)
            .unwrap();
        let swapped = signed_anew(content, Hierarchy::acme());
        assert_eq!(
            codes(&swapped, &verifier()),
            ["profile-layers-disagree"],
            "{}",
            path.display()
        );
    }
}

#[test]
fn real_profiles_with_one_field_changed_in_place_are_refused() {
    let apple_alone = Verifier::new(Anchors::apple());
    for (path, bytes) in real_profiles().iter().step_by(23) {
        let mut changed = 0;
        for key in [
            "AppIDName",
            "Name",
            "UUID",
            "TeamName",
            "TeamIdentifier",
            "ExpirationDate",
            "CreationDate",
            "TimeToLive",
        ] {
            let tag = format!("<key>{key}</key>");
            let Some(start) = bytes
                .windows(tag.len())
                .position(|window| window == tag.as_bytes())
            else {
                continue;
            };
            // The first digit of its value, or else its first letter.
            let value = start + tag.len();
            let text = bytes[value..]
                .iter()
                .position(|byte| *byte == b'>')
                .map(|offset| value + offset + 1)
                .unwrap();
            let Some(offset) = bytes[text..text + 40]
                .iter()
                .position(u8::is_ascii_alphanumeric)
            else {
                continue;
            };
            let mut tampered = bytes.clone();
            tampered[text + offset] ^= 0x01;
            let codes = codes(&tampered, &apple_alone);
            assert_eq!(
                codes.first(),
                Some(&"profile-signature-invalid"),
                "{} {key}: {codes:?}",
                path.display()
            );
            changed += 1;
        }
        assert!(
            changed >= 5,
            "{}: only {changed} fields were found",
            path.display()
        );
    }
}
