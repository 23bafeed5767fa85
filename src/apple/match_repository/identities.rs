//! Stored keys and certificates, put together.

use std::collections::HashSet;

use super::error::StoredKeyError;
use crate::apple::pkcs12::{self, Pkcs12Error, Pkcs12Identity, PrivateKey};
use crate::base::secret::Password;

/// A stored key file, opened.
#[derive(Debug)]
pub struct StoredKey {
    /// The file, for messages.
    pub file: String,
    /// Its private keys; PEM files hold one.
    pub keys: Vec<PrivateKey>,
    /// The certificates in the same file, in DER.
    pub certificates: Vec<Vec<u8>>,
}

/// A stored certificate.
#[derive(Debug, Clone)]
pub struct StoredCertificate {
    /// The file, for messages.
    pub file: String,
    /// The certificate, in DER.
    pub der: Vec<u8>,
}

/// What a repository holds.
#[derive(Debug)]
pub struct Paired {
    /// Each certificate whose private key is there, once, by file name.
    pub identities: Vec<Pkcs12Identity>,
    /// The files of certificates without a key.
    pub without_key: Vec<String>,
    /// The files of keys without a certificate.
    pub without_certificate: Vec<String>,
}

impl StoredKey {
    /// Reads a `.p12` as match stores it, decrypted: a key in PEM (PKCS#8, PKCS#1, SEC1), or a PKCS#12 file. Match imports a
    /// PKCS#12 file with an empty password [fastlane, `match/lib/match/runner.rb`]; where that does not open it, `password`
    /// does.
    ///
    /// # Errors
    /// It is neither, the password is wrong, or the key signs no code.
    pub fn read(
        file: String,
        bytes: &[u8],
        password: Option<&Password>,
    ) -> Result<Self, Pkcs12Error> {
        if let Some(pem) = pkcs12::read_pem(bytes)? {
            return Ok(Self {
                file,
                keys: pem.keys,
                certificates: pem.certificates,
            });
        }
        let empty = Password::new(String::new());
        let content = match (pkcs12::read(bytes, &empty), password) {
            (Err(Pkcs12Error::EmptyDoesNotOpen { .. }), Some(password)) => {
                pkcs12::read(bytes, password)?
            }
            (read, _) => read?,
        };
        let identities = content.identities.into_iter();
        let (keys, certificates) = identities
            .map(|identity| (identity.key, identity.certificate_der))
            .unzip();
        Ok(Self {
            file,
            keys,
            certificates,
        })
    }
}

/// Puts keys and certificates together by their public keys.
pub fn pair(keys: &[StoredKey], certificates: &[StoredCertificate]) -> Paired {
    let held: Vec<(&StoredKey, Vec<(&PrivateKey, Vec<u8>)>)> = keys
        .iter()
        .map(|stored| {
            let keys = stored.keys.iter();
            let with_public = keys.filter_map(|key| Some((key, key.public_key()?)));
            (stored, with_public.collect())
        })
        .collect();
    let within = keys.iter().flat_map(|stored| {
        let ders = stored.certificates.iter();
        ders.map(|der| (stored.file.as_str(), der))
    });
    let beside = certificates.iter().map(|it| (it.file.as_str(), &it.der));
    let mut paired = Paired {
        identities: Vec::new(),
        without_key: Vec::new(),
        without_certificate: Vec::new(),
    };
    let mut seen: HashSet<&[u8]> = HashSet::new();
    let mut used: HashSet<&str> = HashSet::new();
    for (file, der) in within.chain(beside) {
        let public = pkcs12::public_key_of(der);
        let mut owners = held
            .iter()
            .flat_map(|(stored, keys)| keys.iter().map(|(key, public)| (*stored, *key, public)));
        let owner = owners.find(|(_, _, candidate)| Some(*candidate) == public.as_ref());
        let Some((stored, key, _)) = owner else {
            paired.without_key.push(file.to_owned());
            continue;
        };
        used.insert(&stored.file);
        if seen.insert(der) {
            paired.identities.push(Pkcs12Identity {
                certificate_der: der.clone(),
                friendly_name: None,
                chain: Vec::new(),
                key: key.clone(),
            });
        }
    }
    let unused = keys.iter().filter(|stored| !used.contains(&*stored.file));
    paired.without_certificate = unused.map(|stored| stored.file.clone()).collect();
    paired
}

/// The identities of one key file and the certificate beside it, if there is one.
///
/// # Errors
/// There is no certificate of the key.
pub fn of_key(
    key: &StoredKey,
    certificate: Option<&StoredCertificate>,
    certificate_file: &str,
) -> Result<Vec<Pkcs12Identity>, StoredKeyError> {
    let beside = certificate.map(std::slice::from_ref).unwrap_or_default();
    let paired = pair(std::slice::from_ref(key), beside);
    if !paired.identities.is_empty() {
        return Ok(paired.identities);
    }
    let certificate_file = certificate_file.to_owned();
    Err(match certificate {
        Some(_) => StoredKeyError::OtherKey {
            certificate: certificate_file,
        },
        None => StoredKeyError::NoCertificate {
            certificate: certificate_file,
        },
    })
}
