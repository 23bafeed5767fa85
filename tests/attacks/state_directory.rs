//! Journals, leases and folders of the state directory that somebody else can steer.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use countersign::host::keychain::LockState;
use countersign::host::owned_files;
use countersign::host::process::ProcessGroup;
use rustix::process::Pid;
use support::machine::Kind;
use support::site::{Site, text, until};
use support::start;
use support::workshop::fifo;

/// A program called `security` that leaves a mark when somebody runs it.
fn planted_tools(site: &Site) -> std::path::PathBuf {
    let tools = site.path("planted");
    fs::create_dir(&tools).unwrap();
    let script = format!("#!/bin/sh\ntouch '{}'\n", site.path("ran").display());
    fs::write(tools.join("security"), script).unwrap();
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(tools.join("security"), executable).unwrap();
    tools
}

#[test]
fn no_option_and_no_variable_tells_the_released_program_which_security_to_run() {
    let site = Site::new(Kind::Portable);
    let tools = planted_tools(&site);
    let asked = |before: &[&str], after: &[&str]| {
        let mut command = start::countersign(&site.path("home"));
        command
            .args(before)
            .args(["keychain", "status", "--backend", "macos", "--keychain"])
            .arg(site.machine.keychain().as_path())
            .args(after)
            .env("PATH", &tools);
        for name in ["TOOLS", "COUNTERSIGN_TOOLS", "COUNTERSIGN_SECURITY"] {
            command.env(name, &tools);
        }
        command.output().unwrap()
    };
    let tools = tools.to_str().unwrap();
    for (before, after) in [
        (&["--tools", tools][..], &[][..]),
        (&[], &["--tools", tools]),
    ] {
        let output = asked(before, after);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("unexpected argument '--tools'"));
    }
    asked(&[], &[]);
    assert!(!site.path("ran").exists());
}

#[test]
fn a_journal_that_names_a_security_of_its_own_runs_nothing() {
    let site = Site::new(Kind::Portable);
    let tools = planted_tools(&site);
    let run = "20260301T120000Z-9f86d081884c7d65";
    let journal = serde_json::json!({
        "run": run,
        "keychain": site.machine.keychain(),
        "backend": {"kind": "macos", "tools": tools, "home": site.path("home"), "user": "ci"},
        "until": "2026-03-01T12:20:00Z",
    });
    owned_files::make_directory(&site.path("state/runs")).unwrap();
    let path = site.path(&format!("state/runs/{run}.json"));
    owned_files::create(&path, journal.to_string().as_bytes()).unwrap();
    let recovered = site.base(&["keychain", "recover"]).output().unwrap();
    assert!(!site.path("ran").exists(), "{}", text(&recovered.stdout));
    let said = text(&recovered.stdout);
    assert!(said.contains("damaged"), "{said}");
}

const RUN: &str = "20260301T120000Z-9f86d081884c7d65";

/// Somebody else; only root can make files of theirs.
const STRANGER: u32 = 65_534;

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: only root makes files of another user");
    }
    is_root
}

/// Runs it to its end, which comes: nothing that lies in a state directory is waited for.
fn ended(command: &mut Command) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the program ends", || child.try_wait().unwrap().is_some());
    child.wait_with_output().unwrap()
}

/// A run with another state directory, whose command is this script.
fn run_in(site: &Site, state: &Path, script: &str) -> Output {
    let mut command = site.base_in(state, &["run", "--without", "profiles,identities,targets"]);
    site.keychain_flags(&mut command);
    command
        .arg("--keychain-password-file")
        .arg(site.path("password"))
        .args(["--", "sh", "-c", script]);
    ended(&mut command)
}

/// The run opens nothing, names `place`, and says what to do.
#[track_caller]
fn refused(site: &Site, state: &Path, place: &Path, why: &str) {
    let mark = site.path("ran");
    let output = run_in(site, state, &format!("touch '{}'", mark.display()));
    let said = text(&output.stderr);
    assert!(!mark.exists(), "{why}: {said}");
    assert_eq!(output.status.code(), Some(11), "{why}: {said}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [why, &place.display().to_string(), "--state-dir"] {
        assert!(said.contains(part), "nothing of {part:?} in: {said}");
    }
    assert_eq!(site.status(), LockState::Locked);
}

#[track_caller]
fn goes_on(site: &Site, state: &Path) {
    let output = run_in(site, state, "true");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(site.status(), LockState::Locked);
}

#[test]
fn a_state_directory_that_others_can_rename_is_not_used() {
    let site = Site::new(Kind::Portable);
    let shared = site.path("shared");
    fs::create_dir(&shared).unwrap();
    let state = shared.join("below/state");
    for mode in [0o777, 0o757] {
        set(&shared, mode);
        refused(&site, &state, &shared, "can be written by others");
        assert!(!state.exists(), "nothing was made there");
    }
    // As /tmp is: only owners rename what is theirs.
    set(&shared, 0o1777);
    goes_on(&site, &state);
    set(&shared, 0o777);
    refused(&site, &state, &shared, "can be written by others");
    let link = site.path("link");
    symlink(shared.join("below"), &link).unwrap();
    refused(
        &site,
        &link.join("state"),
        &shared,
        "can be written by others",
    );
    set(&shared, 0o755);
    goes_on(&site, &link.join("state"));
}

#[test]
fn a_state_directory_below_one_of_another_user_is_not_used() {
    if !is_root() {
        return;
    }
    let site = Site::new(Kind::Portable);
    let (theirs, ours) = (site.path("theirs"), site.path("ours"));
    fs::create_dir(&theirs).unwrap();
    fs::create_dir(&ours).unwrap();
    set(&theirs, 0o755);
    chown(&theirs, Some(STRANGER), Some(STRANGER)).unwrap();
    refused(
        &site,
        &theirs.join("state"),
        &theirs,
        "belongs to user 65534",
    );
    // A link of theirs in a directory like /tmp, which leads to one of ours.
    let shared = site.path("shared");
    fs::create_dir(&shared).unwrap();
    set(&shared, 0o1777);
    let link = shared.join("link");
    symlink(&ours, &link).unwrap();
    goes_on(&site, &link.join("state"));
    lchown(&link, Some(STRANGER), Some(STRANGER)).unwrap();
    refused(&site, &link.join("state"), &link, "belongs to user 65534");
}

#[test]
fn a_keychain_closes_although_the_job_lets_others_rename_the_state_directory() {
    let site = Site::new(Kind::Portable);
    let (parent, state) = (site.path("parent"), site.path("parent/state"));
    fs::create_dir(&parent).unwrap();
    let output = run_in(&site, &state, &format!("chmod 777 '{}'", parent.display()));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(site.status(), LockState::Locked);
    for words in [&["keychain", "recover"][..], &["keychain", "status"]] {
        let mut command = site.base_in(&state, words);
        if words[1] == "status" {
            site.keychain_flags(&mut command);
        }
        let output = ended(&mut command);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    refused(&site, &state, &parent, "can be written by others");
}

#[test]
fn a_link_in_the_place_of_a_directory_is_not_followed() {
    for name in ["state", "state/runs"] {
        let site = Site::new(Kind::Portable);
        let (real, place) = (site.path("real"), site.path(name));
        owned_files::make_directory(&real).unwrap();
        let _ = fs::remove_dir_all(&place);
        symlink(&real, &place).unwrap();
        let output = run_in(&site, &site.path("state"), "true");
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{name}: {said}");
        assert!(said.contains("symbolic link"), "{name}: {said}");
        assert_eq!(site.status(), LockState::Locked);
        assert_eq!(fs::read_dir(&real).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn nothing_is_deleted_where_a_link_leads() {
    let site = Site::new(Kind::Portable);
    goes_on(&site, &site.path("state"));
    let precious = site.path("precious");
    // Whether the directory of a run lies at once in it or in that of a keychain.
    let files = [
        format!("{RUN}/file"),
        format!("0123456789abcdef/{RUN}/file"),
        ".countersign-x".into(),
    ];
    for file in &files {
        let path = precious.join(file);
        owned_files::make_directory(path.parent().unwrap()).unwrap();
        owned_files::create(&path, b"precious").unwrap();
    }
    for name in ["open", "runs", "passwords", "tools"] {
        let place = site.path("state").join(name);
        let _ = fs::remove_dir_all(&place);
        symlink(&precious, &place).unwrap();
        let recovered = ended(&mut site.base(&["keychain", "recover"]));
        for file in &files {
            assert!(
                precious.join(file).exists(),
                "{name}: {file}: {}",
                text(&recovered.stderr)
            );
        }
        fs::remove_file(&place).unwrap();
    }
}

#[test]
fn a_record_of_a_tool_that_names_another_process_ends_nobody() {
    let site = Site::new(Kind::Portable);
    let mut stranger = Command::new("sleep")
        .arg("600")
        .process_group(0)
        .spawn()
        .unwrap();
    let id = i32::try_from(stranger.id()).unwrap();
    let group = ProcessGroup::of(Pid::from_raw(id).unwrap()).unwrap();
    let tools = site.path("state/tools");
    owned_files::make_directory(&tools).unwrap();
    let record = serde_json::json!({"tool": group, "starter": null}).to_string();
    owned_files::create(&tools.join("1.tool"), record.as_bytes()).unwrap();
    goes_on(&site, &site.path("state"));
    ended(&mut site.base(&["keychain", "recover"]));
    assert!(stranger.try_wait().unwrap().is_none(), "it was ended");
    // Under its own name it is an orphan, and is ended.
    owned_files::create(&tools.join(format!("{id}.tool")), record.as_bytes()).unwrap();
    ended(&mut site.base(&["keychain", "recover"]));
    until("the tool ends", || stranger.try_wait().unwrap().is_some());
}

/// The journal of a run that ended long ago, as a run would have written it.
fn journal(site: &Site, run: &str) -> serde_json::Value {
    serde_json::json!({
        "run": run,
        "keychain": site.machine.keychain(),
        "backend": "portable",
        "deadline": {"until": "2026-03-01T12:20:00Z", "boot": "", "since_boot": 0},
        "session": null,
        "watchdog": null,
    })
}

/// What somebody puts in the place of a file, and whether it is worth looking at.
const PLANTED: &[&str] = &[
    "fifo",
    "link",
    "directory",
    "writable",
    "readable",
    "another's",
    "large",
    "nonsense",
];

fn plant(kind: &str, path: &Path, content: &[u8], elsewhere: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let write = |bytes: &[u8]| owned_files::create(path, bytes).unwrap();
    match kind {
        "fifo" => fifo(path),
        "link" => symlink(elsewhere, path).unwrap(),
        "directory" => fs::create_dir(path).unwrap(),
        "large" => {
            write(content);
            fs::File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(1 << 40)
                .unwrap();
        }
        "nonsense" => write(b"[[[["),
        _ => {
            write(content);
            match kind {
                "writable" => set(path, 0o660),
                "readable" => set(path, 0o644),
                _ => chown(path, Some(STRANGER), Some(STRANGER)).unwrap(),
            }
        }
    }
}

/// They never were.
#[test]
fn what_is_no_file_of_ours_is_neither_read_nor_waited_for() {
    let site = Site::new(Kind::Portable);
    goes_on(&site, &site.path("state"));
    let journal = journal(&site, RUN);
    let content = journal.to_string().into_bytes();
    let elsewhere = site.path("elsewhere");
    owned_files::create(&elsewhere, &content).unwrap();
    let state = site.path("state");
    for kind in PLANTED {
        if *kind == "another's" && !is_root() {
            continue;
        }
        for name in ["json", "closing", "closed", "job", "lease"] {
            let path = state.join(format!("runs/{RUN}.{name}"));
            plant(kind, &path, &content, &elsewhere);
            let recovered = ended(&mut site.base(&["keychain", "recover"]));
            let said = text(&recovered.stdout) + &text(&recovered.stderr);
            let is_journal = ["json", "closing", "closed"].contains(&name);
            if is_journal {
                assert!(!recovered.status.success(), "{kind} {name}: {said}");
                assert!(
                    said.contains(&format!("{RUN}.{name}")),
                    "{kind} {name}: {said}"
                );
                // It stays, as evidence.
                assert!(path.symlink_metadata().is_ok(), "{kind} {name}");
            }
            assert_eq!(site.status(), LockState::Locked);
            match kind {
                &"directory" => drop(fs::remove_dir(&path)),
                _ => drop(fs::remove_file(&path)),
            }
        }
        for name in ["windows.lock", "audit.jsonl"] {
            let path = state.join(name);
            let kept = site.path("kept");
            fs::rename(&path, &kept).unwrap();
            plant(kind, &path, b"", &elsewhere);
            let output = run_in(&site, &state, "true");
            // A lock file is only there to be locked, whatever is in it.
            if name != "windows.lock" || !["large", "nonsense"].contains(kind) {
                let said = text(&output.stderr);
                assert!(!output.status.success(), "{kind} {name}: {said}");
                assert!(said.contains(name), "{kind} {name}: {said}");
            }
            assert_eq!(site.status(), LockState::Locked);
            match kind {
                &"directory" => fs::remove_dir(&path).unwrap(),
                _ => fs::remove_file(&path).unwrap(),
            }
            fs::rename(&kept, &path).unwrap();
        }
        goes_on(&site, &state);
    }
    assert_eq!(fs::read(&elsewhere).unwrap(), content);
}

/// It never was.
#[test]
fn a_journal_under_the_name_of_another_run_is_not_believed() {
    let site = Site::new(Kind::Portable);
    goes_on(&site, &site.path("state"));
    let path = site.path(&format!("state/runs/{RUN}.json"));
    // Its own is believed: the run is recovered, and forgotten.
    owned_files::create(&path, journal(&site, RUN).to_string().as_bytes()).unwrap();
    site.recover();
    assert!(!path.exists());
    for run in ["../../../escape", "20260301T120000Z-0000000000000000", ""] {
        let journal = journal(&site, run);
        owned_files::create(&path, journal.to_string().as_bytes()).unwrap();
        let recovered = ended(&mut site.base(&["keychain", "recover"]));
        let said = text(&recovered.stdout) + &text(&recovered.stderr);
        assert!(!recovered.status.success(), "{run}: {said}");
        assert!(said.contains("damaged"), "{run}: {said}");
        fs::remove_file(&path).unwrap();
    }
    goes_on(&site, &site.path("state"));
}
