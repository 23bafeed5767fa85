//! Making a keychain, and what is put into it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use countersign::apple::certificate::Certificate;
use countersign::apple::pkcs12::Form;
use countersign::base::error::Explain as _;
use countersign::base::remedy::Remedy;
use countersign::host::keychain::{KeychainError, LockState};
use countersign::host::owned_files;
use countersign::host::run_id::RunId;
use forge::certificate::{CertificateSpec, Name, attribute};
use forge::p12::P12Spec;
use support::machine::{Kind, Machine, identity, now, p12, password};

use crate::contract::{SETTINGS, made, open, over_every_backend, over_every_keychain, shown, told};

fn sha1s(certificates: &[Certificate]) -> Vec<String> {
    certificates.iter().map(|c| c.sha1.to_string()).collect()
}

#[test]
fn a_new_keychain_is_locked_empty_and_ours_alone() {
    over_every_backend(|kind, machine, backend| {
        let keychain = machine.keychain();
        assert_eq!(backend.status(&keychain).unwrap(), LockState::Missing);
        backend
            .create(&keychain, &password("right"), SETTINGS)
            .unwrap();
        assert_eq!(
            backend.status(&keychain).unwrap(),
            LockState::Locked,
            "{kind:?}"
        );
        assert!(backend.identities(&keychain).unwrap().is_empty());
        let mode = fs::metadata(keychain.as_path())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{kind:?}");
        machine.assert_clean();
    });
}

#[test]
fn a_keychain_that_is_there_is_not_made_again() {
    over_every_keychain(|_, _, backend, keychain| {
        let before = fs::read(keychain.as_path()).unwrap();
        let error = backend
            .create(keychain, &password("other"), SETTINGS)
            .unwrap_err();
        assert!(matches!(error, KeychainError::Exists(_)), "{error}");
        assert_eq!(fs::read(keychain.as_path()).unwrap(), before);
    });
}

#[test]
fn imported_identities_are_listed_while_it_is_locked() {
    over_every_keychain(|kind, machine, backend, keychain| {
        assert_eq!(backend.status(keychain).unwrap(), LockState::Locked);
        assert_eq!(
            sha1s(&backend.identities(keychain).unwrap()),
            [identity(1).sha1().to_string()]
        );
        let more = p12(&[2, 3], "file", Form::EveryMac);
        let now = backend
            .import(keychain, &password("right"), &more, &password("file"))
            .unwrap();
        assert_eq!(now.len(), 3, "{kind:?}");
        assert_eq!(backend.status(keychain).unwrap(), LockState::Locked);
        machine.assert_clean();
    });
}

#[test]
fn files_in_any_form_are_imported() {
    over_every_keychain(|kind, _, backend, keychain| {
        let rc2 = fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/keychain/identity-2-rc2.p12"
        ))
        .unwrap();
        let three = p12(&[3], "file", Form::Modern);
        for (file, secret) in [(rc2, "fixture"), (three, "file")] {
            backend
                .import(keychain, &password("right"), &file, &password(secret))
                .unwrap();
        }
        assert_eq!(backend.identities(keychain).unwrap().len(), 3, "{kind:?}");
    });
}

#[test]
fn what_cannot_be_imported_says_why_and_leaves_the_keychain_locked_as_it_was() {
    over_every_keychain(|kind, machine, backend, keychain| {
        let good = p12(&[2], "file", Form::Modern);
        let certificate_only = fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/keychain/certificate-only.p12"
        ))
        .unwrap();
        type Case<'a> = (&'a str, &'a [u8], &'a str, &'a str, &'a str);
        let cases: [Case<'_>; 5] = [
            (
                "wrong file password",
                &good,
                "wrong",
                "right",
                "password is wrong",
            ),
            (
                "wrong keychain password",
                &good,
                "file",
                "wrong",
                "does not open",
            ),
            ("truncated", &good[..good.len() / 2], "file", "right", "cut"),
            (
                "not a p12",
                b"-----BEGIN CERTIFICATE-----",
                "file",
                "right",
                "PEM",
            ),
            (
                "no key",
                &certificate_only,
                "fixture",
                "right",
                "no identity",
            ),
        ];
        for (name, file, file_password, keychain_password, says) in cases {
            let error = backend
                .import(
                    keychain,
                    &password(keychain_password),
                    file,
                    &password(file_password),
                )
                .unwrap_err();
            assert!(error.to_string().contains(says), "{kind:?} {name}: {error}");
            assert_eq!(
                backend.status(keychain).unwrap(),
                LockState::Locked,
                "{kind:?} {name}"
            );
            assert_eq!(
                backend.identities(keychain).unwrap().len(),
                1,
                "{kind:?} {name}"
            );
            machine.assert_clean();
        }
    });
}

#[test]
fn an_import_that_is_cut_short_shows_nobody_a_key_that_the_list_does_not_name() {
    let (machine, backend, keychain) = made(Kind::Portable);
    let import = |which: &[usize]| {
        let file = p12(which, "file", Form::Modern);
        let imported = backend.import(&keychain, &password("right"), &file, &password("file"));
        imported.unwrap().len()
    };
    let files = [
        keychain.as_path().to_owned(),
        keychain.with_suffix(".settings.json"),
    ];
    let read = || files.each_ref().map(|path| fs::read(path).unwrap());
    assert_eq!(import(&[1]), 1);
    let before = read();
    assert_eq!(import(&[2]), 2);
    let after = read();
    for cut in [[&before[0], &after[1]], [&after[0], &before[1]]] {
        // Whichever was written first, the other never was, and a third is half written.
        for repeated in [&[2][..], &[3]] {
            for (path, bytes) in files.iter().zip(cut) {
                owned_files::replace(path, bytes).unwrap();
                let name = path.file_name().unwrap().to_str().unwrap();
                owned_files::create(&machine.path(&format!(".countersign-{name}-x")), b"ha")
                    .unwrap();
            }
            let run = RunId::new(now()).unwrap();
            let error = open(backend.as_ref(), &keychain, "right", &run, false).unwrap_err();
            assert_eq!(error.remedy(), Some(Remedy::ImportIdentities), "{error}");
            assert_eq!(backend.status(&keychain).unwrap(), LockState::Locked);

            let held = import(repeated);
            machine.assert_clean();
            assert_eq!(backend.identities(&keychain).unwrap().len(), held);
            let access = open(backend.as_ref(), &keychain, "right", &run, false).unwrap();
            assert_eq!(shown(&access).identities.len(), held);
            backend.lock(&keychain).unwrap();
        }
    }
    owned_files::create(&machine.path(".countersign-ci.keychain-db-x"), b"ha").unwrap();
    backend.destroy(&keychain).unwrap();
    machine.assert_clean();
}

#[test]
fn importing_again_changes_nothing_and_what_is_missing_is_added() {
    over_every_keychain(|kind, machine, backend, keychain| {
        for (which, held) in [(&[1][..], 1), (&[1, 2], 2), (&[3, 1, 2], 3), (&[2], 3)] {
            let file = p12(which, "file", Form::Modern);
            let now = backend
                .import(keychain, &password("right"), &file, &password("file"))
                .unwrap();
            assert_eq!(now.len(), held, "{kind:?} {which:?}");
            assert_eq!(backend.status(keychain).unwrap(), LockState::Locked);
            machine.assert_clean();
        }
        let mut listed = sha1s(&backend.identities(keychain).unwrap());
        listed.sort();
        let mut expected = [1, 2, 3].map(|n| identity(n).sha1().to_string());
        expected.sort();
        assert_eq!(listed, expected, "{kind:?}");
    });
}

#[test]
fn an_import_that_failed_half_way_is_finished_by_repeating_it() {
    let machine = Machine::new();
    let backend = machine.backend(Kind::MacOs);
    let keychain = machine.keychain();
    let file = p12(&[1, 2], "file", Form::Modern);
    let import = || backend.import(&keychain, &password("right"), &file, &password("file"));
    for mode in [
        "lie import",
        "forget import",
        "fail import 1",
        "fail set-key-partition-list 1",
        "fail set-key-partition-list 36",
        "lie set-key-partition-list",
        "fail codesign 1",
    ] {
        machine.misbehave("");
        backend
            .create(&keychain, &password("right"), SETTINGS)
            .unwrap();
        machine.misbehave(mode);
        let error = import().unwrap_err();
        let advises_repetition = told(&error).contains("again");
        assert!(
            advises_repetition || !mode.contains("36") && !mode.contains("codesign"),
            "{error}"
        );
        assert!(
            import().is_err(),
            "{mode}: keys that cannot sign are no success"
        );
        machine.misbehave("");
        assert_eq!(backend.status(&keychain).unwrap(), LockState::Locked);
        assert_eq!(import().unwrap().len(), 2, "{mode}");
        assert_eq!(backend.status(&keychain).unwrap(), LockState::Locked);
        machine.assert_clean();
        backend.destroy(&keychain).unwrap();
    }
}

#[test]
fn a_key_that_security_does_not_take_twice_is_told_truly() {
    let key = forge::key::Key::p256("renewed");
    let certificate = |serial: &str| {
        let name = Name::new().utf8(attribute::COMMON_NAME, "Renewed");
        CertificateSpec {
            subject: name,
            serial: forge::certificate::serial(serial, 8),
            validity: (
                "2020-01-01T00:00:00Z".parse().unwrap(),
                "2050-01-01T00:00:00Z".parse().unwrap(),
            ),
            extensions: Vec::new(),
            hash: forge::key::Hash::Sha256,
        }
        .self_sign(&key)
    };
    let (machine, backend, keychain) = made(Kind::MacOs);
    let import = |serial| {
        let file = P12Spec::new("file", &certificate(serial)).write();
        backend.import(&keychain, &password("right"), &file, &password("file"))
    };
    import("one").unwrap();
    let error = import("two").unwrap_err();
    assert!(matches!(error, KeychainError::Duplicate { .. }), "{error}");
    assert_eq!(error.remedy(), Some(Remedy::RemakeKeychain), "{error}");
    assert_eq!(backend.status(&keychain).unwrap(), LockState::Locked);
    assert_eq!(backend.identities(&keychain).unwrap().len(), 1);
    machine.assert_clean();
}

#[test]
fn a_destroyed_keychain_leaves_nothing() {
    over_every_keychain(|kind, machine, backend, keychain| {
        let run = RunId::new(now()).unwrap();
        open(backend, keychain, "right", &run, false).unwrap();
        backend.destroy(keychain).unwrap();
        assert_eq!(
            backend.status(keychain).unwrap(),
            LockState::Missing,
            "{kind:?}"
        );
        machine.assert_clean();
        let left = machine.beside(keychain);
        assert!(left.is_empty(), "{kind:?}: {left:?}");
    });
}
