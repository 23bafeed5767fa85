//! Notarization tickets: what Apple's notary service gives, stapled to the product.
//!
//! The file begins with `s8ch`, holds certificates and a signed list of the cdhashes that were notarized, each of 20 bytes
//! behind a byte for its hash type. The format is not published; that the cdhashes stand in its bytes was measured. So it is
//! shown whether the ticket names the code, and nothing is concluded from its own signature.

/// `s8ch`: how a ticket begins.
const MAGIC: &[u8] = b"s8ch";

/// The largest ticket that is read, in bytes. Real ones have a few kilobytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Whether bytes begin as a ticket does.
pub fn is_ticket(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Whether a ticket names this cdhash.
pub fn names(ticket: &[u8], cdhash: &[u8; 20]) -> bool {
    memchr::memmem::find(ticket, cdhash).is_some()
}
