//! Holds links against their seal, and keeps them in the product (`validateSymlinkResource`).

use super::Item;
use super::signatures::in_product;
use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::path_rules;
use crate::apple::code_signature::problem::Problem;
use crate::apple::code_signature::product::{self, Product};
use crate::base::finding::{Code, Finding};

/// Where a link is judged.
pub(super) struct Around<'a> {
    pub(super) product: &'a dyn Product,
    pub(super) items: &'a [Item],
    pub(super) item: &'a Item,
}

/// What is wrong with the link at `path`, if something is.
pub(super) fn problem(
    around: &Around<'_>,
    path: &str,
    sealed: &str,
    target: &str,
) -> Option<Problem> {
    if sealed != target {
        let finding = Finding::block(
            Code::ResourceChanged,
            "a link was changed after the bundle was signed",
        )
        .values(sealed, target)
        .hint("build the product again, and change nothing in it after it is signed");
        let predicted = Predicted::new(
            Status::BadResource,
            "SecStaticCode::validateSymlinkResource",
        );
        return Some(Problem::both(in_product(finding, path), predicted));
    }
    if stays_inside(around, path, target) {
        return None;
    }
    let finding = Finding::block(
        Code::LinkLeavesProduct,
        "a link leads to something that no seal covers",
    )
    .found(target)
    .hint("let it lead to a file of the same bundle, or leave it out");
    let predicted = Predicted::new(
        Status::InvalidLink,
        "SecStaticCode::validateSymlinkResource",
    );
    Some(Problem::both(in_product(finding, path), predicted))
}

fn stays_inside(around: &Around<'_>, path: &str, target: &str) -> bool {
    if target.starts_with('/') {
        // The system's own folders; whether the target is there only a Mac can tell.
        let climbs = target.split('/').any(|name| name == "..");
        return !climbs
            && ["/System/", "/Library/"]
                .iter()
                .any(|folder| target.starts_with(folder));
    }
    let joined = product::join(product::parent(path), target);
    let Some(resolved) = around.product.tree().resolve(&joined) else {
        return false;
    };
    // The bundles around it, the nearest first: the first one that holds the target must seal it.
    let mut item = Some(around.item);
    while let Some(here) = item {
        if let (Some(layout), Some(seal)) = (&here.layout, &here.seal)
            && let Some(inside) = product::relative(&resolved, &layout.base)
        {
            let first = inside.split('/').next().unwrap_or_default();
            if matches!(first, "_CodeSignature" | "CodeResources" | "_MASReceipt") {
                return false;
            }
            let is_program = layout.executable.as_deref() == Some(&resolved);
            return is_program
                || path_rules::choose(&seal.rules, inside).is_some_and(|rule| !rule.flags.omit);
        }
        item = here.parent.and_then(|parent| around.items.get(parent));
    }
    false
}
