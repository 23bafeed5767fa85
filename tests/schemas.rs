//! The committed JSON Schemas are those of the types, and what the program prints keeps to them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do; UPDATE_SCHEMAS is read here"
)]

#[path = "forge/forge.rs"]
mod forge;
#[path = "support/workshop.rs"]
mod workshop;

use std::fs;
use std::path::{Path, PathBuf};

use countersign::cli::gate::GateDocument;
use countersign::cli::profile::ProfilesDocument;
use countersign::context::envelope::Statement;
use countersign::context::manifest;
use forge::flaw::{Flaw, Layer};
use serde_json::Value as Json;
use workshop::{Workshop, stock};

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/schema")
        .join(format!("{name}.v1.json"))
}

fn of_types(name: &str) -> Json {
    match name {
        "manifest" => manifest::json_schema(),
        "profiles" => schemars::schema_for!(ProfilesDocument).to_value(),
        "gate" => schemars::schema_for!(GateDocument).to_value(),
        "envelope" => schemars::schema_for!(Statement).to_value(),
        other => panic!("no schema {other}"),
    }
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for name in ["manifest", "profiles", "gate", "envelope"] {
        let text = serde_json::to_string_pretty(&of_types(name)).unwrap() + "\n";
        let path = committed(name);
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let reviewed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            text == reviewed,
            "docs/schema/{name}.v1.json is not that of the types: if the change is compatible, run with UPDATE_SCHEMAS=1 \
             and review; if not, it is v2"
        );
    }
}

#[test]
fn the_program_prints_the_committed_schema() {
    let printed = Workshop::new().run(&["manifest", "schema"]).exits(0).out;
    assert_eq!(printed, fs::read_to_string(committed("manifest")).unwrap());
}

#[test]
fn what_is_written_and_printed_keeps_to_the_schemas() {
    let workshop = Workshop::frozen();
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    holds("manifest", &manifest);
    let forged = stock()[0]
        .clone()
        .named("Forged")
        .with(Flaw::Forged(Layer::Outer));
    workshop.write("profiles/forged.mobileprovision", forged.mint());
    workshop.write("profiles/rubbish.mobileprovision", "rubbish");
    holds(
        "profiles",
        &workshop
            .run(&["profile", "list", "--format", "json"])
            .exits(0)
            .json(),
    );
    holds(
        "gate",
        &workshop.gate(&["--format", "json"]).exits(10).json(),
    );
    fs::remove_file(workshop.path("profiles/forged.mobileprovision")).unwrap();
    holds(
        "gate",
        &workshop
            .gate(&["--format", "json", "--envelope", "envelope.json"])
            .exits(0)
            .json(),
    );
    holds(
        "envelope",
        &serde_json::from_slice(&workshop.read("envelope.json")).unwrap(),
    );
    workshop.write("manifests/signing.toml", "version = 1\ntypo = 1\n");
    holds(
        "gate",
        &workshop.gate(&["--format", "json"]).exits(10).json(),
    );
}

#[test]
fn the_check_itself_finds_what_does_not_hold() {
    let workshop = Workshop::frozen();
    let manifest: Json = serde_json::from_slice(&workshop.read("manifests/profiles.json")).unwrap();
    let schema = of_types("manifest");
    for (pointer, value) in [
        ("/revision", serde_json::json!("1")),
        ("/profiles/0/kind", serde_json::json!("appstore")),
        ("/profiles/0/certificates", serde_json::json!({})),
    ] {
        let mut broken = manifest.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        assert!(fault(&schema, &schema, &broken, "").is_some(), "{pointer}");
    }
    let mut broken = manifest.clone();
    broken.as_object_mut().unwrap().remove("revision");
    assert!(fault(&schema, &schema, &broken, "").is_some());
    let mut broken = manifest;
    broken["profiles"][0]["note"] = "hello".into();
    assert!(fault(&schema, &schema, &broken, "").is_some());
}

#[track_caller]
fn holds(name: &str, document: &Json) {
    let schema: Json = serde_json::from_str(&fs::read_to_string(committed(name)).unwrap()).unwrap();
    if let Some(fault) = fault(&schema, &schema, document, "") {
        panic!("{name}: {fault}\n{document:#}");
    }
    // A key that no schema knows is a promise that nobody reviewed.
    if let Some(key) = unknown_key(&schema, &schema, document, "") {
        panic!("{name}: {key} is not in the schema");
    }
}

/// What a value breaks of as much of JSON Schema as our types give rise to.
fn fault(root: &Json, schema: &Json, value: &Json, at: &str) -> Option<String> {
    if schema == &Json::Bool(true) {
        return None;
    }
    if let Some(target) = resolved(root, schema) {
        return fault(root, target, value, at);
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(list) = schema.get(alternatives).and_then(Json::as_array) {
            let fits = list
                .iter()
                .any(|schema| fault(root, schema, value, at).is_none());
            return (!fits).then(|| format!("{at}: fits none of {alternatives}"));
        }
    }
    if let Some(words) = schema.get("enum").and_then(Json::as_array)
        && !words.contains(value)
    {
        return Some(format!("{at}: {value} is none of {words:?}"));
    }
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        return Some(format!("{at}: {value} is not {constant}"));
    }
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    };
    let type_fits = match schema.get("type") {
        None => true,
        Some(Json::String(name)) => is(name),
        Some(names) => names
            .as_array()
            .unwrap()
            .iter()
            .any(|name| is(name.as_str().unwrap())),
    };
    if !type_fits {
        return Some(format!("{at}: {value} is not of type {}", schema["type"]));
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        let mut values = values.iter().enumerate();
        return values
            .find_map(|(index, value)| fault(root, items, value, &format!("{at}/{index}")));
    }
    let object = value.as_object()?;
    for key in schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        if !object.contains_key(key.as_str().unwrap()) {
            return Some(format!("{at}: {key} is missing"));
        }
    }
    object.iter().find_map(|(key, value)| {
        let at = format!("{at}/{key}");
        match (
            schema
                .get("properties")
                .and_then(|properties| properties.get(key)),
            schema.get("additionalProperties"),
        ) {
            (Some(property), _) => fault(root, property, value, &at),
            (None, Some(Json::Bool(false))) => Some(format!("{at}: unknown")),
            (None, Some(others)) => fault(root, others, value, &at),
            (None, None) => None,
        }
    })
}

/// The first key that an object schema does not list.
fn unknown_key(root: &Json, schema: &Json, value: &Json, at: &str) -> Option<String> {
    if let Some(target) = resolved(root, schema) {
        return unknown_key(root, target, value, at);
    }
    if let Some(list) = schema.get("anyOf").and_then(Json::as_array) {
        let fitting = list
            .iter()
            .find(|schema| fault(root, schema, value, at).is_none())?;
        return unknown_key(root, fitting, value, at);
    }
    match value {
        Json::Array(values) => values
            .iter()
            .find_map(|value| unknown_key(root, schema.get("items")?, value, at)),
        Json::Object(object) => {
            let properties = schema.get("properties")?;
            object.iter().find_map(|(key, value)| {
                let at = format!("{at}/{key}");
                match properties.get(key) {
                    Some(property) => unknown_key(root, property, value, &at),
                    None => Some(at),
                }
            })
        }
        _ => None,
    }
}

fn resolved<'s>(root: &'s Json, schema: &Json) -> Option<&'s Json> {
    let reference = schema.get("$ref")?.as_str()?;
    Some(root.pointer(reference.strip_prefix('#').unwrap()).unwrap())
}
