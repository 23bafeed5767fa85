//! Types that all rooms share: identifiers, digests, secrets, instants, findings, errors.
//!
//! Nothing here knows Apple's formats or touches the machine.

pub mod cause;
pub mod clock;
pub mod digest;
pub mod error;
pub mod event;
pub mod finding;
pub mod hash_index;
pub mod ids;
pub mod parallel;
pub mod plain;
pub mod release;
pub mod remedy;
pub mod secret;
pub mod shell;
pub mod wildcard;
pub mod withheld;
