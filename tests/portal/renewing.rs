//! `portal renew`.

use std::fs;
use std::sync::mpsc;

use countersign::base::error::{ErrorCode, Explain as _};
use countersign::base::finding::Severity;
use countersign::context::portal::request::DeviceChoice;
use countersign::context::profile_check::CertificateName;
use countersign::ops::portal::document::{Outcome, RenewDocument};
use countersign::ops::portal::renew::RenewRequest;
use forge::hierarchy::Hierarchy;
use support::schema;

use super::apple::{FakeProfile, Fault, distribution, profile};
use super::bench::{Bench, NOW, signing_request};

fn store() -> FakeProfile {
    profile(
        "P1",
        "Rocket Store",
        "IOS_APP_STORE",
        "B1",
        "2040-03-20T00:00:00Z",
    )
}

fn outcomes(document: &RenewDocument) -> Vec<Outcome> {
    document.successors.iter().map(|it| it.outcome).collect()
}

fn codes(document: &RenewDocument) -> Vec<&'static str> {
    document
        .findings
        .iter()
        .map(|it| it.code.as_str())
        .collect()
}

#[test]
fn without_a_word_nothing_changes() {
    let bench = Bench::with(vec![store()]);
    let request = RenewRequest {
        yes: false,
        ..bench.request()
    };
    let document = bench.renew(&request).unwrap();
    assert_eq!(outcomes(&document), [Outcome::Planned]);
    assert_eq!(document.successors[0].name, "Rocket Store 2040-03-01");
    assert!(!document.done && !document.finished);
    assert_eq!(bench.apple.holding().posts(), 0);
    assert!(!bench.path("home/state").exists(), "no journal, no record");
    schema::holds("portal-renew.v1", &serde_json::to_value(&document).unwrap());
}

#[test]
fn what_the_manifest_pins_and_is_due_gets_a_successor_and_nothing_else_does() {
    let fresh = profile(
        "P2",
        "Fresh Store",
        "IOS_APP_STORE",
        "B1",
        "2040-12-20T00:00:00Z",
    );
    let unpinned = profile(
        "P3",
        "Ad Hoc",
        "IOS_APP_ADHOC",
        "B1",
        "2040-03-20T00:00:00Z",
    );
    let bench = Bench::with(vec![store(), fresh, unpinned]);
    let document = bench.renew(&bench.request()).unwrap();
    assert_eq!(outcomes(&document), [Outcome::Created]);
    assert!(document.finished);
    assert_eq!(bench.names().len(), 4);
    assert_eq!(bench.names()["Rocket Store 2040-03-01"], 1);
    assert_eq!(bench.records("portal-profile-create"), ["intended", "done"]);
    schema::holds("portal-renew.v1", &serde_json::to_value(&document).unwrap());
    // The next day the same command finds the successor, and makes no other.
    let next = bench
        .renew_at(&bench.request(), "2040-03-02T12:00:00Z")
        .unwrap();
    assert!(next.successors.is_empty() && next.finished);
    assert_eq!(next.succeeded[0].successor_name, "Rocket Store 2040-03-01");
    assert_eq!(bench.names().len(), 4);
}

#[test]
fn forty_profiles_are_renewed_through_a_refusal_a_crash_and_a_limit() {
    let bench = Bench::with_due(40);
    {
        let mut holding = bench.apple.holding();
        holding
            .post_faults
            .insert(5, Fault::Refuse(409, "Something about this profile."));
        // The answer is lost, and the look after it too: as if the process had died there.
        holding.post_faults.insert(12, Fault::LoseReply);
    }
    let count = |bench: &Bench| bench.apple.holding().profiles.len() - 40;
    let before_the_crash = 4 + 2 * 12 - 1 + 1;
    bench
        .apple
        .holding()
        .faults
        .insert(before_the_crash + 1, Fault::Cut);
    let error = bench.renew(&bench.request()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortalUnreachable);
    assert!(
        error
            .message()
            .starts_with("10 of 40 successors are there: POST /v1/profiles"),
        "{error}"
    );
    assert_eq!(
        count(&bench),
        11,
        "eleven were made, of one nobody here knows"
    );

    let made = bench.apple.holding().count();
    bench.apple.holding().faults.insert(made + 30, Fault::Limit);
    let error = bench
        .renew_at(&bench.request(), "2040-03-01T13:00:00Z")
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortalLimited);
    let (hint, _) = error.advice();
    assert_eq!(
        hint.unwrap(),
        "run the same command again from 2040-03-01T14:00:00Z on: it goes on where it stopped"
    );
    assert!(
        error
            .message()
            .contains("(0 of 3500 requests of this hour are left)"),
        "{error}"
    );

    // After midnight, and still under the names that were planned.
    let document = bench
        .renew_at(&bench.request(), "2040-03-02T01:00:00Z")
        .unwrap();
    assert!(document.finished && document.resumed == Some(NOW.parse().unwrap()));
    assert_eq!(document.successors.len(), 40);
    assert_eq!(count(&bench), 40, "nothing lost, nothing twice");
    for n in 0..40 {
        assert_eq!(bench.names()[&format!("App {n} Store 2040-03-01")], 1);
    }
}

#[test]
fn a_refusal_of_one_profile_leaves_the_others_and_the_same_command_goes_on() {
    let bench = Bench::with_due(3);
    bench
        .apple
        .holding()
        .post_faults
        .insert(2, Fault::Refuse(409, "Something about this profile."));
    let document = bench.renew(&bench.request()).unwrap();
    assert_eq!(
        outcomes(&document),
        [Outcome::Created, Outcome::Refused, Outcome::Created]
    );
    assert_eq!(codes(&document), ["successor-refused"]);
    assert!(
        document.findings[0]
            .message
            .contains("Something about this profile (ENTITY_ERROR)")
    );
    assert!(!document.finished);
    let document = bench.renew(&bench.request()).unwrap();
    assert_eq!(
        outcomes(&document),
        [
            Outcome::AlreadyThere,
            Outcome::Created,
            Outcome::AlreadyThere
        ]
    );
    assert!(document.finished && document.findings.is_empty());
}

#[test]
fn an_answer_that_is_lost_is_recognised_by_the_name() {
    let bench = Bench::with_due(2);
    bench
        .apple
        .holding()
        .post_faults
        .insert(1, Fault::LoseReply);
    let document = bench.renew(&bench.request()).unwrap();
    assert_eq!(outcomes(&document), [Outcome::Created, Outcome::Created]);
    assert_eq!(bench.names().len(), 4);
    // Before it was done: then it is not there, and that is told.
    let bench = Bench::with_due(2);
    bench.apple.holding().post_faults.insert(1, Fault::Cut);
    let error = bench.renew(&bench.request()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortalUnreachable);
    assert_eq!(
        bench.records("portal-profile-create"),
        ["intended", "failed"]
    );
    bench.renew(&bench.request()).unwrap();
    assert_eq!(bench.names().len(), 4);
}

#[test]
fn a_kill_at_any_request_is_finished_by_the_same_command() {
    // Four requests look, then each successor takes two.
    for (at, is_done) in (1..=10).flat_map(|at| [(at, false), (at, true)]) {
        let bench = Bench::at(None);
        {
            let mut holding = bench.apple.holding();
            holding.certificates = vec![distribution("C1", "leaf 1", "2041-01-01T00:00:00Z")];
            holding.bundles = (0..3)
                .map(|n| (format!("B{n}"), format!("com.acme.app{n}")))
                .collect();
            holding.profiles = (0..3)
                .map(|n| {
                    profile(
                        &format!("P{n}"),
                        &format!("App {n}"),
                        "IOS_APP_STORE",
                        &format!("B{n}"),
                        "2026-12-20T00:00:00Z",
                    )
                })
                .collect();
        }
        let words = [
            "portal", "renew", "App 0", "App 1", "App 2", "--suffix", "next", "--yes",
        ];
        let (sender, receiver) = mpsc::channel::<std::process::Child>();
        let (gone, is_gone) = mpsc::channel();
        let kill = Box::new(move || {
            let mut child: std::process::Child = receiver.recv().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            gone.send(()).unwrap();
        });
        let fault = match is_done {
            true => Fault::LoseReplyAfter(kill),
            false => Fault::CutAfter(kill),
        };
        bench.apple.holding().faults.insert(at, fault);
        let mut command = bench.command(&words);
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        sender.send(command.spawn().unwrap()).unwrap();
        is_gone.recv().unwrap();
        let words = [&words[..], &["--format", "json"]].concat();
        let ran = support::workshop::ran(&mut bench.command(&words)).exits(0);
        assert_eq!(ran.json()["finished"], true, "{at} {is_done}");
        let names = bench.names();
        assert_eq!(names.len(), 6, "{at} {is_done}: {names:?}");
        assert!(
            names.values().all(|count| *count == 1),
            "{at} {is_done}: {names:?}"
        );
    }
}

#[test]
fn another_request_waits_for_an_unfinished_one_or_abandons_it() {
    let bench = Bench::with_due(2);
    bench.apple.holding().post_faults.insert(2, Fault::Cut);
    bench.renew(&bench.request()).unwrap_err();
    let other = RenewRequest {
        suffix: Some("next".to_owned()),
        ..bench.request()
    };
    let error = bench.renew(&other).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RenewalUnfinished);
    assert!(
        error
            .message()
            .contains("a renewal of 2 profiles that began 2040-03-01T12:00:00Z"),
        "{error}"
    );
    let abandoning = RenewRequest {
        abandon: true,
        ..other
    };
    let document = bench.renew(&abandoning).unwrap();
    assert!(document.finished);
    // What had been made stays; with other names two more are made.
    assert_eq!(
        bench.names().len(),
        2 + 1 + 1 + usize::from(document.succeeded.is_empty())
    );
}

#[test]
fn a_damaged_journal_is_told_and_can_be_abandoned() {
    let bench = Bench::with_due(1);
    bench.apple.holding().post_faults.insert(1, Fault::Cut);
    bench.renew(&bench.request()).unwrap_err();
    let journal = bench.path(format!("home/state/portal/{}.json", super::apple::ISSUER));
    fs::write(&journal, "{").unwrap();
    let error = bench.renew(&bench.request()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::JournalUnusable);
    let abandoning = RenewRequest {
        abandon: true,
        ..bench.request()
    };
    assert!(bench.renew(&abandoning).unwrap().finished);
}

#[test]
fn a_name_that_another_profile_has_blocks_and_one_that_is_the_successor_does_not() {
    let mut other = profile(
        "P2",
        "Rocket Store 2040-03-01",
        "IOS_APP_STORE",
        "B1",
        "2041-02-01T00:00:00Z",
    );
    other.kind = "IOS_APP_ADHOC".to_owned();
    let bench = Bench::with(vec![store(), other]);
    let document = bench.renew(&bench.request()).unwrap();
    assert_eq!(codes(&document), ["successor-name-taken"]);
    assert!(document.findings[0].message.contains("is of another type"));
    assert_eq!(bench.apple.holding().posts(), 0);
    bench.apple.holding().profiles[1].kind = "IOS_APP_STORE".to_owned();
    let named = RenewRequest {
        profiles: vec!["Rocket Store".to_owned()],
        ..bench.request()
    };
    let document = bench.renew(&named).unwrap();
    assert_eq!(outcomes(&document), [Outcome::AlreadyThere]);
    assert!(document.finished && document.findings.is_empty());
}

#[test]
fn devices_of_a_successor_are_the_enabled_ones_of_the_old_or_all_that_fit() {
    let mut ad_hoc = profile(
        "P1",
        "Ad Hoc",
        "IOS_APP_ADHOC",
        "B1",
        "2040-03-20T00:00:00Z",
    );
    ad_hoc.devices = vec!["D1".to_owned(), "D2".to_owned()];
    let bench = Bench::with(vec![ad_hoc]);
    bench
        .apple
        .holding()
        .devices
        .push(("D4".to_owned(), "Eve".to_owned(), "IPAD", "ENABLED"));
    let request = |devices, suffix: &str| RenewRequest {
        profiles: vec!["Ad Hoc".to_owned()],
        devices,
        suffix: Some(suffix.to_owned()),
        ..bench.request()
    };
    let document = bench.renew(&request(DeviceChoice::Same, "same")).unwrap();
    let same = &document.successors[0];
    assert_eq!((same.device_count, same.devices_left_out), (1, 1));
    bench.renew(&request(DeviceChoice::All, "all")).unwrap();
    let devices = |name: &str| {
        let holding = bench.apple.holding();
        holding
            .profiles
            .iter()
            .find(|it| it.name == name)
            .unwrap()
            .devices
            .clone()
    };
    assert_eq!(devices("Ad Hoc same"), ["D1"]);
    assert_eq!(devices("Ad Hoc all"), ["D1", "D4"]);
    bench.apple.holding().devices[0].3 = "DISABLED";
    let document = bench.renew(&request(DeviceChoice::Same, "none")).unwrap();
    assert_eq!(codes(&document), ["profile-not-renewable"]);
    assert!(
        document.findings[0]
            .message
            .contains("no device is enabled")
    );
}

#[test]
fn all_of_a_hundred_devices_are_taken_over() {
    let mut ad_hoc = profile(
        "P1",
        "Ad Hoc",
        "IOS_APP_ADHOC",
        "B1",
        "2040-03-20T00:00:00Z",
    );
    ad_hoc.devices = (0..120).map(|n| format!("E{n}")).collect();
    let bench = Bench::with(vec![ad_hoc]);
    let devices = (0..120).map(|n| (format!("E{n}"), format!("Phone {n}"), "IPHONE", "ENABLED"));
    bench.apple.holding().devices = devices.collect();
    let request = RenewRequest {
        profiles: vec!["Ad Hoc".to_owned()],
        ..bench.request()
    };
    assert_eq!(
        bench.renew(&request).unwrap().successors[0].device_count,
        120
    );
    assert_eq!(bench.apple.holding().profiles[1].devices.len(), 120);
    // Recognised although one answer holds fifty of them.
    assert_eq!(
        outcomes(&bench.renew(&request).unwrap()),
        [Outcome::AlreadyThere]
    );
}

#[test]
fn a_profile_whose_certificates_are_gone_needs_another_one() {
    let bench = Bench::with(vec![store()]);
    bench.apple.holding().revoke("C1");
    let document = bench.renew(&bench.request()).unwrap();
    assert_eq!(codes(&document), ["profile-not-renewable"]);
    assert!(
        document.findings[0]
            .message
            .contains("none of its certificates is valid")
    );
    assert_eq!(document.findings[0].severity, Severity::Block);
    let other = distribution("C2", "leaf 2", "2041-01-01T00:00:00Z");
    let sha1 = Hierarchy::acme()
        .developer(&other.leaf)
        .sha1_hex()
        .parse()
        .unwrap();
    bench.apple.holding().certificates.push(other);
    let request = RenewRequest {
        certificate: Some(CertificateName::Sha1(sha1)),
        ..bench.request()
    };
    assert!(bench.renew(&request).unwrap().finished);
    assert_eq!(bench.apple.holding().profiles[1].certificates, ["C2"]);
}

#[test]
fn a_bundle_id_that_was_deleted_is_told_and_nothing_is_made() {
    let bench = Bench::with(vec![store()]);
    bench.apple.holding().bundles.clear();
    let request = RenewRequest {
        profiles: vec!["Rocket Store".to_owned()],
        ..bench.request()
    };
    let document = bench.renew(&request).unwrap();
    assert_eq!(codes(&document), ["profile-not-renewable"]);
    assert!(
        document.findings[0]
            .message
            .contains("its bundle id is not")
    );
    assert_eq!(bench.apple.holding().posts(), 0);
}

#[test]
fn a_name_that_nobody_has_and_one_that_two_have_are_told() {
    let bench = Bench::with(vec![
        store(),
        FakeProfile {
            id: "P2".to_owned(),
            ..store()
        },
    ]);
    let document = |name: &str| {
        let request = RenewRequest {
            profiles: vec![name.to_owned()],
            ..bench.request()
        };
        bench.renew(&request).unwrap()
    };
    assert_eq!(codes(&document("Rocket Stora")), ["portal-profile-unknown"]);
    let both = document("Rocket Store");
    assert_eq!(codes(&both), ["portal-profile-unknown"]);
    assert!(both.findings[0].message.contains("2 profiles"));
}

#[test]
fn a_new_certificate_is_made_once_and_takes_the_place_of_the_old_one() {
    let bench = Bench::with(vec![store()]);
    let csr = bench
        .workshop
        .write("request.pem", signing_request("leaf 2"));
    bench
        .apple
        .holding()
        .post_faults
        .insert(1, Fault::LoseReply);
    bench.apple.holding().post_faults.insert(2, Fault::Cut);
    let request = RenewRequest {
        signing_request: Some(csr),
        ..bench.request()
    };
    let planned = RenewRequest {
        yes: false,
        ..request.clone()
    };
    let document = bench.renew(&planned).unwrap();
    assert_eq!(document.certificate.unwrap().outcome, Outcome::Planned);
    bench.renew(&request).unwrap_err();
    let document = bench.renew(&request).unwrap();
    assert!(document.finished);
    let certificate = document.certificate.as_ref().unwrap();
    assert_eq!(certificate.outcome, Outcome::AlreadyThere);
    assert_eq!(certificate.certificate_type.as_str(), "DISTRIBUTION");
    let holding = bench.apple.holding();
    assert_eq!(
        holding.certificates.len(),
        2,
        "the lost answer was recognised by the key"
    );
    assert_eq!(
        holding.profiles[1].certificates,
        [holding.certificates[1].id.clone()]
    );
    drop(holding);
    assert_eq!(
        bench.records("portal-certificate-create"),
        ["intended", "done"]
    );
    schema::holds("portal-renew.v1", &serde_json::to_value(&document).unwrap());
}

#[test]
fn the_limit_of_certificates_is_told_with_what_to_do() {
    let bench = Bench::with(vec![store()]);
    bench.apple.holding().certificate_limit = 1;
    let csr = bench
        .workshop
        .write("request.pem", signing_request("leaf 2"));
    let request = RenewRequest {
        signing_request: Some(csr),
        ..bench.request()
    };
    let error = bench.renew(&request).unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortalRefused);
    assert!(
        error
            .message()
            .contains("You already have a current Distribution certificate"),
        "{error}"
    );
    let (hint, remedy) = error.advice();
    assert!(
        hint.unwrap()
            .starts_with("the team has 1 certificates of the type DISTRIBUTION")
    );
    assert!(remedy.is_some());
    assert_eq!(bench.names().len(), 1);
}

#[test]
fn a_private_key_is_never_sent_for_a_signing_request() {
    let bench = Bench::with(vec![store()]);
    let both = signing_request("leaf 2") + &super::bench::key_file();
    for (file, says) in [
        (both, "holds a private key"),
        ("hello".to_owned(), "not a certificate signing request"),
        (
            super::bench::key_file().replace("PRIVATE KEY", "CERTIFICATE REQUEST"),
            "not a certificate signing request",
        ),
        ("x".repeat(70_000), "65536"),
    ] {
        let request = RenewRequest {
            signing_request: Some(bench.workshop.write("request.pem", file)),
            ..bench.request()
        };
        let error = bench.renew(&request).unwrap_err();
        assert!(error.message().contains(says), "{error}");
    }
    assert_eq!(bench.apple.holding().count(), 0, "nothing was asked");
}

#[test]
fn two_at_a_time_do_not_make_the_same_successors() {
    let bench = Bench::with_due(1);
    bench.renew(&bench.request()).unwrap();
    let lock = bench.path(format!("home/state/portal/{}.lock", super::apple::ISSUER));
    let held = countersign::host::owned_files::Lock::acquire(&lock, std::time::Duration::ZERO);
    let error = bench.renew(&bench.request()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockHeld);
    drop(held.map_err(|error| error.hint()).unwrap());
    bench.renew(&bench.request()).unwrap();
}

#[test]
fn more_profiles_than_an_hour_has_requests_for_are_refused() {
    let bench = Bench::with(Vec::new());
    let name = |n| format!("App {n}");
    bench.apple.holding().profiles = (0..1_001)
        .map(|n| {
            profile(
                &format!("P{n}"),
                &name(n),
                "IOS_APP_STORE",
                "B1",
                "2040-03-20T00:00:00Z",
            )
        })
        .collect();
    let request = RenewRequest {
        profiles: (0..1_001).map(name).collect(),
        yes: false,
        ..bench.request()
    };
    let error = bench.renew(&request).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Usage);
    assert!(error.message().contains("at most 1000"), "{error}");
    let fewer = RenewRequest {
        profiles: (0..1_000).map(name).collect(),
        ..request
    };
    assert_eq!(bench.renew(&fewer).unwrap().successors.len(), 1_000);
}
