//! Built products on this machine.
//!
//! - [`folder`]: a bundle or a program as it lies on disk
//! - [`archive`]: an `.ipa`, read where it lies

pub mod archive;
pub mod folder;
