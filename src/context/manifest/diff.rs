//! What changed between two manifests, said once for each thing that changed.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::{Content, PinnedProfile, PinnedTarget};
use crate::base::ids::ProfileUuid;

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

/// One profile or target that is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// What happened.
    pub change: ChangeKind,
    /// `profile` or `target`.
    pub what: &'static str,
    /// The profile's UUID, or project, target, configuration and platform.
    pub id: String,
    /// The profile's name or the target's bundle id.
    pub name: String,
    /// The fields that differ, by JSON pointer inside the entry, with both values.
    pub fields: Vec<FieldChange>,
}

/// One field with both its values; an absent one is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldChange {
    /// JSON pointer inside the entry.
    pub pointer: String,
    /// In the old manifest.
    pub old: Json,
    /// In the new manifest.
    pub new: Json,
}

/// Every change, profiles first, each in the order of the file.
pub fn diff(old: &Content, new: &Content) -> Vec<Change> {
    let by_uuid = |content: &Content| -> BTreeMap<ProfileUuid, PinnedProfile> {
        content
            .profiles
            .iter()
            .map(|profile| (profile.uuid.clone(), profile.clone()))
            .collect()
    };
    let by_key = |content: &Content| -> BTreeMap<String, PinnedTarget> {
        content
            .targets
            .iter()
            .map(|target| {
                let id = format!(
                    "{} {} {} {}",
                    target.project, target.target, target.configuration, target.platform
                );
                (id, target.clone())
            })
            .collect()
    };
    let mut changes = compare("profile", &by_uuid(old), &by_uuid(new), |profile| {
        profile.name.clone()
    });
    changes.extend(compare("target", &by_key(old), &by_key(new), |target| {
        target.bundle_id.to_string()
    }));
    changes
}

fn compare<K: Ord + ToString, T: Serialize + PartialEq>(
    what: &'static str,
    old: &BTreeMap<K, T>,
    new: &BTreeMap<K, T>,
    name: impl Fn(&T) -> String,
) -> Vec<Change> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    let mut changes = Vec::new();
    for key in keys {
        let (change, entry, fields) = match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) => {
                let mut fields = Vec::new();
                let json = |entry: &T| serde_json::to_value(entry).unwrap_or_default();
                compare_json("", &json(old), &json(new), &mut fields);
                (ChangeKind::Changed, new, fields)
            }
            (Some(old), None) => (ChangeKind::Removed, old, Vec::new()),
            (None, Some(new)) => (ChangeKind::Added, new, Vec::new()),
            (None, None) => continue,
        };
        changes.push(Change {
            change,
            what,
            id: key.to_string(),
            name: name(entry),
            fields,
        });
    }
    changes
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
        _ => fields.push(FieldChange {
            pointer: pointer.to_owned(),
            old: old.clone(),
            new: new.clone(),
        }),
    }
}
