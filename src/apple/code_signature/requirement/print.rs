//! Requirements as `codesign -r-` prints them (`reqdumper.cpp`).

use std::fmt;

use super::{Expression, Match, Slot};
use crate::apple::ber::Oid;
use crate::base::digest::hex;

/// The words of the language, which stand in quotes where they are a value (`RequirementKeywords.h`).
const WORDS: [&str; 37] = [
    "absent",
    "always",
    "anchor",
    "and",
    "apple",
    "before",
    "cdhash",
    "cert",
    "certificate",
    "codetype",
    "designated",
    "entitlement",
    "eq",
    "exists",
    "false",
    "generic",
    "guest",
    "host",
    "identifier",
    "info",
    "leaf",
    "legacy",
    "library",
    "never",
    "not",
    "notarized",
    "on",
    "or",
    "platform",
    "plugin",
    "root",
    "since",
    "timestamp",
    "true",
    "trusted",
    "xcode",
    "with",
];

/// How strongly what stands around binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Primary,
    And,
    Or,
    Top,
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expression(self, Level::Top, f)
    }
}

fn expression(it: &Expression, around: Level, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match it {
        Expression::Never => f.write_str("never"),
        Expression::Always => f.write_str("always"),
        Expression::Identifier(name) => write!(f, "identifier {}", Data(name, false)),
        Expression::AnchorApple => f.write_str("anchor apple"),
        Expression::AnchorAppleGeneric => f.write_str("anchor apple generic"),
        Expression::CertificateHash(slot, hash) => write!(f, "certificate{slot} = {}", Hash(hash)),
        Expression::Info(key, what) => write!(f, "info[{}]{what}", Data(key, true)),
        Expression::Entitlement(key, what) => write!(f, "entitlement[{}]{what}", Data(key, true)),
        Expression::CertificateField(slot, key, what) => {
            write!(f, "certificate{slot}[{}]{what}", Data(key, true))
        }
        Expression::CertificateExtension(slot, oid, what) => {
            write!(f, "certificate{slot}[field.{}]{what}", Oid(oid))
        }
        Expression::CertificatePolicy(slot, oid, what) => {
            write!(f, "certificate{slot}[policy.{}]{what}", Oid(oid))
        }
        Expression::CertificateDate(slot, oid, what) => {
            write!(f, "certificate{slot}[timestamp.{}]{what}", Oid(oid))
        }
        Expression::CertificateTrusted(slot) => write!(f, "certificate{slot}trusted"),
        Expression::AnchorTrusted => f.write_str("anchor trusted"),
        Expression::NamedAnchor(name) => write!(f, "anchor apple {}", Data(name, false)),
        Expression::NamedCode(name) => write!(f, "({})", Data(name, false)),
        Expression::Platform(number) => write!(f, "platform = {number}"),
        Expression::Notarized => f.write_str("notarized"),
        Expression::Legacy => f.write_str("legacy"),
        Expression::CdHash(hash) => write!(f, "cdhash {}", Hash(hash)),
        Expression::And(one, other) => pair(one, " and ", other, Level::And, around, f),
        Expression::Or(one, other) => pair(one, " or ", other, Level::Or, around, f),
        Expression::Not(inner) => {
            f.write_str("! ")?;
            expression(inner, Level::Primary, f)
        }
        Expression::UnknownFalse(number) => write!(f, " false /* opcode {number} */"),
        Expression::UnknownPassedOver(number, _) => write!(f, " /* opcode {number} */"),
    }
}

fn pair(
    one: &Expression,
    word: &str,
    other: &Expression,
    level: Level,
    around: Level,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let needs_brackets = around < level;
    if needs_brackets {
        f.write_str("(")?;
    }
    expression(one, level, f)?;
    f.write_str(word)?;
    expression(other, level, f)?;
    if needs_brackets {
        f.write_str(")")?;
    }
    Ok(())
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            -1 => f.write_str(" root"),
            0 => f.write_str(" leaf"),
            number => write!(f, " {number}"),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str(" /* exists */"),
            Self::Absent => f.write_str(" absent "),
            Self::Equal(text) => write!(f, " = {}", Data(text, false)),
            Self::Contains(text) => write!(f, " ~ {}", Data(text, false)),
            Self::BeginsWith(text) => write!(f, " = {}*", Data(text, false)),
            Self::EndsWith(text) => write!(f, " = *{}", Data(text, false)),
            Self::Compares(order, text) => write!(f, " {} {}", order.as_str(), Data(text, false)),
            Self::Time(order, seconds) => {
                // CoreFoundation counts from the first of January 2001, UTC.
                let time = seconds
                    .checked_add(978_307_200)
                    .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
                match time {
                    Some(time) => write!(
                        f,
                        " {} <{}>",
                        order.as_str(),
                        time.strftime("%Y-%m-%d %H:%M:%S +0000")
                    ),
                    None => write!(f, " {} <{seconds}>", order.as_str()),
                }
            }
            Self::Unknown(number) => write!(f, "MATCH OPCODE {number} NOT UNDERSTOOD"),
        }
    }
}

struct Hash<'a>(&'a [u8]);

impl fmt::Display for Hash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "H\"{}\"", hex(self.0))
    }
}

/// A value: bare where that is possible, in quotes, or as hex digits. Keys may hold dots without quotes.
struct Data<'a>(&'a [u8], bool);

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes, may_have_dots) = *self;
        let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || (may_have_dots && *byte == b'.');
        let is_printable =
            |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t'..=b'\r');
        let Some(text) = str::from_utf8(bytes)
            .ok()
            .filter(|_| bytes.iter().all(is_printable))
        else {
            return write!(f, "0x{}", hex(bytes));
        };
        let starts_with_digit = bytes.first().is_some_and(u8::is_ascii_digit);
        if bytes.iter().all(is_bare) && !starts_with_digit && !WORDS.contains(&text) {
            return f.write_str(text);
        }
        write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
