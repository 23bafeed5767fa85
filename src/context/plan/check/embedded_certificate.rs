//! An embedded product that cannot be signed with the certificate of the app that embeds it.
//!
//! After an application is signed, Xcode holds each app extension, app and system extension that it copies into it against the application's own
//! certificate (the task `ValidateEmbeddedBinary` with `-signing-cert`; swift-build, `CopyFilesTaskProducer` and the file types that
//! say `ValidateOnCopy`), and fails with "Embedded binary is not signed with the same certificate as the parent app". Half of a
//! certificate renewal looks like that: the app's profile is made again, the extension's is not.
//!
//! The attribute `CodeSignOnCopy` of the copied file changes nothing: the file types of these products say `CodeSignOnCopy = NO`.
//!
//! A profile may embed many certificates, and which of them signs is for the keychain to say. So only what leaves no choice blocks: no
//! certificate that could sign the one could sign the other. Where Xcode chooses the profile itself, or two have the name that is
//! asked for, there is a choice. A target that several applications embed fits if it fits one: which of them is built, the archive
//! says.

use std::collections::BTreeSet;

use super::place::{at_origin, title};
use super::subject::Subject;
use crate::base::finding::{Code, Finding};
use crate::base::ids::CertSha1;
use crate::context::manifest::PinnedCertificate;
use crate::context::plan::fit::answers;
use crate::context::plan::row::Row;
use crate::xcode::product_type::ProductKind;
use crate::xcode::targets::SigningStyle;

/// A product that has no certificate in common with an application that embeds it.
pub(super) fn embedded_certificate(it: &Subject<'_, '_>) -> Option<Finding> {
    let target = it.target;
    let is_validated = matches!(
        target.kind,
        ProductKind::AppExtension
            | ProductKind::Application
            | ProductKind::AppClip
            | ProductKind::SystemExtension
    );
    if !is_validated || !target.is_signed() {
        return None;
    }
    let row = it.row?;
    let own = signing(row, it)?;
    let mut hosts = Vec::new();
    for (embedder, host, row) in it.scene.embedders(target) {
        if !embedder.is_copied || !host.is_signed() || !it.scene.is_judged(host) {
            continue;
        }
        // Whatever signs a host of which that is not known may sign this product too.
        let theirs = signing(row?, it)?;
        hosts.push((host, theirs));
    }
    if !hosts.iter().all(|(_, theirs)| is_disjoint(&own, theirs)) {
        return None;
    }
    let (host, theirs) = hosts.first()?;
    let finding = Finding::block(
        Code::EmbeddedCertificateDiffers,
        format!(
            "{} cannot be signed with the certificate of {}, which embeds it",
            title(target),
            host.target
        ),
    )
    .values(listed(theirs), listed(&own))
    .of_profile(&row.choice.as_ref()?.profile.uuid)
    .hint("make the older of the two profiles again with the certificate of the other, so that one certificate signs both");
    let origin = target.requested_profile().map(|setting| &setting.origin);
    Some(at_origin(finding, target, origin))
}

/// The certificates that could sign a target: those of its profile that it asks for, with a private key here if somebody looked. `None`
/// where that is not sure: Xcode may choose another profile, or nothing can sign it, which is told for itself.
fn signing<'a>(row: &Row<'a>, it: &Subject<'_, 'a>) -> Option<Vec<&'a PinnedCertificate>> {
    let available = it.scene.available;
    let profile = row.choice.as_ref()?.profile;
    let requested = &row.target.requested_profile()?.value;
    let is_sure = row.target.style.value == SigningStyle::Manual
        && answers(profile, requested)
        && available.profiles.answering(requested).len() == 1;
    if !is_sure {
        return None;
    }
    let asked = row.target.asked_identity();
    let is_asked = |certificate: &&PinnedCertificate| {
        asked.is_none_or(|text| match text.parse::<CertSha1>() {
            Ok(sha1) => certificate.sha1 == sha1,
            // A whole name; a selector as `Apple Distribution` names no certificate.
            Err(_) => !text.contains(": ") || certificate.common_name.starts_with(text),
        })
    };
    let has_key = |certificate: &&PinnedCertificate| {
        let held = available.identities;
        held.is_none_or(|held| held.contains(&certificate.sha1))
    };
    let certificates = profile.certificates().filter(is_asked).filter(has_key);
    let certificates: Vec<&PinnedCertificate> = certificates.collect();
    (!certificates.is_empty()).then_some(certificates)
}

fn is_disjoint(one: &[&PinnedCertificate], other: &[&PinnedCertificate]) -> bool {
    let known: BTreeSet<CertSha1> = one.iter().map(|it| it.sha1).collect();
    other.iter().all(|it| !known.contains(&it.sha1))
}

/// The first certificates by their titles, and how many more there are.
fn listed(certificates: &[&PinnedCertificate]) -> String {
    let named = certificates.iter().take(MOST_NAMED);
    let mut named: Vec<String> = named.map(|it| it.title()).collect();
    let more = certificates.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

/// So many certificates are named.
const MOST_NAMED: usize = 3;
