//! The audit log, as the command line exports it.

use std::fs;

use support::log::log_of;
use support::workshop::{Ran, Workshop};

/// A workshop with a log of so many records.
fn logged(records: usize) -> Workshop {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("state")).unwrap();
    workshop.write("state/audit.jsonl", log_of(records).text);
    workshop
}

fn export(workshop: &Workshop, more: &[&str]) -> Ran {
    let words = ["audit", "export", "--state-dir", "state"];
    workshop.run(&[&words[..], more].concat())
}

fn lines_of(workshop: &Workshop) -> Vec<String> {
    let text = String::from_utf8(workshop.read("state/audit.jsonl")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn an_export_is_the_lines_of_the_log_since_a_record_an_instant_or_a_duration() {
    let workshop = logged(100);
    let lines = lines_of(&workshop);
    let exported = |since: &[&str]| -> Vec<String> {
        let ran = export(&workshop, since).exits(0);
        assert_eq!(ran.err, "");
        ran.out.lines().map(str::to_owned).collect()
    };
    assert_eq!(exported(&[]), lines);
    assert_eq!(exported(&["--since", "91"]), lines[90..]);
    assert_eq!(exported(&["--since", "101"]), Vec::<String>::new());
    let record: serde_json::Value = serde_json::from_str(&lines[40]).unwrap();
    let instant = record["time"].as_str().unwrap();
    assert_eq!(exported(&["--since", instant]), lines[40..]);
    // It ended an hour ago.
    assert_eq!(exported(&["--since", "10m"]), Vec::<String>::new());
    assert_eq!(exported(&["--since", "2h"]), lines);
    export(&workshop, &["--since", "yesterday"]).exits(2);
}

#[test]
fn a_line_that_was_changed_is_not_exported_and_is_named() {
    let workshop = logged(20);
    let mut lines = lines_of(&workshop);
    lines[4] = lines[4].replace("done", "gone");
    workshop.write("state/audit.jsonl", lines.join("\n") + "\n");
    let ran = export(&workshop, &[]).exits(10);
    let exported: Vec<&str> = ran.out.lines().collect();
    lines.remove(4);
    assert_eq!(exported, lines);
    assert!(ran.err.contains("audit-record-altered"), "{}", ran.err);
    assert!(ran.err.contains("audit.jsonl:5"), "{}", ran.err);
    // What comes before what is asked for is not judged.
    fs::remove_dir_all(workshop.path("state")).unwrap();
    assert_eq!(export(&workshop, &[]).exits(0).out, "");
}
