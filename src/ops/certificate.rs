//! Certificates: what one is, and what hangs on it.
//!
//! Before a certificate is revoked somebody must know what stops working: which profiles let it sign, which targets it signs, which
//! products carry its signature, and which runs signed with it. [`show`] gathers that from the manifest, the products that are named,
//! and the audit log. It judges nothing. Whatever cannot be had is named in [`Uses::missing`]: what was not looked at is not unused.

mod uses;

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub use self::uses::{CertificateRun, SignedCode, Uses, UsingProduct, UsingProfile, UsingTarget};
use super::error::{Error, Failure};
use super::report::Report;
use super::world::World;
use crate::apple::anchors::{PemError, certificates_from_pem, each_from_pem};
use crate::apple::certificate::{Certificate, CertificateKind, MAX_BYTES};
use crate::base::error::ErrorCode;
use crate::base::ids::{CertSha1, CertSha256, TeamId};
use crate::context::manifest::PinnedCertificate;
use crate::host::files::Input;

/// Which certificate.
#[derive(Debug, Clone)]
pub enum Which {
    /// The one in a file, in DER or PEM; of several in PEM the first, which is the signer's where they are a chain.
    File(Input),
    /// The one with this SHA-256.
    Sha256(CertSha256),
    /// The one with this SHA-1, as `security find-identity` and Xcode name it.
    Sha1(CertSha1),
}

/// Which certificate is shown, and with what.
#[derive(Debug, Clone)]
pub struct ShowRequest {
    /// Which.
    pub which: Which,
    /// The products that are looked at for its signature; `None` if its uses are not asked for.
    pub uses: Option<Vec<PathBuf>>,
}

/// The `countersign.certificate.v1` document: a certificate, and what hangs on it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CertificateDocument {
    /// Always `countersign.certificate.v1`.
    #[schemars(extend("const" = "countersign.certificate.v1"))]
    pub schema: &'static str,
    /// The certificate.
    pub certificate: ShownCertificate,
    /// What hangs on it; absent if that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<Uses>,
}

impl Report for CertificateDocument {}

/// A certificate, as far as its file or the manifest tells.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownCertificate {
    /// SHA-256 of its DER encoding, hex.
    pub sha256: CertSha256,
    /// SHA-1 of its DER encoding, hex.
    pub sha1: CertSha1,
    /// Subject common name; not unique.
    pub common_name: String,
    /// What Apple issued it for, by its marker.
    pub kind: CertificateKind,
    /// The team: subject OU of a developer certificate. Absent where only the manifest knows the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// The last six hex digits of its serial number.
    pub serial: String,
    /// Its issuer's common name and generation.
    pub issuer: String,
    /// Its notBefore (RFC 3339, UTC). Absent where only the manifest knows the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Its notAfter (RFC 3339, UTC).
    pub expires: Timestamp,
    /// Whether it has expired.
    pub expired: bool,
}

impl ShownCertificate {
    fn of(certificate: &Certificate, now: Timestamp) -> Self {
        let pinned = PinnedCertificate::from(certificate);
        Self {
            team_id: certificate.team_id.clone(),
            not_before: Some(certificate.validity.not_before),
            ..Self::pinned(&pinned, now)
        }
    }

    fn pinned(certificate: &PinnedCertificate, now: Timestamp) -> Self {
        Self {
            sha256: certificate.sha256,
            sha1: certificate.sha1,
            common_name: certificate.common_name.clone(),
            kind: certificate.kind,
            team_id: None,
            serial: certificate.serial.clone(),
            issuer: certificate.issuer.clone(),
            not_before: None,
            expires: certificate.expires,
            expired: certificate.expires <= now,
        }
    }
}

/// What a certificate is, and what hangs on it. Nothing is recorded or changed.
///
/// # Errors
/// The file is no certificate; nobody knows the fingerprint; or a product cannot be looked at.
pub fn show(request: &ShowRequest, world: &World) -> Result<CertificateDocument, Failure> {
    let certificate = match &request.which {
        Which::File(input) => ShownCertificate::of(&read(input)?, world.now),
        Which::Sha256(sha256) => known(request, world, |found| found.sha256 == *sha256)?,
        Which::Sha1(sha1) => known(request, world, |found| found.sha1 == *sha1)?,
    };
    let uses = match &request.uses {
        Some(products) => Some(uses::of(certificate.sha256, products, world)?),
        None => None,
    };
    Ok(CertificateDocument {
        schema: "countersign.certificate.v1",
        certificate,
        uses,
    })
}

/// The certificate in a file, in DER or PEM; of several in PEM the first.
///
/// # Errors
/// It cannot be read, or holds no certificate.
pub(in crate::ops) fn read(input: &Input) -> Result<Certificate, Error> {
    // PEM has a third more bytes than DER, and a chain has a few certificates.
    let bytes = input.read(8 * MAX_BYTES)?;
    if !is_pem(&bytes) {
        return Certificate::from_der(&bytes).map_err(|error| Error::of_input(error, input));
    }
    let found = certificates_from_pem(&bytes).map_err(|error| Error::of_input(error, input))?;
    let first = found.into_iter().next();
    first.ok_or_else(|| Error::unexpected("a PEM file gave no certificate"))
}

/// A keychain of a developer, as PEM: a thousand certificates.
const MAX_DUMP: usize = 4 * 1024 * 1024;

/// The certificates in a file, in DER or PEM, but for those that are of no kind that is known here: a keychain holds what anybody put
/// there.
///
/// # Errors
/// It cannot be read, or holds no certificate.
pub(in crate::ops) fn read_all(input: &Input) -> Result<Vec<Certificate>, Error> {
    let bytes = input.read(MAX_DUMP)?;
    if !is_pem(&bytes) {
        let only = Certificate::from_der(&bytes);
        return Ok(vec![only.map_err(|error| Error::of_input(error, input))?]);
    }
    let mut certificates = Vec::new();
    for certificate in each_from_pem(&bytes) {
        match certificate {
            Ok(certificate) => certificates.push(certificate),
            Err(PemError::Certificate { .. }) => {}
            Err(error) => return Err(Error::of_input(error, input)),
        }
    }
    match certificates.is_empty() {
        true => Err(Error::of_input(PemError::Empty, input)),
        false => Ok(certificates),
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

/// The certificate that the manifest pins under a fingerprint, or that signed one of the products.
fn known(
    request: &ShowRequest,
    world: &World,
    is_it: impl Fn(&PinnedCertificate) -> bool,
) -> Result<ShownCertificate, Failure> {
    if let Some(manifest) = world.manifest_if_any()? {
        let mut pinned = manifest
            .profiles()
            .iter()
            .flat_map(|profile| profile.certificates());
        if let Some(found) = pinned.find(|found| is_it(found)) {
            return Ok(ShownCertificate::pinned(found, world.now));
        }
    }
    let products = request.uses.as_deref().unwrap_or_default();
    for signer in uses::signers(products, world)? {
        if is_it(&PinnedCertificate::from(&*signer)) {
            return Ok(ShownCertificate::of(&signer, world.now));
        }
    }
    let message = "no profile that the manifest pins names a certificate with this fingerprint";
    let error = Error::new(ErrorCode::FileMissing, message);
    Err(error
        .hint("name the certificate's file, or a product that it signed beside the fingerprint")
        .into())
}
