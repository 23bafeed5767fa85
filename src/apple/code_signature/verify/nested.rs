//! Holds nested code against what the seal around it says (`validateNestedCode`).

use super::components;
use super::judgement::Judgement;
use super::signatures::in_product;
use super::{Item, position_of};
use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::problem::Problem;
use crate::apple::code_signature::product::{self, Entry, EntryKind};
use crate::apple::code_signature::requirement::Expression;
use crate::apple::code_signature::requirement::evaluate::Answer;
use crate::apple::code_signature::requirement::text;
use crate::base::digest::hex;
use crate::base::finding::{Code, Finding};

const EMBED_AGAIN: &str = "sign the nested code first, then the bundle around it";

/// Judges the code that lies at an entry, which the seal names with a requirement and a cdhash.
pub(super) fn judge(
    items: &[Item],
    entry: &Entry,
    requirement: &str,
    cdhash: Option<&[u8]>,
    judgement: &mut Judgement<'_>,
) {
    let path = &*entry.path;
    let predicted = Predicted::new(Status::BadNestedCode, "SecStaticCode::validateNestedCode");
    let found = position_of(items, path).and_then(|found| Some((found, items.get(found)?)));
    let Some((position, item)) = found else {
        // A file that is no Mach-O file has its signature in extended attributes, com.apple.cs.CodeDirectory and so on
        // (FileDiskRep). Archives and most copies lose them, and what a Mac may still have is not read here.
        let (message, hint, predicted) = match entry.kind {
            EntryKind::File { .. } => (
                "a script is sealed as code of its own: its signature lies in extended attributes, which are not read here \
                 and which copies lose",
                "move the script to Contents/Resources, where the seal covers it, and sign the bundle again",
                Predicted::new(Status::Unsigned, "SecStaticCode::codeDirectory"),
            ),
            _ => (
                "the seal speaks of code where there is none",
                EMBED_AGAIN,
                Predicted::new(Status::BadBundleFormat, "DiskRep::bestGuess"),
            ),
        };
        let finding = Finding::block(Code::NestedCodeChanged, message)
            .expected(requirement)
            .hint(hint);
        judgement
            .problems
            .push(Problem::both(in_product(finding, path), predicted));
        return;
    };
    judgement.sealed_code.push(position);
    // The other versions of a framework must hold too, and are named by the same seal.
    let versions_below = format!("{path}/Versions/");
    let first = items.partition_point(|other| other.path < versions_below);
    let versions = items
        .iter()
        .enumerate()
        .skip(first)
        .take_while(|(_, other)| other.path.starts_with(&versions_below));
    let versions: Vec<usize> = versions
        .filter(|(_, other)| other.parent == Some(position))
        .filter(|(_, other)| other.layout.is_some())
        .filter(|(_, other)| product::parent(&other.path).ends_with("/Versions"))
        .map(|(version, _)| version)
        .collect();
    judgement.sealed_code.extend(&versions);
    if item.is_unsigned() {
        // The item says so itself.
        return;
    }
    let asked = match text::parse(requirement) {
        Ok(asked) => asked,
        Err(error) => {
            let finding = Finding::block(
                Code::ResourceSealUnreadable,
                "the requirement on nested code cannot be read",
            )
            .found(error)
            .hint(EMBED_AGAIN);
            let predicted = Predicted::new(
                Status::ResourcesInvalid,
                "SecStaticCode::validateNestedCode",
            );
            judgement
                .problems
                .push(Problem::both(in_product(finding, path), predicted));
            return;
        }
    };
    // Every version must meet it.
    let others = versions.iter().filter_map(|version| items.get(*version));
    for other in others.filter(|other| !other.is_unsigned()) {
        if meets(other, &asked) != Answer::Yes {
            let finding = Finding::block(
                Code::NestedCodeChanged,
                "a version of a framework is not the code that the bundle was signed with",
            )
            .expected(requirement)
            .found(described(other))
            .hint(EMBED_AGAIN);
            let predicted = Predicted::new(
                Status::BadFrameworkVersion,
                "SecStaticCode::validateOtherVersions",
            );
            judgement
                .problems
                .push(Problem::both(in_product(finding, &other.path), predicted));
        }
    }
    match meets(item, &asked) {
        Answer::Yes => {}
        Answer::No => {
            let finding = Finding::block(
                Code::NestedCodeChanged,
                "the nested code is not the one that the bundle was signed with",
            )
            .expected(requirement)
            .found(described(item))
            .hint(EMBED_AGAIN);
            judgement
                .problems
                .push(Problem::both(in_product(finding, path), predicted));
        }
        Answer::Unknown => {
            let finding = Finding::block(
                Code::NestedCodeChanged,
                "whether the nested code meets the seal cannot be told without a Mac",
            )
            .expected(requirement)
            .hint("verify the product on a Mac");
            judgement
                .problems
                .push(Problem::ours(in_product(finding, path)));
        }
    }
    // It is that of one slice, as the machine that signed saw it; Apple's verifier never looks.
    let cdhashes = item.cdhashes();
    if let Some(sealed) = cdhash
        && !cdhashes.iter().any(|found| found[..] == *sealed)
    {
        let found: Vec<String> = cdhashes.iter().map(|found| hex(found)).collect();
        let finding = Finding::block(
            Code::NestedCdhashDiffers,
            "the nested code was signed again after the bundle around it",
        )
        .values(hex(sealed), found.join(", "))
        .hint(EMBED_AGAIN);
        judgement
            .problems
            .push(Problem::ours(in_product(finding, path)));
    }
}

/// Who a piece of code says that it is.
fn described(item: &Item) -> String {
    format!(
        "identifier {:?}, team {}",
        item.identifier().unwrap_or_default(),
        item.team().unwrap_or("none"),
    )
}

/// Asks a requirement about every slice of a piece.
fn meets(item: &Item, requirement: &Expression) -> Answer {
    let mut answer = Answer::Yes;
    for slice in &item.slices {
        let asked = match slice.sound_signature() {
            Some(signature) => components::ask(item, slice, signature, requirement),
            None => Answer::No,
        };
        match asked {
            Answer::No => return Answer::No,
            Answer::Unknown => answer = Answer::Unknown,
            Answer::Yes => {}
        }
    }
    answer
}
