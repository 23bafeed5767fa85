//! What of the profiles at hand is pinned: what something is signed with, and nothing that has expired.
//!
//! A directory holds the profiles of a whole team, of other products and of years gone by. A manifest that pins them all says
//! nothing, and whoever reviews it cannot. So where a project is frozen, the profiles are pinned that its targets and the
//! policy's products are planned with, and those in the middle of a rotation, which somebody marked by hand.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Manifest;
use super::entry::{PinnedCertificate, PinnedProfile, ProfileState};
use crate::base::finding::{Code, Finding, Severity};
use crate::base::ids::{CertSha256, ProfileUuid};

/// A profile that was at hand and is not pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Its UUID.
    pub profile: ProfileUuid,
    /// Its name.
    pub name: String,
    /// Why it is not pinned, for people.
    pub why: String,
}

/// What decides which profiles are pinned.
#[derive(Debug, Default)]
pub struct Rules {
    /// The profiles that something is signed with.
    pub used: HashSet<ProfileUuid>,
    /// Whether those are pinned too that nothing is signed with.
    pub keeps_unused: bool,
    /// Whether those are pinned too that have expired.
    pub keeps_expired: bool,
    /// Why a profile that fits some target was not chosen for it.
    pub lost: BTreeMap<ProfileUuid, String>,
    /// What time it is.
    pub now: Timestamp,
}

/// Whether `manifest` is what freezing a project pins by itself: nobody marked a profile for a rotation, and each profile is what
/// something is signed with. What somebody chose beyond that would be lost with it.
pub fn holds_no_choice(manifest: &Manifest) -> bool {
    let targets = manifest.targets().iter().map(|target| &target.profile);
    let products = manifest.products().iter().map(|product| &product.profile);
    let used: HashSet<&ProfileUuid> = targets.chain(products).collect();
    let mut profiles = manifest.profiles().iter();
    profiles.all(|it| it.state == ProfileState::Active && used.contains(&it.uuid))
}

/// Which profiles are pinned, and which are not.
#[derive(Debug, Default)]
pub struct Split {
    /// The pinned ones, in the order in which they were given.
    pub kept: Vec<PinnedProfile>,
    /// The others, likewise.
    pub left_out: Vec<LeftOut>,
    /// What is not right: something is signed with a profile that has expired, and perhaps its certificate with it; or nothing
    /// is left.
    pub findings: Vec<Finding>,
}

impl Rules {
    /// Whether a profile is pinned.
    pub fn keeps(&self, profile: &PinnedProfile) -> bool {
        self.is_wanted(profile) && !self.is_refused(profile)
    }

    fn is_wanted(&self, profile: &PinnedProfile) -> bool {
        let is_rotating = profile.state != ProfileState::Active;
        self.keeps_unused || is_rotating || self.used.contains(&profile.uuid)
    }

    fn is_refused(&self, profile: &PinnedProfile) -> bool {
        profile.expires < self.now && !self.keeps_expired
    }

    /// Splits the profiles at hand.
    pub fn split(&self, profiles: Vec<PinnedProfile>) -> Split {
        let (kept, others): (Vec<_>, Vec<_>) = profiles.into_iter().partition(|it| self.keeps(it));
        let refused = others.iter().filter(|it| self.is_wanted(it));
        let findings = refused.map(|profile| Finding {
            severity: match self.used.contains(&profile.uuid) || kept.is_empty() {
                true => Severity::Block,
                false => Severity::Warn,
            },
            ..not_pinned(profile)
        });
        let mut findings: Vec<Finding> = findings.collect();
        findings.extend(certificates(&others, &findings, self.now));
        let left_out = others.into_iter().map(|profile| LeftOut {
            why: match self.is_refused(&profile) {
                true => format!("it expired on {}", day(profile.expires)),
                false => {
                    let lost = self.lost.get(&profile.uuid).cloned();
                    lost.unwrap_or_else(|| "nothing is signed with it".to_owned())
                }
            },
            profile: profile.uuid,
            name: profile.name,
        });
        Split {
            left_out: left_out.collect(),
            kept,
            findings,
        }
    }
}

/// The certificates without which profiles were told to have expired: a new profile takes a new certificate first. Each is as
/// severe as the worst that is told of its profiles.
fn certificates(left_out: &[PinnedProfile], told: &[Finding], now: Timestamp) -> Vec<Finding> {
    let mut found: BTreeMap<CertSha256, (&PinnedCertificate, Severity, Vec<&PinnedProfile>)> =
        BTreeMap::new();
    for profile in left_out {
        let is_of_it =
            |finding: &&Finding| finding.place.profile.as_deref() == Some(profile.uuid.as_str());
        let Some(finding) = told.iter().find(is_of_it) else {
            continue;
        };
        // With one that is valid a new profile can be made at once.
        if profile.certificates.iter().any(|it| it.expires >= now) {
            continue;
        }
        for certificate in &profile.certificates {
            let of_it = found.entry(certificate.sha256);
            let (_, severity, profiles) =
                of_it.or_insert((certificate, finding.severity, Vec::new()));
            *severity = finding.severity.min(*severity);
            profiles.push(profile);
        }
    }
    let findings = found.into_values().map(|(certificate, severity, profiles)| {
        let with_it = match profiles.len() {
            1 => "1 profile".to_owned(),
            count => format!("{count} profiles"),
        };
        let message = format!(
            "certificate {:?} ({}) has expired, and {with_it} with it",
            certificate.common_name, certificate.serial
        );
        Finding::new(Code::CertificateExpired, severity, message)
            .found(certificate.expires)
            .touching(profiles.iter().map(|profile| profile.touched()).collect())
            .hint("renew the certificate, make the profiles again with it, and put the new files in the place of the old ones")
    });
    findings.collect()
}

/// The day of an instant, in UTC.
fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d").to_string()
}

fn not_pinned(profile: &PinnedProfile) -> Finding {
    Finding::block(
        Code::ProfileExpired,
        format!(
            "profile {} has expired, so it is not pinned",
            profile.title()
        ),
    )
    .found(profile.expires)
    .of_profile(&profile.uuid)
    .hint("renew it at Apple's developer site, and put the new file in its place")
}
