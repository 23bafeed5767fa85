//! Every JSON document has a committed schema, which is that of the types; what the program prints keeps to it.
//!
//! Besides the cases here, whatever document any test reads from the program (`Ran::json`) is held to its schema.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do; UPDATE_SCHEMAS is read here"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use countersign::cli::document::documents;
use countersign::ops::schema::Document;
use forge::flaw::{Flaw, Layer};
use forge::profile::{Kind, ProfileSpec};
use serde_json::{Value as Json, json};
use support::schema::{committed, faults, holds};
use support::workshop::{Workshop, codes, stock};

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

/// Documents without a `schema` field: a statement of in-toto's, which has a type instead, and a line of the audit log, of
/// which there are millions.
const UNNAMED: [&str; 2] = ["envelope", "audit-record"];

/// The name and version of every document, as in `gate.v1`.
fn names() -> BTreeSet<String> {
    let documents = documents().into_iter();
    documents.map(|document| versioned(&document)).collect()
}

fn versioned(document: &Document) -> String {
    format!("{}.v{}", document.name, document.version)
}

/// Reads every `.rs` file below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// Runs a command with `--format json`, which must end with this code and print this document.
#[track_caller]
fn prints(workshop: &Workshop, command: &str, code: i32, name: &str) -> Json {
    let words: Vec<&str> = command.split(' ').chain(["--format", "json"]).collect();
    let document = workshop.run(&words).exits(code).json();
    assert_eq!(document["schema"], format!("countersign.{name}.v1"));
    document
}

/// Installs a profile as Xcode would.
fn install(workshop: &Workshop, spec: &ProfileSpec) {
    workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
}

fn uninstall(workshop: &Workshop, spec: &ProfileSpec) {
    fs::remove_file(workshop.path("profiles").join(spec.file_name())).unwrap();
}

// what is committed

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for document in documents() {
        let text = serde_json::to_string_pretty(&document.schema()).unwrap() + "\n";
        let path = committed(&versioned(&document));
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let reviewed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            text == reviewed,
            "{} is not that of the types: if the change is compatible, run with UPDATE_SCHEMAS=1 and review; if not, it \
             is v2",
            path.display()
        );
    }
}

#[test]
fn no_schema_is_of_a_document_that_is_no_more() {
    let folder = Path::new(PACKAGE).join("docs/schema");
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".json").unwrap().to_owned()
    });
    assert_eq!(files.collect::<BTreeSet<_>>(), names());
}

#[test]
fn every_document_that_the_source_names_has_a_schema() {
    let mut text = String::new();
    sources(&Path::new(PACKAGE).join("src"), &mut text);
    let mut named: BTreeSet<String> = text
        .split("\"countersign.")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .filter(|word| {
            let version = word.split_once(".v").map(|(_, version)| version);
            version.is_some_and(|version| version.bytes().all(|b| b.is_ascii_digit()))
        })
        .collect();
    for document in UNNAMED {
        named.insert(format!("{document}.v1"));
    }
    assert_eq!(named, names());
}

#[test]
fn every_schema_is_sound_and_says_which_document_it_is_of() {
    for document in documents() {
        let schema = document.schema();
        jsonschema::meta::validate(&schema).unwrap();
        if !UNNAMED.contains(&document.name) {
            let word = document.word();
            assert_eq!(schema["properties"]["schema"]["const"], word);
        }
    }
}

#[test]
fn every_field_of_every_schema_is_described() {
    fn undescribed(schema: &Json, at: &str, found: &mut Vec<String>) {
        let properties = schema.get("properties").and_then(Json::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if property.get("description").is_none() {
                found.push(format!("{at}/{name}"));
            }
        }
        let kinds = schema.get("$defs").and_then(Json::as_object);
        for (name, kind) in kinds.into_iter().flatten() {
            undescribed(kind, &format!("{at}/{name}"), found);
        }
    }
    let mut found = Vec::new();
    for document in documents() {
        undescribed(&document.schema(), document.name, &mut found);
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_document_is_in_the_table_of_documents() {
    let text = fs::read_to_string(Path::new(PACKAGE).join("docs/json.md")).unwrap();
    let listed = text.split("](schema/").skip(1);
    let listed = listed.map(|rest| rest.split_once(".json)").unwrap().0.to_owned());
    assert_eq!(listed.collect::<BTreeSet<_>>(), names());
}

#[test]
fn the_program_prints_the_committed_schemas() {
    let workshop = Workshop::new();
    let printed = workshop.run(&["manifest", "schema"]).exits(0).out;
    assert_eq!(
        printed,
        fs::read_to_string(committed("manifest.v2")).unwrap()
    );
    for document in documents() {
        let command = ["manifest", "schema", document.argument];
        let printed = workshop.run(&command).exits(0).out;
        let reviewed = fs::read_to_string(committed(&versioned(&document))).unwrap();
        assert_eq!(printed, reviewed);
    }
}

// what is printed

#[test]
fn profile_commands_print_what_their_schemas_say() {
    let workshop = Workshop::frozen();
    let prints = |command: &str, code, name| prints(&workshop, command, code, name);
    let forged = stock()[0].clone().named("Forged");
    let forged = forged.with(Flaw::Forged(Layer::Outer)).mint();
    workshop.write("profiles/forged.mobileprovision", &forged);
    workshop.write("profiles/rubbish.mobileprovision", "rubbish");
    prints("profile list", 0, "profiles");
    prints("profile show profiles", 10, "profiles");
    prints("profile show nowhere", 11, "profiles");

    workshop.write("new.mobileprovision", stock()[0].mint());
    workshop.write("forged.mobileprovision", &forged);
    let installs = |outcome: &str| {
        let done = prints("profile install new.mobileprovision", 0, "profile-install");
        assert_eq!(done["files"][0]["outcome"], outcome);
    };
    installs("already installed");
    workshop.write(format!("profiles/{}", stock()[0].file_name()), "damaged");
    installs("replaced");
    uninstall(&workshop, &stock()[0]);
    installs("installed");
    let refused = prints(
        "profile install forged.mobileprovision",
        10,
        "profile-install",
    );
    assert!(!codes(&refused).is_empty());

    let old = ProfileSpec::ios(Kind::AdHoc, "com.acme.old");
    let old = old.valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    install(&workshop, &old);
    install(&workshop, &ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket"));
    for (command, outcomes) in [
        (
            "--expired --unpinned --dry-run",
            &["would be removed: expired", "would be removed: not pinned"][..],
        ),
        (
            "--expired --unpinned",
            &["removed: expired", "removed: not pinned"],
        ),
        ("--expired --unpinned", &[]),
    ] {
        let done = prints(&format!("profile prune {command}"), 0, "profile-prune");
        let done = done["files"].as_array().unwrap().iter();
        let done: BTreeSet<&str> = done.map(|it| it["outcome"].as_str().unwrap()).collect();
        assert!(done.iter().eq(outcomes), "{done:?}");
    }
}

#[test]
fn manifest_commands_print_what_their_schemas_say() {
    let workshop = Workshop::stocked();
    let prints = |command: &str, code, name| prints(&workshop, command, code, name);
    let manifest = || serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    let frozen = prints("manifest freeze", 0, "freeze");
    assert_eq!(frozen["manifest"]["changed"], true);
    holds("manifest.v2", &manifest());
    prints("manifest digest", 0, "manifest-digest");
    prints("manifest digest --sha1", 0, "manifest-digest");
    prints("manifest verify", 0, "manifest-verify");

    workshop.write("old.json", workshop.read("manifests/profiles.json"));
    uninstall(&workshop, &stock()[0]);
    install(&workshop, &ProfileSpec::ios(Kind::AdHoc, "com.acme.rocket"));
    let renewed = stock()[1].clone().named("Renewed");
    workshop.write(
        format!("profiles/{}", stock()[1].file_name()),
        renewed.mint(),
    );
    prints("manifest verify", 10, "manifest-verify");
    prints("manifest freeze", 0, "freeze");
    holds("manifest.v2", &manifest());
    let change = prints(
        "manifest diff old.json manifests/profiles.json",
        0,
        "manifest-diff",
    );
    assert!(
        change["changes"].as_array().unwrap().len() >= 2,
        "{change:#}"
    );
    let change = prints(
        "manifest diff manifests/profiles.json old.json",
        10,
        "manifest-diff",
    );
    assert_eq!(codes(&change), ["manifest-stale-revision"]);

    workshop.write("profiles/rubbish.mobileprovision", "rubbish");
    let blocked = prints("manifest freeze", 10, "freeze");
    assert_eq!(blocked["manifest"], Json::Null);
}

#[test]
fn the_gate_prints_and_writes_what_its_schemas_say() {
    let workshop = Workshop::frozen();
    let gate = |more: &str, code| {
        let known = "gate --identities identities.txt --without targets";
        prints(&workshop, &format!("{known}{more}"), code, "gate")
    };
    gate(" --envelope envelope.json", 0);
    let envelope = serde_json::from_slice(&workshop.read("envelope.json")).unwrap();
    holds("envelope.v1", &envelope);
    gate(
        " --host elsewhere.acme.example --at 2200-01-15T08:00:00Z",
        10,
    );
    uninstall(&workshop, &stock()[0]);
    gate("", 10);
    prints(&workshop, "gate", 10, "gate");
    let policy = "[topology]\nkey_hosts = [\"a\"]\nregions = { us-east = [\"a\"] }\n";
    workshop.write(
        "manifests/signing.toml",
        [support::workshop::POLICY, policy].concat(),
    );
    assert_eq!(gate(" --host a --region us-east", 10)["region"], "us-east");
    workshop.write("manifests/signing.toml", "version = 1\ntypo = 1\n");
    assert!(gate("", 10).get("manifest").is_none());
}

#[test]
fn targets_commands_print_what_their_schemas_say() {
    let workshop = Workshop::new();
    let project = forge::fixtures::project();
    project.write(&workshop.path(""));
    for spec in &forge::fixtures::products() {
        install(&workshop, spec);
    }
    install(&workshop, &ProfileSpec::ios(Kind::AppStore, "*"));
    let targets = |verb: &str, more: &str, code, name| {
        let project = "--project Acme.xcodeproj --profiles profiles";
        prints(
            &workshop,
            &format!("targets {verb} {project}{more}"),
            code,
            name,
        )
    };
    let shown = targets("show", "", 0, "targets");
    let shown = shown["targets"].as_array().unwrap();
    for field in [
        "bundle_id",
        "team",
        "specifier",
        "identity",
        "host",
        "chosen",
        "discarded",
    ] {
        let is_shown = shown.iter().any(|target| target.get(field).is_some());
        assert!(is_shown, "no target shows {field}");
    }
    targets("check", " --configuration Release", 0, "targets-check");
    targets("export", " --configuration Release --as json", 0, "plan");
    uninstall(&workshop, &forge::fixtures::products()[0]);
    targets("check", " --configuration Release", 10, "targets-check");
}

#[test]
fn identity_commands_print_what_their_schemas_say() {
    let workshop = Workshop::frozen();
    let prints = |command: &str, code, name| prints(&workshop, command, code, name);
    for file in ["distribution.p12", "distribution.p12.password"] {
        let path = Path::new(PACKAGE).join("fixtures/acme").join(file);
        fs::copy(path, workshop.path(file)).unwrap();
    }
    for source in [
        "--identities identities.txt",
        "--identities distribution.p12 --password-file distribution.p12.password",
    ] {
        let listed = prints(&format!("identity list {source}"), 0, "identities");
        assert_eq!(listed["identities"].as_array().unwrap().len(), 1);
        prints(&format!("identity digest {source}"), 0, "identity-digest");
    }
    prints(
        "identity digest --compatible --identities identities.txt",
        0,
        "identity-digest",
    );
    // Without a manifest a capture does not tell SHA-256s.
    fs::remove_file(workshop.path("manifests/profiles.json")).unwrap();
    let listed = prints("identity list --identities identities.txt", 0, "identities");
    assert_eq!(listed["canonical"], Json::Null);
}

#[test]
fn keychain_commands_and_runs_tell_what_their_schemas_say() {
    let workshop = Workshop::frozen();
    for file in ["distribution.p12", "distribution.p12.password"] {
        let path = Path::new(PACKAGE).join("fixtures/acme").join(file);
        fs::copy(path, workshop.path(file)).unwrap();
    }
    workshop.allow_waivers();
    let keychain = |verb: &str| {
        let command = format!("keychain {verb} --keychain ci.p12 --state-dir state");
        prints(&workshop, &command, 0, "keychain")
    };
    assert_eq!(keychain("status")["state"], "missing");
    assert_eq!(keychain("create")["state"], "locked");
    let file = "distribution.p12 --password-file distribution.p12.password";
    let imported = keychain(&format!("import {file}"));
    assert_eq!(imported["identities"].as_array().unwrap().len(), 1);
    for (flags, code, verdict) in [
        ("--without identities,targets", 0, "cleared"),
        ("--without identities", 10, "blocked"),
    ] {
        let receipt = format!("{code}.json");
        let command =
            format!("run --keychain ci.p12 --state-dir state {flags} --receipt {receipt}");
        let words = command.split(' ').chain(["--", "/bin/sleep", "0"]);
        workshop.run(&words.collect::<Vec<_>>()).exits(code);
        let receipt: Json = serde_json::from_slice(&workshop.read(receipt)).unwrap();
        holds("receipt.v1", &receipt);
        assert_eq!(receipt["verdict"], verdict);
    }
    prints(
        &workshop,
        "keychain recover --state-dir state",
        0,
        "recovery",
    );
    assert_eq!(keychain("lock")["state"], "locked");
    assert_eq!(keychain("destroy --yes")["state"], "missing");
}

#[test]
fn audit_commands_print_what_their_schemas_say() {
    let workshop = Workshop::new();
    let prints = |command: &str, code, name| prints(&workshop, command, code, name);
    assert_eq!(prints("audit checkpoint", 0, "audit-checkpoint")["seq"], 0);
    let create = [
        "keychain",
        "create",
        "--keychain",
        "ci.p12",
        "--state-dir",
        "state",
    ];
    workshop.run(&create).exits(0);
    prints("audit checkpoint --state-dir state", 0, "audit-checkpoint");
    let shown = prints("audit show --state-dir state", 0, "audit");
    assert!(shown["records"].as_array().unwrap().len() >= 2, "{shown:#}");
    prints("audit verify --state-dir state", 0, "audit-verify");
    let exported = workshop.run(&["audit", "export", "--state-dir", "state"]);
    let exported = exported.exits(0).out;
    assert_eq!(exported.as_bytes(), workshop.read("state/audit.jsonl"));
    for line in exported.lines() {
        holds("audit-record.v1", &serde_json::from_str(line).unwrap());
    }
    let log = String::from_utf8(workshop.read("state/audit.jsonl")).unwrap();
    workshop.write("state/audit.jsonl", log.replace("done", "gone"));
    let broken = prints("audit verify --state-dir state", 10, "audit-verify");
    assert!(!broken["flaws"].as_array().unwrap().is_empty());
    let broken = prints("audit show --last 1 --state-dir state", 10, "audit");
    assert_eq!(broken["holds"], false);
    // A log of which nothing but a checkpoint is left.
    let known = workshop.run(&["audit", "checkpoint", "--state-dir", "other"]);
    let known = known.exits(0).out.replacen('0', "7", 1);
    let command = format!(
        "audit resume --state-dir other --checkpoint {}",
        known.trim()
    );
    let resumed = prints(&command, 0, "audit-resume");
    assert_eq!(resumed["lost_after"], known.trim());
    let whole = prints("audit verify --state-dir other", 0, "audit-verify");
    assert_eq!(codes(&whole), ["audit-log-resumed"]);
}

#[test]
fn errors_are_told_as_their_schema_says() {
    let workshop = Workshop::frozen();
    for (command, code) in [
        ("manifest digest --manifest missing.json", 11),
        ("identity list --identities missing.txt", 11),
        ("profile show profiles --policy missing.toml", 11),
        ("gate --identities missing.txt --without identities", 2),
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--format", "json"]).collect();
        let error = workshop.run(&words).exits(code).error_json();
        assert_eq!(error["schema"], "countersign.error.v2");
        assert_eq!(error["exit"], code);
    }
}

// the check itself

#[test]
fn the_check_itself_finds_what_does_not_hold() {
    let workshop = Workshop::frozen();
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    assert_eq!(faults("manifest.v2", &manifest), Vec::<String>::new());
    for (pointer, value) in [
        ("/schema", json!("countersign.manifest.v1")),
        ("/revision", json!("1")),
        ("/profiles/0/kind", json!("appstore")),
        ("/profiles/0/certificates", json!({})),
        ("/profiles/0/sha256", json!("abc")),
        ("/profiles/0/expires", json!("tomorrow")),
        ("/profiles/0/uuid", json!("../../etc/passwd")),
    ] {
        let mut broken = manifest.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        assert_eq!(faults("manifest.v2", &broken).len(), 1, "{pointer}");
    }
    let mut broken = manifest;
    broken.as_object_mut().unwrap().remove("revision");
    assert!(!faults("manifest.v2", &broken).is_empty());

    let printed = prints(&workshop, "profile list", 0, "profiles");
    let mut broken = printed;
    broken["profiles"][0]["layers"]["outer"]["note"] = "a field that nobody reviewed".into();
    assert_eq!(faults("profiles.v1", &broken).len(), 1);
}
