//! The values that signing settings hold.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::base::ids::{ProfileUuid, TeamId};
use crate::xcode::assignment::Origin;
use crate::xcode::settings::Step;

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// The assignment that counts.
    pub origin: Origin,
    /// Every assignment that took part in it.
    pub trail: Vec<Step>,
}

/// Who chooses the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SigningStyle {
    /// Xcode does.
    Automatic,
    /// The project does.
    Manual,
    /// Nobody wrote a style. Xcode then takes what the target's profile and identity let it do.
    NotWritten,
}

impl SigningStyle {
    /// The style that a value of `CODE_SIGN_STYLE` means.
    pub fn of(value: &str) -> Option<Self> {
        [Self::Automatic, Self::Manual]
            .into_iter()
            .find(|style| value.eq_ignore_ascii_case(style.as_str()))
    }

    /// The word of `CODE_SIGN_STYLE`, or that there is none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "Automatic",
            Self::Manual => "Manual",
            Self::NotWritten => "not written",
        }
    }
}

impl fmt::Display for SigningStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a target names the profile it wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileRequest {
    /// By UUID.
    Uuid(ProfileUuid),
    /// By name.
    Name {
        /// The profile's name.
        name: Box<str>,
        /// The team, in the spelling `TEAM/name` of Xcode 8.
        team: Option<TeamId>,
    },
    /// By either, in a variable of the environment: it decides and is not shown.
    FromEnvironment(FromEnvironment),
}

/// What a variable of the environment asks for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FromEnvironment {
    request: Box<ProfileRequest>,
    /// Which variable.
    shown: Box<str>,
}

impl fmt::Debug for FromEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Serialize for FromEnvironment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

/// What stands between the quotes around a value, if there are any: in a configuration file Xcode takes them for a part of it.
pub(super) fn without_quotes(value: &str) -> Option<&str> {
    let value = value.trim();
    let between = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\''))
}

impl ProfileRequest {
    /// Whether quotes stand around the name, which is told where it is written: no profile is called so.
    pub fn is_quoted(&self) -> bool {
        match self.revealed() {
            Self::Name { name, .. } => without_quotes(name).is_some(),
            Self::Uuid(_) | Self::FromEnvironment(_) => false,
        }
    }

    /// The same, shown as `shown`.
    pub(super) fn withheld(self, shown: &str) -> Self {
        Self::FromEnvironment(FromEnvironment {
            request: Box::new(self),
            shown: shown.into(),
        })
    }

    /// What is asked for, for comparisons alone: a request from the environment is not shown.
    pub fn revealed(&self) -> &Self {
        match self {
            Self::FromEnvironment(from) => &from.request,
            written => written,
        }
    }

    /// Reads what `PROVISIONING_PROFILE_SPECIFIER` or `PROVISIONING_PROFILE` holds; nothing if that is blank.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if let Ok(uuid) = text.parse() {
            return Some(Self::Uuid(uuid));
        }
        // Profile names may hold slashes too; a team id is ten capitals and digits.
        let team = text.split_once('/').and_then(|(team, name)| {
            let shaped = team.len() == 10
                && team
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            Some((team.parse().ok().filter(|_| shaped)?, name))
        });
        Some(match team {
            Some((team, name)) => match name.parse() {
                Ok(uuid) => Self::Uuid(uuid),
                Err(_) => Self::Name {
                    name: name.into(),
                    team: Some(team),
                },
            },
            None => Self::Name {
                name: text.into(),
                team: None,
            },
        })
    }
}

impl fmt::Display for ProfileRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.fmt(f),
            Self::Name { name, .. } => f.pad(name),
            Self::FromEnvironment(from) => f.pad(&from.shown),
        }
    }
}

impl<T> Setting<T> {
    /// The same place with another value.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Setting<U> {
        Setting {
            value: change(self.value),
            origin: self.origin,
            trail: self.trail,
        }
    }
}
