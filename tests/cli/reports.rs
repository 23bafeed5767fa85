//! Reports: they begin with the cause, and say the same to people, programs and CI systems.

use std::fs;

use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use serde_json::Value as Json;
use support::workshop::{GATE, Workshop, codes, ran, stock};

/// A frozen workshop whose three profiles are no longer installed.
fn emptied() -> Workshop {
    let workshop = Workshop::frozen();
    for spec in stock() {
        fs::remove_file(workshop.path("profiles").join(spec.file_name())).unwrap();
    }
    workshop
}

#[test]
fn profiles_that_are_not_installed_are_one_problem_with_one_next_step() {
    let workshop = emptied();
    let gate = workshop.gate(&[]).exits(10);
    let mut lines = gate.out.lines();
    assert_eq!(
        lines.next(),
        Some("BLOCKED  3 pinned profiles are not installed")
    );
    assert_eq!(
        lines.next(),
        Some("next: install the pinned profiles on this machine"),
        "{}",
        gate.out
    );
    assert_eq!(gate.out.matches("profile-missing × 3").count(), 1);
    assert_eq!(gate.out.matches("(countersign profile install").count(), 1);
    for spec in stock() {
        assert!(gate.out.contains(&spec.uuid), "{}: {}", spec.uuid, gate.out);
    }
}

#[test]
fn json_keeps_every_finding_and_has_the_headline_and_lines() {
    let workshop = emptied();
    let document = workshop.gate(&["--format", "json"]).exits(10).json();
    assert_eq!(document["headline"], "3 pinned profiles are not installed");
    assert_eq!(
        document["next"],
        "install the pinned profiles on this machine"
    );
    let missing = codes(&document);
    let missing = missing.iter().filter(|code| *code == "profile-missing");
    assert_eq!(missing.count(), 3);
    let manifest = String::from_utf8(workshop.read("manifests/profiles.json")).unwrap();
    let lines: Vec<&str> = manifest.lines().collect();
    for finding in document["findings"].as_array().unwrap() {
        if finding["code"] != "profile-missing" {
            continue;
        }
        assert_eq!(finding["page"], "docs/findings.md#profile-missing");
        assert_eq!(finding["place"]["file"], "manifests/profiles.json");
        let line = usize::try_from(finding["place"]["line"].as_u64().unwrap()).unwrap();
        let uuid = finding["place"]["profile"].as_str().unwrap();
        // The entry begins on that line.
        assert_eq!(lines[line - 1], "    {");
        assert!(lines[line].contains(uuid), "{uuid}: {}", lines[line]);
    }
    let cleared = Workshop::frozen()
        .gate(&["--format", "json"])
        .exits(0)
        .json();
    assert_eq!(cleared.get("headline"), None);
    assert_eq!(cleared.get("next"), None);
}

#[test]
fn an_expired_certificate_is_one_problem_with_the_profiles_that_it_touches() {
    let workshop = Workshop::frozen();
    let at = ["--at", "2057-01-01T00:00:00Z"];
    let document = workshop
        .gate(&[&at[..], &["--format", "json"]].concat())
        .exits(10)
        .json();
    let told = codes(&document);
    assert!(told.contains(&"certificate-expired".to_owned()), "{told:?}");
    let expired = told.iter().filter(|code| *code == "profile-expired");
    assert_eq!(expired.count(), 3, "{told:?}");
    let gate = workshop.gate(&at).exits(10);
    assert!(
        gate.out.starts_with("BLOCKED  certificate "),
        "{}",
        gate.out
    );
    assert!(
        gate.out.contains(
            "\nnext: renew the certificate and its profiles, then: countersign manifest freeze\n"
        ),
        "{}",
        gate.out
    );
    assert!(gate.out.contains("touches   3 profiles: "), "{}", gate.out);
    assert!(
        gate.out.contains("follows   3 × profile-expired"),
        "{}",
        gate.out
    );
    assert!(!gate.out.contains("block profile-expired"), "{}", gate.out);
}

/// A workshop whose certificates have another end each, and whose profiles are frozen.
fn with_two_certificates() -> Workshop {
    let workshop = Workshop::new();
    let leaf = LeafSpec::new(LeafKind::AppleDistribution);
    for (number, spec) in stock().into_iter().enumerate() {
        let leaf = leaf.clone().labelled(["one", "other"][number.min(1)]);
        let spec = spec.certificates(&[Hierarchy::acme().developer(&leaf)]);
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop
}

#[test]
fn several_expired_certificates_are_one_problem_with_all_that_they_touch() {
    let workshop = with_two_certificates();
    let gate = workshop.gate(&["--at", "2057-01-01T00:00:00Z"]).exits(10);
    let mut lines = gate.out.lines();
    assert_eq!(
        lines.next(),
        Some("BLOCKED  2 certificates have expired; 3 profiles are touched")
    );
    assert_eq!(gate.out.matches("next: ").count(), 1, "{}", gate.out);
    assert!(
        gate.out.contains("follows   3 × profile-expired"),
        "{}",
        gate.out
    );
    assert_eq!(
        gate.out.matches("block certificate-expired").count(),
        1,
        "{}",
        gate.out
    );
}

#[test]
fn a_missing_value_is_asked_for_in_words_and_no_half_command_comes_next() {
    let workshop = Workshop::frozen();
    let gate = workshop
        .run(&["gate", "--policy", "manifests/signing.toml"])
        .exits(10);
    assert!(
        gate.out.contains(
            "\nnext: name a keychain, a p12, or a file with what `security find-identity -v -p codesigning` prints\n"
        ),
        "{}",
        gate.out
    );
}

#[test]
fn ci_systems_get_their_format_of_verdicts_and_data_stays_as_it_is() {
    let workshop = emptied();
    let run = |arguments: &[&str], name: &str| {
        let mut command = workshop.command(arguments);
        ran(command.env(name, "true"))
    };
    let github = run(&GATE, "GITHUB_ACTIONS").exits(10);
    assert!(
        github
            .out
            .contains("::error title=profile-missing,file=manifests/profiles.json,line="),
        "{}",
        github.out
    );
    let last = github.out.lines().last().unwrap();
    assert_eq!(
        last,
        "countersign gate: blocked by 1 problem, 3 findings; next: install the pinned profiles on this machine"
    );
    let gitlab = run(&GATE, "GITLAB_CI").exits(10);
    let issues: Json = serde_json::from_str(&gitlab.out).unwrap();
    assert_eq!(issues[0]["check_name"], "profile-missing");
    assert_eq!(issues[0]["severity"], "blocker");
    assert_eq!(issues[0]["location"]["path"], "manifests/profiles.json");
    assert!(gitlab.err.starts_with("BLOCKED  "), "{}", gitlab.err);
    let said = [&GATE[..], &["--format", "human"]].concat();
    let said = run(&said, "GITHUB_ACTIONS").exits(10);
    assert!(said.out.starts_with("BLOCKED  ") && !said.out.contains("::error"));
    for data in [&["manifest", "digest"][..], &["profile", "list"]] {
        let plain = workshop.run(data).exits(0);
        for name in ["GITHUB_ACTIONS", "GITLAB_CI"] {
            assert_eq!(run(data, name).exits(0).out, plain.out, "{data:?}");
        }
    }
}

#[test]
fn junit_has_a_failure_for_what_blocks_and_a_case_where_nothing_does() {
    let gate = emptied().gate(&["--format", "junit"]).exits(10);
    assert!(gate.out.contains("failures=\"1\""), "{}", gate.out);
    assert!(
        gate.out
            .contains("message=\"3 pinned profiles are not installed\""),
        "{}",
        gate.out
    );
    let cleared = Workshop::frozen().gate(&["--format", "junit"]).exits(0);
    assert!(cleared.out.contains("failures=\"0\""), "{}", cleared.out);
}

#[test]
fn the_step_summary_of_a_clearance_says_what_was_judged() {
    let workshop = Workshop::frozen();
    let summary = workshop.write("summary.md", "");
    let mut gate = workshop.gate_command(&["--format", "github"]);
    ran(gate.env("GITHUB_STEP_SUMMARY", &summary)).exits(0);
    let text = String::from_utf8(workshop.read("summary.md")).unwrap();
    for part in [
        "### countersign gate: cleared",
        "| digest | sha256:",
        "| policy | sha256:",
        "| host | ",
        "| targets | 0 |",
        "| days left | ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let mut broken = workshop.gate_command(&["--format", "github", "--manifest", "no.json"]);
    ran(broken.env("GITHUB_STEP_SUMMARY", &summary)).exits(11);
    let text = String::from_utf8(workshop.read("summary.md")).unwrap();
    assert!(text.contains("### countersign: file-missing"), "{text}");
}

#[test]
fn what_ends_first_may_be_the_certificate_of_a_profile_that_nothing_is_pinned_to() {
    let workshop = Workshop::new();
    let leaf = LeafSpec::new(LeafKind::AppleDistribution);
    let certificates = ["2044-06-01T00:00:00Z", "2043-06-01T00:00:00Z"].map(|until| {
        let leaf = leaf.clone().valid("2026-01-01T00:00:00Z", until);
        Hierarchy::acme().developer(&leaf.labelled(until))
    });
    let mut spec = stock().remove(0);
    spec = spec.valid("2026-02-01T00:00:00Z", "2046-01-01T00:00:00Z");
    spec = spec.certificates(&certificates);
    workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    workshop.run(&["manifest", "freeze"]).exits(0);
    let document = workshop.gate(&["--format", "json"]).json();
    // The one that lives longest is relied on.
    assert_eq!(document["next_expiry"]["expires"], "2044-06-01T00:00:00Z");
}

#[test]
fn a_code_is_explained_and_a_slip_gets_the_code_that_was_meant() {
    let workshop = Workshop::new();
    workshop
        .run(&["explain", "profile-missing"])
        .exits(0)
        .says(&[
            "A pinned profile is not installed",
            "docs/findings.md#profile-missing",
        ]);
    let document = workshop
        .run(&["explain", "file-missing", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(document["of"], "error");
    workshop
        .run(&["explain", "profile-mising"])
        .exits(2)
        .says(&["there is no code", "did you mean profile-missing?"]);
    let all = workshop.run(&["explain"]).exits(0).out;
    assert!(all.contains("profiles\tprofile-missing\n"), "{all}");
    let list = workshop.run(&["explain", "--format", "json"]).exits(0);
    let document = list.json();
    assert_eq!(document["schema"], "countersign.codes.v1");
    let codes = document["codes"].as_array().unwrap();
    assert_eq!(codes.len(), all.lines().count());
    let missing = codes
        .iter()
        .find(|it| it["code"] == "file-missing")
        .unwrap();
    assert_eq!(missing["of"], "error");
    assert_eq!(missing["page"], "docs/errors.md#file-missing");
}

#[test]
fn a_page_and_a_first_look_show_how_things_stand_at_another_instant() {
    let workshop = Workshop::frozen();
    let page = |words: &[&str]| {
        let words = [&["report", "--format", "json"], words].concat();
        workshop.run(&words).exits(0).json()
    };
    let has_expired = |document: &Json| {
        let mut expiries = document["expiries"].as_array().unwrap().iter();
        expiries.any(|expiry| expiry["standing"] == "expired")
    };
    let late = ["--at", "2057-01-01T00:00:00Z"];
    assert!(!has_expired(&page(&[])));
    assert!(has_expired(&page(&late)));
    forge::fixtures::project().write(&workshop.path(""));
    workshop
        .run(&[&["init"][..], &late].concat())
        .exits(10)
        .says(&["has expired"]);
    workshop
        .run(&[&["init", "--yes"][..], &late].concat())
        .exits(2);
}

#[test]
fn the_page_tells_one_expired_certificate_as_one_problem() {
    let workshop = Workshop::frozen();
    let late = ["--at", "2057-01-01T00:00:00Z"];
    let page = workshop
        .run(&[&["report", "-o", "-"][..], &late].concat())
        .exits(0);
    assert!(page.out.starts_with("<!doctype html>"), "{}", page.out);
    assert!(!workshop.path("-").exists());
    let (_, findings) = page.out.split_once("<section id=\"findings\">").unwrap();
    let (findings, _) = findings.split_once("</section>").unwrap();
    assert!(
        findings.contains("<b>certificate-expired</b>"),
        "{findings}"
    );
    assert!(findings.contains("3 × profile-expired"), "{findings}");
    assert!(!findings.contains("<b>profile-expired"), "{findings}");
    // The headline is the problem.
    workshop
        .run(&[&["report"][..], &late].concat())
        .exits(0)
        .says(&["signing is blocked: certificate "]);
    // No other command has a file called -.
    for words in [
        &["doctor", "-o", "-"][..],
        &["manifest", "freeze", "-o", "-"],
    ] {
        workshop.run(words).exits(2).says(&["./- is one called -"]);
        assert!(!workshop.path("-").exists(), "{words:?}");
    }
}

#[test]
fn annotations_name_files_and_the_last_line_says_what_a_look_showed() {
    let workshop = Workshop::frozen();
    let told = workshop.gate(&["--format", "github"]);
    let annotated = told.out.lines().filter(|line| line.starts_with("::"));
    for line in annotated {
        let (_, file) = line.split_once("file=").unwrap();
        let file = file.split(',').next().unwrap();
        assert!(!workshop.path(file).is_dir(), "{line}");
    }
    fs::remove_file(workshop.path("manifests/signing.toml")).unwrap();
    for (command, verdict) in [
        (
            "report",
            "no verdict: something that a gate needs is missing",
        ),
        ("doctor", "a gate would block on this machine"),
    ] {
        let told = workshop.run(&[command, "--format", "github", "--manifest", "none.json"]);
        let last = told.out.lines().last().unwrap();
        assert_eq!(last, format!("countersign {command}: {verdict}"));
    }
}

#[test]
fn without_a_project_nobody_is_sent_to_init() {
    let workshop = Workshop::new();
    fs::remove_file(workshop.path("manifests/signing.toml")).unwrap();
    let gate = workshop.run(&["gate"]).exits(10);
    assert!(
        gate.out
            .contains("\nnext: go to the folder of the app, or name its policy\n"),
        "{}",
        gate.out
    );
    forge::fixtures::project().write(&workshop.path(""));
    let gate = workshop.run(&["gate"]).exits(10);
    assert!(
        gate.out.contains("\nnext: countersign init\n"),
        "{}",
        gate.out
    );
}
