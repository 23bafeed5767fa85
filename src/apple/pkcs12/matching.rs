//! Which certificate belongs to which key, and who issued it.

use std::collections::{HashMap, HashSet};

use p12_keystore::Pkcs12Archive;
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use super::algorithms::Algorithms;
use super::contents::{LoneKey, LoneKeyReason, Pkcs12, Pkcs12Identity};
use super::error::Pkcs12Error;
use super::private_key::PrivateKey;

/// A certificate of the file, as far as the matching needs it.
struct Candidate {
    der: Vec<u8>,
    friendly_name: Option<String>,
    public_key: Vec<u8>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    key_id: Option<Vec<u8>>,
    issuer_key_id: Option<Vec<u8>>,
}

impl Candidate {
    fn new(der: &[u8], friendly_name: Option<String>) -> Result<Self, Pkcs12Error> {
        let malformed =
            |why: String| Pkcs12Error::Content(format!("a certificate is malformed ({why})"));
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| malformed(error.to_string()))?;
        if !rest.is_empty() {
            // Its fingerprint would be that of no certificate.
            return Err(malformed(format!("{} bytes follow it", rest.len())));
        }
        let mut key_id = None;
        let mut issuer_key_id = None;
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => key_id = Some(id.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    issuer_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
                }
                _ => {}
            }
        }
        Ok(Self {
            der: der.to_vec(),
            friendly_name,
            public_key: certificate.public_key().subject_public_key.data.to_vec(),
            subject: certificate.subject().as_raw().to_vec(),
            issuer: certificate.issuer().as_raw().to_vec(),
            key_id,
            issuer_key_id,
        })
    }
}

/// Sorts the bags of a file into identities, their chains, further certificates and stray keys.
pub(super) fn assemble(
    archive: Pkcs12Archive,
    algorithms: Algorithms,
) -> Result<Pkcs12, Pkcs12Error> {
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut candidates = Vec::new();
    for bag in archive.certs {
        if seen.insert(bag.cert.as_der().to_vec()) {
            candidates.push(Candidate::new(bag.cert.as_der(), bag.friendly_name)?);
        }
    }

    let public_keys: HashSet<&[u8]> = candidates
        .iter()
        .map(|candidate| candidate.public_key.as_slice())
        .collect();
    let mut keys: HashMap<Vec<u8>, (PrivateKey, Option<String>)> = HashMap::new();
    let mut lone_keys = Vec::new();
    for bag in archive.keys {
        let key = PrivateKey::new(bag.key.as_der().to_vec());
        let lone = |why| LoneKey {
            friendly_name: bag.friendly_name.clone(),
            algorithm: bag.key.oid().to_string(),
            why,
        };
        match key.public_key() {
            None => lone_keys.push(lone(LoneKeyReason::NotUsable)),
            Some(public) if public_keys.contains(public.as_slice()) => {
                keys.entry(public).or_insert((key, bag.friendly_name));
            }
            Some(_) => lone_keys.push(lone(LoneKeyReason::NoCertificate)),
        }
    }

    let mut identities = Vec::new();
    let mut used: HashSet<&[u8]> = HashSet::new();
    for candidate in &candidates {
        let Some((key, name)) = keys.get(&candidate.public_key) else {
            continue;
        };
        let chain = chain(candidate, &candidates);
        used.insert(&candidate.der);
        used.extend(chain.iter().map(|issuer| issuer.der.as_slice()));
        identities.push(Pkcs12Identity {
            certificate_der: candidate.der.clone(),
            friendly_name: name.clone().or_else(|| candidate.friendly_name.clone()),
            chain: chain.iter().map(|issuer| issuer.der.clone()).collect(),
            key: key.clone(),
        });
    }
    let other_certificates = candidates
        .iter()
        .filter(|candidate| !used.contains(candidate.der.as_slice()))
        .map(|candidate| candidate.der.clone())
        .collect();
    Ok(Pkcs12 {
        identities,
        other_certificates,
        lone_keys,
        algorithms,
    })
}

/// The issuers above a certificate, as far as the file has them. Several intermediates may share one name (WWDR's
/// generations do not, private ones do): the key identifier decides, where there is one.
fn chain<'a>(leaf: &'a Candidate, candidates: &'a [Candidate]) -> Vec<&'a Candidate> {
    let mut chain: Vec<&Candidate> = Vec::new();
    let mut child = leaf;
    while chain.len() < MAX_CHAIN && child.issuer != child.subject {
        let by_name = || {
            candidates
                .iter()
                .filter(|candidate| candidate.subject == child.issuer && candidate.der != leaf.der)
        };
        let by_key_id = by_name().find(|candidate| {
            candidate.key_id.is_some() && candidate.key_id == child.issuer_key_id
        });
        let Some(issuer) = by_key_id.or_else(|| {
            by_name().find(|candidate| candidate.key_id.is_none() || child.issuer_key_id.is_none())
        }) else {
            break;
        };
        if chain.iter().any(|earlier| earlier.der == issuer.der) {
            break;
        }
        chain.push(issuer);
        child = issuer;
    }
    chain
}

/// The longest chain that is followed above a leaf: Apple's have two.
const MAX_CHAIN: usize = 16;
