//! The first policy of a project: what `countersign init` writes, for people to read and change.

/// The text of a first policy. `directories` are where the profiles lie, as the policy names them; none: where Xcode keeps them.
pub fn text(directories: &[String]) -> String {
    // A string of JSON is one of TOML.
    let directories: Vec<String> = directories
        .iter()
        .map(|directory| serde_json::Value::from(directory.as_str()).to_string())
        .collect();
    TEXT.replace("@directories@", &directories.join(", "))
}

const TEXT: &str = r#"# The signing policy: which machines may sign, with what, and when.
#
# Countersign reads this file before every build. Unknown keys are errors. If a rule of this file blocks a build, the finding names
# its line. Review changes to this file like code. Relative paths are relative to this file; ~ is the home directory of the user
# who signs.

# The version of this file's format.
version = 1

# Where private keys may live.
[topology]
# Each runner has its own keys. Hosted runners cannot be named, because each job gets another machine: so no host is checked.
# If your own machines sign, name them, and a key on any other machine blocks:
#   kind = "dedicated-signer"
#   key_hosts = ["signer-01.example.com"]
kind = "per-runner"

# Rules for provisioning profiles.
[profiles]
# The directories of installed profiles. Empty: Xcode's two directories.
directories = [@directories@]
# A profile or certificate with less validity left than this blocks the build.
minimum_validity = "7d"
# A profile or certificate with less validity left than this gives a warning, so that you can renew it in time.
warn_before = "30d"
# More certificate authorities to trust, as PEM files. Apple's are known.
trust_anchors = []

# The keychain that `countersign run` opens for a job and closes after it.
[keychain]
# Use a separate file, never the login keychain: countersign creates, locks and destroys it.
path = "~/Library/Keychains/countersign-ci.keychain-db"
# How long nearly every build takes. The keychain stays open for 1.5 times that, and never longer than the ceiling.
build_p95 = "20m"
unlock_ceiling = "45m"

[gate]
# What `gate --without` may leave out. Pull requests are judged on machines that have no keys: there `gate --without identities`
# gives a verdict about profiles and targets. Such a verdict opens no keychain.
waivable = ["identities"]
# What `run --without` may leave out. A run opens the keychain, so nothing.
run_waivable = []
"#;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::finding::Group;
    use crate::context::policy::{Policy, TopologyKind};

    #[test]
    fn it_is_a_policy_for_runners_that_nobody_can_name() {
        let home = Path::new("/Users/ci");
        let text = text(&["../signing \"a\"".to_owned()]);
        let policy = Policy::parse(&text, Path::new("/app/manifests/signing.toml"), Some(home));
        let policy = policy.unwrap();
        assert_eq!(policy.topology.kind, TopologyKind::PerRunner);
        assert!(policy.gate.waivable.iter().eq(&[Group::Identities]));
        assert!(policy.gate.run_waivable.is_empty());
        let directories = &policy.profiles.directories;
        assert_eq!(*directories, [Path::new("/app/signing \"a\"")]);
    }

    #[test]
    fn without_directories_xcodes_count() {
        let policy = Policy::parse(&text(&[]), Path::new("signing.toml"), None);
        assert!(policy.unwrap().profiles.directories.is_empty());
    }
}
