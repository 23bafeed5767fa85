//! macOS keychains through Apple's `security` program.
//!
//! The program and not the framework, because of who may use a key: an imported key is open to the tools that the import
//! named and to the partition of the program that imported it. `security` carries Apple's partition, a program of ours
//! its own, and codesign would be refused until `security` is called anyway.
//!
//! Each step is followed by a look at what it should have done, because exit codes are not to be trusted: `find-identity`
//! always gives 0, and an open keychain takes any password for the right one (so it is locked before a password is
//! accepted). Secrets go through standard input (`caller`), or through a file of ours that lives for the moment of an
//! import.
//!
//! A PKCS#12 file is converted before it is imported: to the form that every macOS reads, so that the same file works on
//! macOS 13 and 15, and *without* `-f pkcs12`, which since macOS 15 makes `security` ignore `-x` (not extractable).
//!
//! Everything here is compiled and tested on Linux against a stand-in for `security`; see the README for what has run on
//! a Mac.

mod backend;
mod caller;
#[cfg(target_os = "macos")]
mod framework;
mod known_errors;
mod preferences;
mod search_list;
mod securityd;
mod securityd_tool;

pub use self::backend::{MacOsBackend, MacOsConfig};
#[cfg(target_os = "macos")]
pub use self::framework::Framework;
pub use self::preferences::Preferences;
pub use self::securityd::{Securityd, Session};
