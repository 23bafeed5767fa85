//! Words that are promised have somebody who says them.
//!
//! A finding code, an action of the audit log, an exit code or a key of the policy that nothing uses is a promise with
//! nothing behind it. Words kept for rooms to come stand in [`RESERVED`], and nowhere else.

use countersign::base::event::Action;
use countersign::base::finding::Code;
use countersign::cli::exit::Exit;
use countersign::context::policy;

use super::hold;
use super::source::{Source, sources};

/// Words of the future: they stand in contracts, and nothing uses them until their room is built.
const RESERVED: &[&str] = &[
    // The custody of private keys.
    "action custody",
    "action export",
    "exit 14",
    "policy export.approvals",
    "policy export.ticket",
];

/// Keys that a method answers for.
const BY_METHOD: &[(&str, &[&str])] = &[
    ("keychain.build_p95", &["window"]),
    ("keychain.unlock_ceiling", &["window"]),
    ("topology.kind", &["may_hold_keys"]),
    ("identities.allow", &["allows"]),
];

/// Where policies are read: whoever is mentioned there only is no user.
const POLICY: &str = "src/context/policy";

/// A promised word, as the list of reserved ones has it, and whether somebody uses it.
type Word = (String, bool);

/// Whether any file says `Type::Variant`.
fn is_said(kind: &str, variant: &str) -> bool {
    let words = [kind, "::", variant];
    sources()
        .iter()
        .any(|source| source.places(&words).next().is_some())
}

fn codes() -> Vec<Word> {
    let codes = Code::ALL.iter();
    codes
        .map(|code| {
            (
                format!("code {}", code.as_str()),
                is_said("Code", &format!("{code:?}")),
            )
        })
        .collect()
}

fn actions() -> Vec<Word> {
    let actions = Action::ALL.iter();
    actions
        .map(|action| {
            (
                format!("action {}", action.as_str()),
                is_said("Action", &format!("{action:?}")),
            )
        })
        .collect()
}

fn exits() -> Vec<Word> {
    let exits = Exit::ALL.iter();
    exits
        .map(|exit| {
            (
                format!("exit {}", exit.code()),
                is_said("Exit", &format!("{exit:?}")) || is_decided(&format!("{exit:?}")),
            )
        })
        .collect()
}

/// Whether an exit is what a function of `Exit` decides on: such functions stand beside what they decide, and the table of
/// all exits in a file of its own does not count.
fn is_decided(variant: &str) -> bool {
    let words = ["Self", "::", variant];
    sources().iter().any(|source| {
        !source.path.ends_with("cli/exit.rs")
            && source.places(&["impl", "Exit", "{"]).next().is_some()
            && source.places(&words).next().is_some()
    })
}

/// `.name`, and not as a part of a longer path of modules.
fn has_field(source: &Source, name: &str) -> bool {
    source.places(&[".", name]).next().is_some()
}

fn policy_keys() -> Vec<Word> {
    let mut keys = Vec::new();
    let users = || {
        sources()
            .iter()
            .filter(|source| !source.path.starts_with(POLICY))
    };
    for (section, names) in policy::SECTIONS {
        // The parts of a table inside a section are used by whoever uses the table; the top's keys are the sections.
        if section.is_empty() || section.contains('.') {
            continue;
        }
        for name in *names {
            let key = format!("{section}.{name}");
            let methods = BY_METHOD.iter().find(|(known, _)| *known == key);
            let itself = [*name];
            let spoken = methods.map_or(&itself[..], |(_, methods)| methods);
            let mut users = users().filter(|source| has_field(source, section));
            let is_used = users.any(|source| spoken.iter().any(|name| has_field(source, name)));
            keys.push((format!("policy {key}"), is_used));
        }
    }
    keys
}

fn without_a_user(words: Vec<Word>) -> Vec<String> {
    words
        .into_iter()
        .filter(|(word, is_used)| !is_used && !RESERVED.contains(&word.as_str()))
        .map(|(word, _)| format!("{word}: nothing uses it, and it is not reserved"))
        .collect()
}

#[test]
fn every_finding_code_is_found_by_somebody() {
    hold(
        "every_finding_code_is_found_by_somebody",
        &without_a_user(codes()),
    );
}

#[test]
fn every_action_is_recorded_by_somebody() {
    hold(
        "every_action_is_recorded_by_somebody",
        &without_a_user(actions()),
    );
}

#[test]
fn every_exit_code_ends_something() {
    hold("every_exit_code_ends_something", &without_a_user(exits()));
}

#[test]
fn every_policy_key_is_read_by_somebody() {
    hold(
        "every_policy_key_is_read_by_somebody",
        &without_a_user(policy_keys()),
    );
}

#[test]
fn no_reserved_word_is_in_use() {
    let words = [codes(), actions(), exits(), policy_keys()].concat();
    let offences: Vec<String> = RESERVED
        .iter()
        .filter_map(
            |reserved| match words.iter().find(|(word, _)| word == reserved) {
                Some((_, false)) => None,
                Some((_, true)) => Some(format!(
                    "{reserved}: it has a user, so it is not reserved any more"
                )),
                None => Some(format!("{reserved}: no such word is promised")),
            },
        )
        .collect();
    hold("no_reserved_word_is_in_use", &offences);
}
