//! `portal fetch`.

use std::fs;

use base64ct::{Base64, Encoding as _};
use countersign::base::error::ErrorCode;
use countersign::base::finding;
use countersign::ops::portal::fetch::FetchDocument;
use countersign::ops::portal::renew::RenewRequest;
use forge::flaw::{Flaw, Layer};
use serde_json::json;
use support::schema;

use super::apple::{Fault, profile};
use super::bench::Bench;
use super::http::Reply;

/// The findings; that Acme's anchor is not Apple's is one about every profile.
fn codes(document: &FetchDocument) -> Vec<&'static str> {
    let codes = document.findings.iter().map(|it| it.code.as_str());
    codes
        .filter(|code| *code != "profile-anchor-not-apple")
        .collect()
}

fn team() -> Bench {
    Bench::with(vec![
        profile(
            "P1",
            "Rocket Store",
            "IOS_APP_STORE",
            "B1",
            "2040-03-20T00:00:00Z",
        ),
        profile(
            "P2",
            "Rocket Mac",
            "MAC_APP_STORE",
            "B1",
            "2040-12-20T00:00:00Z",
        ),
    ])
}

#[test]
fn what_is_fetched_is_proven_and_called_as_xcode_calls_it() {
    let bench = team();
    let document = bench
        .fetch(&["Rocket Store", "Rocket Mac", "Rocket Store"], false)
        .unwrap();
    let holding = bench.apple.holding();
    let specs: Vec<_> = holding.profiles.iter().map(|it| holding.spec(it)).collect();
    drop(holding);
    let mut names: Vec<String> = specs.iter().map(|it| it.file_name()).collect();
    names.sort();
    assert_eq!(bench.workshop.list("fetched"), names);
    for spec in &specs {
        assert_eq!(
            fs::read(bench.path("fetched").join(spec.file_name())).unwrap(),
            spec.mint()
        );
    }
    assert!(document.files.iter().all(|it| it.outcome == "fetched"));
    assert!(codes(&document).is_empty(), "{:?}", document.findings);
    schema::holds("portal-fetch.v1", &serde_json::to_value(&document).unwrap());
    let again = bench.fetch(&[&*specs[0].uuid], false).unwrap();
    assert_eq!(again.files[0].outcome, "already there");
}

#[test]
fn a_profile_that_is_not_proven_is_not_written() {
    let bench = team();
    let holding = bench.apple.holding();
    let forged = holding
        .spec(&holding.profiles[0])
        .with(Flaw::Forged(Layer::Outer))
        .mint();
    drop(holding);
    let body = json!({ "data": { "type": "profiles", "id": "P1", "attributes": { "profileContent": Base64::encode_string(&forged) } } });
    let answer = Reply::Answer {
        status: 200,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    bench
        .apple
        .holding()
        .faults
        .insert(2, Fault::Answer(answer));
    let document = bench.fetch(&["Rocket Store", "Rocket Mac"], false).unwrap();
    assert_eq!(document.files.len(), 1, "the other one is");
    assert!(finding::any_blocks(&document.findings));
    assert_eq!(bench.workshop.list("fetched").len(), 1);
}

#[test]
fn the_file_of_another_profile_is_refused() {
    let bench = team();
    let holding = bench.apple.holding();
    let other = holding.spec(&holding.profiles[1]).mint();
    drop(holding);
    let body = json!({ "data": { "type": "profiles", "id": "P1", "attributes": { "profileContent": Base64::encode_string(&other) } } });
    let answer = Reply::Answer {
        status: 200,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    bench
        .apple
        .holding()
        .faults
        .insert(2, Fault::Answer(answer));
    let error = bench.fetch(&["Rocket Store"], false).unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortalAnswerMalformed);
    assert!(!bench.path("fetched").exists());
}

#[test]
fn what_the_last_renewal_made_is_fetched() {
    let bench = team();
    let error = bench.fetch(&[], true).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RenewalUnfinished);
    bench.apple.holding().post_faults.insert(1, Fault::Cut);
    bench.renew(&bench.request()).unwrap_err();
    assert_eq!(
        bench.fetch(&[], true).unwrap_err().code(),
        ErrorCode::RenewalUnfinished
    );
    bench.renew(&bench.request()).unwrap();
    let document = bench.fetch(&[], true).unwrap();
    let names: Vec<_> = document.files.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["Rocket Store 2040-03-01"]);
}

#[test]
fn an_invalid_profile_is_fetched_with_a_warning_and_a_good_one_without() {
    let bench = team();
    bench.apple.holding().profiles[0].state = "INVALID";
    let document = bench.fetch(&["Rocket Store"], false).unwrap();
    assert_eq!(codes(&document), ["portal-profile-invalid"]);
    assert_eq!(document.files.len(), 1);
    assert!(codes(&bench.fetch(&["Rocket Mac"], false).unwrap()).is_empty());
    let request = RenewRequest {
        yes: false,
        ..bench.request()
    };
    assert_eq!(
        bench.renew(&request).unwrap().successors.len(),
        1,
        "an invalid one is due"
    );
}
