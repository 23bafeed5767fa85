//! What export options say beside profiles and certificates: the method, CloudKit's environment, what is distributed.

use super::row::Row;
use crate::apple::profile::ProfileKind;
use crate::apple::value::Value;
use crate::base::ids::BundleId;
use crate::xcode::export_options::ExportMethod;
use crate::xcode::product_type::ProductKind;

/// The method that takes profiles of this kind.
pub(super) fn method(kind: ProfileKind) -> ExportMethod {
    match kind {
        ProfileKind::Development => ExportMethod::Development,
        ProfileKind::AdHoc => ExportMethod::AdHoc,
        ProfileKind::AppStore => ExportMethod::AppStore,
        ProfileKind::Enterprise => ExportMethod::Enterprise,
        ProfileKind::DeveloperId => ExportMethod::DeveloperId,
    }
}

const CONTAINERS: &str = "com.apple.developer.icloud-container-identifiers";
const SERVICES: &str = "com.apple.developer.icloud-services";
const ENVIRONMENT: &str = "com.apple.developer.icloud-container-environment";
const DEVELOPMENT: &str = "Development";
const PRODUCTION: &str = "Production";

/// `iCloudContainerEnvironment`, which Xcode demands for a product with iCloud containers, but for the store, where it is
/// always Production: "exportOptionsPlist error for key iCloudContainerEnvironment: expected one of {Development,
/// Production}, but no value was provided". What the product claims counts, else what its kind is for; and of that what the
/// profile grants.
pub(super) fn icloud_environment(method: ExportMethod, rows: &[&Row<'_>]) -> Option<String> {
    if matches!(method, ExportMethod::AppStore | ExportMethod::Validation) {
        return None;
    }
    let row = rows.iter().find(|row| claims_containers(row))?;
    let claimed = row
        .target
        .entitlements
        .as_ref()
        .and_then(|it| it.values.get(ENVIRONMENT))
        .and_then(Value::as_str)
        .filter(|word| [DEVELOPMENT, PRODUCTION].contains(word));
    let usual = match method {
        ExportMethod::Development => DEVELOPMENT,
        _ => PRODUCTION,
    };
    let granted = row
        .choice
        .and_then(|choice| choice.profile.entitlements.get(ENVIRONMENT));
    let grants = |word: &str| match granted {
        Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(word)),
        Some(Value::String(text)) => [word, "*"].contains(&&**text),
        _ => true,
    };
    let other = match usual {
        DEVELOPMENT => PRODUCTION,
        _ => DEVELOPMENT,
    };
    let wanted = claimed.into_iter().chain([usual, other]);
    let mut wanted = wanted.filter(|word| grants(word));
    Some(wanted.next().unwrap_or(usual).to_owned())
}

/// Whether the product names iCloud containers, or uses CloudKit, which has one by default.
fn claims_containers(row: &Row<'_>) -> bool {
    let Some(entitlements) = &row.target.entitlements else {
        return false;
    };
    let names_any = matches!(
        entitlements.values.get(CONTAINERS),
        Some(Value::Array(items)) if !items.is_empty()
    ) || matches!(entitlements.values.get(CONTAINERS), Some(Value::String(_)));
    let uses = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text == "*" || text.starts_with("CloudKit"))
    };
    let uses_cloudkit = match entitlements.values.get(SERVICES) {
        Some(Value::Array(items)) => items.iter().any(uses),
        Some(value) => uses(value),
        None => false,
    };
    names_any || uses_cloudkit
}

/// `distributionBundleIdentifier`: which product an archive with an App Clip is exported for, where not the store takes
/// both ("Reformat archive to focus on eligible target bundle identifier", `xcodebuild -help`). The application, where it is
/// among the rows; a clip alone is exported alone.
pub(super) fn distributed(method: ExportMethod, rows: &[&Row<'_>]) -> Option<BundleId> {
    let of_kind = |kind: ProductKind| {
        let mut ids: Vec<&BundleId> = rows
            .iter()
            .filter(|row| {
                row.target.kind == kind
                    && (kind == ProductKind::AppClip || row.target.host.is_none())
            })
            .filter_map(|row| Some(&row.target.bundle_id.as_ref()?.value))
            .collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let clips = of_kind(ProductKind::AppClip);
    if clips.is_empty() {
        return None;
    }
    match (
        of_kind(ProductKind::Application).as_slice(),
        clips.as_slice(),
    ) {
        ([], [clip]) => Some((*clip).clone()),
        ([application], _) if method != ExportMethod::AppStore => Some((*application).clone()),
        _ => None,
    }
}
