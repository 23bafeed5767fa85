//! The file of an envelope: a signed one is a DSSE envelope (Dead Simple Signing Envelope, v1), an unsigned one is the bare
//! statement.
//!
//! DSSE signs the payload together with its type, in the encoding of [`message`]. Here an envelope has one signature, which
//! is an armored SSH signature in the namespace [`NAMESPACE`], and its `keyid` is the fingerprint of the key. So the tools
//! of OpenSSH can verify one too (`docs/envelope.md`).
//!
//! Whatever no signature covers must be exactly what is expected there: unknown and repeated fields, other signatures,
//! another way to write the same base64 and bytes after the end are refused.

use base64ct::{Base64, Encoding as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::Unambiguous;
use super::{PREDICATE_TYPE, STATEMENT_TYPE};
use crate::base::event::Checkpoint;
use crate::context::ssh::signature::{Signature, SignatureError};

/// The largest file that is read as an envelope, in bytes: a hundred times what a gate writes.
pub const MAX_BYTES: usize = 1 << 20;

/// What the signature of an envelope says that it is for.
pub const NAMESPACE: &str = "countersign-envelope";

/// The type of the payload: an in-toto statement in JSON.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The bytes that are signed: DSSE's pre-authentication encoding of a payload and its type.
pub fn message(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}

/// The file, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSignature {
    keyid: String,
    sig: String,
}

/// What a file that may be an envelope holds; nothing of it is verified.
#[derive(Debug, Clone)]
pub(super) enum Read {
    /// A payload and a signature.
    Signed(Signed),
    /// A bare statement.
    Unsigned(Value),
}

/// A payload and a signature that may be one over it.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) payload_type: String,
    pub(super) payload: Vec<u8>,
    pub(super) keyid: String,
    pub(super) signature: Result<Signature, SignatureError>,
}

/// The file of a signed envelope.
///
/// # Errors
/// The values cannot be written as JSON; that does not happen.
pub fn write_signed(payload: &[u8], signature: &Signature) -> serde_json::Result<Vec<u8>> {
    written(&Written {
        payload: Base64::encode_string(payload),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: vec![WrittenSignature {
            keyid: signature.key().fingerprint(),
            sig: Base64::encode_string(signature.armor().as_bytes()),
        }],
    })
}

/// A value as all of our files hold it: two-space JSON, a final newline.
pub(super) fn written(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Whether `bytes` are an envelope of ours, signed or not, whoever wrote it: what may be replaced by another.
pub fn is_envelope(bytes: &[u8]) -> bool {
    unverified_statement(bytes).is_some_and(|statement| {
        let says =
            |field: &str, word: &str| statement.get(field).and_then(Value::as_str) == Some(word);
        says("_type", STATEMENT_TYPE) && says("predicateType", PREDICATE_TYPE)
    })
}

/// Where the audit log stood, as an envelope says, signed or not. Nothing of it is verified: it is something to compare a log
/// with, and whoever made it up only makes a good log look bad.
pub fn checkpoint(bytes: &[u8]) -> Option<Checkpoint> {
    let statement = unverified_statement(bytes)?;
    let audit = statement.get("predicate")?.get("audit")?;
    audit.as_str()?.parse().ok()
}

/// What an envelope states, signed or not.
fn unverified_statement(bytes: &[u8]) -> Option<Value> {
    match read(bytes).ok()? {
        Read::Unsigned(statement) => Some(statement),
        Read::Signed(signed) => {
            let Unambiguous(statement) = serde_json::from_slice(&signed.payload).ok()?;
            Some(statement)
        }
    }
}

/// Reads a file that may be an envelope.
///
/// # Errors
/// It is none; the text says why.
pub(super) fn read(bytes: &[u8]) -> Result<Read, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("it has more than {MAX_BYTES} bytes"));
    }
    let Unambiguous(value) = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if value.get("payload").is_none() && value.get("_type").is_some() {
        return Ok(Read::Unsigned(value));
    }
    let written = Written::deserialize(&value).map_err(|error| error.to_string())?;
    // The deserializer also takes the fields as a list, without their names.
    if serde_json::to_value(&written).map_err(|error| error.to_string())? != value {
        return Err("it is not written as DSSE says".to_owned());
    }
    let [signature] = written.signatures.as_slice() else {
        let count = written.signatures.len();
        return Err(format!("it has {count} signatures instead of one"));
    };
    let armor = decoded(&signature.sig, "sig")?;
    Ok(Read::Signed(Signed {
        payload: decoded(&written.payload, "payload")?,
        payload_type: written.payload_type,
        keyid: signature.keyid.clone(),
        signature: Signature::from_canonical_armor(&armor),
    }))
}

/// The bytes of a text in base64 that can be written in no other way.
fn decoded(text: &str, field: &str) -> Result<Vec<u8>, String> {
    let bytes = Base64::decode_vec(text).map_err(|_| format!("the field {field} is not base64"))?;
    match Base64::encode_string(&bytes) == text {
        true => Ok(bytes),
        false => Err(format!(
            "the field {field} is not in the one form of base64"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (secure-systems-lab/dsse, protocol.md).
    #[test]
    fn what_is_signed_is_encoded_as_dsse_says() {
        assert_eq!(
            message("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(message("", b""), b"DSSEv1 0  0 ");
        // Length of bytes, not of characters.
        assert_eq!(message("é", "é".as_bytes()), "DSSEv1 2 é 2 é".as_bytes());
    }

    #[test]
    fn base64_has_one_form() {
        assert_eq!(decoded("YQ==", "payload").unwrap(), b"a");
        for other in ["YQ", "YQ=", "YR==", "YQ==\n", " YQ==", "_-8=", "YQ==YQ=="] {
            assert!(decoded(other, "payload").is_err(), "{other:?}");
        }
    }
}
