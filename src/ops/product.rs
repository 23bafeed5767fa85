//! Built products: show and verify.

mod document;
mod open;
mod verify;

pub use self::document::{
    ProductDocument, ShownComponent, ShownItem, ShownProduct, ShownSeal, ShownSlice,
};
pub(super) use self::verify::verified;
pub use self::verify::{show, verify};
