//! What is not right between what targets ask for and what there is: the *targets* findings.

mod certificate;
mod entitlements;
mod given;
mod kind;
mod pinned;
mod place;
mod requested;
mod shared;
mod style;
mod unmapped;

use std::collections::HashSet;

use super::available::Available;
use super::request::Request;
use super::row::Row;
use crate::base::finding::{Finding, Severity};
use crate::xcode::targets::{EntitlementLines, SigningStyle};

use shared::SharedSpecifiers;

/// Judges every row, and the rows among each other.
pub(super) fn check(
    rows: &[Row<'_>],
    request: &Request<'_>,
    available: &Available<'_>,
) -> Vec<Finding> {
    let mut findings = given::missing_overrides(request, &available.profiles);
    let judged = || rows.iter().enumerate().filter(|(_, row)| row.is_judged);
    let shared = SharedSpecifiers::among(judged(), &available.profiles);
    findings.extend(shared.findings);
    // Each product is signed for itself.
    let manual: HashSet<(&str, u32)> = judged()
        .filter(|(_, row)| row.target.style.value == SigningStyle::Manual)
        .flat_map(|(_, row)| {
            let of = row.target.part_of.iter();
            of.map(|product| (row.target.configuration.as_str(), *product))
        })
        .collect();
    let mut lines = EntitlementLines::new(request.sources);
    for (at, row) in rows.iter().enumerate() {
        let target = row.target;
        let others_are_manual = target
            .part_of
            .iter()
            .any(|product| manual.contains(&(target.configuration.as_str(), *product)));
        let mut found: Vec<Finding> = Vec::new();
        found.extend(style::style(row, others_are_manual));
        match target.requested_profile() {
            _ if shared.rows.contains(&at) => {}
            Some(requested) => found.extend(requested::requested(row, requested, available)),
            None if row.choice.is_none() => {
                found.push(unmapped::unmapped(row, available));
            }
            None => {}
        }
        if let Some(choice) = &row.choice {
            found.extend(kind::kind(row, choice, available));
            found.extend(given::given(row, choice));
            found.extend(certificate::certificate(row, choice));
            found.extend(entitlements::entitlements(row, choice, &mut lines));
        }
        found.extend(pinned::pinned(row, available));
        if !row.is_judged || target.lacks_settings {
            for finding in &mut found {
                finding.severity = Severity::Info;
            }
        }
        findings.extend(found);
    }
    findings
}
