//! States: how a profile, a certificate or an identity stands, in one word.
//!
//! A list of dates makes its reader compute. A word tells what is wrong first: not proven before expired, expired before
//! "another one can be chosen instead of a pinned one", that before an end that is near.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::profile::ProfileKind;
use crate::base::ids::FileSha256;
use crate::context::manifest::Manifest;

/// How something stands.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its signatures are not proven, or its source says that it cannot sign.
    NotProven,
    /// It has expired.
    Expired,
    /// Xcode could choose it instead of a pinned one: it has the name or the UUID of one, or its team, kind and bundle id.
    Shadow,
    /// It expires within the policy's `warn_before`.
    ExpiresSoon,
    /// The manifest pins exactly these bytes.
    Pinned,
    /// Nothing is wrong with it.
    #[default]
    Ok,
}

impl State {
    /// How something stands that ends at `expires`: expired, soon, or neither. The last valid instant is still valid.
    pub fn of_end(expires: Option<Timestamp>, now: Timestamp, warn_before: SignedDuration) -> Self {
        match expires.map(|expires| expires.duration_since(now)) {
            Some(left) if left.is_negative() => Self::Expired,
            Some(left) if left < warn_before => Self::ExpiresSoon,
            _ => Self::Ok,
        }
    }
}

/// What is told of an installed profile.
#[derive(Debug, Clone, Copy)]
pub struct Installed<'a> {
    /// Its signatures are proven.
    pub is_proven: bool,
    /// When it expires, where that is known.
    pub expires: Option<Timestamp>,
    /// The digest of its file.
    pub sha256: Option<&'a FileSha256>,
    /// Its UUID, as the file spells it.
    pub uuid: Option<&'a str>,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its team, its kind and the bundle ids that it covers.
    pub scope: Option<(&'a str, ProfileKind, &'a str)>,
}

/// What of a manifest the states of profiles are told by.
#[derive(Debug, Default)]
pub struct Pinned<'m> {
    manifest: Option<&'m Manifest>,
    names: HashSet<&'m str>,
    uuids: HashSet<String>,
    scopes: HashMap<(&'m str, ProfileKind, String), ()>,
}

impl<'m> Pinned<'m> {
    /// Of a manifest; without one nothing is pinned.
    pub fn of(manifest: Option<&'m Manifest>) -> Self {
        let profiles = manifest.map(Manifest::profiles).unwrap_or_default();
        let scope = |it: &'m crate::context::manifest::PinnedProfile| {
            (it.team_id.as_str(), it.kind, it.bundle_id.to_string())
        };
        Self {
            manifest,
            names: profiles.iter().map(|it| it.name.as_str()).collect(),
            uuids: profiles
                .iter()
                .map(|it| it.uuid.as_str().to_ascii_lowercase())
                .collect(),
            scopes: profiles.iter().map(|it| (scope(it), ())).collect(),
        }
    }

    /// Whether exactly these bytes are pinned.
    pub fn has(&self, profile: &Installed<'_>) -> bool {
        let sha256 = profile.sha256;
        sha256.is_some_and(|sha256| self.manifest.is_some_and(|it| it.has_bytes(sha256)))
    }

    /// How an installed profile stands.
    pub fn state(
        &self,
        profile: &Installed<'_>,
        now: Timestamp,
        warn_before: SignedDuration,
    ) -> State {
        let by_end = State::of_end(profile.expires, now, warn_before);
        let is_pinned = self.has(profile);
        match (profile.is_proven, by_end) {
            (false, _) => State::NotProven,
            (true, State::Expired) => State::Expired,
            (true, _) if !is_pinned && self.is_shadowed_by(profile) => State::Shadow,
            (true, State::ExpiresSoon) => State::ExpiresSoon,
            (true, _) if is_pinned => State::Pinned,
            (true, _) => State::Ok,
        }
    }

    fn is_shadowed_by(&self, profile: &Installed<'_>) -> bool {
        let uuid = profile.uuid.map(str::to_ascii_lowercase);
        let scope = profile
            .scope
            .map(|(team, kind, bundle)| (team, kind, bundle.to_owned()));
        profile.name.is_some_and(|name| self.names.contains(name))
            || uuid.is_some_and(|uuid| self.uuids.contains(&uuid))
            || scope.is_some_and(|scope| self.scopes.contains_key(&scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_end_is_expired_soon_or_neither() {
        let now = at("2026-06-01T00:00:00Z");
        let month = SignedDuration::from_hours(30 * 24);
        for (end, state) in [
            ("2026-05-31T23:59:59Z", State::Expired),
            ("2026-06-01T00:00:00Z", State::ExpiresSoon),
            ("2026-06-30T00:00:00Z", State::ExpiresSoon),
            ("2026-07-01T00:00:00Z", State::Ok),
        ] {
            assert_eq!(State::of_end(Some(at(end)), now, month), state, "{end}");
        }
        assert_eq!(State::of_end(None, now, month), State::Ok);
    }

    #[test]
    fn what_is_not_proven_is_told_before_everything_else() {
        let installed = Installed {
            is_proven: false,
            expires: Some(at("2020-01-01T00:00:00Z")),
            sha256: None,
            uuid: None,
            name: None,
            scope: None,
        };
        let now = at("2026-06-01T00:00:00Z");
        let state = |installed: &Installed<'_>| {
            Pinned::of(None).state(installed, now, SignedDuration::ZERO)
        };
        assert_eq!(state(&installed), State::NotProven);
        let proven = Installed {
            is_proven: true,
            ..installed
        };
        assert_eq!(state(&proven), State::Expired);
        let valid = Installed {
            expires: None,
            ..proven
        };
        assert_eq!(state(&valid), State::Ok);
    }
}
