//! What macOS keeps of a user's keychains: the search list and the default keychain.
//!
//! Looked at through `security`, whatever else the backend asks: who claims that both are as they were asks Apple's own tool,
//! and a tool that hangs is ended.

use std::path::PathBuf;

use super::backend::{MacOsConfig, caller_of};
use super::securityd::Securityd as _;
use super::securityd_tool::SecuritydTool;
use crate::host::keychain::error::KeychainError;

/// The search list and the default keychain of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Which keychains are looked into, in this order.
    pub search_list: Vec<PathBuf>,
    /// The keychain that new items go into, if there is one.
    pub default_keychain: Option<PathBuf>,
}

impl Preferences {
    /// As they are now.
    ///
    /// # Errors
    /// `security` does not say.
    pub fn look(config: &MacOsConfig) -> Result<Self, KeychainError> {
        let tool = SecuritydTool {
            caller: caller_of(config),
        };
        Ok(Self {
            search_list: tool.search_list()?,
            default_keychain: tool.default_keychain()?,
        })
    }
}
