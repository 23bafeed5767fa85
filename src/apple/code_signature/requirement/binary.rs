//! Compiled requirements: operations in prefix order, each a number with its operands (`requirement.h`, `reqreader.cpp`).

use super::{Expression, MAX_DEPTH, Match, Order, Slot};
use crate::apple::code_signature::super_blob::{self, BlobError, SuperBlob};
use crate::apple::code_signature::words::{size, u32_at, u64_at};

/// `kSecDesignatedRequirementType`: what the code says of itself.
pub const DESIGNATED: u32 = 3;

/// Why bytes are not requirements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// Not a blob of that kind.
    #[error("the requirements cannot be read: {0}")]
    Blob(#[from] BlobError),
    /// It ends in the middle of an operation.
    #[error("a requirement ends in the middle of an operation")]
    Truncated,
    /// Bytes follow the expression.
    #[error("{0} bytes follow a requirement")]
    Trailing(usize),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("a requirement is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A form other than a compiled expression: the launch constraints of requirements.
    #[error("a requirement of form {0}; form 1 is known")]
    Form(u32),
    /// An operation that is not known and does not say what to do about that.
    #[error("the operation {0} of a requirement is not known")]
    Operation(u32),
}

/// Reads a requirement set: each requirement with its type.
///
/// # Errors
/// It is damaged.
pub fn parse_set(bytes: &[u8]) -> Result<Vec<(u32, Expression)>, RequirementError> {
    let set = SuperBlob::parse(bytes, super_blob::REQUIREMENT_SET)?;
    set.blobs()
        .map(|(kind, blob)| Ok((kind, parse(blob)?)))
        .collect()
}

/// Reads one requirement from a blob that fills `bytes`.
///
/// # Errors
/// It is damaged, or uses an operation that is not known.
pub fn parse(bytes: &[u8]) -> Result<Expression, RequirementError> {
    super_blob::payload(bytes, super_blob::REQUIREMENT)?;
    let mut reader = Reader { bytes, at: 8 };
    let form = reader.word()?;
    if form != 1 {
        return Err(RequirementError::Form(form));
    }
    let expression = reader.expression(MAX_DEPTH)?;
    match bytes.len().saturating_sub(reader.at) {
        0 => Ok(expression),
        rest => Err(RequirementError::Trailing(rest)),
    }
}

/// `opGenericFalse`.
const GENERIC_FALSE: u32 = 0x8000_0000;
/// `opGenericSkip`.
const GENERIC_SKIP: u32 = 0x4000_0000;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn word(&mut self) -> Result<u32, RequirementError> {
        let word = u32_at(self.bytes, self.at).ok_or(RequirementError::Truncated)?;
        self.at += 4;
        Ok(word)
    }

    fn signed(&mut self) -> Result<i32, RequirementError> {
        Ok(i32::from_be_bytes(self.word()?.to_be_bytes()))
    }

    fn time(&mut self) -> Result<i64, RequirementError> {
        let time = u64_at(self.bytes, self.at).ok_or(RequirementError::Truncated)?;
        self.at += 8;
        Ok(i64::from_be_bytes(time.to_be_bytes()))
    }

    /// A length, that many bytes, and padding to a multiple of four.
    fn data(&mut self) -> Result<&'a [u8], RequirementError> {
        let length = size(self.word()?);
        let end = self.at.checked_add(length);
        let data = end.and_then(|end| self.bytes.get(self.at..end));
        let data = data.ok_or(RequirementError::Truncated)?;
        self.at = self.at.saturating_add(length.next_multiple_of(4));
        if self.at > self.bytes.len() {
            return Err(RequirementError::Truncated);
        }
        Ok(data)
    }

    fn owned(&mut self) -> Result<Vec<u8>, RequirementError> {
        self.data().map(<[u8]>::to_vec)
    }

    fn slot(&mut self) -> Result<Slot, RequirementError> {
        self.signed().map(Slot)
    }

    fn boxed(&mut self, depth: usize) -> Result<Box<Expression>, RequirementError> {
        self.expression(depth).map(Box::new)
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, RequirementError> {
        let depth = depth.checked_sub(1).ok_or(RequirementError::TooDeep)?;
        let operation = self.word()?;
        Ok(match operation & 0x00ff_ffff {
            0 => Expression::Never,
            1 => Expression::Always,
            2 => Expression::Identifier(self.owned()?),
            3 => Expression::AnchorApple,
            4 => Expression::CertificateHash(self.slot()?, self.owned()?),
            5 => Expression::Info(self.owned()?, Match::Equal(self.owned()?)),
            6 => Expression::And(self.boxed(depth)?, self.boxed(depth)?),
            7 => Expression::Or(self.boxed(depth)?, self.boxed(depth)?),
            8 => Expression::CdHash(self.owned()?),
            9 => Expression::Not(self.boxed(depth)?),
            10 => Expression::Info(self.owned()?, self.matching()?),
            11 => Expression::CertificateField(self.slot()?, self.owned()?, self.matching()?),
            12 => Expression::CertificateTrusted(self.slot()?),
            13 => Expression::AnchorTrusted,
            14 => Expression::CertificateExtension(self.slot()?, self.owned()?, self.matching()?),
            15 => Expression::AnchorAppleGeneric,
            16 => Expression::Entitlement(self.owned()?, self.matching()?),
            17 => Expression::CertificatePolicy(self.slot()?, self.owned()?, self.matching()?),
            18 => Expression::NamedAnchor(self.owned()?),
            19 => Expression::NamedCode(self.owned()?),
            20 => Expression::Platform(self.signed()?),
            21 => Expression::Notarized,
            22 => Expression::CertificateDate(self.slot()?, self.owned()?, self.matching()?),
            23 => Expression::Legacy,
            number if operation & GENERIC_FALSE != 0 => {
                self.pass_over()?;
                Expression::UnknownFalse(number)
            }
            number if operation & GENERIC_SKIP != 0 => {
                self.pass_over()?;
                Expression::UnknownPassedOver(number, self.boxed(depth)?)
            }
            _ => return Err(RequirementError::Operation(operation)),
        })
    }

    /// The operands of an operation that is not known: as many bytes as it says.
    fn pass_over(&mut self) -> Result<(), RequirementError> {
        let length = size(self.word()?);
        let end = self.at.checked_add(length);
        self.at = end
            .filter(|end| *end <= self.bytes.len())
            .ok_or(RequirementError::Truncated)?;
        Ok(())
    }

    fn matching(&mut self) -> Result<Match, RequirementError> {
        let number = self.word()?;
        Ok(match number {
            0 => Match::Exists,
            1 => Match::Equal(self.owned()?),
            2 => Match::Contains(self.owned()?),
            3 => Match::BeginsWith(self.owned()?),
            4 => Match::EndsWith(self.owned()?),
            5 => Match::Compares(Order::Less, self.owned()?),
            6 => Match::Compares(Order::Greater, self.owned()?),
            7 => Match::Compares(Order::LessOrSame, self.owned()?),
            8 => Match::Compares(Order::GreaterOrSame, self.owned()?),
            9 => Match::Time(Order::Same, self.time()?),
            10 => Match::Time(Order::Less, self.time()?),
            11 => Match::Time(Order::Greater, self.time()?),
            12 => Match::Time(Order::LessOrSame, self.time()?),
            13 => Match::Time(Order::GreaterOrSame, self.time()?),
            14 => Match::Absent,
            _ => {
                self.data()?;
                Match::Unknown(number)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(words: &[u8]) -> Vec<u8> {
        let length = u32::try_from(words.len() + 12).unwrap();
        let header = [super_blob::REQUIREMENT, length, 1];
        let header: Vec<u8> = header.iter().flat_map(|word| word.to_be_bytes()).collect();
        [header, words.to_vec()].concat()
    }

    fn word(number: u32) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    fn data(bytes: &[u8]) -> Vec<u8> {
        let mut data = word(u32::try_from(bytes.len()).unwrap());
        data.extend(bytes);
        data.resize(data.len().next_multiple_of(4), 0);
        data
    }

    #[test]
    fn each_operation_is_read_and_printed_as_codesign_prints_it() {
        let oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 6, 2, 6];
        for (words, printed) in [
            (word(0), "never"),
            (word(1), "always"),
            (
                [word(2), data(b"com.acme.app")].concat(),
                "identifier \"com.acme.app\"",
            ),
            ([word(2), data(b"app")].concat(), "identifier app"),
            ([word(2), data(b"legacy")].concat(), "identifier \"legacy\""),
            ([word(2), data(&[0xff, 1])].concat(), "identifier 0xff01"),
            (word(3), "anchor apple"),
            (word(15), "anchor apple generic"),
            (
                [word(4), word(u32::MAX), data(&[0xab; 20])].concat(),
                "certificate root = H\"abababababababababababababababababababab\"",
            ),
            (
                [word(6), word(15), word(7), word(0), word(1)].concat(),
                "anchor apple generic and (never or always)",
            ),
            (
                [word(7), word(6), word(0), word(1), word(9), word(3)].concat(),
                "never and always or ! anchor apple",
            ),
            ([word(8), data(&[0xcd; 4])].concat(), "cdhash H\"cdcdcdcd\""),
            (
                [
                    word(11),
                    word(0),
                    data(b"subject.OU"),
                    word(1),
                    data(b"4ABCDE1234"),
                ]
                .concat(),
                "certificate leaf[subject.OU] = \"4ABCDE1234\"",
            ),
            (
                [word(14), word(1), data(&oid), word(0)].concat(),
                "certificate 1[field.1.2.840.113635.100.6.2.6] /* exists */",
            ),
            (
                [word(16), data(b"get-task-allow"), word(14)].concat(),
                "entitlement[\"get-task-allow\"] absent ",
            ),
            (
                [word(10), data(b"CFBundleVersion"), word(8), data(b"17.4")].concat(),
                "info[CFBundleVersion] >= \"17.4\"",
            ),
            ([word(20), word(13)].concat(), "platform = 13"),
            (word(21), "notarized"),
            (
                [word(0x8000_0063), word(4), word(7)].concat(),
                " false /* opcode 99 */",
            ),
        ] {
            let bytes = requirement(&words);
            assert_eq!(parse(&bytes).unwrap().to_string(), printed);
            for end in 0..bytes.len() {
                assert!(parse(&bytes[..end]).is_err(), "{printed} cut at {end}");
            }
        }
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let unknown = parse(&requirement(&word(99)));
        assert_eq!(unknown, Err(RequirementError::Operation(99)));
        let trailing = parse(&requirement(&[word(1), word(1)].concat()));
        assert_eq!(trailing, Err(RequirementError::Trailing(4)));
        let deep = [word(9).repeat(MAX_DEPTH), word(1)].concat();
        assert_eq!(parse(&requirement(&deep)), Err(RequirementError::TooDeep));
        let deep = [word(9).repeat(MAX_DEPTH - 1), word(1)].concat();
        parse(&requirement(&deep)).unwrap();
        let mut constraint = requirement(&word(1));
        constraint[11] = 2;
        assert_eq!(parse(&constraint), Err(RequirementError::Form(2)));
    }
}
