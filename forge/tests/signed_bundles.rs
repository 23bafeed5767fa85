//! Signed bundles are what they say: read back by a second, small reader, and by OpenSSL.
//!
//! The reader here knows only offsets and digests. It finds the signature by the load commands, walks the SuperBlob and
//! hashes pages and components itself.

// Test support outside of #[test] functions panics as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use forge::bundle::{
    Entry, Product, ios_app, ios_app_with_everything, ipa, mac_app, mac_app_with_everything,
    mac_tool, xcarchive,
};
use forge::code_directory::{HashType, slot};
use forge::code_signature::{CodeSignature, Components, Signing, SigningIdentity};
use forge::hierarchy::{Hierarchy, LeafKind, at};
use forge::mach_o::{Arch, MachO, Target};
use forge::requirement::{LEAF, Match, Requirement};
use plist::Value;
use sha2::Digest;

fn be(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn le(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The thin images in a file, the hidden one too.
fn slices(file: &[u8]) -> Vec<&[u8]> {
    if be(file, 0) != 0xcafe_babe {
        return vec![file];
    }
    let counted = be(file, 4);
    let entry = |index: usize| 8 + 20 * index;
    let hidden = usize::from(be(file, entry(counted)) == 0x0100_000c);
    let entries = 0..counted + hidden;
    entries
        .map(|index| {
            let (offset, size) = (be(file, entry(index) + 8), be(file, entry(index) + 12));
            assert_eq!(
                offset % (1 << be(file, entry(index) + 16)),
                0,
                "slices are aligned"
            );
            &file[offset..offset + size]
        })
        .collect()
}

/// Offset and size of the signature, and whether `__LINKEDIT` ends where the image ends.
fn signature_place(image: &[u8]) -> Option<(usize, usize)> {
    let wide = le(image, 0) == 0xfeed_facf;
    let mut at = if wide { 32 } else { 28 };
    let mut place = None;
    for _ in 0..le(image, 16) {
        let (command, size) = (le(image, at), le(image, at + 4));
        if command == 0x1d {
            place = Some((le(image, at + 8), le(image, at + 12)));
        }
        if matches!(command, 1 | 0x19) && image[at + 8..].starts_with(b"__LINKEDIT\0") {
            let end = match wide {
                true => le(image, at + 40) + le(image, at + 48),
                false => le(image, at + 32) + le(image, at + 36),
            };
            assert_eq!(end, image.len(), "__LINKEDIT is the end");
        }
        at += size;
    }
    place
}

/// The blobs of an image's signature, by type.
fn blobs(image: &[u8]) -> BTreeMap<usize, &[u8]> {
    let (offset, room) = signature_place(image).unwrap();
    let all = &image[offset..offset + room];
    assert_eq!(be(all, 0), 0xfade_0cc0);
    assert!(be(all, 4) <= room);
    let each = (0..be(all, 8)).map(|index| {
        let at = be(all, 12 + 8 * index + 4);
        (be(all, 12 + 8 * index), &all[at..at + be(all, at + 4)])
    });
    each.collect()
}

fn digest(kind: u8, bytes: &[u8]) -> Vec<u8> {
    match kind {
        1 => sha1::Sha1::digest(bytes).to_vec(),
        2 => sha2::Sha256::digest(bytes).to_vec(),
        3 => sha2::Sha256::digest(bytes)[..20].to_vec(),
        4 => sha2::Sha384::digest(bytes).to_vec(),
        other => panic!("hash type {other}"),
    }
}

/// Recomputes every slot of a CodeDirectory.
fn check_directory(directory: &[u8], image: &[u8], components: &BTreeMap<usize, &[u8]>) {
    assert_eq!(be(directory, 0), 0xfade_0c02);
    let (kind, size, bits) = (directory[37], usize::from(directory[36]), directory[39]);
    let hashes = be(directory, 16);
    let version = be(directory, 8);
    let wide = version >= 0x20300 && be(directory, 60) > 0;
    let limit = if wide {
        be(directory, 60)
    } else {
        be(directory, 32)
    };
    assert_eq!(
        limit,
        signature_place(image).unwrap().0,
        "all but the signature is covered"
    );
    let page = if bits == 0 { limit } else { 1 << bits };
    assert_eq!(be(directory, 28), limit.div_ceil(page));
    for (index, page) in image[..limit].chunks(page).enumerate() {
        let at = hashes + size * index;
        assert_eq!(digest(kind, page), directory[at..at + size], "page {index}");
    }
    for special in 1..=be(directory, 24) {
        let at = hashes - size * special;
        let expected = match components.get(&special) {
            Some(bytes) => digest(kind, bytes),
            None => vec![0; size],
        };
        assert_eq!(expected, directory[at..at + size], "special slot {special}");
    }
    let highest = components
        .keys()
        .filter(|slot| (1..=11).contains(*slot))
        .max();
    assert_eq!(highest.copied().unwrap_or_default(), be(directory, 24));
}

/// Recomputes every slot of every slice of every signed item.
fn check_product(product: &Product) -> usize {
    let mut checked = 0;
    for item in &product.items {
        let file = product.bundle.file(&item.executable);
        let info = [
            format!("{}/Info.plist", item.base),
            format!("{}/Resources/Info.plist", item.base),
            "Info.plist".to_owned(),
        ];
        let info = info
            .iter()
            .find(|path| product.bundle.entries.contains_key(*path));
        for (image, signed) in slices(file).into_iter().zip(&item.slices) {
            assert_eq!(signature_place(image).unwrap().0, signed.offset);
            let mut components = blobs(image);
            let inside = &product.spec.executable.slices[0].info_plist;
            if let Some(info) = inside {
                components.insert(1, info);
            }
            if let Some(path) = &item.resources {
                components.insert(3, product.bundle.file(path));
                components.insert(1, product.bundle.file(info.unwrap()));
            }
            let directories = components.clone();
            for (kind, blob) in directories {
                if kind == 0 || (0x1000..0x1005).contains(&kind) {
                    check_directory(blob, image, &components);
                    checked += 1;
                }
            }
        }
    }
    checked
}

/// Every file that a seal of version 2 names, held against the bundle; returns how many seals of each kind there are.
fn check_seals(product: &Product, path: &str) -> [usize; 3] {
    let item = product.item(path);
    let list = product.bundle.file(item.resources.as_ref().unwrap());
    let list: plist::Dictionary = plist::from_bytes(list).unwrap();
    let mut counts = [0; 3];
    for (below, seal) in list["files2"].as_dictionary().unwrap() {
        let seal = seal.as_dictionary().unwrap();
        let at = match item.base.as_str() {
            "" => below.clone(),
            base => format!("{base}/{below}"),
        };
        if let Some(target) = seal.get("symlink") {
            let target = target.as_string().unwrap().to_owned();
            assert_eq!(product.bundle.entries[&at], Entry::Link(target));
            counts[1] += 1;
        } else if let Some(cdhash) = seal.get("cdhash") {
            let nested = product.item(&at);
            assert_eq!(cdhash.as_data().unwrap(), nested.slices[0].cdhash());
            assert_eq!(
                seal["requirement"].as_string().unwrap(),
                nested.designated.text()
            );
            counts[2] += 1;
        } else {
            let digest = sha2::Sha256::digest(product.bundle.file(&at)).to_vec();
            assert_eq!(seal["hash2"].as_data().unwrap(), digest, "{at}");
            counts[0] += 1;
        }
    }
    counts
}

fn distribution() -> SigningIdentity {
    SigningIdentity::acme(LeafKind::AppleDistribution)
}

fn developer_id() -> SigningIdentity {
    SigningIdentity::acme(LeafKind::DeveloperIdApplication)
}

#[test]
fn every_slot_of_every_item_is_the_digest_of_what_it_seals() {
    let app = ios_app_with_everything(&distribution()).sign();
    assert_eq!(check_product(&app), 6);
    let app = mac_app_with_everything(&developer_id()).sign();
    // Eight items with two slices.
    assert_eq!(check_product(&app), 16);
    assert_eq!(check_product(&mac_tool(&developer_id()).sign()), 2);
}

#[test]
fn every_hash_type_version_page_size_and_processor_is_written_as_it_is_read() {
    let archs = [
        Arch::Arm64,
        Arch::Arm64e,
        Arch::X86_64,
        Arch::Armv7,
        Arch::I386,
    ];
    let versions = [
        0x20001, 0x20100, 0x20200, 0x20300, 0x20400, 0x20500, 0x20600,
    ];
    for (index, version) in versions.into_iter().enumerate() {
        let arch = archs[index % archs.len()];
        let mut signature = CodeSignature::new("com.acme.rocket", Signing::AdHoc).hashed(&[
            HashType::Sha1,
            HashType::Sha256,
            HashType::Sha256Truncated,
            HashType::Sha384,
        ]);
        signature.version = version;
        signature.page_bits = [0, 12, 14][index % 3];
        signature.wide_limit = version >= 0x20300;
        signature.team = Some("ACME4CI001".to_owned());
        let image = MachO::executable(
            arch,
            Target::VersionMin(0x24, 0x000a_0900, 0x000a_0e00),
            "many",
        )
        .content(5 * 4096 + 123);
        let signed = signature.sign(&image, Components::default());
        let components = blobs(&signed.bytes);
        for alternate in [0, 0x1000, 0x1001, 0x1002] {
            let directory = components[&alternate];
            check_directory(directory, &signed.bytes, &components);
            let identifier = &directory[be(directory, 20)..];
            assert!(identifier.starts_with(b"com.acme.rocket\0"));
            if version >= 0x20200 {
                assert!(directory[be(directory, 48)..].starts_with(b"ACME4CI001\0"));
            }
        }
        assert_eq!(components[&0x10000], [0xfa, 0xde, 0x0b, 0x01, 0, 0, 0, 8]);
        assert!(signature_place(&image.unsigned()).is_none());
    }
}

#[test]
fn seals_name_what_is_there_and_nothing_else() {
    let app = ios_app_with_everything(&distribution()).sign();
    let [files, links, nested] = check_seals(&app, "");
    // All but Info.plist, PkgInfo, the executable and the seal itself.
    assert_eq!(files + 4, app.bundle.entries.len());
    assert_eq!((links, nested), (0, 0));

    let app = mac_app_with_everything(&developer_id()).sign();
    let [files, links, nested] = check_seals(&app, "");
    assert_eq!(links, 1);
    // Framework, library, extension, service, tool, login item; the system extension is sealed as files.
    assert_eq!(nested, 6);
    assert_eq!(
        files, 9,
        "five resources less a link, the profile, and five files of the system extension less Info.plist"
    );
    assert_eq!(
        check_seals(&app, "Contents/Frameworks/RocketKit.framework"),
        [1, 0, 0]
    );
}

#[test]
fn the_same_sources_sign_the_same_bytes() {
    let make = || {
        mac_app(&developer_id())
            .with_framework("RocketKit")
            .sign()
            .bundle
    };
    assert_eq!(make(), make());
}

#[test]
fn requirements_compile_to_the_bytes_that_apples_tool_makes() {
    // The designated requirement of @sentry/cli-darwin 3.8.0, as its signature holds it.
    let expected = [
        "fade0c00000000a80000000100000006000000020000001b73656e7472792d636c692d44617277696e2d756e6976657273616c00",
        "000000060000000f000000060000000e000000010000000a2a864886f76364060206000000000000",
        "000000060000000e000000000000000a2a864886f7636406010d000000000000",
        "0000000b000000000000000a7375626a6563742e4f550000000000010000000a39374a435937383539550000",
    ];
    let requirement = Requirement::developer_id("sentry-cli-Darwin-universal", "97JCY7859U");
    let hex: String = requirement
        .to_blob()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, expected.concat());
    assert_eq!(
        requirement.text(),
        "identifier \"sentry-cli-Darwin-universal\" and anchor apple generic and certificate \
         1[field.1.2.840.113635.100.6.2.6] /* exists */ and certificate leaf[field.1.2.840.113635.100.6.1.13] /* exists */ and \
         certificate leaf[subject.OU] = \"97JCY7859U\""
    );
}

#[test]
fn requirements_print_with_the_parentheses_that_they_need() {
    let either = Requirement::AnchorApple.or(Requirement::Always);
    let team = Requirement::subject(LEAF, "OU", "ACME4CI001");
    let info = Requirement::Info(
        "CFBundleVersion".to_owned(),
        Match::BeginsWith("1".to_owned()),
    );
    assert_eq!(
        either.clone().and(team.negated()).or(info).text(),
        "(anchor apple or always) and ! certificate leaf[subject.OU] = ACME4CI001 or info[CFBundleVersion] = \"1\"*"
    );
    assert_eq!(either.negated().text(), "! (anchor apple or always)");
}

#[test]
fn an_ipa_and_an_archive_hold_the_app() {
    let app = ios_app(&distribution()).sign();
    let zip = ipa(&app);
    let end = zip.len() - 22;
    assert!(zip[end..].starts_with(b"PK\x05\x06"));
    let members = usize::from(u16::from_le_bytes([zip[end + 10], zip[end + 11]]));
    assert_eq!(members, app.bundle.entries.len() + 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Rocket.ipa");
    std::fs::write(&path, &zip).unwrap();
    if let Some(output) = program("unzip", &["-t", path.to_str().unwrap()]) {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("No errors detected"), "{said}");
    }
    let archive = xcarchive(&app);
    let info = archive.file("Info.plist");
    let info = Value::from_reader(std::io::Cursor::new(info)).unwrap();
    let properties = &info.as_dictionary().unwrap()["ApplicationProperties"];
    let path = properties.as_dictionary().unwrap()["ApplicationPath"]
        .as_string()
        .unwrap();
    assert_eq!(path, "Applications/Rocket.app");
    assert!(
        archive
            .entries
            .contains_key("Products/Applications/Rocket.app/Rocket")
    );
}

#[cfg(unix)]
#[test]
fn a_bundle_is_written_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let app = mac_app(&developer_id())
        .with_framework("RocketKit")
        .with_entry("Resources/odd", Entry::Socket)
        .sign();
    let root = app.write_to(folder.path()).unwrap();
    assert!(root.ends_with("Rocket.app"));
    for (path, entry) in &app.bundle.entries {
        let at = root.join(path);
        match entry {
            Entry::File { bytes, .. } => assert_eq!(&std::fs::read(at).unwrap(), bytes),
            Entry::Link(target) => {
                assert_eq!(std::fs::read_link(at).unwrap(), Path::new(target));
            }
            Entry::Directory => assert!(at.is_dir()),
            Entry::Socket => assert!(!at.is_file() && at.exists()),
        }
    }
}

/// None, with a word about it, where there is no such program.
fn program(name: &str, arguments: &[&str]) -> Option<Output> {
    #[allow(
        clippy::disallowed_methods,
        reason = "a second opinion is another program's"
    )]
    let output = Command::new(name).args(arguments).output();
    if output.is_err() {
        eprintln!("skipped: no {name} on this machine");
    }
    output.ok()
}

fn openssl(arguments: &[&str]) -> Option<Output> {
    program("openssl", arguments)
}

#[test]
fn openssl_accepts_the_message_and_its_timestamp() {
    let signer = developer_id();
    let product = mac_tool(&signer).sign();
    let image = slices(product.bundle.file(""))[1];
    let blobs = blobs(image);
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let message = put("message", &blobs[&0x10000][8..]);
    let content = put("content", blobs[&0]);
    let anchors = put("anchors", Hierarchy::acme().anchors_pem().as_bytes());
    let time = at("2026-02-03T04:05:06Z").as_second().to_string();
    let verify = |content: &str| {
        openssl(&[
            "cms",
            "-verify",
            "-binary",
            "-ignore_critical",
            "-attime",
            &time,
            "-inform",
            "DER",
            "-purpose",
            "any",
            "-in",
            &message,
            "-content",
            content,
            "-CAfile",
            &anchors,
            "-out",
            "/dev/null",
        ])
    };
    let Some(output) = verify(&content) else {
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let other = put("other", &blobs[&0][1..]);
    assert!(!verify(&other).unwrap().status.success());

    // The signature's value is what the token is about.
    let signed = signer.identity.key.clone();
    let Signing::By(by) = &product.spec.signature.signing else {
        panic!("signed by nobody");
    };
    let value = signed.sign(forge::key::Hash::Sha256, b"any signature");
    let token = by.timestamp.as_ref().unwrap().token(&value);
    let (token, value) = (put("token", &token), put("value", &value));
    let output = openssl(&[
        "ts",
        "-verify",
        "-token_in",
        "-in",
        &token,
        "-data",
        &value,
        "-CAfile",
        &anchors,
        "-attime",
        &time,
    ])
    .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_message_lists_every_directory_under_both_attributes() {
    let both = [HashType::Sha1, HashType::Sha256];
    let mut app = mac_app(&developer_id());
    app.signature = app.signature.hashed(&both);
    let product = app.sign();
    let slice = &product.item("").slices[0];
    let message = slice.blobs.get(slot::SIGNATURE).unwrap();
    for directory in &slice.directories {
        let whole = digest(directory.hash_type as u8, &directory.to_bytes());
        assert!(message.windows(whole.len()).any(|window| window == whole));
        let text = forge::certificate::base64(&whole[..20]);
        assert!(
            message
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        );
    }
    let seal = product.bundle.file("Contents/_CodeSignature/CodeResources");
    let seal = String::from_utf8_lossy(seal);
    assert!(seal.contains("<key>hash</key>") && seal.contains("<key>hash2</key>"));
}
