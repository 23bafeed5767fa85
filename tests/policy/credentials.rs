//! `[[rotation.credentials]]`: what else must be replaced in time.

use std::path::PathBuf;

use countersign::context::policy::CredentialEnd;

use crate::reading::{accepted, refused};

#[test]
fn a_credential_has_a_name_and_one_of_a_certificate_and_a_day() {
    let credential = |keys: &str| format!("[[rotation.credentials]]\n{keys}\n");
    let policy = accepted(&format!(
        "{}{}",
        credential("name = 'App Store Connect key'\nreplace_by = '2027-03-01'"),
        credential("name = 'installer'\ncertificate = 'installer.cer'"),
    ));
    let [key, installer] = &*policy.rotation.credentials else {
        panic!("{:#?}", policy.rotation.credentials);
    };
    assert_eq!(key.name, "App Store Connect key");
    let day = "2027-03-01T00:00:00Z".parse().unwrap();
    assert_eq!(key.end, CredentialEnd::Day(day));
    let file = PathBuf::from("/repo/manifests/installer.cer");
    assert_eq!(installer.end, CredentialEnd::Certificate(file));

    let first = "rotation.credentials[0]";
    refused(
        &credential("name = 'key'"),
        2,
        first,
        "does not say when it ends",
        "replace_by",
    );
    refused(
        &credential("name = 'key'\ncertificate = 'a.cer'\nreplace_by = '2027-03-01'"),
        2,
        first,
        "has both",
        "keep one",
    );
    let name = "rotation.credentials[0].name";
    refused(
        &credential("replace_by = '2027-03-01'"),
        2,
        name,
        "is not written",
        "for reports",
    );
    refused(
        &credential("name = ' '\nreplace_by = '2027-03-01'"),
        3,
        name,
        "empty",
        "",
    );
    let long = format!("name = '{}'\nreplace_by = '2027-03-01'", "x".repeat(129));
    refused(&credential(&long), 3, name, "too long", "");
    let day = "rotation.credentials[0].replace_by";
    for text in [
        "2027-02-30",
        "2027-3-1",
        "March",
        "2027-03-01T10:00",
        "20270301",
        "+27-03-01",
    ] {
        let keys = format!("name = 'key'\nreplace_by = '{text}'");
        refused(&credential(&keys), 4, day, "no day of the calendar", "");
    }
    refused(
        &credential("name = 'key'\nreplace_by = 2027-03-01"),
        4,
        day,
        "is not a day",
        "quotes",
    );
    let unknown = "rotation.credentials[0].replaceby";
    refused(
        &credential("name = 'key'\nreplaceby = '2027-03-01'\nreplace_by = '2027-03-01'"),
        4,
        unknown,
        "unknown key",
        "replace_by",
    );
    let twice = credential("name = 'key'\nreplace_by = '2027-03-01'").repeat(2);
    refused(
        &twice,
        5,
        "rotation.credentials[1]",
        "repeats",
        "delete one",
    );
    refused(
        "[rotation]\ncredentials = 'key'\n",
        3,
        "rotation.credentials",
        "is not a list",
        "[ ]",
    );
}
