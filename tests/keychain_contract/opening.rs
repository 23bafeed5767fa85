//! Opening, closing, and what is not opened.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use countersign::apple::anchors::certificates_from_pem;
use countersign::apple::pkcs12::{self, Form};
use countersign::base::error::Explain as _;
use countersign::base::remedy::Remedy;
use countersign::base::secret::Password;
use countersign::host::keychain::{KeychainError, LockState};
use countersign::host::owned_files;
use countersign::host::run_id::RunId;
use support::machine::{Kind, Machine, identity, now, p12, password, sole_identity};

use crate::contract::{SETTINGS, made, open, over_every_keychain, shown, told};

#[test]
fn it_opens_for_a_run_and_closes_without_being_asked_anything() {
    over_every_keychain(|kind, machine, backend, keychain| {
        let run = RunId::new(now()).unwrap();
        let access = open(backend, keychain, "right", &run, false).unwrap();
        assert_eq!(backend.status(keychain).unwrap(), LockState::Unlocked);
        match kind {
            Kind::MacOs => {
                let list = machine.search_list();
                assert_eq!(list, format!("{}\n{keychain}\n", support::machine::LOGIN));
            }
            Kind::Portable => {
                let seen = shown(&access);
                assert_eq!(sole_identity(&seen).sha1(), identity(1).sha1());
            }
        }
        backend.release(keychain, &run).unwrap();
        backend.lock(keychain).unwrap();
        assert_eq!(backend.status(keychain).unwrap(), LockState::Locked);
        machine.assert_clean();
        // Closing can be repeated by whoever comes later.
        backend.release(keychain, &run).unwrap();
        backend.lock(keychain).unwrap();
        machine.assert_clean();
    });
}

#[test]
fn a_portable_keychain_shows_the_issuers_beside_the_identities() {
    let (_machine, backend, keychain) = made(Kind::Portable);
    let fixture = |name: &str| {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/acme/distribution.p12"
        );
        fs::read(format!("{path}{name}")).unwrap()
    };
    let secret = Password::from_file_bytes(fixture(".password")).unwrap();
    let chain = pkcs12::read(&fixture(""), &secret).unwrap().identities[0]
        .chain
        .clone();
    assert_eq!(chain.len(), 2);
    backend
        .import(&keychain, &password("right"), &fixture(""), &secret)
        .unwrap();
    let run = RunId::new(now()).unwrap();
    let access = open(backend.as_ref(), &keychain, "right", &run, false).unwrap();
    let shown = Path::new(&access.environment[0].1).with_file_name("chain.pem");
    let shown = certificates_from_pem(&fs::read(shown).unwrap()).unwrap();
    assert!(shown.iter().map(|issuer| &issuer.der[..]).eq(&chain));
    backend.lock(&keychain).unwrap();
}

#[test]
fn a_wrong_password_opens_nothing() {
    over_every_keychain(|kind, machine, backend, keychain| {
        let run = RunId::new(now()).unwrap();
        for secret in ["wrong", "", "pässword", "right\n"] {
            let error = open(backend, keychain, secret, &run, false).unwrap_err();
            assert!(
                matches!(
                    error,
                    KeychainError::WrongPassword(_) | KeychainError::BadPassword { .. }
                ),
                "{kind:?} {secret:?}: {error}"
            );
            assert_eq!(backend.status(keychain).unwrap(), LockState::Locked);
            machine.assert_clean();
        }
    });
}

#[test]
fn a_keychain_left_open_does_not_take_a_wrong_password_for_the_right_one() {
    over_every_keychain(|kind, _, backend, keychain| {
        let run = RunId::new(now()).unwrap();
        open(backend, keychain, "right", &run, false).unwrap();
        let next = RunId::new(now()).unwrap();
        let error = open(backend, keychain, "wrong", &next, false).unwrap_err();
        assert!(
            matches!(error, KeychainError::WrongPassword(_)),
            "{kind:?}: {error}"
        );
        backend.lock(keychain).unwrap();
    });
}

#[test]
fn runs_at_once_share_it_and_the_last_one_locks() {
    over_every_keychain(|kind, machine, backend, keychain| {
        let (first, second) = (RunId::new(now()).unwrap(), RunId::new(now()).unwrap());
        open(backend, keychain, "right", &first, false).unwrap();
        let access = open(backend, keychain, "right", &second, true).unwrap();
        backend.release(keychain, &first).unwrap();
        assert_eq!(
            backend.status(keychain).unwrap(),
            LockState::Unlocked,
            "{kind:?}"
        );
        for (_, path) in access.environment {
            assert!(fs::exists(path).unwrap(), "the other run's view stays");
        }
        backend.release(keychain, &second).unwrap();
        backend.lock(keychain).unwrap();
        assert_eq!(backend.status(keychain).unwrap(), LockState::Locked);
        machine.assert_clean();
    });
}

#[test]
fn what_is_not_there_or_not_ours_alone_is_not_opened() {
    over_every_keychain(|kind, machine, backend, keychain| {
        let run = RunId::new(now()).unwrap();
        fs::set_permissions(keychain.as_path(), fs::Permissions::from_mode(0o644)).unwrap();
        let error = open(backend, keychain, "right", &run, false).unwrap_err();
        let said = told(&error);
        assert!(said.contains("chmod 600"), "{kind:?}: {said}");
        fs::set_permissions(keychain.as_path(), fs::Permissions::from_mode(0o600)).unwrap();

        let gone = machine.keychain_named("gone.keychain-db");
        let error = open(backend, &gone, "right", &run, false).unwrap_err();
        assert!(
            matches!(error, KeychainError::Missing(_)),
            "{kind:?}: {error}"
        );
        let error = backend.identities(&gone).unwrap_err();
        assert!(
            matches!(error, KeychainError::Missing(_)),
            "{kind:?}: {error}"
        );
        backend.lock(&gone).unwrap();
        backend.destroy(&gone).unwrap();

        let link = machine.keychain_named("link.keychain-db");
        std::os::unix::fs::symlink(keychain.as_path(), link.as_path()).unwrap();
        assert!(
            open(backend, &link, "right", &run, false).is_err(),
            "{kind:?}"
        );
        assert!(backend.create(&link, &password("x"), SETTINGS).is_err());
        machine.assert_clean();
    });
}

#[test]
fn a_file_that_countersign_did_not_make_is_neither_opened_nor_filled_nor_deleted() {
    let p12_copy = p12(&[1], "right", Form::Modern);
    for (content, beside) in [
        (p12_copy.as_slice(), None),
        (b"kych\x00\x01\x00\x00", None),
        (b"", Some(r#"{"files.autoSave": true}"#)),
        (&p12_copy, Some("{}")),
    ] {
        let machine = Machine::new();
        let backend = machine.backend(Kind::Portable);
        let keychain = machine.keychain_named("backup.p12");
        owned_files::create(keychain.as_path(), content).unwrap();
        if let Some(beside) = beside {
            owned_files::create(&machine.path("backup.p12.settings.json"), beside.as_bytes())
                .unwrap();
        }
        let files = || {
            let names = fs::read_dir(machine.directory.path()).unwrap();
            let mut files: Vec<_> = names
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_file())
                .map(|path| (path.clone(), fs::read(path).unwrap()))
                .collect();
            files.sort();
            files
        };
        let before = files();
        let run = RunId::new(now()).unwrap();
        let file = p12(&[2], "file", Form::Modern);
        let refused = [
            backend.check(&keychain),
            open(backend.as_ref(), &keychain, "right", &run, false).map(drop),
            backend
                .import(&keychain, &password("right"), &file, &password("file"))
                .map(drop),
            backend.identities(&keychain).map(drop),
            backend.destroy(&keychain),
        ];
        for refused in refused {
            let error = refused.unwrap_err();
            let said = told(&error);
            assert!(matches!(error, KeychainError::NotMadeHere { .. }), "{said}");
            assert_eq!(error.remedy(), Some(Remedy::CreateKeychain), "{said}");
            assert!(said.contains("import the identities"), "{said}");
        }
        assert!(
            backend
                .create(&keychain, &password("right"), SETTINGS)
                .is_err()
        );
        backend.lock(&keychain).unwrap();
        assert_eq!(files(), before);
        // Nor is somebody's file taken for what a keychain left that is gone.
        fs::remove_file(keychain.as_path()).unwrap();
        owned_files::create(&machine.path("backup.p12.lock"), b"[[package]]").unwrap();
        let before = files();
        let _ = backend.destroy(&keychain);
        if beside.is_some() {
            assert!(
                backend
                    .create(&keychain, &password("right"), SETTINGS)
                    .is_err()
            );
        }
        assert_eq!(files(), before);
    }
}

#[test]
fn what_a_keychain_that_is_gone_left_is_removed_and_hinders_no_new_one() {
    over_every_keychain(|kind, machine, backend, keychain| {
        let run = RunId::new(now()).unwrap();
        for makes_anew in [true, false] {
            open(backend, keychain, "right", &run, false).unwrap();
            backend.lock(keychain).unwrap();
            fs::remove_file(keychain.as_path()).unwrap();
            if makes_anew {
                backend
                    .create(keychain, &password("right"), SETTINGS)
                    .unwrap();
                assert!(backend.identities(keychain).unwrap().is_empty(), "{kind:?}");
                assert_eq!(backend.status(keychain).unwrap(), LockState::Locked);
            } else {
                backend.destroy(keychain).unwrap();
                assert!(machine.beside(keychain).is_empty(), "{kind:?}");
            }
            machine.assert_clean();
        }
    });
}

#[test]
fn a_keychain_of_another_user_is_neither_opened_nor_filled() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give a file to another user");
        return;
    }
    over_every_keychain(|kind, machine, backend, keychain| {
        let give = |path: &Path, user| std::os::unix::fs::chown(path, Some(user), None).unwrap();
        let beside = keychain.with_suffix(".settings.json");
        for theirs in [keychain.as_path(), &beside] {
            if !theirs.exists() {
                continue;
            }
            give(theirs, 12_345);
            let run = RunId::new(now()).unwrap();
            let file = p12(&[2], "file", Form::Modern);
            let refused = [
                backend.check(keychain),
                open(backend, keychain, "right", &run, false).map(drop),
                backend
                    .import(keychain, &password("right"), &file, &password("file"))
                    .map(drop),
            ];
            for refused in refused {
                let said = told(&refused.unwrap_err());
                let remedy = format!("chown 0 '{}'", theirs.display());
                assert!(said.contains("belongs to user 12345"), "{kind:?}: {said}");
                assert!(said.contains(&remedy), "{kind:?}: {said}");
            }
            give(theirs, 0);
            machine.assert_clean();
            assert_eq!(backend.status(keychain).unwrap(), LockState::Locked);
            assert_eq!(backend.identities(keychain).unwrap().len(), 1);
        }
    });
}
