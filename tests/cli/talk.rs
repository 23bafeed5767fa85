//! How it talks: streams, colour, width, help, exit codes.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use support::workshop::{Workshop, ran, stock};

#[test]
fn results_go_to_stdout_and_errors_to_stderr() {
    let workshop = Workshop::frozen();
    let digest = workshop.run(&["manifest", "digest"]).exits(0);
    assert!(digest.err.is_empty(), "{}", digest.err);
    let error = workshop
        .run(&["manifest", "digest", "--manifest", "missing.json"])
        .exits(11);
    assert!(error.out.is_empty(), "{}", error.out);
    assert!(error.err.starts_with("error: "), "{}", error.err);
    let error = workshop
        .run(&[
            "manifest",
            "digest",
            "--manifest",
            "missing.json",
            "--format",
            "json",
        ])
        .exits(11);
    let document: Json = serde_json::from_str(&error.err).unwrap();
    assert_eq!(document["schema"], "countersign.error.v2");
    assert_eq!(document["exit"], 11);
}

#[test]
fn without_a_home_directory_there_is_no_state_to_look_at() {
    let workshop = Workshop::new();
    let mut command = workshop.command(&["audit", "checkpoint"]);
    command.env_remove("HOME");
    ran(&mut command).exits(11).says(&["--state-dir"]);
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let workshop = Workshop::frozen();
    let gate = ["gate", "--without", "targets,identities"];
    let has_colour = |command: &mut std::process::Command| ran(command).out.contains('\u{1b}');
    assert!(!has_colour(&mut workshop.command(&gate)));
    assert!(has_colour(workshop.command(&gate).arg("--color=always")));
    assert!(has_colour(
        workshop.command(&gate).env("CLICOLOR_FORCE", "1")
    ));
    assert!(!has_colour(
        workshop
            .command(&gate)
            .env("CLICOLOR_FORCE", "1")
            .env("NO_COLOR", "1")
    ));
    assert!(!has_colour(
        workshop
            .command(&gate)
            .arg("--color=never")
            .env("CLICOLOR_FORCE", "1")
    ));
}

#[test]
fn reports_fit_eighty_columns() {
    let workshop = Workshop::frozen();
    fs::remove_file(workshop.path(format!("profiles/{}", stock()[0].file_name()))).unwrap();
    for line in workshop.run(&["gate"]).out.lines() {
        // Digests and paths stand whole: people copy them. So do commands.
        let is_whole_word = line.split_whitespace().any(|word| word.len() > 60);
        let is_command = line.starts_with("next: ");
        assert!(
            line.chars().count() <= 80 || is_whole_word || is_command,
            "{line}"
        );
    }
}

#[test]
fn quiet_says_only_what_blocks() {
    let workshop = Workshop::frozen();
    let loud = workshop.gate(&[]).exits(0).text();
    assert!(loud.contains("profile-anchor-not-apple"));
    let quiet = workshop.gate(&["--quiet"]).exits(0).text();
    assert!(!quiet.contains("profile-anchor-not-apple"), "{quiet}");
}

#[test]
fn the_exit_codes_are_told() {
    let workshop = Workshop::new();
    let help = workshop.run(&["help", "exit-codes"]).exits(0).out;
    let codes: Vec<&str> = help
        .lines()
        .filter_map(|line| {
            line.split_whitespace()
                .next()?
                .parse::<u8>()
                .ok()
                .map(|_| line.split_whitespace().next().unwrap())
        })
        .collect();
    assert_eq!(codes, ["0", "1", "2", "10", "11", "12", "13", "14"]);
    workshop
        .run(&["help", "nonsense"])
        .exits(2)
        .says(&["exit-codes"]);
    workshop.run(&["nonsense"]).exits(2);
    workshop.run(&["gate", "--nonsense"]).exits(2);
    workshop
        .run(&["--version"])
        .exits(0)
        .says(&[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn shells_get_completions_and_people_get_man_pages() {
    let workshop = Workshop::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            workshop
                .run(&["completions", shell])
                .exits(0)
                .out
                .contains("countersign"),
            "{shell}"
        );
    }
    // Some shells run what stands between backquotes or in `$(…)` of a description, so there is none.
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = workshop.run(&["completions", shell]).exits(0).out;
        for text in ["Prove profiles", "--as xcargs", "security find-identity"] {
            assert!(!script.contains(text), "{shell}: {text}");
        }
        assert!(
            script.contains("freeze") && script.contains("expect-manifest"),
            "{shell}"
        );
    }
    workshop.run(&["man", "man/man1"]).exits(0);
    for page in workshop.list("man/man1") {
        let text = String::from_utf8(workshop.read(format!("man/man1/{page}"))).unwrap();
        for section in ["EXAMPLES", "EXIT STATUS", "FILES", "ENVIRONMENT"] {
            let title = format!(".SH \"{section}\"\n");
            let (_, body) = text
                .split_once(&title)
                .or_else(|| text.split_once(&title.replace('"', "")))
                .unwrap_or_else(|| panic!("{page}: no {section}"));
            let body = body.split("\n.SH ").next().unwrap();
            assert!(body.starts_with(".TP\n"), "{page}: {section} is empty");
        }
        assert!(!text.contains(".SH EXTRA"), "{page} has its examples twice");
        // Each page shows its own command.
        let name = page.trim_end_matches(".1").replace('-', "\\-");
        let call = name.replacen("\\-", " ", 2);
        assert!(text.contains(&format!("\n{call}")), "{page}: no {call:?}");
    }
    let run = String::from_utf8(workshop.read("man/man1/countersign-run.1")).unwrap();
    assert!(run.contains("COUNTERSIGN_RUN_MANIFEST_DIGEST"), "{run}");
    let pages = workshop.list("man/man1");
    for page in [
        "countersign.1",
        "countersign-gate.1",
        "countersign-manifest-freeze.1",
    ] {
        assert!(pages.iter().any(|name| name == page), "{page} in {pages:?}");
    }
}

#[test]
fn help_says_what_it_said_when_it_was_last_reviewed() {
    let workshop = Workshop::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/help");
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let mut pending: Vec<Vec<String>> = vec![Vec::new()];
    let mut expected = Vec::new();
    while let Some(words) = pending.pop() {
        let mut arguments = words.clone();
        arguments.push("--help".to_owned());
        let help = workshop.run(&arguments).exits(0).out;
        let mut lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        while let Some(name) = lines.next().filter(|line| line.starts_with("  ")) {
            // Further lines of a description are indented deeper.
            if let Some(name) = name
                .strip_prefix("  ")
                .filter(|name| !name.starts_with(' '))
            {
                let name = name.split_whitespace().next().unwrap().to_owned();
                pending.push([words.clone(), vec![name]].concat());
            }
        }
        assert!(
            help.contains("\nExamples:\n  # "),
            "{words:?} has no example"
        );
        let name = format!(
            "{}.txt",
            [vec!["countersign".to_owned()], words.clone()]
                .concat()
                .join("-")
        );
        let path = folder.join(&name);
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &help).unwrap();
        }
        let reviewed = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            help, reviewed,
            "{name}: if this is meant, run the test with UPDATE_SNAPSHOTS=1 and review"
        );
        expected.push(name);
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !expected.contains(&name) {
            assert!(
                update,
                "{name} is of a command that is no more: run with UPDATE_SNAPSHOTS=1"
            );
            fs::remove_file(entry.path()).unwrap();
        }
    }
    assert!(expected.len() > 15, "{expected:?}");
}

#[test]
fn the_step_summary_tells_the_findings_and_an_error_of_it_names_the_file() {
    let workshop = Workshop::stocked();
    let gate = |summary: &Path| {
        let mut command = workshop.command(&["gate", "--format", "github"]);
        ran(command.env("GITHUB_STEP_SUMMARY", summary))
    };
    let summary = workshop.write("summary.md", "before\n");
    workshop.run(&["manifest", "freeze"]).exits(0);
    gate(&summary).exits(10);
    let text = String::from_utf8(workshop.read("summary.md")).unwrap();
    assert!(
        text.starts_with("before\n### countersign gate: blocked\n"),
        "{text}"
    );
    assert!(text.contains("| block | `targets-unobserved` |"), "{text}");
    let nowhere = workshop.path("nowhere/summary.md");
    gate(&nowhere).exits(11).says(&["nowhere/summary.md"]);
}

/// `| head` has heard enough: that is no error, and the exit code is the answer's.
#[test]
fn a_reader_who_closes_the_pipe_changes_no_exit_code() {
    let workshop = Workshop::frozen();
    for format in ["human", "json", "github"] {
        for (arguments, code) in [
            (&["gate"][..], 10),
            (&["profile", "list"], 0),
            (&["manifest", "digest"], 0),
            (&["manifest", "show"], 0),
            (&["manifest", "schema"], 0),
            (&["profile", "show", "profiles"], 0),
            (&["policy", "digest"], 0),
            (&["explain"], 0),
            (&["explain", "profile-missing"], 0),
            (&["completions", "zsh"], 0),
            (&["man", "pages"], 0),
            (&["help"], 0),
            (&["help", "exit-codes"], 0),
            (&["gate", "--help"], 0),
            (&["--version"], 0),
        ] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut command = workshop.command(&[arguments, &["--format", format]].concat());
            let ran = ran(command.stdout(writer)).exits(code);
            assert_eq!(ran.err, "", "{format}: {arguments:?}");
        }
    }
}
