//! Every command says the same findings as text, in JSON and as annotations, and ends with the same exit code. JSON holds every
//! finding; the text tells those of one cause together; annotations are the causes, ten at most.
//!
//! Three workshops, in each of which something is wrong: a project, the policy, a profile. Each command runs in each of
//! them once for every format, in a copy of its own. The commands come from the command line's own description, so that a
//! new one without a row here fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use countersign::base::cause::causes;
use countersign::base::error::ErrorCode;
use countersign::base::finding::{Code, Finding, Group};
use countersign::cli::Cli;
use forge::profile::ProfileSpec;
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop, ran};

/// How a command is called in every workshop.
const COMMANDS: &[(&str, &str)] = &[
    ("profile show", "profiles"),
    ("profile list", ""),
    (
        "profile check",
        "new.mobileprovision --entitlements Rocket/Rocket.entitlements",
    ),
    ("profile install", "new.mobileprovision"),
    ("profile prune", "--expired --unpinned"),
    ("manifest freeze", "--project Acme.xcodeproj"),
    ("manifest show", ""),
    ("manifest digest", ""),
    ("manifest diff", "manifests/profiles.json other.json"),
    ("manifest verify", ""),
    ("manifest schema", "gate"),
    ("policy digest", ""),
    ("targets show", "--project Acme.xcodeproj"),
    (
        "targets check",
        "--project Acme.xcodeproj --configuration Release",
    ),
    (
        "targets export",
        "--project Acme.xcodeproj --configuration Release --as xcargs",
    ),
    ("identity list", "--identities identities.txt"),
    ("identity digest", "--identities identities.txt"),
    (
        "gate",
        "--project Acme.xcodeproj --identities identities.txt",
    ),
    (
        "run",
        "--project Acme.xcodeproj --without identities --keychain ci.p12 -- /bin/sleep 0",
    ),
    (
        "report",
        "-o signing.html --project Acme.xcodeproj --identities identities.txt",
    ),
    ("doctor", ""),
    ("init", "--project Acme.xcodeproj"),
    // Without a key nothing is asked.
    ("portal list", "--key-file missing.p8"),
    ("portal renew", "--key-file missing.p8"),
    ("portal fetch", "--key-file missing.p8 --renewed --into new"),
    ("certificate show", "anchors.pem --uses"),
    ("rotate plan", "--successors new.mobileprovision"),
    ("rotate rehearse", "--successors new.mobileprovision"),
    ("rotate stage", "--successors new.mobileprovision"),
    ("rotate promote", ""),
    ("rotate retire", ""),
    ("rotate rollback", ""),
    ("rotate status", ""),
    ("rotate probe", ""),
    ("product show", "Rocket.app"),
    ("product verify", "Rocket.app"),
    ("product check", "Rocket.app"),
    ("keychain create", "--keychain ci.p12"),
    (
        "keychain import",
        "identity.p12 --password-file identity.p12.password --keychain ci.p12",
    ),
    (
        "keychain unlock",
        "--without profiles,identities,targets --keychain ci.p12",
    ),
    ("keychain lock", "--keychain ci.p12"),
    ("keychain status", "--keychain ci.p12"),
    ("keychain destroy", "--yes --keychain ci.p12"),
    ("keychain recover", ""),
    (
        "keychain serve",
        // A folder that is not there, or it would wait for runs.
        "--keychain ci.p12 --user 4242 --socket missing/socket --keychain-password-file password",
    ),
    (
        "envelope verify",
        "envelope.json --allowed-signers allowed_signers",
    ),
    ("audit show", ""),
    ("audit verify", ""),
    ("audit export", "--since 24h"),
    ("audit checkpoint", ""),
    ("audit resume", ""),
    ("completions", "bash"),
    ("man", "pages"),
    ("help", "gate"),
    ("explain", "profile-missing"),
];

/// What some commands must find, so that silence in every format does not pass.
const EXPECTED: &[(&str, &str, &[&str])] = &[
    (
        "project",
        "targets show",
        &["xcconfig-missing", "target-unmapped"],
    ),
    (
        "project",
        "targets check",
        &["xcconfig-missing", "target-unmapped"],
    ),
    ("project", "targets export", &["target-unmapped"]),
    ("project", "manifest freeze", &["target-unmapped"]),
    ("project", "gate", &["target-unmapped"]),
    ("project", "report", &["target-unmapped"]),
    ("policy", "profile show", &["policy-invalid"]),
    ("policy", "profile list", &["policy-invalid"]),
    ("policy", "profile install", &["policy-invalid"]),
    ("policy", "profile prune", &["policy-invalid"]),
    ("policy", "manifest freeze", &["policy-invalid"]),
    ("policy", "manifest verify", &["policy-invalid"]),
    ("policy", "targets show", &["policy-invalid"]),
    ("policy", "targets check", &["policy-invalid"]),
    ("policy", "targets export", &["policy-invalid"]),
    ("policy", "policy digest", &["policy-invalid"]),
    ("policy", "gate", &["policy-invalid"]),
    ("policy", "report", &["policy-invalid"]),
    ("policy", "doctor", &["policy-invalid"]),
    ("policy", "run", &["policy-invalid"]),
    ("policy", "keychain create", &["policy-invalid"]),
    ("policy", "keychain import", &["policy-invalid"]),
    ("policy", "keychain destroy", &["policy-invalid"]),
    ("expired", "targets show", &["profile-expired"]),
    ("expired", "targets check", &["profile-expired"]),
    ("expired", "targets export", &["profile-expired"]),
    ("expired", "gate", &["profile-expired"]),
    ("expired", "report", &["profile-expired"]),
    ("expired", "doctor", &["profile-expired"]),
    ("policy", "envelope verify", &["envelope-unsigned"]),
    ("policy", "product show", &["policy-invalid"]),
    ("policy", "product verify", &["policy-invalid"]),
    ("policy", "product check", &["policy-invalid"]),
    ("expired", "product show", &["code-unsigned"]),
    ("expired", "product verify", &["code-unsigned"]),
    ("expired", "product check", &["code-unsigned"]),
    ("expired", "profile list", &["profile-anchor-not-apple"]),
    ("expired", "manifest verify", &["profile-anchor-not-apple"]),
];

/// A workshop with Acme's project and these profiles, frozen.
fn workshop(project: &forge::project::ProjectSpec, profiles: &[ProfileSpec]) -> Workshop {
    let workshop = Workshop::new();
    project.write(&workshop.path(""));
    for spec in profiles {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop
        .run(&["manifest", "freeze", "--allow-expired"])
        .exits(0);
    workshop.write("other.json", workshop.read("manifests/profiles.json"));
    let new = forge::fixtures::products()[0].clone().named("New");
    workshop.write("new.mobileprovision", new.mint());
    let unsigned = r#"{"_type":"https://in-toto.io/Statement/v1"}"#;
    workshop.write("envelope.json", unsigned);
    workshop.write("allowed_signers", "# nobody\n");
    fs::create_dir(workshop.path("Rocket.app")).unwrap();
    workshop.write("Rocket.app/Info.plist", "<plist><dict/></plist>");
    for (from, to) in [
        ("distribution.p12", "identity.p12"),
        ("distribution.p12.password", "identity.p12.password"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/acme")
            .join(from);
        fs::copy(path, workshop.path(to)).unwrap();
    }
    workshop
}

/// A project that names a configuration file which is not there, and lacks the profile of one target.
fn broken_project() -> Workshop {
    let project = forge::fixtures::project().based_on("Missing.xcconfig");
    workshop(&project, &forge::fixtures::products()[1..])
}

/// A policy with a typo.
fn broken_policy() -> Workshop {
    let workshop = workshop(&forge::fixtures::project(), &forge::fixtures::products());
    workshop.write("manifests/signing.toml", "version = 1\ntypo = 1\n");
    workshop
}

/// A profile that has expired, which the manifest pins and a target is signed with.
fn expired_profile() -> Workshop {
    let mut profiles = forge::fixtures::products();
    let expired = profiles.remove(0);
    profiles.push(expired.valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"));
    workshop(&forge::fixtures::project(), &profiles)
}

/// Every command that people can call, as words.
fn commands(command: &clap::Command, words: &str, found: &mut BTreeSet<String>) {
    let mut is_leaf = true;
    for below in command.get_subcommands() {
        is_leaf = false;
        let words = format!("{words} {}", below.get_name());
        commands(below, words.trim(), found);
    }
    if is_leaf {
        found.insert(words.to_owned());
    }
}

/// What a command says in one format: finding codes, the same with their files, error codes, exit code.
#[derive(Debug, Default)]
struct Said {
    findings: BTreeSet<String>,
    places: BTreeSet<(String, String)>,
    all: Vec<Finding>,
    errors: BTreeSet<String>,
    exit: i32,
}

fn is_finding(word: &str) -> bool {
    Code::ALL.iter().any(|code| code.as_str() == word)
}

fn is_error(word: &str) -> bool {
    ErrorCode::ALL.iter().any(|code| code.as_str() == word)
}

/// `  block profile-missing`, `  block profile-missing × 3`, `follows   profile-expired: …`, and `error: …`, which has no code.
fn said_to_people(ran: &Ran) -> Said {
    let mut findings = BTreeSet::new();
    for line in ran.out.lines().chain(ran.err.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let code = match words.as_slice() {
            ["block" | "warn" | "info", code] | ["block" | "warn" | "info", code, "×", _] => code,
            ["follows", code, ..] => code.trim_end_matches(':'),
            _ => continue,
        };
        if is_finding(code) {
            findings.insert(code.to_owned());
        }
    }
    Said {
        findings,
        exit: ran.code,
        ..Said::default()
    }
}

/// `::error title=profile-missing,…`.
fn said_to_github(ran: &Ran) -> Said {
    let mut said = Said {
        exit: ran.code,
        ..Said::default()
    };
    for line in ran.out.lines().chain(ran.err.lines()) {
        let Some((_, rest)) = line
            .strip_prefix("::")
            .and_then(|it| it.split_once(" title="))
        else {
            continue;
        };
        let title = rest.split([',', ':']).next().unwrap();
        if is_finding(title) {
            said.findings.insert(title.to_owned());
            let properties = rest.split_once("::").unwrap().0.split(',');
            let file = properties.filter_map(|it| it.strip_prefix("file=")).next();
            said.places
                .insert((title.to_owned(), file.unwrap_or_default().to_owned()));
        } else if is_error(title) {
            said.errors.insert(title.to_owned());
        }
    }
    said
}

/// Documents on both streams.
fn said_to_programs(ran: &Ran) -> Said {
    let mut said = Said {
        exit: ran.code,
        ..Said::default()
    };
    let of_errors = ran
        .err
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    for document in serde_json::from_str::<Json>(&ran.out)
        .into_iter()
        .chain(of_errors)
    {
        support::schema::holds_if_ours(&document);
        if document["schema"] == "countersign.error.v2"
            && let Some(code) = document["code"].as_str()
        {
            said.errors.insert(code.to_owned());
        }
        findings_in(&document, &mut said);
    }
    said
}

/// What is below a key `findings`.
fn findings_in(document: &Json, said: &mut Said) {
    match document {
        Json::Object(fields) => {
            for (name, value) in fields {
                match value.as_array() {
                    Some(findings) if name == "findings" => {
                        for finding in findings {
                            let finding: Finding = serde_json::from_value(finding.clone()).unwrap();
                            said.findings.insert(finding.code.as_str().to_owned());
                            said.all.push(finding);
                        }
                    }
                    _ => findings_in(value, said),
                }
            }
        }
        Json::Array(values) => values.iter().for_each(|value| findings_in(value, said)),
        _ => {}
    }
}

/// What a command says in each format, each time in a fresh copy of the workshop.
fn said(workshop: &Workshop, command: &str, arguments: &str) -> [Said; 3] {
    let run = |flags: &[&str]| {
        let copied = tempfile::tempdir().unwrap();
        support::copy_folder(&workshop.path(""), copied.path());
        let words = command.split(' ').chain(flags.iter().copied());
        let words: Vec<&str> = words.chain(arguments.split_whitespace()).collect();
        ran(workshop
            .command(&words)
            .env("HOME", copied.path().join("home"))
            .current_dir(copied.path()))
    };
    [
        said_to_people(&run(&["--verbose"])),
        said_to_programs(&run(&["--format", "json"])),
        said_to_github(&run(&["--format", "github"])),
    ]
}

/// The file of a finding from the root of the checkout: without one that by which it is judged, and for the folder of profiles
/// the policy, which names it.
fn place(finding: &Finding) -> String {
    let judged_by = match finding.code.group() {
        Group::Node | Group::Policy | Group::Identities => "manifests/signing.toml",
        _ => "manifests/profiles.json",
    };
    let file = finding.place.file.as_deref().unwrap_or(judged_by);
    match file.replace("manifests/../", "") {
        folder if folder == "profiles" => "manifests/signing.toml".to_owned(),
        file => file,
    }
}

/// What is not the same in the three formats, and what was to be found and was not.
fn differences(name: &str, workshop: &Workshop) -> Vec<String> {
    let mut differences = Vec::new();
    for (command, arguments) in COMMANDS {
        let [people, programs, github] = said(workshop, command, arguments);
        if people.findings != programs.findings {
            differences.push(format!(
                "{name}: {command}: as text {:?}, in JSON {:?}",
                people.findings, programs.findings
            ));
        }
        let causes = causes(&programs.all);
        let annotated: BTreeSet<(String, String)> = causes
            .iter()
            .take(10)
            .map(|cause| (cause.first.code.as_str().to_owned(), place(cause.first)))
            .collect();
        if github.places != annotated {
            differences.push(format!(
                "{name}: {command}: causes in JSON {annotated:?}, in annotations {:?}",
                github.places
            ));
        }
        if github.errors != programs.errors {
            differences.push(format!(
                "{name}: {command}: errors in JSON {:?}, as annotations {:?}",
                programs.errors, github.errors
            ));
        }
        if people.exit != programs.exit || github.exit != programs.exit {
            differences.push(format!(
                "{name}: {command}: exits {}, {}, {}",
                people.exit, programs.exit, github.exit
            ));
        }
        let expected = EXPECTED
            .iter()
            .filter(|(of, it, _)| of == &name && it == command);
        for code in expected.flat_map(|(_, _, codes)| codes.iter()) {
            if !programs.findings.contains(*code) {
                let found = &programs.findings;
                differences.push(format!("{name}: {command}: no {code} in {found:?}"));
            }
        }
    }
    differences
}

#[test]
fn every_command_has_a_row() {
    let mut found = BTreeSet::new();
    let mut cli = Cli::command();
    cli.build();
    commands(&cli, "", &mut found);
    let rows: BTreeSet<String> = COMMANDS
        .iter()
        .map(|(words, _)| (*words).to_owned())
        .collect();
    assert_eq!(found, rows);
}

#[test]
fn a_broken_project_is_told_alike_in_every_format() {
    let differences = differences("project", &broken_project());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn a_broken_policy_is_told_alike_in_every_format() {
    let differences = differences("policy", &broken_policy());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn an_expired_profile_is_told_alike_in_every_format() {
    let differences = differences("expired", &expired_profile());
    assert!(differences.is_empty(), "{differences:#?}");
}

/// What stands on standard output is put on the command line of xcodebuild.
#[test]
fn an_export_that_is_blocked_leaves_standard_output_empty() {
    for workshop in [broken_project(), broken_policy()] {
        for format in ["human", "json", "github"] {
            let export = "targets export --project Acme.xcodeproj --as xcargs --format";
            let words: Vec<&str> = export.split(' ').chain([format]).collect();
            let ran = workshop.run(&words).exits(10);
            assert_eq!(ran.out, "", "{format}");
            assert!(!ran.err.is_empty(), "{format}");
        }
    }
}

/// A keychain whose path is given needs no policy; without one the policy must be read to close it.
#[test]
fn a_broken_policy_is_told_alike_where_it_alone_names_the_keychain() {
    let workshop = broken_policy();
    for command in ["keychain lock", "keychain status", "keychain destroy"] {
        let arguments = match command {
            "keychain destroy" => "--yes",
            _ => "",
        };
        for said in said(&workshop, command, arguments) {
            let found: Vec<&str> = said.findings.iter().map(String::as_str).collect();
            assert_eq!(found, ["policy-invalid"], "{command}: {said:?}");
            assert_eq!(said.exit, 10, "{command}: {said:?}");
        }
    }
}

#[test]
fn an_error_is_told_with_its_file_and_its_advice_in_every_format() {
    const FILE: &str = "manifests/profiles.json";
    const ADVICE: &str = "countersign manifest freeze";
    let workshop = Workshop::new();
    let run = |format| {
        let words = ["manifest", "digest", "--format", format];
        workshop.run(&words).exits(11)
    };
    run("human").says(&[FILE, ADVICE]);
    let error = run("json").error_json();
    assert_eq!(error["place"]["file"], FILE);
    assert!(error["hint"].as_str().unwrap().contains(ADVICE), "{error}");
    let github = run("github").err;
    let command = format!("::error title=file-missing,file={FILE}::");
    assert!(github.starts_with(&command), "{github}");
    assert!(github.contains(ADVICE), "{github}");
}
