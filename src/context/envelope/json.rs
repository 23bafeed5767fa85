//! JSON without two meanings: a name that stands twice in an object is an error, wherever it stands.
//!
//! Readers disagree about which of two values counts. Somebody who gets one through a reader that takes the first and one
//! that takes the last has two statements under one signature.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Any JSON value, without repeated names.
pub(super) struct Unambiguous(pub(super) Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a number"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unambiguous(value))) = fields.next_entry::<String, _>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the field {name:?} stands twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// The paths (JSON pointers, RFC 6901) of fields that stand in `found` and not in `known`, and of values that differ.
pub(super) fn compare(found: &Value, known: &Value) -> (Vec<String>, Vec<String>) {
    let (mut unknown, mut different) = (Vec::new(), Vec::new());
    walk(found, known, "", &mut unknown, &mut different);
    (unknown, different)
}

fn walk(
    found: &Value,
    known: &Value,
    at: &str,
    unknown: &mut Vec<String>,
    different: &mut Vec<String>,
) {
    match (found, known) {
        (Value::Object(found), Value::Object(known)) => {
            for (name, value) in found {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                match known.get(name) {
                    Some(known) => walk(value, known, &at, unknown, different),
                    None => unknown.push(at),
                }
            }
            let missing = known.keys().filter(|name| !found.contains_key(*name));
            different.extend(missing.map(|name| format!("{at}/{name}")));
        }
        (Value::Array(found), Value::Array(known)) if found.len() == known.len() => {
            for (index, (found, known)) in found.iter().zip(known).enumerate() {
                walk(found, known, &format!("{at}/{index}"), unknown, different);
            }
        }
        (found, known) if found == known => {}
        _ => different.push(at.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth() {
        let read = |text: &str| serde_json::from_str::<Unambiguous>(text).map(|read| read.0);
        let text = r#"{"a":[1,-2,0.5,null,true,{"b":"c"}]}"#;
        assert_eq!(read(text).unwrap().to_string(), text);
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"b":{"a":1,"c":2,"a":3}}]"#,
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(r#""a" stands twice"#), "{error}");
        }
        assert!(read("{} {}").is_err());
    }

    #[test]
    fn differences_are_told_by_their_path() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let known = value(r#"{"a":{"b":[1,{"c":2}]},"d":3}"#);
        let none: (Vec<String>, Vec<String>) = Default::default();
        assert_eq!(compare(&known, &known), none);
        let found = value(r#"{"a":{"b":[1,{"c":4,"x/y":0}]},"e":3}"#);
        let (unknown, different) = compare(&found, &known);
        assert_eq!(unknown, ["/a/b/1/x~1y", "/e"]);
        assert_eq!(different, ["/a/b/1/c", "/d"]);
    }
}
