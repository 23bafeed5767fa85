//! "Did you mean": the word that somebody probably wanted to write.
//!
//! A suggestion helps only if it is probably right, so there is none below a threshold.

/// Below this similarity two words have nothing to do with each other. Words that differ by one slip of the finger
/// score above 0.9, unrelated keys of one section below 0.7.
const THRESHOLD: f64 = 0.78;

/// Longer words are no slips of the finger, and comparing them costs time that a hostile file should not get.
const LONGEST: usize = 64;

/// The candidate nearest to `word`, if one is near: case, `-` and `_` do not count, a part of a longer word is near it.
/// Among equally near ones the first wins.
pub fn suggestion<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let folded = fold(word);
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let score = similarity(&folded, &fold(candidate));
        if score >= THRESHOLD && best.is_none_or(|(other, _)| score > other) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn similarity(word: &str, candidate: &str) -> f64 {
    let alike = strsim::jaro_winkler(word, candidate);
    // `hosts` for `key_hosts`: Jaro sees nothing in common when the shared part is shifted.
    let part = word.len().min(candidate.len()) >= 4
        && (candidate.contains(word) || word.contains(candidate));
    if part { alike.max(0.85) } else { alike }
}

fn fold(word: &str) -> String {
    word.chars()
        .map(|c| match c {
            '-' | ' ' => '_',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &[
        "directories",
        "minimum_validity",
        "warn_before",
        "read_only",
        "trust_anchors",
        "key_hosts",
    ];

    #[test]
    fn slips_of_the_finger_find_their_word() {
        for (slip, wanted) in [
            ("minimun_validity", "minimum_validity"),
            ("min_validity", "minimum_validity"),
            ("directory", "directories"),
            ("read-only", "read_only"),
            ("ReadOnly", "read_only"),
            ("warn_befor", "warn_before"),
            ("trust_anchor", "trust_anchors"),
            ("hosts", "key_hosts"),
        ] {
            assert_eq!(
                suggestion(slip, KEYS.iter().copied()),
                Some(wanted),
                "{slip}"
            );
        }
    }

    #[test]
    fn a_strange_word_gets_no_suggestion() {
        for strange in ["", "colour", "x", "zone", "approvals"] {
            assert_eq!(suggestion(strange, KEYS.iter().copied()), None, "{strange}");
        }
        assert_eq!(suggestion(&"d".repeat(65), KEYS.iter().copied()), None);
    }
}
