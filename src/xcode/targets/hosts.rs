//! Which application carries a target's product.

use std::collections::{BTreeSet, VecDeque};

use super::super::product_type::ProductKind;
use super::super::project::{Project, TargetIndex};
use super::SigningTarget;

/// The nearest application that `target`'s product is copied into, directly or inside of other products.
pub(super) fn application(project: &Project, target: TargetIndex) -> Option<TargetIndex> {
    let mut seen = BTreeSet::from([target]);
    let mut queue = VecDeque::from([target]);
    while let Some(inner) = queue.pop_front() {
        for (index, outer) in project.embedders(inner) {
            if !seen.insert(index) {
                continue;
            }
            let kind = outer.product_type.as_deref().map(ProductKind::of);
            if kind == Some(ProductKind::Application) {
                return Some(index);
            }
            queue.push_back(index);
        }
    }
    None
}

/// Whether two products end up in one application.
pub(super) fn in_one_application(one: &SigningTarget, other: &SigningTarget) -> bool {
    let carries = |host: &SigningTarget, part: &SigningTarget| {
        part.host.as_ref() == Some(&host.target) || part.embedded_in.contains(&host.target)
    };
    carries(one, other) || carries(other, one) || (one.host.is_some() && one.host == other.host)
}
