//! The ledger: what must be remembered.
//!
//! Files that outlive every run and that somebody will read when things went wrong. They only grow, each entry is bound
//! to the one before it, and nothing here decides: the rooms above say what happened, the ledger keeps it.

pub mod audit;
