//! How much a PKCS#12 file may hold, and how much work it may ask for before its password is known to be right.

/// The largest file that is read: a hundred identities with their chains take a quarter of it.
pub const MAX_FILE: usize = 4 * 1024 * 1024;

/// The most keys, and the most certificates, that a file may hold.
pub(super) const MAX_ENTRIES: usize = 1024;

/// The most protected parts that are looked at: a keychain of a hundred identities exports two hundred.
pub(super) const MAX_PARTS: usize = 1024;

/// The most iterations of one key derivation that are granted: ten times what the strictest recommendation of today asks.
pub(super) const MAX_ITERATIONS: u64 = 1_000_000;

/// The most iterations of all visible key derivations together: about three seconds of one core.
pub(super) const MAX_TOTAL_ITERATIONS: u64 = 8_000_000;

/// The most memory that a scrypt derivation may ask for, in bytes.
pub(super) const MAX_SCRYPT_MEMORY: u64 = 64 * 1024 * 1024;
