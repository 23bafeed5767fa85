//! Entitlements: what a product claims, and what a profile grants.
//!
//! Both are the same dictionary with opposite meanings, so one type serves: a target's `.entitlements` file, the
//! `Entitlements` of a profile (outer plist or inner DER layer), and the claims inside a code signature. Whether a grant
//! covers a claim is asked in [`grant`].
//!
//! In JSON (the manifest) it is a plain object, keys sorted.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::property_list::{self, PropertyListError};
use super::value::Value;
use crate::base::error::{ErrorCode, Explain};

pub mod grant;

/// The largest `.entitlements` file that is read: real ones have a few kilobytes.
pub const MAX_FILE: usize = 1024 * 1024;

/// A dictionary of entitlements, keys sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Entitlements(BTreeMap<Box<str>, Value>);

/// Why bytes are not entitlements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntitlementsError {
    /// The file is no property list, or a broken one.
    #[error("the entitlements cannot be read: {0}")]
    PropertyList(#[from] PropertyListError),
    /// A property list, but not a dictionary.
    #[error("entitlements must be a dictionary, but this property list holds {0}")]
    NotDictionary(&'static str),
}

impl Entitlements {
    /// Reads the bytes of a `.entitlements` file: an XML or binary property list of at most [`MAX_FILE`] bytes. Build
    /// settings in it (`$(AppIdentifierPrefix)`) stay as they are: see [`Entitlements::map_strings`].
    ///
    /// # Errors
    /// [`EntitlementsError`], with line or offset and key where they are known.
    pub fn from_plist(bytes: &[u8]) -> Result<Self, EntitlementsError> {
        Self::try_from(property_list::read(bytes, MAX_FILE)?)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Every key with its value, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The dictionary itself.
    pub fn into_inner(self) -> BTreeMap<Box<str>, Value> {
        self.0
    }

    /// The same entitlements with every string (not the keys) passed through `expand`: how build settings are put in
    /// before a claim is compared with a grant.
    #[must_use]
    pub fn map_strings(&self, mut expand: impl FnMut(&str) -> String) -> Self {
        Self(
            self.0
                .iter()
                .map(|(key, value)| (key.clone(), map_strings(value, &mut expand)))
                .collect(),
        )
    }

    /// `PREFIX.bundle.id`, under the key of iOS (`application-identifier`) or of macOS
    /// (`com.apple.application-identifier`); Catalyst has both, with one value.
    pub fn application_identifier(&self) -> Option<&str> {
        [APPLICATION_IDENTIFIER, MAC_APPLICATION_IDENTIFIER]
            .iter()
            .find_map(|key| self.str(key))
    }

    /// Whether both keys of the application identifier are there: the mark of Mac Catalyst.
    pub fn has_both_application_identifiers(&self) -> bool {
        [APPLICATION_IDENTIFIER, MAC_APPLICATION_IDENTIFIER]
            .iter()
            .all(|key| self.str(key).is_some())
    }

    /// `com.apple.developer.team-identifier`.
    pub fn team_identifier(&self) -> Option<&str> {
        self.str(TEAM_IDENTIFIER)
    }

    /// Whether a debugger may attach: `get-task-allow` (iOS) or `com.apple.security.get-task-allow` (macOS) is true.
    pub fn get_task_allow(&self) -> bool {
        ["get-task-allow", "com.apple.security.get-task-allow"]
            .iter()
            .any(|key| self.bool(key))
    }

    fn str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    fn bool(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool) == Some(true)
    }
}

impl From<BTreeMap<Box<str>, Value>> for Entitlements {
    fn from(values: BTreeMap<Box<str>, Value>) -> Self {
        Self(values)
    }
}

impl TryFrom<Value> for Entitlements {
    type Error = EntitlementsError;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::Dictionary(values) => Ok(Self(values)),
            other => Err(EntitlementsError::NotDictionary(kind(&other))),
        }
    }
}

impl FromIterator<(Box<str>, Value)> for Entitlements {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Entitlements {
    /// From a JSON object; a key that stands twice and nesting without end are errors.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer)?
            .try_into()
            .map_err(serde::de::Error::custom)
    }
}

fn map_strings(value: &Value, expand: &mut impl FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(expand(text).into()),
        Value::Array(values) => Value::Array(
            values
                .iter()
                .map(|value| map_strings(value, expand))
                .collect(),
        ),
        Value::Dictionary(values) => Value::Dictionary(
            values
                .iter()
                .map(|(key, value)| (key.clone(), map_strings(value, expand)))
                .collect(),
        ),
        Value::Boolean(_) | Value::Integer(_) | Value::Data(_) => value.clone(),
    }
}

/// The kind of a value, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "a boolean",
        Value::Integer(_) => "an integer",
        Value::String(_) => "a string",
        Value::Data(_) => "data",
        Value::Array(_) => "an array",
        Value::Dictionary(_) => "a dictionary",
    }
}

const APPLICATION_IDENTIFIER: &str = "application-identifier";
const MAC_APPLICATION_IDENTIFIER: &str = "com.apple.application-identifier";
const TEAM_IDENTIFIER: &str = "com.apple.developer.team-identifier";
pub(crate) const APPLICATION_GROUPS: &str = "com.apple.security.application-groups";
/// The keys of iOS and of macOS.
const APS_ENVIRONMENT: [&str; 2] = ["aps-environment", "com.apple.developer.aps-environment"];

impl Explain for EntitlementsError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::PropertyList(error) => error.hint(),
            Self::NotDictionary(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plist(body: &str) -> Entitlements {
        Entitlements::from_plist(format!("<plist><dict>{body}</dict></plist>").as_bytes()).unwrap()
    }

    #[test]
    fn the_application_identifier_stands_under_either_key() {
        let ios = plist("<key>application-identifier</key><string>T.a</string>");
        let mac = plist("<key>com.apple.application-identifier</key><string>T.a</string>");
        for entitlements in [&ios, &mac] {
            assert_eq!(entitlements.application_identifier(), Some("T.a"));
            assert!(!entitlements.has_both_application_identifiers());
        }
        assert_eq!(plist("").application_identifier(), None);
        assert!(
            plist(
                "<key>application-identifier</key><string>T.a</string>\
                 <key>com.apple.application-identifier</key><string>T.a</string>"
            )
            .has_both_application_identifiers()
        );
    }

    #[test]
    fn accessors_read_what_is_of_the_right_kind_only() {
        let entitlements = plist(
            "<key>com.apple.security.get-task-allow</key><true/>\
             <key>beta-reports-active</key><string>yes</string>\
             <key>keychain-access-groups</key><array><string>T.*</string><true/><string>com.apple.token</string></array>\
             <key>com.apple.security.application-groups</key><string>group.a</string>\
             <key>com.apple.developer.aps-environment</key><string>production</string>\
             <key>com.apple.developer.team-identifier</key><string>T</string>",
        );
        assert!(entitlements.get_task_allow());
        assert_eq!(entitlements.team_identifier(), Some("T"));
        assert_eq!(entitlements.len(), 6);
    }

    #[test]
    fn json_is_a_plain_object_and_comes_back() {
        let entitlements =
            plist("<key>b</key><true/><key>a</key><array><string>x</string></array>");
        let json = serde_json::to_string(&entitlements).unwrap();
        assert_eq!(json, r#"{"a":["x"],"b":true}"#);
        assert_eq!(
            serde_json::from_str::<Entitlements>(&json).unwrap(),
            entitlements
        );
    }

    #[test]
    fn json_that_repeats_a_key_is_no_object_or_has_no_bottom_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
        for (json, says) in [
            (r#"{"a":true,"a":true}"#, "duplicate key \"a\""),
            ("[]", "this property list holds an array"),
            (&deep, "deeper than"),
        ] {
            let error = serde_json::from_str::<Entitlements>(json).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn a_plist_that_is_no_dictionary_is_refused() {
        assert_eq!(
            Entitlements::from_plist(b"<plist><array/></plist>"),
            Err(EntitlementsError::NotDictionary("an array"))
        );
        let error = Entitlements::from_plist(&vec![b' '; MAX_FILE + 1]).unwrap_err();
        assert!(error.to_string().contains("at most"), "{error}");
        let error = Entitlements::from_plist(
            b"<plist><dict><key>a</key><true/><key>a</key><false/></dict></plist>",
        )
        .unwrap_err();
        assert!(error.to_string().contains("\"a\" stands twice"), "{error}");
    }

    #[test]
    fn every_string_is_expanded_and_nothing_else() {
        let claimed = plist(
            "<key>$(K)</key><string>$(X)</string>\
             <key>list</key><array><string>$(X).a</string><dict><key>x</key><string>$(X)</string></dict></array>\
             <key>flag</key><true/>",
        );
        let expanded = claimed.map_strings(|text| text.replace("$(X)", "TEAM"));
        assert_eq!(
            serde_json::to_string(&expanded).unwrap(),
            r#"{"$(K)":"TEAM","flag":true,"list":["TEAM.a",{"x":"TEAM"}]}"#
        );
    }
}
