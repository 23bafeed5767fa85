//! Writes DER (X.690), a value per function: each returns a complete tag-length-value.
//!
//! Only what certificates, CMS and profiles need. Nothing is checked here on purpose: a forge must be able to write
//! what no honest writer would.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Any tag byte with any contents.
pub fn tlv(tag: u8, contents: impl AsRef<[u8]>) -> Vec<u8> {
    let contents = contents.as_ref();
    let mut out = vec![tag];
    out.extend(length(contents.len()));
    out.extend_from_slice(contents);
    out
}

/// The definite length octets: short form below 128, otherwise the fewest bytes.
pub fn length(len: usize) -> Vec<u8> {
    if len < 0x80 {
        return vec![len as u8];
    }
    let bytes = len.to_be_bytes();
    let bytes = &bytes[bytes.iter().take_while(|b| **b == 0).count()..];
    let mut out = vec![0x80 | bytes.len() as u8];
    out.extend_from_slice(bytes);
    out
}

fn joined<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(part.as_ref());
    }
    out
}

/// SEQUENCE of the parts in their order.
pub fn sequence<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Vec<u8> {
    tlv(0x30, joined(parts))
}

/// SET OF the parts, sorted by their encodings as DER demands.
pub fn set_of<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Vec<u8> {
    tlv(0x31, sorted(parts))
}

/// The contents of a SET OF: for `[0] IMPLICIT SET OF` and the like.
pub fn sorted<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = parts.into_iter().map(|p| p.as_ref().to_vec()).collect();
    parts.sort();
    parts.concat()
}

/// `[number]`, constructed: EXPLICIT around a value, or IMPLICIT around the contents of a constructed one.
pub fn context(number: u8, contents: impl AsRef<[u8]>) -> Vec<u8> {
    tlv(0xa0 | number, contents)
}

/// `[number] IMPLICIT` of a primitive.
pub fn context_primitive(number: u8, contents: impl AsRef<[u8]>) -> Vec<u8> {
    tlv(0x80 | number, contents)
}

/// `[APPLICATION number]`, constructed.
pub fn application(number: u8, contents: impl AsRef<[u8]>) -> Vec<u8> {
    tlv(0x60 | number, contents)
}

/// INTEGER of a signed number.
pub fn integer(value: i64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let redundant = bytes
        .windows(2)
        .take_while(|pair| match pair[0] {
            0x00 => pair[1] < 0x80,
            0xff => pair[1] >= 0x80,
            _ => false,
        })
        .count();
    tlv(0x02, &bytes[redundant..])
}

/// INTEGER of a big-endian unsigned number.
pub fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let mut contents = bytes[zeros..].to_vec();
    if contents.first().is_none_or(|b| *b >= 0x80) {
        contents.insert(0, 0);
    }
    tlv(0x02, contents)
}

/// BOOLEAN.
pub fn boolean(value: bool) -> Vec<u8> {
    tlv(0x01, [if value { 0xff } else { 0 }])
}

/// NULL.
pub fn null() -> Vec<u8> {
    tlv(0x05, [])
}

/// OBJECT IDENTIFIER from its dotted form.
pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut contents = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let more = if group > 0 { 0x80 } else { 0 };
            contents.push(more | (arc >> (7 * group) & 0x7f) as u8);
        }
    }
    tlv(0x06, contents)
}

/// UTF8String.
pub fn utf8(text: &str) -> Vec<u8> {
    tlv(0x0c, text)
}

/// PrintableString.
pub fn printable(text: &str) -> Vec<u8> {
    tlv(0x13, text)
}

/// OCTET STRING, primitive.
pub fn octets(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    tlv(0x04, bytes)
}

/// BIT STRING of whole bytes.
pub fn bits(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut contents = vec![0];
    contents.extend_from_slice(bytes.as_ref());
    tlv(0x03, contents)
}

/// A time as X.509 and CMS write it: UTCTime to 2049, GeneralizedTime before 1950 and from 2050 (RFC 5280 §4.1.2.5).
pub fn time(at: Timestamp) -> Vec<u8> {
    let utc = at.to_zoned(TimeZone::UTC);
    if (1950..2050).contains(&utc.year()) {
        tlv(0x17, utc.strftime("%y%m%d%H%M%SZ").to_string())
    } else {
        tlv(0x18, utc.strftime("%Y%m%d%H%M%SZ").to_string())
    }
}

/// `AlgorithmIdentifier` without parameters, as ECDSA has it.
pub fn algorithm(dotted: &str) -> Vec<u8> {
    sequence([oid(dotted)])
}

/// `AlgorithmIdentifier` with NULL parameters, as digests and RSA have it.
pub fn algorithm_null(dotted: &str) -> Vec<u8> {
    sequence([oid(dotted), null()])
}
