//! What the file holds, and the bytes that it is written as.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::entry::{PinnedProfile, PinnedTarget};

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

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory cannot fail, and every type in here serializes.
        self.write(&mut bytes).unwrap_or_default();
        bytes
    }
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
