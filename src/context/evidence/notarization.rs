//! What Apple's notary asks of code that goes out under Developer ID: a secure timestamp everywhere, and the hardened
//! runtime in every program ("Resolving common notarization issues").

use super::part::Part;
use crate::apple::code_signature::mach_o::FileKind;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};

/// What the notary would refuse.
pub(super) fn check(part: &Part<'_>) -> Vec<Finding> {
    let is_notarized = part.destination == Some(ProfileKind::DeveloperId);
    if !is_notarized || part.is_apples() || !part.is_signed() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let several = part.item.slices.len() > 1;
    for slice in &part.item.slices {
        if slice.sound_signature().is_none() {
            continue;
        }
        let place = |finding: Finding| match several {
            true => part.place(finding).at_pointer(slice.architecture()),
            false => part.place(finding),
        };
        if slice.kind() == Some(FileKind::Executable) && !Part::is_hardened(slice) {
            findings.push(place(
                Finding::block(
                    Code::HardenedRuntimeMissing,
                    format!(
                        "{} has no hardened runtime, so it is not notarized",
                        part.title()
                    ),
                )
                .hint(
                    "set ENABLE_HARDENED_RUNTIME to YES, or sign with codesign --options runtime",
                ),
            ));
        }
        let timestamp = slice
            .signer
            .as_ref()
            .and_then(|signer| signer.timestamp.as_ref());
        if !matches!(timestamp, Some(Ok(_))) {
            findings.push(place(
                Finding::block(
                    Code::SecureTimestampMissing,
                    format!(
                        "{} has no secure timestamp, so it is not notarized",
                        part.title()
                    ),
                )
                .hint("sign with codesign --timestamp; Xcode does it for Developer ID in exports"),
            ));
        }
    }
    findings
}
