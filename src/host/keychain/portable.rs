//! A keychain that is a file: identities in a PKCS#12 file under the keychain's password, on any system.
//!
//! ```text
//! ci.p12                 identities and their chains, under the keychain password
//! ci.p12.settings.json   idle timeout, and the certificates (public) for listing without the password; a file without
//!                        one was made by another program: it is not opened, filled or deleted
//! STATE/open/DIGEST/RUN/ 0700, while RUN has it open and only then; nothing in any of them: locked
//!     identities.p12       every identity, leaf certificates only, under a one-time password
//!     SHA1.p12             each alone, where there are several
//!     chain.pem            the issuers' certificates
//!     password             the one-time password
//! ```
//!
//! For rehearsals of everything that does not need Apple's daemons, and for signing on Linux. The child never sees the
//! keychain's own password, and what it sees is gone when the window closes. What a program read while the window was
//! open it may keep: no file can take a key back, and that is the difference to a macOS keychain, which signs without
//! showing the key.
//!
//! The private files are in the legacy form (3DES and SHA-1) because tools that sign on Linux refuse the modern one; in a
//! directory that only this user may enter, under a password that lies beside them, the form protects nothing anyway.

mod settings;
mod shown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use p12_keystore::KeyStore;

use self::settings::{SettingsFile, to_pem};
use self::shown::Shown;
use super::backend::{ChildAccess, Closer, KeychainBackend, Opening, Settings};
use super::error::KeychainError;
use super::imported::read_identities;
use super::kind::{BackendKind, LockState};
use super::password::check_password;
use super::path::KeychainPath;
use crate::apple::certificate::Certificate;
use crate::apple::file_type::{FileType, Wanted};
use crate::apple::pkcs12::{self, Form, Pkcs12Error, Pkcs12Identity};
use crate::base::secret::Password;
use crate::host::owned_files::{self, Lock, OwnedFileError};
use crate::host::permit::OpenPermit;
use crate::host::random;
use crate::host::run_id::RunId;
use crate::host::state_dir::StateDir;

/// The backend for keychains that are files.
#[derive(Debug, Clone)]
pub struct PortableBackend {
    state: StateDir,
}

impl PortableBackend {
    /// Shows children their identities below `state`, the state directory.
    pub fn new(state: &StateDir) -> Self {
        Self {
            state: state.clone(),
        }
    }

    /// Believes a keychain only when its files are ours alone and one of them holds the settings that it was made with:
    /// any other p12 may be somebody's only copy of an identity.
    fn settings(&self, keychain: &KeychainPath) -> Result<SettingsFile, KeychainError> {
        match owned_files::check_file(keychain.as_path()) {
            Err(error) if error.is_not_found() => {
                return Err(KeychainError::Missing(keychain.clone()));
            }
            checked => checked?,
        }
        let settings = SettingsFile::find(keychain)?;
        settings.ok_or_else(|| Self::not_made_here(keychain))
    }

    /// What lies at the path is told for what it is: people name the p12 that they mean to import, or its base64.
    fn not_made_here(keychain: &KeychainPath) -> KeychainError {
        match owned_files::read(keychain.as_path(), pkcs12::MAX_FILE)
            .map(|bytes| FileType::of(&bytes))
        {
            Ok(found) if !found.may_be(Wanted::Pkcs12) => KeychainError::NotMadeHere {
                keychain: keychain.clone(),
                why: format!("it is {found}"),
            },
            _ => SettingsFile::missing(keychain),
        }
    }

    fn unseal(
        &self,
        keychain: &KeychainPath,
        password: &Password,
    ) -> Result<pkcs12::Pkcs12, KeychainError> {
        let sealed = owned_files::read(keychain.as_path(), pkcs12::MAX_FILE)?;
        pkcs12::read(&sealed, password).map_err(|error| match error {
            Pkcs12Error::WrongPassword { .. } | Pkcs12Error::EmptyDoesNotOpen { .. } => {
                KeychainError::WrongPassword(keychain.clone())
            }
            error => KeychainError::Pkcs12(format!("{keychain}: {error}")),
        })
    }

    /// What is in it, if that is what its list says: the gate judged the list, which can be read without the password.
    fn unseal_as_listed(
        &self,
        keychain: &KeychainPath,
        password: &Password,
    ) -> Result<pkcs12::Pkcs12, KeychainError> {
        let _lock = self.lock_files(keychain)?;
        let contents = self.unseal(keychain, password)?;
        let listed = self.settings(keychain)?.certificates(keychain)?;
        let listed: BTreeSet<_> = listed.iter().map(|one| one.sha256).collect();
        if contents
            .identities
            .iter()
            .map(Pkcs12Identity::sha256)
            .collect::<BTreeSet<_>>()
            == listed
        {
            Ok(contents)
        } else {
            Err(KeychainError::NotAsListed(keychain.clone()))
        }
    }

    /// Removes what a killed writer left. The caller holds the lock, so that no other process writes now, or deletes the
    /// keychain.
    fn sweep(keychain: &KeychainPath) -> Result<(), OwnedFileError> {
        [keychain.as_path(), &SettingsFile::path(keychain)]
            .into_iter()
            .flat_map(owned_files::half_written)
            .try_for_each(|half| owned_files::remove(&half))
    }

    /// Writes what the child gets to see.
    fn show(
        &self,
        directory: &Path,
        contents: &pkcs12::Pkcs12,
    ) -> Result<ChildAccess, KeychainError> {
        let one_time = random::password().map_err(KeychainError::Random)?;
        let seal = |identities: &[Pkcs12Identity], name: &str| -> Result<PathBuf, KeychainError> {
            let path = directory.join(name);
            let bytes = pkcs12::write_one_time(identities, &one_time, Form::EveryMac)
                .map_err(|error| KeychainError::Pkcs12(error.to_string()))?;
            owned_files::create_unsynced(&path, &bytes)?;
            Ok(path)
        };
        // Tools that take the first certificate for the signer's take the wrong one from a file with a chain.
        let leaves: Vec<Pkcs12Identity> = contents
            .identities
            .iter()
            .map(|identity| Pkcs12Identity {
                chain: Vec::new(),
                ..identity.clone()
            })
            .collect();
        if leaves.is_empty() {
            return Ok(ChildAccess::default());
        }
        let all = seal(&leaves, "identities.p12")?;
        if leaves.len() > 1 {
            for leaf in &leaves {
                seal(std::slice::from_ref(leaf), &format!("{}.p12", leaf.sha1()))?;
            }
        }
        let mut chain: Vec<&[u8]> = Vec::new();
        for der in contents
            .identities
            .iter()
            .flat_map(|identity| &identity.chain)
        {
            if !chain.contains(&der.as_slice()) {
                chain.push(der);
            }
        }
        let pem: String = chain.into_iter().map(to_pem).collect::<Result<_, _>>()?;
        owned_files::create_unsynced(&directory.join("chain.pem"), pem.as_bytes())?;
        let password = directory.join("password");
        owned_files::create_unsynced(&password, one_time.expose().as_bytes())?;
        Ok(ChildAccess {
            environment: vec![
                ("COUNTERSIGN_P12".into(), all.into()),
                ("COUNTERSIGN_P12_PASSWORD_FILE".into(), password.into()),
            ],
        })
    }

    fn shown(&self, keychain: &KeychainPath) -> Shown {
        Shown::of(keychain, &self.state)
    }

    fn lock_files(&self, keychain: &KeychainPath) -> Result<Lock, KeychainError> {
        Ok(Lock::acquire(
            &keychain.with_suffix(".lock"),
            Duration::from_secs(30),
        )?)
    }
}

impl KeychainBackend for PortableBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Portable
    }

    fn check(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        self.settings(keychain).map(drop)
    }

    fn create(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        settings: Settings,
    ) -> Result<(), KeychainError> {
        check_password(password, "the keychain")?;
        if keychain.as_path().symlink_metadata().is_ok() {
            return Err(KeychainError::Exists(keychain.clone()));
        }
        let empty = KeyStore::new()
            .writer(password.expose())
            .write()
            .map_err(|error| KeychainError::Pkcs12(error.to_string()))?;
        // Settings that an earlier keychain left are written over; a file that is not such settings is not.
        SettingsFile::find(keychain)?;
        // The settings first: a file without them is no keychain, so a process that is killed here has made none yet.
        SettingsFile {
            idle_timeout_seconds: settings.idle_timeout.as_secs(),
            certificates: Vec::new(),
        }
        .write(keychain)?;
        let written = match owned_files::create(keychain.as_path(), &empty) {
            Err(OwnedFileError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::AlreadyExists =>
            {
                return Err(KeychainError::Exists(keychain.clone()));
            }
            created => created.map_err(KeychainError::from),
        }
        .and_then(|()| self.unseal(keychain, password).map(drop));
        if written.is_err() {
            let _ = self.destroy(keychain);
        }
        written
    }

    fn import(
        &self,
        keychain: &KeychainPath,
        password: &Password,
        file: &[u8],
        file_password: &Password,
    ) -> Result<Vec<Certificate>, KeychainError> {
        check_password(password, "the keychain")?;
        // Reading matches each certificate with its key by the public key, so a key that does not sign for its
        // certificate is no identity here; there is nothing further to probe.
        let added = read_identities(file, file_password)?;
        self.check(keychain)?;
        let _lock = self.lock_files(keychain)?;
        Self::sweep(keychain)?;
        let settings = self.settings(keychain)?;
        let here = self.unseal(keychain, password)?;
        let (mut identities, mut others) = (here.identities, here.other_certificates);
        others.extend(added.other_certificates);
        for identity in added.identities {
            let is_here = |other: &Pkcs12Identity| other.sha256() == identity.sha256();
            match identities.iter().any(is_here) {
                // This copy of it may have more of its issuers with it.
                true => others.extend(identity.chain),
                false => identities.push(identity),
            }
        }
        let certificates = certificates(&identities)?;
        let sealed = pkcs12::write(&identities, &others, password, Form::Modern)
            .map_err(|error| KeychainError::Pkcs12(error.to_string()))?;
        // The list first: the gate judges it, and at no moment may there be a key that it does not name.
        SettingsFile {
            certificates: identities
                .iter()
                .map(|identity| to_pem(&identity.certificate_der))
                .collect::<Result<_, _>>()?,
            ..settings
        }
        .write(keychain)?;
        owned_files::replace(keychain.as_path(), &sealed)?;
        Ok(certificates)
    }

    fn open(
        &self,
        _permit: OpenPermit,
        keychain: &KeychainPath,
        password: &Password,
        opening: &Opening<'_>,
    ) -> Result<ChildAccess, KeychainError> {
        self.check(keychain)?;
        let contents = self.unseal_as_listed(keychain, password)?;
        let shown = self.shown(keychain);
        if !opening.shared {
            // What closes this run holds its directory.
            shown.take_back_all(Some(opening.run))?;
        }
        self.show(&shown.directory_of(opening.run)?, &contents)
    }

    fn closer(
        &self,
        keychain: &KeychainPath,
        run: &RunId,
    ) -> Result<Box<dyn Closer + '_>, KeychainError> {
        Ok(Box::new(self.shown(keychain).closer(run)?))
    }

    fn release(&self, keychain: &KeychainPath, run: &RunId) -> Result<(), KeychainError> {
        self.shown(keychain).take_back(run)
    }

    fn lock(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        self.shown(keychain).take_back_all(None)
    }

    fn status(&self, keychain: &KeychainPath) -> Result<LockState, KeychainError> {
        if !keychain.as_path().exists() {
            return Ok(LockState::Missing);
        }
        Ok(match self.shown(keychain).is_any()? {
            true => LockState::Unlocked,
            false => LockState::Locked,
        })
    }

    fn identities(&self, keychain: &KeychainPath) -> Result<Vec<Certificate>, KeychainError> {
        if !keychain.as_path().exists() {
            return Err(KeychainError::Missing(keychain.clone()));
        }
        SettingsFile::read(keychain)?.certificates(keychain)
    }

    fn destroy(&self, keychain: &KeychainPath) -> Result<(), KeychainError> {
        match self.settings(keychain) {
            Err(KeychainError::Missing(_)) if SettingsFile::find(keychain)?.is_none() => {
                return self.lock(keychain);
            }
            Err(KeychainError::Missing(_)) => {}
            checked => drop(checked?),
        }
        let closed = self.lock(keychain);
        let swept = Self::sweep(keychain);
        // The settings last: while they are there, what lies beside them is known to be ours, and can be removed by the
        // next attempt.
        let files = [
            keychain.as_path().to_owned(),
            keychain.with_suffix(".lock"),
            SettingsFile::path(keychain),
        ];
        let removed = files.iter().try_for_each(|file| owned_files::remove(file));
        let forgotten = self.shown(keychain).forget();
        closed
            .and(swept.and(removed).map_err(KeychainError::from))
            .and(forgotten)
    }
}

fn certificates(identities: &[Pkcs12Identity]) -> Result<Vec<Certificate>, KeychainError> {
    identities
        .iter()
        .map(|identity| {
            Certificate::from_der(&identity.certificate_der)
                .map_err(|error| KeychainError::Pkcs12(error.to_string()))
        })
        .collect()
}
