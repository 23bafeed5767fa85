//! What the two layers of a profile ask of their signers.

use countersign::apple::profile_signer::{Layer, LayerProof};

use super::*;

/// A layer of a profile, signed in a chain of keys of RSA with the markers of that layer.
fn layer(
    layer: Layer,
    hash: Hash,
    of_signer: &str,
    of_authority: &str,
    levels: usize,
) -> Result<(), Fault> {
    let mut parts = Parts::new();
    parts.notary.extensions = vec![extension::signs_data(), extension::marker(of_signer, false)];
    parts.office.extensions.pop();
    parts
        .office
        .extensions
        .push(extension::marker(of_authority, false));
    let root = parts.root.self_sign(&Key::rsa("root"));
    let mut chain = vec![root];
    for level in 0..levels {
        let between = authority(&format!("Level {level}"), None);
        chain.push(between.issue(&Key::rsa("level"), chain.last().unwrap()));
    }
    chain.push(
        parts
            .office
            .issue(&Key::rsa("office"), chain.last().unwrap()),
    );
    chain.push(
        parts
            .notary
            .issue(&Key::rsa("notary"), chain.last().unwrap()),
    );
    let (signer, issuers) = chain.split_last().unwrap();
    let signer = Signer::new(signer.clone(), hash, signed());
    let message = SignedData::new(CONTENT.to_vec(), signer, issuers).to_der();
    let proof = LayerProof::prove(
        &cms::parse(&message).unwrap(),
        layer,
        &verifier(&[&chain[0]]),
    );
    proof.map(drop).map_err(|fault| {
        let named = match layer {
            Layer::Outer => "the outer layer",
            Layer::Inner => "the inner layer (DER-Encoded-Profile)",
        };
        let message = fault.finding().message;
        assert!(message.contains(named), "{message}");
        fault.fault
    })
}

const APPLE: &str = "1.2.840.113635.100";

#[test]
fn sha_1_is_for_outer_layers() {
    let (signer, authority) = (format!("{APPLE}.12.19"), format!("{APPLE}.6.2.17"));
    let inner = |hash| layer(Layer::Inner, hash, &signer, &authority, 0);
    inner(Hash::Sha256).unwrap();
    inner(Hash::Sha384).unwrap();
    assert!(matches!(inner(Hash::Sha1), Err(Fault::Algorithm(_))));
    let (signer, authority) = (format!("{APPLE}.6.58"), format!("{APPLE}.6.2.18"));
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384] {
        layer(Layer::Outer, hash, &signer, &authority, 0).unwrap();
    }
}

#[test]
fn each_layer_has_its_signers_and_each_signer_its_authority() {
    const SIGNERS: [&str; 5] = ["6.58", "6.2.2.1", "4.11", "12.19", "6.1.4"];
    const AUTHORITIES: [&str; 4] = ["6.2.18", "6.2.1", "6.2.17", "6.2.6"];
    const RIGHT: [(Layer, &str, &str); 4] = [
        (Layer::Outer, "6.58", "6.2.18"),
        (Layer::Outer, "6.2.2.1", "6.2.18"),
        (Layer::Outer, "4.11", "6.2.1"),
        (Layer::Inner, "12.19", "6.2.17"),
    ];
    for which in [Layer::Outer, Layer::Inner] {
        for signer in SIGNERS {
            for authority in AUTHORITIES {
                let (of_signer, of_authority) =
                    (format!("{APPLE}.{signer}"), format!("{APPLE}.{authority}"));
                let outcome = layer(which, Hash::Sha256, &of_signer, &of_authority, 0);
                if RIGHT.contains(&(which, signer, authority)) {
                    outcome.unwrap();
                } else {
                    assert!(
                        matches!(outcome, Err(Fault::Role { .. })),
                        "{which:?} {signer} {authority}: {outcome:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_chain_of_a_layer_has_three_certificates() {
    let (signer, authority) = (format!("{APPLE}.6.58"), format!("{APPLE}.6.2.18"));
    let long = layer(Layer::Outer, Hash::Sha256, &signer, &authority, 1);
    assert!(matches!(long, Err(Fault::Anchor { .. })), "{long:?}");
    let (signer, authority) = (format!("{APPLE}.12.19"), format!("{APPLE}.6.2.17"));
    let long = layer(Layer::Inner, Hash::Sha256, &signer, &authority, 1);
    assert!(matches!(long, Err(Fault::Anchor { .. })), "{long:?}");
}
