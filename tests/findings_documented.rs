//! `docs/findings.md` has a section for each code, in the order of reports, and none for a code that does not exist.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;

use countersign::base::finding::Code;

/// `(group, code, text)` for each section.
fn sections() -> Vec<(String, String, String)> {
    let text =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings.md")).unwrap();
    let mut group = String::new();
    let mut sections: Vec<(String, String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut group);
        } else if let Some(code) = line.strip_prefix("### ") {
            sections.push((group.clone(), code.to_owned(), String::new()));
        } else if let Some((_, _, body)) = sections.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    sections
}

#[test]
fn every_code_has_a_heading_and_every_heading_a_code() {
    let documented: Vec<String> = sections().into_iter().map(|(_, code, _)| code).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let missing: Vec<_> = codes
        .iter()
        .filter(|code| !documented.iter().any(|known| known == *code))
        .collect();
    assert!(missing.is_empty(), "no heading: {missing:?}");
    let unknown: Vec<_> = documented
        .iter()
        .filter(|heading| !codes.contains(&heading.as_str()))
        .collect();
    assert!(unknown.is_empty(), "no such code: {unknown:?}");
    assert_eq!(documented.len(), codes.len(), "a heading stands twice");
}

#[test]
fn each_code_stands_under_its_group() {
    for (group, code, _) in sections() {
        let known = Code::ALL.iter().find(|known| known.as_str() == code);
        let known = known.unwrap_or_else(|| panic!("no such code: {code}"));
        assert_eq!(group, known.group().as_str(), "{code}");
    }
}

#[test]
fn each_section_is_short_enough_for_two_at_night() {
    for (_, code, body) in sections() {
        let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
        assert!((2..=6).contains(&lines), "{code}: {lines} lines");
    }
}
