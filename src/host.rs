//! Effects on this machine: the only room that touches the world, besides the ledger.
//!
//! This room carries out what other rooms decide, and observes what decisions need. The documentation of each
//! function says what happens in bad cases: a directory instead of a file, a pipe without a writer, a disk that
//! becomes full.
//!
//! - [`access`]: what this user may change of a directory and of the way to it
//! - [`app_store_connect`]: the API of App Store Connect: the only place that uses the network
//! - [`ci_system`]: which CI system builds a repository
//! - [`contract`]: what the contract suite needs: a throw-away directory and identity
//! - [`deadline`]: when a window ends, by two clocks
//! - [`default_branch`]: the branch that others work from
//! - [`directories`]: default directories, and directories that something clears
//! - [`evidence`]: what the kernel and the loader say of this process
//! - [`files`]: reads that never block and are bounded, writes that are complete or do not happen
//! - [`folder_walk`]: projects, workspaces and profiles below a folder
//! - [`git`]: a file as a branch of the repository holds it
//! - [`inputs`]: the files that a verdict rests on, to be read again when the command has ended
//! - [`journal`]: what a run was about to do, so that another process can finish it
//! - [`keychain`]: the CI keychain: created, opened for a window, closed
//! - [`lifeline`]: what a run tells its watchdog
//! - [`mac`]: what only a Mac has: its Xcodes, the session of this process
//! - [`match_tree`]: the files of a match repository
//! - [`name_search`]: where the files of a repository name something
//! - [`node`]: the name of this machine, and the current user
//! - [`observation`]: the facts about this machine that the gate judges
//! - [`owned_files`]: files and directories that only this user can use
//! - [`password_service`]: a keychain's password that another user holds
//! - [`permit`]: the permission to open a keychain
//! - [`process`]: the only place that starts processes
//! - [`product`]: built products
//! - [`profile_store`]: provisioning profiles on disk
//! - [`project_root`]: the folder that the files of a project may reach into
//! - [`project_search`]: the project that nobody named
//! - [`proofs`]: the cache of what was proven before
//! - [`random`]: bytes from the operating system's generator
//! - [`run_id`]: the name of one run
//! - [`secret_source`]: how a password comes in
//! - [`session`]: a command runs while a keychain is open, and the keychain closes
//! - [`signer`]: who signs an envelope
//! - [`sources`]: project files, for `xcode`
//! - [`state_dir`]: the directory of everything that countersign keeps
//! - [`transaction`]: files that change together
//! - [`watchdog`]: closes the keychain when the run cannot
//! - [`window`]: a keychain that is open, and what closes it

pub mod access;
pub mod app_store_connect;
pub mod ci_system;
pub mod contract;
pub mod deadline;
pub mod default_branch;
pub mod directories;
pub mod evidence;
pub mod files;
pub mod folder_walk;
pub mod git;
pub mod inputs;
pub mod journal;
pub mod keychain;
pub mod lifeline;
pub mod mac;
pub mod match_tree;
pub mod name_search;
pub mod nearest;
pub mod node;
pub mod observation;
pub mod owned_files;
pub mod password_service;
pub mod permit;
pub mod process;
pub mod product;
pub mod profile_store;
pub mod project_root;
pub mod project_search;
pub mod proofs;
pub mod random;
pub mod run_id;
pub mod secret_source;
pub mod session;
pub mod signer;
pub mod sources;
pub mod state_dir;
pub mod transaction;
pub mod watchdog;
pub mod window;
