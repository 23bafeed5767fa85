//! The calendar: the instants at which something changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::plan::Plan;
use super::{Event, EventKind, MOST_INSTANTS, Moment, PlannedKind, Request};
use crate::base::ids::CertSha256;
use crate::context::manifest::{Manifest, PinnedCertificate, ProfileState};

/// So many names stand in an event.
const NAMED: usize = 3;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The instants of a rehearsal, in their order, and how many later ones were left out.
pub(super) fn calendar(request: &Request<'_>, plan: &Plan<'_>) -> (Vec<Moment>, usize) {
    let mut events: BTreeMap<Timestamp, BTreeMap<EventKind, BTreeSet<String>>> = BTreeMap::new();
    let mut add = |at: Timestamp, kind: EventKind, name: Option<&str>| {
        if at >= request.from {
            let names = events.entry(at).or_default().entry(kind).or_default();
            names.extend(name.map(ToOwned::to_owned));
        }
    };
    add(request.from, EventKind::Now, None);
    for rotation in &plan.rotations {
        add(rotation.begin_by, EventKind::BeginBy, None);
    }
    for step in &plan.steps {
        let product = step.group.as_ref().map(|group| group.name.as_str());
        let kind = match step.kind {
            PlannedKind::Stage => EventKind::Stage,
            PlannedKind::Promote => EventKind::Promote,
            PlannedKind::Retire => EventKind::Retire,
        };
        add(step.at, kind, product);
    }
    let ends = ends(request);
    for (end, kind, name) in &ends {
        add(*end, *kind, Some(name));
    }
    // What ends within one day is over the day after the last of it.
    let mut days: BTreeMap<i64, Timestamp> = BTreeMap::new();
    for (end, ..) in ends.iter().filter(|(end, ..)| *end >= request.from) {
        let day = end.as_second().div_euclid(DAY.as_secs());
        // They are in their order, so the last one stays.
        days.insert(day, *end);
    }
    for end in days.into_values() {
        let at = end.checked_add(DAY).unwrap_or(Timestamp::MAX);
        add(at, EventKind::DayAfter, None);
    }
    let left_out = events.len().saturating_sub(MOST_INSTANTS);
    let moments = events.into_iter().take(MOST_INSTANTS);
    let moments = moments.map(|(at, events)| Moment {
        at,
        events: events
            .into_iter()
            .map(|(what, names)| Event {
                what,
                more: names.len().saturating_sub(NAMED),
                names: names.into_iter().take(NAMED).collect(),
            })
            .collect(),
        steps: plan.steps_by(at),
    });
    (moments.collect(), left_out)
}

/// What ends when: the profiles that sign or will, of every branch, and the certificates that sign with them.
fn ends(request: &Request<'_>) -> Vec<(Timestamp, EventKind, String)> {
    let branches = request.branches.iter();
    let manifests: Vec<&Manifest> = branches
        .map(|branch| &branch.manifest)
        .chain([request.manifest])
        .collect();
    let mut pinned: BTreeSet<CertSha256> = BTreeSet::new();
    for manifest in &manifests {
        pinned.extend(manifest.targets().iter().map(|it| it.certificate));
        pinned.extend(manifest.products().iter().map(|it| it.certificate));
    }
    let profiles = manifests.into_iter().flat_map(Manifest::profiles);
    let profiles = profiles.filter(|profile| profile.state != ProfileState::Retiring);
    let profiles = profiles.chain(request.pairs.iter().map(|pair| &pair.new));
    let mut ends = BTreeSet::new();
    let mut certificates: BTreeMap<CertSha256, &PinnedCertificate> = BTreeMap::new();
    for profile in profiles {
        ends.insert((
            profile.expires,
            EventKind::ProfileEnds,
            profile.name.clone(),
        ));
        // Of the dozens of a development profile nobody waits for every one.
        let lasting = profile
            .certificates()
            .max_by_key(|it| (it.expires, it.sha256));
        let signing = profile
            .certificates()
            .filter(|it| pinned.contains(&it.sha256));
        certificates.extend(signing.chain(lasting).map(|it| (it.sha256, it)));
    }
    let mut named: HashMap<&str, usize> = HashMap::new();
    for certificate in certificates.values() {
        *named.entry(&certificate.common_name).or_default() += 1;
    }
    for certificate in certificates.values() {
        // A renewed certificate has the name of the old one.
        let name = match named.get(&*certificate.common_name) {
            Some(2..) => certificate.title(),
            _ => certificate.common_name.clone(),
        };
        ends.insert((certificate.expires, EventKind::CertificateEnds, name));
    }
    ends.into_iter().collect()
}
