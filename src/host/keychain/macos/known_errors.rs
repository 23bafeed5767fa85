//! What the sentences of `security` and `codesign` mean.
//!
//! They are the ones that people paste into search engines. Each has one cause or a few; the message that a person reads
//! names them beside the sentence itself, and the hint says what to do where one thing is to be done.

/// A sentence that is known.
struct KnownError {
    /// A part of it in lower case.
    sentence: &'static str,
    /// What it comes from.
    cause: &'static str,
    /// What to do about it.
    hint: Option<&'static str>,
}

/// What a tool said, with its known cause, and what to do about that.
pub(super) fn with_cause(said: &str) -> (String, Option<&'static str>) {
    let lower = said.to_ascii_lowercase();
    let known = KNOWN.iter().find(|known| lower.contains(known.sentence));
    match known {
        _ if said.is_empty() => ("it said nothing".into(), None),
        None => (said.into(), None),
        Some(known) => (format!("{said} [{}]", known.cause), known.hint),
    }
}

/// The first that fits is taken.
const KNOWN: &[KnownError] = &[
    KnownError {
        sentence: "unable to build chain to self-signed root",
        cause: "the intermediate certificate that issued this identity is missing on this machine, or is of another generation",
        hint: Some(
            "install Apple's WWDR or Developer ID intermediate that the identity's issuer names",
        ),
    },
    KnownError {
        sentence: "errsecinternalcomponent",
        cause: "the keychain is locked, the key's partition list does not name apple:, or the certificate chain cannot be built (WWDR intermediate)",
        hint: None,
    },
    KnownError {
        sentence: "mac verification failed",
        cause: "the password of the PKCS#12 file is wrong, or the file uses algorithms that this macOS cannot read",
        hint: None,
    },
    KnownError {
        sentence: "specified item could not be found",
        cause: "the certificate has expired, its key is missing, or the keychain is not in the search list",
        hint: None,
    },
    KnownError {
        sentence: "user interaction is not allowed",
        cause: "the keychain is locked, or the key's access list does not name this tool and nobody can answer a dialog",
        hint: None,
    },
    KnownError {
        sentence: "ambiguous",
        cause: "two identities have the same name",
        hint: Some("choose the identity by its fingerprint"),
    },
    KnownError {
        sentence: "already exists in the keychain",
        cause: "this certificate or key was imported before",
        hint: None,
    },
    KnownError {
        sentence: "could not be found",
        cause: "the keychain does not exist, or is not in the search list",
        hint: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sentences_get_their_cause_and_keep_their_words() {
        let said = "probe: errSecInternalComponent";
        let (explained, _) = with_cause(said);
        assert!(explained.starts_with(said), "{explained}");
        assert!(explained.contains("partition list"), "{explained}");
        let both = "Warning: unable to build chain to self-signed root\nerrSecInternalComponent";
        let (explained, hint) = with_cause(both);
        assert!(
            explained.contains("intermediate certificate that issued"),
            "the more telling sentence wins"
        );
        assert!(hint.unwrap().starts_with("install Apple's WWDR"));
        assert_eq!(with_cause("anything else"), ("anything else".into(), None));
        assert_eq!(with_cause(""), ("it said nothing".into(), None));
    }
}
