//! Each finding about products is found by some test: by the matrix in docs/evidence.md, or by name.

use std::fs;
use std::path::Path;

use countersign::apple::code_signature::verify::verify;
use countersign::base::finding::{Code, Group};
use forge::bundle::{Bundle, Entry, mac_app, mac_tool};

use crate::memory::MemoryProduct;
use crate::{codes, developer_id, verifier};

/// The text of every test.
fn tests(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_finding_about_products_is_found_by_some_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    tests(&root.join("tests"), &mut text);
    // The rows are what the matrix found when it ran last; it fails where they are not.
    let page = fs::read_to_string(root.join("docs/evidence.md")).unwrap();
    let (_, matrix) = page.split_once("## The matrix").unwrap();
    let is_found = |code: &&Code| {
        text.contains(&format!("\"{code}\"")) || matrix.contains(&format!("`{code}`"))
    };
    let about_products = Code::ALL
        .iter()
        .filter(|code| code.group() == Group::Product);
    let never: Vec<_> = about_products.filter(|code| !is_found(code)).collect();
    assert!(never.is_empty(), "no test finds {never:?}");
}

/// `kSecCodeSignatureForceExpiration`: this code may not outlive its certificate, as all other code may.
#[test]
fn code_that_may_not_outlive_its_certificate_does_not() {
    let mut item = mac_app(&developer_id());
    let usual = item.sign();
    item.signature.flags |= 0x400;
    let expiring = item.sign();
    for (product, at, expected) in [
        (&usual, "2026-06-01T00:00:00Z", &[][..]),
        (&usual, "2099-06-01T00:00:00Z", &[]),
        (&expiring, "2026-06-01T00:00:00Z", &[]),
        (&expiring, "2099-06-01T00:00:00Z", &["code-signer-expired"]),
    ] {
        let product = MemoryProduct::new(&product.bundle);
        let report = verify(&product, &verifier(), at.parse().unwrap());
        assert_eq!(codes(&report), expected, "{at}: {:#?}", report.findings());
        let status = report.codesign().map(|fault| fault.status.name());
        let predicted = (!expected.is_empty()).then_some("CSSMERR_TP_CERT_EXPIRED");
        assert_eq!(status, predicted, "{at}");
    }
}

/// Somebody signed the program before it was put into its bundle.
#[test]
fn a_bundle_whose_program_alone_is_signed_has_no_seal() {
    let tool = mac_tool(&developer_id()).sign();
    let mut bundle = Bundle::new("Rocket.app");
    let info = "<plist><dict><key>CFBundleExecutable</key><string>Rocket</string></dict></plist>";
    bundle.put("Contents/Info.plist", Entry::file(info));
    bundle.put("Contents/MacOS/Rocket", tool.bundle.entries[""].clone());
    bundle.put("Contents/Resources/x", Entry::file("x"));
    let product = MemoryProduct::new(&bundle);
    let report = verify(
        &product,
        &verifier(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    );
    assert!(
        codes(&report).contains(&"resource-seal-missing"),
        "{:?}",
        codes(&report)
    );
}
