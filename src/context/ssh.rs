//! OpenSSH's formats, as far as a signature needs them: public keys, signatures and the list of allowed signers; pure.
//!
//! A signature of `ssh-keygen -Y sign` (OpenSSH's `PROTOCOL.sshsig`) holds the public key that made it, a namespace that
//! says what it is for, and the name of a hash. That it verifies proves only that somebody has the private half of that
//! key. Who that is, and whether they may sign, says an [`AllowedSigners`](allowed_signers::AllowedSigners) list (`ALLOWED SIGNERS` in ssh-keygen(1)).
//!
//! This reader is stricter than OpenSSH where a difference could only hide something: a signature has one encoding, a
//! line of the list that cannot be read makes the list unusable, and a time without `Z` is refused, because it means
//! another instant on another machine. Keys that certificate authorities vouch for are not accepted.
//!
//! - [`allowed_signers`]: who may sign, for what and when
//! - [`key`]: public keys, and whether a signature belongs to one
//! - [`signature`]: signatures in a namespace
//! - `patterns`: lists of patterns as OpenSSH matches them
//! - `wire`: the data types that all of these are made of (RFC 4251, section 5)

pub mod allowed_signers;
pub mod key;
mod patterns;
pub mod signature;
mod wire;
