//! Real Apple-signed profiles prove, and say what OpenSSL reads in them; odd files are refused with a reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside of #[test] functions panics as tests do"
)]
#![allow(clippy::disallowed_methods, reason = "openssl is the second opinion")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::apple::anchors::Anchors;
use countersign::apple::certificate::Certificate;
use countersign::apple::intermediates;
use countersign::apple::profile::{self, ProfileKind};
use countersign::apple::profile_signer::SignerRole;
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::any_blocks;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");

/// Every profile in a folder of the real data.
fn profiles(folder: &str) -> Vec<PathBuf> {
    support::profiles_below(&Path::new(DATA).join(folder))
}

#[test]
fn every_apple_signed_profile_proves_in_both_layers() {
    let verifier = Verifier::new(Anchors::apple());
    for file in [profiles("profiles/apple"), profiles("projects")].concat() {
        let profile = match profile::prove(&fs::read(&file).unwrap(), &verifier) {
            Ok(profile) => profile,
            Err(unproven) => panic!("{}: {:#?}", file.display(), unproven.findings),
        };
        let fields = profile.fields();
        let role = if fields.is_mac() {
            SignerRole::MacProfileSigning
        } else {
            SignerRole::IosProfileSigning
        };
        assert_eq!(profile.outer().role(), role, "{}", file.display());
        if let Some(inner) = profile.inner() {
            assert_eq!(
                inner.role(),
                SignerRole::WwdrProfileSigning,
                "{}",
                file.display()
            );
        }
        let stem = file.file_stem().unwrap().to_str().unwrap();
        if file.starts_with(Path::new(DATA).join("profiles")) {
            assert_eq!(fields.uuid.as_str(), stem);
        }
        let is_developer_id = fields.name.starts_with("Mac Dev ID");
        assert_eq!(
            fields.kind == ProfileKind::DeveloperId,
            is_developer_id,
            "{}",
            fields.name
        );
        assert!(!profile.certificates().is_empty(), "{}", file.display());
    }
}

#[test]
fn a_proven_profile_says_what_openssl_reads_in_it() {
    let verifier = Verifier::new(Anchors::apple());
    for file in profiles("profiles/apple") {
        let openssl = Command::new("openssl")
            .args(["cms", "-verify", "-noverify", "-inform", "der", "-in"])
            .arg(&file)
            .output();
        let Ok(openssl) = openssl else {
            eprintln!("skipped: there is no openssl on this machine");
            return;
        };
        let plist: plist::Value = plist::from_bytes(&openssl.stdout).unwrap();
        let plist = plist.as_dictionary().unwrap();
        let profile = profile::prove(&fs::read(&file).unwrap(), &verifier).unwrap();
        let fields = profile.fields();
        let text = |key: &str| plist[key].as_string().unwrap().to_owned();
        let date = |key: &str| plist[key].as_date().unwrap().to_xml_format();
        assert_eq!(fields.uuid.as_str(), text("UUID"));
        assert_eq!(fields.name, text("Name"));
        assert_eq!(fields.team_name, text("TeamName"));
        assert_eq!(fields.created.to_string(), date("CreationDate"));
        assert_eq!(fields.expires.to_string(), date("ExpirationDate"));
        let entitlements = plist["Entitlements"].as_dictionary().unwrap();
        let identifier = entitlements
            .get("application-identifier")
            .or_else(|| entitlements.get("com.apple.application-identifier"))
            .and_then(plist::Value::as_string)
            .unwrap();
        assert_eq!(fields.application_identifier, identifier);
        let platforms: Vec<_> = plist["Platform"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p.as_string().unwrap())
            .collect();
        assert_eq!(fields.platforms, platforms);
        assert_eq!(
            profile.certificates().len(),
            plist["DeveloperCertificates"].as_array().unwrap().len()
        );
    }
}

#[test]
fn odd_files_are_proven_or_refused_with_a_reason() {
    let verifier = Verifier::new(Anchors::apple());
    for file in profiles("profiles/odd") {
        if let Err(unproven) = profile::prove(&fs::read(&file).unwrap(), &verifier) {
            assert!(any_blocks(&unproven.findings), "{}", file.display());
            for finding in unproven.findings {
                assert!(finding.hint.is_some(), "{}: {finding:?}", file.display());
            }
        }
    }
}

#[test]
fn any_flipped_byte_of_a_profile_is_refused() {
    let verifier = Verifier::new(Anchors::apple());
    let Some(file) = profiles("profiles/apple").into_iter().next() else {
        return;
    };
    let bytes = fs::read(&file).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x01;
        if let Ok(profile) = profile::prove(&flipped, &verifier) {
            // What no signature covers (RFC 5652 §5.4): version numbers, algorithm parameters, the bundled root.
            let original = profile::prove(&bytes, &verifier).unwrap();
            assert_eq!(profile.fields().uuid, original.fields().uuid);
            assert_eq!(profile.fields().expires, original.fields().expires);
            assert_ne!(profile.sha256(), original.sha256());
        }
    }
}

/// The file of each intermediate on www.apple.com/certificateauthority, and how certificates name it as their issuer.
const INTERMEDIATES: &[(&str, &str)] = &[
    (
        "AppleWWDRCA.cer",
        "Apple Worldwide Developer Relations Certification Authority",
    ),
    (
        "AppleWWDRCAG3.cer",
        "Apple Worldwide Developer Relations Certification Authority G3",
    ),
    (
        "AppleWWDRCAG6.cer",
        "Apple Worldwide Developer Relations Certification Authority G6",
    ),
    ("DeveloperIDCA.cer", "Developer ID Certification Authority"),
    (
        "DeveloperIDG2CA.cer",
        "Developer ID Certification Authority G2",
    ),
];

#[test]
fn the_days_on_which_intermediates_expire_are_those_of_the_certificates_themselves() {
    let Some(folder) = support::data("certificates") else {
        return;
    };
    for (file, issuer) in INTERMEDIATES {
        let der = fs::read(folder.join(file)).unwrap();
        let certificate = Certificate::from_der(&der).unwrap();
        let (name, generation) = match issuer.rsplit_once(" G") {
            Some((name, generation)) => (name, Some(generation)),
            None => (*issuer, None),
        };
        assert_eq!(certificate.common_name, name, "{file}");
        // A machine that holds it is known to hold what the certificates that it issued call their issuer.
        assert_eq!(certificate.subject_name(), *issuer);
        assert!(certificate.is_ca && !certificate.is_self_issued(), "{file}");
        assert_eq!(intermediates::file(issuer), Some(*file));
        assert_eq!(
            file.contains(&format!("G{}", generation.unwrap_or_default())),
            generation.is_some(),
            "{file}"
        );
        let expected = certificate.validity.not_after.to_string();
        let told = intermediates::expiry(issuer).map(|day| day.to_string());
        assert_eq!(
            told.as_deref().map(|day| &day[..10]),
            Some(&expected[..10]),
            "{issuer}"
        );
    }
}
