//! What is exported of the reports, and what signs each target.

use serde_json::Value as Json;

use crate::table::{ACME, RELEASE};
use crate::targets;

#[test]
fn what_has_expired_is_not_exported() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    let folder = reports.join("18-expired-profile-exported");
    for form in ["xcargs", "xcconfig", "fastlane", "export-options", "json"] {
        let refused = targets(&folder, &["export", "--as", form], RELEASE).exits(10);
        assert_eq!(refused.out, "", "{form}");
        refused.says(&["profile-expired", "renew"]);
    }
}

#[test]
fn exports_hold_what_xcode_asks_for() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    let exported = |folder: &str, form: &str, words: &[&str]| {
        let ran = targets(&reports.join(folder), &["export", "--as", form], words);
        ran.exits(0).out
    };
    let options = |folder: &str| -> plist::Dictionary {
        let text = exported(folder, "export-options", RELEASE);
        plist::from_bytes(text.as_bytes()).unwrap()
    };
    let icloud = options("04-export-options-icloud");
    assert_eq!(
        icloud["iCloudContainerEnvironment"].as_string(),
        Some("Production")
    );
    let package = options("45-mac-store-installer");
    assert_eq!(
        package["installerSigningCertificate"].as_string(),
        Some("Mac Installer Distribution")
    );
    let digit = exported("36-bundle-id-begins-with-a-digit", "xcargs", RELEASE);
    assert!(
        digit.contains("CSN_iphoneos__dgames_example_app="),
        "{digit}"
    );
    // Four targets, also the one whose bundle id the Info.plist alone holds.
    let in_plist = exported("R-E2-bundle-id-from-info-plist", "xcargs", ACME);
    assert_eq!(in_plist.matches("\nCSN_").count(), 4, "{in_plist}");
}

#[test]
fn each_platform_of_one_target_gets_its_own_profile() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    let folder = reports.join("37-multiplatform");
    let document = targets(&folder, &["show", "--format", "json"], RELEASE).json();
    let rows = document["targets"].as_array().unwrap().iter();
    let rows: Vec<(&str, &str)> = rows
        .map(|row| {
            (
                row["platform"].as_str().unwrap(),
                row["chosen"]["name"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("ios", "iOS Store"),
        ("macos", "Mac Direct"),
        ("visionos", "iOS Store"),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn of_two_certificates_the_one_whose_key_is_here_is_planned() {
    let Some(reports) = support::data("reports") else {
        return;
    };
    let folder = reports.join("22-two-certificates");
    let shown = |words: &[&str]| {
        let words = [RELEASE, words].concat();
        targets(&folder, &["export", "--as", "xcargs"], &words)
    };
    let of = |text: &str| {
        let line = text
            .lines()
            .find(|it| it.starts_with("CODE_SIGN_IDENTITY="));
        line.unwrap().to_owned()
    };
    let by_default = of(&shown(&[]).exits(0).out);
    // The profile's certificates, as `find-identity` would list the other one.
    let profile = targets(&folder, &["show", "--format", "json"], RELEASE).json();
    assert!(profile["targets"][0]["chosen"].is_object());
    let manifest = std::fs::read(folder.join("m.json")).unwrap();
    let manifest: Json = serde_json::from_slice(&manifest).unwrap();
    let certificates = manifest["profiles"][0]["certificates"].as_array().unwrap();
    assert_eq!(certificates.len(), 2);
    let scratch = tempfile::tempdir().unwrap();
    for certificate in certificates {
        let sha1 = certificate["sha1"].as_str().unwrap().to_uppercase();
        let name = certificate["common_name"].as_str().unwrap();
        let listing = scratch.path().join("identities.txt");
        let text = format!("  1) {sha1} \"{name}\"\n     1 valid identities found\n");
        std::fs::write(&listing, text).unwrap();
        let planned = shown(&["--identities", listing.to_str().unwrap()]).exits(0);
        assert_eq!(of(&planned.out), format!("CODE_SIGN_IDENTITY={sha1}"));
    }
    assert!(by_default.len() > "CODE_SIGN_IDENTITY=".len());
    // A key of nobody: the finding says whose is missing.
    let listing = scratch.path().join("identities.txt");
    let other = "0".repeat(40);
    let text = format!(
        "  1) {other} \"Apple Distribution: Other (OTHER12345)\"\n     1 valid identities found\n"
    );
    std::fs::write(&listing, text).unwrap();
    shown(&["--identities", listing.to_str().unwrap()])
        .exits(10)
        .says(&["identity-missing", "private key", "Example Inc."]);
}
