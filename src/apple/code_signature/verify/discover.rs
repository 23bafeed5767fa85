//! Finds every piece of code in a product.

use std::collections::{BTreeSet, HashMap};

use super::signatures::in_product;
use super::{Item, MAX_ITEMS, Report, Unsealed};
use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::layout::{self, Form, Layout};
use crate::apple::code_signature::mach_o;
use crate::apple::code_signature::problem::Problem;
use crate::apple::code_signature::product::{self, EntryKind, Product, Tree};
use crate::apple::value::Value;
use crate::base::finding::{Code, Finding};
use crate::base::parallel;

/// Puts every piece of code into the report, what encloses another before it.
pub(super) fn items(product: &dyn Product, report: &mut Report) {
    let mut found = bundles(product, &mut report.problems);
    let mut executables: BTreeSet<&str> = BTreeSet::new();
    for layout in found.values() {
        executables.extend(layout.executable.as_deref());
    }
    let files = programs(product, &executables);
    let mut paths: Vec<String> = found.keys().cloned().chain(files).collect();
    // A path comes before those below it.
    paths.sort();
    paths.dedup();
    if paths.len() > MAX_ITEMS {
        let finding = Finding::block(
            Code::ProductUnreadable,
            "the product holds more code than is read",
        )
        .values(format!("at most {MAX_ITEMS} signed items"), paths.len())
        .hint("verify its parts one by one");
        report.problems.push(Problem::ours(finding));
        paths.truncate(MAX_ITEMS);
    }
    // The nearest piece that encloses a path, by the path of every bundle.
    let mut positions: HashMap<String, usize> = HashMap::new();
    for path in paths {
        let mut around = (!path.is_empty()).then(|| product::parent(&path));
        let mut parent = None;
        while let Some(folder) = around {
            parent = positions.get(folder).copied();
            if parent.is_some() {
                break;
            }
            around = (!folder.is_empty()).then(|| product::parent(folder));
        }
        let layout = found.remove(&path);
        let code = match &layout {
            Some(layout) => layout.executable.clone().or_else(|| layout.info.clone()),
            None => Some(path.clone()),
        };
        let problems = layout.as_ref().and_then(info_problem).into_iter().collect();
        positions.insert(path.clone(), report.items.len());
        report.items.push(Item {
            path,
            parent,
            layout,
            code,
            slices: Vec::new(),
            seal: None,
            problems,
            unsealed: Vec::new(),
            ticket: None,
            sealed_code: Vec::new(),
        });
    }
}

fn info_problem(layout: &Layout) -> Option<Problem> {
    let reason = layout.info_fault.as_ref()?;
    let finding = Finding::block(
        Code::ProductUnreadable,
        "the Info.plist of a bundle cannot be read",
    )
    .found(reason)
    .hint("build the product again with INFOPLIST_OUTPUT_FORMAT = binary");
    let mut finding = finding;
    finding.place.file.clone_from(&layout.info);
    let predicted = Predicted::new(Status::BadDictionaryFormat, "SecStaticCode::getDictionary");
    Some(Problem::both(finding, predicted))
}

/// Every bundle, by path. The versions of a framework that are not current are bundles of their own.
fn bundles(product: &dyn Product, problems: &mut Vec<Problem>) -> HashMap<String, Layout> {
    let tree = product.tree();
    let mut found = HashMap::new();
    let root = Layout::of(product, "").filter(|layout| !is_archive(tree, layout));
    found.extend(root.map(|layout| (String::new(), layout)));
    for entry in tree.entries() {
        let is_bundle = entry.kind == EntryKind::Folder
            && (layout::has_bundle_extension(product::name(&entry.path))
                || tree.is_folder(&product::join(&entry.path, "_CodeSignature")))
            && !is_inner_folder(tree, &entry.path);
        if !is_bundle {
            continue;
        }
        let layout = Layout::of(product, &entry.path);
        let Some(layout) = layout.filter(|layout| is_code(tree, layout)) else {
            continue;
        };
        if let Form::Versioned(_) = layout.form {
            let versions = product::join(&entry.path, "Versions");
            for (_, version) in tree.children(&versions) {
                if version.kind == EntryKind::Folder && *version.path != *layout.base {
                    match Layout::of_version(product, &version.path) {
                        Some(other) => drop(found.insert(version.path.to_string(), other)),
                        None => problems.push(stray_version(&version.path)),
                    }
                }
            }
        }
        found.insert(entry.path.to_string(), layout);
    }
    found
}

fn stray_version(path: &str) -> Problem {
    let finding = Finding::block(
        Code::ProductStructure,
        "a version of a framework is no bundle, so nothing seals it",
    )
    .hint("remove it, then sign the framework again");
    let predicted = Predicted::new(
        Status::BadFrameworkVersion,
        "SecStaticCode::validateOtherVersions",
    );
    Problem::both(in_product(finding, path), predicted)
}

/// How many files that nothing covers are named one by one.
const MOST_NAMED: usize = 20;

/// What lies beside the code of Xcode's archives, and is not shipped.
const BESIDE_PRODUCTS: [&str; 6] = [
    "BCSymbolMaps",
    "Info.plist",
    "SCMInfo",
    "SwiftSupport",
    "Symbols",
    "dSYMs",
];

/// Files that lie in no bundle and are no code: no signature speaks of them, and one that can be run may be what the user
/// starts.
pub(super) fn uncovered(product: &dyn Product, report: &mut Report) {
    let tree = product.tree();
    let is_archive = Layout::of(product, "").is_some_and(|layout| is_archive(tree, &layout));
    let bundles: BTreeSet<&str> = report
        .items
        .iter()
        .filter(|item| item.layout.is_some())
        .map(|item| &*item.path)
        .collect();
    let lone: BTreeSet<&str> = report.items.iter().map(|item| &*item.path).collect();
    let is_covered = |path: &str| {
        let mut folder = path;
        lone.contains(path)
            || bundles.contains("")
            || std::iter::from_fn(|| {
                folder = product::parent(folder);
                (!folder.is_empty()).then_some(folder)
            })
            .any(|folder| bundles.contains(folder))
    };
    // What an .ipa holds beside its app has been told.
    let is_told = |path: &str| {
        let first = path.split('/').next().unwrap_or_default();
        (is_archive && BESIDE_PRODUCTS.contains(&first))
            || (tree.is_folder("Payload") && first != "Payload")
    };
    let files = tree.entries().iter().filter(|entry| {
        matches!(entry.kind, EntryKind::File { .. } | EntryKind::Link { .. })
            && !is_told(&entry.path)
            && !is_covered(&entry.path)
    });
    let files: Vec<&str> = files.map(|entry| &*entry.path).collect();
    for (position, path) in files.iter().take(MOST_NAMED).enumerate() {
        let more = files.len().saturating_sub(MOST_NAMED);
        let finding = Finding::block(
            Code::ProductStructure,
            "a file lies in no bundle and is no signed program, so nothing covers it",
        )
        .hint("name the .app, .ipa, .xcarchive or program itself, or remove the file");
        let finding = match position + 1 == MOST_NAMED && more > 0 {
            true => finding.found(format!("{more} more like this")),
            false => finding,
        };
        report
            .problems
            .push(Problem::ours(in_product(finding, path)));
    }
    // Of each the name alone, because Xcode makes them, and no device installs them.
    let beside = tree.children("").filter(|(_, entry)| is_told(&entry.path));
    let beside = beside.map(|(_, entry)| Unsealed {
        path: entry.path.to_string(),
        what: "it lies beside the app; no signature covers it, and nobody installs it".to_owned(),
    });
    let beside: Vec<Unsealed> = beside.take(MOST_NAMED).collect();
    if let Some(first) = report.items.first_mut() {
        first.unsealed.extend(beside);
    }
}

/// Whether a bundle is a piece of code: it has a program, or is signed. A bundle of resources alone, as packages make them, is
/// neither, and sealed as files.
fn is_code(tree: &Tree, layout: &Layout) -> bool {
    layout.executable.is_some() || tree.is_folder(&layout.signature_folder())
}

/// Whether this is an archive of Xcode's, which is no bundle although it has an `Info.plist`: it holds the product, and debug
/// symbols that nobody signs. The key alone would let an app be taken for one.
fn is_archive(tree: &Tree, layout: &Layout) -> bool {
    if layout.form != Form::Flat
        || !tree.is_folder("Products")
        || tree.is_folder(&layout.signature_folder())
    {
        return false;
    }
    let keys = ["ArchiveVersion", "ApplicationProperties"];
    let has = |key: &&str| match &layout.dictionary {
        Some(Value::Dictionary(values)) => values.contains_key(*key),
        _ => false,
    };
    keys.iter().any(has)
}

/// Whether a folder is the inside of a bundle that is named by the folder around it.
fn is_inner_folder(tree: &Tree, path: &str) -> bool {
    let folder = product::parent(path);
    let is_version = || {
        let current = product::join(folder, "Current");
        product::name(folder) == "Versions" && tree.resolve(&current).is_some()
    };
    product::name(path) == "Contents" || is_version()
}

/// Every Mach-O file that may be signed and is not the main executable of a bundle.
fn programs(product: &dyn Product, executables: &BTreeSet<&str>) -> Vec<String> {
    let files: Vec<&str> = product
        .tree()
        .entries()
        .iter()
        .filter(|entry| matches!(entry.kind, EntryKind::File { size, .. } if size >= 28))
        .map(|entry| &*entry.path)
        .filter(|path| !executables.contains(path))
        .collect();
    let found = parallel::map(files, 64, |path| {
        is_program(product, path).then(|| path.to_owned())
    });
    found.into_iter().flatten().collect()
}

/// Whether a file is a Mach-O file of a kind that is signed; one that is damaged counts.
fn is_program(product: &dyn Product, path: &str) -> bool {
    let Ok(mut file) = product.open(path) else {
        return false;
    };
    let mut magic = [0; 4];
    let may_be = file.read_at(0, &mut magic).is_ok_and(|found| found == 4) && mach_o::may_be(magic);
    may_be && !matches!(mach_o::MachO::read(&mut *file), Ok(None))
}
