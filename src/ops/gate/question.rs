//! The request to the gate.

use std::collections::BTreeSet;

use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::finding::Group;
use crate::base::ids::RegionName;
use crate::host::files::Input;
use crate::host::secret_source::SecretSource;
use crate::ops::error::Error;
use crate::ops::identity::source::IdentityFile;
use crate::ops::target_selection::TargetSelection;
use crate::ops::world::World;

/// What is judged, beyond the policy and the manifest.
#[derive(Debug, Clone)]
pub struct Question {
    /// The digest that the policy must have.
    pub expect_policy: Option<Digest>,
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
    /// Whether what is asked contradicts itself: what is named or expected is not also waived, and what is handed on is judged
    /// by a policy.
    ///
    /// # Errors
    /// It does.
    pub(in crate::ops) fn check(&self, has_envelope: bool, world: &World) -> Result<(), Error> {
        let usage =
            |message: &str, hint: &str| Err(Error::new(ErrorCode::Usage, message).hint(hint));
        for (group, is_named, message) in [
            (
                Group::Policy,
                world.places.policy.is_some() || self.expect_policy.is_some(),
                "a policy is named or expected, and the policy is also waived",
            ),
            (
                Group::Identities,
                self.identities.is_some(),
                "the identities are named and also waived",
            ),
            (
                Group::Targets,
                !self.targets.projects.is_empty(),
                "the targets are named and also waived",
            ),
        ] {
            if is_named && self.waived.contains(&group) {
                return usage(message, "remove one of the two options");
            }
        }
        match has_envelope && self.waived.contains(&Group::Policy) {
            true => usage(
                "a verdict without a policy is not handed on, so it has no envelope",
                "write a policy, or ask for no envelope",
            ),
            false => Ok(()),
        }
    }

    /// The file of identities, if one is named.
    pub(super) fn identity_file(&self) -> Option<IdentityFile> {
        let input = self.identities.clone()?;
        Some(IdentityFile {
            input,
            password: self.identities_password.clone(),
        })
    }
}
