//! Of several faults `codesign` tells one: the order in which `SecStaticCode::staticValidate` comes upon them.

use forge::bundle::{Entry, Product, mac_app_with_everything};
use forge::bundle_flaw::Flaw;

use crate::{developer_id, judged};

fn damaged(flaws: &[&str]) -> Product {
    let mut product = mac_app_with_everything(&developer_id()).sign();
    for name in flaws {
        let flaw = Flaw::all().into_iter().find(|flaw| flaw.name == *name);
        let flaw = flaw.unwrap_or_else(|| panic!("no flaw {name}"));
        product = flaw
            .apply(&product)
            .unwrap_or_else(|| panic!("{name} is not for this product"));
    }
    product
}

fn predicted(product: &Product) -> (&'static str, &'static str) {
    let fault = judged(product).codesign().unwrap();
    (fault.status.name(), fault.function)
}

#[test]
fn what_ends_the_walk_is_told_before_what_the_walk_collects() {
    let mac = mac_app_with_everything(&developer_id()).sign();
    let collected = mac.edited(|bundle| bundle.put("Contents/Resources/added", Entry::file("x")));
    assert_eq!(predicted(&collected).0, "errSecCSBadResource");
    let both = collected.edited(|bundle| {
        bundle.put(
            "Contents/Resources/x/.DS_Store",
            Entry::Link("nowhere".to_owned()),
        );
    });
    assert_eq!(predicted(&both).0, "errSecCSDSStoreSymlink");
    // A fault of nested code ends the walk too.
    let nested = collected.edited(|bundle| {
        let program = "Contents/Frameworks/RocketKit.framework/Versions/A/RocketKit";
        let bytes = bundle.file_mut(program);
        // In the first slice of the fat file (fat.h).
        let slice = u32::from_be_bytes(bytes[16..20].try_into().unwrap()) as usize;
        bytes[slice + 0x1000] ^= 1;
    });
    assert_eq!(
        predicted(&nested),
        (
            "errSecCSSignatureFailed",
            "SecStaticCode::validateExecutable"
        )
    );
}

#[test]
fn the_folders_of_a_bundle_come_last() {
    let mac = mac_app_with_everything(&developer_id()).sign();
    let stray = mac.edited(|bundle| bundle.put("stray", Entry::file("x")));
    assert_eq!(predicted(&stray).0, "errSecCSUnsealedAppRoot");
    let both = stray.edited(|bundle| bundle.put("Contents/Resources/added", Entry::file("x")));
    assert_eq!(predicted(&both).0, "errSecCSBadResource");
}

#[test]
fn the_designated_requirement_is_asked_last_and_of_the_product_alone() {
    let unmet = damaged(&["identifier-of-another"]);
    assert_eq!(
        predicted(&unmet),
        ("errSecCSReqFailed", "SecStaticCode::validateRequirement")
    );
    let both = unmet.edited(|bundle| bundle.put("Contents/Resources/added", Entry::file("x")));
    assert_eq!(predicted(&both).0, "errSecCSBadResource");
}
