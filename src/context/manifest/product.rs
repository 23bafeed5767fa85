//! A product without an Xcode project, and what signs it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::ids::{BundleId, CertSha256, ProductName, ProfileUuid};

/// A product that no Xcode project describes: of Electron, Tauri, SwiftPM or a Makefile. The policy declares it. The order
/// of fields here is their order in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedProduct {
    /// Its name in the policy.
    pub name: ProductName,
    /// Its bundle id.
    pub bundle_id: BundleId,
    /// The file of entitlements that it is signed with, as the policy writes it: relative to the policy's folder.
    pub entitlements: String,
    /// The profile that lets it run.
    pub profile: ProfileUuid,
    /// The certificate that signs it, by SHA-256.
    pub certificate: CertSha256,
}
