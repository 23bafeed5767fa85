//! Provisioning profiles: proven, and what they say.
//!
//! A profile is a CMS message around an XML property list (the outer layer), which on modern systems holds a second CMS
//! message around a DER payload (the inner layer, `DER-Encoded-Profile`, what the OS itself reads; TN3125). A
//! [`Profile`] exists only when every layer that is there has been proven (see [`crate::apple::profile_signer`]) **and** the
//! layers say the same. A profile without the inner layer is legal: that is how they all were before 2021.
//!
//! [`prove`] is the only way to make one. What it refuses comes back as findings together with whatever could be read,
//! so that a report can still show which file it speaks of.
//!
//! `security cms -D`, which most tools use, neither enforces the signature nor leaves the keychain alone.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::anchors::AnchorOwner;
use super::certificate::Certificate;
use super::claims::{Claims, OuterPlist};
use super::cms::{self, CmsError};
use super::der_profile;
use super::entitlements::Entitlements;
use super::file_type::{FileType, Wanted};
use super::profile_signer::{Layer, LayerProof};
use super::signed_message::Verifier;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{BundleId, BundlePattern, FileSha256, ProfileUuid, TeamId};

/// The largest file that is looked at: real profiles have 7 to 60 KB, and one with every device a team may register
/// stays below 1 MB.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What a profile is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileKind {
    /// Registered devices, with a debugger.
    Development,
    /// Registered devices.
    AdHoc,
    /// App Store and TestFlight, Mac App Store.
    AppStore,
    /// In-house, any device.
    Enterprise,
    /// Outside the Mac App Store.
    DeveloperId,
}

impl ProfileKind {
    /// The word of the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::AdHoc => "ad-hoc",
            Self::AppStore => "app-store",
            Self::Enterprise => "enterprise",
            Self::DeveloperId => "developer-id",
        }
    }
}

impl fmt::Display for ProfileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How the kind was determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KindSource {
    /// From the inner layer's `ProfileDistributionType`.
    DistributionType,
    /// From devices, `ProvisionsAllDevices` and `get-task-allow`.
    Rules,
}

/// What a readable profile says: proven only inside a [`Profile`].
#[derive(Debug, Clone)]
pub struct Fields {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name, which Xcode chooses by when a specifier is a name.
    pub name: String,
    /// The team that it belongs to.
    pub team_id: TeamId,
    /// The team's name; empty in some old files.
    pub team_name: String,
    /// `PREFIX.bundle.id`, PREFIX being the team id or an older account's own.
    pub application_identifier: String,
    /// Which bundle ids it covers.
    pub bundle_id: BundlePattern,
    /// What it is for.
    pub kind: ProfileKind,
    /// How that was told.
    pub kind_source: KindSource,
    /// `iOS`, `xrOS`, `visionOS`, `tvOS`, `OSX`, …; `iOS` where the file names none.
    pub platforms: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
    /// Made by Xcode's automatic signing.
    pub xcode_managed: bool,
    /// How many devices it names, if it names devices.
    pub device_count: Option<usize>,
    /// Any device.
    pub provisions_all_devices: bool,
    /// What it grants.
    pub entitlements: Entitlements,
}

impl Fields {
    /// Whether it is for macOS (and so called `.provisionprofile`).
    pub fn is_mac(&self) -> bool {
        is_mac(&self.platforms)
    }

    /// The name that Xcode gives the installed file: `UUID.mobileprovision`, for macOS `UUID.provisionprofile`.
    pub fn file_name(&self) -> String {
        format!(
            "{}.{}",
            self.uuid,
            if self.is_mac() {
                "provisionprofile"
            } else {
                "mobileprovision"
            }
        )
    }

    /// Whether it covers `bundle_id`.
    pub fn covers(&self, bundle_id: &BundleId) -> bool {
        self.bundle_id.covers(bundle_id)
    }
}

/// A profile whose layers are proven and agree. Only [`prove`] makes one.
#[derive(Debug, Clone)]
pub struct Profile {
    fields: Fields,
    certificates: Vec<Arc<Certificate>>,
    sha256: FileSha256,
    outer: LayerProof,
    inner: Option<LayerProof>,
    remarks: Vec<Finding>,
}

impl Profile {
    /// What it says.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The developer certificates that it lets sign, in the order of the file.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    /// SHA-256 of the file.
    pub fn sha256(&self) -> &FileSha256 {
        &self.sha256
    }

    /// The proof of its outer layer.
    pub fn outer(&self) -> &LayerProof {
        &self.outer
    }

    /// The proof of its inner layer, if it has one.
    pub fn inner(&self) -> Option<&LayerProof> {
        self.inner.as_ref()
    }

    /// What is worth knowing about it although it is proven: warnings and infos, never a block.
    pub fn remarks(&self) -> &[Finding] {
        &self.remarks
    }
}

/// A file that is not proven: why, and what could be read.
#[derive(Debug, Clone)]
pub struct Unproven {
    /// Why: at least one that blocks.
    pub findings: Vec<Finding>,
    /// What it claims, if anything could be read.
    pub claims: Option<Box<Claims>>,
    /// What it claims, where that is complete.
    pub fields: Option<Box<Fields>>,
    /// SHA-256 of the file.
    pub sha256: FileSha256,
}

impl Unproven {
    /// Whether the file could be read whole: what is wrong with it is not that it is damaged or lacks something. Otherwise its
    /// claims are what could be picked out of it.
    pub fn is_readable(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.all(|finding| finding.code != Code::ProfileUnreadable)
    }
}

/// Proves a profile.
///
/// # Errors
/// It is not proven: every reason found, and what could be read.
pub fn prove(bytes: &[u8], verifier: &Verifier) -> Result<Profile, Box<Unproven>> {
    prove_hashed(bytes, FileSha256::of(bytes), verifier)
}

/// The same where the SHA-256 of `bytes` is known already.
pub(crate) fn prove_hashed(
    bytes: &[u8],
    sha256: FileSha256,
    verifier: &Verifier,
) -> Result<Profile, Box<Unproven>> {
    let mut findings = Vec::new();
    let reading = read(bytes, verifier, &mut findings);
    let (outer_plist, outer, inner) = match reading {
        Some(reading) => reading,
        None => {
            let claims = OuterPlist::read(loose_plist(bytes))
                .ok()
                .map(|plist| Box::new(plist.claims));
            let fields = claims
                .as_deref()
                .and_then(|claims| complete(claims, None, &mut Vec::new()).map(Box::new));
            return Err(Box::new(Unproven {
                findings,
                claims,
                fields,
                sha256,
            }));
        }
    };
    let inner_claims = inner.as_ref().map(|(claims, _)| claims);
    if let Some(inner_claims) = inner_claims {
        findings.extend(disagreements(&outer_plist.claims, inner_claims));
    }
    let distribution_type = inner_claims.and_then(|claims| claims.distribution_type.as_deref());
    let fields = complete(&outer_plist.claims, distribution_type, &mut findings);
    let certificates = developer_certificates(&outer_plist, verifier, &mut findings);
    let inner_proof = inner.map(|(_, proof)| proof);
    match (fields, outer, inner_proof) {
        (Some(fields), Some(outer), inner @ (None | Some(Some(_))))
            if !crate::base::finding::any_blocks(&findings) =>
        {
            let inner = inner.flatten();
            let remarks = [
                remarks(&outer, inner.as_ref(), &outer_plist.claims),
                findings,
            ]
            .concat();
            Ok(Profile {
                fields,
                certificates,
                sha256,
                outer,
                inner,
                remarks,
            })
        }
        (fields, _, _) => Err(Box::new(Unproven {
            findings,
            claims: Some(Box::new(outer_plist.claims)),
            fields: fields.map(Box::new),
            sha256,
        })),
    }
}

type Reading = (
    OuterPlist,
    Option<LayerProof>,
    Option<(Claims, Option<LayerProof>)>,
);

/// Reads and verifies both layers, noting every fault; `None` when there is nothing to show.
fn read(bytes: &[u8], verifier: &Verifier, findings: &mut Vec<Finding>) -> Option<Reading> {
    let message = match cms::parse(bytes) {
        Ok(message) => message,
        Err(error) => {
            findings.push(unreadable_file(bytes, &error));
            return None;
        }
    };
    let outer = LayerProof::prove(&message, Layer::Outer, verifier)
        .map_err(|fault| findings.push(fault.finding()))
        .ok();
    let content = message.content.as_deref()?;
    let plist = match OuterPlist::read(content) {
        Ok(plist) => plist,
        Err(error) => {
            findings.push(
                Finding::block(Code::ProfileUnreadable, format!("the outer layer: {error}"))
                    .hint("download the profile again from Apple's developer site"),
            );
            return None;
        }
    };
    let inner = match plist.inner.as_deref() {
        None => None,
        Some(der) => Some(read_inner(der, verifier, findings)?),
    };
    Some((plist, outer, inner))
}

fn read_inner(
    der: &[u8],
    verifier: &Verifier,
    findings: &mut Vec<Finding>,
) -> Option<(Claims, Option<LayerProof>)> {
    let place = |finding: Finding| finding.at_pointer("/DER-Encoded-Profile");
    let message = match cms::parse(der) {
        Ok(message) => message,
        Err(error) => {
            findings.push(place(unreadable(&error)));
            return None;
        }
    };
    let proof = LayerProof::prove(&message, Layer::Inner, verifier)
        .map_err(|fault| findings.push(place(fault.finding())))
        .ok();
    match der_profile::parse(message.content.as_deref().unwrap_or_default()) {
        Ok(claims) => Some((claims, proof)),
        Err(error) => {
            findings.push(place(
                Finding::block(
                    Code::ProfileUnreadable,
                    format!("the inner layer's payload: {error}"),
                )
                .hint("download the profile again from Apple's developer site"),
            ));
            None
        }
    }
}

/// The finding of a file that is no signed message: what it is instead, if it is something that people hand in.
fn unreadable_file(bytes: &[u8], error: &CmsError) -> Finding {
    let found = FileType::of(bytes);
    let found = match found.may_be(Wanted::Profile) {
        true => FileType::copied_as_text(bytes),
        false => Some(found),
    };
    match found {
        Some(found) => Finding::block(
            Code::ProfileUnreadable,
            format!("expected {}, found {found}", Wanted::Profile.described()),
        )
        .hint(found.remedy(Wanted::Profile)),
        None => unreadable(error),
    }
}

fn unreadable(error: &CmsError) -> Finding {
    let hint = if error.is_truncated() {
        "copy or download the file again: its end is missing"
    } else {
        "check the path, or download the file again: this is not a provisioning profile from Apple"
    };
    Finding::block(Code::ProfileUnreadable, error.to_string()).hint(hint)
}

/// The property list in bytes that are no CMS message, for display alone.
fn loose_plist(bytes: &[u8]) -> &[u8] {
    let find = |needle: &[u8]| {
        bytes
            .windows(needle.len())
            .position(|window| window == needle)
    };
    match (find(b"<plist"), find(b"</plist>")) {
        (Some(start), Some(end)) if start < end => bytes
            .get(start..end + b"</plist>".len())
            .unwrap_or_default(),
        _ => &[],
    }
}

/// What a proven profile still deserves to have said of it.
fn remarks(outer: &LayerProof, inner: Option<&LayerProof>, claims: &Claims) -> Vec<Finding> {
    let mut remarks = Vec::new();
    let foreign = [Some(outer), inner]
        .into_iter()
        .flatten()
        .find(|proof| proof.anchor_owner() == AnchorOwner::Policy);
    if let Some(proof) = foreign {
        remarks.push(
            Finding::warn(
                Code::ProfileAnchorNotApple,
                "the profile is proven to a root that the policy names, not to Apple's, so it is for rehearsals only",
            )
            .found(proof.anchor())
            .hint("remove profiles.trust_anchors from the policy before signing a release"),
        );
    }
    if inner.is_none() {
        remarks.push(
            Finding::info(
                Code::ProfileNoInnerLayer,
                "the profile has no inner DER layer: it was made before 2021 or re-encoded by a tool",
            )
            .hint("regenerate it at Apple's developer site; current systems read the inner layer"),
        );
    }
    for key in &claims.repeated_keys {
        remarks.push(
            Finding::warn(
                Code::ProfileDuplicateKey,
                format!(
                    "the key {key} occurs twice with different values, and the last one counts"
                ),
            )
            .hint("regenerate the profile at Apple's developer site"),
        );
    }
    remarks
}

/// Every field in which the layers differ. Keys that only one of them has are not a difference, except those that every
/// real inner layer carries.
fn disagreements(outer: &Claims, inner: &Claims) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add_difference = |key: &str, outer: String, inner: String| {
        findings.push(
            Finding::block(
                Code::ProfileLayersDisagree,
                format!("the layers disagree on {key}"),
            )
            .values(
                format!("outer layer: {outer}"),
                format!("inner layer: {inner}"),
            )
            .at_pointer(format!("/{key}"))
            .hint(
                "do not install this file; download the profile again from Apple's developer site",
            ),
        );
    };
    macro_rules! compare {
        ($key:literal, $field:ident, required) => {
            if outer.$field != inner.$field {
                add_difference(
                    $key,
                    value_or_absent(&outer.$field),
                    value_or_absent(&inner.$field),
                );
            }
        };
        ($key:literal, $field:ident, if_both) => {
            if outer.$field.is_some() && inner.$field.is_some() && outer.$field != inner.$field {
                add_difference(
                    $key,
                    value_or_absent(&outer.$field),
                    value_or_absent(&inner.$field),
                );
            }
        };
    }
    compare!("UUID", uuid, required);
    compare!("Name", name, required);
    compare!("CreationDate", created, required);
    compare!("ExpirationDate", expires, required);
    compare!("DeveloperCertificates", certificates, required);
    compare!("TeamIdentifier", team_ids, if_both);
    compare!("ApplicationIdentifierPrefix", prefixes, if_both);
    compare!("Platform", platforms, if_both);
    compare!("AppIDName", app_id_name, if_both);
    compare!("TeamName", team_name, if_both);
    compare!("ProvisionsAllDevices", provisions_all_devices, if_both);
    compare!("IsXcodeManaged", xcode_managed, if_both);
    compare!("TimeToLive", time_to_live, if_both);
    if let (Some(outer), Some(inner)) = (&outer.devices, &inner.devices)
        && outer != inner
    {
        // Device ids are nobody's business: only their number is told.
        add_difference(
            "ProvisionedDevices",
            format!("{} devices", outer.len()),
            format!("{} devices", inner.len()),
        );
    }
    let empty = std::collections::BTreeMap::new();
    let outer = outer.entitlements.as_ref().unwrap_or(&empty);
    let inner = inner.entitlements.as_ref().unwrap_or(&empty);
    for key in outer
        .keys()
        .chain(inner.keys().filter(|key| !outer.contains_key(*key)))
    {
        let (outer, inner) = (outer.get(key), inner.get(key));
        if outer != inner {
            let show = |value: Option<&super::value::Value>| {
                value.map_or("absent".to_owned(), ToString::to_string)
            };
            add_difference(&format!("Entitlements/{key}"), show(outer), show(inner));
        }
    }
    findings
}

fn value_or_absent<T: fmt::Debug>(value: &Option<T>) -> String {
    value
        .as_ref()
        .map_or("absent".to_owned(), |value| format!("{value:?}"))
}

/// Whether these platforms are macOS, alone or among others.
pub(crate) fn is_mac(platforms: &[String]) -> bool {
    platforms
        .iter()
        .any(|platform| platform == "OSX" || platform == "macOS")
}

/// Completes the fields that every profile must have; each that is missing or malformed is a finding.
fn complete(
    claims: &Claims,
    distribution_type: Option<&str>,
    findings: &mut Vec<Finding>,
) -> Option<Fields> {
    let count = findings.len();
    let mut add_missing = |key: &str, problem: String| {
        findings.push(
            Finding::block(Code::ProfileUnreadable, format!("{key}: {problem}"))
                .at_pointer(format!("/{key}"))
                .hint("download the profile again from Apple's developer site: this file is not complete"),
        );
    };
    let missing = || "missing".to_owned();
    let uuid = match claims.uuid.as_deref().map(str::parse::<ProfileUuid>) {
        Some(Ok(uuid)) => Some(uuid),
        Some(Err(error)) => {
            add_missing("UUID", error.to_string());
            None
        }
        None => {
            add_missing("UUID", missing());
            None
        }
    };
    let platforms = match &claims.platforms {
        Some(platforms) if !platforms.is_empty() => platforms.clone(),
        _ => vec!["iOS".to_owned()],
    };
    let entitlements = Entitlements::from(claims.entitlements.clone().unwrap_or_default());
    let first = |list: &Option<Vec<String>>| list.as_ref().and_then(|list| list.first().cloned());
    let team = first(&claims.team_ids)
        .or_else(|| entitlements.team_identifier().map(str::to_owned))
        .or_else(|| first(&claims.prefixes));
    let team_id = match team.as_deref().map(str::parse::<TeamId>) {
        Some(Ok(team)) => Some(team),
        Some(Err(error)) => {
            add_missing("TeamIdentifier", error.to_string());
            None
        }
        None => {
            add_missing("TeamIdentifier", missing());
            None
        }
    };
    let application_identifier = entitlements.application_identifier().map(str::to_owned);
    let prefixes = claims.prefixes.as_deref().unwrap_or_default();
    let bundle_id = match application_identifier.as_deref() {
        Some(identifier) => match strip_prefix(identifier, prefixes).parse::<BundlePattern>() {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                add_missing("Entitlements/application-identifier", error.to_string());
                None
            }
        },
        None => {
            add_missing("Entitlements/application-identifier", missing());
            None
        }
    };
    if claims.name.is_none() {
        add_missing("Name", missing());
    }
    if claims.created.is_none() {
        add_missing("CreationDate", missing());
    }
    if claims.expires.is_none() {
        add_missing("ExpirationDate", missing());
    }
    if findings.len() != count {
        return None;
    }
    let (kind, kind_source) = kind(claims, &platforms, &entitlements, distribution_type);
    Some(Fields {
        uuid: uuid?,
        name: claims.name.clone()?,
        team_id: team_id?,
        team_name: claims.team_name.clone().unwrap_or_default(),
        application_identifier: application_identifier?,
        bundle_id: bundle_id?,
        kind,
        kind_source,
        platforms,
        created: claims.created?,
        expires: claims.expires?,
        xcode_managed: claims.xcode_managed.unwrap_or(false),
        device_count: claims.devices.as_ref().map(std::collections::BTreeSet::len),
        provisions_all_devices: claims.provisions_all_devices.unwrap_or(false),
        entitlements,
    })
}

/// The bundle id pattern behind the prefix of an application identifier.
fn strip_prefix<'a>(identifier: &'a str, prefixes: &[String]) -> &'a str {
    prefixes
        .iter()
        .find_map(|prefix| identifier.strip_prefix(prefix.as_str())?.strip_prefix('.'))
        .or_else(|| identifier.split_once('.').map(|(_, pattern)| pattern))
        .unwrap_or(identifier)
}

/// The kind: exactly, where the inner layer says it, else by what the profile provisions.
fn kind(
    claims: &Claims,
    platforms: &[String],
    entitlements: &Entitlements,
    distribution_type: Option<&str>,
) -> (ProfileKind, KindSource) {
    let exact = match distribution_type {
        Some("STORE") => Some(ProfileKind::AppStore),
        Some("DIRECT") => Some(ProfileKind::DeveloperId),
        Some("LIMITED") => Some(ProfileKind::Development),
        Some("ADHOC") => Some(ProfileKind::AdHoc),
        // The word for in-house profiles has not been seen: they fall to the rules, like any new word.
        _ => None,
    };
    if let Some(kind) = exact {
        return (kind, KindSource::DistributionType);
    }
    let devices = claims.devices.is_some();
    let all_devices = claims.provisions_all_devices == Some(true);
    let kind = if is_mac(platforms) {
        match (devices, all_devices) {
            (true, _) => ProfileKind::Development,
            (false, true) => ProfileKind::DeveloperId,
            (false, false) => ProfileKind::AppStore,
        }
    } else {
        match (devices, all_devices) {
            (true, _) if entitlements.get_task_allow() => ProfileKind::Development,
            (true, _) => ProfileKind::AdHoc,
            (false, true) => ProfileKind::Enterprise,
            (false, false) => ProfileKind::AppStore,
        }
    };
    (kind, KindSource::Rules)
}

fn developer_certificates(
    outer: &OuterPlist,
    verifier: &Verifier,
    findings: &mut Vec<Finding>,
) -> Vec<Arc<Certificate>> {
    let mut certificates = Vec::with_capacity(outer.certificate_ders.len());
    for (index, der) in outer.certificate_ders.iter().enumerate() {
        match verifier.certificate(der) {
            Ok(certificate) => certificates.push(certificate),
            Err(error) => findings.push(
                Finding::block(
                    Code::ProfileUnreadable,
                    format!("developer certificate {}: {error}", index + 1),
                )
                .at_pointer(format!("/DeveloperCertificates/{index}"))
                .hint("regenerate the profile at Apple's developer site"),
            ),
        }
    }
    certificates
}
