//! Requirements as text: the seal of nested code holds one (`requirements.grammar`).

use super::{Expression, MAX_DEPTH, Match, Order, Slot};
use crate::base::digest::bytes_of_hex;

/// The longest text that is read, in bytes: those that `codesign` writes have 200.
pub const MAX_BYTES: usize = 64 * 1024;

/// Why a text is not a requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Something else stands where this is needed.
    #[error("expected {expected} at character {at} of the requirement")]
    Expected {
        /// What is needed.
        expected: &'static str,
        /// Where, from 1.
        at: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("a requirement is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More than [`MAX_BYTES`].
    #[error("a requirement of {0} bytes; at most {MAX_BYTES} are read")]
    TooLong(usize),
}

/// Reads a requirement.
///
/// # Errors
/// The text is none; the error names the place.
pub fn parse(text: &str) -> Result<Expression, TextError> {
    if text.len() > MAX_BYTES {
        return Err(TextError::TooLong(text.len()));
    }
    let mut parser = Parser { text, at: 0 };
    let expression = parser.either(MAX_DEPTH)?;
    parser.blanks();
    match parser.rest().is_empty() {
        true => Ok(expression),
        false => Err(parser.expected("the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn expected(&self, expected: &'static str) -> TextError {
        let before = self.text.get(..self.at).unwrap_or_default();
        TextError::Expected {
            expected,
            at: before.chars().count() + 1,
        }
    }

    /// Blanks and comments.
    fn blanks(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("/*") {
                trimmed.find("*/").map(|end| end + 2)
            } else if trimmed.starts_with("//") || trimmed.starts_with('#') {
                Some(trimmed.find('\n').unwrap_or(trimmed.len()))
            } else {
                None
            };
            match comment {
                Some(length) => self.at += length,
                None => return,
            }
        }
    }

    /// Takes a sign, if it comes next.
    fn sign(&mut self, sign: &str) -> bool {
        self.blanks();
        let is_next = self.rest().starts_with(sign);
        if is_next {
            self.at += sign.len();
        }
        is_next
    }

    /// The bare word that comes next; empty if there is none.
    fn peek_word(&mut self) -> &'a str {
        self.blanks();
        let rest = self.rest();
        let is_part =
            |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    /// Takes a word of the language, if it comes next.
    fn word(&mut self, word: &str) -> bool {
        let is_next = self.peek_word() == word;
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn either(&mut self, depth: usize) -> Result<Expression, TextError> {
        let depth = depth.checked_sub(1).ok_or(TextError::TooDeep)?;
        let mut all = self.both(depth)?;
        let mut left = depth;
        while self.word("or") || self.sign("||") {
            left = left.checked_sub(1).ok_or(TextError::TooDeep)?;
            all = Expression::Or(Box::new(all), Box::new(self.both(depth)?));
        }
        Ok(all)
    }

    fn both(&mut self, depth: usize) -> Result<Expression, TextError> {
        let mut all = self.primary(depth)?;
        let mut left = depth;
        while self.word("and") || self.sign("&&") {
            left = left.checked_sub(1).ok_or(TextError::TooDeep)?;
            all = Expression::And(Box::new(all), Box::new(self.primary(depth)?));
        }
        Ok(all)
    }

    fn primary(&mut self, depth: usize) -> Result<Expression, TextError> {
        let depth = depth.checked_sub(1).ok_or(TextError::TooDeep)?;
        if self.sign("(") {
            let inner = self.either(depth)?;
            return match self.sign(")") {
                true => Ok(inner),
                false => Err(self.expected("a closing bracket")),
            };
        }
        if self.sign("!") || self.word("not") {
            return Ok(Expression::Not(Box::new(self.primary(depth)?)));
        }
        let word = self.peek_word();
        let start = self.at;
        self.at += word.len();
        Ok(match word {
            "always" | "true" => Expression::Always,
            "never" | "false" => Expression::Never,
            "notarized" => Expression::Notarized,
            "legacy" => Expression::Legacy,
            "identifier" => {
                self.sign("=");
                Expression::Identifier(self.value()?)
            }
            "cdhash" => {
                self.sign("=");
                Expression::CdHash(self.hash()?)
            }
            "platform" => {
                self.sign("=");
                Expression::Platform(self.number()?)
            }
            "info" => Expression::Info(self.key()?, self.matching()?),
            "entitlement" => Expression::Entitlement(self.key()?, self.matching()?),
            "anchor" => self.anchor()?,
            "certificate" | "cert" => {
                let slot = self.slot()?;
                self.certificate(slot)?
            }
            _ => {
                self.at = start;
                return Err(self.expected("a condition"));
            }
        })
    }

    fn anchor(&mut self) -> Result<Expression, TextError> {
        if self.word("apple") {
            return Ok(match self.word("generic") {
                true => Expression::AnchorAppleGeneric,
                false => Expression::AnchorApple,
            });
        }
        if self.word("trusted") {
            return Ok(Expression::AnchorTrusted);
        }
        self.certificate(Slot(-1))
    }

    fn slot(&mut self) -> Result<Slot, TextError> {
        let slot = if self.word("leaf") {
            0
        } else if self.word("root") || self.word("anchor") {
            -1
        } else {
            self.number()?
        };
        Ok(Slot(slot))
    }

    fn certificate(&mut self, slot: Slot) -> Result<Expression, TextError> {
        if self.word("trusted") {
            return Ok(Expression::CertificateTrusted(slot));
        }
        if self.sign("=") {
            return self
                .hash()
                .map(|hash| Expression::CertificateHash(slot, hash));
        }
        let key = self.key()?;
        let text = String::from_utf8_lossy(&key).into_owned();
        let oid = |dotted: &str| {
            encode_oid(dotted).ok_or_else(|| self.expected("an object identifier before this"))
        };
        let made: fn(Slot, Vec<u8>, Match) -> Expression;
        let key = if let Some(dotted) = text.strip_prefix("field.") {
            made = Expression::CertificateExtension;
            oid(dotted)?
        } else if let Some(dotted) = text.strip_prefix("policy.") {
            made = Expression::CertificatePolicy;
            oid(dotted)?
        } else if let Some(dotted) = text.strip_prefix("timestamp.") {
            made = Expression::CertificateDate;
            oid(dotted)?
        } else {
            made = Expression::CertificateField;
            key
        };
        Ok(made(slot, key, self.matching()?))
    }

    fn key(&mut self) -> Result<Vec<u8>, TextError> {
        if !self.sign("[") {
            return Err(self.expected("a key in brackets"));
        }
        let key = self.value()?;
        match self.sign("]") {
            true => Ok(key),
            false => Err(self.expected("a closing bracket")),
        }
    }

    fn matching(&mut self) -> Result<Match, TextError> {
        if self.word("exists") {
            return Ok(Match::Exists);
        }
        if self.word("absent") {
            return Ok(Match::Absent);
        }
        let order = if self.sign("<=") {
            Order::LessOrSame
        } else if self.sign(">=") {
            Order::GreaterOrSame
        } else if self.sign("<") {
            Order::Less
        } else if self.sign(">") {
            Order::Greater
        } else if self.sign("==") || self.sign("=") {
            return self.equal();
        } else if self.sign("~") {
            return self.value().map(Match::Contains);
        } else {
            return Ok(Match::Exists);
        };
        self.value().map(|value| Match::Compares(order, value))
    }

    /// A text with or without a star at one of its ends.
    fn equal(&mut self) -> Result<Match, TextError> {
        let ends = self.sign("*");
        let value = self.value()?;
        Ok(match (ends, self.sign("*")) {
            (true, true) => Match::Contains(value),
            (true, false) => Match::EndsWith(value),
            (false, true) => Match::BeginsWith(value),
            (false, false) => Match::Equal(value),
        })
    }

    fn number(&mut self) -> Result<i32, TextError> {
        let word = self.peek_word();
        let number = word.parse().map_err(|_| self.expected("a number"))?;
        self.at += word.len();
        Ok(number)
    }

    fn hash(&mut self) -> Result<Vec<u8>, TextError> {
        if !self.sign("H\"") {
            return Err(self.expected("a hash like H\"…\""));
        }
        let rest = self.rest();
        let digits = rest.find('"').and_then(|end| rest.get(..end));
        let hash = digits.and_then(|digits| Some((digits.len(), bytes_of_hex(digits)?)));
        let (length, hash) = hash.ok_or_else(|| self.expected("hex digits"))?;
        self.at += length + 1;
        Ok(hash)
    }

    /// A value: a bare word, a text in quotes, or hex digits.
    fn value(&mut self) -> Result<Vec<u8>, TextError> {
        if self.sign("\"") {
            return self.quoted();
        }
        let word = self.peek_word();
        if word.is_empty() {
            return Err(self.expected("a value"));
        }
        let value = match word.strip_prefix("0x") {
            Some(digits) => bytes_of_hex(digits)
                .filter(|bytes| !bytes.is_empty())
                .ok_or_else(|| self.expected("hex digits"))?,
            None => word.as_bytes().to_vec(),
        };
        self.at += word.len();
        Ok(value)
    }

    fn quoted(&mut self) -> Result<Vec<u8>, TextError> {
        let mut value = String::new();
        let mut letters = self.rest().char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at += at + 1;
                    return Ok(value.into_bytes());
                }
                '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
                letter => value.push(letter),
            }
        }
        Err(self.expected("a closing quote after this"))
    }
}

/// The encoding of a dotted object identifier (X.690 §8.19).
fn encode_oid(dotted: &str) -> Option<Vec<u8>> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse::<u64>().ok());
    let (first, second) = (arcs.next()??, arcs.next()??);
    let mut encoded = Vec::new();
    let joined = first.checked_mul(40)?.checked_add(second)?;
    for arc in std::iter::once(Some(joined)).chain(arcs) {
        let arc = arc?;
        let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let seven = u8::try_from((arc >> (group * 7)) & 0x7f).unwrap_or_default();
            encoded.push(if group == 0 { seven } else { seven | 0x80 });
        }
    }
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `codesign` writes into seals, and what its printer gives back.
    #[test]
    fn what_is_printed_is_read_again() {
        for text in [
            "anchor apple generic and identifier \"org.mitmproxy.x\" and (certificate leaf[field.1.2.840.113635.100.6.1.9] \
             /* exists */ or certificate 1[field.1.2.840.113635.100.6.2.6] /* exists */ and certificate \
             leaf[field.1.2.840.113635.100.6.1.13] /* exists */ and certificate leaf[subject.OU] = S8XHQB96PW)",
            "identifier app and ! anchor apple",
            "cdhash H\"00112233445566778899aabbccddeeff00112233\" or cdhash H\"ff\"",
            "certificate root = H\"ab\" and certificate -2[subject.CN] = \"a \\\"b\\\" \\\\c\"",
            "info[CFBundleVersion] >= \"17.4\" and info[\"a b\"] = x* and info[c] = *y and info[d] ~ z",
            "entitlement[\"get-task-allow\"] absent  or platform = 13 or notarized or legacy",
            "anchor trusted and certificate 1[policy.1.2.3] /* exists */",
            "identifier 0xff00",
        ] {
            let expression = parse(text).unwrap();
            assert_eq!(expression.to_string(), text);
            assert_eq!(parse(&expression.to_string()).unwrap(), expression);
        }
        let loose = "anchor apple generic/*x*/&&identifier=com.acme.app // comment\n||never";
        assert_eq!(
            parse(loose).unwrap().to_string(),
            "anchor apple generic and identifier \"com.acme.app\" or never"
        );
    }

    /// Apple's printer sets no brackets there (`Dumper::expr`): the requirement is the same, however it is read.
    #[test]
    fn brackets_among_conditions_that_one_word_joins_are_not_printed() {
        for (written, printed) in [
            (
                "always and (never and legacy)",
                "always and never and legacy",
            ),
            ("always or (never or legacy)", "always or never or legacy"),
            (
                "always and (never or legacy)",
                "always and (never or legacy)",
            ),
            ("!(always and never)", "! (always and never)"),
        ] {
            assert_eq!(parse(written).unwrap().to_string(), printed);
            assert_eq!(parse(printed).unwrap().to_string(), printed);
        }
    }

    /// The only text that does not come back: the printer writes nothing for it, as Apple's does (`Dumper::data`).
    #[test]
    fn an_empty_value_is_printed_as_nothing() {
        let text = include_str!("../../../../fixtures/fuzz/requirement_text/empty-value.txt");
        let expression = parse(text).unwrap();
        assert_eq!(expression, Expression::Identifier(Vec::new()));
        assert_eq!(expression.to_string(), "identifier ");
    }

    #[test]
    fn what_is_no_requirement_is_refused_where_it_goes_wrong() {
        for (text, says) in [
            ("", "expected a condition at character 1"),
            ("identifier", "expected a value at character 11"),
            ("identifier a b", "expected the end at character 14"),
            ("(always", "expected a closing bracket at character 8"),
            ("cdhash ab", "expected a hash"),
            ("cdhash H\"xy\"", "expected hex digits"),
            ("identifier 0x", "expected hex digits"),
            (
                "certificate leaf[field.x] exists",
                "expected an object identifier",
            ),
            ("identifier \"a", "expected a closing quote"),
            ("certificate middle[subject.CN] = a", "expected a number"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        let deep = format!("{}always", "!".repeat(MAX_DEPTH));
        assert_eq!(parse(&deep), Err(TextError::TooDeep));
        let long = vec!["always"; MAX_DEPTH + 2].join(" and ");
        assert_eq!(parse(&long), Err(TextError::TooDeep));
        let large = " ".repeat(MAX_BYTES + 1);
        assert_eq!(parse(&large), Err(TextError::TooLong(MAX_BYTES + 1)));
    }
}
