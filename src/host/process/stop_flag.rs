//! Whether somebody asked this process to stop: for work that must be tidied up before the process ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;

use super::ignored::IgnoredSignals;

/// Set by SIGINT, SIGTERM or SIGHUP, which then end nothing by themselves. The default is one that nothing sets.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// From now on the three do not end this process. Those that were ignored when it started stay ignored.
    ///
    /// # Errors
    /// The system refuses.
    pub fn watch() -> io::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let ignored = IgnoredSignals::now();
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            if !ignored.holds(signal) {
                signal_hook::flag::register(signal.as_raw(), Arc::clone(&flag))?;
            }
        }
        Ok(Self(flag))
    }

    /// Whether one of them came.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
