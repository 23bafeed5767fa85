//! What an entry says of its profile, as one digest.
//!
//! An entry holds what the profile's file says, and one thing that no file can say: where the profile stands in its
//! rotation. The digest is over the entry as freezing writes it, without that `state`. Freezing writes the same facts in
//! one way only, and a manifest of other bytes is refused, so two equal digests are the same facts in every field, also
//! in the spelling of a UUID.

use std::fmt;

use memchr::memmem;

use super::entry::{PinnedProfile, ProfileState};
use crate::base::digest::{hex, sha256};

/// SHA-256 of what an entry says of its profile.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FactsDigest([u8; 32]);

impl FactsDigest {
    /// The digest of what this entry says of its profile.
    pub fn of(profile: &PinnedProfile) -> Self {
        // Two lists deep, it is indented as in the file.
        let mut text = serde_json::to_vec_pretty(&[[profile]]).unwrap_or_default();
        let facts = find_entry(&text).and_then(|entry| without_state(entry.text, profile.state));
        match facts {
            Some(facts) => Self(sha256(facts)),
            None => {
                // Never: the entry was written just now. Whatever else this is, it equals no digest of a manifest.
                text.extend_from_slice(b"no entry");
                Self(sha256(&text))
            }
        }
    }

    /// Takes a digest that was computed before.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for FactsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The digest of each of `profiles`, which are those of a manifest with these bytes.
pub(super) fn of_frozen(frozen: &[u8], profiles: &[PinnedProfile]) -> Option<Vec<FactsDigest>> {
    // Profiles are the first list of the file, so its first entries are theirs.
    let mut rest = frozen;
    let digest = |profile: &PinnedProfile| {
        let entry = find_entry(rest)?;
        rest = entry.rest;
        Some(FactsDigest(sha256(without_state(
            entry.text,
            profile.state,
        )?)))
    };
    profiles.iter().map(digest).collect()
}

/// The first entry of a list in frozen bytes.
struct Entry<'a> {
    /// From its brace to the end of its last line but one.
    text: &'a [u8],
    /// What stands behind it.
    rest: &'a [u8],
}

fn find_entry(frozen: &[u8]) -> Option<Entry<'_>> {
    const START: &[u8] = b"\n    {\n";
    // Nothing inside of an entry is indented as little, and no text holds a bare line feed.
    const END: &[u8] = b"\n    }";
    let (_, entry) = frozen.split_at_checked(memmem::find(frozen, START)?)?;
    let (text, rest) = entry.split_at_checked(memmem::find(entry, END)?)?;
    Some(Entry {
        text,
        rest: rest.get(END.len()..)?,
    })
}

/// The entry without its last line, in which its state stands.
fn without_state(entry: &[u8], state: ProfileState) -> Option<&[u8]> {
    let line = format!(",\n      \"state\": \"{state}\"");
    entry.strip_suffix(line.as_bytes())
}
