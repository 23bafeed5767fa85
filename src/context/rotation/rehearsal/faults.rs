//! Faults: what goes wrong in rotations, put into the plan on every machine and at every step to which it can happen.
//!
//! Where there is no other machine, a forgotten one is one like this.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::fleet::{Fleet, Judged, Node};
use super::holding::Holding;
use super::plan::{Plan, Step};
use super::{FailCause, FaultKind, Moment, Outcome, PlannedKind, RehearsedFault, Rollback, Said};
use crate::base::finding::Code;
use crate::base::ids::{CertSha1, FileSha256};
use crate::base::parallel;
use crate::context::gate::facts::ObservedTargets;
use crate::context::manifest::{Manifest, ManifestError};
use crate::context::rotation::revision;

/// So many places of a crash, and parts of a product, are rehearsed of one step: the first, the last, and those between in even distances.
pub(super) const MOST_PARTS: usize = 100;

/// A clock is wrong by so much.
const SKEW: SignedDuration = SignedDuration::from_hours(48);

/// What faults are put into.
pub(super) struct Scene<'s, 'a> {
    pub(super) fleet: &'s Fleet<'a>,
    pub(super) plan: &'s Plan<'a>,
    pub(super) judged: &'s [Judged<'s>],
    pub(super) calendar: &'s [Moment],
    pub(super) from: Timestamp,
    pub(super) targets: Option<&'s ObservedTargets>,
    /// For each step, and each machine as it is at the start, whether the gate of the start would pass when the step is taken.
    pub(super) starts: &'s [Vec<bool>],
    /// What taking back each step comes to.
    pub(super) rollbacks: Vec<Rollback>,
}

/// What came of one fault so far.
struct Tally {
    fault: RehearsedFault,
    causes: BTreeSet<FailCause>,
    codes: BTreeSet<Code>,
}

impl Tally {
    fn new(fault: FaultKind) -> Self {
        Self {
            fault: RehearsedFault {
                fault,
                builds: 0,
                pass: 0,
                blocked_rightly: 0,
                blocked_though_they_would_build: 0,
                pass_though_they_would_fail: 0,
                causes: Vec::new(),
                blocked_by: Vec::new(),
                rollback: Rollback::DoesNotApply,
                prevented_by: None,
            },
            causes: BTreeSet::new(),
            codes: BTreeSet::new(),
        }
    }

    fn add(&mut self, said: Said, builds: usize) {
        let fault = &mut self.fault;
        fault.builds += builds;
        *match said.outcome {
            Outcome::Passes => &mut fault.pass,
            Outcome::BlockedRightly => &mut fault.blocked_rightly,
            Outcome::BlockedThoughItWouldBuild => &mut fault.blocked_though_they_would_build,
            Outcome::PassesThoughItWouldFail => &mut fault.pass_though_they_would_fail,
        } += builds;
        self.causes.extend(said.fails);
        self.codes.extend(said.blocked_by);
    }

    /// What a rollback comes to where the gate passed before: the worst of all that is added.
    fn rolled_back(&mut self, passes: bool) {
        let rollback = &mut self.fault.rollback;
        *rollback = match (*rollback, passes) {
            (Rollback::DoesNotRestore, _) | (_, false) => Rollback::DoesNotRestore,
            (_, true) => Rollback::Restores,
        };
    }

    fn done(mut self) -> RehearsedFault {
        self.fault.causes = self.causes.into_iter().collect();
        self.fault.blocked_by = self.codes.into_iter().collect();
        self.fault
    }
}

/// What comes of each fault.
pub(super) fn all(scene: &Scene<'_, '_>) -> Result<Vec<RehearsedFault>, ManifestError> {
    let faults: Vec<Fault> = vec![
        |scene| Ok(scene.node_without_successors()),
        |scene| Ok(scene.skewed_clock()),
        |scene| Ok(scene.certificate_revoked()),
        |scene| Ok(scene.old_branch()),
        |scene| scene.crash_between_files(),
        |scene| scene.half_of_a_product(),
        |scene| Ok(scene.no_successors()),
    ];
    let tallied = parallel::map(faults, 1, |fault| fault(scene));
    tallied.into_iter().collect()
}

/// What comes of one fault.
type Fault = fn(&Scene<'_, '_>) -> Result<RehearsedFault, ManifestError>;

impl<'s, 'a> Scene<'s, 'a> {
    fn steps(&self) -> impl Iterator<Item = (usize, &'s Step<'a>)> {
        self.plan.steps.iter().enumerate()
    }

    /// What is said of a build of this manifest on a machine that holds this.
    fn said(&self, node: &Node<'_>, holding: &Holding, judged: &Judged<'_>, at: Timestamp) -> Said {
        let mut site = self.fleet.site(node, holding, judged);
        self.fleet.judge(&mut site, judged, at)
    }

    /// The machines, each with whether the gate of the start would pass on it, as it is at the start, when this step is taken.
    fn nodes_at(&self, step: usize) -> impl Iterator<Item = (&'s Node<'a>, bool)> {
        let starts = self.starts.get(step).map(Vec::as_slice).unwrap_or_default();
        self.fleet.nodes.iter().zip(starts.iter().copied())
    }

    /// Whether the gate of the start passes on a machine that holds this.
    fn start_passes(&self, node: &Node<'_>, holding: &Holding, at: Timestamp) -> bool {
        let start = self.judged.first();
        start.is_some_and(|start| self.said(node, holding, start, at).passes())
    }

    fn node_without_successors(&self) -> RehearsedFault {
        let mut tally = Tally::new(FaultKind::NodeWithoutSuccessors);
        let is_alone = self.fleet.nodes.iter().all(|node| node.is_own);
        for (number, step) in self.steps() {
            let Some(judged) = self.judged.get(number + 1) else {
                continue;
            };
            for (node, passed) in self.nodes_at(number) {
                if node.is_own && !is_alone {
                    continue;
                }
                let come = self.plan.files_that_come();
                let holding = Holding {
                    identities: self.fleet.holding(node, number + 1, self.plan).identities,
                    ..node.start.changed([], come)
                };
                tally.add(
                    self.said(node, &holding, judged, step.at),
                    node.members.len(),
                );
                // What is retired is taken back by its own step alone.
                let before = node.start.changed([], come);
                if step.kind != PlannedKind::Retire && passed {
                    tally.rolled_back(self.start_passes(node, &before, step.at));
                }
            }
        }
        tally.done()
    }

    fn skewed_clock(&self) -> RehearsedFault {
        let mut tally = Tally::new(FaultKind::SkewedClock);
        let mut sites = Vec::new();
        let mut sites_of = None;
        for moment in self.calendar {
            let Some(judged) = self.judged.get(moment.steps) else {
                continue;
            };
            if sites_of != Some(moment.steps) {
                sites = self.fleet.sites_after(moment.steps, judged, self.plan);
                sites_of = Some(moment.steps);
            }
            let behind = moment.at.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
            let ahead = moment.at.checked_add(SKEW).unwrap_or(Timestamp::MAX);
            for (node, site) in self.fleet.nodes.iter().zip(&mut sites) {
                // The audit log has a record of the true time, as of the gate before; a clock that is ahead has not been seen through.
                for (clock, record) in [(behind, Some(moment.at)), (ahead, None)] {
                    let said = self
                        .fleet
                        .judge_by_clock(site, judged, moment.at, clock, record);
                    tally.add(said, node.members.len());
                }
            }
        }
        tally.done()
    }

    fn certificate_revoked(&self) -> RehearsedFault {
        let mut tally = Tally::new(FaultKind::CertificateRevoked);
        for (number, step) in self.steps() {
            let Some(judged) = self.judged.get(number + 1) else {
                continue;
            };
            let revoked = signing_keys(judged.manifest, step);
            for node in &self.fleet.nodes {
                let mut holding = self.fleet.holding(node, number + 1, self.plan);
                // Of a machine whose keys are not known those are thought to be there that it needs.
                let keys = holding.identities.take();
                let keys = keys.unwrap_or_else(|| judged.build.keys());
                holding.identities = Some(keys.difference(&revoked).copied().collect());
                tally.add(
                    self.said(node, &holding, judged, step.at),
                    node.members.len(),
                );
                if step.kind != PlannedKind::Promote {
                    continue;
                }
                let Some(before) = self.judged.get(number) else {
                    continue;
                };
                // Where the old profiles are signed with the same certificate there is no way back.
                let old = signing_keys(before.manifest, step);
                if old.is_disjoint(&revoked) {
                    let mut back = self.fleet.rolled_back(node, number + 1, number, self.plan);
                    let keys = back.identities.take();
                    let keys = keys.unwrap_or_else(|| before.build.keys());
                    let whole = Holding {
                        identities: Some(keys.clone()),
                        ..back.clone()
                    };
                    back.identities = Some(keys.difference(&revoked).copied().collect());
                    if self.said(node, &whole, before, step.at).passes() {
                        let said = self.said(node, &back, before, step.at);
                        tally.rolled_back(said.passes());
                    }
                }
            }
        }
        tally.done()
    }

    fn old_branch(&self) -> RehearsedFault {
        let mut tally = Tally::new(FaultKind::OldBranch);
        let Some(start) = self.judged.first() else {
            return tally.done();
        };
        for (number, step) in self.steps() {
            for (node, passed) in self.nodes_at(number) {
                let holding = self.fleet.holding(node, number + 1, self.plan);
                tally.add(
                    self.said(node, &holding, start, step.at),
                    node.members.len(),
                );
                if step.kind != PlannedKind::Retire && passed {
                    let back = self.fleet.rolled_back(node, number + 1, 0, self.plan);
                    tally.rolled_back(self.start_passes(node, &back, step.at));
                }
            }
        }
        tally.done()
    }

    /// On the machine that leads. The manifest changes last, and where a rollback takes files away, first.
    fn crash_between_files(&self) -> Result<RehearsedFault, ManifestError> {
        let mut tally = Tally::new(FaultKind::CrashBetweenFiles);
        let Some(node) = self.fleet.nodes.iter().find(|node| node.is_own) else {
            return Ok(tally.done());
        };
        let nothing = BTreeSet::new();
        for (number, step) in self.steps() {
            let (Some(before), Some(after)) =
                (self.judged.get(number), self.judged.get(number + 1))
            else {
                continue;
            };
            let (held, holds) = (
                self.fleet.holding(node, number, self.plan),
                self.fleet.holding(node, number + 1, self.plan),
            );
            let come: Vec<&FileSha256> = match step.kind {
                PlannedKind::Stage => {
                    let new = step.pairs.iter().map(|pair| &pair.new.sha256);
                    new.filter(|it| !held.has(it)).collect()
                }
                PlannedKind::Promote | PlannedKind::Retire => Vec::new(),
            };
            let go: Vec<&FileSha256> = held.files.iter().filter(|it| !holds.has(it)).collect();
            let content = revision::restored(after.manifest.content(), before.manifest.content());
            let restored = Manifest::parse(&content.to_bytes())?;
            let restored = Judged::new(&restored, self.targets);
            for count in places(come.len()) {
                let some = come.iter().take(count).copied();
                let between = held.changed(some, &nothing);
                tally.add(self.said(node, &between, before, step.at), 1);
                // A rollback writes the manifest, and then takes these files away.
                let back = self.said(node, &between, &restored, step.at);
                tally.add(back, 1);
            }
            for count in places(go.len()).filter(|_| !go.is_empty()) {
                let gone = go.iter().take(count).map(|it| **it).collect();
                let between = held.changed([], &gone);
                tally.add(self.said(node, &between, before, step.at), 1);
                // A rollback puts these files back, and then writes the manifest.
                let some = go.iter().take(count).copied();
                let back = holds.changed(some, &nothing);
                tally.add(self.said(node, &back, after, step.at), 1);
            }
            // The next command finishes the step, and a rollback takes it back.
            match self.rollbacks.get(number) {
                Some(Rollback::Restores) => tally.rolled_back(true),
                Some(Rollback::DoesNotRestore) => tally.rolled_back(false),
                Some(Rollback::DoesNotApply) | None => {}
            }
        }
        Ok(tally.done())
    }

    /// The app before its extensions, in each part.
    fn half_of_a_product(&self) -> Result<RehearsedFault, ManifestError> {
        let mut tally = Tally::new(FaultKind::HalfOfAProduct);
        tally.fault.prevented_by =
            Some("a promotion changes all targets of a product in one revision");
        for (number, step) in self.steps() {
            let Some(before) = self.judged.get(number) else {
                continue;
            };
            let last = step.pairs.len();
            if step.kind != PlannedKind::Promote || last < 2 {
                continue;
            }
            for left in places(last).filter(|left| (1..last).contains(left)) {
                let some = step.pairs.iter().skip(left).copied();
                let content = revision::promoted(before.manifest.content(), some, step.at);
                let half = Manifest::parse(&content.to_bytes())?;
                let half = Judged::new(&half, self.targets);
                for node in &self.fleet.nodes {
                    let holding = self.fleet.holding(node, number + 1, self.plan);
                    tally.add(
                        self.said(node, &holding, &half, step.at),
                        node.members.len(),
                    );
                }
            }
            match self.rollbacks.get(number) {
                Some(Rollback::Restores) => tally.rolled_back(true),
                Some(Rollback::DoesNotRestore) => tally.rolled_back(false),
                Some(Rollback::DoesNotApply) | None => {}
            }
        }
        Ok(tally.done())
    }

    fn no_successors(&self) -> RehearsedFault {
        let mut tally = Tally::new(FaultKind::NoSuccessors);
        let Some(start) = self.judged.first() else {
            return tally.done();
        };
        let mut instants: BTreeSet<Timestamp> = self.calendar.iter().map(|it| it.at).collect();
        instants.insert(self.from);
        for node in &self.fleet.nodes {
            let mut site = self.fleet.site(node, &node.start, start);
            for at in &instants {
                let said = self.fleet.judge(&mut site, start, *at);
                tally.add(said, node.members.len());
            }
        }
        tally.done()
    }
}

/// The keys that sign what a step is about, by this manifest.
fn signing_keys(manifest: &Manifest, step: &Step<'_>) -> BTreeSet<CertSha1> {
    let is_meant = |uuid| {
        let mut pairs = step.pairs.iter();
        step.pairs.is_empty() || pairs.any(|pair| pair.old.uuid == uuid || pair.new.uuid == uuid)
    };
    let targets = manifest
        .targets()
        .iter()
        .map(|it| (&it.profile, it.certificate));
    let products = manifest
        .products()
        .iter()
        .map(|it| (&it.profile, it.certificate));
    let meant = targets
        .chain(products)
        .filter(|(uuid, _)| is_meant((*uuid).clone()));
    let keys = meant.filter_map(|(uuid, certificate)| {
        let (_, profile) = manifest.profile(uuid)?;
        let mut certificates = profile.certificates();
        Some(certificates.find(|it| it.sha256 == certificate)?.sha1)
    });
    keys.collect()
}

/// The counts from none to `all`; of many the first, the last and some between.
fn places(all: usize) -> impl Iterator<Item = usize> {
    let stride = all.div_ceil(MOST_PARTS).max(1);
    (0..all).step_by(stride).chain([all])
}
