//! How the program speaks, and what functions are not called.

use std::collections::BTreeSet;
use std::fs;

use super::hold;
use super::source::{Kind, Source, closing, root, sources};

/// Names that are written with a capital wherever they stand.
const PROPER: &[&str] = &[
    "Acme",
    "Apple",
    "ASCII",
    "BER",
    "CMS",
    "DER",
    "Developer",
    "HOME",
    "IANA",
    "JSON",
    "Mach-O",
    "OpenSSL",
    "PEM",
    "PKCS#7",
    "PKCS#8",
    "PKCS#12",
    "RFC",
    "RSA",
    "SHA-1",
    "SHA-256",
    "SIGHUP",
    "SIGINT",
    "SIGTERM",
    "Team",
    "TOML",
    "UTF-8",
    "UTF-16",
    "UUID",
    "UUIDs",
    "X.509",
    "XML",
    "Xcode",
];

/// Names that say nothing of what a function does or gives.
const EMPTY: &[&str] = &["one", "tell", "say", "at"];

/// Command lines of other tools that share a flag with ours: a file and the text.
const FOREIGN: &[(&str, &str)] = &[
    // codesign's.
    ("src/host/keychain/macos/backend.rs", "--keychain"),
    ("src/ops/contract/suite.rs", "--keychain"),
];

/// The message that an argument of a call begins with: a text, or the one that `format!` fills in.
fn message(source: &Source, at: usize) -> Option<usize> {
    let token = source.tokens.get(at)?;
    if token.kind == Kind::Text {
        return Some(at);
    }
    let is_format =
        source.reads(at, &["format", "!", "("]) || source.reads(at, &["concat", "!", "("]);
    (is_format && source.tokens.get(at + 3)?.kind == Kind::Text).then_some(at + 3)
}

/// Where each argument of the call whose bracket opens at `open` begins.
fn arguments(source: &Source, open: usize) -> Vec<usize> {
    let close = closing(&source.tokens, open);
    let mut begins = vec![open + 1];
    let mut at = open + 1;
    while at < close {
        match source.tokens[at].kind {
            Kind::Open => at = closing(&source.tokens, at),
            Kind::Sign if source.tokens[at].text == "," => begins.push(at + 1),
            _ => {}
        }
        at += 1;
    }
    begins.retain(|begin| *begin < close);
    begins
}

/// Every message: of findings and failures, hints, errors.
fn messages(source: &Source) -> Vec<usize> {
    let mut found = Vec::new();
    let mut take = |open: usize| {
        let begins = arguments(source, open).into_iter();
        found.extend(begins.filter_map(|begin| message(source, begin)));
    };
    for kind in ["Finding", "Failure"] {
        for at in source.places(&[kind, "::"]) {
            if source.reads(at + 3, &["("]) {
                take(at + 3);
            }
        }
    }
    for method in ["hint", "hint_of", "with_hint"] {
        for at in source.places(&[".", method, "("]) {
            take(at + 2);
        }
    }
    for at in source.places(&["#", "[", "error", "("]) {
        take(at + 3);
    }
    found
}

/// Whether a message starts as messages do: in lower case, with a sign, a number or a name.
fn starts_well(message: &str) -> bool {
    let word = message
        .split([' ', ':', ',', '\'', ';'])
        .next()
        .unwrap_or_default();
    let first = word.chars().next().unwrap_or('a');
    // A key or a variable, as it is written where it stands.
    let is_code =
        word.contains('_') || word.len() > 1 && word.chars().skip(1).any(char::is_uppercase);
    !first.is_uppercase() || is_code || PROPER.contains(&word)
}

#[test]
fn messages_start_in_lower_case() {
    let mut offences = Vec::new();
    for source in sources() {
        for at in messages(source) {
            let text = &source.tokens[at].text;
            if !starts_well(text) {
                offences.push(format!("{}: {text:?}", source.at(at)));
            }
        }
    }
    hold("messages_start_in_lower_case", &offences);
}

#[test]
fn a_capital_is_told_from_a_name() {
    for good in [
        "the file",
        "{0}: gone",
        "`x` y",
        "Xcode 16 writes it",
        "3 files",
        "SIGTERM: ended",
        "CODE_SIGN_STYLE is",
    ] {
        assert!(starts_well(good), "{good}");
    }
    for bad in ["The file", "A file", "Cannot read", "Remove it"] {
        assert!(!starts_well(bad), "{bad}");
    }
}

#[test]
fn messages_are_found() {
    let found: usize = sources().iter().map(|source| messages(source).len()).sum();
    assert!(found > 300, "{found}");
}

#[test]
fn no_function_has_a_name_that_says_nothing() {
    let mut offences = Vec::new();
    for source in sources() {
        for name in EMPTY {
            offences.extend(
                source
                    .places(&["fn", name])
                    .map(|at| format!("{}: fn {name}", source.at(at))),
            );
        }
    }
    hold("no_function_has_a_name_that_says_nothing", &offences);
}

/// Our verbs, as `noun verb` or alone, and our flags, from the committed help, which is held to the program's.
fn command_line() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut commands, mut flags) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(root().join("tests/snapshots/help")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if let Some(words) = name.strip_prefix("countersign-") {
            commands.insert(words.replace('-', " "));
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let line = line.trim_start();
            let long = line
                .strip_prefix('-')
                .and_then(|line| line.find("--").map(|at| &line[at..]));
            let long = line.strip_prefix("--").map_or(long, |_| Some(line));
            if let Some(flag) = long {
                let end = flag.find([' ', '=', ',', '[']).unwrap_or(flag.len());
                flags.insert(flag[..end].to_owned());
            }
        }
    }
    (commands, flags)
}

#[test]
fn only_cli_names_our_command_lines() {
    let (commands, flags) = command_line();
    assert!(
        commands.contains("keychain create") && flags.contains("--expect-manifest"),
        "{commands:?} {flags:?}"
    );
    let mut offences = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| !["cli", "main"].contains(&source.room()))
    {
        for (at, token) in source.tokens.iter().enumerate() {
            if token.kind != Kind::Text || FOREIGN.contains(&(&source.path, &token.text)) {
                continue;
            }
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let words = token.text.split(|c| !is_word(c));
            let mut named: Vec<String> = words
                .filter(|word| flags.contains(*word))
                .map(str::to_owned)
                .collect();
            for command in &commands {
                let is_two = command.contains(' ');
                let is_named = token.text.match_indices(command.as_str()).any(|(at, _)| {
                    let (before, after) = (&token.text[..at], &token.text[at + command.len()..]);
                    let begins =
                        before.ends_with("countersign ") || is_two && before.ends_with('`');
                    begins && !after.starts_with(is_word)
                });
                if is_named {
                    named.push(command.clone());
                }
            }
            if !named.is_empty() {
                offences.push(format!(
                    "{}: {} in {:?}",
                    source.at(at),
                    named.join(", "),
                    token.text
                ));
            }
        }
    }
    hold("only_cli_names_our_command_lines", &offences);
}
