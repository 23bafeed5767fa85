//! They are cleared, and what the library shows of them is what the second reader reads.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use countersign::apple::code_signature::signer::SignerRole;
use countersign::apple::code_signature::verify::{Item, TicketNames};

use crate::reading::{self, Directory, hex};
use crate::{APP, EXTENSION, TOOL, codes, judged, real};

#[test]
fn an_app_with_a_system_extension_is_cleared_by_both_verdicts() {
    let Some(path) = real(APP) else { return };
    let report = judged(&path);
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    assert_eq!(report.codesign(), None);
    let paths: Vec<&str> = report.items.iter().map(|item| &*item.path).collect();
    assert_eq!(paths, ["", EXTENSION]);
    for item in &report.items {
        assert_eq!(item.slices.len(), 2, "{}", item.path);
        let signer = item.native().unwrap().signer.as_ref().unwrap();
        let proof = signer.proof.as_ref().unwrap();
        assert_eq!(proof.role(), SignerRole::DeveloperId, "{}", item.path);
        assert!(matches!(signer.timestamp, Some(Ok(_))), "{}", item.path);
    }
    // Its seal does not call the extension code: it is sealed as files and judged on its own.
    assert_eq!(report.items[0].sealed_code, [0; 0]);
    assert_eq!(report.items[1].parent, Some(0));
}

#[test]
fn a_stapled_ticket_names_the_code_and_all_code_below_it() {
    let Some(path) = real(APP) else { return };
    let report = judged(&path);
    let all = TicketNames { names: 4, of: 4 };
    assert_eq!(report.items[0].ticket, Some(all));
    assert_eq!(report.items[1].ticket, None, "it has none of its own");
}

#[test]
fn a_fat_tool_is_cleared_by_both_verdicts() {
    let Some(path) = real(TOOL) else { return };
    let report = judged(&path);
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings());
    assert_eq!(report.codesign(), None);
    assert_eq!(report.items.len(), 1);
    assert_eq!(report.items[0].slices.len(), 2);
}

#[test]
fn a_second_reader_reads_the_same_signatures() {
    let (Some(app), Some(tool)) = (real(APP), real(TOOL)) else {
        return;
    };
    for path in [app, tool] {
        let report = judged(&path);
        for item in &report.items {
            let code = item.code.as_deref().unwrap();
            let program = match path.is_dir() {
                true => path.join(code),
                false => path.clone(),
            };
            let file = fs::read(&program).unwrap();
            let second: Vec<Directory> = reading::slices(&file)
                .into_iter()
                .map(|slice| slice.directory)
                .collect();
            assert_eq!(directories(item), second, "{}", program.display());
            same_seal(item, &path);
        }
    }
}

/// What the library has of each slice, in the words of the second reader.
fn directories(item: &Item) -> Vec<Directory> {
    let of_slice = |slice: &countersign::apple::code_signature::verify::SignedSlice| {
        let signature = slice.sound_signature().unwrap();
        assert_eq!(signature.directories().len(), 1);
        let best = signature.best().unwrap();
        let components: BTreeMap<u32, String> = (1..=best.special_slots)
            .filter_map(|slot| Some((slot, hex(best.special(slot)?))))
            .collect();
        Directory {
            cdhash: hex(&best.cdhash()),
            identifier: best.identifier.clone(),
            team: best.team.clone().unwrap(),
            version: best.version,
            flags: best.flags.0,
            code_slots: best.code_slots,
            special_slots: best.special_slots,
            page_size: usize::try_from(best.page_size().unwrap()).unwrap(),
            code_limit: usize::try_from(best.code_limit).unwrap(),
            components,
        }
    };
    item.slices.iter().map(of_slice).collect()
}

fn same_seal(item: &Item, product: &Path) {
    let Some(seal) = &item.seal else {
        return assert!(product.is_file(), "{}", item.path);
    };
    let base = &item.layout.as_ref().unwrap().base;
    let file = product.join(base).join("_CodeSignature/CodeResources");
    let (files, rules) = reading::sealed(&fs::read(file).unwrap());
    assert_eq!(
        (seal.version, seal.seals.len()),
        (2, files),
        "{}",
        item.path
    );
    assert_eq!(seal.rules.len(), rules, "{}", item.path);
}
