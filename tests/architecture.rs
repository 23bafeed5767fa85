//! The rooms, in the order in which data flows: a room uses only rooms above it.
//!
//! Read from the `use crate::…` lines and `crate::…` paths of the source, so that the rule holds without anybody
//! remembering it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// From the top of the house to the bottom. `identity` is a room to come.
const ROOMS: &[&str] = &[
    "base", "apple", "xcode", "context", "host", "ledger", "identity", "ops", "cli",
];

fn source_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The first path segment below `src/`, without `.rs`.
fn room_of(file: &Path, source: &Path) -> String {
    let first = file
        .strip_prefix(source)
        .unwrap()
        .components()
        .next()
        .unwrap();
    first
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

/// Every room that a file names as `crate::room`, with the line.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut uses = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names = match rest.strip_prefix('{') {
                Some(list) => list.split(['}', ',']).map(str::trim).collect(),
                None => vec![rest],
            };
            for name in names {
                let room: String = name
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                uses.push((index + 1, room));
            }
        }
    }
    uses
}

#[test]
fn no_room_reaches_down_the_list() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    let mut offences = Vec::new();
    for file in &files {
        let room = room_of(file, &source);
        if room == "lib" || room == "main" {
            continue;
        }
        let depth = ROOMS.iter().position(|known| *known == room);
        let depth = depth.unwrap_or_else(|| panic!("{} lies in no known room", file.display()));
        for (line, used) in uses(&fs::read_to_string(file).unwrap()) {
            match ROOMS.iter().position(|known| *known == used) {
                Some(other) if other > depth => {
                    offences.push(format!("{}:{line}: {room} uses {used}", file.display()));
                }
                _ => {}
            }
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn only_host_ledger_and_cli_touch_the_world() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    let mut offences = Vec::new();
    for file in &files {
        let room = room_of(file, &source);
        if ["host", "ledger", "cli", "lib", "main"].contains(&room.as_str()) {
            continue;
        }
        let text = fs::read_to_string(file).unwrap();
        // Unit tests may read what they need.
        let code = text.split("#[cfg(test)]").next().unwrap();
        for effect in [
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
            "std::io::stdin",
            "println!",
        ] {
            if code.contains(effect) {
                offences.push(format!("{}: {effect}", file.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

/// The constructors of proof values that the language lets the whole crate call, and the one file that may.
const RESERVED: &[(&str, &str)] = &[("LiveFacts::of_this_machine", "host/observation.rs")];

#[test]
fn proofs_are_made_in_one_place() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    for (constructor, place) in RESERVED {
        let callers: Vec<String> = files
            .iter()
            .filter(|file| {
                let text = fs::read_to_string(file).unwrap();
                text.lines()
                    .any(|line| !line.trim_start().starts_with("//") && line.contains(constructor))
            })
            .map(|file| file.strip_prefix(&source).unwrap().display().to_string())
            .collect();
        assert_eq!(callers, [*place], "{constructor}");
    }
}
