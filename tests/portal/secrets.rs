//! The key and the token are in no place where somebody could read them.

use std::collections::BTreeSet;
use std::fs;
#[cfg(target_os = "linux")]
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;

#[cfg(target_os = "linux")]
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use support::files_below;

use super::apple::{Fault, distribution, profile};
use super::bench::{Bench, key_file};

/// Where a process shows what it was started with.
#[cfg(target_os = "linux")]
fn shown(process: u32) -> Vec<u8> {
    let read = |name: &str| fs::read(format!("/proc/{process}/{name}")).unwrap_or_default();
    [read("cmdline"), read("environ")].concat()
}

#[cfg(not(target_os = "linux"))]
fn shown(_: u32) -> Vec<u8> {
    Vec::new()
}

fn has(text: &[u8], part: &str) -> bool {
    text.windows(part.len())
        .any(|window| window == part.as_bytes())
}

fn assert_clean(what: &str, text: &[u8], secrets: &BTreeSet<String>) {
    for secret in secrets {
        assert!(!has(text, secret), "{what} holds a secret");
    }
}

#[test]
fn key_and_token_are_in_no_log_argument_environment_error_or_document() {
    let mut secrets: BTreeSet<String> = key_file()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .map(str::to_owned)
        .collect();
    assert!(!secrets.is_empty());
    let mut said = Vec::new();
    for (fault, words) in [
        (None, &["portal", "list", "--verbose"][..]),
        (None, &["portal", "list", "--format", "json"]),
        (
            Some(Fault::Refuse(403, "no")),
            &["portal", "list", "--format", "json"],
        ),
        (Some(Fault::Limit), &["portal", "list", "--verbose"]),
        (Some(Fault::Cut), &["portal", "list", "--verbose"]),
        (None, &["portal", "renew", "Rocket", "--yes", "--verbose"]),
        (None, &["portal", "fetch", "Rocket", "--into", "fetched"]),
    ] {
        let bench = Bench::at(None);
        {
            let mut holding = bench.apple.holding();
            holding.certificates = vec![distribution("C1", "leaf 1", "2041-01-01T00:00:00Z")];
            holding.bundles = vec![("B1".to_owned(), "com.acme.rocket".to_owned())];
            holding.profiles = vec![profile(
                "P1",
                "Rocket",
                "IOS_APP_STORE",
                "B1",
                "2040-12-20T00:00:00Z",
            )];
            if let Some(fault) = fault {
                holding.faults.insert(1, fault);
            }
        }
        let (sender, receiver) = mpsc::channel::<u32>();
        let (done, looked) = mpsc::channel();
        // Before its third request is answered, the process lives and has a token.
        let look = move || done.send(shown(receiver.recv().unwrap())).unwrap();
        bench.apple.holding().watches.insert(3, Box::new(look));
        let mut command = bench.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        sender.send(child.id()).unwrap();
        let output = child.wait_with_output().unwrap();
        if let Ok(shown) = looked.try_recv() {
            said.push((format!("the process of {words:?}"), shown));
        }
        said.push((
            format!("{words:?}"),
            [output.stdout, output.stderr].concat(),
        ));
        for file in files_below(&bench.path("")) {
            if file.extension().is_none_or(|it| it != "p8") {
                said.push((name(&file), fs::read(&file).unwrap()));
            }
        }
        for request in &bench.apple.holding().asked {
            let token = request.header("authorization").unwrap();
            let token = token.strip_prefix("Bearer ").unwrap();
            // The signature alone is the secret; header and claims are the same for everybody who knows the ids.
            secrets.insert(token.rsplit_once('.').unwrap().1.to_owned());
            assert!(!has(&request.body, token), "a body holds the token");
        }
    }
    assert!(
        secrets.len() > 5 && said.len() > 20,
        "{} {}",
        secrets.len(),
        said.len()
    );
    for (what, text) in &said {
        assert_clean(what, text, &secrets);
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// Ends a process as a defect would, when it may write a core file as large as it likes.
#[cfg(target_os = "linux")]
fn abort_with_a_core_file(process: u32) {
    let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
    let limit = getrlimit(Resource::Core);
    let limit = Rlimit {
        current: limit.maximum,
        ..limit
    };
    prlimit(Some(process), Resource::Core, limit).unwrap();
    kill_process(process, Signal::ABORT).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_has_the_key_leaves_no_core_file() {
    let bench = Bench::at(None);
    // The look is the right one: another program leaves a core file here, if this system writes any.
    let mut other = support::start::command("/bin/sleep", &bench.path(""));
    let other = other.arg("600").current_dir(bench.path(""));
    let mut other = other.spawn().unwrap();
    abort_with_a_core_file(other.id());
    if !other.wait().unwrap().core_dumped() {
        eprintln!("skipped in part: this system writes no core files");
    }
    let (sender, receiver) = mpsc::channel();
    let (done, looked) = mpsc::channel();
    bench.apple.holding().faults.insert(
        1,
        Fault::CutAfter(Box::new(move || {
            let process: u32 = receiver.recv().unwrap();
            let limits = fs::read_to_string(format!("/proc/{process}/limits"));
            abort_with_a_core_file(process);
            done.send(limits).unwrap();
        })),
    );
    let mut child = bench
        .command(&["portal", "list"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sender.send(child.id()).unwrap();
    let limits = looked.recv().unwrap().unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert!(core.split_whitespace().nth(4) == Some("0"), "{core}");
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!status.core_dumped(), "{status}");
}
