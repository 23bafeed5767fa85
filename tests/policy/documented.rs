//! The example and the reference know every key.

use std::path::Path;

use countersign::context::policy::TopologyKind;
use countersign::context::policy::{Policy, SECTIONS};

use crate::reading::HOME;

#[test]
fn the_example_policy_loads_and_uses_every_key() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/signing.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let policy = Policy::parse(&text, &file, Some(Path::new(HOME))).unwrap();
    assert_eq!(policy.topology.kind, TopologyKind::DedicatedSigner);
    assert!(
        policy.keychain.allowed.spans.is_empty(),
        "the README's command passes at any hour"
    );
    let anchors = file.parent().unwrap().join("../fixtures/acme/anchors.pem");
    assert_eq!(policy.profiles.trust_anchors, [anchors]);
    // Nothing reads [export] yet: the example does not recommend it.
    assert_eq!(policy.remarks(), []);
    for (section, keys) in SECTIONS.iter().filter(|(section, _)| *section != "export") {
        for key in keys.iter().filter(|key| **key != "export") {
            assert!(text.contains(key), "{section}.{key} is not shown");
        }
    }

    // The commented examples are right too: with them, the file still loads.
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with("[[") || rest.contains(" = ") => rest,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let with_examples = Policy::parse(&uncommented, &file, Some(Path::new(HOME))).unwrap();
    assert_eq!(with_examples.keychain.allowed.spans.len(), 1);
    assert_eq!(with_examples.targets.len(), 1);
    assert_eq!(with_examples.products.len(), 1);
    assert_eq!(with_examples.rotation.credentials.len(), 2);
}

#[test]
fn the_reference_explains_every_key() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policy.md");
    let reference = std::fs::read_to_string(file).unwrap();
    for (section, keys) in SECTIONS {
        if !section.is_empty() {
            assert!(
                reference.contains(&format!("[{section}]")),
                "[{section}] is not explained"
            );
        }
        for key in *keys {
            assert!(
                reference.contains(&format!("`{key}`")),
                "{section}.{key} is not explained"
            );
        }
    }
}
