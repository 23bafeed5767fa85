//! The policy file: what is read, and that every mistake is refused at its line with what was probably meant.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should say where"
)]

use std::path::{Path, PathBuf};

use countersign::base::finding::{Code, Finding, Severity};
use countersign::context::policy::keychain::OnClosed;
use countersign::context::policy::topology::TopologyKind;
use countersign::context::policy::{MAX_BYTES, Policy, SECTIONS};
use jiff::SignedDuration;

const FILE: &str = "/repo/manifests/signing.toml";
const HOME: &str = "/Users/ci";

fn parse(text: &str) -> Result<Policy, Vec<Finding>> {
    Policy::parse(text, Path::new(FILE), Some(Path::new(HOME)))
}

/// The findings of a policy that is a `version` line, and `rest` from line 2 on.
fn refusals(rest: &str) -> Vec<Finding> {
    let findings = parse(&format!("version = 1\n{rest}")).expect_err(rest);
    for finding in &findings {
        assert_eq!(finding.code, Code::PolicyInvalid, "{finding:?}");
        assert_eq!(finding.severity, Severity::Block, "{finding:?}");
        assert_eq!(finding.place.file.as_deref(), Some(FILE), "{finding:?}");
        assert!(finding.place.line.is_some(), "{finding:?}");
    }
    findings
}

/// The one finding of such a policy.
fn refusal(rest: &str) -> Finding {
    let findings = refusals(rest);
    assert_eq!(findings.len(), 1, "{rest}: {findings:#?}");
    findings.into_iter().next().unwrap()
}

/// Claims that `rest` has exactly one mistake: at this line and key path, saying this, hinting at that.
#[track_caller]
fn refused(rest: &str, line: u64, pointer: &str, says: &str, hints: &str) {
    let finding = refusal(rest);
    assert_eq!(finding.place.line, Some(line), "{finding:#?}");
    assert_eq!(
        finding.place.pointer.as_deref().unwrap_or_default(),
        pointer,
        "{finding:#?}"
    );
    assert!(finding.message.contains(says), "{finding:#?}");
    let hint = finding.hint.clone().unwrap_or_default();
    assert!(hint.contains(hints), "{finding:#?}");
}

fn accepted(rest: &str) -> Policy {
    parse(&format!("version = 1\n{rest}")).expect(rest)
}

const DESIGN: &str = r#"
version = 1

[topology]
kind      = "dedicated-signer"                 # or "controlled-distribution", "per-runner"
key_hosts = ["signer-01.mesh.example"]         # the only hosts that may hold private keys; exact names
regions   = { us-east = ["signer-01.mesh.example"] }

[profiles]
directories      = []
minimum_validity = "7d"
warn_before      = "30d"
read_only        = false
trust_anchors    = []

[keychain]
path          = "~/Library/Keychains/countersign-ci.keychain-db"
build_p95     = "14m"
unlock_ceiling = "45m"
on_closed     = "refuse"
[[keychain.allowed]]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "06:00"
to   = "22:00"
zone = "America/New_York"

[identities]
allow = []

[export]
approvals = 2
ticket    = "[A-Z]+-[0-9]+"

[[targets]]
target = "ShareExtension"
configuration = "Release"
profile = "0b2e0000-0000-4000-8000-000000000001"
"#;

#[test]
fn every_key_is_read() {
    let policy = parse(DESIGN).unwrap();
    assert_eq!(policy.topology.kind, TopologyKind::DedicatedSigner);
    assert_eq!(policy.topology.key_hosts.len(), 1);
    assert_eq!(policy.topology.regions.len(), 1);
    assert!(policy.profiles.directories.is_empty());
    assert_eq!(
        policy.profiles.minimum_validity,
        SignedDuration::from_hours(168)
    );
    assert_eq!(policy.profiles.warn_before, SignedDuration::from_hours(720));
    assert_eq!(
        policy.keychain.path.as_deref(),
        Some(Path::new(
            "/Users/ci/Library/Keychains/countersign-ci.keychain-db"
        ))
    );
    assert_eq!(policy.keychain.window(), SignedDuration::from_mins(21));
    assert_eq!(policy.keychain.on_closed, OnClosed::Refuse);
    assert_eq!(policy.keychain.allowed.windows.len(), 1);
    assert_eq!(policy.targets.len(), 1);
    assert_eq!(policy.file(), Some(Path::new(FILE)));
}

#[test]
fn every_key_remembers_its_line() {
    let policy = parse(DESIGN).unwrap();
    assert_eq!(policy.line_of("version"), Some(2));
    assert_eq!(policy.line_of("topology"), Some(4));
    assert_eq!(policy.line_of("topology.key_hosts"), Some(6));
    assert_eq!(policy.line_of("topology.regions.us-east"), Some(7));
    assert_eq!(policy.line_of("keychain.allowed[0].zone"), Some(25));
    assert_eq!(policy.line_of("targets[0].profile"), Some(37));
    assert_eq!(policy.line_of("topology.nothing"), None);
    let place = policy.place_of("keychain.allowed[0].nothing");
    assert_eq!(place.line, Some(21), "the line of what is around it");
    assert_eq!(
        place.pointer.as_deref(),
        Some("keychain.allowed[0].nothing")
    );
    assert_eq!(place.file.as_deref(), Some(FILE));
    assert_eq!(policy.place_of("nothing").line, None);
}

#[test]
fn a_policy_of_one_line_has_the_built_in_rules() {
    let home = Some(Path::new(HOME));
    let written = accepted("");
    let builtin = Policy::builtin(home);
    assert_eq!(written.topology, builtin.topology);
    assert_eq!(written.profiles, builtin.profiles);
    assert_eq!(written.keychain, builtin.keychain);
    assert_eq!(written.identities, builtin.identities);
    assert_eq!(written.targets, builtin.targets);
    assert_eq!(builtin.topology.kind, TopologyKind::PerRunner);
    assert_eq!(builtin.file(), None);
    assert_eq!(builtin.place_of("topology").file, None);
    assert_eq!(Policy::builtin(None).keychain.path, None);
    let says = Policy::builtin_applies(Path::new("manifests/signing.toml"));
    assert_eq!(
        (says.code, says.severity),
        (Code::PolicyDefault, Severity::Info)
    );
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let findings = refusals(
        r#"[topology]
knid = "dedicated-signer"
key_hosts = "signer-01"
[profiles]
minimum_validity = "a week"
read_only = "yes"
[keychain]
on_closed = "refuze"
[[keychain.allowed]]
days = ["monday"]
from = "6:00"
to = "22:00"
zone = "America/New York"
"#,
    );
    let lines: Vec<_> = findings.iter().filter_map(|f| f.place.line).collect();
    assert_eq!(lines, [3, 4, 6, 7, 9, 11, 12, 14], "{findings:#?}");
}

#[test]
fn an_unknown_key_suggests_the_one_that_was_meant() {
    refused(
        "[toplogy]\n",
        2,
        "toplogy",
        "unknown key `toplogy` at the top",
        "`topology`",
    );
    refused(
        "[topology]\nkey-hosts = []\n",
        3,
        "topology.key-hosts",
        "unknown key",
        "`key_hosts`",
    );
    refused(
        "[profiles]\nmin_validity = '7d'\n",
        3,
        "profiles.min_validity",
        "in [profiles]",
        "`minimum_validity`",
    );
    refused(
        "[export]\nticket_pattern = 'x'\n",
        3,
        "export.ticket_pattern",
        "unknown key",
        "`ticket`",
    );
    let window = "[[keychain.allowed]]\nfrom = '06:00'\nto = '07:00'\nzone = 'UTC'\n";
    refused(
        &format!("{window}timezone = 'UTC'\n"),
        6,
        "keychain.allowed[0].timezone",
        "in [keychain.allowed]",
        "`zone`",
    );
    refused(
        "[[targets]]\ntarget = 'A'\nconfig = 'Release'\nprofile = '0b2e0000-0000-4000-8000-000000000001'\n",
        4,
        "targets[0].config",
        "in [targets]",
        "`configuration`",
    );
}

#[test]
fn an_unknown_key_that_is_at_home_elsewhere_says_where() {
    refused(
        "key_hosts = []\n",
        2,
        "key_hosts",
        "unknown key",
        "belongs to [topology]",
    );
    refused(
        "[profiles]\nallow = []\n",
        3,
        "profiles.allow",
        "unknown key",
        "belongs to [identities]",
    );
    refused(
        "[keychain]\nzone = 'UTC'\n",
        3,
        "keychain.zone",
        "unknown key",
        "belongs to [keychain.allowed]",
    );
    refused(
        "[export]\ncolour = 1\n",
        3,
        "export.colour",
        "unknown key",
        "the keys here are approvals, ticket",
    );
    refused(
        "[export]\n\"a b\" = 1\n",
        3,
        "export.\"a b\"",
        "unknown key `a b`",
        "",
    );
}

#[test]
fn a_key_that_stands_twice_is_refused_and_the_rest_is_still_read() {
    let findings = refusals("[export]\napprovals = 2\napprovals = 0\n[identitys]\n");
    let said: Vec<_> = findings
        .iter()
        .map(|f| (f.place.line, f.message.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Some(4), "`approvals` stands twice"),
            (Some(5), "unknown key `identitys` at the top of the policy"),
        ]
    );
    refused(
        "[export]\n[profiles]\n[export]\n",
        4,
        "",
        "`export` stands twice",
        "keep one",
    );
    refused("version = 1\n", 2, "", "`version` stands twice", "keep one");
}

#[test]
fn what_is_not_toml_is_refused_at_its_line() {
    refused(
        "[topology]\nkind = dedicated\n",
        3,
        "",
        "not TOML",
        "quotes",
    );
    refused("[topology\nkind = 'per-runner'\n", 2, "", "not TOML", "");
    refused("kind 'x'\n", 2, "", "not TOML", "");
    let finding = refusal("\n\nkey_hosts = [\"a\"\n");
    assert!(finding.message.contains("not TOML"), "{finding:#?}");
    let deep = format!("x = {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    refusals(&deep);
    refusals(&format!("{} = 1\n", vec!["a"; 5_000].join(".")));
}

#[test]
fn the_version_is_required_and_must_be_ours() {
    let one = |text: &str| {
        let findings = parse(text).unwrap_err();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings[0].clone()
    };
    let missing = one("[topology]\n");
    assert_eq!(missing.place.line, Some(1));
    assert!(
        missing.message.contains("`version` is not written"),
        "{missing:#?}"
    );
    assert!(one("").message.contains("`version` is not written"));
    let newer = one("# ours\nversion = 2\n[new_section]\nkey = 1\n");
    assert_eq!(newer.place.line, Some(2));
    assert_eq!(
        newer.message,
        "written for a newer countersign: version 2, this one knows 1"
    );
    assert!(one("version = 0\n").message.contains("no version 0"));
    assert!(one("version = -3\n").message.contains("no version -3"));
    assert!(
        one("version = '1'\n")
            .message
            .contains("not a whole number")
    );
    assert!(
        one("version = 99999999999999999999\n")
            .message
            .contains("out of range")
    );
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    refused(
        "[topology]\nkind = 1\n",
        3,
        "topology.kind",
        "is not",
        "double quotes",
    );
    refused(
        "[topology]\nkey_hosts = 'a'\n",
        3,
        "topology.key_hosts",
        "is not a list",
        "[ ]",
    );
    refused(
        "[topology]\nkey_hosts = [1]\n",
        3,
        "topology.key_hosts[0]",
        "is not",
        "",
    );
    refused(
        "[topology]\nregions = []\n",
        3,
        "topology.regions",
        "is not a table",
        "",
    );
    refused(
        "[topology]\nregions = { us = 'a' }\n",
        3,
        "topology.regions.us",
        "is not a list",
        "[ ]",
    );
    refused(
        "topology = 'per-runner'\n",
        2,
        "topology",
        "is not a section",
        "",
    );
    refused(
        "[profiles]\ndirectories = '/x'\n",
        3,
        "profiles.directories",
        "is not a list",
        "[ ]",
    );
    refused(
        "[profiles]\nminimum_validity = 7\n",
        3,
        "profiles.minimum_validity",
        "is not a duration",
        "quotes",
    );
    refused(
        "[profiles]\nread_only = 'true'\n",
        3,
        "profiles.read_only",
        "is not true or false",
        "",
    );
    refused(
        "[keychain]\npath = true\n",
        3,
        "keychain.path",
        "is not a path",
        "quotes",
    );
    refused(
        "[keychain]\nallowed = 'always'\n",
        3,
        "keychain.allowed",
        "is not a list",
        "",
    );
    refused(
        "[keychain]\nallowed = [1]\n",
        3,
        "keychain.allowed[0]",
        "is not a window",
        "",
    );
    refused(
        "[keychain.allowed]\nfrom = '06:00'\n",
        2,
        "keychain.allowed",
        "is not a list",
        "",
    );
    refused(
        "[identities]\nallow = [7]\n",
        3,
        "identities.allow[0]",
        "is not",
        "quotes",
    );
    refused(
        "[export]\napprovals = '2'\n",
        3,
        "export.approvals",
        "is not a whole number",
        "",
    );
    refused(
        "[export]\napprovals = 2.0\n",
        3,
        "export.approvals",
        "is not a whole number",
        "",
    );
    refused(
        "[export]\nticket = 1979-05-27\n",
        3,
        "export.ticket",
        "is not a regular expression",
        "quotes",
    );
    refused(
        "[targets]\ntarget = 'A'\n",
        2,
        "targets",
        "is not a list",
        "",
    );
    refused(
        "targets = ['A']\n",
        2,
        "targets[0]",
        "is not an override",
        "",
    );
}

#[test]
fn a_wrong_type_shows_both_values() {
    let finding = refusal("[profiles]\nminimum_validity = 7\n");
    assert!(finding.expected.unwrap().contains("\"7d\""));
    assert_eq!(finding.found.as_deref(), Some("7"));
    let finding = refusal("[export]\nticket = ['a', 'b']\n");
    assert_eq!(finding.found.as_deref(), Some("a list of 2"));
}

#[test]
fn topologies_that_cannot_work_are_refused() {
    refused(
        "[topology]\nkind = 'dedicated-signers'\nkey_hosts = ['a']\n",
        3,
        "topology.kind",
        "is not",
        "`dedicated-signer`",
    );
    refused(
        "[topology]\nkind = 'cloud'\n",
        3,
        "topology.kind",
        "is not dedicated-signer",
        "",
    );
    refused(
        "[topology]\nkind = 'dedicated-signer'\n",
        3,
        "topology.kind",
        "nobody could sign",
        "key_hosts",
    );
    refused(
        "[topology]\nkind = 'controlled-distribution'\nkey_hosts = []\n",
        4,
        "topology.key_hosts",
        "nobody could sign",
        "key_hosts",
    );
    for bad in ["*", "*.example", "https://a", "a b", ""] {
        refused(
            &format!("[topology]\nkind = 'dedicated-signer'\nkey_hosts = ['{bad}']\n"),
            4,
            "topology.key_hosts[0]",
            "not a host name",
            "",
        );
    }
    refused(
        "[topology]\nkey_hosts = [\n'a.example',\n'A.example',\n]\n",
        5,
        "topology.key_hosts[1]",
        "repeats `topology.key_hosts[0]`",
        "delete one",
    );
}

#[test]
fn regions_name_only_hosts_that_may_hold_keys() {
    let hosts = "[topology]\nkey_hosts = ['signer-01.example', 'signer-02.example']\n";
    refused(
        &format!("{hosts}regions = {{ us = ['singer-01.example'] }}\n"),
        4,
        "topology.regions.us[0]",
        "names a host that topology.key_hosts does not",
        "`signer-01.example`",
    );
    refused(
        &format!("{hosts}[topology.regions]\nus = ['SIGNER-01.example']\neu = ['other.example']\n"),
        6,
        "topology.regions.eu[0]",
        "the region `eu`",
        "",
    );
    refused(
        &format!("{hosts}regions = {{ us = [] }}\n"),
        4,
        "topology.regions.us",
        "has no host",
        "delete the region",
    );
    refused(
        &format!("{hosts}regions = {{ 'us east' = ['signer-01.example'] }}\n"),
        4,
        "topology.regions.\"us east\"",
        "not a region name",
        "rename",
    );
    refused(
        &format!("{hosts}regions = {{ us = ['signer-01.example', 'signer-01.example'] }}\n"),
        4,
        "topology.regions.us[1]",
        "repeats",
        "",
    );
    // Where any runner may hold keys, any host may stand in a region.
    accepted("[topology]\nregions = { us = ['runner-7'] }\n");
}

#[test]
fn durations_are_checked() {
    for bad in ["7", "7 days", "-1d", "", "1.5h", "P7D"] {
        refused(
            &format!("[profiles]\nwarn_before = '{bad}'\n"),
            3,
            "profiles.warn_before",
            "is not a duration",
            "",
        );
    }
    refused(
        "[keychain]\nbuild_p95 = '0m'\n",
        3,
        "keychain.build_p95",
        "is zero",
        "",
    );
    refused(
        "[keychain]\nunlock_ceiling = '0s'\n",
        3,
        "keychain.unlock_ceiling",
        "is zero",
        "",
    );
    refused(
        "[keychain]\nunlock_ceiling = '45d'\n",
        3,
        "keychain.unlock_ceiling",
        "more than a day",
        "",
    );
    accepted("[profiles]\nminimum_validity = '0d'\n[keychain]\nunlock_ceiling = '24h'\n");
}

#[test]
fn paths_resolve_against_the_policy_and_the_home() {
    let policy = accepted(
        "[profiles]\ndirectories = ['../fixtures/profiles', '/opt/profiles', '~/profiles', '~']\n\
         [keychain]\npath = 'ci.keychain-db'\n",
    );
    let expected = [
        "/repo/manifests/../fixtures/profiles",
        "/opt/profiles",
        "/Users/ci/profiles",
        "/Users/ci",
    ];
    assert_eq!(policy.profiles.directories, expected.map(PathBuf::from));
    assert_eq!(
        policy.keychain.path,
        Some(PathBuf::from("/repo/manifests/ci.keychain-db"))
    );
    let here = Policy::parse(
        "version = 1\n[profiles]\ndirectories = ['p']\n",
        Path::new("signing.toml"),
        None,
    );
    assert_eq!(here.unwrap().profiles.directories, [PathBuf::from("p")]);
}

#[test]
fn paths_that_mean_nothing_are_refused() {
    let path = |text: &str| format!("[profiles]\ndirectories = [{text}]\n");
    let at = "profiles.directories[0]";
    refused(&path("''"), 3, at, "empty path", "");
    refused(&path("\"a\\u0000b\""), 3, at, "NUL", "");
    refused(
        &path("'$HOME/profiles'"),
        3,
        at,
        "starts with a variable",
        "~ is the home",
    );
    refused(
        &path("'~bob/profiles'"),
        3,
        at,
        "another user's home",
        "only ~/",
    );
    refused(
        &path("'/a', '/a'"),
        3,
        "profiles.directories[1]",
        "repeats",
        "",
    );
    let homeless = Policy::parse(
        "version = 1\n[keychain]\npath = '~/k'\n",
        Path::new(FILE),
        None,
    );
    let findings = homeless.unwrap_err();
    assert!(
        findings[0].message.contains("no home directory"),
        "{findings:#?}"
    );
    assert!(findings[0].hint.as_ref().unwrap().contains("HOME"));
}

#[test]
fn keychains_that_are_not_ours_are_refused() {
    for theirs in [
        "~/Library/Keychains/login.keychain-db",
        "~/Library/Keychains/my-login.keychain",
        "~/Library/Keychains/Login.Keychain-db",
        "/Library/Keychains/System.keychain",
    ] {
        refused(
            &format!("[keychain]\npath = '{theirs}'\n"),
            3,
            "keychain.path",
            "of the user or of the system",
            "",
        );
    }
}

#[test]
fn on_closed_is_refuse_or_a_program_named_by_its_path() {
    let read = |value: &str| {
        accepted(&format!("[keychain]\non_closed = {value}\n"))
            .keychain
            .on_closed
    };
    let command = |on_closed: OnClosed| match on_closed {
        OnClosed::Command(command) => (command.program, command.arguments),
        OnClosed::Refuse => panic!("refuse"),
    };
    assert_eq!(read("'refuse'"), OnClosed::Refuse);
    let (program, arguments) = command(read("['/usr/local/bin/page', 'on call', '$X']"));
    assert_eq!(program, Path::new("/usr/local/bin/page"));
    assert_eq!(arguments, ["on call", "$X"], "nothing is expanded");
    let (program, arguments) = command(read("'./page --team mobile'"));
    assert_eq!(program, Path::new("/repo/manifests/./page"));
    assert_eq!(arguments, ["--team", "mobile"]);

    let on_closed = |value: &str| format!("[keychain]\non_closed = {value}\n");
    refused(
        &on_closed("'refuze'"),
        3,
        "keychain.on_closed",
        "neither",
        "path",
    );
    refused(
        &on_closed("'page mobile'"),
        3,
        "keychain.on_closed",
        "neither",
        "path",
    );
    refused(&on_closed("''"), 3, "keychain.on_closed", "neither", "");
    refused(&on_closed("[]"), 3, "keychain.on_closed", "neither", "");
    refused(
        &on_closed("['/bin/page', 1]"),
        3,
        "keychain.on_closed[1]",
        "is not a word",
        "",
    );
    refused(
        &on_closed("'/bin/page \"on call\"'"),
        3,
        "keychain.on_closed",
        "no shell reads it",
        "list of words",
    );
    refused(
        &on_closed("'/bin/page | tee log'"),
        3,
        "keychain.on_closed",
        "no shell reads it",
        "list of words",
    );
}

#[test]
fn windows_are_checked() {
    let window = |text: &str| format!("[[keychain.allowed]]\n{text}\n");
    let good = "from = '06:00'\nto = '22:00'\nzone = 'UTC'";
    accepted(&window(good));
    let weekend = accepted(&window(
        "days = ['sat', 'sun']\nfrom = '22:00'\nto = '06:00'\nzone = 'europe/berlin'",
    ));
    assert_eq!(
        weekend.keychain.allowed.windows[0].to_string(),
        "sat, sun 22:00–06:00 Europe/Berlin"
    );
    accepted(&window("from = '00:00'\nto = '24:00'\nzone = 'UTC'"));

    let at = |key: &str| format!("keychain.allowed[0].{key}");
    refused(
        &window("to = '22:00'\nzone = 'UTC'"),
        2,
        &at("from"),
        "`from` is not written",
        "06:00",
    );
    refused(
        &window("from = '06:00'\nzone = 'UTC'"),
        2,
        &at("to"),
        "`to` is not written",
        "22:00",
    );
    refused(
        &window("from = '06:00'\nto = '22:00'"),
        2,
        &at("zone"),
        "`zone` is not written",
        "Europe/Berlin",
    );
    for bad in [
        "6:00", "24:00", "06:60", "0600", "06:00:00", "+6:00", "06:0", "",
    ] {
        let text = format!("from = '{bad}'\nto = '22:00'\nzone = 'UTC'");
        refused(
            &window(&text),
            3,
            &at("from"),
            "not a time of day",
            "two digits",
        );
    }
    refused(
        &window("from = 06:00:00\nto = '22:00'\nzone = 'UTC'"),
        3,
        &at("from"),
        "is not a time",
        "quotes",
    );
    refused(
        &window("from = '06:00'\nto = '24:01'\nzone = 'UTC'"),
        4,
        &at("to"),
        "not a time of day",
        "",
    );
    refused(
        &window(&format!("days = []\n{good}")),
        3,
        &at("days"),
        "never opens",
        "every day",
    );
    refused(
        &window(&format!("days = 'mon'\n{good}")),
        3,
        &at("days"),
        "is not a list",
        "[ ]",
    );
    refused(
        &window(&format!("days = ['Monday']\n{good}")),
        3,
        &at("days[0]"),
        "is not one of mon",
        "`mon`",
    );
    refused(
        &window(&format!("days = ['mon', 'Δ']\n{good}")),
        3,
        &at("days[1]"),
        "is not one of mon",
        "",
    );
    for (bad, meant) in [
        ("America/New York", "America/New_York"),
        ("Europe/Berln", "Europe/Berlin"),
        ("+02:00", "region and city"),
        ("", "region and city"),
    ] {
        let text = format!("from = '06:00'\nto = '22:00'\nzone = '{bad}'");
        refused(
            &window(&text),
            5,
            &at("zone"),
            "not a known time zone",
            meant,
        );
    }
    refused(
        &window(good).repeat(65),
        2,
        "keychain.allowed",
        "more windows",
        "",
    );
}

#[test]
fn fingerprints_exports_and_overrides_are_checked() {
    let sha1 = "11".repeat(20);
    let allow = |list: &str| format!("[identities]\nallow = [{list}]\n");
    accepted(&allow(&format!("'{sha1}', '{}'", "22".repeat(32))));
    refused(
        &allow("'Apple Distribution: Acme'"),
        3,
        "identities.allow[0]",
        "not a certificate fingerprint",
        "",
    );
    refused(
        &allow(&format!("'{sha1}', '{sha1}'")),
        3,
        "identities.allow[1]",
        "repeats",
        "",
    );

    for bad in ["0", "-1", "17", "300"] {
        refused(
            &format!("[export]\napprovals = {bad}\n"),
            3,
            "export.approvals",
            "from 1 to 16",
            "different people",
        );
    }
    let unused = accepted("[export]\napprovals = 0x3\n").remarks();
    assert_eq!(unused.len(), 1);
    assert_eq!(unused[0].code, Code::PolicyUnused);
    assert_eq!(unused[0].severity, Severity::Warn);
    assert_eq!(unused[0].place.line, Some(2));
    assert_eq!(accepted("").remarks(), []);
    refused(
        "[export]\nticket = '[A-Z'\n",
        3,
        "export.ticket",
        "not a regular expression",
        "",
    );
    refused(
        "[export]\nticket = 'a)|(b'\n",
        3,
        "export.ticket",
        "not a regular expression",
        "",
    );
    refused(
        "[export]\nticket = ''\n",
        3,
        "export.ticket",
        "the pattern is empty",
        "",
    );

    let uuid = "0b2e0000-0000-4000-8000-000000000001";
    let target = |text: &str| format!("[[targets]]\n{text}\n");
    refused(
        &target(&format!("profile = '{uuid}'")),
        2,
        "targets[0].target",
        "`target` is not written",
        "",
    );
    refused(
        &target("target = 'A'"),
        2,
        "targets[0].profile",
        "`profile` is not written",
        "UUID of its profile",
    );
    refused(
        &target("target = 'A'\nprofile = '0b2e…UUID'"),
        4,
        "targets[0].profile",
        "not a profile UUID",
        "",
    );
    refused(
        &target(&format!("target = ''\nprofile = '{uuid}'")),
        3,
        "targets[0].target",
        "not a target name",
        "",
    );
    let twice = target(&format!("target = 'A'\nprofile = '{uuid}'")).repeat(2);
    refused(&twice, 5, "targets[1]", "repeats `targets[0]`", "");
}

#[test]
fn files_that_are_no_policy_are_refused() {
    let large = format!("version = 1\n#{}\n", "x".repeat(MAX_BYTES));
    let findings = parse(&large).unwrap_err();
    assert!(findings[0].message.contains("too large"), "{findings:#?}");
    let bytes = b"version = 1\n[topology]\nkind = \"\xff\"\n";
    let findings = Policy::parse_bytes(bytes, Path::new(FILE), None).unwrap_err();
    assert!(findings[0].message.contains("UTF-8"), "{findings:#?}");
    assert_eq!(findings[0].place.line, Some(3));
    assert!(Policy::parse_bytes(b"version = 1\n", Path::new(FILE), None).is_ok());
    assert!(
        Policy::parse_bytes(
            b"\xef\xbb\xbfversion = 1\r\n[export]\r\n",
            Path::new(FILE),
            None
        )
        .is_ok()
    );
}

#[test]
fn a_flood_of_mistakes_is_counted_not_listed() {
    let many: String = (0..20_000).map(|n| format!("k{n}=1\n")).collect();
    let findings = parse(&format!("version = 1\n{many}")).unwrap_err();
    assert_eq!(findings.len(), 101);
    let last = findings.last().unwrap();
    assert!(last.message.contains("19900 more"), "{last:#?}");
}

/// No text may make the reader panic or contradict itself: every prefix of a good policy, and one with each byte
/// replaced, is either read or refused with findings that point into the file.
#[test]
fn torn_and_flipped_policies_are_read_or_refused() {
    let lines = DESIGN.lines().count() as u64 + 1;
    let check = |text: &str| match parse(text) {
        Ok(policy) => assert_eq!(policy.file(), Some(Path::new(FILE))),
        Err(findings) => {
            assert!(!findings.is_empty(), "{text}");
            for finding in findings {
                let line = finding.place.line.unwrap();
                assert!((1..=lines).contains(&line), "{finding:?}");
            }
        }
    };
    for (at, _) in DESIGN.char_indices() {
        check(&DESIGN[..at]);
        for replacement in ['"', '[', '=', '\n', 'x', '\u{7f}', 'é'] {
            let mut text = DESIGN.to_owned();
            let width = text[at..].chars().next().unwrap().len_utf8();
            text.replace_range(at..at + width, replacement.encode_utf8(&mut [0; 4]));
            if text.lines().count() as u64 <= lines {
                check(&text);
            }
        }
    }
}

#[test]
fn the_example_policy_loads_and_uses_every_key() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/signing.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let policy = Policy::parse(&text, &file, Some(Path::new(HOME))).unwrap();
    assert_eq!(policy.topology.kind, TopologyKind::DedicatedSigner);
    assert!(
        policy.keychain.allowed.windows.is_empty(),
        "the README's command passes at any hour"
    );
    let anchors = file.parent().unwrap().join("../fixtures/acme/anchors.pem");
    assert_eq!(policy.profiles.trust_anchors, [anchors]);
    // Nothing reads [export] yet: the example does not recommend it.
    assert_eq!(policy.remarks(), []);
    for (section, keys) in SECTIONS.iter().filter(|(section, _)| *section != "export") {
        for key in keys.iter().filter(|key| **key != "export") {
            assert!(text.contains(key), "{section}.{key} is not shown");
        }
    }

    // The commented examples are right too: with them, the file still loads.
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with("[[") || rest.contains(" = ") => rest,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let with_examples = Policy::parse(&uncommented, &file, Some(Path::new(HOME))).unwrap();
    assert_eq!(with_examples.keychain.allowed.windows.len(), 1);
    assert_eq!(with_examples.targets.len(), 1);
}

#[test]
fn the_reference_explains_every_key() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policy.md");
    let reference = std::fs::read_to_string(file).unwrap();
    for (section, keys) in SECTIONS {
        if !section.is_empty() {
            assert!(
                reference.contains(&format!("[{section}]")),
                "[{section}] is not explained"
            );
        }
        for key in *keys {
            assert!(
                reference.contains(&format!("`{key}`")),
                "{section}.{key} is not explained"
            );
        }
    }
}
