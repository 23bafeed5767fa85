//! Whether a profile file lets a product run that is signed with given entitlements.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::apple::entitlements::{self, Entitlements};
use crate::apple::profile::ProfileKind;
use crate::base::error::Explain as _;
use crate::base::finding::{self, Code, Finding};
use crate::base::ids::{BundleId, ProfileUuid};
use crate::context::manifest::{PinnedProfile, ProfileState};
use crate::context::profile_check::{self, CertificateName, Question};
use crate::host::files;
use crate::ops::error::Failure;
use crate::ops::prove::{self, Pinnable};
use crate::ops::report::{Head, Report, VerdictWord};
use crate::ops::world::World;

/// What is asked of which profile.
#[derive(Debug, Clone)]
pub struct CheckRequest {
    /// The profile.
    pub profile: PathBuf,
    /// The `.entitlements` file that the product is signed with.
    pub entitlements: PathBuf,
    /// The product's bundle id.
    pub bundle_id: Option<BundleId>,
    /// The certificate that signs it.
    pub certificate: Option<CertificateName>,
    /// What it is meant for.
    pub kind: Option<ProfileKind>,
}

/// The `countersign.profile-check.v1` document: whether the profile lets the product run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckDocument {
    /// Always `countersign.profile-check.v1`.
    #[schemars(extend("const" = "countersign.profile-check.v1"))]
    pub schema: &'static str,
    /// Whether it does.
    pub verdict: VerdictWord,
    /// What keeps it from running, and what is worth knowing.
    pub findings: Vec<Finding>,
    /// The profile's UUID; absent if the file is not proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileUuid>,
    /// The profile's name; absent if the file is not proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
    /// The profile could not even be read: an error rather than a verdict. It is not part of the document.
    #[serde(skip)]
    pub has_unread: bool,
}

impl Report for CheckDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

/// Proves the profile and holds it to the product.
///
/// # Errors
/// The policy cannot be used, or the entitlements file cannot be read.
pub fn check(request: &CheckRequest, world: &World) -> Result<CheckDocument, Failure> {
    let (_, verifier) = prove::verifier(world)?;
    let bytes = files::read_bounded(&request.entitlements, entitlements::MAX_FILE)?;
    let Pinnable {
        profiles,
        mut findings,
        has_unread,
        ..
    } = prove::pinnable(
        std::slice::from_ref(&request.profile),
        &verifier,
        world,
        |_| ProfileState::Active,
    );
    let profile = profiles.into_iter().next();
    match Entitlements::from_plist(&bytes) {
        Ok(claimed) => findings.extend(profile.iter().flat_map(|profile| {
            profile_check::check(&Question {
                profile,
                entitlements: &claimed,
                file: &request.entitlements,
                bytes: &bytes,
                bundle_id: request.bundle_id.as_ref(),
                certificate: request.certificate,
                kind: request.kind,
                now: world.now,
            })
        })),
        Err(error) => findings.push(
            Finding::block(Code::EntitlementsUnreadable, error.to_string())
                .hint(
                    error
                        .hint()
                        .unwrap_or_else(|| "name a property list of entitlements".to_owned()),
                )
                .in_file(&request.entitlements),
        ),
    }
    finding::sort(&mut findings);
    Ok(CheckDocument {
        schema: "countersign.profile-check.v1",
        verdict: VerdictWord::of(!finding::any_blocks(&findings)),
        findings,
        name: profile
            .as_ref()
            .map(|profile: &PinnedProfile| profile.name.clone()),
        profile: profile.map(|profile| profile.uuid),
        head: Head::default(),
        has_unread,
    })
}
