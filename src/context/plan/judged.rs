//! Which targets are judged: those that the archive holds. What is wrong with the others is for information.
//!
//! A target is part of the archive if a product holds it that is archived. Where no scheme says which products those are,
//! an application that nobody prepared for signing here is none of them: nothing at hand is for it, it asks for nothing,
//! and it is not signed manually. Examples and demos are like that. But if all are, then all are judged, because then
//! nobody prepared anything.
//!
//! Whoever names targets means them, and what the manifest pins is meant too, unless somebody names a scheme.

use std::collections::{BTreeSet, HashMap};

use super::available::Available;
use super::request::Request;
use super::row::Row;
use crate::xcode::product_type::ProductKind;
use crate::xcode::targets::{SigningStyle, SigningTarget};

/// Tells what is judged.
pub(super) struct Judged {
    everything: bool,
    pins_count: bool,
    unprepared: BTreeSet<u32>,
}

impl Judged {
    pub(super) fn of(rows: &[Row<'_>], request: &Request<'_>, available: &Available<'_>) -> Self {
        let is_open = request.scheme.is_none() && !request.targets_were_named;
        Self {
            everything: request.targets_were_named,
            pins_count: request.scheme.is_none_or(|scheme| !scheme.is_named),
            unprepared: match is_open {
                true => unprepared(rows, request, available),
                false => BTreeSet::new(),
            },
        }
    }

    /// Whether a target is judged.
    pub(super) fn has(&self, target: &SigningTarget, available: &Available<'_>) -> bool {
        let is_archived = target
            .part_of
            .iter()
            .any(|at| !self.unprepared.contains(at));
        let is_pinned =
            || self.pins_count && !target.kind.is_test() && available.pinned.get(target).is_some();
        self.everything || is_archived || is_pinned()
    }

    /// The products that nobody prepared, by their positions.
    pub(super) fn unprepared(&self) -> &BTreeSet<u32> {
        &self.unprepared
    }
}

/// Products whose application nobody prepared for signing, where another one's is prepared.
fn unprepared(rows: &[Row<'_>], request: &Request<'_>, available: &Available<'_>) -> BTreeSet<u32> {
    let mut position: HashMap<_, u32> = HashMap::new();
    for (product, at) in request.products.iter().zip(0_u32..) {
        position.insert((&*product.project, product.index), at);
    }
    let mut prepared = BTreeSet::new();
    let mut others = BTreeSet::new();
    for row in rows {
        let target = row.target;
        let is_application = matches!(target.kind, ProductKind::Application | ProductKind::AppClip);
        let root = position.get(&(&*target.project, target.index));
        let Some(at) = root.filter(|_| is_application) else {
            continue;
        };
        let is_prepared = row.choice.is_some()
            || target.requested_profile().is_some()
            || target.style.value == SigningStyle::Manual
            || available.pinned.get(target).is_some();
        match is_prepared {
            true => prepared.insert(*at),
            false => others.insert(*at),
        };
    }
    match prepared.is_empty() {
        true => BTreeSet::new(),
        false => &others - &prepared,
    }
}
