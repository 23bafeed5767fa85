//! Asks a requirement about code (`reqinterp.cpp`).

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Expression, Match, Slot};
use crate::apple::ber::Oid;
use crate::apple::certificate::Certificate;
use crate::apple::entitlements::Entitlements;
use crate::apple::value::Value;

/// What is known of the code.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    /// The signing identifier.
    pub identifier: &'a str,
    /// The cdhashes under which a requirement may name it: those of every CodeDirectory of every slice.
    pub cdhashes: &'a [[u8; 20]],
    /// The platform identifier.
    pub platform: u8,
    /// The proven chain: the signer's certificate first, the root last; empty where nobody signed.
    pub chain: &'a [Arc<Certificate>],
    /// `Info.plist`, where there is one.
    pub info: Option<&'a Value>,
    /// The entitlements, where there are some.
    pub entitlements: Option<&'a Entitlements>,
}

/// What a requirement says of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is met.
    Yes,
    /// It is not met.
    No,
    /// It asks for something that only a Mac, a person or Apple's service knows.
    Unknown,
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl Answer {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Unknown,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// `1.2.840.113635.100.6.22`: a certificate for Apple's own code.
const APPLE_CODE: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 22]);

impl Expression {
    /// What it says of `code`.
    pub fn ask(&self, code: &Code<'_>) -> Answer {
        match self {
            Self::Never | Self::UnknownFalse(_) => Answer::No,
            Self::Always => Answer::Yes,
            Self::Identifier(name) => (code.identifier.as_bytes() == &**name).into(),
            Self::AnchorApple => code.is_of_apple().into(),
            Self::AnchorAppleGeneric => (!code.chain.is_empty()).into(),
            Self::CertificateHash(slot, hash) => code
                .certificate(*slot)
                .is_some_and(|certificate| certificate.sha1.as_bytes()[..] == **hash)
                .into(),
            Self::Info(key, what) => what.matches(code.info_value(key)),
            Self::Entitlement(key, what) => {
                let value = || code.entitlements?.get(str::from_utf8(key).ok()?);
                what.matches(value())
            }
            Self::CertificateField(slot, key, what) => code.certificate_field(*slot, key, what),
            Self::CertificateExtension(slot, oid, what) => match code.certificate(*slot) {
                None => Answer::No,
                Some(certificate) => {
                    let has = certificate.has_marker(Oid(oid));
                    what.matches(has.then_some(&Value::Boolean(true)))
                }
            },
            Self::CdHash(hash) => code.cdhashes.iter().any(|found| found[..] == **hash).into(),
            Self::Platform(number) => (i32::from(code.platform) == *number).into(),
            Self::And(one, other) => one.ask(code).and(other.ask(code)),
            Self::Or(one, other) => one.ask(code).or(other.ask(code)),
            Self::Not(inner) => inner.ask(code).not(),
            Self::UnknownPassedOver(_, inner) => inner.ask(code),
            Self::CertificatePolicy(..)
            | Self::CertificateDate(..)
            | Self::CertificateTrusted(_)
            | Self::AnchorTrusted
            | Self::NamedAnchor(_)
            | Self::NamedCode(_)
            | Self::Notarized
            | Self::Legacy => Answer::Unknown,
        }
    }
}

impl<'a> Code<'a> {
    fn certificate(&self, slot: Slot) -> Option<&'a Certificate> {
        let position = match usize::try_from(slot.0) {
            Ok(position) => position,
            Err(_) => {
                let back = usize::try_from(slot.0.unsigned_abs()).ok()?;
                self.chain.len().checked_sub(back)?
            }
        };
        self.chain.get(position).map(AsRef::as_ref)
    }

    fn info_value(&self, key: &[u8]) -> Option<&'a Value> {
        match self.info? {
            Value::Dictionary(values) => values.get(str::from_utf8(key).ok()?),
            _ => None,
        }
    }

    /// `appleSigned`, without the trust cache that only a Mac has.
    fn is_of_apple(&self) -> bool {
        let by = |slot, name: &str| {
            self.certificate(Slot(slot))
                .is_some_and(|certificate| certificate.common_name == name)
        };
        by(-2, "Apple Code Signing Certification Authority")
            && self
                .certificate(Slot(0))
                .is_some_and(|signer| signer.has_marker(APPLE_CODE))
    }

    fn certificate_field(&self, slot: Slot, key: &[u8], what: &Match) -> Answer {
        let Some(certificate) = self.certificate(slot) else {
            return Answer::No;
        };
        // The arcs below 2.5.4 (X.520), and the UID of RFC 4519.
        let oid: &[u8] = match key {
            b"subject.C" => &[0x55, 4, 6],
            b"subject.CN" => &[0x55, 4, 3],
            b"subject.D" => &[0x55, 4, 13],
            b"subject.L" => &[0x55, 4, 7],
            b"subject.O" => &[0x55, 4, 10],
            b"subject.OU" => &[0x55, 4, 11],
            b"subject.ST" => &[0x55, 4, 8],
            b"subject.STREET" => &[0x55, 4, 9],
            b"subject.UID" => &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1],
            // Collective names and mail addresses, which no certificate of Apple's for developers has.
            _ => return Answer::Unknown,
        };
        match certificate.subject_text(Oid(oid)) {
            Some(text) => what.matches(Some(&Value::String(text.into()))),
            None => Answer::No,
        }
    }
}

impl Match {
    /// Whether a value is as asked; of a list, whether one of it is.
    fn matches(&self, value: Option<&Value>) -> Answer {
        let Some(value) = value else {
            return (*self == Self::Absent).into();
        };
        if let Value::Array(values) = value
            && values
                .iter()
                .any(|value| self.matches(Some(value)) == Answer::Yes)
        {
            return Answer::Yes;
        }
        let text = value.as_str().map(str::as_bytes);
        match self {
            Self::Absent | Self::Unknown(_) => Answer::No,
            Self::Exists => (*value != Value::Boolean(false)).into(),
            Self::Equal(other) => (text == Some(other)).into(),
            Self::Contains(other) => {
                let found = text.and_then(|text| memchr::memmem::find(text, other));
                found.is_some().into()
            }
            Self::BeginsWith(other) => text.is_some_and(|text| text.starts_with(other)).into(),
            Self::EndsWith(other) => text.is_some_and(|text| text.ends_with(other)).into(),
            Self::Compares(order, other) => text
                .is_some_and(|text| order.holds(by_number(text, other)))
                .into(),
            // A date is text here, so it cannot be told from one.
            Self::Time(..) => Answer::Unknown,
        }
    }
}

/// Compares texts, runs of digits by their number (`kCFCompareNumerically`).
fn by_number(one: &[u8], other: &[u8]) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let (Some(first), Some(second)) = (one.first(), other.first()) else {
            return one.len().cmp(&other.len());
        };
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let (number, rest) = leading_number(one);
            let (other_number, other_rest) = leading_number(other);
            let ordering = number
                .len()
                .cmp(&other_number.len())
                .then(number.cmp(other_number));
            if ordering.is_ne() {
                return ordering;
            }
            (one, other) = (rest, other_rest);
        } else {
            if first != second {
                return first.cmp(second);
            }
            (one, other) = (
                one.get(1..).unwrap_or_default(),
                other.get(1..).unwrap_or_default(),
            );
        }
    }
}

/// The digits at the beginning without leading zeros, and what follows them.
fn leading_number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    (digits.get(zeros..).unwrap_or_default(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Answer {
        let info = Value::Dictionary(
            [
                ("CFBundleVersion".into(), "17.10".into()),
                ("List".into(), Value::Array(vec!["a".into(), "b".into()])),
                ("Off".into(), Value::Boolean(false)),
            ]
            .into(),
        );
        let code = Code {
            identifier: "com.acme.app",
            cdhashes: &[[7; 20]],
            platform: 13,
            chain: &[],
            info: Some(&info),
            entitlements: None,
        };
        crate::apple::code_signature::requirement::text::parse(text)
            .unwrap()
            .ask(&code)
    }

    #[test]
    fn what_cannot_be_known_here_is_never_a_yes() {
        for (text, answer) in [
            ("notarized", Answer::Unknown),
            ("notarized and never", Answer::No),
            ("notarized or always", Answer::Yes),
            ("! notarized", Answer::Unknown),
            ("anchor trusted and always", Answer::Unknown),
            ("anchor apple generic", Answer::No),
        ] {
            assert_eq!(ask(text), answer, "{text}");
        }
    }

    #[test]
    fn identifiers_hashes_and_values_are_compared() {
        for (text, holds) in [
            ("identifier \"com.acme.app\"", true),
            ("identifier \"com.acme\"", false),
            ("cdhash H\"0707070707070707070707070707070707070707\"", true),
            ("cdhash H\"07\"", false),
            ("platform = 13", true),
            ("info[CFBundleVersion] = \"17.10\"", true),
            ("info[CFBundleVersion] >= \"17.9\"", true),
            ("info[CFBundleVersion] < \"17.010\"", false),
            ("info[CFBundleVersion] = 17*", true),
            ("info[CFBundleVersion] = *10", true),
            ("info[CFBundleVersion] ~ 7", true),
            ("info[List] = b", true),
            ("info[List] = c", false),
            ("info[Off] exists", false),
            ("info[None] absent", true),
            ("info[List] absent", false),
            ("entitlement[x] exists", false),
        ] {
            assert_eq!(ask(text), holds.into(), "{text}");
        }
    }
}
