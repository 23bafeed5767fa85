//! A browser shows the page: no error on its console, and every profile in its document. Where no browser is installed, the
//! test says so and stands aside.

use countersign::ops::target_selection::TargetSelection;
use support::browser::Browser;

use super::{fleet, page, uuids};

#[test]
fn a_browser_shows_every_profile_and_has_nothing_to_complain_of() {
    let Some(browser) = Browser::installed() else {
        return;
    };
    let workshop = fleet(12);
    let (page, document) = page(&workshop, TargetSelection::default());
    let file = workshop.write("signing.html", page);
    let shown = browser.show(&file);
    for uuid in uuids(&document) {
        let cell = format!("<td>{uuid}</td>");
        assert!(shown.dom.contains(&cell), "{uuid}: {}", shown.log);
    }
    assert!(shown.dom.contains("</svg>"));
    assert!(!shown.log.contains(":CONSOLE"), "{}", shown.log);

    // A page with a mistake is complained of: the log is the right one to look at.
    let broken = "<!doctype html><script>console.error('broken')</script>";
    let file = workshop.write("broken.html", broken);
    let shown = browser.show(&file);
    assert!(shown.log.contains(":CONSOLE"), "{}", shown.log);
}
