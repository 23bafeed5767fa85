//! Flaws of the bundle's files: what anybody does who can write them.

use super::{Flaw, Means, edit};
use crate::bundle::{Bundle, Entry, Layout, Product, joined};
use crate::profile::{Kind, ProfileSpec};
use crate::ticket::Ticket;

/// The path of the first resource that is a plain file and not a localization.
fn resource(product: &Product) -> Option<String> {
    let base = &product.item("").base;
    let own = &product.spec.resources;
    let found = own
        .iter()
        .find(|(path, entry)| matches!(entry, Entry::File { .. }) && !path.contains(".lproj/"));
    found.map(|(path, _)| joined(base, path))
}

/// The path of the first resource below a folder of that kind.
fn localized(product: &Product, folder: &str) -> Option<String> {
    let base = &product.item("").base;
    let mut own = product.spec.resources.keys();
    own.find(|path| path.contains(folder))
        .map(|path| joined(base, path))
}

/// The path of the first link that is a resource.
fn link(product: &Product) -> Option<String> {
    let base = &product.item("").base;
    let mut own = product.spec.resources.iter();
    own.find(|(_, entry)| matches!(entry, Entry::Link(_)))
        .map(|(path, _)| joined(base, path))
}

fn info(product: &Product) -> Option<String> {
    if product.spec.layout == Layout::Tool {
        return None;
    }
    let path = product.spec.layout.info();
    Some(joined(&product.item("").base, path))
}

fn profile(product: &Product) -> Option<String> {
    let mut paths = product.bundle.entries.keys();
    let base = &product.item("").base;
    paths
        .find(|path| {
            let rest = path.strip_prefix(base.as_str());
            rest.is_some_and(|rest| rest.trim_start_matches('/').starts_with("embedded."))
        })
        .cloned()
}

/// Changes one byte in the middle.
pub(super) fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

fn sibling(path: &str, name: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

pub(super) fn flaws() -> Vec<Flaw> {
    vec![
        edit("resource-changed", |bundle, product| {
            flip(bundle.file_mut(&resource(product)?));
            Some(())
        }),
        edit("resource-grown", |bundle, product| {
            bundle.file_mut(&resource(product)?).push(b'\n');
            Some(())
        }),
        edit("resource-emptied", |bundle, product| {
            bundle.file_mut(&resource(product)?).clear();
            Some(())
        }),
        edit("resource-removed", |bundle, product| {
            bundle.remove(&resource(product)?);
            Some(())
        }),
        edit("resource-added", |bundle, product| {
            let path = sibling(&resource(product)?, "added.txt");
            bundle.put(&path, Entry::file("nobody sealed this"));
            Some(())
        }),
        edit("program-added", |bundle, product| {
            let own = product.item("").slices.first()?.bytes.clone();
            let path = sibling(&resource(product)?, "added");
            bundle.put(&path, Entry::program(own));
            Some(())
        }),
        edit("resource-renamed", |bundle, product| {
            let path = resource(product)?;
            bundle.rename(&path, &sibling(&path, "renamed"));
            Some(())
        }),
        edit("resource-in-other-case", |bundle, product| {
            let path = resource(product)?;
            bundle.rename(
                &path,
                &sibling(&path, &path.rsplit('/').next()?.to_uppercase()),
            );
            Some(())
        }),
        edit("resource-to-link", |bundle, product| {
            // A link to a copy with the same bytes, outside.
            bundle.put(
                &resource(product)?,
                Entry::Link("/tmp/elsewhere".to_owned()),
            );
            Some(())
        }),
        edit("resource-to-link-inside", |bundle, product| {
            let path = resource(product)?;
            let kept = sibling(&path, "kept");
            bundle.rename(&path, &kept);
            bundle.put(&path, Entry::Link("kept".to_owned()));
            Some(())
        }),
        edit("resource-to-folder", |bundle, product| {
            bundle.put(&resource(product)?, Entry::Directory);
            Some(())
        }),
        edit("resource-to-socket", |bundle, product| {
            bundle.put(&resource(product)?, Entry::Socket);
            Some(())
        }),
        edit("socket-added", |bundle, product| {
            bundle.put(&sibling(&resource(product)?, "s"), Entry::Socket);
            Some(())
        }),
        edit("link-retargeted", |bundle, product| {
            bundle.put(&link(product)?, Entry::Link("other.html".to_owned()));
            Some(())
        }),
        edit("link-out-of-the-bundle", |bundle, product| {
            let out = "../../../../../../../../etc/hosts".to_owned();
            bundle.put(&link(product)?, Entry::Link(out));
            Some(())
        }),
        edit("link-to-file", |bundle, product| {
            bundle.put(&link(product)?, Entry::file("what the link led to"));
            Some(())
        }),
        edit("link-added", |bundle, product| {
            let path = sibling(&resource(product)?, "added");
            bundle.put(&path, Entry::Link("/etc/hosts".to_owned()));
            Some(())
        }),
        edit("localization-changed", |bundle, product| {
            flip(bundle.file_mut(&localized(product, "en.lproj/")?));
            Some(())
        }),
        edit("localization-added", |bundle, product| {
            let path = localized(product, "en.lproj/")?.replace("en.lproj", "xx.lproj");
            bundle.put(&path, Entry::file("\"go\" = \"Gone\";\n"));
            Some(())
        }),
        edit("base-localization-removed", |bundle, product| {
            bundle.remove(&localized(product, "Base.lproj/")?);
            Some(())
        }),
        edit("info-changed", |bundle, product| {
            let info = bundle.file_mut(&info(product)?);
            let text = String::from_utf8(std::mem::take(info)).ok()?;
            *info = text
                .replace("<string>1.2</string>", "<string>1.3</string>")
                .into_bytes();
            Some(())
        }),
        edit("info-removed", |bundle, product| {
            bundle.remove(&info(product)?);
            Some(())
        }),
        edit("info-to-link", |bundle, product| {
            let path = info(product)?;
            bundle.rename(&path, &sibling(&path, "Info.kept"));
            bundle.put(&path, Entry::Link("Info.kept".to_owned()));
            Some(())
        }),
        edit("seal-changed", |bundle, product| {
            let seal = product.item("").resources.clone()?;
            let seal = bundle.file_mut(&seal);
            let text = String::from_utf8(std::mem::take(seal)).ok()?;
            *seal = text
                .replacen("<real>1000</real>", "<real>1001</real>", 1)
                .into_bytes();
            Some(())
        }),
        edit("seal-removed", |bundle, product| {
            bundle.remove(&product.item("").resources.clone()?);
            Some(())
        }),
        edit("seal-emptied", |bundle, product| {
            bundle
                .file_mut(&product.item("").resources.clone()?)
                .clear();
            Some(())
        }),
        edit("seal-to-link", |bundle, product| {
            let seal = product.item("").resources.clone()?;
            let kept = joined(&product.item("").base, "seal.kept");
            bundle.rename(&seal, &kept);
            bundle.put(&seal, Entry::Link("../seal.kept".to_owned()));
            Some(())
        }),
        edit("file-beside-the-seal", |bundle, product| {
            let path = sibling(&product.item("").resources.clone()?, "note.txt");
            bundle.put(&path, Entry::file("nobody looks here"));
            Some(())
        }),
        edit("program-in-receipts", |bundle, product| {
            product.item("").resources.as_ref()?;
            let own = product.item("").slices.first()?.bytes.clone();
            let path = joined(&product.item("").base, "_MASReceipt/receipt");
            bundle.put(&path, Entry::program(own));
            Some(())
        }),
        edit("file-beside-contents", |bundle, product| {
            (product.spec.layout == Layout::Deep).then_some(())?;
            bundle.put("beside.txt", Entry::file("no rule is about this"));
            Some(())
        }),
        edit("ticket-of-noise", |bundle, product| {
            (product.spec.layout == Layout::Deep).then_some(())?;
            let noise = crate::stream::bytes("no ticket", 600);
            bundle.put("Contents/CodeResources", Entry::file(noise));
            Some(())
        }),
        edit("ticket-without-a-slice", |bundle, product| {
            (product.spec.layout == Layout::Deep).then_some(())?;
            let own = &product.item("").slices;
            (own.len() > 1).then_some(())?;
            let ticket = Ticket::new(vec![(2, own[0].cdhash())]).to_bytes();
            bundle.put("Contents/CodeResources", Entry::file(ticket));
            Some(())
        }),
        edit("ticket-of-another", |bundle, product| {
            (product.spec.layout == Layout::Deep).then_some(())?;
            let hash = crate::stream::bytes("the code of another app", 20);
            let ticket = Ticket::new(vec![(2, hash)]).to_bytes();
            bundle.put("Contents/CodeResources", Entry::file(ticket));
            Some(())
        }),
        edit("profile-swapped", |bundle, product| {
            let path = profile(product)?;
            let pattern = format!("{}.other", product.spec.signature.identifier);
            let other = match product.spec.family {
                crate::profile::Family::Ios => ProfileSpec::ios(Kind::AppStore, &pattern),
                crate::profile::Family::Mac => ProfileSpec::mac(Kind::DeveloperId, &pattern),
            };
            bundle.put(&path, Entry::file(other.mint()));
            Some(())
        }),
        edit("profile-removed", |bundle, product| {
            bundle.remove(&profile(product)?);
            Some(())
        }),
        edit("executable-removed", |bundle, product| {
            bundle.remove(&product.item("").executable);
            Some(())
        }),
        edit("executable-emptied", |bundle, product| {
            bundle.file_mut(&product.item("").executable).clear();
            Some(())
        }),
        edit("executable-to-text", |bundle, product| {
            let text = Entry::program("#!/bin/sh\nexit 0\n");
            bundle.put(&product.item("").executable, text);
            Some(())
        }),
        edit("executable-to-link", |bundle, product| {
            (product.spec.layout != Layout::Tool).then_some(())?;
            let path = &product.item("").executable;
            bundle.rename(path, &sibling(path, "kept"));
            bundle.put(path, Entry::Link("kept".to_owned()));
            Some(())
        }),
        edit("executable-swapped", |bundle, product| {
            // Signed by the same team, for another bundle; a tool alone would be another tool, and intact.
            (product.spec.layout != Layout::Tool).then_some(())?;
            let mut other = product.spec.clone();
            other.signature.identifier = "com.acme.other".to_owned();
            let key = "CFBundleIdentifier".to_owned();
            other.info.insert(key, "com.acme.other".into());
            let other = other.sign();
            let path = &product.item("").executable;
            let bytes = other.bundle.file(path).to_vec();
            bundle.put(path, Entry::program(bytes));
            Some(())
        }),
    ]
}

/// A change of every file and link.
pub(super) fn each(product: &Product) -> Vec<Flaw> {
    let paths = product.bundle.entries.iter();
    let changed = paths.filter_map(|(path, entry)| {
        match entry {
            Entry::File { bytes, .. } if !bytes.is_empty() => {}
            Entry::Link(_) => {}
            _ => return None,
        }
        let path = path.clone();
        Some(Flaw::new(
            format!("file:{path}"),
            Means::Edit,
            move |product| {
                let mut edited = product.clone();
                change(&mut edited.bundle, &path);
                Some(edited)
            },
        ))
    });
    changed.collect()
}

fn change(bundle: &mut Bundle, path: &str) {
    match &bundle.entries[path] {
        Entry::Link(target) => {
            let other = Entry::Link(format!("{target}.other"));
            bundle.put(path, other);
        }
        _ => flip(bundle.file_mut(path)),
    }
}
