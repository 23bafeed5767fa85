//! What is planned for the code of a product: which profile and which certificate sign which bundle id.

use crate::base::ids::{BundleId, CertSha256, ConfigurationName};
use crate::context::manifest::{Manifest, PinnedProfile};
use crate::context::plan::Plan;
use crate::xcode::archive::PartOf;
use crate::xcode::platform::Platform;
use crate::xcode::targets::SigningStyle;

/// What signs one target of a project, or one product without a project.
#[derive(Debug, Clone)]
pub struct Planned<'a> {
    /// The name of the target or product.
    pub name: &'a str,
    /// Its bundle id.
    pub bundle_id: &'a BundleId,
    /// The platform; `None` for a product without a project.
    pub platform: Option<Platform>,
    /// The build configuration; `None` likewise.
    pub configuration: Option<&'a ConfigurationName>,
    /// The profile that it is signed with.
    pub profile: &'a PinnedProfile,
    /// The certificate that signs it, by SHA-256.
    pub certificate: CertSha256,
    /// Whether Xcode signs it automatically: for development in the archive, and again in the export. A manifest alone does
    /// not tell.
    pub is_automatic: bool,
    /// The products of the archive that it is part of; `None` where no project tells.
    pub part_of: Option<PartOf>,
}

impl<'a> Planned<'a> {
    /// What a manifest pins, in these configurations; none: in all of them. The runners of UI tests, which no product holds,
    /// are left out.
    pub fn of_manifest(manifest: &'a Manifest, configurations: &[ConfigurationName]) -> Vec<Self> {
        let is_meant = |name| configurations.is_empty() || configurations.contains(name);
        let targets = manifest.targets().iter().filter(|target| {
            is_meant(&target.configuration) && !target.bundle_id.as_str().ends_with(".xctrunner")
        });
        let targets = targets.filter_map(|target| {
            let (_, profile) = manifest.profile(&target.profile)?;
            Some(Self {
                name: target.target.as_str(),
                bundle_id: &target.bundle_id,
                platform: Some(target.platform),
                configuration: Some(&target.configuration),
                profile,
                certificate: target.certificate,
                is_automatic: false,
                part_of: None,
            })
        });
        targets.chain(Self::of_products(manifest)).collect()
    }

    /// What projects plan for their archives.
    pub fn of_plan(plan: &'a Plan<'a>, manifest: &'a Manifest) -> Vec<Self> {
        let rows = plan.rows.iter().filter(|row| !row.is_beside_the_archive());
        let rows = rows.filter_map(|row| {
            let (target, choice) = (row.target, row.choice?);
            Some(Self {
                name: target.target.as_str(),
                bundle_id: &target.bundle_id.as_ref()?.value,
                platform: Some(target.platform),
                configuration: Some(&target.configuration),
                profile: choice.profile,
                certificate: choice.certificate.sha256,
                is_automatic: target.style.value == SigningStyle::Automatic,
                part_of: Some(target.part_of.clone()),
            })
        });
        rows.chain(Self::of_products(manifest)).collect()
    }

    fn of_products(manifest: &'a Manifest) -> impl Iterator<Item = Self> {
        manifest.products().iter().filter_map(|product| {
            let (_, profile) = manifest.profile(&product.profile)?;
            Some(Self {
                name: product.name.as_str(),
                bundle_id: &product.bundle_id,
                platform: None,
                configuration: None,
                profile,
                certificate: product.certificate,
                is_automatic: false,
                part_of: None,
            })
        })
    }
}
