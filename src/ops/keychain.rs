//! The CI keychain: create, import, lock, status, destroy, recover. Opening one is what a run does.
//!
//! - [`create`], [`import`], [`lock`], [`status`], [`destroy`], [`recover`]: the verbs
//! - [`dead_runs`]: runs that were killed are finished first
//! - [`selected`]: which keychain is meant, and its password
//! - [`work`]: how work on a keychain is recorded and guarded

pub mod create;
pub mod dead_runs;
pub mod destroy;
pub mod import;
pub mod lock;
pub mod recover;
pub mod selected;
pub mod status;
pub mod work;
