//! What `security` is asked, and what it may not do to us.

use std::fs;
use std::time::Duration;

use countersign::apple::pkcs12::Form;
use countersign::host::keychain::macos::MacOsBackend;
use countersign::host::keychain::{KeychainBackend, KeychainError, LockState};
use countersign::host::run_id::RunId;
use support::machine::{Kind, Machine, now, p12, password};

use crate::contract::{SETTINGS, made, open};

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
                said.contains("the result is unlocked instead of locked"),
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
