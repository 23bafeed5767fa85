//! The Xcode project of a verb that nobody named one for: the one at hand is meant, and that is said.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::notice::Notice;
use super::world::World;
use crate::base::error::ErrorCode;
use crate::base::remedy::Remedy;
use crate::host::project_search::{self, Found};

/// The project at hand, which is said if there is one; or why there is none, in words.
pub(super) fn look(world: &World) -> Result<PathBuf, NoProject> {
    match project_search::find(Path::new("."), world.home()) {
        Found::One(project) => {
            let message = format!(
                "nobody named an Xcode project, so {} is meant",
                project.display()
            );
            world.notify(&Notice::Understood(&message));
            Ok(project)
        }
        Found::None { is_complete: true } => Err(NoProject::None),
        Found::None { is_complete: false } => Err(NoProject::NotSeen),
        Found::Several(projects) => Err(NoProject::Several(projects)),
    }
}

/// Whether certainly no project is at hand.
pub(super) fn is_none(world: &World) -> bool {
    let found = project_search::find(Path::new("."), world.home());
    matches!(found, Found::None { is_complete: true })
}

/// Why no project is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoProject {
    /// There is none here.
    #[error("no Xcode project is named, and none is here")]
    None,
    /// There may be one in what was not looked at.
    #[error(
        "no Xcode project is named, and none was found before the search ended: there are too many files"
    )]
    NotSeen,
    /// Which of them is meant?
    #[error("no Xcode project is named, and several are here: {}", listed(.0))]
    Several(Vec<PathBuf>),
}

/// So many are listed: who has more knows that they are many.
const MOST_LISTED: usize = 20;

fn listed(projects: &[PathBuf]) -> String {
    let some = projects.iter().take(MOST_LISTED);
    let mut some: Vec<String> = some.map(|path| path.display().to_string()).collect();
    if projects.len() > MOST_LISTED {
        some.push(format!("and {} more", projects.len() - MOST_LISTED));
    }
    some.join(", ")
}

impl From<NoProject> for Error {
    fn from(none: NoProject) -> Self {
        let hint = match none {
            NoProject::None | NoProject::NotSeen => "name the Xcode project or workspace",
            NoProject::Several(_) => "name the one that is meant",
        };
        Self::new(ErrorCode::Usage, none.to_string())
            .hint(hint)
            .remedy(Remedy::NameProject)
    }
}
