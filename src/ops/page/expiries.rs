//! Everything that expires: profiles, their certificates, and the intermediates that issued those.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::intermediates;
use crate::context::gate::expiry::{Margin, Margins};
use crate::context::manifest::PinnedProfile;
use crate::context::policy::Policy;

/// What expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expiring {
    /// An intermediate that issued a certificate of a profile, by name, on the day that Apple publishes.
    Intermediate,
    /// A certificate that a profile lets sign.
    Certificate,
    /// A profile.
    Profile,
}

impl Expiring {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intermediate => "intermediate",
            Self::Certificate => "certificate",
            Self::Profile => "profile",
        }
    }
}

/// How near the end is, by the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It has expired.
    Expired,
    /// It expires within `minimum_validity`: the gate blocks.
    BelowMinimum,
    /// It expires within `warn_before`: the gate warns.
    Soon,
    /// It expires later.
    Ok,
}

impl From<Margin> for Standing {
    fn from(margin: Margin) -> Self {
        match margin {
            Margin::Expired => Self::Expired,
            Margin::BelowMinimum => Self::BelowMinimum,
            Margin::Warn => Self::Soon,
            Margin::Ample => Self::Ok,
        }
    }
}

/// Something, and when it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Expiry {
    /// What it is.
    pub what: Expiring,
    /// Its name.
    pub name: String,
    /// What it is known by: the profile's UUID, the certificate's SHA-256 in hex, the intermediate's name.
    pub id: String,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
    /// Whole days left; negative for what has expired.
    pub days_left: i64,
    /// How near that is, by the policy's limits.
    pub standing: Standing,
}

/// Everything of `profiles` that expires, the earliest first.
pub fn of(profiles: &[PinnedProfile], policy: &Policy, now: Timestamp) -> Vec<Expiry> {
    let margins = Margins::of(policy);
    let mut found: BTreeMap<(Expiring, String), (String, Timestamp)> = BTreeMap::new();
    for profile in profiles {
        let uuid = profile.uuid.to_string();
        found.insert(
            (Expiring::Profile, uuid),
            (profile.name.clone(), profile.expires),
        );
        for certificate in profile.certificates() {
            found
                .entry((Expiring::Certificate, certificate.sha256.to_string()))
                .or_insert_with(|| (certificate.common_name.clone(), certificate.expires));
            let issuer = &certificate.issuer;
            if let Some(expires) = intermediates::expiry(issuer) {
                let key = (Expiring::Intermediate, issuer.clone());
                found
                    .entry(key)
                    .or_insert_with(|| (issuer.clone(), expires));
            }
        }
    }
    let mut expiries: Vec<Expiry> = found
        .into_iter()
        .map(|((what, id), (name, expires))| Expiry {
            what,
            name,
            id,
            expires,
            days_left: days_between(now, expires),
            standing: margins.margin(expires, now).into(),
        })
        .collect();
    expiries.sort_by(|a, b| (a.expires, a.what, &a.id).cmp(&(b.expires, b.what, &b.id)));
    expiries
}

/// Whole days from `now` until `end`, rounded down: what ends in an hour has 0 days left, what ended an hour ago -1.
fn days_between(now: Timestamp, end: Timestamp) -> i64 {
    const DAY: i64 = 86_400;
    end.as_second()
        .saturating_sub(now.as_second())
        .div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_rounded_down() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let days = |end: &str| days_between(now, end.parse().unwrap());
        assert_eq!(days("2026-03-01T13:00:00Z"), 0);
        assert_eq!(days("2026-03-02T12:00:00Z"), 1);
        assert_eq!(days("2026-03-01T11:00:00Z"), -1);
        assert_eq!(days("2027-03-01T12:00:00Z"), 365);
    }
}
