//! Damaged certificates: the notary's, its office's and the root's, signed again by whoever signed them.

use forge::ber::Element;
use forge::certificate::extension;
use forge::der;
use forge::key::{Hash, Key};

use super::chain::{Chain, name, signed};
use super::damage::{damages, place};
use super::{Openssl, Verdicts};

/// Why we refuse a damaged signer that OpenSSL takes.
const OF_SIGNERS: &[(&str, &str)] = &[
    CERTIFICATE,
    LINK,
    ("NotAllowed", "Apple refuses a certificate without a name"),
    ("Role", "OpenSSL knows no roles"),
    (
        "SignerNotBundled",
        "the signer is found by the bytes of its issuer and serial number",
    ),
    (
        "expected a certificate",
        "what is no certificate ends the reading of the message",
    ),
];

/// Why we refuse a damaged authority that OpenSSL takes.
const OF_AUTHORITIES: &[(&str, &str)] = &[
    CERTIFICATE,
    LINK,
    (
        "IssuerNotBundled",
        "names of issuers are compared byte by byte, so one in a longer encoding is another",
    ),
    (
        "NotAllowed",
        "a certificate without a purpose that we know may not sign code",
    ),
    ("Role", "OpenSSL knows no roles"),
    (
        "expected a certificate",
        "what is no certificate ends the reading of the message",
    ),
];

/// Why we refuse a damaged root that OpenSSL takes.
const OF_ROOTS: &[(&str, &str)] = &[
    CERTIFICATE,
    ("Anchor", "a root names itself in the very same bytes"),
    (
        "IssuerNotBundled",
        "names of issuers are compared byte by byte, so one in a longer encoding is another",
    ),
    (
        "Link",
        "a root has signed itself, which OpenSSL checks on request only",
    ),
    (
        "NotAllowed",
        "a root says that it is an authority and signs certificates",
    ),
];

/// Why we refuse a damaged extension that OpenSSL takes.
const OF_EXTENSIONS: &[(&str, &str)] = &[
    CERTIFICATE,
    (
        "NotAllowed",
        "a certificate without a purpose that we know may not sign code",
    ),
];

/// Why we refuse what OpenSSL takes of a key of RSA.
const OF_RSA: &[(&str, &str)] = &[
    CERTIFICATE,
    (
        "Link",
        "algorithms and keys have no parameters but NULL, and nothing stands behind a key",
    ),
];

const CERTIFICATE: (&str, &str) = (
    "Certificate",
    "a certificate is DER, and its signed part and what we know of its extensions have no loose parts",
);
const LINK: (&str, &str) = (
    "Link",
    "algorithms of signatures have no parameters but NULL",
);

/// A chain with every extension that we read.
fn chain(key: fn(&str) -> Key) -> Chain {
    let usual = || {
        vec![
            extension::purpose("1.3.6.1.5.5.7.3.3"),
            extension::access(
                Some("http://certs.acme.example/a.der"),
                "http://ocsp.acme.example",
            ),
            extension::revocations("http://crl.acme.example/a.crl"),
            extension::policy("a notice", "http://pki.acme.example"),
            extension::alternative_names(&[name(2, "acme.example"), name(1, "ca@acme.example")]),
        ]
    };
    let constraints =
        extension::name_constraints(&[name(2, "acme.example")], &[name(1, "evil.example")]);
    let mut of_office = usual();
    of_office.push(constraints);
    Chain::new(key, [usual(), of_office, usual()])
}

/// Where the encoded value of an extension stands in a certificate, if it is one that we read.
fn value_of(certificate: &Element, extension: usize) -> Option<(Vec<usize>, Element)> {
    let path = [0, 7, 0, extension];
    let parts = certificate.at(&path).children();
    let oid = parts[0].to_der();
    let is_marker = oid.starts_with(&der::oid("1.2.840.113635.100")[2..]);
    let value = parts.len() - 1;
    let path = [&path[..], &[value]].concat();
    (!is_marker).then(|| (path, Element::read(parts[value].contents())))
}

/// Damage to a certificate: what is done, the path of an element, and what it is written as.
type Change = (String, Vec<usize>, Vec<u8>);

/// Every damage to the elements of a certificate whose paths begin so.
fn damage_to(certificate: &Element, beginning: &[usize]) -> Vec<Change> {
    let mut found = Vec::new();
    for path in certificate.paths() {
        if path.starts_with(beginning) {
            for (what, bytes) in damages(certificate.at(&path)) {
                found.push((format!("{}: {what}", place(&path)), path.clone(), bytes));
            }
        }
    }
    found
}

/// Every damage to the values of its extensions.
fn damage_to_values(certificate: &Element) -> Vec<Change> {
    let mut found = Vec::new();
    for extension in 0..certificate.at(&[0, 7, 0]).children().len() {
        let Some((outer, value)) = value_of(certificate, extension) else {
            continue;
        };
        for path in value.paths() {
            for (what, bytes) in damages(value.at(&path)) {
                let bytes = der::octets(value.to_der_with(&path, &bytes));
                let what = format!(
                    "{} in the value: {what}",
                    place(&[&outer[..], &path].concat())
                );
                found.push((what, outer.clone(), bytes));
            }
        }
    }
    found
}

/// Judges a certificate of the chain with each of these changes.
fn judge(chain: &Chain, position: usize, changes: Vec<Change>, verdicts: &mut Verdicts) {
    let Some(openssl) = Openssl::new() else {
        return;
    };
    let issuer = &chain.0[(position + 1).min(2)].key;
    let identity = &chain.0[position];
    let certificate = Element::read(&identity.der);
    let mut count = |what: &str, der: Vec<u8>| {
        let mut ders = chain.ders();
        ders[position] = der;
        let theirs = openssl.takes_chain(&ders, signed());
        verdicts.count(what, chain.judge(&ders), theirs);
    };
    let signed_part = certificate.at(&[0]);
    for (what, path, bytes) in changes {
        match path.as_slice() {
            [0, inside @ ..] if !inside.is_empty() => {
                let signed_part = signed_part.to_der_with(inside, &bytes);
                count(
                    &what,
                    identity.with_signed_part(&signed_part, issuer).der.to_vec(),
                );
            }
            [1, inside @ ..] => {
                count(&what, certificate.to_der_with(&path, &bytes));
                // The algorithm, inside and outside alike.
                let algorithm = certificate.at(&[1]).to_der_with(inside, &bytes);
                let signed_part = signed_part.to_der_with(&[2], &algorithm);
                let signature = der::bits(issuer.sign(Hash::Sha256, &signed_part));
                let der = der::sequence([signed_part, algorithm, signature]);
                count(&format!("inside and outside {what}"), der);
            }
            _ => count(&what, certificate.to_der_with(&path, &bytes)),
        }
    }
}

/// The chain, and one of its certificates.
fn part(key: fn(&str) -> Key, position: usize) -> Option<(Chain, Element)> {
    let openssl = Openssl::new()?;
    let chain = chain(key);
    assert_eq!(chain.judge(&chain.ders()), Ok(()));
    assert!(openssl.takes_chain(&chain.ders(), signed()));
    let certificate = Element::read(&chain.0[position].der);
    Some((chain, certificate))
}

/// Every damage to one certificate's own parts.
#[track_caller]
fn damaged(position: usize, stricter: &[(&str, &str)]) {
    let Some((chain, certificate)) = part(Key::p256, position) else {
        return;
    };
    let mut verdicts = Verdicts::default();
    judge(
        &chain,
        position,
        damage_to(&certificate, &[]),
        &mut verdicts,
    );
    assert!(verdicts.both_take > 50, "{}", verdicts.both_take);
    assert!(verdicts.both_refuse > 400, "{}", verdicts.both_refuse);
    verdicts.hold(stricter);
}

#[test]
fn a_damaged_signer() {
    damaged(0, OF_SIGNERS);
}

#[test]
fn a_damaged_authority() {
    damaged(1, OF_AUTHORITIES);
}

#[test]
fn a_damaged_root() {
    damaged(2, OF_ROOTS);
}

#[test]
fn damaged_extensions() {
    let Some((chain, certificate)) = part(Key::p256, 1) else {
        return;
    };
    let mut verdicts = Verdicts::default();
    judge(&chain, 1, damage_to_values(&certificate), &mut verdicts);
    assert!(verdicts.both_take > 50, "{}", verdicts.both_take);
    assert!(verdicts.both_refuse > 200, "{}", verdicts.both_refuse);
    verdicts.hold(OF_EXTENSIONS);
}

#[test]
fn damaged_algorithms_of_rsa() {
    let Some((chain, certificate)) = part(Key::rsa, 1) else {
        return;
    };
    let mut verdicts = Verdicts::default();
    for beginning in [&[0, 2][..], &[0, 6], &[1]] {
        judge(&chain, 1, damage_to(&certificate, beginning), &mut verdicts);
    }
    assert!(verdicts.both_refuse > 100, "{}", verdicts.both_refuse);
    verdicts.hold(OF_RSA);
}
