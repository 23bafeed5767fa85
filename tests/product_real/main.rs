//! Products that Apple's customers signed, from public registries: verified, read a second time, and broken.
//!
//! `scripts/real-products` brings them to `target/real-products`. Where it cannot, the tests are skipped and say so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the script that fetches"
)]

mod intact;
mod mutations;
mod reading;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use countersign::apple::anchors::Anchors;
use countersign::apple::code_signature::verify::{Report, verify};
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::blocks;
use countersign::host::product::folder::FolderProduct;
use support::root;

const APP: &str = "Mitmproxy Redirector.app";
const TOOL: &str = "sentry-cli";
const EXTENSION: &str = "Contents/Library/SystemExtensions/org.mitmproxy.macos-redirector.network-extension.systemextension";

/// Where a product lies; says so where it cannot be had.
fn real(name: &str) -> Option<PathBuf> {
    static FOLDER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let made = Command::new(root().join("scripts/real-products"))
            .output()
            .unwrap();
        let printed = String::from_utf8(made.stdout).unwrap();
        match made.status.success() {
            true => Some(PathBuf::from(printed.trim())),
            false => {
                let reason = String::from_utf8_lossy(&made.stderr);
                eprintln!("skipped: {}", reason.trim_end());
                None
            }
        }
    });
    Some(FOLDER.as_ref()?.join(name))
}

/// What is found of a product, with no anchor but Apple's.
fn judged(path: &Path) -> Report {
    let product = FolderProduct::list(path).unwrap();
    let now = "2026-11-01T00:00:00Z".parse().unwrap();
    verify(&product, &Verifier::new(Anchors::apple()), now)
}

/// The codes that block, each once, in order.
fn codes(report: &Report) -> Vec<&'static str> {
    let findings = report.findings();
    let blocking = findings.iter().filter(|finding| blocks(finding));
    let mut codes: Vec<&str> = blocking.map(|finding| finding.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}
