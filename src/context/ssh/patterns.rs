//! Lists of patterns, as OpenSSH matches them (`PATTERNS` in ssh_config(5)).

use crate::base::wildcard::matches;

/// Whether the comma-separated list `patterns` allows `name`: one of the patterns matches it, and none that begins with `!`
/// does. `*` stands for any characters, `?` for one.
pub(super) fn allow(patterns: &str, name: &str) -> bool {
    let mut is_allowed = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern, name) => return false,
            Some(_) => {}
            None => is_allowed |= matches(pattern, name),
        }
    }
    is_allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (patterns, name, allowed) in [
            ("ci@acme.example", "ci@acme.example", true),
            ("ci@acme.example", "ci@acme.example.org", false),
            ("ci@acme.example", "CI@acme.example", false),
            ("*@acme.example", "ci@acme.example", true),
            ("*@acme.example", "ci@acme.example@other", false),
            ("*", "", true),
            ("", "", true),
            ("?", "", false),
            ("signer-0?", "signer-01", true),
            ("signer-0?", "signer-010", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-c-", false),
            ("a,b", "b", true),
            ("a,!b,*", "b", false),
            ("!b", "a", false),
            ("*,!b", "b", false),
        ] {
            assert_eq!(allow(patterns, name), allowed, "{patterns:?} {name:?}");
        }
    }

    #[test]
    fn stars_cost_no_more_than_their_number() {
        // Doubles with each star for who tries every way to match.
        let pattern = "*a".repeat(200);
        assert!(!allow(&pattern, &("a".repeat(199) + "b")));
        assert!(allow(&pattern, &"a".repeat(200)));
    }
}
