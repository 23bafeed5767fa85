//! Setting up a repository: `countersign init`.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use forge::fixtures::products;
use forge::project::{Product, ProjectSpec, TargetSpec};
use serde_json::Value as Json;
use support::start;
use support::workshop::{Ran, Workshop, codes, ran};

fn rocket() -> ProjectSpec {
    forge::fixtures::project()
}

/// A workshop with Acme's project, and with its profiles if it has any.
fn repository(has_profiles: bool) -> Workshop {
    let workshop = Workshop::new();
    rocket().write(&workshop.path(""));
    fs::create_dir(workshop.path(".github")).unwrap();
    for spec in products().iter().filter(|_| has_profiles) {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop
}

fn blocking(document: &Json) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap().iter();
    let blocking = findings.filter(|it| it["severity"] == "block");
    blocking.map(|it| it["code"].as_str().unwrap()).collect()
}

/// The outcome of a file.
fn outcome<'a>(document: &'a Json, file: &str) -> &'a Json {
    let mut files = document["files"].as_array().unwrap().iter();
    let found = files.find(|it| it["file"] == file);
    &found.unwrap_or_else(|| panic!("no {file} in {document:#}"))["outcome"]
}

fn json(workshop: &Workshop, words: &[&str], code: i32) -> Json {
    let words = [words, &["--format", "json"]].concat();
    workshop.run(&words).exits(code).json()
}

const MANIFEST: &str = "manifests/profiles.json";
const POLICY: &str = "manifests/signing.toml";
const WORKFLOW: &str = ".github/workflows/countersign.yml";

#[test]
fn after_init_the_gate_misses_nothing_but_the_identities() {
    let workshop = repository(true);
    // The policy that is there knows Acme's anchors, which no generated one can.
    let document = json(&workshop, &["init", "--yes"], 0);
    assert_eq!(document["project"], "Acme.xcodeproj");
    assert_eq!(outcome(&document, MANIFEST), "written");
    assert_eq!(outcome(&document, WORKFLOW), "written");
    let targets = document["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 4);
    for target in targets {
        assert_eq!(target["missing"], Json::Null, "{target:#}");
        assert_eq!(target["profile"]["kind"], "app-store");
        assert!(target["profile"]["days_left"].as_i64().unwrap() > 0);
        assert!(
            target["profile"]["certificate"]
                .as_str()
                .unwrap()
                .contains("Acme")
        );
    }
    assert_eq!(
        blocking(&json(&workshop, &["gate"], 10)),
        ["identities-unobserved"]
    );

    // The generated one does as well.
    let generated = String::from_utf8(workshop.read("manifests/signing.toml.new")).unwrap();
    assert!(
        generated.contains("directories = [\"../profiles\"]"),
        "{generated}"
    );
    assert!(generated.contains("kind = \"per-runner\""), "{generated}");
    let anchored = generated.replace("trust_anchors = []", "trust_anchors = [\"../anchors.pem\"]");
    assert_ne!(anchored, generated);
    workshop.write(POLICY, anchored);
    assert_eq!(
        blocking(&json(&workshop, &["gate"], 10)),
        ["identities-unobserved"]
    );
    let waived = json(&workshop, &["gate", "--without", "identities"], 0);
    assert_eq!(waived["verdict"], "cleared");
    assert_eq!(waived["found_project"], "Acme.xcodeproj");
    // A run may waive nothing.
    let run = ["run", "--without", "identities", "--", "/bin/sh"];
    workshop.run(&run).exits(10).says(&["identities"]);
}

#[test]
fn a_project_of_which_no_target_needs_a_profile_is_told_so() {
    let workshop = Workshop::new();
    let kit = TargetSpec::new("Kit", Product::Framework, "com.acme.kit");
    let project = ProjectSpec::new("Kit").target(kit);
    project.write(&workshop.path(""));
    workshop
        .run(&["init"])
        .says(&["targets none needs a profile"]);
}

#[test]
fn with_no_profile_at_hand_policy_and_workflow_are_written_and_what_each_target_needs_is_told() {
    let workshop = repository(false);
    fs::remove_file(workshop.path(POLICY)).unwrap();
    let document = json(&workshop, &["init", "--yes"], 10);
    assert_eq!(outcome(&document, POLICY), "written");
    assert_eq!(outcome(&document, WORKFLOW), "written");
    assert!(!workshop.path(MANIFEST).exists());
    let unmapped = codes(&document);
    let unmapped = unmapped.iter().filter(|code| *code == "target-unmapped");
    assert_eq!(unmapped.count(), 1, "one cause is one finding");
    let targets = document["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 4);
    for target in targets {
        let bundle_id = target["bundle_id"].as_str().unwrap();
        let missing = target["missing"].as_str().unwrap();
        assert!(
            missing.contains(bundle_id) && missing.contains("team ACME4CI001"),
            "{missing}"
        );
    }
    let piped = workshop.run(&["init"]).exits(10);
    assert!(!piped.out.contains("see below"), "{}", piped.out);
    piped.says(&[
        "no profile is at hand",
        "none at hand",
        "manifest none",
        "com.acme.rocket",
    ]);
    let policy = String::from_utf8(workshop.read(POLICY)).unwrap();
    assert!(policy.contains("# Each runner has its own keys. Hosted runners cannot be named"));
    assert!(policy.contains("kind = \"per-runner\""), "{policy}");
    fs::remove_file(workshop.path(POLICY)).unwrap();
    workshop
        .run(&["init"])
        .exits(10)
        .says(&["any runner may sign (per-runner), because hosted runners cannot be named"]);
}

#[test]
fn nothing_is_written_without_being_asked_for() {
    let workshop = repository(true);
    let document = json(&workshop, &["init"], 0);
    assert_eq!(outcome(&document, MANIFEST), "to-write");
    assert_eq!(
        outcome(&document, "manifests/signing.toml.new"),
        "to-write-beside"
    );
    assert_eq!(workshop.list("manifests"), ["signing.toml"]);
    assert_eq!(workshop.list(".github"), Vec::<String>::new());
    workshop
        .run(&["init"])
        .exits(0)
        .says(&["nothing is written without --yes", "iOS App Store - App"]);
}

/// Runs `init` on a terminal on which somebody types this; says so where there is no `script` that gives one.
fn asked(workshop: &Workshop, typed: &str) -> Option<Ran> {
    let mut script = start::command("script", &workshop.path("home"));
    let program = support::program();
    let command = format!("'{}' init", program.display());
    script
        .env("PATH", start::PATH)
        .current_dir(workshop.path(""));
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut child) = script.spawn() else {
        eprintln!("skipped: there is no script(1)");
        return None;
    };
    // What is typed before the question waits in the terminal.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    Some(Ran {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    })
}

#[test]
fn on_a_terminal_it_asks_and_writes_only_after_a_yes() {
    for (typed, writes) in [
        ("y\n", true),
        ("Yes\n", true),
        ("n\n", false),
        ("\n", false),
        ("", false),
        ("\u{4}", false),
    ] {
        let workshop = repository(true);
        let Some(ran) = asked(&workshop, typed) else {
            return;
        };
        let ran = ran.exits(0).says(&["write these files? [y/N]"]);
        assert_eq!(
            ran.out.matches("iOS App Store - App").count(),
            1,
            "it is shown once: {}",
            ran.out
        );
        assert_eq!(
            workshop.path(MANIFEST).exists(),
            writes,
            "{typed:?}: {}",
            ran.out
        );
        assert_eq!(workshop.path(WORKFLOW).exists(), writes, "{typed:?}");
        let told = ran.text();
        assert_eq!(
            told.contains("nothing is written without --yes"),
            !writes,
            "{typed:?}: {told}"
        );
    }
    // Whoever reads JSON is not asked.
    let workshop = repository(true);
    workshop.run(&["init", "--format", "json"]).exits(0);
    assert!(!workshop.path(MANIFEST).exists());
}

#[test]
fn what_is_there_is_never_overwritten() {
    let workshop = repository(true);
    fs::create_dir(workshop.path(".github/workflows")).unwrap();
    workshop.write(WORKFLOW, "on: push\n");
    let before = workshop.read(POLICY);
    workshop.run(&["init", "--yes"]).exits(0).says(&[
        "-on: push",
        "+name: signing",
        "written beside",
    ]);
    assert_eq!(workshop.read(WORKFLOW), b"on: push\n");
    assert_eq!(workshop.read(POLICY), before);
    let manifest = workshop.read(MANIFEST);
    let document = json(&workshop, &["init", "--yes"], 0);
    for file in document["files"].as_array().unwrap() {
        assert_eq!(file["outcome"], "unchanged", "{file:#}");
    }
    assert_eq!(workshop.read(MANIFEST), manifest);
    let beside = [".github/workflows", "manifests"].map(|folder| workshop.list(folder));
    assert_eq!(beside[0], ["countersign.yml", "countersign.yml.new"]);
    assert_eq!(
        beside[1],
        ["profiles.json", "signing.toml", "signing.toml.new"]
    );
}

#[test]
fn the_file_of_the_service_that_builds_the_repository_is_written_or_lies_beside_it() {
    for (service, file) in [
        ("gitlab", ".gitlab-ci.yml"),
        ("azure", "azure-pipelines.yml"),
        ("bitrise", "bitrise.yml"),
        ("jenkins", "Jenkinsfile"),
        ("buildkite", ".buildkite/pipeline.yml"),
        ("circleci", ".circleci/config.yml"),
    ] {
        let workshop = repository(true);
        fs::remove_dir(workshop.path(".github")).unwrap();
        let path = workshop.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        workshop.write(file, "jobs of this repository\n");
        let ran = workshop.run(&["init", "--yes"]).exits(0);
        let beside = format!("{file}.new");
        let ran = ran.says(&[
            &beside,
            "-jobs of this repository",
            "The gate for changes, on Linux",
        ]);
        assert!(!ran.text().contains("snippet"));
        assert_eq!(
            workshop.read(file),
            b"jobs of this repository\n",
            "{service}"
        );
        let new = String::from_utf8(workshop.read(&beside)).unwrap();
        assert!(
            new.contains("countersign gate --without identities"),
            "{new}"
        );
        fs::remove_file(path).unwrap();
        let named = json(&workshop, &["init", "--yes", "--ci", service], 0);
        assert_eq!(outcome(&named, file), "written");
        assert_eq!(String::from_utf8(workshop.read(file)).unwrap(), new);
    }
}

#[test]
fn a_project_whose_name_a_service_would_fill_in_gets_no_file_and_that_is_told() {
    let workshop = repository(true);
    fs::rename(
        workshop.path("Acme.xcodeproj"),
        workshop.path("$HOME.xcodeproj"),
    )
    .unwrap();
    workshop.run(&["init"]).exits(0).says(&[
        "workflow none: a name of this repository cannot stand in a file of GitHub Actions",
    ]);
}

#[test]
fn a_folder_without_a_project_with_three_and_with_a_broken_one_is_told() {
    let workshop = Workshop::new();
    workshop
        .run(&["init"])
        .exits(2)
        .says(&["none is here", "--project"]);
    for name in ["a", "b", "c"] {
        fs::create_dir_all(workshop.path(format!("{name}/{name}.xcodeproj"))).unwrap();
    }
    let several = "several are here: a/a.xcodeproj, b/b.xcodeproj, c/c.xcodeproj";
    workshop
        .run(&["init", "--yes"])
        .exits(2)
        .says(&[several, "--project"]);
    workshop.write("b/b.xcodeproj/project.pbxproj", "<<<<<<< ours\n");
    workshop
        .run(&["init", "--yes", "--project", "b/b.xcodeproj"])
        .exits(11)
        .says(&["b/b.xcodeproj/project.pbxproj", ":1:", "merge conflict"]);
    workshop
        .run(&["init", "--yes", "--project", "a/a.xcodeproj"])
        .exits(11)
        .says(&["a/a.xcodeproj/project.pbxproj"]);
    assert_eq!(workshop.list("manifests"), ["signing.toml"]);
}

#[test]
fn from_any_folder_of_a_repository_the_same_is_found_and_written() {
    let workshop = Workshop::new();
    let root = workshop.path("repository");
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::create_dir_all(root.join("ios/Sources")).unwrap();
    rocket().write(&root.join("ios"));
    let run = |folder: &str, words: &[&str]| -> Ran {
        let mut command = workshop.command(words);
        ran(command.current_dir(root.join(folder)))
    };
    let policy = fs::read_to_string(workshop.path(POLICY)).unwrap();
    let policy = policy.replace("\"../", "\"../../");
    fs::create_dir(root.join("manifests")).unwrap();
    fs::write(root.join(POLICY), policy).unwrap();
    for spec in products() {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    let words = ["init", "--yes", "--ci", "gitlab", "--format", "json"];
    let document = run("ios/Sources", &words).exits(0).json();
    assert_eq!(document["project"], "../Acme.xcodeproj");
    assert!(root.join(MANIFEST).is_file());
    let pipeline = fs::read_to_string(root.join(".gitlab-ci.yml")).unwrap();
    assert!(
        pipeline.contains("PROJECT: \"ios/Acme.xcodeproj\""),
        "{pipeline}"
    );
    for folder in ["", "ios", "ios/Sources", "manifests"] {
        let gated = run(folder, &["gate", "--format", "json"]).exits(10).json();
        assert_eq!(blocking(&gated), ["identities-unobserved"], "{folder}");
        run(folder, &["targets", "check"])
            .exits(0)
            .says(&["Acme.xcodeproj is meant"]);
    }
}

#[test]
fn an_expired_profile_is_told_at_its_target_and_not_pinned() {
    let workshop = repository(true);
    let share = "com.acme.rocket.share";
    let spec = products().into_iter().find(|it| it.bundle_pattern == share);
    let spec = spec
        .unwrap()
        .valid("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    let document = json(&workshop, &["init", "--yes"], 10);
    let mut targets = document["targets"].as_array().unwrap().iter();
    let of_share = targets.find(|it| it["bundle_id"] == share).unwrap();
    assert!(
        of_share["missing"].as_str().unwrap().contains("expired"),
        "{of_share:#}"
    );
    assert!(of_share["profile"]["days_left"].as_i64().unwrap() < 0);
    assert!(!workshop.path(MANIFEST).exists());
}
