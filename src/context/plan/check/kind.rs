//! What a profile is for, against what the product is meant for.

use super::place::{at_origin, title};
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::manifest::PinnedProfile;
use crate::context::plan::available::Available;
use crate::context::plan::row::{Choice, Row};
use crate::xcode::assignment::Origin;
use crate::xcode::targets::SigningTarget;

/// A profile of another kind than the product is meant for.
pub(super) fn kind(
    row: &Row<'_>,
    choice: &Choice<'_>,
    available: &Available<'_>,
) -> Option<Finding> {
    let kind = available.kind?;
    let requested = row.target.requested_profile();
    let origin = requested.map(|requested| &requested.origin);
    if choice.profile.kind != kind {
        return Some(kind_mismatch(row.target, choice.profile, kind, origin));
    }
    // The project may still ask for one of another kind by name.
    let answering = available.profiles.answering(&requested?.value);
    let asked = answering.first()?;
    if answering.iter().any(|profile| profile.kind == kind) {
        return None;
    }
    Some(kind_mismatch(row.target, asked, kind, origin))
}

pub(super) fn kind_mismatch(
    target: &SigningTarget,
    profile: &PinnedProfile,
    kind: ProfileKind,
    origin: Option<&Origin>,
) -> Finding {
    let finding = Finding::block(
        Code::TargetKindMismatch,
        format!(
            "{} is to be signed with {}, which is for {}",
            title(target),
            profile.title(),
            profile.kind
        ),
    )
    .values(kind, profile.kind)
    .of_profile(&profile.uuid)
    .hint(format!(
        "choose the target's {kind} profile, or plan for {}",
        profile.kind
    ))
    .remedy(Remedy::NameKind);
    at_origin(finding, target, origin)
}
