//! The pages of `report` and of `rotate rehearse`: that they hold everything, stay small, ask for nothing from outside, and that a browser
//! shows them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs the built program"
)]

mod browser;
mod rehearsal;

use std::fs;
use std::sync::Arc;

use countersign::base::clock::FixedClock;
use countersign::cli::page::html;
use countersign::host::secret_source::SecretSource;
use countersign::ops::notice::Deaf;
use countersign::ops::page::{ReportRequest, report};
use countersign::ops::target_selection::TargetSelection;
use countersign::ops::world::{Places, Surroundings, World};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec};
use forge::profile::{Kind, ProfileSpec};
use jiff::{Timestamp, ToSpan as _};
use support::workshop::{Workshop, ran};

/// The instant at which pages of this file are made in the library.
fn now() -> Timestamp {
    "2026-11-28T10:00:00Z".parse().unwrap()
}

/// A fleet's profiles: `count` of them, that expire one after the other, for three certificates.
fn fleet(count: usize) -> Workshop {
    let workshop = Workshop::new();
    let certificates: Vec<_> = [
        ("first", "2027-02-01T00:00:00Z"),
        ("second", "2027-09-20T00:00:00Z"),
        ("third", "2030-01-01T00:00:00Z"),
    ]
    .into_iter()
    .map(|(label, until)| {
        let leaf = LeafSpec::new(LeafKind::AppleDistribution)
            .labelled(label)
            .valid("2026-01-01T00:00:00Z", until);
        Hierarchy::acme().developer(&leaf)
    })
    .collect();
    for at in 0..count {
        let days = i64::try_from(5 + (at * at) % 430).unwrap();
        let expires = now().checked_add((24 * days).hours()).unwrap();
        let spec = ProfileSpec::ios(Kind::AppStore, &format!("com.acme.rocket.app{at}"))
            .valid("2026-01-01T10:00:00Z", &expires.to_string())
            .certificates(&certificates[at % 3..=at % 3]);
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    workshop.run(&["manifest", "freeze"]);
    workshop
}

/// The page of a workshop at [`now`], and its document as JSON.
fn page(workshop: &Workshop, targets: TargetSelection) -> (String, serde_json::Value) {
    let places = Places {
        policy: Some(workshop.path("manifests/signing.toml")),
        manifest: Some(workshop.path("manifests/profiles.json")),
        state_dir: Some(workshop.path("state")),
        ..Places::default()
    };
    let surroundings = Surroundings {
        home: Some(workshop.path("home")),
        ..Surroundings::default()
    };
    let clock = Arc::new(FixedClock(now()));
    let world = World::new(places, surroundings, clock, Box::new(Deaf));
    let request = ReportRequest {
        targets,
        identities: None,
        identities_password: SecretSource::Prompt(String::new()),
        keychain: None,
        region: None,
    };
    let document = report(&request, &world).unwrap();
    let json = serde_json::to_value(&document).unwrap();
    (html::page(&document).unwrap(), json)
}

/// The UUIDs of a document's profiles.
fn uuids(document: &serde_json::Value) -> Vec<String> {
    let profiles = document["profiles"].as_array().unwrap().iter();
    profiles
        .map(|profile| profile["uuid"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_page_of_two_hundred_profiles_holds_each_of_them_and_is_small() {
    let (page, document) = page(&fleet(200), TargetSelection::default());
    let uuids = uuids(&document);
    assert_eq!(uuids.len(), 200);
    for uuid in uuids {
        assert!(page.contains(&format!("<td>{uuid}</td>")), "{uuid}");
    }
    assert!(page.len() < 300 * 1024, "{} bytes", page.len());
    assert_eq!(document["certificates"].as_array().unwrap().len(), 3);
    // Every expiry has a row.
    let rows = page.matches("<td>profile</td>").count();
    assert_eq!(rows, 200);
    assert_eq!(page.matches("<td>certificate</td>").count(), 3);
    // Findings of one kind do not fill the page: what blocks and what is warned of is one each.
    assert_eq!(page.matches("<b>profile-expires-soon × ").count(), 2);
    assert!(page.contains(" more like this</summary>"));
}

#[track_caller]
fn assert_asks_for_nothing(page: &str) {
    for word in [
        "<script",
        "javascript:",
        "http://",
        "https://",
        "@import",
        "url(",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("prefers-color-scheme:dark"));
    assert!(page.contains("@media print"));
}

#[test]
fn a_page_asks_for_nothing_from_outside_and_runs_nothing() {
    let (page, _) = page(&fleet(3), TargetSelection::default());
    assert_asks_for_nothing(&page);
}

#[test]
fn the_same_instant_gives_the_same_page() {
    let workshop = fleet(7);
    let first = page(&workshop, TargetSelection::default());
    let second = page(&workshop, TargetSelection::default());
    assert_eq!(first, second);
}

#[test]
fn what_expires_stands_in_order_with_the_policys_word_for_it() {
    let (page, document) = page(&fleet(7), TargetSelection::default());
    let expiries = document["expiries"].as_array().unwrap();
    let days: Vec<i64> = expiries
        .iter()
        .map(|it| it["days_left"].as_i64().unwrap())
        .collect();
    assert!(days.is_sorted(), "{days:?}");
    let standing = |days_left: i64| {
        let mut found = expiries.iter();
        let found = found.find(|it| it["days_left"] == days_left).unwrap();
        found["standing"].as_str().unwrap().to_owned()
    };
    assert_eq!(standing(5), "below-minimum");
    assert_eq!(standing(9), "soon");
    assert_eq!(standing(41), "ok");
    assert!(page.contains("blocks: 7d") && page.contains("warns: 30d"));
}

#[test]
fn names_of_others_are_text_and_nothing_else() {
    let workshop = Workshop::new();
    let name = "<script>alert(1)</script>\"'&\u{202e}";
    let spec = ProfileSpec::ios(Kind::AppStore, "com.acme.rocket").named(name);
    workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    let places = &["report", "-o", "signing.html"];
    workshop.run(places).exits(0);
    let page = String::from_utf8(workshop.read("signing.html")).unwrap();
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
}

#[test]
fn a_machine_with_nothing_on_it_gets_a_page_that_says_what_is_missing() {
    let workshop = Workshop::new();
    fs::remove_dir_all(workshop.path("manifests")).unwrap();
    let words = ["report", "-o", "signing.html", "--format", "json"];
    let document = workshop.run(&words).exits(0).json();
    let missing: Vec<&str> = document["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["part"].as_str().unwrap())
        .collect();
    assert_eq!(
        missing,
        ["policy", "manifest", "profiles", "targets", "audit-log"]
    );
    let page = String::from_utf8(workshop.read("signing.html")).unwrap();
    for part in ["policy", "manifest", "profiles", "targets", "audit log"] {
        assert!(page.contains(&format!("<b>{part}</b>")), "{part}");
    }
    assert!(page.contains("countersign manifest freeze"));
}

#[test]
fn what_blocks_is_told_first_and_what_clears_is_told_too() {
    let workshop = Workshop::new();
    forge::fixtures::project().write(&workshop.path(""));
    let mut specs = forge::fixtures::products();
    for spec in &specs {
        workshop.write(format!("profiles/{}", spec.file_name()), spec.mint());
    }
    let project = ["--project", "Acme.xcodeproj"];
    workshop
        .run(&[&["manifest", "freeze"][..], &project].concat())
        .exits(0);
    let words = [
        &[
            "report",
            "-o",
            "signing.html",
            "--identities",
            "identities.txt",
        ][..],
        &project,
    ]
    .concat();
    workshop
        .run(&words)
        .exits(0)
        .says(&["a gate would clear this machine"]);
    let page = String::from_utf8(workshop.read("signing.html")).unwrap();
    assert!(page.contains(r#"<h1 class="ok">"#));
    // Targets, profiles and the certificate hang together.
    assert!(page.matches(r#"class="signs""#).count() >= 8, "{page}");

    let installed = specs.remove(0);
    fs::remove_file(workshop.path("profiles").join(installed.file_name())).unwrap();
    workshop
        .run(&words)
        .exits(0)
        .says(&["signing is blocked: profile "]);
    let page = String::from_utf8(workshop.read("signing.html")).unwrap();
    let (finding, timeline) = (page.find("profile-missing"), page.find(r#"id="expiries""#));
    assert!(finding.unwrap() < timeline.unwrap());
    assert!(page.contains(r#"<h1 class="block">"#));
}

#[test]
fn gates_stand_on_the_page_newest_first() {
    let workshop = Workshop::frozen();
    workshop.allow_waivers();
    workshop.gate(&[]).exits(0);
    workshop.run(&["gate"]).exits(10);
    let document = workshop
        .run(&["report", "--format", "json"])
        .exits(0)
        .json();
    let verdicts: Vec<&str> = document["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| gate["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["blocked", "cleared"]);
    assert_eq!(document["gates"][1]["waived"], "targets");
    // Looking records nothing.
    let again = workshop
        .run(&["report", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(again["gates"].as_array().unwrap().len(), 2);
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let workshop = Workshop::frozen();
    let mut command = workshop.command(&["report", "-o", "missing/signing.html"]);
    ran(&mut command).exits(11).says(&["missing/signing.html"]);
}
