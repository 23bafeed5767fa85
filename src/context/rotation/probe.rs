//! Probes: what another machine says that it holds.
//!
//! A rotation writes to no other machine. Each machine installs successors itself and hands over a probe: its name, its clock, the
//! digests of the profiles in its directories, the certificates that it has keys for, and the intermediates that it holds. A promotion looks at the probes, so that no
//! build begins on a machine that lacks what it needs.
//!
//! A probe is not signed: it keeps honest people from a mistake.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apple::certificate::Certificate;
use crate::base::finding::{Code, Finding};
use crate::base::ids::{CertSha1, CertSha256, FileSha256, HostName};
use crate::base::remedy::Remedy;
use crate::context::manifest::{PinnedCertificate, PinnedProfile};
use crate::context::policy::Topology;

/// The largest probe that is read, in bytes: a hundred thousand profiles.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The schema of this version.
pub const SCHEMA: &str = "countersign.node-probe.v1";

/// A clock may be ahead by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What a machine holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NodeProbe {
    /// Always `countersign.node-probe.v1`.
    #[schemars(extend("const" = "countersign.node-probe.v1"))]
    pub schema: String,
    /// The machine's name.
    pub host: HostName,
    /// What its clock said (RFC 3339, UTC).
    pub time: Timestamp,
    /// The directories of profiles that were looked into.
    pub directories: Vec<String>,
    /// SHA-256 of each file in them that is named like a profile, hex, sorted.
    pub profiles: Vec<FileSha256>,
    /// SHA-1 of the certificates that it has private keys for, hex, sorted; absent if nobody named a keychain or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identities: Option<Vec<CertSha1>>,
    /// The intermediates that it holds, by name; absent if nobody handed its certificates over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intermediates: Option<Vec<HeldIntermediate>>,
}

/// An intermediate that a machine holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldIntermediate {
    /// Its common name and generation.
    pub name: String,
    /// SHA-256 of its DER encoding, hex.
    pub sha256: CertSha256,
    /// When it expires (RFC 3339, UTC).
    pub expires: Timestamp,
}

/// The intermediates among certificates, by name; roots and what signs are none.
pub fn held(certificates: &[Certificate]) -> Vec<HeldIntermediate> {
    let intermediates = certificates
        .iter()
        .filter(|it| it.is_ca && !it.is_self_issued());
    let mut held: Vec<HeldIntermediate> = intermediates
        .map(|it| HeldIntermediate {
            name: it.subject_name(),
            sha256: it.sha256,
            expires: it.validity.not_after,
        })
        .collect();
    held.sort();
    held.dedup();
    held
}

/// What a file says, before it is known to be a probe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: String,
    host: HostName,
    time: Timestamp,
    directories: Vec<String>,
    profiles: Vec<FileSha256>,
    #[serde(default)]
    identities: Option<Vec<CertSha1>>,
    #[serde(default)]
    intermediates: Option<Vec<HeldIntermediate>>,
}

/// Why a file is no probe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It is not the JSON of one.
    #[error("this is no probe of a machine: {0}")]
    Json(String),
    /// It is one of another version.
    #[error("this probe is of the version {0:?}, and this countersign reads {SCHEMA:?}")]
    Schema(String),
}

impl NodeProbe {
    /// Reads a probe.
    ///
    /// # Errors
    /// The bytes are no probe, or one of another version.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProbeError> {
        #[derive(Deserialize)]
        struct Light {
            schema: String,
        }
        let json = |error: serde_json::Error| ProbeError::Json(error.to_string());
        let Light { schema } = serde_json::from_slice(bytes).map_err(json)?;
        if schema != SCHEMA {
            return Err(ProbeError::Schema(schema));
        }
        let mut written: Written = serde_json::from_slice(bytes).map_err(json)?;
        written.profiles.sort_unstable();
        Ok(Self {
            schema: written.schema,
            host: written.host,
            time: written.time,
            directories: written.directories,
            profiles: written.profiles,
            identities: written.identities,
            intermediates: written.intermediates,
        })
    }

    /// Whether a file with these bytes lies in its directories.
    pub fn holds(&self, sha256: &FileSha256) -> bool {
        self.profiles.binary_search(sha256).is_ok()
    }
}

/// Of each machine its newest probe, in the order in which the machines are first named.
pub fn newest(probes: &[NodeProbe]) -> Vec<&NodeProbe> {
    let mut newest: Vec<&NodeProbe> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for probe in probes {
        let place = places.entry(folded(&probe.host));
        let place = *place.or_insert(newest.len());
        match newest.get_mut(place) {
            Some(known) if known.time < probe.time => *known = probe,
            Some(_) => {}
            None => newest.push(probe),
        }
    }
    newest
}

/// The places of two probes of one machine at one instant that say different things: which of them is true nobody can tell.
pub fn contradiction(probes: &[NodeProbe]) -> Option<(usize, usize)> {
    let mut known: HashMap<(String, Timestamp), usize> = HashMap::new();
    for (place, probe) in probes.iter().enumerate() {
        let key = (folded(&probe.host), probe.time);
        let first = *known.entry(key).or_insert(place);
        let is_same = |other: &NodeProbe| {
            let host = probe.host.clone();
            *probe
                == NodeProbe {
                    host,
                    ..other.clone()
                }
        };
        if !probes.get(first).is_some_and(is_same) {
            return Some((first, place));
        }
    }
    None
}

/// Each of these machines once.
pub fn distinct<'h>(hosts: impl IntoIterator<Item = &'h HostName>) -> Vec<&'h HostName> {
    let mut known = HashSet::new();
    let hosts = hosts.into_iter();
    hosts.filter(|host| known.insert(folded(host))).collect()
}

/// The name of a host in one case: hosts whose names differ in it alone are the same ([`HostName::same_as`]).
fn folded(host: &HostName) -> String {
    host.as_str().to_ascii_lowercase()
}

/// Whether machines must have shown that they hold something, or it is enough that none shows that it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Every known host must have shown it.
    EveryHost,
    /// Hosts that have shown nothing are told.
    NoneWithout,
}

/// A new profile, and what must be there to sign with it.
#[derive(Debug, Clone)]
pub struct Needed<'a> {
    /// The profile.
    pub profile: &'a PinnedProfile,
    /// The certificates of which there must be keys: of each of these rows one.
    pub keys: Vec<Vec<&'a PinnedCertificate>>,
}

impl<'a> Needed<'a> {
    /// With a key for each of these certificates; where nothing is `pinned`, with one for any that the profile embeds.
    pub fn of(profile: &'a PinnedProfile, pinned: Option<Vec<&'a PinnedCertificate>>) -> Self {
        let keys = match pinned {
            Some(pinned) => pinned.into_iter().map(|it| vec![it]).collect(),
            None => vec![profile.certificates().collect()],
        };
        Self { profile, keys }
    }

    /// With its file alone.
    pub fn file_of(profile: &'a PinnedProfile) -> Self {
        let keys = Vec::new();
        Self { profile, keys }
    }

    /// A row of certificates of which no key is among these.
    fn without_key(&self, identities: &[CertSha1]) -> Option<&[&PinnedCertificate]> {
        let has_key =
            |row: &[&PinnedCertificate]| row.iter().any(|it| identities.contains(&it.sha1));
        let mut rows = self.keys.iter().map(Vec::as_slice);
        rows.find(|row| !has_key(row))
    }
}

/// What keeps `needed` from being relied on: machines that lack one of them or have shown nothing, and machines that may hold keys and
/// show that they have none for it. Of each machine its newest probe counts. `own` is this machine, which is looked at itself.
pub fn lacking(
    probes: &[NodeProbe],
    needed: &[Needed<'_>],
    topology: &Topology,
    own: Option<&HostName>,
    demand: Demand,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_own = |host: &HostName| own.is_some_and(|own| own.same_as(host));
    let probes = newest(probes);
    let of_probes = probes.iter().map(|probe| &probe.host);
    for host in distinct(topology.key_hosts.iter().chain(of_probes)) {
        if is_own(host) {
            continue;
        }
        let Some(probe) = probes.iter().find(|probe| probe.host.same_as(host)) else {
            let message = format!("host {host} has not shown that it holds the new profiles");
            let finding = match demand {
                Demand::EveryHost => Finding::block(Code::NodeLacksSuccessor, message),
                Demand::NoneWithout => Finding::warn(Code::NodeLacksSuccessor, message),
            };
            findings.push(
                finding
                    .values(format!("a probe of {host}"), "no probe")
                    .hint(format!("probe {host}, and name the file"))
                    .remedy(Remedy::ProbeNode),
            );
            continue;
        };
        let ahead = probe.time.duration_since(now);
        if ahead > SKEW {
            findings.push(
                Finding::block(
                    Code::NodeLacksSuccessor,
                    format!("the clock of {host} and that of this machine differ"),
                )
                .values(now, probe.time)
                .hint("set both clocks by the network, and probe the machine again"),
            );
        }
        let absent: Vec<&PinnedProfile> = needed
            .iter()
            .map(|needed| needed.profile)
            .filter(|profile| !probe.holds(&profile.sha256))
            .collect();
        if let Some(first) = absent.first() {
            let more = match absent.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            findings.push(
                Finding::block(
                    Code::NodeLacksSuccessor,
                    format!(
                        "host {host} does not hold the new profile {}{more}",
                        first.title()
                    ),
                )
                .values(
                    format!("a file with sha256:{}", first.sha256),
                    format!("none of the {} files there", probe.profiles.len()),
                )
                .of_profile(&first.uuid)
                .touching(absent.iter().map(|profile| profile.touched()).collect())
                .hint(format!(
                    "install the new profiles on {host}, and probe it again"
                )),
            );
        }
        if topology.may_hold_keys(host) {
            findings.extend(keyless(probe, needed));
        }
    }
    findings
}

/// That a machine which shows its identities has no key for a new profile.
fn keyless(probe: &NodeProbe, needed: &[Needed<'_>]) -> Option<Finding> {
    let identities = probe.identities.as_ref()?;
    let mut keyless = needed.iter().filter_map(|needed| {
        let row = needed.without_key(identities)?;
        Some((needed.profile, row))
    });
    let (first, row) = keyless.next()?;
    let touched: Vec<_> = std::iter::once(first)
        .chain(keyless.map(|(profile, _)| profile))
        .map(PinnedProfile::touched)
        .collect();
    let more = match touched.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let host = &probe.host;
    let meant = match row {
        [] => "a certificate that it embeds".to_owned(),
        [one] => one.title(),
        [one, others @ ..] => format!("{} or one of {} others", one.title(), others.len()),
    };
    Some(
        Finding::block(
            Code::NodeLacksSuccessor,
            format!(
                "host {host} has no private key for the new profile {}{more}",
                first.title()
            ),
        )
        .values(
            format!("the identity of {meant}"),
            format!("none of the {} identities there", identities.len()),
        )
        .of_profile(&first.uuid)
        .touching(touched)
        .hint(format!(
            "import the identity on {host}, and probe it again with its identities"
        )),
    )
}
