//! A browser shows the page: no error on its console, and every profile in its document. Where no browser is installed, the
//! test says so and stands aside.

use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::ops::target_selection::TargetSelection;

use super::{fleet, page, uuids};

/// Names under which Chromium is installed.
const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let candidates = directories
        .iter()
        .flat_map(|directory| BROWSERS.iter().map(|name| directory.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// What the browser says of a page: its document, and what it logs.
fn shown(browser: &Path, page: &Path, profile: &Path) -> (String, String) {
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .env("HOME", profile)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_browser_shows_every_profile_and_has_nothing_to_complain_of() {
    let Some(browser) = browser() else {
        eprintln!(
            "skipped: no Chromium is installed ({})",
            BROWSERS.join(", ")
        );
        return;
    };
    let workshop = fleet(12);
    let (page, document) = page(&workshop, TargetSelection::default());
    let file = workshop.write("signing.html", page);
    let (dom, log) = shown(&browser, &file, &workshop.path("browser"));
    for uuid in uuids(&document) {
        assert!(dom.contains(&format!("<td>{uuid}</td>")), "{uuid}: {log}");
    }
    assert!(dom.contains("</svg>"));
    assert!(!log.contains(":CONSOLE"), "{log}");

    // A page with a mistake is complained of: the log is the right one to look at.
    let broken = "<!doctype html><script>console.error('broken')</script>";
    let file = workshop.write("broken.html", broken);
    let (_, log) = shown(&browser, &file, &workshop.path("browser"));
    assert!(log.contains(":CONSOLE"), "{log}");
}
