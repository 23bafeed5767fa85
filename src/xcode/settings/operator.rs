//! The operators of references: `$(NAME:lower)`, `$(NAME:default=x)`.
//!
//! The set is that of swift-build's `MacroEvaluationProgram.swift`, but for `__md5` and the two that compare absolute
//! paths (`relativeto`, `isancestor`), which no signing setting has a use for.

use std::path::Path;

use crate::xcode::sources::normalized;

/// Applies an operator without operand; nothing if there is none of this name.
pub(super) fn retrieve(operator: &str, value: &str) -> Option<String> {
    if value.is_empty() && NAMES.contains(&operator) {
        // Xcode applies operators to the elements of a value, and nothing has none.
        return Some(String::new());
    }
    Some(match operator {
        "upper" => value.to_uppercase(),
        "lower" => value.to_lowercase(),
        "identifier" => identifier(value, '_'),
        "rfc1034identifier" => identifier(value, '-'),
        "c99extidentifier" => c99_identifier(value),
        "quote" => quoted(value),
        "not" => if value == "YES" { "NO" } else { "YES" }.to_owned(),
        "__stripslash" => value.strip_prefix('/').unwrap_or(value).to_owned(),
        "dir" => directory_with_slash(value),
        "file" => file(value).to_owned(),
        "base" => base_and_suffix(file(value)).0.to_owned(),
        "suffix" => base_and_suffix(file(value)).1.to_owned(),
        "standardizepath" => normalized(Path::new(value)).display().to_string(),
        _ => return None,
    })
}

/// Applies an operator with an operand; nothing if there is none of this name.
pub(super) fn replace(operator: &str, value: &str, operand: &str) -> Option<String> {
    if value.is_empty() && operator != "default" {
        return matches!(operator, "dir" | "file" | "base" | "suffix").then(String::new);
    }
    Some(match operator {
        "default" if value.is_empty() => operand.to_owned(),
        "default" => value.to_owned(),
        "dir" => joined(operand, file(value)),
        "file" => joined(directory(value), operand),
        "base" => {
            let suffix = base_and_suffix(file(value)).1;
            let suffix = suffix.strip_prefix('.').unwrap_or(suffix);
            format!("{}.{suffix}", joined(directory(value), operand))
        }
        "suffix" => {
            let suffix = operand.rsplit('.').next().unwrap_or(operand);
            let kept = value.len() - base_and_suffix(file(value)).1.len();
            format!("{}.{suffix}", value.get(..kept).unwrap_or(value))
        }
        _ => return None,
    })
}

/// The operators without operand.
const NAMES: [&str; 13] = [
    "upper",
    "lower",
    "identifier",
    "rfc1034identifier",
    "c99extidentifier",
    "quote",
    "not",
    "__stripslash",
    "dir",
    "file",
    "base",
    "suffix",
    "standardizepath",
];

/// ASCII letters, digits but for the first character, and `other`, which also replaces everything else.
fn identifier(value: &str, other: char) -> String {
    value
        .chars()
        // Xcode replaces whole characters, an accent with its letter.
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .enumerate()
        .map(|(at, c)| match c {
            'a'..='z' | 'A'..='Z' => c,
            '0'..='9' if at > 0 => c,
            _ => other,
        })
        .collect()
}

/// A C99 identifier with the letters of other scripts (Annex D of the standard, here: what Unicode calls letters and
/// digits), `_` for everything else and for a leading digit.
pub fn c99_identifier(value: &str) -> String {
    value
        .chars()
        .enumerate()
        .map(|(at, c)| match c {
            '_' => c,
            _ if at == 0 && c.is_numeric() => '_',
            _ if c.is_alphanumeric() => c,
            _ => '_',
        })
        .collect()
}

/// Blanks, quotes and backslashes escaped.
fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, ' ' | '\t' | '\r' | '\n' | '\\' | '"' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn file(value: &str) -> &str {
    let trimmed = value.trim_end_matches('/');
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

fn directory(value: &str) -> &str {
    match value.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/",
        Some((directory, _)) => directory,
        None => "",
    }
}

fn directory_with_slash(value: &str) -> String {
    match directory(value) {
        "" => "./".to_owned(),
        "/" => "/".to_owned(),
        directory => format!("{directory}/"),
    }
}

/// `("name", ".ext")`; a leading dot begins no suffix.
fn base_and_suffix(file: &str) -> (&str, &str) {
    match file.rfind('.') {
        Some(dot) if dot > 0 => file.split_at_checked(dot).unwrap_or((file, "")),
        _ => (file, ""),
    }
}

fn joined(directory: &str, file: &str) -> String {
    match directory {
        "" => file.to_owned(),
        _ if file.starts_with('/') => file.to_owned(),
        _ => format!("{}/{file}", directory.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_do_what_xcode_does() {
        for (operator, value, expected) in [
            ("lower", "Ab C", "ab c"),
            ("upper", "Ab C", "AB C"),
            ("identifier", "1My App-2.0", "_My_App_2_0"),
            ("rfc1034identifier", "My App_2.é", "My-App-2--"),
            ("rfc1034identifier", "e\u{301}x", "ex"),
            (
                "c99extidentifier",
                "Extensions-PushProvider",
                "Extensions_PushProvider",
            ),
            ("c99extidentifier", "io.robbie.App", "io_robbie_App"),
            ("c99extidentifier", "3D Äpp Δ", "_D_Äpp_Δ"),
            ("quote", "a b'c", "a\\ b\\'c"),
            ("not", "YES", "NO"),
            ("not", "NO", "YES"),
            ("dir", "a/b/c.d", "a/b/"),
            ("dir", "c.d", "./"),
            ("dir", "/c", "/"),
            ("file", "a/b/c.d", "c.d"),
            ("base", "a/b/c.d.e", "c.d"),
            ("suffix", "a/b/c.d.e", ".e"),
            ("suffix", ".hidden", ""),
            ("standardizepath", "/a/./b/../c", "/a/c"),
            ("__stripslash", "/a", "a"),
            ("lower", "", ""),
            ("dir", "", ""),
        ] {
            assert_eq!(
                retrieve(operator, value).as_deref(),
                Some(expected),
                "{operator} {value}"
            );
        }
        assert_eq!(retrieve("loud", "x"), None);
    }

    #[test]
    fn replacements_do_what_xcode_does() {
        for (operator, value, operand, expected) in [
            ("default", "", "x", "x"),
            ("default", "a", "x", "a"),
            ("dir", "a/b.c", "/x", "/x/b.c"),
            ("file", "a/b.c", "d.e", "a/d.e"),
            ("base", "a/b.c", "d", "a/d.c"),
            ("suffix", "a/b.c", "d", "a/b.d"),
            ("suffix", "a/b.c", ".d", "a/b.d"),
            ("suffix", "", "d", ""),
        ] {
            assert_eq!(
                replace(operator, value, operand).as_deref(),
                Some(expected),
                "{operator} {value} {operand}"
            );
        }
        assert_eq!(replace("prefix", "x", "y"), None);
        assert_eq!(replace("prefix", "", "y"), None);
    }

    #[test]
    fn every_operator_without_operand_is_listed() {
        for name in NAMES {
            assert!(retrieve(name, "x").is_some(), "{name}");
        }
    }
}
