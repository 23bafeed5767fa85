//! The data types of SSH (RFC 4251, section 5): bytes in, parts of them out.

/// Reads one value after another. What cannot be read is `None`, and then nothing after it means anything.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Exactly `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// A byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    /// A number of four bytes.
    pub(super) fn uint32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// A string: its length, then its bytes.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.uint32()?).ok()?;
        self.bytes(length)
    }

    /// A string of text.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// A positive integer in its shortest form, without the byte that says that it is positive.
    pub(super) fn positive(&mut self) -> Option<&'a [u8]> {
        match self.string()? {
            [0, digits @ ..] if digits.first() >= Some(&0x80) => Some(digits),
            digits @ [1..=0x7f, ..] => Some(digits),
            _ => None,
        }
    }

    /// Nothing, if nothing is left.
    pub(super) fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

/// Adds a string to `bytes`.
pub(super) fn write_string(bytes: &mut Vec<u8>, string: &[u8]) {
    // What is signed here is far shorter than four gigabytes; a longer string would only make a signature that fails.
    let length = u32::try_from(string.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(string);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_where_they_say_and_nothing_is_read_beyond_the_end() {
        let bytes = [0, 0, 0, 2, b'a', b'b', 7, 0, 0, 0, 9, b'c'];
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.text(), Some("ab"));
        assert_eq!(reader.byte(), Some(7));
        assert_eq!(reader.string(), None);
        assert_eq!(Reader::new(&[0, 0, 0]).uint32(), None);
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff]).string(), None);
        assert_eq!(Reader::new(&[1]).end(), None);
        assert_eq!(Reader::new(&[]).end(), Some(()));
    }

    #[test]
    fn an_integer_has_one_form() {
        let positive = |digits: &[u8]| {
            let mut bytes = Vec::new();
            write_string(&mut bytes, digits);
            Reader::new(&bytes).positive().map(<[u8]>::to_vec)
        };
        assert_eq!(positive(&[1, 2]), Some(vec![1, 2]));
        assert_eq!(positive(&[0, 0x80]), Some(vec![0x80]));
        for other in [&[][..], &[0], &[0, 1], &[0, 0, 0x80], &[0x80], &[0xff, 1]] {
            assert_eq!(positive(other), None, "{other:?}");
        }
    }
}
