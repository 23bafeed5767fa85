//! Where identities are read from: a keychain, what `security find-identity` printed, a p12, or what fastlane match stores.

use super::stored::{self, Content};
use crate::apple::certificate::Certificate;
use crate::apple::file_type::{FileType, Wanted};
use crate::apple::identity::{IdentityListing, digest};
use crate::apple::pkcs12::algorithms::Algorithms;
use crate::apple::pkcs12::diagnosis::why_import_failed;
use crate::apple::pkcs12::{self, Pkcs12, Pkcs12Identity};
use crate::base::digest::Digest;
use crate::base::error::{ErrorCode, Explain};
use crate::base::ids::CertSha256;
use crate::base::secret::Password;
use crate::context::gate::certificates;
use crate::context::gate::facts::{Identities, Identity};
use crate::context::manifest::Manifest;
use crate::context::policy::Policy;
use crate::host::files::Input;
use crate::host::inputs::Inputs;
use crate::host::secret_source::SecretSource;
use crate::ops::error::{Error, Failure};
use crate::ops::keychain::selected::{self, Selection};
use crate::ops::password;
use crate::ops::world::World;

/// Where identities are read from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A captured `find-identity`, a p12, or what fastlane match stores.
    File(IdentityFile),
    /// A keychain, which need not be open.
    Keychain(Selection),
}

/// A captured `find-identity`, a p12, a key beside its certificate or a whole match repository; the content tells them apart.
#[derive(Debug, Clone)]
pub struct IdentityFile {
    /// The file, or the directory of a match repository.
    pub input: Input,
    /// Where the password comes from, if it is a p12.
    pub password: SecretSource,
}

/// Identities as a source holds them.
pub(super) struct Found {
    /// The identities.
    pub identities: Identities,
    /// The p12 that they come from, opened.
    pub container: Option<OpenedPkcs12>,
}

/// A p12 with the password that opens it.
pub(super) struct OpenedPkcs12 {
    bytes: Vec<u8>,
    password: Password,
    content: Pkcs12,
}

impl OpenedPkcs12 {
    /// The MAC and the encryption, in words.
    pub(super) fn algorithms(&self) -> String {
        self.content.algorithms.to_string()
    }

    /// What `security import` of a release of macOS makes of it, in words.
    pub(super) fn import_on(&self, macos: u32) -> String {
        let diagnosis = why_import_failed(&self.bytes, &self.password, macos);
        match diagnosis.hint() {
            Some(hint) => format!("{diagnosis}; {hint}"),
            None => diagnosis.to_string(),
        }
    }
}

/// Reads the identities of `source`.
///
/// # Errors
/// See [`read_file`] and [`of_keychain`].
pub(super) fn read(
    source: &Source,
    manifest: Option<&Manifest>,
    world: &World,
) -> Result<Found, Failure> {
    match source {
        Source::File(file) => Ok(read_input(file, manifest, None, world)?),
        Source::Keychain(selection) => Ok(Found {
            identities: of_keychain(selection, world)?,
            container: None,
        }),
    }
}

/// Reads identities from a captured `find-identity` or a p12. A capture shows SHA-1s alone: those that the manifest pins
/// are resolved through it. The file is noted among `inputs`, unless it is standard input, which can be read only once.
///
/// # Errors
/// The file cannot be read, is neither, or the password is wrong.
pub fn read_file(
    file: &IdentityFile,
    manifest: Option<&Manifest>,
    inputs: Option<&Inputs>,
    world: &World,
) -> Result<Identities, Error> {
    Ok(read_input(file, manifest, inputs, world)?.identities)
}

fn read_input(
    file: &IdentityFile,
    manifest: Option<&Manifest>,
    inputs: Option<&Inputs>,
    world: &World,
) -> Result<Found, Error> {
    let reading = stored::Reading {
        input: &file.input,
        password: &file.password,
        inputs,
        world,
    };
    match reading.read()? {
        Content::Stored(identities) => Ok(Found {
            identities: listed(&file.input, &identities)?,
            container: None,
        }),
        Content::Other(bytes) => open(file, bytes, manifest, world),
    }
}

/// The identities that were found in `input`, each once, by SHA-1.
fn listed(input: &Input, held: &[Pkcs12Identity]) -> Result<Identities, Error> {
    let mut identities = Vec::new();
    for held in held {
        let certificate = Certificate::from_der(&held.certificate_der)
            .map_err(|error| Error::of_input(error, input))?;
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
    Ok(Identities {
        source: input.to_string(),
        identities,
        compatible: None,
    })
}

/// The identities of a keychain that is named: nothing of the policy is needed to find it.
///
/// # Errors
/// It is missing or cannot be read.
pub fn of_keychain(selection: &Selection, world: &World) -> Result<Identities, Error> {
    let policy = Policy::builtin(world.home());
    selected::select(selection, &policy, world)?.identities()
}

fn open(
    file: &IdentityFile,
    bytes: Vec<u8>,
    manifest: Option<&Manifest>,
    world: &World,
) -> Result<Found, Error> {
    let found = FileType::of(&bytes);
    if found.is_plain_text() && IdentityListing::looks_like_one(&bytes) {
        return Ok(Found {
            identities: parse_capture(file, &bytes, manifest)?,
            container: None,
        });
    }
    if found.may_be(Wanted::Pkcs12) {
        return open_pkcs12(file, bytes, world);
    }
    // The password of what is no p12 is not asked for.
    Err(malformed(file, NotIdentities(found)))
}

/// A file holds no identities.
#[derive(Debug, thiserror::Error)]
#[error("expected a PKCS#12 (.p12) file or the output of `security find-identity`, found {0}")]
struct NotIdentities(FileType);

impl Explain for NotIdentities {
    fn code(&self) -> ErrorCode {
        ErrorCode::FileMalformed
    }

    fn hint(&self) -> Option<String> {
        Some(self.0.remedy(Wanted::Pkcs12))
    }
}

fn open_pkcs12(file: &IdentityFile, bytes: Vec<u8>, world: &World) -> Result<Found, Error> {
    // What is wrong with the file itself is said before a password is asked for.
    Algorithms::read(&bytes).map_err(|error| malformed(file, error))?;
    let password = password::read_for_file(&file.password, world)?;
    let content = pkcs12::read(&bytes, &password).map_err(|error| malformed(file, error))?;
    if content.identities.is_empty() {
        // An empty observation is none: the keys that sign are somewhere else.
        return Err(malformed(file, content.no_identity()));
    }
    Ok(Found {
        identities: listed(&file.input, &content.identities)?,
        container: Some(OpenedPkcs12 {
            bytes,
            password,
            content,
        }),
    })
}

fn parse_capture(
    file: &IdentityFile,
    bytes: &[u8],
    manifest: Option<&Manifest>,
) -> Result<Identities, Error> {
    let listing = IdentityListing::parse(bytes).map_err(|error| malformed(file, error))?;
    let known = manifest
        .map(certificates::by_sha1_as_pinned)
        .unwrap_or_default();
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
        source: file.input.to_string(),
        identities,
        compatible: Some(digest::compatible(bytes)),
    })
}

/// The canonical digest of the identities with these SHA-256 fingerprints; `None` if one is unknown.
pub fn canonical(fingerprints: impl IntoIterator<Item = Option<CertSha256>>) -> Option<Digest> {
    let fingerprints: Option<Vec<CertSha256>> = fingerprints.into_iter().collect();
    fingerprints.map(digest::canonical)
}

fn malformed(file: &IdentityFile, cause: impl Explain + Send + Sync + 'static) -> Error {
    Error::of_input(cause, &file.input)
}
