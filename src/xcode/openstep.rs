//! The property-list dialect of `project.pbxproj`, read in one pass with positions.
//!
//! Project files are OpenStep ("ASCII") property lists: `{ key = value; }`, `( a, b, )`, quoted or bare strings,
//! `<0fbd77>` data, C comments. The `plist` crate reads them too, but it keeps no positions and takes `<<<<<<< HEAD`
//! for data, so that a project in the middle of a merge looks like a smaller, valid one. Here every key and value
//! has a byte offset, and a merge-conflict marker at the start of a line is an error that names the line.
//!
//! Strings borrow from the text unless they hold escapes. Nesting and size are bounded. Projects that were stored in
//! the XML format (`plutil -convert xml1`, old gems) are read as well, without positions.
//!
//! What it does not do: write, or keep comments. The grammar is that of CoreFoundation's `CFOldStylePList.c`, without
//! its `.strings` shorthand (`key;`).

mod conflict;
mod document;
mod error;
mod next_step;
mod reader;
mod xml;

pub use document::{Document, Entry, Kind, Map, Node};
pub use error::{MAX_DEPTH, MAX_VALUES, Problem, ReadError};

pub(crate) use conflict::conflict_marker;
pub(crate) use xml::{is_xml, xml_value};

use document::{Lines, NOWHERE};
use reader::Reader;

/// Reads a property list in the OpenStep dialect, or in XML if it begins as XML does.
///
/// # Errors
/// [`ReadError`], with the line; merge-conflict markers and truncation among them.
pub fn read(text: &str) -> Result<Document<'_>, ReadError> {
    if u32::try_from(text.len()).map_or(true, |length| length == NOWHERE) {
        return Err(ReadError {
            line: 1,
            offset: 0,
            problem: Problem::TooLarge,
        });
    }
    if is_xml(text) {
        return xml_value(text).map(|value| Document {
            root: xml::from_value(value),
            lines: Lines::none(),
        });
    }
    Ok(Document {
        root: Reader::new(text).whole()?,
        lines: Lines::of_text(text),
    })
}

#[cfg(test)]
mod tests;
