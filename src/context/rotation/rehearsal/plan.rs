//! The plan: the steps, when each is taken, and the manifest after each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{PlannedKind, Request};
use crate::base::ids::{CertSha1, FileSha256, ProfileUuid};
use crate::context::manifest::{Content, Manifest, ManifestError, PinnedProfile, ProfileState};
use crate::context::rotation::product::{self, ProductGroup};
use crate::context::rotation::revision;
use crate::context::rotation::schedule::{self, Rotation};
use crate::context::rotation::succession::Succession;

/// Other machines have so long to install the successors.
const TO_INSTALL: SignedDuration = SignedDuration::from_hours(24);

/// Products are promoted so long after each other.
const BETWEEN: SignedDuration = SignedDuration::from_hours(1);

/// The steps of a rotation.
pub(super) struct Plan<'a> {
    pub(super) steps: Vec<Step<'a>>,
    /// The manifest before the first step and after each.
    pub(super) manifests: Vec<Manifest>,
    /// What ends when, of the manifest at the start.
    pub(super) rotations: Vec<Rotation>,
    come: BTreeSet<FileSha256>,
    go: BTreeSet<FileSha256>,
}

/// A step.
pub(super) struct Step<'a> {
    pub(super) kind: PlannedKind,
    pub(super) at: Timestamp,
    /// What changes sides.
    pub(super) group: Option<ProductGroup>,
    pub(super) pairs: Vec<&'a Succession>,
}

impl<'a> Plan<'a> {
    /// The steps that are left of a rotation.
    pub(super) fn new(request: &Request<'a>) -> Result<Self, ManifestError> {
        let start = request.manifest;
        let rotations = schedule::rotations(start, request.policy);
        let of_old: BTreeMap<&ProfileUuid, &Succession> = request
            .pairs
            .iter()
            .map(|pair| (&pair.old.uuid, pair))
            .collect();
        let touched = rotations.iter();
        let touched = touched.filter(|it| it.profiles.iter().any(|uuid| of_old.contains_key(uuid)));
        let begin = touched.map(|it| it.begin_by).min().unwrap_or(request.from);
        let begin = begin.max(request.from);
        let mut plan = Self {
            steps: Vec::new(),
            manifests: vec![start.clone()],
            rotations,
            come: request.pairs.iter().map(|pair| pair.new.sha256).collect(),
            go: BTreeSet::new(),
        };
        let is_pinned = |pair: &Succession| start.profile(&pair.new.uuid).is_some();
        let mut at = begin;
        if !request.pairs.iter().all(is_pinned) {
            let new = request.pairs.iter().map(|pair| &pair.new);
            let content = revision::staged(start.content(), new);
            plan.add(
                PlannedKind::Stage,
                at,
                None,
                request.pairs.iter().collect(),
                &content,
            )?;
            at = after(at, TO_INSTALL);
        }
        let old = of_old.keys().map(|uuid| (*uuid).clone()).collect();
        for group in product::groups(plan.last(), &old) {
            let uuids = group.profiles.iter();
            let pairs: Vec<&Succession> = uuids.filter_map(|it| of_old.get(it).copied()).collect();
            let content = revision::promoted(plan.last().content(), pairs.iter().copied(), at);
            plan.add(PlannedKind::Promote, at, Some(group), pairs, &content)?;
            at = after(at, BETWEEN);
        }
        let retiring = plan.last().in_state(ProfileState::Retiring);
        let retiring: Vec<(ProfileUuid, FileSha256)> = retiring
            .map(|profile| (profile.uuid.clone(), profile.sha256))
            .collect();
        if !retiring.is_empty() {
            let promoted = plan.steps.last().map_or(request.from, |step| step.at);
            let at = after(promoted, request.policy.rotation.grace);
            let (uuids, files): (BTreeSet<_>, BTreeSet<_>) = retiring.into_iter().unzip();
            plan.go = files;
            let content = revision::retired(plan.last().content(), &uuids);
            plan.add(PlannedKind::Retire, at, None, Vec::new(), &content)?;
        }
        Ok(plan)
    }

    fn add(
        &mut self,
        kind: PlannedKind,
        at: Timestamp,
        group: Option<ProductGroup>,
        pairs: Vec<&'a Succession>,
        content: &Content,
    ) -> Result<(), ManifestError> {
        self.manifests.push(Manifest::parse(&content.to_bytes())?);
        self.steps.push(Step {
            kind,
            at,
            group,
            pairs,
        });
        Ok(())
    }

    /// The manifest in the end.
    pub(super) fn last(&self) -> &Manifest {
        let last = self.manifests.last();
        last.unwrap_or_else(|| unreachable!("there is always the one of the start"))
    }

    /// How many steps are taken by this instant.
    pub(super) fn steps_by(&self, at: Timestamp) -> usize {
        self.steps.partition_point(|step| step.at <= at)
    }

    /// Whether the old profiles are gone after so many steps.
    pub(super) fn has_retired(&self, steps: usize) -> bool {
        let step = steps.checked_sub(1).and_then(|last| self.steps.get(last));
        step.is_some_and(|step| step.kind == PlannedKind::Retire)
    }

    /// The files that every machine gets with the first step.
    pub(super) fn files_that_come(&self) -> &BTreeSet<FileSha256> {
        &self.come
    }

    /// The files that go with the last one.
    pub(super) fn files_that_go(&self) -> &BTreeSet<FileSha256> {
        &self.go
    }

    /// The keys that a machine with these ones needs in the end and does not have: of what is pinned to a certificate that one, else of
    /// the certificates of a profile the one that lives longest.
    pub(super) fn keys_needed(&self, held: &BTreeSet<CertSha1>) -> BTreeSet<CertSha1> {
        let last = self.last();
        let mut needed = BTreeSet::new();
        let mut signing: BTreeMap<&ProfileUuid, BTreeSet<_>> = BTreeMap::new();
        let targets = last
            .targets()
            .iter()
            .map(|it| (&it.profile, it.certificate));
        let products = last
            .products()
            .iter()
            .map(|it| (&it.profile, it.certificate));
        for (profile, certificate) in targets.chain(products) {
            signing.entry(profile).or_default().insert(certificate);
        }
        let comes = |profile: &PinnedProfile| self.come.contains(&profile.sha256);
        for profile in last.profiles().iter().filter(|it| comes(it)) {
            match signing.get(&profile.uuid) {
                Some(pinned) => needed.extend(
                    profile
                        .certificates()
                        .filter(|it| pinned.contains(&it.sha256))
                        .map(|it| it.sha1),
                ),
                None if profile.certificates().any(|it| held.contains(&it.sha1)) => {}
                None => needed.extend(
                    profile
                        .certificates()
                        .max_by_key(|it| (it.expires, it.sha256))
                        .map(|it| it.sha1),
                ),
            }
        }
        needed.difference(held).copied().collect()
    }

    /// Of these keys those whose certificates are pinned at the start and no more in the end.
    pub(super) fn keys_that_go<'h>(
        &'h self,
        held: &'h BTreeSet<CertSha1>,
    ) -> impl Iterator<Item = CertSha1> + 'h {
        let of = |manifest: &Manifest| -> BTreeSet<CertSha1> {
            let profiles = manifest.profiles().iter();
            let certificates = profiles.flat_map(PinnedProfile::certificates);
            certificates.map(|it| it.sha1).collect()
        };
        let first = self.manifests.first().map(of).unwrap_or_default();
        let last = of(self.last());
        held.iter()
            .filter(move |sha1| first.contains(*sha1) && !last.contains(*sha1))
            .copied()
    }
}

fn after(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.checked_add(by).unwrap_or(Timestamp::MAX)
}
