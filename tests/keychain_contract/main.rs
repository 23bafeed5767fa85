//! What every keychain backend must do, claim by claim, over each of them.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod contents;
mod contract;
mod opening;
mod security_tool;
