//! A clock that was set back, a library that is preloaded, a namespace that shows another machine.

use std::fs;
use std::process::Output;

use jiff::SignedDuration;
use support::log::log_of;
use support::machine::{Kind, now};
use support::site::{Site, document, text};
use support::workshop::codes;

/// A machine whose last record was written so many seconds from now.
fn site_recorded_ahead(seconds: i64) -> Site {
    let site = Site::new(Kind::Portable);
    let mut log = log_of(3);
    log.time = now() + SignedDuration::from_secs(seconds);
    log.record();
    log.write(&site.path("state/audit.jsonl"));
    site
}

fn gate(site: &Site) -> Output {
    site.base(&["gate", "--without", "profiles,identities,targets"])
        .args(["--format", "json"])
        .output()
        .unwrap()
}

#[test]
fn a_clock_behind_the_last_record_opens_nothing() {
    let site = site_recorded_ahead(7_200);
    // The verdicts are recorded with the time that the clock tells, and that does not make it right.
    for _ in 0..3 {
        let blocked = gate(&site);
        assert_eq!(blocked.status.code(), Some(10));
        let verdict = document(&blocked.stdout);
        assert_eq!(codes(&verdict), ["clock-behind-record"], "{verdict:#}");
        let hint = verdict["findings"][0]["hint"].as_str().unwrap();
        assert!(hint.contains("countersign audit resume"), "{hint}");
    }
    let mark = site.path("mark");
    let run = site.run().arg("touch").arg(&mark).output().unwrap();
    assert_eq!(run.status.code(), Some(10), "{}", text(&run.stderr));
    assert!(!mark.exists());
    assert!(!site.audit().contains("keychain-unlock"));
    assert_eq!(site.receipts()[0]["blocked_by"][0], "clock-behind-record");
    // A rehearsal is about another time.
    let rehearsal = site
        .base(&["gate", "--without", "profiles,identities,targets"])
        .args(["--at", "2026-01-01T00:00:00Z"])
        .output()
        .unwrap();
    assert!(rehearsal.status.success());

    // The clock was ahead then, and somebody says that it is right now.
    let resumed = site.base(&["audit", "resume"]).output().unwrap();
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert!(gate(&site).status.success());
    let run = site.run().arg("touch").arg(&mark).status().unwrap();
    assert!(run.success() && mark.exists());
}

#[test]
fn a_clock_that_was_corrected_by_less_than_a_minute_is_right() {
    let site = site_recorded_ahead(30);
    let cleared = gate(&site);
    assert!(cleared.status.success(), "{}", text(&cleared.stdout));
    // Small steps do not add up to a large one: what counts is the latest time that was ever recorded.
    let log = fs::read_to_string(site.path("state/audit.jsonl")).unwrap();
    assert!(log.lines().last().unwrap().contains("\"latest\":"), "{log}");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use serde_json::Value as Json;
    use support::start;
    use support::workshop::{Ran, Workshop, codes, ran};

    fn library(workshop: &Workshop, name: &str, source: &str) -> Option<PathBuf> {
        let source = workshop.write(format!("{name}.c"), source);
        start::library(&workshop.path("home"), &source)
    }

    const NOTHING: &str = "int countersign_test_marker;\n";

    fn gate(workshop: &Workshop) -> Command {
        workshop.gate_command(&["--format", "json"])
    }

    /// Adds lines to the policy.
    fn policy(workshop: &Workshop, lines: &str) {
        let policy = support::workshop::POLICY.to_owned() + lines;
        workshop.write("manifests/signing.toml", policy);
    }

    fn blocking(document: &Json) -> Vec<String> {
        let findings = document["findings"].as_array().unwrap().iter();
        let blocking = findings.filter(|finding| finding["severity"] == "block");
        blocking
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_preloaded_library_blocks() {
        let workshop = Workshop::frozen();
        let Some(library) = library(&workshop, "nothing", NOTHING) else {
            return;
        };
        for variable in ["LD_PRELOAD", "LD_AUDIT"] {
            let mut command = gate(&workshop);
            let document = ran(command.env(variable, &library)).exits(10).json();
            assert_eq!(blocking(&document), ["library-preloaded"], "{document:#}");
            let seen = document["evidence"]["preloaded"].to_string();
            assert!(
                seen.contains(variable) && seen.contains("nothing.so"),
                "{seen}"
            );
        }
        let document = ran(&mut gate(&workshop)).exits(0).json();
        assert_eq!(document["evidence"]["preloaded"], serde_json::json!([]));
    }

    /// It tells the gate that it is the allowed hour.
    #[test]
    fn a_preloaded_clock_does_not_open_the_hours() {
        let workshop = Workshop::frozen();
        let source = "#include <time.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n\
            int clock_gettime(clockid_t id, struct timespec *t) {\n\
            int r = syscall(SYS_clock_gettime, id, t);\n\
            if (id == CLOCK_REALTIME) t->tv_sec -= 86400 * 365;\nreturn r; }\n";
        let Some(library) = library(&workshop, "clock", source) else {
            return;
        };
        let mut command = gate(&workshop);
        let document = ran(command.env("LD_PRELOAD", &library)).exits(10).json();
        assert!(
            codes(&document).contains(&"library-preloaded".to_owned()),
            "{document:#}"
        );
    }

    #[test]
    fn a_preloaded_library_that_hides_its_variable_is_found_where_it_is_mapped() {
        let workshop = Workshop::frozen();
        let source = "#include <stdlib.h>\n#include <string.h>\nextern char **environ;\n\
            __attribute__((constructor)) static void hide(void) {\n\
            for (char **e = environ; *e; e++) if (!strncmp(*e, \"LD_PRELOAD=\", 11)) memset(*e, 'x', strlen(*e));\n\
            unsetenv(\"LD_PRELOAD\"); }\n";
        let Some(library) = library(&workshop, "hidden", source) else {
            return;
        };
        let mut command = gate(&workshop);
        let document = ran(command.env("LD_PRELOAD", &library)).exits(10).json();
        assert_eq!(blocking(&document), ["library-preloaded"]);
        let seen = document["evidence"]["preloaded"].to_string();
        assert!(
            seen.contains("hidden.so") && !seen.contains("LD_PRELOAD"),
            "{seen}"
        );
    }

    #[test]
    fn a_system_library_from_another_directory_is_found() {
        let workshop = Workshop::frozen();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let own = maps
            .lines()
            .filter_map(|line| line.split_whitespace().nth(5));
        let Some(real) = own.into_iter().find(|path| path.contains("/libgcc_s")) else {
            return eprintln!("skipped: no libgcc_s is mapped");
        };
        fs::create_dir(workshop.path("lib")).unwrap();
        fs::copy(real, workshop.path("lib/libgcc_s.so.1")).unwrap();
        let mut command = gate(&workshop);
        let document = ran(command.env("LD_LIBRARY_PATH", workshop.path("lib")))
            .exits(10)
            .json();
        assert_eq!(blocking(&document), ["library-preloaded"]);
        // A path alone puts nothing into this program: cargo sets one for whatever it runs.
        let mut command = gate(&workshop);
        ran(command.env("LD_LIBRARY_PATH", workshop.path("home"))).exits(0);
    }

    #[test]
    fn a_policy_that_lets_libraries_be_preloaded_has_them_in_verdict_and_record() {
        let workshop = Workshop::frozen();
        let Some(library) = library(&workshop, "nothing", NOTHING) else {
            return;
        };
        policy(&workshop, "[gate]\nblock_on = []\n");
        let mut command = gate(&workshop);
        let document = ran(command.env("LD_PRELOAD", &library)).exits(0).json();
        let warned = document["findings"].as_array().unwrap().iter();
        assert!(
            warned
                .filter(|finding| finding["severity"] == "warn")
                .any(|finding| finding["code"] == "library-preloaded"),
            "{document:#}"
        );
        let log = fs::read_to_string(workshop.path("home/.local/state/countersign/audit.jsonl"));
        let record: Json = serde_json::from_str(log.unwrap().lines().last().unwrap()).unwrap();
        let preloaded = record["details"]["preloaded"].as_str().unwrap();
        assert!(preloaded.contains("nothing.so"), "{record:#}");
        assert_eq!(record["details"]["host"], "self-declared");
    }

    #[test]
    fn a_run_with_a_preloaded_library_opens_nothing_and_its_receipt_names_the_library() {
        use support::machine::Kind;
        use support::site::Site;
        let workshop = Workshop::new();
        let Some(library) = library(&workshop, "nothing", NOTHING) else {
            return;
        };
        let site = Site::new(Kind::Portable);
        let mut run = site.run();
        let output = run.arg("/bin/true").env("LD_PRELOAD", &library).output();
        assert_eq!(output.unwrap().status.code(), Some(10));
        let [receipt] = site.receipts().try_into().unwrap();
        assert_eq!(
            receipt["blocked_by"],
            serde_json::json!(["library-preloaded"])
        );
        let seen = receipt["evidence"]["preloaded"].to_string();
        assert!(seen.contains("nothing.so"), "{seen}");
        assert!(receipt.get("window").is_none());
    }

    /// Runs the gate through `unshare` with these flags, in which `words` come first; says so where that is not allowed.
    fn unshared(workshop: &Workshop, flags: &str, words: &str) -> Option<Ran> {
        let mut probe = start::command("unshare", &workshop.path("home"));
        probe.arg(flags).arg("true").env("PATH", start::PATH);
        if !probe.output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: unshare {flags} is not allowed here");
            return None;
        }
        let gate = gate(workshop);
        let mut command = start::command("unshare", &workshop.path("home"));
        command
            .arg(flags)
            .args(["sh", "-c", &format!("{words}exec \"$@\""), "sh"])
            .arg(gate.get_program())
            .args(gate.get_args())
            .env("PATH", start::PATH)
            .current_dir(workshop.path(""));
        Some(ran(&mut command))
    }

    /// Whether this process is where the kernel began: in a container it is not, and then a test can only see that.
    fn is_first(kind: &str, number: u32) -> bool {
        let link = fs::read_link(Path::new("/proc/self/ns").join(kind)).unwrap();
        link.to_str() == Some(&format!("{kind}:[{number}]"))
    }

    #[test]
    fn a_machine_that_takes_the_name_of_a_signing_host_is_told_by_its_namespace() {
        let workshop = Workshop::frozen();
        let topology = "[topology]\nkey_hosts = [\"signer-01.acme.example\"]\n";
        let takes = "hostname signer-01.acme.example || exit 9; ";
        policy(&workshop, topology);
        let Some(deceived) = unshared(&workshop, "-u", takes) else {
            return;
        };
        if deceived.code == 9 {
            return eprintln!("skipped: there is no `hostname` that sets one");
        }
        // As a container does it, so by default it only stands in the verdict.
        let document = deceived.exits(0).json();
        assert_eq!(document["host"], "signer-01.acme.example");
        assert_eq!(document["evidence"]["host"], "self-declared");
        assert_eq!(document["evidence"]["uts_namespace"], "other");
        assert!(codes(&document).contains(&"host-in-namespace".to_owned()));
        policy(
            &workshop,
            &format!("{topology}[gate]\nblock_on = [\"namespace\"]\n"),
        );
        let document = unshared(&workshop, "-u", takes).unwrap().exits(10).json();
        assert_eq!(blocking(&document), ["host-in-namespace"]);
    }

    #[test]
    fn a_user_who_is_root_in_a_namespace_of_their_own_is_told() {
        let workshop = Workshop::frozen();
        let Some(ran) = unshared(&workshop, "-Ur", "") else {
            return;
        };
        let document = ran.exits(0).json();
        assert_eq!(document["evidence"]["user_namespace"], "other");
        policy(&workshop, "[gate]\nblock_on = [\"namespace\"]\n");
        let document = unshared(&workshop, "-Ur", "").unwrap().exits(10).json();
        assert!(blocking(&document).contains(&"host-in-namespace".to_owned()));
    }

    #[test]
    fn where_the_kernel_began_nothing_is_told() {
        let workshop = Workshop::frozen();
        policy(
            &workshop,
            "[gate]\nblock_on = [\"preload\", \"namespace\"]\n",
        );
        let (user, uts) = (
            is_first("user", 4_026_531_837),
            is_first("uts", 4_026_531_838),
        );
        let document = ran(&mut gate(&workshop))
            .exits(if user && uts { 0 } else { 10 })
            .json();
        let word = |is_first| if is_first { "first" } else { "other" };
        assert_eq!(document["evidence"]["user_namespace"], word(user));
        assert_eq!(document["evidence"]["uts_namespace"], word(uts));
    }
}
