//! Processes of the same user that want the password of the keychain.
