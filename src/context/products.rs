//! Products without an Xcode project: what signs each, and what is not right with it.
//!
//! The policy declares them ([`DeclaredProduct`]), freezing pins them, and every verb that
//! judges targets judges them as well, by one function. A product is asked what the system asks when it starts
//! ([`profile_check`]). Beside that, what the policy declares and what the manifest pins must be the same.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::manifest::{PinnedCertificate, PinnedProduct, PinnedProfile};
use super::policy::{DeclaredProduct, Policy};
use super::profile_check::{self, CertificateName, Question};
use crate::apple::entitlements::Entitlements;
use crate::base::error::Explain as _;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{CertSha1, ProfileUuid};
use crate::base::remedy::Remedy;

/// What a product is signed with.
#[derive(Debug, Clone)]
pub struct ObservedProduct {
    /// The product, as the policy declares it.
    pub declared: DeclaredProduct,
    /// The bytes of its file of entitlements, or why they could not be read.
    pub entitlements: Result<Arc<[u8]>, String>,
}

/// What products are judged by.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What the policy declares, and what was read of it.
    pub products: &'a [ObservedProduct],
    /// The policy that declares them, to point at its lines.
    pub policy: &'a Policy,
    /// What there is to sign with.
    pub profiles: &'a [PinnedProfile],
    /// What the manifest pins; `None` where no manifest is judged.
    pub pinned: Option<&'a [PinnedProduct]>,
    /// The certificates whose private keys are at hand, where somebody looked.
    pub identities: Option<&'a HashSet<CertSha1>>,
    /// The instant that is judged.
    pub now: Timestamp,
}

/// What signs the products, and what is not right.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// The products that have a profile, as a manifest pins them, in the order of the policy.
    pub planned: Vec<PinnedProduct>,
    /// What is not right.
    pub findings: Vec<Finding>,
}

/// Judges the products.
pub fn judge(request: &Request<'_>) -> Judgement {
    let profiles: HashMap<&ProfileUuid, &PinnedProfile> = request
        .profiles
        .iter()
        .map(|profile| (&profile.uuid, profile))
        .collect();
    let pinned: HashMap<&str, (usize, &PinnedProduct)> = request
        .pinned
        .unwrap_or_default()
        .iter()
        .enumerate()
        .map(|(index, pin)| (pin.name.as_str(), (index, pin)))
        .collect();
    let mut judgement = Judgement::default();
    for (index, observed) in request.products.iter().enumerate() {
        let declared = &observed.declared;
        let pin = pinned.get(declared.name.as_str()).copied();
        let at = |key: &str, finding: Finding| {
            let rule = format!("products[{index}].{key}");
            request
                .policy
                .at_rule(&rule, finding)
                .of_target(&declared.name)
        };
        let mut findings = Vec::new();
        if request.pinned.is_some() {
            findings.extend(contradiction(declared, pin, &at));
        }
        match profiles.get(&declared.profile) {
            None => findings.push(at("profile", unmapped(declared, request.profiles.len()))),
            Some(profile) => {
                let certificate = certificate(profile, pin.map(|(_, pin)| pin), request.identities);
                judgement
                    .planned
                    .extend(certificate.map(|certificate| PinnedProduct {
                        name: declared.name.clone(),
                        bundle_id: declared.bundle_id.clone(),
                        entitlements: declared.entitlements.clone(),
                        profile: profile.uuid.clone(),
                        certificate: certificate.sha256,
                    }));
                findings.extend(runs(observed, profile, certificate, request, &at));
            }
        }
        judgement.findings.extend(findings);
    }
    let declared: HashSet<&str> = request
        .products
        .iter()
        .map(|product| product.declared.name.as_str())
        .collect();
    let pinned = request.pinned.unwrap_or_default().iter().enumerate();
    let forgotten = pinned.filter(|(_, pin)| !declared.contains(pin.name.as_str()));
    judgement.findings.extend(forgotten.map(|(index, pin)| {
        Finding::block(
            Code::ProductDiffers,
            format!(
                "the manifest pins product {}, which the policy does not declare",
                pin.name
            ),
        )
        .of_target(&pin.name)
        .of_profile(&pin.profile)
        .at_pointer(format!("/products/{index}"))
        .hint("declare it in [[products]] of the policy, or freeze the manifest again")
        .remedy(Remedy::FreezeManifest)
    }));
    judgement
}

fn unmapped(declared: &DeclaredProduct, count: usize) -> Finding {
    Finding::block(
        Code::TargetUnmapped,
        format!("the profile of product {} is not here", declared.name),
    )
    .values(
        format!("profile {}", declared.profile),
        format!("none of {count} profiles"),
    )
    .of_profile(&declared.profile)
    .hint("install the profile and freeze the manifest again, or name the UUID of the one that is here")
    .remedy(Remedy::FreezeManifest)
}

/// That the policy and the manifest say different things of a product.
fn contradiction(
    declared: &DeclaredProduct,
    pin: Option<(usize, &PinnedProduct)>,
    at: &dyn Fn(&str, Finding) -> Finding,
) -> Option<Finding> {
    let differs = |key: &str, message: String, pinned: String, declared: String| {
        let finding = Finding::block(Code::ProductDiffers, message)
            .values(pinned, declared)
            .hint("correct the policy, or freeze the manifest again")
            .remedy(Remedy::FreezeManifest);
        Some(at(key, finding))
    };
    let name = &declared.name;
    let Some((_, pin)) = pin else {
        return differs(
            "name",
            format!("the policy declares product {name}, which the manifest does not pin"),
            "no such product".to_owned(),
            format!("product {name}"),
        );
    };
    let otherwise = |what: &str| {
        format!("the policy declares another {what} for product {name} than the manifest pins")
    };
    if pin.profile != declared.profile {
        return differs(
            "profile",
            otherwise("profile"),
            pin.profile.to_string(),
            declared.profile.to_string(),
        );
    }
    if pin.bundle_id != declared.bundle_id {
        return differs(
            "bundle_id",
            otherwise("bundle id"),
            pin.bundle_id.to_string(),
            declared.bundle_id.to_string(),
        );
    }
    if pin.entitlements != declared.entitlements {
        return differs(
            "entitlements",
            otherwise("file of entitlements"),
            pin.entitlements.clone(),
            declared.entitlements.clone(),
        );
    }
    None
}

/// The certificate that signs: the pinned one, else the one that lives longest; those whose keys are at hand come first.
fn certificate<'a>(
    profile: &'a PinnedProfile,
    pin: Option<&PinnedProduct>,
    identities: Option<&HashSet<CertSha1>>,
) -> Option<&'a PinnedCertificate> {
    let pinned = pin.and_then(|pin| {
        let mut all = profile.certificates();
        all.find(|certificate| certificate.sha256 == pin.certificate)
    });
    let longest = || {
        profile.certificates().max_by_key(|certificate| {
            let has_key = identities.is_some_and(|keys| keys.contains(&certificate.sha1));
            (has_key, certificate.expires, certificate.sha256)
        })
    };
    pinned.or_else(longest)
}

/// Everything that keeps the product from running.
fn runs(
    observed: &ObservedProduct,
    profile: &PinnedProfile,
    certificate: Option<&PinnedCertificate>,
    request: &Request<'_>,
    at: &dyn Fn(&str, Finding) -> Finding,
) -> Vec<Finding> {
    let declared = &observed.declared;
    let unreadable = |problem: &str, hint: Option<String>| {
        let finding = Finding::block(
            Code::EntitlementsUnreadable,
            format!("the entitlements of product {} cannot be read: {problem}", declared.name),
        )
        .found(declared.file.display())
        .hint(hint.unwrap_or_else(|| {
            "name the file of entitlements that codesign gets; a relative path is relative to the policy".to_owned()
        }));
        vec![at("entitlements", finding)]
    };
    let bytes = match &observed.entitlements {
        Ok(bytes) => bytes,
        Err(problem) => return unreadable(problem, None),
    };
    let claimed = match Entitlements::from_plist(bytes) {
        Ok(claimed) => claimed,
        Err(error) => return unreadable(&error.to_string(), error.hint()),
    };
    let file: &Path = &declared.file;
    let findings = profile_check::check(&Question {
        profile,
        entitlements: &claimed,
        file,
        bytes,
        bundle_id: Some(&declared.bundle_id),
        certificate: certificate.map(|certificate| CertificateName::Sha256(certificate.sha256)),
        kind: None,
        now: request.now,
    });
    let findings = findings.into_iter().map(|finding| {
        let finding = match finding.place.file {
            Some(_) => finding,
            None => at(
                match finding.code {
                    Code::TargetBundleMismatch => "bundle_id",
                    _ => "profile",
                },
                finding,
            ),
        };
        let finding = finding.of_profile(&profile.uuid);
        finding.of_target(&declared.name)
    });
    findings.collect()
}
