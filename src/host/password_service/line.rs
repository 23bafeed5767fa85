//! Lines of JSON on a socket, within bounds.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The longest line, in bytes. The longest password fits, with each of its characters escaped.
pub(super) const MAX_LINE: usize = 32 << 10;

/// Writes `message` as a line. It fits into the buffer of a socket, so that nobody waits for a reader.
///
/// # Errors
/// It is too long, or the other end is gone or does not read.
pub(super) fn write(mut stream: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE + BUFFER));
    serde_json::to_writer(&mut *line, message)?;
    if line.len() >= MAX_LINE {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    line.push(b'\n');
    stream.write_all(&line)
}

/// Waits for a line, not longer than `patience`, and reads it. Nothing may follow it.
///
/// # Errors
/// The other end is gone, says something else, or too much, or nothing.
pub(super) fn read<T: DeserializeOwned>(
    mut stream: &UnixStream,
    patience: Duration,
) -> io::Result<T> {
    let begin = Instant::now();
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE + BUFFER));
    loop {
        let left = patience.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let mut buffer = Zeroizing::new([0; BUFFER]);
        match stream.read(&mut *buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => line.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
        if let Some(message) = parse(&line)? {
            return Ok(message);
        }
    }
}

/// The message in `bytes`; `None` if its line is not whole yet.
///
/// # Errors
/// It is no such message, is too long, or something follows it.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<Option<T>> {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if end + 1 == bytes.len() => {
            let line = bytes.get(..end).unwrap_or_default();
            // An error of the parser may quote what it read.
            let message = serde_json::from_slice(line);
            message.map(Some).map_err(|_| invalid())
        }
        Some(_) => Err(invalid()),
        None if bytes.len() >= MAX_LINE => Err(invalid()),
        None => Ok(None),
    }
}

/// How much is read at a time.
const BUFFER: usize = 4_096;

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "unexpected message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whole_and_nothing_may_follow_it() {
        assert_eq!(parse::<u8>(b"7").unwrap(), None);
        assert_eq!(parse::<u8>(b"7\n").unwrap(), Some(7));
        for bad in [&b"7\n8"[..], b"7\n\n", b"x\n", b"\n", &[b'7'; MAX_LINE]] {
            assert!(parse::<u8>(bad).is_err());
        }
    }

    #[test]
    fn nobody_waits_for_ever_and_an_error_quotes_nothing() {
        let (here, there) = UnixStream::pair().unwrap();
        let error = read::<u8>(&here, Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        write(&there, &"hunter2").unwrap();
        let error = read::<u8>(&here, Duration::from_secs(60)).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        drop(there);
        let error = read::<u8>(&here, Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn the_longest_password_fits_into_a_line_and_more_does_not() {
        let (here, there) = UnixStream::pair().unwrap();
        let longest = "\u{1}".repeat(crate::host::secret_source::MAX_BYTES);
        write(&there, &longest).unwrap();
        let read: String = read(&here, Duration::from_secs(60)).unwrap();
        assert!(read == longest);
        assert!(write(&there, &"x".repeat(MAX_LINE)).is_err());
    }
}
