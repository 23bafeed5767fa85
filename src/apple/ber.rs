//! A positioned reader of BER, of which DER is the strict subset (X.690).
//!
//! Provisioning profiles are DER in nearly every case, but tools that touch them re-encode them with indefinite lengths
//! and constructed strings; Apple's own reader and OpenSSL accept those, so this one does. It borrows: an element is a
//! slice of the input, and only constructed strings are ever copied. Every error carries the offset in the file.
//!
//! What it refuses: elements that run past what encloses them, more than [`MAX_DEPTH`] levels, lengths of more than
//! four bytes or of several bytes for nothing, padded integers and object identifiers, tag numbers beyond 30 (nothing
//! that we read has one), end-of-contents where none is open, and data left over after what was asked for.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

mod error;
mod oid;
mod tag;

pub use error::{BerError, MAX_DEPTH, Problem};
pub use oid::Oid;
pub use tag::Tag;

/// One element: a view into the input.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    /// Its identifier octet.
    pub tag: Tag,
    /// Offset of its first byte.
    pub offset: usize,
    /// Its contents, without an end-of-contents mark.
    pub contents: &'a [u8],
    /// All of it: header, contents and, for an indefinite length, the end-of-contents mark.
    pub raw: &'a [u8],
    contents_offset: usize,
    depth: usize,
}

impl<'a> Element<'a> {
    fn error(&self, problem: Problem) -> BerError {
        BerError {
            offset: self.offset,
            problem,
        }
    }

    /// Whether the length was indefinite.
    fn is_indefinite(&self) -> bool {
        self.raw.get(1) == Some(&0x80)
    }

    /// The elements inside a constructed one.
    ///
    /// # Errors
    /// It is primitive, or nested too deep.
    pub fn reader(&self) -> Result<Reader<'a>, BerError> {
        if !self.tag.is_constructed() {
            return Err(self.error(Problem::Unexpected {
                expected: "a constructed element",
                found: self.tag,
            }));
        }
        Ok(Reader {
            bytes: self.contents,
            position: 0,
            base: self.contents_offset,
            depth: self
                .depth
                .checked_sub(1)
                .ok_or_else(|| self.error(Problem::TooDeep))?,
        })
    }

    /// Refuses the element unless it has this tag.
    ///
    /// # Errors
    /// It has another.
    pub fn expect(self, tag: Tag, what: &'static str) -> Result<Self, BerError> {
        if self.tag == tag {
            Ok(self)
        } else {
            Err(self.error(Problem::Unexpected {
                expected: what,
                found: self.tag,
            }))
        }
    }

    /// The bytes of a string type with primitive tag `tag`: borrowed when primitive, joined when constructed (X.690
    /// §8.7.3: the parts are OCTET STRINGs, or further constructed strings, whatever implicit tag the whole has).
    ///
    /// # Errors
    /// Another tag, or parts of another type.
    pub fn string(&self, tag: Tag, what: &'static str) -> Result<Cow<'a, [u8]>, BerError> {
        if self.tag == tag {
            return Ok(Cow::Borrowed(self.contents));
        }
        if self.tag != tag.constructed() {
            return Err(self.error(Problem::Unexpected {
                expected: what,
                found: self.tag,
            }));
        }
        let mut reader = self.reader()?;
        let mut joined: Option<Vec<u8>> = None;
        let mut only: Option<Cow<'a, [u8]>> = None;
        while let Some(part) = reader.next()? {
            let part = part.string(Tag::OCTET_STRING, "a part of a constructed string")?;
            match (&mut joined, only.take()) {
                (Some(joined), _) => joined.extend_from_slice(&part),
                (None, None) => only = Some(part),
                (None, Some(first)) => {
                    let mut bytes = first.into_owned();
                    bytes.extend_from_slice(&part);
                    joined = Some(bytes);
                }
            }
        }
        Ok(joined.map(Cow::Owned).or(only).unwrap_or_default())
    }

    /// Reads through everything inside, for its well-formedness alone.
    ///
    /// # Errors
    /// Something inside is malformed.
    pub fn walk(&self) -> Result<(), BerError> {
        match self.tag {
            Tag::BOOLEAN => self.boolean().map(drop),
            Tag::INTEGER => self.integer_bytes().map(drop),
            Tag::NULL => self.null(),
            Tag::OID => self.oid().map(drop),
            tag if tag.is_constructed() => {
                let mut reader = self.reader()?;
                while let Some(child) = reader.next()? {
                    child.walk()?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A UTF8String, or one of the types that are subsets of it.
    ///
    /// # Errors
    /// Another type, or bytes that are not UTF-8.
    pub fn text(&self) -> Result<&'a str, BerError> {
        let text = match self.tag {
            Tag::PRINTABLE_STRING | Tag::IA5_STRING | Tag::NUMERIC_STRING => *self,
            _ => self.expect(Tag::UTF8_STRING, "a UTF8String")?,
        };
        std::str::from_utf8(text.contents).map_err(|_| self.error(Problem::Malformed("UTF8String")))
    }

    /// A BOOLEAN: zero is false, anything else true (X.690 §8.2.2).
    ///
    /// # Errors
    /// Another type, or not one byte.
    pub fn boolean(&self) -> Result<bool, BerError> {
        match self.expect(Tag::BOOLEAN, "a BOOLEAN")?.contents {
            [byte] => Ok(*byte != 0),
            _ => Err(self.error(Problem::Malformed("BOOLEAN"))),
        }
    }

    /// An INTEGER of at most 64 bits.
    ///
    /// # Errors
    /// Another type, empty, padded, or larger.
    pub fn integer(&self) -> Result<i64, BerError> {
        let bytes = self.integer_bytes()?;
        match bytes {
            [first, ..] if bytes.len() <= 8 => {
                let sign = if first & 0x80 == 0 { 0 } else { -1 };
                Ok(bytes
                    .iter()
                    .fold(sign, |value: i64, byte| (value << 8) | i64::from(*byte)))
            }
            _ => Err(self.error(Problem::Malformed("INTEGER"))),
        }
    }

    /// The contents of an INTEGER as they stand (serial numbers).
    ///
    /// # Errors
    /// Another type, empty, or padded: the first nine bits are not all alike, in BER too (X.690 §8.3.2).
    pub fn integer_bytes(&self) -> Result<&'a [u8], BerError> {
        let bytes = self.expect(Tag::INTEGER, "an INTEGER")?.contents;
        match bytes {
            [] | [0x00, 0..0x80, ..] | [0xff, 0x80..=0xff, ..] => {
                Err(self.error(Problem::Malformed("INTEGER")))
            }
            _ => Ok(bytes),
        }
    }

    /// A NULL, which has no contents.
    ///
    /// # Errors
    /// Another type, or contents.
    pub fn null(&self) -> Result<(), BerError> {
        match self.expect(Tag::NULL, "a NULL")?.contents {
            [] => Ok(()),
            _ => Err(self.error(Problem::Malformed("NULL"))),
        }
    }

    /// The bytes of a BIT STRING of whole bytes.
    ///
    /// # Errors
    /// Another type, or bits that are left over.
    pub fn whole_bytes(&self) -> Result<&'a [u8], BerError> {
        match self.expect(Tag::BIT_STRING, "a BIT STRING")?.contents {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(self.error(Problem::Malformed("BIT STRING"))),
        }
    }

    /// An OBJECT IDENTIFIER.
    ///
    /// # Errors
    /// Another type, contents that end inside an arc, or an arc that is padded (X.690 §8.19.2).
    pub fn oid(&self) -> Result<Oid<'a>, BerError> {
        let bytes = self.expect(Tag::OID, "an OBJECT IDENTIFIER")?.contents;
        let ends_an_arc = |byte: &u8| byte & 0x80 == 0;
        let is_padded = bytes
            .split_inclusive(ends_an_arc)
            .any(|arc| arc.first() == Some(&0x80));
        match bytes.last() {
            Some(last) if ends_an_arc(last) && bytes.len() <= 64 && !is_padded => Ok(Oid(bytes)),
            _ => Err(self.error(Problem::Malformed("OBJECT IDENTIFIER"))),
        }
    }

    /// A UTCTime or GeneralizedTime in UTC, with seconds, as RFC 5280 §4.1.2.5 and RFC 5652 §11.3 want it.
    ///
    /// # Errors
    /// Another type, a fraction, a zone other than `Z`, or a date that does not exist.
    pub fn time(&self) -> Result<Timestamp, BerError> {
        let malformed = || self.error(Problem::Malformed("time"));
        let (year_digits, digits) = match self.tag {
            Tag::UTC_TIME => (2, self.contents),
            Tag::GENERALIZED_TIME => (4, self.contents),
            found => {
                return Err(self.error(Problem::Unexpected {
                    expected: "a UTCTime or GeneralizedTime",
                    found,
                }));
            }
        };
        let digits = digits.strip_suffix(b"Z").ok_or_else(malformed)?;
        if digits.len() != year_digits + 10 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(malformed());
        }
        let number = |from: usize, count: usize| {
            digits.get(from..from + count).map(|part| {
                part.iter()
                    .fold(0i16, |value, digit| value * 10 + i16::from(digit - b'0'))
            })
        };
        let field = |index: usize| {
            number(year_digits + 2 * index, 2).and_then(|value| i8::try_from(value).ok())
        };
        let build = || {
            let year = number(0, year_digits)?;
            let year = match self.tag {
                // RFC 5280 §4.1.2.5.1: 50 to 99 are the twentieth century.
                Tag::UTC_TIME if year < 50 => 2000 + year,
                Tag::UTC_TIME => 1900 + year,
                _ => year,
            };
            let moment = civil::DateTime::new(
                year,
                field(0)?,
                field(1)?,
                field(2)?,
                field(3)?,
                field(4)?,
                0,
            )
            .ok()?;
            TimeZone::UTC.to_timestamp(moment).ok()
        };
        build().ok_or_else(malformed)
    }

    /// The element in definite lengths and primitive strings, under another tag: what was hashed when it was signed, if
    /// a tool has re-encoded it since. The order of a SET is left as it stands.
    ///
    /// So many levels of constructed elements are re-encoded, this one counted. What is constructed below them stays as it
    /// stands, except for strings.
    ///
    /// # Errors
    /// Something in those levels is malformed.
    pub fn to_definite(&self, tag: Tag, levels: usize) -> Result<Vec<u8>, BerError> {
        let mut out = Vec::with_capacity(self.raw.len());
        self.write_definite(tag, levels, &mut out)?;
        Ok(out)
    }

    fn write_definite(&self, tag: Tag, levels: usize, out: &mut Vec<u8>) -> Result<(), BerError> {
        let mut contents = Vec::new();
        let (tag, contents): (Tag, &[u8]) = match (self.tag, levels.checked_sub(1)) {
            (Tag(0x24), _) => {
                contents = self
                    .string(Tag::OCTET_STRING, "an OCTET STRING")?
                    .into_owned();
                (Tag::OCTET_STRING, &contents)
            }
            (tag_here, Some(levels)) if tag_here.is_constructed() => {
                let mut reader = self.reader()?;
                while let Some(child) = reader.next()? {
                    child.write_definite(child.tag, levels, &mut contents)?;
                }
                (tag, &contents)
            }
            (tag_here, None) if tag_here.is_constructed() => {
                out.extend_from_slice(self.raw);
                return Ok(());
            }
            _ => (tag, self.contents),
        };
        out.push(tag.0);
        let length = u32::try_from(contents.len()).map_err(|_| self.error(Problem::Length))?;
        if length < 0x80 {
            out.push(length.to_le_bytes()[0]);
        } else {
            let bytes = length.to_be_bytes();
            let significant = bytes.iter().skip_while(|byte| **byte == 0);
            out.push(
                0x80 | u8::try_from(significant.clone().count())
                    .map_err(|_| self.error(Problem::Length))?,
            );
            out.extend(significant);
        }
        out.extend_from_slice(contents);
        Ok(())
    }

    /// Whether re-encoding would change nothing but a tag: no indefinite length and no constructed string inside.
    ///
    /// # Errors
    /// Something inside is malformed.
    pub fn is_definite(&self) -> Result<bool, BerError> {
        if self.is_indefinite() || self.tag == Tag(0x24) {
            return Ok(false);
        }
        let is_plain = |depth| is_plainly_definite(self.contents, depth);
        if self.tag.is_constructed() && !self.depth.checked_sub(1).is_some_and(is_plain) {
            let mut reader = self.reader()?;
            while let Some(child) = reader.next()? {
                if !child.is_definite()? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {} ({} bytes)",
            self.tag,
            self.offset,
            self.contents.len()
        )
    }
}

/// Reads elements one after another.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    base: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of a file.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            base: 0,
            depth: MAX_DEPTH,
        }
    }

    fn error(&self, problem: Problem) -> BerError {
        BerError {
            offset: self.base + self.position,
            problem,
        }
    }

    /// Whether everything was read.
    pub fn is_at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// The next element's tag, if there is one.
    pub fn peek(&self) -> Option<Tag> {
        self.bytes.get(self.position).copied().map(Tag)
    }

    /// The next element, or `None` at the end.
    ///
    /// # Errors
    /// It is malformed or does not fit.
    #[allow(
        clippy::should_implement_trait,
        reason = "fallible, and the lifetime is the input's"
    )]
    pub fn next(&mut self) -> Result<Option<Element<'a>>, BerError> {
        if self.is_at_end() {
            return Ok(None);
        }
        let offset = self.base + self.position;
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let (header, length) = header(rest, offset)?;
        let contents_offset = offset + header;
        let after_header = rest.get(header..).unwrap_or_default();
        let (contents, consumed) = match length {
            Length::Definite(length) => {
                let contents = after_header.get(..length).ok_or_else(|| BerError {
                    offset,
                    problem: Problem::Truncated {
                        missing: length - after_header.len(),
                    },
                })?;
                (contents, header + length)
            }
            Length::Indefinite => {
                let length = indefinite_length(after_header, contents_offset, self.depth)?;
                (
                    after_header.get(..length).unwrap_or_default(),
                    header + length + 2,
                )
            }
        };
        let raw = rest.get(..consumed).unwrap_or_default();
        self.position += consumed;
        let tag = Tag(raw.first().copied().unwrap_or_default());
        Ok(Some(Element {
            tag,
            offset,
            contents,
            raw,
            contents_offset,
            depth: self.depth,
        }))
    }

    /// The next element, whatever it is.
    ///
    /// # Errors
    /// There is none, or it is malformed.
    pub fn any(&mut self, what: &'static str) -> Result<Element<'a>, BerError> {
        self.next()?
            .ok_or_else(|| self.error(Problem::Missing(what)))
    }

    /// The next element, which must have this tag.
    ///
    /// # Errors
    /// There is none, it is malformed, or has another tag.
    pub fn read(&mut self, tag: Tag, what: &'static str) -> Result<Element<'a>, BerError> {
        self.any(what)?.expect(tag, what)
    }

    /// The next element if it has this tag, else nothing is read.
    ///
    /// # Errors
    /// It is malformed.
    pub fn optional(&mut self, tag: Tag) -> Result<Option<Element<'a>>, BerError> {
        if self.peek() == Some(tag) {
            self.next()
        } else {
            Ok(None)
        }
    }

    /// Ends the reading: nothing may be left.
    ///
    /// # Errors
    /// Something is.
    pub fn end(&self, after: &'static str) -> Result<(), BerError> {
        if self.is_at_end() {
            Ok(())
        } else {
            Err(self.error(Problem::Trailing(after)))
        }
    }
}

enum Length {
    Definite(usize),
    Indefinite,
}

/// Reads identifier and length octets: how many they are, and the length they state.
fn header(bytes: &[u8], offset: usize) -> Result<(usize, Length), BerError> {
    let error = |at: usize, problem| {
        Err(BerError {
            offset: offset + at,
            problem,
        })
    };
    let (tag, first) = match bytes {
        [tag, first, ..] => (*tag, *first),
        _ => {
            return error(
                bytes.len(),
                Problem::Truncated {
                    missing: 2 - bytes.len().min(2),
                },
            );
        }
    };
    // High tag numbers are used by nothing that we read; a zero tag is the end-of-contents mark.
    if tag & 0x1f == 0x1f || tag == 0 {
        return error(0, Problem::Tag(tag));
    }
    if first < 0x80 {
        return Ok((2, Length::Definite(usize::from(first))));
    }
    if first == 0x80 {
        if tag & 0x20 == 0 {
            // X.690 §8.1.3.2: only a constructed encoding may have it.
            return error(1, Problem::Length);
        }
        return Ok((2, Length::Indefinite));
    }
    let count = usize::from(first & 0x7f);
    if count > 4 {
        return error(1, Problem::Length);
    }
    let Some(octets) = bytes.get(2..2 + count) else {
        return error(
            bytes.len(),
            Problem::Truncated {
                missing: 2 + count - bytes.len(),
            },
        );
    };
    let length = octets
        .iter()
        .fold(0u64, |length, octet| (length << 8) | u64::from(*octet));
    match usize::try_from(length) {
        // OpenSSL takes many a length that is longer than it need be, but none for nothing.
        Ok(0) | Err(_) => error(1, Problem::Length),
        Ok(length) => Ok((2 + count, Length::Definite(length))),
    }
}

/// Whether the elements in `bytes` are well-formed and definite throughout: what nearly every certificate is, told
/// without making elements of them. `false` says nothing: then a [`Reader`] finds out, and names the fault if there is
/// one.
fn is_plainly_definite(mut bytes: &[u8], depth: usize) -> bool {
    while let Some(&tag) = bytes.first() {
        let Ok((header, Length::Definite(length))) = header(bytes, 0) else {
            return false;
        };
        let Some((contents, rest)) = bytes
            .get(header..)
            .and_then(|after_header| after_header.split_at_checked(length))
        else {
            return false;
        };
        let is_plain = match (Tag(tag).is_constructed(), depth.checked_sub(1)) {
            (false, _) => true,
            (true, Some(depth)) => tag != 0x24 && is_plainly_definite(contents, depth),
            (true, None) => false,
        };
        if !is_plain {
            return false;
        }
        bytes = rest;
    }
    true
}

/// How many bytes of contents precede the end-of-contents mark that matches.
fn indefinite_length(bytes: &[u8], offset: usize, depth: usize) -> Result<usize, BerError> {
    let depth = depth.checked_sub(1).ok_or(BerError {
        offset,
        problem: Problem::TooDeep,
    })?;
    let mut position = 0;
    loop {
        let rest = bytes.get(position..).unwrap_or_default();
        if let [0, 0, ..] = rest {
            return Ok(position);
        }
        let here = offset + position;
        let (header, length) = header(rest, here)?;
        let after = rest.get(header..).unwrap_or_default();
        let step = match length {
            Length::Definite(length) if length <= after.len() => header + length,
            Length::Definite(length) => {
                return Err(BerError {
                    offset: here,
                    problem: Problem::Truncated {
                        missing: length - after.len(),
                    },
                });
            }
            Length::Indefinite => header + indefinite_length(after, here + header, depth)? + 2,
        };
        position += step;
    }
}

#[cfg(test)]
mod tests;
