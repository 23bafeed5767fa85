//! Reading what products without an Xcode project are signed with.

use std::sync::Arc;

use crate::apple::entitlements;
use crate::context::policy::DeclaredProduct;
use crate::context::products::ObservedProduct;
use crate::host::files;
use crate::host::inputs::Inputs;

/// Reads the file of entitlements of each product, and notes it. That one cannot be read is a fact about the product.
pub fn read(declared: &[DeclaredProduct], inputs: Option<&Arc<Inputs>>) -> Vec<ObservedProduct> {
    let read = declared.iter().map(|declared| {
        let entitlements = files::read_bounded(&declared.file, entitlements::MAX_FILE);
        if let (Ok(bytes), Some(inputs)) = (&entitlements, inputs) {
            inputs.note(&declared.file, bytes);
        }
        ObservedProduct {
            declared: declared.clone(),
            entitlements: entitlements
                .map(Into::into)
                .map_err(|error| error.kind.to_string()),
        }
    });
    read.collect()
}
