//! The grammar, as a cursor over the text.

use std::borrow::Cow;

use super::conflict::conflict_marker;
use super::document::{Entry, Kind, Map, NOWHERE, Node};
use super::error::{MAX_DEPTH, MAX_VALUES, Problem, ReadError};
use super::next_step::next_step;

/// A cursor over the text. Only ASCII bytes are ever tested, so every position it stops at is a character boundary.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    values_left: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            values_left: MAX_VALUES,
        }
    }

    /// The one value that the text holds.
    pub(super) fn whole(mut self) -> Result<Node<'a>, ReadError> {
        let root = self.value(0)?;
        self.skip_blank()?;
        match self.peek() {
            Some(_) => Err(self.unexpected("the end of the file")),
            None => Ok(root),
        }
    }

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
        let left = self.values_left.checked_sub(1);
        self.values_left = left.ok_or_else(|| self.error(self.at, Problem::TooMany))?;
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
        let mut entries = Vec::new();
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
            entries.push(Entry { at, key, value });
        }
        self.at += 1;
        Ok(Map::new(entries))
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
