//! Stragglers elsewhere: processes of this user with the run's id in their environment, as `ps` tells. They are named and
//! not ended: between two looks a number may become another's, and nothing here holds a process fast.

use std::io;
use std::time::Duration;

use super::Straggler;
use crate::host::process::child::run_while;
use crate::host::process::lstart;
use crate::host::process::tool::{Bounds, Tool};

/// Nothing is adopted here.
///
/// # Errors
/// None.
pub(in crate::host) fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

/// Nothing was adopted.
pub(in crate::host) fn reap_orphans(_known: &[u32]) {}

/// Finds the processes of `run`, but for the `known` children.
pub(in crate::host) fn settle(
    known: &[u32],
    run: &str,
    _ends: bool,
    _patience: Duration,
) -> Vec<Straggler> {
    let tool = Tool::new("/bin/ps")
        .args(["-xwwE", "-o", "pid=,lstart=,command="])
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    let bounds = Bounds {
        time: Duration::from_secs(5),
        output: 16 << 20,
    };
    let output = run_while(&tool, b"", bounds, |_| Ok(()));
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let mark = format!("COUNTERSIGN_RUN_ID={run}");
    String::from_utf8_lossy(&text)
        .lines()
        .filter(|row| row.split_ascii_whitespace().any(|word| word == mark))
        .filter_map(parse)
        .filter(|found| {
            !known
                .iter()
                .any(|id| i32::try_from(*id) == Ok(found.process))
        })
        .collect()
}

/// `  501 Fri Nov 21 04:02:01 2025 /bin/sleep 600 …`
fn parse(row: &str) -> Option<Straggler> {
    let mut fields = row.split_ascii_whitespace();
    let process = fields.next()?.parse().ok()?;
    let started = lstart::take(&mut fields)?;
    let program = fields.next()?;
    Some(Straggler {
        process,
        name: program.rsplit('/').next().unwrap_or(program).to_owned(),
        started,
        ended: false,
    })
}
