//! However much of a product is damaged, little of it is held: the first of each kind is named, and the others are counted.

use forge::bundle::{Entry, ios_app};

use countersign::apple::code_signature::verify::Report;
use countersign::base::finding::Finding;

use crate::{distribution, judged};

fn missing_files(report: &Report) -> Vec<Finding> {
    let findings = report.findings().into_iter();
    findings
        .filter(|it| it.code.as_str() == "resource-missing")
        .collect()
}

#[test]
fn a_million_faults_are_counted_and_a_hundred_named() {
    let mut item = ios_app(&distribution());
    for number in 0..300 {
        item = item.with_entry(&format!("files/{number:04}"), Entry::file("a file"));
    }
    let product = item.sign();
    let missing = product.edited(|bundle| {
        bundle.entries.retain(|path, _| !path.starts_with("files/"));
    });
    let report = judged(&missing);
    let findings = missing_files(&report);
    assert_eq!(findings.len(), 100, "{findings:#?}");
    let counted = findings
        .iter()
        .filter(|it| it.message.contains("(200 more"));
    assert_eq!(counted.count(), 1);
    assert!(report.codesign().is_some());
    // Below the bound each one is named, and nothing is counted.
    let few = product.edited(|bundle| {
        bundle
            .entries
            .retain(|path, _| !path.starts_with("files/00"));
    });
    let findings = missing_files(&judged(&few));
    assert_eq!(findings.len(), 100);
    assert!(
        findings
            .iter()
            .all(|it| !it.message.contains("more like this"))
    );
}

#[test]
fn files_that_nothing_covers_are_counted() {
    let product = ios_app(&distribution()).sign().edited(|bundle| {
        for number in 0..1500 {
            bundle.put(&format!("_MASReceipt/{number:04}"), Entry::file(""));
        }
    });
    let report = judged(&product);
    let unsealed = &report.items[0].unsealed;
    assert_eq!(unsealed.len(), 1000);
    let last = unsealed.last().unwrap();
    assert!(
        last.what.contains("(") && last.what.contains("more are not covered"),
        "{last:?}"
    );
}
