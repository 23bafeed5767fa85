//! Files: reading that never blocks or runs out of bounds, writing that is never half done.
//!
//! Everything countersign reads was named by somebody: a directory instead of a file, a pipe without a writer, a symlink
//! loop or a disk image by mistake are normal events, and each gets an error that says which it was and what to do.
//! Everything it writes is complete or not there.
//!
//! - [`input`] holds [`Input`]: a file or standard input
//! - [`read`] holds [`read_bounded`] and [`read_stream_bounded`]
//! - [`mod@write`] holds [`replace_atomically`], [`append`], [`create_directories`] and [`remove`]

pub mod input;
pub mod read;
pub mod write;

pub use self::input::Input;
pub use self::read::{ReadError, ReadErrorKind, read_bounded, read_stream_bounded};
pub use self::write::{
    FileMode, RemoveError, WriteError, WriteErrorKind, append, create_directories, remove,
    replace_atomically,
};
