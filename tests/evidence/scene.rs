//! Acme's products, and manifests that plan them.

use std::fs;

use countersign::context::manifest::{PinnedProfile, PinnedTarget};
use countersign::xcode::platform::Platform;
use forge::bundle::{Item, Product, ios_app, ios_app_with_everything, mac_app_with_everything};
use forge::bundle_flaw::Flaw;
use forge::code_signature::SigningIdentity;
use forge::hierarchy::LeafKind;
use forge::profile::{ACME_TEAM, Family, Kind, ProfileSpec, entitlements};
use serde_json::Value as Json;
use support::workshop::{Ran, Workshop};

/// An app for the store with an extension, frameworks and a watch app.
pub(crate) fn store_app() -> Product {
    ios_app_with_everything(&SigningIdentity::acme(LeafKind::AppleDistribution)).sign()
}

/// The app alone for registered devices, as an export for them signs it.
pub(crate) fn ad_hoc_app() -> Product {
    let signer = SigningIdentity::acme(LeafKind::AppleDistribution);
    let identifier = "com.acme.rocket";
    let mut app = ios_app(&signer);
    let granted = entitlements(Family::Ios, Kind::AdHoc, ACME_TEAM, ACME_TEAM, identifier);
    app.signature = app.signature.entitled(&granted);
    let profile = ProfileSpec::ios(Kind::AdHoc, identifier);
    app.profile = Some(profile.certificates(&[signer.identity]).mint());
    app.sign()
}

/// An app for outside of the store, with everything that such apps hold.
pub(crate) fn developer_id_app() -> Product {
    mac_app_with_everything(&SigningIdentity::acme(LeafKind::DeveloperIdApplication)).sign()
}

/// Every item with a profile, the outermost first.
fn profiled<'a>(item: &'a Item, found: &mut Vec<&'a Item>) {
    if item.profile.is_some() {
        found.push(item);
    }
    for nested in &item.nested {
        profiled(&nested.item, found);
    }
}

/// A workshop whose manifest pins the profiles of a product, and plans a target for each.
pub(crate) fn plans(product: &Product) -> Workshop {
    let workshop = pins(product);
    let mut items = Vec::new();
    profiled(&product.spec, &mut items);
    workshop.edit_manifest(|content| {
        for item in items {
            let identifier = item.signature.identifier.as_str();
            let profile = pinned(&content.profiles, identifier);
            let platform = match item.family {
                Family::Mac => Platform::Macos,
                Family::Ios => Platform::Ios,
            };
            content.targets.push(PinnedTarget {
                project: "Acme.xcodeproj".to_owned(),
                target: item.executable.name.parse().unwrap(),
                configuration: "Release".parse().unwrap(),
                platform,
                bundle_id: identifier.parse().unwrap(),
                profile: profile.uuid.clone(),
                certificate: profile.certificates[0].sha256,
            });
        }
        content.targets.sort_by(|a, b| a.key().cmp(&b.key()));
    });
    workshop
}

/// A workshop whose manifest pins the profiles of a product and no targets.
pub(crate) fn pins(product: &Product) -> Workshop {
    let workshop = Workshop::new();
    install(&workshop, &product.spec);
    workshop.run(&["manifest", "freeze"]).exits(0);
    workshop
}

/// Installs the profiles of an item and of what is nested in it.
pub(crate) fn install(workshop: &Workshop, item: &Item) {
    let mut items = Vec::new();
    profiled(item, &mut items);
    for (at, item) in items.into_iter().enumerate() {
        let extension = match item.family {
            Family::Ios => "mobileprovision",
            Family::Mac => "provisionprofile",
        };
        let name = format!("profiles/{}-{at}.{extension}", item.signature.identifier);
        workshop.write(name, item.profile.as_ref().unwrap());
    }
}

pub(crate) fn pinned<'a>(profiles: &'a [PinnedProfile], identifier: &str) -> &'a PinnedProfile {
    let mut profiles = profiles.iter();
    profiles
        .find(|it| it.bundle_id.as_str() == identifier)
        .unwrap()
}

/// The product with a flaw.
pub(crate) fn flawed(product: &Product, flaw: &str) -> Product {
    Flaw::named(flaw).apply(product).unwrap()
}

/// Checks a product in a workshop.
pub(crate) fn check(workshop: &Workshop, product: &Product, arguments: &[&str]) -> Ran {
    let built = workshop.path("built");
    if built.exists() {
        fs::remove_dir_all(&built).unwrap();
    }
    fs::create_dir(&built).unwrap();
    product.write_to(&built).unwrap();
    let path = format!("built/{}", product.bundle.name);
    run(workshop, &path, arguments)
}

/// Checks what lies at a path in a workshop.
pub(crate) fn run(workshop: &Workshop, path: &str, arguments: &[&str]) -> Ran {
    let fixed = ["product", "check", path, "--format", "json"];
    workshop.run(&[&fixed, arguments].concat())
}

/// Each finding that blocks, as its code and its path.
pub(crate) fn blocking(document: &Json) -> Vec<(String, String)> {
    let findings = document["findings"].as_array().unwrap().iter();
    let mut told: Vec<(String, String)> = findings
        .filter(|finding| finding["severity"] == "block")
        .map(|finding| {
            assert!(finding["hint"].is_string(), "no hint: {finding:#}");
            let file = finding["place"]["file"].as_str().unwrap_or_default();
            let file = file.strip_prefix("built/").unwrap_or(file);
            (
                finding["code"].as_str().unwrap().to_owned(),
                file.to_owned(),
            )
        })
        .collect();
    told.sort();
    told.dedup();
    told
}

/// The check blocks with exactly these codes at these paths.
#[track_caller]
pub(crate) fn blocks(ran: Ran, expected: &[(&str, &str)]) {
    let document = ran.exits(10).json();
    assert_eq!(document["verdict"], "blocked");
    let told = blocking(&document);
    let mut expected: Vec<(String, String)> = expected
        .iter()
        .map(|(code, path)| ((*code).to_owned(), (*path).to_owned()))
        .collect();
    expected.sort();
    assert_eq!(told, expected, "{document:#}");
}

/// The check clears.
#[track_caller]
pub(crate) fn clears(ran: Ran) -> Json {
    let document = ran.exits(0).json();
    assert_eq!(document["verdict"], "cleared");
    document
}
