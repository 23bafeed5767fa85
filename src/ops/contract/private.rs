//! What a report does not say: who ran the suite, and where their files are.

use std::path::Path;

/// Takes names and places out of texts.
#[derive(Debug, Default)]
pub(super) struct Private {
    /// What is replaced, and by what; longer texts first.
    replaced: Vec<(String, &'static str)>,
}

impl Private {
    /// For the user with this home directory, and a suite in this directory.
    pub(super) fn new(home: Option<&Path>, directory: &Path) -> Self {
        let mut replaced = Vec::new();
        let mut add = |path: &Path, by| {
            if let Some(text) = path.to_str().filter(|text| text.len() > 1) {
                replaced.push((text.to_owned(), by));
            }
        };
        add(directory, "DIR");
        if let Some(home) = home {
            add(home, "~");
        }
        replaced.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self { replaced }
    }

    /// The text without them, on one line, at most [`MOST_SAID`] characters of its end.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (private, by) in &self.replaced {
            text = text.replace(private, by);
        }
        let text: Vec<&str> = text.split_whitespace().collect();
        let text = without_users(&text.join(" "));
        match text.chars().count().saturating_sub(MOST_SAID) {
            0 => text,
            over => format!("…{}", text.chars().skip(over).collect::<String>()),
        }
    }
}

/// The text with `/Users/…` in the place of any user's home directory.
fn without_users(text: &str) -> String {
    const USERS: &str = "/Users/";
    let mut parts = text.split(USERS);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(['/', '"', '\'', '`', ' ', ':', ','])
            .unwrap_or(part.len());
        out.push_str(USERS);
        out.push('…');
        out.push_str(part.get(end..).unwrap_or_default());
    }
    out
}

/// How much of what was said is told.
const MOST_SAID: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_user_are_not_told() {
        let private = Private::new(
            Some(Path::new("/Users/jane.appleseed")),
            Path::new("/private/var/folders/x1/T/countersign-contract-1"),
        );
        let said = "a \"/Users/jane.appleseed/Library/Keychains/login.keychain-db\"\n  b \
                    /private/var/folders/x1/T/countersign-contract-1/ci.keychain-db /Users/root/x '/Users/b'";
        assert_eq!(
            private.text(said),
            "a \"~/Library/Keychains/login.keychain-db\" b DIR/ci.keychain-db /Users/…/x '/Users/…'"
        );
        let long = private.text(&"y".repeat(5_000));
        assert_eq!(long.chars().count(), MOST_SAID + 1);
    }
}
