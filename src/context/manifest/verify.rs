//! Whether a manifest says what the profiles say that it pins.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value as Json;

use super::Manifest;
use super::diff::{self, FieldChange};
use super::entry::PinnedProfile;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{FileSha256, ProfileUuid};
use crate::base::remedy::Remedy;
use crate::xcode::shortened::shortened;

/// A finding for each pinned profile that is not among `profiles`, or is there with other content.
pub fn against(manifest: &Manifest, profiles: &[PinnedProfile]) -> Vec<Finding> {
    let mut by_bytes: HashMap<&FileSha256, &PinnedProfile> = HashMap::new();
    let mut by_uuid: HashMap<&ProfileUuid, &PinnedProfile> = HashMap::new();
    for profile in profiles {
        by_bytes.entry(&profile.sha256).or_insert(profile);
        by_uuid.entry(&profile.uuid).or_insert(profile);
    }
    let mut findings = Vec::new();
    for (index, pinned) in manifest.profiles().iter().enumerate() {
        let finding = match by_bytes.get(&pinned.sha256) {
            Some(file) => entry_differs(pinned, index, file),
            None => {
                let finding = not_there(pinned, by_uuid.get(&pinned.uuid).copied());
                Some(
                    finding
                        .of_profile(&pinned.uuid)
                        .at_pointer(format!("/profiles/{index}")),
                )
            }
        };
        findings.extend(finding);
    }
    findings
}

/// That no file has the pinned bytes; `other` has the pinned UUID.
fn not_there(pinned: &PinnedProfile, other: Option<&PinnedProfile>) -> Finding {
    let title = pinned.title();
    let Some(other) = other else {
        let missing = Finding::block(
            Code::ProfileMissing,
            format!("profile {title} is not among these files"),
        );
        return missing
            .expected(&pinned.filename)
            .hint("name the file or its directory");
    };
    let differs = Finding::block(
        Code::ProfileBytesDiffer,
        format!("profile {title} is not the pinned one"),
    );
    differs
        .values(
            format!("sha256:{}", pinned.sha256),
            format!("sha256:{}", other.sha256),
        )
        .hint("install the pinned file again, or review the new one and freeze the manifest again")
        .remedy(Remedy::InstallProfile)
}

/// How many fields a finding names.
const FIELDS: usize = 4;
/// How much of a value a finding shows, in bytes.
const VALUE: usize = 120;

/// That the manifest's entry for a profile says something else than the profile's file, whose bytes it pins, if so.
/// `file` is what freezing would write for the file; the state, of which no file says anything, does not count. The
/// finding points at the first of these fields; `index` is where the entry stands among the manifest's profiles.
pub fn entry_differs(entry: &PinnedProfile, index: usize, file: &PinnedProfile) -> Option<Finding> {
    let mut fields = diff::fields(file, entry);
    fields.retain(|field| field.pointer != "/state");
    let first = fields.first()?;
    let more = match fields.len().saturating_sub(FIELDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let joined = |show: &dyn Fn(&FieldChange) -> String| {
        let shown: Vec<String> = fields.iter().take(FIELDS).map(show).collect();
        format!("{}{more}", shown.join(", "))
    };
    let values = |value: fn(&FieldChange) -> &Json| match fields.as_slice() {
        [only] => shown(value(only)),
        _ => joined(&|field| format!("{} {}", name(field), shown(value(field)))),
    };
    let message = format!(
        "the manifest's entry for {} does not say what the file says: {}",
        file.title(),
        joined(&|field| name(field).to_owned())
    );
    let finding = Finding::block(Code::ManifestEntryDiffers, message)
        .values(
            format!("in the file: {}", values(|field| &field.old)),
            format!("in the manifest: {}", values(|field| &field.new)),
        )
        .at_pointer(format!("/profiles/{index}{}", first.pointer))
        .of_profile(&file.uuid)
        .hint("do not sign with this manifest: find out who edited it, and freeze it again")
        .remedy(Remedy::FreezeManifest);
    Some(finding)
}

/// A field as people call it.
fn name(field: &FieldChange) -> &str {
    field.pointer.trim_start_matches('/')
}

/// A value as it is shown: texts without quotes, and no more of it than fits a message.
fn shown(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    shortened(&text, VALUE).to_owned()
}

/// That the content changed from `old` to `new`, which lies at `path`, and its revision did not rise, if so.
pub fn succession(old: &Manifest, new: &Manifest, path: &Path) -> Option<Finding> {
    (new.revision() <= old.revision()).then(|| {
        Finding::block(
            Code::ManifestStaleRevision,
            "the content changed but the revision did not rise",
        )
        .values(
            format!("revision {} or later", old.revision().saturating_add(1)),
            format!("revision {}", new.revision()),
        )
        .in_file(path)
        .at_pointer("/revision")
        .hint("freeze over the earlier manifest")
        .remedy(Remedy::FreezeManifest)
    })
}
