//! Provisioning profiles: show, list, install, prune.

mod document;
mod install;
mod prune;
mod show;

pub use self::document::{ProfilesDocument, ShownLayer, ShownLayers, ShownProfile};
pub use self::install::{InstallDocument, InstalledFile, install};
pub use self::prune::{PruneDocument, PruneRequest, PrunedFile, prune};
pub use self::show::{list, show};
