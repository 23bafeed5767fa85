//! Journals, leases and folders of the state directory that somebody else can steer.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use countersign::host::owned_files;
use support::machine::Kind;
use support::site::{Site, text};
use support::start;

/// A program called `security` that leaves a mark when somebody runs it.
fn planted_tools(site: &Site) -> std::path::PathBuf {
    let tools = site.path("planted");
    fs::create_dir(&tools).unwrap();
    let script = format!("#!/bin/sh\ntouch '{}'\n", site.path("ran").display());
    fs::write(tools.join("security"), script).unwrap();
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(tools.join("security"), executable).unwrap();
    tools
}

#[test]
fn no_option_and_no_variable_tells_the_released_program_which_security_to_run() {
    let site = Site::new(Kind::Portable);
    let tools = planted_tools(&site);
    let asked = |before: &[&str], after: &[&str]| {
        let mut command = start::countersign(&site.path("home"));
        command
            .args(before)
            .args(["keychain", "status", "--backend", "macos", "--keychain"])
            .arg(site.machine.keychain().as_path())
            .args(after)
            .env("PATH", &tools);
        for name in ["TOOLS", "COUNTERSIGN_TOOLS", "COUNTERSIGN_SECURITY"] {
            command.env(name, &tools);
        }
        command.output().unwrap()
    };
    let tools = tools.to_str().unwrap();
    for (before, after) in [
        (&["--tools", tools][..], &[][..]),
        (&[], &["--tools", tools]),
    ] {
        let output = asked(before, after);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("unexpected argument '--tools'"));
    }
    asked(&[], &[]);
    assert!(!site.path("ran").exists());
}

#[test]
fn a_journal_that_names_a_security_of_its_own_runs_nothing() {
    let site = Site::new(Kind::Portable);
    let tools = planted_tools(&site);
    let run = "20260301T120000Z-9f86d081884c7d65";
    let journal = serde_json::json!({
        "run": run,
        "keychain": site.machine.keychain(),
        "backend": {"kind": "macos", "tools": tools, "home": site.path("home"), "user": "ci"},
        "until": "2026-03-01T12:20:00Z",
    });
    owned_files::make_directory(&site.path("state/runs")).unwrap();
    let path = site.path(&format!("state/runs/{run}.json"));
    owned_files::create(&path, journal.to_string().as_bytes()).unwrap();
    let recovered = site.base(&["keychain", "recover"]).output().unwrap();
    assert!(!site.path("ran").exists(), "{}", text(&recovered.stdout));
    let said = text(&recovered.stdout);
    assert!(said.contains("damaged"), "{said}");
}
