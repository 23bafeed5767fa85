//! What `security find-identity -v -p codesigning` prints of identities.

use super::certificate::Identity;

/// The output, for identities that are all valid.
pub fn valid(identities: &[&Identity]) -> String {
    let mut out = String::new();
    for (number, identity) in identities.iter().enumerate() {
        let (hash, name) = (identity.sha1_hex(), identity.common_name());
        out.push_str(&format!("{:3}) {hash} \"{name}\"\n", number + 1));
    }
    out + &format!("     {} valid identities found\n", identities.len())
}
