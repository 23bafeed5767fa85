//! Where no secret is, and what a command does not get.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt};
use std::process::{Command, Output, Stdio};

use jiff::SignedDuration;
use rustix::process::Signal;
use support::machine::{Kind, now};

use crate::site::{SECRET, Site, children, holds, kill, over_both, text, through_shell, until};

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
            let directory = site.machine.shown().remove(0);
            secrets.push(fs::read_to_string(directory.join("password")).unwrap());
        }
        let mut ids = vec![run.id()];
        let children = children(run.id());
        ids.extend(children.iter().map(|(id, _)| *id));
        // A tool that waits to lock has been told nothing yet.
        let waits = |id: u32| {
            let mut children = children.iter();
            children.any(|(child, words)| *child == id && words.ends_with("/security\0-i\0"))
        };
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
                memory.is_empty() || memory.iter().any(finds) || waits(*id),
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
        "[keychain]\non_closed = [\"{}\"]\n[[keychain.allowed]]\ndays = [\"{}\"]\nfrom = \"00:00\"\n\
         to = \"24:00\"\nzone = \"UTC\"\n",
        script.display(),
        day.to_lowercase()
    );
    site.policy(&policy);
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
    let policy = format!("[keychain]\non_closed = [\"{}\"]\n", script.display());
    site.policy(&policy);
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
fn a_descriptor_that_nobody_opened_is_told_before_anything_is_done() {
    let site = Site::new(Kind::Portable);
    let mut run = site.base(&["run", "--without", "profiles,identities,targets"]);
    site.keychain_flags(&mut run);
    run.args(["--keychain-password-fd", "7", "--", "true"]);
    let output = run.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("descriptor 7 is not open"));
}
