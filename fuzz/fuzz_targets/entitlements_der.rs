//! Entitlements in Apple's DER encoding (inner layers, code signatures): no panic, and what was read writes itself in that
//! encoding and reads back the same.
#![no_main]

use std::collections::BTreeMap;

use countersign::apple::der_profile::parse_entitlements;
use countersign::apple::value::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| {
    let entitlements = match parse_entitlements(der) {
        Ok(entitlements) => entitlements,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let version = tlv(0x02, &[1]);
    let written = tlv(0x70, &[version, tlv(0xb0, &pairs(&entitlements))].concat());
    assert_eq!(parse_entitlements(&written), Ok(entitlements));
});

fn pairs(dictionary: &BTreeMap<Box<str>, Value>) -> Vec<u8> {
    let mut pairs = Vec::new();
    for (key, value) in dictionary {
        pairs.extend(tlv(
            0x30,
            &[tlv(0x0c, key.as_bytes()), encode(value)].concat(),
        ));
    }
    pairs
}

fn encode(value: &Value) -> Vec<u8> {
    match value {
        Value::Boolean(value) => tlv(0x01, &[if *value { 0xff } else { 0 }]),
        Value::Integer(value) => tlv(0x02, &value.to_be_bytes()),
        Value::String(text) => tlv(0x0c, text.as_bytes()),
        Value::Data(bytes) => tlv(0x04, bytes),
        Value::Array(values) => tlv(0x30, &values.iter().flat_map(encode).collect::<Vec<_>>()),
        Value::Dictionary(values) => tlv(0xb0, &pairs(values)),
    }
}

/// One element, its length in four bytes, which BER allows.
fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).expect("smaller than the input");
    [&[tag, 0x84], length.to_be_bytes().as_slice(), contents].concat()
}
