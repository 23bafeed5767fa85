//! What the file holds, and the bytes that it is written as.

use std::fmt;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::entry::{PinnedProfile, PinnedTarget};
use crate::base::finding::line_of;

/// The `schema` word of the version that this program writes and reads.
pub const SCHEMA: &str = "countersign.manifest.v1";

/// The last revision: the largest integer that every JSON reader holds exactly (RFC 8259, section 6).
pub const MAX_REVISION: u64 = (1 << 53) - 1;

/// What the file holds, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Content {
    /// Always `countersign.manifest.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// Increases by one exactly when something else in the file changes.
    pub revision: u64,
    /// Every pinned profile, by UUID.
    pub profiles: Vec<PinnedProfile>,
    /// Every target of every project, by (project, target, configuration, platform).
    pub targets: Vec<PinnedTarget>,
}

impl Content {
    /// Writes the file: two-space JSON, keys in schema order, a final newline.
    ///
    /// # Errors
    /// `out` fails.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut out, self)?;
        out.write_all(b"\n")
    }

    /// Whether `bytes` are what [`Content::write`] writes, without holding a second copy of them.
    pub fn equals_bytes(&self, bytes: &[u8]) -> bool {
        let mut comparison = Comparison { rest: bytes };
        self.write(&mut comparison).is_ok() && comparison.rest.is_empty()
    }

    /// Where `bytes` first differ from what [`Content::write`] writes, if they do.
    pub fn first_difference(&self, bytes: &[u8]) -> Option<Difference> {
        if self.equals_bytes(bytes) {
            return None;
        }
        let frozen = self.to_bytes();
        let both = frozen.iter().zip(bytes);
        let same = both.take_while(|(one, other)| one == other).count();
        let before = bytes.get(..same).unwrap_or_default();
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        Some(Difference {
            line: usize::try_from(line_of(bytes, same)).unwrap_or(usize::MAX),
            column: same - line_start + 1,
            frozen: excerpt(&frozen, line_start, same),
            found: excerpt(bytes, line_start, same),
        })
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory cannot fail, and every type in here serializes.
        self.write(&mut bytes).unwrap_or_default();
        bytes
    }
}

/// The first place at which bytes are not what freezing writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// From 1.
    pub line: usize,
    /// In bytes, from 1.
    pub column: usize,
    /// What freezing writes there, shortened; empty at the end of the file.
    pub frozen: String,
    /// What stands there, likewise.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| match text {
            "" => "nothing".to_owned(),
            text => format!("{text:?}"),
        };
        write!(
            f,
            "line {}, column {}: freezing writes {} here, but this file has {}",
            self.line,
            self.column,
            quoted(&self.frozen),
            quoted(&self.found)
        )
    }
}

/// How much of a line is shown before and behind the place where it differs.
const SHOWN: usize = 40;

/// What stands around `at`, on the line that begins at `line_start`; its end too, if that is what differs.
fn excerpt(bytes: &[u8], line_start: usize, at: usize) -> String {
    let before = bytes.get(line_start.max(at.saturating_sub(SHOWN))..at);
    let behind = bytes.get(at..).unwrap_or_default();
    let line_end = behind
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(behind.len());
    let behind = behind.get(..line_end.clamp(1, SHOWN)).unwrap_or(behind);
    let around = [before.unwrap_or_default(), behind].concat();
    String::from_utf8_lossy(&around).into_owned()
}

/// Swallows what is written as long as it equals what is expected.
struct Comparison<'a> {
    rest: &'a [u8],
}

impl Write for Comparison<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        match self.rest.strip_prefix(written) {
            Some(rest) => {
                self.rest = rest;
                Ok(written.len())
            }
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The JSON Schema (2020-12) of the manifest, generated from its types.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Content).to_value()
}
