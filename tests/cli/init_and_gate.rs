//! What `init` sets up, the gate takes: both conclude the same.

use std::fs;
use std::path::PathBuf;

use countersign::context::policy::starter;
use forge::fixtures::products;
use forge::profile::{Kind, ProfileSpec};
use serde_json::Value as Json;
use support::start;
use support::workshop::{Ran, Workshop, codes, ran};

const MANIFEST: &str = "manifests/profiles.json";
const POLICY: &str = "manifests/signing.toml";
const WORKFLOW: &str = ".github/workflows/countersign.yml";
const XCODES: &str = "home/Library/MobileDevice/Provisioning Profiles";

/// Acme's project, with its profiles in a folder.
fn repository(folder: &str) -> Workshop {
    let workshop = Workshop::new();
    forge::fixtures::project().write(&workshop.path(""));
    fs::create_dir(workshop.path(".github")).unwrap();
    fs::create_dir_all(workshop.path(folder)).unwrap();
    for spec in products() {
        workshop.write(PathBuf::from(folder).join(spec.file_name()), spec.mint());
    }
    workshop
}

/// A policy that believes Acme's authority and names these directories.
fn policy(directories: &str) -> String {
    format!(
        "version = 1\n\n[profiles]\ndirectories = [{directories}]\ntrust_anchors = [\"../anchors.pem\"]\n"
    )
}

fn blocking(document: &Json) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap().iter();
    let blocking = findings.filter(|it| it["severity"] == "block");
    blocking.map(|it| it["code"].as_str().unwrap()).collect()
}

/// The entry of a file.
fn file<'a>(document: &'a Json, name: &str) -> &'a Json {
    let mut files = document["files"].as_array().unwrap().iter();
    let found = files.find(|it| it["file"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {document:#}"))
}

fn json(workshop: &Workshop, words: &[&str]) -> Json {
    let words = [words, &["--format", "json"]].concat();
    workshop.run(&words).json()
}

/// Runs a line as somebody pastes it.
fn pasted(workshop: &Workshop, line: &str) -> Ran {
    let program = support::program();
    let line = line.replacen("countersign", &format!("'{}'", program.display()), 1);
    let mut shell = start::command("sh", &workshop.path("home"));
    shell.env("PATH", start::PATH);
    ran(shell.current_dir(workshop.path("")).args(["-c", &line]))
}

/// What blocks after `init`, of the gate that it tells of.
#[track_caller]
fn conclude_the_same(workshop: &Workshop) -> Vec<String> {
    let init = json(workshop, &["init", "--yes"]);
    let gate = json(workshop, &["gate", "--without", "identities"]);
    let of = |document: &Json| -> Vec<String> {
        let mut codes: Vec<String> = blocking(document).into_iter().map(str::to_owned).collect();
        codes.sort();
        codes.dedup();
        codes
    };
    assert_eq!(of(&init), of(&gate), "{init:#}\n{gate:#}");
    of(&gate)
}

#[test]
fn the_starting_policy_that_nobody_changed_is_replaced() {
    let workshop = repository("profiles");
    let old = starter::text(&["../old".to_owned()]);
    fs::create_dir(workshop.path("old")).unwrap();
    workshop.write(POLICY, &old);
    let told = json(&workshop, &["init"]);
    assert_eq!(file(&told, POLICY)["outcome"], "to-replace");
    let difference = file(&told, POLICY)["difference"].as_str().unwrap();
    assert!(
        difference.contains("-directories = [\"../old\"]"),
        "{difference}"
    );
    assert_eq!(workshop.read(POLICY), old.as_bytes());

    let written = json(&workshop, &["init", "--yes"]);
    assert_eq!(file(&written, POLICY)["outcome"], "replaced");
    assert_eq!(workshop.list("manifests"), ["signing.toml"]);
    assert_eq!(workshop.read(POLICY), starter::text(&[]).as_bytes());

    // One that somebody changed stays, and the new one lies beside it.
    let changed = old.replace("\"7d\"", "\"8d\"");
    workshop.write(POLICY, &changed);
    let beside = json(&workshop, &["init", "--yes"]);
    let new = file(&beside, "manifests/signing.toml.new");
    assert_eq!(new["outcome"], "written-beside");
    assert_eq!(new["beside"], POLICY);
    assert_eq!(workshop.read(POLICY), changed.as_bytes());
}

#[test]
fn the_workflow_that_nobody_changed_is_replaced() {
    let workshop = repository("profiles");
    json(&workshop, &["init", "--yes"]);
    let first = String::from_utf8(workshop.read(WORKFLOW)).unwrap();
    let second = json(&workshop, &["init", "--yes", "--target", "Rocket"]);
    assert_eq!(file(&second, WORKFLOW)["outcome"], "replaced");
    assert_eq!(workshop.list(".github/workflows"), ["countersign.yml"]);

    workshop.write(
        WORKFLOW,
        first.replace("timeout-minutes: 30", "timeout-minutes: 31"),
    );
    let third = json(&workshop, &["init", "--yes"]);
    let new = file(&third, ".github/workflows/countersign.yml.new");
    assert_eq!(new["outcome"], "written-beside");
}

#[test]
fn a_manifest_that_pins_what_is_used_is_replaced_and_one_that_pins_more_is_not() {
    let workshop = repository("profiles");
    workshop.run(&["init", "--yes"]).exits(0);
    let spec = products().into_iter().next().unwrap();
    let renew = |number: u8| {
        let uuid = format!("00000000-0000-4000-8000-00000000000{number}");
        let mut renewed = products().into_iter().next().unwrap();
        renewed.uuid = uuid;
        for file in workshop.list("profiles") {
            let is_of_it = file.starts_with("00000000") || file == spec.file_name();
            if is_of_it {
                fs::remove_file(workshop.path("profiles").join(file)).unwrap();
            }
        }
        workshop.write(format!("profiles/{}", renewed.file_name()), renewed.mint());
    };
    renew(1);
    let again = json(&workshop, &["init", "--yes"]);
    assert_eq!(file(&again, MANIFEST)["outcome"], "replaced");
    assert_eq!(conclude_the_same(&workshop), Vec::<String>::new());

    // Somebody pinned one that nothing is signed with: that would be lost.
    let spare = ProfileSpec::mac(Kind::AppStore, "com.acme.spare");
    workshop.write(format!("profiles/{}", spare.file_name()), spare.mint());
    let all = ["manifest", "freeze", "--all", "--project", "Acme.xcodeproj"];
    workshop.run(&all).exits(0);
    let marked = workshop.read(MANIFEST);
    renew(2);
    let told = workshop.run(&["init", "--yes"]);
    let told = told.says(&[
        "next: compare manifests/profiles.json.new with manifests/profiles.json",
        "countersign init",
    ]);
    assert_eq!(workshop.read(MANIFEST), marked, "{}", told.out);
}

#[test]
fn profiles_that_no_checkout_has_are_told() {
    let workshop = repository(XCODES);
    workshop.write(POLICY, policy(""));
    let document = json(&workshop, &["init"]);
    assert_eq!(blocking(&document), Vec::<&str>::new(), "{document:#}");
    let notes = document["notes"].as_array().unwrap();
    let note = notes[0].as_str().unwrap();
    assert!(
        note.contains("4 of 4 pinned profiles lie outside of the repository"),
        "{note}"
    );
    assert!(note.contains("commit"), "{note}");
    workshop.run(&["init"]).exits(0).says(&[
        "lie outside of the repository, so a runner of GitHub Actions does not have them",
        "commit the files in a folder of the repository",
    ]);

    let workshop = repository("profiles");
    let document = json(&workshop, &["init"]);
    assert_eq!(document.get("notes"), None, "{document:#}");
}

#[test]
fn what_is_selected_is_asked_by_the_workflow_and_by_the_next_command() {
    let workshop = repository("profiles");
    let project = String::from_utf8(workshop.read("Acme.xcodeproj/project.pbxproj")).unwrap();
    let project = project.replace("name = Release;", "name = \"It's for us\";");
    let project = project.replace(
        "defaultConfigurationName = Release;",
        "defaultConfigurationName = \"It's for us\";",
    );
    workshop.write("Acme.xcodeproj/project.pbxproj", project);
    fs::create_dir(workshop.path("ci")).unwrap();
    workshop.write("ci/own one.xcconfig", "");
    let init = [
        "init",
        "--yes",
        "--target",
        "Rocket",
        "--configuration",
        "It's for us",
        "--sdk",
        "iphoneos",
        "--xcconfig",
        "ci/own one.xcconfig",
    ];
    let ran = workshop.run(&init).exits(0);
    let next = ran
        .out
        .lines()
        .find(|line| line.starts_with("next: "))
        .unwrap();
    let command = next.split('`').nth(1).unwrap();
    assert!(
        command.starts_with("countersign gate --without identities"),
        "{command}"
    );
    let words = r"--target Rocket --configuration 'It'\''s for us' --sdk iphoneos --xcconfig 'ci/own one.xcconfig'";
    assert!(command.ends_with(words), "{command}");
    pasted(&workshop, command).exits(0).says(&["cleared"]);
    let workflow = String::from_utf8(workshop.read(WORKFLOW)).unwrap();
    assert!(
        workflow.contains(&format!("--project \"$PROJECT\" {words}\n")),
        "{workflow}"
    );

    // The value of a setting may be somebody's secret.
    let told = workshop.run(&["init", "--setting", "TOKEN=hush"]);
    assert!(!told.text().contains("hush"), "{}", told.out);
    told.says(&["the workflow does not hold the build settings that were given here"]);
}

#[test]
fn a_policy_that_allows_no_waiver_is_told_beside_the_workflow() {
    let workshop = repository("profiles");
    let strict = policy("\"../profiles\"") + "\n[gate]\nwaivable = []\n";
    workshop.write(POLICY, strict);
    workshop.run(&["init"]).exits(0).says(&[
        "the policy does not allow a gate without identities, which the workflow asks for: add \"identities\" to gate.waivable",
    ]);
    let ran = workshop.run(&["init", "--yes"]).exits(0);
    assert!(
        !ran.text().contains("then `countersign gate --without"),
        "{}",
        ran.out
    );
}

#[test]
fn a_file_that_is_no_profile_is_told_as_the_gate_tells_it() {
    let workshop = repository("profiles");
    workshop.write(POLICY, policy("\"../profiles\""));
    workshop.write("profiles/x.mobileprovision", "junk");
    assert_eq!(conclude_the_same(&workshop), ["profile-unreadable"]);
    let document = json(&workshop, &["init"]);
    let about = codes(&document)
        .into_iter()
        .filter(|code| code == "profile-unreadable");
    assert_eq!(about.count(), 1, "it is told once: {document:#}");
    let away = "mv -- '";
    workshop.run(&["init"]).exits(10).says(&[away]);
    fs::remove_file(workshop.path("profiles/x.mobileprovision")).unwrap();
    // Where no gate looks, it is in nobody's way.
    fs::create_dir(workshop.path("notes")).unwrap();
    workshop.write("notes/x.mobileprovision", "junk");
    assert_eq!(conclude_the_same(&workshop), Vec::<String>::new());
}

#[test]
fn a_profile_that_xcode_could_choose_instead_is_told_as_the_gate_tells_it() {
    let workshop = repository("profiles");
    workshop.write(POLICY, policy("\"../profiles\""));
    let spec = products().into_iter().next().unwrap();
    let mut older = spec.valid("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    older.uuid = "00000000-0000-4000-8000-000000000001".to_owned();
    workshop.write(format!("profiles/{}", older.file_name()), older.mint());
    assert_eq!(conclude_the_same(&workshop), ["profile-shadowed"]);
    workshop.run(&["init"]).exits(10).says(&["next: ", "below"]);
}

#[test]
fn a_validity_below_the_policys_minimum_is_told_as_the_gate_tells_it() {
    let workshop = repository("profiles");
    let strict =
        policy("\"../profiles\"") + "minimum_validity = \"36500d\"\nwarn_before = \"36500d\"\n";
    workshop.write(POLICY, strict);
    assert!(conclude_the_same(&workshop).contains(&"profile-expires-soon".to_owned()));
}

#[test]
fn a_policy_that_lies_elsewhere_names_the_directories_from_there() {
    let workshop = repository("ios/profiles");
    fs::remove_file(workshop.path(POLICY)).unwrap();
    workshop.write(
        "anchored.toml",
        policy("\"./ios/profiles\"").replace("../", ""),
    );
    let document = json(&workshop, &["init", "--policy", "anchored.toml"]);
    let new = file(&document, "anchored.toml.new");
    let difference = new["difference"].as_str().unwrap();
    assert!(
        difference.contains("+directories = [\"ios/profiles\"]"),
        "{difference}"
    );
}

#[test]
fn what_has_expired_is_renewed_before_anything_is_frozen() {
    let workshop = Workshop::frozen();
    let late = ["gate", "--at", "2057-01-01T00:00:00Z"];
    workshop
        .run(&late)
        .exits(10)
        .says(&["next: renew the certificate and its profiles, then: countersign manifest freeze"]);
}
