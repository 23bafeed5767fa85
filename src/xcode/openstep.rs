//! The property-list dialect of `project.pbxproj`, read in one pass with positions.
//!
//! Project files are OpenStep ("ASCII") property lists: `{ key = value; }`, `( a, b, )`, quoted or bare strings,
//! `<0fbd77>` data, C comments. The `plist` crate reads them too, but it keeps no positions and takes `<<<<<<< HEAD`
//! for data, so that a project in the middle of a merge looks like a smaller, valid one. Here every key and value
//! has a byte offset, and a merge-conflict marker at the start of a line is an error that names the line.
//!
//! Strings borrow from the text unless they hold escapes. Nesting and size are bounded. Projects that were stored in
//! the XML format (`plutil -convert xml1`, old gems) are read as well, without positions.
//!
//! What it does not do: write, or keep comments. The grammar is that of CoreFoundation's `CFOldStylePList.c`, without
//! its `.strings` shorthand (`key;`).

use std::borrow::Cow;

use crate::apple::property_list;
use crate::apple::value::Value;

/// How deep values may nest: real projects reach six.
pub const MAX_DEPTH: usize = 48;

/// The offset of what has no position (values read from XML).
const NOWHERE: u32 = u32::MAX;

/// A whole property list and the means to name the lines of its values.
#[derive(Debug)]
pub struct Document<'a> {
    /// The outermost value.
    pub root: Node<'a>,
    lines: Lines,
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map<'a> {
    /// Its entries.
    pub entries: Vec<Entry<'a>>,
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
    /// The value of `key`; of a repeated key the last, as for CoreFoundation.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of `key`, with the key's own position.
    pub fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().rev().find(|entry| entry.key == key)
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

/// Why a text is no property list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: u64,
    /// The byte offset.
    pub offset: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a property list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The marker of an unresolved merge stands at the start of a line.
    #[error("unresolved merge conflict ({marker}): resolve it before anything reads this file")]
    ConflictMarker {
        /// The marker, seven characters.
        marker: &'static str,
    },
    /// The text ends inside of something: it is truncated, or a closing character is missing.
    #[error(
        "the file ends here, but the {opened} opened on line {opened_line} is not closed: it is truncated, or a closing \
         character is missing"
    )]
    Unclosed {
        /// What is not closed.
        opened: &'static str,
        /// The line on which it was opened, from 1.
        opened_line: u64,
    },
    /// Another character than the grammar has here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// Data with something else than pairs of hex digits.
    #[error("data (<…>) holds pairs of hex digits only")]
    BadData,
    /// Deeper nesting than any honest file has.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Larger than positions can express.
    #[error("the file is larger than 4 GB")]
    TooLarge,
    /// The file begins as XML but is no XML property list.
    #[error("not an XML property list: {0}")]
    Xml(String),
}

/// Reads a property list in the OpenStep dialect, or in XML if it begins as XML does.
///
/// # Errors
/// [`ReadError`], with the line; merge-conflict markers and truncation among them.
pub fn read(text: &str) -> Result<Document<'_>, ReadError> {
    if u32::try_from(text.len()).map_or(true, |length| length == NOWHERE) {
        return Err(ReadError {
            line: 1,
            offset: 0,
            problem: Problem::TooLarge,
        });
    }
    if is_xml(text) {
        return xml_value(text).map(|value| Document {
            root: from_value(value),
            lines: Lines(Vec::new()),
        });
    }
    let mut reader = Reader { text, at: 0 };
    let root = reader.value(0)?;
    reader.skip_blank()?;
    if reader.peek().is_some() {
        return Err(reader.unexpected("the end of the file"));
    }
    Ok(Document {
        root,
        lines: Lines::of_text(text),
    })
}

/// Offsets of line ends, to turn byte offsets into line numbers.
#[derive(Debug)]
struct Lines(Vec<u32>);

impl Lines {
    fn of_text(text: &str) -> Self {
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

/// A cursor over the text. Only ASCII bytes are ever tested, so every position it stops at is a character boundary.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek_second(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at + 1).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The position for a node; the text is known to be shorter than 4 GB.
    fn position(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(NOWHERE)
    }

    fn error(&self, offset: usize, problem: Problem) -> ReadError {
        ReadError {
            line: self.line_of(offset),
            offset,
            problem,
        }
    }

    fn line_of(&self, offset: usize) -> u64 {
        crate::base::finding::line_of(self.text.as_bytes(), offset)
    }

    fn unexpected(&self, expected: &'static str) -> ReadError {
        let found = match self.slice(self.at, self.text.len()).chars().next() {
            Some(character) => format!("{character:?}"),
            None => "the end of the file".to_owned(),
        };
        self.error(self.at, Problem::Unexpected { expected, found })
    }

    fn unclosed(&self, opened: &'static str, opened_at: usize) -> ReadError {
        let opened_line = self.line_of(opened_at);
        self.error(
            self.text.len(),
            Problem::Unclosed {
                opened,
                opened_line,
            },
        )
    }

    /// Skips white space and comments; refuses a conflict marker at the start of a line.
    fn skip_blank(&mut self) -> Result<(), ReadError> {
        if self.at == 0 {
            self.refuse_conflict_marker()?;
        }
        loop {
            match self.peek() {
                Some(b'\n') => {
                    self.at += 1;
                    self.refuse_conflict_marker()?;
                }
                Some(b' ' | b'\t' | b'\r' | 0x0b | 0x0c) => self.at += 1,
                Some(b'/') if self.peek_second() == Some(b'*') => self.skip_block_comment()?,
                Some(b'/') if self.peek_second() == Some(b'/') => {
                    self.at = match self.rest().iter().position(|byte| *byte == b'\n') {
                        Some(length) => self.at + length,
                        None => self.text.len(),
                    };
                }
                // U+2028 and U+2029, which CoreFoundation counts as white space.
                Some(0xe2) if matches!(self.rest(), [0xe2, 0x80, 0xa8 | 0xa9, ..]) => self.at += 3,
                _ => return Ok(()),
            }
        }
    }

    fn skip_block_comment(&mut self) -> Result<(), ReadError> {
        let opened_at = self.at;
        self.at += 2;
        loop {
            match self.rest().iter().position(|byte| *byte == b'*') {
                Some(length) => self.at += length + 1,
                None => return Err(self.unclosed("comment", opened_at)),
            }
            if self.peek() == Some(b'/') {
                self.at += 1;
                return Ok(());
            }
        }
    }

    fn refuse_conflict_marker(&self) -> Result<(), ReadError> {
        match conflict_marker(self.rest()) {
            Some(marker) => Err(self.error(self.at, Problem::ConflictMarker { marker })),
            None => Ok(()),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, ReadError> {
        self.skip_blank()?;
        let at = self.position();
        let kind = match self.peek() {
            Some(b'{') => Kind::Map(self.map(depth)?),
            Some(b'(') => Kind::List(self.list(depth)?),
            Some(b'<') => Kind::Data(self.data()?),
            _ => Kind::Text(self.string("a value")?),
        };
        Ok(Node { at, kind })
    }

    fn map(&mut self, depth: usize) -> Result<Map<'a>, ReadError> {
        let opened_at = self.open(depth)?;
        let mut map = Map::default();
        loop {
            self.skip_blank()?;
            match self.peek() {
                Some(b'}') => break,
                None => return Err(self.unclosed("dictionary \"{\"", opened_at)),
                Some(_) => {}
            }
            let at = self.position();
            let key = self.string("a key or \"}\"")?;
            self.skip_blank()?;
            self.expect(b'=', "\"=\" after a key", opened_at)?;
            let value = self.value(depth + 1)?;
            self.skip_blank()?;
            self.expect(b';', "\";\" after a value", opened_at)?;
            map.entries.push(Entry { at, key, value });
        }
        self.at += 1;
        Ok(map)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node<'a>>, ReadError> {
        let opened_at = self.open(depth)?;
        let mut nodes = Vec::new();
        loop {
            self.skip_blank()?;
            match self.peek() {
                Some(b')') => break,
                None => return Err(self.unclosed("list \"(\"", opened_at)),
                Some(_) => nodes.push(self.value(depth + 1)?),
            }
            self.skip_blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b')') => break,
                None => return Err(self.unclosed("list \"(\"", opened_at)),
                Some(_) => return Err(self.unexpected("\",\" or \")\" in a list")),
            }
        }
        self.at += 1;
        Ok(nodes)
    }

    fn open(&mut self, depth: usize) -> Result<usize, ReadError> {
        if depth >= MAX_DEPTH {
            return Err(self.error(self.at, Problem::TooDeep));
        }
        let opened_at = self.at;
        self.at += 1;
        Ok(opened_at)
    }

    fn expect(
        &mut self,
        byte: u8,
        expected: &'static str,
        opened_at: usize,
    ) -> Result<(), ReadError> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            None => Err(self.unclosed("dictionary \"{\"", opened_at)),
            Some(_) => Err(self.unexpected(expected)),
        }
    }

    fn data(&mut self) -> Result<Vec<u8>, ReadError> {
        let opened_at = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        let mut high = None;
        loop {
            let Some(byte) = self.peek() else {
                return Err(self.unclosed("data \"<\"", opened_at));
            };
            match (char::from(byte).to_digit(16), high) {
                (Some(digit), None) => high = Some(digit),
                (Some(digit), Some(first)) => {
                    bytes.push(u8::try_from(first << 4 | digit).unwrap_or_default());
                    high = None;
                }
                (None, None) if byte == b'>' => break,
                (None, _) if byte.is_ascii_whitespace() => {}
                _ => return Err(self.error(self.at, Problem::BadData)),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(bytes)
    }

    fn string(&mut self, expected: &'static str) -> Result<Cow<'a, str>, ReadError> {
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote),
            Some(byte) if is_bare(byte) => {
                let length = self
                    .rest()
                    .iter()
                    .position(|byte| !is_bare(*byte))
                    .unwrap_or(self.rest().len());
                let text = self.slice(self.at, self.at + length);
                self.at += length;
                Ok(Cow::Borrowed(text))
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<Cow<'a, str>, ReadError> {
        let opened_at = self.at;
        self.at += 1;
        let mut clean_from = self.at;
        let mut unescaped: Option<String> = None;
        loop {
            let Some(length) = self
                .rest()
                .iter()
                .position(|byte| *byte == quote || matches!(*byte, b'\\' | b'\n'))
            else {
                return Err(self.unclosed("quoted string", opened_at));
            };
            self.at += length;
            match self.peek() {
                Some(b'\n') => {
                    self.at += 1;
                    // A string may span lines, but none that people write has a line that begins like these two.
                    // "=======" may: it underlines headings in scripts.
                    if let Some(marker @ ("<<<<<<<" | ">>>>>>>")) = conflict_marker(self.rest()) {
                        return Err(self.error(self.at, Problem::ConflictMarker { marker }));
                    }
                }
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(self.slice(clean_from, self.at));
                    self.at += 1;
                    self.escape(text);
                    clean_from = self.at;
                }
                _ => break,
            }
        }
        let tail = self.slice(clean_from, self.at);
        self.at += 1;
        Ok(match unescaped {
            Some(mut text) => {
                text.push_str(tail);
                Cow::Owned(text)
            }
            None => Cow::Borrowed(tail),
        })
    }

    /// Undoes the escape whose backslash was just passed.
    fn escape(&mut self, into: &mut String) {
        let Some(byte) = self.peek() else { return };
        let simple = match byte {
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'v' => '\u{b}',
            b'0'..=b'7' => return into.push(self.octal()),
            b'U' => {
                self.at += 1;
                let unit = self.hex_unit();
                return into.push(self.with_low_surrogate(unit));
            }
            // Any other character stands for itself; it may be longer than a byte, so the text decides.
            _ => {
                let character = self.slice(self.at, self.text.len()).chars().next();
                self.at += character.map_or(1, char::len_utf8);
                return into.extend(character);
            }
        };
        self.at += 1;
        into.push(simple);
    }

    /// `\101`: up to three octal digits that name a character of the NeXTSTEP encoding.
    fn octal(&mut self) -> char {
        let mut code = 0_u32;
        for _ in 0..3 {
            match self.peek() {
                Some(digit @ b'0'..=b'7') => {
                    code = code << 3 | u32::from(digit - b'0');
                    self.at += 1;
                }
                _ => break,
            }
        }
        next_step(u8::try_from(code & 0xff).unwrap_or_default())
    }

    /// Up to four hex digits after `\U`: one UTF-16 unit.
    fn hex_unit(&mut self) -> u32 {
        let mut code = 0;
        for _ in 0..4 {
            match self.peek().and_then(|byte| char::from(byte).to_digit(16)) {
                Some(digit) => {
                    code = code << 4 | digit;
                    self.at += 1;
                }
                None => break,
            }
        }
        code
    }

    /// The character of a UTF-16 unit, taking a second `\U…` for the other half of a surrogate pair.
    fn with_low_surrogate(&mut self, unit: u32) -> char {
        if (0xd800..0xdc00).contains(&unit) && matches!(self.rest(), [b'\\', b'U', ..]) {
            let before = self.at;
            self.at += 2;
            let low = self.hex_unit();
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
            self.at = before;
        }
        char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

/// What a string may hold without quotes: CoreFoundation's set, and everything beyond ASCII, which careless tools
/// leave unquoted.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'$' | b'/' | b':' | b'.' | b'-')
        || byte >= 0x80
}

/// The merge-conflict marker that `line` begins with: seven equal characters, then a blank or the line's end.
pub(crate) fn conflict_marker(line: &[u8]) -> Option<&'static str> {
    let (marker, rest) = line.split_at_checked(7)?;
    let known = match marker {
        b"<<<<<<<" => "<<<<<<<",
        b"|||||||" => "|||||||",
        b"=======" => "=======",
        b">>>>>>>" => ">>>>>>>",
        _ => return None,
    };
    matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')).then_some(known)
}

/// The character of a code in the NeXTSTEP encoding (Unicode's NEXTSTEP.TXT).
fn next_step(code: u8) -> char {
    let beyond_ascii = usize::from(code).checked_sub(0x80);
    match beyond_ascii {
        None => char::from(code),
        Some(index) => NEXT_STEP
            .chars()
            .nth(index)
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// Whether a text is an XML property list, or is meant to be one.
pub(crate) fn is_xml(text: &str) -> bool {
    let start = text.trim_start();
    ["<?xml", "<!DOCTYPE plist", "<plist"]
        .iter()
        .any(|tag| start.starts_with(tag))
}

/// The value of an XML property list.
pub(crate) fn xml_value(text: &str) -> Result<Value, ReadError> {
    // `plist` gives no positions; a conflict marker is still one, whatever the format.
    let mut offset = 0;
    for (line, number) in text.split_inclusive('\n').zip(1_u64..) {
        if let Some(marker) = conflict_marker(line.as_bytes()) {
            return Err(ReadError {
                line: number,
                offset,
                problem: Problem::ConflictMarker { marker },
            });
        }
        offset += line.len();
    }
    property_list::read_with(text.as_bytes(), MAX_XML, &mut |_| true).map_err(|error| ReadError {
        line: error
            .at
            .line
            .and_then(|line| u64::try_from(line).ok())
            .unwrap_or(1),
        offset: 0,
        problem: Problem::Xml(error.problem.to_string()),
    })
}

/// The largest XML property list that is read: project files in XML are rare and small.
const MAX_XML: usize = 64 * 1024 * 1024;

fn from_value(value: Value) -> Node<'static> {
    let text = |text: String| Kind::Text(Cow::Owned(text));
    let kind = match value {
        Value::Boolean(value) => text(if value { "YES" } else { "NO" }.to_owned()),
        Value::Integer(value) => text(value.to_string()),
        Value::String(value) => text(value.into_string()),
        Value::Data(bytes) => Kind::Data(bytes.into_vec()),
        Value::Array(values) => Kind::List(values.into_iter().map(from_value).collect()),
        Value::Dictionary(values) => {
            let entry = |(key, value): (Box<str>, Value)| Entry {
                at: NOWHERE,
                key: Cow::Owned(key.into_string()),
                value: from_value(value),
            };
            Kind::Map(Map {
                entries: values.into_iter().map(entry).collect(),
            })
        }
    };
    Node { at: NOWHERE, kind }
}

/// The characters of codes 0x80 to 0xff.
const NEXT_STEP: &str = "\u{a0}ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖÙÚÛÜÝÞµ×÷©¡¢£⁄¥ƒ§¤’“«‹›ﬁﬂ®–†‡·¦¶•‚„”»…‰¬¿¹ˋ´ˆ˜¯˘˙¨²˚¸³˝˛ˇ\
    —±¼½¾àáâãäåçèéêëìÆíªîïðñŁØŒºòóôõöæùúûıüýłøœßþÿ\u{fffd}\u{fffd}";

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        read(source).unwrap().root.as_text().unwrap().to_owned()
    }

    fn refused(source: &str) -> ReadError {
        read(source).unwrap_err()
    }

    #[test]
    fn reads_what_projects_hold() {
        let document = read(concat!(
            "// !$*UTF8*$!\n{\n\tobjects = {\n\t\tAB /* x */ = {isa = PBXGroup; children = (\n\t\t\tA,\n\t\t\t\"b c\",\n\t\t); };\n",
            "\t};\n\trootObject = AB /* Project object */;\n}\n"
        ))
        .unwrap();
        let root = document.root.as_map().unwrap();
        assert_eq!(root.text("rootObject"), Some("AB"));
        let objects = root.map("objects").unwrap();
        let group = objects.map("AB").unwrap();
        let children: Vec<_> = group
            .list("children")
            .iter()
            .filter_map(Node::as_text)
            .collect();
        assert_eq!(children, ["A", "b c"]);
        assert_eq!(document.line(objects.entry("AB").unwrap().at), Some(4));
        assert_eq!(document.line(group.list("children")[1].at), Some(6));
    }

    #[test]
    fn undoes_every_escape() {
        assert_eq!(
            text(
                r#""a\tb\n\"q\" \\ \U00e9 \101 \216\
x""#
            ),
            "a\tb\n\"q\" \\ é A Î\nx"
        );
        assert_eq!(text(r#""\Ud83d\Ude00 \Ud83d""#), "😀 \u{fffd}");
        assert_eq!(text(r#"'it"s \é'"#), "it\"s é");
        assert_eq!(text("\"Home Assistant Δ.app\""), "Home Assistant Δ.app");
    }

    #[test]
    fn the_nextstep_table_is_whole() {
        assert_eq!(NEXT_STEP.chars().count(), 128);
        assert_eq!(next_step(0xfb), 'ß');
        assert_eq!(next_step(0xae), 'ﬁ');
        assert_eq!(next_step(0xd0), '—');
    }

    #[test]
    fn plain_strings_borrow_from_the_text() {
        for source in ["a/b.c", "\"a b\""] {
            let document = read(source).unwrap();
            assert!(matches!(document.root.kind, Kind::Text(Cow::Borrowed(_))));
        }
    }

    #[test]
    fn data_and_odd_blanks_are_read() {
        let document = read("{ d = <0f Bd77>;\u{2028}e = (); f = {}; }").unwrap();
        let root = document.root.as_map().unwrap();
        assert_eq!(
            root.get("d").unwrap().kind,
            Kind::Data(vec![0x0f, 0xbd, 0x77])
        );
        assert!(root.list("e").is_empty());
        assert_eq!(root.map("f"), Some(&Map::default()));
        assert_eq!(refused("<0f0>").problem, Problem::BadData);
        assert_eq!(refused("<xy>").problem, Problem::BadData);
    }

    #[test]
    fn a_merge_conflict_is_an_error_that_names_the_line() {
        for marker in ["<<<<<<< HEAD", "||||||| base", "=======", ">>>>>>> theirs"] {
            let error = refused(&format!("{{\n\ta = 1;\n{marker}\n\tb = 2;\n}}"));
            assert_eq!(error.line, 3, "{marker}");
            assert!(
                matches!(error.problem, Problem::ConflictMarker { .. }),
                "{error}"
            );
        }
        assert_eq!(refused("<<<<<<< HEAD\n{}").line, 1);
        let inside = refused("{ a = \"x\n<<<<<<< HEAD\ny\"; }");
        assert_eq!(inside.line, 2);
        // A heading underlined in a script is no conflict, nor is a longer row, nor a row inside a line.
        assert!(read("{ a = \"Title\n=======\n\"; b = \"<<<<<<< x\"; }").is_ok());
        assert_eq!(conflict_marker(b"========"), None);
    }

    #[test]
    fn truncation_names_what_was_left_open() {
        let error = refused("{\n a = (\n  b,\n");
        assert_eq!(error.line, 4);
        assert_eq!(
            error.problem,
            Problem::Unclosed {
                opened: "list \"(\"",
                opened_line: 2
            }
        );
        for source in [
            "{ a = \"b",
            "{ a = b",
            "{ a",
            "{ /* x",
            "{ a = <0f",
            "",
            "{ a = \"b\\",
        ] {
            assert!(read(source).is_err(), "{source:?}");
        }
    }

    #[test]
    fn unbalanced_and_foreign_text_is_refused_with_its_line() {
        for (source, line) in [
            ("{\n a = b\n c = d; }", 3),
            ("{ a = b; }\n}", 2),
            ("{\n a b; }", 2),
            ("(a\nb)", 2),
            ("{ a = ; }", 1),
            ("{ = a; }", 1),
            ("{ a = b); }", 1),
        ] {
            let error = refused(source);
            assert_eq!(error.line, line, "{source:?}: {error}");
            assert!(
                matches!(error.problem, Problem::Unexpected { .. }),
                "{source:?}: {error}"
            );
        }
    }

    #[test]
    fn bottomless_nesting_is_refused() {
        let deep = "(".repeat(100_000);
        assert_eq!(refused(&deep).problem, Problem::TooDeep);
        let deep = "{a=".repeat(100_000);
        assert_eq!(refused(&deep).problem, Problem::TooDeep);
    }

    #[test]
    fn xml_is_read_without_positions() {
        let document = read(concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict><key>objectVersion</key><string>46",
            "</string><key>n</key><integer>3</integer><key>l</key><array><true/></array></dict></plist>"
        ))
        .unwrap();
        let root = document.root.as_map().unwrap();
        assert_eq!(root.text("objectVersion"), Some("46"));
        assert_eq!(root.text("n"), Some("3"));
        assert_eq!(root.list("l")[0].as_text(), Some("YES"));
        assert_eq!(document.line(root.entry("n").unwrap().at), None);
        assert!(matches!(
            refused("<?xml version=\"1.0\"?><plist><dict>").problem,
            Problem::Xml(_)
        ));
        assert_eq!(refused("<?xml?>\n<<<<<<< HEAD\n").line, 2);
    }

    #[test]
    fn of_a_repeated_key_the_last_counts() {
        let document = read("{ a = 1; a = 2; }").unwrap();
        assert_eq!(document.root.as_map().unwrap().text("a"), Some("2"));
    }
}
