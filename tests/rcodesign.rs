//! Signing on Linux inside of a window: rcodesign finds the identity of a portable keychain while it is open, and only
//! then. Skipped, with a word, where rcodesign is not installed (`cargo install apple-codesign --locked`).

#![allow(missing_docs, clippy::disallowed_methods, clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use countersign::apple::pkcs12::Form;
use support::machine::{WAIVING, identity, manifest_bytes, p12};
use support::start;

/// The least that is a program for arm64 Macs: a page of code without an instruction, and room for a signature.
fn mach_o() -> Vec<u8> {
    const PAGE: u64 = 0x4000;
    let mut commands = Vec::new();
    let name = |text: &str| {
        let mut name = text.as_bytes().to_vec();
        name.resize(16, 0);
        name
    };
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
    let longs = |longs: &[u64]| -> Vec<u8> { longs.iter().flat_map(|l| l.to_le_bytes()).collect() };
    // LC_SEGMENT_64 with one section, LC_SEGMENT_64, LC_BUILD_VERSION for macOS 11 [mach-o/loader.h].
    commands.extend(words(&[0x19, 72 + 80]));
    commands.extend(name("__TEXT"));
    commands.extend(longs(&[0x1_0000_0000, PAGE, 0, PAGE]));
    commands.extend(words(&[5, 5, 1, 0]));
    commands.extend(name("__text"));
    commands.extend(name("__TEXT"));
    commands.extend(longs(&[0x1_0000_3000, 0x1000]));
    commands.extend(words(&[0x3000, 2, 0, 0, 0x8000_0400, 0, 0, 0]));
    commands.extend(words(&[0x19, 72]));
    commands.extend(name("__LINKEDIT"));
    commands.extend(longs(&[0x1_0000_4000, PAGE, PAGE, 16]));
    commands.extend(words(&[1, 1, 0, 0]));
    commands.extend(words(&[0x32, 24, 1, 0x000b_0000, 0x000b_0000, 0]));
    let size = u32::try_from(commands.len()).unwrap();
    let mut program = words(&[0xfeed_facf, 0x0100_000c, 0, 2, 3, size, 0x85, 0]);
    program.extend(commands);
    program.resize(usize::try_from(PAGE).unwrap() + 16, 0);
    program
}

fn countersign(directory: &Path, words: &[&str]) -> Output {
    let output = start::countersign(directory)
        .args(["--state-dir", "state", "--policy", "signing.toml"])
        .args(["--manifest", "profiles.json"])
        .args(words)
        .current_dir(directory)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    output
}

#[test]
fn rcodesign_signs_with_the_identity_of_an_open_window() {
    if Command::new("rcodesign").arg("--version").output().is_err() {
        eprintln!("skipped: rcodesign is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let policy = format!("{WAIVING}[keychain]\npath = \"ci.p12\"\n");
    fs::write(here.join("signing.toml"), policy).unwrap();
    fs::write(here.join("profiles.json"), manifest_bytes()).unwrap();
    fs::write(here.join("team.p12"), p12(&[1], "file", Form::Modern)).unwrap();
    fs::write(here.join("team.password"), "file").unwrap();
    fs::write(here.join("program"), mach_o()).unwrap();
    countersign(here, &["keychain", "create"]);
    countersign(
        here,
        &[
            "keychain",
            "import",
            "team.p12",
            "--password-file",
            "team.password",
        ],
    );
    let sign = "rcodesign sign --timestamp-url none --p12-file \"$COUNTERSIGN_P12\" \
                --p12-password-file \"$COUNTERSIGN_P12_PASSWORD_FILE\" program signed";
    let waived = "profiles,identities,targets";
    countersign(here, &["run", "--without", waived, "--", "sh", "-c", sign]);
    let signed = fs::read(here.join("signed")).unwrap();
    // rcodesign encodes the certificate anew; the key in it is what only this identity has.
    let certificate = identity(1).certificate_der;
    let (_, certificate) = x509_parser::parse_x509_certificate(&certificate).unwrap();
    let key = certificate.public_key().subject_public_key.data.as_ref();
    let holds = |key: &[u8]| signed.windows(key.len()).any(|window| window == key);
    assert!(holds(key), "the signature is of the keychain's identity");
    for keychain in fs::read_dir(here.join("state/open")).unwrap() {
        let shown = fs::read_dir(keychain.unwrap().path()).unwrap();
        assert_eq!(shown.count(), 0);
    }
}
