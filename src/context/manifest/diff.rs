//! What changed between two manifests, said once for each thing that changed.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::archive::PinnedArchive;
use super::content::Content;
use super::entry::{PinnedProfile, PinnedTarget};
use super::product::PinnedProduct;

/// What happened to a profile or a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// In the new one only.
    Added,
    /// In the old one only.
    Removed,
    /// In both, not the same.
    Changed,
}

/// One entry that differs between the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// What happened.
    pub change: ChangeKind,
    /// `profile`, `archive`, `target` or `product`.
    pub what: &'static str,
    /// The profile's UUID; project, target, configuration and platform; the product's name; of the archive `archive`.
    pub id: String,
    /// The profile's name, the bundle id, or the name of the scheme that is archived.
    pub name: String,
    /// The fields that differ, by JSON pointer inside the entry, with both values.
    pub fields: Vec<FieldChange>,
}

/// One field with both values; a value that is absent is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldChange {
    /// JSON pointer inside the entry.
    pub pointer: String,
    /// In the old manifest.
    pub old: Json,
    /// In the new manifest.
    pub new: Json,
}

/// Every change, in the order of the file.
pub fn diff(old: &Content, new: &Content) -> Vec<Change> {
    let profiles = Entries {
        what: "profile",
        key: |profile: &PinnedProfile| profile.uuid.clone(),
        id: |profile: &PinnedProfile| profile.uuid.to_string(),
        name: |profile: &PinnedProfile| profile.name.clone(),
    };
    let targets = Entries {
        what: "target",
        key: |target: &PinnedTarget| {
            (
                target.project.clone(),
                target.target.clone(),
                target.configuration.clone(),
                target.platform,
            )
        },
        id: |target: &PinnedTarget| {
            format!(
                "{} {} {} {}",
                target.project, target.target, target.configuration, target.platform
            )
        },
        name: |target: &PinnedTarget| target.bundle_id.to_string(),
    };
    let archives = Entries {
        what: "archive",
        key: |_: &PinnedArchive| (),
        id: |_: &PinnedArchive| "archive".to_owned(),
        name: |archive: &PinnedArchive| archive.scheme.clone().unwrap_or_default(),
    };
    let products = Entries {
        what: "product",
        key: |product: &PinnedProduct| product.name.clone(),
        id: |product: &PinnedProduct| product.name.to_string(),
        name: |product: &PinnedProduct| product.bundle_id.to_string(),
    };
    let mut changes = profiles.compare(&old.profiles, &new.profiles);
    changes.extend(archives.compare(old.archive.as_slice(), new.archive.as_slice()));
    changes.extend(targets.compare(&old.targets, &new.targets));
    changes.extend(products.compare(&old.products, &new.products));
    changes
}

/// How one kind of entry is matched and named.
struct Entries<T, K> {
    what: &'static str,
    /// What an entry is unique in.
    key: fn(&T) -> K,
    id: fn(&T) -> String,
    name: fn(&T) -> String,
}

impl<T: Serialize + PartialEq, K: Ord> Entries<T, K> {
    fn compare(&self, old: &[T], new: &[T]) -> Vec<Change> {
        let by_key = |entries: &'_ [T]| -> BTreeMap<K, usize> {
            let keyed = entries.iter().enumerate();
            keyed.map(|(at, entry)| ((self.key)(entry), at)).collect()
        };
        let (by_old, by_new) = (by_key(old), by_key(new));
        let keys: BTreeSet<&K> = by_old.keys().chain(by_new.keys()).collect();
        let mut changes = Vec::new();
        for key in keys {
            let before = by_old.get(key).and_then(|at| old.get(*at));
            let after = by_new.get(key).and_then(|at| new.get(*at));
            let (change, entry, fields) = match (before, after) {
                (Some(before), Some(after)) if before == after => continue,
                (Some(before), Some(after)) => (ChangeKind::Changed, after, fields(before, after)),
                (Some(before), None) => (ChangeKind::Removed, before, Vec::new()),
                (None, Some(after)) => (ChangeKind::Added, after, Vec::new()),
                (None, None) => continue,
            };
            changes.push(Change {
                change,
                what: self.what,
                id: (self.id)(entry),
                name: (self.name)(entry),
                fields,
            });
        }
        changes
    }
}

/// The fields in which two entries differ.
pub(super) fn fields<T: Serialize>(old: &T, new: &T) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    let json = |entry: &T| serde_json::to_value(entry).unwrap_or_default();
    compare_json("", &json(old), &json(new), &mut fields);
    fields
}

fn compare_json(pointer: &str, old: &Json, new: &Json, fields: &mut Vec<FieldChange>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Json::Object(old), Json::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                let value = |object: &serde_json::Map<String, Json>| {
                    object.get(key).cloned().unwrap_or_default()
                };
                compare_json(
                    &format!("{pointer}/{escaped}"),
                    &value(old),
                    &value(new),
                    fields,
                );
            }
        }
        (Json::Array(old), Json::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare_json(&format!("{pointer}/{index}"), old, new, fields);
            }
        }
        _ => fields.push(FieldChange {
            pointer: pointer.to_owned(),
            old: old.clone(),
            new: new.clone(),
        }),
    }
}
