//! The key of a team.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use countersign::base::error::ErrorCode;
use countersign::ops::error::{Error, Failure};
use countersign::ops::portal::access::KeyRequest;
use countersign::ops::portal::list;
use forge::certificate::pem;
use forge::key::Key;

use super::apple::{ISSUER, KEY_ID};
use super::bench::{Bench, NOW, key_file};

fn error(bench: &Bench, key: &KeyRequest) -> Error {
    match list::list(key, &bench.world_at(NOW)) {
        Err(Failure::Error(error)) => {
            assert_eq!(bench.apple.holding().count(), 0, "nothing is asked");
            error
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_that_others_can_read_is_refused_with_what_to_do() {
    let bench = Bench::empty();
    let file = bench.path(format!("AuthKey_{KEY_ID}.p8"));
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let error = error(&bench, &bench.key());
    assert_eq!(error.code(), ErrorCode::PortalKeyUnusable);
    assert!(
        error.message().contains("is open to others (mode 640)"),
        "{error}"
    );
    assert!(error.advice().0.unwrap().contains("chmod 600"));
    fs::set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
    bench.list().unwrap();
}

#[test]
fn a_link_in_the_place_of_a_key_and_a_missing_one_are_refused() {
    let bench = Bench::empty();
    let link = bench.path(format!("link/AuthKey_{KEY_ID}.p8"));
    fs::create_dir(bench.path("link")).unwrap();
    std::os::unix::fs::symlink(bench.path(format!("AuthKey_{KEY_ID}.p8")), &link).unwrap();
    let mut key = bench.key();
    key.key_file = Some(link);
    assert_eq!(error(&bench, &key).code(), ErrorCode::PortalKeyUnusable);
    key.key_file = Some(bench.path(format!("gone/AuthKey_{KEY_ID}.p8")));
    assert_eq!(error(&bench, &key).code(), ErrorCode::FileMissing);
}

#[test]
fn what_is_no_key_of_the_right_curve_is_refused() {
    let bench = Bench::empty();
    let write = |text: &str| {
        let file = bench.workshop.write(format!("AuthKey_{KEY_ID}.p8"), text);
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    };
    for (text, says) in [
        (
            pem("PRIVATE KEY", &Key::p384("another").pkcs8()),
            "not on the curve P-256",
        ),
        (
            pem("PRIVATE KEY", &Key::rsa("another").pkcs8()),
            "not on the curve P-256",
        ),
        (pem("PRIVATE KEY", b"hello"), "not on the curve P-256"),
        (
            key_file().replace("PRIVATE KEY", "CERTIFICATE"),
            "is not an API key",
        ),
        ("hello".to_owned(), "is not an API key"),
        (String::new(), "is not an API key"),
        ("x".repeat(5_000), "holds more than 4096 bytes"),
    ] {
        write(&text);
        let error = error(&bench, &bench.key());
        assert_eq!(error.code(), ErrorCode::PortalKeyUnusable, "{error}");
        assert!(error.message().contains(says), "{error}");
        assert!(error.advice().0.is_some(), "{error}");
    }
    write(&format!("\n{}\n", key_file()));
    bench.list().unwrap();
}

#[test]
fn an_individual_key_cannot_provision_and_that_is_said() {
    let bench = Bench::empty();
    let mut key = bench.key();
    key.issuer_id = None;
    let error = error(&bench, &key);
    assert_eq!(error.code(), ErrorCode::Usage);
    assert!(
        error.message().contains("an individual key has none"),
        "{error}"
    );
    assert!(error.advice().0.unwrap().starts_with("make a team key"));
}

#[test]
fn the_key_id_is_that_of_the_files_name_and_another_one_is_told() {
    let bench = Bench::empty();
    let mut key = bench.key();
    key.key_id = Some("AAAAAAAAAA".parse().unwrap());
    let told = error(&bench, &key);
    assert!(
        told.message().contains(&format!(
            "is called after the key {KEY_ID}, and not after AAAAAAAAAA"
        )),
        "{told}"
    );
    let renamed = bench.workshop.write("team.p8", key_file());
    fs::set_permissions(&renamed, Permissions::from_mode(0o600)).unwrap();
    key = KeyRequest {
        key_id: None,
        key_file: Some(renamed),
        ..bench.key()
    };
    assert!(
        error(&bench, &key)
            .message()
            .contains("does not hold the key id")
    );
    key.key_id = Some(KEY_ID.parse().unwrap());
    list::list(&key, &bench.world_at(NOW)).unwrap();
    key.key_file = None;
    assert!(matches!(
        list::list(&key, &bench.world_at(NOW)),
        Err(Failure::Error(error)) if error.message().contains("no API key")
    ));
}

#[test]
fn where_the_key_is_may_stand_in_the_environment() {
    let bench = Bench::at(None);
    let mut command = support::start::command(
        support::machine::example("countersign_with_tools"),
        &bench.path("home"),
    );
    command
        .args([
            "--portal",
            &bench.apple.server.address.to_string(),
            "portal",
            "list",
        ])
        .current_dir(bench.path(""))
        .env("COUNTERSIGN_KEY_FILE", format!("AuthKey_{KEY_ID}.p8"))
        .env("COUNTERSIGN_ISSUER_ID", ISSUER);
    support::workshop::ran(&mut command).exits(0);
}
