//! Intermediates: whether each machine holds the certificate that issued what signs.
//!
//! Where the intermediate of a signing certificate is missing, `security find-identity` shows no valid identity and `codesign` builds no
//! chain, though all else is right. A renewed certificate may come from another generation than the old one, so that is found out before
//! it signs. What a machine holds is known by its probe, if somebody handed its certificates to that. Else it is not known, and that is
//! what is said.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::probe::{NodeProbe, newest};
use crate::apple::intermediates;
use crate::base::finding::{Code, Finding, Severity};
use crate::base::ids::HostName;
use crate::context::manifest::PinnedCertificate;

/// Whether a machine holds an intermediate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// It does, and the intermediate is valid.
    Yes,
    /// It holds one of that name, which has expired.
    Expired,
    /// It does not.
    No,
    /// Its probe does not say, or there is none.
    Unknown,
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "held",
            Self::Expired => "expired",
            Self::No => "missing",
            Self::Unknown => "not known",
        })
    }
}

/// Whether the machine of this probe holds the intermediate of this name.
pub fn holds(probe: Option<&NodeProbe>, name: &str, now: Timestamp) -> Holds {
    let Some(held) = probe.and_then(|probe| probe.intermediates.as_ref()) else {
        return Holds::Unknown;
    };
    let of_name = held.iter().filter(|it| it.name == name);
    match of_name.map(|it| it.expires).max() {
        None => Holds::No,
        Some(end) if end > now => Holds::Yes,
        Some(_) => Holds::Expired,
    }
}

/// Each intermediate of `signing`, by name, with a certificate that it issued.
pub fn needed<'a>(
    signing: impl IntoIterator<Item = &'a PinnedCertificate>,
) -> BTreeMap<&'a str, &'a PinnedCertificate> {
    let mut needed = BTreeMap::new();
    for certificate in signing {
        needed.entry(&*certificate.issuer).or_insert(certificate);
    }
    needed
}

/// The machines whose probes show that they lack an intermediate that `signing` needs. Of each machine its newest probe counts.
pub fn lacking<'a>(
    probes: &[NodeProbe],
    signing: impl IntoIterator<Item = &'a PinnedCertificate>,
    severity: Severity,
    now: Timestamp,
) -> Vec<Finding> {
    let needed = needed(signing);
    let mut findings = Vec::new();
    for probe in newest(probes) {
        for (name, certificate) in &needed {
            let found = match holds(Some(probe), name, now) {
                Holds::Yes | Holds::Unknown => continue,
                Holds::Expired => "one that has expired".to_owned(),
                Holds::No => match probe.intermediates.as_ref().map_or(0, Vec::len) {
                    0 => "no intermediate".to_owned(),
                    1 => "1 other intermediate".to_owned(),
                    count => format!("{count} other intermediates"),
                },
            };
            findings.push(absent(&probe.host, name, certificate, found, severity));
        }
    }
    findings
}

fn absent(
    host: &HostName,
    name: &str,
    certificate: &PinnedCertificate,
    found: String,
    severity: Severity,
) -> Finding {
    let file = match intermediates::file(name) {
        Some(file) => format!("{file} of https://www.apple.com/certificateauthority/"),
        None => format!("the certificate of {name}"),
    };
    Finding::new(
        Code::NodeLacksIntermediate,
        severity,
        format!(
            "host {host} lacks the intermediate that issued {:?}",
            certificate.common_name
        ),
    )
    .values(name, found)
    .hint(format!("install {file} on {host}, and probe it again"))
}
