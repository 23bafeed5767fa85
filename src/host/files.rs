//! Files: reading that never blocks or runs out of bounds, writing that is never half done.
//!
//! Everything countersign reads was named by somebody: a directory instead of a file, a pipe without a writer, a symlink
//! loop or a disk image by mistake are normal events, and each has an error of its own. Everything it writes is complete or
//! not there.

mod durable;
mod input;
mod read;
mod write;

pub use self::durable::{TEMPORARY_PREFIX, directory_of, sync_directory_of, write_through};
pub use self::input::Input;
pub use self::read::{ReadError, ReadErrorKind, read_at_most, read_bounded, read_stream_bounded};
pub use self::write::{
    FileMode, RemoveError, WriteError, WriteErrorKind, append, create_directories, remove,
    replace_atomically,
};
