//! Whether a manifest says what the profiles say that it pins.

use std::collections::HashMap;
use std::path::Path;

use super::Manifest;
use super::content::Content;
use super::diff::diff;
use super::entry::PinnedProfile;
use crate::base::finding::{Code, Finding};
use crate::base::ids::ProfileUuid;
use crate::base::remedy::Remedy;

/// That the bytes of the manifest at `path` are not what freezing writes, if so.
pub fn canonical(manifest: &Manifest, bytes: &[u8], path: &Path) -> Option<Finding> {
    (!manifest.is_canonical(bytes)).then(|| {
        Finding::block(
            Code::ManifestNotCanonical,
            "the manifest's bytes are not the frozen form",
        )
        .in_file(path)
        .hint("freeze the manifest again; do not edit it by hand")
        .remedy(Remedy::FreezeManifest)
    })
}

/// A finding for each pinned profile that is not among `profiles`, or is there with other content.
pub fn against(manifest: &Manifest, profiles: &[PinnedProfile]) -> Vec<Finding> {
    let mut by_uuid: HashMap<&ProfileUuid, Vec<&PinnedProfile>> = HashMap::new();
    for profile in profiles {
        by_uuid.entry(&profile.uuid).or_default().push(profile);
    }
    let mut findings = Vec::new();
    for (index, pinned) in manifest.profiles().iter().enumerate() {
        let found = by_uuid.get(&pinned.uuid).map_or(&[][..], Vec::as_slice);
        if let Some(finding) = difference(pinned, found) {
            findings.push(
                finding
                    .of_profile(&pinned.uuid)
                    .at_pointer(format!("/profiles/{index}")),
            );
        }
    }
    findings
}

/// How the files with a pinned profile's UUID differ from it, if none of them is the pinned one.
fn difference(pinned: &PinnedProfile, found: &[&PinnedProfile]) -> Option<Finding> {
    let title = pinned.title();
    let other = match found {
        [] => {
            let missing = Finding::block(
                Code::ProfileMissing,
                format!("profile {title} is not among these files"),
            );
            return Some(
                missing
                    .expected(&pinned.filename)
                    .hint("name the file or its directory"),
            );
        }
        some if some.contains(&pinned) => return None,
        [other, ..] => *other,
    };
    if other.sha256 != pinned.sha256 {
        let differs = Finding::block(
            Code::ProfileBytesDiffer,
            format!("profile {title} is not the pinned one"),
        );
        return Some(
            differs
                .values(
                    format!("sha256:{}", pinned.sha256),
                    format!("sha256:{}", other.sha256),
                )
                .hint("install the pinned file again, or review the new one and freeze the manifest again")
                .remedy(Remedy::InstallProfile),
        );
    }
    let only = |profile: &PinnedProfile| Content {
        schema: String::new(),
        revision: 0,
        profiles: vec![profile.clone()],
        targets: Vec::new(),
    };
    let fields: Vec<String> = diff(&only(pinned), &only(other))
        .into_iter()
        .flat_map(|change| change.fields)
        .map(|field| field.pointer)
        .collect();
    let edited = Finding::block(
        Code::ManifestNotCanonical,
        format!("the manifest's entry for {title} differs from the profile"),
    );
    Some(
        edited
            .found(fields.join(", "))
            .hint("freeze the manifest again, because somebody edited it")
            .remedy(Remedy::FreezeManifest),
    )
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
