//! What the library shows: each thing by one path, and nothing that only tests use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::hold;
use super::paths::{declared_in, imports, is_public};
use super::source::{Kind, files, sources, tokens};

/// What only measurements, examples or fuzz targets need, and why it may stay.
const FOR_TOOLS: &[(&str, &str)] = &[
    // A parser of untrusted bytes that profiles reach through a larger one is fuzzed by itself.
    ("parse_entitlements", "fuzzed by itself"),
    // A promise of docs/performance.md that only a count can hold.
    ("bytes_hashed", "tests/promises.rs counts with it"),
    // A seed of the fuzzer and an attack on a sealed log take a few lines; the product's segments have thirty thousand.
    ("with_segments_of", "small logs are cut too"),
    // The whole file is fuzzed; the product reads the property list first, for its lines.
    ("from_plist", "fuzzed by itself"),
    // Tests feed what is exported back through the resolver, as Xcode would read it.
    ("with_arguments", "exported arguments are read back"),
    (
        "with_xcconfig",
        "an exported configuration file is read back",
    ),
];

#[test]
fn nothing_has_two_paths() {
    let mut offences = Vec::new();
    for (file, source) in sources().iter().enumerate() {
        for import in imports(file).iter().filter(|import| import.is_public) {
            let Some(declares) = declared_in(file, &import.path) else {
                continue;
            };
            let declares = &sources()[declares];
            if declares.path != source.path
                && is_public(&declares.module)
                && is_public(&source.module)
            {
                offences.push(format!(
                    "{}: {} is {}::{} too",
                    source.line(import.line),
                    import.name,
                    declares.module.join("::"),
                    import.path.last().unwrap()
                ));
            }
        }
    }
    hold("nothing_has_two_paths", &offences);
}

/// Every word of the files that are part of the product's tools: measurements, examples, fuzz targets.
fn words_of_tools() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for folder in ["benches", "examples", "fuzz/fuzz_targets"] {
        for file in files(folder) {
            let found = tokens(&fs::read_to_string(file).unwrap());
            words.extend(found.into_iter().map(|token| token.text));
        }
    }
    words
}

#[test]
fn nothing_is_there_for_tests_only() {
    // A name that stands nowhere but where it is declared has no user. Names that several things share hide each other;
    // what is told here is certain.
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    let mut declared: Vec<(String, &str)> = Vec::new();
    for source in sources() {
        for (at, token) in source.tokens.iter().enumerate() {
            if token.kind == Kind::Text {
                // Names in braces of a format, names in attributes such as `serialize_with = "…"`.
                for word in token
                    .text
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                {
                    *uses.entry(word).or_default() += 1;
                }
            }
            if token.kind != Kind::Word {
                continue;
            }
            let before = |n: usize| at.checked_sub(n).map_or("", |at| &*source.tokens[at].text);
            let is_item =
                ["fn", "struct", "enum", "trait", "type", "const", "static"].contains(&before(1));
            // `pub fn`, `pub const fn`.
            let is_public = before(2) == "pub" || before(2) == "const" && before(3) == "pub";
            if is_item && is_public {
                declared.push((source.at(at), &token.text));
            } else if !is_item {
                *uses.entry(&token.text).or_default() += 1;
            }
        }
    }
    let tools = words_of_tools();
    let offences: Vec<String> = declared
        .into_iter()
        .filter(|(_, name)| !uses.contains_key(name) && *name != "main")
        .filter(|(_, name)| !FOR_TOOLS.iter().any(|(known, _)| known == name))
        .map(|(place, name)| {
            let by = if tools.contains(name) {
                " (but a tool does)"
            } else {
                ""
            };
            format!("{place}: nothing outside of tests uses {name}{by}")
        })
        .collect();
    hold("nothing_is_there_for_tests_only", &offences);
}
