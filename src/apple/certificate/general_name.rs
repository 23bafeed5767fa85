//! General names (RFC 5280 §4.2.1.6): the names that a certificate has beside its subject, and those that constraints are
//! about.

use super::name::Name;
use crate::apple::ber::{BerError, Element, Problem, Tag};

/// A name of one of several forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GeneralName<'a> {
    /// `[1]` a mailbox, or in constraints also a host or a domain.
    Email(&'a str),
    /// `[2]` a host.
    Dns(&'a str),
    /// `[4]` a distinguished name.
    Directory(Name<'a>),
    /// `[6]` a URI, or in constraints a host or a domain.
    Uri(&'a str),
    /// `[7]` an address; in constraints an address and a mask.
    Ip(&'a [u8]),
    /// A form of this tag that is not evaluated, well-formed.
    Other(Tag),
}

impl<'a> GeneralName<'a> {
    /// Reads a GeneralName.
    ///
    /// # Errors
    /// The element is none.
    pub(super) fn read(element: Element<'a>) -> Result<Self, BerError> {
        let text = || match str::from_utf8(element.contents) {
            // A zero ends a text for some readers and not for others.
            Ok(text) if text.is_ascii() && !text.contains('\0') => Ok(text),
            _ => Err(malformed(element, "IA5String")),
        };
        Ok(match element.tag.0 {
            0x81 => Self::Email(text()?),
            0x82 => Self::Dns(text()?),
            0x86 => Self::Uri(text()?),
            0x87 => match element.contents.len() {
                4 | 8 | 16 | 32 => Self::Ip(element.contents),
                _ => return Err(malformed(element, "IP address")),
            },
            0xa4 => {
                let mut inside = element.reader()?;
                let name = Name::read(inside.any("a name")?)?;
                inside.end("the name")?;
                Self::Directory(name)
            }
            // otherName, x400Address, ediPartyName, registeredID
            0xa0 | 0xa3 | 0xa5 | 0x88 => {
                element.walk()?;
                Self::Other(element.tag)
            }
            _ => return Err(malformed(element, "general name")),
        })
    }

    /// Reads GeneralNames.
    ///
    /// # Errors
    /// The element is none, or there is no name in it.
    pub(super) fn read_all(element: Element<'a>) -> Result<Vec<Self>, BerError> {
        Self::read_in(element.expect(Tag::SEQUENCE, "names")?)
    }

    /// Reads the GeneralNames in an element of any tag.
    ///
    /// # Errors
    /// One is malformed, or there is none.
    pub(super) fn read_in(element: Element<'a>) -> Result<Vec<Self>, BerError> {
        let mut names = Vec::new();
        let mut reader = element.reader()?;
        while let Some(name) = reader.next()? {
            names.push(Self::read(name)?);
        }
        if names.is_empty() {
            reader.any("a name")?;
        }
        Ok(names)
    }
}

fn malformed(element: Element<'_>, what: &'static str) -> BerError {
    BerError {
        offset: element.offset,
        problem: Problem::Malformed(what),
    }
}
