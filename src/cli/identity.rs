//! `countersign identity`: list, digest; and how a source of identities is read.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::password::PasswordArguments;
use super::report::Format;
use super::state::KeychainArguments;
use super::table::{plain, table};
use super::world::World;
use crate::apple::certificate::Certificate;
use crate::apple::identity::{self, IdentityListing, digest};
use crate::apple::pkcs12;
use crate::apple::pkcs12::diagnosis::why_import_failed;
use crate::base::digest::Digest;
use crate::base::error::Explain as _;
use crate::base::ids::{CertSha1, CertSha256};
use crate::context::gate::certificates;
use crate::context::gate::facts::{Identities, Identity};
use crate::context::manifest::Manifest;
use crate::host::files;

/// What to do with identities.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List them, with both fingerprints.
    List(Source),
    /// Print the digest of the set, as --expect-signing takes it.
    Digest {
        /// Where they are read from.
        #[command(flatten)]
        source: Source,
        /// SHA-1 of what find-identity printed: what `… | shasum` gives. Order, locale and clock leak into it.
        #[arg(long)]
        compatible: bool,
    },
}

/// Where identities are read from.
#[derive(Debug, Args)]
pub struct Source {
    /// What `security find-identity -v -p codesigning` printed, or a p12; `-` reads standard input.
    #[arg(
        long,
        value_name = "FILE|-",
        required_unless_present = "keychain",
        conflicts_with = "keychain"
    )]
    pub identities: Option<PathBuf>,
    /// Where the p12's password comes from.
    #[command(flatten)]
    pub password: PasswordArguments,
    /// A keychain, which need not be open.
    #[command(flatten)]
    pub keychain: KeychainArguments,
}

/// What a source holds.
struct Loaded {
    identities: Identities,
    /// Of a p12 alone.
    container: Option<ContainerDocument>,
}

impl From<Identities> for Loaded {
    fn from(identities: Identities) -> Self {
        Self {
            identities,
            container: None,
        }
    }
}

impl Source {
    /// What is there; `is_for_show`: also how a p12 is sealed, for which it is opened again for each release of macOS.
    fn load(
        &self,
        manifest: Option<&Manifest>,
        is_for_show: bool,
        world: &World,
    ) -> Result<Loaded, Failure> {
        match &self.identities {
            Some(source) => read(source, &self.password, manifest, is_for_show),
            None => match self.keychain.identities_if_named(world)? {
                Some(identities) => Ok(identities.into()),
                None => Err(Failure::usage(
                    "name a source of identities: --identities or --keychain",
                )),
            },
        }
    }
}

/// Runs the command.
pub fn run(command: Command, world: &World) -> Result<Exit, Failure> {
    let manifest = world.manifest_if_any()?;
    match command {
        Command::List(source) => {
            let loaded = source.load(manifest.as_ref(), true, world)?;
            list(&loaded.identities, loaded.container, world)
        }
        Command::Digest { source, compatible } => {
            let loaded = source.load(manifest.as_ref(), false, world)?;
            print_digest(&loaded.identities, compatible, world)
        }
    }
}

/// Reads identities from a captured `find-identity` or a p12, told apart by their first byte. A capture shows SHA-1s
/// alone: those that the manifest pins are resolved through it.
///
/// # Errors
/// The source cannot be read, is neither, or the password is wrong.
pub fn load(
    source: &Path,
    password: &PasswordArguments,
    manifest: Option<&Manifest>,
) -> Result<Identities, Failure> {
    read(source, password, manifest, false).map(|loaded| loaded.identities)
}

fn read(
    source: &Path,
    password: &PasswordArguments,
    manifest: Option<&Manifest>,
    is_for_show: bool,
) -> Result<Loaded, Failure> {
    let name = source.display().to_string();
    let bytes = if name == "-" {
        files::read_stream_bounded(std::io::stdin().lock(), "standard input", pkcs12::MAX_FILE)
            .map_err(Failure::input)?
    } else {
        files::read_bounded(source, pkcs12::MAX_FILE).map_err(Failure::input)?
    };
    let name = if name == "-" {
        "standard input".to_owned()
    } else {
        name
    };
    if bytes.first() == Some(&0x30) {
        from_pkcs12(&bytes, name, password, is_for_show)
    } else {
        from_capture(&bytes, name, manifest).map(Loaded::from)
    }
}

fn from_pkcs12(
    bytes: &[u8],
    name: String,
    password: &PasswordArguments,
    is_for_show: bool,
) -> Result<Loaded, Failure> {
    let password = password.read(&format!("password of {name}"))?;
    let container = pkcs12::read(bytes, &password)
        .map_err(|error| Failure::input(format!("{name}: {error}")))?;
    let mut identities = Vec::new();
    for held in &container.identities {
        let certificate = Certificate::from_der(&held.certificate_der)
            .map_err(|error| Failure::input(format!("{name}: {error}")))?;
        identities.push(Identity {
            sha1: certificate.sha1,
            sha256: Some(certificate.sha256),
            label: certificate.common_name.clone(),
            problem: None,
            expires: Some(certificate.validity.not_after),
        });
    }
    identities.sort_by_key(|identity| identity.sha1);
    identities.dedup_by_key(|identity| identity.sha1);
    let import = |macos| {
        let diagnosis = why_import_failed(bytes, &password, macos);
        let says = match diagnosis.hint() {
            Some(hint) => format!("{diagnosis}; {hint}"),
            None => diagnosis.to_string(),
        };
        ImportDocument { macos, says }
    };
    Ok(Loaded {
        container: is_for_show.then(|| ContainerDocument {
            algorithms: container.algorithms.to_string(),
            import: RELEASES.map(import).into(),
        }),
        identities: Identities {
            source: name,
            identities,
            compatible: None,
        },
    })
}

fn from_capture(
    bytes: &[u8],
    name: String,
    manifest: Option<&Manifest>,
) -> Result<Identities, Failure> {
    let listing = IdentityListing::parse(bytes)
        .map_err(|error| Failure::input(format!("{name}: {error}")))?;
    let known = manifest.map(certificates::by_sha1).unwrap_or_default();
    let valid = listing.valid_certificates();
    let mut identities: Vec<Identity> = Vec::new();
    // "Matching identities" that are not among the valid ones are keys nonetheless.
    for row in listing.matching.iter().flatten().chain(&listing.valid) {
        if identities.iter().any(|identity| identity.sha1 == row.sha1) {
            continue;
        }
        let pinned = known.get(&row.sha1);
        let not_valid =
            (!valid.contains(&row.sha1)).then(|| "not among the valid identities".to_owned());
        identities.push(Identity {
            sha1: row.sha1,
            sha256: pinned.map(|certificate| certificate.sha256),
            label: row.label.clone(),
            problem: row.problem.clone().or(not_valid),
            expires: pinned.map(|certificate| certificate.expires),
        });
    }
    identities.sort_by_key(|identity| identity.sha1);
    Ok(Identities {
        source: name,
        identities,
        compatible: Some(identity::digest::compatible(bytes)),
    })
}

/// The `countersign.identities.v1` document: what `identity list` found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IdentitiesDocument {
    /// Always `countersign.identities.v1`.
    #[schemars(extend("const" = "countersign.identities.v1"))]
    pub schema: &'static str,
    /// Each identity once, by SHA-1.
    pub identities: Vec<ShownIdentity>,
    /// SHA-256 over the sorted SHA-256 fingerprints, as `--expect-signing` takes it; null if not every one is known.
    pub canonical: Option<Digest>,
    /// SHA-1 of what `security find-identity` printed, 40 hex digits; null if they come from elsewhere.
    pub compatible: Option<Digest>,
    /// How a p12 is sealed; absent if they come from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerDocument>,
}

/// How a p12 is sealed, and what that means for `security import`, which says "MAC verification failed" to everything.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContainerDocument {
    /// Its MAC and its encryption with their iterations, in words.
    pub algorithms: String,
    /// What releases of macOS make of it with the password that was given.
    pub import: Vec<ImportDocument>,
}

/// What `security import` of one release makes of a p12; `countersign keychain import` converts what it must.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImportDocument {
    /// The major release of macOS.
    pub macos: u32,
    /// Whether it reads the file, why not, and what to do, in words.
    pub says: String,
}

/// A private key with its certificate.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownIdentity {
    /// SHA-1 of the certificate's DER encoding, hex.
    pub sha1: CertSha1,
    /// SHA-256 of the certificate's DER encoding, hex; absent if neither its bytes nor a pinned profile tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<CertSha256>,
    /// How the source names it: the certificate's common name; not unique.
    pub label: String,
    /// Why it cannot sign, if the source says so (`CSSMERR_TP_NOT_TRUSTED`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When its certificate expires (RFC 3339, UTC), where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl From<&Identity> for ShownIdentity {
    fn from(identity: &Identity) -> Self {
        Self {
            sha1: identity.sha1,
            sha256: identity.sha256,
            label: identity.label.clone(),
            problem: identity.problem.clone(),
            expires: identity.expires,
        }
    }
}

/// The `countersign.identity-digest.v1` document: what `identity digest` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IdentityDigestDocument {
    /// Always `countersign.identity-digest.v1`.
    #[schemars(extend("const" = "countersign.identity-digest.v1"))]
    pub schema: &'static str,
    /// The canonical digest, `sha256:` and 64 hex digits; with `--compatible` the 40 hex digits of SHA-1.
    pub digest: Digest,
}

fn canonical(identities: &Identities) -> Option<Digest> {
    let fingerprints: Option<Vec<CertSha256>> = identities
        .identities
        .iter()
        .map(|identity| identity.sha256)
        .collect();
    fingerprints.map(digest::canonical)
}

pub(super) fn list(
    identities: &Identities,
    container: Option<ContainerDocument>,
    world: &World,
) -> Result<Exit, Failure> {
    if world.format() == Format::Json {
        world.print_json(&IdentitiesDocument {
            schema: "countersign.identities.v1",
            identities: identities.identities.iter().map(Into::into).collect(),
            canonical: canonical(identities),
            compatible: identities.compatible,
            container,
        })?;
        return Ok(Exit::Fine);
    }
    if identities.identities.is_empty() {
        let mut out = anstream::stdout().lock();
        writeln!(out, "no signing identity in {}", plain(&identities.source))?;
    } else {
        print_table(identities, world)?;
    }
    if let Some(container) = container {
        let mut out = anstream::stdout().lock();
        writeln!(out, "\nsealed with {}", container.algorithms)?;
        for import in &container.import {
            writeln!(
                out,
                "`security import` on macOS {}: {}",
                import.macos,
                plain(&import.says)
            )?;
        }
    }
    Ok(Exit::Fine)
}

fn print_table(identities: &Identities, world: &World) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let mut rows = table(&["sha-1", "name", "expires", ""], world.width);
    for identity in &identities.identities {
        let expires = identity
            .expires
            .map(|expires| expires.to_string().chars().take(10).collect());
        rows.add_row([
            identity.sha1.to_string().to_ascii_uppercase(),
            plain(&identity.label),
            expires.unwrap_or("-".to_owned()),
            plain(identity.problem.as_deref().unwrap_or("")),
        ]);
    }
    super::table::keep_whole(&mut rows, 0, 42);
    super::table::keep_whole(&mut rows, 2, 12);
    writeln!(out, "{rows}")?;
    if let Some(canonical) = canonical(identities) {
        writeln!(out, "\n{canonical}")?;
    }
    Ok(())
}

fn print_digest(identities: &Identities, compatible: bool, world: &World) -> Result<Exit, Failure> {
    let digest = if compatible {
        identities.compatible.ok_or_else(|| {
            Failure::usage(
                "--compatible is the SHA-1 of what find-identity printed; a p12 prints nothing",
            )
        })?
    } else {
        canonical(identities).ok_or_else(|| {
            Failure::input(format!(
                "{}: a capture shows SHA-1s alone, and the manifest does not pin all of them, so their SHA-256 \
                 fingerprints are unknown; name the manifest with --manifest, or use --compatible",
                identities.source
            ))
        })?
    };
    if world.format() == Format::Json {
        world.print_json(&IdentityDigestDocument {
            schema: "countersign.identity-digest.v1",
            digest,
        })?;
    } else {
        writeln!(std::io::stdout().lock(), "{digest}")?;
    }
    Ok(Exit::Fine)
}

/// The releases of macOS between which `security import` changed what it reads.
const RELEASES: [u32; 2] = [14, 15];
