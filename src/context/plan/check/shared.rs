//! One specifier, from one line, for targets whose bundle ids it cannot all cover.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::place::at_origin;
use crate::base::finding::{Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::plan::profiles::Profiles;
use crate::context::plan::row::Row;
use crate::xcode::assignment::Origin;
use crate::xcode::targets::ProfileRequest;

/// Specifiers that many targets share by mistake.
#[derive(Default)]
pub(super) struct SharedSpecifiers {
    /// One for each of them.
    pub(super) findings: Vec<Finding>,
    /// The rows that they are about, by position.
    pub(super) rows: HashSet<usize>,
}

/// What the rows of one group have in common: the specifier, the line that says it, the configuration.
type Group<'a> = (&'a ProfileRequest, &'a Origin, &'a str);

impl SharedSpecifiers {
    /// Those of `rows`, which are given with their positions.
    pub(super) fn among<'a, 'r: 'a>(
        rows: impl Iterator<Item = (usize, &'a Row<'r>)>,
        profiles: &Profiles<'_>,
    ) -> Self {
        let mut groups: HashMap<Group<'a>, Vec<(usize, &'a Row<'r>)>> = HashMap::new();
        for (at, row) in rows {
            if let Some(requested) = row.target.requested_profile() {
                let group = (
                    &requested.value,
                    &requested.origin,
                    row.target.configuration.as_str(),
                );
                groups.entry(group).or_default().push((at, row));
            }
        }
        let mut shared = Self::default();
        for (group, rows) in groups {
            if let Some(finding) = judge(group, &rows, profiles) {
                shared.findings.push(finding);
                shared.rows.extend(rows.iter().map(|(at, _)| *at));
            }
        }
        shared.findings.sort_by(|a, b| a.message.cmp(&b.message));
        shared
    }
}

fn judge(
    (request, origin, configuration): Group<'_>,
    rows: &[(usize, &Row<'_>)],
    profiles: &Profiles<'_>,
) -> Option<Finding> {
    let targets = || rows.iter().map(|(_, row)| row.target);
    let first = targets().next()?;
    let bundle_ids: BTreeSet<&str> = targets()
        .filter_map(|target| Some(target.bundle_id.as_ref()?.value.as_str()))
        .collect();
    let mut names: Vec<&str> = targets().map(|target| target.target.as_str()).collect();
    names.dedup();
    // One target on two platforms shares its specifier with nobody.
    if names.len() < 2 || bundle_ids.len() < 2 {
        return None;
    }
    let answering = profiles.answering(request);
    let covers_all = answering.iter().any(|profile| {
        targets().all(|target| {
            target
                .bundle_id
                .as_ref()
                .is_none_or(|bundle_id| profile.bundle_id.covers(&bundle_id.value))
        })
    });
    // Where nobody has this profile, each target is reported on its own, with what it should be instead.
    if covers_all || answering.is_empty() {
        return None;
    }
    let finding = Finding::block(
        Code::SpecifierShared,
        format!(
            "one profile specifier is set for {} targets of {configuration}: {}",
            names.len(),
            names.join(", ")
        ),
    )
    .values(
        format!(
            "a profile for each of {}",
            bundle_ids.into_iter().collect::<Vec<_>>().join(", ")
        ),
        format!("{:?} for all of them", request.to_string()),
    )
    .hint("give each target its own PROVISIONING_PROFILE_SPECIFIER, or build with the exported settings")
    .remedy(Remedy::ExportTargets);
    Some(at_origin(finding, first, Some(origin)))
}
