//! Apple Security's own regression data for CMS: what must parse parses, what must not does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;
use std::path::{Path, PathBuf};

use countersign::apple::cms;

fn corpus(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cms")).join(folder);
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not here", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn everything_that_must_parse_parses() {
    for file in corpus("ParseSuccessCMS") {
        let bytes = fs::read(&file).unwrap();
        if let Err(error) = cms::parse_content_info(&bytes) {
            panic!("{}: {error}", file.display());
        }
    }
}

#[test]
fn nothing_that_must_not_parse_parses() {
    let accepted: Vec<_> = corpus("ParseFailureCMS")
        .into_iter()
        .filter(|file| cms::parse_content_info(&fs::read(file).unwrap()).is_ok())
        .collect();
    assert!(accepted.is_empty(), "accepted: {accepted:#?}");
}
