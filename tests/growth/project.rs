//! A project, a manifest and a policy of any size, as text: what growth is measured on.
//!
//! The project is shaped like a large one that is honest: one application carries every extension, all of them share one
//! configuration file and one entitlements file, and each asks for its own profile by name. The manifest holds a profile
//! for each target and pins each target to it.

use std::fmt::Write as _;
use std::path::Path;

use countersign::context::manifest::{
    Manifest, PinnedCertificate, PinnedProfile, PinnedTarget, ProfileState, freeze,
};
use countersign::context::plan::{Plan, Request, plan};
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::sources::InMemory;
use countersign::xcode::targets::{Selection, SigningTargets, resolve};

/// The team of everything.
const TEAM: &str = "ABCDE12345";
/// Where the project lies.
const BUNDLE: &str = "/src/Large.xcodeproj";

/// The text of a project of `count` targets in two configurations: one application and its extensions.
pub(crate) fn project_text(count: usize) -> String {
    let mut text = String::from("// !$*UTF8*$!\n{\n\tobjectVersion = 77;\n\tobjects = {\n");
    text.push_str(
        "\t\tXC = {isa = PBXFileReference; path = Shared.xcconfig; sourceTree = SOURCE_ROOT; };\n",
    );
    text.push_str("\t\tPD = {isa = XCBuildConfiguration; name = Debug; buildSettings = { SDKROOT = iphoneos; }; };\n");
    text.push_str("\t\tPR = {isa = XCBuildConfiguration; name = Release; buildSettings = { SDKROOT = iphoneos; }; };\n");
    text.push_str("\t\tPL = {isa = XCConfigurationList; buildConfigurations = (PD, PR); defaultConfigurationName = Release; };\n");
    text.push_str("\t\tC0 = {isa = PBXCopyFilesBuildPhase; dstSubfolderSpec = 13; name = \"Embed Foundation Extensions\"; files = (\n");
    for index in 1..count {
        let _ = writeln!(text, "\t\t\tF{index},");
    }
    text.push_str("\t\t); };\n");
    for index in 0..count {
        let kind = if index == 0 {
            "application"
        } else {
            "app-extension"
        };
        let phases = if index == 0 { "C0" } else { "" };
        let suffix = suffix(index);
        let _ = writeln!(
            text,
            "\t\tF{index} = {{isa = PBXBuildFile; fileRef = O{index}; }};\n\
             \t\tO{index} = {{isa = PBXFileReference; path = \"Target {index}.product\"; sourceTree = BUILT_PRODUCTS_DIR; }};\n\
             \t\tT{index} = {{isa = PBXNativeTarget; name = \"Target {index}\"; productReference = O{index}; \
             productType = \"com.apple.product-type.{kind}\"; buildConfigurationList = L{index}; buildPhases = ({phases}); }};\n\
             \t\tL{index} = {{isa = XCConfigurationList; buildConfigurations = (D{index}, R{index}); defaultConfigurationName = Release; }};"
        );
        for (letter, name) in [("D", "Debug"), ("R", "Release")] {
            let _ = writeln!(
                text,
                "\t\t{letter}{index} = {{\n\t\t\tisa = XCBuildConfiguration;\n\t\t\tname = {name};\n\
                 \t\t\tbaseConfigurationReference = XC;\n\t\t\tbuildSettings = {{\n\
                 \t\t\t\tPRODUCT_BUNDLE_IDENTIFIER = \"$(BUNDLE_PREFIX){suffix}\";\n\
                 \t\t\t\tDEVELOPMENT_TEAM = {TEAM};\n\
                 \t\t\t\tPROVISIONING_PROFILE_SPECIFIER = \"Profile {index}\";\n\
                 \t\t\t\tPRODUCT_NAME = \"$(TARGET_NAME:c99extidentifier)\";\n\t\t\t}};\n\t\t}};"
            );
        }
    }
    text.push_str("\t\tP = {isa = PBXProject; buildConfigurationList = PL; attributes = { TargetAttributes = {\n");
    for index in 0..count {
        let _ = writeln!(
            text,
            "\t\t\tT{index} = {{ DevelopmentTeam = {TEAM}; ProvisioningStyle = Manual; }};"
        );
    }
    text.push_str("\t\t}; }; targets = (\n");
    for index in 0..count {
        let _ = writeln!(text, "\t\t\tT{index},");
    }
    text.push_str("\t\t); };\n\t};\n\trootObject = P;\n}\n");
    text
}

/// The files beside the project.
pub(crate) fn sources() -> InMemory {
    InMemory::new()
        .with(
            "/src/Shared.xcconfig",
            "BUNDLE_PREFIX = com.example.large\nCODE_SIGN_STYLE = Manual\n\
             CODE_SIGN_IDENTITY[sdk=iphoneos*] = Apple Distribution\n\
             CODE_SIGN_ENTITLEMENTS = Shared.entitlements\n// NOTHING = $(UNDEFINED_HERE)\n",
        )
        .with(
            "/src/Shared.entitlements",
            "{ \"com.apple.security.application-groups\" = (\"group.$(PRODUCT_BUNDLE_IDENTIFIER)\"); \
             \"aps-environment\" = production; }",
        )
}

/// Resolves every target of the project in `text`.
pub(crate) fn resolved(text: &str) -> SigningTargets {
    let sources = sources();
    let project = Project::parse(Path::new(BUNDLE), text).expect("the generated project is one");
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    resolve(&settings, &sources, &Selection::default())
}

/// Plans for `targets` with what `manifest` pins.
pub(crate) fn planned<'a>(
    targets: &'a SigningTargets,
    manifest: &'a Manifest,
    sources: &'a InMemory,
) -> Plan<'a> {
    plan(&Request {
        targets: &targets.rows,
        profiles: manifest.profiles(),
        pinned: manifest.targets(),
        frozen_for: None,
        overrides: &[],
        kind: None,
        targets_were_named: false,
        identities: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        scheme: None,
        products: &[],
        sources,
    })
}

/// The bytes of a manifest of `count` profiles; each signs the target of its number in both configurations. `certificates`
/// says how many certificates each profile lists; all of them list the same.
pub(crate) fn manifest_bytes(count: usize, certificates: usize) -> Vec<u8> {
    let pinned: Vec<PinnedCertificate> = (0..certificates).map(certificate).collect();
    let profiles: Vec<PinnedProfile> = (0..count)
        .map(|index| profile(index, pinned.clone()))
        .collect();
    let targets: Vec<PinnedTarget> = (0..count)
        .flat_map(|index| {
            let (profile, pinned) = (&profiles, &pinned);
            ["Debug", "Release"].map(|configuration| PinnedTarget {
                project: "Large.xcodeproj".to_owned(),
                target: format!("Target {index}").parse().expect("a name"),
                configuration: configuration.parse().expect("a name"),
                platform: "ios".parse().expect("a platform"),
                bundle_id: format!("com.example.large{}", suffix(index))
                    .parse()
                    .expect("an id"),
                profile: profile[index].uuid.clone(),
                certificate: pinned[0].sha256,
            })
        })
        .collect();
    let projects = freeze::PinnedProjects {
        targets,
        ..freeze::PinnedProjects::default()
    };
    freeze::freeze(profiles, Some(projects), Vec::new(), None).to_bytes()
}

/// What stands behind the application's bundle id in that of its extensions.
fn suffix(index: usize) -> String {
    match index {
        0 => String::new(),
        _ => format!(".t{index}"),
    }
}

fn profile(index: usize, certificates: Vec<PinnedCertificate>) -> PinnedProfile {
    let uuid = format!("{index:08x}-0000-4000-8000-000000000000");
    let bundle_id = format!("com.example.large{}", suffix(index));
    let entitlements = serde_json::json!({
        "application-identifier": format!("{TEAM}.{bundle_id}"),
        "aps-environment": "production",
        "beta-reports-active": true,
        "com.apple.developer.associated-domains": "*",
        "com.apple.developer.team-identifier": TEAM,
        "com.apple.security.application-groups": [format!("group.{bundle_id}")],
        "get-task-allow": false,
        "keychain-access-groups": [format!("{TEAM}.*"), "com.apple.token"],
    });
    PinnedProfile {
        filename: format!("{uuid}.mobileprovision"),
        uuid: uuid.parse().expect("a UUID"),
        name: format!("Profile {index}"),
        team_id: TEAM.parse().expect("a team"),
        application_identifier: format!("{TEAM}.{bundle_id}"),
        bundle_id: bundle_id.parse().expect("a pattern"),
        kind: countersign::apple::profile::ProfileKind::AppStore,
        platforms: vec!["iOS".to_owned()],
        created: "2026-01-01T00:00:00Z".parse().expect("an instant"),
        expires: "2027-01-01T00:00:00Z".parse().expect("an instant"),
        sha256: countersign::base::ids::FileSha256::of(bundle_id.as_bytes()),
        certificates: certificates.into_iter().map(Into::into).collect(),
        entitlements: serde_json::from_value(entitlements).expect("entitlements"),
        device_count: 0,
        xcode_managed: None,
        state: ProfileState::Active,
    }
}

fn certificate(index: usize) -> PinnedCertificate {
    let der = format!("certificate {index}");
    PinnedCertificate {
        sha256: countersign::base::ids::CertSha256::of(der.as_bytes()),
        sha1: countersign::base::ids::CertSha1::of(der.as_bytes()),
        common_name: format!("Apple Distribution: Example {index} ({TEAM})"),
        kind: countersign::apple::certificate::CertificateKind::AppleDistribution,
        serial: format!("{index:06x}"),
        issuer: "Apple Worldwide Developer Relations Certification Authority (G3)".to_owned(),
        expires: "2027-06-01T00:00:00Z".parse().expect("an instant"),
    }
}
