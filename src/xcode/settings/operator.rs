//! The operators of references: `$(NAME:lower)`, `$(NAME:default=x)`.
//!
//! The set and what each does are those of swift-build (`MacroEvaluationProgram.swift`, with `Path.swift` and `String.swift`
//! of its `SWBUtil`). Paths are cut as the engine cuts them: a path that ends in a slash has an empty last part, and the name
//! `.hidden` is all suffix.

use md5::{Digest as _, Md5};
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::c99;
use crate::base::digest::hex;

/// Applies an operator without operand; nothing if there is none of this name.
pub(super) fn retrieve(operator: &str, value: &str) -> Option<String> {
    Some(match operator {
        "upper" => value.to_uppercase(),
        // Letter by letter: Swift knows no final sigma.
        "lower" => value.chars().flat_map(char::to_lowercase).collect(),
        "identifier" => identifier(value, '_'),
        "rfc1034identifier" => identifier(value, '-'),
        "c99extidentifier" => c99_identifier(value),
        "quote" => quoted(value),
        "not" => if value == "YES" { "NO" } else { "YES" }.to_owned(),
        "__md5" => hex(&Md5::digest(value)),
        "__stripslash" => value.strip_prefix('/').unwrap_or(value).to_owned(),
        "dir" => directory_with_slash(value),
        "file" => file(value).to_owned(),
        "base" => base_and_suffix(file(value)).0.to_owned(),
        "suffix" => base_and_suffix(file(value)).1.to_owned(),
        "standardizepath" => standardized(value),
        "truncatedversion" => truncated_version(value),
        _ => return None,
    })
}

/// Applies an operator with an operand; nothing if there is none of this name.
pub(super) fn replace(operator: &str, value: &str, operand: &str) -> Option<String> {
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
            let suffix = match operand.contains('.') {
                true => base_and_suffix(file(operand)).1.trim_start_matches('.'),
                false => operand,
            };
            let kept = value.len() - base_and_suffix(file(value)).1.len();
            format!("{}.{suffix}", value.get(..kept).unwrap_or(value))
        }
        "relativeto" => relative(value, operand).unwrap_or_else(|| value.to_owned()),
        "isancestor" => match is_ancestor(operand, value) {
            true => "YES".to_owned(),
            false => "NO".to_owned(),
        },
        _ => return None,
    })
}

/// Whether there is an operator of this name, without or with an operand.
pub(super) fn is_operator(name: &str, has_operand: bool) -> bool {
    match has_operand {
        true => replace(name, "", "").is_some(),
        false => retrieve(name, "").is_some(),
    }
}

/// ASCII letters, digits but for the first character, and `other`, which also replaces everything else: whole characters, an
/// accent with its letter and a family of emoji at once (`String.asIdentifierOfType`). A letter with an accent that Unicode has
/// no letter of its own for stands among the letters for Swift, which compares composed texts, and stays.
fn identifier(value: &str, other: char) -> String {
    let decomposed: String = value.nfd().collect();
    let mut identifier = String::with_capacity(decomposed.len());
    for (at, character) in decomposed.graphemes(true).enumerate() {
        let composed: String = character.nfc().collect();
        let is_among = |from: &str, to: &str| (from..=to).contains(&&*composed);
        if is_among("A", "Z") || is_among("a", "z") || (at > 0 && is_among("0", "9")) {
            identifier.push_str(character);
        } else {
            identifier.push(other);
        }
    }
    identifier
}

/// An identifier of C99 with the letters of other scripts; `_` for everything else and for a leading digit.
pub fn c99_identifier(value: &str) -> String {
    value
        .nfc()
        .enumerate()
        .map(
            |(at, c)| match c99::may_hold(c) && !(at == 0 && c99::is_digit(c)) {
                true => c,
                false => '_',
            },
        )
        .collect()
}

/// Blanks, quotes and backslashes escaped; nothing at all is a pair of quotes.
fn quoted(value: &str) -> String {
    if value.is_empty() {
        return "\"\"".to_owned();
    }
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, ' ' | '\t' | '\r' | '\n' | '\\' | '"' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The first three parts of a version.
fn truncated_version(value: &str) -> String {
    let parts = value.split('.').filter(|part| !part.is_empty());
    parts.take(3).collect::<Vec<_>>().join(".")
}

/// What stands behind the last slash.
fn file(value: &str) -> &str {
    value.rsplit('/').next().unwrap_or(value)
}

/// What stands before the last slash.
fn directory(value: &str) -> &str {
    match value.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((directory, _)) => directory,
        None => "",
    }
}

fn directory_with_slash(value: &str) -> String {
    match directory(value) {
        "" => "./".to_owned(),
        directory if directory.ends_with('/') => directory.to_owned(),
        directory => format!("{directory}/"),
    }
}

/// `("name", ".ext")`.
fn base_and_suffix(file: &str) -> (&str, &str) {
    match file.rfind('.') {
        Some(dot) => file.split_at_checked(dot).unwrap_or((file, "")),
        None => (file, ""),
    }
}

fn joined(directory: &str, file: &str) -> String {
    if directory.is_empty() || file.starts_with('/') {
        file.to_owned()
    } else if file.is_empty() {
        directory.to_owned()
    } else if directory.ends_with('/') {
        format!("{directory}{file}")
    } else {
        format!("{directory}/{file}")
    }
}

/// Without `.` and empty parts, and in an absolute path without `..`; what a relative one climbs over is not known.
fn standardized(value: &str) -> String {
    if value == "." {
        return value.to_owned();
    }
    match parts(value) {
        Some(parts) => format!("/{}", parts.join("/")),
        None => {
            let parts = value.split('/').filter(|part| !matches!(*part, "" | "."));
            parts.collect::<Vec<_>>().join("/")
        }
    }
}

/// The parts of an absolute path, `.` and `..` resolved; nothing for a relative one.
fn parts(value: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for part in value.strip_prefix('/')?.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(parts)
}

/// The way from `from` to `to`, both absolute.
fn relative(from: &str, to: &str) -> Option<String> {
    let (from, to) = (parts(from)?, parts(to)?);
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(common).map(|_| "..");
    let way: Vec<&str> = up.chain(to.into_iter().skip(common)).collect();
    Some(match way.is_empty() {
        true => ".".to_owned(),
        false => way.join("/"),
    })
}

/// Whether `folder` holds `path`, both absolute, at whatever depth.
fn is_ancestor(folder: &str, path: &str) -> bool {
    let (Some(folder), Some(path)) = (parts(folder), parts(path)) else {
        return false;
    };
    folder.len() < path.len() && path.starts_with(&folder)
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
            ("rfc1034identifier", "e\u{301}x", "-x"),
            ("rfc1034identifier", "q\u{301}x", "q\u{301}x"),
            ("identifier", "\u{1f1fa}\u{1f1f8}1", "_1"),
            ("identifier", "\u{1f468}\u{200d}\u{1f469}x", "_x"),
            ("lower", "ΑΣ", "ασ"),
            ("upper", "straße", "STRASSE"),
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
            ("suffix", ".hidden", ".hidden"),
            ("base", ".hidden", ""),
            ("file", "a/b/", ""),
            ("truncatedversion", "1.2.3.4", "1.2.3"),
            ("truncatedversion", "1.2", "1.2"),
            ("standardizepath", "foo/../bar/./baz/", "foo/../bar/baz"),
            ("standardizepath", "//foo/./bar/", "/foo/bar"),
            ("c99extidentifier", "A²", "A_"),
            ("c99extidentifier", "a·b", "a·b"),
            ("c99extidentifier", "U\u{308}b", "Üb"),
            ("c99extidentifier", "㐀", "_"),
            ("standardizepath", "/a/./b/../c", "/a/c"),
            ("__stripslash", "/a", "a"),
            ("__md5", "hello", "5d41402abc4b2a76b9719d911017c592"),
            ("__md5", "", "d41d8cd98f00b204e9800998ecf8427e"),
            ("lower", "", ""),
            ("dir", "", "./"),
            ("quote", "", "\"\""),
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
            ("file", "a/b/", "c", "a/b/c"),
            ("relativeto", "/foo", "/bar/baz", "../bar/baz"),
            ("relativeto", "/foo", "/foo", "."),
            ("relativeto", "/foo", "/", ".."),
            ("relativeto", "foo", "/bar", "foo"),
            ("isancestor", "/foo/bar", "/foo", "YES"),
            ("isancestor", "/foo", "/foo", "NO"),
            ("isancestor", "/foobar", "/foo", "NO"),
            ("isancestor", "foo/bar", "foo", "NO"),
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
}
