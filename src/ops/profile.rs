//! Provisioning profiles: show, list, check, install, prune.

mod check;
mod document;
pub(in crate::ops) mod install;
mod prune;
mod show;

pub use self::check::{CheckDocument, CheckRequest, check};
pub use self::document::{ProfilesDocument, ShownLayer, ShownLayers, ShownProfile};
pub use self::install::{InstallDocument, InstalledFile, install};
pub use self::prune::{PruneDocument, PruneRequest, PrunedFile, prune};
pub use self::show::{list, show};
