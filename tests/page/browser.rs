//! A browser shows the pages: no error on its console, and every profile or step in its document. Where no browser is installed, the
//! tests say so and stand aside.

use countersign::cli::rotate::rehearsal::html;
use countersign::ops::target_selection::TargetSelection;
use support::browser::Browser;
use support::workshop::Workshop;

use super::{fleet, page, rehearsal, uuids};

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

#[test]
fn a_browser_shows_every_step_of_a_rehearsal_and_has_nothing_to_complain_of() {
    let Some(browser) = Browser::installed() else {
        return;
    };
    let workshop = Workshop::new();
    let document = rehearsal::of_a_fleet();
    let file = workshop.write("rehearsal.html", html::page(&document).unwrap());
    let shown = browser.show(&file);
    for step in rehearsal::rows_of_steps(&document) {
        assert!(shown.dom.contains(&step), "{step}: {}", shown.log);
    }
    for node in &document.nodes {
        assert!(shown.dom.contains(node.host.as_str()), "{}", node.host);
    }
    assert!(!shown.log.contains(":CONSOLE"), "{}", shown.log);
}
