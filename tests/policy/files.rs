//! The file as a whole: its keys, its lines, its mistakes.

use std::path::Path;

use countersign::base::digest::Digest;
use countersign::context::policy::OnClosed;
use countersign::context::policy::TopologyKind;
use countersign::context::policy::{MAX_BYTES, Policy};
use jiff::SignedDuration;

use crate::reading::{FILE, HOME, accepted, parse, refusal, refusals, refused};

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

[gate]
waivable     = ["identities", "targets"]
run_waivable = []
block_on     = ["preload"]

[session]
on_stragglers = "end"

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
    assert_eq!(policy.keychain.allowed.spans.len(), 1);
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
    assert_eq!(policy.line_of("gate.block_on"), Some(37));
    assert_eq!(policy.line_of("session.on_stragglers"), Some(40));
    assert_eq!(policy.line_of("targets[0].profile"), Some(45));
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
    assert_eq!(written.gate, builtin.gate);
    assert_eq!(written.session, builtin.session);
    assert_eq!(written.targets, builtin.targets);
    assert_eq!(builtin.topology.kind, TopologyKind::PerRunner);
    assert_eq!(builtin.file(), None);
    assert_eq!(builtin.place_of("topology").file, None);
    assert_eq!(Policy::builtin(None).keychain.path, None);
    assert_eq!(builtin.digest(), None, "nobody reviewed it");
    let text = "version = 1\n";
    assert_eq!(written.digest(), Some(Digest::of(text.as_bytes())));
    let bytes = Policy::parse_bytes(text.as_bytes(), Path::new(FILE), home).unwrap();
    assert_eq!(bytes.digest(), written.digest());
    // Comments and a byte-order mark are part of what was reviewed.
    let marked = Policy::parse("\u{feff}version = 1\n", Path::new(FILE), home).unwrap();
    assert_ne!(marked.digest(), written.digest());
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
        "the policy has version 2, but this countersign knows only version 1"
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
