//! Requirements as seals and people write them: a text that was read prints as one that is read as the same requirement, and a
//! question to it ends.
#![no_main]

use countersign::apple::code_signature::requirement::Expression;
use countersign::apple::code_signature::requirement::evaluate::Code;
use countersign::apple::code_signature::requirement::text::{MAX_BYTES, parse};
use libfuzzer_sys::fuzz_target;

/// The conditions that one word joins. Apple's printer sets no brackets among them (`Dumper::expr`), so they say nothing.
fn joined<'a>(it: &'a Expression, by_and: bool, found: &mut Vec<&'a Expression>) {
    match (it, by_and) {
        (Expression::And(one, other), true) | (Expression::Or(one, other), false) => {
            joined(one, by_and, found);
            joined(other, by_and, found);
        }
        _ => found.push(it),
    }
}

fn is_same(one: &Expression, other: &Expression) -> bool {
    let by_and = match (one, other) {
        (Expression::And(..), Expression::And(..)) => true,
        (Expression::Or(..), Expression::Or(..)) => false,
        (Expression::Not(one), Expression::Not(other)) => return is_same(one, other),
        _ => return one == other,
    };
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    joined(one, by_and, &mut ones);
    joined(other, by_and, &mut others);
    ones.len() == others.len()
        && ones
            .iter()
            .zip(others)
            .all(|(one, other)| is_same(one, other))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(written) = std::str::from_utf8(bytes) else {
        return;
    };
    let requirement = match parse(written) {
        Ok(requirement) => requirement,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let printed = requirement.to_string();
    // An empty value is printed as nothing, as Apple's printer does.
    if printed.len() <= MAX_BYTES && !written.contains("\"\"") {
        let again = parse(&printed).expect(&printed);
        assert!(is_same(&again, &requirement), "{printed}");
    }
    let _ = requirement.ask(&Code {
        identifier: "com.acme.rocket",
        cdhashes: &[[0; 20]],
        platform: 0,
        chain: &[],
        info: None,
        entitlements: None,
    });
});
