//! Signals: those that end a run, and those that whoever starts it wants ignored.

use std::fs::{self, File};
use std::process::Command;

use rustix::process::Signal;
use support::machine::Kind;

use crate::site::{
    Site, kill, minds, over_both, text, through_shell, until, while_it_is_anothers_turn,
};

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
