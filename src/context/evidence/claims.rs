//! What a piece of code says of itself: identifiers and entitlements, against its profile.

use super::part::{Part, Scene};
use crate::apple::entitlements::Entitlements;
use crate::apple::entitlements::grant::PlatformFamily;
use crate::apple::profile::{Fields, ProfileKind};
use crate::base::finding::{Code, Finding};

/// The claims that let a debugger attach; they have a finding of their own.
const DEBUGGABLE: [&str; 2] = ["get-task-allow", "com.apple.security.get-task-allow"];

/// What is claimed wrongly.
pub(super) fn check(part: &Part<'_>, _scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(signing_identifier(part));
    let Some(claims) = part.claims().filter(|_| part.is_program()) else {
        findings.extend(nothing_claimed(part));
        return findings;
    };
    findings.extend(debuggable(part, claims));
    if let Some(profile) = part.proven() {
        findings.extend(application_identifier(part, claims, profile.fields()));
        findings.extend(not_granted(part, claims, profile.fields()));
    }
    findings
}

/// Code that is signed under another name than its `Info.plist` has. For frameworks and plug-ins only a remark: whoever
/// signs them again may keep the name that their makers gave.
fn signing_identifier(part: &Part<'_>) -> Option<Finding> {
    let layout = part.item.layout.as_ref()?;
    let named = layout.text("CFBundleIdentifier")?;
    let signed = part.item.identifier()?;
    if named == signed || part.is_apples() {
        return None;
    }
    let counts = part.profile.is_some()
        || !part.planned.is_empty()
        || part.has_extension(&["app", "appex", "xpc", "systemextension", "dext"]);
    let message = format!(
        "{} is signed under another identifier than its bundle id",
        part.title()
    );
    let finding = match counts {
        true => Finding::block(Code::SigningIdentifierMismatch, message),
        false => Finding::warn(Code::SigningIdentifierMismatch, message),
    };
    let finding = finding
        .values(named, signed)
        .hint("sign the bundle itself after its Info.plist is final, without a forced identifier");
    Some(part.place(finding))
}

/// What is signed with a profile for iOS and claims nothing is not installed.
fn nothing_claimed(part: &Part<'_>) -> Option<Finding> {
    let profile = part.proven().filter(|_| part.is_program())?;
    if part.family != PlatformFamily::Ios {
        return None;
    }
    Some(part.place(unclaimed(part, profile.fields())))
}

fn unclaimed(part: &Part<'_>, fields: &Fields) -> Finding {
    Finding::block(
        Code::ApplicationIdentifierMismatch,
        format!("{} claims no application identifier", part.title()),
    )
    .values(application(part, fields).unwrap_or_default(), "none")
    .of_profile(&fields.uuid)
    .hint("sign it with the entitlements that Xcode makes of the profile")
}

fn application_identifier(
    part: &Part<'_>,
    claims: &Entitlements,
    fields: &Fields,
) -> Option<Finding> {
    let Some(claimed) = claims.application_identifier() else {
        let is_needed = part.family == PlatformFamily::Ios;
        return is_needed.then(|| part.place(unclaimed(part, fields)));
    };
    let expected = application(part, fields)?;
    (claimed != expected).then(|| {
        let finding = Finding::block(
            Code::ApplicationIdentifierMismatch,
            format!(
                "{} claims an application identifier that is not its own",
                part.title()
            ),
        )
        .values(expected, claimed)
        .of_profile(&fields.uuid)
        .hint("sign it with its own profile, and let Xcode fill in $(AppIdentifierPrefix)");
        part.place(finding)
    })
}

/// The profile's prefix and the bundle id.
fn application(part: &Part<'_>, fields: &Fields) -> Option<String> {
    let prefix = fields
        .application_identifier
        .strip_suffix(fields.bundle_id.as_str())?;
    Some(format!("{prefix}{}", part.bundle_id.as_ref()?))
}

fn not_granted(part: &Part<'_>, claims: &Entitlements, fields: &Fields) -> Vec<Finding> {
    let shortfalls = fields.entitlements.grants(claims, part.family);
    // Those two have findings of their own.
    let own = ["application-identifier", "com.apple.application-identifier"];
    let shortfalls = shortfalls
        .into_iter()
        .filter(|it| !own.contains(&&*it.key) && !DEBUGGABLE.contains(&&*it.key));
    shortfalls
        .map(|shortfall| {
            let granted = shortfall.granted.as_ref();
            let finding = Finding::block(
                Code::ClaimNotGranted,
                format!("{} claims {}, and its profile does not grant it", part.title(), shortfall.key),
            )
            .values(
                granted.map_or("no such claim".to_owned(), |granted| format!("at most {granted}")),
                &shortfall.claimed,
            )
            .of_profile(&fields.uuid)
            .at_pointer(format!("/{}", shortfall.key))
            .hint(
                "remove the entitlement, or enable the capability for this bundle id at Apple's developer site and pin the \
                 new profile",
            );
            part.place(finding)
        })
        .collect()
}

fn debuggable(part: &Part<'_>, claims: &Entitlements) -> Option<Finding> {
    let destination = part.destination?;
    if destination == ProfileKind::Development || !claims.get_task_allow() || part.is_apples() {
        return None;
    }
    let finding = Finding::block(
        Code::ProductDebuggable,
        format!("{} lets a debugger attach, but the product is for {destination}", part.title()),
    )
    .values("no get-task-allow", "get-task-allow = true")
    .hint("build with CODE_SIGN_INJECT_BASE_ENTITLEMENTS = NO or the Release configuration, and remove get-task-allow");
    Some(part.place(finding))
}
