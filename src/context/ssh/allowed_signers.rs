//! The list of allowed signers: who may sign, for what and when (`ALLOWED SIGNERS` in ssh-keygen(1)).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use base64ct::{Base64, Encoding as _};

use super::key::PublicKey;
use super::patterns;
use super::wire::Reader;
use crate::base::error::{ErrorCode, Explain};

/// The largest list that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// A list of allowed signers, all of whose lines can be used.
#[derive(Debug, Clone)]
pub struct AllowedSigners {
    entries: Vec<Entry>,
}

/// A line of the list.
#[derive(Debug, Clone)]
struct Entry {
    line: u64,
    principals: String,
    key: Vec<u8>,
    is_authority: bool,
    namespaces: Option<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

/// A line that allows a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedBy<'a> {
    /// Its number, from 1.
    pub line: u64,
    /// Whose key it is: a list of patterns.
    pub principals: &'a str,
}

/// Why no line allows a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The key is on no line.
    #[error("the key is not in the list of allowed signers")]
    Unknown,
    /// The key is there as one that vouches for others.
    #[error(
        "line {line} of the list names the key as a certificate authority, and certificates are not accepted"
    )]
    Authority {
        /// The line.
        line: u64,
    },
    /// The key is another's.
    #[error("line {line} of the list says that it is the key of {principals}")]
    OtherPrincipal {
        /// The line.
        line: u64,
        /// Whose key it is.
        principals: String,
    },
    /// The key signs other things.
    #[error("line {line} of the list allows the key for {namespaces} only")]
    OtherNamespace {
        /// The line.
        line: u64,
        /// What it signs: a list of patterns.
        namespaces: String,
    },
    /// The key may not sign yet.
    #[error("line {line} of the list allows the key from {from} on, which is after {at}")]
    NotYet {
        /// The line.
        line: u64,
        /// The first instant at which it may.
        from: Timestamp,
        /// The instant in question.
        at: Timestamp,
    },
    /// The key may not sign any more.
    #[error("line {line} of the list allows the key until {until}, which is before {at}")]
    NoLonger {
        /// The line.
        line: u64,
        /// The last instant at which it may.
        until: Timestamp,
        /// The instant in question.
        at: Timestamp,
    },
}

impl NotAllowed {
    /// The line of the list that says so.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::Authority { line }
            | Self::OtherPrincipal { line, .. }
            | Self::OtherNamespace { line, .. }
            | Self::NotYet { line, .. }
            | Self::NoLonger { line, .. } => Some(*line),
        }
    }
}

/// Why a list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ListError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: LineProblem,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// Not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// A quotation mark without its partner.
    #[error("a quotation mark is not closed")]
    Quotation,
    /// Principals, and nothing after them.
    #[error("it names no key")]
    NoKey,
    /// A key that is none.
    #[error("the key is damaged")]
    Key,
    /// An option that OpenSSH does not know either.
    #[error("there is no option {0:?}")]
    Option(String),
    /// An option that stands twice.
    #[error("the option {0} stands twice")]
    Repeated(&'static str),
    /// An option without the value that it needs.
    #[error("the option {0} needs a value in quotation marks")]
    NoValue(&'static str),
    /// A time of no known form.
    #[error("the option {option} has the value {value:?}, which is not a time")]
    Time {
        /// The option.
        option: &'static str,
        /// What it says.
        value: String,
    },
    /// A time that means another instant on another machine.
    #[error(
        "the time {value:?} of the option {option} does not end in Z, so it depends on the machine's time zone"
    )]
    LocalTime {
        /// The option.
        option: &'static str,
        /// What it says.
        value: String,
    },
    /// Valid never.
    #[error("valid-before is not later than valid-after")]
    Never,
}

impl Explain for ListError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.problem {
            LineProblem::NotText => "save the file as UTF-8".to_owned(),
            LineProblem::LocalTime { value, .. } => format!("write it in UTC, as in {value}Z"),
            LineProblem::Time { .. } => {
                "write it as YYYYMMDDZ or YYYYMMDDHHMMSSZ, in UTC".to_owned()
            }
            _ => "write a line as PRINCIPALS OPTIONS KEYTYPE KEY, as ssh-keygen(1) says under ALLOWED SIGNERS"
                .to_owned(),
        })
    }
}

impl AllowedSigners {
    /// Reads a list.
    ///
    /// # Errors
    /// A line of it cannot be used: then none of it is, for that line may be the one that takes a right away.
    pub fn parse(bytes: &[u8]) -> Result<Self, ListError> {
        let mut entries = Vec::new();
        for (line, bytes) in (1_u64..).zip(bytes.split(|byte| *byte == b'\n')) {
            let error = |problem| ListError { line, problem };
            let text = std::str::from_utf8(bytes).map_err(|_| error(LineProblem::NotText))?;
            let text = text.strip_suffix('\r').unwrap_or(text);
            let text = text.trim_matches([' ', '\t']);
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            entries.push(Entry::parse(line, text).map_err(error)?);
        }
        Ok(Self { entries })
    }

    /// The line that allows `key` to sign in `namespace` at every one of the `instants`. With a `principal`, only a line
    /// that names it.
    ///
    /// # Errors
    /// No line does; the error is what the first line with this key says.
    pub fn check(
        &self,
        key: &PublicKey,
        namespace: &str,
        principal: Option<&str>,
        instants: &[Timestamp],
    ) -> Result<AllowedBy<'_>, NotAllowed> {
        let mut first = None;
        for entry in self.entries.iter().filter(|entry| entry.key == key.blob()) {
            match entry.check(namespace, principal, instants) {
                Ok(()) => {
                    return Ok(AllowedBy {
                        line: entry.line,
                        principals: &entry.principals,
                    });
                }
                Err(why) => first = first.or(Some(why)),
            }
        }
        Err(first.unwrap_or(NotAllowed::Unknown))
    }
}

impl Entry {
    fn parse(line: u64, text: &str) -> Result<Self, LineProblem> {
        let (principals, rest) = word(text)?;
        let (mut next, mut rest) = word(rest)?;
        let mut options = Options::default();
        // A key type holds no `=` and is followed by its key; what is neither is an option, or nothing.
        if key_of(next, rest).is_none() && !rest.is_empty() {
            options = Options::parse(next)?;
            (next, rest) = word(rest)?;
        }
        if next.is_empty() || rest.is_empty() {
            return Err(LineProblem::NoKey);
        }
        let key = key_of(next, rest).ok_or(LineProblem::Key)?;
        Ok(Self {
            line,
            principals: unquoted(principals).to_owned(),
            key,
            is_authority: options.is_authority,
            namespaces: options.namespaces,
            valid_after: options.valid_after,
            valid_before: options.valid_before,
        })
    }

    fn check(
        &self,
        namespace: &str,
        principal: Option<&str>,
        instants: &[Timestamp],
    ) -> Result<(), NotAllowed> {
        let line = self.line;
        if self.is_authority {
            return Err(NotAllowed::Authority { line });
        }
        if principal.is_some_and(|principal| !patterns::allow(&self.principals, principal)) {
            let principals = self.principals.clone();
            return Err(NotAllowed::OtherPrincipal { line, principals });
        }
        if let Some(namespaces) = &self.namespaces
            && !patterns::allow(namespaces, namespace)
        {
            let namespaces = namespaces.clone();
            return Err(NotAllowed::OtherNamespace { line, namespaces });
        }
        for at in instants {
            match (self.valid_after, self.valid_before) {
                (Some(from), _) if *at < from => {
                    return Err(NotAllowed::NotYet {
                        line,
                        from,
                        at: *at,
                    });
                }
                (_, Some(until)) if *at > until => {
                    return Err(NotAllowed::NoLonger {
                        line,
                        until,
                        at: *at,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The options of a line.
#[derive(Default)]
struct Options {
    is_authority: bool,
    namespaces: Option<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Options {
    fn parse(text: &str) -> Result<Self, LineProblem> {
        let mut options = Self::default();
        let mut rest = text;
        loop {
            let (option, after) = option(rest)?;
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, None),
            };
            let set = |option: &'static str, is_set: bool| match value {
                _ if is_set => Err(LineProblem::Repeated(option)),
                Some(value) if value.len() >= 2 && value.starts_with('"') => {
                    Ok(unquoted(value).replace("\\\"", "\""))
                }
                _ => Err(LineProblem::NoValue(option)),
            };
            match name.to_ascii_lowercase().as_str() {
                "cert-authority" if value.is_none() => options.is_authority = true,
                "namespaces" => {
                    let namespaces = set("namespaces", options.namespaces.is_some())?;
                    options.namespaces = Some(namespaces);
                }
                "valid-after" => {
                    let value = set("valid-after", options.valid_after.is_some())?;
                    options.valid_after = Some(instant("valid-after", value)?);
                }
                "valid-before" => {
                    let value = set("valid-before", options.valid_before.is_some())?;
                    options.valid_before = Some(instant("valid-before", value)?);
                }
                _ => return Err(LineProblem::Option(shortened(name))),
            }
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        match (options.valid_after, options.valid_before) {
            (Some(after), Some(before)) if before <= after => Err(LineProblem::Never),
            _ => Ok(options),
        }
    }
}

/// The first word of `text`, with its quotation marks, and what follows the blanks after it. Blanks inside of quotation marks
/// do not end a word.
fn word(text: &str) -> Result<(&str, &str), LineProblem> {
    let end = unquoted_end(text, [' ', '\t'])?;
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    Ok((word, rest.trim_start_matches([' ', '\t'])))
}

/// The first option of `text`, and those after its comma, if there is one.
fn option(text: &str) -> Result<(&str, Option<&str>), LineProblem> {
    let end = unquoted_end(text, [',', ','])?;
    let (option, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    Ok((option, rest.strip_prefix(',')))
}

/// Where the first of `ends` stands outside of quotation marks; the end of the text if none does.
fn unquoted_end(text: &str, ends: [char; 2]) -> Result<usize, LineProblem> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            '"' if !is_escaped => is_quoted = !is_quoted,
            end if !is_quoted && ends.contains(&end) => return Ok(at),
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    match is_quoted {
        true => Err(LineProblem::Quotation),
        false => Ok(text.len()),
    }
}

/// A word without the quotation marks around it.
fn unquoted(word: &str) -> &str {
    let inner = word
        .strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'));
    inner.unwrap_or(word)
}

/// The bytes of the key that a key type and what follows it are. What kind of key it is does not matter here: one that nothing
/// can sign with takes no harm and gives no right.
fn key_of(key_type: &str, rest: &str) -> Option<Vec<u8>> {
    let base64 = rest.split([' ', '\t']).next()?;
    let blob = Base64::decode_vec(base64).ok()?;
    (Reader::new(&blob).text()? == key_type).then_some(blob)
}

/// The instant of `YYYYMMDDZ`, `YYYYMMDDHHMMZ` or `YYYYMMDDHHMMSSZ`.
fn instant(option: &'static str, value: String) -> Result<Timestamp, LineProblem> {
    let wrong = |value: &str| LineProblem::Time {
        option,
        value: shortened(value),
    };
    let digits = value.strip_suffix(['Z', 'z']);
    let is_local = digits.is_none();
    let digits = digits.unwrap_or(&value);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || ![8, 12, 14].contains(&digits.len()) {
        return Err(wrong(&value));
    }
    if is_local {
        let value = shortened(&value);
        return Err(LineProblem::LocalTime { option, value });
    }
    let number = |from: usize, to: usize| -> Option<i16> {
        let text = digits.get(from..to).unwrap_or_default();
        if text.is_empty() {
            return Some(0);
        }
        text.parse().ok()
    };
    let small = |from, to| number(from, to).and_then(|number| i8::try_from(number).ok());
    let read = || {
        let date = Date::new(number(0, 4)?, small(4, 6)?, small(6, 8)?).ok()?;
        let time = Time::new(small(8, 10)?, small(10, 12)?, small(12, 14)?, 0).ok()?;
        let there = DateTime::from_parts(date, time).to_zoned(TimeZone::UTC);
        Some(there.ok()?.timestamp())
    };
    read().ok_or_else(|| wrong(&value))
}

/// A word of an untrusted file, as long as a message may be.
fn shortened(word: &str) -> String {
    word.chars().take(64).collect()
}
