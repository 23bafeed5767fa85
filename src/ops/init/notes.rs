//! What is to be done besides, so that the gate passes where the workflow runs it.

use std::path::PathBuf;

use super::base::Base;
use crate::base::ids::ProfileUuid;
use crate::host::ci_system::CiSystem;
use crate::ops::world::World;

/// What the notes are made from.
pub(super) struct Notable<'a> {
    /// The CI system, if there is one: without one nothing is said.
    pub(super) ci: Option<CiSystem>,
    /// The profiles that are pinned.
    pub(super) pinned: &'a [ProfileUuid],
    /// The files of the profiles at hand.
    pub(super) files: &'a [(ProfileUuid, PathBuf)],
    /// Whether the policy allows a gate without identities.
    pub(super) allows_waiver: bool,
    /// Whether build settings were given.
    pub(super) has_settings: bool,
}

impl Notable<'_> {
    /// The notes, one sentence each.
    pub(super) fn notes(&self, base: &Base, world: &World) -> Vec<String> {
        let Some(ci) = self.ci else {
            return Vec::new();
        };
        let mut notes = Vec::new();
        let checks_out = |uuid: &&ProfileUuid| {
            let mut files = self.files.iter();
            files.any(|(of, file)| of == *uuid && base.checks_out(file, world))
        };
        let all = self.pinned.len();
        let outside = all - self.pinned.iter().filter(checks_out).count();
        if outside > 0 {
            let name = ci.name();
            notes.push(format!(
                "{outside} of {all} pinned profiles lie outside of the repository, so a runner of {name} does not have them, and the \
                 gate blocks there: commit the files in a folder of the repository and set up again, or install them on each runner \
                 before the gate"
            ));
        }
        if !self.allows_waiver {
            notes.push(
                "the policy does not allow a gate without identities, which the workflow asks for: add \"identities\" to \
                 gate.waivable"
                    .to_owned(),
            );
        }
        if self.has_settings {
            notes.push(
                "the workflow does not hold the build settings that were given here, because a value can be a secret: add them \
                 to its gate by hand"
                    .to_owned(),
            );
        }
        notes
    }
}
