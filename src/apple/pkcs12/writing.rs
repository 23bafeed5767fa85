//! Identities into a new PKCS#12 file.

use std::collections::HashSet;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKeyChain,
};

use super::contents::{Pkcs12, Pkcs12Identity};
use super::error::Pkcs12Error;
use super::reading::{is_bmp, read};
use crate::base::ids::CertSha256;
use crate::base::secret::Password;

/// The form of a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// PBE-SHA1-3DES and a SHA-1 MAC: the only form that every release of macOS reads, with or without `-f pkcs12`.
    EveryMac,
    /// PBES2 with AES-256 and a SHA-256 MAC: macOS 15 and later, with `-f pkcs12`.
    Modern,
}

impl Pkcs12 {
    /// The bytes of a file with the same identities and certificates, in another form, under `password` (the same as
    /// before or another). What was written is read back before it is returned. Stray keys are left out.
    ///
    /// # Errors
    /// No identity, a password that `security import` would refuse, or a failed write.
    pub fn convert(&self, password: &Password, form: Form) -> Result<Vec<u8>, Pkcs12Error> {
        if self.identities.is_empty() {
            return Err(self.no_identity());
        }
        write(&self.identities, &self.other_certificates, password, form)
    }
}

/// Writes identities, their chains and further certificates as one file, each certificate and each key once, and reads it
/// back before it is returned.
///
/// # Errors
/// No identity, a password that `security import` would refuse (empty, not ASCII), or a failed write.
pub fn write(
    identities: &[Pkcs12Identity],
    other_certificates: &[Vec<u8>],
    password: &Password,
    form: Form,
) -> Result<Vec<u8>, Pkcs12Error> {
    write_with(identities, other_certificates, password, form, ITERATIONS)
}

/// As [`write()`], for a file that lives for minutes beside its own random password: iterations would guard nothing, and a
/// job would wait for them.
///
/// # Errors
/// As there.
pub fn write_one_time(
    identities: &[Pkcs12Identity],
    password: &Password,
    form: Form,
) -> Result<Vec<u8>, Pkcs12Error> {
    write_with(identities, &[], password, form, ONE_TIME_ITERATIONS)
}

fn write_with(
    identities: &[Pkcs12Identity],
    other_certificates: &[Vec<u8>],
    password: &Password,
    form: Form,
    iterations: u32,
) -> Result<Vec<u8>, Pkcs12Error> {
    match password.expose() {
        "" => return Err(Pkcs12Error::EmptyPassword),
        text if !text.is_ascii() => return Err(Pkcs12Error::PasswordNotAscii),
        _ => {}
    }
    if identities.is_empty() {
        return Err(Pkcs12Error::NoIdentity {
            certificates: other_certificates.len(),
            lone_keys: 0,
        });
    }
    let store = keystore(identities, other_certificates)?;
    let (encryption, mac) = match form {
        Form::EveryMac => (
            EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
            MacAlgorithm::HmacSha1,
        ),
        Form::Modern => (
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
        ),
    };
    let bytes = store
        .writer(password.expose())
        .encryption_algorithm(encryption)
        .encryption_iterations(iterations)
        .mac_algorithm(mac)
        .mac_iterations(iterations)
        .write()
        .map_err(|error| Pkcs12Error::Write(error.to_string()))?;

    let names = |identities: &[Pkcs12Identity]| -> HashSet<CertSha256> {
        identities.iter().map(Pkcs12Identity::sha256).collect()
    };
    let back = read(&bytes, password)
        .map_err(|error| Pkcs12Error::Write(format!("it does not read back: {error}")))?;
    if names(&back.identities) != names(identities) {
        return Err(Pkcs12Error::Write(
            "it does not read back with the same identities".to_owned(),
        ));
    }
    Ok(bytes)
}

/// The keystore to write. A duplicate item makes `security import` fail as a whole, so each key and each certificate goes
/// in once; certificates beyond the leaves travel in the first identity's chain, because the crate marks free-standing
/// ones as trusted for Java.
pub(super) fn keystore(
    identities: &[Pkcs12Identity],
    other_certificates: &[Vec<u8>],
) -> Result<KeyStore, Pkcs12Error> {
    let certificate = |der: &[u8]| {
        Certificate::from_der(der).map_err(|error| Pkcs12Error::Write(error.to_string()))
    };
    let mut written: HashSet<&[u8]> = HashSet::new();
    let mut by_key: Vec<Leaves<'_>> = Vec::new();
    for identity in identities {
        if !written.insert(&identity.certificate_der) {
            continue;
        }
        let public = identity.key.public_key().ok_or_else(|| {
            Pkcs12Error::Write(format!("the key of {:?} is not usable", identity.label()))
        })?;
        match by_key.iter_mut().find(|leaves| leaves.public_key == public) {
            Some(leaves) => leaves.certificates.push(&identity.certificate_der),
            None => by_key.push(Leaves {
                public_key: public,
                first: identity,
                certificates: vec![&identity.certificate_der],
            }),
        }
    }
    let mut further: Vec<&[u8]> = Vec::new();
    for der in identities
        .iter()
        .flat_map(|identity| &identity.chain)
        .chain(other_certificates)
    {
        if written.insert(der) {
            further.push(der);
        }
    }

    let mut store = KeyStore::new();
    for leaves in by_key {
        let identity = leaves.first;
        let certificates = leaves
            .certificates
            .into_iter()
            .chain(std::mem::take(&mut further))
            .map(certificate)
            .collect::<Result<Vec<_>, _>>()?;
        let key = p12_keystore::PrivateKey::from_der(identity.key.expose())
            .map_err(|error| Pkcs12Error::Write(error.to_string()))?;
        // The name of the key in the keychain; names need not be unique there, but the store's keys must be.
        let name = identity
            .friendly_name
            .clone()
            .filter(|name| !name.is_empty() && is_bmp(name))
            .unwrap_or_else(|| identity.label());
        let name: String = name
            .chars()
            .filter(|letter| u32::from(*letter) <= 0xffff)
            .collect();
        let mut alias = name.clone();
        let mut count = 1_u32;
        while store.entry(&alias).is_some() {
            count += 1;
            alias = format!("{name} ({count})");
        }
        store.add_entry(
            &alias,
            KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(
                // What OpenSSL writes: the SHA-1 of the certificate.
                identity.sha1().as_bytes().as_slice(),
                key,
                certificates,
            )),
        );
    }
    Ok(store)
}

/// The leaf certificates of one key: a renewed certificate often keeps its key.
struct Leaves<'a> {
    public_key: Vec<u8>,
    first: &'a Pkcs12Identity,
    certificates: Vec<&'a [u8]>,
}

/// Iterations of the files that we write: about ten milliseconds. The strength of such a file is its password.
const ITERATIONS: u32 = 20_000;
/// Iterations of files that live for minutes: what OpenSSL writes, so that every reader takes it.
const ONE_TIME_ITERATIONS: u32 = 2_048;
