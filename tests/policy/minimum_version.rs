//! `minimum_version`: hosts of a mixed fleet do not sign by half of the rules.

use crate::reading::{accepted, refusal, refused};

#[test]
fn a_policy_for_a_newer_countersign_is_refused_with_only_that() {
    let this = env!("CARGO_PKG_VERSION");
    for newer in ["999.0.0", "0.999.0", "0.1.999"] {
        let rest = format!("minimum_version = \"{newer}\"\n[of-tomorrow]\nkey = 1\n");
        let finding = refusal(&rest);
        assert_eq!(finding.place.line, Some(2));
        assert_eq!(finding.place.pointer.as_deref(), Some("minimum_version"));
        assert_eq!(
            finding.message,
            format!(
                "the policy asks for countersign {newer} or newer, but this is countersign {this}"
            )
        );
        assert_eq!(finding.expected, Some(format!("{newer} or newer")));
        assert_eq!(finding.found.as_deref(), Some(this));
        assert_eq!(
            finding.hint,
            Some(format!("install countersign {newer} or newer on this host"))
        );
    }
}

#[test]
fn a_policy_for_this_countersign_or_an_older_one_is_read() {
    for known in [env!("CARGO_PKG_VERSION"), "0.0.999", "0.0.0"] {
        accepted(&format!("minimum_version = \"{known}\"\n"));
    }
    let what_is_next = "minimum_version = \"0.0.1\"\n[of-tomorrow]\nkey = 1\n";
    assert!(refusal(what_is_next).message.contains("unknown key"));
}

#[test]
fn a_minimum_version_is_three_numbers() {
    for bad in [
        "",
        "1",
        "1.2",
        "v1.2.3",
        "1.2.3-rc.1",
        "1.2.3.4",
        "1..3",
        "1.2.-3",
        "1.2.+3",
        "01.2.3",
        "1.2.99999999999999999999",
    ] {
        let line = format!("minimum_version = \"{bad}\"\n");
        refused(&line, 2, "minimum_version", "three numbers", "");
    }
    refused(
        "minimum_version = 1\n",
        2,
        "minimum_version",
        "is not",
        "quotes",
    );
}
