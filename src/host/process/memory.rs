//! The memory of this process, which holds passwords.

use std::io;

/// No memory of this process may end up in a file or be read by another process of the same user.
///
/// # Errors
/// The system does not allow it.
pub fn protect_memory() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // The soft limit alone: a command that wants core files of its own may raise it again.
    let limit = getrlimit(Resource::Core);
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            ..limit
        },
    )?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
