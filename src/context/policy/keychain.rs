//! The keychain that is opened for a job, how long, and at what hours: `[keychain]`.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::hours::Hours;
use super::reader::{Item, Reader, Table, shortened};
use crate::base::clock::show_duration;

/// The keys of the section.
pub(super) const KEYS: &[&str] = &[
    "path",
    "build_p95",
    "unlock_ceiling",
    "on_closed",
    "allowed",
];

/// Where the keychain lies if the policy does not say: its own file, never the login keychain.
const DEFAULT_PATH: &str = "Library/Keychains/countersign-ci.keychain-db";

/// Nothing that stays open longer than a day is short-lived; such a ceiling is a slip of the unit.
pub const LONGEST_CEILING: SignedDuration = SignedDuration::from_hours(24);

/// What happens when the keychain is found closed where it should be open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OnClosed {
    /// The job is refused.
    #[default]
    Refuse,
    /// This command is run (to page someone), and the job is refused all the same.
    Command(Command),
}

/// A program and its arguments. No shell reads them, so nothing in them is ever expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program, resolved: it is never looked for on `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// The keychain that is opened for a job.
#[derive(Debug, Clone, PartialEq)]
pub struct KeychainRules {
    /// Its file, resolved. `None` only where the policy names none and there is no home directory.
    pub path: Option<PathBuf>,
    /// The 95th percentile of the duration of a build.
    pub build_p95: SignedDuration,
    /// No window is longer than this.
    pub unlock_ceiling: SignedDuration,
    /// What happens when it is found closed.
    pub on_closed: OnClosed,
    /// When unattended unlocking is allowed.
    pub allowed: Hours,
}

impl KeychainRules {
    /// The rules of a policy that says nothing about the keychain.
    pub fn builtin(home: Option<&Path>) -> Self {
        Self {
            path: home.map(|home| home.join(DEFAULT_PATH)),
            build_p95: SignedDuration::from_mins(14),
            unlock_ceiling: SignedDuration::from_mins(45),
            on_closed: OnClosed::Refuse,
            allowed: Hours::default(),
        }
    }

    /// How long the keychain may stay open for one job: half as long again as nearly every build takes, but no longer
    /// than the ceiling.
    pub fn window(&self) -> SignedDuration {
        let generous = self.build_p95.saturating_add(self.build_p95 / 2);
        generous.min(self.unlock_ceiling)
    }

    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        let default = Self::builtin(reader.home());
        let path = reader
            .get(section, "path")
            .and_then(|item| read_path(reader, &item));
        let build_p95 = reader
            .get(section, "build_p95")
            .and_then(|item| read_span(reader, &item));
        let unlock_ceiling = reader.get(section, "unlock_ceiling").and_then(|item| {
            let ceiling = read_span(reader, &item)?;
            if ceiling <= LONGEST_CEILING {
                return Some(ceiling);
            }
            reader.refuse(
                &item,
                format!(
                    "`{}` leaves the keychain open for more than a day",
                    item.path()
                ),
                format!("at most {}", show_duration(LONGEST_CEILING)),
                show_duration(ceiling),
                Some("write the time of the longest build and some reserve"),
            )
        });
        let on_closed = reader
            .get(section, "on_closed")
            .and_then(|item| read_on_closed(reader, &item));
        let allowed = reader
            .get(section, "allowed")
            .and_then(|item| Hours::read(reader, &item));
        Self {
            path: path.or(default.path),
            build_p95: build_p95.unwrap_or(default.build_p95),
            unlock_ceiling: unlock_ceiling.unwrap_or(default.unlock_ceiling),
            on_closed: on_closed.unwrap_or_default(),
            allowed: allowed.unwrap_or_default(),
        }
    }
}

/// The keychain's path. Countersign creates, locks and destroys this file, so it must not be one that belongs to the
/// user or the system.
fn read_path(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<PathBuf> {
    let path = reader.path(item)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    // `security create-keychain` gives any path with login.keychain in its name special treatment [src].
    if name.contains("login.keychain") || name == "system.keychain" {
        return reader.refuse(
            item,
            format!(
                "`{}` is a keychain of the user or of the system",
                item.path()
            ),
            "a keychain file of its own, as in ~/Library/Keychains/countersign-ci.keychain-db",
            path.display(),
            None,
        );
    }
    Some(path)
}

fn read_span(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<SignedDuration> {
    let span = reader.duration(item)?;
    if span.is_zero() {
        return reader.refuse(
            item,
            format!("`{}` is zero", item.path()),
            "more than 0s",
            show_duration(span),
            None,
        );
    }
    Some(span)
}

/// `"refuse"`, or a command: a list of words, or text whose words are parted by blanks.
fn read_on_closed(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<OnClosed> {
    const EXPECTED: &str = "\"refuse\", or a command: [\"/path/to/program\", \"argument\"]";
    let words: Vec<String> = if item.is_list() {
        let items = reader.list(item, EXPECTED)?;
        let words: Vec<Option<String>> = items
            .iter()
            .map(|item| reader.text(item, "a word, as text").map(str::to_owned))
            .collect();
        words.into_iter().collect::<Option<_>>()?
    } else {
        let text = reader.text(item, EXPECTED)?;
        if text == "refuse" {
            return Some(OnClosed::Refuse);
        }
        if text.contains(SHELL_CHARACTERS) {
            return reader.refuse(
                item,
                format!(
                    "`{}` holds characters that only a shell understands, but no shell reads it",
                    item.path()
                ),
                EXPECTED,
                shortened(text),
                Some("write the command as a list of words, or put shell commands into a script"),
            );
        }
        text.split_whitespace().map(str::to_owned).collect()
    };
    let mut words = words.into_iter();
    // A program is named by its path, so that what runs does not depend on the runner's PATH, and so that a
    // misspelt `refuse` is not taken for a program.
    let Some(program) = words.next().filter(|program| program.contains('/')) else {
        return reader.refuse(
            item,
            format!(
                "`{}` is neither \"refuse\" nor the path of a program",
                item.path()
            ),
            EXPECTED,
            item.shown(),
            Some("name the program by its path, absolute or relative to the policy file"),
        );
    };
    Some(OnClosed::Command(Command {
        program: reader.resolve(item, &program)?,
        arguments: words.collect(),
    }))
}

/// What a shell would give a meaning of its own.
const SHELL_CHARACTERS: &[char] = &[
    '"', '\'', '`', '$', '\\', '|', '&', ';', '<', '>', '(', ')', '*', '?', '\n',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_half_as_long_again_as_a_build_up_to_the_ceiling() {
        let minutes = SignedDuration::from_mins;
        let mut rules = KeychainRules::builtin(None);
        assert_eq!(rules.window(), minutes(21));
        rules.build_p95 = minutes(30);
        assert_eq!(rules.window(), minutes(45));
        rules.build_p95 = minutes(90);
        assert_eq!(rules.window(), minutes(45));
        rules.build_p95 = SignedDuration::MAX;
        assert_eq!(rules.window(), minutes(45));
    }
}
