//! What a job asks of the gate, beyond the policy and the manifest.

use std::collections::BTreeSet;

use crate::apple::profile::ProfileKind;
use crate::base::digest::Digest;
use crate::base::finding::Group;
use crate::base::ids::RegionName;

/// What the verdict is for. A run opens the keychain, so it waives less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// A verdict alone: it opens nothing.
    #[default]
    Verdict,
    /// A run: if nothing blocks, the keychain is opened.
    Run,
}

/// What a job asks. The default asks for nothing and waives nothing.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The region that the job belongs to.
    pub region: Option<RegionName>,
    /// What the verdict is for.
    pub purpose: Purpose,
    /// The digest that the policy must have.
    pub policy: Option<ExpectedDigest>,
    /// The digest that the manifest must have.
    pub manifest: Option<ExpectedDigest>,
    /// The lowest revision that the manifest may have.
    pub minimum_revision: Option<u64>,
    /// The digest that the signing identities must have, canonical or compatible.
    pub signing: Option<Digest>,
    /// What the product is meant for; profiles of other kinds do not fit its targets.
    pub kind: Option<ProfileKind>,
    /// The groups that somebody waives by name.
    pub waived: BTreeSet<Group>,
}

/// The digest that a file must have, beside the one that it has.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedDigest {
    expected: Digest,
    found: Digest,
}

impl ExpectedDigest {
    /// Demands `expected` of the file with these bytes.
    pub fn new(expected: Digest, bytes: &[u8]) -> Self {
        Self {
            expected,
            found: expected.same_algorithm_over(bytes),
        }
    }

    /// The digest that is demanded.
    pub fn expected(&self) -> Digest {
        self.expected
    }

    /// The file's own digest, in the same algorithm.
    pub fn found(&self) -> Digest {
        self.found
    }
}
