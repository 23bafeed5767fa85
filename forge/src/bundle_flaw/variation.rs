//! Honest products that are not what Xcode makes today: each must stay accepted.

use std::sync::Arc;

use super::signer::sign_by;
use super::{Flaw, Means, resigned, throughout};
use crate::bundle::{Bundle, Entry, Item, Layout, joined};
use crate::code_directory::{HashType, slot};
use crate::code_signature::{CodeSignature, SigningIdentity};
use crate::hierarchy::{Hierarchy, Store};
use crate::mach_o::{Arch, MachO, Target};
use crate::profile::{ACME_TEAM, Family};
use crate::requirement::{Requirement, kind};

/// The variation that signs everything a little differently.
fn all_signed(name: &str, change: fn(&mut CodeSignature)) -> Flaw {
    Flaw::new(name, Means::Key, move |product| {
        let mut spec = product.spec.clone();
        throughout(&mut spec, &change);
        Some(spec.sign())
    })
}

/// The variation that a store hands out: signed by it, without the profile, and still of the developer's team.
fn store(name: &str, family: Family, store: Store) -> Flaw {
    Flaw::new(name, Means::OtherKey, move |product| {
        let mut spec = product.spec.clone();
        (spec.family == family && spec.layout != Layout::Tool).then_some(())?;
        throughout(&mut spec, &|signature| {
            signature.team = Some(ACME_TEAM.to_owned())
        });
        sign_by(&mut spec, &SigningIdentity::store(Hierarchy::acme(), store));
        unprofiled(&mut spec);
        Some(spec.sign())
    })
}

fn unprofiled(item: &mut Item) {
    item.profile = None;
    for nested in &mut item.nested {
        unprofiled(&mut nested.item);
    }
}

/// The variation that edits what no seal holds.
fn edited(name: &str, change: fn(&mut Bundle, &Item) -> Option<()>) -> Flaw {
    Flaw::new(name, Means::Edit, move |product| {
        let mut edited = product.clone();
        change(&mut edited.bundle, &product.spec)?;
        Some(edited)
    })
}

/// Honest ways in which a product may differ: named and applied as flaws are.
pub fn variations() -> Vec<Flaw> {
    vec![
        all_signed("with-sha1-and-sha256", |signature| {
            signature.hash_types = vec![HashType::Sha1, HashType::Sha256];
        }),
        all_signed("with-sha256-and-sha384", |signature| {
            signature.hash_types = vec![HashType::Sha256, HashType::Sha384];
        }),
        all_signed("with-sha384-alone", |signature| {
            signature.hash_types = vec![HashType::Sha384]
        }),
        all_signed("with-three-hash-types", |signature| {
            signature.hash_types = vec![HashType::Sha1, HashType::Sha256, HashType::Sha384];
        }),
        all_signed("with-pages-of-16-kib", |signature| signature.page_bits = 14),
        all_signed("with-one-page", |signature| signature.page_bits = 0),
        all_signed("with-a-64-bit-limit", |signature| {
            signature.wide_limit = true
        }),
        all_signed("with-version-20600", |signature| {
            signature.version = 0x20600
        }),
        all_signed("with-a-message-in-der", |signature| {
            signature.indefinite = false
        }),
        all_signed("with-a-plain-rsa-algorithm", |signature| {
            signature.hooks.message.push(Arc::new(|message| {
                message.signers[0].algorithm_with_digest = false;
            }));
        }),
        all_signed("with-entitlements-in-xml-only", |signature| {
            if let Some(own) = &mut signature.entitlements {
                own.der = None;
            }
        }),
        all_signed("with-a-launch-constraint", |signature| {
            let mut wanted = plist::Dictionary::new();
            wanted.insert("team-identifier".to_owned(), ACME_TEAM.into());
            signature
                .constraints
                .insert(slot::CONSTRAINT_PARENT, wanted);
        }),
        all_signed("with-more-requirements", |signature| {
            let mut own = signature.requirement_set();
            own.push((
                kind::LIBRARY,
                Requirement::AnchorApple.or(Requirement::AnchorAppleGeneric),
            ));
            signature.requirements = Some(own);
        }),
        all_signed("with-implicit-requirements", |signature| {
            signature.requirements = Some(Vec::new());
        }),
        resigned("without-uuid", Means::Key, |item| {
            for slice in &mut item.executable.slices {
                slice.uuid = false;
            }
            Some(())
        }),
        resigned("thin", Means::Key, |item| {
            (item.executable.slices.len() > 1).then_some(())?;
            item.executable.slices.remove(0);
            Some(())
        }),
        resigned("with-a-hidden-slice", Means::Key, |item| {
            (item.executable.slices.len() > 1).then_some(())?;
            item.executable.hidden_last = true;
            Some(())
        }),
        resigned("with-slices-of-32-bits", Means::Key, |item| {
            let old = MachO {
                arch: Arch::Armv7,
                target: Target::VersionMin(0x25, 0x0009_0000, 0x000e_0000),
                ..item.executable.slices[0].clone()
            };
            item.executable.slices.insert(0, old);
            Some(())
        }),
        Flaw::new("stapled", Means::Edit, |product| {
            (product.spec.layout == Layout::Deep).then(|| product.stapled())
        }),
        store("signed-by-the-app-store", Family::Ios, Store::AppStore),
        store("signed-by-testflight", Family::Ios, Store::TestFlight),
        store(
            "signed-by-the-mac-app-store",
            Family::Mac,
            Store::MacAppStore,
        ),
        edited("without-a-localization", |bundle, item| {
            let own = item
                .resources
                .keys()
                .find(|path| path.contains("en.lproj/"))?;
            bundle.remove(&joined(item.layout.base(), own));
            Some(())
        }),
        edited("with-a-folder-that-is-empty", |bundle, item| {
            (item.layout != Layout::Tool).then_some(())?;
            let path = joined(item.layout.base(), "Resources/empty");
            bundle.put(&path, Entry::Directory);
            Some(())
        }),
        edited("with-a-desktop-file", |bundle, item| {
            (item.layout != Layout::Tool).then_some(())?;
            let path = joined(item.layout.base(), "Resources/.DS_Store");
            bundle.put(&path, Entry::file("where icons are"));
            Some(())
        }),
        edited("without-pkginfo", |bundle, item| {
            let path = joined(item.layout.base(), "PkgInfo");
            bundle.entries.remove(&path).map(drop)
        }),
    ]
}
