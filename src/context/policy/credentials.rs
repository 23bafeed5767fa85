//! What else must be replaced in time: `[[rotation.credentials]]`.
//!
//! The date of a certificate is in the certificate, so the policy names its file. The key of App Store Connect has none: the policy
//! says by which day it is to be replaced.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::reader::{Item, Reader, Table};

/// The keys of one credential.
pub(super) const KEYS: &[&str] = &["name", "certificate", "replace_by"];

/// Longer names are none that people read.
const MAX_NAME: usize = 128;

/// Something that must be replaced in time and that no manifest pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name, for reports.
    pub name: String,
    /// What tells when it ends.
    pub end: CredentialEnd,
}

/// What tells when a credential ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialEnd {
    /// The certificate in this file.
    Certificate(PathBuf),
    /// The policy: the beginning of this day (UTC).
    Day(Timestamp),
}

impl Credential {
    pub(super) fn read_all(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Vec<Self>> {
        let items = reader.list(
            item,
            "a list of credentials, each under [[rotation.credentials]]",
        )?;
        let read = items
            .iter()
            .filter_map(|item| {
                let table =
                    reader.table(item, "a credential with name and certificate or replace_by")?;
                reader.report_unknown(&table, "rotation.credentials");
                Some((Self::read(reader, item, &table)?, item))
            })
            .collect();
        Some(reader.distinct(read, |credential| credential.name.clone()))
    }

    fn read(reader: &mut Reader<'_>, item: &Item<'_>, table: &Table<'_>) -> Option<Self> {
        const ONE: &str =
            "name a certificate's file, or write replace_by = \"2027-03-01\" for what has no date";
        let name = reader.require(
            table,
            "name",
            "write a name for reports, as in name = \"App Store Connect key 2X9R4HXF34\"",
        );
        let name = name.and_then(|item| reader.parsed::<Name>(&item, "a name, as text"));
        let certificate = reader.get(table, "certificate");
        let day = reader.get(table, "replace_by");
        let end = match (certificate, day) {
            (Some(path), None) => reader.path(&path).map(CredentialEnd::Certificate),
            (None, Some(day)) => {
                let day = reader.parsed::<Day>(&day, "a day, as in \"2027-03-01\"");
                day.map(|day| CredentialEnd::Day(day.0))
            }
            (Some(_), Some(_)) => {
                let message = format!("`{}` has both `certificate` and `replace_by`", item.path());
                reader.complain(
                    item,
                    message,
                    "keep one of the two: a certificate tells its own day",
                );
                None
            }
            (None, None) => {
                let message = format!("`{}` does not say when it ends", item.path());
                reader.complain(item, message, ONE);
                None
            }
        };
        Some(Self {
            name: name?.0,
            end: end?,
        })
    }
}

/// A name on one line.
struct Name(String);

impl FromStr for Name {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let is_one = !text.trim().is_empty()
            && text.len() <= MAX_NAME
            && !text.chars().any(char::is_control);
        match is_one {
            true => Ok(Self(text.to_owned())),
            false => Err(Refused("it is empty, too long, or of several lines")),
        }
    }
}

/// The beginning of a day.
struct Day(Timestamp);

impl FromStr for Day {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        const REFUSED: Refused = Refused("it is no day of the calendar");
        // The parser also takes a day with an hour, and forgets the hour.
        if text.len() != "2027-03-01".len() {
            return Err(REFUSED);
        }
        let day: Date = text.parse().map_err(|_| REFUSED)?;
        let day = day.to_zoned(TimeZone::UTC).map_err(|_| REFUSED)?;
        Ok(Self(day.timestamp()))
    }
}

/// Why a text is neither.
struct Refused(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
