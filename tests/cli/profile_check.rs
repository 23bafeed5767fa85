//! Whether a profile lets a product run that no Xcode project describes.

use forge::fixtures::distribution;
use forge::profile::{Kind, ProfileSpec};
use serde_json::Value as Json;
use support::workshop::Workshop;

const CONTAINERS: &str = "com.apple.developer.icloud-container-identifiers";

fn entitlements(entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n<dict>\n{entries}\n</dict>\n</plist>\n"
    )
}

fn profile() -> ProfileSpec {
    let containers = plist::Value::Array(vec!["iCloud.com.acme.desk".into()]);
    ProfileSpec::mac(Kind::DeveloperId, "com.acme.desk")
        .certificates(&[distribution()])
        .entitled(CONTAINERS, containers)
}

/// What is said of a product with these entitlements; the codes that block, and the document.
fn checked(profile: &ProfileSpec, entries: &str, arguments: &[&str]) -> (Vec<String>, Json) {
    let workshop = Workshop::new();
    workshop.write("desk.provisionprofile", profile.mint());
    workshop.write("desk.entitlements", entitlements(entries));
    let fixed = [
        "profile",
        "check",
        "desk.provisionprofile",
        "--entitlements",
        "desk.entitlements",
        "--format",
        "json",
    ];
    let ran = workshop.run(&[&fixed, arguments].concat());
    let document = ran.json();
    let findings = document["findings"].as_array().unwrap().iter();
    let blocking = findings.filter(|finding| finding["severity"] == "block");
    let codes: Vec<String> = blocking
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect();
    let verdict = match codes.is_empty() {
        true => "cleared",
        false => "blocked",
    };
    assert_eq!(document["verdict"], verdict, "{document:#}");
    ran.exits(if codes.is_empty() { 0 } else { 10 });
    (codes, document)
}

const HARDENED: &str = "<key>com.apple.security.cs.allow-jit</key>\n<true/>";

#[test]
fn a_product_whose_claims_are_granted_is_cleared() {
    let granted = format!(
        "{HARDENED}\n<key>{CONTAINERS}</key>\n<array><string>iCloud.com.acme.desk</string></array>"
    );
    let sha1 = countersign::base::ids::CertSha1::of(&distribution().der).to_string();
    let arguments = [
        "--bundle-id",
        "com.acme.desk",
        "--certificate",
        &sha1,
        "--kind",
        "developer-id",
    ];
    let (codes, document) = checked(&profile(), &granted, &arguments);
    assert!(codes.is_empty(), "{document:#}");
    assert_eq!(document["schema"], "countersign.profile-check.v1");
    assert_eq!(document["profile"], profile().uuid);
}

#[test]
fn each_thing_that_keeps_a_product_from_running_is_told() {
    let other = "<key>com.apple.developer.networking.vpn.api</key>\n<array><string>allow-vpn</string></array>";
    let (codes, document) = checked(&profile(), other, &[]);
    assert_eq!(codes, ["entitlement-not-granted"]);
    let findings = document["findings"].as_array().unwrap();
    let told = findings
        .iter()
        .find(|it| it["severity"] == "block")
        .unwrap();
    assert_eq!(told["place"]["file"], "desk.entitlements");
    assert_eq!(told["place"]["line"], 4);

    let debug = "<key>com.apple.security.get-task-allow</key>\n<true/>";
    let (codes, document) = checked(&profile(), debug, &[]);
    assert_eq!(codes, ["entitlement-not-granted"]);
    assert!(
        document.to_string().contains("remove get-task-allow"),
        "{document:#}"
    );

    let (codes, _) = checked(&profile(), HARDENED, &["--bundle-id", "com.acme.other"]);
    assert_eq!(codes, ["target-bundle-mismatch"]);
    let (codes, _) = checked(&profile(), HARDENED, &["--kind", "app-store"]);
    assert_eq!(codes, ["target-kind-mismatch"]);
    let (codes, _) = checked(&profile(), HARDENED, &["--certificate", &"0".repeat(40)]);
    assert_eq!(codes, ["certificate-not-in-profile"]);

    let expired = profile().valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let (codes, _) = checked(&expired, HARDENED, &[]);
    assert_eq!(codes, ["profile-expired"]);
    let (codes, _) = checked(&profile(), "<key>broken</key>", &[]);
    assert_eq!(codes, ["entitlements-unreadable"]);
}
