//! Standard output and standard error: a text is made whole, freed of colours where nobody sees them, and written at once.
//!
//! This is the last place that a text for people passes, so nothing active passes it ([`crate::base::plain`]): what it says
//! was made plain where it was put together, and here whatever was forgotten there is replaced. The line end and our own
//! colours remain.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice, adapter};

use crate::base::plain::{REPLACEMENT, is_active};

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
        let text = inactive(&String::from_utf8_lossy(text));
        match choice {
            ColorChoice::Never => self.write(&adapter::strip_bytes(text.as_bytes()).into_vec()),
            _ => self.write(text.as_bytes()),
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

/// The parameters of the styles in which this program writes: reset, bold, dimmed, underlined, four colours. A text that hides
/// itself (8) or asks for any other is not ours.
const OURS: [&str; 8] = ["0", "1", "2", "4", "31", "32", "33", "36"];

/// Line ends, and the tabs between the cells of a piped table: no terminal does more with these than move on. Those of names were
/// replaced where the text was put together.
const OURS_BESIDE: [char; 2] = ['\n', '\t'];

/// `text` with line ends, tabs and our own styles, and nothing else that is active.
fn inactive(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, found)) = rest
        .find(|c| is_active(c) && !OURS_BESIDE.contains(&c))
        .and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(before);
        match own_style(found).and_then(|length| found.split_at_checked(length)) {
            Some((style, after)) => {
                out.push_str(style);
                rest = after;
            }
            None => {
                out.push(REPLACEMENT);
                let mut characters = found.chars();
                characters.next();
                rest = characters.as_str();
            }
        }
    }
    out + rest
}

/// The length of the style that `text` begins with, if it is one of ours.
fn own_style(text: &str) -> Option<usize> {
    let (parameter, _) = text.strip_prefix("\u{1b}[")?.split_once('m')?;
    OURS.contains(&parameter)
        .then_some("\u{1b}[m".len() + parameter.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Severity;
    use crate::cli::report::{FAINT, GOOD, STRONG, style};

    #[test]
    fn our_own_styles_and_line_ends_pass() {
        let styles = [Severity::Block, Severity::Warn, Severity::Info].map(style);
        for style in styles.into_iter().chain([FAINT, GOOD, STRONG]) {
            let text = format!("{style}a{style:#}\nb\n");
            assert!(text.contains('\u{1b}'));
            assert_eq!(inactive(&text), text);
        }
    }

    #[test]
    fn nothing_else_that_is_active_passes() {
        assert_eq!(
            inactive("a\u{1b}[8mb\u{1b}]0;t\u{7}c\u{9b}1md\re\tf\u{202e}g\u{1b}"),
            "a\u{fffd}[8mb\u{fffd}]0;t\u{fffd}c\u{fffd}1md\u{fffd}e\tf\u{fffd}g\u{fffd}"
        );
        assert_eq!(inactive("\u{1b}[1"), "\u{fffd}[1");
        assert_eq!(inactive("\u{1b}[1;8mx"), "\u{fffd}[1;8mx");
    }
}
