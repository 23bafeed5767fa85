//! What `security find-identity` prints, read and written.
//!
//! An identity is a certificate with its private key in a keychain. The tool prints one of two forms, on standard
//! output, with exit status 0 whatever it found [Security-61901 `identity_find.c`, and real captures]:
//!
//! ```text
//!   1) 051DEE83…576AAE "iPhone Distribution: Example Ltd (XXXYYYZZZ)"          with -v
//!      1 valid identities found
//!
//! Policy: Code Signing                                                          without -v
//!   Matching identities
//!   1) 3D56A913…D17F18 "user-mac" (CSSMERR_TP_NOT_TRUSTED)
//!      1 identities found
//!
//!   Valid identities only
//!      0 valid identities found
//! ```
//!
//! A row is `%3d) SHA-1 "LABEL"` and, when the chain does not hold, a reason in parentheses: a `CSSMERR_…` symbol or a
//! sentence in the user's language. The label is not escaped, so it may hold quotes and parentheses; the *last* quote
//! that ends the row (or stands before the reason) is the closing one. Real captures list the same identity several
//! times and list revoked and expired ones under "valid", so neither is an error here: what a row means is the gate's
//! business.
//!
//! What is an error is a capture that cannot be the whole truth: a row count that is not the number of rows, a missing
//! summary, a fingerprint that someone blacked out. A gate that believed a cut-off capture would call an identity
//! missing, or worse, call a keychain clean.
//!
//! [`IdentityListing`] writes itself in the same grammar, for stand-ins of the tool and for listings of our own.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::base::error::{ErrorCode, Explain};
use crate::base::finding::Place;
use crate::base::ids::CertSha1;

pub mod digest;

/// A capture larger than this is refused: a thousand identities print 100 kB.
pub const MAX_CAPTURE: usize = 1024 * 1024;

/// One line of the listing: a certificate that has its private key in a keychain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityRow {
    /// The number in front, from 1 in each section.
    pub index: u32,
    /// SHA-1 of the certificate's DER encoding: the only name a capture has for it.
    pub sha1: CertSha1,
    /// The keychain's label, which normally is the certificate's common name. Bytes that are not UTF-8 were replaced.
    pub label: String,
    /// Why the system does not trust it, as printed: `CSSMERR_TP_CERT_EXPIRED`, or a sentence in some language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A whole capture; the stated counts were compared with the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityListing {
    /// The policy asked about (`Code Signing`, `X.509 Basic`); the form printed with `-v` does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Every identity that fits the policy, trusted or not: only in the form without `-v`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching: Option<Vec<IdentityRow>>,
    /// The section of valid identities, in the order printed (search-list order, then physical order of keys).
    pub valid: Vec<IdentityRow>,
}

impl IdentityListing {
    /// Reads what the tool printed. Line ends may be CRLF, blank lines do not matter, the last line end may be missing.
    ///
    /// # Errors
    /// [`IdentityError`], naming the line: nothing is skipped over.
    pub fn parse(captured: &[u8]) -> Result<Self, IdentityError> {
        if captured.len() > MAX_CAPTURE {
            return Err(IdentityError::TooLarge {
                size: captured.len(),
            });
        }
        let mut reader = Reader::default();
        for (line, bytes) in (1..).zip(captured.split(|byte| *byte == b'\n')) {
            let text = String::from_utf8_lossy(bytes);
            let text = text.trim_end_matches(['\r', ' ', '\t']);
            if !text.trim_start().is_empty() {
                reader.line(line, text)?;
            }
        }
        reader.finish()
    }

    /// Whether text looks like what the tool printed, whole or not: it has a row or a heading of it. Of other text nothing is
    /// to be shown, because it may be a secret that was named by mistake.
    pub fn looks_like_one(text: &[u8]) -> bool {
        let start = text.get(..text.len().min(MAX_CAPTURE)).unwrap_or_default();
        start.split(|byte| *byte == b'\n').any(|line| {
            let line = String::from_utf8_lossy(line);
            let line = line.trim();
            row_start(line).is_some()
                || line.ends_with("identities found")
                || line == "Matching identities"
                || line == "Valid identities only"
        })
    }

    /// The certificates of the valid section, each once.
    pub fn valid_certificates(&self) -> BTreeSet<CertSha1> {
        self.valid.iter().map(|row| row.sha1).collect()
    }
}

/// Writes the listing as the tool would, with a final line end.
impl fmt::Display for IdentityListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |f: &mut fmt::Formatter<'_>, rows: &[IdentityRow]| {
            rows.iter().try_for_each(|row| writeln!(f, "{row}"))
        };
        if let Some(policy) = &self.policy {
            writeln!(f, "Policy: {policy}")?;
        }
        if let Some(matching) = &self.matching {
            writeln!(f, "  {MATCHING}")?;
            rows(f, matching)?;
            writeln!(f, "     {} {FOUND}\n", matching.len())?;
            writeln!(f, "  {VALID_ONLY}")?;
        }
        rows(f, &self.valid)?;
        writeln!(f, "     {} {VALID_FOUND}", self.valid.len())
    }
}

/// One row, without its line end.
impl fmt::Display for IdentityRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sha1 = self.sha1.to_string().to_ascii_uppercase();
        write!(f, "{:>3}) {sha1} \"{}\"", self.index, self.label)?;
        match &self.problem {
            Some(problem) => write!(f, " ({problem})"),
            None => Ok(()),
        }
    }
}

/// Why a capture of `security find-identity` is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Larger than [`MAX_CAPTURE`].
    #[error(
        "the capture has {size} bytes, more than `security find-identity` prints (at most {MAX_CAPTURE} are read)"
    )]
    TooLarge {
        /// Bytes given.
        size: usize,
    },
    /// No line at all.
    #[error("the capture is empty, but `security find-identity` always prints a count")]
    Empty,
    /// A fingerprint was blacked out or shortened by hand.
    #[error(
        "line {line}: {fingerprint:?} is not the 40 hex digits of a SHA-1: the capture was redacted, so it names no \
         certificate"
    )]
    Redacted {
        /// Line, from 1.
        line: usize,
        /// What stands where the fingerprint should.
        fingerprint: String,
    },
    /// A row that has no closing quote, or text after it that is not a reason.
    #[error("line {line}: expected `N) SHA-1 \"LABEL\"` and perhaps `(REASON)`, found {text:?}")]
    BrokenRow {
        /// Line, from 1.
        line: usize,
        /// The line, shortened.
        text: String,
    },
    /// The numbers in front do not run on: lines are missing or were moved.
    #[error("line {line}: expected row {expected}, found row {found}: lines were lost or moved")]
    OutOfOrder {
        /// Line, from 1.
        line: usize,
        /// The number the row should have.
        expected: u32,
        /// The number it has.
        found: u32,
    },
    /// The summary states another number than there are rows.
    #[error(
        "line {line}: {stated} identities are stated, {rows} are listed: the capture is incomplete"
    )]
    Count {
        /// Line of the summary, from 1.
        line: usize,
        /// The number stated.
        stated: u32,
        /// The rows before it.
        rows: usize,
    },
    /// The end came before the summary of valid identities.
    #[error("the capture ends at line {line} without `N valid identities found`: it was cut")]
    Truncated {
        /// The last line that held anything.
        line: usize,
    },
    /// A line that the tool does not print, or not there.
    #[error("line {line}: `security find-identity` does not print {text:?} there")]
    Unexpected {
        /// Line, from 1.
        line: usize,
        /// The line, shortened.
        text: String,
    },
}

impl Explain for IdentityError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::TooLarge { .. } | Self::Unexpected { .. } => {
                "pass only the standard output of one `security find-identity -v -p codesigning`"
            }
            _ => {
                "capture the whole standard output of `security find-identity -v -p codesigning` again"
            }
        };
        Some(hint.to_owned())
    }

    fn place(&self) -> Place {
        let line = match self {
            Self::TooLarge { .. } | Self::Empty => None,
            Self::Redacted { line, .. }
            | Self::BrokenRow { line, .. }
            | Self::OutOfOrder { line, .. }
            | Self::Count { line, .. }
            | Self::Truncated { line }
            | Self::Unexpected { line, .. } => u64::try_from(*line).ok(),
        };
        Place {
            line,
            ..Place::default()
        }
    }
}

/// Where in the capture the reader stands.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Before anything: either form is possible.
    #[default]
    Start,
    /// After `Policy: …`.
    Policy,
    /// Among the rows of `Matching identities`.
    Matching,
    /// After `N identities found`.
    Between,
    /// Among the rows of the valid section.
    Valid,
    /// After `N valid identities found`.
    Done,
}

#[derive(Default)]
struct Reader {
    section: Section,
    last_line: usize,
    policy: Option<String>,
    matching: Option<Vec<IdentityRow>>,
    rows: Vec<IdentityRow>,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) -> Result<(), IdentityError> {
        self.last_line = line;
        let body = text.trim_start();
        let unexpected = || IdentityError::Unexpected {
            line,
            text: shorten(text),
        };
        if let Some((index, rest)) = row_start(body) {
            if self.section == Section::Start {
                self.section = Section::Valid;
            }
            if !matches!(self.section, Section::Matching | Section::Valid) {
                return Err(unexpected());
            }
            let row = row(line, text, index, rest)?;
            let expected = u32::try_from(self.rows.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1);
            if index != expected {
                return Err(IdentityError::OutOfOrder {
                    line,
                    expected,
                    found: index,
                });
            }
            self.rows.push(row);
            return Ok(());
        }
        self.section = match (self.section, summary(body)) {
            (Section::Matching, Some((stated, FOUND))) => {
                self.check_count(line, stated)?;
                self.matching = Some(std::mem::take(&mut self.rows));
                Section::Between
            }
            (Section::Start | Section::Valid, Some((stated, VALID_FOUND))) => {
                self.check_count(line, stated)?;
                Section::Done
            }
            (Section::Start, None) if body.starts_with(POLICY) => {
                self.policy = body
                    .strip_prefix(POLICY)
                    .map(|policy| policy.trim().to_owned());
                Section::Policy
            }
            (Section::Start | Section::Policy, None) if body == MATCHING => Section::Matching,
            (Section::Between, None) if body == VALID_ONLY => Section::Valid,
            _ => return Err(unexpected()),
        };
        Ok(())
    }

    fn check_count(&self, line: usize, stated: u32) -> Result<(), IdentityError> {
        if usize::try_from(stated) == Ok(self.rows.len()) {
            Ok(())
        } else {
            Err(IdentityError::Count {
                line,
                stated,
                rows: self.rows.len(),
            })
        }
    }

    fn finish(self) -> Result<IdentityListing, IdentityError> {
        match self.section {
            Section::Start => Err(IdentityError::Empty),
            Section::Done => Ok(IdentityListing {
                policy: self.policy,
                matching: self.matching,
                valid: self.rows,
            }),
            Section::Policy | Section::Matching | Section::Between | Section::Valid => {
                Err(IdentityError::Truncated {
                    line: self.last_line,
                })
            }
        }
    }
}

/// `12) rest` → (12, rest).
fn row_start(body: &str) -> Option<(u32, &str)> {
    let (digits, rest) = body.split_once(')')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().ok()?, rest.trim_start()))
}

/// `SHA-1 "LABEL"` and perhaps ` (REASON)`.
fn row(line: usize, text: &str, index: u32, rest: &str) -> Result<IdentityRow, IdentityError> {
    let broken = || IdentityError::BrokenRow {
        line,
        text: shorten(text),
    };
    let (fingerprint, quoted) = rest.split_once(' ').ok_or_else(broken)?;
    // `CertSha1` also reads the colons that OpenSSL prints; this tool prints none.
    let sha1 = match fingerprint.parse() {
        Ok(sha1) if !fingerprint.contains(':') => sha1,
        _ => {
            return Err(IdentityError::Redacted {
                line,
                fingerprint: shorten(fingerprint),
            });
        }
    };
    let opened = quoted.trim_start().strip_prefix('"').ok_or_else(broken)?;
    let (label, problem) = match opened.strip_suffix('"') {
        Some(label) => (label, None),
        None => {
            let (label, problem) = opened
                .strip_suffix(')')
                .and_then(|opened| opened.rsplit_once("\" ("))
                .ok_or_else(broken)?;
            (label, Some(problem.to_owned()))
        }
    };
    Ok(IdentityRow {
        index,
        sha1,
        label: label.to_owned(),
        problem,
    })
}

/// `N identities found`, `N valid identities found` → (N, the words).
fn summary(body: &str) -> Option<(u32, &str)> {
    let (digits, words) = body.split_once(' ')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let stated = digits.parse().ok()?;
    // "1 valid identity found" is printed by no known release, but costs nothing to understand.
    match words {
        "identities found" | "identity found" => Some((stated, FOUND)),
        "valid identities found" | "valid identity found" => Some((stated, VALID_FOUND)),
        _ => None,
    }
}

fn shorten(text: &str) -> String {
    text.trim().chars().take(120).collect()
}

const POLICY: &str = "Policy:";
const MATCHING: &str = "Matching identities";
const FOUND: &str = "identities found";
const VALID_ONLY: &str = "Valid identities only";
const VALID_FOUND: &str = "valid identities found";

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111222233334444555566667777888899990000";
    const B: &str = "051DEE8311207B57BB0503D0A3B3FDC151576AAE";

    fn parse(text: &str) -> Result<IdentityListing, IdentityError> {
        IdentityListing::parse(text.as_bytes())
    }

    #[test]
    fn the_form_with_v_is_rows_and_a_count() {
        let listing = parse(&format!(
            "  1) {A} \"Apple Development: a (B)\"\n  2) {B} \"x\" (CSSMERR_TP_CERT_EXPIRED)\n     2 valid identities found\n"
        ))
        .unwrap();
        assert_eq!(listing.policy, None);
        assert_eq!(listing.matching, None);
        assert_eq!(listing.valid.len(), 2);
        assert_eq!(listing.valid[0].sha1, A.parse().unwrap());
        assert_eq!(listing.valid[0].problem, None);
        assert_eq!(
            listing.valid[1].problem.as_deref(),
            Some("CSSMERR_TP_CERT_EXPIRED"),
            "the tool does list expired identities as valid"
        );
    }

    #[test]
    fn the_form_without_v_has_both_sections() {
        let text = format!(
            "Policy: Code Signing\n  Matching identities\n  1) {A} \"a\" (CSSMERR_TP_NOT_TRUSTED)\n  2) {B} \"b\"\n     \
             2 identities found\n\n  Valid identities only\n  1) {B} \"b\"\n     1 valid identities found\n"
        );
        let listing = parse(&text).unwrap();
        assert_eq!(listing.policy.as_deref(), Some("Code Signing"));
        assert_eq!(listing.matching.as_ref().unwrap().len(), 2);
        assert_eq!(
            listing.valid_certificates(),
            BTreeSet::from([B.parse().unwrap()])
        );
        assert_eq!(
            listing.to_string(),
            text,
            "it writes what the tool would have"
        );
    }

    #[test]
    fn labels_hold_quotes_and_parentheses() {
        for (row, label, problem) in [
            (r#""Foo "Bar" (TEAM)""#, r#"Foo "Bar" (TEAM)"#, None),
            (
                r#""Foo "Bar" (TEAM)" (CSSMERR_TP_CERT_REVOKED)"#,
                r#"Foo "Bar" (TEAM)"#,
                Some("CSSMERR_TP_CERT_REVOKED"),
            ),
            (
                r#""a" (Das Zertifikat ist abgelaufen (gestern))"#,
                "a",
                Some("Das Zertifikat ist abgelaufen (gestern)"),
            ),
            (r#""""#, "", None),
            (r#""é (証明書)""#, "é (証明書)", None),
        ] {
            let listing = parse(&format!("  1) {A} {row}\n     1 valid identities found")).unwrap();
            assert_eq!(listing.valid[0].label, label, "{row}");
            assert_eq!(listing.valid[0].problem.as_deref(), problem, "{row}");
        }
    }

    #[test]
    fn one_identity_may_stand_there_several_times() {
        let listing = parse(&format!(
            "  1) {A} \"a\"\n  2) {A} \"a\"\n  3) {A} \"a\"\n     3 valid identities found\n"
        ))
        .unwrap();
        assert_eq!(listing.valid.len(), 3);
        assert_eq!(listing.valid_certificates().len(), 1);
    }

    #[test]
    fn bytes_that_are_not_utf8_do_not_stop_it() {
        let mut bytes = format!("  1) {A} \"caf").into_bytes();
        bytes.extend(b"\xe9\"\r\n     1 valid identities found\r\n");
        let listing = IdentityListing::parse(&bytes).unwrap();
        assert_eq!(listing.valid[0].label, "caf\u{fffd}");
    }

    #[test]
    fn redacted_fingerprints_are_named_with_their_line() {
        for redacted in [
            "DF40E24B...",
            "9XXXXX304D7307XXXX981678FAXXXX50AA5XXX08",
            "********",
            "1111",
            "11:11:22:22:33:33:44:44:55:55:66:66:77:77:88:88:99:99:00:00",
        ] {
            let error = parse(&format!("\n  1) {redacted} \"a\"\n")).unwrap_err();
            assert_eq!(
                error,
                IdentityError::Redacted {
                    line: 2,
                    fingerprint: redacted.into()
                }
            );
            assert!(error.to_string().contains("was redacted"), "{error}");
        }
    }

    #[test]
    fn a_capture_that_is_not_whole_is_refused() {
        let row = format!("  1) {A} \"a\"\n");
        assert_eq!(parse(""), Err(IdentityError::Empty));
        assert_eq!(parse(" \n\r\n"), Err(IdentityError::Empty));
        assert_eq!(parse(&row), Err(IdentityError::Truncated { line: 1 }));
        assert_eq!(
            parse("Policy: Code Signing\n"),
            Err(IdentityError::Truncated { line: 1 })
        );
        assert_eq!(
            parse(&format!(
                "  Matching identities\n{row}     1 identities found\n"
            )),
            Err(IdentityError::Truncated { line: 3 })
        );
        assert_eq!(
            parse(&format!("{row}     2 valid identities found\n")),
            Err(IdentityError::Count {
                line: 2,
                stated: 2,
                rows: 1
            })
        );
        assert_eq!(
            parse(&format!(
                "{row}  3) {B} \"b\"\n     2 valid identities found\n"
            )),
            Err(IdentityError::OutOfOrder {
                line: 2,
                expected: 2,
                found: 3
            })
        );
        assert!(matches!(
            parse(&format!("  1) {A} \"cut here\n")),
            Err(IdentityError::BrokenRow { line: 1, .. })
        ));
        assert!(matches!(
            parse(&format!("  1) {A}\n")),
            Err(IdentityError::BrokenRow { line: 1, .. })
        ));
    }

    #[test]
    fn what_the_tool_does_not_print_is_refused() {
        let whole = format!("  1) {A} \"a\"\n     1 valid identities found\n");
        for text in [
            "security: SecKeychainSearchCopyNext: The specified keychain could not be found.\n"
                .to_owned(),
            format!("{whole}{whole}"),
            format!("{whole}Policy: X.509 Basic\n"),
            format!("  Valid identities only\n{whole}"),
            "     1 identities found\n".to_owned(),
            "99999999999999999999) x\n".to_owned(),
            " valid identities found\n".to_owned(),
        ] {
            assert!(
                matches!(parse(&text), Err(IdentityError::Unexpected { .. })),
                "{text}: {:?}",
                parse(&text)
            );
        }
    }

    #[test]
    fn a_capture_too_large_is_refused_before_it_is_read() {
        let huge = vec![b'\n'; MAX_CAPTURE + 1];
        assert_eq!(
            IdentityListing::parse(&huge),
            Err(IdentityError::TooLarge {
                size: MAX_CAPTURE + 1
            })
        );
    }
}
