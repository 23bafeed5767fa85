//! Code signatures: what `codesign` puts into a product, and whether the product still is what was signed.
//!
//! A signed program carries a **SuperBlob** ([`super_blob`]): an index of blobs. One of them is the **CodeDirectory**
//! ([`code_directory`]): a table of hashes. Its code slots hold a hash for each page of the program, its special slots one
//! for each thing beside the program: `Info.plist`, requirements, the seal over the resources, entitlements. There may be
//! alternates, each with another hash type. The **CMS message** ([`message`]) signs the first CodeDirectory, and names all of
//! them in signed attributes. So the chain goes from Apple's root over the signer to the CodeDirectory, and from there to
//! each page and each file.
//!
//! A bundle seals its files in `_CodeSignature/CodeResources` ([`code_resources`]), a property list whose own hash stands
//! in a special slot. Its rules say which files are sealed; nested code is sealed by a **requirement** ([`requirement`]).
//!
//! Everything here is bytes in, typed values out. [`verify`] judges a whole product through the trait
//! [`product::Product`], which a folder and an archive implement, so that a product is verified on Linux as on a Mac.
//!
//! The rules are those of libsecurity_codesigning (Security-61901). Where this program is stricter, the finding says so:
//! each [`problem::Problem`] holds what `codesign --verify --strict --deep` is predicted to say, beside our own finding.

pub mod code_directory;
pub mod code_resources;
pub mod codesign;
pub mod embedded;
pub mod entitlements;
pub mod hash_type;
pub mod layout;
pub mod mach_o;
pub mod message;
pub mod path_rules;
pub mod problem;
pub mod product;
pub mod product_digest;
pub mod requirement;
pub mod signer;
pub mod slot;
pub mod super_blob;
pub mod ticket;
pub mod timestamp;
pub mod verify;
mod words;
