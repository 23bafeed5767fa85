//! What the sentences of `security` and `codesign` mean.
//!
//! They are the ones that people paste into search engines. Each has one cause or a few; the message that a person reads
//! names them beside the sentence itself.

/// Adds the known causes to what a tool said.
pub(super) fn with_causes(said: &str) -> String {
    let lower = said.to_ascii_lowercase();
    let cause = CAUSES
        .iter()
        .find(|(sentence, _)| lower.contains(sentence))
        .map(|(_, cause)| *cause);
    match (said.is_empty(), cause) {
        (true, _) => "it said nothing".into(),
        (false, None) => said.into(),
        (false, Some(cause)) => format!("{said} [{cause}]"),
    }
}

/// A part of the sentence in lower case, and what it comes from. The first that fits is taken.
const CAUSES: &[(&str, &str)] = &[
    (
        "unable to build chain to self-signed root",
        "the intermediate certificate that issued this identity is missing on this machine, or is of another generation: install Apple's WWDR or Developer ID intermediate that its issuer names",
    ),
    (
        "errsecinternalcomponent",
        "the keychain is locked, the key's partition list does not name apple:, or the certificate chain cannot be built (WWDR intermediate)",
    ),
    (
        "mac verification failed",
        "the password of the PKCS#12 file is wrong, or the file uses algorithms that this macOS cannot read",
    ),
    (
        "specified item could not be found",
        "the certificate has expired, its key is missing, or the keychain is not in the search list",
    ),
    (
        "user interaction is not allowed",
        "the keychain is locked, or the key's access list does not name this tool and there is nobody to ask",
    ),
    (
        "ambiguous",
        "two identities have the same name: choose by fingerprint",
    ),
    (
        "already exists in the keychain",
        "this certificate or key was imported before",
    ),
    (
        "could not be found",
        "the keychain is not there, or not in the search list",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sentences_get_their_cause_and_keep_their_words() {
        let said = "probe: errSecInternalComponent";
        let explained = with_causes(said);
        assert!(explained.starts_with(said), "{explained}");
        assert!(explained.contains("partition list"), "{explained}");
        assert!(
            with_causes(
                "Warning: unable to build chain to self-signed root\nerrSecInternalComponent"
            )
            .contains("intermediate certificate that issued"),
            "the more telling sentence wins"
        );
        assert_eq!(with_causes("anything else"), "anything else");
        assert_eq!(with_causes(""), "it said nothing");
    }
}
