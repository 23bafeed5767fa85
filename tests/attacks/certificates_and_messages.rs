//! Signed messages and certificates that OpenSSL or the system refuses: garbage where an algorithm belongs, broken lists, entities.
//!
//! `tests/openssl_verdicts` asks OpenSSL about thousands of damaged files; here stand the ones that mean something, each in a
//! profile of Acme's that proves as it is.

use countersign::apple::property_list;
use countersign::base::finding::Code;
use forge::ber::Element;
use forge::certificate::{CertificateSpec, Extension, Identity, Name, attribute, extension};
use forge::cms::{SignedData, Signer};
use forge::der;
use forge::flaw::{Flaw, Layer};
use forge::hierarchy::{Hierarchy, Role, at};
use forge::key::{Hash, Key};
use support::{blocking, rocket, verifier};

use countersign::apple::anchors::Anchors;
use countersign::apple::certificate::Certificate;
use countersign::apple::profile;
use countersign::apple::signed_message::Verifier;

/// Where the parts of a message stand.
const DIGEST_ALGORITHMS: &[usize] = &[1, 0, 1];
const CERTIFICATES: &[usize] = &[1, 0, 3];
const SIGNER: &[usize] = &[1, 0, 4, 0];

const SHA_1: &str = "1.3.14.3.2.26";
const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
const RSA: &str = "1.2.840.113549.1.1.1";
const EC_KEY: &str = "1.2.840.10045.2.1";
const ECDSA_WITH_SHA_256: &str = "1.2.840.10045.4.3.2";

/// An honest profile, whose outer layer is signed with SHA-256, as a tree.
fn honest() -> Element {
    let profile = rocket()
        .with(Flaw::Digest(Layer::Outer, Hash::Sha256))
        .mint();
    assert_eq!(codes(&profile), Vec::<&str>::new());
    Element::read(&profile)
}

/// The codes for which a file is refused; none if it proves.
fn codes(file: &[u8]) -> Vec<&'static str> {
    match profile::prove(file, &verifier()) {
        Ok(_) => Vec::new(),
        Err(unproven) => blocking(&unproven.findings),
    }
}

/// The profile with these bytes at a place of its outer layer is refused because of its signature.
#[track_caller]
fn refused(path: &[usize], bytes: &[u8]) {
    let file = honest().to_der_with(path, bytes);
    let invalid = Code::ProfileSignatureInvalid.as_str();
    let unreadable = Code::ProfileUnreadable.as_str();
    let codes = codes(&file);
    assert!(codes == [invalid] || codes == [unreadable], "{codes:?}");
}

/// With one more element at the end of a part.
#[track_caller]
fn refused_with(path: &[usize], more: Vec<u8>) {
    let profile = honest();
    let part = profile.at(path);
    let members = part.children().iter().flat_map(Element::to_der);
    let members: Vec<u8> = members.chain(more).collect();
    refused(path, &der::tlv(part.tag, members));
}

/// With one more element behind a part.
#[track_caller]
fn refused_behind(path: &[usize], more: Vec<u8>) {
    let part = honest().at(path).to_der();
    refused(path, &[part, more].concat());
}

#[test]
fn garbage_in_place_of_the_digest_algorithms_is_refused() {
    refused(DIGEST_ALGORITHMS, &der::tlv(0x31, []));
    for garbage in [
        der::null(),
        der::utf8("junk"),
        der::sequence::<&[u8]>([]),
        der::algorithm("1.2.3.4"),
        der::sequence([der::oid(SHA_256), der::utf8("junk")]),
        der::sequence([der::tlv(0x06, [0x80, 1])]),
        vec![0xff, 0xff],
    ] {
        refused(DIGEST_ALGORITHMS, &der::tlv(0x31, &garbage));
        refused_with(DIGEST_ALGORITHMS, garbage);
    }
}

#[test]
fn digest_algorithms_without_the_signer_s_own_are_refused() {
    refused(
        DIGEST_ALGORITHMS,
        &der::set_of([der::algorithm_null(SHA_1)]),
    );
    // Others beside it do no harm: OpenSSL and Apple compute them all.
    let both = der::set_of([der::algorithm_null(SHA_1), der::algorithm_null(SHA_256)]);
    assert_eq!(
        codes(&honest().to_der_with(DIGEST_ALGORITHMS, &both)),
        Vec::<&str>::new()
    );
}

#[test]
fn an_algorithm_of_elliptic_curves_with_a_key_of_rsa_is_refused() {
    let algorithm = [SIGNER, &[4]].concat();
    refused(&algorithm, &der::algorithm(ECDSA_WITH_SHA_256));
    refused(&algorithm, &der::algorithm(EC_KEY));
    refused(&algorithm, &der::algorithm_null(EC_KEY));
}

#[test]
fn an_algorithm_of_rsa_with_a_key_on_an_elliptic_curve_is_refused() {
    let acme = Hierarchy::acme();
    let role = Role::InnerProfiles;
    let signer = Signer::new(acme.signer(role), Hash::Sha256, at("2026-01-01T10:00:00Z"));
    let content = rocket().inner_payload();
    let message = SignedData::new(content, signer, &acme.issuers(role)).to_der();
    let prove = |message: &[u8]| {
        let message = countersign::apple::cms::parse(message).unwrap();
        let layer = countersign::apple::profile_signer::Layer::Inner;
        countersign::apple::profile_signer::LayerProof::prove(&message, layer, &verifier())
    };
    prove(&message).unwrap();
    let message = Element::read(&message);
    for algorithm in [RSA, "1.2.840.113549.1.1.11"] {
        let changed =
            message.to_der_with(&[SIGNER, &[4]].concat(), &der::algorithm_null(algorithm));
        assert!(prove(&changed).is_err(), "{algorithm}");
    }
}

#[test]
fn algorithms_with_parameters_are_refused() {
    for junk in [
        der::integer(7),
        der::sequence::<&[u8]>([]),
        der::oid("1.2.3"),
        vec![5, 1, 0],
    ] {
        refused(
            &[SIGNER, &[2]].concat(),
            &der::sequence([der::oid(SHA_256), junk.clone()]),
        );
        refused(
            &[SIGNER, &[4]].concat(),
            &der::sequence([der::oid(RSA), junk]),
        );
    }
}

#[test]
fn a_signature_with_another_digest_than_the_content_s_is_refused() {
    // sha384WithRSAEncryption over attributes that hold a SHA-256 digest: Apple's reader has no algorithm for such a pair,
    // and OpenSSL takes the digest of the content for both.
    let profile = honest();
    let attributes = profile.at(&[SIGNER, &[3]].concat());
    let signed: Vec<u8> = attributes
        .children()
        .iter()
        .flat_map(Element::to_der)
        .collect();
    let key = Hierarchy::acme().signer(Role::IosProfiles).key;
    let signature = key.sign(Hash::Sha384, &der::tlv(0x31, signed));
    let algorithm = der::algorithm_null("1.2.840.113549.1.1.12");
    let changed = profile.to_der_with(&[SIGNER, &[4]].concat(), &algorithm);
    let changed = Element::read(&changed);
    let file = changed.to_der_with(&[SIGNER, &[5]].concat(), &der::octets(signature));
    assert_eq!(codes(&file), INVALID);
}

#[test]
fn algorithms_other_than_those_that_were_signed_are_refused() {
    // Without the parameter that its attribute of RFC 6211 has, it is the same; with another algorithm it is not.
    let algorithm = [SIGNER, &[4]].concat();
    let profile = honest();
    let unchanged = profile.to_der_with(&algorithm, &der::algorithm(RSA));
    assert_eq!(codes(&unchanged), Vec::<&str>::new());
    refused(&algorithm, &der::algorithm_null("1.2.840.113549.1.1.11"));
}

#[test]
fn junk_in_place_of_revocation_lists_is_refused() {
    let certificate = honest().at(&[1, 0, 3, 0]).to_der();
    for junk in [
        der::null(),
        der::utf8("junk"),
        der::integer(1),
        der::sequence::<&[u8]>([]),
        der::context(1, der::null()),
        certificate,
        vec![0xff, 0xff],
    ] {
        refused_behind(CERTIFICATES, der::context(1, junk));
    }
}

#[test]
fn junk_among_the_certificates_is_refused() {
    for junk in [
        der::null(),
        der::integer(7),
        der::utf8("junk"),
        der::sequence::<&[u8]>([]),
        der::context(0, der::null()),
        der::context(3, der::utf8("junk")),
        der::context_primitive(0, "junk"),
    ] {
        refused_with(CERTIFICATES, junk);
    }
}

#[test]
fn attributes_that_nobody_signed_are_refused() {
    let attribute = der::sequence([der::oid("1.2.3"), der::set_of([der::null()])]);
    for junk in [attribute, der::null(), der::utf8("junk")] {
        refused_behind(&[SIGNER, &[5]].concat(), der::context(1, junk));
    }
}

#[test]
fn padded_numbers_and_identifiers_are_refused() {
    refused(&[1, 0, 0], &[2, 2, 0, 1]);
    refused(&[SIGNER, &[0]].concat(), &[2, 2, 0, 1]);
    refused(
        &[SIGNER, &[2, 0]].concat(),
        &[6, 10, 0x80, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1],
    );
}

/// The signer of outer layers and its authority, changed and signed again, in a chain of Acme's.
struct Signers {
    signer: Identity,
    authority: Identity,
}

impl Signers {
    fn new() -> Self {
        let acme = Hierarchy::acme();
        Self {
            signer: acme.signer(Role::IosProfiles),
            authority: acme.iphone_authority.clone(),
        }
    }

    /// The codes for which a profile by this signer is refused.
    fn codes(&self) -> Vec<&'static str> {
        self.codes_under(&Hierarchy::acme().root, Hash::Sha256)
    }

    fn codes_under(&self, root: &Identity, hash: Hash) -> Vec<&'static str> {
        let mut spec = rocket();
        spec.inner = false;
        let signer = Signer::new(self.signer.clone(), hash, spec.created);
        let issuers = [self.authority.clone(), root.clone()];
        let message = SignedData::new(spec.plist().into_bytes(), signer, &issuers).to_der();
        let root = Certificate::from_der(&root.der).unwrap();
        match profile::prove(&message, &Verifier::new(Anchors::with_extra([root]))) {
            Ok(_) => Vec::new(),
            Err(unproven) => blocking(&unproven.findings),
        }
    }

    /// With these bytes at a place in the authority's `tbsCertificate`, which the root signs again.
    fn with_authority(path: &[usize], bytes: &[u8]) -> Self {
        let Self { signer, authority } = Self::new();
        let certificate = Element::read(&authority.der);
        let signed = certificate.at(&[0]).to_der_with(path, bytes);
        let root = &Hierarchy::acme().root.key;
        let authority = authority.with_signed_part(&signed, root);
        Self { signer, authority }
    }

    /// With one more extension of the authority.
    fn with_authority_s(extension: &[u8]) -> Self {
        let certificate = Element::read(&Self::new().authority.der);
        let extensions = certificate.at(&[0, 7, 0]).children().iter();
        let extensions = extensions
            .flat_map(Element::to_der)
            .chain(extension.iter().copied());
        let extensions = der::tlv(0x30, extensions.collect::<Vec<u8>>());
        Self::with_authority(&[7, 0], &extensions)
    }
}

const UNTRUSTED: [&str; 1] = ["profile-not-trusted"];
const INVALID: [&str; 1] = ["profile-signature-invalid"];

#[test]
fn the_chain_that_is_damaged_below_is_sound() {
    assert_eq!(Signers::new().codes(), Vec::<&str>::new());
    let unchanged = Element::read(&Signers::new().authority.der)
        .at(&[0, 1])
        .to_der();
    assert_eq!(
        Signers::with_authority(&[1], &unchanged).codes(),
        Vec::<&str>::new()
    );
}

#[test]
fn a_certificate_whose_signature_names_another_kind_of_key_is_refused() {
    // Signed by a key of RSA, ecdsa-with-SHA256 inside and outside.
    let Signers { signer, authority } = Signers::new();
    let certificate = Element::read(&authority.der);
    let algorithm = der::algorithm(ECDSA_WITH_SHA_256);
    let signed = certificate.at(&[0]).to_der_with(&[2], &algorithm);
    let signature = der::bits(Hierarchy::acme().root.key.sign(Hash::Sha256, &signed));
    let authority = Identity {
        der: der::sequence([signed, algorithm, signature]).into(),
        ..authority
    };
    assert_eq!(Signers { signer, authority }.codes(), INVALID);
}

/// Never worked.
#[test]
fn a_certificate_whose_algorithm_differs_inside_and_outside_is_refused() {
    for other in [
        der::algorithm("1.2.840.113549.1.1.11"),
        der::algorithm_null("1.2.840.113549.1.1.12"),
        der::sequence([der::oid("1.2.840.113549.1.1.11"), der::integer(7)]),
    ] {
        assert_eq!(Signers::with_authority(&[2], &other).codes(), INVALID);
    }
}

#[test]
fn a_key_whose_algorithm_does_not_fit_is_refused() {
    let key_algorithm = [6, 0];
    for other in [
        der::algorithm_null(EC_KEY),
        der::sequence([der::oid(EC_KEY), der::oid("1.2.840.10045.3.1.7")]),
        der::sequence([der::oid(RSA), der::integer(7)]),
        der::sequence([der::oid(RSA), vec![5, 1, 0]]),
        der::sequence([der::oid(RSA), der::null(), der::null()]),
    ] {
        assert_eq!(
            Signers::with_authority(&key_algorithm, &other).codes(),
            INVALID
        );
    }
}

#[test]
fn what_stands_behind_a_part_of_a_certificate_is_refused() {
    let certificate = Element::read(&Signers::new().authority.der);
    for path in [
        &[0][..],
        &[4],
        &[4, 1],
        &[5, 0, 0],
        &[6],
        &[6, 1],
        &[7, 0, 0],
        &[7, 0, 0, 1],
    ] {
        let part = certificate.at(&[&[0], path].concat());
        let behind = [part.to_der(), der::null()].concat();
        let signers = Signers::with_authority(path, &behind);
        assert!(!signers.codes().is_empty(), "{path:?}");
    }
}

#[test]
fn a_limit_that_stands_twice_or_cannot_be_read_is_refused() {
    let unlimited = extension::make("2.5.29.19", true, &der::sequence([der::boolean(true)]));
    assert_eq!(
        Signers::with_authority_s(&unlimited).codes(),
        INVALID,
        "which one counts?"
    );
    for (oid, value) in [
        ("2.5.29.30", der::utf8("junk")),
        ("2.5.29.37", der::null()),
        ("2.5.29.17", der::sequence([der::null()])),
    ] {
        let junk = extension::make(oid, false, &value);
        assert_eq!(Signers::with_authority_s(&junk).codes(), INVALID, "{oid}");
    }
}

#[test]
fn an_authority_whose_key_is_another_than_the_one_that_is_named_is_refused() {
    // Its subjectKeyIdentifier is not the one in the signer's authorityKeyIdentifier, though the key is the same.
    let certificate = Element::read(&Signers::new().authority.der);
    let id = der::oid("2.5.29.14");
    let extensions = certificate.at(&[0, 7, 0]).children();
    let position = extensions.iter().position(|it| it.at(&[0]).to_der() == id);
    let other = extension::make("2.5.29.14", false, &der::octets([7; 20]));
    let signers = Signers::with_authority(&[7, 0, position.unwrap()], &other);
    assert_eq!(signers.codes(), UNTRUSTED);
}

/// A root that a policy could name, with an authority and a signer below it that have the markers of iOS profiles.
struct Rehearsal {
    root: Identity,
    signers: Signers,
}

impl Rehearsal {
    /// With these extensions beside the usual ones: of the root, the authority and the signer.
    fn new(
        of_root: Vec<Extension>,
        of_authority: Vec<Extension>,
        of_signer: Vec<Extension>,
    ) -> Self {
        let spec = |name: &str, extensions: Vec<Extension>| CertificateSpec {
            subject: Name::new()
                .utf8(attribute::ORGANIZATION, "Acme")
                .utf8(attribute::COMMON_NAME, name),
            serial: forge::certificate::serial(name, 8),
            validity: (at("2020-01-01T00:00:00Z"), at("2050-01-01T00:00:00Z")),
            extensions,
            hash: Hash::Sha256,
        };
        let certifies = || extension::signs_certificates();
        let is_authority = |own: &[Extension]| {
            // Whoever brings basicConstraints brings its own.
            let limited = extension::authority(Some(0));
            let Extension::Ready(limited) = limited else {
                unreachable!()
            };
            let brings = own
                .iter()
                .any(|it| matches!(it, Extension::Ready(der) if *der == limited));
            if brings {
                vec![]
            } else {
                vec![extension::authority(None)]
            }
        };
        let root = [is_authority(&of_root), vec![certifies()], of_root].concat();
        let root = spec("Root", root).self_sign(&Key::p256("rehearsal root"));
        let marker = extension::marker("1.2.840.113635.100.6.2.18", false);
        let authority = [
            is_authority(&of_authority),
            vec![certifies(), marker],
            of_authority,
        ]
        .concat();
        let authority =
            spec("Authority", authority).issue(&Key::p256("rehearsal authority"), &root);
        let marker = extension::marker(Role::IosProfiles.marker(), false);
        let signer = [vec![extension::signs_data(), marker], of_signer].concat();
        let signer = spec("Signer", signer).issue(&Key::p256("rehearsal signer"), &authority);
        Self {
            root,
            signers: Signers { signer, authority },
        }
    }

    fn codes(&self) -> Vec<&'static str> {
        self.signers.codes_under(&self.root, Hash::Sha256)
    }
}

/// The extensions of a root, an authority and a signer, of which one has this one.
fn each_in_turn(extension: &Extension) -> [Rehearsal; 3] {
    let one = || vec![extension.clone()];
    [
        Rehearsal::new(one(), vec![], vec![]),
        Rehearsal::new(vec![], one(), vec![]),
        Rehearsal::new(vec![], vec![], one()),
    ]
}

#[test]
fn a_policy_s_anchor_proves_what_it_may() {
    assert_eq!(
        Rehearsal::new(vec![], vec![], vec![]).codes(),
        Vec::<&str>::new()
    );
    for purpose in ["1.3.6.1.5.5.7.3.3", "2.5.29.37.0"] {
        for rehearsal in each_in_turn(&extension::purpose(purpose)) {
            assert_eq!(rehearsal.codes(), Vec::<&str>::new(), "{purpose}");
        }
    }
}

#[test]
fn a_policy_s_anchor_for_other_purposes_proves_no_profile() {
    // TLS servers, mail, timestamps.
    for purpose in [
        "1.3.6.1.5.5.7.3.1",
        "1.3.6.1.5.5.7.3.4",
        "1.3.6.1.5.5.7.3.8",
    ] {
        for rehearsal in each_in_turn(&extension::purpose(purpose)) {
            assert_eq!(rehearsal.codes(), UNTRUSTED, "{purpose}");
        }
    }
}

/// Never worked.
#[test]
fn the_path_length_of_a_policy_s_anchor_is_kept() {
    let none_below = vec![extension::authority(Some(0))];
    assert_eq!(
        Rehearsal::new(none_below.clone(), vec![], vec![]).codes(),
        UNTRUSTED
    );
    // The authority's own: there is none below it.
    assert_eq!(
        Rehearsal::new(vec![], none_below, vec![]).codes(),
        Vec::<&str>::new()
    );
}

#[test]
fn the_name_constraints_of_a_policy_s_anchor_are_kept() {
    let organization = |name: &str| {
        der::context(
            4,
            Name::new()
                .printable(attribute::ORGANIZATION, name)
                .to_der(),
        )
    };
    let permitted = |name: Vec<u8>| extension::name_constraints(&[name], &[]);
    let excluded = |name: Vec<u8>| extension::name_constraints(&[], &[name]);
    let host = || der::context_primitive(2, "acme.example");
    for (constraint, is_kept) in [
        (permitted(organization("ACME")), true),
        (permitted(organization("Rival")), false),
        (excluded(organization("acme")), false),
        (excluded(organization("Rival")), true),
        (permitted(host()), true),
        (excluded(host()), true),
    ] {
        let expected: &[&str] = if is_kept { &[] } else { &UNTRUSTED };
        let [root, authority, _] = each_in_turn(&constraint);
        assert_eq!(root.codes(), expected);
        assert_eq!(authority.codes(), expected);
    }
    // Constraints that are not critical are constraints.
    let value = der::sequence([der::context(1, der::sequence([organization("Acme")]))]);
    let loose = Extension::Ready(extension::make("2.5.29.30", false, &value));
    let [root, authority, _] = each_in_turn(&loose);
    assert_eq!(
        (root.codes(), authority.codes()),
        (UNTRUSTED.to_vec(), UNTRUSTED.to_vec())
    );
}

#[test]
fn a_constraint_that_nobody_knows_refuses_under_a_policy_s_anchor() {
    let unknown = Extension::Ready(extension::make("1.2.3.4", true, &der::null()));
    let policies = der::sequence([der::context_primitive(0, [0])]);
    let policies = Extension::Ready(extension::make("2.5.29.36", false, &policies));
    for rehearsal in [each_in_turn(&unknown), each_in_turn(&policies)]
        .into_iter()
        .flatten()
    {
        assert_eq!(rehearsal.codes(), UNTRUSTED);
    }
}

/// An XML property list with this value, and what is put in front of `<plist>`.
fn list(front: &str, value: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{front}<plist version=\"1.0\">{value}</plist>\n").into()
}

#[track_caller]
fn not_a_list(bytes: &[u8]) {
    let read = property_list::read(bytes, 64 * 1024);
    assert!(
        read.is_err(),
        "{}: {read:?}",
        String::from_utf8_lossy(bytes)
    );
}

#[test]
fn entities_of_a_property_list_s_own_are_refused() {
    const APPLE_S: &str = "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";
    property_list::read(&list(APPLE_S, "<string>a&amp;&#98;</string>"), 1024).unwrap();
    let value = "<string>com.acme.rocket</string>";
    for front in [
        "<!DOCTYPE plist [<!ENTITY x \"evil\">]>",
        "<!DOCTYPE plist [ ]>",
        "<!DOCTYPE plist SYSTEM \"file:///etc/passwd\" [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>",
        // For CoreFoundation the first `>` ends it.
        "<!DOCTYPE plist SYSTEM \">\">",
        "<!DOCTYPE plist><!DOCTYPE plist>",
        "<!ENTITY x \"evil\">",
    ] {
        not_a_list(&list(front, value));
    }
    for value in [
        "<string>&evil;</string>",
        "<dict><key>&evil;</key><true/></dict>",
        "<string>a<!DOCTYPE plist>b</string>",
        "<array><!DOCTYPE plist><string>a</string></array>",
        "<data>AA&evil;==</data>",
        "<array>&evil;</array>",
    ] {
        not_a_list(&list("", value));
    }
}

#[test]
fn what_corefoundation_reads_in_another_way_or_not_at_all_is_refused() {
    for value in [
        "<string>a<!-- b -->c</string>",
        "<string>a<?b?>c</string>",
        "<string a=\">\">b</string>",
        "<true>a</true>",
        "<array><true><string>a</string></true></array>",
        "<x:string xmlns:x=\"a\">b</x:string>",
        "<array><string>a</string><!-- -- --></array>",
        "<plist><string>a</string></plist>",
        "<date>2026-01-01T00:00:00+01:00</date>",
        "<date>2026-01-01T00:00:00.5Z</date>",
    ] {
        not_a_list(&list("", value));
    }
    for bytes in [
        &b"<plist version=\"1.0\"><string>a</string>"[..],
        b"<?xml version=\"1.0\" encoding=\"UTF-7\"?><plist><string>a</string></plist>",
        b"<?xml version=\"1.0\" encoding='ISO-8859-1'?><plist><string>a</string></plist>",
        b"<plist><string>a</string></plist><!DOCTYPE plist>",
    ] {
        not_a_list(bytes);
    }
}
