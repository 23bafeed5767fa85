//! An embedded product whose bundle id does not begin with its host's.
//!
//! Xcode says "Embedded binary's bundle identifier is not prefixed with the parent app's bundle identifier", and the App
//! Store refuses it too. It holds for app extensions, app clips and watch apps; frameworks, XPC services and the helper
//! applications of a Mac app may be called what they like. A target that several applications embed fits if it fits one.

use super::place::{at_origin, title};
use super::subject::Subject;
use crate::base::finding::{Code, Finding};
use crate::base::ids::TargetName;
use crate::xcode::platform::Platform;
use crate::xcode::product_type::ProductKind;
use crate::xcode::targets::SigningTarget;

/// A bundle id that does not begin with the id of an application that carries the product.
pub(super) fn bundle_prefix(it: &Subject<'_, '_>) -> Option<Finding> {
    let target = it.target;
    let must_begin_so = match target.kind {
        ProductKind::AppExtension | ProductKind::AppClip => true,
        ProductKind::Application => target.platform == Platform::Watchos,
        _ => false,
    };
    if !must_begin_so || !target.is_signed() {
        return None;
    }
    let bundle_id = target.bundle_id.as_ref()?;
    let mut hosts: Vec<&SigningTarget> = it
        .scene
        .embedders(target)
        .map(|(_, host, _)| host)
        .collect();
    // An application may carry it inside of another product.
    let is_direct = |name: &&TargetName| target.embedded_in.iter().any(|it| it.target == **name);
    let indirect = target.host.iter().filter(|name| !is_direct(name));
    hosts.extend(indirect.filter_map(|name| {
        it.scene.named(name, target).find(|host| {
            let carries = matches!(host.kind, ProductKind::Application | ProductKind::AppClip);
            carries && (host.platform == target.platform || target.platform == Platform::Watchos)
        })
    }));
    let begins_with = |host: &&SigningTarget| {
        let Some(id) = &host.bundle_id else {
            return true;
        };
        let rest = bundle_id.value.revealed().strip_prefix(id.value.revealed());
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    if hosts.iter().any(begins_with) {
        return None;
    }
    let host = *hosts.first()?;
    let expected = host.bundle_id.as_ref()?;
    let finding = Finding::block(
        Code::BundleIdNotPrefixed,
        format!(
            "the bundle id of {} does not begin with the one of {}, which embeds it",
            title(target),
            host.target
        ),
    )
    .values(format!("{}.…", expected.value), &bundle_id.value)
    .hint(format!(
        "set PRODUCT_BUNDLE_IDENTIFIER to an id that begins with {}., and create a profile for it",
        expected.value
    ));
    Some(at_origin(finding, target, Some(&bundle_id.origin)))
}
