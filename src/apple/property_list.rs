//! Property lists, XML or binary, into one bounded [`Value`].
//!
//! Why not simply deserialize: a binary list may refer to one object many times, so that a kilobyte expands without end;
//! nesting may exhaust the stack; a date before the year 0 panics in the crate's own conversion; and the crate takes
//! broken XML for an old-style ASCII list. Here the `plist` crate only splits a binary list into events, `xml` does so
//! with an XML one, and this module builds the value with its own limits, so that the error can also say at which key it
//! happened.
//!
//! Old-style (ASCII) lists, real numbers and UIDs are refused: nothing that Apple signs or that signing reads holds them.
//! So is all that one reader of XML passes over and another does not: CDATA sections, entities and document types of a
//! list's own (see `xml`).

use std::collections::BTreeMap;
use std::fmt;
use std::io::Cursor;

use plist::stream::{BinaryReader, Event, OwnedEvent};

use super::value::{MAX_DEPTH, Value};
use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;

mod xml;

/// How many values a list may hold, however few bytes they take: real profiles with a thousand devices hold 2,000.
const MAX_VALUES: u64 = 200_000;

/// A binary list may name one string many times: all text and data together stay below this many times the limit of
/// the file.
const MAX_EXPANSION: u64 = 8;

/// Why bytes are not a property list that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct PropertyListError {
    /// Where.
    pub at: Position,
    /// What was expected and found there.
    pub problem: Problem,
}

/// Where in a property list: the keys on the way, and the byte or line where it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// Keys and array indices (from 0) from the root, as in `com.apple.security.application-groups/0`.
    pub key_path: String,
    /// Byte offset, from 0.
    pub offset: Option<u64>,
    /// Line, from 1, of an XML list.
    pub line: Option<usize>,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.offset) {
            (Some(line), _) => write!(f, "line {line}")?,
            (None, Some(offset)) => write!(f, "offset {offset}")?,
            (None, None) if self.key_path.is_empty() => return f.write_str("property list"),
            (None, None) => {}
        }
        match (
            self.key_path.as_str(),
            self.line.is_some() || self.offset.is_some(),
        ) {
            ("", _) => Ok(()),
            (path, true) => write!(f, ", key {path}"),
            (path, false) => write!(f, "key {path}"),
        }
    }
}

/// What is wrong with a property list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More bytes than the caller reads.
    #[error("the file has {size} bytes, but at most {limit} are read")]
    TooLarge {
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// No byte at all.
    #[error("the file is empty: expected an XML or binary property list")]
    Empty,
    /// Something else altogether.
    #[error("expected an XML or binary property list, found {0}")]
    NotPropertyList(&'static str),
    /// Deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A small file that stands for a huge value.
    #[error(
        "it expands to more than {MAX_VALUES} values, or to more text and data than a file may hold"
    )]
    Expands,
    /// A key stands twice in one dictionary, with different values.
    #[error("the key {0:?} stands twice with different values")]
    DuplicateKey(String),
    /// A dictionary key that is not text, or has no value.
    #[error("a dictionary must alternate keys and values")]
    Unpaired,
    /// A kind of value that has no place here.
    #[error(
        "{0} is not allowed here: only booleans, integers, strings, dates, data, arrays and dictionaries are"
    )]
    Kind(&'static str),
    /// A value out of the range of its type.
    #[error("{0} out of range")]
    Range(&'static str),
    /// The encoding itself is broken, in the words of the parser.
    #[error("malformed: {0}")]
    Malformed(String),
    /// It ends too early, or goes on after its end.
    #[error("{0}")]
    Extent(&'static str),
}

/// Reads a property list of at most `max_size` bytes. A key that stands twice with equal values counts once.
///
/// # Errors
/// [`PropertyListError`]; a key that stands twice with different values is one.
pub fn read(bytes: &[u8], max_size: usize) -> Result<Value, PropertyListError> {
    read_with(bytes, max_size, &mut |_| false)
}

/// As [`read`], for an `Info.plist`: real numbers, which a few hold, become their text, and of a key that stands twice the
/// last value counts.
///
/// # Errors
/// [`PropertyListError`].
pub fn read_info(bytes: &[u8], max_size: usize) -> Result<Value, PropertyListError> {
    read_as(bytes, max_size, Reals::Text, &mut |_| true)
}

/// As [`read`], asking `repeated` about a key that stands twice with different values: `true` lets the last one win, as
/// Apple's XML parser does.
///
/// # Errors
/// [`PropertyListError`].
pub fn read_with(
    bytes: &[u8],
    max_size: usize,
    repeated: &mut dyn FnMut(&str) -> bool,
) -> Result<Value, PropertyListError> {
    read_as(bytes, max_size, Reals::Refused, repeated)
}

/// What becomes of real numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reals {
    Refused,
    Text,
}

fn read_as(
    bytes: &[u8],
    max_size: usize,
    reals: Reals,
    repeated: &mut dyn FnMut(&str) -> bool,
) -> Result<Value, PropertyListError> {
    let encoding = Encoding::of(bytes, max_size).map_err(|problem| PropertyListError {
        at: Position::default(),
        problem,
    })?;
    let mut builder = Builder {
        open: Vec::new(),
        root: None,
        values_left: MAX_VALUES,
        bytes_left: u64::try_from(max_size)
            .unwrap_or(u64::MAX)
            .saturating_mul(MAX_EXPANSION),
        reals,
        repeated,
    };
    let outcome = match encoding {
        Encoding::Binary => {
            let events = BinaryReader::new(Cursor::new(bytes));
            builder.run(events.map(|event| event.map_err(|error| Stop::Crate(error.to_string()))))
        }
        Encoding::Xml => xml::Events::of(bytes)
            .map_err(Stop::from)
            .and_then(|events| builder.run(events.map(|event| event.map_err(Stop::from)))),
    };
    outcome
        .and_then(|()| {
            builder.root.take().ok_or(Stop::Here(Problem::Extent(
                "it ends before its value is complete",
            )))
        })
        .map_err(|stop| builder.locate(stop, encoding, bytes))
}

/// What is said of a real number where none may stand.
const REAL: &str = "a real number";

/// Gives the values of a property list of at most `max_size` bytes to `each`, one after another, until it returns false: a
/// list that is too large to be held. What the values may be, how deep they nest and how many come is the caller's to judge.
///
/// # Errors
/// [`PropertyListError`]: the encoding is broken, or stands for more values than it has bytes.
pub(crate) fn for_each_event(
    bytes: &[u8],
    max_size: usize,
    each: &mut dyn FnMut(OwnedEvent) -> bool,
) -> Result<(), PropertyListError> {
    let fault = |problem| PropertyListError {
        at: Position::default(),
        problem,
    };
    let mut left = bytes.len().saturating_add(16);
    let mut give = |event: OwnedEvent| match left.checked_sub(1) {
        None => Err(fault(Problem::Expands)),
        Some(rest) => {
            left = rest;
            Ok(each(event))
        }
    };
    match Encoding::of(bytes, max_size).map_err(fault)? {
        Encoding::Binary => {
            for event in BinaryReader::new(Cursor::new(bytes)) {
                let event = event.map_err(|error| {
                    let words = error.to_string();
                    let (words, offset) = split_offset(&words);
                    PropertyListError {
                        at: Position {
                            offset,
                            ..Position::default()
                        },
                        problem: Problem::Malformed(plain_words(words)),
                    }
                })?;
                if !give(event)? {
                    return Ok(());
                }
            }
        }
        Encoding::Xml => {
            let located = |xml::Fault { offset, problem }| PropertyListError {
                at: Position {
                    offset: Some(offset),
                    line: Some(line_of(bytes, offset)),
                    ..Position::default()
                },
                problem,
            };
            for event in xml::Events::of(bytes).map_err(located)? {
                if !give(event.map_err(located)?)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// The two encodings that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Binary,
    Xml,
}

impl Encoding {
    fn of(bytes: &[u8], max_size: usize) -> Result<Self, Problem> {
        if bytes.len() > max_size {
            return Err(Problem::TooLarge {
                size: bytes.len(),
                limit: max_size,
            });
        }
        if bytes.starts_with(b"bplist00") {
            return Ok(Self::Binary);
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = text.trim_ascii_start();
        if text.is_empty() {
            return Err(Problem::Empty);
        }
        let found = match text {
            // Only these open a property list; anything else that starts so is some other XML.
            _ if [&b"<?xml"[..], b"<!DOCTYPE", b"<!--", b"<plist", b"<dict"]
                .iter()
                .any(|start| text.starts_with(start)) =>
            {
                return Ok(Self::Xml);
            }
            [b'<', ..] => "another kind of XML or HTML",
            [b'{' | b'(', ..] => OLD_STYLE,
            [b'b', b'p', b'l', b'i', b's', b't', ..] => "a binary list of an unknown version",
            [0xfe | 0xff, ..] => UTF_16,
            [0x30, ..] => "DER or CMS: a signed or encoded file, not its content",
            _ => "something else",
        };
        Err(Problem::NotPropertyList(found))
    }
}

/// Why reading stopped: at a known key, at a byte of an XML list, or with the crate's words for it.
enum Stop {
    Here(Problem),
    At(u64, Problem),
    Crate(String),
}

impl From<xml::Fault> for Stop {
    fn from(fault: xml::Fault) -> Self {
        Self::At(fault.offset, fault.problem)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Here(problem)
    }
}

/// A collection whose end has not come.
enum Open {
    Array(Vec<Value>),
    Dictionary(BTreeMap<Box<str>, Value>, Option<Box<str>>),
}

struct Builder<'a> {
    open: Vec<Open>,
    root: Option<Value>,
    values_left: u64,
    bytes_left: u64,
    reals: Reals,
    repeated: &'a mut dyn FnMut(&str) -> bool,
}

impl Builder<'_> {
    fn run(&mut self, events: impl Iterator<Item = Result<OwnedEvent, Stop>>) -> Result<(), Stop> {
        for event in events {
            let event = event?;
            if self.root.is_some() {
                return Err(Problem::Extent("it goes on after its value").into());
            }
            self.event(event)?;
        }
        Ok(())
    }

    fn event(&mut self, event: OwnedEvent) -> Result<(), Stop> {
        self.spend_values(1)?;
        let value = match event {
            Event::StartArray(len) => {
                // A binary list says how many will come: what cannot fit is refused before it is read.
                self.spend_values(len.unwrap_or(0) / 2)?;
                return self.start(Open::Array(Vec::new()));
            }
            Event::StartDictionary(len) => {
                self.spend_values(len.unwrap_or(0) / 2)?;
                return self.start(Open::Dictionary(BTreeMap::new(), None));
            }
            Event::EndCollection => match self.open.pop() {
                Some(Open::Array(values)) => Value::Array(values),
                Some(Open::Dictionary(values, None)) => Value::Dictionary(values),
                Some(Open::Dictionary(_, Some(_))) | None => return Err(Problem::Unpaired.into()),
            },
            Event::String(text) => {
                self.spend_bytes(text.len())?;
                if let Some(Open::Dictionary(_, key @ None)) = self.open.last_mut() {
                    *key = Some(text.into());
                    return Ok(());
                }
                Value::String(text.into())
            }
            Event::Data(bytes) => {
                self.spend_bytes(bytes.len())?;
                Value::Data(bytes.into())
            }
            Event::Boolean(value) => Value::Boolean(value),
            Event::Integer(value) => Value::Integer(
                value
                    .as_signed()
                    .ok_or(Problem::Range("an integer beyond 64 signed bits is"))?,
            ),
            Event::Date(date) => {
                let instant = jiff::Timestamp::try_from(std::time::SystemTime::from(date))
                    .map_err(|_| Problem::Range("a date before the year -9999 or after 9999 is"))?;
                Value::String(instant.to_string().into())
            }
            Event::Real(number) if self.reals == Reals::Text => {
                Value::String(number.to_string().into())
            }
            Event::Real(_) => return Err(Problem::Kind(REAL).into()),
            Event::Uid(_) => return Err(Problem::Kind("a UID").into()),
            _ => return Err(Problem::Kind("an unknown kind of value").into()),
        };
        self.place(value)
    }

    fn start(&mut self, collection: Open) -> Result<(), Stop> {
        if let Some(Open::Dictionary(_, None)) = self.open.last() {
            return Err(Problem::Unpaired.into());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Problem::TooDeep.into());
        }
        self.open.push(collection);
        Ok(())
    }

    fn place(&mut self, value: Value) -> Result<(), Stop> {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::Array(values)) => values.push(value),
            Some(Open::Dictionary(values, key)) => {
                let key = key.take().ok_or(Problem::Unpaired)?;
                let clash = values.get(&key).is_some_and(|earlier| *earlier != value);
                if clash && !(self.repeated)(&key) {
                    return Err(Problem::DuplicateKey(key.into()).into());
                }
                values.insert(key, value);
            }
        }
        Ok(())
    }

    fn spend_values(&mut self, count: u64) -> Result<(), Problem> {
        self.values_left = self
            .values_left
            .checked_sub(count)
            .ok_or(Problem::Expands)?;
        Ok(())
    }

    fn spend_bytes(&mut self, count: usize) -> Result<(), Problem> {
        self.bytes_left = u64::try_from(count)
            .ok()
            .and_then(|count| self.bytes_left.checked_sub(count))
            .ok_or(Problem::Expands)?;
        Ok(())
    }

    fn locate(&self, stop: Stop, encoding: Encoding, bytes: &[u8]) -> PropertyListError {
        let mut path: Vec<String> = Vec::new();
        for open in &self.open {
            match open {
                Open::Array(values) => path.push(values.len().to_string()),
                Open::Dictionary(_, Some(key)) => path.push(key.chars().take(200).collect()),
                Open::Dictionary(_, None) => {}
            }
        }
        let (offset, problem) = match stop {
            Stop::Here(problem) => (None, problem),
            Stop::At(offset, problem) => (Some(offset), problem),
            Stop::Crate(words) => {
                let (words, offset) = split_offset(&words);
                (offset, Problem::Malformed(plain_words(words)))
            }
        };
        let line = match (encoding, offset) {
            (Encoding::Xml, Some(offset)) => Some(line_of(bytes, offset)),
            _ => None,
        };
        PropertyListError {
            at: Position {
                key_path: path.join("/"),
                offset,
                line,
            },
            problem,
        }
    }
}

/// `InvalidXmlSyntax (offset 12)` → (`InvalidXmlSyntax`, 12): the crate keeps the parts to itself.
fn split_offset(words: &str) -> (&str, Option<u64>) {
    words
        .strip_suffix(')')
        .and_then(|words| words.rsplit_once(" (offset "))
        .and_then(|(words, offset)| Some((words, Some(offset.parse().ok()?))))
        .unwrap_or((words, None))
}

/// `InvalidXmlSyntax` → `invalid xml syntax`; anything longer (an I/O error) stays as it is.
fn plain_words(words: &str) -> String {
    if !words.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return words.chars().take(200).collect();
    }
    let mut plain = String::with_capacity(words.len() + 8);
    for (at, letter) in words.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            plain.push(' ');
        }
        plain.push(letter.to_ascii_lowercase());
    }
    plain
}

fn line_of(bytes: &[u8], offset: u64) -> usize {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    1 + bytes
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
}

impl Explain for PropertyListError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        let hint = match &self.problem {
            Problem::DuplicateKey(_) => "remove one of the two",
            Problem::NotPropertyList(found) if *found == UTF_16 => "save the file as UTF-8",
            Problem::NotPropertyList(found) if *found == OLD_STYLE => {
                "convert the file with `plutil -convert xml1`"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    fn place(&self) -> Place {
        Place {
            line: self.at.line.and_then(|line| line.try_into().ok()),
            pointer: (!self.at.key_path.is_empty()).then(|| self.at.key_path.clone()),
            ..Place::default()
        }
    }
}

/// What a file is found to be that can be converted.
const OLD_STYLE: &str = "an old-style (ASCII) list or JSON";
const UTF_16: &str = "UTF-16 text";

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 64 * 1024;

    fn xml(body: &str) -> Result<Value, PropertyListError> {
        read(
            format!("<?xml version=\"1.0\"?>\n<plist version=\"1.0\">\n{body}\n</plist>")
                .as_bytes(),
            LIMIT,
        )
    }

    /// A binary list of the given objects, one byte per offset and reference.
    fn binary(objects: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for object in objects {
            offsets.push(u8::try_from(bytes.len()).unwrap());
            bytes.extend_from_slice(object);
        }
        let table = bytes.len() as u64;
        bytes.extend(&offsets);
        bytes.extend([0, 0, 0, 0, 0, 0, 1, 1]);
        bytes.extend((objects.len() as u64).to_be_bytes());
        bytes.extend(0_u64.to_be_bytes());
        bytes.extend(table.to_be_bytes());
        bytes
    }

    #[test]
    fn both_encodings_give_the_same_value() {
        let from_xml = xml("<dict><key>a</key><array><true/><integer>-3</integer><string>x &amp; y</string></array>\
             <key>d</key><data>AP8=</data><key>e</key><dict/></dict>")
        .unwrap();
        let mut bytes = Vec::new();
        plist::from_bytes::<plist::Value>(
            b"<plist><dict><key>a</key><array><true/><integer>-3</integer><string>x &amp; y</string></array>\
              <key>d</key><data>AP8=</data><key>e</key><dict/></dict></plist>",
        )
        .unwrap()
        .to_writer_binary(&mut bytes)
        .unwrap();
        assert_eq!(read(&bytes, LIMIT).unwrap(), from_xml);
        assert_eq!(
            from_xml.to_string(),
            r#"{"a":[true,-3,"x & y"],"d":{"$data":"00ff"},"e":{}}"#
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_obstacle() {
        let bytes = b"\xef\xbb\xbf<?xml version=\"1.0\"?><plist><dict/></plist>";
        assert_eq!(
            read(bytes, LIMIT).unwrap(),
            Value::Dictionary(BTreeMap::new())
        );
    }

    #[test]
    fn errors_name_line_and_key() {
        let error =
            xml("<dict>\n<key>a</key>\n<array>\n<true/>\n<integer>x</integer></array></dict>")
                .unwrap_err();
        assert_eq!(error.at.line, Some(7), "{error}");
        assert_eq!(error.at.key_path, "a/1");
        assert_eq!(
            error.to_string(),
            "line 7, key a/1: malformed: invalid integer string"
        );
    }

    #[test]
    fn a_key_twice_is_an_error_unless_it_says_the_same() {
        let error = xml("<dict><key>a</key><true/><key>a</key><false/></dict>").unwrap_err();
        assert_eq!(error.problem, Problem::DuplicateKey("a".into()));
        assert!(xml("<dict><key>a</key><true/><key>a</key><true/></dict>").is_ok());
        let mut told = Vec::new();
        let value = read_with(
            b"<plist><dict><key>a</key><true/><key>a</key><false/></dict></plist>",
            LIMIT,
            &mut |key| {
                told.push(key.to_owned());
                true
            },
        )
        .unwrap();
        assert_eq!(value.to_string(), r#"{"a":false}"#);
        assert_eq!(told, ["a"]);
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |levels| {
            xml(&format!(
                "{}{}",
                "<array>".repeat(levels),
                "</array>".repeat(levels)
            ))
        };
        assert!(deep(MAX_DEPTH).is_ok());
        assert_eq!(deep(MAX_DEPTH + 1).unwrap_err().problem, Problem::TooDeep);
    }

    #[test]
    fn a_binary_list_that_refers_to_one_object_again_and_again_does_not_expand() {
        // Twenty arrays, each holding the next one eight times: 8^20 values.
        let mut objects: Vec<Vec<u8>> = (1..=20_u8)
            .map(|next| std::iter::once(0xa8).chain([next; 8]).collect())
            .collect();
        objects.push(vec![0x09]);
        let slices: Vec<&[u8]> = objects.iter().map(Vec::as_slice).collect();
        assert_eq!(
            read(&binary(&slices), LIMIT).unwrap_err().problem,
            Problem::Expands
        );
    }

    #[test]
    fn a_binary_list_that_holds_itself_is_refused() {
        let error = read(&binary(&[&[0xa1, 0]]), LIMIT).unwrap_err();
        assert_eq!(error.problem, Problem::Malformed("recursive object".into()));
    }

    #[test]
    fn dates_are_text_and_strange_ones_do_not_panic() {
        assert_eq!(
            xml("<date>2026-02-03T04:05:06Z</date>").unwrap().as_str(),
            Some("2026-02-03T04:05:06Z")
        );
        assert!(xml("<date>0000-01-01T00:00:00Z</date>").is_ok());
        for strange in [
            "0000-01-01T00:00:00+23:59",
            "2026-02-30T00:00:00Z",
            "2026-02-03 04:05:06Z",
            "",
        ] {
            assert!(
                xml(&format!("<date>{strange}</date>")).is_err(),
                "{strange}"
            );
        }
        let mut date = vec![0x33];
        date.extend((-7e10_f64).to_bits().to_be_bytes());
        assert!(read(&binary(&[&date]), LIMIT).is_ok());
        assert!(xml("<date>tomorrow</date>").is_err());
    }

    #[test]
    fn what_is_no_property_list_is_named() {
        for (bytes, found) in [
            (&b""[..], "the file is empty"),
            (b" \n", "the file is empty"),
            (b"<html></html>", "another kind of XML"),
            (b"{ a = 1; }", "old-style (ASCII) list"),
            (b"\x30\x82\x01\x00", "DER or CMS"),
            (b"\xff\xfe<\0", "UTF-16"),
            (b"bplist16", "unknown version"),
            (b"hello", "something else"),
            (b"<?xml version=\"1.0\"?>", "ends before its value"),
            (b"<plist></plist>", "ends before its value"),
            (b"<plist><dict>", "ends before its value"),
            (b"<plist><dict><key>a</key></dict></plist>", "alternate"),
            (b"<plist><dict><true/><true/></dict></plist>", "alternate"),
            (b"<plist><dict><array/></dict></plist>", "alternate"),
            (b"<plist><dict/><dict/></plist>", "goes on"),
            (b"<plist><real>1.5</real></plist>", "a real number"),
            (
                b"<plist><integer>18446744073709551615</integer></plist>",
                "64 signed bits",
            ),
            (b"<plist><string>!<![CDATA[x]]></string></plist>", "CDATA"),
            (b"<plist><dict></array></plist>", "malformed"),
            (b"bplist00", "malformed"),
        ] {
            let error = read(bytes, LIMIT).unwrap_err().to_string();
            assert!(error.contains(found), "{found}: {error}");
        }
        for (bytes, does) in [
            (&b"{ a = 1; }"[..], "plutil -convert xml1"),
            (b"\xff\xfe<\0", "UTF-8"),
        ] {
            let hint = read(bytes, LIMIT).unwrap_err().hint().unwrap();
            assert!(hint.contains(does), "{hint}");
        }
        assert!(matches!(
            read(&[b' '; LIMIT + 1], LIMIT).unwrap_err().problem,
            Problem::TooLarge { .. }
        ));
    }
}
