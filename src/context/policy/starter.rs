//! The first policy of a project: what `countersign init` writes, for people to read and change.

use serde::Deserialize;

/// The text of a first policy. `directories` are where the profiles lie, as the policy names them; none: where Xcode keeps them.
pub fn text(directories: &[String]) -> String {
    // A string of JSON is one of TOML.
    let directories: Vec<String> = directories
        .iter()
        .map(|directory| serde_json::Value::from(directory.as_str()).to_string())
        .collect();
    TEXT.replace("@directories@", &directories.join(", "))
}

/// Whether a policy is such a text for the directories that it names: nobody has changed it.
pub fn is_untouched(policy: &str) -> bool {
    #[derive(Deserialize)]
    struct Named {
        profiles: Profiles,
    }
    #[derive(Deserialize)]
    struct Profiles {
        directories: Vec<String>,
    }
    let named: Result<Named, _> = toml::from_str(policy);
    named.is_ok_and(|named| text(&named.profiles.directories) == policy)
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
    fn it_is_untouched_until_somebody_changes_a_byte_of_it() {
        for directories in [&[][..], &["../signing \"a\"".to_owned(), "/b".to_owned()]] {
            let text = text(directories);
            assert!(is_untouched(&text), "{text}");
            assert!(!is_untouched(&format!("{text}\n")));
            assert!(!is_untouched(&text.replace("\"7d\"", "\"8d\"")));
        }
        assert!(!is_untouched(""));
        assert!(!is_untouched("[profiles]\ndirectories = 1\n"));
    }

    #[test]
    fn without_directories_xcodes_count_and_no_home_is_needed() {
        let policy = Policy::parse(&text(&[]), Path::new("signing.toml"), None);
        assert!(policy.unwrap().profiles.directories.is_empty());
    }
}
