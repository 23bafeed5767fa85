//! Patterns with wildcards, as `fnmatch` matches them: Xcode's conditions and OpenSSH's lists both use them.

/// Whether `pattern` matches the whole of `text`: `*` stands for any characters, `?` for one byte. In the worst case each
/// byte of the one is compared with each of the other.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last star, should the attempt fail: star by star there is nothing else to try.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            (Some(b'?'), Some(_)) => {
                p += 1;
                t += 1;
            }
            (Some(a), Some(b)) if a == b => {
                p += 1;
                t += 1;
            }
            (None, None) => return true,
            _ => match retry {
                Some((after_star, from)) if from < text.len() => {
                    retry = Some((after_star, from + 1));
                    p = after_star;
                    t = from + 1;
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, text, expected) in [
            ("iphoneos*", "iphoneos18.2", true),
            ("iphoneos*", "iphonesimulator18.2", false),
            ("*os*", "watchos11", true),
            ("iphone?s1*", "iphoneos18", true),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
