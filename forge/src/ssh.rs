//! SSH keys, signatures and envelopes, honest or not (OpenSSH's `PROTOCOL.sshsig` and `PROTOCOL.u2f`, DSSE v1).
//!
//! OpenSSH signs what it should and nothing else, and a key in a security key needs a person. So the signatures that an
//! attacker would write, and those of security keys, are made here.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256, Sha512};

use super::certificate::base64;
use super::key::{Hash, Key};
use super::stream;

/// The namespace of envelopes.
pub const NAMESPACE: &str = "countersign-envelope";

/// The payload type of in-toto statements.
pub const STATEMENT: &str = "application/vnd.in-toto+json";

/// What a key in a security key was made for.
const APPLICATION: &str = "ssh:";

/// A private key; it grows from its label.
pub struct SshKey {
    kind: Kind,
    in_security_key: bool,
}

enum Kind {
    Ed25519(Box<Ed25519KeyPair>),
    P256(Key),
}

impl SshKey {
    /// Ed25519.
    pub fn ed25519(label: &str) -> Self {
        let seed = stream::bytes(&format!("ssh ed25519 {label}"), 32);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        Self {
            kind: Kind::Ed25519(pair.into()),
            in_security_key: false,
        }
    }

    /// ECDSA on P-256.
    pub fn p256(label: &str) -> Self {
        Self {
            kind: Kind::P256(Key::p256(&format!("ssh {label}"))),
            in_security_key: false,
        }
    }

    /// The same key as if it were in a security key.
    pub fn in_security_key(mut self) -> Self {
        self.in_security_key = true;
        self
    }

    /// The word for its type.
    pub fn word(&self) -> &'static str {
        match (&self.kind, self.in_security_key) {
            (Kind::Ed25519(_), false) => "ssh-ed25519",
            (Kind::Ed25519(_), true) => "sk-ssh-ed25519@openssh.com",
            (Kind::P256(_), false) => "ecdsa-sha2-nistp256",
            (Kind::P256(_), true) => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    /// The public key.
    pub fn public(&self) -> Vec<u8> {
        let mut parts = vec![self.word().as_bytes().to_vec()];
        match &self.kind {
            Kind::Ed25519(pair) => parts.push(pair.public_key().as_ref().to_vec()),
            Kind::P256(key) => {
                parts.push(b"nistp256".to_vec());
                let info = key.public_key_info();
                // An uncompressed point is the last that the structure holds.
                parts.push(info[info.len() - 65..].to_vec());
            }
        }
        if self.in_security_key {
            parts.push(APPLICATION.as_bytes().to_vec());
        }
        parts.iter().flat_map(|part| string(part)).collect()
    }

    /// The fingerprint, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        let digest = base64(&Sha256::digest(self.public()));
        format!("SHA256:{}", digest.trim_end_matches('='))
    }

    /// A line of a list of allowed signers; `options` may be empty.
    pub fn allowed(&self, principals: &str, options: &str) -> String {
        let key = base64(&self.public());
        let words = [principals, options, self.word(), &key, "a comment"];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        words.join(" ") + "\n"
    }

    /// The signature over `message`, as OpenSSH encodes it.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let device = [1, 0, 0, 0, 7];
        let message = match self.in_security_key {
            false => message.to_vec(),
            true => [
                &Sha256::digest(APPLICATION)[..],
                &device,
                &Sha256::digest(message),
            ]
            .concat(),
        };
        let value = match &self.kind {
            Kind::Ed25519(pair) => pair.sign(&message).as_ref().to_vec(),
            Kind::P256(key) => numbers(&key.sign(Hash::Sha256, &message)),
        };
        let mut signature = [string(self.word().as_bytes()), string(&value)].concat();
        if self.in_security_key {
            signature.extend(device);
        }
        signature
    }
}

/// What is signed, and what is said of it.
#[derive(Clone)]
pub struct SshSignature {
    /// The version.
    pub version: u32,
    /// What it is for.
    pub namespace: String,
    /// What OpenSSH reserves.
    pub reserved: Vec<u8>,
    /// The name of the hash.
    pub hash: String,
    /// Instead of the signer's own public key.
    pub key: Option<Vec<u8>>,
    /// Bytes after the end.
    pub after: Vec<u8>,
}

impl Default for SshSignature {
    fn default() -> Self {
        Self {
            version: 1,
            namespace: NAMESPACE.to_owned(),
            reserved: Vec::new(),
            hash: "sha512".to_owned(),
            key: None,
            after: Vec::new(),
        }
    }
}

impl SshSignature {
    /// In another namespace.
    pub fn in_namespace(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            ..Self::default()
        }
    }

    /// The armored signature over `message`.
    pub fn armored(&self, key: &SshKey, message: &[u8]) -> String {
        let digest = match self.hash.as_str() {
            "sha256" => Sha256::digest(message).to_vec(),
            _ => Sha512::digest(message).to_vec(),
        };
        let about = [
            string(self.namespace.as_bytes()),
            string(&self.reserved),
            string(self.hash.as_bytes()),
        ]
        .concat();
        let signed = [b"SSHSIG", &about[..], &string(&digest)].concat();
        let public = self.key.clone().unwrap_or_else(|| key.public());
        let blob = [
            b"SSHSIG",
            &self.version.to_be_bytes()[..],
            &string(&public),
            &about,
            &string(&key.sign(&signed)),
            &self.after,
        ]
        .concat();
        armor(&blob, 70)
    }
}

/// Armor with lines of this length; OpenSSH's have 70.
pub fn armor(blob: &[u8], width: usize) -> String {
    let mut text = "-----BEGIN SSH SIGNATURE-----\n".to_owned();
    for line in base64(blob).as_bytes().chunks(width) {
        text.push_str(str::from_utf8(line).unwrap());
        text.push('\n');
    }
    text + "-----END SSH SIGNATURE-----\n"
}

/// What DSSE signs.
pub fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"DSSEv1".to_vec();
    for part in [payload_type.as_bytes(), payload] {
        bytes.extend(format!(" {} ", part.len()).into_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// An envelope around `payload`, signed as `signature` says.
pub fn envelope(
    payload_type: &str,
    payload: &[u8],
    key: &SshKey,
    signature: &SshSignature,
) -> String {
    let armored = signature.armored(key, &pre_authentication(payload_type, payload));
    envelope_of(
        payload_type,
        payload,
        &key.fingerprint(),
        armored.as_bytes(),
    )
}

/// An envelope that says all this, whether or not it is so.
pub fn envelope_of(payload_type: &str, payload: &[u8], keyid: &str, signature: &[u8]) -> String {
    format!(
        "{{\n  \"payload\": \"{}\",\n  \"payloadType\": \"{payload_type}\",\n  \"signatures\": [\n    {{\n      \"keyid\": \
         \"{keyid}\",\n      \"sig\": \"{}\"\n    }}\n  ]\n}}\n",
        base64(payload),
        base64(signature)
    )
}

/// A string of RFC 4251.
fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

/// The two integers of an ECDSA signature: DER in, RFC 5656 out. Both write an integer's bytes in the same way.
fn numbers(der: &[u8]) -> Vec<u8> {
    let mut rest = &der[2..];
    let mut out = Vec::new();
    while let [2, length, after @ ..] = rest {
        let (number, next) = after.split_at(usize::from(*length));
        out.extend(string(number));
        rest = next;
    }
    out
}
