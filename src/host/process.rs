//! The only place that starts processes.
//!
//! Every tool runs in the same way: with an absolute path, a list of arguments that no shell reads, an environment
//! that is built and not inherited, a limit of time and of output, and its own process group. So a tool that hangs is
//! ended together with everything that it started, and a Ctrl-C on the terminal does not stop `security` in the
//! middle of locking.
//!
//! Secrets reach a tool through its standard input only: arguments and environments are readable by every process of
//! the same user. So [`Tool`] may print its arguments in errors.
//!
//! Children that are not tools are the command that a person asked us to run (`window::Job`) and the watchdog. A
//! [`KnownProcess`] and a [`ProcessGroup`] can be recognised by a process that did not start them; [`end_orphans`] ends
//! tools whose starter was killed. [`Background`] is a tool that runs beside us, and can be killed as a test of what then happens.

mod background;
mod child;
mod ending;
mod error;
mod exit;
mod find;
mod group;
mod ignored;
mod known;
#[cfg(not(target_os = "linux"))]
mod lstart;
mod memory;
mod orphan;
mod poll;
mod run;
mod set_group_id;
mod standby;
mod started;
#[cfg(target_os = "linux")]
mod stat;
mod stop_flag;
mod stragglers;
mod tool;

pub use self::background::{Background, Waited};
pub(in crate::host) use self::child::{has_ended_or_stopped, peek_exit};
pub use self::child::{keep_exit_statuses, start, survive_file_limit};
pub use self::ending::Ending;
pub use self::error::ProcessError;
pub use self::exit::Exit;
pub use self::find::find_program;
pub use self::group::ProcessGroup;
pub use self::ignored::IgnoredSignals;
pub use self::known::{KnownProcess, Presence};
pub use self::memory::protect_memory;
pub use self::orphan::end_orphans;
pub(in crate::host) use self::poll::{do_not_block, is_ready_within, wait_for};
pub use self::run::run;
pub use self::set_group_id::{drop_set_group_id, has_set_group_id};
pub use self::standby::Standby;
pub use self::started::boot_id;
pub use self::stop_flag::StopFlag;
pub use self::stragglers::Straggler;
pub(in crate::host) use self::stragglers::{adopt_orphans, reap_orphans, settle};
pub use self::tool::{Bounds, Output, Tool};
