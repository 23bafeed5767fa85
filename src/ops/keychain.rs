//! The CI keychain: create, import, lock, status, destroy, recover, serve. Opening one is what a run does.
//!
//! - [`create`], [`import`], [`lock`], [`status`], [`destroy`], [`recover`]: the verbs
//! - [`dead_runs`]: runs that were killed are finished first
//! - [`serve`]: its password is held for the runs of another user
//! - [`served`]: a run whose password is held by another user
//! - [`selected`]: which keychain is meant, and its password
//! - [`work`]: how work on a keychain is recorded and guarded

pub mod create;
pub mod dead_runs;
pub mod destroy;
pub mod import;
pub mod lock;
pub mod recover;
pub mod selected;
pub mod serve;
pub mod served;
pub mod status;
pub mod work;
