//! What a record of the audit log costs beside the least that any durable log costs: one write and one `fdatasync`. And what
//! verifying a log costs beside `openssl dgst -sha256` over the same bytes.
//!
//! ```text
//! cargo bench --bench audit                               in the target directory
//! BENCH_DIRECTORY=/elsewhere cargo bench --bench audit    on the file system of that directory
//! ```
//!
//! The bare loop appends the very bytes of a record to a file that stays open. [`AuditLog::append`] does the same and, for
//! each record: opens the file without following links, looks whose it is, locks it, reads the last line, checks its
//! digest, and chains the new one to it. Both call `File::sync_data`, which is where nearly all of the time goes, so the
//! two are run in turn, a batch each, and compared round by round: what else happens to the disk happens to both.
//!
//! A verification hashes every line for its own digest and for that which the next one names, and reads what binds it; a sealed
//! segment it hashes as a whole too. It runs on every core; openssl on one. Both read the same files, from the memory of the
//! system, in turn.

// Where a test would panic or look at its environment, so does a measurement.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use countersign::base::clock::{Clock as _, FixedClock, SystemClock};
use countersign::base::event::{Action, Actor, Event, Outcome};
use countersign::ledger::audit::{AuditLog, standing, verify};
use jiff::SignedDuration;
use rustix::time::{ClockId, clock_gettime};
use support::log::{LogWriter, log_of};

/// Rounds of one batch each.
const ROUNDS: usize = 200;
/// Appends in a batch: some milliseconds, so that what else the disk does seldom hits one of a pair of batches alone.
const BATCH: usize = 25;

/// Records of the log that is verified as one file; a file of one that is sealed has a tenth of them, which is 14 MB.
const VERIFIED: usize = 300_000;
/// Sealed segments of the log that is verified as many files.
const SEGMENTS: usize = 30;
/// Rounds of verifying it.
const VERIFICATIONS: usize = 15;

/// What one batch cost for each append.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

fn batch(mut append: impl FnMut()) -> Cost {
    let (wall, before) = (Instant::now(), cpu());
    for _ in 0..BATCH {
        append();
    }
    let each = u32::try_from(BATCH).unwrap();
    Cost {
        wall: wall.elapsed() / each,
        cpu: (cpu() - before) / each,
    }
}

/// The record that a run leaves when its keychain is open: neither the shortest nor the longest.
fn event() -> Event {
    Event::new(Action::KeychainUnlock, Outcome::Done)
        .of_run("20270101T120000Z-0123456789abcdef")
        .detail(
            "keychain",
            "/Users/ci/Library/Keychains/acme-ci.keychain-db",
        )
        .detail("until", "2027-01-01T12:45:00Z")
        .detail("shared", false)
}

fn actor() -> Actor {
    Actor {
        who: "ci (501)".into(),
        host: "signer-01.acme.example".parse().unwrap(),
        region: Some("us-east".parse().unwrap()),
        job: Some("https://ci.acme.example/acme/rocket/-/jobs/1234567".into()),
    }
}

fn log_at(path: PathBuf) -> AuditLog {
    AuditLog::new(path, actor(), Box::new(SystemClock))
}

/// The last line of the file, with its line end.
fn last_line(path: &Path) -> Vec<u8> {
    let mut file = File::open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length.saturating_sub(4_096)))
        .unwrap();
    let mut page = Vec::new();
    file.read_to_end(&mut page).unwrap();
    let start = page[..page.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    page.split_off(start)
}

fn median<T: Copy + PartialOrd>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_by(|a, b| a.partial_cmp(b).unwrap());
    values[values.len() / 2]
}

fn row(name: &str, costs: &[Cost], ratio: f64) {
    let wall = median(costs.iter().map(|cost| cost.wall));
    let cpu = median(costs.iter().map(|cost| cost.cpu));
    println!(
        "| {name} | {:.1} µs | {:.1} µs | {:.0} | {ratio:.2} |",
        wall.as_secs_f64() * 1e6,
        cpu.as_secs_f64() * 1e6,
        1.0 / wall.as_secs_f64(),
    );
}

/// Writes a log of sealed segments and a last file, with so many records in each, and says which files there are.
fn sealed_log(path: &Path, segments: usize, records: usize) -> Vec<PathBuf> {
    // A record a second, so that the last one is not of the future.
    let seconds = i64::try_from((segments + 2) * records).unwrap();
    let begin = SystemClock.now() - SignedDuration::from_secs(seconds);
    let mut log = LogWriter::new(&begin.to_string());
    log.records(records);
    for _ in 0..segments {
        log.write(path);
        // The next record is the first of the next file, because this one is full.
        let clock = FixedClock(log.time);
        let full = AuditLog::new(path.to_owned(), actor(), Box::new(clock)).with_segments_of(1);
        full.append(&event()).unwrap();
        log.text = fs::read_to_string(path).unwrap();
        log.head = standing(path, None).unwrap().checkpoint;
        log.records(records);
    }
    log.write(path);
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    files.sort();
    assert_eq!(files.len(), segments + 1);
    files
}

/// Verifies a log beside `openssl dgst` over the same files, in turn.
fn verification(path: &Path, files: &[PathBuf], rounds: usize) {
    let lengths = files.iter().map(|file| fs::metadata(file).unwrap().len());
    let megabytes = lengths.sum::<u64>() as f64 / 1e6;
    let digest = || {
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha256"]).args(files);
        openssl.stdout(Stdio::null()).status()
    };
    if !digest().is_ok_and(|status| status.success()) {
        println!("\nopenssl is not installed: verifying is not compared");
        return;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut records = 0;
    for _ in 0..rounds {
        let (wall, before) = (Instant::now(), cpu());
        let verified = verify(path, &[]).unwrap();
        ours.push(Cost {
            wall: wall.elapsed(),
            cpu: cpu() - before,
        });
        assert!(verified.holds() && verified.segments as usize + 1 == files.len());
        records = verified.records;
        let wall = Instant::now();
        digest().unwrap();
        theirs.push(wall.elapsed());
    }
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let ratio = |of: fn(&Cost) -> Duration| {
        let ratios = ours.iter().zip(&theirs);
        median(ratios.map(|(ours, theirs)| of(ours).as_secs_f64() / theirs.as_secs_f64()))
    };
    let count = files.len();
    println!("\n{rounds} rounds over {records} records in {count} files, {megabytes:.0} MB\n");
    println!("| | wall-clock | CPU | wall-clock ÷ openssl's | CPU ÷ openssl's wall-clock |");
    println!("|---|---|---|---|---|");
    let openssl = ms(median(theirs.iter().copied()));
    println!("| `openssl dgst -sha256` | {openssl:.0} ms | | 1.00 | |");
    println!(
        "| `verify` | {:.0} ms | {:.0} ms | {:.2} | {:.2} |",
        ms(median(ours.iter().map(|cost| cost.wall))),
        ms(median(ours.iter().map(|cost| cost.cpu))),
        ratio(|cost| cost.wall),
        ratio(|cost| cost.cpu),
    );
}

/// Verifies one file, and many.
fn verifications(directory: &Path, records: usize, segments: usize, rounds: usize) {
    let path = directory.join("verified.jsonl");
    log_of(records).write(&path);
    verification(&path, std::slice::from_ref(&path), rounds);
    drop(fs::remove_file(&path));
    let below = directory.join("sealed");
    fs::create_dir(&below).unwrap();
    let path = below.join("audit.jsonl");
    let files = sealed_log(&path, segments, records / 10);
    verification(&path, &files, rounds);
}

fn main() {
    // `cargo bench` says so; whoever builds and runs every target for another reason only learns that it still works.
    let rounds = match std::env::args().any(|argument| argument == "--bench") {
        true => ROUNDS,
        false => 1,
    };
    // Beside what is built, because `/tmp` is often kept in memory. A variable, because `cargo bench -- FILTER` hands its
    // words to every benchmark.
    let place = std::env::var("BENCH_DIRECTORY");
    let place = place.as_deref().unwrap_or(env!("CARGO_TARGET_TMPDIR"));
    let directory = tempfile::tempdir_in(place).unwrap();
    let (path, bare_path) = (
        directory.path().join("audit.jsonl"),
        directory.path().join("bare.jsonl"),
    );
    let (log, event) = (log_at(path.clone()), event());
    log.append(&event).unwrap();
    let mut bare = OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(&bare_path)
        .unwrap();

    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let line = last_line(&path);
        let mut append = || ours.push(batch(|| drop(log.append(&event).unwrap())));
        let mut write = || {
            floor.push(batch(|| {
                bare.write_all(&line).unwrap();
                bare.sync_data().unwrap();
            }));
        };
        // First and second in turn: a batch may leave the disk something to do.
        if round % 2 == 0 {
            append();
            write();
        } else {
            write();
            append();
        }
    }

    let records = u64::try_from(rounds * BATCH + 1).unwrap();
    let verified = verify(&path, &[]).unwrap();
    assert!(verified.holds() && verified.records == records);
    let length = fs::metadata(&path).unwrap().len() / records;
    println!("\n{rounds} rounds of {BATCH} appends each, records of {length} bytes, in {place}\n");
    println!("| | wall-clock | CPU | appends a second | wall-clock ÷ the bare loop's |");
    println!("|---|---|---|---|---|");
    row("a bare write and `fdatasync`, file kept open", &floor, 1.0);
    let ratios = ours.iter().zip(&floor);
    row(
        "`AuditLog::append`",
        &ours,
        median(ratios.map(|(ours, floor)| ours.wall.as_secs_f64() / floor.wall.as_secs_f64())),
    );
    match rounds {
        ROUNDS => verifications(directory.path(), VERIFIED, SEGMENTS, VERIFICATIONS),
        _ => verifications(directory.path(), 1_000, 2, 1),
    }
}
