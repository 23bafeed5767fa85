//! Lists of patterns, as OpenSSH matches them (`PATTERNS` in ssh_config(5)).

/// Whether the comma-separated list `patterns` allows `name`: one of the patterns matches it, and none that begins with `!`
/// does. `*` stands for any characters, `?` for one.
pub(super) fn allow(patterns: &str, name: &str) -> bool {
    let mut is_allowed = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => is_allowed |= matches(pattern.as_bytes(), name.as_bytes()),
        }
    }
    is_allowed
}

/// Whether a pattern is the whole of `name`. In the worst case each byte of the one is compared with each of the other.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    // Behind the last `*`: where the pattern goes on, and the first byte of the name that the star has not taken.
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(in_name) {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, in_name));
                continue;
            }
            Some(wanted) if *wanted == b'?' || wanted == byte => {
                at += 1;
                in_name += 1;
                continue;
            }
            _ => {}
        }
        // The star takes one byte more.
        let Some((after, taken)) = &mut star else {
            return false;
        };
        *taken += 1;
        (at, in_name) = (*after, *taken);
    }
    let rest = pattern.get(at..).unwrap_or_default();
    rest.iter().all(|byte| *byte == b'*')
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
