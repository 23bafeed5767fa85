//! Where private keys may live: `[topology]`.
//!
//! A fleet answers one question before all others: which machines may hold the keys? The policy names the arrangement
//! ([`TopologyKind`]), the hosts by their exact names, and the regions they stand in. There are no patterns: a host name
//! with a wildcard would let whoever names machines decide who may sign.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::reader::{Item, Reader, Table};
use crate::base::ids::{HostName, RegionName};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["kind", "key_hosts", "regions"];

/// How private keys are laid out over the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TopologyKind {
    /// A few hosts do nothing but sign, everything else sends them work.
    DedicatedSigner,
    /// Keys are copied, under dual control, to a known list of build hosts.
    ControlledDistribution,
    /// Each runner has its own keys; the only kind that may leave the hosts unnamed.
    #[default]
    PerRunner,
}

impl TopologyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [
        Self::DedicatedSigner,
        Self::ControlledDistribution,
        Self::PerRunner,
    ];

    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DedicatedSigner => "dedicated-signer",
            Self::ControlledDistribution => "controlled-distribution",
            Self::PerRunner => "per-runner",
        }
    }
}

impl fmt::Display for TopologyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where private keys may live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topology {
    /// The arrangement.
    pub kind: TopologyKind,
    /// The only hosts that may hold private keys. Empty, which only `per-runner` may leave it, means any host.
    pub key_hosts: Vec<HostName>,
    /// The hosts of each region; a host may stand in several.
    pub regions: BTreeMap<RegionName, Vec<HostName>>,
}

impl Topology {
    /// Whether `host` may hold private keys. Names are compared whole and without regard to case.
    pub fn may_hold_keys(&self, host: &HostName) -> bool {
        let any = self.kind == TopologyKind::PerRunner && self.key_hosts.is_empty();
        any || self.key_hosts.iter().any(|known| known.same_as(host))
    }

    /// The regions that `host` stands in, by name.
    pub fn regions_of(&self, host: &HostName) -> Vec<&RegionName> {
        self.regions
            .iter()
            .filter(|(_, hosts)| hosts.iter().any(|known| known.same_as(host)))
            .map(|(region, _)| region)
            .collect()
    }

    /// Whether `host` stands in `region`; `None` if there is no such region.
    pub fn stands_in(&self, host: &HostName, region: &RegionName) -> Option<bool> {
        let hosts = self.regions.get(region)?;
        Some(hosts.iter().any(|known| known.same_as(host)))
    }

    pub(super) fn read(reader: &mut Reader<'_>, section: &Table<'_>) -> Self {
        const HOST: &str = "a host's exact name, as text";
        let written_kind = reader.get(section, "kind");
        let kind = written_kind
            .as_ref()
            .and_then(|item| read_kind(reader, item));
        let written_hosts = reader.get(section, "key_hosts");
        let key_hosts = written_hosts
            .as_ref()
            .and_then(|item| reader.parsed_list::<HostName, _>(item, HOST, folded));

        let needs_hosts = kind.is_some_and(|kind| kind != TopologyKind::PerRunner);
        // A list whose every name was refused is empty for another reason, which has been reported.
        let place = match &written_hosts {
            Some(item) if item.is_empty_list() => Some(item),
            Some(_) => None,
            None => written_kind.as_ref(),
        };
        if let Some(place) = place.filter(|_| needs_hosts) {
            let message = format!(
                "`topology.kind` is {}, but `topology.key_hosts` names no host, so no host may sign",
                kind.unwrap_or_default()
            );
            reader.complain(
                place,
                message,
                "name the signing hosts in topology.key_hosts, as in [\"signer-01.example.com\"]",
            );
        }

        let regions = reader
            .get(section, "regions")
            .and_then(|item| read_regions(reader, &item, key_hosts.as_deref()));
        Self {
            kind: kind.unwrap_or_default(),
            key_hosts: key_hosts.unwrap_or_default(),
            regions: regions.unwrap_or_default(),
        }
    }
}

fn read_kind(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<TopologyKind> {
    const EXPECTED: &str = "dedicated-signer, controlled-distribution or per-runner";
    reader.word(
        item,
        EXPECTED,
        TopologyKind::ALL.map(|kind| (kind.as_str(), kind)),
    )
}

fn read_regions(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    key_hosts: Option<&[HostName]>,
) -> Option<BTreeMap<RegionName, Vec<HostName>>> {
    const REGIONS: &str = "a table of regions, as in { us-east = [\"signer-01.example.com\"] }";
    const HOST: &str = "one of topology.key_hosts, as text";
    // Hosts that could not be read have been reported; calling each region's hosts unknown as well would be noise.
    // No hosts at all means that any host may hold keys, and so stand in a region.
    let key_hosts = key_hosts.unwrap_or_default();
    let known: BTreeSet<String> = key_hosts.iter().map(folded).collect();
    let table = reader.table(item, REGIONS)?;
    let mut regions = BTreeMap::new();
    for (name, item) in reader.entries(&table) {
        let region = match name.parse::<RegionName>() {
            Ok(region) => region,
            Err(error) => {
                reader.complain(&item, error.to_string(), "rename the region");
                continue;
            }
        };
        let Some(items) = reader.list(&item, "a list of hosts") else {
            continue;
        };
        if items.is_empty() {
            let message = format!("the region `{region}` has no host, so no job can run in it");
            reader.complain(&item, message, "name its hosts, or delete the region");
        }
        let mut hosts = Vec::new();
        for item in &items {
            let Some(host) = reader.parsed::<HostName>(item, HOST) else {
                continue;
            };
            if !known.is_empty() && !known.contains(&folded(&host)) {
                reader.unknown_word(
                    item,
                    format!("the region `{region}` names a host that is not in topology.key_hosts"),
                    host.as_str(),
                    key_hosts.iter().map(HostName::as_str),
                );
            }
            hosts.push((host, item));
        }
        let hosts = reader.distinct(hosts, folded);
        regions.insert(region, hosts);
    }
    Some(regions)
}

fn folded(host: &HostName) -> String {
    host.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> HostName {
        name.parse().unwrap()
    }

    fn signers() -> Topology {
        let us = "us-east".parse().unwrap();
        let eu = "eu-west".parse().unwrap();
        Topology {
            kind: TopologyKind::DedicatedSigner,
            key_hosts: vec![host("a.example"), host("b.example")],
            regions: BTreeMap::from([
                (us, vec![host("a.example")]),
                (eu, vec![host("a.example"), host("b.example")]),
            ]),
        }
    }

    #[test]
    fn only_named_hosts_may_hold_keys() {
        let topology = signers();
        assert!(topology.may_hold_keys(&host("a.example")));
        assert!(
            topology.may_hold_keys(&host("A.Example")),
            "DNS has no case"
        );
        for stranger in ["a", "a.example.com", "xa.example", "c.example"] {
            assert!(!topology.may_hold_keys(&host(stranger)), "{stranger}");
        }
    }

    #[test]
    fn runners_without_names_may_all_hold_keys_and_other_kinds_may_not() {
        assert!(Topology::default().may_hold_keys(&host("anything")));
        for kind in [
            TopologyKind::DedicatedSigner,
            TopologyKind::ControlledDistribution,
        ] {
            let topology = Topology {
                kind,
                ..Topology::default()
            };
            assert!(!topology.may_hold_keys(&host("anything")), "{kind}");
        }
    }

    #[test]
    fn a_host_may_stand_in_several_regions_or_none() {
        let topology = signers();
        let names = |name: &str| {
            let regions = topology.regions_of(&host(name));
            regions.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("a.example"), ["eu-west", "us-east"]);
        assert_eq!(names("B.example"), ["eu-west"]);
        assert!(names("c.example").is_empty());
        let us = "us-east".parse().unwrap();
        assert_eq!(topology.stands_in(&host("b.example"), &us), Some(false));
        assert_eq!(topology.stands_in(&host("a.example"), &us), Some(true));
        let mars = "mars".parse().unwrap();
        assert_eq!(topology.stands_in(&host("a.example"), &mars), None);
    }
}
