//! What no product holds: devices, pipes, what cannot be looked at.

use crate::apple::code_signature::codesign::{Predicted, Status};
use crate::apple::code_signature::problem::{Problem, Problems};
use crate::apple::code_signature::product::{EntryKind, Tree};
use crate::base::finding::{Code, Finding, Place};

pub(super) fn problems(tree: &Tree) -> Vec<Problem> {
    let mut problems = Problems::default();
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
    if tree.is_folder("Payload") {
        beside_the_app(tree, &mut problems);
    }
    problems.into_told()
}

/// What Xcode puts beside the folder `Payload` of an `.ipa`, and the store beside that.
const BESIDE_PAYLOAD: [&str; 10] = [
    "BCSymbolMaps",
    "META-INF",
    "MessagesApplicationExtensionSupport",
    "MessagesApplicationSupport",
    "SwiftSupport",
    "Symbols",
    "WatchKitSupport",
    "WatchKitSupport2",
    "iTunesArtwork",
    "iTunesMetadata.plist",
];

/// In an `.ipa` nothing seals what lies beside the app.
fn beside_the_app(tree: &Tree, problems: &mut Problems) {
    let beside_payload = tree
        .children("")
        .filter(|(name, _)| *name != "Payload" && !BESIDE_PAYLOAD.contains(name));
    let in_payload = tree
        .children("Payload")
        .filter(|(name, _)| !name.ends_with(".app"));
    for (_, entry) in beside_payload.chain(in_payload) {
        let mut finding = Finding::block(
            Code::ProductStructure,
            "the archive holds something beside the app, which no seal covers",
        )
        .hint("export the .ipa again with Xcode, or remove this from it");
        finding.place.file = Some(entry.path.to_string());
        problems.push(Problem::ours(finding));
    }
}
