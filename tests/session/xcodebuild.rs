//! A run whose command is `xcodebuild`: what that is told about the project is judged.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use support::machine::Kind;

use crate::site::{Site, text};

/// A site with Acme's project and a program `xcodebuild` that leaves a mark.
fn site() -> Site {
    let site = Site::new(Kind::Portable);
    let project = forge::fixtures::project().change("Rocket", |target| {
        let name = "PROVISIONING_PROFILE_SPECIFIER";
        target.without(name).with(name, "$(CI_PROFILE)")
    });
    project.write(&site.path("source"));
    let program = site.path("xcodebuild");
    let mark = site.path("started");
    fs::write(&program, format!("#!/bin/sh\ntouch '{}'\n", mark.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    site
}

/// Runs `xcodebuild` on the project, everything waived but its targets if they are `judged`.
fn run(site: &Site, judged: bool, words: &[&str]) -> Output {
    let waived = match judged {
        true => "profiles,identities",
        false => "profiles,identities,targets",
    };
    let mut command = site.base(&["run", "--without", waived]);
    site.keychain_flags(&mut command);
    command
        .arg("--keychain-password-file")
        .arg(site.path("password"))
        .arg("--")
        .arg(site.path("xcodebuild"))
        .arg("-project")
        .arg(OsString::from(site.path("source/Acme.xcodeproj")))
        .args(words);
    command.output().unwrap()
}

#[test]
fn what_the_command_says_is_judged_and_said() {
    let site = site();
    let words = [
        "-configuration",
        "Release",
        "CI_PROFILE=Of nobody",
        "archive",
    ];
    let output = run(&site, true, &words);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(10), "{said}");
    assert!(
        said.contains("read from the xcodebuild command: project"),
        "{said}"
    );
    assert!(said.contains("configuration Release"), "{said}");
    assert!(said.contains("setting CI_PROFILE"), "{said}");
    // The setting decided: the application asks for that profile.
    assert!(
        text(&output.stdout).contains("Of nobody"),
        "{}",
        text(&output.stdout)
    );
    assert!(!site.path("started").exists());
}

#[test]
fn what_nobody_judges_is_not_taken_over() {
    let site = site();
    let output = run(&site, false, &["-configuration", "Release"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("xcodebuild command"), "{said}");
    assert!(site.path("started").exists());
}

#[test]
fn the_scheme_of_the_command_is_the_one_that_is_judged() {
    let site = site();
    let output = run(&site, true, &["-scheme", "Nobody", "archive"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(11), "{said}");
    assert!(said.contains("no scheme \"Nobody\""), "{said}");
    assert!(!site.path("started").exists());
}
