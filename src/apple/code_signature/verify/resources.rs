//! Holds the files of a bundle against its seal (`validateResources`).
//!
//! It goes through the files, asks the rules about each, and compares it with its seal; what is left over of the seal must be
//! optional. Folders that a rule calls nested are code of their own: of them the seal says a requirement.

use std::collections::HashSet;

use super::hashing::{self, Digests};
use super::judgement::Judgement;
use super::nested;
use super::signatures::in_product;
use super::{Item, SignedSlice, links, position_of};
use crate::apple::code_signature::code_resources::{CodeResources, Seal, SealKind};
use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::hash_type::HashType;
use crate::apple::code_signature::layout::Layout;
use crate::apple::code_signature::path_rules::{self, Rule};
use crate::apple::code_signature::problem::Problem;
use crate::apple::code_signature::product::{self, Entry, EntryKind, Product};
use crate::apple::code_signature::slot;
use crate::base::digest::hex;
use crate::base::finding::{Code, Finding};

/// Where older signatures let `CodeResources` lead (`CODERESOURCES_LINK`, bundlediskrep.cpp).
const LINK_TO_SEAL: &str = "_CodeSignature/CodeResources";

const READ_AGAIN: &str =
    "export or copy the product again, and verify it as a user who may read all of it";

const SIGN_AGAIN: &str = "build the product again, and change nothing in it after it is signed";

/// Judges the files of a bundle.
pub(super) fn judge(
    product: &dyn Product,
    items: &[Item],
    position: usize,
    digests: &Digests,
    judgement: &mut Judgement<'_>,
) {
    let Some(item) = items.get(position) else {
        return;
    };
    let Some(layout) = &item.layout else {
        return;
    };
    let Some(seal) = &item.seal else {
        missing_seal(product, item, layout, judgement);
        return;
    };
    weakness(layout, seal, judgement);
    let mut scan = Scan {
        product,
        items,
        item,
        layout,
        seal,
        digests,
        kinds: hashing::hash_types(item),
        visited: HashSet::new(),
    };
    scan.run(judgement);
    scan.left_over(judgement);
}

/// A signature that speaks of a seal, and none that can be read; or files, and no seal over them.
fn missing_seal(
    product: &dyn Product,
    item: &Item,
    layout: &Layout,
    judgement: &mut Judgement<'_>,
) {
    let path = layout.code_resources();
    // A seal that cannot be read, or that is missing although it was signed, has been told.
    let is_promised = item
        .slices
        .iter()
        .filter_map(SignedSlice::sound_signature)
        .flat_map(|signature| signature.directories())
        .any(|directory| directory.special(slot::RESOURCES).is_some());
    if product.tree().is_file(&path) || is_promised {
        return;
    }
    let finding = Finding::block(
        Code::ResourceSealMissing,
        "the signature of this bundle does not seal its files",
    )
    .expected("_CodeSignature/CodeResources")
    .hint("sign the bundle, not its program alone");
    let predicted = Predicted::new(Status::ResourcesNotFound, "SecStaticCode::loadResources");
    let folder = if item.path.is_empty() {
        "."
    } else {
        &item.path
    };
    judgement
        .problems
        .push(Problem::both(in_product(finding, folder), predicted));
}

fn weakness(layout: &Layout, seal: &CodeResources, judgement: &mut Judgement<'_>) {
    let path = layout.code_resources();
    if let Some(what) = seal.weak_rule() {
        let finding = Finding::block(
            Code::ResourceRulesWeak,
            "the rules of the seal leave out what must be sealed",
        )
        .found(what)
        .hint("sign the bundle with the default rules: without CODE_SIGN_RESOURCE_RULES_PATH");
        let predicted = Predicted::new(
            Status::WeakResourceRules,
            "SecStaticCode::hasWeakResourceRules",
        );
        judgement
            .problems
            .push(Problem::both(in_product(finding, &path), predicted));
    }
    if let Some(rule) = seal.lenient_rule() {
        let finding = Finding::block(
            Code::ResourceRulesWeak,
            "a rule of the seal lets files be taken out that are no localization",
        )
        .found(rule)
        .hint("sign the bundle with the default rules: without CODE_SIGN_RESOURCE_RULES_PATH");
        judgement
            .problems
            .push(Problem::ours(in_product(finding, &path)));
    }
    if seal.version == 1 {
        let finding = Finding::block(
            Code::ResourceSealOld,
            "the seal is of the first version, which covers neither links nor nested code",
        )
        .values("files2 and rules2", "files and rules alone")
        .hint("sign the bundle with a codesign of today");
        let predicted = Predicted::new(
            Status::WeakResourceEnvelope,
            "SecStaticCode::validateResources",
        );
        judgement
            .problems
            .push(Problem::both(in_product(finding, &path), predicted));
    }
}

/// One walk through the files of a bundle.
struct Scan<'a> {
    product: &'a dyn Product,
    items: &'a [Item],
    item: &'a Item,
    layout: &'a Layout,
    seal: &'a CodeResources,
    digests: &'a Digests,
    /// The hash types that a seal must have.
    kinds: Vec<HashType>,
    /// The paths that were compared with their seal.
    visited: HashSet<&'a str>,
}

impl<'a> Scan<'a> {
    fn run(&mut self, judgement: &mut Judgement<'_>) {
        let base = self.layout.base.clone();
        let mut skipped: Option<&str> = None;
        for entry in self.product.tree().below(&base) {
            if let Some(folder) = skipped {
                if product::is_below(&entry.path, folder) {
                    continue;
                }
                skipped = None;
            }
            let Some(path) = product::relative(&entry.path, &base) else {
                continue;
            };
            if self.is_excluded(entry, path) {
                if entry.kind == EntryKind::Folder {
                    skipped = Some(&entry.path);
                }
                self.tell_excluded(entry, path, judgement);
                continue;
            }
            let rule = path_rules::choose(&self.seal.rules, path);
            match &entry.kind {
                EntryKind::Folder => {
                    if rule.is_some_and(|rule| rule.flags.nested)
                        && product::name(path).contains('.')
                    {
                        skipped = Some(&entry.path);
                        self.compare(entry, path, judgement);
                    }
                }
                EntryKind::File { .. } | EntryKind::Link { .. } => {
                    self.file_or_link(entry, path, rule, judgement);
                }
                // Told already.
                EntryKind::Special(_) | EntryKind::Unreadable(_) => {}
            }
        }
    }

    /// What Apple's verifier leaves out whatever the rules say (`adjustResources`).
    fn is_excluded(&self, entry: &Entry, path: &str) -> bool {
        matches!(path, "_CodeSignature" | "CodeResources" | "_MASReceipt")
            || self.layout.executable.as_deref() == Some(&*entry.path)
    }

    fn tell_excluded(&self, entry: &Entry, path: &str, judgement: &mut Judgement<'_>) {
        match path {
            "CodeResources" => {
                let what = self.code_resources(entry, judgement);
                judgement.unsealed.push(&entry.path, what);
            }
            "_MASReceipt" => self.receipt(entry, judgement),
            // It is told there what does not belong into it; and its own signature covers the program.
            _ => {}
        }
    }

    /// What lies where a ticket is stapled, and where older signatures had a link to the seal.
    fn code_resources(&self, entry: &Entry, judgement: &mut Judgement<'_>) -> &'static str {
        let (message, what) = match &entry.kind {
            EntryKind::Link { target } if &**target == LINK_TO_SEAL => {
                return "a link of older signatures; no signature covers it";
            }
            EntryKind::Link { .. } => (
                "a link has the name of the seal, and does not lead to it",
                "a link that does not lead to the seal; no signature covers it",
            ),
            _ if self.item.ticket.is_some() => {
                return "the stapled ticket; no signature covers it, and it has one of its own";
            }
            _ => (
                "a file has the name of a stapled ticket, and is none",
                "it has the name of a ticket and is none; no signature covers it",
            ),
        };
        let mut finding = Finding::block(Code::ProductStructure, message)
            .hint("remove it; no signature covers it");
        if let EntryKind::Link { target } = &entry.kind {
            finding = finding.values(LINK_TO_SEAL, target);
        }
        let finding = in_product(finding, &entry.path);
        judgement.problems.push(Problem::ours(finding));
        what
    }

    /// Everything in the folder of the store's receipt, which no rule is asked about.
    fn receipt(&self, folder: &Entry, judgement: &mut Judgement<'_>) {
        let below = self.product.tree().below(&folder.path).iter();
        for entry in std::iter::once(folder).chain(below) {
            let what = match product::relative(&entry.path, &folder.path) {
                _ if entry.kind == EntryKind::Folder => continue,
                Some("receipt") => "the receipt of the store; no signature covers it",
                _ => "it lies in _MASReceipt, which no seal covers",
            };
            judgement.unsealed.push(&entry.path, what);
        }
    }

    fn file_or_link(
        &mut self,
        entry: &'a Entry,
        path: &'a str,
        rule: Option<&Rule>,
        judgement: &mut Judgement<'_>,
    ) {
        if matches!(entry.kind, EntryKind::Link { .. })
            && product::name(path).eq_ignore_ascii_case(".DS_Store")
        {
            let finding = Finding::block(
                Code::ResourceKindChanged,
                "a .DS_Store is a link, which rules leave out",
            )
            .values("a file", "a link")
            .hint("remove it");
            let predicted = Predicted::new(Status::DsStoreLink, "ResourceBuilder::scan");
            judgement
                .problems
                .push(Problem::both(in_product(finding, &entry.path), predicted));
            return;
        }
        match rule {
            Some(rule) if !rule.flags.omit => {
                self.compare(entry, path, judgement);
                self.optional_without_rule(entry, path, rule, judgement);
            }
            rule => self.tell_unsealed(entry, path, rule, judgement),
        }
    }

    /// A file that the rules leave out.
    fn tell_unsealed(
        &self,
        entry: &Entry,
        path: &str,
        rule: Option<&Rule>,
        judgement: &mut Judgement<'_>,
    ) {
        // A special slot covers it.
        if self.layout.info.as_deref() == Some(&*entry.path) {
            return;
        }
        let why = match rule {
            Some(rule) => format!("the rule {:?} leaves it out of the seal", rule.pattern),
            None => "no rule of the seal is about it".to_owned(),
        };
        if position_of(self.items, &entry.path).is_some() {
            let finding = Finding::block(
                Code::ResourceAdded,
                "a program lies where the seal does not cover it",
            )
            .found(&why)
            .hint("sign the bundle with the default rules, or remove the program");
            judgement
                .problems
                .push(Problem::ours(in_product(finding, &entry.path)));
        }
        let is_expected = matches!(path, "PkgInfo") || product::name(path) == ".DS_Store";
        let what = if is_expected {
            format!("{why}, as Apple's own rules do")
        } else {
            why
        };
        judgement.unsealed.push(&entry.path, &what);
    }

    /// An entry that may be missing although its rule does not say so was edited into the seal before it was signed.
    fn optional_without_rule(
        &self,
        entry: &Entry,
        path: &str,
        rule: &Rule,
        judgement: &mut Judgement<'_>,
    ) {
        let seal = self.seal.seals.get(path);
        if seal.is_some_and(|seal| seal.optional) && !rule.flags.optional {
            let finding = Finding::block(
                Code::ResourceRulesWeak,
                "the seal lets a file be taken out, and no rule says so",
            )
            .hint(SIGN_AGAIN);
            judgement
                .problems
                .push(Problem::ours(in_product(finding, &entry.path)));
        }
    }

    fn compare(&mut self, entry: &'a Entry, path: &'a str, judgement: &mut Judgement<'_>) {
        self.visited.insert(path);
        let Some(seal) = self.seal.seals.get(path) else {
            self.added(entry, judgement);
            return;
        };
        let found = match &entry.kind {
            EntryKind::Link { .. } => "a link",
            EntryKind::Folder => "a folder",
            _ => "a file",
        };
        match (&seal.kind, &entry.kind) {
            (SealKind::Malformed, _) => {
                let finding = Finding::block(
                    Code::ResourceSealUnreadable,
                    "the seal of a file cannot be read",
                )
                .hint(SIGN_AGAIN);
                let predicted =
                    Predicted::new(Status::ResourcesInvalid, "ResourceSeal::ResourceSeal");
                judgement
                    .problems
                    .push(Problem::both(in_product(finding, &entry.path), predicted));
            }
            (SealKind::File(hashes), EntryKind::File { .. }) => self.file(entry, hashes, judgement),
            (SealKind::Link(sealed), EntryKind::Link { target }) => {
                let around = links::Around {
                    product: self.product,
                    items: self.items,
                    item: self.item,
                };
                judgement
                    .problems
                    .extend(links::problem(&around, &entry.path, sealed, target));
            }
            (
                SealKind::Nested {
                    requirement,
                    cdhash,
                },
                EntryKind::Folder | EntryKind::File { .. },
            ) => {
                nested::judge(self.items, entry, requirement, cdhash.as_deref(), judgement);
            }
            (sealed, _) => {
                let finding = Finding::block(
                    Code::ResourceKindChanged,
                    "something else lies where a file was sealed",
                )
                .values(sealed.name(), found)
                .hint(SIGN_AGAIN);
                let predicted =
                    Predicted::new(Status::BadResource, "SecStaticCode::validateResource");
                judgement
                    .problems
                    .push(Problem::both(in_product(finding, &entry.path), predicted));
            }
        }
    }

    fn added(&self, entry: &Entry, judgement: &mut Judgement<'_>) {
        let finding = Finding::block(
            Code::ResourceAdded,
            "a file was added after the bundle was signed",
        )
        .hint(SIGN_AGAIN);
        // The first version says nothing of links.
        let is_seen = self.seal.version > 1 || !matches!(entry.kind, EntryKind::Link { .. });
        judgement.problems.push(Problem {
            finding: in_product(finding, &entry.path),
            codesign: is_seen.then_some(Predicted::new(
                Status::BadResource,
                "SecStaticCode::validateResource",
            )),
        });
    }

    /// Each hash type of the CodeDirectories must be in the seal, and be that of the file.
    fn file(&self, entry: &Entry, hashes: &[(HashType, Box<[u8]>)], judgement: &mut Judgement<'_>) {
        let predicted = Predicted::new(Status::BadResource, "SecStaticCode::validateResource");
        for kind in &self.kinds {
            let sealed = hashes.iter().find(|(sealed, _)| sealed == kind);
            let finding = match (sealed, self.digests.whole(&entry.path, *kind)) {
                (Some((_, sealed)), Ok(found)) if **sealed == *found => continue,
                (Some((_, sealed)), Ok(found)) => Finding::block(
                    Code::ResourceChanged,
                    "a file was changed after the bundle was signed",
                )
                .values(
                    format!("{kind} {}", hex(sealed)),
                    format!("{kind} {}", hex(found)),
                )
                .hint(SIGN_AGAIN),
                (Some(_), Err(reason)) => Finding::block(
                    Code::ProductUnreadable,
                    "a file of the bundle cannot be read",
                )
                .found(reason)
                .hint(READ_AGAIN),
                (None, _) => {
                    let has: Vec<String> =
                        hashes.iter().map(|(kind, _)| kind.to_string()).collect();
                    Finding::block(
                        Code::ResourceChanged,
                        "the seal of a file lacks a hash of the kind that the signature has",
                    )
                    .values(kind, has.join(", "))
                    .hint(SIGN_AGAIN)
                }
            };
            judgement
                .problems
                .push(Problem::both(in_product(finding, &entry.path), predicted));
            return;
        }
    }

    /// What the seal names and the walk did not come upon.
    fn left_over(&self, judgement: &mut Judgement<'_>) {
        let mut left: Vec<(&str, &Seal)> = self
            .seal
            .seals
            .iter()
            .map(|(path, seal)| (&**path, seal))
            .filter(|(path, _)| !self.visited.contains(path))
            .collect();
        left.sort_unstable_by_key(|(path, _)| *path);
        for (path, seal) in left {
            let predicted = (!seal.optional).then_some(Predicted::new(
                Status::BadResource,
                "SecStaticCode::checkOptionalResource",
            ));
            let climbs = path.starts_with('/')
                || path.split('/').any(|name| matches!(name, "" | "." | ".."));
            let (code, message) = if climbs {
                (
                    Code::ResourcePathOutside,
                    "the seal names a path outside of the bundle",
                )
            } else if self
                .product
                .tree()
                .get(&product::join(&self.layout.base, path))
                .is_some()
            {
                // It is there, and the rules leave it out: a file that looks sealed and is not.
                (
                    Code::ResourceMissing,
                    "the seal names a file that its rules leave out",
                )
            } else if seal.optional
                && path_rules::choose(&self.seal.rules, path)
                    .is_some_and(|rule| rule.flags.optional)
            {
                continue;
            } else {
                (Code::ResourceMissing, "a file that was sealed is missing")
            };
            let finding = Finding::block(code, message).hint(SIGN_AGAIN);
            let path = match climbs {
                true => path.to_owned(),
                false => product::join(&self.layout.base, path),
            };
            judgement.problems.push(Problem {
                finding: in_product(finding, &path),
                codesign: predicted,
            });
        }
    }
}
