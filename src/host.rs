//! Effects on this machine: the only room, with the ledger, that touches the world.
//!
//! What is decided above is done here. Nothing in this room decides who may sign; it is handed proof.

pub mod keychain;
pub mod private;
pub mod process;
pub mod random;
pub mod run_id;
pub mod window;
