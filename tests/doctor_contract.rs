//! `doctor --contract` against the stand-in: that it passes where the tools behave, that it names what does not, and that
//! nothing of it is left whatever happens.

#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use countersign::base::clock::SystemClock;
use countersign::cli::contract::speech;
use countersign::ops::contract::document::{ContractDocument, StepResult};
use countersign::ops::contract::step::{Row, Step};
use countersign::ops::contract::{self, ContractRequest};
use countersign::ops::error::Failure;
use countersign::ops::notice::Deaf;
use countersign::ops::world::{Places, Surroundings, World};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;
use support::machine::{LOGIN, Machine, example};
use support::site::until;
use support::start;
use support::workshop::{Ran, ran};

/// A machine whose `openssl` is the system's, and whose temporary directory is its own.
struct Mac(Machine);

impl Mac {
    fn new() -> Self {
        let machine = Machine::new();
        let openssl = ["/usr/bin/openssl", "/usr/local/bin/openssl"];
        let openssl = openssl.iter().find(|path| fs::exists(path).unwrap());
        let openssl = openssl.expect("openssl is installed");
        std::os::unix::fs::symlink(openssl, machine.path("bin/openssl")).unwrap();
        fs::create_dir(machine.path("tmp")).unwrap();
        Self(machine)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    /// The program that knows the machine's tools.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = start::command(example("countersign_with_tools"), &self.path("home"));
        command
            .arg("--tools")
            .arg(self.path("bin"))
            .args(words)
            .env("TMPDIR", self.path("tmp"))
            .current_dir(self.path("home"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        ran(&mut self.command(words))
    }

    /// The suite, in this process, with less patience than people have.
    fn suite(&self, limit: Duration) -> Result<ContractDocument, Failure> {
        let program = [
            example("countersign_with_tools").into(),
            "--tools".into(),
            self.path("bin").into(),
        ];
        let surroundings = Surroundings {
            home: Some(self.path("home")),
            variables: vec![("TMPDIR".into(), self.path("tmp").into())],
            program: program.to_vec(),
            tools: Some(self.path("bin")),
            ..Surroundings::default()
        };
        let (places, clock) = (Places::default(), Arc::new(SystemClock));
        let world = World::new(places, surroundings, clock, Box::new(Deaf));
        let request = ContractRequest {
            speech: speech(),
            output: None,
            limit,
        };
        contract::contract(&request, &world)
    }

    /// Replaces a tool by a script, which finds the stand-in for it at `$0.real`.
    fn script(&self, tool: &str, script: &str) {
        let path = self.path("bin").join(tool);
        // The stand-in goes by the name that it is called by.
        fs::create_dir_all(self.path("real")).unwrap();
        fs::rename(&path, self.path("real").join(tool)).unwrap();
        let real = self.path("real").join(tool);
        let script = format!("#!/bin/sh\nreal='{}'\n{script}\n", real.display());
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn mode(&self, mode: &str) -> String {
        format!(
            "echo '{mode}' > '{}'",
            self.path("home/stand-in-mode").display()
        )
    }

    /// Nothing of the suite is left, and search list and default keychain are byte for byte what they were.
    fn assert_untouched(&self) {
        assert_eq!(self.0.search_list(), format!("{LOGIN}\n"));
        let default = fs::read_to_string(self.path("home/default-keychain")).unwrap();
        assert_eq!(default, LOGIN);
        assert_eq!(self.left(), Vec::<String>::new());
    }

    /// What is in the temporary directory.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("tmp")).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Starts the suite and waits until its import is under way.
    fn started_up_to_the_import(&self) -> Child {
        self.0.misbehave("wait import");
        let mut command = self.command(&["doctor", "--contract", "-o", "report.json"]);
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("the import is under way", || {
            self.path("home/waiting").exists()
        });
        child
    }

    fn report(&self) -> Json {
        serde_json::from_slice(&fs::read(self.path("home/report.json")).unwrap()).unwrap()
    }
}

/// A step of a report.
fn step<'a>(report: &'a Json, name: &str) -> &'a Json {
    let mut steps = report["steps"].as_array().unwrap().iter();
    steps.find(|step| step["name"] == name).unwrap()
}

fn result(document: &ContractDocument, name: Step) -> (StepResult, String) {
    let step = document.steps.iter().find(|it| it.name == name).unwrap();
    (step.result, step.why.clone().unwrap_or_default())
}

/// As long as any machine needs.
const PATIENT: Duration = Duration::from_secs(60);

#[test]
fn where_the_tools_behave_every_step_passes_and_nothing_is_left() {
    let mac = Mac::new();
    let ran = mac
        .run(&["doctor", "--contract", "-o", "report.json"])
        .exits(0);
    assert!(
        ran.out.starts_with("all 13 steps of the contract passed\n"),
        "{}",
        ran.out
    );
    let report = mac.report();
    assert_eq!(report["schema"], "countersign.doctor-contract.v1");
    assert_eq!(
        (&report["passed"], &report["complete"]),
        (&true.into(), &true.into())
    );
    // What a stand-in does says nothing of a Mac.
    assert_eq!(report["machine"]["stand_in"], true);
    assert_eq!(report["rows"], serde_json::json!([]));
    for (at, name) in Step::ALL.into_iter().enumerate() {
        let step = &report["steps"][at];
        assert_eq!(step["name"], name.as_str());
        assert_eq!(step["result"], "passed", "{step}");
        assert!(step["milliseconds"].is_u64(), "{step}");
        // One line a step, as it is taken.
        let line = format!("countersign: {}/13 {} passed", at + 1, name.as_str());
        assert!(ran.err.contains(&line), "{}", ran.err);
    }
    assert_eq!(step(&report, "hang")["exit"], 13);
    assert_eq!(step(&report, "watchdog")["exit"], 128 + 9);
    mac.assert_untouched();
}

#[test]
fn the_report_on_standard_output_is_the_one_in_the_file_and_follows_its_schema() {
    let mac = Mac::new();
    let words = [
        "doctor",
        "--contract",
        "--format",
        "json",
        "-q",
        "-o",
        "report.json",
    ];
    let ran = mac.run(&words).exits(0);
    assert_eq!(ran.err, "");
    assert_eq!(ran.json(), mac.report());
    mac.assert_untouched();
}

#[test]
fn no_secret_is_an_argument_and_no_report_tells_who_ran_it_where() {
    let mac = Mac::new();
    let (secrets, arguments) = (mac.path("secrets"), mac.path("arguments"));
    let tell = format!(
        "for file in '{}'/*/*.password '{}'/*/state/passwords/*; do [ -f \"$file\" ] && {{ cat \"$file\"; echo; }}; done \
         >> '{}' 2>/dev/null\n\
         echo \"$*\" >> '{}'\nexec \"$real\" \"$@\"",
        mac.path("tmp").display(),
        mac.path("tmp").display(),
        secrets.display(),
        arguments.display()
    );
    for tool in ["openssl", "codesign"] {
        mac.script(tool, &tell);
    }
    mac.run(&["doctor", "--contract", "-o", "report.json"])
        .exits(0);
    let report = fs::read_to_string(mac.path("home/report.json")).unwrap();
    let secrets = fs::read_to_string(secrets).unwrap();
    let secrets: Vec<&str> = secrets.split_whitespace().collect();
    // That of the p12 and that of the keychain.
    let distinct: std::collections::BTreeSet<_> = secrets.iter().collect();
    assert_eq!(distinct.len(), 2, "{secrets:?}");
    let log = fs::read_to_string(mac.path("home/stand-in.log")).unwrap();
    let arguments = fs::read_to_string(arguments).unwrap();
    assert!(arguments.contains("-passout file:"), "{arguments}");
    for secret in secrets {
        for place in [&report, &log, &arguments] {
            assert!(!place.contains(secret), "{place}");
        }
    }
    let host = countersign::host::node::host_name().unwrap();
    let home = mac.0.directory.path().display().to_string();
    for private in [host.as_str(), &home] {
        assert!(!report.contains(private), "{report}");
    }
    mac.assert_untouched();
}

#[test]
fn an_error_of_a_tool_names_no_place_of_the_user() {
    let mac = Mac::new();
    let said = format!(
        "echo \"cannot read {}/secret\" >&2; exit 1",
        mac.path("home").display()
    );
    mac.script("openssl", &said);
    mac.run(&["doctor", "--contract", "-o", "report.json"])
        .exits(10);
    let why = step(&mac.report(), "identity")["why"].to_string();
    assert!(why.contains("cannot read ~/secret"), "{why}");
    mac.assert_untouched();
}

#[test]
fn a_tool_that_is_missing_fails_its_step_and_hinders_no_other() {
    let mac = Mac::new();
    fs::remove_file(mac.path("bin/openssl")).unwrap();
    let ran = mac
        .run(&["doctor", "--contract", "-o", "report.json"])
        .exits(10);
    let report = mac.report();
    assert_eq!(step(&report, "identity")["result"], "failed");
    let why = step(&report, "identity")["why"].as_str().unwrap();
    assert!(
        why.contains("openssl") && why.contains("No such file"),
        "{why}"
    );
    assert_eq!(step(&report, "import")["result"], "not-run");
    assert_eq!(
        step(&report, "import")["why"],
        "it needs identity, which failed"
    );
    for name in [
        "create", "hang", "watchdog", "recover", "destroy", "restored",
    ] {
        assert_eq!(step(&report, name)["result"], "passed", "{report:#}");
    }
    assert!(ran.out.starts_with("7 of 13 steps"), "{}", ran.out);
    mac.assert_untouched();

    let mac = Mac::new();
    fs::remove_file(mac.path("bin/codesign")).unwrap();
    let document = mac.suite(PATIENT).unwrap();
    assert_eq!(result(&document, Step::Import).0, StepResult::Passed);
    let (found, why) = result(&document, Step::Sign);
    assert_eq!(found, StepResult::Failed);
    assert!(why.contains("codesign"), "{why}");
    assert_eq!(result(&document, Step::Relock).0, StepResult::Passed);
    mac.assert_untouched();

    let mac = Mac::new();
    fs::remove_file(mac.path("bin/security")).unwrap();
    let document = mac.suite(PATIENT).unwrap();
    assert_eq!(result(&document, Step::Security).0, StepResult::Failed);
    assert_eq!(result(&document, Step::Create).0, StepResult::NotRun);
    assert_eq!(result(&document, Step::Identity).0, StepResult::Passed);
    mac.assert_untouched();
}

#[test]
fn what_security_refuses_is_the_fault_of_the_step_that_asked_for_it() {
    for (mode, faulty, not_run) in [
        ("fail create-keychain 1", Step::Create, Step::Import),
        ("fail import 1", Step::Import, Step::PartitionList),
        ("forget import", Step::Import, Step::PartitionList),
        (
            "fail set-key-partition-list 1",
            Step::PartitionList,
            Step::Sign,
        ),
    ] {
        let mac = Mac::new();
        mac.0.misbehave(mode);
        let document = mac.suite(PATIENT).unwrap();
        assert!(!document.passed && document.complete, "{mode}");
        for step in &document.steps {
            if step.name < faulty {
                assert_eq!(step.result, StepResult::Passed, "{mode}: {step:?}");
            }
        }
        let (found, why) = result(&document, faulty);
        assert_eq!(found, StepResult::Failed, "{mode}");
        assert!(!why.is_empty(), "{mode}");
        assert_eq!(result(&document, not_run).0, StepResult::NotRun, "{mode}");
        assert_eq!(
            result(&document, Step::Restored).0,
            StepResult::Passed,
            "{mode}"
        );
        assert_eq!(document.left, Vec::<String>::new(), "{mode}");
        mac.assert_untouched();
    }
}

#[test]
fn a_key_that_codesign_may_not_use_fails_the_signing_alone() {
    for mode in ["lie set-key-partition-list", "fail codesign 1"] {
        let mac = Mac::new();
        mac.0.misbehave(mode);
        let document = mac.suite(PATIENT).unwrap();
        for step in &document.steps {
            let expected = match step.name {
                Step::Sign => StepResult::Failed,
                _ => StepResult::Passed,
            };
            assert_eq!(step.result, expected, "{mode}: {step:?}");
        }
        mac.assert_untouched();
    }
}

#[test]
fn a_program_that_is_signed_by_nobody_or_somebody_else_is_not_signed() {
    for script in [
        // Says that it signed.
        "case \"$1\" in --force) exit 0;; *) exec \"$real\" \"$@\";; esac",
        // The signature does not verify.
        "case \"$1\" in --verify) echo \"$2: a sealed resource is missing or invalid\" >&2; exit 1;; \
         *) exec \"$real\" \"$@\";; esac",
    ] {
        let mac = Mac::new();
        mac.script("codesign", script);
        let document = mac.suite(PATIENT).unwrap();
        assert_eq!(
            result(&document, Step::Sign).0,
            StepResult::Failed,
            "{script}"
        );
        mac.assert_untouched();
    }
}

#[test]
fn a_keychain_that_is_not_locked_again_is_found_out_and_cleared_away() {
    let mac = Mac::new();
    // The second file that is signed is that of the window; from then on locking does nothing.
    let lie = mac.mode("lie lock-keychain");
    mac.script(
        "codesign",
        &format!(
            "\"$real\" \"$@\"; code=$?\ncase \"$*\" in *--force*program) {lie};; esac\nexit $code"
        ),
    );
    let document = mac.suite(PATIENT).unwrap();
    assert_eq!(result(&document, Step::Import).0, StepResult::Passed);
    assert_eq!(result(&document, Step::Sign).0, StepResult::Failed);
    let (found, why) = result(&document, Step::Relock);
    assert_eq!(
        (found, why.contains("unlocked")),
        (StepResult::Failed, true),
        "{why}"
    );
    // What cannot be locked can be deleted, or stays for whoever comes next.
    fs::remove_file(mac.path("home/stand-in-mode")).unwrap();
    mac.run(&["keychain", "recover"]).exits(0);
    mac.assert_untouched();
}

#[test]
fn a_tool_that_hangs_is_ended_and_its_step_hung() {
    let mac = Mac::new();
    // The import tries the key itself; that goes well.
    mac.script(
        "codesign",
        "case \"$*\" in *--force*program) exec sleep 600;; *) exec \"$real\" \"$@\";; esac",
    );
    let document = mac.suite(Duration::from_secs(20)).unwrap();
    assert_eq!(result(&document, Step::Import).0, StepResult::Passed);
    let (found, why) = result(&document, Step::Sign);
    assert_eq!(found, StepResult::Hung, "{why}");
    assert_eq!(why, "codesign did not end within 10 s and was stopped");
    assert_eq!(result(&document, Step::Relock).0, StepResult::Passed);
    mac.assert_untouched();
}

#[test]
fn a_security_that_hangs_is_ended_with_the_command_that_called_it() {
    let mac = Mac::new();
    mac.0.misbehave("hang import");
    let document = mac.suite(Duration::from_secs(20)).unwrap();
    let (found, why) = result(&document, Step::Import);
    assert_eq!(found, StepResult::Hung, "{why}");
    assert_eq!(why, "the import did not end within 20 s and was stopped");
    // The import was killed; its watchdog has closed the keychain for those that come after.
    assert_eq!(result(&document, Step::Hang).0, StepResult::Passed);
    assert_eq!(result(&document, Step::Destroy).0, StepResult::Passed);
    mac.assert_untouched();
}

#[test]
fn a_signal_stops_the_suite_and_what_is_there_is_cleared_away() {
    for signal in [Signal::INT, Signal::TERM] {
        let mac = Mac::new();
        let mut suite = mac.started_up_to_the_import();
        kill_process(Pid::from_child(&suite), signal).unwrap();
        assert_eq!(suite.wait().unwrap().code(), Some(10));
        let report = mac.report();
        for name in ["import", "sign", "hang", "watchdog", "recover"] {
            assert_eq!(step(&report, name)["result"], "not-run", "{report:#}");
            let why = step(&report, name)["why"].as_str().unwrap();
            assert_eq!(why, "a signal asked the suite to stop");
        }
        for name in ["create", "destroy", "restored"] {
            assert_eq!(step(&report, name)["result"], "passed", "{report:#}");
        }
        mac.assert_untouched();
    }
}

#[test]
fn what_a_killed_suite_left_is_cleared_by_the_next_one_or_by_a_recovery() {
    for next in [&["doctor", "--contract"][..], &["keychain", "recover"]] {
        let mac = Mac::new();
        let mut suite = mac.started_up_to_the_import();
        suite.kill().unwrap();
        suite.wait().unwrap();
        // The report tells how far it came.
        let report = mac.report();
        assert_eq!(report["complete"], false);
        assert_eq!(step(&report, "create")["result"], "passed");
        assert_eq!(mac.left().len(), 1);
        fs::write(mac.path("home/go-on"), "").unwrap();
        let ran = mac.run(next).exits(0);
        assert!(
            ran.err.contains("a contract suite was killed earlier"),
            "{}",
            ran.err
        );
        mac.assert_untouched();
    }
}

#[test]
fn a_suite_that_lives_is_left_alone_and_the_next_one_waits_for_it() {
    let mac = Mac::new();
    let mut suite = mac.started_up_to_the_import();
    let made = mac.left();
    mac.run(&["keychain", "recover"]).exits(0);
    let mut next = mac.command(&["doctor", "--contract", "-o", "next.json"]);
    let next = next.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    // It has written that it is there, and makes nothing before it is its turn.
    until("the next one is there", || {
        mac.path("home/next.json").exists()
    });
    assert_eq!(mac.left(), made);
    fs::write(mac.path("home/go-on"), "").unwrap();
    assert_eq!(suite.wait().unwrap().code(), Some(0));
    let next = next.unwrap().wait_with_output().unwrap();
    assert_eq!(next.status.code(), Some(0));
    mac.assert_untouched();
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_is_made() {
    let mac = Mac::new();
    fs::create_dir(mac.path("home/folder")).unwrap();
    for file in ["missing/report.json", "folder"] {
        let ran = mac.run(&["doctor", "--contract", "-o", file]).exits(11);
        assert!(ran.err.contains("cannot write"), "{}", ran.err);
    }
    assert!(
        !mac.path("home/stand-in.log").exists(),
        "security was asked"
    );
    mac.assert_untouched();
}

#[test]
fn elsewhere_than_on_a_mac_it_says_so() {
    let mac = Mac::new();
    let command = || start::countersign(&mac.path("home"));
    let told = ran(command().args(["doctor", "--contract", "--format", "json"])).exits(11);
    let error: Json = serde_json::from_str(told.err.trim()).unwrap();
    assert_eq!(error["code"], "mac-required");
    assert!(
        error["message"].as_str().unwrap().contains("Linux"),
        "{error}"
    );
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("run it on the Mac"),
        "{error}"
    );
}

#[test]
fn while_a_run_has_a_keychain_open_the_suite_is_not_begun() {
    let mac = Mac::new();
    fs::write(mac.path("home/signing.toml"), support::machine::WAIVING).unwrap();
    fs::write(
        mac.path("home/profiles.json"),
        support::machine::manifest_bytes(),
    )
    .unwrap();
    let keychain = ["--keychain", "ci.keychain-db", "--backend", "macos"];
    mac.run(&[&["keychain", "create"], &keychain[..]].concat())
        .exits(0);
    let run: [&[&str]; 4] = [
        &[
            "--policy",
            "signing.toml",
            "--manifest",
            "profiles.json",
            "run",
        ],
        &["--without", "profiles,identities,targets"],
        &keychain,
        &["--", "/bin/sh", "-c", "echo > open; exec sleep 600"],
    ];
    let mut job = mac
        .command(&run.concat())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the job runs", || mac.path("home/open").exists());
    let refused = mac.run(&["doctor", "--contract"]).exits(12);
    assert!(
        refused.err.contains("is open for other runs"),
        "{}",
        refused.err
    );
    kill_process(Pid::from_child(&job), Signal::TERM).unwrap();
    job.wait().unwrap();
    mac.run(&["doctor", "--contract"]).exits(0);
    mac.assert_untouched();
}

#[test]
fn the_readme_says_which_steps_turn_which_row_green() {
    let readme = fs::read_to_string(support::root().join("README.md")).unwrap();
    for row in Row::ALL {
        let cell = format!("| {} |", row.as_str());
        assert!(readme.contains(&cell), "no row {cell}");
    }
    // As README and page say it in words.
    for step in Step::ALL {
        let row = match step {
            Step::FindIdentity => Row::Captures,
            _ => Row::Window,
        };
        assert_eq!(step.rows(), [row], "{}", step.as_str());
    }
    let page = fs::read_to_string(support::root().join("docs/doctor.md")).unwrap();
    for step in Step::ALL {
        let row = format!("| `{}` | {} |", step.as_str(), step.claim());
        assert!(page.contains(&row), "no row {row}");
    }
}
