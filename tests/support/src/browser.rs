//! A browser that shows pages: it says what their document becomes, and what it complains of.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Names under which Chromium is installed.
const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A browser with a profile of its own, gone afterwards.
pub struct Browser {
    program: PathBuf,
    profile: tempfile::TempDir,
}

/// What the browser made of a page.
pub struct Shown {
    /// The document.
    pub dom: String,
    /// What it logged.
    pub log: String,
}

impl Browser {
    /// The one that is installed; says so if there is none.
    pub fn installed() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let candidates = directories
            .iter()
            .flat_map(|directory| BROWSERS.iter().map(|name| directory.join(name)));
        let Some(program) = candidates.into_iter().find(|it| it.is_file()) else {
            let names = BROWSERS.join(", ");
            eprintln!("skipped: no Chromium is installed ({names})");
            return None;
        };
        Some(Self {
            program,
            profile: tempfile::tempdir().unwrap(),
        })
    }

    /// Shows a page.
    pub fn show(&self, page: &Path) -> Shown {
        let profile = self.profile.path();
        let output = Command::new(&self.program)
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
        Shown {
            dom: text(&output.stdout),
            log: text(&output.stderr),
        }
    }
}
