//! Writes what `scripts/make-product-fixtures` signs: unsigned bundles, and the signers' keys and certificates as PEM.

// A tool of the tests: where a test would panic, so does it.
#![allow(clippy::expect_used)]

use std::fs;
use std::path::Path;

use forge::bundle::{Item, ios_app, mac_app};
use forge::certificate::pem;
use forge::code_signature::{Signing, SigningIdentity};
use forge::hierarchy::LeafKind;
use forge::mach_o::Arch;
use forge::profile::Family;

fn main() {
    let folder = std::env::args_os()
        .nth(1)
        .expect("name the folder to write to");
    let folder = Path::new(&folder);
    let direct = SigningIdentity::acme(LeafKind::DeveloperIdApplication);
    let mac = mac_app(&direct)
        .with_framework("RocketKit")
        .with_helper_tool("rocket-helper");
    write(folder, "mac", &direct, mac);
    let store = SigningIdentity::acme(LeafKind::AppleDistribution);
    let ios = ios_app(&store)
        .with_framework("RocketKit")
        .with_extension("RocketWidget");
    write(folder, "ios", &store, ios);
}

fn write(folder: &Path, name: &str, signer: &SigningIdentity, mut item: Item) {
    let folder = folder.join(name);
    unsign(&mut item, true);
    let root = item
        .sign()
        .write_to(&folder)
        .expect("the folder can be written");
    println!("{}", root.display());
    let write = |file: &str, text: String| {
        fs::write(folder.join(file), text).expect("the folder can be written");
    };
    write("key.pem", pem("PRIVATE KEY", &signer.identity.key.pkcs8()));
    let issuers = signer.issuers.iter().map(|issuer| issuer.pem());
    let chain: String = std::iter::once(signer.identity.pem())
        .chain(issuers)
        .collect();
    write("chain.pem", chain);
}

/// Small programs, without signatures and profiles. Only the outermost program of a Mac is fat: that is enough of it.
fn unsign(item: &mut Item, is_outermost: bool) {
    item.signature.signing = Signing::Unsigned;
    item.profile = None;
    if !is_outermost {
        // The pages of Intel's processors are smaller, and so are the files.
        let is_mac = item.family == Family::Mac;
        let slices = &mut item.executable.slices;
        slices.retain(|slice| (slice.arch == Arch::X86_64) == is_mac);
    }
    for slice in &mut item.executable.slices {
        slice.content = 64;
    }
    for nested in &mut item.nested {
        unsign(&mut nested.item, false);
    }
}
