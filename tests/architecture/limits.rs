//! What is read has a bound, and each bound stands in `docs/limits.md`, with its value and a test that shows it.
//!
//! A bound is a constant whose name says so. A row of the page names the file and the constant, and its value; so a bound that is
//! new, or changed, or gone, does not pass without its row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::hold;
use super::source::{Kind, Source, Token, closing, files, relative, root, sources, tokens};

/// Names of bounds hold one of these words.
const WORDS: &[&str] = &["MAX", "MOST", "LIMIT", "LONGEST", "DEPTH"];

/// What reads within a bound, which is its last argument.
const READERS: &[&str] = &["read_bounded", "read_file_bounded", "read_stream_bounded"];

/// Functions of modules that do so too.
const READING: &[[&str; 3]] = &[
    ["owned_files", "::", "read"],
    ["property_list", "::", "read_with"],
];

/// Files whose functions hand on the bound of whoever calls them.
const HAND_ON: &[&str] = &[
    "src/apple/property_list.rs",
    "src/host/files/input.rs",
    "src/host/files/read.rs",
    "src/host/inputs.rs",
    "src/host/password_service/server.rs",
    "src/host/sources.rs",
];

/// What reads to an end that somebody else decides about.
const UNBOUNDED: &[&str] = &[
    "read_to_end",
    "read_to_string",
    "read_until",
    "read_line",
    "from_reader",
    "copy",
];

fn is_bound(name: &str) -> bool {
    let is_constant = name
        .chars()
        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    is_constant && name.split('_').any(|word| WORDS.contains(&word))
}

/// The page.
fn page() -> String {
    fs::read_to_string(root().join("docs/limits.md")).unwrap()
}

/// The cells of each row of its tables.
fn rows() -> Vec<Vec<String>> {
    let page = page();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    rows.map(|row| {
        row.trim_end_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect()
    })
    .collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The value of an expression of numbers, `+`, `-`, `*`, `<<` and parentheses, from left to right.
fn value(tokens: &[Token]) -> Option<u64> {
    let mut at = 0;
    let mut total: Option<u64> = None;
    let mut sign = String::new();
    while at < tokens.len() {
        let operand = match (tokens[at].kind, &*tokens[at].text) {
            (Kind::Literal, text) => text.replace('_', "").parse().ok()?,
            (Kind::Open, "(") => {
                let close = closing(tokens, at);
                let inner = value(&tokens[at + 1..close])?;
                at = close;
                inner
            }
            (Kind::Sign, text) => {
                sign.push_str(text);
                at += 1;
                continue;
            }
            _ => return None,
        };
        total = Some(match (total, &*sign) {
            (None, "") => operand,
            (Some(total), "+") => total + operand,
            (Some(total), "-") => total - operand,
            (Some(total), "*") => total * operand,
            (Some(total), "<<") => total << operand,
            _ => return None,
        });
        sign.clear();
        at += 1;
    }
    total
}

/// The bounds of a file by name, with their values.
fn bounds(source: &Source) -> BTreeMap<String, Option<u64>> {
    let integers = ["usize", "u64", "u32", "u16", "u8", "i64"];
    let mut found = BTreeMap::new();
    for at in source.places(&["const"]) {
        let [name, colon, kind, equals, ..] = &source.tokens[at + 1..] else {
            continue;
        };
        if colon.text != ":" || equals.text != "=" || !integers.contains(&&*kind.text) {
            continue;
        }
        if is_bound(&name.text) {
            let from = at + 5;
            let length = source.tokens[from..]
                .iter()
                .position(|token| token.text == ";");
            let to = from + length.unwrap();
            found.insert(name.text.clone(), value(&source.tokens[from..to]));
        }
    }
    found
}

#[test]
fn every_bound_stands_in_the_page_with_its_value() {
    let mut documented = BTreeMap::new();
    for row in rows() {
        // | what | at most | where | …
        let [_, most, place, ..] = &*row else {
            continue;
        };
        let [path, name] = *quoted(place) else {
            continue;
        };
        let digits: String = most
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == ',')
            .filter(char::is_ascii_digit)
            .collect();
        let key = (format!("src/{path}"), name.to_owned());
        documented.insert(key, digits.parse::<u64>().ok());
    }
    let mut offences = Vec::new();
    for source in sources() {
        for (name, value) in bounds(source) {
            let key = (source.path.clone(), name.clone());
            match documented.remove(&key) {
                Some(said) if said == value && value.is_some() => {}
                Some(said) => offences.push(format!(
                    "{}: {name} is {value:?}, not {said:?}",
                    source.path
                )),
                None => offences.push(format!("{}: {name} = {value:?} has no row", source.path)),
            }
        }
    }
    offences.extend(
        documented
            .keys()
            .map(|(path, name)| format!("{path}: there is no {name}")),
    );
    hold("every_bound_stands_in_the_page_with_its_value", &offences);
}

#[test]
fn every_reader_is_given_a_bound() {
    let mut offences = Vec::new();
    for source in sources() {
        for (at, token) in source.tokens.iter().enumerate() {
            let is_declared = at > 0 && source.tokens[at - 1].text == "fn";
            let is_module = at > 1 && READING.iter().any(|words| source.reads(at - 2, words));
            let is_reader = READERS.contains(&&*token.text) || is_module;
            if !is_reader
                || !source.is_called(at)
                || is_declared
                || HAND_ON.contains(&&*source.path)
            {
                continue;
            }
            let close = closing(&source.tokens, at + 1);
            let arguments = &source.tokens[at + 2..close];
            if !arguments.iter().any(|token| is_bound(&token.text)) {
                offences.push(format!("{}: {}", source.at(at), token.text));
            }
        }
    }
    hold("every_reader_is_given_a_bound", &offences);
}

#[test]
fn what_is_read_without_a_bound_is_named() {
    let page = page();
    let mut offences = Vec::new();
    let mut found = BTreeSet::new();
    for source in sources() {
        for (at, token) in source.tokens.iter().enumerate() {
            let is_whole = source.reads(at, &["fs", "::", "read", "("]);
            let is_method = UNBOUNDED.contains(&&*token.text)
                && source.is_called(at)
                && (token.text != "copy" || source.reads(at.saturating_sub(2), &["io", "::"]));
            if token.kind == Kind::Word && (is_whole || is_method) {
                let path = source.path.strip_prefix("src/").unwrap();
                found.insert(format!("`{path}`"));
                if !page.contains(&format!("`{path}`")) {
                    offences.push(format!("{}: {}", source.at(at), token.text));
                }
            }
        }
    }
    let section = page.split("## Without a bound").nth(1).unwrap();
    for path in quoted(section)
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
    {
        if !found.contains(&format!("`{path}`")) {
            offences.push(format!("{path} reads nothing without a bound"));
        }
    }
    hold("what_is_read_without_a_bound_is_named", &offences);
}

#[test]
fn every_test_that_the_page_names_is_one() {
    let mut tests = BTreeSet::new();
    for file in ["src", "tests"].into_iter().flat_map(files) {
        let all = tokens(&fs::read_to_string(&file).unwrap());
        for (at, pair) in all.windows(2).enumerate() {
            // `#[test]` and perhaps more attributes stand before it.
            let before = &all[at.saturating_sub(40)..at];
            let words: Vec<&str> = before.iter().map(|token| &*token.text).collect();
            let is_test = words
                .windows(4)
                .rposition(|words| words == ["#", "[", "test", "]"])
                .is_some_and(|from| !words[from..].contains(&"fn"));
            if pair[0].text == "fn" && is_test {
                tests.insert((relative(&file), pair[1].text.clone()));
            }
        }
    }
    let mut offences = Vec::new();
    let mut count = 0;
    for row in rows() {
        let [.., shown] = &*row else { continue };
        let words = quoted(shown);
        let (Some(path), true) = (
            words.first(),
            words.first().is_some_and(|path| path.ends_with(".rs")),
        ) else {
            continue;
        };
        for name in &words[1..] {
            count += 1;
            if !tests.contains(&((*path).to_owned(), (*name).to_owned())) {
                offences.push(format!("{path}: there is no test {name}"));
            }
        }
    }
    assert!(count > 50, "the page names {count} tests");
    hold("every_test_that_the_page_names_is_one", &offences);
}

#[test]
fn values_are_worked_out() {
    for (text, expected) in [
        ("96_000_000", Some(96_000_000)),
        ("8 * 1024 * 1024", Some(8 << 20)),
        ("(1 << 53) - 1", Some((1 << 53) - 1)),
        ("4 << 20", Some(4 << 20)),
        ("OTHER * 2", None),
    ] {
        assert_eq!(value(&tokens(text)), expected, "{text}");
    }
}
