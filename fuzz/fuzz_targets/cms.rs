//! Any bytes as a CMS message: no panic, errors point into the file, and its form in definite lengths is the same message.
#![no_main]

use countersign::apple::anchors::Anchors;
use countersign::apple::ber::{Reader, Tag};
use countersign::apple::cms::{self, SignedData};
use countersign::apple::profile_signer::{Layer, LayerProof};
use countersign::apple::signed_message::Verifier;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let message = match cms::parse(bytes) {
        Ok(message) => message,
        Err(error) => {
            assert!(error.offset().is_none_or(|offset| offset <= bytes.len()));
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(cms::parse_content_info(bytes).is_ok());
    for signer in &message.signers {
        let Some(attributes) = &signer.signed_attributes else {
            continue;
        };
        // What is hashed must be one SET of attributes in definite lengths, or the signature is over something nobody
        // reads. What stands inside of a value is the signer's own.
        let mut reader = Reader::new(&attributes.der);
        let set = reader.read(Tag::SET, "attributes").expect("a SET");
        reader.end("attributes").expect("alone");
        assert_ne!(set.raw.get(1), Some(&0x80));
        let mut attributes = set.reader().expect("constructed");
        while let Some(attribute) = attributes.next().expect("well-formed") {
            assert_ne!(attribute.raw.get(1), Some(&0x80));
        }
    }
    let file = Reader::new(bytes).any("ContentInfo").expect("it was read");
    if let Ok(definite) = file.to_definite(Tag::SEQUENCE, usize::MAX) {
        let again = cms::parse(&definite).expect("the same message in definite lengths");
        assert_same(&message, &again);
    }
    // Whatever it is, Apple did not sign it (the seeds are other hierarchies' or detached from their layer), or did.
    let verifier = Verifier::new(Anchors::apple());
    for layer in [Layer::Outer, Layer::Inner] {
        match LayerProof::prove(&message, layer, &verifier) {
            Ok(proof) => {
                assert!(message.content.is_some() && !proof.anchor().to_string().is_empty())
            }
            Err(fault) => assert!(!fault.finding().message.is_empty()),
        }
    }
});

fn assert_same(one: &SignedData<'_>, other: &SignedData<'_>) {
    assert_eq!(one.content_type, other.content_type);
    assert_eq!(one.content, other.content);
    assert_eq!(one.certificates.len(), other.certificates.len());
    assert_eq!(one.digest_algorithms, other.digest_algorithms);
    assert_eq!(one.extras, other.extras);
    assert_eq!(one.signers.len(), other.signers.len());
    for (a, b) in one.signers.iter().zip(&other.signers) {
        assert_eq!(a.digest_algorithm, b.digest_algorithm);
        assert_eq!(a.signature_algorithm, b.signature_algorithm);
        assert_eq!(a.signature, b.signature);
        let attributes = [a, b].map(|signer| signer.signed_attributes.as_ref());
        if let [Some(a), Some(b)] = attributes {
            assert_eq!(a.content_type, b.content_type);
            assert_eq!(a.message_digest, b.message_digest);
            assert_eq!(a.signing_time, b.signing_time);
        }
        assert_eq!(attributes[0].is_some(), attributes[1].is_some());
    }
}
