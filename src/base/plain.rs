//! Plain text: what may be shown to a person, whoever wrote it.
//!
//! Names of files, targets and profiles come from people whom nobody here trusts, and reports show them. A terminal acts
//! on control characters (C0, DEL and C1 of ISO 6429): it moves its cursor, changes its title, hides text. Viewers and
//! terminals turn the order of a text round where it holds bidirectional controls (Unicode Standard Annex #9), so that a
//! reviewer reads something else than is written. Some end a line at U+2028 and U+2029. None of these *active* characters
//! has a place in a report. Here is the one list of them: reports for people replace them ([`plain`]), and JSON escapes them
//! ([`Escaped`]), so that a program still gets the name as it is.

use std::io::{self, Write};

/// Stands where an active character stood.
pub const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Whether somebody who shows `c` may act on it instead: control characters, bidirectional controls, separators of lines and
/// paragraphs.
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// `text` on one line and without active characters; [`REPLACEMENT`] stands for each.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if is_active(c) { REPLACEMENT } else { c })
        .collect()
}

/// A writer of JSON text that writes active characters as `\u` and four hex digits. JSON lets every character of a string be
/// written so (RFC 8259, section 7), and none of these can stand outside of a string but the line end.
///
/// Serializers hand strings over in whole characters; bytes that are none are refused.
#[derive(Debug)]
pub struct Escaped<W>(pub W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        // Below DEL, the serializer has escaped what stands in strings.
        if json.iter().all(|byte| *byte < 0x7f) {
            self.0.write_all(json)?;
            return Ok(json.len());
        }
        let text = std::str::from_utf8(json).map_err(io::Error::other)?;
        let mut escaped = String::with_capacity(json.len());
        for c in text.chars() {
            match c >= '\u{7f}' && is_active(c) {
                true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
                false => escaped.push(c),
            }
        }
        self.0.write_all(escaped.as_bytes())?;
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVE: &str = "\u{7f}\u{80}\u{9b}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
                          \u{2066}\u{2067}\u{2068}\u{2069}";

    #[test]
    fn what_a_terminal_acts_on_is_replaced_and_the_rest_stays() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{7}\nc\0"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}"
        );
        assert_eq!(plain(ACTIVE), "\u{fffd}".repeat(17));
        // Letters of every direction, and what joins them, are text.
        for text in ["שלום", "مرحبا", "👩\u{200d}🚀", "é", "\u{a0}", ""] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn json_is_the_same_value_without_active_characters() {
        let value =
            serde_json::json!({ "é\u{1b}": [format!("a{ACTIVE}\0\n"), "👩\u{200d}🚀"], "n": 1 });
        let mut json = Vec::new();
        serde_json::to_writer_pretty(Escaped(&mut json), &value).unwrap();
        let text = String::from_utf8(json).unwrap();
        assert!(!text.contains(|c| is_active(c) && c != '\n'), "{text:?}");
        assert!(
            text.contains("\\u007f\\u0080\\u009b\\u061c\\u200e"),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
