//! Where the files that a project refers to lie.
//!
//! A file reference or group has a `path` relative to its `sourceTree`: `<group>` (the group that holds it),
//! `SOURCE_ROOT`, `<absolute>`, or a directory that only Xcode knows (`SDKROOT`, `BUILT_PRODUCTS_DIR`, a custom source
//! tree of one user's preferences), below which nothing can be found here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::objects::Objects;
use crate::xcode::openstep::Node;
use crate::xcode::sources::normalized;

/// How many groups may hold each other: a chain that is longer is a circle.
const MAX_GROUPS: usize = 64;

/// The longest path that a file can have, in bytes: `PATH_MAX` of Linux; macOS allows a quarter of it.
const MAX_PATH: usize = 4096;

/// Resolves file references and groups to paths, each once.
pub(super) struct Paths<'d> {
    objects: &'d Objects<'d>,
    parents: HashMap<&'d str, &'d str>,
    directory: &'d Path,
    resolved: RefCell<HashMap<&'d str, Option<Arc<Path>>>>,
}

impl<'d> Paths<'d> {
    pub(super) fn new(objects: &'d Objects<'d>, directory: &'d Path) -> Self {
        let mut parents = HashMap::new();
        for (id, object) in objects.iter() {
            for child in object.map.list("children") {
                if let Some(child) = Node::as_text(child) {
                    parents.insert(child, id);
                }
            }
        }
        Self {
            objects,
            parents,
            directory,
            resolved: RefCell::new(HashMap::new()),
        }
    }

    /// The path of the file reference or group `id`; nothing if it is unknown, lies where only Xcode can look, or is
    /// longer than any file's.
    pub(super) fn of(&self, id: &'d str) -> Option<Arc<Path>> {
        let mut resolved = self.resolved.borrow_mut();
        let path = resolved
            .entry(id)
            .or_insert_with(|| self.resolve(id).and_then(bounded).map(Into::into));
        path.clone()
    }

    fn resolve(&self, id: &str) -> Option<PathBuf> {
        // Collected from the inside out, joined from the outside in.
        let mut parts: Vec<&str> = Vec::new();
        let mut length = 0;
        let mut id = id;
        let mut base = self.directory;
        for _ in 0..MAX_GROUPS {
            let object = self.objects.get(id)?.map;
            let path = object.text("path").unwrap_or_default();
            if !path.is_empty() {
                parts.push(path);
            }
            length += path.len();
            if length > MAX_PATH {
                return None;
            }
            if Path::new(path).is_absolute() {
                base = Path::new("/");
                break;
            }
            match object.text("sourceTree").unwrap_or("<group>") {
                "<group>" => {}
                "SOURCE_ROOT" | "<absolute>" => break,
                _ => return None,
            }
            // The main group has no parent: it starts at `SRCROOT`.
            match self.parents.get(id) {
                Some(parent) => id = parent,
                None => break,
            }
        }
        let mut out = base.to_path_buf();
        out.extend(parts.iter().rev());
        Some(normalized(&out))
    }
}

/// `path`, unless it is longer than any file's: one long path that many objects name would fill the memory.
pub(super) fn bounded(path: PathBuf) -> Option<PathBuf> {
    (path.as_os_str().len() <= MAX_PATH).then_some(path)
}
