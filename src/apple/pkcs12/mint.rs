//! Certificates and keys for the tests of this room. Nothing here checks a signature, so none is made: the
//! certificates carry rubbish where theirs should be.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

use super::private_key::PrivateKey;

/// One RSA key for all tests: making one takes a while.
pub(super) fn rsa_key() -> &'static PrivateKey {
    static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        PrivateKey::new(pair.as_der().unwrap().as_ref().to_vec())
    });
    &KEY
}

/// A new P-256 key.
pub(super) fn ec_key() -> PrivateKey {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .unwrap();
    PrivateKey::new(pkcs8.as_ref().to_vec())
}

/// A certificate for the public half of `key`, without key identifiers.
pub(super) fn certificate(subject: &str, issuer: &str, key: &PrivateKey) -> Vec<u8> {
    certificate_with_ids(subject, issuer, key, None, None)
}

/// A certificate with subject and authority key identifiers.
pub(super) fn certificate_with_ids(
    subject: &str,
    issuer: &str,
    key: &PrivateKey,
    key_id: Option<&[u8]>,
    issuer_key_id: Option<&[u8]>,
) -> Vec<u8> {
    let public = key.public_key().unwrap();
    let algorithm = if public.first() == Some(&0x04) {
        // id-ecPublicKey, prime256v1
        seq(&[
            tlv(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]),
            tlv(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
        ])
    } else {
        // rsaEncryption
        seq(&[
            tlv(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]),
            tlv(0x05, &[]),
        ])
    };
    // ecdsa-with-SHA256
    let signature_algorithm = seq(&[tlv(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
    let mut extensions = Vec::new();
    if let Some(id) = key_id {
        extensions.push(extension(14, &tlv(0x04, id)));
    }
    if let Some(id) = issuer_key_id {
        extensions.push(extension(35, &seq(&[tlv(0x80, id)])));
    }
    let mut fields = vec![
        tlv(0xa0, &tlv(0x02, &[2])),
        tlv(0x02, &[1]),
        signature_algorithm.clone(),
        name(issuer),
        seq(&[tlv(0x17, b"200101000000Z"), tlv(0x17, b"400101000000Z")]),
        name(subject),
        seq(&[algorithm, bit_string(&public)]),
    ];
    if !extensions.is_empty() {
        fields.push(tlv(0xa3, &seq(&extensions)));
    }
    seq(&[seq(&fields), signature_algorithm, bit_string(b"rubbish")])
}

/// An empty file whose MAC asks for these iterations (the content of the INTEGER).
pub(super) fn pfx_with_mac_iterations(iterations: &[u8]) -> Vec<u8> {
    let data = tlv(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]);
    let sha1 = seq(&[tlv(0x06, &[0x2b, 14, 3, 2, 26]), tlv(0x05, &[])]);
    seq(&[
        tlv(0x02, &[3]),
        seq(&[data, tlv(0xa0, &tlv(0x04, &seq(&[])))]),
        seq(&[
            seq(&[sha1, tlv(0x04, &[0; 20])]),
            tlv(0x04, &[0; 8]),
            tlv(0x02, iterations),
        ]),
    ])
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = seq(&[tlv(0x06, &[0x55, 4, 3]), tlv(0x0c, common_name.as_bytes())]);
    seq(&[tlv(0x31, &attribute)])
}

fn extension(id: u8, value: &[u8]) -> Vec<u8> {
    seq(&[tlv(0x06, &[0x55, 0x1d, id]), tlv(0x04, value)])
}

fn bit_string(bytes: &[u8]) -> Vec<u8> {
    let mut content = vec![0];
    content.extend_from_slice(bytes);
    tlv(0x03, &content)
}

fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..=0x7f) => der.push(short),
        _ => {
            der.push(0x82);
            der.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    der.extend_from_slice(content);
    der
}
