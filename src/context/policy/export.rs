//! What exporting a private key takes: `[export]`.

use std::str::FromStr;

use super::reader::{Reader, Table};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["approvals", "ticket"];

/// The ticket pattern of a policy that names none: a project key and a number.
const DEFAULT_TICKET: &str = "[A-Z]+-[0-9]+";

/// More people than a fleet has key holders.
const MOST_APPROVALS: i64 = 16;

/// What a ticket's name must look like: a regular expression over the whole of it.
#[derive(Debug, Clone)]
pub struct TicketPattern {
    pattern: Box<str>,
    whole: regex_lite::Regex,
}

/// Why a text is no ticket pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketPatternError {
    /// Nothing at all, which no ticket would match.
    #[error("the pattern is empty, so no ticket would match")]
    Empty,
    /// It does not compile.
    #[error("not a regular expression: {0}")]
    Syntax(String),
}

impl TicketPattern {
    /// The pattern as the policy writes it.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether the whole of `ticket` is of this shape.
    pub fn matches(&self, ticket: &str) -> bool {
        self.whole.is_match(ticket)
    }
}

impl FromStr for TicketPattern {
    type Err = TicketPatternError;

    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        if pattern.is_empty() {
            return Err(TicketPatternError::Empty);
        }
        let compile = |pattern: &str| {
            regex_lite::Regex::new(pattern)
                .map_err(|error| TicketPatternError::Syntax(error.to_string()))
        };
        // On its own first: `a)|(b` is no pattern, and yet would become one between the anchors. The group is what keeps
        // `a|b` anchored on both sides of the bar.
        compile(pattern)?;
        let whole = compile(&format!(r"\A(?:{pattern})\z"))?;
        Ok(Self {
            pattern: pattern.into(),
            whole,
        })
    }
}

impl PartialEq for TicketPattern {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}
impl Eq for TicketPattern {}

/// What exporting a private key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRules {
    /// How many distinct people must approve.
    pub approvals: u8,
    /// What the ticket's name must look like. `None` cannot come from a policy file: it means that no pattern could be
    /// had, and no ticket matches.
    pub ticket: Option<TicketPattern>,
}

impl Default for ExportRules {
    fn default() -> Self {
        Self {
            approvals: 2,
            ticket: DEFAULT_TICKET.parse().ok(),
        }
    }
}

impl ExportRules {
    /// Whether `ticket` is named as the policy wants it.
    pub fn accepts_ticket(&self, ticket: &str) -> bool {
        self.ticket.as_ref().is_some_and(|t| t.matches(ticket))
    }

    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        const APPROVALS: &str = "a whole number from 1 to 16";
        const TICKET: &str = "a regular expression, as text";
        let default = Self::default();
        let approvals = reader.get(section, "approvals").and_then(|item| {
            let count = reader.integer(&item, APPROVALS)?;
            match u8::try_from(count) {
                Ok(approvals) if (1..=MOST_APPROVALS).contains(&count) => Some(approvals),
                _ => reader.refuse(
                    &item,
                    format!("`{}` is not {APPROVALS}", item.path()),
                    APPROVALS,
                    count,
                    Some("a key that leaves without anybody's approval is not in custody"),
                ),
            }
        });
        let ticket = reader
            .get(section, "ticket")
            .and_then(|item| reader.parsed::<TicketPattern>(&item, TICKET));
        Self {
            approvals: approvals.unwrap_or(default.approvals),
            ticket: ticket.or(default.ticket),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TicketPattern {
        text.parse().unwrap()
    }

    #[test]
    fn the_whole_ticket_must_match() {
        let rules = ExportRules::default();
        assert!(rules.accepts_ticket("SEC-1042"));
        for wrong in [
            "",
            "SEC-",
            "sec-1",
            "SEC-1042 ",
            "xSEC-1",
            "SEC-1\n",
            "SEC-1\nSEC-2",
        ] {
            assert!(!rules.accepts_ticket(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn both_sides_of_a_bar_are_anchored() {
        let either = pattern("SEC-[0-9]+|OPS-[0-9]+");
        assert!(either.matches("SEC-1") && either.matches("OPS-2"));
        assert!(!either.matches("SEC-1 and more") && !either.matches("more OPS-2"));
        let multi_line = pattern("(?m)SEC-1$");
        assert!(multi_line.matches("SEC-1") && !multi_line.matches("SEC-1\nx"));
    }

    #[test]
    fn what_does_not_compile_alone_is_no_pattern() {
        for bad in ["", "[A-Z", "a)|(b", "(", "*", "a{9999999}", "(?x) a # b"] {
            assert!(bad.parse::<TicketPattern>().is_err(), "{bad:?}");
        }
    }
}
