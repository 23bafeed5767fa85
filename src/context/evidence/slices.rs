//! Slices of one program that claim different things. Which of them starts depends on the machine, so what a reviewer read on
//! one may not be what runs on another. Identifiers may differ, and the verifier compares the teams.

use super::part::Part;
use crate::apple::code_signature::entitlements;
use crate::apple::entitlements::Entitlements;
use crate::base::finding::{Code, Finding};

/// The first slice whose entitlements are not those of the native one.
pub(super) fn check(part: &Part<'_>) -> Option<Finding> {
    let native = part.item.native()?;
    let none = Entitlements::default();
    let expected = native.entitlements.as_ref().unwrap_or(&none);
    part.item.slices.iter().find_map(|slice| {
        slice.sound_signature()?;
        let found = slice.entitlements.as_ref().unwrap_or(&none);
        let (key, expected, found) = entitlements::difference(expected, found)?;
        let finding = Finding::block(
            Code::SliceEntitlementsDiffer,
            format!(
                "{}: the slices for {} and {} claim different entitlements",
                part.title(),
                native.architecture(),
                slice.architecture()
            ),
        )
        .values(format!("{key} = {expected}"), format!("{key} = {found}"))
        .hint("sign the whole program at once, with one file of entitlements");
        Some(part.place(finding).at_pointer(slice.architecture()))
    })
}
