//! Apple's formats: bytes in, typed values out; pure, no I/O.

pub mod anchors;
pub mod ber;
pub mod certificate;
pub mod cms;
pub mod signature;
pub mod signer;
pub mod value;
