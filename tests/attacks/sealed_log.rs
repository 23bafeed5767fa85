//! The sealed segments of an audit log removed, exchanged, cut, edited, replaced or written again; the writer that seals killed
//! before each step; and a log that is far larger than the memory.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use countersign::base::digest::Digest;
use countersign::base::event::{Action, Event, Outcome};
use countersign::ledger::audit;
use rustix::process::Signal;
use serde_json::Value as Json;
use support::log::log_of;
use support::machine::Kind;
use support::site::{Site, document, text};
use support::start;
use support::workshop::codes;

const LOG: &str = "state/audit.jsonl";

/// Appends so many records to the log of `site`, whose segments are small.
fn append(site: &Site, count: usize) {
    let log = site.log().with_segments_of(2_000);
    for n in 0..count {
        log.append(&event(n)).unwrap();
    }
}

fn event(n: usize) -> Event {
    Event::new(Action::Gate, Outcome::Done).detail("n", n)
}

/// The sealed segments of a directory, oldest first.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("audit-") && name.ends_with(".jsonl")
        })
        .collect();
    found.sort();
    found
}

/// A site with a log of several segments.
fn site_with_segments() -> (Site, Vec<PathBuf>) {
    let site = Site::new(Kind::Portable);
    append(&site, 20);
    let found = segments(&site.path("state"));
    assert!(found.len() >= 3, "{found:?}");
    (site, found)
}

fn audited(site: &Site, words: &[&str]) -> Output {
    let mut command = site.base(&["audit", "verify", "--format", "json"]);
    command.args(words).output().unwrap()
}

/// What `audit verify` says of a log that it can read.
fn verified(site: &Site, words: &[&str]) -> Json {
    let output = audited(site, words);
    let told = document(&output.stdout);
    let code = if told["holds"] == true { 0 } else { 10 };
    assert_eq!(output.status.code(), Some(code), "{told:#}");
    told
}

/// Writes `bytes` as a file of the program's.
fn put(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn whatever_is_done_to_a_sealed_segment_is_found() {
    type Attack = fn(&Site, &[PathBuf]);
    let attacks: [(&str, Attack, &str); 9] = [
        (
            "removed",
            |_, segments| fs::remove_file(&segments[1]).unwrap(),
            "audit-record-missing",
        ),
        (
            "the oldest removed",
            |_, segments| fs::remove_file(&segments[0]).unwrap(),
            "audit-record-missing",
        ),
        (
            "all removed",
            |_, segments| {
                for segment in segments {
                    fs::remove_file(segment).unwrap();
                }
            },
            "audit-record-missing",
        ),
        (
            "exchanged",
            |_, segments| {
                let [first, second] = [0, 1].map(|at: usize| fs::read(&segments[at]).unwrap());
                put(&segments[0], &second);
                put(&segments[1], &first);
            },
            "audit-record-altered",
        ),
        (
            "cut at a line end",
            |_, segments| {
                let bytes = fs::read(&segments[1]).unwrap();
                let end = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n');
                put(&segments[1], &bytes[..=end.unwrap()]);
            },
            "audit-record-altered",
        ),
        (
            "emptied",
            |_, segments| put(&segments[1], b""),
            "audit-record-altered",
        ),
        (
            "edited",
            |_, segments| {
                let text = fs::read_to_string(&segments[1]).unwrap();
                put(&segments[1], text.replacen("done", "gone", 1).as_bytes());
            },
            "audit-record-altered",
        ),
        (
            "the same records written again, each right in itself",
            |site, segments| {
                // A log of another machine has the same numbers.
                let other = Site::new(Kind::Portable);
                append(&other, 20);
                let name = segments[0].file_name().unwrap();
                let forged = other.path("state").join(name);
                put(&segments[0], &fs::read(forged).unwrap());
                assert!(site.path(LOG).exists());
            },
            "audit-record-altered",
        ),
        (
            "another one planted",
            |site, segments| {
                let bytes = fs::read(&segments[0]).unwrap();
                put(
                    &site.path("state/audit-000000000900-000000000906.jsonl"),
                    &bytes,
                );
            },
            "audit-record-altered",
        ),
    ];
    for (name, attack, code) in attacks {
        let (site, segments) = site_with_segments();
        let told = verified(&site, &[]);
        assert_eq!(told["holds"], true, "{told:#}");
        assert_eq!(told["segments"], segments.len());
        attack(&site, &segments);
        let told = verified(&site, &[]);
        assert_eq!(told["holds"], false, "{name}");
        let found = codes(&told);
        assert!(found.iter().any(|found| found == code), "{name}: {found:?}");
    }
}

/// A link or a pipe is not read, so that nobody shows another file, or waits for ever.
#[test]
fn what_is_no_file_in_the_place_of_a_segment_is_an_error_that_names_it() {
    type Place = fn(&Path);
    let places: [Place; 3] = [
        |path| {
            fs::rename(path, path.with_extension("moved")).unwrap();
            symlink(path.with_extension("moved"), path).unwrap();
        },
        |path| {
            fs::remove_file(path).unwrap();
            let made = start::command("mkfifo", Path::new("/"))
                .arg(path)
                .env("PATH", start::PATH)
                .status();
            assert!(made.unwrap().success());
        },
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
    ];
    for place in places {
        let (site, segments) = site_with_segments();
        place(&segments[1]);
        let output = audited(&site, &[]);
        assert_eq!(output.status.code(), Some(11));
        let said = text(&output.stderr);
        let name = segments[1].file_name().unwrap().to_str().unwrap();
        assert!(said.contains(name), "{said}");
        // Whoever writes does not read it.
        append(&site, 1);
    }
}

#[test]
fn an_archive_holds_the_segments_that_were_sealed_and_no_others() {
    let (site, segments) = site_with_segments();
    let archive = site.path("archive");
    fs::create_dir(&archive).unwrap();
    let moved = archive.join(segments[0].file_name().unwrap());
    fs::rename(&segments[0], &moved).unwrap();
    assert_eq!(verified(&site, &[])["holds"], false);
    let named = ["--archive", archive.to_str().unwrap()];
    let told = verified(&site, &named);
    assert_eq!(told["holds"], true, "{told:#}");
    assert_eq!(told["segments"], segments.len());

    // One that is beside the log too is read once.
    fs::copy(&segments[1], archive.join(segments[1].file_name().unwrap())).unwrap();
    assert_eq!(verified(&site, &named)["holds"], true);

    // That of another machine.
    let (other, others) = site_with_segments();
    assert_eq!(others[0].file_name(), segments[0].file_name());
    let own = fs::read(&moved).unwrap();
    put(&moved, &fs::read(&others[0]).unwrap());
    let told = verified(&site, &named);
    let found = codes(&told);
    assert!(
        found.iter().all(|code| code == "audit-record-altered"),
        "{found:?}"
    );
    assert_eq!(told["holds"], false);
    assert_eq!(verified(&other, &[])["holds"], true);

    // One that this log never had.
    put(&moved, &own);
    let foreign = archive.join("audit-000000000900-000000000906.jsonl");
    put(&foreign, &fs::read(&others[1]).unwrap());
    assert_eq!(verified(&site, &named)["holds"], false);
    fs::remove_file(foreign).unwrap();
    assert_eq!(verified(&site, &named)["holds"], true);
    let nowhere = site.path("nowhere");
    let output = audited(&site, &["--archive", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(11));
}

/// Receipts do not pile up, and one that tells against the log does not go with them.
#[test]
fn a_run_removes_old_receipts_of_sealed_records_and_no_others() {
    let (site, segments) = site_with_segments();
    let receipts = site.path("state/receipts");
    fs::create_dir(&receipts).unwrap();
    fs::set_permissions(&receipts, fs::Permissions::from_mode(0o700)).unwrap();
    let first = fs::read_to_string(&segments[0]).unwrap();
    let head = Digest::of(first.lines().next().unwrap().as_bytes());
    let other = Digest::of(b"another record");
    let receipt = |number: usize, audit: String| {
        let path = receipts.join(format!("20250101T000000Z-{number:016x}.json"));
        put(&path, format!("{{\"audit\":\"{audit}\"}}").as_bytes());
        path
    };
    let contradicting = receipt(0, format!("1:{other}"));
    let unsealed = receipt(
        1,
        site.log().append(&event(0)).unwrap().checkpoint.to_string(),
    );
    for number in 2..130 {
        receipt(number, format!("1:{head}"));
    }
    let count = || fs::read_dir(&receipts).unwrap().count();
    assert_eq!(count(), 130);
    let status = site.run().args(["sh", "-c", "exit 0"]).status().unwrap();
    assert!(status.success());
    assert_eq!(count(), 131 - 20, "some at once");
    for _ in 0..3 {
        site.run().args(["sh", "-c", "exit 0"]).status().unwrap();
    }
    assert!(contradicting.exists() && unsealed.exists());
    assert_eq!(count(), 102, "the newest hundred stay, and both of these");
    let told = verified(&site, &[]);
    assert_eq!(codes(&told), ["audit-record-missing"]);
    fs::remove_file(contradicting).unwrap();
    assert_eq!(verified(&site, &[])["holds"], true);
}

/// Ends its process before one of the calls that change a file.
const KILLER: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static void step(void) {
    static int left;
    if (left == 0) left = atoi(getenv("KILL_BEFORE"));
    if (--left == 0) kill(getpid(), SIGKILL);
}

#define STEP(type, name, parameters, arguments)                    \
    type name parameters {                                         \
        step();                                                    \
        return ((type (*) parameters)dlsym(RTLD_NEXT, #name)) arguments; \
    }

STEP(int, link, (const char *old, const char *new), (old, new))
STEP(int, linkat, (int a, const char *old, int b, const char *new, int flags), (a, old, b, new, flags))
STEP(int, rename, (const char *old, const char *new), (old, new))
STEP(int, unlink, (const char *path), (path))
STEP(int, fchmod, (int file, mode_t mode), (file, mode))
STEP(int, fsync, (int file), (file))
STEP(int, fdatasync, (int file), (file))
STEP(ssize_t, write, (int file, const void *bytes, size_t count), (file, bytes, count))
"#;

/// The library that ends its process, where there is a compiler.
fn killer(site: &Site) -> Option<PathBuf> {
    let source = site.path("killer.c");
    fs::write(&source, KILLER).unwrap();
    start::library(&site.path("home"), &source)
}

/// The program of the product, with its real limit: each call that changes a file may be the one that never happens.
#[test]
fn a_writer_that_is_killed_while_it_seals_loses_nothing_and_the_next_one_finishes() {
    let site = Site::new(Kind::Portable);
    let Some(library) = killer(&site) else {
        return;
    };
    let full = site.path("full.jsonl");
    let records = 45_000_u64;
    let head = {
        let log = log_of(45_000);
        assert!(log.text.len() > 16 << 20, "{}", log.text.len());
        log.write(&full);
        log.head
    };
    let state = site.path("state");
    let gate = || -> Command { site.base(&["gate", "--without", "profiles,identities,targets"]) };
    let mut kills = 0;
    for step in 1.. {
        let _ = fs::remove_dir_all(&state);
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
        fs::copy(&full, site.path(LOG)).unwrap();
        let mut killed = gate();
        killed
            .env("LD_PRELOAD", &library)
            .env("KILL_BEFORE", step.to_string());
        let output = killed.output().unwrap();
        let is_killed = output.status.signal() == Some(Signal::KILL.as_raw());

        // What is there is whole, whoever looks; a torn last line is one that was never promised.
        let between = audit::verify(&site.path(LOG), &[head]).unwrap();
        let is_torn = |flaw: &audit::Flaw| matches!(flaw.kind, audit::FlawKind::Torn { .. });
        assert!(
            between.flaws.iter().all(is_torn),
            "{step}: {:?}",
            between.flaws
        );
        assert!(between.records >= records, "{step}");

        let output = gate().output().unwrap();
        assert!(output.status.success(), "{step}: {}", text(&output.stderr));
        let after = audit::verify(&site.path(LOG), &[head, between.head]).unwrap();
        assert!(after.holds(), "{step}: {:?}", after.flaws);
        assert_eq!(after.segments, 1, "{step}");
        let more = after.records - records;
        assert!((2..=4).contains(&more), "{step}: {more}");
        assert_eq!(
            segments(&state).len(),
            1,
            "{step}: nothing else is called so"
        );
        assert!(!site.path("state/audit.jsonl.next").exists(), "{step}");
        if !is_killed {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 8, "only {kills} steps");
}

/// Measured by a limit that the system enforces, not by a clock.
#[test]
fn a_log_much_larger_than_the_memory_is_verified_shown_and_exported() {
    let site = Site::new(Kind::Portable);
    let records = 150_000;
    let log = log_of(records);
    log.write(&site.path(LOG));
    let length = log.text.len();
    drop(log);
    // What the program may hold besides its code, in KiB.
    let limit = 32 * 1024;
    assert!(length > 60 << 20, "{length}");
    let limited = |words: &[&str]| {
        let inner = site.base(words);
        let mut command = start::command("sh", &site.path("home"));
        command
            .args(["-c", &format!("ulimit -d {limit}; exec \"$@\""), "sh"])
            .arg(inner.get_program())
            .args(inner.get_args())
            .env("PATH", start::PATH)
            .env("RAYON_NUM_THREADS", "2");
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{words:?}: {}",
            text(&output.stderr)
        );
        output
    };
    let told = document(&limited(&["audit", "verify", "--format", "json"]).stdout);
    assert_eq!(told["records"], records);
    let shown = limited(&["audit", "show", "--last", "5", "--format", "json"]);
    let shown = document(&shown.stdout);
    assert_eq!(shown["records"].as_array().unwrap().len(), 5);
    assert_eq!(shown["records"][4]["seq"], records);
    let since = (records - 9).to_string();
    let exported = limited(&["audit", "export", "--since", &since]);
    assert_eq!(text(&exported.stdout).lines().count(), 10);
}
