//! Signed bundles are what they say: read back by a second, small reader, and by OpenSSL.
//!
//! The reader here knows only offsets and digests. It finds the signature by the load commands, walks the SuperBlob and
//! hashes pages and components itself.

// Test support outside of #[test] functions panics as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod flaws;
mod programs;
mod reader;

use std::path::Path;

use forge::bundle::{
    Entry, ios_app, ios_app_with_everything, ipa, mac_app, mac_app_with_everything, mac_tool,
    write_large, xcarchive,
};
use forge::code_directory::{HashType, slot};
use forge::code_signature::{CodeSignature, Components, Signing, SigningIdentity};
use forge::hierarchy::LeafKind;
use forge::mach_o::{Arch, MachO, Target};
use forge::requirement::{LEAF, Match, Requirement};
use plist::Value;

use reader::{
    be, blobs, check_directory, check_product, check_seals, digest, signature_place, slices,
};

pub(crate) fn distribution() -> SigningIdentity {
    SigningIdentity::acme(LeafKind::AppleDistribution)
}

pub(crate) fn developer_id() -> SigningIdentity {
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
    if let Some(output) = programs::program("unzip", &["-t", path.to_str().unwrap()]) {
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

#[test]
fn a_large_bundle_is_sealed_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = write_large(folder.path(), &developer_id(), 4 << 20, &[HashType::Sha256]).unwrap();
    let read = |path: &str| std::fs::read(root.join("Contents").join(path)).unwrap();
    let seal: plist::Dictionary = plist::from_bytes(&read("_CodeSignature/CodeResources")).unwrap();
    let files = seal["files2"].as_dictionary().unwrap();
    let seal_v1 = seal["files"].as_dictionary().unwrap();
    let data = files
        .iter()
        .filter(|(path, _)| path.starts_with("Resources/Data/"));
    let (mut count, mut size) = (0, 0);
    for (path, seal) in data {
        let file = read(path);
        count += 1;
        size += file.len();
        let sealed = seal.as_dictionary().unwrap()["hash2"].as_data().unwrap();
        assert_eq!(sealed, digest(2, &file));
        let old = seal_v1[path].as_data().unwrap();
        assert_eq!(old, digest(1, &file));
    }
    assert_eq!((count, size), (4, 4 << 20));
    let executable = read("MacOS/Rocket");
    for image in slices(&executable) {
        let info = read("Info.plist");
        let seal = read("_CodeSignature/CodeResources");
        let mut components = blobs(image);
        components.insert(1, &info);
        components.insert(3, &seal);
        check_directory(components[&0], image, &components);
    }
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
