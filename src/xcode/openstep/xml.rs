//! Property lists in XML: read without positions.

use std::borrow::Cow;

use super::conflict::conflict_marker;
use super::document::{Entry, Kind, Map, NOWHERE, Node};
use super::error::{Problem, ReadError};
use crate::apple::property_list;
use crate::apple::value::Value;

/// Whether a text is an XML property list, or is meant to be one.
pub(crate) fn is_xml(text: &str) -> bool {
    let start = text.trim_start();
    ["<?xml", "<!DOCTYPE plist", "<plist"]
        .iter()
        .any(|tag| start.starts_with(tag))
}

/// The value of an XML property list.
pub(crate) fn xml_value(text: &str) -> Result<Value, ReadError> {
    // `plist` gives no positions; a conflict marker is still one, whatever the format.
    let mut offset = 0;
    for (line, number) in text.split_inclusive('\n').zip(1_u64..) {
        if let Some(marker) = conflict_marker(line.as_bytes()) {
            return Err(ReadError {
                line: number,
                offset,
                problem: Problem::ConflictMarker { marker },
            });
        }
        offset += line.len();
    }
    property_list::read_with(text.as_bytes(), MAX_XML, &mut |_| true).map_err(|error| ReadError {
        line: error
            .at
            .line
            .and_then(|line| u64::try_from(line).ok())
            .unwrap_or(1),
        offset: 0,
        problem: Problem::Xml(error.problem.to_string()),
    })
}

/// The largest XML property list that is read: project files in XML are rare and small.
const MAX_XML: usize = 64 * 1024 * 1024;

pub(super) fn from_value(value: Value) -> Node<'static> {
    let text = |text: String| Kind::Text(Cow::Owned(text));
    let kind = match value {
        Value::Boolean(value) => text(if value { "YES" } else { "NO" }.to_owned()),
        Value::Integer(value) => text(value.to_string()),
        Value::String(value) => text(value.into_string()),
        Value::Data(bytes) => Kind::Data(bytes.into_vec()),
        Value::Array(values) => Kind::List(values.into_iter().map(from_value).collect()),
        Value::Dictionary(values) => {
            let entry = |(key, value): (Box<str>, Value)| Entry {
                at: NOWHERE,
                key: Cow::Owned(key.into_string()),
                value: from_value(value),
            };
            Kind::Map(Map::new(values.into_iter().map(entry).collect()))
        }
    };
    Node { at: NOWHERE, kind }
}
