//! SIGINT, SIGTERM, SIGHUP and SIGCHLD as something that can be waited for.
//!
//! Each has a socket pair that its handler writes a byte into; `poll` wakes up on it, and nothing of ours ever runs in a
//! handler.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;

use crate::host::process::IgnoredSignals;

/// The signals that came.
pub(super) struct Signals {
    passed_on: Vec<(Signal, UnixStream)>,
    child: UnixStream,
}

impl Signals {
    /// From now on the three do not end this process. Those that were ignored when it started stay ignored.
    pub(super) fn new() -> io::Result<Self> {
        let ignored = IgnoredSignals::now();
        let mut passed_on = Vec::new();
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            if ignored.holds(signal) {
                continue;
            }
            passed_on.push((signal, pipe_of(signal)?));
        }
        Ok(Self {
            passed_on,
            child: pipe_of(Signal::CHILD)?,
        })
    }

    /// The next signal that is to be passed on, if one came.
    pub(super) fn next(&mut self) -> Option<Signal> {
        let mut bytes = [0; 64];
        let _ = self.child.read(&mut bytes);
        self.passed_on
            .iter_mut()
            .find_map(|(signal, pipe)| match pipe.read(&mut bytes) {
                Ok(count) if count > 0 => Some(*signal),
                _ => None,
            })
    }

    /// What `poll` waits for.
    pub(super) fn watched(&self) -> Vec<PollFd<'_>> {
        self.passed_on
            .iter()
            .map(|(_, pipe)| pipe)
            .chain([&self.child])
            .map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN))
            .collect()
    }
}

fn pipe_of(signal: Signal) -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(signal.as_raw(), write)?;
    Ok(read)
}
