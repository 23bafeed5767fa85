//! The request to the gate.

use std::collections::BTreeSet;

use crate::base::digest::Digest;
use crate::base::finding::Group;
use crate::base::ids::RegionName;
use crate::host::files::Input;
use crate::host::secret_source::SecretSource;
use crate::ops::identity::source::IdentityFile;
use crate::ops::target_selection::TargetSelection;

/// What is judged, beyond the policy and the manifest.
#[derive(Debug, Clone)]
pub struct Question {
    /// The digest that the manifest must have.
    pub expect_manifest: Option<Digest>,
    /// The lowest revision that the manifest may have.
    pub minimum_revision: Option<u64>,
    /// The digest that the signing identities must have, canonical or compatible.
    pub expect_signing: Option<Digest>,
    /// The region that the job belongs to.
    pub region: Option<RegionName>,
    /// What `find-identity` printed, or a p12.
    pub identities: Option<Input>,
    /// Where the password of a p12 comes from.
    pub identities_password: SecretSource,
    /// The Xcode projects whose targets are judged, and which of them; none are judged without a project.
    pub targets: TargetSelection,
    /// The groups that somebody waives by name.
    pub waived: BTreeSet<Group>,
    /// Every pinned profile is proven afresh, whatever earlier gates have proven.
    pub prove: bool,
}

impl Question {
    /// The file of identities, if one is named.
    pub(super) fn identity_file(&self) -> Option<IdentityFile> {
        let input = self.identities.clone()?;
        Some(IdentityFile {
            input,
            password: self.identities_password.clone(),
        })
    }
}
