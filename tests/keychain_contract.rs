//! What every keychain backend must do, claim by claim, over each of them.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use countersign::apple::anchors::certificates_from_pem;
use countersign::apple::certificate::Certificate;
use countersign::apple::pkcs12::{self, Form, Pkcs12};
use countersign::base::error::Explain;
use countersign::base::remedy::Remedy;
use countersign::base::secret::Password;
use countersign::host::keychain::macos::MacOsBackend;
use countersign::host::keychain::{
    ChildAccess, KeychainBackend, KeychainError, KeychainPath, LockState, Opening, Settings,
};
use countersign::host::owned_files;
use countersign::host::permit::OpenPermit;
use countersign::host::run_id::RunId;
use forge::certificate::{CertificateSpec, Name, attribute};
use forge::p12::P12Spec;
use support::machine::{
    Kind, Machine, cleared_at, host, identity, now, p12, password, plan_digest,
};

const SETTINGS: Settings = Settings {
    idle_timeout: Duration::from_secs(1_260),
};

/// A machine with an empty keychain, under the password `right`.
fn made(kind: Kind) -> (Machine, Box<dyn KeychainBackend>, KeychainPath) {
    let machine = Machine::new();
    let backend = machine.backend(kind);
    let keychain = machine.keychain();
    backend
        .create(&keychain, &password("right"), SETTINGS)
        .unwrap();
    (machine, backend, keychain)
}

fn permit() -> OpenPermit {
    OpenPermit::from_clearance(cleared_at(now()), &host(), plan_digest(), now()).unwrap()
}

fn open(
    backend: &dyn KeychainBackend,
    keychain: &KeychainPath,
    secret: &str,
    run: &RunId,
    shared: bool,
) -> Result<ChildAccess, KeychainError> {
    let opening = Opening {
        run,
        until: now() + jiff::SignedDuration::from_mins(21),
        idle_timeout: Duration::from_secs(900),
        shared,
    };
    backend.open(permit(), keychain, &password(secret), &opening)
}

/// What a child sees of an open portable keychain.
fn shown(access: &ChildAccess) -> Pkcs12 {
    let variable = |name: &str| {
        let found = access.environment.iter().find(|(n, _)| n == name);
        found.unwrap().1.clone()
    };
    let secret = fs::read_to_string(variable("COUNTERSIGN_P12_PASSWORD_FILE")).unwrap();
    let bytes = fs::read(variable("COUNTERSIGN_P12")).unwrap();
    pkcs12::read(&bytes, &password(&secret)).unwrap()
}

/// What a person is told: what happened, and what to do.
fn told(error: &impl Explain) -> String {
    format!("{error}; {}", error.hint().unwrap_or_default())
}

fn sha1s(certificates: &[Certificate]) -> Vec<String> {
    certificates.iter().map(|c| c.sha1.to_string()).collect()
}

/// Runs a claim over every backend, each on a machine of its own.
fn over_every_backend(claim: impl Fn(Kind, &Machine, &dyn KeychainBackend)) {
    for kind in Kind::ALL {
        let machine = Machine::new();
        claim(kind, &machine, machine.backend(kind).as_ref());
    }
}

/// The same, with a keychain that holds the first test identity under the password `right`.
fn over_every_keychain(claim: impl Fn(Kind, &Machine, &dyn KeychainBackend, &KeychainPath)) {
    over_every_backend(|kind, machine, backend| {
        let keychain = machine.keychain();
        backend
            .create(&keychain, &password("right"), SETTINGS)
            .unwrap();
        let file = p12(&[1], "file", Form::Modern);
        backend
            .import(&keychain, &password("right"), &file, &password("file"))
            .unwrap();
        claim(kind, machine, backend, &keychain);
    });
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
                assert_eq!(seen.sole_identity().unwrap().sha1(), identity(1).sha1());
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

#[test]
fn no_secret_is_an_argument_of_a_tool() {
    let machine = Machine::new();
    let backend = machine.backend(Kind::MacOs);
    let keychain = machine.keychain();
    let run = RunId::new(now()).unwrap();
    let secret = "a \"secret\" \\ password";
    backend
        .create(&keychain, &password(secret), SETTINGS)
        .unwrap();
    let file = p12(&[1], "file secret", Form::Modern);
    backend
        .import(
            &keychain,
            &password(secret),
            &file,
            &password("file secret"),
        )
        .unwrap();
    open(backend.as_ref(), &keychain, secret, &run, false).unwrap();
    backend.lock(&keychain).unwrap();
    let log = fs::read_to_string(machine.path("home/stand-in.log")).unwrap();
    assert!(log.lines().count() > 20, "{log}");
    assert!(!log.contains("secret"), "{log}");
    assert!(
        !log.contains("\u{1f}-A") && !log.contains("\u{1f}-v"),
        "{log}"
    );
}

#[test]
fn keys_are_imported_closed_and_open_to_apples_tools_alone() {
    let (_machine, backend, keychain) = made(Kind::MacOs);
    let file = p12(&[1], "file", Form::Modern);
    backend
        .import(&keychain, &password("right"), &file, &password("file"))
        .unwrap();
    let stored: serde_json::Value =
        serde_json::from_slice(&fs::read(keychain.as_path()).unwrap()).unwrap();
    let item = &stored["identities"][0];
    assert_eq!(item["any_program"], false);
    assert_eq!(item["extractable"], false);
    assert_eq!(
        item["partitions"],
        serde_json::json!(["apple-tool:", "apple:"])
    );
    assert_eq!(
        item["trusted"],
        serde_json::json!([
            "/usr/bin/codesign",
            "/usr/bin/productbuild",
            "/usr/bin/productsign",
            "/usr/bin/security"
        ])
    );
    assert_eq!(stored["timeout"], 1_260);
    assert_eq!(stored["lock_on_sleep"], true);
}

#[test]
fn the_default_keychain_is_never_touched() {
    let (machine, backend, keychain) = made(Kind::MacOs);
    fs::write(machine.path("home/default-keychain"), keychain.as_str()).unwrap();
    let run = RunId::new(now()).unwrap();
    let refused = [
        open(backend.as_ref(), &keychain, "right", &run, false).map(drop),
        backend.destroy(&keychain),
        backend
            .import(
                &keychain,
                &password("right"),
                &p12(&[1], "f", Form::Modern),
                &password("f"),
            )
            .map(drop),
    ];
    for error in refused {
        let error = error.unwrap_err();
        assert!(matches!(error, KeychainError::IsDefault(_)), "{error}");
    }
}

#[test]
fn a_security_that_hangs_is_ended_and_the_keychain_ends_locked() {
    misled("hang");
}

#[test]
fn a_security_that_prints_garbage_is_found_out_and_the_keychain_ends_locked() {
    misled("garbage");
}

#[test]
fn a_security_that_prints_without_end_is_ended_and_the_keychain_ends_locked() {
    misled("endless");
}

#[test]
fn a_security_that_fails_is_believed_and_the_keychain_ends_locked() {
    misled("fail");
}

#[test]
fn a_security_that_lies_with_exit_code_0_is_found_out_and_the_keychain_ends_locked() {
    misled("lie");
}

#[test]
fn a_security_that_does_its_work_and_hangs_is_ended_and_the_keychain_ends_locked() {
    misled("stall");
}

#[test]
fn a_security_that_does_its_work_and_fails_is_believed_and_the_keychain_ends_locked() {
    misled("deny");
}

/// Lets each command that creating, opening and importing use misbehave, one at a time.
fn misled(how: &str) {
    let mode = |command: &str| match how {
        "fail" | "deny" => format!("{how} {command} 3"),
        _ => format!("{how} {command}"),
    };
    // What may pass: lies about what cannot be read back, and silence where silence is an answer.
    let harmless = |command: &str| {
        matches!(
            (how, command),
            ("lie" | "garbage", "codesign") | ("lie", "default-keychain")
        )
    };
    let machine = Machine::new();
    let keychain = machine.keychain();
    let file = p12(&[1], "file", Form::EveryMac);
    let honest = machine.backend(Kind::MacOs);
    let misled = with_patience_for(how, &machine);
    let judge = |command: &str, result: Result<(), KeychainError>| match result {
        Ok(()) => {
            assert!(harmless(command), "{how} {command}: believed");
            String::new()
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.len() < 1_000, "{how} {command}: {said}");
            said
        }
    };

    for command in [
        "create-keychain",
        "set-keychain-settings",
        "lock-keychain",
        "unlock-keychain",
        "show-keychain-info",
        "default-keychain",
    ] {
        machine.misbehave(&mode(command));
        judge(
            command,
            misled.create(&keychain, &password("right"), SETTINGS),
        );
        machine.misbehave("");
        if harmless(command) {
            honest.destroy(&keychain).unwrap();
        }
        assert!(
            !keychain.as_path().exists(),
            "{how} {command}: half a keychain is left"
        );
        machine.assert_clean();
    }
    for command in [
        "import",
        "set-key-partition-list",
        "find-identity",
        "find-certificate",
        "codesign",
        "unlock-keychain",
        "lock-keychain",
        "list-keychains",
        "default-keychain",
    ] {
        machine.misbehave("");
        honest
            .create(&keychain, &password("right"), SETTINGS)
            .unwrap();
        machine.misbehave(&mode(command));
        let said = judge(
            command,
            misled
                .import(&keychain, &password("right"), &file, &password("file"))
                .map(drop),
        );
        machine.misbehave("");
        if honest.status(&keychain).unwrap() != LockState::Locked {
            // No other command locks. Whoever asked is told that it is open.
            assert_eq!(command, "lock-keychain", "{how}");
            assert!(
                said.contains("locked was expected and unlocked was found"),
                "{how}: {said}"
            );
            honest.lock(&keychain).unwrap();
        }
        machine.assert_clean();
        honest.destroy(&keychain).unwrap();
    }
    honest
        .create(&keychain, &password("right"), SETTINGS)
        .unwrap();
    for command in [
        "unlock-keychain",
        "set-keychain-settings",
        "show-keychain-info",
        "list-keychains",
        "default-keychain",
    ] {
        machine.misbehave(&mode(command));
        let run = RunId::new(now()).unwrap();
        judge(
            command,
            open(&misled, &keychain, "right", &run, false).map(drop),
        );
        machine.misbehave("");
        honest.lock(&keychain).unwrap();
        assert_eq!(
            honest.status(&keychain).unwrap(),
            LockState::Locked,
            "{how} {command}"
        );
        machine.assert_clean();
    }
}

#[test]
fn a_keychain_that_can_be_neither_finished_nor_deleted_ends_locked() {
    for how in ["fail", "lie", "hang"] {
        let machine = Machine::new();
        let keychain = machine.keychain();
        let honest = machine.backend(Kind::MacOs);
        let misled = with_patience_for(how, &machine);
        machine.misbehave(&format!(
            "fail set-keychain-settings 3\n{how} delete-keychain 3"
        ));
        misled
            .create(&keychain, &password("right"), SETTINGS)
            .unwrap_err();
        machine.misbehave(&format!("{how} delete-keychain 3"));
        assert_eq!(
            honest.status(&keychain).unwrap(),
            LockState::Locked,
            "{how}"
        );
        // It is nobody's, but it is in the way; a later attempt removes it.
        misled.destroy(&keychain).unwrap_err();
        machine.misbehave("");
        honest.destroy(&keychain).unwrap();
        assert!(machine.beside(&keychain).is_empty());
    }
}

#[test]
fn a_keychain_that_says_it_locked_but_did_not_is_an_error() {
    let (machine, backend, keychain) = made(Kind::MacOs);
    let run = RunId::new(now()).unwrap();
    open(backend.as_ref(), &keychain, "right", &run, false).unwrap();
    machine.misbehave("lie lock-keychain");
    let error = backend.lock(&keychain).unwrap_err();
    assert!(matches!(error, KeychainError::NotDone { .. }), "{error}");
    assert_eq!(
        machine.search_list(),
        format!("{}\n", support::machine::LOGIN),
        "and the rest was done"
    );
}

#[test]
fn settings_that_did_not_take_are_an_error() {
    let machine = Machine::new();
    machine.misbehave("forget set-keychain-settings");
    let backend = machine.backend(Kind::MacOs);
    let error = backend
        .create(&machine.keychain(), &password("right"), SETTINGS)
        .unwrap_err();
    assert!(error.to_string().contains("timeout=1260s"), "{error}");
}

/// A backend that does not wait half a minute for a tool that hangs.
fn with_patience_for(how: &str, machine: &Machine) -> MacOsBackend {
    let mut config = machine.macos_config();
    if matches!(how, "hang" | "stall") {
        config.time = Duration::from_millis(300);
    }
    MacOsBackend::new(config)
}
