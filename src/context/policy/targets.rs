//! Profiles given to targets by hand: `[[targets]]`.
//!
//! Normally the mapping of targets to profiles is computed. An override is for what cannot be computed: two profiles
//! that fit equally well, or a target whose settings cannot be resolved.

use super::reader::{Item, Reader, Table};
use crate::base::ids::{ConfigurationName, ProfileUuid, TargetName};

/// The keys of one override.
pub(super) const KEYS: &[&str] = &["target", "configuration", "profile"];

/// A profile given to a target by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetOverride {
    /// The target.
    pub target: TargetName,
    /// The build configuration; `None` means every one that has no override of its own.
    pub configuration: Option<ConfigurationName>,
    /// The profile.
    pub profile: ProfileUuid,
}

impl TargetOverride {
    /// The override among `all` for this target and configuration: one that names the configuration before one for all.
    pub fn find<'a>(
        all: &'a [Self],
        target: &TargetName,
        configuration: &ConfigurationName,
    ) -> Option<&'a Self> {
        let of_target = || all.iter().filter(|one| one.target == *target);
        of_target()
            .find(|one| one.configuration.as_ref() == Some(configuration))
            .or_else(|| of_target().find(|one| one.configuration.is_none()))
    }

    pub(super) fn read_all(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Vec<Self>> {
        let items = reader.list(item, "a list of overrides, each under [[targets]]")?;
        let read = items
            .iter()
            .filter_map(|item| {
                let table = reader.table(item, "an override with target and profile")?;
                reader.report_unknown(&table, "targets");
                Some((Self::read(reader, &table)?, item))
            })
            .collect();
        Some(reader.distinct(read, |one| (one.target.clone(), one.configuration.clone())))
    }

    fn read(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<Self> {
        let target = reader
            .require(
                table,
                "target",
                "write which target it is, as in target = \"ShareExtension\"",
            )
            .and_then(|item| reader.parsed(&item, "a target's name, as text"));
        let configuration = match reader.get(table, "configuration") {
            Some(item) => reader
                .parsed(&item, "a build configuration, as text")
                .map(Some),
            None => Some(None),
        };
        let profile = reader
            .require(
                table,
                "profile",
                "write the UUID of its profile; `countersign profile list` shows them",
            )
            .and_then(|item| reader.parsed(&item, "a profile's UUID, as text"));
        Some(Self {
            target: target?,
            configuration: configuration?,
            profile: profile?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_for_the_configuration_comes_before_one_for_all() {
        let one = |configuration: Option<&str>, digit: &str| TargetOverride {
            target: "Share".parse().unwrap(),
            configuration: configuration.map(|name| name.parse().unwrap()),
            profile: "00000000-0000-0000-0000-00000000000x"
                .replace('x', digit)
                .parse()
                .unwrap(),
        };
        let all = [one(None, "1"), one(Some("Release"), "2")];
        let found = |target: &str, configuration: &str| {
            let configuration = configuration.parse().unwrap();
            TargetOverride::find(&all, &target.parse().unwrap(), &configuration).cloned()
        };
        assert_eq!(found("Share", "Release"), Some(one(Some("Release"), "2")));
        assert_eq!(found("Share", "Debug"), Some(one(None, "1")));
        assert_eq!(found("App", "Release"), None);
    }
}
