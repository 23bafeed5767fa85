//! The shell of the files: what shellcheck says, and what must stand in each.

use std::fs;

use support::root;
use support::workshop::ran;

use crate::snippet::steps;
use crate::tools::tool;

/// Whether shellcheck has nothing to say of a script for bash; none where it is not to be had.
pub(crate) fn is_clean(script: &str) -> Option<(bool, String)> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("step");
    fs::write(&file, script).unwrap();
    let mut command = tool("shellcheck")?;
    let ran = ran(command.arg("--shell=bash").arg(&file));
    Some((ran.code == 0, ran.out + &ran.err))
}

#[test]
fn shellcheck_has_nothing_to_say() {
    for step in steps() {
        let Some((is_clean, said)) = is_clean(&step.script) else {
            return;
        };
        assert!(is_clean, "{}: {said}", step.file);
    }
    let Some((is_clean, _)) = is_clean("rm -r $HOME/*.p12\n") else {
        return;
    };
    assert!(!is_clean, "shellcheck looks");
}

#[test]
fn the_shell_of_this_repository_is_as_clean() {
    for script in [
        ".ci/run",
        "packaging/archives",
        "packaging/formula",
        "packaging/gate",
        "packaging/install",
        "packaging/sign-macos",
        "scripts/book",
        "scripts/check",
        "scripts/ci-tools",
        "scripts/make-product-fixtures",
        "scripts/pin",
        "scripts/real-products",
        "scripts/static",
    ] {
        let Some(mut command) = tool("shellcheck") else {
            return;
        };
        let ran = ran(command.arg(root().join(script)));
        assert_eq!(ran.code, 0, "{script}: {}{}", ran.out, ran.err);
    }
}

/// The lines of a script that are neither blank nor comments.
fn commands(script: &str) -> Vec<&str> {
    let lines = script.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[test]
fn each_step_ends_at_the_first_command_that_fails() {
    for step in steps() {
        assert_eq!(
            commands(&step.script)[0],
            "set -euo pipefail",
            "{}",
            step.file
        );
    }
}

#[test]
fn each_gate_expects_the_digests_of_the_protected_branch() {
    for step in steps().iter().filter(|step| step.asks_the_gate()) {
        let lines = commands(&step.script);
        let place = |part: &str| {
            let found = lines.iter().position(|line| line.contains(part));
            found.unwrap_or_else(|| panic!("{}: no {part:?}", step.file))
        };
        let fetch =
            place("git fetch --no-tags --depth=1 origin +refs/heads/main:refs/remotes/origin/main");
        let policy = place("policy=$(git show origin/main:manifests/");
        let manifest = place(
            "manifest=$(git show origin/main:manifests/profiles.json | shasum -a 256 | cut -d' ' -f1)",
        );
        let expected = place("--expect-policy \"$policy\" --expect-manifest \"$manifest\"");
        assert!(
            fetch < policy && policy < manifest && manifest < expected,
            "{}",
            step.file
        );
        assert!(
            lines[policy].contains("| shasum -a 256 | cut -d' ' -f1)"),
            "{}",
            step.file
        );
    }
}

#[test]
fn no_secret_stands_in_a_command() {
    for step in steps() {
        for line in commands(&step.script) {
            let variables = line.split('$').skip(1).map(|rest| {
                let name = rest.trim_start_matches('{');
                let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                &name[..end.unwrap_or(name.len())]
            });
            for name in variables {
                let is_secret = ["PASSWORD", "SECRET", "TOKEN", "KEY", "_URL"]
                    .iter()
                    .any(|word| name.contains(word));
                // `printf` is the shell's own: no process has it among its arguments.
                assert!(
                    !is_secret || line.starts_with("printf "),
                    "{}: {line}",
                    step.file
                );
            }
            for flag in ["--password ", "--keychain-password "] {
                assert!(!line.contains(flag), "{}: {line}", step.file);
            }
        }
    }
}
