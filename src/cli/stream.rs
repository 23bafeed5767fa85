//! Standard output and standard error: a text is made whole, freed of colours where nobody sees them, and written at once.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice, adapter};

/// Where a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// Results.
    Output,
    /// Everything else.
    Error,
}

impl Stream {
    /// Writes a text for people, with colours only where they are shown.
    ///
    /// # Errors
    /// The stream is closed.
    pub(super) fn write_text(self, text: &[u8]) -> io::Result<()> {
        let choice = match self {
            Self::Output => AutoStream::choice(&io::stdout()),
            Self::Error => AutoStream::choice(&io::stderr()),
        };
        match choice {
            ColorChoice::Never => self.write(&adapter::strip_bytes(text).into_vec()),
            _ => self.write(text),
        }
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// The stream is closed.
    pub(super) fn write(self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self {
            Self::Output => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            Self::Error => io::stderr().lock().write_all(bytes),
        }
    }
}
