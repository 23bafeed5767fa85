//! The content of a provisioning profile before it is proven.
//!
//! Both layers are read into [`Claims`], so that comparing them is comparing two values of one type, and so that a file
//! that cannot be proven can still be shown "as far as it could be read". Every field is optional here;
//! [`crate::apple::profile`] decides which ones a profile must have.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::property_list::{self, PropertyListError};
use super::value::Value;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::CertSha256;

/// The largest property list that is read, in bytes: no larger than the file around it may be.
const MAX_CONTENT: usize = 8 * 1024 * 1024;

/// What one layer of a profile states. Names of fields are the plist keys of TN3125.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// `UUID`.
    pub uuid: Option<String>,
    /// `Name`.
    pub name: Option<String>,
    /// `AppIDName`.
    pub app_id_name: Option<String>,
    /// `TeamName`.
    pub team_name: Option<String>,
    /// `TeamIdentifier`: one in every profile of today, several in some old ones.
    pub team_ids: Option<Vec<String>>,
    /// `ApplicationIdentifierPrefix`: the first is the one in use.
    pub prefixes: Option<Vec<String>>,
    /// `Platform`: absent in old files, which are iOS.
    pub platforms: Option<Vec<String>>,
    /// `CreationDate`.
    pub created: Option<Timestamp>,
    /// `ExpirationDate`.
    pub expires: Option<Timestamp>,
    /// `DeveloperCertificates`, as SHA-256 fingerprints in the order of the file.
    pub certificates: Option<Vec<CertSha256>>,
    /// `Entitlements`.
    pub entitlements: Option<BTreeMap<Box<str>, Value>>,
    /// `ProvisionedDevices`: kept only to be compared and counted, never shown.
    pub devices: Option<BTreeSet<Box<str>>>,
    /// `ProvisionsAllDevices`.
    pub provisions_all_devices: Option<bool>,
    /// `IsXcodeManaged`.
    pub xcode_managed: Option<bool>,
    /// `TimeToLive`, in days.
    pub time_to_live: Option<i64>,
    /// `ProfileDistributionType`, of inner layers only.
    pub distribution_type: Option<String>,
    /// Keys that stand twice with different values; the last one counts, as for Apple's XML parser.
    pub repeated_keys: Vec<String>,
}

/// The outer layer's property list: its claims and what only it carries.
#[derive(Debug, Default)]
pub struct OuterPlist {
    /// What it states.
    pub claims: Claims,
    /// The DER of each developer certificate, in the order of the file.
    pub certificate_ders: Vec<Box<[u8]>>,
    /// `DER-Encoded-Profile`: the inner layer.
    pub inner: Option<Box<[u8]>>,
}

/// Why the content of a profile is not a property list that one can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlistError {
    /// It is no property list.
    #[error("the property list cannot be read: {0}")]
    Malformed(#[from] PropertyListError),
    /// Its root is no dictionary.
    #[error("the property list is not a dictionary")]
    NotDictionary,
    /// A key holds a value of another type.
    #[error("the property list holds something other than {expected} at key {key:?}")]
    Type {
        /// The key.
        key: String,
        /// What belongs there.
        expected: &'static str,
    },
}

impl OuterPlist {
    /// Reads the property list that the outer layer signs.
    ///
    /// # Errors
    /// It is no property list, its root is no dictionary, or a key holds a value of another type; the error names the
    /// key.
    pub fn read(content: &[u8]) -> Result<Self, PlistError> {
        let mut outer = Self::default();
        let repeated_keys = &mut outer.claims.repeated_keys;
        let root = property_list::read_with(content, MAX_CONTENT, &mut |key| {
            repeated_keys.push(key.to_owned());
            true
        })?;
        let Value::Dictionary(entries) = root else {
            return Err(PlistError::NotDictionary);
        };
        for (key, value) in entries {
            outer
                .read_entry(&key, value)
                .map_err(|expected| PlistError::Type {
                    key: key.into(),
                    expected,
                })?;
        }
        Ok(outer)
    }

    /// Reads one entry; keys that we do not use are passed over, whatever they hold.
    fn read_entry(&mut self, key: &str, value: Value) -> Result<(), &'static str> {
        let claims = &mut self.claims;
        match key {
            "UUID" => claims.uuid = Some(text(value)?),
            "Name" => claims.name = Some(text(value)?),
            "AppIDName" => claims.app_id_name = Some(text(value)?),
            "TeamName" => claims.team_name = Some(text(value)?),
            "TeamIdentifier" => claims.team_ids = Some(texts(value)?),
            "ApplicationIdentifierPrefix" => claims.prefixes = Some(texts(value)?),
            "Platform" => claims.platforms = Some(texts(value)?),
            "CreationDate" => claims.created = Some(date(value)?),
            "ExpirationDate" => claims.expires = Some(date(value)?),
            "ProvisionsAllDevices" => claims.provisions_all_devices = Some(boolean(value)?),
            "IsXcodeManaged" => claims.xcode_managed = Some(boolean(value)?),
            "TimeToLive" => match value {
                Value::Integer(days) => claims.time_to_live = Some(days),
                _ => return Err("an integer"),
            },
            "ProvisionedDevices" => {
                claims.devices = Some(
                    texts(value)?
                        .into_iter()
                        .map(String::into_boxed_str)
                        .collect(),
                );
            }
            "DeveloperCertificates" => {
                let Value::Array(items) = value else {
                    return Err("an array of data");
                };
                self.certificate_ders = items.into_iter().map(data).collect::<Result<_, _>>()?;
                claims.certificates = Some(
                    self.certificate_ders
                        .iter()
                        .map(|der| CertSha256::of(der))
                        .collect(),
                );
            }
            "DER-Encoded-Profile" => self.inner = Some(data(value)?),
            "Entitlements" => match value {
                Value::Dictionary(entitlements) => claims.entitlements = Some(entitlements),
                _ => return Err("a dictionary"),
            },
            _ => {}
        }
        Ok(())
    }
}

fn text(value: Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.into()),
        _ => Err("a string"),
    }
}

fn texts(value: Value) -> Result<Vec<String>, &'static str> {
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map_err(|_| "an array of strings"),
        _ => Err("an array of strings"),
    }
}

fn data(value: Value) -> Result<Box<[u8]>, &'static str> {
    match value {
        Value::Data(bytes) => Ok(bytes),
        _ => Err("data"),
    }
}

fn boolean(value: Value) -> Result<bool, &'static str> {
    value.as_bool().ok_or("true or false")
}

fn date(value: Value) -> Result<Timestamp, &'static str> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or("a date")
}

impl Explain for PlistError {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed(error) => error.hint(),
            Self::NotDictionary | Self::Type { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plist(body: &str) -> Result<OuterPlist, PlistError> {
        OuterPlist::read(
            format!("<?xml version=\"1.0\"?><plist version=\"1.0\">{body}</plist>").as_bytes(),
        )
    }

    #[test]
    fn a_value_of_the_wrong_type_names_its_key() {
        let error = plist("<dict><key>UUID</key><integer>3</integer></dict>").unwrap_err();
        assert_eq!(
            error,
            PlistError::Type {
                key: "UUID".into(),
                expected: "a string"
            }
        );
        assert_eq!(plist("<array/>").unwrap_err(), PlistError::NotDictionary);
        assert!(plist("<dict><key>ExpirationDate</key><date>never</date></dict>").is_err());
        assert!(plist("<dict><key>ExpirationDate</key><string>never</string></dict>").is_err());
    }

    #[test]
    fn the_last_of_repeated_keys_counts_and_is_noted_only_where_they_differ() {
        let outer = plist(
            "<dict><key>Name</key><string>a</string><key>Name</key><string>b</string>\
             <key>UUID</key><string>u</string><key>UUID</key><string>u</string>\
             <key>Entitlements</key><dict><key>x</key><true/><key>x</key><false/></dict></dict>",
        )
        .unwrap();
        assert_eq!(outer.claims.name.as_deref(), Some("b"));
        assert_eq!(outer.claims.repeated_keys, ["Name", "x"]);
        assert_eq!(
            outer.claims.entitlements.unwrap()["x"],
            Value::Boolean(false)
        );
    }

    #[test]
    fn keys_that_we_do_not_use_may_hold_anything() {
        let outer = plist(
            "<dict><key>New</key><array><dict/></array><key>Name</key><string>n</string></dict>",
        );
        assert_eq!(outer.unwrap().claims.name.as_deref(), Some("n"));
    }
}
