//! One successor: what it is made of, and whether a profile that is there is it.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::request::CertificateChoice;
use crate::apple::app_store_connect::request::NewProfile;
use crate::apple::app_store_connect::resource::{
    Linked, PortalCertificate, PortalProfile, ProfileStanding, ResourceId,
};
use crate::apple::app_store_connect::words::ProfileType;
use crate::base::ids::ProfileUuid;

/// A profile that is made in the place of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Successor {
    /// The UUID of the old one.
    pub of: ProfileUuid,
    /// The name of the old one.
    pub of_name: String,
    /// When the old one expires.
    pub of_expires: Timestamp,
    /// Its own name.
    pub name: String,
    /// What it is for.
    pub profile_type: ProfileType,
    /// The bundle id that it is for.
    pub bundle_id: ResourceId,
    /// The same, as people write it.
    pub bundle_identifier: String,
    /// The certificates that are there.
    pub certificates: Vec<ResourceId>,
    /// Whether it also takes the certificate that is made before it.
    pub takes_new_certificate: bool,
    /// Its devices.
    pub devices: Vec<ResourceId>,
    /// How many devices of the old one it does not take, because they are disabled or removed.
    pub devices_left_out: usize,
}

impl Successor {
    /// The same with the certificate that was made, where it takes it.
    #[must_use]
    pub fn with_certificate(mut self, made: Option<&ResourceId>) -> Self {
        if let (true, Some(made)) = (self.takes_new_certificate, made) {
            self.certificates.push(made.clone());
            self.takes_new_certificate = false;
        }
        self
    }

    /// What is sent to make it; none while the certificate that it takes is not made.
    pub fn to_request(&self) -> Option<NewProfile<'_>> {
        (!self.takes_new_certificate).then_some(NewProfile {
            name: &self.name,
            profile_type: &self.profile_type,
            bundle_id: &self.bundle_id,
            certificates: &self.certificates,
            devices: &self.devices,
        })
    }

    /// Why a profile of its name is not it; none if it is. An answer may hold only the first of many devices: then the
    /// number of all is compared.
    pub fn difference(&self, profile: &PortalProfile, now: Timestamp) -> Option<&'static str> {
        let is_same = |linked: &Linked, ids: &[ResourceId]| {
            let wanted: HashSet<&ResourceId> = ids.iter().collect();
            let found: HashSet<&ResourceId> = linked.ids.iter().collect();
            match linked.is_complete() {
                true => found == wanted,
                false => linked.total == wanted.len() && found.is_subset(&wanted),
            }
        };
        let has_certificates =
            !self.takes_new_certificate && is_same(&profile.certificates, &self.certificates);
        if profile.uuid == self.of {
            Some("is the one that is renewed")
        } else if profile.profile_type != self.profile_type {
            Some("is of another type")
        } else if profile.bundle_id.as_ref() != Some(&self.bundle_id) {
            Some("is for another bundle id")
        } else if profile.standing != ProfileStanding::Active {
            Some("is not ACTIVE")
        } else if profile.expires < now {
            Some("has expired")
        } else if !has_certificates {
            Some("has other certificates")
        } else if !is_same(&profile.devices, &self.devices) {
            Some("has other devices")
        } else {
            None
        }
    }
}

/// Whether somebody means this certificate. A new one is none that is there.
pub fn certificate_is(certificate: &PortalCertificate, choice: &CertificateChoice) -> bool {
    match choice {
        CertificateChoice::Sha1(sha1) => certificate.sha1() == Some(*sha1),
        CertificateChoice::Sha256(sha256) => certificate.sha256() == Some(*sha256),
        CertificateChoice::New { .. } => false,
    }
}

/// The name of a profile without what a renewal added to it: `Rocket Store 2026-03-01` is the successor of `Rocket Store`,
/// and its own successor is not called by two days.
pub fn stem_of<'n>(name: &'n str, suffix: Option<&str>) -> &'n str {
    let is_added = |added: &str| Some(added) == suffix || added.parse::<Date>().is_ok();
    let by_suffix = suffix.and_then(|suffix| name.strip_suffix(suffix)?.strip_suffix(' '));
    match (by_suffix, name.rsplit_once(' ')) {
        (Some(stem), _) if !stem.is_empty() => stem,
        (_, Some((stem, added))) if !stem.is_empty() && is_added(added) => stem,
        _ => name,
    }
}

/// The name of the successor of a profile of this name.
pub fn successor_name(name: &str, suffix: Option<&str>, now: Timestamp) -> String {
    let stem = stem_of(name, suffix);
    match suffix {
        Some(suffix) => format!("{stem} {suffix}"),
        None => format!("{stem} {}", now.strftime("%Y-%m-%d")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_of_a_successor_has_one_day_in_its_name() {
        let now = "2026-03-01T23:59:59Z".parse().unwrap();
        let name = |name, suffix| successor_name(name, suffix, now);
        assert_eq!(name("Rocket Store", None), "Rocket Store 2026-03-01");
        assert_eq!(
            name("Rocket Store 2025-03-02", None),
            "Rocket Store 2026-03-01"
        );
        assert_eq!(
            name("Rocket Store", Some("next one")),
            "Rocket Store next one"
        );
        assert_eq!(
            name("Rocket Store next one", Some("next one")),
            "Rocket Store next one"
        );
        assert_eq!(name("2025-03-02", None), "2025-03-02 2026-03-01");
        assert_eq!(name("Rocket 2", None), "Rocket 2 2026-03-01");
    }
}
