//! Reading a file from its end: the last lines of a log of gigabytes cost no more than those of a short one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::record::MAX_LINE;

/// The lines of a file before an offset, the last one first.
pub(super) struct LinesBackwards<'a> {
    file: &'a File,
    /// What was read and not handed out yet.
    block: Vec<u8>,
    /// Where the block begins in the file.
    start: u64,
    /// The end of the line that the block ends with was passed over, because the line is longer than any record.
    is_too_long: bool,
}

/// A line of a file.
pub(super) struct LineAt<'a> {
    /// Where it begins.
    pub(super) offset: u64,
    /// Its bytes without the line end; `None` if it is longer than any record.
    pub(super) line: Option<&'a [u8]>,
}

impl<'a> LinesBackwards<'a> {
    /// Those before `end`.
    pub(super) fn new(file: &'a File, end: u64) -> Self {
        Self {
            file,
            block: Vec::new(),
            start: end,
            is_too_long: false,
        }
    }

    /// Hands the next one to `look`; `None` if there is none left.
    pub(super) fn next<T>(&mut self, look: impl FnOnce(LineAt<'_>) -> T) -> io::Result<Option<T>> {
        let begin = loop {
            let line = self.block.strip_suffix(b"\n").unwrap_or(&self.block);
            if let Some(at) = line.iter().rposition(|byte| *byte == b'\n') {
                break at + 1;
            }
            if self.start == 0 {
                match self.block.is_empty() && !self.is_too_long {
                    true => return Ok(None),
                    false => break 0,
                }
            }
            if line.len() > MAX_LINE {
                self.is_too_long = true;
                self.block.clear();
            }
            self.read_more()?;
        };
        let line = self.block.get(begin..).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let is_too_long = self.is_too_long || line.len() > MAX_LINE;
        let looked = look(LineAt {
            offset: self.start + begin as u64,
            line: (!is_too_long).then_some(line),
        });
        self.block.truncate(begin);
        self.is_too_long = false;
        Ok(Some(looked))
    }

    /// Reads what comes before the block.
    fn read_more(&mut self) -> io::Result<()> {
        let length = self.start.min(MAX_LINE as u64);
        let mut block = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file.read_exact_at(&mut block, self.start - length)?;
        block.extend_from_slice(&self.block);
        self.block = block;
        self.start -= length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Offset and line of each, the last one first.
    fn backwards(bytes: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut lines = LinesBackwards::new(&file, bytes.len() as u64);
        let mut seen = Vec::new();
        while let Some(line) = lines
            .next(|at| (at.offset, at.line.map(<[u8]>::to_vec)))
            .unwrap()
        {
            seen.push(line);
        }
        seen
    }

    #[test]
    fn lines_are_those_of_reading_forwards_whatever_their_length() {
        let x = |count: usize| "x".repeat(count);
        for text in [
            String::new(),
            "\n".to_owned(),
            "a".to_owned(),
            "a\n".to_owned(),
            "a\nb".to_owned(),
            "\n\na\n\n".to_owned(),
            format!("{}\n{}\n", x(MAX_LINE), x(MAX_LINE)),
            format!("a\n{}\n", x(MAX_LINE - 1)),
            format!("a\n{}\nb\n", x(MAX_LINE + 1)),
            format!("{}\nb\n", x(5 * MAX_LINE)),
            format!("b\n{}", x(5 * MAX_LINE)),
            format!("{}{}", "line\n".repeat(50_000), x(3)),
        ] {
            let mut offset = 0;
            let mut expected = Vec::new();
            for line in text.split_inclusive('\n') {
                let bytes = line.strip_suffix('\n').unwrap_or(line).as_bytes();
                let bytes = (bytes.len() <= MAX_LINE).then(|| bytes.to_vec());
                expected.push((offset, bytes));
                offset += line.len() as u64;
            }
            expected.reverse();
            assert!(
                backwards(text.as_bytes()) == expected,
                "{} bytes",
                text.len()
            );
        }
    }
}
