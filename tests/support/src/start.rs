//! Programs start with the signals, the limits and the environment that their test builds.
//!
//! What a program inherits decides what it does: under `nohup`, or in the background of a script, SIGINT or SIGHUP is
//! ignored, and a run that ignores a signal cannot be ended by it. So the test process puts itself right before it starts
//! its first program, and the library, which starts programs in this process too, passes that on.
//!
//! A signal that has a handler is at its default in a program that is started (`execve(2)`), and the standard library clears
//! the mask of blocked ones and puts SIGPIPE right. So each signal gets a handler that does what would have been done without
//! it: nothing where it was ignored, its default where not. Nothing of that is unsafe code here.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

use countersign::host::process::IgnoredSignals;
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit, umask};

/// Where programs find the tools of the system.
pub const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin";

/// What a shell, `nohup`, `timeout` or a CI runner may have left ignored.
const SIGNALS: [Signal; 11] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::TERM,
    Signal::CHILD,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
];

/// How many files may be open, where the system lets it be so many: what most machines begin with.
const OPEN_FILES: u64 = 1_024;

/// A program with a home directory and nothing else in its environment.
pub fn command(program: impl AsRef<OsStr>, home: &Path) -> Command {
    prepare();
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home);
    command
}

/// The built program, likewise.
pub fn countersign(home: &Path) -> Command {
    command(crate::program(), home)
}

/// Compiles a library from a source in C, beside it, where there is a compiler; says so if not.
pub fn library(home: &Path, source: &Path) -> Option<PathBuf> {
    let library = source.with_extension("so");
    let mut compiler = command("cc", home);
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .env("PATH", PATH);
    match compiler.output() {
        Ok(output) if output.status.success() => Some(library),
        _ => {
            eprintln!("skipped: there is no C compiler");
            None
        }
    }
}

/// Puts this process right, once, so that whatever it starts begins alike everywhere.
pub fn prepare() {
    static PREPARE: Once = Once::new();
    PREPARE.call_once(|| {
        let ignored = IgnoredSignals::now();
        for signal in SIGNALS {
            let ends = Arc::new(AtomicBool::new(!ignored.holds(signal)));
            signal_hook::flag::register_conditional_default(signal.as_raw(), ends).unwrap();
        }
        umask(Mode::WGRP | Mode::WOTH);
        limit(Resource::Core, 0);
        limit(Resource::Nofile, OPEN_FILES);
        for resource in [Resource::Nproc, Resource::Fsize, Resource::Cpu] {
            limit(resource, u64::MAX);
        }
    });
}

/// Sets what holds now; what may be asked for stays.
fn limit(resource: Resource, wanted: u64) {
    let maximum = getrlimit(resource).maximum;
    let new = Rlimit {
        current: Some(wanted.min(maximum.unwrap_or(u64::MAX))).filter(|limit| *limit != u64::MAX),
        maximum,
    };
    setrlimit(resource, new).unwrap();
}
