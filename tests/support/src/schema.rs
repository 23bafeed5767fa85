//! Holds documents to their committed JSON Schemas.

use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;

/// The committed schema of the document of this name and version, as in `gate.v1`.
pub fn committed(name_and_version: &str) -> PathBuf {
    crate::root()
        .join("docs/schema")
        .join(format!("{name_and_version}.json"))
}

/// What a document breaks of the committed schema; a field that the schema does not know breaks it too, because it is a
/// promise that nobody reviewed. `name` has its version, as in `gate.v1`.
pub fn faults(name: &str, document: &Json) -> Vec<String> {
    let path = committed(name);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut schema: Json = serde_json::from_str(&text).unwrap();
    close(&mut schema);
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Panics unless the document keeps to the committed schema.
#[track_caller]
pub fn holds(name: &str, document: &Json) {
    let faults = faults(name, document);
    assert!(faults.is_empty(), "{name}: {faults:#?}\n{document:#}");
}

/// The same for whatever says in its `schema` field that it is a document of ours.
#[track_caller]
pub fn holds_if_ours(document: &Json) {
    let name = document.get("schema").and_then(Json::as_str);
    let name = name.and_then(|name| name.strip_prefix("countersign."));
    if let Some(name) = name {
        holds(name, document);
    }
}

/// Readers pass over fields that they do not know; a test does not.
fn close(schema: &mut Json) {
    match schema {
        Json::Array(schemas) => schemas.iter_mut().for_each(close),
        Json::Object(object) => {
            object.values_mut().for_each(close);
            if object.get("properties").is_some_and(Json::is_object) {
                object
                    .entry("additionalProperties")
                    .or_insert(Json::Bool(false));
            }
        }
        _ => {}
    }
}
