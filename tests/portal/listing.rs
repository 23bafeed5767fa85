//! `portal list`.

use countersign::context::portal::standing::PortalState;
use countersign::ops::report::Report as _;
use support::schema;

use super::apple::{distribution, profile};
use super::bench::Bench;

fn team() -> Bench {
    let expired = profile(
        "P1",
        "Old Store",
        "IOS_APP_STORE",
        "B1",
        "2040-02-01T00:00:00Z",
    );
    let soon = profile(
        "P2",
        "Rocket Store",
        "IOS_APP_STORE",
        "B1",
        "2040-03-20T00:00:00Z",
    );
    let mut ad_hoc = profile(
        "P3",
        "Rocket Ad Hoc",
        "IOS_APP_ADHOC",
        "B1",
        "2040-12-20T00:00:00Z",
    );
    ad_hoc.devices = vec!["D1".to_owned(), "D2".to_owned()];
    Bench::with(vec![expired, soon, ad_hoc])
}

#[test]
fn active_is_not_taken_for_valid_and_what_is_known_here_is_told() {
    let bench = team();
    let list = bench.list().unwrap();
    let states: Vec<_> = list
        .profiles
        .iter()
        .map(|it| (&*it.name, it.state, it.pinned, it.installed))
        .collect();
    assert_eq!(
        states,
        [
            ("Old Store", PortalState::Expired, true, true),
            ("Rocket Store", PortalState::ExpiresSoon, true, true),
            ("Rocket Ad Hoc", PortalState::Active, false, false),
        ]
    );
    assert!(list.profiles.iter().all(|it| it.portal_state == "ACTIVE"));
    assert_eq!(list.profiles[2].device_count, 2);
    assert_eq!(list.certificates.len(), 1);
    assert!(list.certificates[0].pinned);
    assert_eq!(list.certificates[0].profile_count, 3);
    assert_eq!(list.certificates[0].serial.len(), 6);
    assert_eq!(list.bundle_ids[0].profile_count, 3);
    assert_eq!(list.devices.iter().filter(|it| it.enabled).count(), 2);
    assert!(list.findings.is_empty() && list.not_listed.is_empty());
    schema::holds("portal-list.v1", &serde_json::to_value(&list).unwrap());
}

#[test]
fn a_pinned_profile_that_apple_holds_as_invalid_is_told_and_an_unpinned_one_is_not() {
    let bench = team();
    bench.apple.holding().revoke("C1");
    let mut list = bench.list().unwrap();
    let found: Vec<_> = list
        .findings_mut()
        .into_iter()
        .map(|it| it.code.as_str().to_owned())
        .collect();
    // The expired one is the business of others, the ad hoc one signs nothing here.
    assert_eq!(found, ["portal-profile-invalid"]);
    assert!(list.findings[0].message.contains("Rocket Store"));
    assert_eq!(list.profiles[2].state, PortalState::Invalid);
    assert!(list.certificates.is_empty());
}

#[test]
fn a_pinned_profile_that_is_not_there_is_told() {
    let bench = team();
    bench.apple.holding().profiles.retain(|it| it.id != "P2");
    let list = bench.list().unwrap();
    let names: Vec<_> = list.not_listed.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["Rocket Store"]);
}

#[test]
fn every_page_is_read() {
    let bench = Bench::with(Vec::new());
    {
        let mut holding = bench.apple.holding();
        holding.page = 3;
        holding.profiles = (0..10)
            .map(|n| {
                profile(
                    &format!("P{n}"),
                    &format!("App & {n}"),
                    "IOS_APP_STORE",
                    "B1",
                    "2040-12-20T00:00:00Z",
                )
            })
            .collect();
        holding.certificates = (1..8)
            .map(|n| distribution(&format!("C{n}"), "leaf 1", "2041-01-01T00:00:00Z"))
            .collect();
    }
    let list = bench.list().unwrap();
    assert_eq!(
        (
            list.profiles.len(),
            list.certificates.len(),
            list.devices.len()
        ),
        (10, 7, 3)
    );
    // Four pages of profiles, three of certificates, one of each other.
    assert_eq!(bench.apple.holding().count(), 4 + 3 + 1 + 1);
}

#[test]
fn the_list_is_shown_in_words_and_without_identifiers_of_devices() {
    let bench = Bench::at(None);
    {
        let mut holding = bench.apple.holding();
        holding.certificates = vec![distribution("C1", "leaf 1", "2041-01-01T00:00:00Z")];
        holding.bundles = vec![("B1".to_owned(), "com.acme.rocket".to_owned())];
        holding.devices = vec![(
            "D1".to_owned(),
            "Anna\u{1b}[31m".to_owned(),
            "IPHONE",
            "DISABLED",
        )];
        holding.profiles = vec![
            profile(
                "P1",
                "Rocket Store",
                "IOS_APP_STORE",
                "B1",
                "2040-12-20T00:00:00Z",
            ),
            profile(
                "P2",
                "Old Store",
                "IOS_APP_STORE",
                "B1",
                "2026-01-01T00:00:00Z",
            ),
        ];
    }
    let ran = support::workshop::ran(&mut bench.command(&["portal", "list"])).exits(0);
    assert!(
        ran.out
            .contains("active\tunknown\tRocket Store\tcom.acme.rocket\tIOS_APP_STORE"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("EXPIRED\tunknown\tOld Store"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("disabled\tIPHONE\tAnna"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    let ran = support::workshop::ran(&mut bench.command(&["portal", "list", "devices"])).exits(0);
    assert!(!ran.out.contains("Rocket Store"), "{}", ran.out);
    let ran = support::workshop::ran(&mut bench.command(&["portal", "list", "--format", "json"]))
        .exits(0);
    assert_eq!(ran.json()["profiles"][0]["state"], "expired");
    // Nothing asks for identifiers of devices.
    let holding = bench.apple.holding();
    let asked = holding.asked.iter().flat_map(|it| &it.query);
    assert!(asked.clone().count() > 0);
    assert!(asked.into_iter().all(|(_, value)| !value.contains("udid")));
}
