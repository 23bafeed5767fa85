//! Who signs code, and what Apple issued such certificates for.
//!
//! Apple marks the certificates that it issues. A role is a marker on the signer together with one on its issuer: Developer ID
//! is `…100.6.1.13` under `…100.6.2.6` (TN3127, `isAppleDeveloperCert` in StaticCode.cpp, SecPolicy.c).

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::anchors::{APPLE_ROOT_CA, APPLE_ROOT_CA_G3};
use crate::apple::ber::Oid;
use crate::apple::signature::DigestAlgorithm;
use crate::apple::signed_message::{Authority, RoleMarkers};
use crate::base::ids::CertSha256;

/// What Apple issued the signer's certificate for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignerRole {
    /// Apple or Mac or iPhone Development.
    Development,
    /// Apple or iPhone or Mac App Distribution: for the store, for registered devices and for enterprises.
    Distribution,
    /// Developer ID Application.
    DeveloperId,
    /// The App Store's own signature.
    AppStore,
    /// TestFlight's own signature.
    TestFlight,
    /// Apple's own code: the Swift libraries beside an app, for one.
    Apple,
}

impl SignerRole {
    /// Whether a developer's team signed, whose certificate names the team.
    pub fn names_team(self) -> bool {
        matches!(
            self,
            Self::Development | Self::Distribution | Self::DeveloperId
        )
    }
}

impl fmt::Display for SignerRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Development => "development",
            Self::Distribution => "distribution",
            Self::DeveloperId => "developer-id",
            Self::AppStore => "app-store",
            Self::TestFlight => "test-flight",
            Self::Apple => "apple",
        })
    }
}

/// The certificates in the chain of a signature or timestamp of Apple's: the signer's, its issuer's and the root's.
pub(super) const CHAIN: usize = 3;

/// The roots that end the chain of a code signature.
pub(super) const ROOTS: &[CertSha256] = &[APPLE_ROOT_CA, APPLE_ROOT_CA_G3];

/// The digests of a signature. The older generation of signatures is SHA-1 throughout.
pub(super) const DIGESTS: &[DigestAlgorithm] = &[
    DigestAlgorithm::Sha1,
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
];

/// `1.2.840.113635.100`, encoded, with these arcs behind it.
macro_rules! apple {
    ($($arc:expr),+) => { Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, $($arc),+]) };
}

/// Apple Worldwide Developer Relations.
const WWDR: Authority = Authority {
    marker: Some(apple!(6, 2, 1)),
    common_name: "Apple Worldwide Developer Relations Certification Authority",
};
/// Developer ID Certification Authority.
const DEVELOPER_ID: Authority = Authority {
    marker: Some(apple!(6, 2, 6)),
    common_name: "Developer ID Certification Authority",
};
/// Apple iPhone Certification Authority, which signs the store's iOS apps.
const IPHONE: Authority = Authority {
    marker: Some(apple!(6, 2, 18)),
    common_name: "Apple iPhone Certification Authority",
};

/// Apple Code Signing Certification Authority, which `appleSigned` (reqinterp.cpp) tells by its name.
const APPLE_CODE: Authority = Authority {
    marker: None,
    common_name: "Apple Code Signing Certification Authority",
};

const fn role(role: SignerRole, leaf: Oid<'static>, issuer: Authority) -> RoleMarkers<SignerRole> {
    RoleMarkers {
        role,
        leaf: Some(leaf),
        issuer,
    }
}

/// Every role that may sign code. The store's come first: a certificate may carry a developer's marker beside.
pub(super) const ROLES: &[RoleMarkers<SignerRole>] = &[
    role(SignerRole::AppStore, apple!(6, 1, 9), WWDR),
    role(SignerRole::AppStore, apple!(6, 1, 3), IPHONE),
    role(SignerRole::AppStore, apple!(6, 1, 24), WWDR),
    role(SignerRole::TestFlight, apple!(6, 1, 25, 1), WWDR),
    role(SignerRole::TestFlight, apple!(6, 1, 25, 2), WWDR),
    role(SignerRole::DeveloperId, apple!(6, 1, 13), DEVELOPER_ID),
    role(SignerRole::Distribution, apple!(6, 1, 4), WWDR),
    role(SignerRole::Distribution, apple!(6, 1, 7), WWDR),
    role(SignerRole::Development, apple!(6, 1, 2), WWDR),
    role(SignerRole::Development, apple!(6, 1, 12), WWDR),
    role(SignerRole::Apple, apple!(6, 22), APPLE_CODE),
];

/// Who makes secure timestamps for code. Its certificate has no marker, but serves that purpose alone.
pub(super) const TIMESTAMP_AUTHORITIES: &[RoleMarkers<()>] = &[RoleMarkers {
    role: (),
    leaf: None,
    issuer: Authority {
        marker: Some(apple!(6, 2, 9)),
        common_name: "Apple Timestamp Certification Authority",
    },
}];
