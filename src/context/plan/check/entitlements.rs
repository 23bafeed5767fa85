//! What a target claims, against what its profile grants.

use super::place::title;
use crate::apple::entitlements::Entitlements;
use crate::apple::entitlements::grant::Why as ShortfallWhy;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::plan::row::{Choice, Row};
use crate::xcode::targets::EntitlementLines;

/// What the target claims and its profile does not grant.
pub(super) fn entitlements(
    row: &Row<'_>,
    choice: &Choice<'_>,
    lines: &mut EntitlementLines<'_>,
) -> Vec<Finding> {
    let target = row.target;
    let Some(claimed) = &target.entitlements else {
        return Vec::new();
    };
    let profile = choice.profile;
    let prefix = profile
        .application_identifier
        .strip_suffix(profile.bundle_id.as_str())
        .and_then(|prefix| prefix.strip_suffix('.'))
        .unwrap_or(profile.team_id.as_str());
    let team = profile.team_id.as_str();
    let claimed_values = Entitlements::from(claimed.revealed_with_prefixes(prefix, team));
    // What comes from the environment decides and is not shown.
    let shown = claimed.with_prefixes(prefix, team);
    profile
        .entitlements
        .grants(&claimed_values, target.platform.family())
        .into_iter()
        .map(|shortfall| {
            let severity = if matches!(shortfall.why, ShortfallWhy::Unexpanded) { Severity::Warn } else { Severity::Block };
            Finding::new(
                Code::EntitlementNotGranted,
                severity,
                format!("{} claims {} and profile {} does not grant it", title(target), shortfall.key, profile.title()),
            )
            .values(
                match claimed.is_withheld(&shortfall.key).then(|| shown.get(&*shortfall.key)) {
                    Some(Some(shown)) => format!("a grant of {shown}"),
                    Some(None) => "a grant".to_owned(),
                    None => format!("a grant of {}", shortfall.claimed),
                },
                shortfall.granted.as_ref().map_or("no grant".to_owned(), |granted| format!("a grant of {granted}")),
            )
            .of_target(&target.target)
            .of_profile(&profile.uuid)
            .in_file(&claimed.file)
            .at_line(lines.of(claimed, &shortfall.key))
            .at_pointer(format!("/{}", shortfall.key))
            .hint(
                "remove the claim, or enable the capability for this bundle id at Apple's developer site, \
                 regenerate the profile and freeze the manifest again",
            )
            .remedy(Remedy::FreezeManifest)
        })
        .collect()
}
