//! Apple's formats: bytes in, typed values out; pure, no I/O.

pub mod entitlements;
pub mod identity;
pub mod pkcs12;
pub mod property_list;
pub mod value;
