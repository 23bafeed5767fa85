//! A claim over every backend.

use std::fs;
use std::time::Duration;

use countersign::apple::pkcs12::{self, Form, Pkcs12};
use countersign::base::error::Explain;
use countersign::host::keychain::{
    ChildAccess, KeychainBackend, KeychainError, KeychainPath, Opening, Settings,
};
use countersign::host::permit::OpenPermit;
use countersign::host::run_id::RunId;
use support::machine::{Kind, Machine, cleared_at, host, now, p12, password, plan_digest};

pub(crate) const SETTINGS: Settings = Settings {
    idle_timeout: Duration::from_secs(1_260),
};

/// A machine with an empty keychain, under the password `right`.
pub(crate) fn made(kind: Kind) -> (Machine, Box<dyn KeychainBackend>, KeychainPath) {
    let machine = Machine::new();
    let backend = machine.backend(kind);
    let keychain = machine.keychain();
    backend
        .create(&keychain, &password("right"), SETTINGS)
        .unwrap();
    (machine, backend, keychain)
}

pub(crate) fn permit() -> OpenPermit {
    OpenPermit::from_clearance(cleared_at(now()), &host(), plan_digest(), now()).unwrap()
}

pub(crate) fn open(
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
    let _closer = backend.closer(keychain, run)?;
    let opened = backend.open(permit(), keychain, &password(secret), &opening);
    if opened.is_err() {
        backend.release(keychain, run).unwrap();
    }
    opened
}

/// What a child sees of an open portable keychain.
pub(crate) fn shown(access: &ChildAccess) -> Pkcs12 {
    let variable = |name: &str| {
        let found = access.environment.iter().find(|(n, _)| n == name);
        found.unwrap().1.clone()
    };
    let secret = fs::read_to_string(variable("COUNTERSIGN_P12_PASSWORD_FILE")).unwrap();
    let bytes = fs::read(variable("COUNTERSIGN_P12")).unwrap();
    pkcs12::read(&bytes, &password(&secret)).unwrap()
}

/// What a person is told: what happened, and what to do.
pub(crate) fn told(error: &impl Explain) -> String {
    format!("{error}; {}", error.hint().unwrap_or_default())
}

/// Runs a claim over every backend, each on a machine of its own.
pub(crate) fn over_every_backend(claim: impl Fn(Kind, &Machine, &dyn KeychainBackend)) {
    for kind in Kind::ALL {
        let machine = Machine::new();
        claim(kind, &machine, machine.backend(kind).as_ref());
    }
}

/// The same, with a keychain that holds the first test identity under the password `right`.
pub(crate) fn over_every_keychain(
    claim: impl Fn(Kind, &Machine, &dyn KeychainBackend, &KeychainPath),
) {
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
