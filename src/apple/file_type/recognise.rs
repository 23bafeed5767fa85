//! Telling a file by its beginning.

use base64ct::{Base64, Encoding};

use super::FileType;

/// How much of a file is looked at, in bytes.
const HEAD: usize = 4096;
/// How deep base64 within base64 is decoded.
const LAYERS: usize = 2;
/// From how many letters on text of the base64 alphabet is taken for base64, whatever it holds: longer than any digest.
const LONG_BASE64: usize = 160;

impl FileType {
    /// What `bytes` seem to be.
    pub fn of(bytes: &[u8]) -> Self {
        recognise(bytes, LAYERS)
    }

    /// How a binary file was damaged by being copied as text, if its bytes show it: `None` for anything whole. To be asked of
    /// files that begin as DER and do not read on as such.
    pub fn copied_as_text(bytes: &[u8]) -> Option<Self> {
        if bytes.first() != Some(&SEQUENCE) {
            return None;
        }
        // Latin-1 letters written as UTF-8: `30 82` becomes `30 C2 82`.
        if matches!(bytes.get(1), Some(0xc2)) {
            return Some(Self::CopiedAsText("each byte became UTF-8"));
        }
        if bytes.windows(3).any(|three| three == REPLACEMENT) {
            return Some(Self::CopiedAsText("bytes that are no UTF-8 were replaced"));
        }
        let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
        let long_ends = bytes.windows(2).filter(|two| *two == b"\r\n").count();
        (ends == long_ends && ends >= SEVERAL)
            .then_some(Self::CopiedAsText("line ends became CRLF"))
    }
}

/// U+FFFD in UTF-8.
const REPLACEMENT: [u8; 3] = [0xef, 0xbf, 0xbd];
/// So many line feeds with a carriage return before each are no accident in binary data.
const SEVERAL: usize = 4;
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;

fn recognise(bytes: &[u8], depth: usize) -> FileType {
    let start = bytes.get(..bytes.len().min(HEAD)).unwrap_or_default();
    let text = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii();
    if text.is_empty() {
        return FileType::Empty;
    }
    if start.iter().all(|byte| *byte == 0) {
        return FileType::Zeros;
    }
    if let Some(found) = by_first_bytes(start) {
        return found;
    }
    by_text(text, start.len() < bytes.len(), depth)
}

/// Binary files, which begin as they do.
fn by_first_bytes(start: &[u8]) -> Option<FileType> {
    Some(match start {
        // `0` is a letter too; the length of any DER that is wanted takes bytes that are none.
        [SEQUENCE, ..] if start.len() < 8 || !start.iter().all(is_letter) => der(start),
        // The name of the first file stands 30 bytes behind the beginning.
        [b'P', b'K', 3, 4, ..]
            if start
                .get(30..)
                .is_some_and(|it| it.starts_with(b"Payload/")) =>
        {
            FileType::ApplicationArchive
        }
        [b'P', b'K', 3 | 5 | 7, _, ..] => FileType::Zip,
        [0x1f, 0x8b, ..] => FileType::Compressed("gzip"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => FileType::Compressed("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => FileType::Compressed("xz"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => FileType::Archive("7-Zip"),
        _ if start.starts_with(b"Rar!\x1a\x07") => FileType::Archive("RAR"),
        _ if start.get(257..262) == Some(b"ustar") => FileType::Tar,
        // OpenPGP (RFC 9580): a session key of version 3 for somebody, or one of version 4 for a password.
        [0x84, _, 3, ..] | [0x85, _, _, 3, ..] | [0x8c, _, 4, 1..=10, ..] => {
            FileType::Encrypted("GnuPG")
        }
        [0, 5, 0x16, 7, ..] => FileType::AppleDouble,
        [0xef, 0xbb, 0xbf, SEQUENCE, 0x80..=0x84, ..] => {
            FileType::CopiedAsText("a byte order mark was put before it")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => FileType::Utf16,
        [0xfe, 0xed, 0xfe, 0xed, ..] => FileType::JavaKeystore,
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => FileType::Program,
        _ if start.starts_with(b"Salted__") => FileType::OpensslEncrypted,
        _ if start.starts_with(b"match_encrypted_v2__") => FileType::MatchEncrypted,
        _ if start.starts_with(b"\0GITCRYPT\0") => FileType::Encrypted("git-crypt"),
        _ if start.starts_with(b"age-encryption.org/") => FileType::Encrypted("age"),
        _ if start.starts_with(b"$ANSIBLE_VAULT;") => FileType::Encrypted("ansible-vault"),
        _ if start.starts_with(b"bplist") => FileType::BinaryPropertyList,
        _ if start.starts_with(b"kych") => FileType::Keychain,
        _ if start.starts_with(b"xar!") => FileType::InstallerPackage,
        _ => return None,
    })
}

fn is_letter(byte: &u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// The length of the element at the start is skipped over, not believed: the start may be all there is.
fn element(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let more = match length {
        0x80 => 0,
        0x81..=0x84 => usize::from(length - 0x80),
        0..0x80 => 0,
        _ => return None,
    };
    Some((*tag, rest.get(more..)?))
}

fn der(start: &[u8]) -> FileType {
    let Some((_, inside)) = element(start) else {
        return FileType::Der;
    };
    let short = |bytes: &[u8]| bytes.first().copied().map(usize::from);
    match element(inside) {
        Some((OID, content)) if content.starts_with(SIGNED_DATA) => FileType::SignedMessage,
        Some((INTEGER, content)) => {
            let Some((version, next)) = content.split_first() else {
                return FileType::Der;
            };
            match (version, element(next)) {
                (3, Some((SEQUENCE, _))) => FileType::Pkcs12,
                // PKCS#8, PKCS#1 and SEC 1 (RFC 5958, RFC 8017, RFC 5915).
                (0 | 1, Some((SEQUENCE | INTEGER | OCTET_STRING, _))) => FileType::PrivateKey,
                _ => FileType::Der,
            }
        }
        Some((SEQUENCE, content)) => match element(content) {
            Some((CONTEXT_0, version)) if version.starts_with(&[INTEGER, 1]) => {
                FileType::Certificate
            }
            // A request begins with version 0 and a name, a certificate of version 1 with its serial number.
            Some((INTEGER, version)) if short(version) == Some(0) => FileType::CertificateRequest,
            // EncryptedPrivateKeyInfo: the algorithm, then octets (RFC 5958).
            Some((OID, algorithm)) if PKCS5_AND_12.iter().any(|oid| algorithm.starts_with(oid)) => {
                FileType::PrivateKey
            }
            _ => FileType::Der,
        },
        _ => FileType::Der,
    }
}

/// `1.2.840.113549.1.7.2`.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// `1.2.840.113549.1.5` and `1.2.840.113549.1.12.1`: encryption by a password.
const PKCS5_AND_12: [&[u8]; 2] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01],
];

/// Text, without white space around it; `goes_on` says that the file is longer than what is looked at.
fn by_text(text: &[u8], goes_on: bool, depth: usize) -> FileType {
    let lower: Vec<u8> = text.iter().take(64).map(u8::to_ascii_lowercase).collect();
    let holds = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    let looks_html =
        |bytes: &[u8]| bytes.starts_with(b"<!doctype html") || bytes.starts_with(b"<html");
    if holds(b"-----BEGIN ") && !text.starts_with(b"<") {
        return pem(text, goes_on, depth);
    }
    if text.starts_with(b"version https://git-lfs.github.com/spec/") {
        return FileType::LfsPointer;
    }
    let is_xml = lower.starts_with(b"<?xml")
        || lower.starts_with(b"<!doctype")
        || lower.starts_with(b"<plist");
    if looks_html(&lower)
        || (text.starts_with(b"<") && !holds(b"<plist") && (holds(b"<html") || holds(b"<HTML")))
    {
        return FileType::Html;
    }
    if is_xml {
        return match holds(b"<plist") || holds(b"<!DOCTYPE plist") {
            true => FileType::XmlPropertyList,
            false => FileType::Xml,
        };
    }
    if holds(b"<plist") {
        return FileType::StrippedProfile;
    }
    if text.contains(&0) {
        return match zeros_at_every_second(text) {
            true => FileType::Utf16,
            false => FileType::Unknown,
        };
    }
    let word = unquoted(text);
    let is_one_word = !text.iter().any(u8::is_ascii_whitespace);
    if (is_one_word && holds(b"***")) || word == b"[MASKED]" {
        return FileType::Masked;
    }
    if is_template(word) || (is_one_word && is_variable(word)) {
        return FileType::Unexpanded;
    }
    if NO_VALUES.contains(&word) {
        return FileType::NoValue;
    }
    if is_one_word
        && !goes_on
        && ENDINGS
            .iter()
            .any(|ending| lower_end(word).ends_with(ending))
    {
        return FileType::PathOfFile;
    }
    if holds(b"ENC[AES256_GCM,") {
        return FileType::Encrypted("sops");
    }
    if let Some(inner) = assigned(text, goes_on, depth) {
        return FileType::Assigned(Box::new(inner));
    }
    if let Some(inner) = hexadecimal(text, depth) {
        return FileType::Hexadecimal(Box::new(inner));
    }
    if let Some(inner) = base64(text, goes_on, depth) {
        return match inner {
            // Match writes base64 of what it or `openssl enc` encrypted.
            FileType::MatchEncrypted | FileType::OpensslEncrypted => FileType::MatchEncrypted,
            inner => FileType::Base64(Box::new(inner)),
        };
    }
    if text.starts_with(b"{") && holds(b"\"") {
        return match holds(b"\"profileContent\"") {
            true => FileType::ProfileReply,
            false => FileType::Json,
        };
    }
    if !goes_on && text.len() < 200 && ERRORS.iter().any(|words| lower.starts_with(words)) {
        return FileType::ErrorText;
    }
    match std::str::from_utf8(text) {
        Ok(_) => FileType::Text,
        // The cut may go through a letter.
        Err(error) if goes_on && error.error_len().is_none() => FileType::Text,
        Err(_) if is_mostly_text(text) => FileType::Text,
        Err(_) => FileType::Unknown,
    }
}

/// What scripts write where there is no value.
const NO_VALUES: [&[u8]; 10] = [
    b"",
    b"undefined",
    b"null",
    b"NULL",
    b"nil",
    b"None",
    b"none",
    b"true",
    b"false",
    b"[object Object]",
];
/// How the names of files end that are handed in.
const ENDINGS: [&[u8]; 6] = [
    b".mobileprovision",
    b".provisionprofile",
    b".p12",
    b".pfx",
    b".cer",
    b".keychain-db",
];
/// How the words of a server's error begin.
const ERRORS: [&[u8]; 8] = [
    b"404: ",
    b"404 not found",
    b"403 forbidden",
    b"401 unauthorized",
    b"not found",
    b"access denied",
    b"forbidden",
    b"bad credentials",
];

/// The end of a word in small letters, as long as any of [`ENDINGS`].
fn lower_end(word: &[u8]) -> Vec<u8> {
    let end = word.len().saturating_sub(20);
    word.get(end..).unwrap_or_default().to_ascii_lowercase()
}

/// Text without the quotes around it.
fn unquoted(text: &[u8]) -> &[u8] {
    match text {
        [quote @ (b'"' | b'\''), inside @ .., last] if quote == last => inside,
        _ => text,
    }
}

/// Whether it is one expression of a pipeline's language that nothing replaced: `${{ secrets.P12 }}` of GitHub, `{{ p12 }}`
/// of Ansible and Helm, `<< parameters.p12 >>` of CircleCI.
fn is_template(text: &[u8]) -> bool {
    let is_between = |open: &[u8], close: &[u8]| text.starts_with(open) && text.ends_with(close);
    text.starts_with(b"${{") || is_between(b"{{", b"}}") || is_between(b"<<", b">>")
}

/// What stands behind `NAME=` in the text, if that is text of something.
fn assigned(text: &[u8], goes_on: bool, depth: usize) -> Option<FileType> {
    let text = text.strip_prefix(b"export ").unwrap_or(text);
    let at = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (text.get(..at)?, text.get(at.saturating_add(1)..)?);
    let is_name = name.contains(&b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let inner = base64(value, goes_on, depth).filter(|_| is_name && name.len() <= 64)?;
    Some(FileType::Base64(Box::new(inner)))
}

/// What hexadecimal text holds: an even number of digits and nothing else, and many of them.
fn hexadecimal(text: &[u8], depth: usize) -> Option<FileType> {
    let depth = depth.checked_sub(1)?;
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if digits.len() < LONG_BASE64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let bytes: Option<Vec<u8>> = digits
        .chunks_exact(2)
        .map(|two| match two {
            [high, low] => Some(value(*high)? << 4 | value(*low)?),
            _ => None,
        })
        .collect();
    Some(recognise(&bytes?, depth))
}

/// Whether it is text in an old encoding: what a command printed may hold names so.
fn is_mostly_text(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
}

/// UTF-16 of Latin letters, without a mark that says so.
fn zeros_at_every_second(text: &[u8]) -> bool {
    let zeros = text.iter().filter(|byte| **byte == 0).count();
    let odd = text
        .iter()
        .skip(1)
        .step_by(2)
        .filter(|byte| **byte == 0)
        .count();
    let even = zeros.saturating_sub(odd);
    zeros.saturating_mul(3) > text.len() && (odd == 0 || even == 0)
}

/// `$NAME` or `${NAME}` or `$(NAME)` or `%NAME%`, and nothing else.
fn is_variable(text: &[u8]) -> bool {
    let name = match text {
        [b'$', b'{', name @ .., b'}'] | [b'$', b'(', name @ .., b')'] | [b'%', name @ .., b'%'] => {
            name
        }
        [b'$', name @ ..] => name,
        _ => return false,
    };
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn pem(text: &[u8], goes_on: bool, depth: usize) -> FileType {
    let labels = labels(text);
    if let Some(inside) = first_block(text) {
        // PKCS#8 of a key on P-256, which Apple hands out for its services, and for nothing else.
        if inside.starts_with(SERVICE_KEY) && labels.len() == 1 {
            return FileType::ServiceKey;
        }
        let holds = base64(inside, goes_on, depth);
        if let (Some("CERTIFICATE"), Some(inner @ (FileType::Pkcs12 | FileType::SignedMessage))) =
            (labels.first().map(String::as_str), holds)
        {
            return FileType::PemAround(Box::new(inner));
        }
    }
    let with_key = labels.iter().any(|label| label.ends_with("PRIVATE KEY"));
    match labels.into_iter().next() {
        Some(label) if label.starts_with("PGP ") => FileType::Encrypted("GnuPG"),
        Some(label) if label == "AGE ENCRYPTED FILE" => FileType::Encrypted("age"),
        Some(label) => FileType::Pem { label, with_key },
        None => FileType::Text,
    }
}

/// How such a key begins in base64: version 0, then `id-ecPublicKey` and `prime256v1`.
const SERVICE_KEY: &[u8] = b"MIGTAgEAMBMGByqGSM49AgEGCCqGSM49AwEH";

/// The base64 text of the first block of PEM.
fn first_block(text: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(text.get(..text.len().min(HEAD - 4))?).ok()?;
    let (_, block) = text.split_once("-----BEGIN ")?;
    let (_, inside) = block.split_once("-----")?;
    let inside = inside
        .split_once("-----END")
        .map_or(inside, |(inside, _)| inside);
    Some(inside.trim().as_bytes())
}

/// The labels of the blocks of PEM text; a label is short and in capitals.
fn labels(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let blocks = text.split("-----BEGIN ").skip(1);
    blocks
        .filter_map(|block| {
            let (label, _) = block.split_once("-----")?;
            let is_label = label.len() <= 40
                && label
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || "0123456789 #.".contains(c));
            is_label.then(|| label.to_owned())
        })
        .collect()
}

/// What base64 text holds; `None` if it is no such text.
fn base64(text: &[u8], goes_on: bool, depth: usize) -> Option<FileType> {
    let depth = depth.checked_sub(1)?;
    // `data:application/x-pkcs12;base64,…`
    let text = match text.strip_prefix(b"data:") {
        Some(uri) => uri.get(uri.iter().position(|byte| *byte == b',')?.saturating_add(1)..)?,
        None => text,
    };
    // The closing quote lies beyond what is looked at, if there is much text.
    let text = match text {
        [b'"' | b'\'', inside @ ..] if goes_on => inside,
        _ => unquoted(text),
    };
    let mut letters = String::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            // Line ends that were written out, as in `MII…\nBgk…`.
            b'\\' if matches!(bytes.peek(), Some(b'n' | b'r')) => {
                bytes.next();
            }
            b'\r' | b'\n' | b' ' | b'\t' | b'=' => {}
            b'-' => letters.push('+'),
            b'_' => letters.push('/'),
            byte if byte.is_ascii_alphanumeric() || b"+/".contains(byte) => {
                letters.push(char::from(*byte))
            }
            // A line of text within, as some tools put above.
            _ => return None,
        }
    }
    // Words of a sentence have the same letters; base64 has lines without blanks.
    if text.contains(&b' ') && !letters.starts_with("MI") {
        return None;
    }
    if letters.len() < 12 {
        return None;
    }
    let is_long = letters.len() >= LONG_BASE64;
    letters.truncate(letters.len() / 4 * 4);
    let decoded = Base64::decode_vec(&letters).ok()?;
    let inner = match recognise(&decoded, depth) {
        // The end of what is looked at may cut a letter or a mark.
        FileType::Text if !is_long => return None,
        FileType::Unknown if !is_long && !goes_on => return None,
        FileType::Utf16 | FileType::Empty => return None,
        inner => inner,
    };
    Some(inner)
}
