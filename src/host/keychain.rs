//! Keychains: where private keys lie, and who may open them.
//!
//! A [`KeychainBackend`] makes a keychain, puts identities in, opens it for one run, closes it and says whether it is
//! open. There are two:
//!
//! - [`macos`]: macOS keychains, driven through Apple's own `security` program, because a key that another program
//!   imports carries that program's partition and codesign is refused. What can be had without a secret (status, locking,
//!   the search list, the certificates) it asks of a [`Securityd`](macos::Securityd): the tool again, or
//!   `framework` on a Mac, which never prompts.
//! - [`portable`]: a PKCS#12 file under the keychain's password, on any system: for rehearsals, and for signing on Linux.
//!
//! Three rules hold for both, and one suite of contract tests runs over both. *Opening takes proof*: [`OpenPermit`](super::permit::OpenPermit) is
//! minted only from a gate's clearance. *Every step is read back*, because the tools lie with exit code 0. *Closing asks
//! for nothing*: no password, no permit, no open keychain; it can be repeated, and it goes on after a failed part, so
//! that a watchdog, a recovery or a signal handler can always do it.

mod backend;
mod backends;
mod create;
mod error;
mod imported;
mod kept_password;
mod kind;
pub mod macos;
mod password;
mod password_source;
pub(in crate::host) mod path;
pub mod portable;

pub use self::backend::{ChildAccess, Closer, KeychainBackend, Opening, Settings};
pub use self::backends::Backends;
pub use self::create::{create, refuse_existing};
pub use self::error::KeychainError;
pub use self::kept_password::{KeptPassword, KeptPasswordError};
pub use self::kind::{BackendKind, LockState};
pub use self::password_source::PasswordSource;
pub use self::path::KeychainPath;
