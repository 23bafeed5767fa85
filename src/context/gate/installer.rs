//! The installer identity that a Mac App Store package needs.
//!
//! The Mac App Store takes a package, which another certificate signs than the application in it: "No signing certificate
//! "Mac Installer Distribution" found" comes from `xcodebuild -exportArchive`, after everything was built. No profile names that
//! certificate, so nothing pins it, and neither `find-identity -p codesigning` nor a keychain's code-signing identities show
//! it: where it is not seen it may still be there. And a job that only archives needs none. So this never blocks. It warns where the
//! job says that it is for the store, and else is information.

use super::asked::Asked;
use super::facts::{Family, Observation, Observed};
use super::pins::Pins;
use crate::apple::profile::ProfileKind;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::remedy::Remedy;
use crate::context::manifest::PinnedProfile;

/// What Apple calls such certificates: the name that they carry, and the one of today.
const NAMES: [&str; 2] = [
    "3rd Party Mac Developer Installer",
    "Mac Installer Distribution",
];

/// That no installer identity was seen, where a product for the Mac App Store is signed.
pub(super) fn check(pins: &Pins<'_>, facts: &Observed, asked: &Asked) -> Option<Finding> {
    if asked.kind.is_some_and(|kind| kind != ProfileKind::AppStore) || !signs_for_the_mac(facts) {
        return None;
    }
    let Observation::Observed(identities) = &facts.identities else {
        return None;
    };
    let for_the_store = |profile: &&PinnedProfile| {
        profile.kind == ProfileKind::AppStore && Family::of(&profile.platforms) == Family::Mac
    };
    let profile = pins.in_use().find(for_the_store)?;
    let team = format!("({})", profile.team_id);
    let is_installer =
        |label: &str| NAMES.iter().any(|name| label.starts_with(name)) && label.contains(&team);
    let mut usable = identities.identities.iter();
    if usable.any(|identity| identity.problem.is_none() && is_installer(&identity.label)) {
        return None;
    }
    let severity = match asked.kind {
        Some(_) => Severity::Warn,
        None => Severity::Info,
    };
    Some(
        Finding::new(
            Code::InstallerIdentityUnobserved,
            severity,
            format!(
                "profile {} is for the Mac App Store, whose package needs an installer identity, and none was seen",
                profile.title()
            ),
        )
        .values(
            format!("an identity \"3rd Party Mac Developer Installer: … {team}\""),
            format!("none in {}", identities.source),
        )
        .of_profile(&profile.uuid)
        .hint(
            "import the Mac Installer Distribution certificate with its private key, and name it in the policy's \
             identities.allow; `security find-identity -v` shows it, and with -p codesigning it does not",
        )
        .remedy(Remedy::ImportIdentities),
    )
}

/// Whether targets of the Mac are judged; where none were looked at, they may be.
fn signs_for_the_mac(facts: &Observed) -> bool {
    match &facts.targets {
        Observation::Observed(observed) => {
            let mut targets = observed.targets.iter();
            targets.any(|target| target.platform.is_mac() && target.is_signed())
        }
        Observation::Unobserved { .. } => true,
    }
}
