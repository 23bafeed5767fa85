//! The objects of a project by their ids.

use std::collections::HashMap;

use crate::xcode::openstep::{Entry, Map};

/// One object: its kind, its place, its keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'d> {
    pub(super) isa: &'d str,
    pub(super) at: u32,
    pub(super) map: &'d Map<'d>,
}

/// All objects of a project.
pub(super) struct Objects<'d> {
    all: &'d Map<'d>,
    by_id: HashMap<&'d str, Object<'d>>,
}

impl<'d> Objects<'d> {
    /// Indexes `objects`. What is no dictionary is no object. Of two with one id the second counts, as for Xcode, and
    /// `repeated` is told of it.
    pub(super) fn index(objects: &'d Map<'d>, mut repeated: impl FnMut(&'d Entry<'d>)) -> Self {
        let mut by_id = HashMap::with_capacity(objects.entries().len());
        for entry in objects.entries() {
            let Some(map) = entry.value.as_map() else {
                continue;
            };
            let object = Object {
                isa: map.text("isa").unwrap_or_default(),
                at: entry.at,
                map,
            };
            if by_id.insert(entry.key.as_ref(), object).is_some() {
                repeated(entry);
            }
        }
        Self {
            all: objects,
            by_id,
        }
    }

    /// The object with this id.
    pub(super) fn get(&self, id: &str) -> Option<Object<'d>> {
        self.by_id.get(id).copied()
    }

    /// Every object with its id, in the order of the file.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'d str, Object<'d>)> + '_ {
        self.all.entries().iter().filter_map(|entry| {
            let map = entry.value.as_map()?;
            let (id, object) = self.by_id.get_key_value(entry.key.as_ref())?;
            std::ptr::eq(object.map, map).then_some((*id, *object))
        })
    }
}
