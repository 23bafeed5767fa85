//! The bundle id that an Info.plist says, for targets whose settings say none.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::place::WordLines;
use crate::apple::value::Value;
use crate::xcode::property_list;
use crate::xcode::sources::{SourceError, Sources, normalized};

/// The key of the bundle id.
const KEY: &str = "CFBundleIdentifier";

/// What an Info.plist says, unexpanded.
#[derive(Debug, Clone)]
pub(super) struct WrittenBundleId {
    pub(super) text: Arc<str>,
    pub(super) file: Arc<Path>,
    pub(super) line: u64,
}

/// Info.plists as they were read, so that one that many targets share is read once.
pub(super) struct InfoPlists<'s> {
    sources: &'s dyn Sources,
    read: HashMap<PathBuf, Result<Option<WrittenBundleId>, SourceError>>,
}

impl<'s> InfoPlists<'s> {
    pub(super) fn new(sources: &'s dyn Sources) -> Self {
        Self {
            sources,
            read: HashMap::new(),
        }
    }

    /// The bundle id that the file at `path` says; none if it cannot be read or says none.
    ///
    /// # Errors
    /// Project files may not reach the file.
    pub(super) fn bundle_id(
        &mut self,
        path: &Path,
    ) -> Result<Option<WrittenBundleId>, SourceError> {
        let path = normalized(path);
        if let Some(known) = self.read.get(&path) {
            return known.clone();
        }
        let written = read(&path, self.sources);
        self.read.insert(path, written.clone());
        written
    }
}

fn read(path: &Path, sources: &dyn Sources) -> Result<Option<WrittenBundleId>, SourceError> {
    match sources.read_info_plist(path) {
        Ok(bytes) => Ok(written(path, &bytes)),
        Err(problem) if problem.is_out_of_reach() => Err(problem),
        Err(_) => Ok(None),
    }
}

fn written(path: &Path, bytes: &[u8]) -> Option<WrittenBundleId> {
    Some(WrittenBundleId {
        text: written_bundle_id(bytes)?.into(),
        file: path.into(),
        line: WordLines::of(bytes).line(KEY),
    })
}

/// The bundle id that the bytes of an Info.plist say, unexpanded; none if they say none.
pub fn written_bundle_id(bytes: &[u8]) -> Option<String> {
    let Ok(Value::Dictionary(values)) = property_list::read(bytes) else {
        return None;
    };
    Some(values.get(KEY)?.as_str()?.to_owned())
}
