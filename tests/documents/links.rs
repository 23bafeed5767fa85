//! Links within the repository lead somewhere, also those to a heading.

use std::path::{Component, Path, PathBuf};

use support::root;

use crate::markdown::{Document, documents};

/// The path without `..`.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(resolved.pop(), "{}", path.display()),
            other => resolved.push(other),
        }
    }
    resolved
}

/// What is wrong with a link of a document, if anything is.
fn wrong(document: &Document, link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(&document.name).parent().unwrap();
    let name = match file {
        "" => PathBuf::from(&document.name),
        _ => resolved(&folder.join(file)),
    };
    if !root().join(&name).exists() {
        return Some(format!("there is no {}", name.display()));
    }
    if anchor.is_empty() {
        return None;
    }
    let target = Document::read(name.to_str().unwrap());
    let is_there = target.anchors().iter().any(|known| known == anchor);
    (!is_there).then(|| format!("{} has no heading #{anchor}", name.display()))
}

#[test]
fn every_link_leads_to_a_file_or_a_heading() {
    let mut offences = Vec::new();
    let mut links = 0;
    for document in documents() {
        for (line, link) in document.links() {
            links += 1;
            let wrong = wrong(&document, link);
            offences.extend(wrong.map(|it| format!("{}:{line}: {link}: {it}", document.name)));
        }
    }
    assert_eq!(offences, Vec::<String>::new());
    assert!(links > 100, "{links} links are not all");
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    let document = Document::read("docs/report.md");
    for link in [
        "findings.md",
        "findings.md#profile-missing",
        "#exit-codes",
        "ci/README.md",
        "../README.md#install",
        "https://example.com/",
    ] {
        assert_eq!(wrong(&document, link), None, "{link}");
    }
    for link in [
        "finding.md",
        "findings.md#profile-mising",
        "#exit-code",
        "nowhere/README.md",
    ] {
        assert!(wrong(&document, link).is_some(), "{link}");
    }
}
