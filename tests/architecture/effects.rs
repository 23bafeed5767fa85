//! Who touches the world: only `host` and `ledger`; `cli` speaks to its terminal.

use super::hold;
use super::paths::mentions;
use super::source::{Kind, Source, sources};

/// Rooms that touch the world.
const DOERS: &[&str] = &["ledger", "host"];

/// Standard modules whose use is an effect.
const EFFECTS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::io::stdin",
];

/// What these modules hold besides.
const NO_EFFECTS: &[&str] = &[
    "std::net::SocketAddr",
    "std::process::ExitCode",
    "std::env::split_paths",
    "std::env::join_paths",
];

/// Macros that print.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Methods of paths that ask the disk.
const ASKING: &[&str] = &[
    "exists",
    "try_exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "canonicalize",
    "read_dir",
    "symlink_metadata",
    "read_link",
];

/// The one file of `cli` that reads arguments and environment.
const ENVIRONMENT: &str = "src/cli/process.rs";

/// Where the wall clock is.
const CLOCK: &str = "src/base/clock.rs";

/// The one file that hands it out.
const CLOCK_DOOR: &str = "src/cli/process.rs";

/// Uses of what begins with one of these paths.
fn uses(file: usize, of: &[&str]) -> Vec<(usize, String)> {
    let begins = |path: &str, with: &str| {
        path.strip_prefix(with)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    mentions(file)
        .iter()
        .map(|mention| (mention.line, mention.path.join("::")))
        .filter(|(_, path)| of.iter().any(|with| begins(path, with)))
        .filter(|(_, path)| !NO_EFFECTS.iter().any(|with| begins(path, with)))
        .collect()
}

fn told(source: &Source, uses: Vec<(usize, String)>) -> impl Iterator<Item = String> {
    uses.into_iter()
        .map(move |(line, path)| format!("{}: {path}", source.line(line)))
}

/// Lines that print, or that ask the disk through a path.
fn doings(source: &Source, printing: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| &*source.tokens[at].text);
        if token.kind != Kind::Word {
            continue;
        }
        if printing.contains(&&*token.text) && source.reads(at + 1, &["!"]) {
            found.push((token.line, format!("{}!", token.text)));
        }
        if ASKING.contains(&&*token.text)
            && before == Some(".")
            && source.reads(at + 1, &["(", ")"])
        {
            found.push((token.line, format!(".{}()", token.text)));
        }
    }
    found
}

#[test]
fn only_host_and_ledger_touch_the_world() {
    let mut offences = Vec::new();
    for (file, source) in sources().iter().enumerate() {
        if DOERS.contains(&source.room()) || ["cli", "main", ""].contains(&source.room()) {
            continue;
        }
        offences.extend(told(source, uses(file, EFFECTS)));
        offences.extend(told(source, doings(source, PRINTING)));
    }
    hold("only_host_and_ledger_touch_the_world", &offences);
}

#[test]
fn cli_touches_no_file() {
    let mut offences = Vec::new();
    for (file, source) in sources().iter().enumerate() {
        if source.room() == "cli" {
            offences.extend(told(
                source,
                uses(file, &["std::fs", "std::net", "std::process", "rustix::fs"]),
            ));
            offences.extend(told(source, doings(source, &[])));
        }
    }
    hold("cli_touches_no_file", &offences);
}

#[test]
fn cli_reads_the_environment_in_one_file() {
    let mut offences = Vec::new();
    for (file, source) in sources().iter().enumerate() {
        if source.room() == "cli" && source.path != ENVIRONMENT {
            offences.extend(told(source, uses(file, &["std::env"])));
        }
    }
    hold("cli_reads_the_environment_in_one_file", &offences);
}

#[test]
fn cli_mints_no_findings() {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| source.room() == "cli") {
        for at in source.places(&["Finding", "::"]) {
            offences.push(format!(
                "{}: Finding::{}",
                source.at(at),
                source.tokens[at + 2].text
            ));
        }
    }
    hold("cli_mints_no_findings", &offences);
}

#[test]
fn the_wall_clock_is_read_in_one_file() {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| source.path != CLOCK) {
        for words in [
            &["Timestamp", "::", "now"],
            &["SystemTime", "::", "now"],
            &["Zoned", "::", "now"],
        ] {
            offences.extend(
                source
                    .places(words)
                    .map(|at| format!("{}: {}", source.at(at), words.concat())),
            );
        }
    }
    hold("the_wall_clock_is_read_in_one_file", &offences);
}

#[test]
fn the_wall_clock_is_handed_out_by_one_file() {
    let mut offences = Vec::new();
    for source in sources() {
        if ![CLOCK, CLOCK_DOOR].contains(&&*source.path) {
            let places = source.places(&["SystemClock"]);
            offences.extend(places.map(|at| format!("{}: SystemClock", source.at(at))));
        }
    }
    hold("the_wall_clock_is_handed_out_by_one_file", &offences);
}

/// Where a start of the program is described: as its process was started, without other tools than Apple's.
const START: &str = "src/cli/process.rs";

/// What a start says of something that only a program made for development has: none, and nothing else sets it.
fn hold_to_released(rule: &str, field: &'static str) {
    let mut offences = Vec::new();
    let mut starts = 0;
    for source in sources() {
        for at in source.places(&[field, ":"]) {
            let is_type = source.reads(at + 2, &["Option"]);
            let is_handed_on = source.reads(at + 2, &["start", ".", field]);
            let is_none = source.reads(at + 2, &["None"]);
            if !(is_type || is_handed_on || is_none) {
                offences.push(format!("{}: {field} comes from elsewhere", source.at(at)));
            }
            starts += usize::from(is_none && source.path == START);
        }
        for at in source.places(&[".", field, "="]) {
            offences.push(format!("{}: {field} is set", source.at(at)));
        }
    }
    assert_eq!(starts, 1, "{START} says that there is none");
    hold(rule, &offences);
}

#[test]
fn the_released_program_has_no_other_tools_than_apples() {
    hold_to_released(
        "the_released_program_has_no_other_tools_than_apples",
        "tools",
    );
}

#[test]
fn the_released_program_asks_no_other_portal_than_apples() {
    hold_to_released(
        "the_released_program_asks_no_other_portal_than_apples",
        "portal",
    );
}
