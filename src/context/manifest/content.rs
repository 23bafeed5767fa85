//! What the file holds, and the bytes that it is written as.

use std::fmt;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::archive::PinnedArchive;
use super::entry::{PinnedProfile, PinnedTarget};
use super::product::PinnedProduct;
use super::version::Version;
use crate::base::finding::line_of;

/// The last revision: the largest integer that every JSON reader holds exactly (RFC 8259, section 6).
pub const MAX_REVISION: u64 = (1 << 53) - 1;

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The version of the format, which says how it is written.
    pub version: Version,
    /// Increases by one exactly when something else in the file changes.
    pub revision: u64,
    /// Every pinned profile, by UUID.
    pub profiles: Vec<PinnedProfile>,
    /// What of the projects was judged when the targets were pinned. The first version does not say it.
    pub archive: Option<PinnedArchive>,
    /// Every pinned target of every project, by (project, target, configuration, platform).
    pub targets: Vec<PinnedTarget>,
    /// Every pinned product without an Xcode project, by name. The first version holds none.
    pub products: Vec<PinnedProduct>,
}

/// The file as the first version writes it, in its order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Content", deny_unknown_fields)]
struct FirstForm<'a> {
    /// Always `countersign.manifest.v1`.
    #[schemars(extend("const" = Version::First.schema()))]
    schema: &'static str,
    /// Increases by one exactly when something else in the file changes.
    revision: u64,
    /// Every pinned profile, by UUID.
    profiles: &'a [PinnedProfile],
    /// Every target of every project, by (project, target, configuration, platform).
    targets: &'a [PinnedTarget],
}

/// The file as the second version writes it, in its order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Content", deny_unknown_fields)]
struct SecondForm<'a> {
    /// Always `countersign.manifest.v2`.
    #[schemars(extend("const" = Version::Second.schema()))]
    schema: &'static str,
    /// Increases by one exactly when something else in the file changes.
    revision: u64,
    /// Every pinned profile, by UUID.
    profiles: &'a [PinnedProfile],
    /// What of the projects was judged when the targets were pinned; null if no project was, or nobody noted it.
    archive: Option<&'a PinnedArchive>,
    /// Every pinned target of every project, by (project, target, configuration, platform).
    targets: &'a [PinnedTarget],
    /// Every pinned product without an Xcode project, by name.
    products: &'a [PinnedProduct],
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.version {
            Version::First => FirstForm {
                schema: self.version.schema(),
                revision: self.revision,
                profiles: &self.profiles,
                targets: &self.targets,
            }
            .serialize(serializer),
            Version::Second => SecondForm {
                schema: self.version.schema(),
                revision: self.revision,
                profiles: &self.profiles,
                archive: self.archive.as_ref(),
                targets: &self.targets,
                products: &self.products,
            }
            .serialize(serializer),
        }
    }
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

/// The JSON Schema (2020-12) of the manifest in a version, generated from its types.
pub fn json_schema(version: Version) -> serde_json::Value {
    match version {
        Version::First => schemars::schema_for!(FirstForm<'_>).to_value(),
        Version::Second => schemars::schema_for!(SecondForm<'_>).to_value(),
    }
}
