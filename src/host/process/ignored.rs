//! Signals that the program which started us wants ignored: `nohup` ignores SIGHUP, a shell without job control SIGINT for what it
//! starts in the background. Installing a handler would undo that.
//!
//! Asking the system for the disposition of a signal is unsafe code; Linux shows it in `/proc/self/status`, elsewhere `ps`
//! does.

use rustix::process::Signal;

/// The signals that are ignored in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IgnoredSignals(u64);

impl IgnoredSignals {
    /// As the system shows them now; none if it does not.
    pub fn now() -> Self {
        Self(mask().unwrap_or(0))
    }

    /// Whether `signal` is among them.
    pub fn holds(self, signal: Signal) -> bool {
        self.0 >> signal.as_raw().saturating_sub(1) & 1 == 1
    }
}

#[cfg(target_os = "linux")]
fn mask() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let hex = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(hex.trim(), 16).ok()
}

#[cfg(not(target_os = "linux"))]
fn mask() -> Option<u64> {
    use std::time::Duration;

    use super::child::run_while;
    use super::tool::{Bounds, Tool};

    let tool = Tool::new("/bin/ps")
        .args(["-o", "sigignore=", "-p"])
        .arg(std::process::id().to_string());
    let bounds = Bounds {
        time: Duration::from_secs(5),
        output: 4_096,
    };
    let output = run_while(&tool, b"", bounds, |_| Ok(())).ok()?;
    let hex = String::from_utf8(output.stdout).ok()?;
    u64::from_str_radix(hex.trim().trim_start_matches("0x"), 16).ok()
}
