//! The ending of processes that may not want to end: they are asked, and after some time ended.
//!
//! It needs no thread: whoever has something else to do meanwhile drives it on now and then.

use std::time::{Duration, Instant};

use rustix::process::Signal;

/// Processes that are being ended.
pub struct Ending<'a> {
    began: Instant,
    patience: Duration,
    is_over: bool,
    signal: Box<dyn Fn(Signal) + 'a>,
    may_be_there: Box<dyn Fn() -> bool + 'a>,
}

impl<'a> Ending<'a> {
    /// Asks them, by `signal`. Where `may_be_there` says no, there is nothing left to do.
    pub(in crate::host) fn begin(
        patience: Duration,
        signal: Box<dyn Fn(Signal) + 'a>,
        may_be_there: Box<dyn Fn() -> bool + 'a>,
    ) -> Self {
        signal(Signal::TERM);
        // Whoever is stopped cannot do what it is asked.
        signal(Signal::CONT);
        Self {
            began: Instant::now(),
            patience,
            is_over: false,
            signal,
            may_be_there,
        }
    }

    /// Looks how far it is. Says whether it is over.
    pub fn drive(&mut self) -> bool {
        if !self.is_over {
            let is_late = self.began.elapsed() >= self.patience;
            if is_late {
                (self.signal)(Signal::KILL);
            }
            self.is_over = is_late || !(self.may_be_there)();
        }
        self.is_over
    }

    /// Waits until it is over.
    pub fn finish(mut self) {
        while !self.drive() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
