//! Entitlements and launch constraints in the blobs of a signature.

use plist::{Dictionary, Value};

use super::code_signature::blob;
use super::profile::inner_value;
use super::xml;

/// Both forms of the same entitlements, unless told otherwise.
#[derive(Clone, Debug, Default)]
pub struct Entitlements {
    /// The contents of the XML blob; none leaves it out.
    pub xml: Option<Vec<u8>>,
    /// The contents of the DER blob; none leaves it out.
    pub der: Option<Vec<u8>>,
}

impl Entitlements {
    /// Both forms of those.
    pub fn new(values: &Dictionary) -> Self {
        Self {
            xml: Some(document(values)),
            der: Some(encoded(values)),
        }
    }

    /// The blob for slot 5: magic `fade7171`.
    pub fn xml_blob(&self) -> Option<Vec<u8>> {
        self.xml.as_ref().map(|xml| blob(0xfade_7171, xml))
    }

    /// The blob for slot 7: magic `fade7172`.
    pub fn der_blob(&self) -> Option<Vec<u8>> {
        self.der.as_ref().map(|der| blob(0xfade_7172, der))
    }
}

/// A property list of the dictionary, in its order.
pub fn document(values: &Dictionary) -> Vec<u8> {
    let entries: Vec<xml::Entry> = values
        .iter()
        .map(|(key, value)| (key.clone(), xml::value(value, 1)))
        .collect();
    xml::document(&entries).into_bytes()
}

/// The DER that the system reads: `[APPLICATION 16]` of version 1 and a dictionary sorted by its keys, as in profiles.
pub fn encoded(values: &Dictionary) -> Vec<u8> {
    inner_value("Entitlements", &Value::Dictionary(values.clone()))
}

/// A launch constraint's blob (magic `fade8181`): the encoding of entitlements around category, kind and requirements.
pub fn constraint(requirements: Dictionary) -> Vec<u8> {
    let mut values = Dictionary::new();
    values.insert("ccat".to_owned(), 0.into());
    values.insert("comp".to_owned(), 1.into());
    values.insert("reqs".to_owned(), Value::Dictionary(requirements));
    values.insert("vers".to_owned(), 1.into());
    blob(0xfade_8181, &encoded(&values))
}
