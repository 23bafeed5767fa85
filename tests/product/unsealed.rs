//! What no signature covers is told, never passed over, and does not block where Apple's own rules leave it out.

use std::fs;

use countersign::apple::code_signature::verify::{Report, verify};
use countersign::host::product::archive::ArchiveProduct;
use forge::bundle::{
    Bundle, Entry, Product, ios_app, ipa, mac_app, mac_app_with_everything, xcarchive,
};

use crate::memory::MemoryProduct;
use crate::{codes, developer_id, distribution, judged, verifier};

fn unsealed(report: &Report) -> Vec<&str> {
    let files = report.items.iter().flat_map(|item| &item.unsealed);
    files.map(|file| &*file.path).collect()
}

/// It is cleared by both verdicts, and each of these paths is told.
#[track_caller]
fn tells(product: &Product, paths: &[&str]) {
    let report = judged(product);
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    assert_eq!(report.codesign(), None);
    for path in paths {
        assert!(
            unsealed(&report).contains(path),
            "{path}: {:?}",
            unsealed(&report)
        );
    }
}

#[test]
fn what_finder_and_the_store_leave_in_a_bundle_is_told() {
    let mac = mac_app_with_everything(&developer_id()).sign();
    let framework = "Contents/Frameworks/RocketKit.framework";
    let files = [
        format!("{framework}/.DS_Store"),
        format!("{framework}/module.map"),
        format!("{framework}/Versions/.DS_Store"),
        "Contents/_MASReceipt/receipt".to_owned(),
        "Contents/_MASReceipt/more/notes.txt".to_owned(),
        ".DS_Store".to_owned(),
    ];
    let left = mac.edited(|bundle| {
        for path in &files {
            bundle.put(path, Entry::file("x"));
        }
    });
    let paths: Vec<&str> = files.iter().map(String::as_str).collect();
    tells(&left, &paths);
    assert!(!unsealed(&judged(&mac)).contains(&".DS_Store"));
}

#[test]
fn a_link_with_the_name_of_the_seal_leads_to_it() {
    let mac = mac_app(&developer_id()).sign();
    let linked = |target: &str| {
        mac.edited(|bundle| bundle.put("Contents/CodeResources", Entry::Link(target.to_owned())))
    };
    tells(
        &linked("_CodeSignature/CodeResources"),
        &["Contents/CodeResources"],
    );
    for target in [
        "../../evil",
        "/etc/passwd",
        "Resources/x",
        "_CodeSignature/CodeDirectory",
    ] {
        let report = judged(&linked(target));
        assert_eq!(codes(&report), ["product-structure"], "{target}");
        // Apple's rules leave out the name, whatever it is.
        assert_eq!(report.codesign(), None, "{target}");
        assert!(unsealed(&report).contains(&"Contents/CodeResources"));
    }
}

#[test]
fn what_lies_beside_the_app_in_an_archive_is_told() {
    let app = ios_app(&distribution()).sign();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Rocket.ipa");
    fs::write(&path, ipa(&app)).unwrap();
    let listed = ArchiveProduct::list(&path).unwrap();
    let _ = verify(
        &listed,
        &verifier(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    );
    let mut bundle = Bundle::new("Rocket.ipa");
    bundle.graft("Payload/Rocket.app", &app.bundle);
    for path in [
        "META-INF/x.plist",
        "Symbols/a.symbols",
        "SwiftSupport/iphoneos/x",
    ] {
        bundle.put(path, Entry::file("x"));
    }
    let product = MemoryProduct::new(&bundle);
    let report = verify(
        &product,
        &verifier(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    for path in ["META-INF", "Symbols", "SwiftSupport"] {
        assert!(unsealed(&report).contains(&path), "{path}");
    }
    let archive = xcarchive(&app);
    let mut bundle = archive.clone();
    bundle.put(
        "dSYMs/Rocket.app.dSYM/Contents/Info.plist",
        Entry::file("x"),
    );
    let product = MemoryProduct::new(&bundle);
    let report = verify(
        &product,
        &verifier(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    assert!(
        unsealed(&report).contains(&"dSYMs"),
        "{:?}",
        unsealed(&report)
    );
}

/// `codesign` keeps the signature of a script in extended attributes, which no archive and few copies keep.
#[test]
fn a_script_that_is_sealed_as_code_is_told_with_its_remedy() {
    let mac = mac_app(&developer_id());
    let inside = mac
        .clone()
        .with_entry("Resources/run.sh", Entry::program("#!/bin/sh\n"));
    assert_eq!(codes(&judged(&inside.sign())), [""; 0]);
    // The seal of a helper, with a script in its place.
    let tool = mac.with_helper_tool("run");
    let product = tool.sign().edited(|bundle| {
        *bundle.file_mut("Contents/Helpers/run") = b"#!/bin/sh\n".to_vec();
    });
    let report = judged(&product);
    assert_eq!(
        codes(&report),
        ["nested-code-changed"],
        "{:#?}",
        report.findings()
    );
    let finding = &report.findings()[0];
    assert!(finding.message.contains("script"), "{finding:?}");
    let hint = finding.hint.as_deref().unwrap_or_default();
    assert!(hint.contains("Contents/Resources"), "{finding:?}");
    let predicted = report.codesign().unwrap();
    assert_eq!(predicted.status.name(), "errSecCSUnsigned");
}
