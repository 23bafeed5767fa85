//! The *node* group: may this host, in this region, at this hour, open a keychain?
//!
//! Host name and hour come in as arguments: what a machine calls itself is observed by `host::node`, and a rehearsal may
//! ask about any other.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::clock::show_duration;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{HostName, RegionName};
use crate::context::policy::Policy;
use crate::context::suggestion::suggestion;

/// Checks this host, the region that was asked for, and the hour, against the policy. Also returns the region that the
/// job runs in: the one asked for if the host stands in it, else the host's only one; `None` if that is not decided.
pub fn check(
    policy: &Policy,
    host: &HostName,
    asked_region: Option<&RegionName>,
    now: Timestamp,
) -> (Vec<Finding>, Option<RegionName>) {
    let mut findings = Vec::new();
    findings.extend(check_host(policy, host));
    let region = match asked_region {
        Some(asked) => match check_region(policy, host, asked) {
            Some(finding) => {
                findings.push(finding);
                None
            }
            None => Some(asked.clone()),
        },
        None => match policy.topology.regions_of(host).as_slice() {
            [only] => Some((*only).clone()),
            _ => None,
        },
    };
    findings.extend(check_hour(policy, now));
    (findings, region)
}

fn check_host(policy: &Policy, host: &HostName) -> Option<Finding> {
    let topology = &policy.topology;
    if topology.may_hold_keys(host) {
        return None;
    }
    let known: Vec<&str> = topology.key_hosts.iter().map(HostName::as_str).collect();
    // `signer-01`, `signer-01.local` and `signer-01.example.com` are often one machine whose name was never set.
    let first_label = |name: &str| name.split('.').next().map(str::to_ascii_lowercase);
    let namesake = known
        .iter()
        .find(|name| first_label(name) == first_label(host.as_str()));
    let hint = match namesake {
        Some(name) => format!(
            "if this machine is {name}, set its name (sudo scutil --set HostName {name}); otherwise run the job on {name}"
        ),
        None => format!(
            "run the job on one of these hosts, or add {host} to topology.key_hosts in a review"
        ),
    };
    let finding = Finding::block(
        Code::HostNotAllowed,
        format!("{host} may not hold private keys"),
    );
    let finding = finding.values(listed(&known), host).hint(hint);
    Some(policy.at_rule("topology.key_hosts", finding))
}

fn check_region(policy: &Policy, host: &HostName, asked: &RegionName) -> Option<Finding> {
    let topology = &policy.topology;
    match topology.stands_in(host, asked) {
        Some(true) => None,
        Some(false) => {
            let own = topology.regions_of(host);
            let own: Vec<&str> = own.iter().map(|region| region.as_str()).collect();
            let hosts = topology.regions.get(asked).map(Vec::as_slice);
            let hosts: Vec<&str> = hosts
                .unwrap_or_default()
                .iter()
                .map(HostName::as_str)
                .collect();
            let finding = Finding::block(
                Code::RegionMismatch,
                format!("{host} is not in region {asked}"),
            );
            let finding = finding
                .values(asked, listed(&own))
                .hint(format!("run the job on {}", listed(&hosts)));
            let rule = format!("topology.regions.{}", quoted(asked));
            Some(policy.at_rule(&rule, finding))
        }
        None => {
            let known: Vec<&str> = topology.regions.keys().map(RegionName::as_str).collect();
            let hint = match suggestion(asked.as_str(), known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None if known.is_empty() => {
                    "name the region and its hosts in topology.regions, or ask for none".to_owned()
                }
                None => {
                    "ask for one of these regions, or add the region to topology.regions".to_owned()
                }
            };
            let finding = Finding::block(
                Code::RegionMismatch,
                format!("the policy has no region {asked}"),
            );
            let finding = finding.values(listed(&known), asked).hint(hint);
            Some(policy.at_rule("topology.regions", finding))
        }
    }
}

fn check_hour(policy: &Policy, now: Timestamp) -> Option<Finding> {
    let hours = &policy.keychain.allowed;
    if hours.allows(now) {
        return None;
    }
    let opening = hours.next_opening(now);
    let allowed: Vec<String> = hours.spans.iter().map(ToString::to_string).collect();
    // The hour is told on the clock that opens next: that is the one to wait by.
    let zone = opening
        .as_ref()
        .map_or(TimeZone::UTC, |opening| opening.time_zone().clone());
    let zone_name = zone.iana_name().unwrap_or("UTC").to_owned();
    let shown =
        |zoned: &jiff::Zoned| format!("{} {zone_name}", zoned.strftime("%a %Y-%m-%d %H:%M"));
    let hint = match &opening {
        Some(opening) => format!(
            "wait until {} (in {}); for a release that cannot wait, change keychain.allowed in a review",
            shown(opening),
            show_duration(opening.timestamp().duration_since(now)),
        ),
        None => "change keychain.allowed in a review: it allows no hour of the next two weeks"
            .to_owned(),
    };
    let finding = Finding::block(
        Code::WindowNotAllowedNow,
        "unattended unlocking is not allowed at this hour",
    );
    let finding = finding
        .values(allowed.join("; "), shown(&now.to_zoned(zone)))
        .hint(hint);
    Some(policy.at_rule("keychain.allowed", finding))
}

/// Names for a person: all of a few, the first of many.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    match names {
        [] => "none".to_owned(),
        few if few.len() <= SHOWN => few.join(", "),
        many => {
            let first: Vec<&str> = many.iter().take(SHOWN).copied().collect();
            format!("{} and {} more", first.join(", "), many.len() - SHOWN)
        }
    }
}

/// A region's name as the policy's key path spells it: quoted if TOML would want quotes.
fn quoted(region: &RegionName) -> String {
    if region.as_str().contains('.') {
        format!("{:?}", region.as_str())
    } else {
        region.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const POLICY: &str = r#"version = 1
[topology]
kind = "dedicated-signer"
key_hosts = ["signer-01.acme.example", "signer-02.acme.example"]
[topology.regions]
us-east = ["signer-01.acme.example"]
eu-west = ["signer-02.acme.example"]
global = ["signer-02.acme.example"]
"eu.north" = ["signer-02.acme.example"]
[[keychain.allowed]]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "06:00"
to = "22:00"
zone = "America/New_York"
"#;

    // A Monday, 10:15 in New York.
    const MONDAY: &str = "2026-07-06T14:15:00Z";

    fn policy() -> Policy {
        Policy::parse(POLICY, Path::new("signing.toml"), None).unwrap()
    }

    fn checked(
        policy: &Policy,
        host: &str,
        region: Option<&str>,
        now: &str,
    ) -> (Vec<Finding>, Option<String>) {
        let region: Option<RegionName> = region.map(|name| name.parse().unwrap());
        let host = host.parse().unwrap();
        let (findings, region) = check(policy, &host, region.as_ref(), now.parse().unwrap());
        (findings, region.map(|region| region.to_string()))
    }

    fn only_finding(host: &str, region: Option<&str>, now: &str) -> Finding {
        let (findings, _) = checked(&policy(), host, region, now);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.into_iter().next().unwrap()
    }

    #[test]
    fn the_right_host_in_its_region_at_a_good_hour_passes() {
        let clean = |host, region| {
            let (findings, region) = checked(&policy(), host, region, MONDAY);
            assert!(findings.is_empty(), "{findings:#?}");
            region
        };
        assert_eq!(
            clean("signer-01.acme.example", Some("us-east")).unwrap(),
            "us-east"
        );
        assert_eq!(clean("Signer-01.Acme.Example", None).unwrap(), "us-east");
        assert_eq!(
            clean("signer-02.acme.example", None),
            None,
            "of several regions none is the host's own"
        );
        assert_eq!(
            clean("signer-02.acme.example", Some("global")).unwrap(),
            "global"
        );
    }

    #[test]
    fn a_strange_host_is_refused_at_the_line_of_the_hosts() {
        let finding = only_finding("runner-7.acme.example", None, MONDAY);
        assert_eq!(finding.code, Code::HostNotAllowed);
        assert_eq!(finding.place.file.as_deref(), Some("signing.toml"));
        assert_eq!(finding.place.line, Some(4));
        assert_eq!(finding.place.pointer.as_deref(), Some("topology.key_hosts"));
        assert_eq!(
            finding.expected.as_deref(),
            Some("signer-01.acme.example, signer-02.acme.example")
        );
        assert_eq!(finding.found.as_deref(), Some("runner-7.acme.example"));
        assert!(
            finding
                .hint
                .unwrap()
                .contains("run the job on one of these")
        );
    }

    #[test]
    fn a_signer_that_was_never_named_is_told_its_name() {
        for unnamed in ["signer-01", "signer-01.local", "SIGNER-01.lan"] {
            let hint = only_finding(unnamed, None, MONDAY).hint.unwrap();
            assert!(
                hint.contains("sudo scutil --set HostName signer-01.acme.example"),
                "{hint}"
            );
        }
    }

    #[test]
    fn the_wrong_region_is_refused_at_its_line_with_the_hosts_that_stand_in_it() {
        let finding = only_finding("signer-01.acme.example", Some("eu-west"), MONDAY);
        assert_eq!(finding.code, Code::RegionMismatch);
        assert_eq!(finding.place.line, Some(7));
        assert_eq!(finding.expected.as_deref(), Some("eu-west"));
        assert_eq!(finding.found.as_deref(), Some("us-east"));
        assert!(finding.hint.unwrap().contains("signer-02.acme.example"));
        let dotted = only_finding("signer-01.acme.example", Some("eu.north"), MONDAY);
        assert_eq!(dotted.place.line, Some(9));
        let (_, region) = checked(&policy(), "signer-01.acme.example", Some("eu-west"), MONDAY);
        assert_eq!(region, None);
    }

    #[test]
    fn an_unknown_region_suggests_the_one_that_was_meant() {
        let finding = only_finding("signer-01.acme.example", Some("us-eats"), MONDAY);
        assert_eq!(finding.code, Code::RegionMismatch);
        assert_eq!(finding.place.line, Some(5));
        assert_eq!(finding.hint.as_deref(), Some("did you mean us-east?"));
        assert_eq!(
            finding.expected.as_deref(),
            Some("eu-west, eu.north, global, us-east")
        );
        let none = Policy::builtin(None);
        let (findings, _) = checked(&none, "any", Some("us-east"), MONDAY);
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0]
                .hint
                .as_ref()
                .unwrap()
                .contains("topology.regions")
        );
        assert_eq!(findings[0].place.file, None);
    }

    #[test]
    fn a_closed_hour_names_the_next_opening_on_the_zones_clock() {
        let finding = only_finding("signer-01.acme.example", None, "2026-07-04T14:15:00Z");
        assert_eq!(finding.code, Code::WindowNotAllowedNow);
        assert_eq!(finding.place.line, Some(10));
        assert_eq!(
            finding.expected.as_deref(),
            Some("mon–fri 06:00–22:00 America/New_York")
        );
        assert_eq!(
            finding.found.as_deref(),
            Some("Sat 2026-07-04 10:15 America/New_York")
        );
        let hint = finding.hint.unwrap();
        assert!(
            hint.contains("Mon 2026-07-06 06:00 America/New_York (in 1d 19h)"),
            "{hint}"
        );
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let (findings, region) =
            checked(&policy(), "runner-7", Some("mars"), "2026-07-04T14:15:00Z");
        let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(
            codes,
            [
                Code::HostNotAllowed,
                Code::RegionMismatch,
                Code::WindowNotAllowedNow
            ]
        );
        assert_eq!(region, None);
    }

    #[test]
    fn the_built_in_policy_allows_any_host_at_any_hour() {
        let (findings, region) = checked(&Policy::builtin(None), "any", None, MONDAY);
        assert!(findings.is_empty());
        assert_eq!(region, None);
    }

    #[test]
    fn many_hosts_are_not_all_listed() {
        let hosts: Vec<String> = (0..9).map(|n| format!("s{n}")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        assert_eq!(listed(&hosts), "s0, s1, s2, s3, s4 and 4 more");
        assert_eq!(listed(&[]), "none");
    }
}
