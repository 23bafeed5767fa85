//! Where the files that a project refers to lie.
//!
//! A file reference or group has a `path` relative to its `sourceTree`: `<group>` (the group that holds it),
//! `SOURCE_ROOT`, `<absolute>`, or a directory that only Xcode knows (`SDKROOT`, `BUILT_PRODUCTS_DIR`, a custom source
//! tree of one user's preferences), below which nothing can be found here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::objects::Objects;
use crate::xcode::openstep::Node;
use crate::xcode::sources::normalized;

/// How many groups may hold each other: a chain that is longer is a circle.
const MAX_GROUPS: usize = 64;

/// Resolves file references and groups to paths.
pub(super) struct Paths<'d> {
    objects: &'d Objects<'d>,
    parents: HashMap<&'d str, &'d str>,
    directory: &'d Path,
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
        }
    }

    /// The path of the file reference or group `id`; nothing if it is unknown or lies where only Xcode can look.
    pub(super) fn of(&self, id: &str) -> Option<PathBuf> {
        // Collected from the inside out, joined from the outside in.
        let mut parts: Vec<&str> = Vec::new();
        let mut id = id;
        let mut base = self.directory;
        for _ in 0..MAX_GROUPS {
            let object = self.objects.get(id)?.map;
            let path = object.text("path").unwrap_or_default();
            if !path.is_empty() {
                parts.push(path);
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
