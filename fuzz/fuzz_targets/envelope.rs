//! An envelope, and a list of allowed signers after the first zero byte: whatever is done to the seeds, nothing holds that its
//! signer did not sign, and a list means what it says.
//!
//! The originals and the list of their signers lie in `seeds/envelope`, written by `scripts/fuzz`. Mutation knows no private
//! key, so a statement that holds under that list must be one of the originals.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use countersign::base::finding;
use countersign::context::envelope::verify::{Asked, Verification, verify};
use countersign::context::envelope::{Statement, dsse};
use countersign::context::ssh::allowed_signers::AllowedSigners;
use countersign::context::ssh::signature::Signature;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

struct Known {
    allowed: AllowedSigners,
    originals: Vec<Statement>,
}

fn ask(file: &[u8], allowed: &AllowedSigners) -> Verification {
    verify(
        file,
        &Asked {
            allowed,
            allowed_file: Path::new("allowed_signers"),
            signer: None,
            manifest: None,
            policy: None,
            products: &[],
            maximum_age: None,
            now: Timestamp::from_second(1_783_349_100).expect("in range"),
        },
    )
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/envelope");
    let list = fs::read(format!("{folder}/allowed_signers"));
    let list = list.expect("run scripts/fuzz: it writes the seeds");
    let allowed = AllowedSigners::parse(&list).expect("a list");
    let files = fs::read_dir(folder)
        .expect("it was read")
        .map(|entry| fs::read(entry.expect("an entry").path()).expect("a file"));
    let originals: Vec<_> = files
        .filter_map(|file| ask(&file, &allowed).verified)
        .map(|verified| verified.statement().clone())
        .collect();
    assert!(!originals.is_empty(), "no envelope in {folder} holds");
    Known { allowed, originals }
});

fuzz_target!(|bytes: &[u8]| {
    let (file, list) = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, bytes),
    };
    let verification = ask(file, &KNOWN.allowed);
    let blocks = finding::any_blocks(&verification.findings);
    assert_eq!(verification.verified.is_none(), blocks);
    if let Some(verified) = &verification.verified {
        assert!(verification.is_signed && dsse::is_envelope(file));
        assert!(
            KNOWN.originals.contains(verified.statement()),
            "it holds, but nobody signed this: {:#?}",
            verified.statement()
        );
    }
    match AllowedSigners::parse(list) {
        Ok(allowed) => drop(ask(file, &allowed)),
        Err(error) => {
            let lines = list.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            assert!((1..=lines).contains(&error.line), "{error:?}");
        }
    }
    if let Ok(signature) = Signature::from_armor(file) {
        let armor = signature.armor();
        assert_eq!(
            Signature::from_canonical_armor(armor.as_bytes()),
            Ok(signature)
        );
    }
});
