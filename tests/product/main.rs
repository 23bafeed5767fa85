//! Built products: what is signed in them is found, and every kind of damage is refused.
//!
//! The forge signs products of both families and breaks them, one thing at a time. It shares no code with the library, so that
//! the two cannot have the same mistake.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "test support outside of #[test] functions panics as tests do"
)]

mod archives;
mod matrix;
mod memory;

use countersign::apple::anchors::Anchors;
use countersign::apple::certificate::Certificate;
use countersign::apple::code_signature::verify::{Report, verify};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::blocks;
use forge::bundle::{
    Item, Product, ios_app, ios_app_with_everything, mac_app, mac_app_with_everything, mac_tool,
};
use forge::bundle_flaw::variations;
use forge::code_signature::SigningIdentity;
use forge::hierarchy::{Hierarchy, LeafKind};

use memory::MemoryProduct;

fn distribution() -> SigningIdentity {
    SigningIdentity::acme(LeafKind::AppleDistribution)
}

fn developer_id() -> SigningIdentity {
    SigningIdentity::acme(LeafKind::DeveloperIdApplication)
}

/// A verifier that believes Acme's roots, as a rehearsal's policy does.
fn verifier() -> Verifier {
    let anchors = Hierarchy::acme().anchors();
    let roots = anchors
        .iter()
        .map(|der| Certificate::from_der(der).unwrap());
    Verifier::new(Anchors::with_extra(roots))
}

fn judged(product: &Product) -> Report {
    let product = MemoryProduct::new(&product.bundle);
    verify(
        &product,
        &verifier(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    )
}

/// The codes that block, each once.
fn codes(report: &Report) -> Vec<&'static str> {
    let findings = report.findings();
    let mut codes: Vec<&str> = findings
        .iter()
        .filter(|finding| blocks(finding))
        .map(|finding| finding.code.as_str())
        .collect();
    codes.dedup();
    codes
}

fn products() -> Vec<(&'static str, Item)> {
    vec![
        ("ios_app", ios_app(&distribution())),
        (
            "ios_app_with_everything",
            ios_app_with_everything(&distribution()),
        ),
        ("mac_app", mac_app(&developer_id())),
        (
            "mac_app_with_everything",
            mac_app_with_everything(&developer_id()),
        ),
        ("mac_tool", mac_tool(&developer_id())),
    ]
}

#[test]
fn honest_products_are_cleared_by_both_verdicts() {
    for (name, item) in products() {
        let report = judged(&item.sign());
        assert_eq!(codes(&report), [""; 0], "{name}: {:#?}", report.findings());
        assert_eq!(report.codesign(), None, "{name}");
        assert!(!report.items.is_empty());
    }
}

#[test]
fn products_that_are_signed_otherwise_than_xcode_does_it_today_are_cleared_too() {
    for (name, item) in products() {
        let honest = item.sign();
        for variation in variations() {
            let Some(product) = variation.apply(&honest) else {
                continue;
            };
            let report = judged(&product);
            let what = format!("{name}: {}", variation.name);
            assert_eq!(codes(&report), [""; 0], "{what}: {:#?}", report.findings());
            assert_eq!(report.codesign(), None, "{what}");
        }
    }
}
