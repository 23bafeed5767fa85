//! Identifier octets (X.690 §8.1.2).

use std::fmt;

/// The identifier octet: class, constructed bit and number in one byte, as it stands in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tag(pub u8);

impl Tag {
    /// BOOLEAN.
    pub const BOOLEAN: Tag = Tag(0x01);
    /// INTEGER.
    pub const INTEGER: Tag = Tag(0x02);
    /// BIT STRING, primitive.
    pub const BIT_STRING: Tag = Tag(0x03);
    /// OCTET STRING, primitive.
    pub const OCTET_STRING: Tag = Tag(0x04);
    /// NULL.
    pub const NULL: Tag = Tag(0x05);
    /// OBJECT IDENTIFIER.
    pub const OID: Tag = Tag(0x06);
    /// UTF8String, primitive.
    pub const UTF8_STRING: Tag = Tag(0x0c);
    /// NumericString.
    pub const NUMERIC_STRING: Tag = Tag(0x12);
    /// PrintableString.
    pub const PRINTABLE_STRING: Tag = Tag(0x13);
    /// TeletexString.
    pub const TELETEX_STRING: Tag = Tag(0x14);
    /// IA5String.
    pub const IA5_STRING: Tag = Tag(0x16);
    /// UTCTime.
    pub const UTC_TIME: Tag = Tag(0x17);
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: Tag = Tag(0x18);
    /// VisibleString.
    pub const VISIBLE_STRING: Tag = Tag(0x1a);
    /// UniversalString.
    pub const UNIVERSAL_STRING: Tag = Tag(0x1c);
    /// BMPString.
    pub const BMP_STRING: Tag = Tag(0x1e);
    /// SEQUENCE.
    pub const SEQUENCE: Tag = Tag(0x30);
    /// SET.
    pub const SET: Tag = Tag(0x31);

    /// `[n]`, constructed.
    pub const fn context(number: u8) -> Tag {
        Tag(0xa0 | number)
    }

    /// `[n]`, primitive.
    pub const fn context_primitive(number: u8) -> Tag {
        Tag(0x80 | number)
    }

    /// `[APPLICATION n]`, constructed.
    pub const fn application(number: u8) -> Tag {
        Tag(0x60 | number)
    }

    /// Whether the contents are elements.
    pub const fn is_constructed(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// The same tag in its constructed form.
    pub(super) const fn constructed(self) -> Tag {
        Tag(self.0 | 0x20)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0x01 => "BOOLEAN",
            0x02 => "INTEGER",
            0x03 | 0x23 => "BIT STRING",
            0x04 | 0x24 => "OCTET STRING",
            0x05 => "NULL",
            0x06 => "OBJECT IDENTIFIER",
            0x0c | 0x2c => "UTF8String",
            0x12 => "NumericString",
            0x13 => "PrintableString",
            0x16 => "IA5String",
            0x17 => "UTCTime",
            0x18 => "GeneralizedTime",
            0x30 => "SEQUENCE",
            0x31 => "SET",
            tag => {
                let class = match tag >> 6 {
                    0 => "UNIVERSAL ",
                    1 => "APPLICATION ",
                    2 => "",
                    _ => "PRIVATE ",
                };
                return write!(f, "[{class}{}]", tag & 0x1f);
            }
        };
        f.write_str(name)
    }
}
