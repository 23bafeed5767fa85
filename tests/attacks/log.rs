//! The audit log cut short, begun again, edited or held by a reader.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Output, Stdio};

use countersign::base::event::{Action, Event, Outcome};
use countersign::host::owned_files;
use forge::ssh::{self, SshKey, SshSignature};
use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::Value as Json;
use support::log::log_of;
use support::machine::Kind;
use support::site::{Site, document, kill, text, until};
use support::workshop::codes;

/// A process that is gone when the test is, also when that fails.
struct Stopped(Option<Child>);

impl Stopped {
    /// Lets it go on to its end.
    fn released(mut self) -> Output {
        let child = self.0.take().unwrap();
        kill(child.id(), Signal::CONT);
        child.wait_with_output().unwrap()
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            kill(child.id(), Signal::KILL);
            child.wait().unwrap();
        }
    }
}

/// How far a process has read the file at `path`, which it has open.
fn position(process: u32, path: &Path) -> Option<u64> {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let open = entries
        .flatten()
        .find(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path))?;
    let name = open.file_name().into_string().ok()?;
    let said = fs::read_to_string(format!("/proc/{process}/fdinfo/{name}")).ok()?;
    let line = said.lines().find_map(|line| line.strip_prefix("pos:"))?;
    line.trim().parse().ok()
}

fn is_stopped(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = status.rsplit_once(") ").unwrap();
    fields.starts_with('T')
}

/// A reader of the log that was stopped after it has begun to read and before it has ended.
fn reader_stopped_in_the_middle(site: &Site, words: &[&str]) -> Stopped {
    let path = site.path("state/audit.jsonl");
    let length = path.metadata().unwrap().len();
    let is_in_the_middle = |position| (1..length).contains(&position);
    for _ in 0..50 {
        let mut reader = site
            .base(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("it reads, or has read", || {
            position(reader.id(), &path).is_some_and(is_in_the_middle)
                || reader.try_wait().unwrap().is_some()
        });
        kill(reader.id(), Signal::STOP);
        until("it stands still, or has ended", || {
            reader.try_wait().unwrap().is_some() || is_stopped(reader.id())
        });
        if position(reader.id(), &path).is_some_and(is_in_the_middle) {
            return Stopped(Some(reader));
        }
        kill(reader.id(), Signal::KILL);
        reader.wait().unwrap();
    }
    panic!("never caught in the middle: {words:?}");
}

#[test]
fn a_reader_that_is_stopped_in_the_middle_keeps_nobody_from_recording() {
    let site = Site::new(Kind::Portable);
    let path = site.path("state/audit.jsonl");
    let records = 20_000;
    log_of(records).write(&path);
    let stopped = ["verify", "show"].map(|verb| {
        let words = ["audit", verb, "--format", "json"];
        reader_stopped_in_the_middle(&site, &words)
    });

    let appended = site
        .log()
        .append(&Event::new(Action::Recover, Outcome::Done))
        .unwrap();
    assert_eq!(appended.checkpoint.seq, records as u64 + 1);
    let gate = site
        .base(&["gate", "--without", "profiles,identities,targets"])
        .output()
        .unwrap();
    assert!(gate.status.success());
    assert_eq!(String::from_utf8_lossy(&gate.stderr), "", "it is recorded");

    // What was there when it began is what it tells of.
    let [verified, shown] = stopped.map(|reader| document(&reader.released().stdout));
    assert_eq!(verified["holds"], true, "{verified:#}");
    assert_eq!(verified["records"], records);
    assert_eq!(shown["holds"], true);
    assert_eq!(shown["records"].as_array().unwrap().len(), records);
}

/// A site that has had `count` runs.
fn site_after(count: usize) -> Site {
    let site = Site::new(Kind::Portable);
    for _ in 0..count {
        let status = site.run().args(["sh", "-c", "exit 0"]).status();
        assert!(status.unwrap().success());
    }
    site
}

/// What `audit verify` says, and whether it ended in "blocked".
fn verified(site: &Site, more: &[&str]) -> Json {
    let output = site
        .base(&["audit", "verify", "--format", "json"])
        .args(more)
        .output()
        .unwrap();
    let told = document(&output.stdout);
    let code = if told["holds"] == true { 0 } else { 10 };
    assert_eq!(output.status.code(), Some(code), "{told:#}");
    told
}

fn texts(of: &Json) -> Vec<&str> {
    let texts = of.as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap()).collect()
}

/// Leaves the first `count` lines of the log.
fn cut(site: &Site, count: usize) {
    let path = site.path("state/audit.jsonl");
    let lines = site.audit();
    let lines: Vec<&str> = lines.split_inclusive('\n').take(count).collect();
    fs::write(path, lines.concat()).unwrap();
}

#[test]
fn a_log_that_was_cut_short_contradicts_its_receipts() {
    let site = site_after(2);
    assert_eq!(verified(&site, &[])["checkpoints"], 2);
    cut(&site, 5);
    let told = verified(&site, &[]);
    let flaws = texts(&told["flaws"]);
    assert_eq!(flaws.len(), 1, "{flaws:?}");
    assert!(flaws[0].contains("it was cut short"), "{flaws:?}");
    assert_eq!(codes(&told), ["audit-record-missing"]);
    let said = told["findings"][0]["message"].as_str().unwrap();
    assert!(said.contains("state/receipts/"), "{said}");
    // Also where somebody wrote on.
    for n in 0..20 {
        let event = Event::new(Action::Gate, Outcome::Done).detail("n", n);
        site.log().append(&event).unwrap();
    }
    let told = verified(&site, &[]);
    let flaws = texts(&told["flaws"]);
    assert!(
        flaws
            .iter()
            .all(|flaw| flaw.contains("the log was rewritten")),
        "{flaws:?}"
    );
}

#[test]
fn a_log_that_was_cut_short_contradicts_receipts_and_envelopes_wherever_they_are() {
    let site = Site::new(Kind::Portable);
    let elsewhere = site.path("artifacts");
    fs::create_dir(&elsewhere).unwrap();
    let (receipt, envelope) = (
        elsewhere.join("receipt.json"),
        elsewhere.join("envelope.json"),
    );
    let status = site
        .run_with(&["--receipt", receipt.to_str().unwrap()])
        .args(["sh", "-c", "exit 0"])
        .status();
    assert!(status.unwrap().success());
    let gate = site
        .base(&[
            "gate",
            "--without",
            "profiles,identities,targets",
            "--envelope",
        ])
        .arg(&envelope)
        .status();
    assert!(gate.unwrap().success());
    let signed = elsewhere.join("signed.json");
    let statement = fs::read(&envelope).unwrap();
    let key = SshKey::ed25519("signer-01");
    let sealed = ssh::envelope(ssh::STATEMENT, &statement, &key, &SshSignature::default());
    fs::write(&signed, sealed).unwrap();
    let named = |path: &Path| verified(&site, &[path.to_str().unwrap()]);
    for (path, checkpoints) in [(&receipt, 1), (&envelope, 1), (&signed, 1), (&elsewhere, 3)] {
        let told = named(path);
        assert_eq!(told["holds"], true);
        assert_eq!(told["checkpoints"], checkpoints);
    }
    cut(&site, 3);
    assert_eq!(verified(&site, &[])["holds"], true, "nobody knows better");
    for path in [&receipt, &envelope, &signed, &elsewhere] {
        assert_eq!(named(path)["holds"], false, "{}", path.display());
    }
    // What holds no checkpoint is not passed over where somebody names it.
    let policy = site.path("signing.toml");
    let output = site.base(&["audit", "verify"]).arg(&policy).output();
    assert_eq!(output.unwrap().status.code(), Some(11));
}

/// Whoever shortens a log and takes its receipts out of use hides nothing: what was not compared blocks, and the rest is
/// verified.
#[test]
fn a_receipt_that_cannot_be_used_is_named_and_the_rest_is_verified() {
    type Spoil = fn(&Path);
    let spoil: [(Spoil, &str); 4] = [
        (
            |path| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap(),
            "mode 644",
        ),
        (
            |path| {
                fs::rename(path, path.with_extension("moved")).unwrap();
                symlink(path.with_extension("moved"), path).unwrap();
            },
            "cannot open",
        ),
        (
            |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            },
            "is not a regular file",
        ),
        (
            |path| fs::write(path, vec![b' '; 2 << 20]).unwrap(),
            "holds more than",
        ),
    ];
    let site = site_after(spoil.len() + 1);
    let receipts = fs::read_dir(site.path("state/receipts")).unwrap();
    let mut receipts: Vec<_> = receipts.map(|entry| entry.unwrap().path()).collect();
    receipts.sort();
    for ((spoil, _), path) in spoil.iter().zip(&receipts) {
        spoil(path);
    }
    let verify = || {
        let words = ["audit", "verify", "--format", "json"];
        let output = site.base(&words).output().unwrap();
        assert_eq!(output.status.code(), Some(10), "{}", text(&output.stderr));
        document(&output.stdout)
    };
    let told = verify();
    assert_eq!(told["holds"], true, "what was compared holds: {told:#}");
    assert_eq!(told["checkpoints"], 1);
    assert_eq!(codes(&told), ["audit-evidence-unusable"; 4]);
    for ((_, why), path) in spoil.iter().zip(&receipts) {
        let findings = told["findings"].as_array().unwrap();
        let of = |finding: &&Json| finding["place"]["file"] == path.to_str().unwrap();
        let message = findings.iter().find(of).unwrap()["message"].as_str();
        assert!(message.unwrap().contains(why), "{message:?}");
    }
    cut(&site, 3);
    assert_eq!(verify()["holds"], false, "the last receipt still tells");
    // Without any record it matters what the others say: nothing is begun, and nobody goes on.
    fs::remove_file(receipts.last().unwrap()).unwrap();
    fs::remove_file(site.path("state/audit.jsonl")).unwrap();
    for words in [&["audit", "checkpoint"][..], &["audit", "resume"]] {
        let output = site.base(words).output().unwrap();
        assert_eq!(output.status.code(), Some(11), "{words:?}");
    }
    assert!(!site.path("state/audit.jsonl").exists());
}

#[test]
fn a_log_that_vanished_is_not_silently_begun_again() {
    type Loss = fn(&Path);
    let losses: [Loss; 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, "").unwrap(),
        |path| fs::write(path, "{\"seq\":1,").unwrap(),
    ];
    for lose in losses {
        let site = site_after(1);
        let receipt = &site.receipts()[0];
        let known = receipt["audit"].as_str().unwrap();
        let path = site.path("state/audit.jsonl");
        lose(&path);
        let left = fs::read(&path).unwrap_or_default();

        let run = site.run().args(["sh", "-c", "exit 0"]).output().unwrap();
        assert_eq!(run.status.code(), Some(11), "{}", text(&run.stderr));
        let said = text(&run.stderr);
        assert!(said.contains("is gone or empty, but"), "{said}");
        assert!(said.contains("countersign audit resume"), "{said}");
        let gate = site
            .base(&["gate", "--without", "profiles,identities,targets"])
            .args(["--format", "json"])
            .output()
            .unwrap();
        assert_eq!(gate.status.code(), Some(10));
        assert_eq!(
            codes(&document(&gate.stdout)),
            ["record-unobserved"],
            "the clock was compared with nothing"
        );
        let checkpoint = site.base(&["audit", "checkpoint"]).output().unwrap();
        assert_eq!(checkpoint.status.code(), Some(11));
        assert_eq!(verified(&site, &[])["holds"], false);
        assert_eq!(
            fs::read(&path).unwrap_or_default(),
            left,
            "nothing is written"
        );

        // Somebody decides to go on, and that is what the log says from then on.
        let resumed = site
            .base(&["audit", "resume", "--format", "json"])
            .output()
            .unwrap();
        assert!(resumed.status.success(), "{}", text(&resumed.stderr));
        let resumed = document(&resumed.stdout);
        assert_eq!(resumed["reason"], "lost");
        assert_eq!(resumed["lost_after"], known);
        let told = verified(&site, &[]);
        assert_eq!(told["holds"], true, "{told:#}");
        assert_eq!(codes(&told), ["audit-log-resumed"]);
        let said = told["findings"][0]["message"].as_str().unwrap();
        assert!(said.starts_with("the records 1 to"), "{said}");
        let status = site.run().args(["sh", "-c", "exit 0"]).status().unwrap();
        assert!(status.success());
        let told = verified(&site, &[]);
        assert_eq!(
            (&told["holds"], &told["checkpoints"]),
            (&true.into(), &2.into())
        );
        // What is known of the lost records cannot be compared with anything.
        let lost = known.replacen(known.split(':').next().unwrap(), "2", 1);
        let told = verified(&site, &["--checkpoint", &lost]);
        assert!(texts(&told["flaws"])[0].contains("is not in the log any more"));

        let again = site.base(&["audit", "resume"]).output().unwrap();
        assert_eq!(again.status.code(), Some(2), "there is nothing to resume");
    }
}

/// The first run of a machine has a receipt that is empty until it ends, and no log.
#[test]
fn an_empty_receipt_tells_of_no_record() {
    let site = Site::new(Kind::Portable);
    let receipts = site.path("state/receipts");
    fs::create_dir(&receipts).unwrap();
    fs::set_permissions(&receipts, fs::Permissions::from_mode(0o700)).unwrap();
    let killed = receipts.join("20260301T120000Z-9f86d081884c7d65.json");
    owned_files::create(&killed, b"").unwrap();
    let status = site.run().args(["sh", "-c", "exit 0"]).status().unwrap();
    assert!(status.success());
    let output = site.base(&["audit", "resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn time_that_runs_backwards_between_records_is_a_flaw_until_somebody_resumes_the_log() {
    let site = Site::new(Kind::Portable);
    let path = site.path("state/audit.jsonl");
    let mut log = log_of(10);
    let then = log.time;
    log.time = then - SignedDuration::from_secs(30);
    log.records(5);
    log.write(&path);
    assert_eq!(verified(&site, &[])["holds"], true, "clocks are corrected");

    log.time = then - SignedDuration::from_hours(5);
    log.records(5);
    log.time = then;
    log.records(5);
    log.write(&path);
    let told = verified(&site, &[]);
    let flaws = texts(&told["flaws"]);
    assert_eq!(flaws.len(), 1, "{flaws:?}");
    assert!(flaws[0].starts_with("line 16: "), "{flaws:?}");
    assert!(flaws[0].contains("4h 59m"), "{flaws:?}");

    let resumed = site.base(&["audit", "resume"]).output().unwrap();
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    let told = verified(&site, &[]);
    assert_eq!(told["holds"], true, "{told:#}");
    assert_eq!(codes(&told), ["audit-time-backwards"]);
    let warning = &told["findings"][0];
    assert_eq!(warning["severity"], "warn");
    assert_eq!(warning["place"]["line"], 16);
    let again = site.base(&["audit", "resume"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "there is nothing to resume");
}
