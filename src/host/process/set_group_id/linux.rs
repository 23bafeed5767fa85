//! Giving the group up on Linux, where each thread has its own.

use std::fs;
use std::io;

use rustix::process::Gid;
use rustix::thread::set_thread_res_gid;

use crate::host::process::memory::protect_memory;

pub(super) fn drop_group(real: Gid) -> io::Result<()> {
    // The system call is about the calling thread alone; another one would keep the group.
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("the process has threads already"));
    }
    set_thread_res_gid(real, real, real)?;
    // The change of the group made the process as dumpable as `fs.suid_dumpable` says.
    protect_memory()?;
    let status = fs::read_to_string("/proc/self/status")?;
    match groups(&status) {
        Some(groups) if groups == [real.as_raw(); 4] => Ok(()),
        _ => Err(io::Error::other(
            "the process still has the group of its program",
        )),
    }
}

/// The real, effective, saved and file system group in `/proc/self/status`.
fn groups(status: &str) -> Option<[u32; 4]> {
    let line = status.lines().find_map(|line| line.strip_prefix("Gid:"))?;
    let numbers: Result<Vec<u32>, _> = line.split_ascii_whitespace().map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_the_process_is_read() {
        let status = "Name:\tx\nUid:\t1\t1\t1\t1\nGid:\t1000\t990\t990\t990\nGroups:\t\n";
        assert_eq!(groups(status), Some([1_000, 990, 990, 990]));
        for bad in ["", "Gid:\t1\t2\t3\n", "Gid:\t1\t2\t3\tx\n", "Gid:\n"] {
            assert_eq!(groups(bad), None, "{bad:?}");
        }
        let own = groups(&fs::read_to_string("/proc/self/status").unwrap()).unwrap();
        assert_eq!(own[0], rustix::process::getgid().as_raw());
        assert_eq!(own[1], rustix::process::getegid().as_raw());
    }

    #[test]
    fn a_process_with_threads_is_refused() {
        let here = std::thread::spawn(|| drop_group(rustix::process::getgid()));
        let error = here.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("threads"), "{error}");
    }
}
