//! The signing context: decisions only, no effects.

pub mod manifest;
