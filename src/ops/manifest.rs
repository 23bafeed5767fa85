//! The frozen manifest: freeze, show, digest, diff, verify.

mod diff;
mod digest;
pub(in crate::ops) mod freeze;
mod show;
mod verify;

pub use self::diff::{DiffDocument, diff};
pub use self::digest::{DigestDocument, digest};
pub use self::freeze::{FreezeDocument, FreezeRequest, FrozenManifest, freeze};
pub use self::show::{ShowDocument, ShownPin, ShownProductPin, ShownTargetPin, show};
pub use self::verify::{VerifyDocument, verify};
