//! Code requirements: the expression in Apple's two forms, compiled as signatures hold it and as text as `codesign -r-`
//! prints it (`requirement.h` and `reqdumper.cpp` of libsecurity_codesigning).

use super::der;

/// A requirement, as a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// `never`.
    Never,
    /// `always`.
    Always,
    /// `identifier "com.acme.rocket"`.
    Identifier(String),
    /// `anchor apple`: Apple's own software.
    AnchorApple,
    /// `anchor apple generic`: whatever chains to Apple's root.
    AnchorAppleGeneric,
    /// `certificate leaf = H"…"`: the SHA-1 of a certificate.
    CertificateHash(i32, Vec<u8>),
    /// `certificate leaf[subject.OU] = ACME4CI001`.
    CertificateField(i32, String, Match),
    /// `certificate leaf[field.1.2.840.113635.100.6.1.13]`.
    CertificateOid(i32, String, Match),
    /// `info[CFBundleVersion]`.
    Info(String, Match),
    /// `entitlement["com.apple.security.app-sandbox"]`.
    Entitlement(String, Match),
    /// `cdhash H"…"`.
    CdHash(Vec<u8>),
    /// `notarized`.
    Notarized,
    /// `anchor trusted`.
    AnchorTrusted,
    /// `! …`.
    Not(Box<Requirement>),
    /// `… and …`.
    And(Box<Requirement>, Box<Requirement>),
    /// `… or …`.
    Or(Box<Requirement>, Box<Requirement>),
    /// An operation that nobody knows, as it is encoded.
    Unknown(Vec<u8>),
}

/// How a value is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
    /// It is equal.
    Equal(String),
    /// It holds this.
    Contains(String),
    /// It begins with this.
    BeginsWith(String),
    /// It ends with this.
    EndsWith(String),
}

/// The signer's certificate.
pub const LEAF: i32 = 0;
/// The root.
pub const ROOT: i32 = -1;

impl Requirement {
    /// Both.
    pub fn and(self, other: Self) -> Self {
        Self::And(Box::new(self), Box::new(other))
    }

    /// All of them, each joined to all that follow, as the system's own maker of requirements does.
    pub fn all<const N: usize>(each: [Self; N]) -> Self {
        let joined = each.into_iter().rev().reduce(|rest, one| one.and(rest));
        joined.unwrap_or(Self::Always)
    }

    /// Either.
    pub fn or(self, other: Self) -> Self {
        Self::Or(Box::new(self), Box::new(other))
    }

    /// The opposite.
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// `identifier "…"`.
    pub fn identifier(text: &str) -> Self {
        Self::Identifier(text.to_owned())
    }

    /// A certificate that has the extension.
    pub fn marked(slot: i32, oid: &str) -> Self {
        Self::CertificateOid(slot, oid.to_owned(), Match::Exists)
    }

    /// A certificate with that part of its subject.
    pub fn subject(slot: i32, part: &str, value: &str) -> Self {
        Self::CertificateField(
            slot,
            format!("subject.{part}"),
            Match::Equal(value.to_owned()),
        )
    }

    /// What Xcode gives code that Developer ID signed.
    pub fn developer_id(identifier: &str, team: &str) -> Self {
        Self::all([
            Self::identifier(identifier),
            Self::AnchorAppleGeneric,
            Self::marked(1, "1.2.840.113635.100.6.2.6"),
            Self::marked(LEAF, "1.2.840.113635.100.6.1.13"),
            Self::subject(LEAF, "OU", team),
        ])
    }

    /// What `codesign` gives code that a certificate of the developer relations' authority signed.
    pub fn developer(identifier: &str, common_name: &str) -> Self {
        Self::all([
            Self::identifier(identifier),
            Self::AnchorAppleGeneric,
            Self::subject(LEAF, "CN", common_name),
            Self::marked(1, "1.2.840.113635.100.6.2.1"),
        ])
    }

    /// What ad-hoc signed code has: the hash of one of its CodeDirectories.
    pub fn any_cdhash(hashes: &[Vec<u8>]) -> Self {
        let each = hashes.iter().map(|hash| Self::CdHash(hash.clone()));
        each.reduce(Self::or).unwrap_or(Self::Never)
    }

    /// The blob of one requirement.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut code = vec![0, 0, 0, 1];
        self.compile(&mut code);
        blob(0xfade_0c00, &code)
    }

    fn compile(&self, out: &mut Vec<u8>) {
        let mut operation = |number: u32| out.extend(number.to_be_bytes());
        match self {
            Self::Never => operation(0),
            Self::Always => operation(1),
            Self::Identifier(text) => {
                operation(2);
                data(out, text);
            }
            Self::AnchorApple => operation(3),
            Self::CertificateHash(slot, hash) => {
                operation(4);
                out.extend(slot.to_be_bytes());
                data(out, hash);
            }
            Self::And(left, right) | Self::Or(left, right) => {
                operation(if matches!(self, Self::And(..)) { 6 } else { 7 });
                left.compile(out);
                right.compile(out);
            }
            Self::CdHash(hash) => {
                operation(8);
                data(out, hash);
            }
            Self::Not(inner) => {
                operation(9);
                inner.compile(out);
            }
            Self::Info(key, matching) => {
                operation(10);
                data(out, key);
                matching.compile(out);
            }
            Self::CertificateField(slot, field, matching) => {
                operation(11);
                out.extend(slot.to_be_bytes());
                data(out, field);
                matching.compile(out);
            }
            Self::AnchorTrusted => operation(13),
            Self::CertificateOid(slot, oid, matching) => {
                operation(14);
                out.extend(slot.to_be_bytes());
                // The contents of the OBJECT IDENTIFIER alone.
                data(out, &der::oid(oid)[2..]);
                matching.compile(out);
            }
            Self::AnchorAppleGeneric => operation(15),
            Self::Entitlement(key, matching) => {
                operation(16);
                data(out, key);
                matching.compile(out);
            }
            Self::Notarized => operation(21),
            Self::Unknown(raw) => out.extend(raw),
        }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.written(Level::Top)
    }

    fn written(&self, level: Level) -> String {
        let pair = |left: &Self, word: &str, right: &Self, own: Level| {
            let text = format!("{} {word} {}", left.written(own), right.written(own));
            if level < own {
                format!("({text})")
            } else {
                text
            }
        };
        match self {
            Self::Never => "never".to_owned(),
            Self::Always => "always".to_owned(),
            Self::Identifier(text) => format!("identifier {}", quoted(text, false)),
            Self::AnchorApple => "anchor apple".to_owned(),
            Self::AnchorAppleGeneric => "anchor apple generic".to_owned(),
            Self::CertificateHash(slot, hash) => {
                format!("certificate{} = H\"{}\"", position(*slot), hex(hash))
            }
            Self::CertificateField(slot, field, matching) => {
                let field = quoted(field, true);
                format!("certificate{}[{field}]{}", position(*slot), matching.text())
            }
            Self::CertificateOid(slot, oid, matching) => {
                format!(
                    "certificate{}[field.{oid}]{}",
                    position(*slot),
                    matching.text()
                )
            }
            Self::Info(key, matching) => format!("info[{}]{}", quoted(key, true), matching.text()),
            Self::Entitlement(key, matching) => {
                format!("entitlement[{}]{}", quoted(key, true), matching.text())
            }
            Self::CdHash(hash) => format!("cdhash H\"{}\"", hex(hash)),
            Self::Notarized => "notarized".to_owned(),
            Self::AnchorTrusted => "anchor trusted".to_owned(),
            Self::Not(inner) => format!("! {}", inner.written(Level::Primary)),
            Self::And(left, right) => pair(left, "and", right, Level::And),
            Self::Or(left, right) => pair(left, "or", right, Level::Or),
            Self::Unknown(_) => "OPCODE NOT UNDERSTOOD (ending print)".to_owned(),
        }
    }
}

/// What a requirement set is of: `SecRequirementType`.
pub mod kind {
    /// What the code wants of its host.
    pub const HOST: u32 = 1;
    /// What the code wants of its guests.
    pub const GUEST: u32 = 2;
    /// Who the code is to others.
    pub const DESIGNATED: u32 = 3;
    /// What the code wants of its libraries.
    pub const LIBRARY: u32 = 4;
    /// What the code wants of its plug-ins.
    pub const PLUGIN: u32 = 5;
}

/// The blob of a requirement set; an empty one is what ad-hoc signatures have.
pub fn set(requirements: &[(u32, Requirement)]) -> Vec<u8> {
    let blobs: Vec<(u32, Vec<u8>)> = requirements
        .iter()
        .map(|(kind, requirement)| (*kind, requirement.to_blob()))
        .collect();
    super::code_signature::index(0xfade_0c01, &blobs)
}

impl Match {
    fn compile(&self, out: &mut Vec<u8>) {
        let (number, value): (u32, Option<&String>) = match self {
            Self::Exists => (0, None),
            Self::Equal(value) => (1, Some(value)),
            Self::Contains(value) => (2, Some(value)),
            Self::BeginsWith(value) => (3, Some(value)),
            Self::EndsWith(value) => (4, Some(value)),
            Self::Absent => (14, None),
        };
        out.extend(number.to_be_bytes());
        if let Some(value) = value {
            data(out, value);
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Exists => " /* exists */".to_owned(),
            Self::Absent => " absent ".to_owned(),
            Self::Equal(value) => format!(" = {}", quoted(value, false)),
            Self::Contains(value) => format!(" ~ {}", quoted(value, false)),
            Self::BeginsWith(value) => format!(" = {}*", quoted(value, false)),
            Self::EndsWith(value) => format!(" = *{}", quoted(value, false)),
        }
    }
}

/// How tightly the surroundings bind: parentheses are written where an operation binds less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Primary,
    And,
    Or,
    Top,
}

/// The words of the language, which are quoted where they are values.
const WORDS: &[&str] = &[
    "guest",
    "host",
    "designated",
    "library",
    "plugin",
    "or",
    "and",
    "always",
    "true",
    "never",
    "false",
    "identifier",
    "cdhash",
    "platform",
    "notarized",
    "legacy",
    "anchor",
    "apple",
    "generic",
    "certificate",
    "cert",
    "trusted",
    "info",
    "entitlement",
    "exists",
    "absent",
    "leaf",
    "root",
    "timestamp",
];

fn quoted(text: &str, dots: bool) -> String {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || dots && c == '.');
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    if plain && !digit && !WORDS.contains(&text) {
        return text.to_owned();
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
    {
        return format!("0x{}", hex(text.as_bytes()));
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn position(slot: i32) -> String {
    match slot {
        ROOT => " root".to_owned(),
        LEAF => " leaf".to_owned(),
        other => format!(" {other}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A length and the bytes, filled up to a multiple of four.
fn data(out: &mut Vec<u8>, bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn blob(magic: u32, contents: &[u8]) -> Vec<u8> {
    super::code_signature::blob(magic, contents)
}
