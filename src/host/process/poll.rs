//! Waiting for descriptors to become ready.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;

/// Polls, and takes an interruption by a signal for a wake-up. Says how many are ready.
///
/// The system refuses to poll more descriptors than this process may have open (poll(2), EINVAL), and anybody of this user can
/// lower that number while descriptors are open. Then this pauses and knows of none that is ready: who must go on reads
/// without [blocking](do_not_block).
pub(in crate::host) fn wait_for(
    watched: &mut [PollFd<'_>],
    time: Duration,
) -> Result<usize, Errno> {
    let time = Timespec::try_from(time).unwrap_or(Timespec {
        tv_sec: 3_600,
        tv_nsec: 0,
    });
    match poll(watched, Some(&time)) {
        Ok(ready) => Ok(ready),
        Err(Errno::INTR) => Ok(0),
        Err(Errno::INVAL) => {
            std::thread::sleep(Duration::try_from(time).unwrap_or_default().min(PAUSE));
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

/// Waits until `watched` is ready, whatever signals come meanwhile. Says whether it is.
pub(in crate::host) fn is_ready_within(
    mut watched: PollFd<'_>,
    time: Duration,
) -> Result<bool, Errno> {
    let start = Instant::now();
    loop {
        let left = time.saturating_sub(start.elapsed());
        if wait_for(std::slice::from_mut(&mut watched), left)? > 0 {
            return Ok(true);
        }
        if start.elapsed() >= time {
            return Ok(false);
        }
    }
}

/// How long is paused where nothing can be polled.
const PAUSE: Duration = Duration::from_millis(10);

/// Makes reads and writes of our end of a pipe return instead of waiting.
pub(in crate::host) fn do_not_block(pipe: &impl AsFd) -> Result<(), Errno> {
    rustix::io::ioctl_fionbio(pipe, true)
}
