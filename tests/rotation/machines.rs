//! What probes say of other machines: a key that is not there, and two probes that contradict each other.

use std::fs;
use std::path::PathBuf;

use countersign::base::finding::{Code, Finding};
use countersign::base::ids::FileSha256;
use countersign::context::manifest::{PinnedCertificate, PinnedProfile, ProfileState};
use countersign::ops::rotate::{self, PlanRequest, PromoteRequest, RehearseRequest, RetireRequest};
use serde_json::json;
use support::{blocking, proven};

use crate::site::{IDS, LATER, NOW, Site, done, old, renewed, with_a_new_certificate};

const HOST: &str = "signer-02.acme.example";

/// Acme's repository, with successors that embed a new certificate and a policy that lets one machine hold keys.
fn with_a_key_host() -> Site {
    let site = with_a_new_certificate();
    let policy = fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    let hosts = format!("[topology]\nkind = \"dedicated-signer\"\nkey_hosts = [\"{HOST}\"]\n");
    site.write(
        "manifests/signing.toml",
        policy.replace("[profiles]", &format!("{hosts}[profiles]")),
    );
    site
}

fn certificate(id: &str, is_new: bool) -> PinnedCertificate {
    let spec = if is_new { renewed(id) } else { old(id) };
    let profile = PinnedProfile::of(&proven(&spec), ProfileState::Active);
    let mut certificates = profile.certificates();
    certificates.next().unwrap().clone()
}

/// A probe of a machine that holds every profile, old and new, and keys of these certificates.
fn probe(site: &Site, host: &str, time: &str, keys: Option<&[PinnedCertificate]>) -> PathBuf {
    let profiles = IDS.iter().flat_map(|id| [old(id), renewed(id)]);
    let profiles: Vec<String> = profiles
        .map(|spec| FileSha256::of(&spec.mint()).to_string())
        .collect();
    let mut probe = json!({
        "schema": "countersign.node-probe.v1",
        "host": host,
        "time": time,
        "directories": ["/profiles"],
        "profiles": profiles,
    });
    if let Some(keys) = keys {
        let keys: Vec<String> = keys.iter().map(|it| it.sha1.to_string()).collect();
        probe["identities"] = json!(keys);
    }
    let file = format!("{host}-{}.json", keys.map_or(9, <[_]>::len));
    site.write(&file, probe.to_string());
    site.path(file)
}

fn promoted(site: &Site, probe: PathBuf) -> Vec<Finding> {
    let request = PromoteRequest {
        probes: vec![probe],
        dry_run: true,
        ..PromoteRequest::default()
    };
    rotate::promote(&request, &site.world(NOW))
        .unwrap()
        .findings
}

fn retired(site: &Site, probe: PathBuf) -> Vec<Finding> {
    let request = RetireRequest {
        probes: vec![probe],
        dry_run: true,
        ..RetireRequest::default()
    };
    rotate::retire(&request, &site.world(LATER))
        .unwrap()
        .findings
}

#[test]
fn a_machine_without_a_key_for_the_new_certificate_is_not_ready() {
    let site = with_a_key_host();
    let (today, next) = (certificate(IDS[0], false), certificate(IDS[0], true));
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let with = |keys: &[PinnedCertificate]| probe(&site, HOST, NOW, Some(keys));
    let unknown = || probe(&site, HOST, NOW, None);
    let both = [today.clone(), next.clone()];
    let check = |findings: &[Finding]| {
        assert_eq!(blocking(findings), ["node-lacks-successor"]);
        let mut findings = findings.iter();
        let finding = findings.find(|it| it.code == Code::NodeLacksSuccessor);
        let finding = finding.unwrap();
        assert!(finding.message.contains(HOST), "{finding:#?}");
        assert!(finding.message.contains(&renewed(IDS[0]).name[..10]));
        let expected = finding.expected.as_deref().unwrap();
        assert!(expected.contains(&next.title()), "{finding:#?}");
    };
    check(&promoted(&site, with(std::slice::from_ref(&today))));
    check(&promoted(&site, with(&[])));
    let none: Vec<&str> = Vec::new();
    assert_eq!(blocking(&promoted(&site, with(&both))), none);
    assert_eq!(blocking(&promoted(&site, unknown())), none);

    done(rotate::promote(&PromoteRequest::default(), &site.world(NOW)).unwrap());
    check(&retired(&site, with(std::slice::from_ref(&today))));
    assert_eq!(
        blocking(&retired(&site, with(std::slice::from_ref(&next)))),
        none
    );
    assert_eq!(blocking(&retired(&site, unknown())), none);
}

#[test]
fn a_machine_that_may_hold_no_keys_needs_none() {
    let site = with_a_key_host();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let builder = probe(&site, "builder-01.acme.example", NOW, Some(&[]));
    let none: Vec<&str> = Vec::new();
    assert_eq!(blocking(&promoted(&site, builder)), none);
}

#[test]
fn two_probes_of_one_machine_at_one_time_that_differ_are_refused_by_every_command() {
    let site = with_a_key_host();
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let next = certificate(IDS[0], true);
    let keyless = probe(&site, HOST, NOW, Some(&[]));
    let ready = probe(&site, &HOST.to_uppercase(), NOW, Some(&[next]));
    let before = site.picture();
    let all = |probes: Vec<PathBuf>| -> Vec<Result<(), String>> {
        let world = site.world(NOW);
        let plan = PlanRequest {
            probes: probes.clone(),
            ..PlanRequest::default()
        };
        let rehearse = RehearseRequest {
            probes: probes.clone(),
            ..RehearseRequest::default()
        };
        let promote = PromoteRequest {
            probes: probes.clone(),
            dry_run: true,
            ..PromoteRequest::default()
        };
        let retire = RetireRequest {
            probes,
            dry_run: true,
            ..RetireRequest::default()
        };
        vec![
            rotate::plan(&plan, &world).map(drop).map_err(text),
            rotate::rehearse(&rehearse, &world).map(drop).map_err(text),
            rotate::promote(&promote, &world).map(drop).map_err(text),
            rotate::retire(&retire, &world).map(drop).map_err(text),
        ]
    };
    for probes in [[&keyless, &ready], [&ready, &keyless]] {
        for refused in all(probes.into_iter().cloned().collect()) {
            let refused = refused.unwrap_err();
            assert!(refused.contains(NOW), "{refused}");
            assert!(refused.to_lowercase().contains(&format!("of {HOST} at")));
            for probe in probes {
                assert!(refused.contains(&*probe.to_string_lossy()), "{refused}");
            }
        }
    }
    // The same twice is fine, and so is a newer one.
    fs::copy(&ready, site.path("copy.json")).unwrap();
    assert!(
        all(vec![ready, site.path("copy.json")])
            .iter()
            .all(Result::is_ok)
    );
    let newer = probe(&site, HOST, "2026-07-06T14:16:00Z", Some(&[]));
    assert!(
        all(vec![site.path("copy.json"), newer])
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(site.picture(), before);
}

fn text(error: countersign::ops::error::Failure) -> String {
    error.to_string()
}
