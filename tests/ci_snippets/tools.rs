//! The tools of others that hold the files: below `target/`, made once; without a network they are not to be had.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use support::root;

/// The folder of the tools' programs; says so where it cannot be had.
pub(crate) fn tools() -> Option<PathBuf> {
    static TOOLS: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let made = Command::new(root().join("scripts/ci-tools"))
            .output()
            .unwrap();
        let printed = String::from_utf8(made.stdout).unwrap();
        match made.status.success() {
            true => Some(PathBuf::from(printed.trim())),
            false => {
                eprintln!(
                    "skipped: {}",
                    String::from_utf8_lossy(&made.stderr).trim_end()
                );
                None
            }
        }
    });
    TOOLS.clone()
}

/// A tool about to run.
pub(crate) fn tool(name: &str) -> Option<Command> {
    Some(Command::new(tools()?.join(name)))
}
