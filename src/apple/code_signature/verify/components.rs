//! Judges the components of a signature: what stands in special slots.

use super::signatures::{in_product, whole};
use super::{Item, SignedSlice, TicketNames};
use crate::apple::code_signature::code_directory::{CodeDirectory, Flags};
use crate::apple::code_signature::code_resources;
use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::embedded::Signature;
use crate::apple::code_signature::entitlements;
use crate::apple::code_signature::layout::MAX_INFO;
use crate::apple::code_signature::mach_o::{FileKind, bytes_at};
use crate::apple::code_signature::problem::Problem;
use crate::apple::code_signature::product::{self, Product};
use crate::apple::code_signature::requirement::binary::{self, DESIGNATED};
use crate::apple::code_signature::requirement::evaluate::{self, Answer};
use crate::apple::code_signature::slot;
use crate::apple::code_signature::ticket;
use crate::apple::signed_message::SignedMessage;
use crate::base::digest::hex;
use crate::base::finding::{Code, Finding};

const SIGN_AGAIN: &str = "build and sign the product again";

/// Judges what the special slots of each CodeDirectory are over.
pub(super) fn judge(
    product: &dyn Product,
    item: &Item,
    slice: &SignedSlice,
    signature: &Signature,
    problems: &mut Vec<Problem>,
) {
    let beside = Beside::of(product, item, slice);
    for directory in signature.directories() {
        slots(directory, signature, &beside, problems);
    }
    top_directory(signature, &beside, problems);
    claims(slice, signature, problems);
    designated(item, slice, signature, problems);
}

/// The components that lie beside the signature.
struct Beside {
    info: Option<Box<[u8]>>,
    resources: Option<Box<[u8]>>,
}

impl Beside {
    fn of(product: &dyn Product, item: &Item, slice: &SignedSlice) -> Self {
        let read = |path: &str, limit| whole(product, path, limit).ok();
        let Some(layout) = &item.layout else {
            // A lone program carries its Info.plist in a section.
            let section = || {
                let slice = slice.slice.as_ref()?;
                let place = slice
                    .info_plist
                    .clone()
                    .filter(|place| place.end - place.start <= MAX_INFO)?;
                let mut file = product.open(item.code.as_deref()?).ok()?;
                let start = slice.place.start;
                bytes_at(&mut *file, start + place.start..start + place.end).ok()
            };
            return Self {
                info: section().map(Into::into),
                resources: None,
            };
        };
        let limit = u64::try_from(code_resources::MAX_BYTES).unwrap_or(u64::MAX);
        let resources = layout.code_resources();
        Self {
            info: layout.info.as_deref().and_then(|path| read(path, MAX_INFO)),
            resources: read(&resources, limit),
        }
    }

    fn component<'a>(&'a self, signature: &'a Signature, slot: u32) -> Option<&'a [u8]> {
        match slot {
            slot::INFO => self.info.as_deref(),
            slot::RESOURCES => self.resources.as_deref(),
            slot => signature.component(slot),
        }
    }
}

/// `errorForSlot`
fn status(slot: u32) -> Status {
    match slot {
        slot::INFO => Status::InfoPlistFailed,
        slot::RESOURCES => Status::ResourceDirectoryFailed,
        _ => Status::SignatureFailed,
    }
}

fn slots(
    directory: &CodeDirectory,
    signature: &Signature,
    beside: &Beside,
    problems: &mut Vec<Problem>,
) {
    // Nobody knows what the higher ones are about, so no system looks; one of them stands for all.
    let unknown = (slot::LAST_SPECIAL + 1..=directory.special_slots)
        .find(|slot| directory.special(*slot).is_some());
    // Apple's verifier goes down from the highest slot, and looks at those of the CodeDirectory that it chose
    // (validateNonResourceComponents).
    let is_chosen = signature
        .best()
        .is_some_and(|best| best.hash_type == directory.hash_type);
    for slot in unknown.into_iter().chain((1..=slot::LAST_SPECIAL).rev()) {
        let name = slot::name(slot);
        let predicted = is_chosen.then_some(Predicted::new(
            status(slot),
            "SecStaticCode::validateComponent",
        ));
        match (directory.special(slot), beside.component(signature, slot)) {
            (None, None) => {}
            (Some(hash), Some(component)) => {
                let found = directory.hash_type.hash(component);
                if *found != *hash {
                    let finding = Finding::block(
                        Code::CodeComponentChanged,
                        format!("the {name} was changed after the code was signed"),
                    )
                    .values(hex(hash), hex(&found))
                    .hint(SIGN_AGAIN);
                    problems.push(Problem {
                        finding,
                        codesign: predicted,
                    });
                }
            }
            (Some(hash), None) => {
                let finding = Finding::block(
                    Code::CodeComponentMissing,
                    format!("the {name} that was signed is missing"),
                )
                .expected(hex(hash))
                .hint(SIGN_AGAIN);
                // Nobody knows what a higher slot is about, so no system looks.
                let is_known = slot <= slot::LAST_SPECIAL;
                problems.push(Problem {
                    finding,
                    codesign: predicted.filter(|_| is_known),
                });
            }
            (None, Some(_)) => {
                // Apple's verifier then acts as if the component were not there, and other tools read it all the same.
                let message = format!("the {name} is there, and the signature does not cover it");
                let finding = Finding::block(Code::CodeComponentUnsealed, message).hint(SIGN_AGAIN);
                // Files that nothing seals it does not accept.
                let is_seal = is_chosen && slot == slot::RESOURCES;
                problems.push(Problem {
                    finding,
                    codesign: is_seal.then_some(Predicted::new(
                        Status::ResourcesNotFound,
                        "SecStaticCode::loadResources",
                    )),
                });
            }
        }
    }
    let unknown: Vec<u32> = signature
        .slots()
        .filter(|slot| {
            *slot > slot::LAST_SPECIAL && *slot > directory.special_slots && *slot != slot::TICKET
        })
        .collect();
    for slot in unknown {
        let message = format!("the signature holds a component {slot:#x} that no system knows");
        let finding = Finding::block(Code::CodeComponentUnsealed, message).hint(SIGN_AGAIN);
        problems.push(Problem::ours(finding));
    }
}

/// The list of components, where there is one, must name just what is there (`validateTopDirectory`).
fn top_directory(signature: &Signature, beside: &Beside, problems: &mut Vec<Problem>) {
    let (Some(listed), Some(best)) = (signature.component(slot::TOP_DIRECTORY), signature.best())
    else {
        return;
    };
    let (words, rest) = listed.as_chunks::<4>();
    let said: Vec<u32> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
    let mut found = vec![slot::CODE_DIRECTORY];
    found.extend((1..=slot::LAST_SPECIAL).filter(|slot| {
        beside.component(signature, *slot).is_some()
            && (*slot != slot::ENTITLEMENTS_DER || best.special(*slot).is_some())
    }));
    let alternates = signature.directories().len().saturating_sub(1);
    found.extend((slot::FIRST_ALTERNATE..).take(alternates));
    found.push(slot::SIGNATURE);
    if said != found || !rest.is_empty() {
        let finding = Finding::block(
            Code::CodeComponentChanged,
            "the list of components names others than there are",
        )
        .values(format!("{said:x?}"), format!("{found:x?}"))
        .hint(SIGN_AGAIN);
        let predicted = Predicted::new(
            Status::SignatureFailed,
            "SecStaticCode::validateTopDirectory",
        );
        problems.push(Problem::both(finding, predicted));
    }
}

/// The entitlements must be readable, and the same in both encodings.
fn claims(slice: &SignedSlice, signature: &Signature, problems: &mut Vec<Problem>) {
    let unreadable = |what: &str, error: &dyn std::fmt::Display| {
        Finding::block(
            Code::CodeComponentUnreadable,
            format!("the {what} cannot be read"),
        )
        .found(error)
        .hint(SIGN_AGAIN)
    };
    let xml = signature
        .component(slot::ENTITLEMENTS)
        .map(entitlements::of_xml);
    let der = signature
        .component(slot::ENTITLEMENTS_DER)
        .map(entitlements::of_der);
    if let Some(Err(error)) = &xml {
        problems.push(Problem::ours(unreadable("entitlements", error)));
    }
    if let Some(Err(error)) = &der {
        problems.push(Problem::both(
            unreadable("DER entitlements", error),
            Predicted::new(Status::Decode, "SecStaticCode::entitlements"),
        ));
    }
    let (Some(Ok(xml)), Some(Ok(der))) = (xml, der) else {
        return;
    };
    let xml = xml.unwrap_or_default();
    if let Some((key, in_xml, in_der)) = entitlements::difference(&xml, &der) {
        // Only those of a program count for a system.
        let counts = slice.kind().is_none_or(|kind| kind == FileKind::Executable);
        let message = format!("the two encodings of the entitlements disagree about {key:?}");
        let finding = match counts {
            true => Finding::block(Code::EntitlementsDisagree, message),
            false => Finding::warn(Code::EntitlementsDisagree, message),
        };
        let finding = finding
            .values(
                format!("{in_xml} in XML"),
                format!("{in_der} in DER, which systems read"),
            )
            .hint(SIGN_AGAIN);
        problems.push(Problem::ours(finding));
    }
}

/// What the code says of itself must be true of it.
fn designated(
    item: &Item,
    slice: &SignedSlice,
    signature: &Signature,
    problems: &mut Vec<Problem>,
) {
    let Some(component) = signature.component(slot::REQUIREMENTS) else {
        return;
    };
    let set = match binary::parse_set(component) {
        Ok(set) => set,
        Err(error) => {
            let finding = Finding::block(
                Code::CodeComponentUnreadable,
                "the requirements cannot be read",
            )
            .found(&error)
            .hint(SIGN_AGAIN);
            let predicted = Predicted::new(
                Status::RequirementInvalid,
                "SecStaticCode::internalRequirements",
            );
            problems.push(Problem::both(finding, predicted));
            return;
        }
    };
    let Some((_, requirement)) = set.iter().find(|(kind, _)| *kind == DESIGNATED) else {
        return;
    };
    // Without a proven signer there is nobody to ask about; that has been told.
    let is_ad_hoc = signature
        .best()
        .is_some_and(|best| best.flags.has(Flags::ADHOC));
    let is_proven = slice
        .signer
        .as_ref()
        .is_some_and(|signer| signer.proof.is_ok());
    if (is_proven || is_ad_hoc) && ask(item, slice, signature, requirement) == Answer::No {
        let finding = Finding::block(
            Code::CodeRequirementNotMet,
            "the code does not meet its own designated requirement",
        )
        .expected(requirement)
        .hint("sign it again without a requirement of your own");
        let predicted = Predicted::new(
            Status::RequirementFailed,
            "SecStaticCode::validateRequirement",
        );
        problems.push(Problem::both(finding, predicted));
    }
}

/// Asks a requirement about a slice.
pub(super) fn ask(
    item: &Item,
    slice: &SignedSlice,
    signature: &Signature,
    requirement: &crate::apple::code_signature::requirement::Expression,
) -> Answer {
    let Some(best) = signature.best() else {
        return Answer::No;
    };
    let proof = slice
        .signer
        .as_ref()
        .and_then(|signer| signer.proof.as_ref().ok());
    let chain = proof.map(SignedMessage::chain).unwrap_or_default();
    let cdhashes = item.cdhashes();
    requirement.ask(&evaluate::Code {
        identifier: &best.identifier,
        cdhashes: &cdhashes,
        platform: best.platform,
        chain: &chain,
        info: item
            .layout
            .as_ref()
            .and_then(|layout| layout.dictionary.as_ref()),
        entitlements: slice.entitlements.as_ref(),
    })
}

/// What the ticket that is stapled to a piece names of its code and of the code below it; `None` if there is none. It is a
/// problem if it leaves out the piece's own code: then it was stapled for something else.
pub(super) fn ticket(
    product: &dyn Product,
    items: &[Item],
    position: usize,
) -> (Option<TicketNames>, Option<Problem>) {
    let read = items.get(position).and_then(|item| {
        let (path, bytes) = stapled(product, item)?;
        Some((item, path, bytes))
    });
    let Some((item, path, bytes)) = read else {
        return (None, None);
    };
    let below = items
        .iter()
        .filter(|below| below.path == item.path || product::is_below(&below.path, &item.path));
    let cdhashes: Vec<[u8; 20]> = below.flat_map(Item::strongest_cdhashes).collect();
    let named = ticket::named(&bytes, &cdhashes);
    let found = TicketNames {
        names: cdhashes.iter().filter(|one| named.contains(*one)).count(),
        of: cdhashes.len(),
    };
    let mut own = item.strongest_cdhashes();
    let Some(missing) = own.find(|cdhash| !named.contains(cdhash)) else {
        return (Some(found), None);
    };
    let finding = Finding::block(
        Code::TicketOtherCode,
        "the notarization ticket that is stapled to this code was made for other code",
    )
    .expected(hex(&missing))
    .hint("run `xcrun stapler staple` on the product again, after it was notarized");
    (Some(found), Some(Problem::ours(in_product(finding, &path))))
}

/// The ticket that is stapled to a piece, and its path.
fn stapled(product: &dyn Product, item: &Item) -> Option<(String, Vec<u8>)> {
    let path = product::join(&item.layout.as_ref()?.base, "CodeResources");
    let limit = u64::try_from(ticket::MAX_BYTES).unwrap_or(u64::MAX);
    let bytes = match product.tree().is_file(&path) {
        true => whole(product, &path, limit).ok()?,
        false => return None,
    };
    ticket::is_ticket(&bytes).then_some((path, bytes.into_vec()))
}
