//! What an entry says of its profile, as one digest.
//!
//! An entry holds what the profile's file says, and one thing that no file can say: where the profile stands in its
//! rotation. The digest is over the entry as JSON, without that `state`. The same facts are written in one way only, so two
//! equal digests are the same facts in every field, also in the spelling of a UUID.

use std::fmt;

use super::entry::PinnedProfile;
use crate::base::digest::{hex, sha256};

/// SHA-256 of what an entry says of its profile.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FactsDigest([u8; 32]);

impl FactsDigest {
    /// The digest of what this entry says of its profile.
    pub fn of(profile: &PinnedProfile) -> Self {
        let mut text = serde_json::to_vec(profile).unwrap_or_default();
        let state = format!(",\"state\":\"{}\"}}", profile.state);
        if text.ends_with(state.as_bytes()) {
            text.truncate(text.len() - state.len());
        } else {
            // Never: the state is written last. Whatever else this is, it equals no digest of an entry.
            text.extend_from_slice(b"no state");
        }
        Self(sha256(&text))
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
