//! What `run` promises: open for the job, closed on every way out.
//!
//! Every claim runs the real program, over the portable keychain and over macOS's with a stand-in for `security`.

#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use countersign::apple::pkcs12::Form;
use countersign::base::clock::SystemClock;
use countersign::base::event::{Action, Actor, Checkpoint, Event, Outcome, Witness, WitnessError};
use countersign::host::keychain::{
    BackendChoice, BackendKind, KeychainBackend, KeychainPath, LockState, Settings,
};
use countersign::host::owned_files::{FileStep, Lock, OwnedFileError};
use countersign::host::permit::{NotCleared, OpenPermit};
use countersign::host::process::Exit;
use countersign::host::run_id::RunId;
use countersign::host::session::{
    self, Ending, KeychainWork, SessionError, SessionReport, SessionRequest, Task,
};
use countersign::host::state_dir::StateDir;
use countersign::host::window::JobCommand;
use countersign::ledger::audit;
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use support::machine::{Kind, Machine, cleared_at, host, now, p12, password, plan_digest};
use support::start;

const SECRET: &str = "correct-horse-battery-staple";

/// A machine with a keychain that holds one identity, a policy that allows everything, and a manifest that pins nothing.
struct Site {
    machine: Machine,
    kind: Kind,
}

impl Site {
    fn new(kind: Kind) -> Self {
        let machine = Machine::new();
        let site = Self { machine, kind };
        site.make_keychain(&site.machine.keychain());
        fs::write(site.path("signing.toml"), "version = 1\n").unwrap();
        fs::write(
            site.path("profiles.json"),
            r#"{"schema":"countersign.manifest.v1","revision":7,"profiles":[],"targets":[]}"#,
        )
        .unwrap();
        countersign::host::owned_files::create(&site.path("password"), SECRET.as_bytes()).unwrap();
        site
    }

    fn make_keychain(&self, keychain: &KeychainPath) {
        let backend = self.machine.backend(self.kind);
        let settings = Settings {
            idle_timeout: Duration::from_secs(900),
        };
        backend
            .create(keychain, &password(SECRET), settings)
            .unwrap();
        let file = p12(&[1], "file", Form::Modern);
        backend
            .import(keychain, &password(SECRET), &file, &password("file"))
            .unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.machine.path(name)
    }

    fn base(&self, words: &[&str]) -> Command {
        self.base_in(&self.path("state"), words)
    }

    fn base_in(&self, state: &Path, words: &[&str]) -> Command {
        let mut command = start::countersign(&self.path("home"));
        command
            .arg("--state-dir")
            .arg(state)
            .arg("--policy")
            .arg(self.path("signing.toml"))
            .arg("--manifest")
            .arg(self.path("profiles.json"))
            .args(words)
            .env("PATH", start::PATH)
            .stdin(Stdio::null());
        command
    }

    fn keychain_flags(&self, command: &mut Command) {
        let backend = match self.kind {
            Kind::Portable => "portable",
            Kind::MacOs => "macos",
        };
        command
            .arg("--keychain")
            .arg(self.machine.keychain().as_path())
            .args(["--backend", backend, "--tools"])
            .arg(self.path("bin"));
    }

    /// `run`, up to and with `--`.
    fn run_with(&self, flags: &[&str]) -> Command {
        let mut command = self.base(&["run", "--without", "profiles,identities,targets"]);
        self.keychain_flags(&mut command);
        command
            .arg("--keychain-password-file")
            .arg(self.path("password"))
            .args(flags)
            .arg("--");
        command
    }

    fn run(&self) -> Command {
        self.run_with(&[])
    }

    fn recover(&self) -> Output {
        let words = ["keychain", "recover", "--format", "json"];
        let output = self.base(&words).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        document(&output.stdout);
        output
    }

    fn status(&self) -> LockState {
        let backend = self.machine.backend(self.kind);
        backend.status(&self.machine.keychain()).unwrap()
    }

    fn runs(&self) -> Vec<PathBuf> {
        match fs::read_dir(self.path("state/runs")) {
            Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        }
    }

    fn has(&self, suffix: &str) -> bool {
        self.runs()
            .iter()
            .any(|path| path.extension().is_some_and(|found| found == suffix))
    }

    /// Every receipt, oldest first.
    fn receipts(&self) -> Vec<serde_json::Value> {
        let mut paths: Vec<PathBuf> = fs::read_dir(self.path("state/receipts"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| document(&fs::read(path).unwrap()))
            .collect()
    }

    fn log(&self) -> audit::AuditLog {
        let actor = Actor {
            who: "ci".into(),
            host: host(),
            region: None,
            job: None,
        };
        let path = self.path("state/audit.jsonl");
        audit::AuditLog::new(path, actor, Box::new(SystemClock))
    }

    /// A command about this site's keychain.
    fn keychain(&self, words: &[&str]) -> Output {
        let mut command = self.base(words);
        self.keychain_flags(&mut command);
        command.output().unwrap()
    }

    /// Lets `on_closed` leave a mark.
    fn page_into(&self, mark: &Path) {
        let script = self.path("page.sh");
        fs::write(&script, format!("#!/bin/sh\ntouch '{}'\n", mark.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let policy = format!(
            "version = 1\n[keychain]\non_closed = [\"{}\"]\n",
            script.display()
        );
        fs::write(self.path("signing.toml"), policy).unwrap();
    }

    fn audit(&self) -> String {
        fs::read_to_string(self.path("state/audit.jsonl")).unwrap_or_default()
    }

    /// Nobody who could still close anything is left: every lease is free or gone.
    fn settle(&self) {
        until("every lease is free", || {
            self.runs()
                .iter()
                .filter(|path| path.extension().is_some_and(|suffix| suffix == "lease"))
                .all(|path| File::open(path).map_or(true, |file| file.try_lock().is_ok()))
        });
    }

    fn assert_all_is_well(&self, when: &str) {
        assert_eq!(self.status(), LockState::Locked, "{when}");
        self.machine.assert_clean();
        assert_eq!(self.runs(), Vec::<PathBuf>::new(), "{when}");
        let verification = audit::verify(&self.path("state/audit.jsonl"), &[]).unwrap();
        assert!(verification.holds(), "{when}: {:?}", verification.flaws);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits for something that must come; the bound only ends a test that has failed.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "never: {what}");
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn kill(id: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    let _ = kill_process(pid, signal);
}

/// Parent and command line of every process.
fn processes() -> Vec<(u32, u32, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if let Some((_, fields)) = stat.rsplit_once(')')
            && let Some(parent) = fields.split_whitespace().nth(1)
        {
            all.push((id, parent.parse().unwrap(), text(&words)));
        }
    }
    all
}

fn children(of: u32) -> Vec<(u32, String)> {
    processes()
        .into_iter()
        .filter(|(_, parent, _)| *parent == of)
        .map(|(id, _, words)| (id, words))
        .collect()
}

/// Whether a process runs: one that has ended has no command line any more.
fn lives(id: u32) -> bool {
    fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|words| !words.is_empty())
}

fn watchdog_of(run: u32) -> Option<u32> {
    children(run)
        .into_iter()
        .find(|(_, words)| words.ends_with("\0watchdog\0"))
        .map(|(id, _)| id)
}

/// A document of ours, which keeps to its schema.
fn document(bytes: &[u8]) -> serde_json::Value {
    let document = serde_json::from_slice(bytes).unwrap();
    support::schema::holds_if_ours(&document);
    document
}

fn job_of(run: u32) -> Option<u32> {
    children(run)
        .into_iter()
        .find(|(_, words)| words.contains("/sleep\0") || words.contains("/sh\0"))
        .map(|(id, _)| id)
}

fn over_both(claim: impl Fn(Site) + Sync) {
    for kind in Kind::ALL {
        claim(Site::new(kind));
    }
}

#[test]
fn the_command_runs_while_it_is_open_and_its_code_is_passed_on() {
    over_both(|site| {
        let probe = match site.kind {
            Kind::Portable => {
                "test -s \"$COUNTERSIGN_P12\" && test -s \"$COUNTERSIGN_P12_PASSWORD_FILE\""
            }
            Kind::MacOs => "grep -q ci.keychain-db \"$HOME/search-list\"",
        };
        let script = format!(
            "{probe} || exit 90; test -n \"$COUNTERSIGN_RUN_ID\" || exit 91; test \"$COUNTERSIGN_REVISION\" = 7 || exit 92; exit 42"
        );
        let output = site.run().args(["sh", "-c", &script]).output().unwrap();
        assert_eq!(output.status.code(), Some(42), "{}", text(&output.stderr));
        let signalled = site
            .run()
            .args(["sh", "-c", "kill -9 $$"])
            .status()
            .unwrap();
        assert_eq!(signalled.code(), Some(137));
        site.assert_all_is_well("after two runs");
        let log = site.audit();
        for what in [
            "\"gate\"",
            "\"keychain-unlock\"",
            "\"keychain-lock\"",
            "\"run\"",
        ] {
            assert!(log.contains(what), "{what}");
        }
        let receipts: Vec<_> = fs::read_dir(site.path("state/receipts"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(receipts.len(), 2);
        for path in receipts {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let receipt = document(&fs::read(&path).unwrap());
            assert_eq!(receipt["schema"], "countersign.receipt.v1");
            assert_eq!(receipt["verdict"], "cleared");
            assert_eq!(receipt["window"]["locked"], true);
            let checkpoint = receipt["audit"].as_str().unwrap().parse().unwrap();
            let held = audit::verify(&site.path("state/audit.jsonl"), &[checkpoint]).unwrap();
            assert!(held.holds(), "{:?}", held.flaws);
        }
    });
}

#[test]
fn the_identities_of_a_locked_keychain_are_listed_digested_and_judged() {
    over_both(|site| {
        let ask = |words: &[&str]| {
            let mut command = site.base(words);
            site.keychain_flags(&mut command);
            command.output().unwrap()
        };
        let sha1 = support::machine::identity(1)
            .sha1()
            .to_string()
            .to_uppercase();
        let listed = ask(&["identity", "list"]);
        assert!(
            text(&listed.stdout).contains(&sha1),
            "{}",
            text(&listed.stderr)
        );
        let digest = ask(&["identity", "digest"]);
        let digest = text(&digest.stdout).trim().to_owned();
        assert!(digest.starts_with("sha256:"), "{digest}");
        // Nobody pinned this key: the gate says so, and tells the digest apart from another.
        let other = format!("sha256:{}", "0".repeat(64));
        for (expected, differs) in [(digest.as_str(), false), (&other, true)] {
            let gate = ask(&[
                "gate",
                "--without",
                "profiles,targets",
                "--expect-signing",
                expected,
            ]);
            assert_eq!(gate.status.code(), Some(10));
            let said = text(&gate.stdout);
            assert!(said.contains("identity-unexpected"), "{said}");
            assert_eq!(said.contains("identity-digest-mismatch"), differs, "{said}");
        }
        assert_eq!(site.status(), LockState::Locked);
    });
}

#[test]
fn a_receipt_is_never_written_over() {
    let site = Site::new(Kind::Portable);
    let receipt = site.path("receipt.json");
    let receipt_text = receipt.to_str().unwrap();
    let mut first = site.run_with(&["--receipt", receipt_text]);
    assert!(first.arg("true").status().unwrap().success());
    let before = fs::read(&receipt).unwrap();
    let output = site
        .run_with(&["--receipt", receipt_text])
        .args(["sh", "-c", "exit 0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert_eq!(fs::read(&receipt).unwrap(), before);
}

#[test]
fn a_blocked_gate_opens_nothing_and_says_so_in_the_receipt() {
    over_both(|site| {
        let mut command = site.base(&[
            "run",
            "--minimum-revision",
            "8",
            "--without",
            "profiles,identities,targets",
        ]);
        site.keychain_flags(&mut command);
        command
            .arg("--keychain-password-file")
            .arg(site.path("password"));
        command.arg("--receipt").arg(site.path("receipt.json"));
        let output = command
            .args(["--", "touch"])
            .arg(site.path("ran"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(10), "{}", text(&output.stderr));
        assert!(!site.path("ran").exists());
        let receipt = fs::read_to_string(site.path("receipt.json")).unwrap();
        assert!(receipt.contains("manifest-stale-revision"), "{receipt}");
        assert!(site.audit().contains("\"refused\""));
        site.assert_all_is_well("after a blocked gate");
    });
}

#[test]
fn what_cannot_be_opened_is_refused_and_the_policys_command_is_told() {
    over_both(|site| {
        let paged = site.path("paged");
        site.page_into(&paged);
        fs::write(site.path("password"), "wrong").unwrap();
        let output = site
            .run()
            .arg("touch")
            .arg(site.path("ran"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(12), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("does not open"));
        assert!(!site.path("ran").exists());
        assert!(paged.exists());
        site.assert_all_is_well("after a wrong password");
    });
}

#[test]
fn signals_reach_the_grandchildren_and_the_keychain_closes() {
    over_both(|site| {
        for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
            let mark = site.path("grandchild");
            let _ = fs::remove_file(&mark);
            // A background process of a non-interactive shell ignores SIGINT; this one says what it got.
            let script = format!(
                "sh -c 'trap \"echo got > {0}.got; exit 0\" TERM INT HUP; echo $$ > {0}; while :; do sleep 0.01; done'; kill -{1} $$",
                mark.display(),
                signal.as_raw()
            );
            let mut run = site.run().args(["sh", "-c", &script]).spawn().unwrap();
            until("the grandchild runs", || {
                fs::read_to_string(&mark).is_ok_and(|id| id.ends_with('\n'))
            });
            kill(run.id(), signal);
            let status = run.wait().unwrap();
            assert_eq!(status.code(), Some(code));
            let got = site.path("grandchild.got");
            assert!(got.exists(), "{signal:?}");
            fs::remove_file(got).unwrap();
            site.assert_all_is_well("after a signal");
        }
    });
}

#[test]
fn at_the_deadline_a_child_that_minds_nothing_is_gone_and_the_code_is_13() {
    std::thread::scope(|scope| {
        for kind in Kind::ALL {
            scope.spawn(move || {
                let site = Site::new(kind);
                let script = "trap '' TERM INT HUP; while :; do sleep 1; done";
                let mut run = site
                    .run_with(&["--window", "2s"])
                    .args(["sh", "-c", script])
                    .spawn()
                    .unwrap();
                until("the job runs", || job_of(run.id()).is_some());
                let job = job_of(run.id()).unwrap();
                assert_eq!(run.wait().unwrap().code(), Some(13));
                assert!(!Path::new(&format!("/proc/{job}")).exists());
                site.assert_all_is_well("after the deadline");
                let receipt = site.receipts().remove(0);
                assert_eq!(receipt["ending"], "window-ended");
                let at = |name: &str| -> Timestamp {
                    receipt["window"][name].as_str().unwrap().parse().unwrap()
                };
                let late = at("closed").duration_since(at("until"));
                assert!(late >= SignedDuration::from_secs(10), "{late}");
                assert!(late < SignedDuration::from_secs(15), "{late}");
            });
        }
    });
}

#[test]
fn a_lost_watchdog_ends_the_run_and_somebody_is_told() {
    over_both(|site| {
        let paged = site.path("paged");
        site.page_into(&paged);
        let mut run = site.run().args(["sleep", "600"]).spawn().unwrap();
        until("the job runs", || site.has("job"));
        kill(watchdog_of(run.id()).unwrap(), Signal::KILL);
        assert_eq!(run.wait().unwrap().code(), Some(12));
        site.assert_all_is_well("after the watchdog's death");
        assert!(paged.exists());
        assert!(site.audit().contains("\"notify\""));
    });
}

/// What a core file of the process would hold: its writable memory. Nothing where this user may not look.
fn memory(id: u32) -> Vec<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap_or_default();
    let Ok(memory) = File::open(format!("/proc/{id}/mem")) else {
        return Vec::new();
    };
    maps.lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (range, access) = (fields.next()?, fields.next()?);
            let (from, to) = range.split_once('-')?;
            let from = u64::from_str_radix(from, 16).ok()?;
            let to = u64::from_str_radix(to, 16).ok()?;
            let mut bytes = vec![0; usize::try_from(to - from).ok()?];
            access.starts_with("rw").then_some(())?;
            // What cannot be read is no memory (`[vvar]` and the like).
            memory.read_exact_at(&mut bytes, from).ok()?;
            Some(bytes)
        })
        .collect()
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

#[test]
fn no_secret_is_in_any_process_file_or_text_while_it_runs() {
    over_both(|site| {
        let mut run = site
            .run()
            .args(["sleep", "600"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        until("the job runs", || site.has("job"));
        let mut secrets = vec![SECRET.to_owned()];
        if site.kind == Kind::Portable {
            let open = fs::read_dir(site.path("state/open")).unwrap();
            let directory = open.map(|entry| entry.unwrap().path()).next().unwrap();
            secrets.push(fs::read_to_string(directory.join("password")).unwrap());
        }
        let mut ids = vec![run.id()];
        ids.extend(children(run.id()).into_iter().map(|(id, _)| id));
        assert!(ids.len() >= 3, "run, watchdog and job: {ids:?}");
        let mut seen = Vec::new();
        for id in &ids {
            for file in ["cmdline", "environ"] {
                match fs::read(format!("/proc/{id}/{file}")) {
                    Ok(bytes) => seen.push(bytes),
                    // Only root may look into a process that is not to be dumped: nobody else sees a secret there.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
                }
            }
            let memory = memory(*id);
            let here = site.machine.keychain();
            let finds = |bytes: &Vec<u8>| holds(bytes, here.as_str().as_bytes());
            assert!(
                memory.is_empty() || memory.iter().any(finds),
                "the search finds what is there"
            );
            seen.extend(memory);
            let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
            let core = limits
                .lines()
                .find(|line| line.starts_with("Max core"))
                .unwrap();
            assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
        }
        kill(run.id(), Signal::TERM);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        run.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        run.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
        run.wait().unwrap();
        seen.extend([stdout, stderr, site.audit().into_bytes()]);
        for place in ["state/receipts", "state/runs"] {
            for entry in fs::read_dir(site.path(place)).unwrap() {
                seen.push(fs::read(entry.unwrap().path()).unwrap());
            }
        }
        if let Ok(log) = fs::read(site.path("home/stand-in.log")) {
            seen.push(log);
        }
        // Half of the key would do for the rest.
        let key = support::machine::identity(1).key;
        let key = key.expose();
        for part in [&key[key.len() / 2..][..24], &key[key.len() - 32..][..24]] {
            let hit = seen.iter().position(|bytes| holds(bytes, part));
            assert_eq!(hit, None, "{:?}: the private key", site.kind);
        }
        for secret in &secrets {
            // As PKCS#12 derives keys from it: big-endian UTF-16.
            let wide: Vec<u8> = secret.bytes().flat_map(|byte| [0, byte]).collect();
            for form in [secret.as_bytes(), &wide] {
                let hit = seen.iter().position(|bytes| holds(bytes, form));
                assert_eq!(hit, None, "{:?}: {secret}", site.kind);
            }
        }
        site.assert_all_is_well("after all");
    });
}

/// `command`, started by a shell that does `words`, in which it is `"$@"`.
fn through_shell(site: &Site, words: &str, command: &Command) -> Command {
    let mut shell = start::command("sh", &site.path("home"));
    shell
        .args(["-c", words, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env("PATH", start::PATH);
    shell
}

/// Runs `command` with the password on descriptor `number`, and another file, which is the command's to have, on 9.
fn with_descriptor(site: &Site, command: &Command, number: u32) -> Output {
    let words = format!("\"$@\" {number}<\"$PASSWORD\" 9<\"$OTHER\"");
    through_shell(site, &words, command)
        .env("PASSWORD", site.path("password"))
        .env("OTHER", site.path("profiles.json"))
        .output()
        .unwrap()
}

/// `run` with the keychain's password on descriptor `number`, asked by a shell as a person would.
fn run_with_descriptor(site: &Site, number: u32, script: &str) -> Output {
    let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
    site.keychain_flags(&mut run);
    run.arg("--keychain-password-fd")
        .arg(number.to_string())
        .args(["--", "sh", "-c", script]);
    with_descriptor(site, &run, number)
}

#[test]
fn a_descriptor_that_a_password_came_in_on_is_not_the_commands() {
    let site = Site::new(Kind::Portable);
    for (number, script) in [(3, "cat <&3"), (0, "cat; cat <&0; cat /dev/stdin")] {
        let output = run_with_descriptor(&site, number, script);
        let said = text(&[output.stdout, output.stderr].concat());
        assert!(!said.contains(SECRET), "{number}: {said}");
        let script = "grep -q revision <&9";
        let output = run_with_descriptor(&site, number, script);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
}

#[test]
fn a_descriptor_that_is_never_read_is_neither_the_commands_nor_the_pagers() {
    let site = Site::new(Kind::Portable);
    // For a p12 that no --identities names.
    let mut run = site.run_with(&["--password-fd", "3"]);
    run.args(["sh", "-c", "! cat <&3"]);
    let output = with_descriptor(&site, &run, 3);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains(SECRET));
    // The gate blocks before the keychain's is read: it is no hour for that.
    let seen = site.path("seen");
    let script = site.path("page.sh");
    fs::write(
        &script,
        format!("#!/bin/sh\ncat > '{}' <&3\n", seen.display()),
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let day = (now() + SignedDuration::from_hours(72))
        .strftime("%a")
        .to_string();
    let policy = format!(
        "version = 1\n[keychain]\non_closed = [\"{}\"]\n[[keychain.allowed]]\ndays = [\"{}\"]\nfrom = \"00:00\"\n\
         to = \"24:00\"\nzone = \"UTC\"\n",
        script.display(),
        day.to_lowercase()
    );
    fs::write(site.path("signing.toml"), policy).unwrap();
    let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
    site.keychain_flags(&mut run);
    run.args(["--keychain-password-fd", "3", "--", "true"]);
    let output = with_descriptor(&site, &run, 3);
    assert_eq!(output.status.code(), Some(10), "{}", text(&output.stderr));
    assert!(site.audit().contains("\"notify\""));
    assert_eq!(fs::read_to_string(seen).unwrap(), "");
}

#[test]
fn a_variable_that_a_password_came_in_is_neither_the_commands_nor_the_pagers() {
    let site = Site::new(Kind::Portable);
    let seen = site.path("seen");
    let script = site.path("page.sh");
    let page = format!("#!/bin/sh\nenv > '{}'\n", seen.display());
    fs::write(&script, page).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let policy = format!(
        "version = 1\n[keychain]\non_closed = [\"{}\"]\n",
        script.display()
    );
    fs::write(site.path("signing.toml"), policy).unwrap();
    for (password, code) in [(SECRET, 0), ("wrong-horse", 12)] {
        let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
        site.keychain_flags(&mut run);
        let output = run
            .args(["--keychain-password-env", "KEYCHAIN_PASSWORD", "--"])
            .arg(&script)
            .env("KEYCHAIN_PASSWORD", password)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        let seen = fs::read_to_string(&seen).unwrap();
        assert!(seen.contains("COUNTERSIGN_RUN_ID"), "{seen}");
        assert!(!seen.contains(password), "{seen}");
        fs::remove_file(site.path("seen")).unwrap();
    }
}

#[test]
fn a_keychain_that_does_not_close_is_tried_again_and_all_of_it_is_recorded() {
    let site = Site::new(Kind::MacOs);
    let script = format!(
        "echo 'lie lock-keychain' > '{}'",
        site.path("home/stand-in-mode").display()
    );
    let output = site.run().args(["sh", "-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(12), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("do not trust"));
    let receipt = site.receipts().remove(0);
    assert_eq!(receipt["window"]["locked"], false);
    assert_eq!(receipt["ending"]["exited"]["code"], 0);
    assert_eq!(site.status(), LockState::Unlocked);
    // The run has gone; its watchdog has not.
    fs::remove_file(site.path("home/stand-in-mode")).unwrap();
    site.settle();
    site.assert_all_is_well("after the watchdog's next attempt");
    let mut seen = Vec::new();
    audit::show(&site.path("state/audit.jsonl"), |record| {
        seen.push(format!("{} {}", record.what, record.outcome));
    })
    .unwrap();
    assert!(
        seen.contains(&"keychain-lock failed".to_owned()),
        "{seen:?}"
    );
    assert!(seen.contains(&"run done".to_owned()), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "keychain-lock done");
}

#[test]
fn what_a_dead_run_left_open_and_cannot_be_closed_is_refused_and_others_go_on() {
    let site = Site::new(Kind::MacOs);
    let mut run = site.run().args(["sleep", "600"]).spawn().unwrap();
    until("the job runs", || {
        site.has("job") && job_of(run.id()).is_some()
    });
    let job = job_of(run.id()).unwrap();
    kill(watchdog_of(run.id()).unwrap(), Signal::KILL);
    kill(run.id(), Signal::KILL);
    run.wait().unwrap();
    site.machine.misbehave("lie lock-keychain");
    let refused = site.run().arg("true").output().unwrap();
    assert_eq!(refused.status.code(), Some(12), "{}", text(&refused.stderr));
    let said = text(&refused.stderr);
    until("its command has ended", || !lives(job));
    // Another keychain is none of its business.
    let other = site.machine.keychain_named("other.p12");
    let backend = site.machine.backend(Kind::Portable);
    let settings = Settings {
        idle_timeout: Duration::from_secs(900),
    };
    backend.create(&other, &password(SECRET), settings).unwrap();
    let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
    run.arg("--keychain")
        .arg(other.as_path())
        .args(["--backend", "portable", "--keychain-password-file"])
        .arg(site.path("password"))
        .args(["--", "true"]);
    let ran = run.output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains("caution"));
    let words = ["keychain", "recover", "--format", "json"];
    let recovered = site.base(&words).output().unwrap();
    assert_eq!(recovered.status.code(), Some(12));
    let told = document(&recovered.stdout);
    assert_eq!(told["unfinished"].as_array().unwrap().len(), 1, "{told}");
    fs::remove_file(site.path("home/stand-in-mode")).unwrap();
    // The remedy works as it is printed (the stand-in's place aside, which no Mac has).
    let commands: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let commands: Vec<&&str> = commands
        .iter()
        .filter(|command| command.starts_with("countersign --state-dir"))
        .collect();
    assert_eq!(commands.len(), 2, "{said}");
    for command in commands {
        let tools = match command.contains(" lock ") {
            true => format!(" --tools '{}'", site.path("bin").display()),
            false => String::new(),
        };
        let command = command.replacen("countersign", support::program().to_str().unwrap(), 1);
        let output = start::command("sh", &site.path("home"))
            .args(["-c", &format!("{command}{tools}")])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{command}: {}",
            text(&output.stderr)
        );
    }
    site.assert_all_is_well("after a recovery that could close it");
}

#[test]
fn of_two_that_make_the_same_keychain_one_does_and_its_password_is_kept() {
    let site = Site::new(Kind::MacOs);
    let keychain = site.machine.keychain_named("new.keychain-db");
    let create = || {
        let mut command = site.base(&["keychain", "create"]);
        command
            .arg("--keychain")
            .arg(keychain.as_path())
            .args(["--backend", "macos", "--tools"])
            .arg(site.path("bin"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    };
    site.machine.misbehave("wait create-keychain");
    let first = create().spawn().unwrap();
    until("the first one makes it", || {
        site.path("home/waiting").exists()
    });
    let second = create().spawn().unwrap();
    File::create(site.path("home/go-on")).unwrap();
    assert!(first.wait_with_output().unwrap().status.success());
    let refused = second.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(12));
    assert!(text(&refused.stderr).contains("already"));
    // The password that was kept opens it.
    let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
    run.arg("--keychain")
        .arg(keychain.as_path())
        .args(["--backend", "macos", "--tools"])
        .arg(site.path("bin"))
        .args(["--", "true"]);
    let output = run.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_keychain_that_is_missing_is_a_recorded_refusal_with_a_receipt_and_somebody_is_told() {
    over_both(|site| {
        let paged = site.path("paged");
        site.page_into(&paged);
        let destroyed = site.keychain(&["keychain", "destroy", "--yes"]);
        assert!(destroyed.status.success(), "{}", text(&destroyed.stderr));
        for waived in ["profiles,targets", "profiles,identities,targets"] {
            let mut run = site.base(&["run", "--without", waived]);
            site.keychain_flags(&mut run);
            run.arg("--keychain-password-file")
                .arg(site.path("password"))
                .args(["--", "true"]);
            let output = run.output().unwrap();
            assert_eq!(output.status.code(), Some(12), "{}", text(&output.stderr));
            assert!(text(&output.stderr).contains("keychain create"));
            fs::remove_file(&paged).unwrap();
        }
        let receipts = site.receipts();
        assert_eq!(receipts.len(), 2);
        for receipt in receipts {
            assert!(receipt["error"].as_str().unwrap().contains("no keychain"));
            assert!(receipt.get("window").is_none());
            assert_eq!(receipt["exit"], 12);
        }
        let mut refusals = 0;
        audit::show(&site.path("state/audit.jsonl"), |record| {
            refusals += u32::from(record.what == "run" && record.outcome == Outcome::Refused);
        })
        .unwrap();
        assert_eq!(refusals, 2);
    });
}

#[test]
fn a_command_that_cannot_be_started_is_no_keychains_fault() {
    over_both(|site| {
        let paged = site.path("paged");
        site.page_into(&paged);
        let missing = site.run().arg(site.path("missing")).output().unwrap();
        assert_eq!(missing.status.code(), Some(2), "{}", text(&missing.stderr));
        assert!(!site.audit().contains("keychain-unlock"));
        assert!(site.audit().contains("\"refused\""));
        assert_eq!(site.receipts()[0]["exit"], 2);
        let broken = site.path("broken");
        fs::write(&broken, "#!/no/such/interpreter\n").unwrap();
        fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
        let output = site.run().arg(&broken).output().unwrap();
        assert_eq!(output.status.code(), Some(126), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("closed again"));
        assert!(!paged.exists());
        site.assert_all_is_well("after a command that did not start");
        let receipts = site.receipts();
        let receipt = receipts.iter().find(|receipt| receipt["exit"] == 126);
        assert_eq!(receipt.unwrap()["window"]["locked"], true);
        let next = site.run().arg("true").output().unwrap();
        assert!(!text(&next.stderr).contains("recovered"));
    });
}

#[test]
fn a_receipt_without_a_place_is_found_out_before_anything_is_opened() {
    let site = Site::new(Kind::Portable);
    let nowhere = site.path("nowhere/receipt.json");
    let mut run = site.run_with(&["--receipt", nowhere.to_str().unwrap()]);
    let output = run.arg("true").output().unwrap();
    assert_eq!(output.status.code(), Some(11), "{}", text(&output.stderr));
    assert!(!site.audit().contains("keychain-unlock"));
}

#[test]
fn a_signal_that_comes_while_others_have_their_turn_ends_the_run_at_once() {
    over_both(|site| {
        while_it_is_anothers_turn(&site, |site| {
            let mut run = site.run().arg("true").spawn().unwrap();
            until("it waits for its turn", || minds(run.id(), Signal::TERM));
            kill(run.id(), Signal::TERM);
            assert_eq!(run.wait().unwrap().code(), Some(143));
        });
        assert!(!site.audit().contains("keychain-unlock"));
        site.assert_all_is_well("after a run that never had its turn");
        assert_eq!(site.receipts()[0]["exit"], 143);
    });
}

#[test]
fn whoever_starts_the_tests_decides_nothing() {
    let directory = tempfile::tempdir().unwrap();
    // A file, because a pipe would be held open by what tests that hang have started.
    let said = directory.path().join("said");
    let words = "trap '' HUP INT QUIT TERM USR1 CHLD TSTP; umask 077; ulimit -S -n 64; exec \"$@\"";
    let mut tests = Command::new("sh")
        .args(["-c", words, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["signals_reach", "a_signal_that_comes"])
        .stdout(File::create(&said).unwrap())
        .spawn()
        .unwrap();
    until("tests under ignored signals end", || {
        tests.try_wait().unwrap().is_some()
    });
    let status = tests.wait().unwrap();
    let said = fs::read_to_string(said).unwrap();
    assert!(status.success(), "{said}");
    assert!(said.contains("2 passed"), "{said}");
}

/// Whether a process has a handler for `signal`.
fn minds(id: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// Does something while it is another's turn.
fn while_it_is_anothers_turn(site: &Site, deed: impl FnOnce(&Site)) {
    let path = site.path("state/windows.lock");
    let _turn = Lock::acquire(&path, Duration::from_secs(9)).unwrap();
    deed(site);
}

/// A request for the portable keychain of a site, with a permit from `then`.
fn request<'a>(
    site: &Site,
    state: &'a StateDir,
    backend: &'a dyn KeychainBackend,
    witness: &'a dyn Witness,
    then: Timestamp,
) -> SessionRequest<'a> {
    SessionRequest {
        permit: OpenPermit::from_clearance(cleared_at(then), &host(), plan_digest(), then).unwrap(),
        work: KeychainWork {
            run: RunId::new(now()).unwrap(),
            keychain: site.machine.keychain(),
            backend,
            choice: BackendChoice::new(BackendKind::Portable, None, site.path("home"), "ci")
                .unwrap(),
            state,
            actor: Actor {
                who: "ci".into(),
                host: host(),
                region: None,
                job: None,
            },
            program: support::program(),
            witness,
            clock: &SystemClock,
        },
        password: password(SECRET),
        window: Duration::from_secs(60),
        closes: None,
    }
}

/// A log that cannot be written when something is done, for so many times.
struct Failing<'a> {
    log: &'a audit::AuditLog,
    what: Action,
    times: AtomicUsize,
}

impl Witness for Failing<'_> {
    fn record(&self, event: &Event) -> Result<Checkpoint, WitnessError> {
        let is_meant = event.what == self.what && event.outcome == Outcome::Done;
        let left = |times: usize| times.checked_sub(1);
        if is_meant && self.times.fetch_update(Relaxed, Relaxed, left).is_ok() {
            let full = std::io::Error::other("no space left");
            return Err(WitnessError::new(OwnedFileError::of(
                FileStep::Write,
                Path::new("audit.jsonl"),
            )(full)));
        }
        self.log.record(event)
    }
}

#[test]
fn a_closing_is_forgotten_only_when_it_is_recorded() {
    let site = Site::new(Kind::Portable);
    let backend = site.machine.backend(Kind::Portable);
    let (log, state) = (site.log(), site.machine.state());
    let failing = |what, times| Failing {
        log: &log,
        what,
        times: AtomicUsize::new(times),
    };
    let run_with = |witness: &Failing<'_>| {
        let request = request(&site, &state, backend.as_ref(), witness, now());
        let command = JobCommand {
            program: "/bin/true".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            has_input: false,
        };
        session::run(request, Task::Run(command), &mut SessionReport::default())
    };
    // The second attempt is recorded.
    let ended = run_with(&failing(Action::KeychainLock, 1));
    assert!(matches!(ended, Ok(Ending::Exited(Exit::Code(0)))));
    assert_eq!(site.runs(), Vec::<PathBuf>::new());
    // No attempt is: the run fails, the keychain is closed, and the journal stays for who can record it.
    let ended = run_with(&failing(Action::KeychainLock, 99));
    let said = ended.unwrap_err().to_string();
    assert!(
        said.contains("is closed, but that is not recorded"),
        "{said}"
    );
    assert_eq!(site.status(), LockState::Locked);
    assert!(site.has("closed"));
    site.settle();
    let recovery = session::recover(&state, &failing(Action::Recover, 99)).unwrap();
    let said = recovery.unfinished[0].to_string();
    assert!(recovery.unfinished[0].is_closed, "{said}");
    assert!(
        said.contains("is closed, but that is not recorded"),
        "{said}"
    );
    assert!(site.has("closed"));
    site.settle();
    let recovery = session::recover(&state, &log).unwrap();
    assert_eq!(recovery.finished.len(), 1);
    site.assert_all_is_well("after a recovery that could be recorded");
}

#[test]
fn a_portable_keychain_that_its_command_deletes_leaves_no_key_behind() {
    let site = Site::new(Kind::Portable);
    let script = "rm -f \"$COUNTERSIGN_KEYCHAIN\"*";
    let output = site.run().args(["sh", "-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    site.machine.assert_clean();
    // The same when nobody was left to close it.
    let site = Site::new(Kind::Portable);
    let script = "rm -f \"$COUNTERSIGN_KEYCHAIN\"*; kill -9 $PPID; sleep 600";
    let mut run = site.run().args(["sh", "-c", script]).spawn().unwrap();
    run.wait().unwrap();
    site.settle();
    site.recover();
    site.machine.assert_clean();
}

#[test]
fn a_tool_that_hangs_when_its_run_is_killed_is_ended_by_who_is_kept_waiting() {
    let site = Site::new(Kind::MacOs);
    // It waits for what never comes.
    site.machine.misbehave("wait set-keychain-settings");
    let mut run = site.run().arg("true").spawn().unwrap();
    until("the tool hangs", || site.path("home/waiting").exists());
    assert!(
        fs::read_to_string(site.machine.keychain().as_path())
            .unwrap()
            .contains("\"locked\":false")
    );
    kill(run.id(), Signal::KILL);
    run.wait().unwrap();
    site.settle();
    site.assert_all_is_well("after a tool that hung");
    let tools: Vec<_> = fs::read_dir(site.path("state/tools")).unwrap().collect();
    assert!(tools.is_empty(), "{tools:?}");
}

#[test]
fn a_window_that_the_watchdog_ended_has_ended_whatever_the_command_says() {
    over_both(|site| {
        let script = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
        let mut run = site
            .run_with(&["--window", "1s"])
            .args(["sh", "-c", script])
            .spawn()
            .unwrap();
        until("the job runs", || site.has("job"));
        kill(run.id(), Signal::STOP);
        until("the watchdog has closed", || {
            site.audit().contains("watchdog")
        });
        kill(run.id(), Signal::CONT);
        assert_eq!(run.wait().unwrap().code(), Some(13));
        assert_eq!(site.receipts()[0]["ending"], "window-ended");
        site.assert_all_is_well("after a run that was stopped");
    });
}

#[test]
fn the_command_of_a_killed_run_is_ended_although_others_have_their_turn() {
    over_both(|site| {
        let script = "trap '' TERM; while :; do sleep 0.05; done";
        let mut run = site.run().args(["sh", "-c", script]).spawn().unwrap();
        until("the job runs", || {
            site.has("job") && job_of(run.id()).is_some()
        });
        let job = job_of(run.id()).unwrap();
        while_it_is_anothers_turn(&site, |_| {
            kill(run.id(), Signal::KILL);
            run.wait().unwrap();
            until("its command has ended", || !lives(job));
        });
        site.settle();
        site.assert_all_is_well("after the turn");
    });
}

#[test]
fn a_damaged_list_keeps_no_portable_keychain_open() {
    let site = Site::new(Kind::Portable);
    let script = "echo '{' > \"$COUNTERSIGN_KEYCHAIN.window.json\"";
    let output = site.run().args(["sh", "-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    site.assert_all_is_well("after a damaged list");
    let aside = format!("{}.window.json.damaged", site.machine.keychain());
    assert!(Path::new(&aside).exists());
}

#[test]
fn children_that_whoever_started_us_forgets_are_waited_for() {
    over_both(|site| {
        let mut run = site.run();
        run.args(["sh", "-c", "exit 7"]);
        let mut shell = through_shell(&site, "trap '' CHLD; exec \"$@\"", &run);
        let output = shell.output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
        site.assert_all_is_well("after ignored children");
    });
}

#[test]
fn a_descriptor_that_nobody_opened_is_told_before_anything_is_done() {
    let site = Site::new(Kind::Portable);
    let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
    site.keychain_flags(&mut run);
    run.args(["--keychain-password-fd", "7", "--", "true"]);
    let output = run.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("descriptor 7 is not open"));
}

#[test]
fn what_is_ignored_when_a_run_starts_stays_ignored() {
    let site = Site::new(Kind::Portable);
    let mut run = site.run();
    run.args(["sleep", "600"]);
    let mut shell = through_shell(&site, "trap '' HUP; exec \"$@\"", &run);
    let mut run = shell.spawn().unwrap();
    until("the job runs", || site.has("job"));
    assert!(minds(run.id(), Signal::TERM));
    assert!(!minds(run.id(), Signal::HUP));
    kill(run.id(), Signal::HUP);
    kill(run.id(), Signal::TERM);
    assert_eq!(run.wait().unwrap().code(), Some(143));
    site.assert_all_is_well("after nohup");
}

#[test]
fn a_permit_that_expired_while_others_had_their_turn_opens_nothing() {
    let site = Site::new(Kind::Portable);
    let backend = site.machine.backend(Kind::Portable);
    let log = site.log();
    let state = site.machine.state();
    let then = now() - SignedDuration::from_hours(1);
    let request = request(&site, &state, backend.as_ref(), &log, then);
    let mut account = SessionReport::default();
    let ended = session::run(request, Task::Hold(&mut |_| Ok(())), &mut account);
    assert!(matches!(
        ended,
        Err(SessionError::NotCleared(NotCleared::Expired { .. }))
    ));
    assert_eq!(account, SessionReport::default());
    assert!(!site.audit().contains("keychain-unlock"));
    assert!(site.audit().contains("\"refused\""));
    site.assert_all_is_well("after an expired permit");
}

#[test]
fn a_short_window_beside_a_long_one_leaves_the_longer_idle_timeout() {
    let site = Site::new(Kind::MacOs);
    let mut long = site.run().args(["sleep", "600"]).spawn().unwrap();
    until("the job runs", || site.has("job"));
    let timeout = || -> u64 {
        let bytes = fs::read(site.machine.keychain().as_path()).unwrap();
        let keychain: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        keychain["timeout"].as_u64().unwrap()
    };
    let before = timeout();
    let mut short = site.run_with(&["--window", "60s"]);
    let output = short.arg("true").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let after = timeout();
    assert!(after > 60 && after + 60 >= before, "{before} {after}");
    kill(long.id(), Signal::TERM);
    long.wait().unwrap();
    site.assert_all_is_well("after both");
}

#[test]
fn a_keychain_is_held_open_shown_and_closed_from_the_command_line() {
    over_both(|site| {
        let mut unlock = site.base(&["keychain", "unlock"]);
        site.keychain_flags(&mut unlock);
        let mut unlock = unlock
            .args(["--without", "profiles,identities,targets"])
            .arg("--keychain-password-file")
            .arg(site.path("password"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(unlock.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("COUNTERSIGN_RUN_ID=") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0);
        }
        let run = line.trim().split_once('=').unwrap().1.to_owned();
        let status = site.keychain(&["keychain", "status"]);
        let shown = text(&status.stdout);
        assert!(shown.starts_with("unlocked"), "{shown}");
        assert!(
            shown.contains(&format!("open for run {run} until")),
            "{shown}"
        );
        let status = site.keychain(&["keychain", "status", "--format", "json"]);
        let shown = document(&status.stdout);
        assert_eq!(shown["open_for"][0]["run"], run);
        assert_eq!(shown["identities"].as_array().unwrap().len(), 1);
        kill(unlock.id(), Signal::INT);
        assert_eq!(unlock.wait().unwrap().code(), Some(130));
        let status = site.keychain(&["keychain", "status"]);
        assert!(text(&status.stdout).starts_with("locked"));
        site.assert_all_is_well("after unlock");
    });
}

#[test]
fn closing_needs_no_policy_and_never_claims_what_is_not_so() {
    over_both(|site| {
        fs::write(site.path("signing.toml"), "<<<<<<< ours\n").unwrap();
        let locked = site.keychain(&["keychain", "lock"]);
        assert_eq!(locked.status.code(), Some(0), "{}", text(&locked.stderr));
        assert!(text(&locked.stdout).contains("locked"));
        assert!(site.recover().status.success());
        let mut lock = site.base(&["keychain", "lock"]);
        let missing = match site.kind {
            Kind::Portable => lock.args(["--backend", "portable"]),
            Kind::MacOs => lock
                .args(["--backend", "macos", "--tools"])
                .arg(site.path("bin")),
        };
        let missing = missing
            .arg("--keychain")
            .arg(site.path("typo.keychain-db"))
            .output()
            .unwrap();
        assert_eq!(missing.status.code(), Some(12));
        assert!(text(&missing.stderr).contains("no keychain"));
    });
}

/// The moments of a run that can be told from outside.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Leased,
    Journaled,
    Announced,
    Opened,
    Running,
    Closing,
}

impl Moment {
    const ALL: [Self; 6] = [
        Self::Leased,
        Self::Journaled,
        Self::Announced,
        Self::Opened,
        Self::Running,
        Self::Closing,
    ];

    fn has_come(self, site: &Site) -> bool {
        match self {
            Self::Leased => site.has("lease"),
            Self::Journaled => site.has("json"),
            Self::Announced => site.audit().contains("\"intended\""),
            Self::Opened => site.audit().matches("\"keychain-unlock\"").count() > 1,
            Self::Running => site.has("job"),
            Self::Closing => site.has("closed") || site.audit().contains("\"keychain-lock\""),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Victim {
    Session,
    Watchdog,
    Job,
    Both,
    All,
}

impl Victim {
    const ALL: [Self; 5] = [
        Self::Session,
        Self::Watchdog,
        Self::Job,
        Self::Both,
        Self::All,
    ];
}

/// Kills once; says how many live processes that ended.
fn one_kill(site: &Site, moment: Moment, victim: Victim) -> usize {
    let when = format!("{:?}: {victim:?} killed when {moment:?}", site.kind);
    let _ = fs::remove_file(site.path("state/audit.jsonl"));
    let length = if matches!(moment, Moment::Closing) {
        "0"
    } else {
        "600"
    };
    let mut run: Child = site
        .run()
        .args(["sleep", length])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until(&when, || {
        moment.has_come(site) || run.try_wait().unwrap().is_some()
    });
    let (watchdog, job) = (watchdog_of(run.id()), job_of(run.id()));
    let session = [Some(run.id())];
    let victims: Vec<u32> = match victim {
        Victim::Session => session.to_vec(),
        Victim::Watchdog => vec![watchdog],
        Victim::Job => vec![job],
        Victim::Both => vec![watchdog, Some(run.id())],
        Victim::All => vec![watchdog, job, Some(run.id())],
    }
    .into_iter()
    .flatten()
    .collect();
    let killed = victims.iter().filter(|id| lives(**id)).count();
    for id in &victims {
        kill(*id, Signal::KILL);
    }
    let at = Instant::now();
    // A victim that was not there yet: the run goes on, and is ended as a pipeline would.
    if !victims.contains(&run.id()) && (victims.is_empty() || matches!(victim, Victim::Job)) {
        kill(run.id(), Signal::TERM);
    }
    let status = run.wait().unwrap();
    let everything_died = status.signal() == Some(9) && victims.len() > 1;
    if !everything_died {
        until(&when, || site.status() == LockState::Locked);
        let took = at.elapsed();
        assert!(took < Duration::from_secs(2), "{when}: {took:?}");
    }
    site.settle();
    if !everything_died {
        assert_eq!(site.status(), LockState::Locked, "{when}, before recovery");
    }
    site.recover();
    site.assert_all_is_well(&when);
    killed
}

/// Every moment and victim, `ROUNDS` times; says how many processes were killed.
fn kill_matrix(kind: Kind) -> usize {
    let killed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let killed = &killed;
            scope.spawn(move || {
                let site = Site::new(kind);
                for moment in Moment::ALL {
                    for (at, victim) in Victim::ALL.into_iter().enumerate() {
                        for round in 0..ROUNDS {
                            if (at + round) % WORKERS == worker {
                                killed.fetch_add(one_kill(&site, moment, victim), Relaxed);
                            }
                        }
                    }
                }
            });
        }
    });
    killed.into_inner()
}

/// How often each moment and victim comes.
const ROUNDS: usize = 4;
/// How many machines are killed on at once.
const WORKERS: usize = 2;

#[test]
fn whoever_is_killed_whenever_a_portable_keychain_ends_locked() {
    let killed = kill_matrix(Kind::Portable);
    eprintln!("{killed} processes were killed");
    assert!(killed >= 100, "{killed} processes were killed");
}

#[test]
fn whoever_is_killed_whenever_a_macos_keychain_ends_locked() {
    let killed = kill_matrix(Kind::MacOs);
    eprintln!("{killed} processes were killed");
    assert!(killed >= 100, "{killed} processes were killed");
}

/// `keychain import` of an identity that is not in the keychain yet.
fn import(site: &Site) -> Command {
    let file = site.path("second.p12");
    if !file.exists() {
        fs::write(&file, p12(&[2], "file", Form::Modern)).unwrap();
        fs::write(site.path("file-password"), "file").unwrap();
    }
    let mut command = site.base(&["keychain", "import"]);
    command.arg(file);
    site.keychain_flags(&mut command);
    command
        .arg("--keychain-password-file")
        .arg(site.path("password"))
        .arg("--password-file")
        .arg(site.path("file-password"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

#[test]
fn an_import_that_is_killed_leaves_nothing_open_and_nothing_of_the_p12() {
    for step in ["import", "set-key-partition-list", "codesign"] {
        for also_watchdog in [false, true] {
            let site = Site::new(Kind::MacOs);
            site.machine.misbehave(&format!("wait {step}"));
            let mut run = import(&site).spawn().unwrap();
            until("the tool waits", || site.path("home/waiting").exists());
            let watchdog = watchdog_of(run.id()).unwrap();
            kill(run.id(), Signal::KILL);
            if also_watchdog {
                kill(watchdog, Signal::KILL);
            }
            run.wait().unwrap();
            // The tool goes on without anybody; it has the keychain open, and is waited for.
            File::create(site.path("home/go-on")).unwrap();
            site.settle();
            if !also_watchdog {
                assert_eq!(site.status(), LockState::Locked, "{step}, before recovery");
            }
            site.recover();
            site.assert_all_is_well(step);
        }
    }
}

#[test]
fn a_tool_that_outlives_its_run_is_waited_for_before_the_keychain_is_closed() {
    for step in ["unlock-keychain", "set-keychain-settings", "list-keychains"] {
        let site = Site::new(Kind::MacOs);
        site.machine.misbehave(&format!("wait {step}"));
        let mut run = site.run().args(["sleep", "600"]).spawn().unwrap();
        until("the tool waits", || site.path("home/waiting").exists());
        kill(run.id(), Signal::KILL);
        run.wait().unwrap();
        // The tool holds the dead run's turn, so the watchdog waits until it has opened the keychain or written the
        // list.
        let turn = File::open(site.path("state/windows.lock")).unwrap();
        assert!(turn.try_lock().is_err(), "{step}");
        assert!(!site.audit().contains("watchdog"), "{step}");
        File::create(site.path("home/go-on")).unwrap();
        site.settle();
        site.assert_all_is_well(step);
    }
}

#[test]
fn while_a_run_has_it_open_a_keychain_is_neither_imported_into_nor_destroyed() {
    over_both(|site| {
        let run = site.run().args(["sleep", "600"]).spawn().unwrap();
        until("the job runs", || site.has("job"));
        let refused = import(&site).output().unwrap();
        assert_eq!(refused.status.code(), Some(12), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("is open"));
        let mut destroy = site.base(&["keychain", "destroy", "--yes"]);
        site.keychain_flags(&mut destroy);
        let refused = destroy.output().unwrap();
        assert_eq!(refused.status.code(), Some(12), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("open for other runs"));
        assert_eq!(site.status(), LockState::Unlocked);
        kill(run.id(), Signal::TERM);
        assert_eq!(run.wait_with_output().unwrap().status.code(), Some(143));
        site.assert_all_is_well("after the run");
        assert!(import(&site).output().unwrap().status.success());
    });
}

#[test]
fn the_default_keychain_is_neither_opened_nor_closed() {
    let site = Site::new(Kind::MacOs);
    let keychain = site.machine.keychain();
    fs::write(site.path("home/default-keychain"), keychain.as_str()).unwrap();
    let unlock = start::command(site.path("bin/security"), &site.path("home"))
        .args(["unlock-keychain", "-p", SECRET, keychain.as_str()])
        .status();
    assert!(unlock.unwrap().success());
    let mut destroy = site.base(&["keychain", "destroy", "--yes"]);
    site.keychain_flags(&mut destroy);
    let mut run = site.run();
    run.arg("true");
    for mut command in [run, import(&site), destroy] {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(12));
        assert!(text(&output.stderr).contains("default keychain"));
        assert_eq!(site.status(), LockState::Unlocked, "it is the person's own");
    }
    assert!(site.audit().contains("\"refused\""));
}

fn sixteen_at_once(kind: Kind) {
    let site = Site::new(kind);
    let is_open = match kind {
        Kind::Portable => "test -s \"$COUNTERSIGN_P12\"",
        Kind::MacOs => {
            "grep -q '\"locked\":false' \"$COUNTERSIGN_KEYCHAIN\" && grep -q ci.keychain-db \"$HOME/search-list\""
        }
    };
    let script = format!("{is_open} && sleep 0.01 && {is_open}");
    for round in 0..20 {
        let runs: Vec<Child> = (0..16)
            .map(|_| {
                site.run()
                    .args(["sh", "-c", &script])
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for run in runs {
            let output = run.wait_with_output().unwrap();
            assert!(output.status.success(), "{round}: {}", text(&output.stderr));
        }
        site.assert_all_is_well("after a round");
    }
    let mut seen = std::collections::BTreeMap::new();
    audit::show(&site.path("state/audit.jsonl"), |record| {
        *seen.entry((record.what, record.outcome)).or_insert(0) += 1;
    })
    .unwrap();
    for ((what, outcome), count) in &seen {
        assert_eq!(*count, 320, "{what} {outcome}");
    }
    assert_eq!(seen.len(), 5, "gate, unlock twice, lock, run: {seen:?}");
}

#[test]
fn sixteen_runs_at_once_of_a_portable_keychain_disturb_nothing() {
    sixteen_at_once(Kind::Portable);
}

#[test]
fn sixteen_runs_at_once_of_a_macos_keychain_disturb_nothing() {
    sixteen_at_once(Kind::MacOs);
}

#[test]
fn an_identity_that_the_gate_did_not_see_opens_nothing() {
    over_both(|site| {
        // The gate judges a capture; the keychain holds one identity more by the time that it would be opened.
        let sha1 = |n| {
            support::machine::identity(n)
                .sha1()
                .to_string()
                .to_uppercase()
        };
        let capture = site.path("identities.txt");
        let row = |n: usize| format!("  1) {} \"Countersign Test {n}\"\n", sha1(n));
        fs::write(&capture, row(1) + "     1 valid identities found\n").unwrap();
        fs::write(
            site.path("signing.toml"),
            format!("version = 1\n[identities]\nallow = [\"{}\"]\n", sha1(1)),
        )
        .unwrap();
        let run = |site: &Site| {
            let mut run = site.base(&["run", "--without", "profiles,targets", "--identities"]);
            run.arg(&capture);
            site.keychain_flags(&mut run);
            run.arg("--keychain-password-file")
                .arg(site.path("password"))
                .args(["--", "true"]);
            run.output().unwrap()
        };
        let output = run(&site);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        assert!(import(&site).output().unwrap().status.success());
        let output = run(&site);
        assert_eq!(output.status.code(), Some(12), "{}", text(&output.stdout));
        let said = text(&output.stderr);
        assert!(said.contains(&sha1(2).to_lowercase()), "{said}");
        assert!(said.contains("did not see"), "{said}");
        site.assert_all_is_well("after an identity that nobody judged");
    });
}

/// Runs in another state directory: nothing is opened, and the code is 11.
fn refuses_in(site: &Site, state: &Path) {
    let mut command = site.base_in(state, &["run", "--without", "profiles,identities,targets"]);
    site.keychain_flags(&mut command);
    command
        .arg("--keychain-password-file")
        .arg(site.path("password"));
    let output = command
        .args(["--", "touch"])
        .arg(site.path("ran"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(11), "{}", text(&output.stderr));
    assert!(!site.path("ran").exists());
    assert_eq!(site.status(), LockState::Locked);
}

#[test]
fn a_state_directory_that_cannot_be_written_opens_nothing() {
    over_both(|site| {
        // A file in the directory's place: no user, not even root, can make a directory of it.
        refuses_in(&site, &site.path("password").join("state"));
        // One that others may write to.
        let open = site.path("open-to-others");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        refuses_in(&site, &open);
    });
}

/// A tmpfs that is unmounted at the end; `None` where this user may not mount.
struct Mount(PathBuf);

impl Mount {
    fn new(path: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path);
        let is_mounted = command.output().is_ok_and(|output| output.status.success());
        if !is_mounted {
            eprintln!("skipped: this user may not mount a tmpfs");
        }
        is_mounted.then_some(Self(path))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_opens_nothing_and_a_gate_still_says_no() {
    over_both(|site| {
        let Some(mount) = Mount::new(site.path("small"), "size=16k,mode=700") else {
            return;
        };
        let filler = vec![0; 1 << 20];
        // As much as fits, so that nothing more does.
        let _ = fs::write(mount.0.join("filler"), filler);
        refuses_in(&site, &mount.0);
        let gate = site
            .base_in(
                &mount.0,
                &["gate", "--without", "profiles,identities,targets"],
            )
            .output()
            .unwrap();
        assert_eq!(gate.status.code(), Some(0), "{}", text(&gate.stderr));
        assert!(text(&gate.stderr).contains("not recorded"));
    });
}

#[test]
fn a_read_only_state_directory_opens_nothing_and_an_envelope_needs_its_record() {
    over_both(|site| {
        let Some(mount) = Mount::new(site.path("fixed"), "ro,mode=700") else {
            return;
        };
        refuses_in(&site, &mount.0);
        let envelope = site.path("envelope.json");
        let gate = site
            .base_in(
                &mount.0,
                &["gate", "--without", "profiles,identities,targets"],
            )
            .arg("--envelope")
            .arg(&envelope)
            .output()
            .unwrap();
        assert_eq!(gate.status.code(), Some(11), "{}", text(&gate.stderr));
        assert!(!envelope.exists());
    });
}

#[test]
fn a_stale_foreign_or_other_clearance_opens_nothing() {
    let then = now();
    let late = then + SignedDuration::from_hours(1);
    let early = then - SignedDuration::from_secs(2);
    let other_host = "laptop.example".parse().unwrap();
    let other_plan = countersign::base::digest::Digest::of(b"another plan");
    let here = host();
    let permit = |host, plan, at| OpenPermit::from_clearance(cleared_at(then), host, plan, at);
    assert!(matches!(
        permit(&here, plan_digest(), late),
        Err(NotCleared::Expired { .. })
    ));
    assert!(matches!(
        permit(&here, plan_digest(), early),
        Err(NotCleared::NotYet { .. })
    ));
    assert!(matches!(
        permit(&other_host, plan_digest(), then),
        Err(NotCleared::OtherHost { .. })
    ));
    assert!(matches!(
        permit(&here, other_plan, then),
        Err(NotCleared::OtherPlan { .. })
    ));
    assert!(permit(&here, plan_digest(), then).is_ok());
}
