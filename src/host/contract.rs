//! What the contract suite needs of the machine: a throw-away directory, and an identity that `openssl` makes.
//!
//! Nothing of it is the user's: the keychain, the state directory, policy and manifest of the suite all lie in one
//! [`Throwaway`] directory, which is removed at the end, by the suite or by whoever finds it later.

pub mod openssl;
mod throwaway;

pub use self::throwaway::Throwaway;
