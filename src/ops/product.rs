//! Built products: show, verify and check.

mod check;
mod document;
mod open;
mod verify;

pub use self::check::{Built, CheckRequest, check, check_built};
pub use self::document::{
    ProductDocument, ShownComponent, ShownItem, ShownProduct, ShownSeal, ShownSlice,
};
pub(super) use self::open::digest;
pub(super) use self::verify::verified;
pub use self::verify::{show, verify};
