//! Flaws of code inside of a product: removed, swapped, stripped, of another team, or of another version.

use std::sync::Arc;

use super::files::flip;
use super::signer::sign_by;
use super::{Flaw, Means, edit};
use crate::bundle::{Bundle, Entry, Item, Layout, Product, SignedItem, joined};
use crate::code_signature::{CodeSignature, Signing, SigningIdentity};
use crate::hierarchy::{Hierarchy, LeafSpec};

/// The path of the first framework, or else of the first nested item.
fn inner(product: &Product) -> Option<&SignedItem> {
    let mut nested = product.items.iter().skip(1);
    let framework = nested
        .clone()
        .find(|item| item.path.ends_with(".framework"));
    framework.or_else(|| nested.next())
}

/// The path of the first nested bundle that has a profile.
fn profiled(product: &Product) -> Option<String> {
    let mut nested = product.items.iter().skip(1);
    nested
        .find(|item| {
            let prefix = joined(&item.base, "embedded.");
            product
                .bundle
                .entries
                .keys()
                .any(|path| path.starts_with(&prefix))
        })
        .map(|item| item.path.clone())
}

/// Puts another build of a nested item in its place, after the outer seal was made.
fn replaced(name: &str, means: Means, change: fn(&mut Item) -> Option<()>) -> Flaw {
    Flaw::new(name, means, move |product| {
        let path = inner(product)?.path.clone();
        let mut spec = product.spec.clone();
        let item = spec.at_mut(&path);
        change(item)?;
        let other = item.sign();
        let mut edited = product.clone();
        edited.bundle.remove(&path);
        edited.bundle.graft(&path, &other.bundle);
        Some(edited)
    })
}

/// Nested code that was so when the outer seal was made: the whole is signed in order.
fn built_in(name: &str, change: fn(&mut Item) -> Option<()>) -> Flaw {
    Flaw::new(name, Means::Key, move |product| {
        let path = inner(product)?.path.clone();
        let mut spec = product.spec.clone();
        change(spec.at_mut(&path))?;
        Some(spec.sign())
    })
}

fn other_team(item: &Item) -> Option<SigningIdentity> {
    let Signing::By(own) = &item.signature.signing else {
        return None;
    };
    let mut leaf = LeafSpec::new(own.kind).labelled("other team");
    leaf.team = "OTHER00001".to_owned();
    leaf.organization = "Other Rockets, Inc".to_owned();
    Some(SigningIdentity::of(Hierarchy::acme(), &leaf))
}

fn strip(item: &mut Item) -> Option<()> {
    item.signature.signing = Signing::Unsigned;
    Some(())
}

fn rebuilt(item: &mut Item) -> Option<()> {
    for slice in &mut item.executable.slices {
        slice.label.push('2');
    }
    Some(())
}

pub(super) fn flaws() -> Vec<Flaw> {
    let mut flaws = edits();
    flaws.extend(others());
    flaws
}

fn edits() -> Vec<Flaw> {
    vec![
        edit("nested-code-changed", |bundle, product| {
            let item = inner(product)?;
            // In the first slice, behind its load commands.
            bundle.file_mut(&item.executable)[item.places[0] + 5000] ^= 1;
            Some(())
        }),
        edit("nested-resource-changed", |bundle, product| {
            let item = inner(product)?;
            let info = [
                joined(&item.base, "Info.plist"),
                joined(&item.base, "Resources/Info.plist"),
            ];
            let path = info
                .iter()
                .find(|path| bundle.entries.contains_key(*path))?;
            flip(bundle.file_mut(path));
            Some(())
        }),
        edit("nested-removed", |bundle, product| {
            bundle.remove(&inner(product)?.path);
            Some(())
        }),
        edit("nested-added", |bundle, product| {
            let path = &inner(product)?.path;
            let copy = Bundle {
                name: String::new(),
                entries: bundle.below(path),
            };
            bundle.graft(&path.replace("Kit", "Copy"), &copy);
            Some(())
        }),
        edit("nested-renamed", |bundle, product| {
            let path = &inner(product)?.path;
            bundle.rename(path, &path.replace("Kit", "Copy"));
            Some(())
        }),
        edit("nested-to-link", |bundle, product| {
            let path = &inner(product)?.path;
            bundle.rename(path, &format!("{path}.kept"));
            let name = path.rsplit('/').next()?;
            bundle.put(path, Entry::Link(format!("{name}.kept")));
            Some(())
        }),
        edit("nested-emptied", |bundle, product| {
            let path = &inner(product)?.path;
            bundle.remove(path);
            bundle.put(path, Entry::Directory);
            Some(())
        }),
        edit("nested-to-file", |bundle, product| {
            let path = &inner(product)?.path;
            bundle.remove(path);
            bundle.put(path, Entry::file("no code"));
            Some(())
        }),
        edit("nested-seal-removed", |bundle, product| {
            bundle.remove(&inner(product)?.resources.clone()?);
            Some(())
        }),
        edit("nested-profile-swapped", |bundle, product| {
            let path = profiled(product)?;
            let item = product.item(&path);
            let prefix = joined(&item.base, "embedded.");
            let own = bundle
                .entries
                .keys()
                .find(|path| path.starts_with(&prefix))?
                .clone();
            let outer = joined(&product.item("").base, own.rsplit('/').next()?);
            let swapped = bundle.entries.get(&outer)?.clone();
            bundle.put(&own, swapped);
            Some(())
        }),
        edit("framework-version-added", |bundle, product| {
            let path = versioned(product)?;
            let entries = bundle.below(&format!("{path}/Versions/A"));
            let mut copy = Bundle {
                name: String::new(),
                entries,
            };
            let name = path
                .rsplit('/')
                .next()?
                .trim_end_matches(".framework")
                .to_owned();
            flip(copy.file_mut(&name));
            bundle.graft(&format!("{path}/Versions/B"), &copy);
            Some(())
        }),
        edit("framework-current-moved", |bundle, product| {
            let path = versioned(product)?;
            let copy = Bundle {
                name: String::new(),
                entries: bundle.below(&format!("{path}/Versions/A")),
            };
            bundle.graft(&format!("{path}/Versions/B"), &copy);
            flip(bundle.file_mut(&format!("{path}/Versions/B/Resources/Info.plist")));
            bundle.put(
                &format!("{path}/Versions/Current"),
                Entry::Link("B".to_owned()),
            );
            Some(())
        }),
        edit("framework-current-out", |bundle, product| {
            let path = format!("{}/Versions/Current", versioned(product)?);
            bundle.put(&path, Entry::Link("../../../../../../../tmp".to_owned()));
            Some(())
        }),
        edit("framework-current-missing", |bundle, product| {
            bundle.remove(&format!("{}/Versions/Current", versioned(product)?));
            Some(())
        }),
        edit("framework-current-loops", |bundle, product| {
            let path = format!("{}/Versions/Current", versioned(product)?);
            bundle.put(&path, Entry::Link("Current".to_owned()));
            Some(())
        }),
        edit("framework-file-at-the-root", |bundle, product| {
            let path = format!("{}/beside.txt", versioned(product)?);
            bundle.put(&path, Entry::file("no version has this"));
            Some(())
        }),
        edit("framework-top-link-retargeted", |bundle, product| {
            let path = format!("{}/Resources", versioned(product)?);
            bundle.put(&path, Entry::Link("Versions/A/_CodeSignature".to_owned()));
            Some(())
        }),
    ]
}

/// The path of the first framework with versions.
fn versioned(product: &Product) -> Option<String> {
    let mut items = product.items.iter().skip(1);
    items
        .find(|item| item.base.ends_with("/Versions/A"))
        .map(|item| item.path.clone())
}

fn others() -> Vec<Flaw> {
    vec![
        replaced("nested-unsigned", Means::OtherKey, strip),
        replaced("nested-signed-ad-hoc", Means::OtherKey, |item| {
            item.signature.signing = Signing::AdHoc;
            Some(())
        }),
        replaced("nested-of-another-team", Means::OtherKey, |item| {
            let other = other_team(item)?;
            sign_by(item, &other);
            Some(())
        }),
        replaced("nested-under-another-root", Means::OtherKey, |item| {
            let Signing::By(own) = &item.signature.signing else {
                return None;
            };
            let signer = SigningIdentity::of(Hierarchy::rival(), &LeafSpec::new(own.kind));
            sign_by(item, &signer);
            Some(())
        }),
        // The same signer, identifier and team: only the hash in the seal tells.
        replaced("nested-of-another-build", Means::Key, rebuilt),
        replaced("nested-of-another-identifier", Means::Key, |item| {
            let identifier = "com.acme.other";
            item.signature = CodeSignature {
                identifier: identifier.to_owned(),
                ..item.signature.clone()
            };
            Some(())
        }),
        built_in("nested-built-in-unsigned", strip),
        built_in("nested-built-in-ad-hoc", |item| {
            item.signature.signing = Signing::AdHoc;
            Some(())
        }),
        built_in("nested-built-in-of-another-team", |item| {
            let other = other_team(item)?;
            sign_by(item, &other);
            Some(())
        })
        .in_context(),
        built_in("nested-built-in-broken", |item| {
            item.signature.hooks.directories.push(Arc::new(|each| {
                for directory in each {
                    directory.code[0][0] ^= 1;
                }
            }));
            Some(())
        }),
        built_in("nested-built-in-sealed-wrong", |item| {
            (item.layout != Layout::Tool).then_some(())?;
            item.sealing
                .hooks
                .push(Arc::new(|seals| seals.files2().clear()));
            (item.layout == Layout::Versioned).then_some(())
        }),
        Flaw::new("extension-missing", Means::Key, |product| {
            let mut spec = product.spec.clone();
            let place = spec
                .nested
                .iter()
                .position(|nested| nested.folder == "PlugIns")?;
            spec.nested.remove(place);
            Some(spec.sign())
        })
        .in_context(),
        Flaw::new("extension-not-planned", Means::Key, |product| {
            let spec = product.spec.clone();
            (spec.layout != Layout::Tool).then_some(())?;
            Some(spec.with_extension("Surprise").sign())
        })
        .in_context(),
        Flaw::new("extension-with-a-stale-profile", Means::Key, |product| {
            let path = profiled(product)?;
            let mut spec = product.spec.clone();
            super::signer::profiled(spec.at_mut(&path), |profile| profile.named("made anew"))?;
            Some(spec.sign())
        })
        .in_context(),
        Flaw::new(
            "extension-with-the-profile-of-the-app",
            Means::Key,
            |product| {
                let path = profiled(product)?;
                let mut spec = product.spec.clone();
                let outer = spec.profile.clone();
                spec.at_mut(&path).profile = outer;
                Some(spec.sign())
            },
        )
        .in_context(),
    ]
}
