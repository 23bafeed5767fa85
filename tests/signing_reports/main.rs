//! Signing failures as people reported them: what each command must say of them, and what it must not.
//!
//! The inputs are not ours and lie beside the repository; where they are absent, these tests say so and pass. Each kind also
//! has a test of its own in `tests/targets`, whose inputs the test builds; and `tests/targets/verdicts` holds all of these inputs
//! to one verdict of all commands.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

mod exports;
mod files;
mod table;

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use support::start;
use support::workshop::{Ran, ran};

use table::{REPORTED, Told};

/// Runs a `targets` command on a project of the report in `folder`, with its policy and its profiles.
fn targets(folder: &Path, verb: &[&str], words: &[&str]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    let mut command = start::countersign(home.path());
    for policy in ["signing.toml", "pol.toml"] {
        if folder.join(policy).is_file() {
            command.args(["--policy", policy]);
        }
    }
    if !words.contains(&"--profiles") {
        let profiles = match folder.join("profiles").is_dir() {
            true => folder.join("profiles"),
            false => home.path().to_owned(),
        };
        command.arg("--profiles").arg(profiles);
    }
    command.arg("targets").args(verb).arg("--project");
    ran(command.args(words).current_dir(folder))
}

/// Whether a finding is the one that must come out.
fn is_told(finding: &Json, told: &Told) -> bool {
    let place = &finding["place"];
    let file = place["file"].as_str().unwrap_or_default();
    let line = place["line"].as_u64().map(|line| format!(":{line}"));
    let found = format!("{file}{}", line.unwrap_or_default());
    let text = [&finding["message"], &finding["expected"], &finding["found"]]
        .into_iter()
        .chain([&finding["hint"]])
        .filter_map(Json::as_str)
        .collect::<Vec<_>>()
        .join("\n");
    finding["code"] == told.code
        && finding["severity"] == told.severity
        && place["target"].as_str().unwrap_or_default() == told.target
        && [found.as_str(), file].contains(&told.place)
        && told.says.iter().all(|part| text.contains(part))
}

#[test]
fn each_report_is_told_as_what_it_is() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    let mut wrong = Vec::new();
    for it in REPORTED {
        let ran = targets(
            &reports.join(it.folder),
            &["check", "--format", "json"],
            it.words,
        );
        let document = ran.json();
        let name = format!("{} {:?}", it.folder, it.words);
        let code = if it.verdict == "blocked" { 10 } else { 0 };
        if (ran.code, &document["verdict"]) != (code, &it.verdict.into()) {
            wrong.push(format!("{name}: {} with {}", ran.code, document["verdict"]));
        }
        let findings = document["findings"].as_array().unwrap();
        for told in it.told {
            if !findings.iter().any(|finding| is_told(finding, told)) {
                let (code, place) = (told.code, told.place);
                wrong.push(format!("{name}: no {code} at {place} in {findings:#?}"));
            }
        }
        for finding in findings.iter().filter(|it| it["severity"] == "block") {
            let code = finding["code"].as_str().unwrap();
            let is_expected = it.told.iter().any(|told| told.code == code);
            if it.never.contains(&code) || (it.never.contains(&"*") && !is_expected) {
                wrong.push(format!("{name}: {finding:#}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_report_that_is_here_has_a_row() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    // Files, not projects: told below.
    let files = ["30-p12", "32-profile-files"];
    for entry in std::fs::read_dir(reports).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let has_row = REPORTED.iter().any(|it| it.folder == name);
        assert!(
            !path.is_dir() || has_row || files.contains(&&*name),
            "{name}"
        );
    }
}
