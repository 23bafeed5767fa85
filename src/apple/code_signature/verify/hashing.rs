//! Hashes every file once, with all that is asked of it.
//!
//! A seal asks for the hash of a whole file, a CodeDirectory for the hashes of its pages; in flat bundles both are asked of one
//! program, by several seals. Everything is collected first, then each file is read from its beginning to its end, and each
//! piece of it goes into every hash that wants it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{ByPath, Item};
use crate::apple::code_signature::code_resources::SealKind;
use crate::apple::code_signature::hash_type::{HashType, Hasher};
use crate::apple::code_signature::product::{self, EntryKind, Product, ReadError};
use crate::base::parallel;

/// How many bytes are read together.
const CHUNK: usize = 256 * 1024;

/// How many wrong pages are named one by one.
const MOST_NAMED: usize = 8;

/// The hashes of a product's files.
#[derive(Debug, Default)]
pub(super) struct Digests {
    files: ByPath<FileDigests>,
}

/// What was computed of one file.
#[derive(Debug, Default)]
pub(super) struct FileDigests {
    whole: BTreeMap<HashType, Vec<u8>>,
    pages: Vec<(Directory, WrongPages)>,
    fault: Option<ReadError>,
}

/// A CodeDirectory: the positions of its item, slice and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Directory {
    item: usize,
    slice: usize,
    directory: usize,
}

/// The pages that are not as the CodeDirectory says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WrongPages {
    /// The first of them, from 0.
    pub(super) first: Vec<u32>,
    /// How many there are.
    pub(super) count: u32,
}

impl Digests {
    /// The hash of a whole file, or why there is none.
    pub(super) fn whole(&self, path: &str, kind: HashType) -> Result<&[u8], &str> {
        let Some(file) = self.files.get(path) else {
            return Err("it was not read");
        };
        match (&file.fault, file.whole.get(&kind)) {
            (Some(fault), _) => Err(&fault.reason),
            (None, Some(hash)) => Ok(hash),
            (None, None) => Err("it was not read"),
        }
    }

    /// Those of the code of one piece.
    pub(super) fn of_item(
        &self,
        product: &dyn Product,
        items: &[Item],
        item: usize,
    ) -> ItemDigests<'_> {
        let code = items.get(item).and_then(|item| item.code.as_deref());
        let path = code.map(|code| {
            product
                .tree()
                .resolve(code)
                .unwrap_or_else(|| code.to_owned())
        });
        ItemDigests {
            file: path.and_then(|path| self.files.get(&path)),
            item,
        }
    }
}

/// What was computed of the code of one piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct ItemDigests<'a> {
    file: Option<&'a FileDigests>,
    item: usize,
}

impl<'a> ItemDigests<'a> {
    /// The wrong pages of a CodeDirectory of a slice, or why they are not known.
    pub(super) fn pages(&self, slice: usize, directory: usize) -> Result<&'a WrongPages, &'a str> {
        let file = self.file.ok_or("it was not read")?;
        if let Some(fault) = &file.fault {
            return Err(&fault.reason);
        }
        let wanted = Directory {
            item: self.item,
            slice,
            directory,
        };
        let mut pages = file.pages.iter();
        let found = pages.find(|(found, _)| *found == wanted);
        found.map(|(_, wrong)| wrong).ok_or("it was not read")
    }
}

/// What is asked of one file.
#[derive(Debug, Default)]
struct Demand<'a> {
    size: u64,
    whole: Vec<HashType>,
    pages: Vec<PageDemand<'a>>,
}

#[derive(Debug)]
struct PageDemand<'a> {
    directory: Directory,
    /// Where the code lies in the file.
    code: Range<u64>,
    of: &'a crate::apple::code_signature::code_directory::CodeDirectory,
}

/// Hashes all that the items ask for.
pub(super) fn run(product: &dyn Product, items: &[Item]) -> Digests {
    let mut demands: ByPath<Demand<'_>> = BTreeMap::new();
    for (position, item) in items.iter().enumerate() {
        demand_pages(product, position, item, &mut demands);
        demand_whole(product, item, &mut demands);
    }
    let mut demands: Vec<(String, Demand<'_>)> = demands.into_iter().collect();
    // The largest first, so that no core is left alone with one at the end.
    demands.sort_by_key(|(_, demand)| std::cmp::Reverse(demand.size));
    let found = parallel::map_with(
        demands,
        1,
        || vec![0; CHUNK],
        |buffer, (path, demand)| {
            let digests = hash(product, &path, demand, buffer);
            (path, digests)
        },
    );
    Digests {
        files: found.into_iter().collect(),
    }
}

fn demand_pages<'a>(
    product: &dyn Product,
    position: usize,
    item: &'a Item,
    demands: &mut ByPath<Demand<'a>>,
) {
    let Some(code) = &item.code else {
        return;
    };
    let path = product.tree().resolve(code).unwrap_or_else(|| code.clone());
    for (slice_position, slice) in item.slices.iter().enumerate() {
        let Some(signature) = slice.sound_signature() else {
            continue;
        };
        let start = slice.slice.as_ref().map_or(0, |slice| slice.place.start);
        for (directory, of) in signature.directories().iter().enumerate() {
            let demand = demand_of(product, &path, demands);
            demand.pages.push(PageDemand {
                directory: Directory {
                    item: position,
                    slice: slice_position,
                    directory,
                },
                code: start..start.saturating_add(of.code_limit),
                of,
            });
        }
    }
}

/// The files that the seal of an item names are hashed with each hash type of its CodeDirectories.
fn demand_whole<'a>(product: &dyn Product, item: &'a Item, demands: &mut ByPath<Demand<'a>>) {
    let (Some(layout), Some(seal)) = (&item.layout, &item.seal) else {
        return;
    };
    let kinds = hash_types(item);
    for (path, sealed) in &seal.seals {
        let SealKind::File(_) = sealed.kind else {
            continue;
        };
        let path = product::join(&layout.base, path);
        if product.tree().is_file(&path) {
            let demand = demand_of(product, &path, demands);
            for kind in &kinds {
                if !demand.whole.contains(kind) {
                    demand.whole.push(*kind);
                }
            }
        }
    }
}

/// The hash types of an item's CodeDirectories, over all of its slices.
pub(super) fn hash_types(item: &Item) -> Vec<HashType> {
    let mut kinds: Vec<HashType> = item
        .slices
        .iter()
        .filter_map(super::SignedSlice::sound_signature)
        .flat_map(|signature| signature.directories())
        .map(|directory| directory.hash_type)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn demand_of<'d, 'a>(
    product: &dyn Product,
    path: &str,
    demands: &'d mut ByPath<Demand<'a>>,
) -> &'d mut Demand<'a> {
    demands.entry(path.to_owned()).or_insert_with(|| {
        let entry = product.tree().get(path);
        let size = entry.map_or(0, |entry| match entry.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        });
        Demand {
            size,
            ..Demand::default()
        }
    })
}

fn hash(product: &dyn Product, path: &str, demand: Demand<'_>, buffer: &mut [u8]) -> FileDigests {
    let mut whole: Vec<(HashType, Hasher)> = demand
        .whole
        .iter()
        .map(|kind| (*kind, Hasher::new(*kind)))
        .collect();
    let mut pages: Vec<Pages<'_>> = demand.pages.iter().map(Pages::new).collect();
    let read = each_chunk(product, path, &demand, buffer, &mut |offset, bytes| {
        for (_, hasher) in &mut whole {
            hasher.update(bytes);
        }
        for pages in &mut pages {
            pages.take(offset, bytes);
        }
    });
    FileDigests {
        whole: whole
            .into_iter()
            .map(|(kind, hasher)| (kind, hasher.finish()))
            .collect(),
        pages: pages.into_iter().map(Pages::finish).collect(),
        fault: read.err(),
    }
}

/// Gives each piece of what is wanted of a file, in order.
fn each_chunk(
    product: &dyn Product,
    path: &str,
    demand: &Demand<'_>,
    buffer: &mut [u8],
    each: &mut dyn FnMut(u64, &[u8]),
) -> Result<(), ReadError> {
    let mut file = product.open(path)?;
    let size = file.size();
    let mut ranges: Vec<Range<u64>> = demand
        .pages
        .iter()
        .map(|pages| pages.code.clone())
        .collect();
    if !demand.whole.is_empty() {
        ranges.push(0..size);
    }
    ranges.sort_by_key(|range| range.start);
    let mut at = 0;
    for range in ranges {
        at = range.start.max(at);
        let end = range.end.min(size);
        while at < end {
            let length = usize::try_from(end - at)
                .unwrap_or(buffer.len())
                .min(buffer.len());
            let chunk = buffer.get_mut(..length).unwrap_or_default();
            let found = file.read_at(at, chunk)?;
            if found == 0 {
                return Err(ReadError {
                    reason: "it became shorter while it was read".to_owned(),
                });
            }
            each(at, chunk.get(..found).unwrap_or_default());
            at += u64::try_from(found).unwrap_or(u64::MAX);
        }
    }
    Ok(())
}

/// Compares the pages of one CodeDirectory as they come.
struct Pages<'a> {
    demand: &'a PageDemand<'a>,
    hasher: Hasher,
    /// The page that is being hashed, and how many bytes of it are missing.
    page: u32,
    left: u64,
    /// Where the next byte lies that is wanted.
    at: u64,
    wrong: WrongPages,
}

impl<'a> Pages<'a> {
    fn new(demand: &'a PageDemand<'a>) -> Self {
        let mut pages = Self {
            demand,
            hasher: Hasher::new(demand.of.hash_type),
            page: 0,
            left: 0,
            at: demand.code.start,
            wrong: WrongPages::default(),
        };
        pages.left = pages.page_length();
        pages
    }

    /// The length of the page that begins here.
    fn page_length(&self) -> u64 {
        let rest = self.demand.code.end.saturating_sub(self.at);
        self.demand.of.page_size().unwrap_or(rest).min(rest)
    }

    fn take(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        while self.left > 0 && (offset..end).contains(&self.at) {
            let start = usize::try_from(self.at - offset).unwrap_or(usize::MAX);
            let rest = bytes.get(start..).unwrap_or_default();
            let length = usize::try_from(self.left)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            self.hasher.update(rest.get(..length).unwrap_or_default());
            let taken = u64::try_from(length).unwrap_or(u64::MAX);
            self.at += taken;
            self.left -= taken;
            if self.left == 0 {
                self.end_page();
                self.left = self.page_length();
            }
        }
    }

    fn end_page(&mut self) {
        let hasher = std::mem::replace(&mut self.hasher, Hasher::new(self.demand.of.hash_type));
        let found = hasher.finish();
        if self.demand.of.page(self.page) != Some(&*found) {
            if self.wrong.first.len() < MOST_NAMED {
                self.wrong.first.push(self.page);
            }
            self.wrong.count += 1;
        }
        self.page = self.page.saturating_add(1);
    }

    /// Pages that never came are wrong too.
    fn finish(mut self) -> (Directory, WrongPages) {
        let missing = self.demand.of.code_slots.saturating_sub(self.page);
        if missing > 0 && self.wrong.first.len() < MOST_NAMED {
            self.wrong.first.push(self.page);
        }
        self.wrong.count = self.wrong.count.saturating_add(missing);
        (self.demand.directory, self.wrong)
    }
}
