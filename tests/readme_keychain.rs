//! The five lines of the README that rehearse a signing job from nothing, exactly as they stand there.

#![allow(missing_docs, clippy::disallowed_methods, clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use support::{copy_folder, start};

/// What the README shows; its text is compared, so that neither changes alone.
const LINES: &str = r#"c() { countersign --policy manifests/rehearsal.toml --state-dir target/rehearsal "$@"; }
c keychain create
c keychain import fixtures/acme/distribution.p12 --password-file fixtures/acme/distribution.p12.password
c run --project fixtures/acme/Acme.xcodeproj -- sh -c 'sleep 1'
c audit verify"#;

#[test]
fn the_readmes_five_lines_do_what_it_says() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(package.join("README.md")).unwrap();
    assert!(readme.contains(LINES), "the README shows other lines");
    let directory = tempfile::tempdir().unwrap();
    copy_folder(
        &package.join("manifests"),
        &directory.path().join("manifests"),
    );
    copy_folder(
        &package.join("fixtures/acme"),
        &directory.path().join("fixtures/acme"),
    );
    fs::create_dir(directory.path().join("target")).unwrap();
    let program = support::program();
    let path = format!("{}:{}", program.parent().unwrap().display(), start::PATH);
    let output = start::command("sh", directory.path())
        .args(["-e", "-c", LINES])
        .current_dir(directory.path())
        .env("PATH", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("created"), "{said}");
    assert!(said.contains("imported"), "{said}");
    assert!(said.contains("intact"), "{said}");
    for keychain in fs::read_dir(directory.path().join("target/rehearsal/open")).unwrap() {
        let shown = fs::read_dir(keychain.unwrap().path()).unwrap();
        assert_eq!(shown.count(), 0, "closed again");
    }
}
