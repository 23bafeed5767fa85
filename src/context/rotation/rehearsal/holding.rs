//! What a machine holds.

use std::collections::BTreeSet;

use crate::base::ids::{CertSha1, FileSha256};

/// What a machine holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Holding {
    /// SHA-256 of its installed profiles, sorted, as far as somebody here knows what they say.
    pub(super) files: Vec<FileSha256>,
    /// SHA-1 of the certificates that it has keys for; `None`: nobody knows.
    pub(super) identities: Option<BTreeSet<CertSha1>>,
}

impl Holding {
    /// Whether a file with these bytes is installed.
    pub(super) fn has(&self, sha256: &FileSha256) -> bool {
        self.files.binary_search(sha256).is_ok()
    }

    /// The same with more files and without others.
    pub(super) fn changed<'f>(
        &self,
        come: impl IntoIterator<Item = &'f FileSha256>,
        go: &BTreeSet<FileSha256>,
    ) -> Self {
        let mut files: BTreeSet<FileSha256> = self.files.iter().copied().collect();
        files.extend(come);
        let files = files.difference(go).copied();
        Self {
            files: files.collect(),
            identities: self.identities.clone(),
        }
    }
}
