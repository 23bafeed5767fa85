//! Whether a profile lets one product run, without an Xcode project: what Electron, Tauri, SwiftPM and Makefile builds sign.
//!
//! There is no target to ask: the profile, the entitlements that the product is signed with, and perhaps its bundle id, its
//! certificate and what it is meant for are given. The questions are those that the system asks when the product starts:
//! has the profile expired, does it cover the bundle id, does it hold the certificate, does it grant what is claimed.

use std::path::Path;

use jiff::Timestamp;

use super::manifest::PinnedProfile;
use crate::apple::entitlements::Entitlements;
use crate::apple::entitlements::grant::{PlatformFamily, Why};
use crate::apple::profile::ProfileKind;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::{BundleId, CertSha1, CertSha256};

/// A certificate, as somebody names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateName {
    /// By the SHA-1 of its DER encoding, as `security find-identity` prints it.
    Sha1(CertSha1),
    /// By the SHA-256 of its DER encoding.
    Sha256(CertSha256),
}

/// What is asked of a profile.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The profile.
    pub profile: &'a PinnedProfile,
    /// What the product is signed with.
    pub entitlements: &'a Entitlements,
    /// The file that they stand in.
    pub file: &'a Path,
    /// Its bytes, to find lines in.
    pub bytes: &'a [u8],
    /// The product's bundle id; without it the one that the entitlements claim, if they claim one.
    pub bundle_id: Option<&'a BundleId>,
    /// The certificate that signs; without it any of the profile's.
    pub certificate: Option<CertificateName>,
    /// What the product is meant for, if somebody says so.
    pub kind: Option<ProfileKind>,
    /// Now.
    pub now: Timestamp,
}

/// Everything that keeps the product from running with the profile.
pub fn check(question: &Question<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(expired(question));
    findings.extend(bundle_id(question));
    findings.extend(kind(question));
    findings.extend(certificate(question));
    findings.extend(claims(question));
    let uuid = &question.profile.uuid;
    let mut findings: Vec<Finding> = findings
        .into_iter()
        .map(|finding| finding.of_profile(uuid))
        .collect();
    finding::sort(&mut findings);
    findings
}

fn expired(question: &Question<'_>) -> Option<Finding> {
    let profile = question.profile;
    (profile.expires <= question.now).then(|| {
        Finding::block(
            Code::ProfileExpired,
            format!("profile {} expired {}", profile.title(), profile.expires),
        )
        .hint("renew the profile at Apple's developer site, and sign with the new one")
    })
}

fn bundle_id(question: &Question<'_>) -> Option<Finding> {
    let (profile, bundle_id) = (question.profile, question.bundle_id?);
    (!profile.bundle_id.covers(bundle_id)).then(|| {
        Finding::block(
            Code::TargetBundleMismatch,
            format!("profile {} does not cover {bundle_id}", profile.title()),
        )
        .values(&profile.bundle_id, bundle_id)
        .hint("sign with a profile of this bundle id, or correct the bundle id of the product")
    })
}

fn kind(question: &Question<'_>) -> Option<Finding> {
    let (profile, wanted) = (question.profile, question.kind?);
    (profile.kind != wanted).then(|| {
        Finding::block(
            Code::TargetKindMismatch,
            format!(
                "profile {} is for {}, not for {wanted}",
                profile.title(),
                profile.kind
            ),
        )
        .values(wanted, profile.kind)
        .hint(format!("sign with a profile for {wanted}"))
    })
}

fn certificate(question: &Question<'_>) -> Option<Finding> {
    let profile = question.profile;
    let Some(name) = question.certificate else {
        // Any of them may sign; none of them can, if all have expired.
        let mut left = profile.certificates.iter();
        let lives = left.any(|certificate| certificate.expires > question.now);
        return (!lives).then(|| {
            Finding::block(
                Code::CertificateExpired,
                format!(
                    "every certificate in profile {} has expired",
                    profile.title()
                ),
            )
            .hint("make a new certificate, and a profile with it")
        });
    };
    let found = profile.certificates.iter().find(|held| match name {
        CertificateName::Sha1(sha1) => held.sha1 == sha1,
        CertificateName::Sha256(sha256) => held.sha256 == sha256,
    });
    match found {
        None => {
            let held: Vec<String> = profile
                .certificates
                .iter()
                .map(|held| format!("{} ({})", held.sha1, held.common_name))
                .collect();
            let asked = match name {
                CertificateName::Sha1(sha1) => sha1.to_string(),
                CertificateName::Sha256(sha256) => sha256.to_string(),
            };
            Some(
                Finding::block(
                    Code::CertificateNotInProfile,
                    format!("profile {} does not hold the certificate that signs", profile.title()),
                )
                .values(held.join(", "), asked)
                .hint("sign with a certificate of the profile, or add the certificate to the profile and download it again"),
            )
        }
        Some(held) if held.expires <= question.now => Some(
            Finding::block(
                Code::CertificateExpired,
                format!(
                    "certificate {:?} expired {}",
                    held.common_name, held.expires
                ),
            )
            .hint("make a new certificate, and a profile with it"),
        ),
        Some(_) => None,
    }
}

/// What is claimed and not granted. The references that Xcode fills in from the profile are filled in.
fn claims(question: &Question<'_>) -> Vec<Finding> {
    let profile = question.profile;
    let prefix = profile
        .application_identifier
        .strip_suffix(profile.bundle_id.as_str())
        .and_then(|prefix| prefix.strip_suffix('.'))
        .unwrap_or(profile.team_id.as_str());
    let claimed = question.entitlements.map_strings(|text| {
        let text = text
            .replace("$(AppIdentifierPrefix)", &format!("{prefix}."))
            .replace("$(TeamIdentifierPrefix)", &format!("{}.", profile.team_id));
        match question.bundle_id {
            Some(bundle_id) => text
                .replace("$(CFBundleIdentifier)", bundle_id.as_str())
                .replace("$(PRODUCT_BUNDLE_IDENTIFIER)", bundle_id.as_str()),
            None => text,
        }
    });
    let family = match profile.is_mac() {
        true => PlatformFamily::Mac,
        false => PlatformFamily::Ios,
    };
    let mut findings: Vec<Finding> = profile
        .entitlements
        .grants(&claimed, family)
        .into_iter()
        .map(|shortfall| {
            let severity = match shortfall.why {
                Why::Unexpanded => Severity::Warn,
                _ => Severity::Block,
            };
            let hint = match &*shortfall.key {
                "get-task-allow" | "com.apple.security.get-task-allow" => {
                    "remove get-task-allow from the entitlements, or sign with a development profile"
                }
                _ => {
                    "remove the claim, or enable the capability for this bundle id at Apple's developer site and download \
                     the profile again"
                }
            };
            Finding::new(
                Code::EntitlementNotGranted,
                severity,
                format!("{} is claimed, and profile {} does not grant it", shortfall.key, profile.title()),
            )
            .values(
                format!("a grant of {}", shortfall.claimed),
                shortfall
                    .granted
                    .as_ref()
                    .map_or("no grant".to_owned(), |granted| format!("a grant of {granted}")),
            )
            .in_file(question.file)
            .at_line(line_of_key(question.bytes, &shortfall.key))
            .at_pointer(format!("/{}", shortfall.key))
            .hint(hint)
        })
        .collect();
    findings.extend(debuggable(question));
    findings
}

/// On macOS no profile grants `get-task-allow`, and notarization and the store refuse it.
fn debuggable(question: &Question<'_>) -> Option<Finding> {
    let profile = question.profile;
    let is_for_release = profile.is_mac() && profile.kind != ProfileKind::Development;
    (is_for_release && question.entitlements.get_task_allow()).then(|| {
        Finding::block(
            Code::EntitlementNotGranted,
            format!("get-task-allow is claimed beside a profile for {}", profile.kind),
        )
        .in_file(question.file)
        .at_line(line_of_key(question.bytes, "get-task-allow"))
        .hint("remove get-task-allow from the entitlements: a product that a debugger may attach to is not distributed")
    })
}

/// The line on which a key stands, from 1; the first where it cannot be told, as in a binary file.
fn line_of_key(bytes: &[u8], key: &str) -> u64 {
    let key = key.as_bytes();
    let at = bytes
        .windows(key.len().max(1))
        .position(|window| window == key);
    at.map_or(1, |at| finding::line_of(bytes, at))
}
