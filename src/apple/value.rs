//! The values that entitlements and inner profile layers are made of, whichever encoding they came in.
//!
//! Both the XML plist and Apple's DER encoding hold booleans, integers, strings, data, arrays and dictionaries, and
//! nothing else occurs in entitlements; one type for both is what makes "the layers agree" a plain comparison.
//! Dictionaries are sorted by key, so that writing one is deterministic.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::digest::{bytes_of_hex, hex};

/// How deep values may nest before they are refused: real entitlements reach four.
pub const MAX_DEPTH: usize = 32;

/// The JSON key that marks data: `{"$data": "<hex>"}`. Strings and data must not become the same thing in a manifest.
pub(crate) const DATA_KEY: &str = "$data";

/// A property-list value as entitlements use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `<true/>`, `<false/>`; DER BOOLEAN.
    Boolean(bool),
    /// `<integer>`; DER INTEGER.
    Integer(i64),
    /// `<string>` (and `<date>`, which entitlements never hold, as its RFC 3339 text); DER UTF8String.
    String(Box<str>),
    /// `<data>`; DER OCTET STRING.
    Data(Box<[u8]>),
    /// `<array>`; DER SEQUENCE.
    Array(Vec<Value>),
    /// `<dict>`; DER SET or `[16]` of key-value pairs.
    Dictionary(BTreeMap<Box<str>, Value>),
}

impl Value {
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

/// Short text for messages: JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::String(text) => serializer.serialize_str(text),
            Self::Data(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(DATA_KEY, &hex(bytes))?;
                map.end()
            }
            Self::Array(values) => values.serialize(serializer),
            Self::Dictionary(values) => values.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    /// From JSON: a key that stands twice is an error.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        JsonSeed { depth: MAX_DEPTH }.deserialize(deserializer)
    }
}

/// Reads a value within a depth.
struct JsonSeed {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for JsonSeed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl JsonSeed {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")))?;
        Ok(Self { depth })
    }
}

impl<'de> Visitor<'de> for JsonSeed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean, integer, string, array or dictionary")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::Integer)
            .map_err(|_| E::custom("an integer beyond 64 signed bits"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self.inner()?)? {
            values.push(value);
        }
        values.shrink_to_fit();
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values: BTreeMap<Box<str>, Value> = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.inner()?)?;
            if values.contains_key(key.as_str()) {
                return Err(A::Error::custom(format_args!("duplicate key {key:?}")));
            }
            values.insert(key.into_boxed_str(), value);
        }
        if values.len() == 1
            && let Some(Value::String(hex)) = values.get(DATA_KEY)
        {
            return bytes_of_hex(hex)
                .map(|bytes| Value::Data(bytes.into()))
                .ok_or_else(|| {
                    A::Error::custom(format_args!("{DATA_KEY} holds hex digits, two a byte"))
                });
        }
        Ok(Value::Dictionary(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_round_trips_and_keeps_data_apart_from_strings() {
        let json = r#"{"a":[true,-3,"x"],"d":{"$data":"00ff"},"n":{}}"#;
        let value: Value = serde_json::from_str(json).unwrap();
        let Value::Dictionary(map) = &value else {
            panic!()
        };
        assert_eq!(map["d"], Value::Data([0, 0xff].into()));
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
    }

    #[test]
    fn a_duplicate_key_in_json_is_refused() {
        let error = serde_json::from_str::<Value>(r#"{"a":1,"a":1}"#).unwrap_err();
        assert!(error.to_string().contains("duplicate key \"a\""), "{error}");
    }

    #[test]
    fn bottomless_nesting_is_refused() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let error = serde_json::from_str::<Value>(&deep).unwrap_err();
        assert!(error.to_string().contains("deeper than 32"), "{error}");
    }

    #[test]
    fn a_real_number_is_refused() {
        assert!(serde_json::from_str::<Value>("1.5").is_err());
    }
}
