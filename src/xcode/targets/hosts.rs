//! Which application carries a target's product.

use std::collections::{BTreeSet, VecDeque};

use super::SigningTarget;
use crate::base::ids::TargetName;
use crate::xcode::product_type::ProductKind;
use crate::xcode::project::{Project, Target, TargetIndex, TargetLink};

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

/// Tells rows of one project who carries them in another: an application that embeds the product of a subproject.
/// `projects` are all that `rows` come from; rows whose host is known already keep it.
pub(super) fn across(projects: &[Project], rows: &mut [SigningTarget]) {
    for (project, outer) in projects
        .iter()
        .flat_map(|project| project.targets.iter().map(move |target| (project, target)))
    {
        let Ok(name) = outer.name.parse::<TargetName>() else {
            continue;
        };
        let kind = outer.product_type.as_deref().map(ProductKind::of);
        let foreign = outer
            .embeds
            .iter()
            .filter_map(|embed| match &embed.product {
                TargetLink::Foreign {
                    project: Some(path),
                    id,
                    ..
                } => Some((path, id)),
                _ => None,
            });
        for (path, id) in foreign {
            let Some(inner_project) = projects.iter().find(|it| *it.bundle == **path) else {
                continue;
            };
            let carried = rows.iter_mut().filter(|row| {
                *row.project == **path
                    && inner_project
                        .target(row.index)
                        .is_some_and(|target| target.product_id.as_ref() == Some(id))
            });
            for row in carried {
                if !row.embedded_in.contains(&name) {
                    row.embedded_in.push(name.clone());
                }
                if row.host.is_none() {
                    row.host = match kind {
                        Some(ProductKind::Application) => Some(name.clone()),
                        _ => host_of(project, outer),
                    };
                }
            }
        }
    }
}

fn host_of(project: &Project, target: &Target) -> Option<TargetName> {
    let at = project.targets.iter().position(|it| it.id == target.id)?;
    let host = application(project, TargetIndex(at))?;
    project.target(host)?.name.parse().ok()
}

/// Whether two products end up in one application.
pub(super) fn in_one_application(one: &SigningTarget, other: &SigningTarget) -> bool {
    let carries = |host: &SigningTarget, part: &SigningTarget| {
        part.host.as_ref() == Some(&host.target) || part.embedded_in.contains(&host.target)
    };
    carries(one, other) || carries(other, one) || (one.host.is_some() && one.host == other.host)
}
