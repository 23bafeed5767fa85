//! The resources that matter to signing, as App Store Connect tells of them.
//!
//! The schemas promise little: every attribute may be absent. What a decision needs must be there, and a resource without
//! it makes the answer malformed; the rest is optional here too.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{CertificateType, ProfileType};
use crate::apple::certificate;
use crate::base::ids::{CertSha1, CertSha256, ProfileUuid};

/// The opaque id of a resource. Its characters are checked, because it becomes part of a path.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ResourceId(Box<str>);

impl ResourceId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no id of a resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id of a resource has 1 to {LONGEST_ID} letters, digits, - and _")]
pub struct ResourceIdError;

/// The longest id. Apple's have ten characters; linked resources of other APIs have UUIDs.
const LONGEST_ID: usize = 128;

impl FromStr for ResourceId {
    type Err = ResourceIdError;

    fn from_str(text: &str) -> Result<Self, ResourceIdError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        match (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(is_plain) {
            true => Ok(Self(text.into())),
            false => Err(ResourceIdError),
        }
    }
}

impl TryFrom<String> for ResourceId {
    type Error = ResourceIdError;

    fn try_from(text: String) -> Result<Self, ResourceIdError> {
        text.parse()
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `profileState`: how Apple says that a profile stands. It says nothing of expiry: an expired profile stays `ACTIVE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileStanding {
    /// `ACTIVE`.
    Active,
    /// `INVALID`: a certificate was revoked, or the bundle id changed, since it was made.
    Invalid,
    /// A word that this version does not know.
    Unknown(Box<str>),
}

/// What a resource is linked to: ids, of which one answer may hold only the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// The ids that the answer holds.
    pub ids: Vec<ResourceId>,
    /// How many there are, as the answer says.
    pub total: usize,
}

impl Linked {
    /// Whether all ids are there.
    pub fn is_complete(&self) -> bool {
        self.ids.len() >= self.total
    }
}

/// A profile at App Store Connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalProfile {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// What it is for.
    pub profile_type: ProfileType,
    /// How Apple says that it stands.
    pub standing: ProfileStanding,
    /// When it was made, where that is told.
    pub created: Option<Timestamp>,
    /// When it expires.
    pub expires: Timestamp,
    /// The bundle id that it is for; absent if that was deleted.
    pub bundle_id: Option<ResourceId>,
    /// Its certificates.
    pub certificates: Linked,
    /// Its devices.
    pub devices: Linked,
}

/// A certificate at App Store Connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalCertificate {
    /// Its id.
    pub id: ResourceId,
    /// Its name, as the developer site shows it.
    pub name: String,
    /// What it was issued for.
    pub certificate_type: CertificateType,
    /// Its serial number, in hex.
    pub serial: String,
    /// When it expires.
    pub expires: Timestamp,
    /// Its DER encoding, where it is told.
    pub der: Option<Vec<u8>>,
}

impl PortalCertificate {
    /// The SHA-1 of its encoding.
    pub fn sha1(&self) -> Option<CertSha1> {
        self.der.as_deref().map(CertSha1::of)
    }

    /// The SHA-256 of its encoding.
    pub fn sha256(&self) -> Option<CertSha256> {
        self.der.as_deref().map(CertSha256::of)
    }
}

/// A device at App Store Connect. Its identifier (UDID) is not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalDevice {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// Its class: `IPHONE`, `MAC`, …
    pub class: String,
    /// Whether new profiles can take it: `ENABLED`, not `DISABLED`.
    pub is_enabled: bool,
    /// Its model, where that is told.
    pub model: Option<String>,
    /// When it was registered, where that is told.
    pub added: Option<Timestamp>,
}

/// A bundle id at App Store Connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalBundleId {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// The bundle id itself; it may end in `*`.
    pub identifier: String,
    /// The prefix of application identifiers, where it is told.
    pub seed_id: Option<String>,
}

/// A kind of resource, read from a JSON:API document.
pub trait Resource: Sized {
    /// Its `type`.
    const TYPE: &'static str;
    /// Its attributes.
    type Attributes: for<'de> Deserialize<'de> + Default;
    /// Its relationships.
    type Relationships: for<'de> Deserialize<'de> + Default;

    /// The resource of this id.
    ///
    /// # Errors
    /// What is wrong with it: something that must be there is not, or is not of its form.
    fn of(
        id: ResourceId,
        attributes: Self::Attributes,
        relationships: Self::Relationships,
    ) -> Result<Self, String>;
}

/// `attributes` of a profile.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileAttributes {
    name: Option<String>,
    uuid: Option<ProfileUuid>,
    profile_type: Option<ProfileType>,
    profile_state: Option<String>,
    created_date: Option<Timestamp>,
    expiration_date: Option<Timestamp>,
}

/// `relationships` of a profile.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileRelationships {
    #[serde(default)]
    bundle_id: ToOne,
    #[serde(default)]
    certificates: ToMany,
    #[serde(default)]
    devices: ToMany,
}

/// A link to one resource.
#[derive(Debug, Default, Deserialize)]
struct ToOne {
    data: Option<Linkage>,
}

/// Links to many resources.
#[derive(Debug, Default, Deserialize)]
struct ToMany {
    data: Option<Vec<Linkage>>,
    meta: Option<Meta>,
}

/// `meta` of a page or of a linkage.
#[derive(Debug, Deserialize)]
pub(super) struct Meta {
    paging: Option<Paging>,
}

#[derive(Debug, Deserialize)]
struct Paging {
    total: Option<usize>,
}

/// What is linked.
#[derive(Debug, Deserialize)]
pub(super) struct Linkage {
    pub(super) id: ResourceId,
}

impl From<ToMany> for Linked {
    fn from(many: ToMany) -> Self {
        let ids: Vec<ResourceId> = many
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|it| it.id)
            .collect();
        let total = many.meta.and_then(|meta| meta.paging?.total);
        Self {
            total: total.unwrap_or(ids.len()),
            ids,
        }
    }
}

fn needed<T>(attribute: Option<T>, name: &str) -> Result<T, String> {
    attribute.ok_or_else(|| format!("has no {name}"))
}

impl Resource for PortalProfile {
    const TYPE: &'static str = "profiles";
    type Attributes = ProfileAttributes;
    type Relationships = ProfileRelationships;

    fn of(
        id: ResourceId,
        attributes: ProfileAttributes,
        relationships: ProfileRelationships,
    ) -> Result<Self, String> {
        let state = needed(attributes.profile_state, "profileState")?;
        Ok(Self {
            id,
            name: needed(attributes.name, "name")?,
            uuid: needed(attributes.uuid, "uuid")?,
            profile_type: needed(attributes.profile_type, "profileType")?,
            standing: match state.as_str() {
                "ACTIVE" => ProfileStanding::Active,
                "INVALID" => ProfileStanding::Invalid,
                _ => ProfileStanding::Unknown(state.into()),
            },
            created: attributes.created_date,
            expires: needed(attributes.expiration_date, "expirationDate")?,
            bundle_id: relationships.bundle_id.data.map(|it| it.id),
            certificates: relationships.certificates.into(),
            devices: relationships.devices.into(),
        })
    }
}

/// `attributes` of a certificate.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAttributes {
    name: Option<String>,
    certificate_type: Option<CertificateType>,
    serial_number: Option<String>,
    expiration_date: Option<Timestamp>,
    certificate_content: Option<String>,
}

/// `relationships` that nothing is read of.
#[derive(Debug, Default, Deserialize)]
pub struct NoRelationships {}

impl Resource for PortalCertificate {
    const TYPE: &'static str = "certificates";
    type Attributes = CertificateAttributes;
    type Relationships = NoRelationships;

    fn of(
        id: ResourceId,
        attributes: CertificateAttributes,
        _: NoRelationships,
    ) -> Result<Self, String> {
        let content = attributes.certificate_content;
        let der = content.map(|content| decoded(&content, certificate::MAX_BYTES));
        Ok(Self {
            id,
            name: needed(attributes.name, "name")?,
            certificate_type: needed(attributes.certificate_type, "certificateType")?,
            serial: attributes.serial_number.unwrap_or_default(),
            expires: needed(attributes.expiration_date, "expirationDate")?,
            der: der.transpose()?,
        })
    }
}

/// `attributes` of a device.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceAttributes {
    name: Option<String>,
    device_class: Option<String>,
    status: Option<String>,
    model: Option<String>,
    added_date: Option<Timestamp>,
}

impl Resource for PortalDevice {
    const TYPE: &'static str = "devices";
    type Attributes = DeviceAttributes;
    type Relationships = NoRelationships;

    fn of(
        id: ResourceId,
        attributes: DeviceAttributes,
        _: NoRelationships,
    ) -> Result<Self, String> {
        let status = needed(attributes.status, "status")?;
        Ok(Self {
            id,
            name: attributes.name.unwrap_or_default(),
            class: attributes.device_class.unwrap_or_default(),
            is_enabled: status == "ENABLED",
            model: attributes.model,
            added: attributes.added_date,
        })
    }
}

/// `attributes` of a bundle id.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleIdAttributes {
    name: Option<String>,
    identifier: Option<String>,
    seed_id: Option<String>,
}

impl Resource for PortalBundleId {
    const TYPE: &'static str = "bundleIds";
    type Attributes = BundleIdAttributes;
    type Relationships = NoRelationships;

    fn of(
        id: ResourceId,
        attributes: BundleIdAttributes,
        _: NoRelationships,
    ) -> Result<Self, String> {
        Ok(Self {
            id,
            name: attributes.name.unwrap_or_default(),
            identifier: needed(attributes.identifier, "identifier")?,
            seed_id: attributes.seed_id,
        })
    }
}

/// The bytes of a profile, from an answer that holds its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileContent(pub Vec<u8>);

/// `attributes` of a profile whose content is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentAttributes {
    profile_content: Option<String>,
}

impl Resource for ProfileContent {
    const TYPE: &'static str = "profiles";
    type Attributes = ContentAttributes;
    type Relationships = NoRelationships;

    fn of(
        _: ResourceId,
        attributes: ContentAttributes,
        _: NoRelationships,
    ) -> Result<Self, String> {
        let content = needed(attributes.profile_content, "profileContent")?;
        decoded(&content, crate::apple::profile::MAX_BYTES).map(Self)
    }
}

/// The bytes of a base64 text, at most `limit`.
fn decoded(text: &str, limit: usize) -> Result<Vec<u8>, String> {
    if text.len() / 4 * 3 > limit + 2 {
        return Err(format!("holds more than {limit} bytes"));
    }
    Base64::decode_vec(text).map_err(|_| "holds content that is not base64".to_owned())
}
