//! The fastlane plugin in `integrations/`: its own test, with the program that is built here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "it starts Ruby"
)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_actions_of_the_plugin_do_what_they_say_and_write_flags_that_the_program_knows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let test = root.join("integrations/fastlane-plugin-countersign/test/plugin_test.rb");
    let ran = Command::new("ruby")
        .arg(test)
        .env("COUNTERSIGN", env!("CARGO_BIN_EXE_countersign"))
        .output();
    let Ok(ran) = ran else {
        eprintln!("skipped: no ruby on the path");
        return;
    };
    let out = String::from_utf8_lossy(&ran.stdout);
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{out}\n{err}");
    assert!(out.contains("ok: countersign run knows --window"), "{out}");
}
