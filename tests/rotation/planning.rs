//! What a plan lists besides profiles: certificates with their own days, and what else the policy names.

use countersign::apple::certificate::{Certificate, CertificateKind};
use countersign::base::finding::{Code, Finding, Severity};
use countersign::ops::rotate::{self, PlanDocument, PlanRequest};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use jiff::SignedDuration;
use support::start;
use support::workshop::{Ran, ran};

use crate::site::{IDS, NOW, Site, done, old, successor};

fn planned(site: &Site, now: &str, due: Option<i64>) -> PlanDocument {
    let request = PlanRequest {
        due: due.map(|days| SignedDuration::from_hours(24 * days)),
        ..PlanRequest::default()
    };
    rotate::plan(&request, &site.world(now)).unwrap()
}

/// What is said of credentials.
fn told(document: &PlanDocument) -> Vec<&Finding> {
    let findings = document.findings.iter();
    let told = findings.filter(|it| it.code.as_str() == "credential-due");
    told.collect()
}

fn call(site: &Site, words: &[&str]) -> Ran {
    std::fs::create_dir_all(site.path("home")).unwrap();
    let mut command = start::countersign(&site.path("home"));
    command
        .args(["--state-dir", "state"])
        .args(words)
        .current_dir(site.path(""));
    ran(&mut command)
}

/// An installer certificate that ends with February 2027, and a key that is to be replaced by April.
fn with_credentials() -> Site {
    let site = Site::new();
    let spec = LeafSpec::new(LeafKind::DeveloperIdInstaller)
        .valid("2025-03-01T00:00:00Z", "2027-02-28T23:59:59Z");
    site.write("installer.cer", &*Hierarchy::acme().developer(&spec).der);
    let policy = std::fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    let text = "[[rotation.credentials]]\nname = \"App Store Connect key\"\nreplace_by = \"2027-04-01\"\n\
                [[rotation.credentials]]\nname = \"installer\"\ncertificate = \"../installer.cer\"\n";
    site.write("manifests/signing.toml", policy + text);
    site
}

#[test]
fn each_pinned_certificate_stands_with_its_own_end_and_with_what_it_signs() {
    let site = Site::new();
    let document = planned(&site, NOW, None);
    let [certificate] = &*document.certificates else {
        panic!("{:#?}", document.certificates);
    };
    let pinned = site.manifest().profiles()[0].certificates[0].clone();
    assert_eq!(certificate.name, pinned.common_name);
    assert_eq!(certificate.sha256, pinned.sha256);
    assert_eq!(certificate.serial, pinned.serial);
    assert_eq!(certificate.expires, pinned.expires);
    assert_eq!(certificate.kind, CertificateKind::AppleDistribution);
    assert_eq!(certificate.profiles, IDS.len());
    assert_eq!(certificate.signs.len(), site.manifest().targets().len());
    assert!(
        certificate.signs.contains(&"Rocket".to_owned()),
        "{certificate:#?}"
    );
    // While successors are staged there are twice as many profiles.
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    assert_eq!(
        planned(&site, NOW, None).certificates[0].profiles,
        2 * IDS.len()
    );
    let serial = format!("{} 2056-01-01 8", pinned.serial);
    call(&site, &["rotate", "plan"]).exits(0).says(&[
        "certificates",
        &pinned.common_name,
        "apple-distribution",
        &serial,
    ]);
}

#[test]
fn what_the_policy_names_is_told_by_its_own_day() {
    let site = with_credentials();
    let document = planned(&site, NOW, None);
    let shown: Vec<(&str, String, String)> = document
        .credentials
        .iter()
        .map(|it| (&*it.name, it.ends.to_string(), it.begin_by.to_string()))
        .collect();
    let shown: Vec<(&str, &str, &str)> = shown
        .iter()
        .map(|(name, ends, by)| (*name, &**ends, &**by))
        .collect();
    assert_eq!(
        shown,
        [
            ("installer", "2027-02-28T23:59:59Z", "2027-02-21T23:59:59Z"),
            (
                "App Store Connect key",
                "2027-04-01T00:00:00Z",
                "2027-03-25T00:00:00Z"
            ),
        ]
    );
    let installer = document.credentials[0].certificate.as_ref().unwrap();
    let bytes = std::fs::read(site.path("installer.cer")).unwrap();
    let certificate = Certificate::from_der(&bytes).unwrap();
    assert_eq!(installer.kind, CertificateKind::DeveloperIdInstaller);
    assert_eq!(installer.sha256, certificate.sha256);
    assert!(document.credentials[1].certificate.is_none());
    assert!(told(&document).is_empty());
    call(&site, &["rotate", "plan"]).exits(0).says(&[
        "credentials",
        "App Store Connect key 2027-04-01 2027-03-25",
        "installer 2027-02-28 2027-02-21",
    ]);
}

#[test]
fn a_credential_blocks_where_somebody_asks_what_is_due_and_warns_where_nobody_does() {
    let site = with_credentials();
    let names = |now: &str, due: Option<i64>| -> Vec<(Severity, String)> {
        let document = planned(&site, now, due);
        let told = told(&document).into_iter();
        told.map(|it| (it.severity, it.message.clone())).collect()
    };
    // The lead is seven days.
    assert_eq!(names("2027-01-20T00:00:00Z", Some(30)), []);
    let installer = "the credential \"installer\" ends";
    let found = names("2027-01-25T00:00:00Z", Some(30));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].0 == Severity::Block && found[0].1.starts_with(installer),
        "{found:?}"
    );
    let found = names("2027-02-22T00:00:00Z", None);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].0 == Severity::Warn && found[0].1.starts_with(installer),
        "{found:?}"
    );
    let found = names("2027-03-30T00:00:00Z", Some(0));
    assert_eq!(
        found[1],
        (
            Severity::Block,
            "the credential \"App Store Connect key\" must be replaced".to_owned()
        )
    );
    let document = planned(&site, "2027-03-30T00:00:00Z", Some(0));
    let finding = told(&document)[1];
    assert_eq!(
        finding.place.pointer.as_deref(),
        Some("rotation.credentials[0]")
    );
    assert!(finding.place.line.is_some() && finding.expected.is_some() && finding.found.is_some());
    assert!(
        finding.hint.as_ref().unwrap().contains("5d"),
        "{finding:#?}"
    );
    let at = [
        "rotate",
        "plan",
        "--at",
        "2027-03-30T00:00:00Z",
        "--due",
        "0s",
    ];
    call(&site, &at)
        .exits(10)
        .says(&["credential-due", "signing.toml"]);
}

#[test]
fn a_product_for_the_mac_app_store_wants_its_installer_certificate_named() {
    let helper = ProfileSpec::mac(Kind::AppStore, "com.acme.helper");
    let next = helper.clone().named("Helper 2047");
    let mut pairs = IDS.map(|id| (old(id), successor(id))).to_vec();
    pairs.push((helper, next));
    let site = Site::of(&pairs);
    let told = |site: &Site| {
        let findings = planned(site, NOW, Some(30)).findings.into_iter();
        let mut told = findings.filter(|it| it.code == Code::InstallerIdentityUnobserved);
        told.next().map(|it| it.severity)
    };
    assert_eq!(told(&site), Some(Severity::Info));
    let name = |kind: LeafKind| {
        let installer = Hierarchy::acme().developer(&LeafSpec::new(kind));
        site.write("installer.cer", &*installer.der);
    };
    let policy = std::fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    let text =
        "[[rotation.credentials]]\nname = \"installer\"\ncertificate = \"../installer.cer\"\n";
    site.write("manifests/signing.toml", policy + text);
    // That of Developer ID signs no package for the store.
    name(LeafKind::DeveloperIdInstaller);
    assert_eq!(told(&site), Some(Severity::Info));
    name(LeafKind::MacInstallerDistribution);
    assert_eq!(told(&site), None);
    assert_eq!(told(&Site::new()), None, "no package is made for the store");
}

#[test]
fn a_named_certificate_that_cannot_be_read_is_an_error_that_names_its_file() {
    let site = with_credentials();
    site.write("installer.cer", "no certificate");
    let error = rotate::plan(&PlanRequest::default(), &site.world(NOW)).unwrap_err();
    assert!(error.to_string().contains("installer.cer"), "{error}");
    std::fs::remove_file(site.path("installer.cer")).unwrap();
    call(&site, &["rotate", "plan"])
        .exits(11)
        .says(&["installer.cer", "does not exist"]);
}
