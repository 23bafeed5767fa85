//! What a provisioning profile says, before anything is believed.
//!
//! Both layers are read into [`Claims`], so that comparing them is comparing two values of one type, and so that a file
//! that cannot be proven can still be shown "as far as it could be read". Every field is optional here;
//! [`crate::apple::profile`] decides which ones a profile must have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};

use super::plist_error;
use super::value::{MAX_DEPTH, Value, ValueSeed};
use crate::base::ids::CertSha256;

/// How many characters of a claimed text are kept: a name is for people.
const MAX_TEXT: usize = 1_000;

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
    pub certificate_ders: Vec<Vec<u8>>,
    /// `DER-Encoded-Profile`: the inner layer.
    pub inner: Option<Vec<u8>>,
}

/// Why the content of a profile is not a property list that one can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the property list cannot be read: {0}")]
pub struct PlistError(String);

impl OuterPlist {
    /// Reads the XML property list that the outer layer signs.
    ///
    /// # Errors
    /// It is no XML plist, its root is no dictionary, or a key holds a value of another type; the error names the key.
    pub fn from_xml(xml: &[u8]) -> Result<Self, PlistError> {
        plist::from_reader_xml(xml).map_err(|error| PlistError(plist_error::in_words(&error)))
    }
}

impl<'de> serde::Deserialize<'de> for OuterPlist {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OuterVisitor)
    }
}

struct OuterVisitor;

impl<'de> Visitor<'de> for OuterVisitor {
    type Value = OuterPlist;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dictionary")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OuterPlist, A::Error> {
        let mut outer = OuterPlist::default();
        while let Some(key) = map.next_key::<String>()? {
            read_entry(&mut outer, &key, &mut map)
                .map_err(|error| A::Error::custom(format_args!("at key {key:?}: {error}")))?;
        }
        Ok(outer)
    }
}

fn read_entry<'de, A: MapAccess<'de>>(
    outer: &mut OuterPlist,
    key: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    let claims = &mut outer.claims;
    let mut repeated = Vec::new();
    let same = match key {
        "UUID" => set(&mut claims.uuid, text(map)?),
        "Name" => set(&mut claims.name, text(map)?),
        "AppIDName" => set(&mut claims.app_id_name, text(map)?),
        "TeamName" => set(&mut claims.team_name, text(map)?),
        "TeamIdentifier" => set(&mut claims.team_ids, texts(map)?),
        "ApplicationIdentifierPrefix" => set(&mut claims.prefixes, texts(map)?),
        "Platform" => set(&mut claims.platforms, texts(map)?),
        "CreationDate" => set(&mut claims.created, date(map)?),
        "ExpirationDate" => set(&mut claims.expires, date(map)?),
        "ProvisionsAllDevices" => set(&mut claims.provisions_all_devices, map.next_value()?),
        "IsXcodeManaged" => set(&mut claims.xcode_managed, map.next_value()?),
        "TimeToLive" => set(&mut claims.time_to_live, map.next_value()?),
        "ProvisionedDevices" => {
            let devices = texts(map)?
                .into_iter()
                .map(String::into_boxed_str)
                .collect();
            set(&mut claims.devices, devices)
        }
        "DeveloperCertificates" => {
            let ders: Vec<Vec<u8>> = map
                .next_value::<Vec<plist::Data>>()?
                .into_iter()
                .map(Into::into)
                .collect();
            let same = set(
                &mut claims.certificates,
                ders.iter().map(|der| CertSha256::of(der)).collect(),
            );
            outer.certificate_ders = ders;
            same
        }
        "DER-Encoded-Profile" => set(&mut outer.inner, map.next_value::<plist::Data>()?.into()),
        "Entitlements" => match map.next_value_seed(EntitlementsSeed {
            repeated: &mut repeated,
        })? {
            Value::Dictionary(entitlements) => set(&mut claims.entitlements, entitlements),
            _ => return Err(A::Error::custom("expected a dictionary")),
        },
        _ => {
            // Keys that we do not use are read within the same bounds and forgotten.
            map.next_value_seed(Skip { depth: MAX_DEPTH })?;
            true
        }
    };
    outer.claims.repeated_keys.extend(repeated);
    if !same {
        outer.claims.repeated_keys.push(key.to_owned());
    }
    Ok(())
}

/// Stores the last value of a key; whether an earlier one, if any, was the same.
fn set<T: PartialEq>(slot: &mut Option<T>, value: T) -> bool {
    let same = slot.as_ref().is_none_or(|earlier| *earlier == value);
    *slot = Some(value);
    same
}

/// A value within bounds, in which the last of repeated keys wins and the repetition is noted.
struct EntitlementsSeed<'a> {
    repeated: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for EntitlementsSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let mut note = |key: &str| {
            self.repeated.push(format!("Entitlements/{key}"));
            true
        };
        ValueSeed {
            depth: MAX_DEPTH,
            repeated: &mut note,
            marks_data: false,
        }
        .deserialize(deserializer)
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    let mut text: String = map.next_value()?;
    if text.len() > MAX_TEXT {
        text = text.chars().take(MAX_TEXT / 4).collect();
    }
    Ok(text)
}

fn texts<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<String>, A::Error> {
    map.next_value()
}

fn date<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Timestamp, A::Error> {
    let date: plist::Date = map.next_value()?;
    Timestamp::try_from(std::time::SystemTime::from(date)).map_err(A::Error::custom)
}

/// Reads over any value without keeping it, within a depth (serde's own `IgnoredAny` has none).
struct Skip {
    depth: usize,
}

impl Skip {
    fn inner<E: serde::de::Error>(&self) -> Result<Skip, E> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")))?;
        Ok(Skip { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_bytes<E>(self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.inner()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<String>()?.is_some() {
            map.next_value_seed(self.inner()?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plist(body: &str) -> Result<OuterPlist, PlistError> {
        OuterPlist::from_xml(
            format!("<?xml version=\"1.0\"?><plist version=\"1.0\">{body}</plist>").as_bytes(),
        )
    }

    #[test]
    fn a_value_of_the_wrong_type_names_its_key() {
        let error = plist("<dict><key>UUID</key><integer>3</integer></dict>").unwrap_err();
        assert!(error.to_string().contains("\"UUID\""), "{error}");
        assert!(plist("<array/>").is_err());
        assert!(plist("<dict><key>ExpirationDate</key><date>never</date></dict>").is_err());
    }

    #[test]
    fn keys_that_we_do_not_use_may_hold_anything_but_not_without_bottom() {
        let deep = format!("{}{}", "<array>".repeat(20), "</array>".repeat(20));
        assert!(
            plist(&format!(
                "<dict><key>New</key>{deep}<key>Name</key><string>n</string></dict>"
            ))
            .is_ok()
        );
        let bottomless = format!("{}{}", "<array>".repeat(500), "</array>".repeat(500));
        let error = plist(&format!("<dict><key>New</key>{bottomless}</dict>")).unwrap_err();
        assert!(error.to_string().contains("deeper than"), "{error}");
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
        assert_eq!(outer.claims.repeated_keys, ["Name", "Entitlements/x"]);
        assert_eq!(
            outer.claims.entitlements.unwrap()["x"],
            Value::Boolean(false)
        );
    }

    #[test]
    fn entities_are_not_expanded_without_end() {
        let bomb =
            b"<?xml version=\"1.0\"?><!DOCTYPE p [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\
            <plist version=\"1.0\"><dict><key>Name</key><string>&b;</string></dict></plist>";
        let read = OuterPlist::from_xml(bomb)
            .ok()
            .and_then(|outer| outer.claims.name);
        assert!(read.is_none_or(|name| name.is_empty()));
    }
}
