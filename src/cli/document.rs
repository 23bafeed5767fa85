//! The JSON documents as arguments name them: those of the verbs, and those of the command line itself.

use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::{failure, gate, identity, keychain, receipt};
use crate::ops::schema::{self, Document};

/// Every document that countersign writes.
pub fn documents() -> Vec<Document> {
    let ours = [
        Document::of::<gate::GateDocument>("gate", 1),
        Document::of::<identity::IdentitiesDocument>("identities", 1),
        Document::of::<identity::IdentityDigestDocument>("identity-digest", 1),
        Document::of::<receipt::ReceiptDocument>("receipt", 1),
        Document::of::<keychain::KeychainDocument>("keychain", 1),
        Document::of::<keychain::RecoveryDocument>("recovery", 1),
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
        Some(PossibleValue::new(self.0.name))
    }
}

pub use crate::ops::report::{ManifestName, VerdictWord};
