//! App Store Connect: list, renew, fetch. No other verb uses the network.

pub mod access;
pub mod document;
pub mod fetch;
pub mod list;
pub mod renew;
mod work;
