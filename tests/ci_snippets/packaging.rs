//! What the release workflow makes of the built programs.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::workshop::{Ran, ran};
use support::{root, start};

/// The targets of a release.
pub(crate) const TARGETS: [&str; 4] = [
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "x86_64-unknown-linux-musl",
];

/// A script of `packaging` about to run.
pub(crate) fn script(name: &str, home: &Path) -> Command {
    let mut command = start::command(root().join("packaging").join(name), home);
    command
        .env("PATH", start::PATH)
        .env("SOURCE_DATE_EPOCH", "1790000000");
    command
}

/// Packs this program for every target.
pub(crate) fn packed(work: &Path, program: &str) -> PathBuf {
    for target in TARGETS {
        let folder = work.join("programs").join(target);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("countersign");
        fs::write(&file, program).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let release = work.join("release");
    let mut archives = script("archives", work);
    archives
        .arg("0.9.9")
        .arg(work.join("programs"))
        .arg(&release);
    let ran = ran(&mut archives);
    assert_eq!(ran.code, 0, "{ran:?}");
    release
}

fn sums(release: &Path) -> String {
    fs::read_to_string(release.join("SHA256SUMS")).unwrap()
}

fn filled(release: &Path, version: &str) -> Ran {
    let mut formula = script("formula", release);
    ran(formula.arg(version).arg(release.join("SHA256SUMS")))
}

#[test]
fn the_same_programs_give_the_same_archives_with_their_checksums() {
    let work = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = work.each_ref().map(|work| packed(work.path(), "the same"));
    assert_eq!(sums(&one), sums(&other));
    assert_eq!(sums(&one).lines().count(), TARGETS.len());
    let different = tempfile::tempdir().unwrap();
    assert_ne!(sums(&one), sums(&packed(different.path(), "another")));
    let archive = one.join("countersign-0.9.9-x86_64-unknown-linux-musl.tar.gz");
    let mut tar = start::command("tar", &one);
    tar.env("PATH", start::PATH).arg("-tvzf").arg(archive);
    let listed = ran(&mut tar).exits(0);
    for file in ["countersign", "LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
        let name = format!("countersign-0.9.9-x86_64-unknown-linux-musl/{file}\n");
        assert!(listed.out.contains(&name), "{}", listed.out);
    }
    assert!(listed.out.contains("-rwxr-xr-x 0/0"), "{}", listed.out);
}

#[test]
fn the_formula_names_each_archive_with_its_checksum() {
    let work = tempfile::tempdir().unwrap();
    let release = packed(work.path(), "a program");
    let formula = filled(&release, "0.9.9").exits(0).out;
    assert!(!formula.contains('@'), "{formula}");
    assert!(formula.contains("version \"0.9.9\""));
    for line in sums(&release).lines() {
        let (sum, archive) = line.split_once("  ").unwrap();
        let place = format!("/releases/download/v0.9.9/{archive}\"\n      sha256 \"{sum}\"\n");
        assert!(formula.contains(&place), "{archive}: {formula}");
    }
    filled(&release, "0.9.8")
        .exits(1)
        .says(&["has not one checksum"]);
}

/// The value of a key in a section of `Cargo.toml`.
fn of_section(section: &str, key: &str) -> Option<String> {
    let cargo = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, section) = cargo.split_once(&format!("\n[{section}]\n"))?;
    let section = section.split("\n[").next()?;
    let start = format!("{key} = \"");
    let line = section.lines().find_map(|line| line.strip_prefix(&start))?;
    Some(line.trim_end_matches('"').to_owned())
}

#[test]
fn binstall_asks_for_the_archives_that_a_release_has() {
    let work = tempfile::tempdir().unwrap();
    let release = packed(work.path(), "a program");
    let linux = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"];
    let all = "package.metadata.binstall";
    for target in TARGETS.iter().chain(&linux) {
        let special = format!("{all}.overrides.{target}");
        let [url, program] = ["pkg-url", "bin-dir"].map(|key| {
            let value = of_section(&special, key).or(of_section(all, key)).unwrap();
            let value = value.replace("{ version }", "0.9.9");
            value.replace("{ target }", target)
        });
        let archive = url
            .strip_prefix("{ repo }/releases/download/v0.9.9/")
            .unwrap();
        let folder = archive.strip_suffix(".tar.gz").unwrap();
        assert!(release.join(archive).exists(), "{target}: {archive}");
        assert_eq!(program, format!("{folder}/{{ bin }}{{ binary-ext }}"));
    }
}
