//! A whole profile, from bytes to proof: whatever is done to the seeds, nothing is proven that its signer did not sign.
//!
//! The originals and the anchors of their rehearsal roots lie in `seeds/profile`, written by `scripts/fuzz`. Mutation knows no
//! private key, so a profile that proves must say, word for word, what one of the originals says, however it is
//! encoded.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use countersign::apple::anchors::{Anchors, certificates_from_pem};
use countersign::apple::profile::{self, MAX_BYTES, Profile};
use countersign::apple::profile_signer::LayerProof;
use countersign::apple::signed_message::Verifier;
use countersign::base::finding::Severity;
use countersign::base::ids::FileSha256;
use countersign::context::manifest::{PinnedProfile, ProfileState};
use libfuzzer_sys::fuzz_target;

struct Known {
    verifier: Verifier,
    originals: Vec<Signed>,
}

/// Everything that the two signatures of a profile cover, and who made them.
#[derive(Debug, PartialEq)]
struct Signed {
    fields: String,
    pinned: PinnedProfile,
    layers: Vec<String>,
}

impl Signed {
    fn by(profile: &Profile) -> Self {
        // The signer as its own certificate's signature covers it: the fingerprint covers a little more.
        let layer = |proof: &LayerProof| {
            let (signer, time) = (proof.signer(), proof.signing_time());
            let (role, anchor) = (proof.role(), proof.anchor());
            let names = (signer.subject(), signer.issuer(), &signer.serial);
            format!("{role:?} {names:x?} {:?} {time} {anchor}", signer.validity)
        };
        let layers = [Some(profile.outer()), profile.inner()];
        let mut pinned = PinnedProfile::of(profile, ProfileState::Active);
        // The file may be encoded otherwise; that it is another file is what the manifest's digest is for.
        pinned.sha256 = FileSha256::of(&[]);
        Self {
            fields: format!("{:?}", profile.fields()),
            pinned,
            layers: layers.into_iter().flatten().map(layer).collect(),
        }
    }
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/profile");
    let pem =
        fs::read(format!("{folder}/anchors.pem")).expect("run scripts/fuzz: it writes the seeds");
    let anchors = Anchors::with_extra(certificates_from_pem(&pem).expect("anchors"));
    let verifier = Verifier::new(anchors);
    let files = fs::read_dir(folder)
        .expect("it was read")
        .map(|entry| entry.expect("an entry").path());
    let originals: Vec<_> = files
        .filter_map(|file| profile::prove(&fs::read(file).expect("a file"), &verifier).ok())
        .map(|profile| Signed::by(&profile))
        .collect();
    assert!(!originals.is_empty(), "no profile in {folder} proves");
    Known {
        verifier,
        originals,
    }
});

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > MAX_BYTES {
        return;
    }
    match profile::prove(bytes, &KNOWN.verifier) {
        Ok(profile) => {
            assert_eq!(*profile.sha256(), FileSha256::of(bytes));
            assert!(
                profile
                    .remarks()
                    .iter()
                    .all(|remark| remark.severity != Severity::Block)
            );
            let signed = Signed::by(&profile);
            assert!(
                KNOWN.originals.contains(&signed),
                "proven, but nobody signed this: {signed:#?}"
            );
        }
        Err(unproven) => {
            assert!(
                unproven
                    .findings
                    .iter()
                    .any(|finding| finding.severity == Severity::Block)
            );
            assert_eq!(unproven.sha256, FileSha256::of(bytes));
        }
    }
});
