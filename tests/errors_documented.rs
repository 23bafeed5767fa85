//! `docs/errors.md` has a section for each error code, in their order, with the exit code, and none for a code that does not
//! exist.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;

use countersign::base::error::ErrorCode;
use countersign::cli::exit::Exit;

/// `(code, text)` for each section.
fn sections() -> Vec<(String, String)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md")).unwrap();
    let sections = text.split("\n### ").skip(1);
    sections
        .map(|section| {
            let (code, body) = section.split_once('\n').unwrap();
            (code.to_owned(), body.to_owned())
        })
        .collect()
}

#[test]
fn every_error_code_has_a_heading_and_every_heading_an_error_code() {
    let documented: Vec<String> = sections().into_iter().map(|(code, _)| code).collect();
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, codes);
}

#[test]
fn each_section_begins_with_the_exit_code_of_its_error() {
    for (word, body) in sections() {
        let code = ErrorCode::ALL.iter().find(|code| code.as_str() == word);
        let code = code.unwrap_or_else(|| panic!("no such code: {word}"));
        let exit = format!("Exit code {}. ", Exit::of_error(*code).code());
        assert!(body.trim_start().starts_with(&exit), "{word}: not {exit:?}");
    }
}

#[test]
fn each_section_is_short_enough_for_two_at_night() {
    for (word, body) in sections() {
        let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
        assert!((1..=5).contains(&lines), "{word}: {lines} lines");
    }
}
