//! Which platforms a target is built for.
//!
//! `SDKROOT` names one; `SUPPORTED_PLATFORMS` may name more (multi-platform targets, whose `SDKROOT` is `auto`), and
//! `SUPPORTS_MACCATALYST` adds Catalyst, to iOS and to the Mac (SettingsTests.macCatalystFromMacOSSDK). Simulators are left out: nothing in them needs a profile.

use crate::xcode::platform::Platform;
use crate::xcode::project::TargetIndex;
use crate::xcode::settings::ProjectSettings;

/// The platforms of a target in a configuration, its `SDKROOT`'s first; or what is shown of an `SDKROOT` that names none.
pub(super) fn of(
    settings: &ProjectSettings<'_>,
    target: TargetIndex,
    configuration: &str,
) -> Result<Vec<Platform>, String> {
    let scope = settings.scope(target, configuration, None);
    let value = |name| scope.evaluate(name).map(|resolved| resolved.value);
    let sdk = scope.evaluate("SDKROOT").unwrap_or_default();
    let main = match sdk.value.as_str() {
        "" => Some(Platform::Macos),
        sdk => Platform::of_sdk(sdk),
    };
    let supported = value("SUPPORTED_PLATFORMS")
        .or_else(|| main.map(|platform| platform.default_supported().to_owned()))
        .unwrap_or_default();
    let supported: Vec<Platform> = supported
        .split_ascii_whitespace()
        .filter_map(Platform::of_sdk)
        .filter(|platform| !platform.is_simulator())
        .collect();

    let mut platforms: Vec<Platform> = main
        .filter(|platform| !platform.is_simulator())
        .into_iter()
        .collect();
    for platform in supported {
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    if platforms.is_empty() && main.is_none() {
        return Err(sdk.shown().into_owned());
    }
    let from = [Platform::Ios, Platform::Macos]
        .into_iter()
        .find_map(|base| {
            let at = platforms.iter().position(|platform| *platform == base)?;
            let scope = settings.scope(target, configuration, Some(base));
            scope.is_yes("SUPPORTS_MACCATALYST").then_some(at)
        });
    if let Some(at) = from {
        platforms.insert(at + 1, Platform::MacCatalyst);
    }
    Ok(platforms)
}

/// `platform` if it is the one asked for, or the simulator that is asked for in its stead. Catalyst is built with the Mac's
/// SDK, so that who asks for `macosx` gets both.
pub(super) fn narrowed(platform: Platform, only: Platform) -> Option<Platform> {
    match (platform, only) {
        (Platform::MacCatalyst, Platform::Macos) => Some(platform),
        _ => (platform == only.device()).then_some(only),
    }
}
