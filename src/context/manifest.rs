//! The frozen manifest, `profiles.json`: what the signing context is pinned to.
//!
//! `manifest freeze` writes it, people review and commit it, the gate compares the world with it. It is deterministic:
//! the same profiles give the same bytes on any machine at any time, in any order of discovery, because nothing in it
//! comes from a clock, a host or a directory listing. Its digest is therefore a name for a whole signing context, and a
//! diff of two manifests is what changed between them.
//!
//! A [`Manifest`] exists only after [`Manifest::parse`]: well-formed, complete in itself (each target's profile is
//! there), unique and in order. Unknown and repeated keys are errors, so that nothing which a reviewer reads is
//! silently ignored. Its bytes are exactly the ones that freezing writes of what it says: a file of other bytes was
//! written by somebody else, and is refused with the first place at which it differs.
//!
//! The manifest is the *pin*, the file is the *fact*. An entry says what a profile said when it was frozen; what a
//! decision rests on is read from the proven file, and [`FactsDigest`] tells whether the two are the same.

mod archive;
mod content;
pub mod diff;
mod entry;
mod error;
mod facts;
pub mod freeze;
mod frozen;
mod instant;
pub mod lines;
mod plan_document;
mod product;
pub mod used;
pub mod verify;
mod version;

use std::sync::OnceLock;

use serde::Deserialize;

pub use archive::PinnedArchive;
pub use content::{Content, MAX_REVISION, json_schema};
pub use entry::{PinnedCertificate, PinnedProfile, PinnedTarget, ProfileState};
pub use error::ManifestError;
pub use facts::FactsDigest;
pub use plan_document::PlanDocument;
pub use product::PinnedProduct;
pub use version::Version;

use crate::base::digest::Digest;
use crate::base::hash_index::HashIndex;
use crate::base::ids::{FileSha256, ProfileUuid};
use crate::base::parallel;
use error::explain;

/// The largest manifest that is read, in bytes: thirty thousand profiles with long entitlements.
pub const MAX_BYTES: usize = 96_000_000;

/// So few bytes are not worth a second thread.
const SMALL: usize = 256 * 1024;

/// A manifest that is well-formed, complete and in order, and whose bytes are what freezing writes. Only
/// [`Manifest::parse`] makes one.
#[derive(Debug, Clone)]
pub struct Manifest {
    content: Content,
    digest: Digest,
    /// The digest of each pinned file with the position of its entry, sorted.
    files: Vec<(FileSha256, usize)>,
    /// Where to look in that list.
    index: HashIndex,
    /// For each profile whether a target or product is pinned to it.
    signing: Vec<bool>,
    /// The digest of its plan, when somebody asked: a rehearsal asks thousands of times.
    plan: OnceLock<Digest>,
}

/// What a file says, before it is known to hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: String,
    revision: u64,
    profiles: Vec<PinnedProfile>,
    #[serde(default)]
    archive: Option<PinnedArchive>,
    targets: Vec<PinnedTarget>,
    #[serde(default)]
    products: Vec<PinnedProduct>,
}

impl Manifest {
    /// Reads a manifest from its bytes.
    ///
    /// # Errors
    /// They are no manifest that this version can use, or not what freezing writes; the error names the line or the JSON
    /// pointer.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let digest_and_content = || parallel::join(|| Digest::of(bytes), || frozen::read(bytes));
        let (digest, frozen) = match bytes.len() < SMALL {
            true => (Digest::of(bytes), frozen::read(bytes)),
            false => digest_and_content(),
        };
        let (content, is_frozen) = match frozen {
            Some(content) => (content, true),
            None => (Self::written(bytes)?, false),
        };
        if !(1..=MAX_REVISION).contains(&content.revision) {
            return Err(ManifestError::Revision {
                found: content.revision,
            });
        }
        in_order(
            &content.profiles,
            "profiles",
            |a, b| a.uuid < b.uuid,
            |profile| profile.uuid.to_string(),
        )?;
        in_order(
            &content.targets,
            "targets",
            |a, b| a.key() < b.key(),
            |target| target.target.to_string(),
        )?;
        in_order(
            &content.products,
            "products",
            |a, b| a.name < b.name,
            |product| product.name.to_string(),
        )?;
        let signing = signing(&content)?;
        if (!is_frozen || cfg!(debug_assertions))
            && let Some(difference) = content.first_difference(bytes)
        {
            debug_assert!(!is_frozen, "it was read as frozen: {difference}");
            return Err(ManifestError::NotFrozen(difference));
        }
        let numbered = content.profiles.iter().enumerate();
        let mut files: Vec<_> = numbered
            .map(|(index, profile)| (profile.sha256, index))
            .collect();
        files.sort_unstable();
        let index = HashIndex::new(files.iter().map(|(sha256, _)| sha256.leading()));
        Ok(Self {
            content,
            digest,
            files,
            index,
            signing,
            plan: OnceLock::new(),
        })
    }

    /// What the bytes say, in whatever form.
    fn written(bytes: &[u8]) -> Result<Content, ManifestError> {
        let written: Written =
            serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
        let version = Version::of_schema(&written.schema);
        Ok(Content {
            version: version.ok_or(ManifestError::Schema {
                found: written.schema,
            })?,
            revision: written.revision,
            profiles: written.profiles,
            archive: written.archive,
            targets: written.targets,
            products: written.products,
        })
    }

    /// What it holds.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The pinned profiles, by UUID.
    pub fn profiles(&self) -> &[PinnedProfile] {
        &self.content.profiles
    }

    /// The pinned profiles that stand there in their rotation, by UUID.
    pub fn in_state(&self, state: ProfileState) -> impl Iterator<Item = &PinnedProfile> {
        let profiles = self.content.profiles.iter();
        profiles.filter(move |profile| profile.state == state)
    }

    /// The pinned targets.
    pub fn targets(&self) -> &[PinnedTarget] {
        &self.content.targets
    }

    /// What of the projects was judged when the targets were pinned, where somebody noted it.
    pub fn archive(&self) -> Option<&PinnedArchive> {
        self.content.archive.as_ref()
    }

    /// The pinned products without an Xcode project, by name.
    pub fn products(&self) -> &[PinnedProduct] {
        &self.content.products
    }

    /// Its revision.
    pub fn revision(&self) -> u64 {
        self.content.revision
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The digest of its plan: over [`PlanDocument`] without white space, targets and products in their order.
    pub fn plan_digest(&self) -> Digest {
        let digest = || plan_document::digest(self.targets(), self.products());
        *self.plan.get_or_init(digest)
    }

    /// The pinned profile with this UUID and its position.
    pub fn profile(&self, uuid: &ProfileUuid) -> Option<(usize, &PinnedProfile)> {
        let index = position(&self.content.profiles, uuid)?;
        Some((index, self.content.profiles.get(index)?))
    }

    /// The digest of what the entry at `index` says of its profile. It is computed each time.
    pub fn facts(&self, index: usize) -> Option<FactsDigest> {
        self.content.profiles.get(index).map(FactsDigest::of)
    }

    /// Whether a profile signs anything: it is active, or a target or product is pinned to it nevertheless. What is incoming
    /// signs nothing yet, so that a machine that lacks it can still build.
    pub fn is_in_use(&self, profile: &PinnedProfile) -> bool {
        let is_pinned_to = || {
            let index = position(&self.content.profiles, &profile.uuid)?;
            self.signing.get(index).copied()
        };
        profile.state == ProfileState::Active || is_pinned_to() == Some(true)
    }

    /// The digest of each pinned file with the position of its entry, in the order of the digests.
    pub fn files(&self) -> &[(FileSha256, usize)] {
        &self.files
    }

    /// Whether a file with this digest is pinned.
    pub fn has_bytes(&self, sha256: &FileSha256) -> bool {
        self.entries_of(sha256).next().is_some()
    }

    /// The positions of the entries that pin a file with this digest.
    pub fn entries_of(&self, sha256: &FileSha256) -> impl Iterator<Item = usize> {
        let near = self.files.get(self.index.range(sha256.leading()));
        let near = near.unwrap_or_default();
        let start = near.partition_point(|(known, _)| known < sha256);
        let entries = near.iter().skip(start);
        let entries = entries.take_while(move |(known, _)| known == sha256);
        entries.map(|(_, index)| *index)
    }
}

/// Where the profile with this UUID stands: profiles are in the order of their UUIDs.
fn position(profiles: &[PinnedProfile], uuid: &ProfileUuid) -> Option<usize> {
    profiles
        .binary_search_by(|profile| profile.uuid.cmp(uuid))
        .ok()
}

/// For each profile whether a target or product is pinned to it.
fn signing(content: &Content) -> Result<Vec<bool>, ManifestError> {
    let mut signing = vec![false; content.profiles.len()];
    let mut sign = |list, index, profile: &ProfileUuid, what: &dyn Fn() -> String| {
        let position = position(&content.profiles, profile);
        match position.and_then(|position| signing.get_mut(position)) {
            Some(signs) => {
                *signs = true;
                Ok(())
            }
            None => Err(ManifestError::Dangling {
                pointer: format!("/{list}/{index}/profile"),
                what: what(),
                profile: profile.to_string(),
            }),
        }
    };
    for (index, it) in content.targets.iter().enumerate() {
        let what = || format!("target {}", it.target);
        sign("targets", index, &it.profile, &what)?;
    }
    for (index, it) in content.products.iter().enumerate() {
        let what = || format!("product {}", it.name);
        sign("products", index, &it.profile, &what)?;
    }
    Ok(signing)
}

fn in_order<T>(
    items: &[T],
    list: &str,
    precedes: impl Fn(&T, &T) -> bool,
    name: impl Fn(&T) -> String,
) -> Result<(), ManifestError> {
    for (index, pair) in items.windows(2).enumerate() {
        if let [before, after] = pair
            && !precedes(before, after)
        {
            return Err(ManifestError::Order {
                pointer: format!("/{list}/{}", index + 1),
                what: name(after),
            });
        }
    }
    Ok(())
}
