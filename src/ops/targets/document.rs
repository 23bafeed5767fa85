//! What is shown of targets: what each asks for, where that is written, and what signs it.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::finding::{self, Finding};
use crate::base::ids::{
    BundleId, CertSha256, ConfigurationName, ProductName, ProfileUuid, TargetName,
};
use crate::context::gate::facts::ObservedArchive;
use crate::context::plan::expiry::expired;
use crate::context::plan::{Choice, Judgement, Plan, Row, Why};
use crate::context::products;
use crate::context::state::State;
use crate::ops::report::{Head, Report};
use crate::ops::target_selection::PlannedTargets;
use crate::ops::world::World;
use crate::xcode::assignment::Origin;
use crate::xcode::platform::Platform;
use crate::xcode::targets::SigningTarget;

/// The `countersign.targets.v1` document: what `targets show` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetsDocument {
    /// Always `countersign.targets.v1`.
    #[schemars(extend("const" = "countersign.targets.v1"))]
    pub schema: &'static str,
    /// The targets that were asked for, one for each configuration and platform.
    pub targets: Vec<ShownTarget>,
    /// The products without an Xcode project that the policy declares; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<ShownProduct>,
    /// What is not right.
    pub findings: Vec<Finding>,
}

/// The `countersign.targets-check.v1` document: what `targets check` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckDocument {
    /// Always `countersign.targets-check.v1`.
    #[schemars(extend("const" = "countersign.targets-check.v1"))]
    pub schema: &'static str,
    /// Whether every target gets the profile that it asks for.
    pub verdict: CheckVerdict,
    /// What is not right.
    pub findings: Vec<Finding>,
    /// Always empty: nothing can be waived here.
    pub waived: Vec<String>,
    /// What is archived, and so judged.
    pub archive: ShownArchive,
    /// What signs each target.
    pub targets: Vec<ShownTarget>,
    /// The products without an Xcode project that the policy declares; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<ShownProduct>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
}

/// A product without an Xcode project, and what signs it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownProduct {
    /// Its name in the policy.
    pub name: ProductName,
    /// Its bundle id.
    pub bundle_id: BundleId,
    /// The file of entitlements that it is signed with.
    pub entitlements: String,
    /// The profile that the policy gives it.
    pub profile: ProfileUuid,
    /// SHA-256 of the DER encoding of the certificate that signs it, hex; absent if its profile is not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertSha256>,
}

/// Whether every target gets the profile that it asks for, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// No finding blocks.
    Cleared,
    /// At least one finding blocks.
    Blocked,
    /// The build signs nothing, because its settings say so. Nothing is wrong with it, and nothing is cleared.
    Unsigned,
}

impl Report for TargetsDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

impl Report for CheckDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

/// What is archived, and so judged.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownArchive {
    /// The scheme that says so; absent if nothing tells which is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// The configurations that were looked at; empty: all.
    pub configurations: Vec<ConfigurationName>,
    /// The products: targets that no other target holds.
    pub products: Vec<String>,
}

impl ShownArchive {
    /// What was observed to be archived.
    pub(in crate::ops) fn of(archive: &ObservedArchive) -> Self {
        let products = archive.products.iter();
        Self {
            scheme: archive.scheme.as_ref().map(|it| it.name.to_string()),
            configurations: archive.configurations.clone(),
            products: products.map(|it| it.target.to_string()).collect(),
        }
    }
}

/// One target in one configuration on one platform.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownTarget {
    /// The path of its `.xcodeproj`, as it was named or found.
    pub project: String,
    /// The target's name.
    pub target: TargetName,
    /// The build configuration's name.
    pub configuration: ConfigurationName,
    /// The platform.
    pub platform: Platform,
    /// What it builds, as people call it: `application`, `app extension`, `framework`, …
    pub product: &'static str,
    /// Whether it must be signed with a profile.
    pub needs_profile: bool,
    /// Whether the archive holds it, or somebody means it nevertheless: else what is wrong with it is for information.
    pub judged: bool,
    /// Its bundle id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<ShownSetting>,
    /// Its signing style: `Automatic` or `Manual`.
    pub style: ShownSetting,
    /// Its team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<ShownSetting>,
    /// The profile that it asks for, by name or UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specifier: Option<ShownSetting>,
    /// The signing identity that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<ShownSetting>,
    /// The target of the application that carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<TargetName>,
    /// What signs it; absent if it needs no profile or nothing fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// Profiles that cover its bundle id and do not sign it; absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discarded: Vec<ShownDiscarded>,
}

/// A setting's value and where it is written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownSetting {
    /// The value, resolved.
    pub value: String,
    /// Where it is written, for people: file, line and layer.
    pub origin: String,
}

/// What signs a target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Chosen {
    /// The profile's UUID.
    pub profile: ProfileUuid,
    /// The profile's name.
    pub name: String,
    /// SHA-256 of the certificate's DER encoding, hex.
    pub certificate: CertSha256,
    /// Why this profile.
    pub why: Why,
    /// How the two stand, in one word.
    pub state: State,
    /// When the first of the two ends (RFC 3339, UTC).
    pub expires: Timestamp,
}

/// A profile that was not chosen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownDiscarded {
    /// Its UUID.
    pub profile: ProfileUuid,
    /// Its name.
    pub name: String,
    /// Why not, for people.
    pub why: String,
}

fn setting(value: impl ToString, origin: &Origin) -> ShownSetting {
    ShownSetting {
        value: value.to_string(),
        origin: origin.to_string(),
    }
}

impl ShownTarget {
    fn of(
        target: &SigningTarget,
        row: Option<&Row<'_>>,
        now: Timestamp,
        warn_before: SignedDuration,
    ) -> Self {
        let choice = row.and_then(|row| row.choice);
        let ends = |choice: Choice<'_>| choice.profile.expires.min(choice.certificate.expires);
        Self {
            project: target.project.display().to_string(),
            target: target.target.clone(),
            configuration: target.configuration.clone(),
            platform: target.platform,
            product: target.kind.as_str(),
            needs_profile: target.needs_profile(),
            judged: row.map_or(!target.part_of.is_empty(), |row| row.is_judged),
            bundle_id: target
                .bundle_id
                .as_ref()
                .map(|bundle_id| setting(&bundle_id.value, &bundle_id.origin)),
            style: setting(target.style.value, &target.style.origin),
            team: target
                .team
                .as_ref()
                .map(|team| setting(&team.value, &team.origin)),
            specifier: target
                .requested_profile()
                .map(|requested| setting(&requested.value, &requested.origin)),
            identity: target
                .identity
                .as_ref()
                .map(|identity| setting(&identity.value, &identity.origin)),
            host: target.host.clone(),
            chosen: choice.map(|choice| Chosen {
                profile: choice.profile.uuid.clone(),
                name: choice.profile.name.clone(),
                certificate: choice.certificate.sha256,
                why: choice.why,
                state: State::of_end(Some(ends(choice)), now, warn_before),
                expires: ends(choice),
            }),
            discarded: row
                .map(|row| row.discarded.as_slice())
                .unwrap_or_default()
                .iter()
                .map(|one| ShownDiscarded {
                    profile: one.profile.uuid.clone(),
                    name: one.profile.name.clone(),
                    why: one.why.clone(),
                })
                .collect(),
        }
    }
}

/// Every selected target, with its row of the plan.
pub(super) fn shown(planned: &PlannedTargets, plan: &Plan<'_>, now: Timestamp) -> Vec<ShownTarget> {
    let warn_before = planned.policy.profiles.warn_before;
    plan.with_rows(&planned.observed.targets)
        .map(|(target, row)| ShownTarget::of(target, row, now, warn_before))
        .collect()
}

/// Every product that the policy declares.
pub(super) fn shown_products(
    planned: &PlannedTargets,
    products: &products::Judgement,
) -> Vec<ShownProduct> {
    let declared = planned.observed_products.iter().map(|it| &it.declared);
    let shown = declared.map(|declared| ShownProduct {
        name: declared.name.clone(),
        bundle_id: declared.bundle_id.clone(),
        entitlements: declared.file.display().to_string(),
        profile: declared.profile.clone(),
        certificate: {
            let mut planned = products.planned.iter();
            let planned = planned.find(|it| it.name == declared.name);
            planned.map(|it| it.certificate)
        },
    });
    shown.collect()
}

/// Findings of the profiles and of the judgements together, and the planned profiles that have expired: without a manifest
/// nobody has looked at dates yet.
pub(super) fn findings(
    planned: &PlannedTargets,
    judgement: &Judgement<'_>,
    products: &products::Judgement,
    world: &World,
) -> Vec<Finding> {
    let mut findings = [planned.findings.clone(), judgement.findings.clone()].concat();
    findings.extend(products.findings.iter().cloned());
    findings.extend(expired(&judgement.plan, world.now));
    finding::sort(&mut findings);
    finding::distinct(&mut findings);
    findings
}
