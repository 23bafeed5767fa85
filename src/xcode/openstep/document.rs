//! The values of a property list, with their positions.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

/// The offset of what has no position (values read from XML).
pub(super) const NOWHERE: u32 = u32::MAX;

/// A dictionary with as many entries is searched by an index: a project keeps the attributes of all its targets in one.
const INDEXED_FROM: usize = 16;

/// A whole property list and the means to name the lines of its values.
#[derive(Debug)]
pub struct Document<'a> {
    /// The outermost value.
    pub root: Node<'a>,
    pub(super) lines: Lines,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'a> {
    /// The byte offset of its first character; see [`Document::line`].
    pub at: u32,
    /// The value.
    pub kind: Kind<'a>,
}

/// What a property list of this dialect can hold. Numbers and booleans are strings in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A quoted or bare string, escapes undone.
    Text(Cow<'a, str>),
    /// `<…>`: bytes in hex.
    Data(Vec<u8>),
    /// `(…)`.
    List(Vec<Node<'a>>),
    /// `{…}`.
    Map(Map<'a>),
}

/// A dictionary, in the order of the file; repeated keys are kept.
#[derive(Clone, Default)]
pub struct Map<'a> {
    entries: Vec<Entry<'a>>,
    /// Indices of `entries`, by key, then by order: made when a large dictionary is asked for a key the first time.
    by_key: OnceLock<Box<[u32]>>,
}

/// One `key = value;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The byte offset of the key.
    pub at: u32,
    /// The key.
    pub key: Cow<'a, str>,
    /// The value.
    pub value: Node<'a>,
}

impl<'a> Map<'a> {
    /// A dictionary of these entries, in this order.
    pub fn new(entries: Vec<Entry<'a>>) -> Self {
        Self {
            entries,
            by_key: OnceLock::new(),
        }
    }

    /// Its entries, in the order of the file.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The value of `key`; of a repeated key the last, as for CoreFoundation.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of `key`, with the key's own position.
    pub fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        if self.entries.len() < INDEXED_FROM {
            return self.entries.iter().rev().find(|entry| entry.key == key);
        }
        let found = |index: u32| self.entries.get(index as usize);
        let by_key = self.by_key.get_or_init(|| {
            let mut indices: Vec<u32> =
                (0..u32::try_from(self.entries.len()).unwrap_or(0)).collect();
            // Stable, so that of equal keys the last stays last.
            indices.sort_by(|a, b| {
                let key = |index: &u32| found(*index).map(|entry| &entry.key);
                key(a).cmp(&key(b))
            });
            indices.into()
        });
        let behind =
            by_key.partition_point(|index| found(*index).is_some_and(|it| *it.key <= *key));
        found(*by_key.get(behind.checked_sub(1)?)?).filter(|entry| entry.key == key)
    }

    /// The string under `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::as_text)
    }

    /// The elements of the list under `key`; none if it is absent or no list.
    pub fn list(&self, key: &str) -> &[Node<'a>] {
        self.get(key).and_then(Node::as_list).unwrap_or_default()
    }

    /// The dictionary under `key`.
    pub fn map(&self, key: &str) -> Option<&Map<'a>> {
        self.get(key).and_then(Node::as_map)
    }
}

impl PartialEq for Map<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}
impl Eq for Map<'_> {}

impl fmt::Debug for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

impl<'a> Node<'a> {
    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub fn as_list(&self) -> Option<&[Node<'a>]> {
        match &self.kind {
            Kind::List(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    pub fn as_map(&self) -> Option<&Map<'a>> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }
}

impl Document<'_> {
    /// The line of the value or key at byte offset `at`, from 1; nothing for a document that came as XML.
    pub fn line(&self, at: u32) -> Option<u64> {
        (at != NOWHERE).then(|| self.lines.of(at))
    }
}

/// Offsets of line ends, to turn byte offsets into line numbers.
#[derive(Debug)]
pub(super) struct Lines(Vec<u32>);

impl Lines {
    /// Those of a document that has no positions.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn of_text(text: &str) -> Self {
        let ends = text
            .bytes()
            .zip(0_u32..)
            .filter(|(byte, _)| *byte == b'\n')
            .map(|(_, at)| at);
        Self(ends.collect())
    }

    fn of(&self, at: u32) -> u64 {
        self.0.partition_point(|end| *end < at) as u64 + 1
    }
}
