//! Effects on this machine: the only room that touches the world, besides the ledger.
//!
//! What is decided elsewhere is carried out here, and what decisions need to know is observed here. Every function says
//! what it does when the world is not as it should be: a directory instead of a file, a pipe that nobody writes to, a
//! disk that is full half-way.
//!
//! - [`directories`]: where things lie by default, and which trees do not keep what is put into them
//! - [`files`]: reading that never blocks or runs out of bounds, writing that is never half done, locks
//! - [`node`]: what this machine calls itself, and who we are on it
//! - [`profile_store`]: provisioning profiles on disk
//! - [`secret_source`]: how a password comes in

pub mod directories;
pub mod files;
pub mod node;
pub mod profile_store;
pub mod secret_source;
