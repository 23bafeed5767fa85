//! Flaws are what they say: they change the product, and what claims to be honest stays consistent.

use std::collections::BTreeSet;

use forge::bundle::{Product, ios_app, mac_app, mac_tool};
use forge::bundle_flaw::{Flaw, Means, Seen, ipa_flaws, tolerated_names, variations};

use super::reader::{check_nothing_is_unsealed, check_product, check_seals};
use super::{developer_id, distribution};

fn products() -> [Product; 3] {
    [
        ios_app(&distribution())
            .with_extension("RocketWidget")
            .with_framework("RocketKit")
            .sign(),
        mac_app(&developer_id())
            .with_extension("RocketWidget")
            .with_framework("RocketKit")
            .sign(),
        mac_tool(&developer_id()).sign(),
    ]
}

#[test]
fn every_flaw_has_its_own_name_and_applies_somewhere() {
    let products = products();
    let mut names = BTreeSet::new();
    for flaw in Flaw::all() {
        assert!(
            names.insert(flaw.name.clone()),
            "{} stands twice",
            flaw.name
        );
        assert!(
            flaw.name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{}",
            flaw.name
        );
        let mut applies = false;
        for product in &products {
            let Some(broken) = flaw.apply(product) else {
                continue;
            };
            applies = true;
            assert!(
                broken.bundle != product.bundle,
                "{} changes nothing",
                flaw.name
            );
        }
        assert!(applies, "{} applies to nothing", flaw.name);
    }
    for name in tolerated_names() {
        assert_eq!(Flaw::named(name).seen, Seen::InItself, "{name}");
        assert!(Flaw::named(name).apply(&products[1]).is_some(), "{name}");
    }
    assert!(names.len() >= 200, "{} flaws", names.len());
    for means in [Means::Edit, Means::OtherKey, Means::Key] {
        assert!(
            Flaw::all()
                .iter()
                .filter(|flaw| flaw.means == means)
                .count()
                >= 10
        );
    }
    let seen = |flaw: &Flaw| flaw.seen == Seen::InContext;
    assert!(Flaw::all().iter().any(seen));
}

#[test]
fn a_flaw_is_the_same_every_time() {
    let product = mac_app(&developer_id()).with_framework("RocketKit").sign();
    for flaw in Flaw::all().into_iter().step_by(7) {
        let (first, second) = (flaw.apply(&product), flaw.apply(&product));
        let same = first.map(|product| product.bundle) == second.map(|product| product.bundle);
        assert!(same, "{}", flaw.name);
    }
}

#[test]
fn a_changed_byte_is_one_byte() {
    for product in [
        ios_app(&distribution()).sign(),
        mac_app(&developer_id()).sign(),
    ] {
        let flaws = Flaw::every_byte(&product);
        let pages: usize = product.items[0]
            .slices
            .iter()
            .map(|slice| slice.offset.div_ceil(4096))
            .sum();
        let named = |start: &str| {
            flaws
                .iter()
                .filter(|flaw| flaw.name.starts_with(start))
                .count()
        };
        assert_eq!(named("page:"), pages);
        assert_eq!(named("file:"), product.bundle.entries.len());
        assert!(named("slot:") >= 5 && named("blob:") >= 5);
        for flaw in &flaws {
            let broken = flaw.apply(&product).unwrap();
            let pairs = product.bundle.entries.iter().zip(&broken.bundle.entries);
            let changed: Vec<_> = pairs.filter(|(old, new)| old != new).collect();
            assert_eq!(changed.len(), 1, "{}", flaw.name);
            let path = changed[0].0.0;
            if !matches!(
                product.bundle.entries[path],
                forge::bundle::Entry::File { .. }
            ) {
                continue;
            }
            let bytes = product
                .bundle
                .file(path)
                .iter()
                .zip(broken.bundle.file(path));
            assert_eq!(
                bytes.filter(|(old, new)| old != new).count(),
                1,
                "{}",
                flaw.name
            );
        }
    }
}

#[test]
fn every_variation_is_consistent() {
    for product in products() {
        for variation in variations() {
            let Some(other) = variation.apply(&product) else {
                continue;
            };
            assert!(
                other.bundle != product.bundle,
                "{} changes nothing",
                variation.name
            );
            assert!(check_product(&other) > 0, "{}", variation.name);
            if other.item("").resources.is_some() && variation.name != "without-a-localization" {
                check_seals(&other, "");
            }
        }
    }
}

#[test]
fn every_broken_ipa_is_another_file() {
    let app = ios_app(&distribution()).sign();
    let honest = forge::bundle::ipa(&app);
    let flaws = ipa_flaws(&app);
    assert!(flaws.len() >= 30);
    let mut seen = BTreeSet::from([honest]);
    for flaw in flaws {
        // A bomb is small until it is read.
        assert!(flaw.bytes.len() < 4 << 20, "{}", flaw.name);
        assert!(seen.insert(flaw.bytes), "{}", flaw.name);
    }
}

#[test]
fn a_ticket_names_the_code_of_every_slice() {
    let app = mac_app(&developer_id())
        .with_system_extension("network")
        .sign();
    let ticket = app.stapled().bundle.file("Contents/CodeResources").to_vec();
    assert!(ticket.starts_with(b"s8ch"));
    let mut hashes = 0;
    for slice in app.items.iter().flat_map(|item| &item.slices) {
        let hash = slice.cdhash();
        assert_eq!(
            ticket.windows(20).filter(|window| *window == hash).count(),
            1
        );
        hashes += 1;
    }
    assert_eq!(hashes, 4);
}

/// Whether the second reader finds nothing: every slot, every seal, and no file that nobody sealed.
fn is_intact(product: &Product) -> bool {
    let check = || {
        check_product(product);
        for item in product.items.iter().filter(|item| item.resources.is_some()) {
            check_seals(product, &item.path);
            check_nothing_is_unsealed(product, &item.path);
        }
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_ok()
}

/// What the second reader does not look at: messages and what they bind, the shape of SuperBlobs and fat files, and what is
/// beside the folder that a seal is about.
const UNREAD: &[&str] = &[
    "alternate-behind-a-gap",
    "alternate-doubled",
    "alternate-dropped",
    "alternate-in-front",
    "blob-count-zero",
    "blobs-overlap",
    "data-behind-the-image",
    "directory-removed",
    "directory-twice",
    "entitlements-in-front",
    "fat-count-zero",
    "fat-padding-used",
    "fat-processor-lies",
    "fat-processor-twice",
    "fat-slice-unsigned-and-hidden",
    "fat-slices-are-one",
    "file-beside-contents",
    "framework-current-loops",
    "framework-current-missing",
    "framework-current-moved",
    "framework-current-out",
    "framework-file-at-the-root",
    "framework-top-link-retargeted",
    "framework-version-added",
    "message-emptied",
    "message-of-noise",
    "message-removed",
    "signature-value-changed",
    "super-blob-length-too-small",
    "turned-ad-hoc",
];

#[test]
fn the_second_reader_sees_what_was_edited() {
    let products = products();
    for product in &products {
        assert!(is_intact(product));
    }
    let mut unseen = BTreeSet::new();
    for flaw in Flaw::all() {
        if flaw.means != Means::Edit || flaw.seen != Seen::InItself {
            continue;
        }
        for product in &products {
            let broken = flaw.apply(product);
            if broken.is_some_and(|broken| is_intact(&broken)) {
                unseen.insert(flaw.name.clone());
            }
        }
    }
    let unread: BTreeSet<String> = UNREAD.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(unseen, unread);
}
