//! Inputs that were made from public reports of signing failures, where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};

use countersign::ops::target_selection::TargetSelection;

use super::{Input, agree};

/// Projects and workspaces of a report: in its folder, or in one below it.
fn projects(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|it| it.to_str()) {
            Some("xcodeproj" | "xcworkspace") => found.push(path),
            None if path.is_dir() => found.extend(projects(&path)),
            _ => {}
        }
    }
    found.sort();
    found
}

/// The names of the shared schemes of a project or workspace.
fn schemes(project: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(project.join("xcshareddata/xcschemes")) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = paths
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// What may be selected of any project.
fn selections(project: &Path) -> Vec<(String, TargetSelection)> {
    let base = TargetSelection {
        projects: vec![project.to_owned()],
        ..TargetSelection::default()
    };
    let mut all = vec![(String::new(), base.clone())];
    let configured = TargetSelection {
        configurations: vec!["Release".parse().unwrap()],
        ..base.clone()
    };
    all.push(("Release".to_owned(), configured));
    for sdk in ["iphoneos", "macosx"] {
        let selection = TargetSelection {
            sdk: Some(sdk.to_owned()),
            ..base.clone()
        };
        all.push((sdk.to_owned(), selection));
    }
    for name in schemes(project).into_iter().take(4) {
        let selection = TargetSelection {
            scheme: Some(name.clone()),
            ..base.clone()
        };
        all.push((name, selection));
    }
    let said = TargetSelection {
        settings: vec![
            "CI_PROFILE=foo".to_owned(),
            "CODE_SIGN_STYLE=Manual".to_owned(),
        ],
        ..base
    };
    all.push(("with settings".to_owned(), said));
    all
}

#[test]
fn every_report_gets_one_verdict() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    let empty = tempfile::tempdir().unwrap();
    let plain = empty.path().join("signing.toml");
    fs::write(&plain, "version = 1\n").unwrap();
    let mut inputs = Vec::new();
    for entry in fs::read_dir(&reports).unwrap() {
        let folder = entry.unwrap().path();
        let projects = match folder.is_dir() {
            true => projects(&folder),
            false => Vec::new(),
        };
        let policies = ["signing.toml", "pol.toml"].map(|name| folder.join(name));
        let policy = policies.into_iter().find(|it| it.is_file());
        let profiles = folder.join("profiles");
        for project in projects {
            for (words, selection) in selections(&project) {
                let shown = project.strip_prefix(&reports).unwrap().display();
                inputs.push(Input {
                    name: format!("{shown} {words}"),
                    selection,
                    policy: policy.clone().unwrap_or_else(|| plain.clone()),
                    profiles: match profiles.is_dir() {
                        true => profiles.clone(),
                        false => empty.path().to_owned(),
                    },
                    environment: Vec::new(),
                });
            }
        }
    }
    assert!(inputs.len() > 30);
    agree(&inputs);
}
