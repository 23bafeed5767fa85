//! Envelopes that were handed over: verify.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::error::{Error, Failure};
use super::product;
use super::report::Report;
use super::world::World;
use crate::base::digest::Digest;
use crate::base::error::ErrorCode;
use crate::base::finding::Finding;
use crate::base::remedy::Remedy;
use crate::context::envelope::verify::{self, Asked};
use crate::context::envelope::{Statement, dsse};
use crate::context::ssh::allowed_signers::{self, AllowedSigners};
use crate::host::files::{self, Input};

/// What is asked of an envelope.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// The envelope.
    pub envelope: Input,
    /// The list of those who may sign.
    pub allowed_signers: PathBuf,
    /// Whose signature it must be; without it anybody's who may sign.
    pub signer: Option<String>,
    /// The manifest that must have been cleared.
    pub expect_manifest: Option<Digest>,
    /// The policy that it must have been judged by.
    pub expect_policy: Option<Digest>,
    /// The products that it must be about.
    pub products: Vec<PathBuf>,
    /// How old the verdict may be; without it as old as it is.
    pub maximum_age: Option<SignedDuration>,
    /// The instant for which it is asked; without it now.
    pub at: Option<Timestamp>,
}

/// The `countersign.envelope-verify.v1` document: whether an envelope holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EnvelopeVerifyDocument {
    /// Always `countersign.envelope-verify.v1`.
    #[schemars(extend("const" = "countersign.envelope-verify.v1"))]
    pub schema: &'static str,
    /// Whether the envelope holds: somebody who may sign has signed it, and it says what is expected. False for every
    /// envelope that is not signed.
    pub holds: bool,
    /// Whether the file carries a signature, good or not.
    pub signed: bool,
    /// Who signed it; null unless it holds.
    pub signer: Option<SignerDocument>,
    /// What is stated; null unless it holds.
    pub statement: Option<Statement>,
    /// What is not right, and what is worth knowing.
    pub findings: Vec<Finding>,
}

/// Who signed an envelope.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignerDocument {
    /// The fingerprint of the key, as `ssh-keygen -l` prints it.
    pub key: String,
    /// Whose key it is, as the list of allowed signers has it: a comma-separated list of patterns.
    pub principals: String,
    /// The line of that list, from 1.
    pub line: u64,
}

impl Report for EnvelopeVerifyDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }
}

/// Verifies an envelope.
///
/// # Errors
/// The envelope, the list or a product cannot be read, or the list cannot be used.
pub fn verify(request: &VerifyRequest, world: &World) -> Result<EnvelopeVerifyDocument, Failure> {
    for (expected, what, remedy) in [
        (
            request.expect_manifest,
            "manifest",
            Remedy::ShowManifestDigest,
        ),
        (request.expect_policy, "policy", Remedy::ShowPolicyDigest),
    ] {
        if let Some(Digest::Sha1(_)) = expected {
            let message = format!(
                "an envelope names its {what} by SHA-256, and the digest that is expected is a SHA-1"
            );
            return Err(Error::new(ErrorCode::Usage, message)
                .hint(format!("name the SHA-256 of the {what}"))
                .remedy(remedy)
                .into());
        }
    }
    let path = &request.allowed_signers;
    let list = files::read_bounded(path, allowed_signers::MAX_BYTES)?;
    let allowed = AllowedSigners::parse(&list).map_err(|error| {
        let line = error.line;
        let error = Error::from(error).preceded_by(&path.display().to_string());
        error.in_file(path).at_line(Some(line))
    })?;
    let bytes = request.envelope.read(dsse::MAX_BYTES)?;
    let products = request.products.iter().map(|path| product::digest(path));
    let products = products.collect::<Result<Vec<_>, _>>()?;
    let verification = verify::verify(
        &bytes,
        &Asked {
            allowed: &allowed,
            allowed_file: path,
            signer: request.signer.as_deref(),
            manifest: request.expect_manifest,
            policy: request.expect_policy,
            products: &products,
            maximum_age: request.maximum_age,
            now: request.at.unwrap_or(world.now),
        },
    );
    let findings = verification.findings.into_iter();
    let findings = findings.map(|finding| match &request.envelope {
        Input::File(file) if finding.place.file.is_none() => finding.in_file(file),
        _ => finding,
    });
    let verified = verification.verified.as_ref();
    Ok(EnvelopeVerifyDocument {
        schema: "countersign.envelope-verify.v1",
        holds: verified.is_some(),
        signed: verification.is_signed,
        signer: verified.map(|verified| SignerDocument {
            key: verified.signer().key.clone(),
            principals: verified.signer().principals.clone(),
            line: verified.signer().line,
        }),
        statement: verified.map(|verified| verified.statement().clone()),
        findings: findings.collect(),
    })
}
