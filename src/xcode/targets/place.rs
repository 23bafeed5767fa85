//! Where findings about settings point.

use std::collections::HashMap;

use crate::base::finding::Finding;
use crate::xcode::assignment::Origin;
use crate::xcode::settings::{Scope, is_set_by_xcode};

/// `finding`, pointing at `origin`.
pub(super) fn at_origin(finding: Finding, origin: &Origin) -> Finding {
    match &origin.file {
        Some(file) => {
            let mut finding = finding.in_file(file);
            finding.place.line = origin.line;
            finding
        }
        None => finding,
    }
}

/// The first setting that `name` depends on and that only Xcode knows, on the machine that builds: a path that holds one is
/// not known here.
pub(super) fn only_xcode_knows(scope: &Scope, name: &str) -> Option<Box<str>> {
    let undefined = scope.evaluate(name)?.undefined.into_iter();
    undefined
        .map(|undefined| undefined.name)
        .find(|name| is_set_by_xcode(name))
}

/// The line of each word of a file: the first on which it stands.
///
/// A word is a run of the characters that keys and setting names are made of, so that `aps` is not found inside of
/// `aps-environment`.
#[derive(Debug, Default)]
pub(super) struct WordLines(HashMap<Box<[u8]>, u64>);

impl WordLines {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut lines = HashMap::new();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1_u64..) {
            for word in line
                .split(|byte| !is_word(*byte))
                .filter(|word| !word.is_empty())
            {
                if !lines.contains_key(word) {
                    lines.insert(word.into(), number);
                }
            }
        }
        Self(lines)
    }

    /// The line of `word`; the first line where it cannot be told, as in a binary file.
    pub(super) fn line(&self, word: &str) -> u64 {
        self.0.get(word.as_bytes()).copied().unwrap_or(1)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || byte >= 0x80
}
