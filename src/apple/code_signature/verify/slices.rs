//! Judges the slices of one piece of code: signature, signer, pages.

use jiff::Timestamp;

use super::components;
use super::hashing::ItemDigests;
use super::signatures::in_product;
use super::{Item, SignedSlice};
use crate::apple::anchors::AnchorOwner;
use crate::apple::code_signature::code_directory::{CodeDirectory, Flags};
use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::embedded::{Signature, SignatureError};
use crate::apple::code_signature::hash_type::HashType;
use crate::apple::code_signature::message::{BindingFault, Signer};
use crate::apple::code_signature::problem::Problem;
use crate::apple::code_signature::product::Product;
use crate::apple::code_signature::timestamp::TimestampFault;
use crate::apple::signed_message::Fault;
use crate::base::finding::{Code, Finding};

const SIGN_AGAIN: &str = "build and sign the product again";

/// Judges every slice: the one that a Mac of today runs first, as Apple's verifier does.
pub(super) fn judge(
    product: &dyn Product,
    item: &Item,
    digests: &ItemDigests<'_>,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) {
    let file = item.code.clone().unwrap_or_default();
    let mut order: Vec<usize> = (0..item.slices.len()).collect();
    let native = item.native().map(SignedSlice::architecture);
    order.sort_by_key(|position| {
        let slice = item.slices.get(*position);
        slice.map(SignedSlice::architecture) != native
    });
    if item.is_unsigned() {
        if item.problems.is_empty() {
            let finding = Finding::block(Code::CodeUnsigned, "this code is not signed")
                .hint("sign it, or leave it out of the product");
            let predicted = Predicted::new(Status::Unsigned, "SecStaticCode::codeDirectory");
            problems.push(Problem::both(in_product(finding, &item.path), predicted));
        }
        return;
    }
    for position in order {
        let Some(slice) = item.slices.get(position) else {
            continue;
        };
        let mut of_slice = Vec::new();
        match &slice.signature {
            None => of_slice.push(Problem::both(
                Finding::block(Code::CodeUnsigned, "one slice of this code is not signed")
                    .hint(SIGN_AGAIN),
                Predicted::new(Status::Unsigned, "SecStaticCode::codeDirectory"),
            )),
            Some(Err(error)) => of_slice.push(malformed(error)),
            Some(Ok(signature)) => {
                signer(slice, signature, now, &mut of_slice);
                components::judge(product, item, slice, signature, &mut of_slice);
                pages(position, signature, digests, &mut of_slice);
            }
        }
        for mut problem in of_slice {
            if problem.finding.place.file.is_none() {
                problem.finding = in_product(problem.finding, &file);
            }
            if item.slices.len() > 1 && problem.finding.place.pointer.is_none() {
                problem.finding = problem.finding.at_pointer(slice.architecture());
            }
            problems.push(problem);
        }
    }
    teams(item, &file, problems);
    differences(item, &file, problems);
}

fn malformed(error: &SignatureError) -> Problem {
    use crate::apple::code_signature::code_directory::CodeDirectoryError as Directory;
    let (status, function) = match error {
        SignatureError::Blob(_) | SignatureError::TooLarge(_) => {
            (Some(Status::SignatureInvalid), "MachORep::signingData")
        }
        SignatureError::NoCodeDirectory => (Some(Status::Unsigned), "SecStaticCode::codeDirectory"),
        SignatureError::RepeatedHashType(_) => (
            Some(Status::SignatureInvalid),
            "SecStaticCode::loadCodeDirectories",
        ),
        SignatureError::Wrapper(_) => (
            Some(Status::SignatureFailed),
            "SecStaticCode::verifySignature",
        ),
        SignatureError::CodeDirectory(error) => match error {
            Directory::Version(_) => (
                Some(Status::SignatureUnsupported),
                "CodeDirectory::checkIntegrity",
            ),
            Directory::HashType { .. } => {
                (Some(Status::SignatureUnsupported), "CodeDirectory::hashFor")
            }
            // Apple's verifier takes these.
            Directory::Scatter { fits: true } | Directory::Text(_) => (None, ""),
            _ => (
                Some(Status::SignatureFailed),
                "CodeDirectory::checkIntegrity",
            ),
        },
    };
    let finding = Finding::block(
        Code::CodeSignatureMalformed,
        "the signature of this code cannot be read",
    )
    .found(error)
    .hint(SIGN_AGAIN);
    Problem {
        finding,
        codesign: status.map(|status| Predicted::new(status, function)),
    }
}

/// Who signed, and whether that person may.
fn signer(slice: &SignedSlice, signature: &Signature, now: Timestamp, problems: &mut Vec<Problem>) {
    let failed = Predicted::new(Status::SignatureFailed, "SecStaticCode::verifySignature");
    let Some(best) = signature.best() else {
        return;
    };
    if best.hash_type == HashType::Sha1 {
        let finding = Finding::block(
            Code::CodeHashWeak,
            "the signature is over SHA-1 alone, with which two programs can have one hash",
        )
        .values("SHA-256 or SHA-384", best.hash_type)
        .hint("sign it with a codesign of today, for systems of today");
        problems.push(Problem::ours(finding));
    }
    if let Some(place) = signature.stray_alternate {
        let finding = Finding::block(
            Code::CodeDirectoryUnbound,
            "an alternate CodeDirectory follows a gap, so no system reads it",
        )
        .found(format!("{place:#x}"))
        .hint(SIGN_AGAIN);
        problems.push(Problem::ours(finding));
    }
    if best.flags.has(Flags::ADHOC) {
        let by = if best.flags.has(Flags::LINKER_SIGNED) {
            "the linker"
        } else {
            "nobody"
        };
        let finding = Finding::block(
            Code::CodeAdHoc,
            format!(
                "this code is signed ad hoc: {by} signed it, and no certificate says who made it"
            ),
        )
        .values("a certificate of Apple's for developers", best.flags)
        .hint("sign it with the identity that the project asks for");
        problems.push(Problem::ours(finding));
        return;
    }
    let Some(signer) = &slice.signer else {
        let finding = Finding::block(
            Code::CodeSignatureInvalid,
            "the CMS message of the signature is missing or cannot be read",
        )
        .hint(SIGN_AGAIN);
        problems.push(Problem::both(finding, failed));
        return;
    };
    match &signer.proof {
        Err(fault) => problems.push(unproven(fault, signer)),
        Ok(proof) => {
            if proof.anchor_owner() == AnchorOwner::Policy {
                let root = proof.issuers().last().map(|root| root.common_name.clone());
                let finding = Finding::warn(
                    Code::CodeAnchorNotApple,
                    "the signature's chain ends in a root that the policy names, not in Apple's",
                )
                .found(root.unwrap_or_default())
                .hint("use such roots for rehearsals alone");
                problems.push(Problem::ours(finding));
            }
            let leaf = proof.signer();
            let leaf_team = leaf.team_id.as_ref().map(ToString::to_string);
            for directory in signature.directories() {
                if proof.role().names_team() && directory.team != leaf_team {
                    problems.push(Problem {
                        finding: Finding::block(
                            Code::CodeTeamMismatch,
                            "the signature names another team than the certificate that made it",
                        )
                        .values(
                            leaf_team.as_deref().unwrap_or("no team"),
                            directory.team.as_deref().unwrap_or("no team"),
                        )
                        .hint(SIGN_AGAIN),
                        // It compares only where the CodeDirectory names a team.
                        codesign: directory.team.is_some().then_some(Predicted::new(
                            Status::BadTeamIdentifier,
                            "SecStaticCode::verifySignature",
                        )),
                    });
                    break;
                }
            }
            if best.flags.has(Flags::EXPIRES) && !leaf.validity.contains(now) {
                let finding = Finding::block(
                    Code::CodeSignerExpired,
                    "the certificate has expired, and this code may not outlive it",
                )
                .values(leaf.validity.not_after, now)
                .hint(SIGN_AGAIN);
                let predicted = Predicted::new(
                    Status::CertificateExpired,
                    "SecStaticCode::validateDirectory",
                );
                problems.push(Problem::both(finding, predicted));
            }
        }
    }
    if signer.signed_time.is_none() && signer.timestamp.is_none() {
        let finding = Finding::block(
            Code::CodeSignatureInvalid,
            "the signature does not say when it was made",
        )
        .expected("a signing time")
        .hint(SIGN_AGAIN);
        problems.push(Problem::ours(finding));
    }
    if signer.strays > 0 && signer.proof.is_ok() {
        let finding = Finding::block(
            Code::CodeSignatureInvalid,
            "the signature bundles certificates that do not belong to its chain",
        )
        .found(format!("{} certificates", signer.strays))
        .hint(SIGN_AGAIN);
        problems.push(Problem::ours(finding));
    }
    if let Some(fault) = &signer.binding {
        problems.push(unbound(fault, failed));
    }
    if let Some(Err(fault)) = &signer.timestamp {
        problems.push(untimed(fault, signer));
    }
}

/// Why the signature proves nobody, as a finding.
fn unproven(fault: &Fault, signer: &Signer) -> Problem {
    let failed = Predicted::new(Status::SignatureFailed, "SecStaticCode::verifySignature");
    let untrusted = Predicted::new(Status::NotTrusted, "SecStaticCode::verifySignature");
    let invalid =
        |message: &str| Finding::block(Code::CodeSignatureInvalid, message).hint(SIGN_AGAIN);
    let distrusted = |message: String| {
        Finding::block(Code::CodeNotTrusted, message)
            .hint("sign with a certificate that Apple issued, and with its intermediate installed")
    };
    match fault {
        Fault::Digest { signed, found } => Problem::both(
            invalid("the CodeDirectory was changed after it was signed").values(signed, found),
            failed,
        ),
        Fault::Signature(error) => Problem::both(invalid("the signature is not valid").found(error), failed),
        Fault::Detached => Problem::both(invalid("the CodeDirectory is missing"), failed),
        Fault::NotDetached => Problem::both(invalid("the CMS message has content of its own"), failed),
        Fault::Signers(count) => Problem::both(
            invalid("the CMS message does not have exactly one signer").values("1 signer", format!("{count} signers")),
            failed,
        ),
        Fault::Extra(extra) => Problem::ours(invalid("the CMS message holds what nobody signed").found(extra)),
        Fault::ContentType(found) => {
            Problem::both(invalid("the CodeDirectory was signed as another type of content").found(found), failed)
        }
        Fault::NoAttribute(name) => {
            Problem::both(invalid("the CMS message lacks a signed attribute").expected(name), failed)
        }
        Fault::Algorithm(what) => {
            Problem::both(invalid("the signature is made with an algorithm that is not accepted").found(what), failed)
        }
        Fault::Certificate(error) => {
            Problem::both(invalid("a certificate of the signature cannot be read").found(error), failed)
        }
        Fault::SignerNotBundled => {
            Problem::both(distrusted("the signer's certificate is not in the signature".to_owned()), failed)
        }
        Fault::SelfSigned(subject) => Problem::ours(
            distrusted("the signer issued its own certificate, so Apple does not know it".to_owned())
                .values("a certificate issued by Apple", subject),
        ),
        Fault::IssuerNotBundled { subject, issuer } => Problem::both(
            distrusted(format!("the issuer of {subject} is not in the signature")).expected(issuer),
            untrusted,
        ),
        Fault::Link { subject, issuer } => {
            Problem::both(distrusted(format!("{subject} was not signed by {issuer}")), untrusted)
        }
        Fault::TooManyCandidates => Problem::ours(distrusted(
            "the signature bundles so many certificates of one name that no chain was found".to_owned(),
        )),
        Fault::NotAllowed { subject, what } => {
            Problem::both(distrusted(format!("in the signature's chain, {subject} {what}")), untrusted)
        }
        Fault::NotValid {
            subject,
            validity,
            instant,
        } => Problem {
            finding: distrusted(format!("in the signature's chain, {subject} was not valid when the code was signed"))
                .values(validity, instant),
            // It tolerates that where no authority says when.
            codesign: matches!(signer.timestamp, Some(Ok(_)))
                .then_some(Predicted::new(Status::CertificateExpired, "SecStaticCode::verifySignature")),
        },
        Fault::Anchor { subject, found } => Problem::ours(
            Finding::block(
                Code::CodeAnchorNotApple,
                format!("the signature's chain ends in {subject}, which is not Apple's root"),
            )
            .values("Apple Root CA", found)
            .hint(
                "sign with a certificate that Apple issued; for a rehearsal with your own authority, name its root in \
                 the policy's profiles.trust_anchors",
            ),
        ),
        Fault::Role { subject, markers } => Problem::ours(
            Finding::block(
                Code::CodeSignerRole,
                format!("{subject} signed this code, and Apple did not issue its certificate for signing code"),
            )
            .values(
                "a development, distribution or Developer ID certificate",
                if markers.is_empty() { "no marker from Apple".to_owned() } else { markers.join(", ") },
            )
            .hint("sign with the certificate that the manifest pins"),
        ),
    }
}

fn unbound(fault: &BindingFault, failed: Predicted) -> Problem {
    let finding = |message: &str| {
        Finding::block(Code::CodeDirectoryUnbound, message)
            .hint("sign the product again with codesign; somebody may have put a CodeDirectory in")
    };
    match fault {
        BindingFault::Unbound => Problem::ours(finding(
            "the signature has several CodeDirectories and names one alone, so nothing binds the others",
        )),
        BindingFault::Other(attribute) => Problem::both(
            finding("the signature names other CodeDirectories than it has").expected(attribute),
            failed,
        ),
        BindingFault::Malformed(reason) => Problem::both(
            finding("the names of the CodeDirectories in the signature cannot be read")
                .found(reason),
            failed,
        ),
    }
}

fn untimed(fault: &TimestampFault, signer: &Signer) -> Problem {
    let finding = |message: &str| {
        Finding::block(Code::CodeTimestampInvalid, message)
            .hint("sign the product again with `codesign --timestamp`")
    };
    let predicted = Predicted::new(Status::NotTrusted, "SecStaticCode::verifySignature");
    let finding = match fault {
        TimestampFault::Malformed(reason) => {
            finding("the secure timestamp cannot be read").found(reason)
        }
        TimestampFault::OtherSignature => {
            finding("the secure timestamp is about another signature")
        }
        TimestampFault::Signature(fault) => {
            finding("the secure timestamp is not from an authority of Apple's")
                .found(format!("{fault:?}"))
        }
    };
    let finding = match signer.signed_time {
        Some(time) => finding.expected(format!("a timestamp near {time}")),
        None => finding,
    };
    Problem::both(finding, predicted)
}

/// Whether each signature covers all of the code before it, and ends where the code ends (`strictValidate`).
pub(super) fn extents(product: &dyn Product, item: &Item, problems: &mut Vec<Problem>) {
    let file = item.code.as_deref().unwrap_or_default();
    for slice in &item.slices {
        if let Some(signature) = slice.sound_signature() {
            let mut of_slice = Vec::new();
            extent(product, file, slice, signature, &mut of_slice);
            problems.extend(of_slice.into_iter().map(|mut problem: Problem| {
                problem.finding = in_product(problem.finding, file);
                problem
            }));
        }
    }
}

fn extent(
    product: &dyn Product,
    file: &str,
    slice: &SignedSlice,
    signature: &Signature,
    problems: &mut Vec<Problem>,
) {
    let uncovered = |message: &str| Finding::block(Code::CodeNotCovered, message).hint(SIGN_AGAIN);
    let limit = match &slice.slice {
        Some(code) => code.signature.as_ref().map(|place| place.start),
        None => product.tree().size(file),
    };
    for directory in signature.directories() {
        let limit = limit.unwrap_or_default();
        if directory.code_limit != limit {
            let finding = uncovered("the signature does not cover all of the code before it")
                .values(
                    format!("{limit} bytes"),
                    format!("{} bytes", directory.code_limit),
                );
            // It compares the one that it chose.
            let is_chosen = signature
                .best()
                .is_some_and(|best| best.hash_type == directory.hash_type);
            problems.push(Problem {
                finding,
                codesign: is_chosen.then_some(Predicted::new(
                    Status::SignatureInvalid,
                    "SingleDiskRep::strictValidate",
                )),
            });
            break;
        }
    }
    if let Some(what) = &signature.irregularity {
        problems.push(Problem::ours(
            uncovered("the signature holds bytes that belong to nothing").found(what),
        ));
    }
    let Some(code) = &slice.slice else {
        return;
    };
    let length = code.place.end - code.place.start;
    let end = code.signature.as_ref().map_or(length, |place| place.end);
    if end != length || code.linked_end.is_some_and(|end| end != length) {
        let finding = uncovered("bytes follow the signature, which nothing covers")
            .values(format!("{end} bytes"), format!("{length} bytes"));
        let is_seen = code.linked_end != Some(length);
        problems.push(Problem {
            finding,
            codesign: is_seen.then_some(Predicted::new(
                Status::BadMainExecutable,
                "MachO::validateStructure",
            )),
        });
    }
    if code.has_second_signature {
        problems.push(Problem::ours(uncovered(
            "a second load command names a signature, which no system reads",
        )));
    }
}

/// Every page under every CodeDirectory.
fn pages(
    position: usize,
    signature: &Signature,
    digests: &ItemDigests<'_>,
    problems: &mut Vec<Problem>,
) {
    let changed = |directory: &CodeDirectory, found: String| {
        Finding::block(
            Code::CodePageChanged,
            "the code was changed after it was signed",
        )
        .values(
            format!(
                "{} pages as signed ({})",
                directory.code_slots, directory.hash_type
            ),
            found,
        )
        .hint(SIGN_AGAIN)
    };
    for (number, directory) in signature.directories().iter().enumerate() {
        let predicted =
            Predicted::new(Status::SignatureFailed, "SecStaticCode::validateExecutable");
        match digests.pages(position, number) {
            Ok(wrong) if wrong.count == 0 => {}
            Ok(wrong) => {
                let named: Vec<String> = wrong.first.iter().map(ToString::to_string).collect();
                let more = if wrong.count as usize > named.len() {
                    ", …"
                } else {
                    ""
                };
                let found = format!("{} changed: {}{more}", wrong.count, named.join(", "));
                problems.push(Problem::both(changed(directory, found), predicted));
            }
            Err(reason) => {
                let finding = Finding::block(Code::ProductUnreadable, "the code cannot be read")
                    .found(reason)
                    .hint("export or copy the product again, and verify it as a user who may read all of it");
                problems.push(Problem::both(finding, predicted));
            }
        }
    }
}

/// All slices are of one team.
fn teams(item: &Item, file: &str, problems: &mut Vec<Problem>) {
    let mut teams: Vec<Option<&str>> = item
        .slices
        .iter()
        .filter_map(SignedSlice::sound_signature)
        .filter_map(Signature::best)
        .map(|directory| directory.team.as_deref())
        .collect();
    teams.dedup();
    if let [one, other, ..] = teams.as_slice() {
        let finding = Finding::block(
            Code::CodeTeamMismatch,
            "the slices of this code are of different teams",
        )
        .values(one.unwrap_or("no team"), other.unwrap_or("no team"))
        .hint(SIGN_AGAIN);
        let predicted = Predicted::new(
            Status::SignatureInvalid,
            "SecStaticCode::handleOtherArchitectures",
        );
        problems.push(Problem::both(in_product(finding, file), predicted));
    }
}

/// All slices say the same of who signed and what the code may do.
fn differences(item: &Item, file: &str, problems: &mut Vec<Problem>) {
    let mut signers: Vec<_> = item
        .slices
        .iter()
        .filter_map(|slice| Some(slice.signer.as_ref()?.proof.as_ref().ok()?.signer().sha256))
        .collect();
    signers.dedup();
    let mut claims: Vec<_> = item
        .slices
        .iter()
        .filter(|slice| slice.sound_signature().is_some())
        .map(|slice| slice.entitlements.as_ref())
        .collect();
    claims.dedup();
    for (differ, what) in [
        (signers.len() > 1, "different certificates"),
        (claims.len() > 1, "different entitlements"),
    ] {
        if differ {
            let finding = Finding::block(
                Code::CodeSlicesDiffer,
                format!("the slices of this code have {what}"),
            )
            .hint(SIGN_AGAIN);
            problems.push(Problem::ours(in_product(finding, file)));
        }
    }
}
