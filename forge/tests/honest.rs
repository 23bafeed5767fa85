//! The forge mints what Apple would have: held against OpenSSL, against RFC 6979 and, where they are at hand, against
//! real profiles.
//!
//! A test that proves the library with forged files proves nothing if the forge and the library share a mistake; these
//! tests are why they do not.

// Test support outside of #[test] functions panics as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use forge::ber::Element;
use forge::certificate::Identity;
use forge::flaw::{Flaw, Layer, Place};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec, Role, at};
use forge::key::ec::{Curve, EcKey};
use forge::key::{Hash, Key};
use forge::p12::{Form, P12Spec};
use forge::profile::{Kind, ProfileSpec};
use plist::Value;

/// A directory for one test, gone afterwards.
struct Bench(tempfile::TempDir);

impl Bench {
    /// None, with a word about it, where there is no OpenSSL.
    fn new() -> Option<Bench> {
        // Its words are compared below; LibreSSL and earlier ones use others.
        let version = openssl(&["version".as_ref()]).map(|output| output.stdout);
        if !version.is_some_and(|version| version.starts_with(b"OpenSSL 3")) {
            eprintln!("skipped: no OpenSSL 3 on this machine");
            return None;
        }
        Some(Bench(tempfile::tempdir().unwrap()))
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// What `openssl cms -verify` says of a layer under Acme's anchors; the content if it verifies.
    fn verify(&self, cms: &[u8]) -> Result<Vec<u8>, String> {
        let file = self.put("layer", cms);
        let anchors = self.put("anchors.pem", Hierarchy::acme().anchors_pem());
        let content = self.0.path().join("content");
        let signing_time = at("2026-01-01T10:00:00Z").as_second().to_string();
        let output = openssl(&[
            "cms".as_ref(),
            "-verify".as_ref(),
            "-binary".as_ref(),
            // Apple's markers are critical on developers' certificates.
            "-ignore_critical".as_ref(),
            // The instant of signing, as the library does, and not this machine's clock.
            "-attime".as_ref(),
            signing_time.as_ref(),
            "-inform".as_ref(),
            "DER".as_ref(),
            "-purpose".as_ref(),
            "any".as_ref(),
            "-in".as_ref(),
            file.as_ref(),
            "-CAfile".as_ref(),
            anchors.as_ref(),
            "-out".as_ref(),
            content.as_ref(),
        ])
        .unwrap();
        if output.status.success() {
            Ok(std::fs::read(content).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// What `openssl x509 -text` prints of a certificate.
    fn text(&self, identity: &Identity) -> String {
        let file = self.put("certificate", &identity.der);
        let arguments = ["x509", "-inform", "DER", "-noout", "-text", "-in"];
        let mut arguments: Vec<&Path> = arguments.iter().map(Path::new).collect();
        arguments.push(&file);
        let output = openssl(&arguments).unwrap();
        assert!(output.status.success(), "{output:?}");
        // Releases differ in the blanks around the sign.
        String::from_utf8(output.stdout)
            .unwrap()
            .replace(" = ", "=")
    }
}

/// Runs OpenSSL; none where there is none.
#[allow(clippy::disallowed_methods)] // The oracle of these tests is another program.
fn openssl(arguments: &[&Path]) -> Option<Output> {
    Command::new("openssl").args(arguments).output().ok()
}

/// The real profiles, where they are at hand.
fn real_profiles() -> Option<PathBuf> {
    let data = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/data/profiles/apple"
    ));
    if data.is_dir() {
        return Some(data.to_owned());
    }
    eprintln!("skipped: no ../shared/data on this machine");
    None
}

/// The dictionary that a CMS holds, taken out without verifying anything.
fn plist_of(cms: &[u8]) -> plist::Dictionary {
    let content = content_of(cms);
    Value::from_reader_xml(content.as_slice())
        .unwrap()
        .into_dictionary()
        .unwrap()
}

fn content_of(cms: &[u8]) -> Vec<u8> {
    Element::read(cms).at(&[1, 0, 2, 1, 0]).contents().to_vec()
}

fn inner_of(cms: &[u8]) -> Vec<u8> {
    plist_of(cms)["DER-Encoded-Profile"]
        .as_data()
        .unwrap()
        .to_vec()
}

/// One of every kind.
fn every_kind() -> Vec<ProfileSpec> {
    let ios = [
        Kind::Development,
        Kind::AdHoc,
        Kind::AppStore,
        Kind::Enterprise,
    ];
    let mac = [Kind::Development, Kind::AppStore, Kind::DeveloperId];
    let ios = ios
        .iter()
        .map(|kind| ProfileSpec::ios(*kind, "com.acme.rocket"));
    ios.chain(
        mac.iter()
            .map(|kind| ProfileSpec::mac(*kind, "com.acme.rocket")),
    )
    .collect()
}

#[test]
fn openssl_accepts_both_layers_of_every_kind() {
    let Some(bench) = Bench::new() else { return };
    for spec in every_kind() {
        let file = spec.mint();
        let content = bench.verify(&file).unwrap();
        assert_eq!(content, spec.plist().into_bytes(), "{}", spec.name);
        let payload = bench.verify(&inner_of(&file)).unwrap();
        assert_eq!(payload, spec.inner_payload(), "{}", spec.name);
    }
}

#[test]
fn openssl_accepts_the_odd_but_sound() {
    let Some(bench) = Bench::new() else { return };
    let spec = || ProfileSpec::ios(Kind::AppStore, "com.acme.rocket");
    for (what, spec) in [
        ("BER", spec().with(Flaw::Ber(Layer::Outer, 1000))),
        (
            "BER throughout",
            spec().with(Flaw::BerThroughout(Layer::Outer, 77)),
        ),
        (
            "SHA-256",
            spec().with(Flaw::Digest(Layer::Outer, Hash::Sha256)),
        ),
        (
            "no signing time",
            spec().with(Flaw::NoSigningTime(Layer::Outer)),
        ),
        (
            "no signed attributes",
            spec().with(Flaw::NoSignedAttributes(Layer::Outer)),
        ),
        (
            "root not bundled",
            spec().with(Flaw::MissingRoot(Layer::Outer)),
        ),
        ("two signers", spec().with(Flaw::TwoSigners(Layer::Outer))),
        (
            "another content type: OpenSSL does not compare",
            spec().with(Flaw::WrongContentType(Layer::Outer)),
        ),
        (
            "role swapped: OpenSSL pins none",
            spec().with(Flaw::RoleSwapped(Layer::Outer)),
        ),
    ] {
        let content = bench
            .verify(&spec.mint())
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(content, spec.plist().into_bytes(), "{what}");
    }
}

#[test]
fn openssl_refuses_the_flawed_for_the_right_reason() {
    let Some(bench) = Bench::new() else { return };
    let spec = || ProfileSpec::ios(Kind::AppStore, "com.acme.rocket");
    let tampered = |place| Flaw::Tampered(Layer::Outer, place);
    for (flaw, reason) in [
        (Flaw::Forged(Layer::Outer), "self-signed certificate"),
        (
            Flaw::WrongAnchor(Layer::Outer),
            "self-signed certificate in certificate chain",
        ),
        (
            Flaw::Impostor(Layer::Outer),
            "self-signed certificate in certificate chain",
        ),
        (
            Flaw::MissingIntermediate(Layer::Outer),
            "unable to get local issuer certificate",
        ),
        (
            Flaw::SignerNotBundled(Layer::Outer),
            "signer certificate not found",
        ),
        (
            Flaw::NoCertificates(Layer::Outer),
            "signer certificate not found",
        ),
        (Flaw::SignerExpired(Layer::Outer), "certificate has expired"),
        (
            Flaw::SignerNotYetValid(Layer::Outer),
            "certificate is not yet valid",
        ),
        (
            Flaw::WrongMessageDigest(Layer::Outer),
            "verification failure",
        ),
        (Flaw::MissingMessageDigest(Layer::Outer), "attribute error"),
        (Flaw::MissingContentType(Layer::Outer), "attribute error"),
        (Flaw::NoSigner(Layer::Outer), "no signers"),
        (Flaw::Detached(Layer::Outer), "no content"),
        (tampered(Place::Key("Name")), "verification failure"),
        (
            tampered(Place::Key("ExpirationDate")),
            "verification failure",
        ),
        (tampered(Place::MessageDigest), "verification failure"),
        (tampered(Place::SigningTime), "verification failure"),
        (tampered(Place::Signature), "verification failure"),
        (
            tampered(Place::IntermediateKey),
            "certificate signature failure",
        ),
    ] {
        let Err(error) = bench.verify(&spec().with(flaw).mint()) else {
            panic!("accepted; expected {reason:?}");
        };
        assert!(error.contains(reason), "expected {reason:?} in {error}");
    }
    let error = bench
        .verify(&spec().with(tampered(Place::SignerKey)).mint())
        .unwrap_err();
    assert!(error.contains("CMS Verification failure"), "{error}");
}

#[test]
fn a_flaw_of_the_inner_layer_leaves_the_outer_one_sound() {
    let Some(bench) = Bench::new() else { return };
    let other = ProfileSpec::ios(Kind::AppStore, "com.acme.other");
    for flaw in [
        Flaw::Forged(Layer::Inner),
        Flaw::WrongAnchor(Layer::Inner),
        Flaw::MissingIntermediate(Layer::Inner),
        Flaw::SignerExpired(Layer::Inner),
        Flaw::MissingMessageDigest(Layer::Inner),
        Flaw::Tampered(Layer::Inner, Place::Key("Name")),
        Flaw::Tampered(Layer::Inner, Place::Signature),
        Flaw::Tampered(Layer::Inner, Place::SignerKey),
        Flaw::Tampered(Layer::Inner, Place::IntermediateKey),
    ] {
        let file = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket")
            .with(flaw)
            .mint();
        bench.verify(&file).unwrap();
        bench.verify(&inner_of(&file)).unwrap_err();
    }
    let swapped = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket")
        .with(Flaw::InnerOf(Box::new(other.clone())));
    let file = swapped.mint();
    bench.verify(&file).unwrap();
    assert_eq!(
        bench.verify(&inner_of(&file)).unwrap(),
        other.inner_payload()
    );
}

#[test]
fn openssl_shows_the_markers_of_every_role() {
    let Some(bench) = Bench::new() else { return };
    let acme = Hierarchy::acme();
    for role in [
        Role::IosProfiles,
        Role::IosProfilesBefore2025,
        Role::MacProfiles,
        Role::InnerProfiles,
    ] {
        let text = bench.text(&acme.signer(role));
        assert!(text.contains(&format!("{}: \n", role.marker())), "{text}");
        assert!(text.contains("CN=Acme Rehearsal"), "{text}");
        assert!(
            text.contains("CA:FALSE") && text.contains("Digital Signature"),
            "{text}"
        );
    }
    for (authority, marker) in [
        (&acme.iphone_authority, "1.2.840.113635.100.6.2.18: \n"),
        (&acme.wwdr_g3, "1.2.840.113635.100.6.2.1: \n"),
        (&acme.developer_id_authority, "1.2.840.113635.100.6.2.6: \n"),
        (
            &acme.system_integration_authority,
            "1.2.840.113635.100.6.2.17: \n",
        ),
    ] {
        let text = bench.text(authority);
        assert!(
            text.contains(marker) && text.contains("CA:TRUE") && text.contains("Certificate Sign"),
            "{text}"
        );
    }
}

#[test]
fn openssl_shows_a_developer_s_certificate_as_apple_makes_it() {
    let Some(bench) = Bench::new() else { return };
    let text =
        bench.text(&Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution)));
    for expected in [
        "CN=\"Apple Distribution: Acme Rockets, Inc (ACME4CI001)\"",
        "OU=ACME4CI001",
        "UID=ACME4CI001",
        "Code Signing",
        "1.2.840.113635.100.6.1.7: critical",
        "1.2.840.113635.100.6.1.4: critical",
        "Not After : Jan  1 00:00:00 2056 GMT",
    ] {
        assert!(text.contains(expected), "expected {expected:?} in {text}");
    }
}

#[test]
fn an_impostor_s_signer_bears_apple_s_very_name() {
    let forger = Hierarchy::impostor().self_signed(Role::IosProfiles);
    assert_eq!(
        forger.common_name(),
        "Apple iPhone OS Provisioning Profile Signing"
    );
    assert_eq!(forger.subject.to_der(), forger.issuer.to_der());
}

#[test]
fn nonces_and_signatures_are_those_of_rfc_6979() {
    // Appendix A.2.5, message "sample", and A.2.6 with SHA-384.
    let p256 = EcKey::from_hex(
        Curve::P256,
        "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    );
    let (r, s) = p256.sign_numbers(Hash::Sha256, b"sample");
    assert_eq!(
        hex(&r),
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    );
    assert_eq!(
        hex(&s),
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    );
    let p384 = EcKey::from_hex(
        Curve::P384,
        "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
    );
    let (r, s) = p384.sign_numbers(Hash::Sha384, b"sample");
    assert_eq!(
        hex(&r),
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46"
    );
    assert_eq!(
        hex(&s),
        "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn the_same_sources_mint_the_same_bytes() {
    let mint = || ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket").mint();
    assert_eq!(mint(), mint());
    assert_eq!(
        Key::rsa("a").sign(Hash::Sha1, b"m"),
        Key::rsa("a").sign(Hash::Sha1, b"m")
    );
    // Whoever changes how things grow from labels changes every fixture: this notices it first.
    assert_eq!(
        forge::stream::uuid("label"),
        "9356a363-b3a6-43a4-a02b-e87622832680"
    );
}

#[test]
fn the_shapes_are_those_of_real_profiles() {
    let Some(data) = real_profiles() else { return };
    for (real, ours) in [
        (
            "148d9f2e-0d21-4ed7-84f0-8eefbf93e43d.mobileprovision",
            ProfileSpec::ios(Kind::AppStore, "com.acme.rocket"),
        ),
        (
            "07d0a480-3d21-4f71-aeb6-1eef4bef2e78.provisionprofile",
            ProfileSpec::mac(Kind::AppStore, "com.acme.rocket"),
        ),
        (
            "25a9d1c2-0d0b-4193-a66d-a8770b60d55a.provisionprofile",
            ProfileSpec::mac(Kind::DeveloperId, "com.acme.rocket"),
        ),
    ] {
        let theirs = std::fs::read(data.join(real)).unwrap();
        let file = ours.mint();
        assert_eq!(frame(&file), frame(&theirs), "outer layer of {real}");
        assert_eq!(
            frame(&inner_of(&file)),
            frame(&inner_of(&theirs)),
            "inner layer of {real}"
        );
        let (ours, theirs) = (plist_of(&file), plist_of(&theirs));
        assert_eq!(
            Vec::from_iter(ours.keys()),
            Vec::from_iter(theirs.keys()),
            "keys of {real}"
        );
        let leaf = |plist: &plist::Dictionary| {
            let certificates = plist["DeveloperCertificates"].as_array().unwrap();
            timeless(&Element::read(certificates[0].as_data().unwrap()).shape())
        };
        assert_eq!(leaf(&ours), leaf(&theirs), "certificate in {real}");
    }
}

/// The shape of a layer, its certificates in an order that does not depend on their sizes.
fn frame(cms: &[u8]) -> String {
    let info = Element::read(cms);
    let mut out = String::new();
    for child in info.at(&[1, 0]).children() {
        if child.tag == 0xa0 {
            let mut certificates: Vec<String> =
                child.children().iter().map(Element::shape).collect();
            certificates.sort();
            out.push_str(&certificates.concat());
        } else {
            out.push_str(&child.shape());
        }
    }
    timeless(&out)
}

/// Real certificates end before 2050 and have UTCTime throughout; ours last longer.
fn timeless(shape: &str) -> String {
    shape.replace("18\n", "17\n")
}

#[test]
fn the_inner_facts_have_the_types_of_real_ones() {
    let Some(data) = real_profiles() else { return };
    let theirs =
        std::fs::read(data.join("25a9d1c2-0d0b-4193-a66d-a8770b60d55a.provisionprofile")).unwrap();
    let theirs = facts(&content_of(&inner_of(&theirs)));
    let ours = facts(&ProfileSpec::mac(Kind::DeveloperId, "com.acme.rocket").inner_payload());
    let keys = |facts: &[(String, Element)]| {
        let mut keys: Vec<String> = facts.iter().map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&ours), keys(&theirs));
    for (key, value) in &ours {
        let (_, real) = theirs.iter().find(|(known, _)| known == key).unwrap();
        if key != "Entitlements" {
            assert_eq!(value.shape(), real.shape(), "{key}");
        }
    }
    // Entitlements differ in number: their frame and the type of each that both have do not.
    let entitlements = |facts: &[(String, Element)]| {
        let (_, value) = facts.iter().find(|(key, _)| key == "Entitlements").unwrap();
        assert_eq!(
            (value.tag, value.at(&[0]).contents(), value.at(&[1]).tag),
            (0x70, &[1][..], 0xb0)
        );
        pairs(value.at(&[1]))
    };
    let real = entitlements(&theirs);
    for (key, value) in entitlements(&ours) {
        let (_, real) = real.iter().find(|(known, _)| *known == key).unwrap();
        assert_eq!(value.shape(), real.shape(), "{key}");
    }
}

fn facts(payload: &[u8]) -> Vec<(String, Element)> {
    let set = Element::read(payload);
    assert_eq!(set.tag, 0x31);
    pairs(&set)
}

fn pairs(element: &Element) -> Vec<(String, Element)> {
    let pair = |pair: &Element| {
        let key = String::from_utf8(pair.at(&[0]).contents().to_vec()).unwrap();
        (key, pair.at(&[1]).clone())
    };
    element.children().iter().map(pair).collect()
}

#[test]
fn every_disagreement_is_about_exactly_its_field() {
    for (key, flaw) in Flaw::every_disagreement() {
        let honest = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket");
        let flawed = honest.clone().with(flaw);
        let (before, after) = (
            facts(&honest.inner_payload()),
            facts(&flawed.inner_payload()),
        );
        let changed: Vec<&String> = after
            .iter()
            .filter(|fact| !before.contains(fact))
            .map(|(key, _)| key)
            .collect();
        assert_eq!(changed, [key]);
        assert_eq!(honest.fields(), flawed.fields());
    }
}

const PASSWORD: &str = "correct horse";

/// Acme's distribution identity.
fn distribution() -> Identity {
    Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution))
}

impl Bench {
    /// What `openssl pkcs12` takes out of a file: PEM, or what it says.
    fn open(&self, p12: &[u8], password: &str) -> Result<String, String> {
        let file = self.put("file.p12", p12);
        let password = self.put("password", password);
        let source = format!("file:{}", password.display());
        let out = self.0.path().join("opened.pem");
        let mut arguments: Vec<&Path> = ["pkcs12", "-legacy", "-nodes", "-passin", &source, "-in"]
            .map(Path::new)
            .to_vec();
        arguments.extend([file.as_path(), Path::new("-out"), &out]);
        let output = openssl(&arguments).unwrap();
        if output.status.success() {
            Ok(std::fs::read_to_string(out).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// What `openssl pkcs12 -info` says of the algorithms in a file.
    fn algorithms(&self, p12: &[u8]) -> String {
        let file = self.put("file.p12", p12);
        let source = format!("pass:{PASSWORD}");
        let mut arguments: Vec<&Path> = [
            "pkcs12", "-legacy", "-info", "-noout", "-passin", &source, "-in",
        ]
        .map(Path::new)
        .to_vec();
        arguments.push(&file);
        String::from_utf8_lossy(&openssl(&arguments).unwrap().stderr).into_owned()
    }
}

#[test]
fn openssl_opens_p12s_of_every_form() {
    let Some(bench) = Bench::new() else { return };
    let acme = Hierarchy::acme();
    for (form, algorithms) in [
        (
            Form::MODERN,
            ["MAC: sha256", "AES-256-CBC", "hmacWithSHA256"],
        ),
        (
            Form::MODERN_WITH_OLD_MAC,
            ["MAC: sha1", "AES-256-CBC", "hmacWithSHA256"],
        ),
        (
            Form::LEGACY,
            [
                "MAC: sha1",
                "pbeWithSHA1And40BitRC2-CBC",
                "pbeWithSHA1And3-KeyTripleDES-CBC",
            ],
        ),
        (
            Form::LEGACY_WITH_NEW_MAC,
            [
                "MAC: sha256",
                "pbeWithSHA1And40BitRC2-CBC",
                "pbeWithSHA1And3-KeyTripleDES-CBC",
            ],
        ),
        (
            Form::TRIPLE_DES,
            [
                "MAC: sha1",
                "pbeWithSHA1And3-KeyTripleDES-CBC",
                "Iteration 2048",
            ],
        ),
    ] {
        let spec = P12Spec::new(PASSWORD, &distribution())
            .form(form)
            .chain(&[&acme.wwdr_g3, &acme.root]);
        let file = spec.write();
        let opened = bench.open(&file, PASSWORD).unwrap();
        assert_eq!(opened.matches("BEGIN CERTIFICATE").count(), 3, "{opened}");
        assert_eq!(opened.matches("BEGIN PRIVATE KEY").count(), 1, "{opened}");
        assert!(opened.contains(&distribution().pem()), "{opened}");
        let told = bench.algorithms(&file);
        for algorithm in algorithms {
            assert!(told.contains(algorithm), "expected {algorithm:?} in {told}");
        }
        let error = bench.open(&file, "wrong").unwrap_err();
        assert!(error.contains("invalid password"), "{error}");
    }
}

#[test]
fn openssl_counts_what_a_p12_holds() {
    let Some(bench) = Bench::new() else { return };
    let leaf = |label| {
        Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution).labelled(label))
    };
    let three = P12Spec::new(PASSWORD, &distribution())
        .and(&leaf("leaf 2"))
        .and(&leaf("leaf 3"));
    for (spec, keys, certificates) in [
        (three.clone(), 3, 3),
        (three.clone().form(Form::LEGACY), 3, 3),
        (three.without_keys(), 0, 3),
    ] {
        let opened = bench.open(&spec.write(), PASSWORD).unwrap();
        assert_eq!(
            opened.matches("BEGIN PRIVATE KEY").count(),
            keys,
            "{opened}"
        );
        assert_eq!(
            opened.matches("BEGIN CERTIFICATE").count(),
            certificates,
            "{opened}"
        );
    }
}

#[test]
fn a_p12_s_key_is_its_certificate_s() {
    let Some(bench) = Bench::new() else { return };
    let identity = distribution();
    let key = bench.put("key.der", identity.key.pkcs8());
    let arguments = [
        "pkey", "-inform", "DER", "-check", "-pubout", "-outform", "DER", "-in",
    ];
    let mut arguments: Vec<&Path> = arguments.map(Path::new).to_vec();
    arguments.push(&key);
    let output = openssl(&arguments).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.ends_with(&identity.key.public_key_info()));
}
