//! What somebody asks for when they renew profiles. The journal keeps it, so that the same command goes on where it stopped
//! and another one is told from it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::apple::app_store_connect::words::CertificateType;
use crate::base::digest::Digest;
use crate::base::ids::{CertSha1, CertSha256};

/// Which devices a successor lists, if it lists any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// Those of the old profile that are enabled.
    #[default]
    Same,
    /// Every enabled device of the team that fits.
    All,
}

/// Which certificate takes the place of the old ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateChoice {
    /// One that is there, by its SHA-1.
    Sha1(CertSha1),
    /// One that is there, by its SHA-256.
    Sha256(CertSha256),
    /// A new one.
    New {
        /// SHA-256 of the file of the certificate signing request.
        signing_request: Digest,
        /// What it is issued for; none if the certificates of the old profiles tell.
        certificate_type: Option<CertificateType>,
    },
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewalRequest {
    /// The profiles, by name or UUID; none: those that the manifest pins and that are due.
    pub profiles: Vec<String>,
    /// How long before its end a profile is due; none: the policy's `warn_before`.
    pub due: Option<SignedDuration>,
    /// The certificate; none: the old ones.
    pub certificate: Option<CertificateChoice>,
    /// The devices.
    pub devices: DeviceChoice,
    /// What is added to the old name; none: the day on which the work begins.
    pub suffix: Option<String>,
}
