//! placeholder
use super::value::Value;
use std::collections::BTreeMap;
/// x
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entitlements(BTreeMap<Box<str>, Value>);
impl Entitlements {
    /// x
    pub fn new(map: BTreeMap<Box<str>, Value>) -> Self {
        Self(map)
    }
    /// x
    pub fn team_identifier(&self) -> Option<&str> {
        self.0.get("com.apple.developer.team-identifier")?.as_str()
    }
    /// x
    pub fn application_identifier(&self) -> Option<&str> {
        self.0
            .get("application-identifier")
            .or_else(|| self.0.get("com.apple.application-identifier"))?
            .as_str()
    }
    /// x
    pub fn get_task_allow(&self) -> bool {
        self.0
            .get("get-task-allow")
            .or_else(|| self.0.get("com.apple.security.get-task-allow"))
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }
}
