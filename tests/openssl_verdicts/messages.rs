//! Damaged messages: both layers of a profile, with the digests that Apple uses.

use countersign::apple::cms;
use countersign::apple::profile_signer::{Layer, LayerProof};
use forge::ber::Element;
use forge::cms::{SignedData, Signer};
use forge::der;
use forge::hierarchy::{Hierarchy, Role, at};
use forge::key::Hash;
use jiff::Timestamp;

use super::damage::{damages, place};
use super::{Openssl, Verdicts, kind};

/// Why we refuse what OpenSSL takes.
const STRICTER: &[(&str, &str)] = &[
    (
        "Algorithm",
        "OpenSSL takes MD5, and any algorithm for a signature by an elliptic curve",
    ),
    ("Certificate", "a certificate is DER"),
    (
        "ContentType",
        "OpenSSL does not compare the type of the content with the signed one",
    ),
    (
        "Extra",
        "what nobody signed and nobody reads could say anything: Apple's profiles have none",
    ),
    (
        "SignerNotBundled",
        "the signer is found by the bytes of its issuer and serial number",
    ),
    ("Signers", "one signer says who signed, two do not"),
    (
        "expected an algorithm identifier",
        "a SET or SEQUENCE is constructed",
    ),
    (
        "expected an issuer name",
        "a SET or SEQUENCE is constructed",
    ),
    (
        "expected attribute values",
        "a SET or SEQUENCE is constructed",
    ),
    (
        "expected digestAlgorithms",
        "a SET or SEQUENCE is constructed",
    ),
    ("expected signerInfos", "a SET or SEQUENCE is constructed"),
    ("malformed INTEGER", "an integer has at least one byte"),
    ("unexpected data after ContentInfo", "a file is one message"),
    ("unknown SignedData", "versions are those of RFC 5652"),
    ("unknown SignerInfo", "versions are those of RFC 5652"),
];

fn signed() -> Timestamp {
    at("2026-01-01T10:00:00Z")
}

/// A layer, signed by whoever signs such layers, with the signer's issuer in it.
fn layer(layer: Layer, hash: Hash) -> Vec<u8> {
    let acme = Hierarchy::acme();
    let role = match layer {
        Layer::Outer => Role::IosProfiles,
        Layer::Inner => Role::InnerProfiles,
    };
    let signer = Signer::new(acme.signer(role), hash, signed());
    let [issuer, _] = acme.issuers(role);
    SignedData::new(b"what was signed".to_vec(), signer, &[issuer]).to_der()
}

fn ours(bytes: &[u8], layer: Layer) -> Result<(), String> {
    let verifier = support::verifier();
    let message = cms::parse(bytes).map_err(|error| kind(&error.to_string()))?;
    let proof = LayerProof::prove(&message, layer, &verifier);
    proof
        .map(drop)
        .map_err(|fault| kind(&format!("{:?}", fault.fault)))
}

/// A revocation list of nobody's.
fn revocation_list() -> Vec<u8> {
    let acme = Hierarchy::acme();
    let algorithm = acme.root.key.certificate_algorithm(Hash::Sha256);
    let list = der::sequence([
        algorithm.clone(),
        acme.root.subject.to_der(),
        der::time(signed()),
    ]);
    let signature = der::bits(acme.root.key.sign(Hash::Sha256, &list));
    der::sequence([list, algorithm, signature])
}

/// What a message may hold beside its signature, put where it would stand.
fn additions(message: &Element) -> Vec<(String, Vec<u8>)> {
    let certificates = [1, 0, 3];
    let bundle = message.at(&certificates).to_der();
    let behind_bundle = |more: Vec<u8>| {
        message.to_der_with(
            &certificates,
            &[bundle.clone(), der::context(1, more)].concat(),
        )
    };
    let certificate = message.at(&[1, 0, 3, 0]).to_der();
    let in_bundle = |more: Vec<u8>| {
        let members = message.at(&certificates).children().iter();
        let members: Vec<u8> = members.flat_map(Element::to_der).collect();
        message.to_der_with(&certificates, &der::context(0, [members, more].concat()))
    };
    let behind_signature = |more: Vec<u8>| {
        let signature = [1, 0, 4, 0, 5];
        let whole = message.at(&signature).to_der();
        message.to_der_with(&signature, &[whole, der::context(1, more)].concat())
    };
    let with_digests =
        |digests: &[Vec<u8>]| message.to_der_with(&[1, 0, 1], &der::tlv(0x31, digests.concat()));
    let attribute =
        |oid: &str, value: Vec<u8>| der::sequence([der::oid(oid), der::tlv(0x31, value)]);
    let own = message.at(&[1, 0, 1, 0]).to_der();
    let mut found = vec![
        ("no revocation lists", behind_bundle(Vec::new())),
        ("a revocation list", behind_bundle(revocation_list())),
        (
            "a certificate as revocation list",
            behind_bundle(certificate.clone()),
        ),
        ("a NULL as revocation list", behind_bundle(der::null())),
        ("text as revocation list", behind_bundle(der::utf8("junk"))),
        (
            "an empty list as revocation list",
            behind_bundle(der::sequence::<&[u8]>([])),
        ),
        (
            "revocation in another format",
            behind_bundle(der::context(
                1,
                [der::oid("1.3.6.1.5.5.7.16.2"), der::null()].concat(),
            )),
        ),
        ("bytes as revocation lists", behind_bundle(vec![0xff, 0xff])),
        ("the signer's certificate twice", in_bundle(certificate)),
        (
            "an attribute certificate",
            in_bundle(der::context(2, der::integer(1))),
        ),
        (
            "an extended certificate",
            in_bundle(der::context(0, der::integer(1))),
        ),
        (
            "a certificate in another format",
            in_bundle(der::context(3, [der::oid("1.2.3"), der::null()].concat())),
        ),
        ("text as certificate", in_bundle(der::utf8("junk"))),
        (
            "an empty certificate",
            in_bundle(der::sequence::<&[u8]>([])),
        ),
        ("no unsigned attributes", behind_signature(Vec::new())),
        (
            "an unsigned attribute",
            behind_signature(attribute("1.2.3", der::null())),
        ),
        (
            "text as unsigned attribute",
            behind_signature(der::utf8("junk")),
        ),
        (
            "an unsigned signing time",
            behind_signature(attribute("1.2.840.113549.1.9.5", der::time(signed()))),
        ),
        (
            "its digest twice",
            with_digests(&[own.clone(), own.clone()]),
        ),
        ("no digest", with_digests(&[])),
    ];
    for (name, oid) in [
        ("SHA-1", "1.3.14.3.2.26"),
        ("SHA-256", "2.16.840.1.101.3.4.2.1"),
        ("SHA-512", "2.16.840.1.101.3.4.2.3"),
        ("MD5", "1.2.840.113549.2.5"),
        ("an unknown digest", "1.2.3"),
    ] {
        found.push((name, with_digests(&[own.clone(), der::algorithm(oid)])));
    }
    found
        .into_iter()
        .map(|(what, bytes)| (format!("beside: {what}"), bytes))
        .collect()
}

#[test]
fn damaged_messages() {
    let Some(openssl) = Openssl::new() else {
        return;
    };
    let roots = Hierarchy::acme().anchors_pem();
    let mut verdicts = Verdicts::default();
    // Of the second the algorithms alone: the rest is the first one's.
    let algorithms: &[&[usize]] = &[&[1, 0, 1], &[1, 0, 4, 0, 2], &[1, 0, 4, 0, 4]];
    let all: &[&[usize]] = &[&[]];
    for (layer_of, hash, beginnings) in [
        (Layer::Outer, Hash::Sha1, all),
        (Layer::Outer, Hash::Sha256, algorithms),
        (Layer::Inner, Hash::Sha256, all),
    ] {
        let honest = layer(layer_of, hash);
        let message = Element::read(&honest);
        assert_eq!(ours(&honest, layer_of), Ok(()));
        let mut judge = |what: &str, bytes: &[u8]| {
            let theirs = openssl.takes_message(bytes, &roots, signed());
            let what = format!("{layer_of:?} {hash:?} {what}");
            verdicts.count(&what, ours(bytes, layer_of), theirs);
        };
        for (what, bytes) in additions(&message) {
            judge(&what, &bytes);
        }
        for path in message.paths() {
            // Certificates are damaged by themselves; their frames are part of the message.
            let is_inside_certificate = path.starts_with(&[1, 0, 3]) && path.len() > 5;
            if is_inside_certificate || !beginnings.iter().any(|part| path.starts_with(part)) {
                continue;
            }
            for (what, bytes) in damages(message.at(&path)) {
                judge(
                    &format!("{}: {what}", place(&path)),
                    &message.to_der_with(&path, &bytes),
                );
            }
        }
    }
    assert!(verdicts.both_take > 150, "{}", verdicts.both_take);
    assert!(verdicts.both_refuse > 2_000, "{}", verdicts.both_refuse);
    verdicts.hold(STRICTER);
}
