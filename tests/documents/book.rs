//! The documents are a book: mdBook finds every page of `docs`, and what the pages lead to outside of it goes along.

use std::fs;

use support::root;

use crate::markdown::{Document, below_docs};

#[test]
fn every_page_is_a_chapter_once_under_its_own_title() {
    let summary = Document::read("docs/SUMMARY.md");
    let mut chapters: Vec<String> = Vec::new();
    for (_, line) in &summary.prose {
        let Some((before, rest)) = line.split_once("](") else {
            continue;
        };
        let (_, title) = before.split_once('[').unwrap();
        let name = format!("docs/{}", rest.trim_end_matches(')'));
        let page = Document::read(&name);
        let heading = page.text.lines().next().unwrap();
        // The pages of a service are below "Countersign in CI", which need not be said again.
        assert!(
            heading == format!("# {title}") || heading == format!("# Countersign on {title}"),
            "{name}: {heading}, in the book {title:?}"
        );
        chapters.push(name);
    }
    chapters.sort();
    let mut pages = below_docs();
    pages.retain(|page| page != "docs/SUMMARY.md");
    pages.sort();
    assert_eq!(chapters, pages);
}

#[test]
fn what_the_pages_lead_to_outside_of_the_book_is_copied_beside_it() {
    let script = fs::read_to_string(root().join("scripts/book")).unwrap();
    let copied: Vec<&str> = script
        .lines()
        .filter_map(|line| line.strip_prefix("cp -r ")?.split(' ').next())
        .collect();
    let mut seen = 0;
    for name in below_docs() {
        let document = Document::read(&name);
        let depth = name.matches('/').count();
        for (line, link) in document.links() {
            let Some(outside) = link.strip_prefix(&"../".repeat(depth)) else {
                continue;
            };
            seen += 1;
            let is_copied = copied
                .iter()
                .any(|folder| outside.starts_with(&format!("{folder}/")));
            assert!(is_copied, "{name}:{line}: {link} is not in the book");
        }
    }
    assert!(seen > 5, "{seen} links are not all");
}

#[test]
fn the_book_names_the_repository_and_the_pages_of_this_package() {
    let book = fs::read_to_string(root().join("book.toml")).unwrap();
    let book: toml::Table = toml::from_str(&book).unwrap();
    assert_eq!(book["book"]["src"].as_str(), Some("docs"));
    assert_eq!(
        book["book"]["description"].as_str(),
        Some(env!("CARGO_PKG_DESCRIPTION"))
    );
    let repository = &book["output"]["html"]["git-repository-url"];
    assert_eq!(repository.as_str(), Some(env!("CARGO_PKG_REPOSITORY")));
}
