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
mod bounds;
mod coverage;
mod matrix;
mod memory;
mod predictions;
mod unsealed;

use countersign::apple::anchors::Anchors;
use countersign::apple::certificate::Certificate;
use countersign::apple::code_signature::verify::{Report, verify};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::blocks;
use forge::bundle::{
    Bundle, Entry, Item, Product, ios_app, ios_app_with_everything, mac_app,
    mac_app_with_everything, mac_tool,
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

/// Packages and pods bring bundles of resources, which hold no code and are not signed.
#[test]
fn a_bundle_of_resources_alone_is_no_code() {
    let info = "<plist><dict><key>CFBundlePackageType</key><string>BNDL</string></dict></plist>";
    for (item, base, path) in [
        (ios_app(&distribution()), "", "Kit_Kit.bundle"),
        (
            mac_app(&developer_id()),
            "Contents/",
            "Resources/Kit_Kit.bundle/Contents",
        ),
    ] {
        let item = item
            .with_entry(&format!("{path}/Info.plist"), Entry::file(info))
            .with_entry(&format!("{path}/image.png"), Entry::file("an image"));
        let product = item.sign();
        let report = judged(&product);
        assert_eq!(codes(&report), [""; 0], "{path}: {:#?}", report.findings());
        assert_eq!(report.codesign(), None, "{path}");
        // It is sealed all the same.
        let image = format!("{base}{path}/image.png");
        let changed = product.edited(|bundle| bundle.file_mut(&image)[0] ^= 1);
        assert_eq!(codes(&judged(&changed)), ["resource-changed"], "{path}");
    }
}

/// The verdict on whatever is signed inside says nothing of what lies around it.
#[test]
fn what_nothing_covers_is_not_cleared_by_the_code_beside_it() {
    let tool = mac_tool(&developer_id()).sign();
    let program = tool.bundle.entries[""].clone();
    let script = Entry::program("#!/bin/sh\n");
    let archive_key =
        Entry::file("<plist><dict><key>ArchiveVersion</key><integer>2</integer></dict></plist>");
    for (what, files) in [
        (
            "an app without an Info.plist",
            vec![
                ("Contents/MacOS/Evil", &script),
                ("Contents/MacOS/tool", &program),
            ],
        ),
        (
            "an app that calls itself an archive",
            vec![
                ("Contents/Info.plist", &archive_key),
                ("Contents/MacOS/Evil", &script),
                ("Contents/MacOS/tool", &program),
            ],
        ),
        (
            "a script beside a program",
            vec![("evil.sh", &script), ("tool", &program)],
        ),
        (
            "a framework without an Info.plist",
            vec![("Versions/A/X", &script), ("tool", &program)],
        ),
    ] {
        let mut bundle = Bundle::new("Evil.app");
        for (path, entry) in files {
            bundle.put(path, entry.clone());
        }
        let product = MemoryProduct::new(&bundle);
        let report = verify(
            &product,
            &verifier(),
            "2026-06-01T00:00:00Z".parse().unwrap(),
        );
        assert!(!codes(&report).is_empty(), "{what} is cleared");
    }
}

#[test]
fn each_version_of_a_framework_is_the_code_that_was_sealed() {
    let honest = mac_app_with_everything(&developer_id()).sign();
    let versions = "Contents/Frameworks/RocketKit.framework/Versions";
    let no_bundle = honest.edited(|bundle| {
        bundle.put(
            &format!("{versions}/B/RocketKit"),
            Entry::program("#!/bin/sh\n"),
        );
    });
    let report = judged(&no_bundle);
    assert_eq!(codes(&report), ["product-structure"]);
    assert!(report.codesign().is_some());
    // Soundly signed, and another's.
    let other = mac_app(&developer_id()).sign();
    let of_another = honest.edited(|bundle| {
        let mut inner = Bundle::new("B");
        for (path, entry) in other.bundle.below("Contents") {
            let path = path.replacen("MacOS/", "", 1);
            inner.put(&path, entry);
        }
        bundle.graft(&format!("{versions}/B"), &inner);
    });
    let report = judged(&of_another);
    assert!(
        codes(&report).contains(&"nested-code-changed"),
        "{:?}",
        codes(&report)
    );
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
