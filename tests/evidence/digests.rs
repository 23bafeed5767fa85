//! The digest of a product that is a folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::scene::{check, developer_id_app, plans, run};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A second reading of the definition in docs/evidence.md.
fn defined(root: &Path) -> String {
    let mut records = BTreeMap::new();
    walk(root, "", &mut records);
    let mut hash = Sha256::new();
    hash.update(b"countersign.product-digest.v1\n");
    for record in records.values() {
        hash.update(record);
    }
    format!("sha256:{}", hex(&hash.finalize()))
}

fn walk(folder: &Path, below: &str, records: &mut BTreeMap<Vec<u8>, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        let metadata = entry.path().symlink_metadata().unwrap();
        let record = if metadata.is_dir() {
            walk(&entry.path(), &format!("{path}/"), records);
            format!("d {path}\0")
        } else if metadata.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            format!("l {path}\0{}\0", target.to_str().unwrap())
        } else {
            let kind = if metadata.permissions().mode() & 0o111 == 0 {
                'f'
            } else {
                'x'
            };
            let digest = Sha256::digest(fs::read(entry.path()).unwrap());
            format!("{kind} {path}\0{}\0", hex(&digest))
        };
        records.insert(path.into_bytes(), record.into_bytes());
    }
}

#[test]
fn it_is_what_the_documentation_defines_and_copies_have_the_same() {
    let product = developer_id_app();
    let workshop = plans(&product);
    let digest = |path: &str| {
        let document = run(&workshop, path, &[]).json();
        document["products"][0]["digest"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    check(&workshop, &product, &[]).exits(0);
    let original = digest("built/Rocket.app");
    assert_eq!(original, defined(&workshop.path("built/Rocket.app")));
    let copied = Command::new("cp")
        .arg("-R")
        .arg(workshop.path("built/Rocket.app"))
        .arg(workshop.path("Copy.app"))
        .status();
    assert!(copied.unwrap().success());
    assert_eq!(digest("Copy.app"), original);
    let file = workshop.path("Copy.app/Contents/Resources/Rocket.icns");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    assert_ne!(digest("Copy.app"), original);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(digest("Copy.app"), original);
    fs::write(&file, "another icon").unwrap();
    assert_ne!(digest("Copy.app"), original);
}
