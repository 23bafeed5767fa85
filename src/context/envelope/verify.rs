//! Whether an envelope holds: whether somebody who may sign has signed it, and whether it says what is expected.
//!
//! The order matters. The signature is verified over the bytes as they are before anything of the payload is read, so a
//! forged payload reaches no further reader. As soon as one step fails, nothing after it is believed or shown. Only of a
//! statement that is proven the rest is judged, and then everything that is wrong is said at once.
//!
//! A field of the payload that this version does not know is signed and may be new, so it is only told (in-toto: a consumer
//! ignores what it does not know). Where no signature reaches, nothing unknown is accepted.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize as _;
use serde_json::Value;

use super::dsse::{self, NAMESPACE, PAYLOAD_TYPE, Read, Signed};
use super::json::{Unambiguous, compare};
use super::{PREDICATE_TYPE, SHA256, STATEMENT_TYPE, Statement, Subject, hex_of};
use crate::apple::code_signature::product_digest::{Algorithm, ProductDigest};
use crate::base::clock::show_duration;
use crate::base::digest::Digest;
use crate::base::event::Checkpoint;
use crate::base::finding::{self, Code, Finding};
use crate::base::remedy::Remedy;
use crate::context::digest_mismatch::{OF_FILE, is_expected, mismatch};
use crate::context::ssh::allowed_signers::{AllowedSigners, NotAllowed};
use crate::context::ssh::key::PublicKey;
use crate::context::ssh::signature::Signature;

/// How far a statement may lie in the future: clocks of two machines differ that much.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(1);

/// What is asked of an envelope.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who may sign.
    pub allowed: &'a AllowedSigners,
    /// The file of that list, for the place of a finding.
    pub allowed_file: &'a Path,
    /// Whose signature it must be; without it anybody's who may sign.
    pub signer: Option<&'a str>,
    /// The manifest that must have been cleared.
    pub manifest: Option<Digest>,
    /// The policy that it must have been judged by.
    pub policy: Option<Digest>,
    /// The products that the statement must be about, each with the path that it was found at.
    pub products: &'a [(String, ProductDigest)],
    /// How old the verdict may be; without it as old as it is.
    pub maximum_age: Option<SignedDuration>,
    /// The instant for which it is asked.
    pub now: Timestamp,
}

/// A statement that somebody who may sign has signed, and that says what is expected. Only [`verify`] makes one.
#[derive(Debug)]
pub struct VerifiedEnvelope {
    statement: Statement,
    signer: Signer,
}

impl VerifiedEnvelope {
    /// What is stated.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Who states it.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The fingerprint of the key.
    pub key: String,
    /// Whose key it is, as the list of allowed signers has it: a list of patterns.
    pub principals: String,
    /// The line of that list, from 1.
    pub line: u64,
}

/// What was found of an envelope.
#[derive(Debug)]
pub struct Verification {
    /// What is not right, and what is worth knowing. Without a finding that blocks, the envelope holds.
    pub findings: Vec<Finding>,
    /// Whether the file carries a signature at all, good or not.
    pub is_signed: bool,
    /// What is proven; nothing unless it holds.
    pub verified: Option<VerifiedEnvelope>,
}

/// Verifies the envelope with these bytes.
pub fn verify(bytes: &[u8], asked: &Asked<'_>) -> Verification {
    let (is_signed, checked) = match dsse::read(bytes) {
        Ok(Read::Signed(signed)) => (true, check(&signed, asked)),
        Ok(Read::Unsigned(statement)) => (false, Err(vec![unsigned(&statement)])),
        Err(why) => (
            false,
            Err(vec![malformed(format!("it is no envelope: {why}"))]),
        ),
    };
    match checked {
        Ok((verified, findings)) => Verification {
            findings,
            is_signed,
            verified: Some(verified),
        },
        Err(findings) => Verification {
            findings,
            is_signed,
            verified: None,
        },
    }
}

/// Checks a signed envelope, step by step. With what is proven come remarks that do not block.
fn check(
    signed: &Signed,
    asked: &Asked<'_>,
) -> Result<(VerifiedEnvelope, Vec<Finding>), Vec<Finding>> {
    let one = |finding: Box<Finding>| vec![*finding];
    let signature = check_signature(signed).map_err(one)?;
    let key = signature.key();
    // Before anything of the payload is read: whose it is.
    allowed(key, asked, &[asked.now]).map_err(one)?;
    if signed.payload_type != PAYLOAD_TYPE {
        let message = "what is signed is not a statement";
        let finding = Finding::block(Code::EnvelopeTypeMismatch, message)
            .values(PAYLOAD_TYPE, &signed.payload_type)
            .hint("name the envelope that the gate wrote");
        return Err(vec![finding]);
    }
    let (statement, mut findings) = statement_of(&signed.payload).map_err(one)?;
    // Now it is known when the statement was made: the key must have been valid then too.
    let signer = allowed(key, asked, &[asked.now, statement.predicate.judged_at]);
    let signer = signer.map_err(one)?;
    findings.extend(check_manifest(&statement, asked));
    findings.extend(check_policy(&statement, asked));
    findings.extend(check_products(&statement, asked));
    findings.extend(check_age(&statement, asked));
    finding::sort(&mut findings);
    match finding::any_blocks(&findings) {
        true => Err(findings),
        false => Ok((VerifiedEnvelope { statement, signer }, findings)),
    }
}

/// The signature, if it is one for envelopes and holds over the payload and its type.
fn check_signature(signed: &Signed) -> Result<&Signature, Box<Finding>> {
    let invalid = |message: &str| {
        Finding::block(Code::EnvelopeSignatureInvalid, message).hint(
            "treat the envelope as forged: find out where it comes from, and run the gate again",
        )
    };
    let signature = signed
        .signature
        .as_ref()
        .map_err(|error| Box::new(invalid(&error.to_string())))?;
    if signature.namespace() != NAMESPACE {
        return Err(invalid("the signature was made for something else")
            .values(NAMESPACE, signature.namespace())
            .into());
    }
    let fingerprint = signature.key().fingerprint();
    if signed.keyid != fingerprint {
        return Err(invalid("the envelope names another key than its signature")
            .values(fingerprint, &signed.keyid)
            .into());
    }
    match signature.holds_over(&dsse::message(&signed.payload_type, &signed.payload)) {
        true => Ok(signature),
        false => Err(invalid(
            "the signature does not belong to this payload: one of them was changed",
        )
        .into()),
    }
}

/// Who signed, if the list of allowed signers lets them at every one of the instants.
fn allowed(
    key: &PublicKey,
    asked: &Asked<'_>,
    instants: &[Timestamp],
) -> Result<Signer, Box<Finding>> {
    match asked.allowed.check(key, NAMESPACE, asked.signer, instants) {
        Ok(by) => Ok(Signer {
            key: key.fingerprint(),
            principals: by.principals.to_owned(),
            line: by.line,
        }),
        Err(why) => {
            let hint = match why {
                NotAllowed::Unknown => {
                    "treat the envelope as forged, unless a review adds its key to the list of allowed signers"
                }
                _ => {
                    "find out why this key signed, and run the gate again on a host whose key may sign"
                }
            };
            let finding = Finding::block(Code::EnvelopeSignerNotAllowed, why.to_string())
                .found(key)
                .hint(hint)
                .in_file(asked.allowed_file);
            let finding = match why.line() {
                Some(line) => finding.at_line(line),
                None => finding,
            };
            Err(Box::new(match asked.signer {
                Some(signer) => finding.expected(signer),
                None => finding,
            }))
        }
    }
}

/// The statement of a payload, with remarks on fields that are not known.
fn statement_of(payload: &[u8]) -> Result<(Statement, Vec<Finding>), Box<Finding>> {
    let wrong = |why: &dyn fmt::Display| {
        Box::new(malformed(format!(
            "the signed payload is no statement: {why}"
        )))
    };
    let Unambiguous(value) = serde_json::from_slice(payload).map_err(|error| wrong(&error))?;
    for (field, expected) in [("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)] {
        let found = value
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or("nothing");
        if found != expected {
            let message =
                format!("what is signed is another kind of statement: its {field} differs");
            return Err(Finding::block(Code::EnvelopeTypeMismatch, message)
                .values(expected, found)
                .hint("name the envelope that the gate wrote")
                .into());
        }
    }
    let statement = Statement::deserialize(&value).map_err(|error| wrong(&error))?;
    let known = serde_json::to_value(&statement).map_err(|error| wrong(&error))?;
    let (unknown, different) = compare(&value, &known);
    if let Some(first) = different.first() {
        return Err(wrong(&format!(
            "{first} is not written as the gate writes it"
        )));
    }
    let predicate = &statement.predicate;
    if !predicate.signed {
        return Err(wrong(&"it says of itself that nobody signs it"));
    }
    check_subjects(&statement).map_err(|why| wrong(&why))?;
    if predicate.audit.parse::<Checkpoint>().is_err() {
        return Err(wrong(&"/predicate/audit is no checkpoint of an audit log"));
    }
    let remarks = unknown.into_iter().map(|pointer| {
        let message =
            format!("the statement has a field that this version does not know: {pointer}");
        Finding::warn(Code::EnvelopeFieldUnknown, message)
            .hint("install the version of countersign that the signer uses")
            .at_pointer(pointer)
    });
    Ok((statement, remarks.collect()))
}

/// The manifest comes first, and after it products, each once and with one digest.
fn check_subjects(statement: &Statement) -> Result<(), &'static str> {
    let Some(manifest) = statement.subject.first() else {
        return Err("it has no subject");
    };
    let judged = hex_of(statement.predicate.manifest);
    if manifest.digest.len() != 1 || manifest.digest.get(SHA256) != Some(&judged) {
        return Err("its first subject is not the manifest that was judged");
    }
    let mut names = BTreeSet::from([manifest.name.as_str()]);
    for product in statement.products() {
        if product_digest(product).is_none() {
            return Err("a subject after the manifest has not one digest of a product");
        }
        if !names.insert(&product.name) {
            return Err("two of its subjects have one name");
        }
    }
    Ok(())
}

/// The digest of a subject that is a product, if it has one and is written as the gate writes it.
fn product_digest(subject: &Subject) -> Option<ProductDigest> {
    let mut digests = subject.digest.iter();
    let (Some((algorithm, hex)), None) = (digests.next(), digests.next()) else {
        return None;
    };
    let algorithm = Algorithm::named(algorithm)?;
    let digest: Digest = format!("sha256:{hex}").parse().ok()?;
    (hex_of(digest) == *hex).then_some(ProductDigest { algorithm, digest })
}

/// Each product that is asked for must be one of the subjects, whatever its name.
fn check_products(statement: &Statement, asked: &Asked<'_>) -> Vec<Finding> {
    let stated: Vec<ProductDigest> = statement
        .products()
        .iter()
        .filter_map(product_digest)
        .collect();
    let missing = asked
        .products
        .iter()
        .filter(|(_, digest)| !stated.contains(digest));
    let finding = |(path, found): &(String, ProductDigest)| {
        let names: Vec<String> = statement
            .products()
            .iter()
            .zip(&stated)
            .map(|(subject, stated)| format!("{} ({})", stated.digest, subject.name))
            .collect();
        let (message, hint) = match names.is_empty() {
            true => (
                "the envelope is about no product",
                "have the run that builds the product write the envelope, and name the product there",
            ),
            false => (
                "the envelope is not about this product",
                "name the product as the run left it, or the envelope of the run that built it",
            ),
        };
        let mut finding = Finding::block(Code::ProductDigestMismatch, message)
            .found(found.digest)
            .hint(hint);
        if !names.is_empty() {
            finding = finding.expected(names.join(", "));
        }
        finding.in_file(Path::new(path))
    };
    missing.map(finding).collect()
}

fn check_manifest(statement: &Statement, asked: &Asked<'_>) -> Option<Finding> {
    let (expected, found) = (asked.manifest?, statement.predicate.manifest);
    if is_expected(expected, Some(found)) {
        return None;
    }
    let review = "name the envelope of this build, or check out the manifest that it is about";
    Some(mismatch(
        Code::ManifestDigestMismatch,
        "the envelope is about another manifest",
        expected,
        found,
        (review, None),
        OF_FILE,
    ))
}

fn check_policy(statement: &Statement, asked: &Asked<'_>) -> Option<Finding> {
    let (expected, found) = (asked.policy?, statement.predicate.policy);
    if is_expected(expected, Some(found)) {
        return None;
    }
    let review = "run the gate with the reviewed policy, or review the one that it was judged by";
    Some(mismatch(
        Code::PolicyDigestMismatch,
        "the envelope was judged by another policy",
        expected,
        found,
        (review, None),
        OF_FILE,
    ))
}

/// An old envelope is as well signed as a new one: whoever kept it can hand it on again.
fn check_age(statement: &Statement, asked: &Asked<'_>) -> Option<Finding> {
    let age = asked.now.duration_since(statement.predicate.judged_at);
    let (message, expected) = match asked.maximum_age {
        _ if age < -CLOCK_DIFFERENCE => (
            "the verdict lies in the future",
            format!("at most {}", asked.now),
        ),
        Some(maximum) if age > maximum => (
            "the verdict is too old",
            format!("at most {} old", show_duration(maximum)),
        ),
        _ => return None,
    };
    let finding = Finding::block(Code::EnvelopeNotCurrent, message);
    let found = format!(
        "{}, {} {}",
        statement.predicate.judged_at,
        show_duration(age),
        if age.is_negative() { "ahead" } else { "old" }
    );
    Some(
        finding.values(expected, found).hint(
            "run the gate again, and compare the clocks of both machines if the envelope is new",
        ),
    )
}

fn malformed(why: String) -> Finding {
    Finding::block(Code::EnvelopeMalformed, why)
        .hint("name the file that the gate wrote, or run the gate again")
}

fn unsigned(statement: &Value) -> Finding {
    let says_signed = statement.pointer("/predicate/signed") == Some(&Value::Bool(true));
    let message = match says_signed {
        true => "the envelope is not signed: its signature was taken away",
        false => {
            "the envelope is not signed: whoever can write to the file can write anything into it"
        }
    };
    Finding::block(Code::EnvelopeUnsigned, message)
        .hint("have the gate sign it")
        .remedy(Remedy::SignEnvelope)
}
