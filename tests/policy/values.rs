//! Values: what each key takes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use countersign::base::finding::{Code, Severity};
use countersign::context::policy::{BlockOn, OnClosed, OnStragglers, Policy, ReadOnly};

use crate::reading::{FILE, accepted, refusal, refused};

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
        "is not true, false or \"strict\"",
        "without quotes",
    );
    refused(
        "[gate]\nwaivable = 'targets'\n",
        3,
        "gate.waivable",
        "is not a list",
        "[ ]",
    );
    refused(
        "[gate]\nblock_on = [true]\n",
        3,
        "gate.block_on[0]",
        "is not preload or namespace",
        "quotes",
    );
    refused(
        "[session]\non_stragglers = false\n",
        3,
        "session.on_stragglers",
        "is not \"end\" or \"report\"",
        "quotes",
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
        "is not a table",
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
        "no host may sign",
        "key_hosts",
    );
    refused(
        "[topology]\nkind = 'controlled-distribution'\nkey_hosts = []\n",
        4,
        "topology.key_hosts",
        "no host may sign",
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
        "names a host that is not in topology.key_hosts",
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
        "write ~ for the home",
    );
    refused(
        &path("'~bob/profiles'"),
        3,
        at,
        "another user's home",
        "write ~/,",
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
        weekend.keychain.allowed.spans[0].to_string(),
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
        "never open",
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
        "too many entries",
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
fn the_gate_waives_what_the_policy_names() {
    use countersign::base::finding::Group::{Identities, Profiles, Targets};

    let gate = |keys: &str| accepted(&format!("[gate]\n{keys}\n")).gate;
    let default = gate("");
    assert_eq!(default, accepted("").gate, "an empty section is none");
    assert_eq!(default.waivable, BTreeSet::from([Identities, Targets]));
    assert_eq!(
        default.run_waivable,
        BTreeSet::new(),
        "a run waives nothing"
    );
    let narrow = gate("waivable = []\nrun_waivable = ['profiles', 'targets']");
    assert_eq!(narrow.waivable, BTreeSet::new());
    assert_eq!(narrow.run_waivable, BTreeSet::from([Profiles, Targets]));

    let at = |key: &str| format!("gate.{key}[0]");
    for key in ["waivable", "run_waivable"] {
        // No file allows to do without the file; and what --without cannot name cannot be allowed.
        for group in ["policy", "manifest", "certificates", "node", "all", ""] {
            refused(
                &format!("[gate]\n{key} = ['{group}']\n"),
                3,
                &at(key),
                "is not one of profiles, identities, targets",
                "",
            );
        }
        refused(
            &format!("[gate]\n{key} = ['identites']\n"),
            3,
            &at(key),
            "is not one of",
            "`identities`",
        );
        refused(
            &format!("[gate]\n{key} = ['targets', 'targets']\n"),
            3,
            &format!("gate.{key}[1]"),
            "repeats",
            "delete one",
        );
    }
}

#[test]
fn the_gate_blocks_on_what_the_policy_names() {
    let block_on = |value: &str| {
        let policy = accepted(&format!("[gate]\nblock_on = {value}\n"));
        policy.gate.block_on
    };
    assert_eq!(
        accepted("").gate.block_on,
        BTreeSet::from([BlockOn::Preload])
    );
    assert_eq!(block_on("[]"), BTreeSet::new());
    assert_eq!(
        block_on("['namespace', 'preload']"),
        BTreeSet::from([BlockOn::Preload, BlockOn::Namespace])
    );
    refused(
        "[gate]\nblock_on = ['namespaces']\n",
        3,
        "gate.block_on[0]",
        "is not preload or namespace",
        "`namespace`",
    );
}

#[test]
fn stragglers_are_ended_unless_the_policy_says_otherwise() {
    let on_stragglers = |value: &str| {
        let policy = accepted(&format!("[session]\non_stragglers = '{value}'\n"));
        policy.session.on_stragglers
    };
    assert_eq!(accepted("").session.on_stragglers, OnStragglers::End);
    assert_eq!(on_stragglers("end"), OnStragglers::End);
    assert_eq!(on_stragglers("report"), OnStragglers::Report);
    refused(
        "[session]\non_stragglers = 'ignore'\n",
        3,
        "session.on_stragglers",
        "is not",
        "",
    );
}

#[test]
fn read_only_is_false_true_or_strict() {
    let read_only = |value: &str| {
        let policy = accepted(&format!("[profiles]\nread_only = {value}\n"));
        policy.profiles.read_only
    };
    assert_eq!(accepted("").profiles.read_only, ReadOnly::No);
    assert_eq!(read_only("false"), ReadOnly::No);
    assert_eq!(read_only("true"), ReadOnly::Yes);
    assert_eq!(read_only("'strict'"), ReadOnly::Strict);
    for bad in ["'Strict'", "'false'", "1", "[]"] {
        refused(
            &format!("[profiles]\nread_only = {bad}\n"),
            3,
            "profiles.read_only",
            "is not true, false or \"strict\"",
            "write true and false without quotes",
        );
    }
}
