//! What the `plist` crate's errors mean, in words: it prints its own enum, nested once for every level of serde.

/// The error in words, with the byte offset where the crate knows it.
pub fn in_words(error: &plist::Error) -> String {
    let mut text = error.to_string();
    // `Serde("…")`, with the quotes inside escaped once more at each level.
    while let Some(inner) = unwrap_serde(&text) {
        text = inner;
    }
    let (kind, rest) = text.split_at(
        text.find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(text.len()),
    );
    let is_camel_case = kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.chars().filter(char::is_ascii_uppercase).count() > 1;
    if !is_camel_case {
        return text;
    }
    let mut words = String::with_capacity(text.len() + 8);
    for c in kind.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words.push_str(rest);
    words
}

/// Takes the first `Serde("…")` out of a text, keeping what stands before and after it.
fn unwrap_serde(text: &str) -> Option<String> {
    const OPEN: &str = "Serde(\"";
    let start = text.find(OPEN)?;
    let inside = text.get(start + OPEN.len()..)?;
    let end = inside.rfind("\")")?;
    let (inside, after) = inside.split_at(end);
    let inside = inside.replace("\\\"", "\"").replace("\\\\", "\\");
    Some(format!("{}{inside}{}", text.get(..start)?, after.get(2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_in_words_what_the_crate_says_in_its_enum() {
        let error =
            plist::from_bytes::<plist::Value>(b"<?xml version=\"1.0\"?><plist><dict>").unwrap_err();
        let words = in_words(&error);
        assert!(
            words.starts_with("un") && words.contains(' ') && !words.contains("Unexpected"),
            "{words}"
        );
    }

    #[test]
    fn takes_nested_errors_out_of_their_wrappers() {
        let nested = r#"Serde("at key \"UUID\": Serde(\"invalid type\")")"#;
        assert_eq!(
            unwrap_serde(nested).as_deref(),
            Some(r#"at key "UUID": Serde("invalid type")"#)
        );
        assert_eq!(
            unwrap_serde(r#"a: Serde("b") (at 3)"#).as_deref(),
            Some("a: b (at 3)")
        );
    }
}
