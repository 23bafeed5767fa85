//! Bytes that look random and are the same on every run: SHA-256 of a label and a counter.
//!
//! Everything the forge would draw at random (primes, private keys, serial numbers, UUIDs) grows from a label instead,
//! so that the same sources mint the same files on every machine, and no private key has to be kept anywhere.

use sha2::{Digest, Sha256};

/// The first `len` bytes that grow from `label`.
pub fn bytes(label: &str, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 31);
    for counter in 0u32.. {
        if out.len() >= len {
            break;
        }
        let block = Sha256::new()
            .chain_update("countersign forge v1\n")
            .chain_update(counter.to_be_bytes())
            .chain_update(label)
            .finalize();
        out.extend_from_slice(&block);
    }
    out.truncate(len);
    out
}

/// A version-4 UUID in lower case, as profiles have.
pub fn uuid(label: &str) -> String {
    let mut raw = bytes(label, 16);
    raw[6] = raw[6] & 0x0f | 0x40;
    raw[8] = raw[8] & 0x3f | 0x80;
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let (a, b, c, d, e) = (
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    );
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// A positive serial number of `len` bytes without leading zeros.
pub fn serial(label: &str, len: usize) -> Vec<u8> {
    let mut raw = bytes(&format!("serial of {label}"), len);
    raw[0] = raw[0] & 0x3f | 0x40;
    raw
}
