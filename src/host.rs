//! Effects on this machine: the only room, with the ledger, that touches the world.
//!
//! What is decided above is done here. Nothing in this room decides who may sign; it is handed proof.

pub mod process;
