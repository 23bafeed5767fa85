//! Apple's formats: bytes in, typed values out; pure, no I/O.

pub mod algorithm;
pub mod anchors;
pub mod app_store_connect;
pub mod ber;
pub mod certificate;
pub mod claims;
pub mod cms;
pub mod code_signature;
pub mod der_profile;
pub mod entitlements;
pub mod file_type;
pub mod identity;
pub mod intermediates;
pub mod match_repository;
pub mod pkcs12;
pub mod profile;
pub mod profile_signer;
pub mod property_list;
pub mod signature;
pub mod signed_message;
pub mod value;
