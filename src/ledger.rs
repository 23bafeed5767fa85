//! The ledger: records that must be kept.
//!
//! The ledger's files outlive every run. People read them after something went wrong. The files only grow, and each
//! entry is bound to the one before it. The ledger decides nothing: the rooms above say what happened, and the ledger
//! keeps it.

pub mod audit;
