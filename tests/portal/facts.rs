//! What Apple's OpenAPI document says of the resources that are used.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use serde_json::{Value as Json, json};

static FACTS: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("openapi.json")).unwrap());

/// What a document breaks of the schema of this name.
pub(crate) fn faults(schema: &str, document: &Json) -> Vec<String> {
    static KNOWN: LazyLock<Mutex<HashMap<String, jsonschema::Validator>>> =
        LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap();
    let validator = known.entry(schema.to_owned()).or_insert_with(|| {
        assert!(
            FACTS["components"]["schemas"][schema].is_object(),
            "{schema} is a schema"
        );
        let root = json!({
            "$ref": format!("#/components/schemas/{schema}"),
            "components": closed(FACTS["components"].clone()),
        });
        let options = jsonschema::options().should_validate_formats(true);
        options.build(&root).unwrap()
    });
    let errors = validator.iter_errors(document);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// A field that the document does not know is a slip of ours.
fn closed(mut schema: Json) -> Json {
    match &mut schema {
        Json::Array(parts) => parts.iter_mut().for_each(|it| *it = closed(it.take())),
        Json::Object(object) => {
            object.values_mut().for_each(|it| *it = closed(it.take()));
            if object.get("properties").is_some_and(Json::is_object)
                && !object.contains_key("additionalProperties")
            {
                object.insert("additionalProperties".to_owned(), Json::Bool(false));
            }
        }
        _ => {}
    }
    schema
}

/// What a query breaks of what the path takes.
pub(crate) fn query_faults(path: &str, query: &[(String, String)]) -> Vec<String> {
    let known = &FACTS["parameters"][path];
    if !known.is_object() {
        return vec![format!("{path} is not known")];
    }
    let mut faults = Vec::new();
    for (name, value) in query {
        match &known[name] {
            // Apple's own.
            _ if name == "cursor" => {}
            Json::String(kind) if kind == "number" => {
                let most = FACTS["maximum"][name].as_u64().unwrap();
                if !value
                    .parse()
                    .is_ok_and(|number: u64| (1..=most).contains(&number))
                {
                    faults.push(format!("{name}={value} is not from 1 to {most}"));
                }
            }
            Json::String(_) => {}
            Json::Array(words) => {
                let unknown = value
                    .split(',')
                    .filter(|word| !words.iter().any(|it| it == word));
                faults.extend(unknown.map(|word| format!("{name} does not take {word}")));
            }
            _ => faults.push(format!("{path} does not take {name}")),
        }
    }
    faults
}

#[test]
fn the_schemas_refuse_what_is_not_apples() {
    let good =
        json!({ "data": { "type": "devices", "id": "D", "attributes": { "status": "ENABLED" } } });
    let bad =
        json!({ "data": { "type": "devices", "id": "D", "attributes": { "status": "GONE" } } });
    let page = |data: &Json| json!({ "data": [data["data"]], "links": { "self": "x" } });
    assert_eq!(
        faults("DevicesResponse", &page(&good)),
        Vec::<String>::new()
    );
    assert!(!faults("DevicesResponse", &page(&bad)).is_empty());
    let query = |name: &str, value: &str| [(name.to_owned(), value.to_owned())];
    assert!(query_faults("/v1/profiles", &query("limit", "200")).is_empty());
    assert!(!query_faults("/v1/profiles", &query("limit", "201")).is_empty());
    assert!(!query_faults("/v1/profiles", &query("fields[profiles]", "uuid,secret")).is_empty());
    assert!(!query_faults("/v1/profiles", &query("page", "2")).is_empty());
}
