//! What no product holds: devices, pipes, what cannot be looked at.

use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::problem::Problem;
use crate::apple::code_signature::product::{EntryKind, Tree};
use crate::base::finding::{Code, Finding, Place};

pub(super) fn problems(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in tree.entries() {
        let (message, status) = match &entry.kind {
            EntryKind::Special(what) => (
                format!("the product holds {what}"),
                Status::ResourceNotSupported,
            ),
            EntryKind::Unreadable(reason) => {
                let message = format!("a part of the product cannot be read: {reason}");
                (message, Status::NotVerifiable)
            }
            EntryKind::File { .. } | EntryKind::Link { .. } | EntryKind::Folder => continue,
        };
        let mut finding = Finding::block(Code::ProductUnreadable, message)
            .hint("build the product again, and verify it as a user who may read all of it");
        finding.place = Place {
            file: Some(entry.path.to_string()),
            ..Place::default()
        };
        problems.push(Problem::both(
            finding,
            Predicted::new(status, "ResourceBuilder::scan"),
        ));
    }
    problems
}
