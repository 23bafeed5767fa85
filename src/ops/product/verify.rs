//! Products, shown and verified: both look at everything, and differ in what they tell.

use std::path::PathBuf;

use super::document::{ProductDocument, ShownProduct};
use super::open;
use crate::apple::code_signature::verify;
use crate::ops::error::Failure;
use crate::ops::prove;
use crate::ops::world::World;

/// What is signed in products, and by whom.
///
/// # Errors
/// The policy cannot be used, or a product cannot be looked at.
pub fn show(paths: &[PathBuf], world: &World) -> Result<ProductDocument, Failure> {
    verify(paths, world)
}

/// Whether products are intact and signed by whom Apple knows.
///
/// # Errors
/// The policy cannot be used, or a product cannot be looked at.
pub fn verify(paths: &[PathBuf], world: &World) -> Result<ProductDocument, Failure> {
    let (_, verifier) = prove::verifier(world)?;
    let mut products = Vec::new();
    let mut findings = Vec::new();
    for path in paths {
        let opened = open::open(path)?;
        let report = verify::verify(&*opened.product, &verifier, world.now);
        let (shown, mut found) = ShownProduct::of(&opened, &report);
        products.push(shown);
        findings.append(&mut found);
    }
    Ok(ProductDocument::of(products, findings))
}

/// What was found of products, and how it is shown.
///
/// # Errors
/// The policy cannot be used, or a product cannot be looked at.
pub(in crate::ops) fn verified(
    paths: &[PathBuf],
    world: &World,
) -> Result<Vec<(ShownProduct, verify::Report)>, Failure> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let (_, verifier) = prove::verifier(world)?;
    let each = paths.iter().map(|path| {
        let opened = open::open(path)?;
        let report = verify::verify(&*opened.product, &verifier, world.now);
        Ok((ShownProduct::of(&opened, &report).0, report))
    });
    each.collect()
}
