//! Intermediates: which machine holds what issued the certificates, told by the certificates that somebody hands over there.

use std::fs;
use std::path::PathBuf;

use countersign::base::finding::{Code, Finding, Severity};
use countersign::context::rotation::intermediate::Holds;
use countersign::context::rotation::probe::NodeProbe;
use countersign::host::files::Input;
use countersign::ops::rotate::{
    self, PlanDocument, PlanRequest, ProbeRequest, PromoteRequest, RehearseRequest,
};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use jiff::SignedDuration;
use serde_json::json;
use support::start;
use support::workshop::ran;

use crate::site::{IDS, NOW, Site, done, next_certificate, successor};

/// The intermediate that issued Acme's certificates.
const WWDR: &str = "Acme Rehearsal Worldwide Developer Relations Certification Authority G3";

/// A probe of a machine that was handed these certificates over, in a file.
fn probed(site: &Site, certificates: &[PathBuf]) -> NodeProbe {
    let request = ProbeRequest {
        certificates: certificates.iter().cloned().map(Input::File).collect(),
        ..ProbeRequest::default()
    };
    rotate::probe(&request, &site.world(NOW)).unwrap()
}

/// The same as the probe of another machine, whose name is told, in a file.
fn as_host(site: &Site, host: &str, mut probe: NodeProbe) -> PathBuf {
    probe.host = host.parse().unwrap();
    let name = format!("{host}.json");
    site.write(&name, serde_json::to_vec(&probe).unwrap());
    site.path(name)
}

fn with(site: &Site, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    site.write(name, bytes);
    site.path(name)
}

fn planned(site: &Site, probes: Vec<PathBuf>, due: bool) -> PlanDocument {
    let request = PlanRequest {
        successors: vec![site.path("successors")],
        probes,
        due: due.then_some(SignedDuration::ZERO),
    };
    rotate::plan(&request, &site.world(NOW)).unwrap()
}

fn lacking(findings: &[Finding]) -> Vec<Finding> {
    let of = findings
        .iter()
        .filter(|it| it.code == Code::NodeLacksIntermediate);
    of.cloned().collect()
}

/// What each machine holds, by host.
fn machines(document: &PlanDocument) -> Vec<(String, Holds)> {
    let [only] = &*document.intermediates else {
        panic!("{:#?}", document.intermediates);
    };
    assert_eq!(only.name, WWDR);
    let machines = only.machines.iter();
    machines.map(|it| (it.host.to_string(), it.holds)).collect()
}

/// What Mac keychains hold: the certificate that signs, intermediates, a root, and something that is of no kind known here.
fn keychain() -> String {
    let acme = Hierarchy::acme();
    let signing = acme.developer(&LeafSpec::new(LeafKind::AppleDistribution));
    let odd = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    [
        signing.pem(),
        odd.to_owned(),
        acme.developer_id_authority.pem(),
        acme.root.pem(),
        acme.wwdr_g3.pem(),
        acme.wwdr_g3.pem(),
    ]
    .concat()
}

#[test]
fn a_probe_holds_the_intermediates_of_the_certificates_that_were_handed_over_and_no_others() {
    let site = Site::new();
    let dump = with(&site, "keychain.pem", keychain());
    let probe = probed(&site, &[dump]);
    let held = probe.intermediates.clone().unwrap();
    let names: Vec<&str> = held.iter().map(|it| &*it.name).collect();
    assert_eq!(
        names,
        [
            "Acme Rehearsal Developer ID Certification Authority G2",
            WWDR
        ]
    );
    assert_eq!(held[1].expires, Hierarchy::acme().wwdr_g3.validity.1);
    // DER, and several files.
    let single = with(&site, "wwdr.cer", &*Hierarchy::acme().wwdr_g3.der);
    let other = with(
        &site,
        "id.cer",
        &*Hierarchy::acme().developer_id_authority.der,
    );
    assert_eq!(probed(&site, &[single, other]).intermediates, Some(held));
    // What comes back from a file is what was written.
    let bytes = serde_json::to_vec(&probe).unwrap();
    assert_eq!(NodeProbe::parse(&bytes).unwrap(), probe);
}

#[test]
fn a_probe_without_certificates_says_nothing_of_intermediates_and_so_does_one_of_before() {
    let site = Site::new();
    assert_eq!(probed(&site, &[]).intermediates, None);
    let before = json!({
        "schema": "countersign.node-probe.v1",
        "host": "signer-02",
        "time": NOW,
        "directories": [],
        "profiles": [],
    });
    let probe = NodeProbe::parse(before.to_string().as_bytes()).unwrap();
    assert_eq!(probe.intermediates, None);
}

#[test]
fn what_is_no_certificate_is_an_error_that_names_the_file() {
    let site = Site::new();
    fs::create_dir(site.path("home")).unwrap();
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMII"] {
        site.write("junk.pem", text);
        let mut command = start::countersign(&site.path("home"));
        command.current_dir(site.path("")).args([
            "--state-dir",
            "state",
            "rotate",
            "probe",
            "--certificates",
            "junk.pem",
        ]);
        ran(&mut command)
            .exits(11)
            .says(&["junk.pem", "security find-certificate -a -p"]);
    }
}

#[test]
fn a_plan_says_of_each_machine_whether_it_holds_the_intermediate_or_that_nobody_knows() {
    let site = Site::new();
    let hosts =
        "[topology]\nkind = \"dedicated-signer\"\nkey_hosts = [\"signer-01\", \"signer-05\"]\n";
    let policy = fs::read_to_string(site.path("manifests/signing.toml")).unwrap();
    site.write(
        "manifests/signing.toml",
        policy.replace("[profiles]", &format!("{hosts}[profiles]")),
    );
    let dump = with(&site, "keychain.pem", keychain());
    let other = with(
        &site,
        "id.cer",
        &*Hierarchy::acme().developer_id_authority.der,
    );
    let has = probed(&site, &[dump]);
    let mut old = has.clone();
    for it in old.intermediates.iter_mut().flatten() {
        it.expires = "2026-01-01T00:00:00Z".parse().unwrap();
    }
    let probes = vec![
        as_host(&site, "signer-01", has),
        as_host(&site, "signer-02", probed(&site, &[other])),
        as_host(&site, "signer-03", old),
        as_host(&site, "signer-04", probed(&site, &[])),
    ];
    let document = planned(&site, probes.clone(), false);
    let expected = [
        ("signer-01", Holds::Yes),
        ("signer-05", Holds::Unknown),
        ("signer-02", Holds::No),
        ("signer-03", Holds::Expired),
        ("signer-04", Holds::Unknown),
    ];
    assert_eq!(
        machines(&document),
        expected.map(|(host, holds)| (host.to_owned(), holds))
    );
    let found = lacking(&document.findings);
    let hosts: Vec<&str> = found
        .iter()
        .map(|it| it.message.split(' ').nth(1).unwrap())
        .collect();
    assert_eq!(hosts, ["signer-02", "signer-03"]);
    for finding in &found {
        assert_eq!(finding.severity, Severity::Warn);
        assert_eq!(finding.expected.as_deref(), Some(WWDR));
        assert!(
            finding.found.is_some() && finding.hint.is_some(),
            "{finding:#?}"
        );
    }
    let due = planned(&site, probes, true);
    assert!(
        lacking(&due.findings)
            .iter()
            .all(|it| it.severity == Severity::Block)
    );
    // Without a probe nobody knows anything, and nothing is said to be right.
    let document = planned(&site, Vec::new(), true);
    assert!(
        machines(&document)
            .iter()
            .all(|(_, holds)| *holds == Holds::Unknown)
    );
    assert_eq!(lacking(&document.findings), []);
}

/// The certificate of the successors comes from another generation than the one that signs today.
fn next_generation() -> Site {
    let site = Site::new();
    let issued = Hierarchy::rival().developer(&next_certificate());
    for id in IDS {
        let new = successor(id).certificates(std::slice::from_ref(&issued));
        site.write(&format!("successors/{}", new.file_name()), new.mint());
    }
    site
}

#[test]
fn a_machine_that_lacks_what_issued_the_next_certificate_blocks_rehearsal_and_promotion() {
    let site = next_generation();
    let dump = with(&site, "keychain.pem", keychain());
    let probe = as_host(&site, "signer-02", probed(&site, &[dump]));
    let request = RehearseRequest {
        successors: vec![site.path("successors")],
        probes: vec![probe],
        ..RehearseRequest::default()
    };
    let document = rotate::rehearse(&request, &site.world(NOW)).unwrap();
    let found = lacking(&document.findings);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].severity, Severity::Block);
    assert!(
        found[0].message.starts_with("host signer-02 lacks"),
        "{found:#?}"
    );
    done(rotate::stage(&site.stage(), &site.world(NOW)).unwrap());
    let mut holding = probed(&site, &[site.path("keychain.pem")]);
    let promote = |probe: NodeProbe| {
        let request = PromoteRequest {
            probes: vec![as_host(&site, "signer-02", probe)],
            dry_run: true,
            ..PromoteRequest::default()
        };
        let document = rotate::promote(&request, &site.world(NOW)).unwrap();
        lacking(&document.findings)
    };
    assert_eq!(promote(holding.clone()).len(), 1);
    // With that of the rival it is well, though what signed until now lacks its own.
    let rival = with(&site, "rival.cer", &*Hierarchy::rival().wwdr_g3.der);
    holding = probed(&site, &[rival]);
    assert_eq!(promote(holding), []);
}

#[test]
fn a_rehearsal_says_of_which_machines_it_does_not_know_the_intermediates() {
    let site = Site::new();
    let dump = with(&site, "keychain.pem", keychain());
    let told = |probes: Vec<PathBuf>| {
        let request = RehearseRequest {
            successors: vec![site.path("successors")],
            probes,
            ..RehearseRequest::default()
        };
        let document = rotate::rehearse(&request, &site.world(NOW)).unwrap();
        assert_eq!(lacking(&document.findings), []);
        let not_judged = document.not_judged.into_iter();
        not_judged
            .filter(|it| it.contains("intermediates"))
            .collect::<Vec<_>>()
    };
    let unknown = as_host(&site, "signer-02", probed(&site, &[]));
    assert_eq!(
        told(vec![unknown]),
        ["the intermediates of 2 machines, of which no probe names any"]
    );
    let known = as_host(
        &site,
        "signer-02",
        probed(&site, std::slice::from_ref(&dump)),
    );
    assert_eq!(
        told(vec![known.clone()]),
        ["the intermediates of 1 machine, of which no probe names any"]
    );
    let probe = probed(&site, &[dump]);
    let host = probe.host.to_string();
    let own = as_host(&site, &host, probe);
    assert_eq!(told(vec![known, own]), Vec::<String>::new());
}
