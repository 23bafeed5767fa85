//! The JSON documents as arguments name them: those of the verbs, and those of the command line itself.

use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::failure;
use crate::ops::schema::{self, Document};

/// Every document that countersign writes.
pub fn documents() -> Vec<Document> {
    let ours = [
        // It holds the exit code, which only the command line knows.
        Document::of::<failure::ErrorDocument<'_>>("error", 2),
    ];
    schema::DOCUMENTS.iter().copied().chain(ours).collect()
}

/// A document, by its name.
#[derive(Debug, Clone, Copy)]
pub struct NamedDocument(pub Document);

impl ValueEnum for NamedDocument {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<NamedDocument>> =
            LazyLock::new(|| documents().into_iter().map(NamedDocument).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.argument))
    }
}
