//! Flaws of an `.ipa`: what a zip file can hold that no export of Xcode does.

use crate::bundle::{Archive, Bundle, Entry, Product, Quirk, ipa};

/// A broken `.ipa`.
#[derive(Clone, Debug)]
pub struct IpaFlaw {
    /// Its name, as flaws of products have one.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// How many bytes of zeros a bomb holds.
pub const BOMB: usize = 64 << 20;

/// The honest archive with something more.
fn with(product: &Product, more: impl FnOnce(&mut Archive)) -> Vec<u8> {
    let mut archive = Archive::default();
    archive.folder("Payload");
    archive.bundle("Payload", &product.bundle);
    more(&mut archive);
    archive.to_bytes()
}

/// Every broken `.ipa` of a product of the iOS family.
pub fn ipa_flaws(product: &Product) -> Vec<IpaFlaw> {
    let honest = ipa(product);
    let executable = format!(
        "Payload/{}/{}",
        product.bundle.name,
        product.item("").executable
    );
    let other = Bundle {
        name: "Other.app".to_owned(),
        entries: product.bundle.entries.clone(),
    };
    let patched = |at: usize, bytes: &[u8]| {
        let mut file = honest.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    // The record at the end: entries, size and offset of the directory.
    let end = honest.len() - 22;
    let flaws: Vec<(&'static str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("not-a-zip", b"not a zip file".repeat(100)),
        ("without-entries", Archive::default().to_bytes()),
        ("without-payload", {
            let mut archive = Archive::default();
            archive.bundle("", &product.bundle);
            archive.to_bytes()
        }),
        ("without-an-app", {
            let mut archive = Archive::default();
            archive
                .folder("Payload")
                .file("Payload/readme.txt", b"no app", false);
            archive.to_bytes()
        }),
        (
            "with-two-apps",
            with(product, |archive| {
                archive.bundle("Payload", &other);
            }),
        ),
        (
            "with-a-finder-folder",
            with(product, |archive| {
                archive.file("__MACOSX/Payload/._Rocket.app", b"attributes", false);
            }),
        ),
        (
            "with-a-file-beside-the-app",
            with(product, |archive| {
                archive.file("Payload/beside.txt", b"nobody sealed this", false);
            }),
        ),
        (
            "name-climbs-out",
            with(product, |archive| {
                archive.file("Payload/../../../tmp/out.txt", b"out", false);
            }),
        ),
        (
            "name-climbs-out-and-in",
            with(product, |archive| {
                archive.file("Payload/Rocket.app/../Rocket.app/twice.txt", b"out", false);
            }),
        ),
        (
            "name-absolute",
            with(product, |archive| {
                archive.file("/tmp/out.txt", b"out", false);
            }),
        ),
        (
            "name-with-backslashes",
            with(product, |archive| {
                archive.file("Payload\\..\\..\\out.txt", b"out", false);
            }),
        ),
        (
            "name-of-a-drive",
            with(product, |archive| {
                archive.file("C:/out.txt", b"out", false);
            }),
        ),
        (
            "name-empty",
            with(product, |archive| {
                archive.file("", b"nameless", false);
            }),
        ),
        (
            "name-with-zero",
            with(product, |archive| {
                archive.file("Payload/Rocket.app/a\0b", b"cut", false);
            }),
        ),
        (
            "name-of-control-characters",
            with(product, |archive| {
                archive.file("Payload/Rocket.app/\u{1b}[2Jx", b"escape", false);
            }),
        ),
        (
            "name-twice",
            with(product, |archive| {
                archive.file(&executable, b"another executable", true);
            }),
        ),
        (
            "name-twice-in-other-case",
            with(product, |archive| {
                archive.file(&executable.to_uppercase(), b"another executable", true);
            }),
        ),
        (
            "file-below-a-file",
            with(product, |archive| {
                archive.file(&format!("{executable}/below"), b"below", false);
            }),
        ),
        (
            "folder-where-a-file-is",
            with(product, |archive| {
                archive.folder(&executable);
            }),
        ),
        (
            "link-climbs-out",
            with(product, |archive| {
                archive.link("Payload/Rocket.app/out", "../../../../etc/hosts");
            }),
        ),
        (
            "link-to-a-folder-and-a-file-in-it",
            with(product, |archive| {
                archive.link("Payload/Rocket.app/out", "/tmp");
                archive.file("Payload/Rocket.app/out/file", b"through the link", false);
            }),
        ),
        ("with-a-socket", {
            let mut with_socket = product.bundle.clone();
            with_socket.put("socket", Entry::Socket);
            let mut archive = Archive::default();
            archive.folder("Payload").bundle("Payload", &with_socket);
            archive.to_bytes()
        }),
        (
            "size-too-large",
            with(product, |archive| {
                let quirk = Quirk::Size(0x7fff_ffff);
                archive.quirky("Payload/Rocket.app/lie", b"short", quirk);
            }),
        ),
        (
            "size-too-small",
            with(product, |archive| {
                archive.quirky("Payload/Rocket.app/lie", &[7; 5000], Quirk::Size(1));
            }),
        ),
        (
            "checksum-wrong",
            with(product, |archive| {
                archive.quirky("Payload/Rocket.app/lie", b"changed", Quirk::Checksum);
            }),
        ),
        (
            "method-unknown",
            with(product, |archive| {
                archive.quirky("Payload/Rocket.app/lie", b"packed", Quirk::Method(99));
            }),
        ),
        (
            "encrypted",
            with(product, |archive| {
                archive.quirky("Payload/Rocket.app/lie", b"secret", Quirk::Encrypted);
            }),
        ),
        (
            "bomb",
            with(product, |archive| {
                archive.file("Payload/Rocket.app/zeros", &vec![0; BOMB], false);
            }),
        ),
        (
            "many-entries",
            with(product, |archive| {
                for number in 0..20_000 {
                    archive.file(&format!("Payload/Rocket.app/{number}"), b"", false);
                }
            }),
        ),
        ("cut-in-the-middle", honest[..honest.len() / 2].to_vec()),
        ("cut-before-the-end", honest[..end].to_vec()),
        ("followed-by-more", [honest.as_slice(), b"more"].concat()),
        ("preceded-by-more", [b"more", honest.as_slice()].concat()),
        (
            "directory-offset-lies",
            patched(end + 16, &[0xff, 0xff, 0xff, 0x7f]),
        ),
        (
            "directory-size-lies",
            patched(end + 12, &[0xff, 0xff, 0xff, 0x7f]),
        ),
        (
            "entry-count-lies",
            patched(end + 8, &[0xff, 0x7f, 0xff, 0x7f]),
        ),
    ];
    flaws
        .into_iter()
        .map(|(name, bytes)| IpaFlaw { name, bytes })
        .collect()
}
