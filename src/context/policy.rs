//! The policy: what the people who own the signing keys allow, read from `manifests/signing.toml`.
//!
//! People write the file, so the reader helps people: it reports all mistakes at once, each with its line, both
//! values and the key that was probably meant. An unknown key is a mistake, because nobody would notice a rule that
//! is ignored. `docs/policy.md` explains every key; a test holds that it does.
//!
//! A [`Policy`] also remembers the line of every key that was written, so that a finding of the gate can point at the
//! rule that it enforces ([`Policy::place_of`]), and the digest of the bytes that it was read from. The built-in defaults
//! have no digest: nobody wrote and reviewed them, so nothing is signed by them.
//!
//! This module decides nothing about the machine and reads no file: text, file name and home directory are arguments.
//! Whether the named directories exist is found out where they are used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use self::reader::Reader;
use crate::base::digest::Digest;
use crate::base::finding::{Code, Finding, Place, line_of};
use crate::base::release::Release;

mod credentials;
mod evidence;
mod export;
mod gate;
mod hours;
mod identities;
mod keychain;
mod products;
mod profiles;
mod reader;
mod rotation;
mod session;
pub mod starter;
mod targets;
mod topology;

pub use self::credentials::{Credential, CredentialEnd};
pub use self::evidence::EvidenceRules;
pub use self::gate::{BlockOn, GateRules};
pub use self::hours::{AllowedSpan, Days, Hours};
pub use self::identities::IdentityRules;
pub use self::keychain::{KeychainRules, LONGEST_CEILING, OnClosed};
pub use self::products::DeclaredProduct;
pub use self::profiles::{ProfileRules, ReadOnly};
pub use self::rotation::RotationRules;
pub use self::session::{OnStragglers, SessionRules};
pub use self::targets::{TargetOverride, TargetOverrides};
pub use self::topology::{Topology, TopologyKind};

/// The version of the file format that this countersign knows.
pub const VERSION: i64 = 1;

/// This countersign.
const THIS: &str = env!("CARGO_PKG_VERSION");

/// The largest policy file that is read, in bytes: a thousand times what people write.
pub const MAX_BYTES: usize = 256 * 1024;

/// Every section of the file and its keys; the empty name is the top of the file.
pub const SECTIONS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "version",
            "minimum_version",
            "topology",
            "profiles",
            "keychain",
            "identities",
            "export",
            "gate",
            "session",
            "rotation",
            "evidence",
            "products",
            "targets",
        ],
    ),
    ("topology", topology::KEYS),
    ("profiles", profiles::KEYS),
    ("keychain", keychain::KEYS),
    ("keychain.allowed", hours::KEYS),
    ("identities", identities::KEYS),
    ("export", export::KEYS),
    ("gate", gate::KEYS),
    ("session", session::KEYS),
    ("rotation", rotation::KEYS),
    ("evidence", evidence::KEYS),
    ("products", products::KEYS),
    ("targets", targets::KEYS),
    ("rotation.credentials", credentials::KEYS),
];

/// What the people who own the signing keys allow.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Where private keys may live.
    pub topology: Topology,
    /// What provisioning profiles must fulfil.
    pub profiles: ProfileRules,
    /// The keychain that is opened for a job.
    pub keychain: KeychainRules,
    /// Certificates allowed beyond the pinned ones.
    pub identities: IdentityRules,
    /// What the gate may be asked to leave out, and what it blocks besides.
    pub gate: GateRules,
    /// What happens around the command of a run.
    pub session: SessionRules,
    /// When renewals begin and when old profiles go.
    pub rotation: RotationRules,
    /// What a built product may hold beyond what is planned.
    pub evidence: EvidenceRules,
    /// Products without an Xcode project, in the order of the file.
    pub products: Vec<DeclaredProduct>,
    /// Profiles given to targets by hand.
    pub targets: Vec<TargetOverride>,
    /// Where it was read from; `None` for the built-in defaults.
    source: Option<Source>,
    /// Key path → line.
    lines: BTreeMap<String, u64>,
}

/// A file that a policy was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    file: PathBuf,
    digest: Digest,
}

impl Policy {
    /// The defaults of every key: each runner has its own keys, any host, any hour. Nobody wrote them, so the gate clears
    /// nothing by them.
    pub fn builtin(home: Option<&Path>) -> Self {
        Self {
            topology: Topology::default(),
            profiles: ProfileRules::default(),
            keychain: KeychainRules::builtin(home),
            identities: IdentityRules::default(),
            gate: GateRules::default(),
            session: SessionRules::default(),
            rotation: RotationRules::default(),
            evidence: EvidenceRules::default(),
            products: Vec::new(),
            targets: Vec::new(),
            source: None,
            lines: BTreeMap::new(),
        }
    }

    /// Reads the policy of `text`, which was read from `file`. Relative paths in it are resolved against the directory of
    /// `file`, `~` is `home`.
    ///
    /// # Errors
    /// Every mistake in it, in the order of the file, each a blocking `policy-invalid`.
    pub fn parse(text: &str, file: &Path, home: Option<&Path>) -> Result<Self, Vec<Finding>> {
        if text.len() > MAX_BYTES {
            let finding = Finding::block(Code::PolicyInvalid, "the file is too large for a policy")
                .values(
                    format!("at most {MAX_BYTES} bytes"),
                    format!("{} bytes", text.len()),
                )
                .hint("check that this is the right file")
                .in_file(file);
            return Err(vec![finding]);
        }
        let mut reader = Reader::new(text, file, home, SECTIONS);
        let (document, errors) = DeTable::parse_recoverable(text);
        if !reader.not_toml(&errors) {
            return Err(reader.finish().0);
        }
        let top = reader.top(document.get_ref());
        if !read_version(&mut reader, &top) || !read_minimum_version(&mut reader, &top) {
            return Err(reader.finish().0);
        }
        reader.report_unknown(&top, "");
        let section = reader.section(&top, "topology");
        let topology = Topology::read(&mut reader, &section);
        let section = reader.section(&top, "profiles");
        let profiles = ProfileRules::read(&mut reader, &section);
        let section = reader.section(&top, "keychain");
        let keychain = KeychainRules::read(&mut reader, &section);
        let section = reader.section(&top, "identities");
        let identities = IdentityRules::read(&mut reader, &section);
        let section = reader.section(&top, "export");
        export::check(&mut reader, &section);
        let section = reader.section(&top, "gate");
        let gate = GateRules::read(&mut reader, &section);
        let section = reader.section(&top, "session");
        let session = SessionRules::read(&mut reader, &section);
        let section = reader.section(&top, "rotation");
        let rotation = RotationRules::read(&mut reader, &section);
        let section = reader.section(&top, "evidence");
        let evidence = EvidenceRules::read(&mut reader, &section);
        let products = reader
            .get(&top, "products")
            .and_then(|item| DeclaredProduct::read_all(&mut reader, &item));
        let targets = reader
            .get(&top, "targets")
            .and_then(|item| TargetOverride::read_all(&mut reader, &item));

        let (findings, lines) = reader.finish();
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self {
            topology,
            profiles,
            keychain,
            identities,
            gate,
            session,
            rotation,
            evidence,
            products: products.unwrap_or_default(),
            targets: targets.unwrap_or_default(),
            source: Some(Source {
                file: file.to_owned(),
                digest: Digest::of(text.as_bytes()),
            }),
            lines,
        })
    }

    /// Reads a policy from the bytes of a file; see [`Policy::parse`].
    ///
    /// # Errors
    /// As there, and bytes that are not UTF-8.
    pub fn parse_bytes(
        bytes: &[u8],
        file: &Path,
        home: Option<&Path>,
    ) -> Result<Self, Vec<Finding>> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text, file, home),
            Err(error) => Err(vec![
                Finding::block(Code::PolicyInvalid, "not TOML: the file is not UTF-8 text")
                    .values(
                        "UTF-8 text",
                        format!("other bytes at offset {}", error.valid_up_to()),
                    )
                    .hint("save the file as UTF-8, and check that it is the right file")
                    .in_file(file)
                    .at_line(line_of(bytes, error.valid_up_to())),
            ]),
        }
    }

    /// What there is to say of a policy that can be used: sections that nothing reads yet.
    pub fn remarks(&self) -> Vec<Finding> {
        let unused = self.line_of("export").map(|_| export::unused());
        unused
            .map(|finding| self.at_rule("export", finding))
            .into_iter()
            .collect()
    }

    /// The file it was read from; `None` for the built-in defaults.
    pub fn file(&self) -> Option<&Path> {
        self.source.as_ref().map(|source| source.file.as_path())
    }

    /// SHA-256 of the file's bytes; `None` for the built-in defaults.
    pub fn digest(&self) -> Option<Digest> {
        self.source.as_ref().map(|source| source.digest)
    }

    /// The line on which a key is written, by its path as in `topology.key_hosts` or `keychain.allowed[0].zone`.
    pub fn line_of(&self, key: &str) -> Option<u64> {
        self.lines.get(key).copied()
    }

    /// `finding`, pointing at the rule that it enforces.
    pub fn at_rule(&self, key: &str, mut finding: Finding) -> Finding {
        finding.place = self.place_of(key);
        finding
    }

    /// The place of a key, for a finding: file, line and key path. A key that is not written has the line of the
    /// nearest thing around it that is.
    pub fn place_of(&self, key: &str) -> Place {
        let mut around = key;
        let line = loop {
            if let Some(line) = self.line_of(around) {
                break Some(line);
            }
            match around.rfind(['.', '[']) {
                Some(end) => around = around.get(..end).unwrap_or_default(),
                None => break None,
            }
        };
        Place {
            file: self.file().map(|file| file.display().to_string()),
            line,
            pointer: Some(key.to_owned()),
            ..Place::default()
        }
    }
}

/// Checks the version; returns whether the rest of the file is worth reading. It is not if the file was written for
/// another version: what that one means by its keys is not known here.
fn read_version(reader: &mut Reader<'_>, top: &reader::Table<'_>) -> bool {
    let hint = format!("write version = {VERSION} as the first line");
    let Some(item) = reader.require(top, "version", &hint) else {
        return true;
    };
    let Some(version) = reader.integer(&item, "a whole number") else {
        return true;
    };
    if version == VERSION {
        return true;
    }
    let (message, hint) = if version > VERSION {
        (
            format!(
                "the policy has version {version}, but this countersign knows only version {VERSION}"
            ),
            "install a newer countersign on this host",
        )
    } else {
        (
            format!("there is no version {version} of the policy format"),
            "write version = 1",
        )
    };
    reader.refuse::<()>(&item, message, VERSION, version, Some(hint));
    false
}

/// Checks that this countersign is as new as the policy asks for; returns whether the rest of the file is worth reading. It is
/// not if the policy asks for a newer one, which may know keys that this one does not.
fn read_minimum_version(reader: &mut Reader<'_>, top: &reader::Table<'_>) -> bool {
    let Some(item) = reader.get(top, "minimum_version") else {
        return true;
    };
    let expected = "a version of three numbers, as in \"0.2.0\"";
    let Some(minimum) = reader.parsed::<Release>(&item, expected) else {
        return true;
    };
    if THIS.parse::<Release>().is_ok_and(|this| this >= minimum) {
        return true;
    }
    let message = format!(
        "the policy asks for countersign {minimum} or newer, but this is countersign {THIS}"
    );
    let hint = format!("install countersign {minimum} or newer on this host");
    reader.refuse::<()>(
        &item,
        message,
        format!("{minimum} or newer"),
        THIS,
        Some(&hint),
    );
    false
}
