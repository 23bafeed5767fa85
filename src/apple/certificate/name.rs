//! Distinguished names (RFC 5280 §4.1.2.4).
//!
//! Whether a certificate names another as its issuer is told by the encodings, byte by byte. What a name says is told here:
//! its common name and unit for people, and whether it begins as another does for name constraints, whatever type of
//! string, letter case and blanks each is written in.

use crate::apple::ber::{BerError, Element, Oid, Problem, Reader, Tag};

/// `2.5.4.3` commonName.
pub(super) const COMMON_NAME: Oid<'static> = Oid(&[0x55, 0x04, 0x03]);
/// `2.5.4.11` organizationalUnitName.
pub(super) const UNIT: Oid<'static> = Oid(&[0x55, 0x04, 0x0b]);
/// `1.2.840.113549.1.9.1` emailAddress.
pub(super) const EMAIL: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]);

/// A distinguished name: relative names, each a set of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name<'a>(Vec<Vec<Attribute<'a>>>);

/// An attribute of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute<'a> {
    kind: Oid<'a>,
    text: String,
}

impl<'a> Name<'a> {
    /// Reads a Name.
    ///
    /// # Errors
    /// The element is none, or a text is malformed.
    pub(super) fn read(element: Element<'a>) -> Result<Self, BerError> {
        let mut names = Vec::new();
        let mut sets = element.expect(Tag::SEQUENCE, "a name")?.reader()?;
        while let Some(set) = sets.next()? {
            let mut attributes = Vec::new();
            let mut members = set.expect(Tag::SET, "a relative name")?.reader()?;
            while let Some(member) = members.next()? {
                attributes.push(Attribute::read(member)?);
            }
            if attributes.is_empty() {
                members.any("an attribute of a name")?;
            }
            names.push(attributes);
        }
        Ok(Self(names))
    }

    /// Reads a Name from its own encoding.
    ///
    /// # Errors
    /// The bytes are none.
    pub(super) fn from_der(der: &'a [u8]) -> Result<Self, BerError> {
        let mut reader = Reader::new(der);
        let name = Self::read(reader.any("a name")?)?;
        reader.end("the name")?;
        Ok(name)
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The texts of the attributes of one kind, in order.
    pub(super) fn texts(&self, kind: Oid<'_>) -> impl Iterator<Item = &str> {
        let attributes = self.0.iter().flatten();
        attributes
            .filter(move |attribute| attribute.kind == kind)
            .map(|attribute| attribute.text.as_str())
    }

    /// Whether it begins with all of `other`.
    pub(super) fn starts_with(&self, other: &Name<'_>) -> bool {
        let begins = self.0.get(..other.0.len());
        begins.is_some_and(|names| {
            let mut pairs = names.iter().zip(&other.0);
            pairs.all(|(one, other)| comparable(one) == comparable(other))
        })
    }
}

/// A relative name in a form in which equal ones are equal.
fn comparable<'a>(name: &[Attribute<'a>]) -> Vec<Attribute<'a>> {
    let comparable = |attribute: &Attribute<'a>| {
        let words: Vec<_> = attribute.text.split_whitespace().collect();
        Attribute {
            kind: attribute.kind,
            text: words.join(" ").to_lowercase(),
        }
    };
    let mut attributes: Vec<_> = name.iter().map(comparable).collect();
    attributes.sort();
    attributes
}

impl<'a> Attribute<'a> {
    fn read(element: Element<'a>) -> Result<Self, BerError> {
        let mut fields = element
            .expect(Tag::SEQUENCE, "an attribute of a name")?
            .reader()?;
        let kind = fields.any("the type of an attribute")?.oid()?;
        let value = fields.any("the value of an attribute")?;
        fields.end("the value of an attribute")?;
        let text = text(value).ok_or(BerError {
            offset: value.offset,
            problem: Problem::Malformed("text of a name"),
        })?;
        Ok(Self { kind, text })
    }
}

/// The text in an element of one of the types for it; `None` if it is of another or malformed.
fn text(element: Element<'_>) -> Option<String> {
    let bytes = element.contents;
    match element.tag {
        Tag::UTF8_STRING => str::from_utf8(bytes).ok().map(str::to_owned),
        // What stands in them beyond ASCII is read as Latin-1, as OpenSSL does.
        Tag::PRINTABLE_STRING
        | Tag::IA5_STRING
        | Tag::NUMERIC_STRING
        | Tag::VISIBLE_STRING
        | Tag::TELETEX_STRING => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BMP_STRING => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty())
        }
        Tag::UNIVERSAL_STRING => {
            let (units, rest) = bytes.as_chunks::<4>();
            let letters = units
                .iter()
                .map(|unit| char::from_u32(u32::from_be_bytes(*unit)));
            letters.collect::<Option<_>>().filter(|_| rest.is_empty())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(contents.len()).unwrap()], contents].concat()
    }

    /// One relative name for each list of attributes: kind, tag and bytes.
    fn name(names: &[&[(Oid<'_>, u8, &[u8])]]) -> Vec<u8> {
        let sets = names.iter().map(|attributes| {
            let members = attributes.iter().map(|(kind, tag, bytes)| {
                tlv(0x30, &[tlv(0x06, kind.0), tlv(*tag, bytes)].concat())
            });
            tlv(0x31, &members.collect::<Vec<_>>().concat())
        });
        tlv(0x30, &sets.collect::<Vec<_>>().concat())
    }

    #[test]
    fn texts_are_read_in_every_type_of_string() {
        for (tag, bytes) in [
            (0x0c, "Zoë".as_bytes()),
            (0x14, b"Zo\xeb"),
            (0x1e, b"\0Z\0o\0\xeb"),
            (0x1c, b"\0\0\0Z\0\0\0o\0\0\0\xeb"),
        ] {
            let der = name(&[&[(COMMON_NAME, tag, bytes)]]);
            let name = Name::from_der(&der).unwrap();
            assert_eq!(name.texts(COMMON_NAME).next(), Some("Zoë"), "{tag:#x}");
            assert_eq!(name.texts(UNIT).next(), None);
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        for (tag, bytes) in [
            (0x0c, &b"\xff"[..]),
            (0x1e, b"\0Z\0"),
            (0x1e, b"\xd8\0"),
            (0x1c, b"\0\0\0"),
            (0x1c, b"\0\0\xd8\0"),
            (0x02, b"\x01"),
            (0x05, b""),
            (0x03, b"\0a"),
            (0x2c, b"\x0c\x01a"),
            (0x4c, b"a"),
        ] {
            let der = name(&[&[(COMMON_NAME, tag, bytes)]]);
            assert!(Name::from_der(&der).is_err(), "{tag:#x}");
        }
        assert!(Name::from_der(&name(&[&[]])).is_err(), "an empty set");
        assert!(Name::from_der(&tlv(0x31, &[])).is_err());
        let trailing = [name(&[]), vec![5, 0]].concat();
        assert!(Name::from_der(&trailing).is_err());
        assert!(Name::from_der(&name(&[])).unwrap().is_empty());
    }

    #[test]
    fn names_are_compared_by_what_they_say() {
        let acme = name(&[
            &[(UNIT, 0x13, b"Acme  Inc")],
            &[(COMMON_NAME, 0x0c, b"Root")],
        ]);
        let acme = Name::from_der(&acme).unwrap();
        for (prefix, is_prefix) in [
            (name(&[]), true),
            (name(&[&[(UNIT, 0x0c, b" acme inc")]]), true),
            (name(&[&[(UNIT, 0x1e, b"\0A\0C\0M\0E\0 \0i\0n\0c")]]), true),
            (
                name(&[
                    &[(UNIT, 0x0c, b"Acme Inc")],
                    &[(COMMON_NAME, 0x0c, b"root")],
                ]),
                true,
            ),
            (name(&[&[(UNIT, 0x0c, b"AcmeInc")]]), false),
            (name(&[&[(COMMON_NAME, 0x0c, b"Acme Inc")]]), false),
            (name(&[&[(COMMON_NAME, 0x0c, b"Root")]]), false),
            (
                name(&[
                    &[(UNIT, 0x0c, b"Acme Inc")],
                    &[(COMMON_NAME, 0x0c, b"Root")],
                    &[(UNIT, 0x0c, b"G2")],
                ]),
                false,
            ),
        ] {
            let prefix = Name::from_der(&prefix).unwrap();
            assert_eq!(acme.starts_with(&prefix), is_prefix, "{prefix:?}");
        }
    }

    #[test]
    fn the_order_in_a_set_says_nothing() {
        let one = name(&[&[(UNIT, 0x0c, b"a"), (COMMON_NAME, 0x0c, b"b")]]);
        let other = name(&[&[(COMMON_NAME, 0x0c, b"b"), (UNIT, 0x0c, b"a")]]);
        let (one, other) = (
            Name::from_der(&one).unwrap(),
            Name::from_der(&other).unwrap(),
        );
        assert!(one.starts_with(&other) && other.starts_with(&one));
    }
}
