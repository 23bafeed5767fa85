//! An envelope that holds, to be put wrong.

use std::path::Path;

use countersign::apple::code_signature::product_digest::ProductDigest;
use countersign::base::digest::Digest;
use countersign::base::finding::{Code, Severity};
use countersign::context::envelope::verify::{Asked, Verification, verify};
use countersign::context::ssh::allowed_signers::AllowedSigners;
use forge::ssh::{STATEMENT, SshKey, SshSignature, envelope};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

/// When the gate judged.
pub(crate) const JUDGED: &str = "2026-07-06T14:15:00Z";

/// When the envelope is verified.
pub(crate) const NOW: &str = "2026-07-06T14:45:00Z";

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn signer() -> SshKey {
    SshKey::ed25519("signer-01")
}

/// The manifest that was cleared.
pub(crate) fn manifest() -> Digest {
    Digest::of(b"a manifest")
}

/// The policy that it was judged by.
pub(crate) fn policy() -> Digest {
    Digest::of(b"a policy")
}

/// Everything that a verification is about.
pub(crate) struct Scene {
    pub(crate) statement: Json,
    pub(crate) payload_type: &'static str,
    pub(crate) key: SshKey,
    pub(crate) signature: SshSignature,
    pub(crate) allowed: String,
    pub(crate) signer: Option<&'static str>,
    pub(crate) manifest: Option<Digest>,
    pub(crate) policy: Option<Digest>,
    pub(crate) products: Vec<(String, ProductDigest)>,
    pub(crate) maximum_age: Option<SignedDuration>,
    pub(crate) now: Timestamp,
}

impl Scene {
    /// In which everything is right.
    pub(crate) fn new() -> Self {
        let digest = manifest().to_string();
        Self {
            statement: json!({
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [{
                    "name": "profiles.json",
                    "digest": { "sha256": digest.strip_prefix("sha256:").unwrap() },
                }],
                "predicateType": "urn:countersign:signing-context:v1",
                "predicate": {
                    "signed": true,
                    "policy": policy().to_string(),
                    "manifest": digest,
                    "revision": 7,
                    "plan": Digest::of(b"a plan").to_string(),
                    "host": "signer-01.acme.example",
                    "judged_at": JUDGED,
                    "cleared_until": "2026-07-06T14:20:00Z",
                    "waived": ["identities"],
                    "warnings": ["profile-expires-soon"],
                    "profile_directories": ["/profiles"],
                    "trust_anchors": [{ "name": "Acme Root CA", "sha256": "00".repeat(32) }],
                    "certificates": ["0a1b2c"],
                    "audit": format!("12:{}", Digest::of(b"a record")),
                },
            }),
            payload_type: STATEMENT,
            key: signer(),
            signature: SshSignature::default(),
            allowed: signer().allowed("signer-01.acme.example", ""),
            signer: None,
            manifest: Some(manifest()),
            policy: Some(policy()),
            products: Vec::new(),
            maximum_age: Some(SignedDuration::from_hours(1)),
            now: instant(NOW),
        }
    }

    /// The bytes of the payload.
    pub(crate) fn payload(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&self.statement).unwrap()
    }

    /// The envelope.
    pub(crate) fn envelope(&self) -> String {
        envelope(
            self.payload_type,
            &self.payload(),
            &self.key,
            &self.signature,
        )
    }

    /// What is said of these bytes.
    pub(crate) fn verify(&self, bytes: &[u8]) -> Verification {
        let allowed = AllowedSigners::parse(self.allowed.as_bytes()).unwrap();
        let verification = verify(
            bytes,
            &Asked {
                allowed: &allowed,
                allowed_file: Path::new("allowed_signers"),
                signer: self.signer,
                manifest: self.manifest,
                policy: self.policy,
                products: &self.products,
                maximum_age: self.maximum_age,
                now: self.now,
            },
        );
        let blocks = verification
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Block);
        assert_eq!(verification.verified.is_none(), blocks, "{verification:?}");
        verification
    }

    /// It holds; gives the codes of what is remarked.
    #[track_caller]
    pub(crate) fn holds(&self) -> Vec<Code> {
        let verification = self.verify(self.envelope().as_bytes());
        let verified = verification.verified.as_ref();
        let verified = verified.unwrap_or_else(|| panic!("{:#?}", verification.findings));
        assert_eq!(verified.signer().key, self.key.fingerprint());
        let codes = verification.findings.iter().map(|finding| finding.code);
        codes.collect()
    }

    /// It does not hold, for one reason; gives its code and everything that is said.
    #[track_caller]
    pub(crate) fn refused(&self, bytes: &[u8]) -> (Code, String) {
        let verification = self.verify(bytes);
        assert!(verification.verified.is_none());
        let [finding] = verification.findings.as_slice() else {
            panic!("{:#?}", verification.findings);
        };
        assert!(finding.hint.is_some(), "{finding:?}");
        (finding.code, format!("{finding:?}"))
    }

    /// It does not hold for a reason of this code, about which all of these words are said.
    #[track_caller]
    pub(crate) fn refuses(&self, code: Code, words: &[&str]) {
        self.refuses_bytes(self.envelope().as_bytes(), code, words);
    }

    /// The same for other bytes.
    #[track_caller]
    pub(crate) fn refuses_bytes(&self, bytes: &[u8], code: Code, words: &[&str]) {
        let (found, said) = self.refused(bytes);
        assert_eq!(found, code, "{said}");
        for word in words {
            assert!(said.contains(word), "nothing of {word:?} in {said}");
        }
    }
}
