//! Targets that one cause touches: told once, with their names.

use std::collections::BTreeMap;

use crate::xcode::assignment::Origin;
use crate::xcode::targets::SigningTarget;

/// How many targets a finding names.
const NAMED: usize = 8;

/// Targets by the line that is to blame and their configuration, in the order of both.
pub(super) fn by_line<'a>(
    targets: impl IntoIterator<Item = (&'a SigningTarget, &'a Origin)>,
) -> Vec<(Vec<&'a SigningTarget>, &'a Origin)> {
    let mut groups: BTreeMap<_, (Vec<&SigningTarget>, &Origin)> = BTreeMap::new();
    for (target, origin) in targets {
        // What nobody wrote has no line, so each target is told on its own.
        let own = origin.file.is_none().then_some(&target.target);
        let key = (&origin.file, origin.line, own, &target.configuration);
        let group = groups.entry(key).or_insert_with(|| (Vec::new(), origin));
        group.0.push(target);
    }
    groups.into_values().collect()
}

/// The targets of one group, in words: `target Share (Release, ios)`, or `targets Share, Widgets (Release)`.
pub(super) fn titles(targets: &[&SigningTarget]) -> String {
    let mut names: Vec<&str> = targets.iter().map(|it| it.target.as_str()).collect();
    names.dedup();
    match (targets, names.as_slice()) {
        ([only], _) => super::place::title(only),
        ([first, ..], [_]) => format!("target {} ({})", first.target, first.configuration),
        ([first, ..], names) => {
            let shown = names.iter().copied().take(NAMED).collect::<Vec<_>>();
            let more = match names.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "targets {}{more} ({})",
                shown.join(", "),
                first.configuration
            )
        }
        ([], _) => "no target".to_owned(),
    }
}
