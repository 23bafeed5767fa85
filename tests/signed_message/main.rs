//! A signed message at an instant, beyond what profiles ask: detached content, an instant of the caller's, other roles,
//! longer chains, and bundles that were made to make work.

// Test support outside of #[test] functions panics as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod layers;

use countersign::apple::anchors::Anchors;
use countersign::apple::ber::Oid;
use countersign::apple::certificate::Certificate;
use countersign::apple::cms::{self, ID_DATA};
use countersign::apple::signature::DigestAlgorithm;
use countersign::apple::signed_message::{
    Authority, Content, Fault, MAX_CHAIN, Purpose, Requirements, RoleMarkers, SignedMessage,
    ValidAt, Verifier,
};
use forge::ber::Element;
use forge::certificate::{CertificateSpec, Extension, Identity, Name, attribute, extension};
use forge::cms::{SignedData, Signer};
use forge::der;
use forge::hierarchy::at;
use forge::key::{Hash, Key};
use jiff::Timestamp;

/// A role of these tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Notary;

const NOTARY: &str = "1.2.840.113635.100.6.99";
const OFFICE: &str = "1.2.840.113635.100.6.2.99";

const ROLES: &[RoleMarkers<Notary>] = &[RoleMarkers {
    role: Notary,
    leaf: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 99])),
    issuer: Authority {
        marker: Some(Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 99])),
        common_name: "Office",
    },
}];

const CONTENT: &[u8] = b"what was signed";

fn signed() -> Timestamp {
    at("2026-05-01T12:00:00Z")
}

fn name(common_name: &str) -> Name {
    Name::new().utf8(attribute::COMMON_NAME, common_name)
}

/// A certificate's particulars; `key` also tells certificates of one name apart.
fn spec(common_name: &str, key: &str, extensions: Vec<Extension>) -> CertificateSpec {
    CertificateSpec {
        subject: name(common_name),
        serial: forge::certificate::serial(key, 8),
        validity: (at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z")),
        extensions,
        hash: Hash::Sha256,
    }
}

fn authority(common_name: &str, path_length: Option<i64>) -> CertificateSpec {
    let extensions = vec![
        extension::authority(path_length),
        extension::signs_certificates(),
    ];
    spec(common_name, common_name, extensions)
}

fn office() -> CertificateSpec {
    let mut office = authority("Office", None);
    office.extensions.push(extension::marker(OFFICE, false));
    office
}

fn root() -> Identity {
    authority("Root", None).self_sign(&Key::p256("root"))
}

fn notary(issuer: &Identity) -> Identity {
    let extensions = vec![
        extension::leaf(),
        extension::signs_data(),
        extension::marker(NOTARY, false),
    ];
    spec("Notary", "notary", extensions).issue(&Key::p256("notary"), issuer)
}

/// `count` authorities below the root, the office at the end, and the notary that it issued: root first.
fn chain_of(count: usize) -> Vec<Identity> {
    let mut chain = vec![root()];
    for number in 0..count {
        let level = authority(&format!("Level {number}"), None);
        let issued = level.issue(
            &Key::p256(&format!("level {number}")),
            chain.last().unwrap(),
        );
        chain.push(issued);
    }
    chain.push(office().issue(&Key::p256("office"), chain.last().unwrap()));
    chain.push(notary(chain.last().unwrap()));
    chain
}

/// The last of `chain` signs; the others are bundled, and `more` beside them.
fn message(chain: &[Identity], more: &[Vec<u8>]) -> SignedData {
    let (signer, issuers) = chain.split_last().unwrap();
    let signer = Signer::new(signer.clone(), Hash::Sha256, signed());
    let mut message = SignedData::new(CONTENT.to_vec(), signer, issuers);
    message.certificates.extend_from_slice(more);
    message
}

fn verifier(roots: &[&Identity]) -> Verifier {
    let roots = roots.iter().map(|root| Certificate::from_der(&root.der));
    Verifier::new(Anchors::with_extra(roots.map(Result::unwrap)))
}

fn asked() -> Requirements<'static, Notary> {
    Requirements {
        content: Content::Attached,
        content_type: ID_DATA,
        digests: &[DigestAlgorithm::Sha256],
        roots: &[],
        longest_chain: MAX_CHAIN,
        roles: ROLES,
        valid_at: ValidAt::SigningTime,
        purpose: Purpose::Code,
        extras: &[],
    }
}

fn verify(
    message: &SignedData,
    asked: &Requirements<'_, Notary>,
    verifier: &Verifier,
) -> Result<SignedMessage<Notary>, Fault> {
    verifier.verify(&cms::parse(&message.to_der()).unwrap(), asked)
}

#[test]
fn it_says_who_signed_when_and_under_which_root() {
    let chain = chain_of(0);
    let proof = verify(&message(&chain, &[]), &asked(), &verifier(&[&chain[0]])).unwrap();
    assert_eq!(proof.role(), Notary);
    assert_eq!(*proof.signer().der, *chain[2].der);
    assert_eq!(proof.signing_time(), Some(signed()));
    assert_eq!(proof.instant(), signed());
    let issuers: Vec<_> = proof.issuers().iter().map(|c| c.der.to_vec()).collect();
    assert_eq!(issuers, [chain[1].der.to_vec(), chain[0].der.to_vec()]);
    assert_eq!(proof.anchor().as_bytes().as_slice(), chain[0].sha256());
}

#[test]
fn detached_content_is_the_content_that_is_given() {
    let chain = chain_of(0);
    let verifier = verifier(&[&chain[0]]);
    let mut detached = message(&chain, &[]);
    detached.attached = false;
    let beside = |content| Requirements {
        content: Content::Detached(content),
        ..asked()
    };
    verify(&detached, &beside(CONTENT), &verifier).unwrap();
    assert!(matches!(
        verify(&detached, &beside(b"something else"), &verifier),
        Err(Fault::Digest { .. })
    ));
    assert_eq!(
        verify(&detached, &asked(), &verifier).unwrap_err(),
        Fault::Detached
    );
    let attached = message(&chain, &[]);
    assert_eq!(
        verify(&attached, &beside(CONTENT), &verifier).unwrap_err(),
        Fault::NotDetached,
        "two contents: which one was signed?"
    );
}

#[test]
fn certificates_must_be_valid_at_the_instant_that_is_asked_for() {
    let chain = chain_of(0);
    let verifier = verifier(&[&chain[0]]);
    let mut message = message(&chain, &[]);
    let instant = |text| Requirements {
        valid_at: ValidAt::Instant(at(text)),
        ..asked()
    };
    let proof = verify(&message, &instant("2026-02-01T00:00:00Z"), &verifier).unwrap();
    assert_eq!(proof.instant(), at("2026-02-01T00:00:00Z"));
    assert_eq!(proof.signing_time(), Some(signed()));
    for outside in ["2025-12-31T23:59:59Z", "2027-01-01T00:00:00Z"] {
        assert!(matches!(
            verify(&message, &instant(outside), &verifier),
            Err(Fault::NotValid { .. })
        ));
    }
    // An instant of the caller's does not need the signer's.
    message.signers[0].signing_time = None;
    let proof = verify(&message, &instant("2026-02-01T00:00:00Z"), &verifier).unwrap();
    assert_eq!(proof.signing_time(), None);
    assert_eq!(
        verify(&message, &asked(), &verifier).unwrap_err(),
        Fault::NoAttribute("signing-time")
    );
}

#[test]
fn the_type_of_the_content_and_the_digests_are_the_caller_s() {
    let chain = chain_of(0);
    let verifier = verifier(&[&chain[0]]);
    let message = message(&chain, &[]);
    let other_type = Requirements {
        content_type: Oid(&[0x2a, 0x03]),
        ..asked()
    };
    assert_eq!(
        verify(&message, &other_type, &verifier).unwrap_err(),
        Fault::ContentType("1.2.840.113549.1.7.1".to_owned())
    );
    let other_digests = Requirements {
        digests: &[DigestAlgorithm::Sha384],
        ..asked()
    };
    assert!(matches!(
        verify(&message, &other_digests, &verifier),
        Err(Fault::Algorithm(_))
    ));
}

#[test]
fn a_chain_may_be_as_long_as_the_caller_says_and_never_longer_than_eight() {
    for authorities in 0..8 {
        let chain = chain_of(authorities);
        let verifier = verifier(&[&chain[0]]);
        let message = message(&chain, &[]);
        for longest in [3, 5, 8, 20] {
            let asked = Requirements {
                longest_chain: longest,
                ..asked()
            };
            let outcome = verify(&message, &asked, &verifier);
            if chain.len() <= longest.min(MAX_CHAIN) {
                assert_eq!(outcome.unwrap().issuers().len() + 1, chain.len());
            } else {
                assert!(
                    matches!(outcome, Err(Fault::Anchor { .. })),
                    "{} of {longest}: {outcome:?}",
                    chain.len()
                );
            }
        }
    }
}

#[test]
fn a_path_length_bounds_the_authorities_below() {
    let root = root();
    let below = |path_length| {
        let level = authority("Level", path_length).issue(&Key::p256("level"), &root);
        let office = office().issue(&Key::p256("office"), &level);
        let notary = notary(&office);
        [root.clone(), level, office, notary]
    };
    let verifier = verifier(&[&root]);
    verify(&message(&below(Some(1)), &[]), &asked(), &verifier).unwrap();
    let fault = verify(&message(&below(Some(0)), &[]), &asked(), &verifier).unwrap_err();
    assert!(
        matches!(&fault, Fault::NotAllowed { subject, .. } if subject == "Level"),
        "{fault:?}"
    );
}

#[test]
fn the_root_need_not_be_bundled() {
    let chain = chain_of(1);
    let verifier = verifier(&[&chain[0]]);
    let proof = verify(&message(&chain[1..], &[]), &asked(), &verifier).unwrap();
    assert_eq!(proof.issuers().len(), 3);
    let nobody_s = Verifier::new(Anchors::apple());
    assert!(matches!(
        verify(&message(&chain[1..], &[]), &asked(), &nobody_s),
        Err(Fault::IssuerNotBundled { .. })
    ));
}

#[test]
fn a_wrong_issuer_of_the_right_name_hides_no_right_one() {
    let chain = chain_of(0);
    let root = &chain[0];
    let verifier = verifier(&[root]);
    // Of the office's name and key, but expired; of its name and key, but no authority; of its name alone; of its name and
    // key, but under another root; of its name and key, but for another purpose of Apple's.
    let mut expired = office();
    expired.validity.1 = at("2026-04-01T00:00:00Z");
    let no_authority = spec("Office", "office", vec![extension::marker(OFFICE, false)]);
    let other_root = authority("Root", None).self_sign(&Key::p256("another root"));
    let mut other_purpose = authority("Office", None);
    let marker = extension::marker("1.2.840.113635.100.6.2.98", false);
    other_purpose.extensions.push(marker);
    let wrong = [
        expired.issue(&Key::p256("office"), root),
        no_authority.issue(&Key::p256("office"), root),
        office().issue(&Key::p256("another office"), root),
        office().issue(&Key::p256("office"), &other_root),
        other_root.clone(),
        other_purpose.issue(&Key::p256("office"), root),
    ];
    let wrong: Vec<Vec<u8>> = wrong.iter().map(|identity| identity.der.to_vec()).collect();
    let message = message(&chain, &wrong);
    let encoded = message.to_der();
    let mut parsed = cms::parse(&encoded).unwrap();
    for _ in 0..parsed.certificates.len() {
        parsed.certificates.rotate_left(1);
        verifier.verify(&parsed, &asked()).unwrap();
        parsed.certificates.reverse();
        verifier.verify(&parsed, &asked()).unwrap();
    }
    // Without the right one, each is refused for what it is.
    let expected: [fn(&Fault) -> bool; 6] = [
        |fault| matches!(fault, Fault::NotValid { .. }),
        |fault| matches!(fault, Fault::NotAllowed { .. }),
        |fault| matches!(fault, Fault::Link { .. }),
        |fault| matches!(fault, Fault::Link { .. }),
        |fault| matches!(fault, Fault::IssuerNotBundled { .. }),
        |fault| matches!(fault, Fault::Role { .. }),
    ];
    for (wrong, is_expected) in wrong.iter().zip(expected) {
        let mut message = message.clone();
        message.certificates = vec![chain[2].der.to_vec(), wrong.clone()];
        let fault = verify(&message, &asked(), &verifier).unwrap_err();
        assert!(is_expected(&fault), "{fault:?}");
    }
}

#[test]
fn a_root_that_issues_a_signer_itself_gives_it_no_role() {
    let root = root();
    let chain = [root.clone(), notary(&root)];
    assert!(matches!(
        verify(&message(&chain, &[]), &asked(), &verifier(&[&root])),
        Err(Fault::Role { .. })
    ));
}

#[test]
fn only_a_root_ends_a_chain() {
    // The office itself is believed, but not the root above it.
    let chain = chain_of(0);
    let outcome = verify(&message(&chain, &[]), &asked(), &verifier(&[&chain[1]]));
    assert!(matches!(outcome, Err(Fault::Anchor { .. })), "{outcome:?}");
}

#[test]
fn a_bundle_made_to_make_work_is_given_up() {
    // Authorities of one name and one key, each of which signed all the others: every order of them is a chain.
    let key = Key::p256("ring");
    let ring = |serial: usize| {
        let mut link = authority("Office", None);
        link.serial = forge::certificate::serial(&serial.to_string(), 8);
        link.extensions.push(extension::marker(OFFICE, false));
        link.issue_as(&key, &name("Office"), &key)
    };
    let links: Vec<Vec<u8>> = (0..60).map(|serial| ring(serial).der.to_vec()).collect();
    let extensions = vec![extension::signs_data(), extension::marker(NOTARY, false)];
    let notary =
        spec("Notary", "notary", extensions).issue_as(&Key::p256("notary"), &name("Office"), &key);
    let other = root();
    let outcome = verify(
        &message(std::slice::from_ref(&notary), &links),
        &asked(),
        &verifier(&[&other]),
    );
    assert!(outcome.is_err(), "{outcome:?}");
    // Authorities that nobody issued, and half as many that could have issued each of them by their name alone.
    let stranger = Key::p256("stranger");
    let mut links: Vec<Vec<u8>> = Vec::new();
    for serial in 0..60_usize {
        let (subject, issuer, subject_key) = if serial.is_multiple_of(2) {
            ("Office", "Bureau", &key)
        } else {
            ("Bureau", "Root", &stranger)
        };
        let mut link = authority(subject, None);
        link.serial = forge::certificate::serial(&serial.to_string(), 8);
        link.extensions.push(extension::marker(OFFICE, false));
        links.push(link.issue_as(subject_key, &name(issuer), &key).der.to_vec());
    }
    assert_eq!(
        verify(&message(&[notary], &links), &asked(), &verifier(&[&other])).unwrap_err(),
        Fault::TooManyCandidates
    );
}

/// What a chain of three is made of. Every part can be another one.
#[derive(Clone)]
struct Parts {
    root: CertificateSpec,
    office: CertificateSpec,
    notary: CertificateSpec,
    /// Makes the keys.
    key: fn(&str) -> Key,
}

impl Parts {
    fn new() -> Self {
        let extensions = vec![
            extension::leaf(),
            extension::signs_data(),
            extension::marker(NOTARY, false),
        ];
        Self {
            root: authority("Root", None),
            office: office(),
            notary: spec("Notary", "notary", extensions),
            key: Key::p256,
        }
    }

    fn chain(&self) -> [Identity; 3] {
        let root = self.root.self_sign(&(self.key)("root"));
        let office = self.office.issue(&(self.key)("office"), &root);
        let notary = self.notary.issue(&(self.key)("notary"), &office);
        [root, office, notary]
    }

    fn judge(&self) -> Result<SignedMessage<Notary>, Fault> {
        let chain = self.chain();
        verify(&message(&chain, &[]), &asked(), &verifier(&[&chain[0]]))
    }

    /// The certificates, the root first.
    fn all(&mut self) -> [&mut CertificateSpec; 3] {
        [&mut self.root, &mut self.office, &mut self.notary]
    }
}

#[track_caller]
fn not_allowed(parts: &Parts, subject: &str) {
    let fault = parts.judge().unwrap_err();
    assert!(
        matches!(&fault, Fault::NotAllowed { subject: whose, .. } if whose == subject),
        "{fault:?}"
    );
}

#[test]
fn an_authority_is_one_by_both_of_its_extensions() {
    Parts::new().judge().unwrap();
    for (position, name) in ["Root", "Office"].into_iter().enumerate() {
        let with = |extensions: Vec<Extension>| {
            let mut parts = Parts::new();
            let changed = &mut parts.all()[position].extensions;
            changed.retain(|it| !matches!(it, Extension::Ready(der) if is_of_authority(der)));
            changed.extend(extensions);
            parts
        };
        let both = vec![extension::authority(None), extension::signs_certificates()];
        with(both).judge().unwrap();
        // An authority that signs no certificates, one that is none but signs them, one that says nothing of itself.
        not_allowed(
            &with(vec![extension::authority(None), extension::signs_data()]),
            name,
        );
        not_allowed(
            &with(vec![extension::leaf(), extension::signs_certificates()]),
            name,
        );
        not_allowed(&with(vec![extension::signs_certificates()]), name);
        not_allowed(&with(Vec::new()), name);
        // Whoever does not say what its key is for may use it for all.
        with(vec![extension::authority(None)]).judge().unwrap();
    }
}

/// Whether an extension is basicConstraints or keyUsage.
fn is_of_authority(extension: &[u8]) -> bool {
    let oid = Element::read(extension).at(&[0]).to_der();
    [der::oid("2.5.29.19"), der::oid("2.5.29.15")].contains(&oid)
}

#[test]
fn a_signer_signs_data() {
    let mut parts = Parts::new();
    parts.notary.extensions = vec![
        extension::signs_certificates(),
        extension::marker(NOTARY, false),
    ];
    not_allowed(&parts, "Notary");
    parts.notary.extensions = vec![extension::marker(NOTARY, false)];
    parts.judge().unwrap();
}

#[test]
fn every_certificate_of_a_chain_is_valid_at_the_instant() {
    for position in 0..3 {
        for outside in [
            ("2026-05-01T12:00:01Z", "2026-12-31T00:00:00Z"),
            ("2026-01-01T00:00:00Z", "2026-05-01T11:59:59Z"),
        ] {
            let mut parts = Parts::new();
            let changed = &mut parts.all()[position];
            changed.validity = (at(outside.0), at(outside.1));
            let name = changed
                .subject
                .get(attribute::COMMON_NAME)
                .unwrap()
                .to_owned();
            let fault = parts.judge().unwrap_err();
            assert!(
                matches!(&fault, Fault::NotValid { subject, .. } if *subject == name),
                "{fault:?}"
            );
        }
        // Its first and its last second are its own.
        for inside in [
            ("2026-05-01T12:00:00Z", "2026-12-31T00:00:00Z"),
            ("2026-01-01T00:00:00Z", "2026-05-01T12:00:00Z"),
        ] {
            let mut parts = Parts::new();
            parts.all()[position].validity = (at(inside.0), at(inside.1));
            parts.judge().unwrap();
        }
    }
}

#[test]
fn a_role_is_the_signer_s_marker_and_the_authority_s() {
    let other = || extension::marker("1.2.840.113635.100.6.2.98", false);
    let without = |spec: &mut CertificateSpec, oid: &str| {
        let marker = der::oid(oid);
        spec.extensions.retain(
            |it| !matches!(it, Extension::Ready(der) if Element::read(der).at(&[0]).to_der() == marker),
        );
    };
    let is_role = |parts: &Parts| matches!(parts.judge(), Err(Fault::Role { .. }));
    let mut parts = Parts::new();
    without(&mut parts.notary, NOTARY);
    assert!(is_role(&parts), "a signer without its marker");
    let mut parts = Parts::new();
    without(&mut parts.office, OFFICE);
    parts.office.subject = name("Bureau");
    assert!(is_role(&parts), "another authority without a marker");
    parts.office.extensions.push(other());
    assert!(
        is_role(&parts),
        "another authority with a marker of its own"
    );
    parts.office.subject = name("Office");
    assert!(
        is_role(&parts),
        "an authority of the right name with another marker"
    );
    without(&mut parts.office, "1.2.840.113635.100.6.2.98");
    parts.judge().unwrap();
    let mut parts = Parts::new();
    parts.office.subject = name("Bureau");
    parts.judge().unwrap();
}

#[test]
fn the_signer_is_found_by_all_of_its_identifier() {
    let chain = Parts::new().chain();
    let verifier = verifier(&[&chain[0]]);
    let message = message(&chain, &[]);
    let instead = |notary: Identity, more: Vec<Vec<u8>>| {
        let mut message = message.clone();
        message.certificates = [vec![notary.der.to_vec(), chain[1].der.to_vec()], more].concat();
        verify(&message, &asked(), &verifier)
    };
    instead(chain[2].clone(), vec![]).unwrap();
    // The same key under the same name: of the same issuer with another serial number, and of another issuer with the same
    // one. Each of them would verify the signature and has a chain.
    let mut another_serial = Parts::new().notary;
    another_serial.serial = forge::certificate::serial("another", 8);
    let another_serial = another_serial.issue(&Key::p256("notary"), &chain[1]);
    assert_eq!(
        instead(another_serial, vec![]).unwrap_err(),
        Fault::SignerNotBundled
    );
    let mut bureau = office();
    bureau.subject = name("Bureau");
    let bureau = bureau.issue(&Key::p256("office"), &chain[0]);
    let another_issuer = Parts::new().notary.issue(&Key::p256("notary"), &bureau);
    let outcome = instead(another_issuer, vec![bureau.der.to_vec()]);
    assert_eq!(outcome.unwrap_err(), Fault::SignerNotBundled);
}

#[test]
fn the_signer_is_found_by_its_key_identifier() {
    let mut parts = Parts::new();
    parts.notary.extensions.push(Extension::SubjectKey);
    let chain = parts.chain();
    let verifier = verifier(&[&chain[0]]);
    let message = Element::read(&message(&chain, &[]).to_der());
    let named = |id: &[u8]| {
        let id = der::context_primitive(0, id);
        let message = message.to_der_with(&[1, 0, 4, 0, 1], &id);
        verifier.verify(&cms::parse(&message).unwrap(), &asked())
    };
    named(&chain[2].key.identifier()).unwrap();
    for other in [
        &[][..],
        &chain[2].key.identifier()[..19],
        &chain[1].key.identifier(),
    ] {
        assert!(matches!(
            named(other),
            Err(Fault::SignerNotBundled | Fault::Signature(_))
        ));
    }
}

#[test]
fn a_signer_that_issued_itself_is_none() {
    let [_, _, notary] = Parts::new().chain();
    let own = Parts::new().notary.self_sign(&notary.key);
    let message = message(std::slice::from_ref(&own), &[]);
    // Even if it is believed.
    assert_eq!(
        verify(&message, &asked(), &verifier(&[&own])).unwrap_err(),
        Fault::SelfSigned("Notary".to_owned())
    );
}

#[test]
fn an_anchor_that_is_no_root_ends_no_chain_of_any_length() {
    // The root's name, issued by another: the chain has as many certificates as are allowed.
    let other = root();
    let mut root = authority("Another Root", None);
    root.serial = forge::certificate::serial("cross", 8);
    let root = root.issue(&Key::p256("another root"), &other);
    let office = office().issue(&Key::p256("office"), &root);
    let notary = notary(&office);
    let chain = [root.clone(), office, notary];
    for longest_chain in [3, 4] {
        let asked = Requirements {
            longest_chain,
            ..asked()
        };
        let outcome = verify(&message(&chain, &[]), &asked, &verifier(&[&root]));
        assert!(
            matches!(
                outcome,
                Err(Fault::Anchor { .. } | Fault::IssuerNotBundled { .. })
            ),
            "{outcome:?}"
        );
    }
}

#[test]
fn an_anchor_has_signed_itself() {
    let stranger = Key::p256("stranger");
    let root = authority("Root", None).issue_as(&Key::p256("root"), &name("Root"), &stranger);
    let office = office().issue(&Key::p256("office"), &root);
    let chain = [root.clone(), office.clone(), notary(&office)];
    let outcome = verify(&message(&chain, &[]), &asked(), &verifier(&[&root]));
    assert!(matches!(outcome, Err(Fault::Link { .. })), "{outcome:?}");
}

#[test]
fn the_key_that_a_certificate_names_is_its_issuer_s() {
    for (what, is_right) in [(Key::p256("office"), true), (Key::p256("stranger"), false)] {
        let mut parts = Parts::new();
        parts.office.extensions.push(Extension::SubjectKey);
        let key_id = der::sequence([der::context_primitive(0, what.identifier())]);
        let named = extension::make("2.5.29.35", false, &key_id);
        parts.notary.extensions.push(Extension::Ready(named));
        assert_eq!(parts.judge().is_ok(), is_right);
        // Whoever has no identifier is not found by it.
        parts.office.extensions.pop();
        parts.judge().unwrap();
    }
    for (serial, is_right) in [(Parts::new().office.serial, true), (vec![1, 2, 3], false)] {
        let mut parts = Parts::new();
        let by_serial = der::sequence([der::context_primitive(2, serial)]);
        let named = extension::make("2.5.29.35", false, &by_serial);
        parts.notary.extensions.push(Extension::Ready(named));
        assert_eq!(parts.judge().is_ok(), is_right);
    }
}

#[test]
fn every_certificate_has_a_name() {
    let mut parts = Parts::new();
    parts.notary.subject = Name::new();
    not_allowed(&parts, "");
    let mut parts = Parts::new();
    parts.office.subject = Name::new();
    not_allowed(&parts, "");
}

/// RFC 5280 §6.1.4 (b): constraints are for all names below, but those of an authority that issued itself another certificate.
#[test]
fn name_constraints_are_for_the_signer_and_every_authority_below_but_one_that_issued_itself() {
    let without = |excluded: &str| {
        let excluded = der::context(4, name(excluded).to_der());
        extension::name_constraints(&[], &[excluded])
    };
    for (excluded, is_refused) in [("Office", true), ("Notary", true), ("Bureau", false)] {
        let mut parts = Parts::new();
        parts.root.extensions.push(without(excluded));
        let outcome = parts.judge();
        let is_not_allowed = matches!(outcome, Err(Fault::NotAllowed { .. }));
        assert_eq!(is_not_allowed, is_refused, "{excluded}: {outcome:?}");
        assert_eq!(outcome.is_err(), is_refused, "{excluded}");
    }
    let mut parts = Parts::new();
    parts.root.extensions.push(without("Root"));
    let root = parts.root.self_sign(&Key::p256("root"));
    let mut renewed = authority("Root", None);
    renewed.serial = forge::certificate::serial("renewed", 8);
    let renewed = renewed.issue(&Key::p256("renewed"), &root);
    let office = parts.office.issue(&Key::p256("office"), &renewed);
    let notary = parts.notary.issue(&Key::p256("notary"), &office);
    let chain = [root, renewed, office, notary];
    verify(&message(&chain, &[]), &asked(), &verifier(&[&chain[0]])).unwrap();
}
