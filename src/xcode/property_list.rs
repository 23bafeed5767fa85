//! A property list in whatever format Xcode takes one: XML, binary, or the old text format.
//!
//! Entitlements and Info.plists come in all three. The `plist` crate recognises them too, but its reader of the old
//! format takes anything for a string; ours says what is wrong, and where.

use super::openstep::{self, Kind, Node};
use super::sources;
use crate::apple::property_list;
use crate::apple::value::Value;

/// The largest binary property list that is read.
const MAX_BINARY: usize = 16 * 1024 * 1024;

/// Reads a property list; an error is a sentence for a person, with the line where one is known.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, String> {
    if bytes.starts_with(b"bplist") {
        return property_list::read_with(bytes, MAX_BINARY, &mut |_| true)
            .map_err(|error| format!("it is not a binary property list: {error}"));
    }
    let text = sources::text(bytes);
    let value = match openstep::is_xml(&text) {
        true => openstep::xml_value(&text),
        false => openstep::read(&text).map(|document| from_node(&document.root)),
    };
    value.map_err(|error| format!("it is not a property list: {error}"))
}

/// The value of a node. Its depth is bounded by the reader that made it.
fn from_node(node: &Node<'_>) -> Value {
    match &node.kind {
        Kind::Text(text) => match text.as_ref() {
            "YES" => Value::Boolean(true),
            "NO" => Value::Boolean(false),
            text => text.into(),
        },
        Kind::Data(bytes) => Value::Data(bytes.as_slice().into()),
        Kind::List(nodes) => Value::Array(nodes.iter().map(from_node).collect()),
        Kind::Map(map) => Value::Dictionary(
            map.entries()
                .iter()
                .map(|entry| (entry.key.as_ref().into(), from_node(&entry.value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_read() {
        let expected: Value = serde_json::from_str(r#"{"a":"x","b":true}"#).unwrap();
        let mut binary = Vec::new();
        plist::to_writer_binary(&mut binary, &expected).unwrap();
        for bytes in [
            binary.as_slice(),
            b"<?xml version=\"1.0\"?><plist><dict><key>a</key><string>x</string><key>b</key><true/></dict></plist>",
            b"\xef\xbb\xbf<plist><dict><key>a</key><string>x</string><key>b</key><true/></dict></plist>",
            b"{ a = x; b = YES; }",
        ] {
            assert_eq!(read(bytes), Ok(expected.clone()));
        }
    }

    #[test]
    fn a_binary_list_that_is_too_large_is_refused() {
        let mut bytes = b"bplist00".to_vec();
        bytes.resize(MAX_BINARY + 1, 0);
        let error = read(&bytes).unwrap_err();
        let said = format!("{error:?}");
        assert!(said.contains(&MAX_BINARY.to_string()), "{said}");
    }

    #[test]
    fn damage_is_said_with_its_line() {
        let said = |text: &str| read(text.as_bytes()).unwrap_err();
        assert!(said("{\n a = b\n}").contains("line 3"));
        assert!(said("<plist><dict>\n<<<<<<< HEAD\n").contains("line 2"));
        assert!(said("<plist><dict>").contains("not a property list"));
        assert!(said("bplist00").contains("binary"));
        assert!(said("").contains("line 1"));
        let deep = format!(
            "<plist>{}{}</plist>",
            "<array>".repeat(500),
            "</array>".repeat(500)
        );
        assert!(said(&deep).contains("deeper"));
    }
}
