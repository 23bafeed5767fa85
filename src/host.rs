//! Effects on this machine: the only room that touches the world, besides the ledger.
//!
//! What is decided elsewhere is carried out here, and what decisions need to know is observed here. Every function says
//! what it does when the world is not as it should be: a directory instead of a file, a pipe that nobody writes to, a
//! disk that is full half-way.
//!
//! - [`directories`]: where things lie by default, and which trees do not keep what is put into them
//! - [`files`]: reading that never blocks or runs out of bounds, writing that is never half done, locks
//! - [`journal`]: what a run was about to do, for whoever must finish it
//! - [`keychain`]: the CI keychain: created, opened for a window, closed
//! - [`lifeline`]: what a run tells its watchdog
//! - [`node`]: what this machine calls itself, and who we are on it
//! - [`observation`]: this machine as the gate judges it
//! - [`owned_files`]: files and directories that are this user's alone
//! - [`permit`]: the permission to open a keychain
//! - [`process`]: the only spawner
//! - [`profile_store`]: provisioning profiles on disk
//! - [`random`]: bytes from the operating system's generator
//! - [`run_id`]: the name of one run
//! - [`secret_source`]: how a password comes in
//! - [`session`]: a command runs while a keychain is open, and the keychain closes
//! - [`sources`]: project files, for `xcode`
//! - [`state_dir`]: where everything lies that countersign keeps
//! - [`watchdog`]: closes the keychain when the run cannot
//! - [`window`]: a keychain that is open, and what closes it

pub mod directories;
pub mod files;
pub mod journal;
pub mod keychain;
pub mod lifeline;
pub mod node;
pub mod observation;
pub mod owned_files;
pub mod permit;
pub mod process;
pub mod profile_store;
pub mod random;
pub mod run_id;
pub mod secret_source;
pub mod session;
pub mod sources;
pub mod state_dir;
pub mod watchdog;
pub mod window;
