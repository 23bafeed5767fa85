//! Reading TOML so that every mistake is reported at once, each at its line.
//!
//! Deriving `Deserialize` would stop at the first mistake and forget the lines. A person who edits a policy wants all of
//! it in one run, and a finding of the gate wants to point at the line of the rule that it broke. So the sections of the
//! policy ask a [`Reader`] for one value after the other; it notes the line of each, turns each mistake into a finding,
//! and hands back `None`, upon which the section goes on with its default. The result counts only if there was no
//! finding at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::value::joined;
pub(super) use self::value::{Item, Table, shortened};
use crate::base::clock::parse_duration;
use crate::base::finding::{Code, Finding};
use crate::context::suggestion::suggestion;

mod value;

/// More findings than this are counted, not listed: nobody reads them, and a hostile file should not make us write them.
const MOST_FINDINGS: usize = 100;

/// The keys that each section knows; the empty name is the top of the file.
pub(super) type Sections = [(&'static str, &'static [&'static str])];

/// What reads one policy file.
pub(super) struct Reader<'a> {
    text: &'a str,
    file: &'a Path,
    home: Option<&'a Path>,
    sections: &'a Sections,
    line_starts: Vec<usize>,
    lines: BTreeMap<String, u64>,
    findings: Vec<Finding>,
    unlisted: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        text: &'a str,
        file: &'a Path,
        home: Option<&'a Path>,
        sections: &'a Sections,
    ) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            text,
            file,
            home,
            sections,
            line_starts,
            lines: BTreeMap::new(),
            findings: Vec::new(),
            unlisted: 0,
        }
    }

    /// The home directory, where one is known.
    pub(super) fn home(&self) -> Option<&'a Path> {
        self.home
    }

    /// What was found, in the order of the file; and the line of every key that was read.
    pub(super) fn finish(mut self) -> (Vec<Finding>, BTreeMap<String, u64>) {
        self.findings
            .sort_by(|a, b| (a.place.line, &a.message).cmp(&(b.place.line, &b.message)));
        self.findings.dedup();
        if self.unlisted > 0 {
            self.findings.push(
                Finding::block(
                    Code::PolicyInvalid,
                    format!("the report does not list {} more mistakes", self.unlisted),
                )
                .hint("correct the mistakes above first")
                .in_file(self.file),
            );
        }
        (self.findings, self.lines)
    }

    /// Reports that the file is no TOML. A key that stands twice leaves the rest of the file readable; anything else
    /// does not, because what follows a torn line is guesswork: so of the errors of one line only the first is told, and
    /// of the lines only the first few. Returns whether the rest is readable.
    pub(super) fn not_toml(&mut self, errors: &[toml::de::Error]) -> bool {
        const MOST_TORN_LINES: usize = 5;
        let mut torn = BTreeSet::new();
        for error in errors {
            let span = error.span().unwrap_or_default();
            if error.message() == "duplicate key" {
                let word = shortened(self.text.get(span.clone()).unwrap_or_default().trim());
                let finding = Finding::block(Code::PolicyInvalid, format!("`{word}` stands twice"))
                    .found(word)
                    .hint("keep one of the two");
                self.push(finding, span.start, None);
            } else if torn.len() < MOST_TORN_LINES && torn.insert(self.line_at(span.start)) {
                let line = self.line_text(span.start);
                let mut finding = Finding::block(
                    Code::PolicyInvalid,
                    format!("not TOML: {}", error.message()),
                )
                .hint(if error.message().contains("array") {
                    "check that the list above ends with ]"
                } else {
                    "write text in quotes and lists in [ ], and start a section with its [name]"
                });
                if !line.is_empty() {
                    finding = finding.found(line);
                }
                self.push(finding, span.start, None);
            }
        }
        torn.is_empty()
    }

    /// The whole file as a table.
    pub(super) fn top<'v>(&self, document: &'v DeTable<'v>) -> Table<'v> {
        Table {
            path: String::new(),
            at: 0,
            entries: Some(document),
        }
    }

    /// The value of `key`, its line noted.
    pub(super) fn get<'v>(&mut self, table: &Table<'v>, key: &str) -> Option<Item<'v>> {
        let (spanned_key, value) = table.entries?.get_key_value(key)?;
        Some(self.item(
            joined(&table.path, key),
            spanned_key.span().start,
            value.get_ref(),
        ))
    }

    /// The value of `key`, which must be written.
    pub(super) fn require<'v>(
        &mut self,
        table: &Table<'v>,
        key: &str,
        hint: &str,
    ) -> Option<Item<'v>> {
        let item = self.get(table, key);
        if item.is_none() {
            let place = if table.path.is_empty() {
                "at the top".to_owned()
            } else {
                format!("in [{}]", table.path)
            };
            let finding = Finding::block(
                Code::PolicyInvalid,
                format!("`{key}` is not written {place}"),
            )
            .hint(hint);
            self.push(finding, table.at, Some(joined(&table.path, key)));
        }
        item
    }

    /// The section `key`; its unknown keys are reported against the list of the section of that name.
    pub(super) fn section<'v>(&mut self, table: &Table<'v>, key: &str) -> Table<'v> {
        let path = joined(&table.path, key);
        match self
            .get(table, key)
            .and_then(|item| self.table(&item, "a section"))
        {
            Some(section) => {
                self.report_unknown(&section, &path);
                section
            }
            None => Table {
                path,
                at: table.at,
                entries: None,
            },
        }
    }

    /// A table, of any keys.
    pub(super) fn table<'v>(&mut self, item: &Item<'v>, expected: &str) -> Option<Table<'v>> {
        match item.value {
            DeValue::Table(entries) => Some(Table {
                path: item.path.clone(),
                at: item.at,
                entries: Some(entries),
            }),
            _ => self.wrong_type(item, expected),
        }
    }

    /// Every entry of a table whose keys are names that people choose, in the order of the names.
    pub(super) fn entries<'v>(&mut self, table: &Table<'v>) -> Vec<(&'v str, Item<'v>)> {
        let entries = table.entries.into_iter().flatten();
        entries
            .map(|(key, value)| {
                let path = joined(&table.path, key.get_ref());
                let item = self.item(path, key.span().start, value.get_ref());
                (key.get_ref().as_ref(), item)
            })
            .collect()
    }

    /// Reports every key of `table` that the section `name` does not know, and what was probably meant.
    pub(super) fn report_unknown(&mut self, table: &Table<'_>, name: &str) {
        let known = self.keys_of(name);
        for (key, value) in table.entries.into_iter().flatten() {
            let word: &str = key.get_ref();
            if known.contains(&word) {
                continue;
            }
            let place = if name.is_empty() {
                "at the top of the policy".to_owned()
            } else {
                format!("in [{name}]")
            };
            let finding = Finding::block(
                Code::PolicyInvalid,
                format!("unknown key `{}` {place}", shortened(word)),
            )
            .found(shortened(word));
            let elsewhere = self
                .sections
                .iter()
                .find(|(other, keys)| !other.is_empty() && *other != name && keys.contains(&word))
                .map(|(other, _)| *other);
            // `[profile]` is a section misspelt rather than the key `profile` of another one.
            let is_section = matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
            let near = suggestion(word, known.iter().copied());
            let elsewhere = elsewhere.filter(|_| !is_section || near.is_none());
            let finding = if let Some(other) = elsewhere {
                finding.hint(format!("`{word}` belongs to [{other}]"))
            } else if let Some(near) = near {
                finding
                    .expected(near)
                    .hint(format!("did you mean `{near}`?"))
            } else {
                finding.hint(format!("the keys here are {}", known.join(", ")))
            };
            self.push(finding, key.span().start, Some(joined(&table.path, word)));
        }
    }

    /// Text.
    pub(super) fn text<'v>(&mut self, item: &Item<'v>, expected: &str) -> Option<&'v str> {
        match item.value {
            DeValue::String(text) => Some(text),
            _ => self.wrong_type(item, expected),
        }
    }

    /// A whole number.
    pub(super) fn integer(&mut self, item: &Item<'_>, expected: &str) -> Option<i64> {
        let DeValue::Integer(integer) = item.value else {
            return self.wrong_type(item, expected);
        };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) => Some(value),
            Err(_) => self.refuse(
                item,
                format!("`{}` is out of range", item.path),
                expected,
                integer,
                None,
            ),
        }
    }

    /// The elements of a list.
    pub(super) fn list<'v>(&mut self, item: &Item<'v>, expected: &str) -> Option<Vec<Item<'v>>> {
        let DeValue::Array(values) = item.value else {
            return self.wrong_type(item, expected);
        };
        let items = values.iter().enumerate();
        Some(
            items
                .map(|(index, value)| self.element(item, index, value))
                .collect(),
        )
    }

    fn element<'v>(
        &mut self,
        list: &Item<'v>,
        index: usize,
        value: &'v Spanned<DeValue<'v>>,
    ) -> Item<'v> {
        self.item(
            format!("{}[{index}]", list.path),
            value.span().start,
            value.get_ref(),
        )
    }

    /// Text that names something by the rules of `T`; the rule it broke becomes the finding.
    pub(super) fn parsed<T>(&mut self, item: &Item<'_>, expected: &str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let text = self.text(item, expected)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.refuse(
                item,
                format!("`{}`: {error}", item.path),
                expected,
                shortened(text),
                None,
            ),
        }
    }

    /// A list of what [`Reader::parsed`] reads, without two that are the same in the eyes of `key`.
    pub(super) fn parsed_list<T, K: Ord>(
        &mut self,
        item: &Item<'_>,
        expected: &str,
        key: impl Fn(&T) -> K,
    ) -> Option<Vec<T>>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let items = self.list(item, &format!("a list, each {expected}"))?;
        let read = items
            .iter()
            .filter_map(|item| Some((self.parsed::<T>(item, expected)?, item)))
            .collect();
        Some(self.distinct(read, key))
    }

    /// Drops what stands twice, and reports it: a line copied and not yet edited.
    pub(super) fn distinct<T, K: Ord>(
        &mut self,
        read: Vec<(T, &Item<'_>)>,
        key: impl Fn(&T) -> K,
    ) -> Vec<T> {
        let mut first: BTreeMap<K, String> = BTreeMap::new();
        let mut kept = Vec::with_capacity(read.len());
        for (value, item) in read {
            if let Some(earlier) = first.get(&key(&value)) {
                let message = format!("`{}` repeats `{earlier}`", item.path);
                self.complain(item, message, "delete one of the two, or correct it");
            } else {
                first.insert(key(&value), item.path.clone());
                kept.push(value);
            }
        }
        kept
    }

    /// One word of a closed set.
    pub(super) fn word<T, const N: usize>(
        &mut self,
        item: &Item<'_>,
        expected: &str,
        words: [(&'static str, T); N],
    ) -> Option<T> {
        let text = self.text(item, expected)?;
        let known = words.each_ref().map(|(word, _)| *word);
        match words.into_iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Some(value),
            None => {
                let message = format!("`{}` is not {expected}", item.path);
                self.unknown_word(item, message, text, known);
                None
            }
        }
    }

    /// A list of words of a closed set, each once.
    pub(super) fn words<T: Copy + Ord, const N: usize>(
        &mut self,
        item: &Item<'_>,
        expected: &str,
        each: &str,
        words: [(&'static str, T); N],
    ) -> Option<BTreeSet<T>> {
        let items = self.list(item, expected)?;
        let read = items
            .iter()
            .filter_map(|item| Some((self.word(item, each, words)?, item)))
            .collect();
        Some(self.distinct(read, |word| *word).into_iter().collect())
    }

    /// Reports a word that is none of `known`, and which of them was probably meant.
    pub(super) fn unknown_word<'k>(
        &mut self,
        item: &Item<'_>,
        message: String,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        const LISTED: usize = 8;
        let known: Vec<&str> = known.into_iter().collect();
        let near = suggestion(word, known.iter().copied());
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let expected = match near {
            Some(near) => near.to_owned(),
            None if known.len() <= LISTED => known.join(", "),
            None => {
                let some: Vec<&str> = known.iter().take(LISTED).copied().collect();
                format!("{}, …", some.join(", "))
            }
        };
        self.refuse::<()>(item, message, expected, shortened(word), hint.as_deref());
    }

    /// A duration such as `7d`.
    pub(super) fn duration(&mut self, item: &Item<'_>) -> Option<SignedDuration> {
        const EXPECTED: &str = "a duration such as \"90s\", \"14m\", \"8h\" or \"7d\"";
        let text = self.text(item, EXPECTED)?;
        match parse_duration(text) {
            Ok(duration) => Some(duration),
            Err(error) => self.refuse(
                item,
                format!("`{}`: {error}", item.path),
                EXPECTED,
                shortened(text),
                None,
            ),
        }
    }

    /// A path: absolute, below the home directory (`~/…`), or relative to the policy file's directory.
    pub(super) fn path(&mut self, item: &Item<'_>) -> Option<PathBuf> {
        let text = self.text(item, "a path, as text")?;
        self.resolve(item, text)
    }

    /// Resolves `text`, which stands in `item`, as a path.
    pub(super) fn resolve(&mut self, item: &Item<'_>, text: &str) -> Option<PathBuf> {
        const EXPECTED: &str =
            "an absolute path, ~/ and a path, or a path relative to the policy file";
        let (message, hint) = if text.is_empty() {
            ("is an empty path", None)
        } else if text.contains('\0') {
            ("holds a NUL character, which a path cannot hold", None)
        } else if text.starts_with('$') {
            (
                "starts with a variable",
                Some("write ~ for the home directory: variables are not expanded here"),
            )
        } else if text == "~" || text.starts_with("~/") {
            match self.home {
                Some(home) => {
                    let below = text.trim_start_matches('~').trim_start_matches('/');
                    return Some(if below.is_empty() {
                        home.to_owned()
                    } else {
                        home.join(below)
                    });
                }
                None => (
                    "starts with ~, and there is no home directory",
                    Some("set HOME, or write an absolute path"),
                ),
            }
        } else if text.starts_with('~') {
            (
                "names another user's home",
                Some("write ~/, an absolute path, or ./~name for a file of that name"),
            )
        } else {
            let directory = self.file.parent().unwrap_or(Path::new(""));
            return Some(directory.join(text));
        };
        self.refuse(
            item,
            format!("`{}` {message}", item.path),
            EXPECTED,
            format!("{:?}", shortened(text)),
            hint,
        )
    }

    /// Reports a value that breaks a rule, with both values; always `None`, so that it can end an expression.
    pub(super) fn refuse<T>(
        &mut self,
        item: &Item<'_>,
        message: String,
        expected: impl fmt::Display,
        found: impl fmt::Display,
        hint: Option<&str>,
    ) -> Option<T> {
        let finding = Finding::block(Code::PolicyInvalid, message).values(expected, found);
        let finding = match hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        };
        self.push(finding, item.at, Some(item.path.clone()));
        None
    }

    /// Reports what is wrong with a value where no other value would be the right one.
    pub(super) fn complain(&mut self, item: &Item<'_>, message: impl Into<String>, hint: &str) {
        let finding = Finding::block(Code::PolicyInvalid, message).hint(hint);
        self.push(finding, item.at, Some(item.path.clone()));
    }

    fn wrong_type<T>(&mut self, item: &Item<'_>, expected: &str) -> Option<T> {
        let unquoted = !matches!(
            item.value,
            DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_)
        );
        let listed = expected.starts_with("a list") && matches!(item.value, DeValue::String(_));
        let hint = if listed {
            Some("put it in [ ], even if there is only one")
        } else if unquoted && !expected.starts_with("a list") && expected != "a section" {
            Some("write text in double quotes, and numbers, true and false without quotes")
        } else {
            None
        };
        self.refuse(
            item,
            format!("`{}` is not {expected}", item.path),
            expected,
            item.shown(),
            hint,
        )
    }

    fn item<'v>(&mut self, path: String, at: usize, value: &'v DeValue<'v>) -> Item<'v> {
        let line = self.line_at(at);
        self.lines.insert(path.clone(), line);
        Item { path, at, value }
    }

    fn keys_of(&self, name: &str) -> &'static [&'static str] {
        self.sections
            .iter()
            .find(|(section, _)| *section == name)
            .map_or(&[], |(_, keys)| keys)
    }

    fn push(&mut self, finding: Finding, at: usize, pointer: Option<String>) {
        if self.findings.len() >= MOST_FINDINGS {
            self.unlisted += 1;
            return;
        }
        let line = self.line_at(at);
        let mut finding = finding.in_file(self.file).at_line(line);
        if finding.hint.is_none() {
            finding = match finding.expected.clone() {
                Some(expected) => finding.hint(format!(
                    "write {expected} here; docs/policy.md explains every key"
                )),
                None => finding.hint("docs/policy.md explains every key"),
            };
        }
        self.findings.push(match pointer {
            Some(pointer) => finding.at_pointer(pointer),
            None => finding,
        });
    }

    fn line_at(&self, offset: usize) -> u64 {
        // The number of lines that start at or before the offset; the first starts at 0.
        self.line_starts.partition_point(|start| *start <= offset) as u64
    }

    fn line_text(&self, offset: usize) -> String {
        let before = self.line_starts.partition_point(|start| *start <= offset);
        let start = before
            .checked_sub(1)
            .and_then(|index| self.line_starts.get(index))
            .copied()
            .unwrap_or_default();
        let rest = self.text.get(start..).unwrap_or_default();
        shortened(rest.lines().next().unwrap_or_default().trim())
    }
}
