//! PKCS#12 files in the forms that occur, written by the p12-keystore crate.
//!
//! What Keychain Access and OpenSSL 1 write mixes two ciphers (certificates under RC2-40, keys under 3DES), which the
//! crate does not: that form is put together from two of its files, under a MAC of our own. Salts are random, so that
//! two files with the same contents differ; everything else of the forge is reproducible.

use aws_lc_rs::hmac;
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};

use super::ber::Element;
use super::certificate::Identity;
use super::key::Hash;
use super::{der, stream};

/// Which algorithms protect a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    certificates: EncryptionAlgorithm,
    keys: EncryptionAlgorithm,
    mac: MacAlgorithm,
}

impl Form {
    /// PBES2 with AES-256 and SHA-256 throughout: what OpenSSL 3 writes, and macOS before 15 cannot import.
    pub const MODERN: Form = Form {
        certificates: EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
        keys: EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
        mac: MacAlgorithm::HmacSha256,
    };
    /// RC2-40 for certificates, 3DES for keys, a SHA-1 MAC: what Keychain Access exports.
    pub const LEGACY: Form = Form {
        certificates: EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc,
        keys: EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
        mac: MacAlgorithm::HmacSha1,
    };
    /// 3DES throughout and a SHA-1 MAC: what every Mac and every OpenSSL reads.
    pub const TRIPLE_DES: Form = Form {
        certificates: EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
        keys: EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
        mac: MacAlgorithm::HmacSha1,
    };
    /// PBES2 inside, a SHA-1 MAC around it.
    pub const MODERN_WITH_OLD_MAC: Form = Form {
        mac: MacAlgorithm::HmacSha1,
        ..Self::MODERN
    };
    /// Old ciphers inside, a SHA-256 MAC around them: `security import` says "wrong password" of it.
    pub const LEGACY_WITH_NEW_MAC: Form = Form {
        mac: MacAlgorithm::HmacSha256,
        ..Self::LEGACY
    };
}

/// A p12 to be written.
#[derive(Clone)]
pub struct P12Spec {
    /// What protects it; ASCII, as `security` wants.
    pub password: String,
    /// How.
    pub form: Form,
    /// Identities, each with the certificates above it.
    pub identities: Vec<(Identity, Vec<Identity>)>,
    /// Certificates without a key.
    pub certificates: Vec<Identity>,
}

impl P12Spec {
    /// One identity without its chain, in the modern form.
    pub fn new(password: &str, identity: &Identity) -> Self {
        Self {
            password: password.to_owned(),
            form: Form::MODERN,
            identities: vec![(identity.clone(), Vec::new())],
            certificates: Vec::new(),
        }
    }

    /// In another form.
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// With the certificates above the first identity.
    pub fn chain(mut self, issuers: &[&Identity]) -> Self {
        self.identities[0].1 = issuers.iter().map(|&issuer| issuer.clone()).collect();
        self
    }

    /// With another identity.
    pub fn and(mut self, identity: &Identity) -> Self {
        self.identities.push((identity.clone(), Vec::new()));
        self
    }

    /// The same certificates, and no key to any of them.
    pub fn without_keys(mut self) -> Self {
        for (leaf, issuers) in std::mem::take(&mut self.identities) {
            self.certificates.push(leaf);
            self.certificates.extend(issuers);
        }
        self
    }

    /// The file.
    pub fn write(&self) -> Vec<u8> {
        let Form {
            certificates,
            keys,
            mac,
        } = self.form;
        let file = self.write_with(certificates, mac);
        if certificates == keys {
            return file;
        }
        let other = self.write_with(keys, mac);
        splice(&file, &other, &self.password, mac)
    }

    fn write_with(&self, cipher: EncryptionAlgorithm, mac: MacAlgorithm) -> Vec<u8> {
        let mut store = KeyStore::new();
        for (leaf, issuers) in &self.identities {
            let chain = std::iter::once(leaf).chain(issuers);
            let certificates = chain.map(|identity| Certificate::from_der(&identity.der).unwrap());
            let key = PrivateKey::from_der(&leaf.key.pkcs8()).unwrap();
            // As OpenSSL and Keychain Access have it: the fingerprint of the certificate ties the key to it.
            let local_key_id = Hash::Sha1.digest(&leaf.der);
            let chain = PrivateKeyChain::new(local_key_id, key, certificates);
            store.add_entry(&alias(&store, leaf), KeyStoreEntry::PrivateKeyChain(chain));
        }
        for certificate in &self.certificates {
            let entry =
                KeyStoreEntry::Certificate(Certificate::from_der(&certificate.der).unwrap());
            store.add_entry(&alias(&store, certificate), entry);
        }
        let writer = store
            .writer(&self.password)
            .encryption_algorithm(cipher)
            .mac_algorithm(mac);
        // What OpenSSL 3 and Keychain Access take; ten thousand would slow every test.
        writer
            .encryption_iterations(2048)
            .mac_iterations(2048)
            .write()
            .unwrap()
    }
}

/// A name that is not taken: renewals share their common name.
fn alias(store: &KeyStore, identity: &Identity) -> String {
    let name = identity.common_name();
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|alias| store.entry(alias).is_none())
        .unwrap()
}

/// The certificates of one file and the keys of another, under a new MAC.
fn splice(certificates: &[u8], keys: &[u8], password: &str, mac: MacAlgorithm) -> Vec<u8> {
    // PFX { version, authSafe { data, [0] { OCTET STRING } }, macData }; the safes: certificates, then keys.
    let safes = |file: &[u8]| {
        let contents = Element::read(file).at(&[1, 1, 0]).contents().to_vec();
        Element::read(&contents).children().to_vec()
    };
    let both = der::sequence([safes(certificates)[0].to_der(), safes(keys)[1].to_der()]);
    let (hash, algorithm) = match mac {
        MacAlgorithm::HmacSha1 => (Hash::Sha1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        MacAlgorithm::HmacSha256 => (Hash::Sha256, hmac::HMAC_SHA256),
        other => panic!("no form has {other:?}"),
    };
    let salt = stream::bytes("salt of a p12", 8);
    let key = mac_key(hash, password, &salt, 2048);
    let tag = hmac::sign(&hmac::Key::new(algorithm, &key), &both);
    let mac_data = der::sequence([
        der::sequence([der::algorithm_null(hash.oid()), der::octets(tag.as_ref())]),
        der::octets(&salt),
        der::integer(2048),
    ]);
    let safe = der::sequence([
        der::oid(super::cms::DATA),
        der::context(0, der::octets(both)),
    ]);
    der::sequence([der::integer(3), safe, mac_data])
}

/// The MAC key of RFC 7292 appendix B.2, purpose 3. It is as long as the digest, so that one round gives all of it.
fn mac_key(hash: Hash, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
    const BLOCK: usize = 64;
    let filled = |bytes: &[u8]| -> Vec<u8> {
        bytes
            .iter()
            .copied()
            .cycle()
            .take(bytes.len().next_multiple_of(BLOCK))
            .collect()
    };
    let password: Vec<u8> = password
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_be_bytes)
        .collect();
    let mut out = hash.digest(&[vec![3; BLOCK], filled(salt), filled(&password)].concat());
    for _ in 1..iterations {
        out = hash.digest(&out);
    }
    out
}

/// Leaf certificates and private keys (PKCS#8) of a file: what makes two of them the same in spite of their salts.
pub fn contents(p12: &[u8], password: &str) -> Option<Vec<Vec<u8>>> {
    let store =
        KeyStore::from_pkcs12(p12, password, p12_keystore::Pkcs12ImportPolicy::Relaxed).ok()?;
    let mut contents = Vec::new();
    for (_, entry) in store.entries() {
        match entry {
            KeyStoreEntry::PrivateKeyChain(chain) => {
                contents.push(chain.key().as_der().to_vec());
                contents.extend(
                    chain
                        .certs()
                        .iter()
                        .map(|certificate| certificate.as_der().to_vec()),
                );
            }
            KeyStoreEntry::Certificate(certificate) => contents.push(certificate.as_der().to_vec()),
            KeyStoreEntry::Secret(_) => {}
        }
    }
    contents.sort();
    Some(contents)
}
