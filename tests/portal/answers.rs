//! Answers that no API should give.

use std::time::Duration;

use countersign::base::clock::FixedClock;
use countersign::base::error::{ErrorCode, Explain as _};
use countersign::host::app_store_connect::client::Client;
use countersign::host::app_store_connect::key::ApiKey;
use countersign::host::app_store_connect::origin::Origin;
use jiff::SignedDuration;

use super::apple::{Fault, ISSUER, KEY_ID, profile};
use super::bench::{Bench, NOW};
use super::http::{Reply, Server};

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Fault {
    let headers = headers.iter();
    Fault::Answer(Reply::Answer {
        status,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.into(),
    })
}

/// What `portal list` says to a first answer.
fn error_of(fault: Fault) -> countersign::ops::error::Error {
    let bench = Bench::with(Vec::new());
    bench.apple.holding().faults.insert(1, fault);
    let error = bench.list().unwrap_err();
    assert_eq!(bench.apple.holding().count(), 1, "nothing is asked twice");
    error
}

#[test]
fn a_link_to_another_host_is_refused_and_the_token_stays() {
    let bench = Bench::with(vec![
        profile("P1", "One", "IOS_APP_STORE", "B1", "2040-12-20T00:00:00Z"),
        profile("P2", "Two", "IOS_APP_STORE", "B1", "2040-12-20T00:00:00Z"),
    ]);
    let elsewhere = Server::new(|request| panic!("{request:?} came here"));
    {
        let mut holding = bench.apple.holding();
        holding.page = 1;
        holding.next = Some(format!("http://{}/v1/profiles?cursor=1", elsewhere.address));
    }
    let error = bench.list().unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortalAnswerMalformed);
    assert!(error.message().contains("leads to another host"), "{error}");
}

#[test]
fn a_redirection_is_not_followed() {
    let elsewhere = Server::new(|request| panic!("{request:?} came here"));
    let location = format!("http://{}/v1/profiles", elsewhere.address);
    for status in [301, 302, 303, 307, 308] {
        let error = error_of(answer(status, &[("location", &location)], ""));
        assert_eq!(error.code(), ErrorCode::PortalAnswerMalformed);
        assert!(
            error
                .message()
                .contains(&format!("(status {status}), and is not followed")),
            "{error}"
        );
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let error = error_of(answer(200, &[], vec![b' '; (16 << 20) + 1]));
    assert_eq!(error.code(), ErrorCode::PortalAnswerMalformed);
    assert!(
        error.message().contains("longer than 16777216 bytes"),
        "{error}"
    );
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let error = error_of(Fault::Answer(Reply::Bytes(endless.into_bytes())));
    assert_eq!(error.code(), ErrorCode::PortalUnreachable);
}

#[test]
fn pages_without_end_are_not_read_for_ever() {
    let bench = Bench::with(Vec::new());
    {
        let mut holding = bench.apple.holding();
        holding.page = 1;
        holding.devices = (0..300)
            .map(|n| (format!("D{n}"), "Phone".to_owned(), "IPHONE", "ENABLED"))
            .collect();
        holding.profiles = vec![
            profile("P1", "One", "IOS_APP_STORE", "B1", "2040-12-20T00:00:00Z"),
            profile("P2", "Two", "IOS_APP_STORE", "B1", "2040-12-20T00:00:00Z"),
        ];
        // Each page says that this one comes next.
        holding.next = Some("/v1/profiles?cursor=0&limit=1".to_owned());
    }
    let error = bench.list().unwrap_err();
    assert!(error.message().contains("more than 200 pages"), "{error}");
    assert_eq!(bench.apple.holding().count(), 200);
}

#[test]
fn an_answer_that_is_not_the_apis_is_told_as_that() {
    for body in [
        "",
        "<html>",
        "[]",
        "{\"data\":[{\"type\":\"profiles\",\"id\":\"../x\"}]}",
        "{\"data\":{}}",
    ] {
        let error = error_of(answer(200, &[], body));
        assert_eq!(error.code(), ErrorCode::PortalAnswerMalformed, "{body}");
        assert!(
            error
                .message()
                .starts_with("GET /v1/profiles: the answer cannot be used"),
            "{error}"
        );
    }
    for fault in [
        Fault::Cut,
        Fault::Answer(Reply::Bytes(b"SSH-2.0-x\r\n".to_vec())),
        answer(502, &[], "<html>"),
    ] {
        assert_eq!(error_of(fault).code(), ErrorCode::PortalUnreachable);
    }
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let server = Server::new(|_| Reply::Silence);
    let bench = Bench::empty();
    let file = bench.path(format!("AuthKey_{KEY_ID}.p8"));
    let key = ApiKey::read(&file, KEY_ID.parse().unwrap(), ISSUER.parse().unwrap()).unwrap();
    let clock = FixedClock(NOW.parse().unwrap());
    let origin = Origin::loopback(server.address).unwrap();
    let client = Client::new(origin, &key, &clock, Duration::from_millis(50), |_| None).unwrap();
    let error = client.profiles().unwrap_err();
    assert_eq!(error.code(), ErrorCode::PortalUnreachable);
    assert!(error.to_string().contains("took too long"), "{error}");
}

#[test]
fn a_clock_that_is_wrong_is_told_from_a_key_that_is() {
    for (ahead, says) in [(-7, "7m behind"), (25, "25m ahead of")] {
        let bench = Bench::with(Vec::new());
        let now: jiff::Timestamp = NOW.parse().unwrap();
        bench.apple.holding().now = Some(now - SignedDuration::from_mins(ahead));
        match bench.list() {
            // Behind by less than a token lives is no harm.
            Ok(_) => assert_eq!(ahead, -7),
            Err(error) => {
                assert!(error.message().contains(says), "{error}");
                assert!(error.advice().0.unwrap().starts_with("set the clock"));
            }
        }
    }
    let bench = Bench::with(Vec::new());
    let mut key = bench.key();
    key.issuer_id = Some("00000000-96fe-1a63-e053-0824d011072a".parse().unwrap());
    let error = countersign::ops::portal::list::list(&key, &bench.world_at(NOW)).unwrap_err();
    let countersign::ops::error::Failure::Error(error) = error else {
        panic!()
    };
    assert_eq!(error.code(), ErrorCode::PortalRefused);
    assert!(!error.message().contains("clock"), "{error}");
    assert!(error.advice().0.unwrap().contains("belong together"));
}

#[test]
fn a_proxy_is_asked_for_apples_host_and_gets_no_token() {
    let (sender, asked) = std::sync::mpsc::channel();
    let proxy = Server::new(move |request| {
        sender.send(request).unwrap();
        Reply::Cut
    });
    let bench = Bench::empty();
    let ran = support::workshop::ran(
        bench
            .workshop
            .command(&[
                "portal",
                "list",
                "--key-file",
                &format!("AuthKey_{KEY_ID}.p8"),
                "--issuer-id",
                ISSUER,
            ])
            .env(
                "HTTPS_PROXY",
                format!("http://user:hunter2@{}", proxy.address),
            ),
    )
    .exits(11);
    assert!(
        ran.err.contains("portal-unreachable") || ran.err.contains("cannot be reached"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    let request = asked.recv().unwrap();
    assert_eq!(
        (&*request.method, &*request.path),
        ("CONNECT", "api.appstoreconnect.apple.com:443")
    );
    assert!(request.header("authorization").is_none(), "{request:?}");
}
