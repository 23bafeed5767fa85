//! The unlock window: how long a keychain may be open, and who closes it.
//!
//! An [`UnlockWindow`] is an open keychain whose closing is certain: a journal is on the disk, a watchdog is armed, and
//! dropping the value closes. Opening takes an [`OpenPermit`](super::permit::OpenPermit). A [`Job`] starts only
//! in a window.
//!
//! ```compile_fail,E0061
//! // No job without a window.
//! # use countersign::host::window::{Job, JobCommand};
//! fn start(command: &JobCommand) {
//!     let job = Job::start(command);
//! }
//! ```

mod closing;
mod guard;
mod job;
mod unlock;

pub(in crate::host) use self::closing::{OF_TOOLS, STRAGGLERS, Unprepared, close};
pub(in crate::host) use self::guard::Guard;
pub use self::job::{Job, JobCommand};
pub use self::unlock::UnlockWindow;
