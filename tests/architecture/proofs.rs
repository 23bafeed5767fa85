//! Values that prove something are made in one place.
//!
//! Where the language lets only one file call the constructor, nothing needs to be said here.

use super::hold;
use super::source::sources;

/// Constructors that the whole crate could call, as tokens, and the one file that does.
const CONSTRUCTORS: &[(&[&str], &str)] = &[(
    &["LiveFacts", "::", "of_this_machine"],
    "src/host/observation.rs",
)];

#[test]
fn proofs_are_made_in_one_file() {
    let mut offences = Vec::new();
    for (constructor, place) in CONSTRUCTORS {
        let mut is_used = false;
        for source in sources() {
            for token in source.places(constructor) {
                match source.path == *place {
                    true => is_used = true,
                    false => {
                        offences.push(format!("{}: {}", source.at(token), constructor.concat()))
                    }
                }
            }
        }
        assert!(is_used, "{place} calls no {}", constructor.concat());
    }
    hold("proofs_are_made_in_one_file", &offences);
}
