//! Property lists in XML, as CoreFoundation reads them (`CFPropertyList.c`) and no further.
//!
//! The `plist` crate reads XML too, and passes over in silence what stands in its way: an entity that nobody declared, or that
//! the list declares itself; comments and processing instructions in the middle of a text; what a `<true>` holds; a list
//! that never ends; an encoding other than UTF-8. CoreFoundation refuses some of these and reads others, so that a list could
//! say one thing to us and another to Xcode. Here each of them is refused, and so is what CoreFoundation tells by the first
//! `>`: a document type or a tag with that sign in quotes.

use std::str;

use plist::stream::{Event, OwnedEvent};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event as Markup};

use super::Problem;

/// What is wrong, and at which byte.
pub(super) struct Fault {
    pub(super) offset: u64,
    pub(super) problem: Problem,
}

/// The values of a list, one after another.
pub(super) struct Events<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// Where the text begins in the file.
    base: usize,
    /// Where the markup begins that was read last, from the beginning of the text.
    at: usize,
    state: State,
    /// How many collections are open.
    depth: usize,
    /// An empty collection's end, which is still to be told.
    ends: bool,
}

/// How far the reading is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first tag; whether there was a document type.
    Prolog { has_type: bool },
    /// In `<plist>`, before its value.
    Opened,
    /// In the value, or behind it; whether `<plist>` is open around it.
    Value { is_wrapped: bool },
    /// Behind everything.
    Closed,
}

impl<'a> Events<'a> {
    /// Starts at the beginning of a file.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (base, bytes) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => (3, rest),
            None => (0, bytes),
        };
        let text = str::from_utf8(bytes).map_err(|error| Fault {
            offset: count(base + error.valid_up_to()),
            problem: malformed("it is not UTF-8"),
        })?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        Ok(Self {
            text,
            reader,
            base,
            at: 0,
            state: State::Prolog { has_type: false },
            depth: 0,
            ends: false,
        })
    }

    fn fault(&self, problem: Problem) -> Fault {
        Fault {
            offset: count(self.base + self.at),
            problem,
        }
    }

    fn refuse<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(self.fault(Problem::Kind(what)))
    }

    fn markup(&mut self) -> Result<Markup<'a>, Fault> {
        self.at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        self.reader.read_event().map_err(|error| Fault {
            offset: count(self.base).saturating_add(self.reader.error_position()),
            problem: malformed(&error.to_string()),
        })
    }

    /// The next value, the beginning or end of a collection, or nothing behind the end of the list.
    fn advance(&mut self) -> Result<Option<OwnedEvent>, Fault> {
        if std::mem::take(&mut self.ends) {
            return Ok(Some(Event::EndCollection));
        }
        loop {
            let event = match self.markup()? {
                Markup::Text(text) if text.chars().all(is_blank) => None,
                Markup::Text(_) => return Err(self.fault(malformed("text outside of a value"))),
                // CoreFoundation passes over the first letter of a comment unread, so it would miss the end of this one.
                Markup::Comment(text) if text.is_empty() || text.starts_with('>') => {
                    return self.refuse("an empty comment");
                }
                Markup::Comment(_) => None,
                Markup::Decl(declaration) => self.declaration(&declaration)?,
                Markup::DocType(name) => self.document_type(&name)?,
                Markup::Start(tag) => self.start(&tag)?,
                Markup::Empty(tag) => self.empty(&tag)?,
                Markup::End(_) => self.end()?,
                Markup::GeneralRef(_) => return self.refuse("an entity outside of text"),
                Markup::CData(_) => return self.refuse("a CDATA section"),
                Markup::PI(_) => return self.refuse("a processing instruction"),
                Markup::Eof => return self.end_of_file(),
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// `<?xml …?>`: at the beginning alone, and of no other encoding.
    fn declaration(&self, words: &str) -> Result<Option<OwnedEvent>, Fault> {
        if self.at > 0 {
            return self.refuse("a second XML declaration");
        }
        // CoreFoundation takes the first of them, wherever it stands.
        let is_utf_8 = words.split("encoding").skip(1).all(|rest| {
            let rest = rest.trim_start_matches(is_blank);
            let rest = rest.strip_prefix('=').unwrap_or(rest);
            let rest = rest.trim_start_matches(is_blank);
            let mut parts = rest.splitn(3, ['"', '\'']);
            parts.next() == Some("")
                && parts
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case("utf-8"))
        });
        match is_utf_8 {
            true => Ok(None),
            false => self.refuse("an encoding other than UTF-8"),
        }
    }

    fn document_type(&mut self, words: &str) -> Result<Option<OwnedEvent>, Fault> {
        let State::Prolog { has_type: false } = self.state else {
            return self.refuse("a document type in this place");
        };
        let begins = self.text.get(self.at..);
        if !begins.is_some_and(|text| text.starts_with("<!DOCTYPE"))
            || words.contains(['[', '<', '>'])
        {
            return self.refuse("a document type of the list's own");
        }
        self.state = State::Prolog { has_type: true };
        Ok(None)
    }

    /// Notes that a value begins, which is the only one unless a collection is open.
    fn begin_value(&mut self) -> Result<(), Fault> {
        match self.state {
            State::Prolog { .. } => self.state = State::Value { is_wrapped: false },
            State::Opened => self.state = State::Value { is_wrapped: true },
            State::Value { .. } if self.depth > 0 => {}
            State::Value { .. } | State::Closed => {
                return Err(self.fault(Problem::Extent("it goes on after its value")));
            }
        }
        Ok(())
    }

    /// The name of a tag. CoreFoundation ends a tag at the first `>`.
    fn name<'t>(&self, tag: &'t BytesStart<'_>) -> Result<&'t str, Fault> {
        let all: &str = tag;
        if all.contains(['<', '>']) {
            return Err(self.fault(malformed("a tag that is not closed")));
        }
        let name = tag.name().into_inner();
        Ok(name)
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<Option<OwnedEvent>, Fault> {
        let name = self.name(tag)?;
        if name == "plist" {
            let State::Prolog { .. } = self.state else {
                return self.refuse("a property list inside of another");
            };
            self.state = State::Opened;
            return Ok(None);
        }
        self.begin_value()?;
        Ok(Some(match name {
            "dict" => {
                self.depth += 1;
                Event::StartDictionary(None)
            }
            "array" => {
                self.depth += 1;
                Event::StartArray(None)
            }
            "key" | "string" => Event::String(self.content(true)?.into()),
            "true" => self.truth(true)?,
            "false" => self.truth(false)?,
            "integer" => Event::Integer(self.integer()?),
            "data" => self.data()?,
            "date" => self.date()?,
            "real" => Event::Real(self.real()?),
            other => return Err(self.fault(unknown(other))),
        }))
    }

    fn empty(&mut self, tag: &BytesStart<'_>) -> Result<Option<OwnedEvent>, Fault> {
        let name = self.name(tag)?;
        self.begin_value()?;
        Ok(Some(match name {
            "dict" => {
                self.ends = true;
                Event::StartDictionary(None)
            }
            "array" => {
                self.ends = true;
                Event::StartArray(None)
            }
            "key" | "string" => Event::String("".into()),
            "true" => Event::Boolean(true),
            "false" => Event::Boolean(false),
            "plist" => {
                return Err(self.fault(Problem::Extent("it ends before its value is complete")));
            }
            "integer" | "data" | "date" | "real" => {
                return Err(self.fault(malformed("a value without content")));
            }
            other => return Err(self.fault(unknown(other))),
        }))
    }

    /// The end of a collection or of the list: the reader knows that it belongs to what is open.
    fn end(&mut self) -> Result<Option<OwnedEvent>, Fault> {
        if self.depth > 0 {
            self.depth -= 1;
            return Ok(Some(Event::EndCollection));
        }
        match self.state {
            State::Value { .. } => self.state = State::Closed,
            _ => return Err(self.fault(Problem::Extent("it ends before its value is complete"))),
        }
        Ok(None)
    }

    fn end_of_file(&self) -> Result<Option<OwnedEvent>, Fault> {
        match self.state {
            State::Closed | State::Value { is_wrapped: false } if self.depth == 0 => Ok(None),
            _ => Err(self.fault(Problem::Extent("it ends before its value is complete"))),
        }
    }

    /// The text up to the end of an element; entities have a place in some.
    fn content(&mut self, may_refer: bool) -> Result<String, Fault> {
        let mut content = String::new();
        loop {
            match self.markup()? {
                Markup::Text(text) => content.push_str(&text),
                Markup::GeneralRef(name) if may_refer => match character(&name) {
                    Some(text) => content.push(text),
                    None => return self.refuse("an entity of the list's own"),
                },
                Markup::End(_) => return Ok(content),
                Markup::CData(_) => return self.refuse("a CDATA section"),
                Markup::GeneralRef(_) => return self.refuse("an entity outside of text"),
                Markup::Comment(_) => return self.refuse("a comment inside of a value"),
                Markup::PI(_) | Markup::Decl(_) => return self.refuse("a processing instruction"),
                Markup::DocType(_) => return self.refuse("a document type in this place"),
                Markup::Start(_) | Markup::Empty(_) => {
                    return Err(self.fault(malformed("an element inside of a value")));
                }
                Markup::Eof => {
                    return Err(self.fault(Problem::Extent("it ends before its value is complete")));
                }
            }
        }
    }

    /// `<true></true>`: nothing may stand inside.
    fn truth(&mut self, value: bool) -> Result<OwnedEvent, Fault> {
        match self.markup()? {
            Markup::End(_) => Ok(Event::Boolean(value)),
            _ => Err(self.fault(malformed("a truth value with content"))),
        }
    }

    fn integer(&mut self) -> Result<plist::Integer, Fault> {
        let content = self.content(false)?;
        let number = match content.strip_prefix("0x") {
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                u64::from_str_radix(digits, 16).map(Into::into)
            }
            _ => match content.parse::<i64>() {
                Ok(number) => Ok(number.into()),
                Err(_) => content.parse::<u64>().map(Into::into),
            },
        };
        number.map_err(|_| self.fault(malformed("invalid integer string")))
    }

    /// Digits with a fraction and an exponent; `nan` and `infinity`, which CoreFoundation knows too, have no use here.
    fn real(&mut self) -> Result<f64, Fault> {
        let content = self.content(false)?;
        let is_formed = content
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
        let number = content.parse::<f64>().ok();
        number
            .filter(|number| is_formed && number.is_finite())
            .ok_or_else(|| self.fault(malformed("invalid real number")))
    }

    fn data(&mut self) -> Result<OwnedEvent, Fault> {
        let mut content = self.content(false)?;
        content.retain(|letter| !letter.is_ascii_whitespace());
        let data = plist::Data::from_xml_format(&content);
        let bytes = Vec::from(data.map_err(|_| self.fault(malformed("invalid data string")))?);
        Ok(Event::Data(bytes.into()))
    }

    /// `2026-01-01T00:00:00Z`: no fraction and no other zone.
    fn date(&mut self) -> Result<OwnedEvent, Fault> {
        let content = self.content(false)?;
        let is_formed = matches!(content.as_bytes(), [day @ .., b'T', _, _, _, _, _, _, _, _, b'Z'] if day.len() == 10);
        let date = plist::Date::from_xml_format(&content).ok();
        let date = date.filter(|_| is_formed);
        date.map(Event::Date)
            .ok_or_else(|| self.fault(malformed("invalid date string")))
    }
}

impl Iterator for Events<'_> {
    type Item = Result<OwnedEvent, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// The character that a reference stands for: one of XML's own five, or a number.
fn character(name: &BytesRef<'_>) -> Option<char> {
    match name.resolve_char_ref() {
        Ok(Some(character)) => Some(character),
        Ok(None) => resolve_xml_entity(name)?.chars().next(),
        Err(_) => None,
    }
}

/// A blank between elements, as XML and CoreFoundation know them.
fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}

fn malformed(how: &str) -> Problem {
    Problem::Malformed(how.chars().take(200).collect())
}

fn unknown(name: &str) -> Problem {
    malformed(&format!("an unknown element {name:?}"))
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
