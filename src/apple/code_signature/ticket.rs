//! Notarization tickets: what Apple's notary service gives, stapled to the product.
//!
//! The file begins with `s8ch`, holds certificates and a signed list of the cdhashes that were notarized, each of 20 bytes
//! behind a byte for its hash type. The format is not published; that the cdhashes stand in its bytes was measured. So it is
//! shown whether the ticket names the code, and nothing is concluded from its own signature.

use std::collections::HashSet;

/// `s8ch`: how a ticket begins.
const MAGIC: &[u8] = b"s8ch";

/// The largest ticket that is read, in bytes. Real ones have a few kilobytes; one that names every slice of
/// [`MAX_ITEMS`](super::verify::MAX_ITEMS) fat programs has less.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Whether bytes begin as a ticket does.
pub fn is_ticket(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Those of the cdhashes that a ticket names. The ticket is gone through once, however many there are.
pub fn named(ticket: &[u8], cdhashes: &[[u8; 20]]) -> HashSet<[u8; 20]> {
    let asked: HashSet<&[u8]> = cdhashes.iter().map(<[u8; 20]>::as_slice).collect();
    let found = ticket.windows(20).filter(|window| asked.contains(window));
    found.filter_map(|window| window.try_into().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_names_the_cdhashes_that_stand_in_its_bytes() {
        let (one, other, none) = ([1; 20], [2; 20], [3; 20]);
        let ticket = [b"s8ch".as_slice(), &[7], &one, &[2], &other].concat();
        assert!(is_ticket(&ticket) && !is_ticket(&ticket[1..]));
        let named = named(&ticket, &[one, other, none]);
        assert_eq!(named, HashSet::from([one, other]));
    }
}
