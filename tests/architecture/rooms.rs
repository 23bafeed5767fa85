//! Rooms, in the order in which data flows.

use super::paths::mentions;
use super::source::sources;
use super::{ROOMS, hold};

fn depth(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

#[test]
fn every_file_lies_in_a_room() {
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| !["", "main"].contains(&source.room()) && depth(source.room()).is_none())
        .map(|source| format!("{}: lies in no room of {ROOMS:?}", source.path))
        .collect();
    hold("every_file_lies_in_a_room", &offences);
}

#[test]
fn no_room_reaches_down_the_list() {
    let mut offences = Vec::new();
    for (index, source) in sources().iter().enumerate() {
        let Some(own) = depth(source.room()) else {
            continue;
        };
        for mention in mentions(index) {
            let used = mention.path.first().and_then(|room| depth(room));
            if used.is_some_and(|used| used > own) {
                offences.push(format!(
                    "{}: {} uses {}",
                    source.line(mention.line),
                    source.room(),
                    mention.path.join("::")
                ));
            }
        }
    }
    hold("no_room_reaches_down_the_list", &offences);
}
