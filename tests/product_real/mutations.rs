//! Every kind of damage to a real app is refused, with its own code.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use support::copy_folder;

use crate::reading::{self, Slice};
use crate::{APP, EXTENSION, codes, judged, real};

const PROGRAM: &str = "Contents/MacOS/Mitmproxy Redirector";

fn extension(path: &str) -> String {
    format!("{EXTENSION}/Contents/{path}")
}

fn extension_program() -> String {
    extension("MacOS/org.mitmproxy.macos-redirector.network-extension")
}

/// Breaks a copy of the app; the codes that block then.
fn broken(change: impl FnOnce(&Path)) -> Option<Vec<&'static str>> {
    let app = real(APP)?;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(APP);
    copy_folder(&app, &copy);
    change(&copy);
    Some(codes(&judged(&copy)))
}

/// Turns one bit of a file.
fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn slices(file: &str) -> Option<Vec<Slice>> {
    Some(reading::slices(&fs::read(real(APP)?.join(file)).unwrap()))
}

/// The app is refused with exactly these codes when one bit of a file turns.
fn refused_when_flipped(file: &str, at: usize, expected: &[&str]) {
    let found = broken(|app| flip(&app.join(file), at)).unwrap();
    assert_eq!(found, expected, "{file} at {at}");
}

#[test]
fn the_copy_that_nobody_broke_is_cleared() {
    let Some(found) = broken(|_| {}) else { return };
    assert_eq!(found, [""; 0]);
}

/// A byte of a page that no reader of the file needs: the last one, or what is reserved in the header, which begins the first page.
fn byte_of(slice: &Slice, page: usize) -> usize {
    let directory = &slice.directory;
    let end = ((page + 1) * directory.page_size).min(directory.code_limit);
    slice.start + if page == 0 { 28 } else { end - 1 }
}

#[test]
fn a_byte_of_any_page_is_refused() {
    for (file, expected) in [
        (PROGRAM.to_owned(), &["code-page-changed"][..]),
        // The app seals the extension's program as a file.
        (
            extension_program(),
            &["code-page-changed", "resource-changed"],
        ),
    ] {
        let Some(slices) = slices(&file) else { return };
        for slice in slices {
            let last = slice.directory.code_slots as usize - 1;
            for page in [0, last / 3, last / 2, last - 1, last] {
                refused_when_flipped(&file, byte_of(&slice, page), expected);
            }
        }
    }
}

#[test]
fn every_page_that_changed_is_counted() {
    let Some(slices) = slices(PROGRAM) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(APP);
    copy_folder(&real(APP).unwrap(), &copy);
    let mut bytes = fs::read(copy.join(PROGRAM)).unwrap();
    for slice in &slices {
        for page in 0..slice.directory.code_slots as usize {
            bytes[byte_of(slice, page)] ^= 1;
        }
    }
    fs::write(copy.join(PROGRAM), bytes).unwrap();
    let findings = judged(&copy).findings();
    for slice in &slices {
        let pages = slice.directory.code_slots.to_string();
        let told = findings
            .iter()
            .any(|finding| format!("{finding:?}").contains(&pages));
        assert!(told, "{pages} pages: {findings:?}");
    }
}

#[test]
fn a_byte_of_any_component_of_a_signature_is_refused() {
    for (file, sealed) in [(PROGRAM.to_owned(), false), (extension_program(), true)] {
        let Some(slices) = slices(&file) else { return };
        for slice in slices {
            for (slot, (at, length)) in &slice.blobs {
                // The CodeDirectory is what the message signs.
                let expected = match slot {
                    0 | 0x1_0000 => "code-signature-invalid",
                    _ => "code-component-changed",
                };
                let found = broken(|app| flip(&app.join(&file), at + length - 1)).unwrap();
                assert!(
                    found.contains(&expected),
                    "slot {slot} of {file}: {found:?}"
                );
                assert_eq!(
                    found.contains(&"resource-changed"),
                    sealed,
                    "slot {slot} of {file}"
                );
            }
        }
    }
}

#[test]
fn what_special_slots_are_over_is_refused_when_changed() {
    let seal = "_CodeSignature/CodeResources";
    let in_app = |name: &str| format!("Contents/{name}");
    for (file, expected) in [
        (in_app("Info.plist"), &["code-component-changed"][..]),
        (in_app(seal), &["code-component-changed"]),
        (
            extension("Info.plist"),
            &["code-component-changed", "resource-changed"],
        ),
        (
            extension(seal),
            &["code-component-changed", "resource-changed"],
        ),
    ] {
        let found = broken(|app| append(&app.join(&file), b"\n"));
        let Some(found) = found else { return };
        assert_eq!(found, expected, "{file}");
    }
}

fn append(file: &Path, more: &[u8]) {
    let mut bytes = fs::read(file).unwrap();
    bytes.extend(more);
    fs::write(file, bytes).unwrap();
}

/// What the seals of the app name as files, beside programs and what has a slot of its own.
fn resources() -> Vec<String> {
    vec![
        "Contents/embedded.provisionprofile".to_owned(),
        "Contents/Resources/Assets.car".to_owned(),
        "Contents/Resources/AppIcon.icns".to_owned(),
        extension("embedded.provisionprofile"),
    ]
}

#[test]
fn a_byte_of_any_resource_is_refused() {
    for file in resources() {
        let Some(app) = real(APP) else { return };
        let length = fs::metadata(app.join(&file)).unwrap().len() as usize;
        for at in [0, length / 2, length - 1] {
            refused_when_flipped(&file, at, &["resource-changed"]);
        }
    }
}

#[test]
fn a_removed_file_is_refused() {
    for file in resources() {
        let found = broken(|app| fs::remove_file(app.join(&file)).unwrap());
        let Some(found) = found else { return };
        assert_eq!(found, ["resource-missing"], "{file}");
    }
}

#[test]
fn a_renamed_file_is_refused() {
    for file in resources() {
        let found = broken(|app| {
            fs::rename(app.join(&file), app.join(format!("{file}.old"))).unwrap();
        });
        let Some(found) = found else { return };
        assert_eq!(found, ["resource-added", "resource-missing"], "{file}");
    }
}

#[test]
fn a_file_that_became_a_link_is_refused() {
    for file in resources() {
        let found = broken(|app| {
            let moved = PathBuf::from(format!("{file}.old"));
            fs::rename(app.join(&file), app.join(&moved)).unwrap();
            symlink(moved.file_name().unwrap(), app.join(&file)).unwrap();
        });
        let Some(found) = found else { return };
        assert_eq!(found, ["resource-added", "resource-kind-changed"], "{file}");
    }
}

#[test]
fn an_added_file_is_refused_wherever_it_lies() {
    for file in [
        "Contents/Resources/more.txt".to_owned(),
        "Contents/more.txt".to_owned(),
        "Contents/MacOS/more".to_owned(),
        extension("Resources/more.txt"),
    ] {
        let found = broken(|app| {
            fs::create_dir_all(app.join(&file).parent().unwrap()).unwrap();
            fs::write(app.join(&file), "more").unwrap();
        });
        let Some(found) = found else { return };
        assert_eq!(found, ["resource-added"], "{file}");
    }
    let beside = broken(|app| fs::write(app.join("more.txt"), "more").unwrap());
    assert_eq!(beside.unwrap(), ["product-structure"]);
}

#[test]
fn an_edited_seal_does_not_cover_for_an_edited_resource() {
    let found = broken(|app| {
        let file = app.join("Contents/Resources/AppIcon.icns");
        append(&file, b"more");
        let seal = app.join("Contents/_CodeSignature/CodeResources");
        let text = fs::read_to_string(&seal).unwrap();
        // The entry is optional, so that the file may be missing; then it is.
        let text = text.replacen(
            "<key>Resources/AppIcon.icns</key>",
            "<key>Resources/Other.icns</key>",
            2,
        );
        fs::write(&seal, text).unwrap();
    });
    let Some(found) = found else { return };
    assert_eq!(
        found,
        [
            "code-component-changed",
            "resource-added",
            "resource-missing"
        ]
    );
}

#[test]
fn swapped_profiles_are_refused() {
    let found = broken(|app| {
        let (one, other) = (
            app.join("Contents/embedded.provisionprofile"),
            app.join(extension("embedded.provisionprofile")),
        );
        let (first, second) = (fs::read(&one).unwrap(), fs::read(&other).unwrap());
        assert_ne!(first, second);
        fs::write(one, second).unwrap();
        fs::write(other, first).unwrap();
    });
    let Some(found) = found else { return };
    assert_eq!(found, ["resource-changed"]);
}

#[test]
fn a_system_extension_that_is_gone_is_refused() {
    let found = broken(|app| fs::remove_dir_all(app.join(EXTENSION)).unwrap());
    let Some(found) = found else { return };
    assert_eq!(found, ["resource-missing"]);
}

#[test]
fn a_ticket_that_names_other_code_is_refused() {
    let Some(slices) = slices(PROGRAM) else {
        return;
    };
    for slice in slices {
        let found = broken(|app| {
            let file = app.join("Contents/CodeResources");
            let mut ticket = fs::read(&file).unwrap();
            let at = (0..ticket.len() - 20)
                .find(|at| reading::hex(&ticket[*at..at + 20]) == slice.directory.cdhash)
                .unwrap();
            ticket[at] ^= 1;
            fs::write(&file, ticket).unwrap();
        });
        assert_eq!(found.unwrap(), ["ticket-other-code"]);
    }
}
