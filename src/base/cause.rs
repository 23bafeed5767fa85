//! Causes: findings that one thing explains, told as one.
//!
//! An expired certificate takes every profile with it that relies on it, and a machine without its profiles lacks all of
//! them at once. The gate finds each of these, and a document holds each of them. Who reads a report has one thing to do,
//! so the report tells one: [`causes`] sorts findings into what explains them.
//!
//! A finding follows from another only where both name the same profile, and never from a milder one: what blocks is not
//! explained by what only warns.

use std::collections::{HashMap, HashSet};

use super::finding::{Code, Finding, Severity};

/// What explains some findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The finding that says what is wrong.
    pub first: &'a Finding,
    /// The others that say the same of something else: one code, one severity.
    pub alike: Vec<&'a Finding>,
    /// What follows from it, and goes when it is corrected.
    pub follows: Vec<&'a Finding>,
}

impl Cause<'_> {
    /// How many findings it explains, itself among them.
    pub fn count(&self) -> usize {
        1 + self.alike.len() + self.follows.len()
    }

    /// The problem in words, for a headline.
    pub fn headline(&self) -> String {
        let first = &self.first.message;
        match self.alike.len() {
            0 => first.clone(),
            more => match (of_many(self.first.code), explains(self.first.code)) {
                (Some(what), true) => {
                    let touched = match self.profiles().len() {
                        1 => "1 profile is touched".to_owned(),
                        count => format!("{count} profiles are touched"),
                    };
                    format!("{} {what}; {touched}", more + 1)
                }
                (Some(what), false) => format!("{} {what}", more + 1),
                (None, _) => format!("{first}; and {more} more like this"),
            },
        }
    }

    /// The profiles that it touches, by name.
    pub fn profiles(&self) -> Vec<&str> {
        let findings = [self.first].into_iter().chain(self.alike.iter().copied());
        let mut known = HashSet::new();
        let touched = findings.flat_map(|finding| &finding.profiles);
        touched
            .filter(|profile| known.insert(&profile.uuid))
            .map(|profile| profile.name.as_str())
            .collect()
    }
}

/// What many findings of a code have in common, behind their number.
fn of_many(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::ProfileMissing => "pinned profiles are not installed",
        Code::ProfileBytesDiffer => "installed profiles differ from the pinned ones",
        Code::ProfileExpired => "pinned profiles have expired",
        Code::ProfileExpiresSoon => "pinned profiles expire soon",
        Code::ProfileUnreadable => "files cannot be read as provisioning profiles",
        Code::ProfileShadowed => "installed profiles can be chosen instead of pinned ones",
        Code::ManifestEntryDiffers => {
            "entries of the manifest say something else than their profiles"
        }
        Code::CertificateExpired => "certificates have expired",
        Code::CertificateExpiresSoon => "certificates expire soon",
        Code::CertificateIssuerMissing => "certificate chains are incomplete",
        Code::IdentityMissing => "sets of pinned profiles have no identity here that can sign",
        Code::IdentityUnexpected => "signing identities here are not pinned",
        Code::TargetUnmapped => "targets have no profile",
        Code::TargetBundleMismatch => "targets have a profile that does not cover their bundle id",
        Code::TargetTeamMismatch => "targets have another team than their profile",
        Code::TargetKindMismatch => "targets have a profile of another kind than is asked for",
        Code::DevelopmentTeamMissing => "targets have no development team",
        Code::SpecifierMissing => "targets are signed manually and specify no profile",
        Code::EntitlementNotGranted => "entitlements are claimed that no profile grants",
        Code::SettingUndefined => "signing settings refer to settings that nothing defines",
        Code::BundleIdUnresolved => "targets have no valid bundle id",
        Code::XcconfigMissing => "configuration files cannot be read",
        Code::ProjectMissing => "projects of the workspace are not there",
        _ => return None,
    })
}

/// Sorts findings into their causes. The worst comes first; what could not be read comes before what was concluded
/// without it; else they keep their order. Every finding is in exactly one cause.
pub fn causes<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Cause<'a>> {
    let findings: Vec<&Finding> = findings.into_iter().collect();
    let starts = |finding: &Finding| !finding.profiles.is_empty() && explains(finding.code);
    let of = |first| Cause {
        first,
        alike: Vec::new(),
        follows: Vec::new(),
    };
    let mut starting: Vec<&Finding> = findings.iter().copied().filter(|it| starts(it)).collect();
    // The worst first: what it touches is its.
    starting.sort_by_key(|finding| (finding.severity, finding.code));
    let mut causes: Vec<Cause<'a>> = Vec::new();
    let mut touched: HashMap<&str, usize> = HashMap::new();
    for finding in starting {
        let is_alike = |cause: &&mut Cause<'_>| {
            (cause.first.code, cause.first.severity) == (finding.code, finding.severity)
        };
        match causes.last_mut().filter(is_alike) {
            Some(cause) => cause.alike.push(finding),
            None => causes.push(of(finding)),
        }
        let index = causes.len().saturating_sub(1);
        for profile in &finding.profiles {
            touched.entry(&profile.uuid).or_insert(index);
        }
    }
    let mut by_code: HashMap<(Code, Severity), usize> = HashMap::new();
    for finding in findings.iter().copied().filter(|it| !starts(it)) {
        let explained = explained(finding, &touched);
        let cause = explained.and_then(|index| causes.get_mut(index));
        if let Some(cause) = cause.filter(|cause| follows(finding, cause.first)) {
            cause.follows.push(finding);
            continue;
        }
        let known = by_code.entry((finding.code, finding.severity));
        let index = *known.or_insert(causes.len());
        match causes.get_mut(index) {
            Some(cause) => cause.alike.push(finding),
            None => causes.push(of(finding)),
        }
    }
    causes.sort_by_key(|cause| {
        let code = cause.first.code;
        (cause.first.severity, !is_input(code), code)
    });
    causes
}

/// Whether a finding of this code explains others about the profiles that it touches.
fn explains(code: Code) -> bool {
    matches!(
        code,
        Code::CertificateExpired | Code::CertificateExpiresSoon
    )
}

/// The cause that touches every profile that a finding is about, of those that touch the profiles.
fn explained(finding: &Finding, touched: &HashMap<&str, usize>) -> Option<usize> {
    let place = finding.place.profile.iter();
    let profiles = finding.profiles.iter().map(|profile| &profile.uuid);
    let mut of = place.chain(profiles).map(|uuid| touched.get(uuid.as_str()));
    let first = of.next()??;
    of.all(|other| other == Some(first)).then_some(*first)
}

/// Whether `finding`, which is about profiles that `cause` touches, goes when that is corrected: profiles are made again with
/// the new certificate, and `find-identity -v` does not list an identity whose certificate has expired.
fn follows(finding: &Finding, cause: &Finding) -> bool {
    let is_of = match finding.code {
        Code::ProfileExpired | Code::ProfileExpiresSoon => true,
        Code::IdentityMissing => cause.code == Code::CertificateExpired,
        _ => false,
    };
    is_of && finding.severity >= cause.severity
}

/// Whether a code says that something to judge by could not be had: what is told beside it may come from that.
fn is_input(code: Code) -> bool {
    matches!(
        code,
        Code::PolicyInvalid
            | Code::PolicyMissing
            | Code::ProjectMissing
            | Code::SchemeUnreadable
            | Code::XcconfigMissing
            | Code::XcconfigSyntax
    )
}

/// The causes that block, of those.
pub fn blocking<'c, 'a>(causes: &'c [Cause<'a>]) -> impl Iterator<Item = &'c Cause<'a>> {
    let causes = causes.iter();
    causes.filter(|cause| cause.first.severity == Severity::Block)
}

#[cfg(test)]
mod tests {
    use super::super::finding::TouchedProfile;
    use super::*;

    fn touched(names: &[&str]) -> Vec<TouchedProfile> {
        let names = names.iter();
        names
            .map(|name| TouchedProfile {
                uuid: format!("uuid-{name}"),
                name: (*name).to_owned(),
            })
            .collect()
    }

    fn expired(name: &str) -> Finding {
        let message = format!("profile {name} has expired");
        Finding::block(Code::ProfileExpired, message).of_profile(format!("uuid-{name}"))
    }

    fn certificate(names: &[&str]) -> Finding {
        Finding::block(Code::CertificateExpired, "the certificate has expired")
            .touching(touched(names))
    }

    #[test]
    fn an_expired_certificate_explains_what_relies_on_it_and_nothing_else() {
        let missing = |names: &[&str]| {
            Finding::block(Code::IdentityMissing, "no identity").touching(touched(names))
        };
        let all = [
            expired("a"),
            expired("b"),
            expired("other"),
            certificate(&["a", "b"]),
            missing(&["a", "b"]),
            missing(&["a", "other"]),
        ];
        let causes = causes(&all);
        let told: Vec<(&str, usize)> = causes
            .iter()
            .map(|cause| (cause.first.code.as_str(), cause.count()))
            .collect();
        assert_eq!(
            told,
            [
                ("profile-expired", 1),
                ("certificate-expired", 4),
                ("identity-missing", 1)
            ]
        );
        assert_eq!(causes[1].profiles(), ["a", "b"]);
    }

    #[test]
    fn twenty_findings_over_one_certificate_are_one_cause() {
        let names: Vec<String> = (0..19).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut all: Vec<Finding> = names.iter().map(|name| expired(name)).collect();
        all.push(certificate(&names));
        let causes = causes(&all);
        assert_eq!(causes.len(), 1);
        assert_eq!(causes[0].count(), 20);
        assert_eq!(causes[0].headline(), "the certificate has expired");
        assert_eq!(causes[0].profiles().len(), 19);
    }

    #[test]
    fn several_expired_certificates_are_one_cause_with_all_that_they_touch() {
        let missing = Finding::block(Code::IdentityMissing, "no identity");
        let all = [
            expired("a"),
            certificate(&["a", "b"]),
            certificate(&["c"]),
            expired("c"),
            // It relies on both.
            missing.touching(touched(&["b", "c"])),
            Finding::warn(Code::CertificateExpired, "it is on its way out")
                .touching(touched(&["d"])),
        ];
        let causes = causes(&all);
        let told: Vec<String> = causes.iter().map(Cause::headline).collect();
        assert_eq!(
            told,
            [
                "2 certificates have expired; 3 profiles are touched",
                "it is on its way out"
            ]
        );
        assert_eq!(causes[0].count(), 5);
    }

    #[test]
    fn what_blocks_does_not_follow_from_what_warns() {
        let soon = Finding::warn(Code::CertificateExpiresSoon, "soon").touching(touched(&["a"]));
        let all = [expired("a"), soon];
        assert_eq!(causes(&all).len(), 2);
    }

    #[test]
    fn many_of_one_code_are_one_cause_with_their_number() {
        let missing = |name: &str| Finding::block(Code::ProfileMissing, name);
        let all = [
            missing("a"),
            Finding::block(Code::HostNotAllowed, "host"),
            missing("b"),
            Finding::warn(Code::ProfileMissing, "retiring"),
        ];
        let causes = causes(&all);
        let told: Vec<String> = causes.iter().map(Cause::headline).collect();
        assert_eq!(
            told,
            ["2 pinned profiles are not installed", "host", "retiring"]
        );
        let shared = Finding::block(Code::SpecifierShared, "one specifier");
        let all = [shared.clone(), shared];
        let told = super::causes(&all)[0].headline();
        assert_eq!(told, "one specifier; and 1 more like this");
    }

    #[test]
    fn what_could_not_be_read_comes_before_what_was_concluded_without_it() {
        let all = [
            Finding::block(Code::DevelopmentTeamMissing, "no team"),
            Finding::block(Code::XcconfigMissing, "no file"),
        ];
        assert_eq!(causes(&all)[0].headline(), "no file");
    }
}
