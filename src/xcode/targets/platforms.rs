//! Which platforms a target is built for.
//!
//! `SDKROOT` names one; `SUPPORTED_PLATFORMS` may name more (multi-platform targets, whose `SDKROOT` is `auto`), and
//! `SUPPORTS_MACCATALYST` adds the Mac to iOS. Simulators are left out: nothing in them needs a profile.

use crate::xcode::platform::Platform;
use crate::xcode::project::TargetIndex;
use crate::xcode::settings::ProjectSettings;

/// The platforms of a target in a configuration, its `SDKROOT`'s first; or an `SDKROOT` that names none.
pub(super) fn of(
    settings: &ProjectSettings<'_>,
    target: TargetIndex,
    configuration: &str,
) -> Result<Vec<Platform>, String> {
    let scope = settings.scope(target, configuration, None);
    let value = |name| scope.evaluate(name).map(|resolved| resolved.value);
    let sdk = value("SDKROOT").unwrap_or_default();
    let main = match sdk.as_str() {
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
        return Err(sdk);
    }
    if let Some(at) = platforms
        .iter()
        .position(|platform| *platform == Platform::Ios)
    {
        let ios = settings.scope(target, configuration, Some(Platform::Ios));
        if ios.is_yes("SUPPORTS_MACCATALYST") || ios.is_yes("SUPPORTS_UIKITFORMAC") {
            platforms.insert(at + 1, Platform::MacCatalyst);
        }
    }
    Ok(platforms)
}

/// `platform` if it is the one asked for, or the simulator that is asked for in its stead.
pub(super) fn narrowed(platform: Platform, only: Platform) -> Option<Platform> {
    let simulated = match only {
        Platform::IosSimulator => Platform::Ios,
        Platform::TvosSimulator => Platform::Tvos,
        Platform::WatchosSimulator => Platform::Watchos,
        Platform::VisionosSimulator => Platform::Visionos,
        device => device,
    };
    (platform == simulated).then_some(only)
}
