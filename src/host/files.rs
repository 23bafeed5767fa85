//! Files: reads that never block and are bounded, writes that are complete or do not happen.
//!
//! People name the files that countersign reads, and they make mistakes: they name a directory, a pipe without a
//! writer, a symlink loop or a disk image. Each of these has its own error. Every file that countersign writes is
//! complete or does not exist.

mod durable;
mod input;
mod read;
mod recognised;
mod write;

pub use self::durable::{TEMPORARY_PREFIX, directory_of, sync_directory_of, write_through};
pub use self::input::Input;
pub use self::read::{
    ReadError, ReadErrorKind, beginning, read_at_most, read_bounded, read_bounded_into,
    read_file_bounded, read_stream_bounded,
};
pub use self::recognised::{FileKind, RecognisedFile};
pub use self::write::{
    FileMode, RemoveError, WriteError, WriteErrorKind, append, create_atomically,
    create_directories, remove, replace_atomically,
};
