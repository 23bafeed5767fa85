//! What the verbs that change something answer.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::app_store_connect::words::{CertificateType, ProfileType};
use crate::base::finding::Finding;
use crate::base::ids::{CertSha1, CertSha256, ProfileUuid};
use crate::context::portal::successor::Successor;
use crate::ops::report::Report;

/// What became of something that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It would be made.
    Planned,
    /// It was made.
    Created,
    /// It was there by its name, and is what was planned.
    AlreadyThere,
    /// It was not made.
    Refused,
}

impl Outcome {
    /// As a person reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Created => "created",
            Self::AlreadyThere => "already there",
            Self::Refused => "REFUSED",
        }
    }
}

/// The `countersign.portal-renew.v1` document: which successors there are, or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RenewDocument {
    /// Always `countersign.portal-renew.v1`.
    #[schemars(extend("const" = "countersign.portal-renew.v1"))]
    pub schema: &'static str,
    /// Whether it was done: false where this is only the plan.
    pub done: bool,
    /// Whether all successors are there.
    pub finished: bool,
    /// When an unfinished renewal began that this went on with (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Timestamp>,
    /// The new certificate; absent if none is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<RenewedCertificate>,
    /// The successors, in the order in which they are made.
    pub successors: Vec<RenewedProfile>,
    /// The profiles that are due and had a successor before.
    pub succeeded: Vec<SucceededProfile>,
    /// What keeps profiles from being renewed, and what App Store Connect refused.
    pub findings: Vec<Finding>,
}

impl Report for RenewDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// A new certificate.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RenewedCertificate {
    /// What it is issued for, in Apple's word.
    pub certificate_type: CertificateType,
    /// What became of it.
    pub outcome: Outcome,
    /// SHA-1 of its DER encoding, hex; absent while it is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha1: Option<CertSha1>,
    /// SHA-256 of its DER encoding, hex, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<CertSha256>,
    /// When it expires (RFC 3339, UTC), likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A successor.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RenewedProfile {
    /// The UUID of the old profile.
    pub of: ProfileUuid,
    /// The name of the old profile.
    pub of_name: String,
    /// When the old profile expires (RFC 3339, UTC).
    pub of_expires: Timestamp,
    /// The name of the successor.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Its UUID; absent while it is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<ProfileUuid>,
    /// When it expires (RFC 3339, UTC), likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Its type, in Apple's word.
    pub profile_type: ProfileType,
    /// The bundle id that it is for.
    pub bundle_id: String,
    /// How many certificates it names.
    pub certificate_count: usize,
    /// How many devices it lists.
    pub device_count: usize,
    /// How many devices of the old profile it does not list, because they are disabled or removed.
    pub devices_left_out: usize,
}

/// A profile that is due and had a successor before.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SucceededProfile {
    /// Its UUID.
    pub uuid: ProfileUuid,
    /// Its name.
    pub name: String,
    /// The UUID of the successor.
    pub successor: ProfileUuid,
    /// The name of the successor.
    pub successor_name: String,
}

impl RenewedProfile {
    /// What is shown of a successor.
    pub(super) fn of(successor: &Successor, outcome: Outcome) -> Self {
        Self {
            of: successor.of.clone(),
            of_name: successor.of_name.clone(),
            of_expires: successor.of_expires,
            name: successor.name.clone(),
            outcome,
            uuid: None,
            expires: None,
            profile_type: successor.profile_type.clone(),
            bundle_id: successor.bundle_identifier.clone(),
            certificate_count: successor.certificates.len()
                + usize::from(successor.takes_new_certificate),
            device_count: successor.devices.len(),
            devices_left_out: successor.devices_left_out,
        }
    }
}
