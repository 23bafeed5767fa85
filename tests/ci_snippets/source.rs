//! The repository's address and the commit that snippets build stand in `Cargo.toml`; every other mention is theirs.

use std::fs;
use std::path::PathBuf;

use support::root;

use crate::snippet::steps;

/// The value of a key of `Cargo.toml`.
fn of_cargo_toml(key: &str) -> String {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let start = format!("{key} = \"");
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(&start));
    let value = lines.next().unwrap_or_else(|| panic!("no {key}"));
    assert_eq!(lines.next(), None, "{key} stands twice");
    value.trim_end_matches('"').to_owned()
}

/// Owner and name.
fn slug() -> String {
    let repository = of_cargo_toml("repository");
    repository
        .strip_prefix("https://github.com/")
        .unwrap()
        .to_owned()
}

/// The text files that name the repository.
fn texts() -> Vec<PathBuf> {
    let folders = [
        "docs",
        "examples/ci",
        "packaging",
        ".github",
        "src",
        "scripts",
        ".ci",
    ];
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| support::files_below(&root().join(folder)))
        .collect();
    files.extend(
        ["README.md", "CHANGELOG.md", "action.yml", "Cargo.toml"].map(|file| root().join(file)),
    );
    files
}

#[test]
fn every_mention_of_the_repository_is_the_one_of_cargo_toml() {
    let slug = slug();
    let mut mentions = 0;
    for file in texts() {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for (at, _) in text.match_indices("/countersign") {
            let owner = text[..at]
                .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .next()
                .unwrap();
            let before = &text[..at - owner.len()];
            let is_repository = ["github.com/", "ghcr.io/", "uses: ", "--repo ", "brew tap "]
                .iter()
                .any(|place| before.ends_with(place));
            if is_repository {
                mentions += 1;
                assert_eq!(format!("{owner}/countersign"), slug, "{}", file.display());
            }
        }
    }
    assert!(mentions > 20, "{mentions}");
}

#[test]
fn every_snippet_builds_the_pinned_commit_of_the_repository() {
    let commit = of_cargo_toml("pinned_commit");
    assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let install = format!(
        "cargo install --locked --git {} --rev {commit} countersign",
        of_cargo_toml("repository")
    );
    let steps = steps();
    let installs = steps
        .iter()
        .filter(|step| step.script.contains("cargo install"));
    for step in installs {
        assert!(
            step.script.lines().any(|line| line == install),
            "{}",
            step.file
        );
    }
    for file in texts() {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for (at, _) in text.match_indices("--rev ") {
            let revision: String = text[at + 6..]
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            assert!(
                revision.is_empty() || revision == commit || revision == "COMMIT",
                "{}: {revision}",
                file.display()
            );
        }
    }
}

#[test]
fn every_action_of_others_is_pinned_to_a_commit() {
    let mut files = vec![
        root().join("action.yml"),
        root().join(".github/workflows/release.yml"),
    ];
    files.extend(support::files_below(&root().join("examples/ci")));
    let mut pinned = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (_, action) in text.lines().filter_map(|line| line.split_once("uses: ")) {
            let (_, reference) = action.split_once('@').unwrap();
            let (commit, version) = reference.split_once(" # v").unwrap_or((reference, ""));
            let is_commit = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(
                is_commit && !version.is_empty(),
                "{}: {action}",
                file.display()
            );
            pinned += 1;
        }
    }
    assert!(pinned > 10, "{pinned}");
}

/// Whether git says yes to this here.
fn git(words: &[&str]) -> bool {
    let mut git = std::process::Command::new("git");
    let ran = git.arg("-C").arg(root()).args(words).output();
    ran.is_ok_and(|output| output.status.success())
}

#[test]
fn the_pinned_commit_holds_the_action() {
    let commit = of_cargo_toml("pinned_commit");
    if !git(&["cat-file", "-e", &format!("{commit}^{{commit}}")]) {
        eprintln!("skipped: this is no checkout with its history");
        return;
    }
    assert!(git(&["cat-file", "-e", &format!("{commit}:action.yml")]));
    assert!(git(&["merge-base", "--is-ancestor", &commit, "HEAD"]));
}
