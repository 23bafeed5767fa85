//! What an authority or a root says of the certificates below it: names, purposes, path lengths, keys.

use forge::certificate::{Extension, Name, attribute, extension};
use forge::der;
use forge::key::Key;

use super::chain::{Chain, name, signed};
use super::{Openssl, Verdicts};

/// Why we refuse names that OpenSSL takes.
const OF_NAMES: &[(&str, &str)] = &[
    (
        "Certificate",
        "a network has an address and a mask, whether or not somebody has an address",
    ),
    (
        "NotAllowed",
        "a constraint that is not evaluated excludes everybody",
    ),
];

/// Why we refuse limits that OpenSSL takes.
const OF_LIMITS: &[(&str, &str)] = &[(
    "NotAllowed",
    "with any purpose, OpenSSL looks at no purposes, and at no policies unless it is asked to",
)];

/// `[4]` of a general name that is a distinguished one.
fn directory(name: &Name) -> Vec<u8> {
    der::context(4, name.to_der())
}

fn acme() -> Name {
    Name::new().utf8(attribute::ORGANIZATION, "Acme")
}

fn ip(bytes: &[u8]) -> Vec<u8> {
    der::context_primitive(7, bytes)
}

/// Names that constraints are about.
fn bases() -> Vec<Vec<u8>> {
    vec![
        directory(&acme()),
        directory(&Name::new().printable(attribute::ORGANIZATION, "ACME ")),
        directory(&Name::new().utf8(attribute::ORGANIZATION, "Rival")),
        directory(&acme().utf8(attribute::COMMON_NAME, "Notary")),
        directory(
            &acme()
                .utf8(attribute::COMMON_NAME, "Notary")
                .utf8(attribute::UNIT, "X"),
        ),
        directory(&Name::new()),
        name(2, "acme.example"),
        name(2, ".acme.example"),
        name(2, "rival.example"),
        name(2, ""),
        name(1, "acme.example"),
        name(1, ".acme.example"),
        name(1, "ci@acme.example"),
        name(1, "@acme.example"),
        name(6, "acme.example"),
        name(6, ".acme.example"),
        ip(&[10, 0, 0, 0, 255, 0, 0, 0]),
        ip(&[0; 32]),
        ip(&[10, 0, 0, 0]),
        der::context_primitive(8, [0x2a]),
    ]
}

/// What the signer is called beside its subject.
fn names() -> Vec<Vec<Vec<u8>>> {
    vec![
        vec![],
        vec![name(2, "ci.ACME.example")],
        vec![name(2, "acme.example")],
        vec![name(2, "badacme.example")],
        vec![name(2, "rival.example"), name(2, "acme.example")],
        vec![name(1, "ci@acme.example")],
        vec![name(1, "CI@acme.example")],
        vec![name(1, "ci@sub.acme.example")],
        vec![name(1, "nobody")],
        vec![name(6, "https://acme.example/a")],
        vec![name(6, "https://ci.acme.example:1/a")],
        vec![name(6, "urn:acme")],
        vec![ip(&[10, 1, 2, 3])],
        vec![ip(&[11, 1, 2, 3])],
        vec![ip(&[0; 16])],
        vec![directory(&acme())],
        vec![directory(
            &Name::new().utf8(attribute::ORGANIZATION, "Rival"),
        )],
        vec![der::context_primitive(8, [0x2a, 0x03])],
    ]
}

fn judge(openssl: &Openssl, what: &str, chain: &Chain, verdicts: &mut Verdicts) {
    let ders = chain.ders();
    verdicts.count(
        what,
        chain.judge(&ders),
        openssl.takes_chain(&ders, signed()),
    );
}

#[test]
fn name_constraints() {
    let Some(openssl) = Openssl::new() else {
        return;
    };
    let mut verdicts = Verdicts::default();
    for (base, constraint) in bases().iter().enumerate() {
        for (given, names) in names().iter().enumerate() {
            let of_notary = match names.as_slice() {
                [] => vec![],
                names => vec![extension::alternative_names(names)],
            };
            for (what, extension) in [
                (
                    "permitted",
                    extension::name_constraints(std::slice::from_ref(constraint), &[]),
                ),
                (
                    "excluded",
                    extension::name_constraints(&[], std::slice::from_ref(constraint)),
                ),
            ] {
                // By the root and by the office in turn.
                let (of_office, of_root) = match (base + given) % 2 {
                    0 => (vec![extension], vec![]),
                    _ => (vec![], vec![extension]),
                };
                let chain = Chain::new(Key::p256, [of_notary.clone(), of_office, of_root]);
                judge(
                    &openssl,
                    &format!("{what} {base}, names {given}"),
                    &chain,
                    &mut verdicts,
                );
            }
        }
    }
    assert!(verdicts.both_take > 100, "{}", verdicts.both_take);
    assert!(verdicts.both_refuse > 100, "{}", verdicts.both_refuse);
    verdicts.hold(OF_NAMES);
}

/// An extension that is not critical although it should be.
fn not_critical(oid: &str, value: &[u8]) -> Extension {
    Extension::Ready(extension::make(oid, false, value))
}

#[test]
fn limits_of_authorities() {
    let Some(openssl) = Openssl::new() else {
        return;
    };
    let evil = || [name(2, "evil.example")];
    let excluded = der::sequence([der::context(1, der::sequence([directory(&acme())]))]);
    let limits: Vec<(&str, Vec<Extension>)> = vec![
        (
            "names that are not critical",
            vec![not_critical("2.5.29.30", &excluded)],
        ),
        (
            "names of another",
            vec![extension::name_constraints(&[], &evil())],
        ),
        (
            "other purposes",
            vec![extension::purpose("1.3.6.1.5.5.7.3.1")],
        ),
        ("any purpose", vec![extension::purpose("2.5.29.37.0")]),
        (
            "policies that are required",
            vec![not_critical(
                "2.5.29.36",
                &der::sequence([der::context_primitive(0, [0])]),
            )],
        ),
        (
            "an unknown limit",
            vec![Extension::Ready(extension::make(
                "1.2.3",
                true,
                &der::null(),
            ))],
        ),
        ("an unknown word", vec![not_critical("1.2.3", &der::null())]),
    ];
    let mut verdicts = Verdicts::default();
    for (what, extensions) in limits {
        for position in 0..3 {
            let mut more = [vec![], vec![], vec![]];
            more[position] = extensions.clone();
            judge(
                &openssl,
                &format!("{what} {position}"),
                &Chain::new(Key::p256, more),
                &mut verdicts,
            );
        }
    }
    verdicts.hold(OF_LIMITS);
}
