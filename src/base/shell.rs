//! Words of a shell's command, for hints that can be pasted.
//!
//! A path in a hint comes from a disk that others may write to, so a name may hold quotes, blanks, commands and characters
//! that nobody sees.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::plain::is_active;

/// `path` as one word of a shell's command line. A name of plain text stands between single quotes, in which every shell
/// takes all characters as they are; any other is spelled in bytes (`$'…\xff'`), as bash, ksh and zsh read it. Backquotes are
/// spelled too: commands stand between them in hints.
pub fn word(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.contains(|c| is_active(c) || c == '`') => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let bytes = path.as_os_str().as_bytes().iter();
            let spelled: String = bytes
                .map(|byte| match byte {
                    b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                    b' '..=b'_' | b'a'..=b'~' => char::from(*byte).to_string(),
                    byte => format!("\\x{byte:02x}"),
                })
                .collect();
            format!("$'{spelled}'")
        }
    }
}

/// `text` as one word of a shell's command line: as it is where every shell takes it so, else as [`word`] writes it.
pub fn argument(text: &OsStr) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match text.to_str() {
        Some(plain) if !plain.is_empty() && plain.chars().all(is_plain) => plain.to_owned(),
        _ => word(Path::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_argument_stands_as_it_is() {
        assert_eq!(argument(OsStr::new("iphoneos18.2")), "iphoneos18.2");
        assert_eq!(argument(OsStr::new("It's")), r"'It'\''s'");
        assert_eq!(argument(OsStr::new("")), "''");
        assert_eq!(argument(OsStr::new("$(x)")), "'$(x)'");
    }

    #[test]
    fn a_name_is_one_word_whatever_it_holds() {
        assert_eq!(word(Path::new("/a b/$x\"é")), "'/a b/$x\"é'");
        assert_eq!(word(Path::new("a`b`é")), r"$'a\x60b\x60\xc3\xa9'");
        assert_eq!(word(Path::new("it's")), r"'it'\''s'");
        assert_eq!(word(Path::new("a\n\u{1b}'\\b")), r"$'a\x0a\x1b\'\\b'");
        assert_eq!(word(Path::new("\u{202e}é")), r"$'\xe2\x80\xae\xc3\xa9'");
        assert_eq!(word(Path::new(OsStr::from_bytes(b"x\xff"))), r"$'x\xff'");
    }
}
