//! Profiles given to targets by hand: `[[targets]]`.
//!
//! Normally the mapping of targets to profiles is computed. An override is for what cannot be computed: two profiles
//! that fit equally well, or a target whose settings cannot be resolved.

use std::collections::HashMap;

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
        Some(reader.distinct(read, |rule| {
            (rule.target.clone(), rule.configuration.clone())
        }))
    }

    fn read(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<Self> {
        let target = reader
            .require(
                table,
                "target",
                "write the name of the target, as in target = \"ShareExtension\"",
            )
            .and_then(|item| reader.parsed(&item, "a target's name, as text"));
        let configuration = match reader.get(table, "configuration") {
            Some(item) => reader
                .parsed(&item, "a build configuration, as text")
                .map(Some),
            None => Some(None),
        };
        let profile = reader
            .require(table, "profile", "write the UUID of its profile")
            .and_then(|item| reader.parsed(&item, "a profile's UUID, as text"));
        Some(Self {
            target: target?,
            configuration: configuration?,
            profile: profile?,
        })
    }
}

/// Overrides, by the target that they are for.
#[derive(Debug)]
pub struct TargetOverrides<'a> {
    by_target: HashMap<(&'a TargetName, Option<&'a ConfigurationName>), &'a TargetOverride>,
}

impl<'a> TargetOverrides<'a> {
    /// An index of `all`.
    pub fn new(all: &'a [TargetOverride]) -> Self {
        let mut by_target = HashMap::with_capacity(all.len());
        for rule in all {
            by_target
                .entry((&rule.target, rule.configuration.as_ref()))
                .or_insert(rule);
        }
        Self { by_target }
    }

    /// The override for this target and configuration: one that names the configuration before one for all.
    pub fn find(
        &self,
        target: &TargetName,
        configuration: &ConfigurationName,
    ) -> Option<&'a TargetOverride> {
        let of = |configuration| self.by_target.get(&(target, configuration)).copied();
        of(Some(configuration)).or_else(|| of(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_for_the_configuration_comes_before_one_for_all() {
        let rule = |configuration: Option<&str>, digit: &str| TargetOverride {
            target: "Share".parse().unwrap(),
            configuration: configuration.map(|name| name.parse().unwrap()),
            profile: "00000000-0000-0000-0000-00000000000x"
                .replace('x', digit)
                .parse()
                .unwrap(),
        };
        let all = [rule(None, "1"), rule(Some("Release"), "2")];
        let found = |target: &str, configuration: &str| {
            let configuration = configuration.parse().unwrap();
            TargetOverrides::new(&all)
                .find(&target.parse().unwrap(), &configuration)
                .cloned()
        };
        assert_eq!(found("Share", "Release"), Some(rule(Some("Release"), "2")));
        assert_eq!(found("Share", "Debug"), Some(rule(None, "1")));
        assert_eq!(found("App", "Release"), None);
    }
}
