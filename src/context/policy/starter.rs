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

const TEXT: &str = include_str!("starter.toml");

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
        assert_eq!(*directories, [Path::new("/app/manifests/../signing \"a\"")]);
    }

    #[test]
    fn without_directories_xcodes_count_and_no_home_is_needed() {
        let policy = Policy::parse(&text(&[]), Path::new("signing.toml"), None);
        assert!(policy.unwrap().profiles.directories.is_empty());
    }
}
