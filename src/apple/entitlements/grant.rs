//! Whether a grant covers a claim.
//!
//! The system asks this question when an app is installed or launched, and Xcode asks it before it signs. The rules are
//! those of the library that answers it on Apple's systems (`CEContextIsSubset` of libCoreEntitlements, used by amfid and
//! libmis), with the exceptions that Xcode makes before the system ever sees the claim:
//!
//! - A granted string that ends in `*` covers what starts with the rest; `*` alone covers a value of any kind. Nothing
//!   else is a wildcard (TN3125).
//! - A claimed string is covered by an equal string, or by one element of a granted array. A claimed array is covered
//!   when each element is. Dictionaries are compared key by key.
//! - A claim that claims nothing (`false`, an empty array or dictionary) needs no grant.
//! - On macOS the keys under `com.apple.security.` (sandbox, hardened runtime, `get-task-allow`) are unrestricted: amfid
//!   filters them out before it looks for a profile, and TN3125 lists them. An app group that starts with the team id is
//!   unrestricted too. One that starts with `group.` is checked where the profile takes part in app groups: it lists some,
//!   or it is a Mac Catalyst profile, where the rules of iOS hold. Older Mac profiles list none and work.
//! - On iOS and its kin the same keys, app groups apart, mean nothing and no profile can grant them: a multiplatform
//!   target has one file for both platforms, so they are no shortfall.
//! - Environments (`aps-environment` and others) are replaced by the profile's own value at signing or export, so that
//!   projects hold `development` and ship `production`: only the key must be granted. The two spellings of
//!   `aps-environment` stand for each other, because a multiplatform file holds both.
//!
//! Everything else on either platform is restricted: without a grant the app is refused or killed at launch
//! (`Unsatisfied entitlements`, −413; "doesn't include the … entitlement" in Xcode).
//!
//! In one point the system is stricter: it wants even a claimed `false` to be granted. Such claims do not change what
//! the app may do, and people switch off a gate that gives false alarms. So here they count as no claim.

use std::fmt;

use serde::Serialize;

use super::super::value::Value;
use super::{
    APPLICATION_GROUPS, APPLICATION_IDENTIFIER, APS_ENVIRONMENT, Entitlements,
    MAC_APPLICATION_IDENTIFIER, TEAM_IDENTIFIER, kind,
};

/// Whose rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlatformFamily {
    /// macOS, Mac Catalyst and DriverKit.
    Mac,
    /// iOS, iPadOS, tvOS, watchOS and visionOS: every entitlement is restricted.
    Ios,
}

/// A claim that the grant does not cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shortfall {
    /// The entitlement.
    pub key: Box<str>,
    /// What the product claims.
    pub claimed: Value,
    /// What the profile grants under this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<Value>,
    /// What is wrong between the two.
    pub why: Why,
}

/// Why a claim is not covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The profile does not have the key: the capability is off in the App ID, or the profile was made before it was
    /// switched on.
    NotGranted,
    /// The profile has the key with another value.
    OtherValue,
    /// The profile has the key, but not for these elements of the claimed array.
    ElementsMissing(Vec<Value>),
    /// The two are not of comparable kinds.
    OtherKind,
    /// The claim still holds a build setting (`$(…)`), so the question could not be answered.
    Unexpanded,
}

/// One sentence that names both values.
impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            claimed,
            granted,
            why,
        } = self;
        write!(f, "{key} is claimed as {claimed}")?;
        match (why, granted) {
            (Why::NotGranted, _) | (_, None) => f.write_str(", and the profile does not grant it"),
            (Why::OtherValue, Some(granted)) => write!(f, ", the profile grants {granted}"),
            (Why::ElementsMissing(missing), Some(granted)) => write!(
                f,
                ", the profile grants {granted}, which lacks {}",
                Value::Array(missing.clone())
            ),
            (Why::OtherKind, Some(granted)) => write!(
                f,
                ", which is {}; the profile grants {}: {granted}",
                kind(claimed),
                kind(granted)
            ),
            (Why::Unexpanded, Some(_)) => {
                f.write_str(", which holds a build setting without a value")
            }
        }
    }
}

/// What Apple puts into every profile, whatever its App ID may do (TN3125).
const OF_EVERY_PROFILE: [&str; 6] = [
    APPLICATION_IDENTIFIER,
    MAC_APPLICATION_IDENTIFIER,
    TEAM_IDENTIFIER,
    "keychain-access-groups",
    "get-task-allow",
    "com.apple.security.get-task-allow",
];

impl Entitlements {
    /// Whether these, as a profile grants them, cover `claimed`: nothing returned means yes. Build settings in the
    /// claim must have been put in before ([`Entitlements::map_strings`]).
    pub fn grants(&self, claimed: &Entitlements, family: PlatformFamily) -> Vec<Shortfall> {
        claimed
            .iter()
            .filter_map(|(key, value)| self.shortfall(key, value, family))
            .collect()
    }

    /// The keys that a profile must grant for these to be claimed: the capabilities that are to be switched on in the App ID. What
    /// every profile grants is none of them.
    pub fn capabilities(&self, family: PlatformFamily) -> Vec<&str> {
        let nothing = Entitlements::default();
        let is_needed = |key: &str, claimed: &Value| match nothing.rule(key, family) {
            _ if OF_EVERY_PROFILE.contains(&key) || claims_nothing(claimed) => false,
            Rule::Unrestricted => false,
            Rule::AnyOf(_) | Rule::Covered => true,
            Rule::MacGroups => !claims_nothing(&provisioned_groups(claimed)),
        };
        let needed = self.iter().filter(|(key, value)| is_needed(key, value));
        needed.map(|(key, _)| key).collect()
    }

    fn shortfall(&self, key: &str, claimed: &Value, family: PlatformFamily) -> Option<Shortfall> {
        if claims_nothing(claimed) {
            return None;
        }
        let granted = self.get(key);
        let why = match (self.rule(key, family), granted) {
            (Rule::Unrestricted, _) => None,
            (Rule::AnyOf(keys), _) => {
                (!keys.iter().any(|key| self.get(key).is_some())).then_some(Why::NotGranted)
            }
            (Rule::MacGroups, None) => None,
            (Rule::MacGroups, Some(granted)) => {
                let provisioned = provisioned_groups(claimed);
                (!claims_nothing(&provisioned))
                    .then(|| uncovered(granted, &provisioned))
                    .flatten()
            }
            (Rule::Covered, None) => Some(Why::NotGranted),
            (Rule::Covered, Some(granted)) => uncovered(granted, claimed),
        }?;
        // `$(X)` in what is not covered: with its value it might be.
        let why = match why {
            Why::NotGranted => why,
            _ if holds_build_setting(claimed) => Why::Unexpanded,
            _ => why,
        };
        Some(Shortfall {
            key: key.into(),
            claimed: claimed.clone(),
            granted: granted.cloned(),
            why,
        })
    }

    fn rule(&self, key: &str, family: PlatformFamily) -> Rule {
        if APS_ENVIRONMENT.contains(&key) {
            return Rule::AnyOf(&APS_ENVIRONMENT);
        }
        if let Some(environment) = ENVIRONMENTS.iter().find(|other| **other == key) {
            return Rule::AnyOf(std::slice::from_ref(environment));
        }
        match family {
            _ if key == APPLICATION_GROUPS => {
                let ios_rules =
                    family == PlatformFamily::Ios || self.has_both_application_identifiers();
                if ios_rules {
                    Rule::Covered
                } else {
                    Rule::MacGroups
                }
            }
            _ if key.starts_with("com.apple.security.") => Rule::Unrestricted,
            // The Mac's spelling in a file that serves both platforms.
            PlatformFamily::Ios if key == MAC_APPLICATION_IDENTIFIER => Rule::Unrestricted,
            PlatformFamily::Ios | PlatformFamily::Mac => Rule::Covered,
        }
    }
}

/// How a key is judged.
enum Rule {
    /// Needs no grant.
    Unrestricted,
    /// One of these keys must be granted, with whatever value.
    AnyOf(&'static [&'static str]),
    /// App groups of a Mac app that is not Catalyst.
    MacGroups,
    /// The granted value must cover the claimed one.
    Covered,
}

fn claims_nothing(value: &Value) -> bool {
    match value {
        Value::Boolean(claimed) => !claimed,
        Value::Array(values) => values.is_empty(),
        Value::Dictionary(values) => values.is_empty(),
        Value::Integer(_) | Value::String(_) | Value::Data(_) => false,
    }
}

/// The app groups of the kind that is registered at Apple; those that start with a team id never are.
fn provisioned_groups(claimed: &Value) -> Value {
    let registered = |value: &Value| value.as_str().is_none_or(|id| id.starts_with("group."));
    match claimed {
        Value::Array(groups) => Value::Array(
            groups
                .iter()
                .filter(|group| registered(group))
                .cloned()
                .collect(),
        ),
        one if registered(one) => one.clone(),
        _ => Value::Array(Vec::new()),
    }
}

fn holds_build_setting(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("$(") || text.contains("${"),
        Value::Array(values) => values.iter().any(holds_build_setting),
        Value::Dictionary(values) => values.values().any(holds_build_setting),
        Value::Boolean(_) | Value::Integer(_) | Value::Data(_) => false,
    }
}

/// Why `granted` does not cover `claimed`, if it does not.
fn uncovered(granted: &Value, claimed: &Value) -> Option<Why> {
    match (granted, claimed) {
        (Value::String(pattern), _) if &**pattern == "*" => None,
        (Value::Array(elements), Value::Array(claims)) => missing(claims, |claim| {
            elements.iter().any(|one| covers(one, claim))
        }),
        // A profile may grant one pattern where the app claims a list.
        (Value::String(_), Value::Array(claims)) => missing(claims, |claim| covers(granted, claim)),
        (Value::Array(elements), Value::String(_) | Value::Integer(_)) => {
            (!elements.iter().any(|one| covers(one, claimed))).then_some(Why::OtherValue)
        }
        (Value::Dictionary(_), Value::Dictionary(_))
        | (Value::String(_), Value::String(_))
        | (Value::Boolean(_), Value::Boolean(_))
        | (Value::Integer(_), Value::Integer(_))
        | (Value::Data(_), Value::Data(_)) => {
            (!covers(granted, claimed)).then_some(Why::OtherValue)
        }
        _ => Some(Why::OtherKind),
    }
}

fn missing(claims: &[Value], is_covered: impl Fn(&Value) -> bool) -> Option<Why> {
    let missing: Vec<Value> = claims
        .iter()
        .filter(|claim| !is_covered(claim))
        .cloned()
        .collect();
    (!missing.is_empty()).then_some(Why::ElementsMissing(missing))
}

/// Whether one granted value covers one claimed value.
fn covers(granted: &Value, claimed: &Value) -> bool {
    match (granted, claimed) {
        (Value::String(pattern), claimed) => match (pattern.strip_suffix('*'), claimed) {
            (Some(""), _) => true,
            (Some(prefix), Value::String(text)) => text.starts_with(prefix),
            (None, Value::String(text)) => pattern == text,
            _ => false,
        },
        (Value::Dictionary(granted), Value::Dictionary(claimed)) => {
            claimed.iter().all(|(key, claim)| {
                claims_nothing(claim)
                    || granted
                        .get(key)
                        .is_some_and(|granted| uncovered(granted, claim).is_none())
            })
        }
        _ => granted == claimed,
    }
}

/// Keys whose value Xcode takes from the profile or from the export options, whatever the file says.
const ENVIRONMENTS: [&str; 3] = [
    // ExportOptions.plist `iCloudContainerEnvironment`; the App Store takes `Production` only.
    "com.apple.developer.icloud-container-environment",
    "com.apple.developer.ClassKit-environment",
    // Ignored by the App Store and TestFlight, which always use production (Apple's reference of the entitlement).
    "com.apple.developer.devicecheck.appattest-environment",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn entitlements(json: &str) -> Entitlements {
        serde_json::from_str(json).unwrap()
    }

    fn shortfalls(granted: &str, claimed: &str, family: PlatformFamily) -> Vec<Shortfall> {
        entitlements(granted).grants(&entitlements(claimed), family)
    }

    fn covered(granted: &str, claimed: &str) -> bool {
        let ios = shortfalls(granted, claimed, PlatformFamily::Ios);
        let mac = shortfalls(granted, claimed, PlatformFamily::Mac);
        assert_eq!(ios, mac, "restricted keys are judged alike");
        ios.is_empty()
    }

    #[test]
    fn wildcards_are_prefixes_and_nothing_else() {
        let granted = r#"{"k": "TEAM.com.foo.*"}"#;
        assert!(covered(granted, r#"{"k": "TEAM.com.foo.bar"}"#));
        assert!(!covered(granted, r#"{"k": "TEAM.com.foo"}"#));
        assert!(!covered(granted, r#"{"k": "OTHER.com.foo.bar"}"#));
        assert!(!covered(r#"{"k": "a*b"}"#, r#"{"k": "axb"}"#));
        assert!(covered(r#"{"k": "a*b"}"#, r#"{"k": "a*b"}"#));
        // A claim may itself be a pattern that is not wider than the grant.
        assert!(covered(r#"{"k": "TEAM.*"}"#, r#"{"k": "TEAM.*"}"#));
        assert!(!covered(r#"{"k": "TEAM.a.*"}"#, r#"{"k": "TEAM.*"}"#));
    }

    #[test]
    fn a_lone_star_covers_a_value_of_any_kind() {
        for claim in [
            r#"{"k": ["applinks:example.com"]}"#,
            r#"{"k": "x"}"#,
            r#"{"k": true}"#,
            r#"{"k": 7}"#,
            r#"{"k": [{"a": 1}]}"#,
        ] {
            assert!(covered(r#"{"k": "*"}"#, claim), "{claim}");
        }
        assert!(covered(r#"{"k": ["*"]}"#, r#"{"k": ["x", "y"]}"#));
    }

    #[test]
    fn lists_are_subsets_and_the_missing_elements_are_named() {
        let granted = r#"{"keychain-access-groups": ["TEAM.*", "com.apple.token"]}"#;
        assert!(covered(
            granted,
            r#"{"keychain-access-groups": ["com.apple.token", "TEAM.a"]}"#
        ));
        let short = shortfalls(
            granted,
            r#"{"keychain-access-groups": ["TEAM.a", "OTHER.b"]}"#,
            PlatformFamily::Ios,
        );
        assert_eq!(short[0].why, Why::ElementsMissing(vec!["OTHER.b".into()]));
        assert_eq!(
            short[0].to_string(),
            r#"keychain-access-groups is claimed as ["TEAM.a","OTHER.b"], the profile grants ["TEAM.*","com.apple.token"], which lacks ["OTHER.b"]"#
        );
        // One of a list may be claimed as a string, and a list where a pattern is granted.
        assert!(covered(r#"{"k": ["a", "b"]}"#, r#"{"k": "b"}"#));
        assert!(!covered(r#"{"k": ["a", "b"]}"#, r#"{"k": "c"}"#));
        assert!(covered(r#"{"k": "TEAM.*"}"#, r#"{"k": ["TEAM.a"]}"#));
        assert!(covered(r#"{"k": [1, 2]}"#, r#"{"k": 2}"#));
    }

    #[test]
    fn booleans_must_be_granted_unless_false() {
        assert!(covered(r#"{"k": true}"#, r#"{"k": true}"#));
        assert!(!covered(r#"{"k": false}"#, r#"{"k": true}"#));
        assert!(!covered("{}", r#"{"k": true}"#));
        for nothing in ["false", "[]", "{}"] {
            let claimed = format!(r#"{{"k": {nothing}}}"#);
            assert!(covered("{}", &claimed), "{nothing}");
            assert!(covered(r#"{"k": true}"#, &claimed), "{nothing}");
        }
    }

    #[test]
    fn a_debuggable_claim_against_a_distribution_profile_falls_short() {
        let short = shortfalls(
            r#"{"get-task-allow": false}"#,
            r#"{"get-task-allow": true}"#,
            PlatformFamily::Ios,
        );
        assert_eq!(short[0].why, Why::OtherValue);
        assert_eq!(
            short[0].to_string(),
            "get-task-allow is claimed as true, the profile grants false"
        );
    }

    #[test]
    fn kinds_that_do_not_compare_say_so() {
        let short = shortfalls(r#"{"k": true}"#, r#"{"k": ["a"]}"#, PlatformFamily::Mac);
        assert_eq!(short[0].why, Why::OtherKind);
        assert_eq!(
            short[0].to_string(),
            r#"k is claimed as ["a"], which is an array; the profile grants a boolean: true"#
        );
    }

    #[test]
    fn dictionaries_compare_key_by_key() {
        let granted = r#"{"com.apple.developer.driverkit.transport.usb": [{"idVendor": 1, "idProduct": "*"}]}"#;
        let claim = |inner: &str| {
            format!(r#"{{"com.apple.developer.driverkit.transport.usb": [{inner}]}}"#)
        };
        assert!(covered(
            granted,
            &claim(r#"{"idVendor": 1, "idProduct": 9}"#)
        ));
        assert!(covered(granted, &claim(r#"{"idVendor": 1}"#)));
        assert!(!covered(granted, &claim(r#"{"idVendor": 2}"#)));
        assert!(!covered(granted, &claim(r#"{"idVendor": 1, "other": 1}"#)));
    }

    #[test]
    fn environments_are_taken_from_the_profile() {
        for (granted, claimed) in [
            (
                r#"{"aps-environment": "production"}"#,
                r#"{"aps-environment": "development"}"#,
            ),
            (
                r#"{"com.apple.developer.aps-environment": "production"}"#,
                r#"{"com.apple.developer.aps-environment": "Production"}"#,
            ),
            (
                r#"{"aps-environment": "production"}"#,
                r#"{"aps-environment": "development", "com.apple.developer.aps-environment": "development"}"#,
            ),
            (
                r#"{"com.apple.developer.icloud-container-environment": "Production"}"#,
                r#"{"com.apple.developer.icloud-container-environment": "Development"}"#,
            ),
        ] {
            assert!(covered(granted, claimed), "{granted} {claimed}");
        }
        let short = shortfalls(
            r#"{"get-task-allow": true}"#,
            r#"{"aps-environment": "development"}"#,
            PlatformFamily::Ios,
        );
        assert_eq!(short[0].why, Why::NotGranted);
        assert_eq!(
            short[0].to_string(),
            r#"aps-environment is claimed as "development", and the profile does not grant it"#
        );
    }

    #[test]
    fn a_cloudkit_app_is_covered_by_what_apple_grants() {
        assert!(covered(
            r#"{
                "application-identifier": "TEAM.com.example.app",
                "com.apple.developer.icloud-services": "*",
                "com.apple.developer.icloud-container-identifiers": ["iCloud.com.example.app"],
                "com.apple.developer.icloud-container-environment": ["Development", "Production"],
                "com.apple.developer.ubiquity-kvstore-identifier": "TEAM.*",
                "com.apple.developer.ubiquity-container-identifiers": ["TEAM.*", "iCloud.com.example.app"],
                "com.apple.developer.pass-type-identifiers": ["TEAM.*"],
                "com.apple.developer.team-identifier": "TEAM"
            }"#,
            r#"{
                "application-identifier": "TEAM.com.example.app",
                "com.apple.developer.icloud-services": ["CloudKit", "CloudDocuments"],
                "com.apple.developer.icloud-container-identifiers": ["iCloud.com.example.app"],
                "com.apple.developer.icloud-container-environment": "Production",
                "com.apple.developer.ubiquity-kvstore-identifier": "TEAM.com.example.app",
                "com.apple.developer.ubiquity-container-identifiers": ["iCloud.com.example.app"],
                "com.apple.developer.pass-type-identifiers": ["TEAM.*"],
                "com.apple.developer.team-identifier": "TEAM"
            }"#,
        ));
    }

    #[test]
    fn the_sandbox_and_the_hardened_runtime_need_no_grant() {
        let claimed = r#"{
            "com.apple.security.app-sandbox": true,
            "com.apple.security.network.client": true,
            "com.apple.security.files.user-selected.read-write": true,
            "com.apple.security.temporary-exception.mach-lookup.global-name": ["a"],
            "com.apple.security.cs.allow-jit": true,
            "com.apple.security.get-task-allow": true
        }"#;
        assert!(covered("{}", claimed));
    }

    #[test]
    fn restricted_keys_of_the_mac_need_a_grant() {
        for key in [
            "keychain-access-groups",
            "com.apple.developer.endpoint-security.client",
            "com.apple.vm.networking",
            "application-identifier",
        ] {
            let claimed = format!(r#"{{"{key}": "x"}}"#);
            let short = shortfalls("{}", &claimed, PlatformFamily::Mac);
            assert_eq!(short.len(), 1, "{key}");
            assert_eq!(short[0].why, Why::NotGranted);
        }
    }

    #[test]
    fn a_developer_id_profile_grants_only_the_system_extension_kind() {
        let short = shortfalls(
            r#"{"com.apple.developer.networking.networkextension": ["packet-tunnel-provider-systemextension"]}"#,
            r#"{"com.apple.developer.networking.networkextension": ["packet-tunnel-provider"]}"#,
            PlatformFamily::Mac,
        );
        assert_eq!(
            short[0].why,
            Why::ElementsMissing(vec!["packet-tunnel-provider".into()])
        );
    }

    #[test]
    fn app_groups_follow_the_platform() {
        let ours = r#"{"com.apple.security.application-groups": ["TEAM.shared"]}"#;
        let registered =
            r#"{"com.apple.security.application-groups": ["group.example", "TEAM.shared"]}"#;
        let lists_none = r#"{"com.apple.application-identifier": "TEAM.a"}"#;
        let lists_other = r#"{"com.apple.security.application-groups": ["group.other"]}"#;
        let lists_it = r#"{"com.apple.security.application-groups": ["group.example"]}"#;
        let catalyst =
            r#"{"application-identifier": "TEAM.a", "com.apple.application-identifier": "TEAM.a"}"#;

        let mac = |granted, claimed| shortfalls(granted, claimed, PlatformFamily::Mac).len();
        assert_eq!(mac(lists_none, ours), 0);
        assert_eq!(mac(lists_other, ours), 0);
        assert_eq!(mac(lists_none, registered), 0);
        assert_eq!(mac(lists_other, registered), 1);
        assert_eq!(mac(lists_it, registered), 0);
        assert_eq!(mac(catalyst, registered), 1);

        let ios = |granted, claimed| shortfalls(granted, claimed, PlatformFamily::Ios).len();
        assert_eq!(ios("{}", registered), 1);
        assert_eq!(
            ios(
                lists_it,
                r#"{"com.apple.security.application-groups": ["group.example"]}"#
            ),
            0
        );
    }

    #[test]
    fn what_is_not_expanded_is_not_judged() {
        let short = shortfalls(
            r#"{"keychain-access-groups": ["TEAM.*"]}"#,
            r#"{"keychain-access-groups": ["$(AppIdentifierPrefix)com.example"]}"#,
            PlatformFamily::Ios,
        );
        assert_eq!(short[0].why, Why::Unexpanded);
        // A lone star covers whatever it will become; a key that is not granted at all is missing either way.
        assert!(covered(r#"{"k": "*"}"#, r#"{"k": ["$(X)"]}"#));
        assert_eq!(
            shortfalls("{}", r#"{"k": "$(X)"}"#, PlatformFamily::Ios)[0].why,
            Why::NotGranted
        );
    }

    #[test]
    fn the_capabilities_of_a_claim_are_what_a_profile_must_have_switched_on() {
        let claims = r#"{
            "aps-environment": "production",
            "application-identifier": "A.b",
            "com.apple.developer.healthkit": false,
            "com.apple.developer.siri": true,
            "com.apple.security.app-sandbox": true,
            "com.apple.security.application-groups": ["ABCDE12345.own"],
            "keychain-access-groups": ["A.b"]
        }"#;
        let claims: Entitlements = serde_json::from_str(claims).unwrap();
        assert_eq!(
            claims.capabilities(PlatformFamily::Mac),
            ["aps-environment", "com.apple.developer.siri"]
        );
        assert_eq!(
            claims.capabilities(PlatformFamily::Ios),
            [
                "aps-environment",
                "com.apple.developer.siri",
                "com.apple.security.application-groups"
            ]
        );
    }
}
