//! What exporting a private key will take: `[export]`.
//!
//! Nothing exports a private key yet, so nothing reads these keys. They are checked, because a policy with a mistake
//! is not used. They are reported as unused, because somebody could rely on a rule that has no effect.

use super::reader::{Reader, Table};
use crate::base::finding::{Code, Finding};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["approvals", "ticket"];

/// More people than a fleet has key holders.
const MOST_APPROVALS: i64 = 16;

/// Checks the values of the section.
pub(super) fn check(reader: &mut Reader<'_>, section: &Table<'_>) {
    const APPROVALS: &str = "a whole number from 1 to 16";
    const TICKET: &str = "a regular expression, as text";
    if let Some(item) = reader.get(section, "approvals")
        && let Some(count) = reader.integer(&item, APPROVALS)
        && !(1..=MOST_APPROVALS).contains(&count)
    {
        reader.refuse::<()>(
            &item,
            format!("`{}` is not {APPROVALS}", item.path()),
            APPROVALS,
            count,
            Some("name how many different people must approve an export"),
        );
    }
    if let Some(item) = reader.get(section, "ticket")
        && let Some(pattern) = reader.text(&item, TICKET)
        && let Some(problem) = pattern_problem(pattern)
    {
        reader.refuse::<()>(
            &item,
            format!("`{}`: {problem}", item.path()),
            TICKET,
            super::reader::shortened(pattern),
            None,
        );
    }
}

/// Why `pattern` can match no ticket, if so.
fn pattern_problem(pattern: &str) -> Option<String> {
    if pattern.is_empty() {
        return Some("the pattern is empty, so no ticket would match".to_owned());
    }
    let error = regex_lite::Regex::new(pattern).err()?;
    Some(format!("not a regular expression: {error}"))
}

/// What a policy that holds the section is told.
pub(super) fn unused() -> Finding {
    Finding::warn(
        Code::PolicyUnused,
        "the policy has rules for the export of private keys, but they have no effect yet",
    )
    .found("[export]")
    .hint("remove the section until countersign exports private keys")
}
